#!/usr/bin/env python3
"""Appliances that take turns at a FleetLock, and downloads that do not begin at once: the real programs, a scripted lock.

Usage: fleet_lock_test.py CUBE_UPDATE CUBE_RELEASE APPLIANCE_MODULES [TEST...]
"""
import http.server
import json
import os
import shutil
import subprocess
import sys
import threading
import time
import unittest

import folder_machine
from folder_machine import NEW, OLD, PROGRAMS, FolderMachineTest, run_once

NODES = ("n1", "n2")


class Lock:
    """A FleetLock with one place for each group. `answers`: what is said instead, one after the other; `lose`: answers that
    are not sent though the lock did what was asked."""

    def __init__(self):
        self.holders, self.asked, self.answers, self.lose, self.hangs = {}, [], [], 0, None
        self.mutex = threading.Lock()
        owner = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                with owner.mutex:
                    owner.answer(self, body["client_params"])

            def log_message(self, *_):
                pass

        self.handler, self.port = Handler, 0
        self.start()

    def start(self):
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", self.port), self.handler)
        self.port = self.server.server_address[1]
        self.url = f"http://127.0.0.1:{self.port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def stop(self):
        self.server.shutdown()
        self.server.server_close()

    def answer(self, handler, params):
        group, who, what = params["group"], params["id"], handler.path
        self.asked.append((what, who))
        status, kind = 200, "ok"
        if handler.headers.get("fleet-lock-protocol") != "true":
            status, kind = 400, "missing header"
        elif self.answers:
            status, kind = self.answers.pop(0)
        elif what == "/v1/pre-reboot":
            if self.holders.setdefault(group, who) != who:
                status, kind = 409, "all_slots_taken"
        elif self.holders.get(group) == who:
            del self.holders[group]
        if self.hangs:
            self.hangs.wait(30)
        if self.lose > 0:
            self.lose -= 1
            handler.close_connection = True
            return
        text = json.dumps({"kind": kind, "value": "as it is"}).encode()
        handler.send_response(status)
        handler.send_header("Content-Length", str(len(text)))
        handler.end_headers()
        handler.wfile.write(text)


