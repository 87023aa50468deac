#!/usr/bin/env python3
"""`cube-update why` with the real programs: after a rollback, and on logs that were brought from elsewhere.

Usage: why_test.py CUBE_UPDATE CUBE_RELEASE APPLIANCE_MODULES [TEST...]
"""
import json
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time
import unittest

from tiny_tree import make_tiny_tree

UPDATE = RELEASE = ""
OLD, NEW = [f"CUBE_{n}.0.0_2026010{n}-0000_abcd1234" for n in (1, 2)]
PANIC = ("<5>[    0.000000] Linux version 6.1.0-2-amd64 (maker@host)\n"
         "<0>[    2.514723] Kernel panic - not syncing: VFS: Unable to mount root fs on unknown-block(0,0)\n")
FIRST_LINE = PANIC.splitlines()[0] + "\n"
CRASH = "<0>[    9.200000] Kernel panic - not syncing: sysrq triggered crash\n"
BREADCRUMB = "<2>[    9.100000] cube-update: initramfs: root not found: LABEL=cube-b; disks: sda sdb\n"


def run_once(*command):
    subprocess.run([str(word) for word in command], check=True, capture_output=True, timeout=300)


def call(*arguments):
    return subprocess.run([str(UPDATE), *map(str, arguments)], capture_output=True, timeout=120)


class Elsewhere(unittest.TestCase):
    """--from: no appliance, no rights."""

    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="cube-why-"))
        self.addCleanup(shutil.rmtree, self.folder)

    def why(self, path, code=0):
        done = call("why", "--from", path, "--json")
        self.assertEqual(done.returncode, code, done.stderr)
        return json.loads(done.stdout.splitlines()[-1])

    def put(self, name, content):
        (self.folder / name).write_bytes(content if isinstance(content, bytes) else content.encode())
        return self.folder / name

    def test_a_serial_log(self):
        told = self.why(self.put("serial.log", FIRST_LINE + BREADCRUMB + CRASH))
        self.assertEqual((told["event"], told["stage"], told["kernel"]), ("result", "root-not-found", "6.1.0-2-amd64"))
        self.assertTrue(any("root not found" in line for line in told["evidence"]))
        self.assertTrue(told["cause"] and told["next"])
        self.assertIn(told["confidence"], ("low", "medium", "high"))
        self.assertIsNone(told["attempt"])
        text = call("why", "--from", self.folder / "serial.log").stdout.decode()
        for part in (told["cause"], "stage: root-not-found", told["next"]):
            self.assertIn(part, text)

    def test_records_in_parts(self):
        self.put("dmesg-efi_pstore-170000001001", "Panic#1 Part1\n" + CRASH)
        self.put("dmesg-efi_pstore-170000002001", "Panic#1 Part2\n" + FIRST_LINE + BREADCRUMB)
        self.put("dmesg-efi_pstore-170000003001.enc.z", bytes(range(256)))
        told = self.why(self.folder)
        self.assertEqual((told["stage"], told["kernel"]), ("root-not-found", "6.1.0-2-amd64"))
        self.assertEqual(told["left_out"], ["dmesg-efi_pstore-170000003001.enc.z"])

    def test_hostile_bytes_stay_away_from_the_terminal(self):
        log = self.put("log", b"\x1b]0;owned\x07\x1b[2J\xff\xfe\x00" + BREADCRUMB.replace("LABEL", "\x1b[31mLABEL\x9b").encode() + PANIC.encode())
        for options in ((), ("--json",)):
            out = call("why", "--from", log, *options).stdout
            self.assertTrue(all(byte == 10 or 32 <= byte < 127 for byte in out), out)

    def test_what_is_not_there_or_empty(self):
        done = call("why", "--from", self.folder / "missing")
        self.assertEqual(done.returncode, 1)
        self.assertIn(b"missing", done.stderr)
        self.assertEqual(call("why", "--from", self.put("empty", "")).returncode, 3)
        self.assertEqual(call("why", "--from", self.folder, "3").returncode, 2)


