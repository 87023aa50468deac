#!/usr/bin/env python3
"""An update over HTTPS from a server whose certificate only source.ca-file knows, metadata and objects alike.

Usage: https_source_test.py CUBE_UPDATE CUBE_RELEASE APPLIANCE_MODULES
"""
import functools
import http.server
import pathlib
import ssl
import subprocess
import sys
import tempfile
import threading

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


def serve(folder, repository):
    """The port, and the certificate that the server made for itself."""
    certificate, key = folder / "certificate.pem", folder / "key.pem"
    run("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=127.0.0.1",
        "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", key, "-out", certificate)
    handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=repository)
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server.server_address[1], certificate


def main():
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        repository, machine = folder / "repository", scratch.Scratch(folder / "machine")
        publish(folder, repository)
        port, certificate = serve(folder, repository)
        machine.folder.mkdir()
        machine.lay_out(repository / "metadata/1.root.json")
        run(UPDATE, "install-slot", machine.folder / "slots/a", RELEASES[0], "--from", repository, "--trusted-root",
            repository / "metadata/1.root.json")
        machine.start()
        config = machine.folder / "usr/lib/cube-update/config.d/20-source.toml"
        config.write_text(f'[source]\nurl = "https://127.0.0.1:{port}"\n')
        run(UPDATE, "apply", "--root", machine.folder, wanted=4, says="certificate")
        config.write_text(config.read_text() + f'ca-file = "{certificate}"\n')
        run(UPDATE, "apply", "--root", machine.folder, says=RELEASES[1])
        if machine.start() != ("b", True):
            sys.exit("the machine does not start the trial")


if __name__ == "__main__":
    main()
