#!/usr/bin/env python3
"""Keys that the program openssl made: taken by cube-release key import, or refused with a reason.

Usage: key_import_test.py CUBE_RELEASE [TEST...]
"""
import json
import os
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

from tiny_tree import make_tiny_tree

PROGRAM = ""
KINDS = {
    "ed25519": ["-algorithm", "ed25519"],
    "p256": ["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"],
    "rsa2048": ["-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"],
    "rsa1024": ["-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:1024"],
    "rsa-pss": ["-algorithm", "RSA-PSS", "-pkeyopt", "rsa_keygen_bits:2048"],
    "p384": ["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-384"],
    "k256": ["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:secp256k1"],
    "explicit": ["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-pkeyopt", "ec_param_enc:explicit"],
    "ed448": ["-algorithm", "ed448"],
}


class KeyImport(unittest.TestCase):
    def setUp(self):
        scratch = tempfile.TemporaryDirectory(prefix="cube-import-")
        self.addCleanup(scratch.cleanup)
        self.scratch = Path(scratch.name)

    def run_it(self, *words, code=0, secret=None):
        command = [PROGRAM, *map(str, words)]
        if secret is not None:
            command = ["bash", "-c", 'exec 3<<<"$0"; exec "$@" --passphrase-fd 3', secret, *command]
        done = subprocess.run(command, cwd=self.scratch, capture_output=True, text=True, timeout=60, start_new_session=True)
        self.assertEqual(done.returncode, code, f"{words}: {done.stdout}{done.stderr}")
        if code != 0:
            self.assertRegex(done.stderr, r"\Acube-release: .*\n\Z", "one sentence")
        return done.stdout + done.stderr

    def openssl(self, *words):
        subprocess.run(["openssl", *words], cwd=self.scratch, check=True, capture_output=True, timeout=60)

    def make(self, kind):
        self.openssl("genpkey", *KINDS[kind], "-out", f"{kind}.pem")
        os.chmod(self.scratch / f"{kind}.pem", 0o600)
        return f"{kind}.pem"

    def take(self, file, name, *more, **how):
        return self.run_it("key", "import", file, "--name", name, "--keys", "r.keys", *more, **how)

    def test_keys_of_each_kind_publish_what_machines_believe(self):
        for name, kind in (("root-1", "rsa2048"), ("targets", "p256"), ("snapshot", "rsa2048"), ("timestamp", "ed25519")):
            self.take(self.make(kind), name)
            self.assertEqual((self.scratch / f"r.keys/{name}.pem").stat().st_mode & 0o7777, 0o600)
        self.run_it("init", "r", "--product", "CUBE", "--root-keys", 1)
        make_tiny_tree(self.scratch / "tree")
        self.run_it("compose", "tree", "--version", "1", "--repository", "r")
        self.run_it("publish", "--repository", "r")
        self.assertIn("1 release verified", self.run_it("verify", "r"))
        root = json.loads((self.scratch / "r/metadata/1.root.json").read_text())["signed"]
        self.assertEqual(sorted(key["scheme"] for key in root["keys"].values()),
                         ["ecdsa-sha2-nistp256", "ed25519", "rsassa-pss-sha256", "rsassa-pss-sha256"])

    def test_weak_and_foreign_keys_are_refused_with_a_reason(self):
        for kind, reason in (("rsa1024", "1024 bits"), ("rsa-pss", "type is none"), ("p384", "not a key on the curve P-256"),
                             ("k256", "not a key on the curve P-256"), ("explicit", "not a key on the curve P-256"),
                             ("ed448", "type is none")):
            with self.subTest(kind):
                file = self.make(kind)
                self.assertIn(reason, self.take(file, "one", code=6))
                self.openssl("pkey", "-in", file, "-pubout", "-out", "public.pem")
                self.assertIn(reason, self.take("public.pem", "one", code=6))
        self.assertFalse((self.scratch / "r.keys/one.pub.json").exists())

    def test_malformed_files_are_refused(self):
        good = (self.scratch / self.make("p256")).read_text()
        public = {"keytype": "ed25519", "scheme": "ed25519", "keyval": {"public": "00" * 32}}
        for number, text in enumerate(("", "nonsense", good[:80], good.replace("M", "N", 3), json.dumps(public),
                                       "{}", "x" * 20000)):
            file = self.scratch / f"bad-{number}"
            file.write_text(text)
            file.chmod(0o600)
            with self.subTest(number):
                self.take(file, "one", code=6)
        self.take("nothing", "one", code=2)
        self.take("p256.pem", "../one", code=2)

    def test_a_private_key_whose_public_part_is_another_is_refused(self):
        ends = []
        for _ in range(2):
            self.make("p256")
            self.openssl("pkey", "-in", "p256.pem", "-outform", "DER", "-out", "p256.der")
            ends.append((self.scratch / "p256.der").read_bytes())
        (self.scratch / "mixed.der").write_bytes(ends[0][:-65] + ends[1][-65:])
        self.openssl("enc", "-base64", "-in", "mixed.der", "-out", "mixed.b64")
        mixed = self.scratch / "mixed.pem"
        mixed.write_text(f"-----BEGIN PRIVATE KEY-----\n{(self.scratch / 'mixed.b64').read_text()}-----END PRIVATE KEY-----\n")
        mixed.chmod(0o600)
        self.take(mixed, "one", code=6)

    def test_a_private_key_that_others_can_read_is_refused(self):
        file = self.make("ed25519")
        os.chmod(self.scratch / file, 0o640)
        self.assertIn("others than its owner", self.take(file, "one", code=6))

    def test_passphrases(self):
        file = self.make("p256")
        self.openssl("pkcs8", "-topk8", "-in", file, "-passout", "pass:sesame", "-out", "new.pem")
        self.openssl("ec", "-in", file, "-aes256", "-passout", "pass:sesame", "-out", "old.pem")
        for form in ("new", "old"):
            os.chmod(self.scratch / f"{form}.pem", 0o600)
            self.take(f"{form}.pem", form, secret="wrong", code=4)
            self.take(f"{form}.pem", form, code=4)
            self.take(f"{form}.pem", form, "--passphrase", secret="sesame")
            self.openssl("pkey", "-in", f"r.keys/{form}.pem", "-passin", "pass:sesame", "-noout")
            self.assertIn("BEGIN ENCRYPTED", (self.scratch / f"r.keys/{form}.pem").read_text())
        self.take("new.pem", "plain", secret="sesame")
        self.assertIn("BEGIN PRIVATE", (self.scratch / "r.keys/plain.pem").read_text())

    def test_only_the_public_part_of_another_holder(self):
        self.run_it("key", "generate", "mine", "--type", "rsa", "--keys", "holder")
        self.take("holder/mine.pub.json", "theirs")
        self.openssl("pkey", "-in", "holder/mine.pem", "-pubout", "-out", "public.pem")
        self.take("public.pem", "same")
        listed = json.loads(self.run_it("key", "list", "--keys", "r.keys", "--json"))["keys"]
        self.assertEqual([(k["name"], k["private"]) for k in listed], [("same", False), ("theirs", False)])
        self.assertEqual(len({k["id"] for k in listed}), 1)
        self.take("public.pem", "same", code=6)


if __name__ == "__main__":
    PROGRAM = os.path.abspath(sys.argv.pop(1))
    unittest.main(verbosity=2)
