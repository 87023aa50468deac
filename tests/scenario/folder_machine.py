"""An appliance in a folder with two releases to update between, for tests of the real programs.

A test file sets UPDATE, RELEASE and the folder of the appliance's modules with use(), and derives its cases from FolderMachineTest.
"""
import json
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest

from tiny_tree import make_tiny_tree

OLD, NEW = [f"CUBE_{n}.0.0_2026010{n}-0000_abcd1234" for n in (1, 2)]
PROGRAMS = {}


def use(update, release, modules):
    PROGRAMS.update(update=update, release=release)
    sys.path.insert(0, modules)


def run_once(*command):
    subprocess.run([str(word) for word in command], check=True, capture_output=True, timeout=300)


class FolderMachineTest(unittest.TestCase):
    # release -> further options of `cube-release compose`
    RELEASES = {OLD: (), NEW: ()}
    # path -> text or bytes of further files of each release; of one: files_of()
    FILES = {}

    @classmethod
    def files_of(cls, release):
        return cls.FILES

    @classmethod
    def setUpClass(cls):
        from appliance import scratch

        cls.Scratch = scratch.Scratch
        cls.scratch = pathlib.Path(tempfile.mkdtemp(prefix="cube-machine-"))
        cls.addClassCleanup(shutil.rmtree, cls.scratch)
        cls.repository = cls.scratch / "repository"
        run_once(PROGRAMS["release"], "init", cls.repository, "--product", "CUBE")
        for release, options in cls.RELEASES.items():
            version, built = release.split("_")[1:3]
            make_tiny_tree(cls.scratch / version, version, cls.files_of(release))
            run_once(PROGRAMS["release"], "compose", cls.scratch / version, "--version", version, "--built", built, "--source", "abcd1234",
                     "--repository", cls.repository, *options)
            run_once(PROGRAMS["release"], "pack", release, "--repository", cls.repository)
            run_once(PROGRAMS["release"], "publish", "--repository", cls.repository)
        template = cls.Scratch(cls.scratch / "template")
        template.folder.mkdir()
        root = cls.repository / "metadata/1.root.json"
        template.lay_out(root)
        run_once(PROGRAMS["update"], "install-slot", template.folder / "slots/a", OLD, "--from", cls.repository, "--trusted-root", root)

    def setUp(self):
        self.machine = self.Scratch(self.scratch / "machine")
        self.folder = self.machine.folder
        self.addCleanup(shutil.rmtree, self.folder)
        run_once("cp", "-a", self.scratch / "template", self.folder)
        self.machine.start()
        self.configure()

    def configure(self, text=""):
        (self.folder / "usr/lib/cube-update/config.d/20-site.toml").write_text(f'[source]\nurl = "{self.repository}"\n{text}')

    def hook(self, path, lines, mode=0o755):
        """A shell script below etc/cube-update; $ROOT is the appliance's folder."""
        file = self.folder / "etc/cube-update" / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(f"#!/bin/sh\nROOT={self.folder}\n{lines}\n")
        file.chmod(mode)
        return file

    def run_it(self, *words, code=0, says=""):
        done = subprocess.run([PROGRAMS["update"], *map(str, words), "--root", str(self.folder)], capture_output=True, text=True, timeout=120)
        self.assertEqual(done.returncode, code, f"{words}: {done.stdout}{done.stderr}")
        self.assertIn(says, done.stdout + done.stderr)
        return done.stdout

    def status(self):
        return json.loads(self.run_it("status", "--json"))

    def start(self, slot, trial, code=0):
        """The machine restarts: the loader's turn, then the boot's first unit."""
        self.assertEqual(self.machine.start(), (slot, trial))
        self.run_it("resume", code=code)
