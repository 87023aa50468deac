#!/usr/bin/env python3
"""`cube-update metrics` on an appliance in a folder: what it says through an update's life, and how it writes its file.

Usage: metrics_test.py CUBE_UPDATE CUBE_RELEASE APPLIANCE_MODULES
"""
import json
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest

from tiny_tree import make_tiny_tree

UPDATE, RELEASE = sys.argv.pop(1), sys.argv.pop(1)
sys.path.insert(0, sys.argv.pop(1))
from appliance import scratch  # noqa: E402
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "fleet"))
import real_etcd  # noqa: E402

OLD, NEW = [f"CUBE_{n}.0.0_2026010{n}-0000_abcd1234" for n in (1, 2)]


def call(*command):
    return subprocess.run([str(word) for word in command], capture_output=True, text=True, timeout=300)


class Metrics(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = pathlib.Path(tempfile.mkdtemp(prefix="cube-metrics-"))
        cls.repository = cls.folder / "repository"
        call(RELEASE, "init", cls.repository, "--product", "CUBE")
        for name in (OLD, NEW):
            version, built = name.split("_")[1:3]
            make_tiny_tree(cls.folder / version, version)
            call(RELEASE, "compose", cls.folder / version, "--version", version, "--built", built, "--source", "abcd1234", "--repository", cls.repository)
        call(RELEASE, "publish", "--repository", cls.repository)

    @classmethod
    def tearDownClass(cls):
        shutil.rmtree(cls.folder)

    def setUp(self):
        self.machine = scratch.Scratch(self.folder / "machine")
        self.addCleanup(shutil.rmtree, self.machine.folder)
        self.machine.folder.mkdir()
        root = self.repository / "metadata/1.root.json"
        self.machine.lay_out(root)
        call(UPDATE, "install-slot", self.machine.folder / "slots/a", OLD, "--from", self.repository, "--trusted-root", root)
        self.machine.start()
        self.agent("resume")

    def agent(self, *words, codes=(0,)):
        done = call(UPDATE, *words, "--root", self.machine.folder)
        self.assertIn(done.returncode, codes, done.stderr)
        return done.stdout

    def metrics(self):
        """{name with labels: value}; the page has the form that Prometheus wants."""
        page = self.agent("metrics")
        lint = subprocess.run(["promtool", "check", "metrics"], input=page, capture_output=True, text=True)
        self.assertEqual((lint.returncode, lint.stdout + lint.stderr), (0, ""), page)
        return {line.rsplit(" ", 1)[0]: int(line.rsplit(" ", 1)[1]) for line in page.splitlines() if not line.startswith("#")}

    def expect(self, **wanted):
        seen = self.metrics()
        for name, value in wanted.items():
            key = "cube_update_" + re.sub(r"__(\w+?)__(.*)$", lambda found: f'{{{found[1]}="{found[2].replace("_", "-")}"}}', name)
            self.assertEqual(seen.get(key), value, f"{key} in {seen}")
        return seen

    def test_through_a_commit_and_a_rollback(self):
        seen = self.expect(boot_records_ok=1, running_is_fallback=1, phase__phase__idle=1, updates_total=0, denied_releases=0)
        self.assertIn(f'slot="a",release="{OLD}",loader="grub"', next(key for key in seen if key.startswith("cube_update_info")))
        self.assertEqual([key for key in seen if "last" in key or "trial" in key or "pending" in key], [], "nothing is told that is not known")
        self.agent("apply", NEW, "--from", self.repository)
        self.expect(phase__phase__armed=1, phase__phase__idle=0, updates_total=1, trial_tries_left__slot__b=3, trial_tries_done__slot__b=0)
        self.machine.start()
        self.agent("resume")
        self.expect(phase__phase__trying=1, running_is_fallback=0, trial_tries_left__slot__b=2, trial_tries_done__slot__b=1)
        self.agent("commit")
        self.expect(running_is_fallback=1, last_outcome__outcome__committed=1, last_outcome__outcome__rolled_back=0)
        self.machine.start()
        self.agent("rollback", codes=(20,))
        self.machine.start()
        self.machine.panic("6.1.0")
        self.machine.start()
        self.agent("resume")
        seen = self.expect(last_outcome__outcome__rolled_back=1, last_outcome__outcome__committed=0, denied_releases=1, updates_total=2)
        self.assertEqual(seen.get(f'cube_update_last_update_info{{release="{OLD}",outcome="rolled-back",cause="panic"}}'), 1, seen)

    def test_damaged_records(self):
        (self.machine.cube / "env").write_bytes(b"garbage")
        (self.machine.cube / "good").write_bytes(b"garbage")
        seen = self.expect(boot_records_ok=0)
        self.assertNotIn("cube_update_running_is_fallback", seen)

    def test_the_file_is_old_or_new_and_never_a_half(self):
        file = self.folder / "metrics.prom"
        self.agent("metrics", "--file", file)
        first = file.read_text()
        self.assertEqual(file.stat().st_mode & 0o777, 0o644)
        with file.open() as reading:
            self.agent("deny", NEW)
            self.agent("metrics", "--file", file)
            self.assertEqual(reading.read(), first, "a reader keeps what it opened")
        self.assertIn("cube_update_denied_releases 1", file.read_text())
        self.assertEqual(sorted(path.name for path in self.folder.glob("*.prom*")), ["metrics.prom"])
        file.unlink()

    def test_of_a_cluster(self):
        self.assertEqual([key for key in self.metrics() if "fleet" in key], [], "of a machine that is of none")
        etcd = real_etcd.Etcd(str(self.folder / "etcd"))
        etcd.start()
        self.addCleanup(shutil.rmtree, self.folder / "etcd")
        self.addCleanup(etcd.kill)
        config = self.machine.folder / "usr/lib/cube-update/config.d/20-site.toml"
        config.write_text(f'[fleet]\ncluster = "c1"\nallow-http = true\nnode = "n1"\nendpoints = ["{etcd.url}"]\n')
        now = int(time.time())

        def put(key, value):
            etcd.ask("/v3/kv/put", {"key": real_etcd.base64_of(f"{real_etcd.PREFIX}c1/{key}"), "value": real_etcd.base64_of(json.dumps(value))})

        def told():
            seen = self.metrics()
            return {key[len("cube_update_fleet_"):].replace('cluster="c1"', ""): value for key, value in seen.items() if "_fleet_" in key}
        seen = told()
        self.assertEqual((seen["store_reachable{}"], seen["halted{}"], seen["releases{}"], seen["places_held{}"], seen["places_max{}"]), (1, 0, 0, 0, 1))
        self.assertNotIn("oldest_place_seconds{}", seen)
        for name, phase, release in (("n1", "idle", OLD), ("n2", "trying", NEW), ("n3", "idle", OLD), ("n4", "staged", OLD), ("n5", 'x"} 1\n', 'y"} 1\n')):
            put(f"node/{name}", {"release": release, "phase": phase, "target": "", "says": "", "domain": "rack1", "roles": [], "hardware": "", "at": now})
        put("gate/holder/n2", {"rollout": "r1", "domain": "rack1", "roles": [], "nonce": "a", "since": now - 7200})
        for number in range(20):
            put(f"gate/fail/r{number}/n3", {"release": NEW, "why": "panic", "stage": "", "hardware": "", "canary": False})
        put("gate/fail/r7/n4", {"release": NEW, "why": "panic", "stage": "", "hardware": "", "canary": False})
        put("gate/halt", {"reason": "it hurts", "by": "n2", "at": now})
        put("gate-queue/r1/n4", {})
        put("gate/policy", {"max_unavailable": 1})
        seen = told()
        for name, value in (("halted{}", 1), ("paused{}", 0), ("waiting{}", 1), ("unreadable_keys{}", 0), ("places_held{}", 1), ("releases{}", 3),
                            ('nodes{,state="away"}', 1), ('nodes{,state="failed"}', 2), ('nodes{,state="idle"}', 1), ('nodes{,state="unknown"}', 1),
                            ('nodes{,state="waiting"}', 0), ('failures{,rollout="r7"}', 2)):
            self.assertEqual(seen.get(name), value, f"{name} in {seen}")
        self.assertTrue(7200 <= seen["oldest_place_seconds{}"] < 7300, seen)
        self.assertEqual(len([name for name in seen if name.startswith("failures")]), 16)
        # A store that hangs costs a few seconds and its own facts, however many members it has.
        config.write_text(config.read_text().replace(f'["{etcd.url}"]', str([etcd.url] * 5).replace("'", '"')))
        etcd.process.send_signal(signal.SIGSTOP)
        begun = time.monotonic()
        self.assertEqual(told(), {"store_reachable{}": 0})
        self.assertLess(time.monotonic() - begun, 9)
        self.expect(boot_records_ok=1)
        etcd.kill()
        self.assertEqual(told(), {"store_reachable{}": 0})
        config.write_text('[fleet]\ncluster = "c1"\n')
        self.assertEqual(told(), {"store_reachable{}": 0})

    def test_a_failure_leaves_the_old_file(self):
        file = self.folder / "kept.prom"
        file.write_text("old\n")
        self.agent("deny", NEW)
        copies = list((self.machine.folder / "var/lib/cube-update").glob("journal.*"))
        self.assertTrue(copies)
        for copy in copies:
            copy.write_bytes(b"garbage")
        self.agent("metrics", "--file", file, codes=(7,))
        self.assertEqual(file.read_text(), "old\n")
        file.unlink()

    def test_a_folder_that_is_not_there(self):
        done = call(UPDATE, "metrics", "--file", self.folder / "none/x.prom", "--root", self.machine.folder)
        self.assertEqual(done.returncode, 2, done.stderr)
        self.assertIn("make the folder", done.stderr)


if __name__ == "__main__":
    unittest.main(verbosity=2)
