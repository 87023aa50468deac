"""A real etcd (etcd-server of Debian) in a folder, on loopback, and what it has ever seen: its own watch, from the
first revision."""
import base64
import http.client
import json
import os
import socket
import subprocess
import time

PROGRAM = os.environ.get("CUBE_ETCD", "/usr/bin/etcd")
PREFIX = "/cube-update/v1/"


def _free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


def base64_of(text):
    return base64.b64encode(text.encode()).decode()


class Etcd:
    def __init__(self, folder, *arguments, name="one", tls=None):
        """`tls`: an ssl.SSLContext that believes the certificate among the arguments."""
        self.folder, self.arguments, self.name, self.tls = folder, arguments, name, tls
        self.port, self.peer_port = _free_port(), _free_port()
        self.url = f"http{'s' if tls else ''}://127.0.0.1:{self.port}"
        self.peer_url = f"http://127.0.0.1:{self.peer_port}"
        self.cluster = (self,)
        self.process = None

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.kill()

    def start(self):
        self.spawn()
        self.wait()

    def spawn(self):
        members = ",".join(f"{one.name}={one.peer_url}" for one in self.cluster)
        self.process = subprocess.Popen(
            [PROGRAM, "--data-dir", self.folder, "--name", self.name, "--listen-client-urls", self.url,
             "--advertise-client-urls", self.url, "--listen-peer-urls", self.peer_url,
             "--initial-advertise-peer-urls", self.peer_url, "--initial-cluster", members, "--log-level", "error",
             *self.arguments], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def wait(self):
        end = time.monotonic() + 30
        while time.monotonic() < end:
            try:
                self.ask("/v3/kv/range", {"key": base64_of("x")})
                return
            except (OSError, http.client.HTTPException, KeyError):
                time.sleep(0.1)
        raise RuntimeError("etcd does not answer")

    def kill(self):
        if self.process:
            self.process.kill()
            self.process.wait()
            self.process = None

    def ask(self, path, body):
        connection = (http.client.HTTPSConnection("127.0.0.1", self.port, timeout=10, context=self.tls) if self.tls
                      else http.client.HTTPConnection("127.0.0.1", self.port, timeout=10))
        connection.request("POST", path, json.dumps(body))
        answer = json.loads(connection.getresponse().read())
        connection.close()
        answer["header"]  # an error has none
        return answer

    def bytes_below(self):
        end = PREFIX[:-1] + chr(ord("/") + 1)
        answer = self.ask("/v3/kv/range", {"key": base64_of(PREFIX), "range_end": base64_of(end)})
        return sum(len(base64.b64decode(one["key"])) + len(base64.b64decode(one.get("value", "")))
                   for one in answer.get("kvs", []))

    def write_history(self, file):
        """One JSON line for each change, in order. Returns how many."""
        revision = int(self.ask("/v3/kv/range", {"key": base64_of("x")})["header"]["revision"])
        # The last change may be another's: one more, that ends what is waited for.
        self.ask("/v3/kv/put", {"key": base64_of(PREFIX + "end"), "value": ""})
        end = PREFIX[:-1] + chr(ord("/") + 1)
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        connection.request("POST", "/v3/watch", json.dumps({"create_request": {
            "key": base64_of(PREFIX), "range_end": base64_of(end), "start_revision": "1"}}))
        answer, count = connection.getresponse(), 0
        with open(file, "w") as out:
            while True:
                line = answer.readline()
                if not line:
                    raise RuntimeError("etcd ended its watch")
                for event in json.loads(line)["result"].get("events", []):
                    kv = event["kv"]
                    at = int(kv["mod_revision"])
                    if at > revision:
                        return count
                    count += 1
                    print(json.dumps({"revision": at, "key": base64.b64decode(kv["key"]).decode(),
                                      "erased": event.get("type") == "DELETE",
                                      "value": base64.b64decode(kv.get("value", "")).decode()}), file=out)
