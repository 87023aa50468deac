"""Serves a repository on the loopback address and drives cube-tuf-conformance against it."""
import json
import os
import subprocess
import tempfile
import threading
import unittest
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from repository import Repository

PROGRAM = os.environ["CUBE_TUF_CLIENT"]


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        _, _, path = self.path.partition("/")
        place, _, name = path.partition("/")
        repository = self.server.repository
        content = repository.metadata(name) if place == "metadata" else repository.target(name)
        if callable(content):  # a test that wants the connection for itself
            content(self)
            return
        if content is None:
            self.send_error(404)
            return
        self.send_response(200)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_):
        pass


class TufTest(unittest.TestCase):
    """A new repository and a client that has its first root but has not refreshed yet."""

    def setUp(self):
        self.start(Repository())

    def start(self, repository):
        self.repository = repository
        self.folder = Path(self.enterContext(tempfile.TemporaryDirectory()))
        self.metadata_dir, self.target_dir = self.folder / "metadata", self.folder / "targets"
        self.metadata_dir.mkdir()
        self.target_dir.mkdir()
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.repository = repository
        thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        self.addCleanup(self.server.server_close)
        self.addCleanup(thread.join)
        self.addCleanup(self.server.shutdown)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        if repository.published:
            self.assertEqual(self.init(repository.published["root"][0]), 0)

    def run_client(self, *words, time=None):
        command = [PROGRAM, "--metadata-dir", self.metadata_dir, *(["--time", time] if time else []), *words]
        done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
        self.said = done.stderr
        self.assertIn(done.returncode, (0, 1), f"{command}: {done.stderr}")
        if done.returncode == 1:
            self.assertTrue(done.stderr.startswith("cube-tuf-conformance: "), done.stderr)
        return done.returncode

    def init(self, root):
        path = self.folder / "first_root.json"
        path.write_bytes(root)
        return self.run_client("init", path)

    def refresh(self, time=None):
        return self.run_client("--metadata-url", f"{self.url}/metadata", "refresh", time=time)

    def download(self, name, time=None):
        return self.run_client("--metadata-url", f"{self.url}/metadata/", "--target-name", name,
                               "--target-base-url", f"{self.url}/targets/", "--target-dir", self.target_dir,
                               "download", time=time)

    def accepted(self, time=None):
        self.assertEqual(self.refresh(time), 0, self.said if hasattr(self, "said") else "")

    def refused(self, because, time=None):
        self.assertEqual(self.refresh(time), 1, "was accepted")
        self.assertIn(because, self.said)

    def trusted(self):
        """Role -> version of all metadata that the client keeps."""
        return {path.name[:-len(".json")]: json.loads(path.read_bytes())["signed"]["version"]
                for path in sorted(self.metadata_dir.glob("*.json"))}

    def expect_trusted(self, **versions):
        self.assertEqual(self.trusted(), versions)

    def downloaded(self):
        return sorted(path.read_bytes() for path in self.target_dir.rglob("*") if path.is_file())
