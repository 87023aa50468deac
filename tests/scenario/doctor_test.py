#!/usr/bin/env python3
"""`cube-update doctor`: would an update work here, and is there a way back?

Usage: doctor_test.py CUBE_UPDATE CUBE_RELEASE APPLIANCE_MODULES [TEST...]
"""
import json
import shutil
import sys
import unittest

import folder_machine
from folder_machine import NEW, OLD


class DoctorTest(folder_machine.FolderMachineTest):
    def source(self, url):
        """The only one that is configured."""
        text = f'[source]\nurl = "{url}"\n' if url else ""
        (self.folder / "usr/lib/cube-update/config.d/20-site.toml").write_text(text)

    def doctor(self, *options, code=0):
        """The last line of --json, its checks by name."""
        told = json.loads(self.run_it("doctor", "--json", *options, code=code).splitlines()[-1])
        return told | {"checks": {check["check"]: check for check in told["checks"]}}

    def expect(self, told, **wanted):
        for name, ready in wanted.items():
            check = told["checks"][name.replace("_", "-")]
            self.assertEqual(check["ready"], ready, check)
            self.assertEqual(check["remedy"] == "", ready == "yes" or "not asked" in check["how"], check)

    def update(self):
        self.run_it("apply", NEW, "--from", self.repository)
        self.assertEqual(self.machine.start(), ("b", True))
        self.run_it("commit")

    def test_a_machine_before_its_first_update(self):
        self.source("")
        told = self.doctor()
        self.expect(told, records="yes", fallback="yes", way_back="warning", trusted_root="yes", source="warning", clock="yes", state="yes")
        self.assertEqual(told["unmet"], [])
        self.assertIn("-> the next update fills it", self.run_it("doctor"))

    def test_the_source_is_asked_and_believed_or_not(self):
        self.expect(self.doctor(), source="yes", metadata="yes")
        self.assertEqual(self.doctor("--offline")["checks"]["source"]["ready"], "unknown")
        self.assertFalse((self.machine.folder / "var/lib/cube-update/tuf").exists(), "doctor changes nothing")
        damaged = self.machine.folder / "damaged"
        shutil.copytree(self.repository / "metadata", damaged / "metadata")
        (damaged / "metadata/timestamp.json").write_text("{}")
        self.source(damaged)
        self.expect(self.doctor(code=6), source="no")
        self.source("/nowhere")
        self.expect(self.doctor(), source="warning")

    def test_the_way_back_is_read_when_asked(self):
        self.update()
        told = self.doctor("--verify")
        self.expect(told, way_back="yes")
        self.assertIn(f"slot a holds {OLD}, whole as read back now", told["checks"]["way-back"]["how"])
        (self.machine.folder / "slots/a/usr/bin/hello").write_text("#!/bin/sh\necho owned\n")
        self.expect(self.doctor(), way_back="yes")  # as sealed; nobody looked
        told = self.doctor("--verify")
        self.expect(told, way_back="warning")
        self.assertIn("damaged", told["checks"]["way-back"]["how"])

    def test_a_way_back_that_cannot_start(self):
        self.update()
        (self.machine.folder / "slots/a/boot/vmlinuz").unlink()
        told = self.doctor()
        self.expect(told, way_back="warning")
        self.assertIn("lacks boot/vmlinuz", told["checks"]["way-back"]["how"])

    def test_without_a_trusted_root_or_records_nothing_can_be_installed(self):
        (self.machine.folder / "usr/share/cube-update/root.json").unlink()
        self.expect(self.doctor(code=6), trusted_root="no")
        for name in ("env", "good"):
            (self.machine.folder / "boot/efi/cube" / name).write_bytes(b"")
        told = self.doctor(code=6)
        self.expect(told, records="no", trusted_root="no")
        self.assertEqual(told["checks"]["fallback"]["ready"], "unknown")
        self.assertEqual(len(told["unmet"]), 2, told["unmet"])


if __name__ == "__main__":
    folder_machine.use(*sys.argv[1:4])
    unittest.main(argv=[sys.argv[0], *sys.argv[4:]])
