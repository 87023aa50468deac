#!/usr/bin/env python3
"""The real cube-release, from init to what machines may believe.

Usage: publish_test.py CUBE_RELEASE [TEST...]
"""
import fcntl
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest
from pathlib import Path

from tiny_tree import make_tiny_tree

PROGRAM = ""


class PublishTest(unittest.TestCase):
    def setUp(self):
        self.scratch = Path(tempfile.mkdtemp(prefix="cube-publish-"))
        self.addCleanup(shutil.rmtree, self.scratch)
        self.repo = self.scratch / "r"
        self.tree = self.scratch / "tree"
        make_tiny_tree(self.tree)

    def run_it(self, *words, code=0):
        done = subprocess.run([PROGRAM, *map(str, words)], cwd=self.scratch, capture_output=True, text=True,
                              timeout=60)
        self.assertEqual(done.returncode, code, f"{words}: {done.stdout}{done.stderr}")
        if code != 0:
            self.assertIn("cube-release: ", done.stderr)
            self.assertEqual(done.stderr.strip().count("\n"), 0, "one sentence: " + done.stderr)
        return done.stdout.strip()

    def init(self):
        self.run_it("init", "r", "--product", "CUBE")

    def compose(self, version, *more, code=0):
        return self.run_it("compose", self.tree, "--version", version, "--repository", self.repo, *more, code=code)

    def publish(self, code=0):
        return self.run_it("publish", "--repository", self.repo, code=code)

    def verified(self):
        return [r["name"] for r in json.loads(self.run_it("verify", self.repo, "--json"))["releases"]]

    def released(self, version="2.2.4"):
        self.init()
        name = self.compose(version)
        self.publish()
        return name

    def test_twice(self):
        first = self.released()
        self.assertRegex(first, r"^CUBE_2\.2\.4_\d{8}-\d{4}_[0-9a-f]{8}$")
        self.assertEqual(self.verified(), [first])
        (self.tree / "etc/os-release").write_text("NOTE=second\n")
        second = self.compose("2.2.5", "--epoch", 2, "--built", "20301231-2359", "--source", "55765df7")
        self.assertEqual(second, "CUBE_2.2.5_20301231-2359_55765df7")
        self.assertEqual(self.verified(), [first], "pending is not published")
        self.publish()
        self.assertEqual(self.verified(), [first, second])
        listed = json.loads(self.run_it("list", "--repository", self.repo, "--json"))["releases"]
        self.assertEqual([(r["epoch"], r["kernel"]) for r in listed], [(0, "6.1.0-1-amd64"), (2, "6.1.0-1-amd64")])

    def test_a_tar_archive_is_the_same_release(self):
        self.init()
        subprocess.run(["tar", "--sort=name", "-czf", self.scratch / "tree.tar.gz", "-C", self.tree, "."], check=True)
        fixed = ("--built", "20261125-2055")
        from_folder = self.compose("1", *fixed)
        from_tar = self.run_it("compose", self.scratch / "tree.tar.gz", "--version", "1", *fixed,
                               "--repository", self.repo)
        self.assertEqual(from_folder, from_tar)

    def test_a_flipped_byte_anywhere_is_found(self):
        self.released()
        files = [f for part in ("metadata", "targets", "repo/objects")
                 for f in sorted((self.repo / part).rglob("*")) if f.is_file()]
        self.assertGreater(len(files), 12)
        for file in files:
            good = file.read_bytes()
            for at in {0, len(good) // 2, len(good) - 1}:
                bad = bytearray(good)
                bad[at] ^= 0x01
                file.write_bytes(bytes(bad))
                done = subprocess.run([PROGRAM, "verify", self.repo], capture_output=True, text=True)
                self.assertIn(done.returncode, (4, 7), f"{file} byte {at}: {done.stdout}{done.stderr}")
            file.write_bytes(good)
            kept = file.with_suffix(".away")
            file.rename(kept)
            done = subprocess.run([PROGRAM, "verify", self.repo], capture_output=True, text=True)
            self.assertIn(done.returncode, (2, 4, 7), f"{file} missing: {done.stdout}{done.stderr}")
            kept.rename(file)
        self.assertEqual(len(self.verified()), 1)

    def test_without_keys(self):
        self.init()
        self.compose("1")
        keys = self.scratch / "r.keys"
        keys.rename(self.scratch / "elsewhere")
        self.publish(code=4)
        self.run_it("verify", self.repo, code=3)
        self.run_it("publish", "--repository", self.repo, "--keys", self.scratch / "elsewhere")
        self.assertEqual(len(self.verified()), 1)

    def test_a_strict_umask_keeps_keys_private_and_the_repository_readable(self):
        before = os.umask(0o077)
        try:
            self.released()
        finally:
            os.umask(before)
        for part in ("metadata", "targets", "repo/objects"):
            for path in (self.repo / part).rglob("*"):
                self.assertEqual(path.stat().st_mode & 0o444, 0o444, path)
        for path in (self.scratch / "r.keys").glob("*.pem"):
            self.assertEqual(path.stat().st_mode & 0o777, 0o600, path)

    def test_usage(self):
        self.init()
        self.run_it("init", "r", "--product", "CUBE", code=6)
        self.run_it("init", "q", "--product", "CU BE", code=2)
        for wrong in (["--version", "1.x"], ["--version", "1", "--built", "yesterday"],
                      ["--version", "1", "--built", "20260231-0000"], ["--version", "1", "--source", "XYZ1"]):
            self.run_it("compose", self.tree, *wrong, "--repository", self.repo, code=2)
        self.run_it("compose", self.scratch / "nothing", "--version", "1", "--repository", self.repo, code=2)
        (self.tree / "boot/vmlinuz").unlink()
        self.compose("1", code=2)
        self.run_it("publish", code=2)  # the current folder is no repository
        self.publish(code=3)
        self.run_it("verify", self.scratch, code=2)
        self.run_it("verify", self.repo, "--trusted-root", "nothing.json", code=2)
        done = subprocess.run([PROGRAM, "publish", "--expires-days", "never"], capture_output=True, text=True)
        self.assertEqual(done.returncode, 2)
        for words in ([], ["publish"], ["key", "list"]):
            text = subprocess.run([PROGRAM, *words, "--help"], check=True, capture_output=True, text=True).stdout
            self.assertIn("cube-release", text)

    def test_expiry(self):
        self.released()
        self.run_it("expire-check", "--repository", self.repo)
        self.run_it("expire-check", "--repository", self.repo, "--days", 91, code=6)
        self.run_it("renew", "--repository", self.repo, "--expires-days", 120)
        self.run_it("expire-check", "--repository", self.repo, "--days", 91)

    def test_an_older_version_is_published_with_a_warning(self):
        self.released("2.0")
        self.compose("1.0")
        done = subprocess.run([PROGRAM, "publish", "--repository", self.repo], check=True, capture_output=True, text=True)
        self.assertIn("is older than CUBE_2.0_", done.stderr)
        self.assertEqual(len(self.verified()), 2)

    def test_two_at_once(self):
        self.released("1")
        self.compose("2")
        with open(self.repo / "publisher/lock", "w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            self.publish(code=10)
        self.publish()

    def test_killed_at_any_moment_readers_see_the_old_or_the_new(self):
        chance = random.Random(20261125)
        released, waiting = {self.released("1"), self.compose("2.0")}, set()
        began = time.monotonic()
        self.publish()
        took = 1.5 * (time.monotonic() - began)  # so that about a third comes too late
        killed = 0
        for number in range(20):
            (self.tree / "etc/os-release").write_text(f"NUMBER={number}\n")
            waiting.add(self.compose(f"3.{number}"))
            process = subprocess.Popen([PROGRAM, "publish", "--repository", self.repo],
                                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            time.sleep(chance.uniform(0, took))
            process.send_signal(signal.SIGKILL)
            killed += process.wait() == -signal.SIGKILL
            seen = set(self.verified())
            self.assertIn(seen, (released, released | waiting))
            if seen != released:
                released, waiting = seen, set()
        self.assertGreater(killed, 3, "too late each time: the test proved nothing")
        self.assertLess(len(waiting), 20, "too early each time: the test proved nothing")
        subprocess.run([PROGRAM, "publish", "--repository", self.repo], capture_output=True)
        self.assertEqual(self.pending(), [])
        self.assertEqual(len(self.verified()), 22)

    def roles(self):
        newest = max((self.repo / "metadata").glob("*.root.json"), key=lambda path: int(path.name.split(".")[0]))
        names = {key["id"]: key["name"] for key in
                 json.loads(self.run_it("key", "list", "--repository", self.repo, "--json"))["keys"]}
        signed = json.loads(newest.read_text())["signed"]
        return {role: [names[key] for key in found["keyids"]] for role, found in signed["roles"].items()}

    def test_keys_are_rotated_and_revoked(self):
        self.released()
        here = ("--repository", self.repo)
        self.run_it("key", "rotate", "root", *here, code=2)
        self.run_it("key", "rotate", "nonsense", *here, code=2)
        self.assertIn("Key targets-2 signs for targets in place of targets", self.run_it("key", "rotate", "targets", *here))
        self.run_it("key", "rotate", "root", "--replace", "root-2", *here)
        self.run_it("key", "generate", "clock", "--type", "ecdsa", *here)
        self.assertEqual(json.loads(self.run_it("key", "rotate", "timestamp", "--key", "clock", *here, "--json"))["key"], "clock")
        self.assertEqual(self.roles(), {"root": ["root-1", "root-3", "root-4"], "targets": ["targets-2"],
                                        "snapshot": ["snapshot"], "timestamp": ["clock"]})
        for name in ("targets", "timestamp", "root-2"):
            (self.scratch / f"r.keys/{name}.pem").unlink()
        self.assertEqual(len(self.verified()), 1)
        self.run_it("key", "revoke", "targets-2", *here, code=6)
        self.run_it("key", "revoke", "targets", *here, code=3)
        self.run_it("key", "revoke", "root-1", *here)
        self.assertEqual(self.roles()["root"], ["root-3", "root-4"])
        self.run_it("renew", *here)
        self.assertEqual(len(self.verified()), 1)

    def test_a_rotation_whose_holders_never_meet(self):
        self.released()
        here, stick = ("--repository", self.repo), self.scratch / "stick"
        stick.mkdir(0o700)
        for name in ("root-2", "root-3"):
            (self.scratch / f"r.keys/{name}.pem").rename(stick / f"{name}.pem")
        done = subprocess.run([PROGRAM, "key", "rotate", "targets", *here], capture_output=True, text=True)
        self.assertEqual(done.returncode, 4)
        self.assertIn("name it with --key targets-2 next time", done.stderr)
        self.run_it("key", "rotate", "targets", "--key", "targets-2", *here, "--draft", "next.json")
        self.assertEqual(self.roles()["targets"], ["targets"])
        self.run_it("sign", "next.json", "--keys", stick)
        self.run_it("root", "--publish", "next.json", *here)
        self.assertEqual(self.roles()["targets"], ["targets-2"])
        self.assertEqual(len(self.verified()), 1)

    def test_a_list_whose_holders_never_meet(self):
        first = self.released()
        here, stick = ("--repository", self.repo), self.scratch / "stick"
        self.run_it("key", "generate", "second", "--keys", stick)
        self.run_it("key", "import", stick / "second.pub.json", "--name", "second", *here)
        self.run_it("root", "--add", "targets=second", *here)
        self.run_it("root", "--threshold", "targets=2", *here, code=4)
        self.run_it("key", "import", stick / "second.pem", "--name", "copy", *here)
        self.run_it("root", "--threshold", "targets=2", *here)
        (self.scratch / "r.keys/copy.pem").unlink()
        second = self.compose("2.2.5")
        self.publish(code=4)
        self.run_it("publish", *here, "--draft", "list.json")
        self.run_it("publish", *here, "--draft", "list.json", code=6)
        self.run_it("publish", *here, "--from-draft", "list.json", code=4)
        self.run_it("sign", "list.json", "--keys", stick, code=2)
        said = self.run_it("sign", "list.json", "--keys", stick, *here)
        self.assertIn(f"adds releases/{second}/manifest.json", said)
        self.assertNotIn(first, said)
        self.assertIn("2 signatures now", said)
        self.assertEqual(self.verified(), [first])
        self.run_it("publish", *here, "--from-draft", "list.json")
        self.assertEqual(self.verified(), [first, second])
        self.run_it("renew", *here, "--draft", "anew.json")
        self.assertIn(first, self.run_it("sign", "anew.json", "--keys", stick, "--key", "second"))
        self.run_it("renew", *here, "--from-draft", "anew.json")
        self.assertEqual(self.verified(), [first, second])

    def pending(self):
        listed = json.loads(self.run_it("list", "--repository", self.repo, "--json"))["releases"]
        return [r["name"] for r in listed if r["state"] == "pending"]


if __name__ == "__main__":
    PROGRAM = os.path.abspath(sys.argv.pop(1))
    unittest.main(verbosity=2)
