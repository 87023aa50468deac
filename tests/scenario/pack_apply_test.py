#!/usr/bin/env python3
"""cube-update apply from packs: what comes over the wire, from which place, and what a bad server does to it.

Usage: pack_apply_test.py CUBE_UPDATE CUBE_RELEASE APPLIANCE_MODULES [TEST...]
Needs root: a slot's objects have owners. Without, it says so and exits with 77.
"""
import os
import random
import shutil
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

import range_server
from range_server import RangeServer
from tiny_tree import make_tiny_tree, put_inventory

OLD, NEW = (f"CUBE_{version}_20260101-0000_abcd1234" for version in ("1.0.0", "2.0.0"))
CAPABILITY = bytes.fromhex("0100000200040000000000000000000000000000")  # cap_net_bind_service+ep


def run(*words, code=0, says="", **more):
    done = subprocess.run([str(word) for word in words], capture_output=True, text=True, timeout=300, **more)
    if done.returncode != code or says not in done.stdout + done.stderr:
        raise AssertionError(f"{words}: exit {done.returncode}, not {code} with \"{says}\":\n{done.stdout}{done.stderr}")
    return done.stdout + done.stderr


def fill(tree, version):
    """Most is the same in both versions; large files change a little, some wholly."""
    make_tiny_tree(tree, version)
    same, new = random.Random(1), random.Random(version)
    large = bytearray(same.randbytes(6_000_000))
    if version != "1.0.0":
        large[3_000_000:3_000_100] = new.randbytes(100)
        (tree / "usr/new").write_bytes(new.randbytes(1_500_000))
    (tree / "usr/large").write_bytes(large)
    for n in range(300):
        (tree / f"usr/share/{n % 7}").mkdir(parents=True, exist_ok=True)
        note = version if n % 10 == 0 else ""
        (tree / f"usr/share/{n % 7}/{n}").write_text(note + "".join(same.choices("abcd \n", k=same.randrange(4000))))
    (tree / "usr/share/link").symlink_to("0/7" + version)
    os.chown(tree / "usr/share/3/10", 70000, 12)
    os.chmod(tree / "usr/share/3/10", 0o6751)
    os.setxattr(tree / "usr/new" if version != "1.0.0" else tree / "usr/large", "security.capability", CAPABILITY)
    os.setxattr(tree / "usr/share/6/20", "user.note", version.encode())
    (tree / "usr/share/empty").write_text("")


def facts(top):
    """Everything about a tree; what is not the release's is left out."""
    found = {}
    for folder, folders, files in os.walk(top):
        if folder == str(top):
            folders[:] = [name for name in folders if name not in ("ostree", ".cube")]
        for name in folders + files:
            path = os.path.join(folder, name)
            st = os.lstat(path)
            link = os.path.islink(path)
            content = os.readlink(path) if link else Path(path).read_bytes() if os.path.isfile(path) else ""
            attributes = {name: os.getxattr(path, name, follow_symlinks=False)
                          for name in os.listxattr(path, follow_symlinks=False)}
            found[os.path.relpath(path, top)] = (oct(st.st_mode), st.st_uid, st.st_gid, content, attributes)
    return found


