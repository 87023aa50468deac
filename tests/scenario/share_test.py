#!/usr/bin/env python3
"""A machine shares what it downloaded by a web server of its site, and its neighbours' source has little to do.

Usage: share_test.py CUBE_UPDATE CUBE_RELEASE APPLIANCE_MODULES [TEST...]
Real: both nginx, the programs. What the source and the site served is counted in the servers' own logs.
"""
import contextlib
import hashlib
import os
import random
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import unittest
from pathlib import Path

from tiny_tree import make_tiny_tree

RELEASES = OLD, NEW, NEWEST = [f"CUBE_{n}.0.0_2026010{n}-0000_abcd1234" for n in (1, 2, 3)]
MIB = 1024 * 1024
CHANGED, SAME = 4, 8  # files of a MiB


def run(*words, code=0, says=""):
    done = subprocess.run([str(word) for word in words], capture_output=True, text=True, timeout=300)
    if done.returncode != code or says not in done.stdout + done.stderr:
        raise AssertionError(f"{words}: exit {done.returncode}, not {code} with \"{says}\":\n{done.stdout}{done.stderr}")
    return done.stdout + done.stderr


class Nginx:
    def __init__(self, folder, served):
        folder.mkdir()
        self.log = folder / "access.log"
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = free.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        (folder / "nginx.conf").write_text(f"""
            daemon off; pid nginx.pid; error_log error.log; {'user root;' if os.geteuid() == 0 else ''}
            events {{}}
            http {{
              log_format short "$uri $status $bytes_sent"; access_log access.log short;
              server {{ listen 127.0.0.1:{self.port}; root {served}; }}
            }}""")
        self.process = subprocess.Popen(["nginx", "-p", folder, "-c", "nginx.conf", "-e", "error.log"])
        for _ in range(100):
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 1):
                break
            time.sleep(0.1)

    def close(self):
        self.process.terminate()
        self.process.wait(10)

    def served(self, end=""):
        """Requests and bytes since the last look."""
        time.sleep(0.2)  # a line is written when its request is over
        lines = [line.split() for line in self.log.read_text().splitlines()]
        self.log.write_text("")
        chosen = [line for line in lines if line[0].endswith(end)]
        return len(chosen), sum(int(line[2]) for line in chosen)


