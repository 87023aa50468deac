#!/usr/bin/env python3
"""cube-release pack, publish and verify; and its packs read by an independent reader.

Usage: pack_test.py CUBE_RELEASE [TEST...]
"""
import hashlib
import json
import os
import random
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import time
import unittest
from pathlib import Path

from pack_by_the_document import Refused, file_object, full_contents, read_pack
from tiny_tree import make_tiny_tree

PROGRAM = ""


def fill(tree):
    """A small tree with everything that an object can have."""
    make_tiny_tree(tree)
    chance = random.Random(1)
    (tree / "boot/initrd.img").write_bytes(chance.randbytes(9_000_000))
    (tree / "usr/lib/long").write_text("".join(f"line {n}\n" for n in range(700_000)))
    (tree / "etc/empty").write_text("")
    (tree / "etc/owned").write_text("by somebody else\n")
    (tree / "etc/link").symlink_to("../" + "x" * 300)
    for n in range(60):
        (tree / f"usr/share/{n % 3}").mkdir(parents=True, exist_ok=True)
        (tree / f"usr/share/{n % 3}/{n}").write_text("".join(chance.choices("abcd \n", k=chance.randrange(9000))))
    os.chmod(tree / "usr/bin/hello", 0o4711)
    os.setxattr(tree / "usr/bin/hello", "user.short", b"value")
    os.setxattr(tree / "usr/bin/hello", "user.long", b"v" * 700)
    if os.geteuid() == 0:
        os.chown(tree / "etc/owned", 70000, 12)