class Here(unittest.TestCase):
    """An appliance whose update was rolled back."""

    @classmethod
    def setUpClass(cls):
        cls.folder = pathlib.Path(tempfile.mkdtemp(prefix="cube-why-"))
        repository = cls.folder / "repository"
        run_once(RELEASE, "init", repository, "--product", "CUBE")
        for release, kernel, modules in ((OLD, "6.1.0-1-amd64", "kernel/drivers/megaraid_sas.ko:\n"), (NEW, "6.1.0-2-amd64", "")):
            version, built = release.split("_")[1:3]
            tree = cls.folder / version
            make_tiny_tree(tree, version)
            shutil.rmtree(tree / "usr/lib/modules")
            (tree / "usr/lib/modules" / kernel).mkdir(parents=True)
            (tree / "usr/lib/modules" / kernel / "modules.dep").write_text(modules)
            (tree / "lib").symlink_to("usr/lib")
            run_once(RELEASE, "compose", tree, "--version", version, "--built", built, "--source", "abcd1234", "--repository", repository)
        run_once(RELEASE, "publish", "--repository", repository)
        cls.repository, cls.root = repository, repository / "metadata/1.root.json"

    @classmethod
    def tearDownClass(cls):
        shutil.rmtree(cls.folder)

    def setUp(self):
        self.machine = scratch.Scratch(self.folder / "machine")
        self.addCleanup(shutil.rmtree, self.machine.folder)
        self.machine.folder.mkdir()
        self.machine.lay_out(self.root)
        run_once(UPDATE, "install-slot", self.machine.folder / "slots/a", OLD, "--from", self.repository, "--trusted-root", self.root)

    def agent(self, *arguments, code=0):
        done = call(*arguments, "--root", self.machine.folder)
        self.assertEqual(done.returncode, code, done.stderr)
        return done.stdout.decode()

    def roll_back(self, records):
        """Applies NEW; its trial leaves these records and is rolled back."""
        self.assertEqual(self.machine.start(), ("a", False))
        self.agent("resume")
        self.agent("apply", NEW, "--from", self.repository)
        self.assertEqual(self.machine.start(), ("b", True))
        for name, content in records.items():
            (self.machine.folder / "sys/fs/pstore" / name).write_text(content)
        self.assertEqual(self.machine.start(), ("a", False))
        self.agent("resume")

    def why(self, *arguments):
        return json.loads(self.agent("why", "--json", *arguments))

    def test_a_rollback_is_explained(self):
        self.roll_back({"dmesg-erst-1": "Panic#1 Part1\n" + FIRST_LINE +
                        "<4>[    1.0] megaraid_sas: Unknown symbol scsi_host_alloc (err -2)\n" + PANIC.splitlines()[1] + "\n"})
        told = self.why()
        self.assertEqual((told["attempt"]["release"], told["attempt"]["outcome"], told["stage"]), (NEW, "rolled-back", "driver-not-loaded"))
        self.assertEqual(told["module"], "megaraid_sas")
        self.assertEqual(told["differences"], ["kernel 6.1.0-1-amd64 -> 6.1.0-2-amd64", "module megaraid_sas: in the running release, not in the failed one"])
        self.assertEqual(self.why("1")["stage"], told["stage"])
        motd = (self.machine.folder / "run/motd.d/cube-update").read_text()
        for part in (NEW, told["cause"], told["evidence"][-1], "cube-update why 1"):
            self.assertIn(part, motd)
        text = self.agent("why")
        for part in (NEW, "slot b", told["cause"], "6.1.0-1-amd64 -> 6.1.0-2-amd64", told["next"]):
            self.assertIn(part, text)

    def leave_marks(self, boot):
        """What the initramfs of slot b and its journald leave."""
        slot = self.machine.folder / "slots/b"
        (slot / ".cube/marks").write_text(f"cube-update: stage root-mounted boot {boot}\n")
        export = self.machine.folder / "export"
        export.write_text("".join(
            f"__REALTIME_TIMESTAMP={int(time.time())}000000\n__MONOTONIC_TIMESTAMP={number}\n_BOOT_ID={boot.replace('-', '')}\n"
            f"PRIORITY={priority}\nSYSLOG_IDENTIFIER=ceph-mon\nMESSAGE={message}\n\n"
            for number, priority, message in ((1, 3, "cannot open store"), (2, 6, "all is well"))))
        journal = slot / "var/log/journal/0123456789abcdef0123456789abcdef/system.journal"
        journal.parent.mkdir(parents=True, exist_ok=True)
        journal.unlink(missing_ok=True)
        run_once("/lib/systemd/systemd-journal-remote", "-o", journal, export)

    def test_the_trials_marks_and_journal_are_told(self):
        boot = "aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee"
        self.assertEqual(self.machine.start(), ("a", False))
        self.agent("resume")
        self.agent("apply", NEW, "--from", self.repository, "--tries", "1")
        self.assertEqual(self.machine.start(), ("b", True))
        self.leave_marks(boot)
        self.assertEqual(self.machine.start(), ("a", False))
        self.agent("resume")
        told = self.why()
        self.assertEqual((told["stage"], told["reached"], told["journal"]), ("hang", "root-mounted", ["ceph-mon: cannot open store"]))
        self.assertIn("its root was mounted", told["cause"])
        self.assertIn(f"cube-update: stage root-mounted boot {boot}", told["evidence"])
        for part in ("last mark root-mounted", "cannot open store"):
            self.assertIn(part, self.agent("why"))
        # Of the next attempt they are not.
        self.agent("allow", NEW)
        self.agent("apply", NEW, "--from", self.repository, "--tries", "1")
        (self.machine.folder / "slots/b/.cube/marks").write_text(f"cube-update: stage root-mounted boot {boot}\n")
        self.assertEqual(self.machine.start(), ("b", True))
        self.assertEqual(self.machine.start(), ("a", False))
        self.agent("resume")
        told = self.why()
        self.assertEqual((told["attempt"]["attempt"], told["reached"], told["journal"]), (2, "", []))

    def test_without_records_the_journal_tells(self):
        self.assertEqual(self.machine.start(), ("a", False))
        self.agent("apply", NEW, "--from", self.repository)
        check = self.machine.folder / "usr/lib/cube-update/health/required.d/10-true"
        check.write_text("#!/bin/sh\necho storage is down\nexit 1\n")
        self.assertEqual(self.machine.start(), ("b", True))
        call("commit", "--root", self.machine.folder)
        self.machine.start()
        self.agent("resume")
        told = self.why()
        self.assertEqual(told["stage"], "health")
        self.assertTrue(any("storage is down" in line for line in told["evidence"]), told)

    def test_who_logs_in_is_told_until_an_update_is_committed(self):
        motd = self.machine.folder / "run/motd.d/cube-update"
        self.roll_back({"dmesg-erst-1": "Panic#1 Part1\n" + PANIC})
        self.machine.start()
        self.assertFalse(motd.exists())
        self.agent("resume")
        self.assertIn("was rolled back", motd.read_text())
        self.agent("allow", NEW)
        self.agent("apply", NEW, "--from", self.repository)
        self.assertEqual(self.machine.start(), ("b", True))
        self.agent("resume")
        self.assertTrue(motd.exists())
        self.agent("commit")
        self.assertFalse(motd.exists())

    def test_nothing_failed_or_no_such_update(self):
        self.assertEqual(self.machine.start(), ("a", False))
        self.agent("why", code=3)
        self.agent("why", "7", code=2)


if __name__ == "__main__":
    UPDATE, RELEASE = sys.argv[1:3]
    sys.path.insert(0, sys.argv[3])
    from appliance import scratch
    unittest.main(argv=[sys.argv[0], *sys.argv[4:]])