class Share(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.scratch = Path(tempfile.mkdtemp(prefix="cube-share-"))
        cls.scratch.chmod(0o755)
        cls.addClassCleanup(shutil.rmtree, cls.scratch)
        cls.repository = cls.scratch / "r"
        run(RELEASE, "init", cls.repository, "--product", "CUBE")
        for name in (OLD, NEW):
            cls.publish(name)
        cls.template = scratch.Scratch(cls.scratch / "template")
        cls.template.folder.mkdir()
        root = cls.repository / "metadata/1.root.json"
        cls.template.lay_out(root)
        run(UPDATE, "install-slot", cls.template.folder / "slots/a", OLD, "--from", cls.repository, "--trusted-root", root)

    @classmethod
    def publish(cls, name):
        version, built = name.split("_")[1:3]
        tree = cls.scratch / version
        make_tiny_tree(tree, version)
        same, changed = random.Random("same"), random.Random(version)
        for n in range(SAME + CHANGED):
            chance = same if n < SAME else changed
            (tree / f"usr/lib/random-{n}").write_bytes(chance.randbytes(MIB))
        run(RELEASE, "compose", tree, "--version", version, "--built", built, "--source", "abcd1234", "--repository", cls.repository)
        run(RELEASE, "pack", name, "--repository", cls.repository)
        run(RELEASE, "publish", "--repository", cls.repository)

    def setUp(self):
        self.folders = Path(tempfile.mkdtemp(prefix="test-", dir=self.scratch))
        self.folders.chmod(0o755)
        self.addCleanup(shutil.rmtree, self.folders)
        self.source = Nginx(self.folders / "source", self.repository)
        self.addCleanup(self.source.close)

    def machine(self, name, mirrors="", share=""):
        machine = scratch.Scratch(self.folders / name)
        run("cp", "-a", self.template.folder, machine.folder)
        machine.start()
        self.configure(machine, mirrors, share)
        return machine

    def configure(self, machine, mirrors="", share=""):
        (machine.folder / "usr/lib/cube-update/config.d/20-source.toml").write_text(
            f'[source]\nurl = "{self.source.url}"\nallow-http = true\nmirrors-allow-http = true\nmirrors = [{mirrors}]\n'
            f'{share}')

    def sharing(self, more=""):
        """Machine A, and the site's web server for what it shares."""
        self.a = self.machine("a", share=f'[share]\nfolder = "var/lib/cube-update/share"\n{more}')
        self.shared = self.a.folder / "var/lib/cube-update/share"
        self.site = Nginx(self.folders / "site", self.shared)
        self.addCleanup(self.site.close)
        return self.a

    def update(self, machine, *words, code=0, says=""):
        return run(UPDATE, *words, "--root", machine.folder, code=code, says=says)

    def packs(self):
        return sorted(path.name for path in self.shared.glob("targets/releases/*/*.pack"))

    def expect_true_copies(self):
        for path in self.shared.rglob("*"):
            if path.is_file():
                published = self.repository / path.relative_to(self.shared)
                self.assertEqual(path.read_bytes(), published.read_bytes(), path)
                self.assertTrue(path.stat().st_mode & 0o004, f"{path}: not for a web server to read")
                self.assertFalse(path.name.startswith("."), path)

    def test_three_machines_cost_the_source_one_download(self):
        a = self.sharing()
        self.update(a, "apply", NEW, "--no-reboot", code=20)
        self.expect_true_copies()
        self.assertEqual(len(self.packs()), 1)
        requests, taken = self.source.served()
        size = next(self.shared.glob("targets/releases/*/*.pack")).stat().st_size
        self.assertGreater(size, CHANGED * MIB)
        self.assertLess(taken, size + 20_000, "nothing came twice")
        print(f"A: {requests} requests for {taken} bytes at the source; shares a pack of {size}")
        for name in ("b", "c"):
            other = self.machine(name, mirrors=f'"{self.site.url}"')
            self.update(other, "apply", NEW, "--no-reboot", code=20)
            self.assertEqual(other.start(), ("b", True))
            requests, taken = self.source.served()
            self.assertLess(taken, 20_000, "metadata, and nothing else")
            site, theirs = self.site.served()
            self.assertGreater(theirs, CHANGED * MIB)
            print(f"{name.upper()}: {requests} requests for {taken} bytes at the source, {site} for {theirs} at the site")

    def test_the_same_when_it_was_downloaded_ahead(self):
        a = self.sharing()
        self.update(a, "fetch", NEW)
        self.expect_true_copies()
        staged = next((a.folder / "var/lib/cube-update/staging").rglob("*.pack"))
        self.assertEqual(staged.stat().st_nlink, 2, "no second copy on this disk")
        self.source.served()
        self.update(a, "apply", "--no-reboot", code=20)
        self.assertEqual(self.source.served(".pack"), (0, 0))
        self.assertEqual(list((a.folder / "var/lib/cube-update/staging").rglob("*.pack")), [])
        self.expect_true_copies()

    def test_a_neighbour_goes_on_when_the_source_is_gone(self):
        self.update(self.sharing(), "apply", NEW, "--no-reboot", code=20)
        self.source.close()
        other = self.machine("b", mirrors=f'"{self.site.url}"')
        self.update(other, "apply", "--no-reboot", code=20, says="its metadata is from mirror")
        self.assertEqual(other.start(), ("b", True))

    def test_what_was_damaged_in_the_share_costs_only_a_request(self):
        self.update(self.sharing(), "apply", NEW, "--no-reboot", code=20)
        pack = next(self.shared.glob("targets/releases/*/*.pack"))
        whole = pack.read_bytes()
        middle = len(whole) // 2
        for name, content in (("b", whole[:middle] + bytes([whole[middle] ^ 1]) + whole[middle + 1:]), ("c", whole[:middle]),
                              ("d", b""), ("e", None)):
            with self.subTest(name):
                pack.unlink()
                if content is not None:
                    pack.write_bytes(content)
                else:
                    pack.with_name("other").write_bytes(b"")
                other = self.machine(name, mirrors=f'"{self.site.url}"')
                self.update(other, "apply", NEW, "--no-reboot", code=20, says="lacks" if content is None else "is left out")
                self.assertEqual(other.start(), ("b", True))
                self.assertIn("2.0.0", (other.folder / "slots/b/etc/os-release").read_text())
                pack.write_bytes(b"")

    def test_what_does_not_fit_is_not_shared_and_the_update_goes_on(self):
        a = self.sharing("max-size = 64\n")
        self.configure(a, share='[share]\nfolder = "var/lib/cube-update/share"\nmax-size = 64\n')
        (a.folder / "usr/lib/cube-update/config.d/30-staging.toml").write_text("[source]\nstaging-max = 1\n")
        self.update(a, "apply", NEW, "--no-reboot", code=20, says="not shared with others")
        self.assertEqual(self.packs(), [])
        self.assertEqual(a.start(), ("b", True))

    def test_nothing_is_shared_that_was_not_asked_for(self):
        a = self.machine("a")
        self.update(a, "apply", NEW, "--no-reboot", code=20)
        self.assertFalse((a.folder / "var/lib/cube-update/share").exists())

    def test_a_release_goes_when_newer_ones_have_come(self):
        if not (self.repository / f"targets/releases/{NEWEST}").exists():
            self.publish(NEWEST)
        a = self.sharing("keep-releases = 1\n")
        for release in (NEW, NEWEST):
            self.update(a, "apply", release)
            a.start()
            self.update(a, "commit")
            self.expect_true_copies()
            self.assertEqual([path.name for path in (self.shared / "targets/releases").iterdir()], [release])
        names = {path.name for path in (self.shared / "metadata").iterdir()}
        self.assertEqual(len([name for name in names if name.endswith("snapshot.json")]), 1, names)


if __name__ == "__main__":
    UPDATE, RELEASE = (str(Path(program).resolve()) for program in sys.argv[1:3])
    sys.path.insert(0, sys.argv[3])
    from appliance import scratch
    unittest.main(argv=[sys.argv[0], *sys.argv[4:]], verbosity=2)