class PackTest(unittest.TestCase):
    def setUp(self):
        self.scratch = Path(tempfile.mkdtemp(prefix="cube-pack-"))
        self.addCleanup(shutil.rmtree, self.scratch)
        self.repo = self.scratch / "r"
        self.tree = self.scratch / "tree"
        fill(self.tree)
        self.run_it("init", "r", "--product", "CUBE")

    def run_it(self, *words, code=0):
        done = subprocess.run([PROGRAM, *map(str, words)], cwd=self.scratch, capture_output=True, text=True, timeout=300)
        self.assertEqual(done.returncode, code, f"{words}: {done.stdout}{done.stderr}")
        if code != 0:
            self.assertEqual(done.stderr.strip().count("\n"), 0, "one sentence: " + done.stderr)
        return (done.stdout if code == 0 else done.stderr).strip()

    def compose(self, version="1", *more):
        return self.run_it("compose", self.tree, "--version", version, "--built", "20261125-2055", "--repository",
                           self.repo, *more)

    def pack(self, *words, code=0):
        return self.run_it("pack", "--repository", self.repo, *words, code=code)

    def publish(self, code=0):
        return self.run_it("publish", "--repository", self.repo, code=code)

    def verify(self, code=0):
        return self.run_it("verify", self.repo, code=code)

    def files(self, name, end):
        return sorted((self.repo / "targets/releases" / name).glob("*" + end))

    def only(self, name, end):
        (file,) = self.files(name, end)
        return file

    def published(self, *words):
        name = self.compose()
        self.pack(*words)
        self.publish()
        return name, self.only(name, ".full.pack"), json.loads(self.only(name, ".manifest.json").read_text())

    def objects_of_the_repository(self):
        found = set()
        for file in (self.repo / "repo/objects").glob("*/*"):
            kind = file.suffix[1:].replace("filez", "file")
            if kind != "commitmeta":
                found.add((kind, file.parent.name + file.stem))
        return found

    def test_an_independent_reader_finds_every_object(self):
        _, pack, manifest = self.published()
        (described,) = manifest["packs"]
        index, objects = read_pack(described, pack.read_bytes())
        self.assertEqual(index.commit, manifest["ostree"]["commit"])
        self.assertEqual({(kind, name) for kind, name, _ in objects}, self.objects_of_the_repository())
        for kind, name, content in objects:
            if kind != "file":
                self.assertEqual((self.repo / f"repo/objects/{name[:2]}/{name[2:]}.{kind}").read_bytes(), content)
        files = {}
        for kind, name, content in objects:
            if kind == "file":
                files[file_object(content)[5], file_object(content)[3]] = file_object(content)
        for path in self.tree.rglob("*"):
            status = path.lstat()
            if stat.S_ISDIR(status.st_mode):
                continue
            link = os.readlink(path) if path.is_symlink() else ""
            uid, gid, mode, target, found, content = files[b"" if link else path.read_bytes(), link]
            self.assertEqual(target, link)
            if path.name in ("hello", "link", "long"):
                self.assertEqual(mode, status.st_mode)
            if path.name == "hello":
                self.assertEqual(found, {n: os.getxattr(path, n) for n in os.listxattr(path)})
                self.assertEqual(len(found), 2)
            if path.name == "owned" and os.geteuid() == 0:
                self.assertEqual((uid, gid), (70000, 12))

    def second(self, *words):
        """Publishes a release, changes the tree, and packs the next one; its name and manifest as it is pending."""
        old, *_ = self.published("--level", 3)
        long = (self.tree / "usr/lib/long").read_bytes()
        (self.tree / "usr/lib/long").write_bytes(long[:1_000_000] + b"a line between\n" + long[1_000_000:])
        initrd = (self.tree / "boot/initrd.img").read_bytes()
        (self.tree / "boot/initrd.img").write_bytes(initrd[4_500_000:] + initrd[:4_500_000])
        (self.tree / "usr/share/lib-1.2.3.so").write_bytes(random.Random(5).randbytes(70_000))
        (self.tree / "usr/share/0/0").unlink()
        new = self.run_it("compose", self.tree, "--version", "2", "--built", "20261126-2055", "--repository", self.repo)
        self.pack(*words)
        return old, new, json.loads((self.repo / "publisher/pending" / (new + ".json")).read_text())

    def test_a_delta_from_the_last_release_is_read_by_the_document_alone(self):
        old, new, manifest = self.second()
        full, delta = manifest["packs"]
        self.assertNotIn("from", full)
        self.assertEqual(delta["from"], json.loads(self.only(old, "manifest.json").read_text())["ostree"]["commit"])
        self.assertEqual(delta["file"], f"from-{delta['from'][:12]}.pack")
        self.assertLess(delta["length"], 100_000, "of 18 MB that changed, all but 70 kB only moved")
        self.publish()
        self.verify()
        contents = full_contents(self.only(old, ".full.pack").read_bytes())
        _, whole = read_pack(full, self.only(new, ".full.pack").read_bytes())
        index, objects = read_pack(delta, self.only(new, delta["file"]).read_bytes(), contents)
        self.assertEqual((index.commit, index.older), (manifest["ostree"]["commit"], delta["from"]))
        old_objects = {(kind, name) for kind, name, _ in
                       read_pack(json.loads(self.only(old, "manifest.json").read_text())["packs"][0],
                                 self.only(old, ".full.pack").read_bytes())[1]}
        self.assertEqual(sorted(objects), sorted(o for o in whole if o[:2] not in old_objects))
        with self.assertRaises(Refused):
            read_pack(delta, self.only(new, delta["file"]).read_bytes(), {})

    def test_the_same_releases_are_the_same_delta(self):
        _, new, manifest = self.second("--threads", 1)
        for threads in (2, 3):
            self.pack("--threads", threads)
            again = json.loads((self.repo / "publisher/pending" / (new + ".json")).read_text())
            self.assertEqual(again["packs"], manifest["packs"])

    def test_deltas_are_from_the_releases_that_are_asked_for(self):
        old, new, manifest = self.second("--deltas", 0)
        self.assertEqual([pack["file"] for pack in manifest["packs"]], ["full.pack"])
        third = self.run_it("compose", self.tree, "--version", "3", "--built", "20261127-2055", "--repository", self.repo)
        made = json.loads(self.pack(third, "--from", new, "--from", old, "--json"))["packs"]
        self.assertEqual([pack["from"] for pack in made], ["", new, old])
        self.assertLess(made[1]["length"], 2000, "the commit alone")
        self.publish()
        self.verify()
        fourth = self.run_it("compose", self.tree, "--version", "4", "--built", "20261128-2055", "--repository", self.repo)
        made = json.loads(self.pack("--json"))["packs"]
        self.assertEqual([pack["from"] for pack in made], ["", new, third], "the last two")
        self.assertIn("neither published nor pending", self.pack(fourth, "--from", "CUBE_9_20261125-2055_abcd", code=2))
        self.assertIn("same tree", self.pack(fourth, "--from", fourth, code=2))
        self.assertIn("excludes", self.run_usage("pack", "--from", old, "--deltas", 1))

    def run_usage(self, *words):
        done = subprocess.run([PROGRAM, *map(str, words), "--repository", self.repo], capture_output=True, text=True,
                              timeout=60)
        self.assertEqual(done.returncode, 2)
        return done.stderr

    def test_verify_finds_damage_in_a_delta_and_in_what_it_is_made_of(self):
        old, new, manifest = self.second()
        delta = manifest["packs"][1]
        self.publish()
        file = self.only(new, delta["file"])
        good = file.read_bytes()
        for at in (0, 9, 40, len(good) // 2, delta["index"]["offset"] + 70, len(good) - 1):
            bad = bytearray(good)
            bad[at] ^= 4
            file.write_bytes(bytes(bad))
            self.assertIn(delta["file"], self.verify(code=7))
        file.write_bytes(good)
        self.verify()

    def test_the_independent_reader_finds_damage_everywhere(self):
        shutil.rmtree(self.tree)
        make_tiny_tree(self.tree)
        _, pack, manifest = self.published()
        good = pack.read_bytes()
        described = manifest["packs"][0]
        for at in range(0, len(good), 3):
            bad = bytearray(good)
            bad[at] ^= 1 << at % 8
            told = dict(described, sha256=hashlib.sha256(bad).hexdigest())
            with self.assertRaises(Refused, msg=str(at)):
                read_pack(told, bytes(bad))

    def test_the_same_release_is_the_same_pack(self):
        first = self.compose()
        self.pack("--threads", 1)
        alone = self.only(first, ".full.pack").name
        self.pack("--threads", 2)
        self.assertEqual(self.only(first, ".full.pack").name, alone)
        again = self.scratch / "again"
        self.run_it("init", again, "--product", "CUBE")
        self.run_it("compose", self.tree, "--version", "1", "--built", "20261125-2055", "--repository", again)
        self.run_it("pack", "--repository", again, "--threads", 3)
        self.assertEqual([p.name for p in again.glob("targets/releases/*/*.full.pack")], [alone])

    def test_another_level_replaces_the_pack(self):
        name = self.compose()
        self.pack("--level", 1)
        fast = self.only(name, ".full.pack")
        size = fast.stat().st_size
        self.pack(name, "--level", 19)
        small = self.only(name, ".full.pack")
        self.assertNotEqual(small.name, fast.name)
        self.assertLess(small.stat().st_size, size)
        self.publish()
        self.verify()

    def test_composed_again_it_has_no_pack(self):
        name = self.compose()
        self.pack()
        self.assertEqual(self.compose(), name)
        self.publish()
        self.assertEqual(self.files(name, "pack"), [])
        self.verify()

    def test_the_report_names_folders(self):
        self.compose()
        text = self.pack("--report")
        self.assertRegex(text, r"(?m)^ +9\.0 MB +9\.0 MB +\d\d\.\d% +\d+  /boot$")
        packed = json.loads(self.pack("--report", "--json"))["packs"][0]
        folders = {f["path"]: f for f in packed["folders"]}
        self.assertGreater(folders["/boot"]["stored_bytes"], 9_000_000)
        self.assertLess(folders["/usr/lib"]["stored_bytes"], folders["/usr/lib"]["raw_bytes"] / 2)
        self.assertLessEqual(folders["/"]["stored_bytes"], packed["length"])
        self.assertNotIn("folders", json.loads(self.pack("--json"))["packs"][0])

    def test_only_what_is_pending_is_packed(self):
        self.assertIn("nothing is pending", self.pack(code=3))
        name = self.compose()
        self.assertIn("not pending", self.pack("CUBE_9_20261125-2055_abcd", code=2))
        self.pack(name)
        self.publish()
        self.assertIn("published", self.pack(name, code=3))
        self.verify()

    def test_the_targets_list_the_pack(self):
        name, pack, manifest = self.published()
        newest = max((self.repo / "metadata").glob("*.targets.json"), key=lambda f: int(f.name.split(".")[0]))
        targets = json.loads(newest.read_text())["signed"]["targets"]
        listed = targets[f"releases/{name}/full.pack"]
        self.assertEqual(listed["length"], pack.stat().st_size)
        self.assertEqual(listed["hashes"]["sha256"], hashlib.sha256(pack.read_bytes()).hexdigest())
        self.assertEqual(listed["hashes"]["sha256"], manifest["packs"][0]["sha256"])

    def test_a_damaged_or_missing_pack_is_not_published(self):
        name = self.compose()
        self.pack()
        pack = self.only(name, ".full.pack")
        good = pack.read_bytes()
        for bad in (good[:-1], good[:1000] + b"?" + good[1001:], good + b"x", b""):
            pack.write_bytes(bad)
            self.assertIn("pack", self.publish(code=7))
        pack.unlink()
        self.assertIn("is missing", self.publish(code=7))
        self.run_it("verify", self.repo, code=3)
        self.pack()
        self.publish()
        self.verify()

    def test_verify_reads_every_byte_of_a_pack(self):
        _, pack, _ = self.published()
        good = pack.read_bytes()
        for at in (0, 9, 20, 40, len(good) // 2, len(good) - 100, len(good) - 1):
            bad = bytearray(good)
            bad[at] ^= 4
            pack.write_bytes(bytes(bad))
            self.assertIn("full.pack", self.verify(code=7))
        pack.write_bytes(good[:-1])
        self.verify(code=7)
        pack.unlink()
        self.assertIn("missing", self.verify(code=7))
        pack.write_bytes(good)
        self.verify()

    def test_damage_in_the_object_store_is_not_packed(self):
        name = self.compose()
        victim = next(f for f in sorted((self.repo / "repo/objects").glob("*/*.filez")) if f.stat().st_size > 1000)
        good = victim.read_bytes()
        os.chmod(victim, 0o644)
        victim.write_bytes(good[:-1])
        self.assertIn("repo/ is damaged", self.pack(code=7))
        self.assertEqual(self.files(name, "pack"), [])
        victim.write_bytes(good)
        self.pack()
        self.publish()

    def test_killed_at_any_time_it_is_done_by_the_next_run(self):
        name = self.compose()
        chance = random.Random(2)
        killed = 0
        for _ in range(12):
            process = subprocess.Popen([PROGRAM, "pack", "--repository", self.repo, "--level", "12"], stdout=subprocess.DEVNULL,
                                       stderr=subprocess.DEVNULL)
            time.sleep(chance.uniform(0.01, 1.0))
            process.send_signal(signal.SIGKILL)
            killed += process.wait() != 0
            self.run_it("list", "--repository", self.repo)
        self.assertGreater(killed, 3)
        self.pack()
        self.only(name, "pack")
        self.assertEqual([f.name for f in (self.repo / "targets/releases" / name).iterdir()], [self.only(name, "pack").name])
        self.publish()
        self.verify()


if __name__ == "__main__":
    PROGRAM = os.path.abspath(sys.argv.pop(1))
    unittest.main()
