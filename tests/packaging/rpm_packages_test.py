#!/usr/bin/env python3
"""The RPMs that the spec file makes of the release build: complete, honest about what they need, and careful when removed.

Usage: rpm_packages_test.py SOURCE_FOLDER
"""
import os
import pathlib
import re
import shutil
import stat
import subprocess
import sys
import tempfile
import unittest

import packages

SOURCE = pathlib.Path(sys.argv.pop(1)).resolve()
# Of no use where dracut makes the initramfs.
LEFT_OUT = "usr/share/initramfs-tools/"


class RpmPackages(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = pathlib.Path(tempfile.mkdtemp(prefix="cube-rpms-"))
        packages.run(SOURCE / "packaging/rpm/build", "--build", SOURCE / "build/release", "--output", cls.folder / "rpms")

    @classmethod
    def tearDownClass(cls):
        shutil.rmtree(cls.folder)

    def rpm(self, package):
        found = list((self.folder / "rpms").glob(f"{package}-[0-9]*.rpm"))
        self.assertEqual(len(found), 1, found)
        return found[0]

    def query(self, package, *options):
        return packages.run("rpm", "-qp", f"--dbpath={self.folder}/db", *options, self.rpm(package))

    def test_every_component_is_a_package(self):
        self.assertEqual(sorted(packages.components(SOURCE)), sorted(packages.PACKAGES))
        self.assertEqual(len(list((self.folder / "rpms").glob("*.rpm"))), len(packages.PACKAGES))

    def test_complete(self):
        for component, package in packages.PACKAGES.items():
            with self.subTest(package):
                installed = packages.installed(SOURCE, component, self.folder / "tree")
                wanted = {"/" + path: mode for path, mode in installed.items() if not path.startswith(LEFT_OUT)}
                rows = self.query(package, "--qf", "[%{FILENAMES} %{FILEMODES:octal} %{FILEUSERNAME} %{FILEGROUPNAME}\n]").splitlines()
                seen = {}
                for path, mode, user, group in (row.split() for row in rows):
                    self.assertEqual((user, group), ("root", "root"), path)
                    if not stat.S_ISDIR(int(mode, 8)):
                        seen[path if path in wanted else path.removesuffix(".gz")] = f"{int(mode, 8) & 0o7777:o}"
                self.assertEqual(seen, wanted)
                self.assertEqual(sorted(row.split()[0] for row in rows), sorted(self.query(package, "-l").split()))

    def test_folders_of_its_own_are_owned(self):
        owned = set(self.query("cube-update", "-l").split())
        for folder in ("/usr/lib/cube-update", "/usr/share/cube-update", "/usr/share/cube-update/schemas", "/usr/lib/dracut/modules.d/90cube-update"):
            self.assertIn(folder, owned)

    def test_configuration_is_not_overwritten(self):
        wanted = ["/" + path for path in packages.installed(SOURCE, "grub", self.folder / "tree") if path.startswith("etc/")]
        self.assertEqual(self.query("cube-update-grub", "-c").split(), wanted)
        flags = self.query("cube-update-grub", "--qf", "[%{FILENAMES} %{FILEFLAGS:fflags}\n]")
        self.assertRegex(flags, r"/etc/grub.d/05_cube-update \S*c\S*n|/etc/grub.d/05_cube-update \S*n\S*c")

    def test_what_it_needs_is_what_it_is_linked_with(self):
        for package in ("cube-update", "cube-release"):
            requires = {line.split("(")[0].split(" ")[0] for line in self.query(package, "--requires").splitlines()}
            # As readelf tells it of the program in the build, not of rpm's own extraction.
            program = SOURCE / "build/release/bin" / package
            needed = set(re.findall(r"NEEDED\)\s+Shared library: \[(.+)\]", packages.run("readelf", "-d", program)))
            self.assertGreater(len(needed), 5)
            self.assertEqual({name for name in requires if ".so" in name}, needed)
        self.assertLessEqual({"e2fsprogs", "systemd", "tzdata"}, {line.split()[0] for line in self.query("cube-update", "--requires").splitlines()})
        self.assertNotIn("cube-release", self.query("cube-update", "--requires"))

    def test_one_version(self):
        for package in packages.PACKAGES.values():
            self.assertEqual(self.query(package, "--qf", "%{VERSION}"), packages.version(SOURCE))

    def test_the_program_in_it_has_no_defects(self):
        with tempfile.TemporaryDirectory() as folder:
            archive = subprocess.run(["rpm2cpio", self.rpm("cube-update")], check=True, capture_output=True).stdout
            subprocess.run(["cpio", "-id", "--quiet"], input=archive, cwd=folder, check=True, capture_output=True)
            program = pathlib.Path(folder) / "usr/bin/cube-update"
            self.assertNotIn(b"CUBE_MUTATION", program.read_bytes())
            self.assertEqual(packages.run(program, "--version").strip(), packages.version(SOURCE))

    def scriptlet(self, package, tag, count, folder, verdict):
        """Runs a scriptlet as rpm does at `count`, with a removal-check that ends with `verdict`: (exit code, what systemctl was told)."""
        check, systemctl = folder / "removal-check", folder / "systemctl"
        check.write_text(f"#!/bin/sh\nexit {verdict}\n")
        systemctl.write_text(f'#!/bin/sh\necho "$@" >>{folder}/told\n')
        for program in (check, systemctl):
            program.chmod(0o755)
        text = self.query(package, "--qf", f"%{{{tag}}}")
        text = text.replace("/usr/lib/cube-update/removal-check", str(check)).replace("/usr/bin/systemctl", str(systemctl))
        text = text.replace("/usr/lib/systemd/system-preset", str(SOURCE / "packaging/systemd"))
        (folder / "told").write_text("")
        done = subprocess.run(["sh", "-c", text, "scriptlet", str(count)], capture_output=True, text=True)
        return done.returncode, (folder / "told").read_text()

    def test_scriptlets(self):
        wanted, unwanted = packages.enabled_and_disabled(SOURCE)
        with tempfile.TemporaryDirectory() as name:
            folder = pathlib.Path(name)
            code, told = self.scriptlet("cube-update", "POSTIN", 1, folder, 0)
            self.assertEqual((code, set(told.split()[2:])), (0, wanted | unwanted))
            self.assertIn("preset", told)
            self.assertEqual(self.scriptlet("cube-update", "POSTIN", 2, folder, 0), (0, ""), "an upgrade enables nothing again")
            self.assertEqual(self.scriptlet("cube-update", "PREUN", 1, folder, 1), (0, ""), "an upgrade is not asked whether it may")
            self.assertEqual(self.scriptlet("cube-update", "PREUN", 0, folder, 1), (1, ""), "refused, and nothing is disabled")
            self.assertEqual(self.scriptlet("cube-update", "PREUN", 0, folder, 0)[0], 0)
            self.assertEqual(self.scriptlet("cube-update-grub", "PREUN", 0, folder, 1)[0], 1)

    @unittest.skipIf(os.geteuid() != 0, "rpm changes its root, which needs root")
    def test_installed_upgraded_and_erased(self):
        root = self.folder / "root"
        (root / "usr/bin").mkdir(parents=True)
        for link in ("bin", "lib", "lib64", "sbin"):
            (root / link).symlink_to("usr/bin" if link in ("bin", "sbin") else "usr/lib")
        shutil.copy("/bin/busybox", root / "usr/bin/busybox")
        for applet in ("sh", "sed", "xargs"):
            (root / "usr/bin" / applet).symlink_to("busybox")
        memory = root / "var/lib/cube-update/journal.0"
        memory.parent.mkdir(parents=True)
        memory.write_bytes(b"kept")

        def rpm(*arguments):
            return subprocess.run(["rpm", f"--root={root}", "--nodeps", *map(str, arguments)], capture_output=True, text=True)
        done = rpm("-i", self.rpm("cube-update"), self.rpm("cube-update-grub"))
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(rpm("-V", "--nodeps", "--nouser", "--nogroup", "cube-update", "cube-update-grub").stdout, "")
        done = rpm("-U", "--replacepkgs", self.rpm("cube-update"), self.rpm("cube-update-grub"))
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(memory.read_bytes(), b"kept")
        # A journal, and a program that cannot run there: nobody can tell, so it stays.
        done = rpm("-e", "cube-update")
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("cannot be told", done.stderr + done.stdout)
        self.assertTrue((root / "usr/bin/cube-update").exists())
        memory.rename(root / "kept")
        self.assertEqual(rpm("-e", "cube-update", "cube-update-grub").returncode, 0)
        self.assertFalse((root / "usr/bin/cube-update").exists())
        self.assertEqual((root / "kept").read_bytes(), b"kept")


if __name__ == "__main__":
    unittest.main(verbosity=2)