class Apply(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.scratch = Path(tempfile.mkdtemp(prefix="cube-pack-apply-"))
        cls.addClassCleanup(shutil.rmtree, cls.scratch)
        run(RELEASE, "init", "r", "--product", "CUBE", cwd=cls.scratch)
        for name in (OLD, NEW):
            version = name.split("_")[1]
            fill(cls.scratch / version, version)
            run(RELEASE, "compose", version, "--version", version, "--built", "20260101-0000", "--source", "abcd1234",
                "--repository", "r", cwd=cls.scratch)
            run(RELEASE, "pack", name, "--repository", "r", cwd=cls.scratch)
            run(RELEASE, "publish", "--repository", "r", cwd=cls.scratch)
        cls.packs = {("delta" if "from-" in path.name else "full"): path
                     for path in (cls.scratch / f"r/targets/releases/{NEW}").glob("*.pack")}
        assert set(cls.packs) == {"delta", "full"}, cls.packs
        run(UPDATE, "install-slot", cls.make(cls.scratch / "slot"), OLD, "--from", cls.scratch / "r",
            "--trusted-root", cls.scratch / "r/metadata/1.root.json")
        put_inventory(RELEASE, cls.scratch / "2.0.0")
        cls.wanted = facts(cls.scratch / "2.0.0")

    @staticmethod
    def make(folder):
        folder.mkdir()
        return folder

    def setUp(self):
        self.server = RangeServer(self.scratch / "r")
        self.addCleanup(self.server.close)
        self.new_machine()

    def new_machine(self):
        """Slot a runs the older release, slot b is empty; the server is a good one."""
        self.server.requests.clear()
        self.server.faults.clear()
        self.root = Path(tempfile.mkdtemp(prefix="root-", dir=self.scratch))
        self.addCleanup(shutil.rmtree, self.root)
        machine = scratch.Scratch(self.root)
        machine.lay_out(self.scratch / "r/metadata/1.root.json")
        run("cp", "-a", f"{self.scratch}/slot/.", self.root / "slots/a")
        machine.start()
        self.b = self.root / "slots/b"
        with open(self.root / "usr/lib/cube-update/config.d/10-scratch.toml", "a") as config:
            config.write(f'carry-over = []\n[source]\nurl = "{self.server.url}"\nallow-http = true\n')

    def apply(self, code=20, says=""):
        return run(UPDATE, "apply", "--no-reboot", "--root", self.root, code=code, says=says)

    def expect_exact(self):
        seen = facts(self.b)
        differ = [(path, seen.get(path), self.wanted.get(path)) for path in {*seen, *self.wanted}
                  if seen.get(path) != self.wanted.get(path)]
        self.assertFalse(differ, [(path, left and left[:3], right and right[:3]) for path, left, right in differ])
        run("ostree", "fsck", f"--repo={self.b}/ostree/repo")

    def used(self):
        """Which places objects came from."""
        return {name for name, end in (("delta", self.packs["delta"].name), ("full", self.packs["full"].name),
                                       ("plain", ".filez")) if self.server.asked(end)}

    def full_of_old(self):
        """Slot b has the older release, too, as after two updates."""
        run("cp", "-a", f"{self.scratch}/slot/.", self.b)

    def test_an_empty_slot_costs_what_is_new(self):
        self.apply()
        self.expect_exact()
        self.assertEqual(self.used(), {"delta"})

    def test_without_a_delta_parts_of_the_full_pack(self):
        self.server.faults[self.packs["delta"].name] = range_server.status(404)
        told = self.apply()
        self.expect_exact()
        self.assertEqual(self.used(), {"delta", "full"})
        self.assertIn("passed over", told)
        asked = [tuple(map(int, part[6:].split("-"))) for _, part in self.server.asked(self.packs["full"].name)]
        fetched = sum(last + 1 - first for first, last in asked)
        self.assertLess(len(asked), 20)
        self.assertLess(fetched, self.packs["full"].stat().st_size, "not what the slots have")

    def test_the_objects_are_those_that_libostree_would_have_written(self):
        self.apply()
        ours = facts(self.b / "ostree/repo/objects")
        shutil.rmtree(self.b / "ostree")
        plain = self.root / "plain"
        run("ostree", "init", f"--repo={plain}", "--mode=bare")
        commit = next(line.split()[0].removesuffix(".commit").replace("/", "") for line in ours if line.endswith(".commit"))
        run("ostree", "pull-local", f"--repo={plain}", self.scratch / "r/repo", commit)
        theirs = {path: what for path, what in facts(plain / "objects").items() if not path.endswith(".commitmeta")}
        self.assertEqual({path: what[:3] for path, what in ours.items()}, {path: what[:3] for path, what in theirs.items()})
        self.assertEqual(ours, theirs)

    def test_bad_servers_cost_only_the_next_place(self):
        full, delta = self.packs["full"].name, self.packs["delta"].name
        for fault in (range_server.no_ranges, range_server.other_range, range_server.another_length,
                      range_server.status(416), range_server.status(403), range_server.damaged(40),
                      range_server.damaged(self.packs["delta"].stat().st_size - 30)):
            for ends, place in (((delta,), "full"), ((delta, full), "plain")):
                with self.subTest(fault=fault, place=place):
                    self.new_machine()
                    for end in ends:
                        self.server.faults[end] = fault if end == delta else range_server.no_ranges
                    told = self.apply()
                    self.assertIn("passed over", told)
                    self.assertIn(place, self.used())
                    self.expect_exact()

    def test_a_transfer_goes_on_where_it_broke(self):
        delta = self.packs["delta"].name
        size = self.packs["delta"].stat().st_size
        for count in (0, 1, 31, 32, 33, 1000, size // 2, size - 1):
            with self.subTest(count=count):
                self.new_machine()
                self.server.faults[delta] = range_server.cut_after(count, 2)
                self.apply()
                self.assertEqual(self.used(), {"delta"})
                self.expect_exact()
        self.new_machine()
        self.server.faults[delta] = range_server.once(range_server.status(503))
        self.apply()

    def test_a_server_that_does_not_answer_is_not_passed_over(self):
        self.server.faults[self.packs["delta"].name] = range_server.status(503)
        self.apply(code=9, says="503")
        self.assertEqual(self.used(), {"delta"})
        self.assertFalse((self.b / ".cube/seal").exists())
        self.server.faults.clear()
        self.apply()
        self.expect_exact()

    def test_damage_of_either_slot_is_mended(self):
        self.full_of_old()
        large = self.b / "usr/large"
        os.chmod(large, 0o644)
        with open(large, "r+b") as file:
            file.seek(2_000_000)
            file.write(b"damaged")
        same = self.root / "slots/a/usr/share/1/8"
        with open(same, "r+b") as file:
            file.write(b"damage\0")
        (self.b / "usr/share/1/8").unlink()
        for path in (self.b / "ostree/repo/objects").glob("*/*.file"):
            if path.is_file() and not path.is_symlink() and path.read_bytes() == (self.scratch / "2.0.0/usr/share/1/8").read_bytes():
                path.unlink()
        self.apply()
        self.assertIn("full", self.used())
        self.expect_exact()

    def test_what_the_slot_had_and_is_damaged_is_found_and_mended(self):
        self.full_of_old()
        with open(self.b / "usr/share/1/8", "r+b") as file:
            file.write(b"damage\0")
        told = self.apply()
        self.assertIn("filling once more", told)
        self.assertIn("/usr/share/1/8", told)
        self.expect_exact()

    def test_a_release_that_is_there_needs_no_download(self):
        self.apply()
        run(UPDATE, "rollback", "--root", self.root)
        run(UPDATE, "allow", NEW, "--root", self.root)
        self.server.requests.clear()
        self.server.faults[".pack"] = range_server.status(404)
        self.server.faults[".filez"] = range_server.status(404)
        self.apply()
        self.assertEqual(self.used(), set())
        self.expect_exact()


if __name__ == "__main__":
    if os.geteuid() != 0:
        print("needs root")
        sys.exit(77)
    UPDATE, RELEASE = (str(Path(program).resolve()) for program in sys.argv[1:3])
    sys.path.insert(0, sys.argv[3])
    from appliance import scratch
    unittest.main(argv=[sys.argv[0], *sys.argv[4:]], verbosity=2)
