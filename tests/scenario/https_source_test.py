#!/usr/bin/env python3
"""An update over HTTPS from nginx: its certificate is known by source.ca-file alone, and it asks for the client's.

Usage: https_source_test.py CUBE_UPDATE CUBE_RELEASE APPLIANCE_MODULES
"""
import contextlib
import os
import pathlib
import socket
import subprocess
import sys
import tempfile
import time

from tiny_tree import make_tiny_tree

UPDATE, RELEASE = sys.argv[1:3]
sys.path.insert(0, sys.argv[3])
from appliance import scratch  # noqa: E402

RELEASES = [f"CUBE_{version}_20260101-0000_abcd1234" for version in ("1.0.0", "2.0.0")]


def run(*command, wanted=0, says=""):
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True, timeout=120)
    print("$", *command, done.stdout, done.stderr, sep="\n")
    if done.returncode != wanted or says not in done.stdout + done.stderr:
        sys.exit(f"exit {done.returncode}, not {wanted} with \"{says}\"")


def publish(folder, repository):
    run(RELEASE, "init", repository, "--product", "CUBE")
    for release in RELEASES:
        version = release.split("_")[1]
        make_tiny_tree(folder / version, version)
        run(RELEASE, "compose", folder / version, "--version", version, "--built", "20260101-0000", "--source", "abcd1234",
            "--repository", repository)
    run(RELEASE, "publish", "--repository", repository)


def make_certificate(folder, name, *more):
    run("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", f"/CN={name}", *more,
        "-keyout", folder / f"{name}.key", "-out", folder / f"{name}.pem")


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextlib.contextmanager
def nginx(folder, repository):
    """A server that knows its clients by certificate. Its log has a line `CONNECTION PATH STATUS` for each request."""
    port = free_port()
    (folder / "nginx.conf").write_text(f"""
        daemon off; pid nginx.pid; error_log error.log; {'user root;' if os.geteuid() == 0 else ''}
        events {{}}
        http {{
          log_format short "$connection $uri $status"; access_log access.log short;
          server {{
            listen 127.0.0.1:{port} ssl; root {repository};
            ssl_certificate server.pem; ssl_certificate_key server.key;
            ssl_client_certificate client.pem; ssl_verify_client on;
          }}
        }}""")
    server = subprocess.Popen(["nginx", "-p", folder, "-c", "nginx.conf", "-e", "error.log"])
    try:
        for _ in range(100):
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
                break
            time.sleep(0.1)
        yield port
    finally:
        server.terminate()
        server.wait(10)


def main():
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        repository, machine = folder / "repository", scratch.Scratch(folder / "machine")
        publish(folder, repository)
        make_certificate(folder, "server", "-addext", "subjectAltName=IP:127.0.0.1")
        make_certificate(folder, "client")
        machine.folder.mkdir()
        machine.lay_out(repository / "metadata/1.root.json")
        run(UPDATE, "install-slot", machine.folder / "slots/a", RELEASES[0], "--from", repository, "--trusted-root",
            repository / "metadata/1.root.json")
        machine.start()
        config = machine.folder / "usr/lib/cube-update/config.d/20-source.toml"
        with nginx(folder, repository) as port:
            config.write_text(f'[source]\nurl = "https://127.0.0.1:{port}"\n')
            run(UPDATE, "apply", "--root", machine.folder, wanted=4, says="certificate")
            config.write_text(config.read_text() + f'ca-file = "{folder}/server.pem"\n')
            run(UPDATE, "apply", "--root", machine.folder, wanted=9, says="status 400")
            config.write_text(config.read_text() + f'client-certificate = "{folder}/client.pem"\nclient-key = "{folder}/client.key"\n')
            run(UPDATE, "apply", "--root", machine.folder, says=RELEASES[1])
        if machine.start() != ("b", True):
            sys.exit("the machine does not start the trial")
        log = [line.split() for line in (folder / "access.log").read_text().splitlines()]
        metadata = {connection for connection, path, status in log if path.endswith(".json") and status != "400"}
        if len(metadata) != 1:
            sys.exit(f"metadata came over {len(metadata)} connections, not one: {log}")


if __name__ == "__main__":
    main()
