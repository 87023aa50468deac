#!/usr/bin/env python3
"""Mirrors that are good, lie, lack, break off, hang or are old: an update succeeds all the same, from the source.

Usage: mirrors_test.py CUBE_UPDATE CUBE_RELEASE CUBE_FETCH APPLIANCE_MODULES [TEST...]
"""
import json
import os
import random
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
import unittest
from pathlib import Path

import range_server
from range_server import RangeServer
from tiny_tree import make_tiny_tree

OLD, NEW, NEWEST = (f"CUBE_{n}.0.0_2026010{n}-0000_abcd1234" for n in (1, 2, 3))
PATIENCE = 5  # seconds that a mirror may say nothing


def run(*words, code=0, says="", **more):
    done = subprocess.run([str(word) for word in words], capture_output=True, text=True, timeout=120, **more)
    if done.returncode != code or says not in done.stdout + done.stderr:
        raise AssertionError(f"{words}: exit {done.returncode}, not {code} with \"{says}\":\n{done.stdout}{done.stderr}")
    return done.stdout + done.stderr


class Hanging:
    """Takes connections, and never answers."""

    def __init__(self):
        self.socket = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.url = f"http://127.0.0.1:{self.socket.getsockname()[1]}"
        self.taken = []
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            try:
                self.taken.append(self.socket.accept())
            except OSError:
                return

    def close(self):
        self.socket.close()


def dribble(handler, path, first, last):
    """A few bytes a second, for ever."""
    handler.send_response(206)
    size = os.path.getsize(path)
    handler.send_header("Content-Range", f"bytes {first}-{last}/{size}")
    handler.send_header("Content-Length", str(last - first + 1))
    handler.end_headers()
    content = range_server.read(path, first, last)
    for at in range(0, len(content), 4000):
        handler.wfile.write(content[at:at + 4000])
        time.sleep(0.5)


