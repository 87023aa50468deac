#!/usr/bin/env python3
"""Downloads ahead and long steps that are stopped, with the real programs and a server as slow as one likes.

Usage: fetch_test.py CUBE_UPDATE CUBE_RELEASE APPLIANCE_MODULES [TEST...]
"""
import hashlib
import json
import pathlib
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest

from throttled_server import ThrottledServer
from tiny_tree import make_tiny_tree

UPDATE = RELEASE = ""
OLD, NEW, NEWEST = [f"CUBE_{n}.0.0_2026010{n}-0000_abcd1234" for n in (1, 2, 3)]
RANDOM_FILES, RANDOM_BYTES = 12, 250_000  # what a release brings that neither slot has
NICE_LOW, SCHED_OTHER, SCHED_BATCH = 10, 0, 3
SOON = 5  # seconds in which a stopped command has ended


def run_once(*command):
    subprocess.run([str(word) for word in command], check=True, capture_output=True, timeout=300)


def digest_of(folder):
    """Of every path below: its kind, mode and content."""
    total = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        state = path.lstat()
        total.update(f"{path.relative_to(folder)} {state.st_mode} {state.st_ino}".encode())
        if path.is_file() and not path.is_symlink():
            total.update(path.read_bytes())
    return total.hexdigest()


class FetchTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        """A repository of three releases, and a machine with the oldest in both slots."""
        cls.scratch = pathlib.Path(tempfile.mkdtemp(prefix="cube-fetch-"))
        cls.repository = cls.scratch / "repository"
        run_once(RELEASE, "init", cls.repository, "--product", "CUBE")
        for release in (OLD, NEW, NEWEST):
            version, built = release.split("_")[1:3]
            tree = cls.scratch / version
            make_tiny_tree(tree, version)
            chance = random.Random(version)
            for n in range(RANDOM_FILES):
                (tree / f"usr/lib/random-{n}").write_bytes(chance.randbytes(RANDOM_BYTES))
            run_once(RELEASE, "compose", tree, "--version", version, "--built", built, "--source", "abcd1234",
                     "--repository", cls.repository)
            run_once(RELEASE, "pack", release, "--repository", cls.repository)
        run_once(RELEASE, "publish", "--repository", cls.repository)
        cls.template = scratch.Scratch(cls.scratch / "template")
        cls.template.folder.mkdir()
        root = cls.repository / "metadata/1.root.json"
        cls.template.lay_out(root)
        slots = cls.template.folder / "slots"
        run_once(UPDATE, "install-slot", slots / "a", OLD, "--from", cls.repository, "--trusted-root", root)
        shutil.rmtree(slots / "b")
        run_once("cp", "-a", slots / "a", slots / "b")

    @classmethod
    def tearDownClass(cls):
        shutil.rmtree(cls.scratch)

    def setUp(self):
        self.server = ThrottledServer(self.repository)
        self.server_open = True
        self.addCleanup(self.lose_source)
        self.machine = scratch.Scratch(self.scratch / "machine")
        self.addCleanup(shutil.rmtree, self.machine.folder)
        run_once("cp", "-a", self.template.folder, self.machine.folder)
        self.machine.start()
        self.configure()

    def configure(self, more=""):
        (self.machine.folder / "usr/lib/cube-update/config.d/20-source.toml").write_text(
            f'[source]\nurl = "{self.server.url}"\nallow-http = true\n{more}')

    def lose_source(self):
        if self.server_open:
            self.server.close()
        self.server_open = False

    def command(self, *words):
        return [UPDATE, *map(str, words), "--root", str(self.machine.folder)]

    def run_it(self, *words, code=0, says=""):
        done = subprocess.run(self.command(*words), capture_output=True, text=True, timeout=120)
        self.assertEqual(done.returncode, code, f"{words}: {done.stdout}{done.stderr}")
        self.assertIn(says, done.stdout + done.stderr)
        return done.stdout

    def phase(self):
        return json.loads(self.run_it("status", "--json"))["phase"]

    def staged(self):
        folder = self.machine.folder / "var/lib/cube-update/staging"
        return sorted(path.name for path in folder.iterdir()) if folder.exists() else []

    def slot_b(self):
        return digest_of(self.machine.folder / "slots/b")

    def begin(self, *words):
        """The command at work, and slow, once it has got something."""
        self.server.rate, before = 200_000, self.server.sent
        at_work = subprocess.Popen(self.command(*words), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        deadline = time.monotonic() + 60
        while self.server.sent < before + 200_000 and at_work.poll() is None and time.monotonic() < deadline:
            time.sleep(0.02)
        self.assertIsNone(at_work.poll(), "ended too early")
        return at_work

    def stop(self, at_work, how=signal.SIGTERM):
        started = time.monotonic()
        at_work.send_signal(how)
        out, err = at_work.communicate(timeout=60)
        self.assertLess(time.monotonic() - started, SOON, err)
        self.server.rate = 0
        return at_work.returncode, err

    def expect_trial_of(self, release):
        self.assertEqual(self.machine.start(), ("b", True))
        version = release.split("_")[1]
        self.assertIn(version, (self.machine.folder / "slots/b/etc/os-release").read_text())
        self.run_it("commit")
        self.assertEqual(self.phase(), "idle")
        self.assertEqual(self.staged(), [])

    def test_fetched_today_applied_tomorrow_without_the_source(self):
        before = self.slot_b()
        self.run_it("fetch", NEW, says="cube-update apply")
        self.assertEqual(self.phase(), "fetched")
        self.assertEqual(self.slot_b(), before, "the old release stays whole")
        self.assertEqual(self.machine.start(), ("a", False))
        self.run_it("resume")
        self.assertEqual(self.phase(), "fetched")
        self.lose_source()
        self.run_it("apply", "--no-reboot", code=20, says="out of reach")
        self.assertEqual(self.staged(), [])
        self.expect_trial_of(NEW)

    def test_what_was_fetched_is_applied_though_a_newer_release_is_there(self):
        self.run_it("fetch", NEW)
        sent = self.server.sent
        self.run_it("apply", "--no-reboot", code=20)
        self.assertLess(self.server.sent - sent, 100_000, "it came from the staging folder")
        self.expect_trial_of(NEW)

    def test_another_release_takes_its_place(self):
        self.run_it("fetch", NEW)
        first = self.staged()
        self.run_it("fetch")
        self.assertEqual(self.phase(), "fetched")
        self.assertEqual(len(self.staged()), 1)
        self.assertNotEqual(self.staged(), first)
        self.run_it("apply", NEW, "--no-reboot", code=20)
        self.expect_trial_of(NEW)

    def test_a_download_is_dropped_on_request(self):
        self.run_it("fetch", "--drop", code=3, says="no download")
        self.run_it("fetch")
        self.run_it("fetch", "--drop", says="dropped")
        self.assertEqual((self.phase(), self.staged()), ("idle", []))
        self.run_it("fetch", "--drop", NEW, code=2)

    def test_fetching_again_downloads_nothing_and_mends_what_was_damaged(self):
        self.run_it("fetch", NEW)
        sent = self.server.sent
        self.run_it("fetch", NEW)
        self.assertLess(self.server.sent - sent, 100_000)
        objects = self.machine.folder / "var/lib/cube-update/staging" / self.staged()[0] / "objects"
        for file in objects.iterdir():
            content = bytearray(file.read_bytes())
            content[len(content) // 2] ^= 1
            file.write_bytes(content)
        self.run_it("fetch", NEW)
        self.lose_source()
        self.run_it("apply", "--no-reboot", code=20)
        self.expect_trial_of(NEW)

    def test_a_damaged_download_is_not_believed_without_the_source(self):
        self.run_it("fetch", NEW)
        before = self.slot_b()
        manifest = self.machine.folder / "var/lib/cube-update/staging" / self.staged()[0] / "manifest.json"
        manifest.write_text(manifest.read_text().replace('"epoch"', '"epoch" '))
        self.lose_source()
        self.run_it("apply", "--no-reboot", code=9, says="not believed")
        self.assertEqual((self.phase(), self.slot_b()), ("fetched", before))

    def test_killed_while_it_downloads_it_goes_on(self):
        at_work = self.begin("fetch", NEW)
        at_work.kill()
        at_work.communicate()
        self.server.rate, got = 0, self.server.sent
        self.assertEqual(self.machine.start(), ("a", False))
        self.run_it("resume")
        self.assertEqual(self.phase(), "fetching")
        self.run_it("fetch", NEW)
        self.assertEqual(self.phase(), "fetched")
        self.lose_source()
        self.run_it("apply", "--no-reboot", code=20)
        self.expect_trial_of(NEW)
        self.assertGreater(got, 0)

    def test_a_download_that_is_stopped_goes_on(self):
        before = self.slot_b()
        for how in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            code, err = self.stop(self.begin("fetch", NEW), how)
            self.assertEqual(code, 130, err)
            self.assertIn("stopped on request", err)
            self.assertIn("cube-update fetch", err)
            self.assertEqual(self.phase(), "fetching")
        self.assertEqual(self.slot_b(), before)
        self.run_it("fetch", NEW)
        self.assertEqual(self.phase(), "fetched")

    def test_an_installation_that_is_stopped_goes_on(self):
        code, err = self.stop(self.begin("apply", NEW, "--no-reboot"))
        self.assertEqual(code, 130, err)
        self.assertIn("partly installed", err)
        self.assertEqual(self.phase(), "filling")
        self.assertEqual(self.machine.start(), ("a", False))
        self.run_it("apply", "--no-reboot", code=20)
        self.expect_trial_of(NEW)

    def test_a_source_that_fails_in_between_costs_nothing(self):
        at_work = self.begin("fetch", NEW)
        self.lose_source()
        _, err = at_work.communicate(timeout=120)
        self.assertEqual((at_work.returncode, self.phase()), (9, "fetching"), err)
        self.run_it("history", says="no updates yet")

    def test_stopped_before_anything_was_begun(self):
        self.server.delay = 30
        at_work = subprocess.Popen(self.command("apply", NEW), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        time.sleep(2)
        code, err = self.stop(at_work)
        self.assertEqual((code, self.phase()), (130, "idle"), err)
        self.assertIn("stopped on request", err)

    def test_nohup_is_heeded(self):
        old = signal.signal(signal.SIGHUP, signal.SIG_IGN)
        try:
            at_work = self.begin("fetch", NEW)
        finally:
            signal.signal(signal.SIGHUP, old)
        at_work.send_signal(signal.SIGHUP)
        self.server.rate = 0
        at_work.communicate(timeout=60)
        self.assertEqual((at_work.returncode, self.phase()), (0, "fetched"))

    def test_the_appliance_comes_first(self):
        for priority, nice, policy in (("low", NICE_LOW, SCHED_BATCH), ("normal", 0, SCHED_OTHER)):
            self.configure(f'[update]\ncpu-priority = "{priority}"\nio-priority = "{priority}"\n')
            at_work = self.begin("fetch", NEW)
            for task in pathlib.Path(f"/proc/{at_work.pid}/task").iterdir():
                fields = (task / "stat").read_text().rpartition(")")[2].split()
                self.assertEqual(int(fields[38]), policy, priority)
                self.assertGreaterEqual(int(fields[16]), nice)
            self.stop(at_work)

    def test_the_rate_is_limited(self):
        self.run_it("fetch", "--max-rate", 5, code=2, says="at least 16")
        started = time.monotonic()
        self.run_it("fetch", NEW, "--max-rate", 1024)
        took = time.monotonic() - started
        self.assertGreater(took, 0.6 * RANDOM_FILES * RANDOM_BYTES / (1024 * 1024), "3 MB at 1 MiB/s")

    def test_programs_are_told_how_fast_and_how_long(self):
        at_work = self.begin("fetch", NEW, "--json")
        time.sleep(2.5)
        at_work.send_signal(signal.SIGTERM)
        out, _ = at_work.communicate(timeout=60)
        lines = [json.loads(line) for line in out.splitlines()]
        told = [line for line in lines if line["event"] == "progress" and line["stage"] == "fetch"]
        self.assertLess(len(told), 40, "four a second")
        self.assertGreater(told[0]["total"], 0)
        self.assertGreater(told[-1]["rate"], 0, told)
        self.assertGreater(told[-1]["eta"], 0, told)
        result = next(line for line in lines if line["event"] == "result")
        self.assertEqual((result["exit_code"], result["phase"]), (130, "fetching"))

    def test_what_takes_too_much_is_refused_before_it_comes(self):
        self.configure("staging-max = 1\n")
        sent = self.server.sent
        self.run_it("fetch", NEW, code=8, says="may hold 1 MiB")
        self.assertLess(self.server.sent - sent, 100_000)
        self.assertEqual((self.phase(), self.staged()), ("idle", []))


if __name__ == "__main__":
    UPDATE, RELEASE, MODULES = sys.argv[1:4]
    sys.path.insert(0, MODULES)
    from appliance import scratch
    unittest.main(argv=[sys.argv[0], *sys.argv[4:]])
