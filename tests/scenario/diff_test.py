#!/usr/bin/env python3
"""`cube-update diff`: what one release changes against another, and first what this machine uses of it.

Usage: diff_test.py CUBE_UPDATE CUBE_RELEASE APPLIANCE_MODULES [TEST...]
"""
import gzip
import json
import sys
import time
import unittest

import folder_machine
import tiny_tree
from folder_machine import NEW, OLD

KERNEL = "6.1.0-1-amd64"
PLACE = f"usr/lib/modules/{KERNEL}"
INVENTORY = "usr/lib/cube-update/inventory.json"


class DiffTest(folder_machine.FolderMachineTest):
    @classmethod
    def files_of(cls, release):
        """The newer one lacks the driver of the disk in its initramfs, an older driver of the network card, and another one's."""
        old = release == OLD
        modules = {"megaraid_sas": "07.719.03" if old else "07.714.04", "tg3": "3.137"} | ({"floppy": "1"} if old else {"fresh": "1"})
        files = {f"{PLACE}/kernel/drivers/{name}.ko": tiny_tree.kernel_module(name=name, version=version, firmware="tigon/tg3.bin" if name == "tg3" else "none")
                 for name, version in modules.items()}
        files |= {"usr/lib/firmware/tigon/tg3.bin": release, "usr/lib/firmware/other.bin": release,
                  f"{PLACE}/modules.builtin": "kernel/fs/xfs/xfs.ko\n", "etc/default/grub": 'GRUB_CMDLINE_LINUX="quiet"\n',
                  "var/lib/dpkg/status": f"Package: kernel\nStatus: install ok installed\nArchitecture: amd64\nVersion: {348 if old else 373}\n"}
        return files

    @classmethod
    def setUpClass(cls):
        images = iter([["megaraid_sas", "tg3"], ["tg3"]])
        make = folder_machine.make_tiny_tree

        def make_with_initramfs(folder, *more):
            make(folder, *more)
            names = [f"{PLACE}/kernel/drivers/{name}.ko" for name in next(images)]
            (folder / "boot/initrd.img").write_bytes(gzip.compress(tiny_tree.cpio(names), mtime=0))
        folder_machine.make_tiny_tree = make_with_initramfs
        cls.addClassCleanup(setattr, folder_machine, "make_tiny_tree", make)
        super().setUpClass()

    def uses(self, *modules):
        """What the machine's kernel says that it has loaded."""
        (self.folder / "sys/bus/pci/devices").mkdir(parents=True, exist_ok=True)
        (self.folder / "proc/sys/kernel/osrelease").write_text(KERNEL + "\n")
        (self.folder / "proc/modules").write_text("".join(f"{name} 16384 1 - Live 0x0000000000000000\n" for name in modules))

    def diff(self, *words):
        return json.loads(self.run_it("diff", *words, "--json"))

    def harms(self, told):
        return [f"{row['harm']} {row['name']}" for row in told["harms"]]

    def stage(self):
        self.run_it("apply", NEW, "--no-reboot", code=20)

    def test_the_other_slot_against_the_running_one_and_first_what_is_in_use(self):
        self.uses("megaraid_sas")
        self.stage()
        told = self.diff()
        self.assertEqual((told["from"], told["to"]), (f"{OLD} in slot a", f"{NEW} in slot b"))
        self.assertEqual(self.harms(told["here"]), ["initramfs-driver-gone megaraid_sas", "module-version-down megaraid_sas"])
        self.assertEqual(self.harms(told), ["initramfs-driver-gone megaraid_sas", "module-gone floppy", "module-version-down megaraid_sas"])
        self.assertEqual([row["name"] for row in told["firmware_changed"]], ["other.bin", "tigon/tg3.bin"])
        self.assertTrue(told["here"]["known"])
        screen = self.run_it("diff").splitlines()
        self.assertEqual(screen[3], "!! in use on this machine: drivers gone from the initramfs (1)", screen)
        self.assertEqual(screen[4], f"  {'megaraid_sas':<40} in the tree")
        for words in (("a", "b"), ("running", "other"), (OLD, NEW), ("b",), (NEW,), ("running", NEW)):
            self.assertEqual(self.diff(*words), told, words)
        self.assertEqual(self.harms(self.diff("b", "a")), ["module-gone fresh"])
        self.uses("tg3")
        self.assertEqual(self.harms(self.diff()["here"]), ["firmware-changed tigon/tg3.bin"])
        self.uses("xfs")
        self.assertEqual(self.harms(self.diff()["here"]), [])
        self.run_it("diff", says="none is gone or changed for the worse")
        self.uses("nvidia")
        self.assertEqual(self.diff()["here"]["harms"], [{"harm": "module-gone", "name": "nvidia", "from": "not of a release", "to": ""}])

    def test_a_driver_that_is_built_in_counts_as_in_use(self):
        self.uses()
        driver, device = (self.folder / "sys" / path for path in ("bus/pci/drivers/megaraid_sas", "devices/pci0000:00/0000:00:01.0"))
        for folder in (driver, device, self.folder / "sys/module/megaraid_sas"):
            folder.mkdir(parents=True)
        (driver / "module").symlink_to("../../../../module/megaraid_sas")
        (device / "driver").symlink_to("../../../bus/pci/drivers/megaraid_sas")
        (self.folder / "sys/bus/pci/devices/0000:00:01.0").symlink_to("../../../devices/pci0000:00/0000:00:01.0")
        self.stage()
        self.assertIn("initramfs-driver-gone megaraid_sas", self.harms(self.diff()["here"]))

    def test_what_a_machine_does_not_say_is_said(self):
        self.stage()
        told = self.diff()["here"]
        self.assertEqual((told["known"], told["modules"]), (False, 0))
        self.run_it("diff", says="!! not all is known of what this machine uses")

    def test_a_release_that_is_only_offered(self):
        self.uses("megaraid_sas")
        told = self.diff(NEW)
        self.assertEqual(told["to"], f"offered {NEW}")
        self.assertEqual(self.harms(told["here"]), ["initramfs-driver-gone megaraid_sas", "module-version-down megaraid_sas"])
        self.assertFalse((self.folder / "var/lib/cube-update/look").exists(), "what was fetched is removed")
        self.assertFalse((self.folder / "var/lib/cube-update/tuf").exists(), "diff changes nothing")
        self.run_it("diff", "CUBE_9.9_20260101-0000_abcd1234", code=1, says="does not offer it")
        self.configure()
        self.run_it("diff", NEW, "--from", "/nowhere", code=9)
        damaged = self.scratch / "damaged"
        folder_machine.run_once("cp", "-a", self.repository, damaged)
        for path in damaged.glob("repo/objects/*/*.filez"):
            path.unlink()
        self.run_it("diff", NEW, "--from", damaged, code=7, says="brings all of it into the other slot")

    def test_what_is_not_there_is_said_with_the_next_step(self):
        self.run_it("diff", code=1, says="`cube-update apply --no-reboot` puts a release there")
        self.run_it("diff", "nonsense", code=1, says="is no slot (a, b, running, other), no release, no file and no folder")
        self.run_it("diff", "no/such/file", code=1, says="no file and no folder")
        self.stage()
        (self.folder / "slots/a" / INVENTORY).unlink()  # as a release of an older program
        self.run_it("diff", code=1, says="`cube-release inventory FOLDER --json >FILE` and name the file")
        (self.folder / "slots/a" / INVENTORY).write_text("{")
        self.run_it("diff", code=7, says=f"{OLD} in slot a: inventory: ")

    def test_files_and_trees(self):
        self.uses("megaraid_sas")
        self.stage()
        text = (self.folder / "slots/b" / INVENTORY).read_text()
        file = self.scratch / "evil\x1b[2J<script>.json"
        older = json.loads(text)
        for part in ("microcode", "module_versions", "filesystems", "initramfs_tools", "mkfs_features"):
            del older[part]
        older["setuid"] = {"usr/bin/<script>alert(1)</script>": "4755"}
        file.write_text(json.dumps(older))
        told = self.diff("running", file)
        self.assertIn("\\x1b[2J", told["to"])
        self.assertEqual(self.harms(told)[0], "not-known filesystems, initramfs_tools, microcode, mkfs_features, module_versions")
        self.assertEqual(self.harms(told["here"]), ["initramfs-driver-gone megaraid_sas"])
        self.assertNotIn("\x1b", self.run_it("diff", file))
        self.assertEqual(self.diff(self.folder / "slots/b")["harms"], self.diff()["harms"])
        page = self.folder / "page.html"
        self.run_it("diff", "running", file, "--html", page)
        html = page.read_text()
        self.assertNotIn("<script", html)
        self.assertLess(html.index("In use on this machine"), html.index("Packages changed"))
        self.assertEqual(self.run_it("diff", "running", file, "--html", "-"), html)
        self.run_it("diff", file, "--html", self.folder / "none/page.html", code=2, says="--html")
        self.run_it("diff", file, "--html", page, "--json", code=2)

    def test_lists_are_cut_unless_all_is_asked_for(self):
        self.uses()
        inventory = json.loads((self.folder / "slots/a" / INVENTORY).read_text())
        inventory["units"] = [f"u{n}.service" for n in range(100)]
        file = self.scratch / "many.json"
        file.write_text(json.dumps(inventory))
        self.assertIn("and 80 more", self.run_it("diff", file))
        self.assertIn("u99.service", self.run_it("diff", file, "--all"))

    def test_a_large_one_takes_no_time(self):
        self.uses("megaraid_sas")
        inventory = json.loads((self.folder / "slots/a" / INVENTORY).read_text())
        files = []
        for version in ("1", "2"):
            inventory["packages"] = {f"package-{n}:amd64": f"{version}.{n % 7}" for n in range(3000)}
            inventory["modules"] = {f"module_{n}": f"kernel/drivers/module_{n}.ko" for n in range(5000)}
            inventory["firmware"] = {f"folder/{n}.bin": f"{n} 0123456789abcde{version}" for n in range(4000)}
            files.append(self.scratch / f"large{version}.json")
            files[-1].write_text(json.dumps(inventory))
        began = time.monotonic()
        self.run_it("diff", *files)
        self.assertLess(time.monotonic() - began, 10, "with sanitizers, on a busy machine")


if __name__ == "__main__":
    folder_machine.use(*sys.argv[1:4])
    unittest.main(argv=[sys.argv[0], *sys.argv[4:]])
