"""A web server on loopback that sends parts of files, and does it wrong where a test asks for that."""
import http.server
import os
import re
import threading


class RangeServer:
    """`faults`: path end -> function(handler, file, first, last) that answers in its own way."""

    def __init__(self, folder):
        self.folder, self.faults, self.requests, self.lock = str(folder), {}, [], threading.Lock()
        owner = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                try:
                    owner.answer(self)
                except ConnectionError:  # a client that has heard enough hangs up
                    self.close_connection = True

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()

    def asked(self, end):
        """Paths and ranges of requests for files with that end."""
        with self.lock:
            return [(path, asked) for path, asked in self.requests if path.endswith(end)]

    def answer(self, handler):
        asked = re.fullmatch(r"bytes=(\d+)-(\d*)", handler.headers.get("Range") or "")
        with self.lock:
            self.requests.append((handler.path, asked and asked[0]))
        path = self.folder + handler.path.replace("%20", " ")
        if not os.path.isfile(path):
            return send(handler, 404, b"not here")
        size = os.path.getsize(path)
        first, last = (int(asked[1]), int(asked[2] or size - 1)) if asked else (0, size - 1)
        for end, fault in list(self.faults.items()):
            if handler.path.endswith(end):
                return fault(handler, path, first, last)
        return give(handler, path, first, last, partial=bool(asked))


def read(path, first, last):
    with open(path, "rb") as file:
        file.seek(first)
        return file.read(last - first + 1)


def send(handler, status, body, fields=(), announced=None):
    handler.send_response(status)
    for name, value in fields:
        handler.send_header(name, value)
    handler.send_header("Content-Length", str(len(body) if announced is None else announced))
    if announced is not None:
        handler.send_header("Connection", "close")
        handler.close_connection = True
    handler.end_headers()
    handler.wfile.write(body)


def give(handler, path, first, last, partial=True, sent=None, size=None):
    """The range; only `sent` bytes of it before the connection is cut."""
    body = read(path, first, last)
    fields = [("Content-Range", f"bytes {first}-{last}/{size or os.path.getsize(path)}")] if partial else []
    cut = sent is not None and sent < len(body)
    send(handler, 206 if partial else 200, body[:sent] if cut else body, fields, len(body) if cut else None)


# Faults.

def no_ranges(handler, path, first, last):
    give(handler, path, 0, os.path.getsize(path) - 1, partial=False)


def other_range(handler, path, first, last):
    give(handler, path, max(first - 1, 0), max(last - 1, 0))


def another_length(handler, path, first, last):
    give(handler, path, first, last, size=os.path.getsize(path) + 1)


def status(code):
    return lambda handler, path, first, last: send(handler, code, b"no")


def damaged(at):
    """Byte `at` of the file is another one."""
    def fault(handler, path, first, last):
        body = bytearray(read(path, first, last))
        if first <= at <= last:
            body[at - first] ^= 1
        send(handler, 206, bytes(body), [("Content-Range", f"bytes {first}-{last}/{os.path.getsize(path)}")])
    return fault


def cut_after(count, times=1):
    """The first `times` answers are cut off after `count` bytes."""
    left = [times]

    def fault(handler, path, first, last):
        left[0] -= 1
        give(handler, path, first, last, sent=count if left[0] >= 0 else None)
    return fault


def once(fault):
    """Only the first answer is wrong."""
    used = []

    def both(handler, path, first, last):
        if used:
            return give(handler, path, first, last)
        used.append(True)
        return fault(handler, path, first, last)
    return both