class Mirrors(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        """A repository of three releases, a copy of it from when the last was not there yet, and a machine with the first."""
        cls.scratch = Path(tempfile.mkdtemp(prefix="cube-mirrors-"))
        cls.addClassCleanup(shutil.rmtree, cls.scratch)
        cls.repository = cls.scratch / "r"
        run(RELEASE, "init", cls.repository, "--product", "CUBE")
        for name in (OLD, NEW, NEWEST):
            version, built = name.split("_")[1:3]
            tree = cls.scratch / version
            make_tiny_tree(tree, version)
            chance = random.Random(version)
            for n in range(6):
                (tree / f"usr/lib/random-{n}").write_bytes(chance.randbytes(400_000))
            run(RELEASE, "compose", tree, "--version", version, "--built", built, "--source", "abcd1234", "--repository", cls.repository)
            run(RELEASE, "pack", name, "--repository", cls.repository)
            run(RELEASE, "publish", "--repository", cls.repository)
            if name == NEW:
                run("cp", "-a", cls.repository, cls.scratch / "old")
        cls.template = scratch.Scratch(cls.scratch / "template")
        cls.template.folder.mkdir()
        root = cls.repository / "metadata/1.root.json"
        cls.template.lay_out(root)
        slots = cls.template.folder / "slots"
        run(UPDATE, "install-slot", slots / "a", OLD, "--from", cls.repository, "--trusted-root", root)

    def serve(self, folder):
        server = RangeServer(folder)
        server.server.handle_error = lambda *_: None  # a client that has heard enough hangs up
        self.addCleanup(server.close)
        return server

    def setUp(self):
        self.source = self.serve(self.repository)
        self.mirror = self.serve(self.repository)
        self.new_machine()

    def new_machine(self):
        self.machine = scratch.Scratch(Path(tempfile.mkdtemp(prefix="machine-", dir=self.scratch)) / "m")
        run("cp", "-a", self.template.folder, self.machine.folder)
        self.machine.start()
        self.configure(self.mirror.url)

    def configure(self, *mirrors, more=""):
        (self.machine.folder / "usr/lib/cube-update/config.d/20-source.toml").write_text(
            f'[source]\nurl = "{self.source.url}/"\nallow-http = true\nmirrors-allow-http = true\n'
            f'mirrors = {json.dumps([f"{url}/" for url in mirrors])}\n{more}')

    def update(self, *words, code=0, says=""):
        return run(UPDATE, *words, "--root", self.machine.folder, code=code, says=says)

    def apply(self, *words, code=20, says=""):
        told = self.update("apply", "--no-reboot", *words, code=code, says=says)
        if code == 20:
            self.assertTrue((self.machine.folder / "slots/b/.cube/seal").exists())
        return told

    def content(self, server):
        """How many requests for content it had."""
        return len(server.asked(".pack")) + len(server.asked(".filez"))

    def metadata(self, server):
        return [path for path, _ in list(server.requests) if "/metadata/" in path]

    def test_content_is_the_mirrors_and_metadata_the_sources(self):
        told = self.apply(NEWEST)
        self.assertNotIn("mirror", told)
        self.assertEqual(self.content(self.source), 0)
        self.assertGreater(self.content(self.mirror), 0)
        self.assertTrue(self.metadata(self.source))
        self.assertEqual(self.metadata(self.mirror), [])

    def test_what_was_downloaded_ahead_came_from_there_too(self):
        self.update("fetch", NEWEST)
        self.assertEqual(self.content(self.source), 0)
        self.apply()
        self.assertEqual(self.content(self.source), 0)

    def test_bad_mirrors_are_left_out_and_told_of_once(self):
        size = next(self.repository.glob(f"targets/releases/{NEWEST}/*full.pack")).stat().st_size
        for fault in (range_server.damaged(40), range_server.damaged(size // 2), range_server.status(503), range_server.status(403),
                      range_server.no_ranges, range_server.other_range, range_server.another_length,
                      range_server.cut_after(0, 99), range_server.cut_after(200_000, 99), dribble):
            with self.subTest(fault=fault):
                self.new_machine()
                self.source.requests.clear()
                self.mirror.faults.clear()
                self.mirror.faults[".pack"] = fault
                begun = time.monotonic()
                told = self.apply(NEWEST)
                self.assertLess(time.monotonic() - begun, 2 * PATIENCE + 15)
                lines = [line for line in told.splitlines() if "mirror" in line]
                self.assertTrue(1 <= len(lines) <= 2, told)
                self.assertGreater(self.content(self.source), 0)

    def test_one_that_breaks_off_costs_only_the_rest(self):
        self.mirror.faults[".pack"] = range_server.cut_after(1_500_000, 99)
        self.apply(NEWEST, says="is left out")
        asked = [tuple(map(int, part[6:].split("-"))) for path, part in self.source.asked(".pack")]
        whole = sum(path.stat().st_size for path in self.repository.glob(f"targets/releases/{NEWEST}/*from*.pack"))
        self.assertLess(sum(last + 1 - first for first, last in asked), whole - 1_000_000)

    def test_one_that_is_dead_or_hangs_costs_its_patience(self):
        hanging = Hanging()
        self.addCleanup(hanging.close)
        dead = RangeServer(self.repository)
        dead.close()
        self.configure(dead.url, hanging.url, self.mirror.url)
        begun = time.monotonic()
        told = self.apply(NEWEST)
        self.assertLess(time.monotonic() - begun, PATIENCE + 20)
        self.assertEqual(told.count("is left out"), 2, told)
        self.assertEqual(self.content(self.source), 0)

    def test_one_with_an_old_release_lacks_files_and_nothing_old_is_installed(self):
        old = self.serve(self.scratch / "old")
        self.configure(old.url)
        self.apply(says="lacks a file")
        self.assertIn("3.0.0", (self.machine.folder / "slots/b/etc/os-release").read_text())

    def test_without_the_source_a_mirrors_metadata_counts(self):
        self.source.faults["/"] = self.source.faults[".json"] = range_server.status(503)
        self.apply(NEWEST, says=f"its metadata is from mirror {self.mirror.url}")

    def test_without_the_source_nothing_goes_back(self):
        self.update("check", code=0, says=NEWEST)
        run("rm", "-rf", self.machine.folder / "var/lib/cube-update/staging")
        old = self.serve(self.scratch / "old")
        self.update("fetch", NEWEST)
        self.update("fetch", "--drop")
        self.configure(old.url)
        self.source.faults[".json"] = range_server.status(503)
        self.apply(code=9, says="503")

    def test_single_objects_come_from_a_mirror_first(self):
        for path in self.repository.glob("targets/releases/*/*.pack"):
            self.source.faults[path.name] = self.mirror.faults[path.name] = range_server.status(404)
        self.apply(NEWEST)
        self.assertEqual(self.source.asked(".filez"), [])
        self.assertGreater(len(self.mirror.asked(".filez")), 0)
        self.new_machine()
        hanging = Hanging()
        self.addCleanup(hanging.close)
        self.configure(hanging.url)
        self.apply(NEWEST, says="is left out")

    def test_plain_http_needs_leave(self):
        self.configure(self.mirror.url)
        config = self.machine.folder / "usr/lib/cube-update/config.d/20-source.toml"
        config.write_text(config.read_text().replace("mirrors-allow-http = true\n", ""))
        self.apply(code=2, says="source.mirrors-allow-http")
        self.configure("ftp://10.0.0.1")
        self.apply(code=2, says="source.mirrors")
        self.configure(*[f"http://10.0.0.{n}" for n in range(9)])
        self.apply(code=2, says="at most 8")

    def test_what_is_between_machine_and_source_is_not_for_mirrors(self):
        proxy = self.serve(self.repository)
        answer = proxy.answer

        def forward(handler):
            handler.path = "/" + handler.path.removeprefix("http://").split("/", 1)[1]
            answer(handler)

        proxy.answer = forward
        self.configure(self.mirror.url, more=f'proxy = "{proxy.url}"\n')
        self.apply(NEWEST)
        self.assertTrue(self.metadata(proxy))
        self.assertEqual((self.content(proxy), self.source.requests), (0, []))
        self.assertGreater(self.content(self.mirror), 0)

    def test_another_repository_has_no_mirrors(self):
        other = self.serve(self.repository)
        self.apply(NEWEST, "--from", other.url)
        self.assertEqual(self.mirror.requests, [])

    def test_through_the_fetch_service(self):
        path = self.scratch / "fetch.socket"
        service = socket.socket(socket.AF_UNIX)
        service.bind(str(path))
        service.listen(16)
        self.addCleanup(path.unlink)
        self.addCleanup(service.close)

        running = []
        self.addCleanup(lambda: [one.wait(30) for one in running])

        def serve():
            while True:
                try:
                    connection, _ = service.accept()
                except OSError:
                    return
                running.append(subprocess.Popen([FETCH], stdin=connection))
                connection.close()

        threading.Thread(target=serve, daemon=True).start()
        hanging = Hanging()
        self.addCleanup(hanging.close)
        self.configure(hanging.url, self.mirror.url)
        begun = time.monotonic()
        self.apply(NEWEST, "--through", path, says="is left out")
        self.assertLess(time.monotonic() - begun, PATIENCE + 20)
        self.assertEqual(self.content(self.source), 0)
        self.assertGreater(self.content(self.mirror), 0)


if __name__ == "__main__":
    UPDATE, RELEASE, FETCH = (str(Path(program).resolve()) for program in sys.argv[1:4])
    sys.path.insert(0, sys.argv[4])
    from appliance import scratch
    unittest.main(argv=[sys.argv[0], *sys.argv[5:]], verbosity=2)
