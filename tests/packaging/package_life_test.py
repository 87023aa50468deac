#!/usr/bin/env python3
"""Installing, upgrading, removing and purging the packages leaves a machine that starts, and its memory where it belongs.

dpkg installs them into an appliance laid out in a folder and runs the packages' scripts; updates are made with the packaged program.

Usage: package_life_test.py SOURCE_FOLDER
"""
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

import packages

SOURCE = pathlib.Path(sys.argv.pop(1)).resolve()
sys.path[:0] = [str(SOURCE / "packaging/appliance"), str(SOURCE / "tests/scenario")]
from appliance import packages as package_installation, scratch  # noqa: E402
from tiny_tree import make_tiny_tree  # noqa: E402

OLD, NEW = [f"CUBE_{n}.0.0_2026010{n}-0000_abcd1234" for n in (1, 2)]
CUBE_RELEASE = SOURCE / "build/release/bin/cube-release"


def repacked(deb, folder, name, change):
    """The package with something else in it; `change` gets the unpacked tree."""
    tree = folder / (name + ".tree")
    packages.run("dpkg-deb", "-R", deb, tree)
    change(tree)
    out = folder / (name + ".deb")
    packages.run("dpkg-deb", "--root-owner-group", "-Znone", "-b", tree, out)
    shutil.rmtree(tree)
    return out


def newer(tree):
    control = tree / "DEBIAN/control"
    control.write_text(re.sub(r"^Version: (.*)$", r"Version: \1+1", control.read_text(), flags=re.M))


