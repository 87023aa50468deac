"""A test case with a repository of two releases and an appliance in a folder that runs the first.

A test's main() is `two_releases.main()`: its arguments are CUBE_UPDATE CUBE_RELEASE APPLIANCE_MODULES [TEST...].
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
programs = {}


def run_once(*command):
    subprocess.run([str(word) for word in command], check=True, capture_output=True, timeout=300)


def compose(repository, tree, release):
    version, built = release.split("_")[1:3]
    make_tiny_tree(tree, version)
    run_once(programs["release"], "compose", tree, "--version", version, "--built", built, "--source", "abcd1234", "--repository", repository)


class TwoReleases(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        from appliance import scratch
        cls.scratch = pathlib.Path(tempfile.mkdtemp(prefix="cube-test-"))
        cls.addClassCleanup(shutil.rmtree, cls.scratch)
        cls.repository = cls.scratch / "repository"
        run_once(programs["release"], "init", cls.repository, "--product", "CUBE")
        for release in (OLD, NEW):
            compose(cls.repository, cls.scratch / release, release)
            run_once(programs["release"], "pack", release, "--repository", cls.repository)
        run_once(programs["release"], "publish", "--repository", cls.repository)
        root = cls.repository / "metadata/1.root.json"
        template = scratch.Scratch(cls.scratch / "template")
        template.folder.mkdir()
        template.lay_out(root)
        run_once(programs["update"], "install-slot", template.folder / "slots/a", OLD, "--from", cls.repository, "--trusted-root", root)

    def setUp(self):
        from appliance import scratch
        self.machine = scratch.Scratch(self.scratch / "machine")
        self.addCleanup(shutil.rmtree, self.machine.folder)
        run_once("cp", "-a", self.scratch / "template", self.machine.folder)
        self.machine.start()

    def configure(self, text):
        (self.machine.folder / "usr/lib/cube-update/config.d/20-site.toml").write_text(text)

    def run_it(self, *words, code=0, says=""):
        done = subprocess.run([programs["update"], *map(str, words), "--root", str(self.machine.folder)], capture_output=True, text=True, timeout=120)
        self.assertEqual(done.returncode, code, f"{words}: {done.stdout}{done.stderr}")
        self.assertIn(says, done.stdout + done.stderr)
        return done.stdout

    def status(self):
        return json.loads(self.run_it("status", "--json"))


def main():
    programs["update"], programs["release"], modules = sys.argv[1:4]
    sys.path.insert(0, modules)
    unittest.main(argv=[sys.argv[0], *sys.argv[4:]])
