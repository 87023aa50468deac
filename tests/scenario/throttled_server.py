"""A web server for one folder on 127.0.0.1, with ranges and entity tags, as slow as a test wants it."""
import hashlib
import http.server
import pathlib
import re
import socketserver
import threading
import time

PIECE = 16 * 1024


class ThrottledServer:
    """`rate`: bytes of each connection per second, 0: no limit. `sent`: bytes of packs and objects so far.
    `delay`: seconds before each answer. `ranges`: whether it sends parts of files, or the whole instead."""

    def __init__(self, folder):
        self.folder, self.rate, self.sent, self.open = pathlib.Path(folder), 0, 0, True
        self.delay, self.ranges = 0, True
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                outer.answer(self)

            def log_message(self, *_):
                pass

        class Server(socketserver.ThreadingMixIn, http.server.HTTPServer):
            daemon_threads = True

            def handle_error(self, *_):
                pass  # a client that was stopped

        self._server = Server(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        self._thread.start()

    @property
    def url(self):
        return f"http://127.0.0.1:{self._server.server_port}"

    def close(self):
        """Connections end, too."""
        self.open = False
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def answer(self, request):
        time.sleep(self.delay)
        file = self.folder / request.path.lstrip("/")
        if not file.is_file():
            request.send_response(404)
            request.send_header("Content-Length", "0")
            request.end_headers()
            return
        content = file.read_bytes()
        part = re.fullmatch(r"bytes=(\d+)-(\d+)", request.headers.get("Range", "") if self.ranges else "")
        first, last = (int(part[1]), min(int(part[2]), len(content) - 1)) if part else (0, len(content) - 1)
        request.send_response(206 if part else 200)
        request.send_header("ETag", f'"{hashlib.sha256(content).hexdigest()}"')
        if part:
            request.send_header("Content-Range", f"bytes {first}-{last}/{len(content)}")
        request.send_header("Content-Length", str(last - first + 1))
        request.end_headers()
        counted = file.suffix != ".json"
        for start in range(first, last + 1, PIECE):
            if not self.open:
                raise ConnectionAbortedError
            piece = content[start:min(start + PIECE, last + 1)]
            request.wfile.write(piece)
            self.sent += len(piece) if counted else 0
            if self.rate and counted:
                time.sleep(len(piece) / self.rate)