class PackageLife(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = pathlib.Path(tempfile.mkdtemp(prefix="cube-packages-"))
        built = packages.build(SOURCE)
        cls.debs = [packages.deb(built, name) for name in ("cube-update", "cube-update-grub")]
        cls.newer = [repacked(deb, cls.folder, f"newer-{deb.name}", newer) for deb in cls.debs]
        cls.repository = cls.folder / "repository"
        packages.run(CUBE_RELEASE, "init", cls.repository, "--product", "CUBE")
        for name in (OLD, NEW):
            version, built_at = name.split("_")[1:3]
            make_tiny_tree(cls.folder / version, version)
            packages.run(CUBE_RELEASE, "compose", cls.folder / version, "--version", version, "--built", built_at, "--source", "abcd1234",
                         "--repository", cls.repository)
        packages.run(CUBE_RELEASE, "publish", "--repository", cls.repository)

    @classmethod
    def tearDownClass(cls):
        shutil.rmtree(cls.folder)

    def setUp(self):
        self.machine = scratch.Scratch(self.folder / "machine")
        self.addCleanup(shutil.rmtree, self.machine.folder)
        self.machine.folder.mkdir()
        self.machine.lay_out(self.repository / "metadata/1.root.json")
        self.root = self.machine.folder
        package_installation.prepare(self.root)
        self.dpkg("--install", *self.debs)
        self.agent("install-slot", self.root / "slots/a", OLD, "--from", self.repository, "--trusted-root",
                   self.repository / "metadata/1.root.json", root=False)
        self.machine.start()
        self.agent("resume")

    def dpkg(self, *arguments, code=0, **environment):
        done = subprocess.run([*package_installation.DPKG, f"--root={self.root}", *map(str, arguments)], capture_output=True, text=True,
                              env={**os.environ, **environment})
        self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        return done.stdout + done.stderr

    def agent(self, *arguments, code=0, root=True):
        done = subprocess.run([str(word) for word in (self.root / "usr/bin/cube-update", *arguments, *(("--root", self.root) if root else ()))],
                              capture_output=True, text=True, timeout=120)
        self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        return done.stdout

    def state(self, package="cube-update"):
        lines = (self.root / "var/lib/dpkg/status").read_text().split("\n\n")
        found = [entry for entry in lines if f"Package: {package}\n" in entry]
        return re.search(r"^Status: (.*)$", found[0], flags=re.M).group(1) if found else "none"

    def enabled(self):
        """unit -> True where a link starts it."""
        units = self.root / "etc/systemd/system"
        return {link.name for link in units.glob("*.wants/*")} if units.exists() else set()

    def memory(self):
        """What the loader starts the machine by, and what the agent remembers, byte for byte."""
        files = [self.machine.cube / "env", self.machine.cube / "good", *sorted((self.root / "var/lib/cube-update").glob("journal.*"))]
        return {path.name: path.read_bytes() for path in files if path.exists()}

    def loader(self):
        return {name: content for name, content in self.memory().items() if not name.startswith("journal")}

    def grub_script(self):
        """The fragment of grub-mkconfig's script; None where there is none."""
        script = self.root / "etc/grub.d/05_cube-update"
        if not script.exists():
            return None
        done = subprocess.run([script], capture_output=True, text=True, check=True, env={
            "PATH": os.environ["PATH"], "GRUB_CMDLINE_LINUX": "ro", "CUBE_UPDATE_GRUB_SCRIPT": str(self.root / "usr/share/cube-update/grub.d/cube.cfg")})
        return done.stdout

    def arm(self):
        self.agent("apply", NEW, "--from", self.repository, "--no-reboot", code=20)

    def test_installed(self):
        wanted, unwanted = packages.enabled_and_disabled(SOURCE)
        self.assertEqual(self.enabled(), wanted)
        self.assertFalse(self.enabled() & unwanted)
        self.assertIn("set cube_args=", self.grub_script())
        self.assertEqual(json.loads(self.agent("status", "--json"))["booted"], "a")

    def test_an_upgrade_changes_nothing_but_the_program(self):
        self.arm()
        before = self.memory()
        self.assertIn("journal.0", before)
        wanted, _ = packages.enabled_and_disabled(SOURCE)
        subprocess.run(["systemctl", f"--root={self.root}", "disable", "cube-update-mark.service"], check=True, capture_output=True)
        subprocess.run(["systemctl", f"--root={self.root}", "enable", "cube-update-automatic.timer"], check=True, capture_output=True)
        self.dpkg("--install", *self.newer)
        self.assertEqual(self.memory(), before)
        self.assertEqual(self.enabled(), wanted - {"cube-update-mark.service"} | {"cube-update-automatic.timer"})
        self.assertEqual(json.loads(self.agent("status", "--json"))["phase"], "armed")
        # And the trial goes its way with the new program.
        self.assertEqual(self.machine.start(), ("b", True))
        self.agent("resume")
        self.agent("commit")
        self.assertEqual(json.loads(self.agent("status", "--json"))["fallback"], "b")

    def test_removed_it_leaves_what_the_machine_starts_by(self):
        self.arm()
        self.agent("rollback")
        before = self.memory()
        self.dpkg("--remove", "cube-update-grub", "cube-update")
        self.assertEqual(self.state("cube-update-grub"), "deinstall ok config-files")
        self.assertFalse((self.root / "usr/bin/cube-update").exists())
        self.assertEqual(self.memory(), before)
        self.assertEqual(self.grub_script(), "", "update-grub goes on after the removal")
        self.assertEqual(self.machine.start(), ("a", False))
        # Installed again it knows its past.
        self.dpkg("--install", *self.debs)
        self.assertEqual(self.enabled(), packages.enabled_and_disabled(SOURCE)[0])
        self.assertEqual(len(self.agent("history", "--json").splitlines()), 1)

    def test_purged_it_forgets_and_the_loader_does_not(self):
        self.arm()
        self.agent("rollback")
        before = self.loader()
        self.dpkg("--purge", "cube-update-grub", "cube-update")
        self.assertFalse((self.root / "var/lib/cube-update").exists())
        self.assertEqual(self.loader(), before)
        self.assertIsNone(self.grub_script())
        self.assertEqual(self.enabled(), set())
        self.assertEqual(list((self.root / "etc/systemd/system").rglob("cube-update*")), [])
        self.assertEqual(self.machine.start(), ("a", False))

    def test_purged_where_the_state_is_a_link_to_a_shared_partition(self):
        self.agent("deny", NEW)
        state, shared = self.root / "var/lib/cube-update", self.root / "data"
        state.rename(shared)
        state.symlink_to("../../data")
        self.dpkg("--purge", "cube-update-grub", "cube-update")
        self.assertEqual(list(shared.iterdir()), [])

    def test_not_removed_while_a_trial_is_armed_or_runs(self):
        self.arm()
        for package in ("cube-update-grub", "cube-update"):
            told = self.dpkg("--force-depends", "--remove", package, code=1)
            self.assertIn("cube-update rollback", told)
            self.assertTrue(self.state(package).endswith(" ok installed"), self.state(package))
        self.assertEqual(self.enabled(), packages.enabled_and_disabled(SOURCE)[0], "a refused removal stops nothing")
        self.assertEqual(self.machine.start(), ("b", True))
        self.dpkg("--force-depends", "--remove", "cube-update", code=1)
        self.agent("resume")
        self.assertEqual(json.loads(self.agent("status", "--json"))["phase"], "trying")
        self.dpkg("--force-depends", "--remove", "cube-update", code=1)
        self.agent("commit")
        self.dpkg("--remove", "cube-update-grub", "cube-update")

    def test_removed_all_the_same_when_an_operator_insists(self):
        self.arm()
        self.dpkg("--remove", "cube-update-grub", "cube-update", CUBE_UPDATE_REMOVE="anyway")
        self.assertFalse((self.root / "usr/bin/cube-update").exists())

    def test_not_removed_when_nobody_can_tell(self):
        self.arm()
        for copy in (self.root / "var/lib/cube-update").glob("journal.*"):
            copy.write_bytes(b"garbage")
        self.assertIn("cannot be told", self.dpkg("--force-depends", "--remove", "cube-update", code=1))

    def test_the_check_is_what_refuses(self):
        def without(tree):
            (tree / "usr/lib/cube-update/removal-check").write_text("#!/bin/sh\nexit 0\n")
        self.dpkg("--install", repacked(self.debs[0], self.folder, "without-check", without))
        self.arm()
        self.dpkg("--remove", "cube-update-grub", "cube-update")

    def test_a_broken_grub_fragment_is_no_silent_removal(self):
        (self.root / "usr/share/cube-update/grub.d/cube.cfg").unlink()
        with self.assertRaises(subprocess.CalledProcessError):
            self.grub_script()


if __name__ == "__main__":
    unittest.main(verbosity=2)