class TurnsTest(FolderMachineTest):
    def setUp(self):
        self.lock = Lock()
        self.addCleanup(self.lock.stop)
        self.machines = {}
        for name in NODES:
            folder = self.scratch / name
            run_once("cp", "-a", self.scratch / "template", folder)
            self.addCleanup(shutil.rmtree, folder)
            self.machines[name] = self.Scratch(folder)
            self.configure(name)
            self.machines[name].start()

    def configure(self, name, fleet=None, schedule=""):
        if fleet is None:
            fleet = f'[fleet]\nallow-http = true\nlock-url = "{self.lock.url}"\nlock-group = "rack1"\nnode = "{name}"\n'
        (self.machines[name].folder / "usr/lib/cube-update/config.d/20-site.toml").write_text(
            f'[source]\nurl = "{self.repository}"\n[schedule]\nautomatic = "apply"\ncheck-interval = 600\n{schedule}'
            f'[health]\nretries = 0\n{fleet}')

    def at(self, name, *words, code=0, says=""):
        done = subprocess.run([PROGRAMS["update"], *map(str, words), "--root", self.machines[name].folder], capture_output=True,
                              text=True, timeout=120)
        self.assertEqual(done.returncode, code, f"{name}: {words}: {done.stdout}{done.stderr}")
        self.assertIn(says, done.stdout + done.stderr)
        return done.stdout

    def automatic(self, name, code=0, says=""):
        (self.machines[name].folder / "var/lib/cube-update/last-look").unlink(missing_ok=True)
        return self.at(name, "automatic", code=code, says=says)

    def commits(self, name):
        self.assertEqual(self.machines[name].start(), ("b", True))
        self.at(name, "resume")
        self.at(name, "commit")

    def panics(self, name):
        self.assertEqual(self.machines[name].start(), ("b", True))
        self.machines[name].panic("6.1.0-1-amd64")
        self.assertEqual(self.machines[name].start(), ("a", False))
        self.at(name, "resume")

    def release_of(self, name):
        return json.loads(self.at(name, "status", "--json"))["release"]

    def holder(self):
        return self.lock.holders.get("rack1")

    def hook(self, name, folder, text):
        hooks = self.machines[name].folder / "etc/cube-update" / folder
        hooks.mkdir(parents=True, exist_ok=True)
        (hooks / "10-it").write_text(f"#!/bin/sh\n{text}\n")
        (hooks / "10-it").chmod(0o755)

    def test_the_second_waits_until_the_first_has_committed(self):
        self.automatic("n1")
        self.assertEqual(self.holder(), "n1")
        self.automatic("n2", code=12, says="waits for its group: the lock at")
        self.assertIn("all_slots_taken", self.at("n2", "status"))
        self.commits("n1")
        self.assertEqual(self.holder(), "n1", "the place goes back when the timer runs, not before")
        self.automatic("n2", code=12)
        self.automatic("n1", code=3)
        self.assertIsNone(self.holder())
        self.automatic("n2")
        self.assertEqual(self.holder(), "n2")
        self.commits("n2")
        self.automatic("n2", code=3)
        self.assertIsNone(self.holder())
        self.assertEqual([self.release_of(name) for name in NODES], [NEW, NEW])
        asked = len(self.lock.asked)
        self.automatic("n2", code=3)
        self.assertEqual(len(self.lock.asked), asked, "who has nothing to do asks nothing")

    def test_nobody_begins_without_the_lock_and_everybody_comes_back(self):
        self.automatic("n1")
        self.lock.stop()
        self.automatic("n2", code=12, says="the group's lock")
        self.commits("n1")
        self.assertEqual(self.release_of("n1"), NEW)
        self.automatic("n1", code=3, says="the group's lock")
        self.lock.start()
        self.automatic("n1", code=3)
        self.assertIsNone(self.holder())
        self.automatic("n2")
        self.lock.stop()
        self.panics("n2")
        self.assertEqual(self.release_of("n2"), OLD)
        self.lock.start()

    def test_after_a_rollback_the_place_is_kept_until_an_operator_gives_it_back(self):
        self.automatic("n1")
        self.panics("n1")
        self.automatic("n1", code=5, says="the place is kept, for the update failed (panic")
        self.assertEqual(self.holder(), "n1")
        self.automatic("n2", code=12, says="all_slots_taken")
        self.at("n1", "fleet", "unlock", "n1", code=2, says="--reason")
        self.at("n1", "fleet", "unlock", "n2", "--reason", "not mine", code=2, says="only this machine's own place (n1)")
        self.at("n1", "fleet", "halt", "--reason", "no", code=2, says="knows no such thing")
        self.at("n1", "fleet", "unlock", "n1", "--json", "--reason", "its controller is broken")
        self.assertIsNone(self.holder())
        self.automatic("n1", code=5)
        self.assertIsNone(self.holder())
        self.automatic("n2")

    def test_the_place_is_kept_until_the_machine_is_healthy(self):
        self.automatic("n1")
        self.hook("n1", "undrain.d", f'echo "$CUBE_NODE of $CUBE_CLUSTER" >{self.machines["n1"].folder}/undrained')
        self.hook("n1", "cluster-health.d", "echo 3 placement groups are degraded; exit 1")
        self.commits("n1")
        self.automatic("n1", code=3, says="3 placement groups are degraded")
        self.assertEqual(self.holder(), "n1")
        self.assertEqual((self.machines["n1"].folder / "undrained").read_text(), "n1 of rack1\n")
        self.hook("n1", "cluster-health.d", "exit 0")
        self.automatic("n1", code=3)
        self.assertIsNone(self.holder())

    def test_a_refused_drain_gives_the_place_back(self):
        self.hook("n1", "pre-reboot.d", "echo the machines cannot move; exit 1")
        self.hook("n1", "undrain.d", f'touch {self.machines["n1"].folder}/undrained')
        self.automatic("n1", code=12, says="the machines cannot move")
        self.automatic("n1", code=12, says="the machines cannot move")
        self.assertIsNone(self.holder())
        self.assertTrue((self.machines["n1"].folder / "undrained").exists())
        self.assertEqual(self.release_of("n1"), OLD)

    def test_answers_that_are_lost(self):
        self.lock.lose = 9
        self.automatic("n1", code=12)
        self.lock.lose = 0
        self.automatic("n2", code=12 if self.holder() else 0)
        self.automatic("n1", code=12 if self.holder() == "n2" else 0)
        for name in [self.holder()]:
            self.commits(name)
            self.lock.lose = 9  # the place goes back, and nobody hears of it
            self.automatic(name, code=3, says="the group's lock")
            self.lock.lose = 0
            self.automatic(name, code=3)
            self.assertIsNone(self.holder())

    def test_an_agent_that_dies_before_it_hears_the_answer(self):
        self.lock.hangs = threading.Event()
        (self.machines["n1"].folder / "var/lib/cube-update/last-look").unlink(missing_ok=True)
        agent = subprocess.Popen([PROGRAMS["update"], "automatic", "--root", self.machines["n1"].folder], stdout=subprocess.DEVNULL,
                                 stderr=subprocess.DEVNULL)
        while not self.lock.asked and agent.poll() is None:
            time.sleep(0.05)
        agent.kill()
        agent.wait()
        self.lock.hangs.set()
        self.lock.hangs = None
        self.assertEqual(self.holder(), "n1")
        # Its operator does not want it any more.
        self.at("n1", "rollback")
        self.at("n1", "deny", NEW)
        self.automatic("n1", code=5)
        self.assertIsNone(self.holder())

    def test_a_lock_that_talks_nonsense_holds_back(self):
        for status, kind in ((404, "x"), (401, "x"), (302, "x"), (204, ""), (503, "\x1b[31m"), (500, "full")):
            self.lock.answers = [(status, kind)] * 12
            out = self.automatic("n1", code=12)
            self.assertNotIn("\x1b", out)
            self.lock.answers = []
        self.automatic("n1")

    def test_apply_waits_too_unless_out_of_turn(self):
        self.automatic("n1")
        self.at("n2", "apply", code=12, says="waits for its group")
        self.at("n2", "apply", "--out-of-turn")
        self.assertEqual(self.holder(), "n1")
        self.commits("n2")

    def test_one_gate_or_the_other(self):
        self.configure("n1", fleet=f'[fleet]\nallow-http = true\nlock-url = "{self.lock.url}"\nnode = "n1"\ncluster = "c1"\n')
        self.automatic("n1", code=12, says="exclude each other")
        self.assertEqual(self.lock.asked, [])
        self.configure("n1", fleet=f'[fleet]\nlock-url = "{self.lock.url}"\nnode = "n1"\n')
        self.automatic("n1", code=12, says="plain http is not allowed")
        self.configure("n1")
        self.automatic("n1")

    def test_a_damaged_memory_begins_nothing(self):
        self.automatic("n1")
        memory = self.machines["n1"].folder / "var/lib/cube-update/fleet-lock.json"
        self.assertEqual(json.loads(memory.read_text())["id"], "n1")
        self.commits("n1")
        memory.write_text("{}")
        self.automatic("n1", code=3, says="cube-update fleet unlock")
        self.at("n1", "fleet", "unlock", "n1", "--reason", "its disk was full")
        self.assertIsNone(self.holder())
        self.assertFalse(memory.exists())

    def test_a_download_begins_some_time_later(self):
        note = self.machines["n1"].folder / "var/lib/cube-update/download-start"
        for name in NODES:
            (self.machines[name].folder / "etc").mkdir(exist_ok=True)
            (self.machines[name].folder / "etc/machine-id").write_text(f"{name}\n".rjust(33, "0"))
            self.configure(name, schedule="download-spread = 604800\n")
        self.automatic("n1", code=12, says="its download begins")
        first = note.read_text()
        release, begins = first.split()
        self.assertEqual(release, NEW)
        self.assertIn("its download begins", self.at("n1", "status"))
        self.assertIn("its download begins", json.loads(self.at("n1", "status", "--json"))["waits"])
        self.automatic("n1", code=12)
        self.assertEqual(note.read_text(), first, "it does not move")
        self.assertEqual(self.lock.asked, [])
        self.automatic("n2", code=12)
        other = (self.machines["n2"].folder / "var/lib/cube-update/download-start").read_text().split()[1]
        self.assertGreater(abs(int(other) - int(begins)), 60, "each at another time")
        self.at("n1", "automatic", code=3)
        note.write_text(f"{NEW} {int(os.stat(note).st_mtime) - 10}\n")
        self.at("n1", "automatic")
        self.assertFalse(note.exists())
        self.commits("n1")


if __name__ == "__main__":
    folder_machine.use(*sys.argv[1:4])
    unittest.main(argv=[sys.argv[0], *sys.argv[4:]])
