#!/usr/bin/env python3
"""Drift: what is not as the release brought it, in the slot that runs.

Usage: drift_test.py CUBE_UPDATE CUBE_RELEASE APPLIANCE_MODULES [TEST...]
"""
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import time
import unittest

import folder_machine
from folder_machine import NEW, OLD

STATUS = "Package: bash\nStatus: install ok installed\nArchitecture: amd64\nVersion: {}\n\n"


def rpm_database():
    """One without any package, as rpm itself writes it."""
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(["rpmdb", "--initdb", "--dbpath", folder], check=True, capture_output=True, timeout=60)
        return (pathlib.Path(folder) / "rpmdb.sqlite").read_bytes()


class DriftTest(folder_machine.FolderMachineTest):
    FILES = {"usr/lib/tool/a": "a", "usr/lib/tool/b": "b", "usr/lib/module.py": "x = 1", "boot/config": "c", "srv/data": "d",
             "var/lib/dpkg/status": STATUS.format("5.1"), "var/lib/rpm/rpmdb.sqlite": rpm_database()}

    def setUp(self):
        super().setUp()
        self.tree = self.folder / "slots/a"
        (self.folder / "proc/sys/kernel").mkdir(parents=True, exist_ok=True)
        self.kernel("6.1.0-1-amd64")
        time.sleep(0.02)  # the seal's time and a change's are of one clock, with ticks

    def kernel(self, release):
        (self.folder / "proc/sys/kernel/osrelease").write_text(release + "\n")

    def drift(self, look="quick", code=6):
        return json.loads(self.run_it("status", f"--drift={look}", "--json", code=code))["drift"]

    def paths(self, look="quick", code=6):
        return [(row["path"], row["change"]) for row in self.drift(look, code)["paths"]]

    def replace(self, path, text):
        """As a package manager does it: another file takes the place."""
        file = self.tree / path
        new = file.with_name("new")
        new.write_text(text)
        new.chmod(file.stat().st_mode)
        new.rename(file)

    def test_there_is_none_at_first(self):
        for look in ("quick", "full"):
            told = self.drift(look, code=0)
            self.assertEqual((told["drifted"], told["paths"], told["packages"], told["not_checked"]), (False, [], [], []))
            self.assertEqual((told["look"], told["release"]), (look, OLD))
            self.assertGreater(told["compared"], 10)
        self.run_it("status", "--drift", says=f"all is as {OLD} brought it")
        self.assertNotIn("drift", self.status())

    def test_each_way_to_change_a_file_is_seen(self):
        self.replace("usr/bin/hello", "#!/bin/sh\necho owned\n")
        self.assertEqual(self.paths(), [("/usr/bin/hello", "changed")])
        in_place = self.tree / "usr/lib/tool/a"  # the object is changed with it: a hard link
        with in_place.open("r+") as file:
            file.write("A")
        os.utime(in_place, (0, 0))
        self.assertEqual(self.paths(), [("/usr/bin/hello", "changed"), ("/usr/lib/tool/a", "changed")])
        (self.tree / "usr/lib/tool/b").unlink()
        (self.tree / "usr/lib/added").mkdir()
        (self.tree / "usr/lib/added/below").write_text("x")
        (self.tree / "boot/rescue").write_text("x")
        (self.tree / "bin").unlink()
        (self.tree / "bin").symlink_to("usr/lib")
        wanted = [("/bin", "changed"), ("/boot/rescue", "added"), ("/usr/bin/hello", "changed"), ("/usr/lib/added/", "added"),
                  ("/usr/lib/tool/a", "changed"), ("/usr/lib/tool/b", "removed")]
        for look in ("quick", "full"):
            self.assertEqual(self.paths(look), wanted)
        told = self.drift()
        self.assertEqual((told["changed"], told["removed"], told["added"]), (3, 1, 2))
        text = self.run_it("status", "--drift", code=6)
        self.assertIn(f"not as {OLD} brought it: 6 paths; first /bin  links elsewhere", text)
        self.assertIn("  removed  /usr/lib/tool/b\n", text)
        self.assertIn("-> what has to stay belongs into the release", text)

    @unittest.skipIf(os.geteuid() != 0, "owners and modes are kept as data without root")
    def test_modes_and_owners_count(self):
        (self.tree / "usr/bin/hello").chmod(0o4755)
        (self.tree / "usr/lib/tool").chmod(0o777)
        os.chown(self.tree / "boot/config", 1, 1)
        for look in ("quick", "full"):
            self.assertEqual(self.paths(look), [("/boot/config", "changed"), ("/usr/bin/hello", "changed"), ("/usr/lib/tool/", "changed")])

    def test_the_same_content_again_is_no_drift(self):
        self.replace("usr/bin/hello", (self.tree / "usr/bin/hello").read_text())
        self.drift(code=0)

    def test_what_belongs_to_the_machine_is_left_alone(self):
        for path in ("etc/os-release", "etc/new", "var/lib/new", "srv/new", "root-file"):
            (self.tree / path).write_text("mine")
        (self.tree / "usr/lib/__pycache__").mkdir()
        self.drift(code=0)
        self.assertEqual(self.paths("full"), [("/usr/lib/__pycache__/", "added")])

    def test_packages_and_their_databases(self):
        self.replace("var/lib/dpkg/status", STATUS.format("5.2") + STATUS.format("1").replace("bash", "nmap"))
        told = self.drift()
        self.assertEqual(told["packages"], [{"name": "bash:amd64", "from": "5.1", "to": "5.2"}, {"name": "nmap:amd64", "from": "", "to": "1"}])
        self.assertIn("package  bash:amd64", self.run_it("status", "--drift", code=6))
        self.replace("var/lib/dpkg/status", STATUS.format("5.1"))
        self.drift(code=0)
        self.replace("var/lib/rpm/rpmdb.sqlite", "after an update")
        self.assertEqual(self.drift()["package_databases"], ["var/lib/rpm/rpmdb.sqlite"])
        self.assertIn("/var/lib/rpm/rpmdb.sqlite: packages were installed, updated or removed", self.run_it("status", "--drift", code=6))

    def test_another_kernel_runs(self):
        self.kernel("6.1.0-99-amd64")
        self.assertEqual(self.drift()["kernel"], {"release": "6.1.0-1-amd64", "running": "6.1.0-99-amd64"})
        self.run_it("status", "--drift", code=6, says="6.1.0-99-amd64 runs, the release has 6.1.0-1-amd64")

    def test_what_cannot_be_looked_at_is_said(self):
        (self.folder / "proc/sys/kernel/osrelease").unlink()
        self.assertEqual(self.drift(code=0)["not_checked"], ["kernel: which one runs cannot be read"])
        (self.tree / "usr/lib/cube-update/inventory.json").unlink()
        told = self.drift()
        self.assertEqual([row["path"] for row in told["paths"]], ["/usr/lib/cube-update/inventory.json"])
        self.assertEqual(told["not_checked"], ["packages and kernel: the release has no inventory"])
        (self.tree / ".cube/seal").write_text("no seal")
        self.run_it("status", "--drift", code=1, says="nobody knows what its release brought")

    def test_many_and_hostile_names_are_bounded(self):
        for n in range(1200):
            (self.tree / f"usr/bin/\x1b[2J{n}").write_text("x")
        told = self.drift()
        self.assertEqual((told["added"], len(told["paths"])), (1200, 1000))
        text = self.run_it("status", "--drift", code=6)
        self.assertNotIn("\x1b", text)
        self.assertIn("and 1180 more", text)

    def test_doctor_and_health_tell_it_and_decide_nothing(self):
        self.replace("usr/bin/hello", "changed")

        def check():
            return {row["check"]: row for row in json.loads(self.run_it("doctor", "--json", "--offline").splitlines()[-1])["checks"]}["drift"]
        self.assertEqual(check()["ready"], "warning")
        self.assertIn("first /usr/bin/hello", check()["how"])
        self.run_it("apply", NEW)
        self.assertEqual(self.machine.start(), ("b", True))
        self.run_it("commit")
        verdict = self.status()["health"]
        told = {row["name"]: row for row in verdict["checks"]}["drift"]
        self.assertEqual((verdict["passed"], told["required"], told["passed"]), (True, False, True), told)
        self.configure('[health]\ndrift = "off"\n')
        self.assertNotIn("drift", [row["check"] for row in json.loads(self.run_it("doctor", "--json", "--offline").splitlines()[-1])["checks"]])

    def test_where_it_is_required_no_update_begins(self):
        self.configure('[health]\ndrift = "required"\n')
        as_released = (self.tree / "usr/bin/hello").read_text()
        self.replace("usr/bin/hello", "changed")
        self.run_it("apply", NEW, code=6, says="/usr/bin/hello")
        self.assertEqual(self.status()["trial"], None)
        self.run_it("preflight", code=6, says="drift:running-slot")
        self.replace("usr/bin/hello", as_released)
        self.run_it("apply", NEW, "--no-reboot", code=20)


if __name__ == "__main__":
    folder_machine.use(*sys.argv[1:4])
    unittest.main(argv=[sys.argv[0], *sys.argv[4:]])
