#!/usr/bin/env python3
"""A repository made by the real cube-release, verified without a line of this project's code: the standard
library of Python and the program openssl. So both sides are not wrong in the same way.

Usage: independent_check.py CUBE_RELEASE
"""
import base64
import datetime
import hashlib
import json
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

from tiny_tree import make_tiny_tree

PROGRAM = ""
# An ed25519 public key as SubjectPublicKeyInfo (RFC 8410) is this head and the 32 bytes.
KEY_HEAD = bytes.fromhex("302a300506032b6570032100")


def canonical(value):
    """OLPC canonical JSON, http://wiki.laptop.org/go/Canonical_JSON."""
    if isinstance(value, str):
        return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, int):
        return str(value)
    if isinstance(value, list):
        return "[" + ",".join(map(canonical, value)) + "]"
    return "{" + ",".join(canonical(key) + ":" + canonical(value[key]) for key in sorted(value)) + "}"


def openssl_accepts(key, message, signature):
    public, scheme = key["keyval"]["public"], key["scheme"]
    if scheme == "ed25519":
        pem = base64.encodebytes(KEY_HEAD + bytes.fromhex(public)).decode()
        public = f"-----BEGIN PUBLIC KEY-----\n{pem}-----END PUBLIC KEY-----\n"
    options = {"ed25519": [], "ecdsa-sha2-nistp256": ["-digest", "sha256"],
               "rsassa-pss-sha256": ["-digest", "sha256", "-pkeyopt", "rsa_padding_mode:pss",
                                     "-pkeyopt", "rsa_pss_saltlen:digest"]}[scheme]
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "key").write_text(public)
        (Path(folder) / "message").write_bytes(message)
        (Path(folder) / "signature").write_bytes(signature)
        done = subprocess.run(["openssl", "pkeyutl", "-verify", "-rawin", "-pubin", "-inkey", "key", "-in", "message",
                               "-sigfile", "signature", *options], cwd=folder, capture_output=True, timeout=30)
    return done.returncode == 0


def read(path, meta=None):
    raw = path.read_bytes()
    if meta is not None:
        assert len(raw) == meta["length"], f"{path}: length"
        assert hashlib.sha256(raw).hexdigest() == meta["hashes"]["sha256"], f"{path}: hash"
    return raw


def check_role(document, root, role):
    """Demands the threshold of distinct keys, and freshness; returns `signed`."""
    body = document["signed"]
    message = canonical(body).encode()
    good = set()
    for signature in document["signatures"]:
        if signature["keyid"] not in root["roles"][role]["keyids"]:
            continue
        key = root["keys"][signature["keyid"]]
        assert hashlib.sha256(canonical(key).encode()).hexdigest() == signature["keyid"], "key id"
        if openssl_accepts(key, message, bytes.fromhex(signature["sig"])):
            good.add(key["keyval"]["public"])
    assert len(good) >= root["roles"][role]["threshold"], f"{role}: {len(good)} good signatures"
    expires = datetime.datetime.strptime(body["expires"], "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=datetime.timezone.utc)
    assert body["_type"] == role and expires > datetime.datetime.now(datetime.timezone.utc), f"{role}: expired"
    return body


def verify(repository, trusted_root):
    """Names of all releases that the trusted root vouches for; AssertionError when anything is wrong."""
    metadata = repository / "metadata"
    document = json.loads(read(trusted_root))
    root = check_role(document, document["signed"], "root")
    while (following := metadata / f"{root['version'] + 1}.root.json").exists():
        document = json.loads(read(following))
        check_role(document, root, "root")
        assert document["signed"]["version"] == root["version"] + 1, "root: version"
        root = check_role(document, document["signed"], "root")
    timestamp = check_role(json.loads(read(metadata / "timestamp.json")), root, "timestamp")
    meta = timestamp["meta"]["snapshot.json"]
    snapshot = check_role(json.loads(read(metadata / f"{meta['version']}.snapshot.json", meta)), root, "snapshot")
    meta = snapshot["meta"]["targets.json"]
    targets = check_role(json.loads(read(metadata / f"{meta['version']}.targets.json", meta)), root, "targets")
    names = []
    for target, described in targets["targets"].items():
        folder, file = target.rsplit("/", 1)
        path = repository / "targets" / folder / f"{described['hashes']['sha256']}.{file}"
        content = read(path, described)
        if file != "manifest.json":
            continue
        manifest = json.loads(content)
        for pack in manifest["packs"]:
            listed = targets["targets"][f"{folder}/{pack['file']}"]
            assert listed["hashes"]["sha256"] == pack["sha256"], "pack"
        commit = manifest["ostree"]["commit"]
        stored = repository / "repo/objects" / commit[:2] / (commit[2:] + ".commit")
        assert hashlib.sha256(stored.read_bytes()).hexdigest() == commit, "commit object"
        names.append(manifest["name"])
    return sorted(names)


class IndependentCheck(unittest.TestCase):
    def setUp(self):
        scratch = tempfile.TemporaryDirectory(prefix="cube-independent-")
        self.addCleanup(scratch.cleanup)
        self.scratch = Path(scratch.name)
        self.repository = self.scratch / "r"
        self.trusted = self.repository / "metadata/1.root.json"
        make_tiny_tree(self.scratch / "tree")
        for name, kind in (("root-2", "rsa"), ("targets", "ecdsa"), ("snapshot", "rsa")):
            self.run_it("key", "generate", name, "--type", kind, "--keys", "r.keys")
        self.run_it("init", "r", "--product", "CUBE")
        self.released = [self.release("2.2.4")]

    def run_it(self, *words):
        done = subprocess.run([PROGRAM, *words], cwd=self.scratch, capture_output=True, text=True, timeout=60)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout.strip()

    def release(self, version):
        name = self.run_it("compose", "tree", "--version", version, "--repository", "r")
        self.run_it("pack", "--repository", "r")
        self.run_it("publish", "--repository", "r")
        return name

    def test_what_is_published_is_believed(self):
        self.released.append(self.release("2.2.5"))
        self.assertEqual(verify(self.repository, self.trusted), sorted(self.released))

    def test_the_next_root_is_followed(self):
        self.run_it("key", "generate", "timestamp-2", "--repository", "r")
        self.run_it("root", "--add", "timestamp=timestamp-2", "--remove", "timestamp=timestamp", "--repository", "r")
        self.assertEqual(verify(self.repository, self.trusted), self.released)

    def test_every_file_that_a_machine_reads_counts(self):
        files = [p for p in self.repository.rglob("*") if p.is_file() and
                 (p.parent.name == "metadata" or p.name.endswith((".manifest.json", ".commit")))]
        self.assertGreaterEqual(len(files), 6)
        for path in files:
            good = path.read_bytes()
            # A later expiry where there is one: the document keeps its form.
            at = good.index(b'"expires"') + len('"expires": "') if b'"expires"' in good else len(good) // 2
            path.write_bytes(good[:at] + bytes([good[at] ^ 1]) + good[at + 1:])
            with self.assertRaises(AssertionError, msg=path):
                verify(self.repository, self.trusted)
            path.write_bytes(good)
        self.assertEqual(verify(self.repository, self.trusted), self.released)

    def test_another_publishers_root_vouches_for_nothing(self):
        self.run_it("init", "other", "--product", "CUBE")
        with self.assertRaises(AssertionError):
            verify(self.repository, self.scratch / "other/metadata/1.root.json")


if __name__ == "__main__":
    PROGRAM = str(Path(sys.argv.pop(1)).resolve())
    unittest.main()
