"""nginx on loopback, and its log: bytes on the wire and requests."""
import pathlib
import socket
import subprocess
import time

CONFIGURATION = """daemon off;
error_log {folder}/error.log;
pid {folder}/nginx.pid;
worker_processes 1;
user root;
events {{ worker_connections 256; }}
http {{
  log_format bytes '$bytes_sent $request_length $status $request_uri';
  access_log {folder}/access.log bytes;
  client_body_temp_path {folder}; proxy_temp_path {folder}; fastcgi_temp_path {folder}; uwsgi_temp_path {folder}; scgi_temp_path {folder};
  sendfile on; tcp_nopush on; keepalive_timeout 65; keepalive_requests 100000;
  server {{ listen {address}:{port}; root {root}; }}
}}
"""


class Server:
    """`within`: words that put it into a network namespace."""

    def __init__(self, folder, root, address="127.0.0.1", within=()):
        self.folder = pathlib.Path(folder)
        self.folder.mkdir(parents=True)
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.address = address
        (self.folder / "nginx.conf").write_text(CONFIGURATION.format(folder=self.folder, root=root, address=address, port=self.port))
        self.process = subprocess.Popen([*within, "nginx", "-e", f"{self.folder}/error.log", "-c", f"{self.folder}/nginx.conf"])
        self._wait()
        self.seen = 0

    def _wait(self):
        for _ in range(200):
            try:
                socket.create_connection((self.address, self.port), 1).close()
                return
            except OSError:
                if self.process.poll() is not None:
                    raise RuntimeError((self.folder / "error.log").read_text()) from None
                time.sleep(0.05)
        raise RuntimeError("nginx does not answer")

    def url(self, path):
        return f"http://{self.address}:{self.port}/{path}"

    def traffic(self):
        """(bytes sent and received, requests) since it was asked last."""
        with open(self.folder / "access.log") as log:
            log.seek(self.seen)
            lines = [line.split() for line in log]
            self.seen = log.tell()
        return sum(int(line[0]) + int(line[1]) for line in lines), len(lines)

    def stop(self):
        self.process.terminate()
        self.process.wait()
