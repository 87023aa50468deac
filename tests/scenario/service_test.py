#!/usr/bin/env python3
"""The update service: the real cube-updated, cube-fetch and cube-update, on a bus of the test's own, with the shipped
policies, as root and as others. cube-updated has no network here either.

Usage: service_test.py CUBE_UPDATED SHIPPED_CUBE_UPDATED CUBE_FETCH CUBE_UPDATE CUBE_RELEASE BUS_CALLER APPLIANCE_MODULES [TEST...]
"""
import contextlib
import json
import os
import pathlib
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest
import xml.etree.ElementTree as xml

import private_bus
from private_bus import NAME, OBJECT, SOURCE, Signals, wait_until
from throttled_server import ThrottledServer
from tiny_tree import make_tiny_tree

UPDATED = SHIPPED = FETCH = UPDATE = RELEASE = CALLER = ""
OLD, NEW, NEWEST = [f"CUBE_{n}.0.0_2026010{n}-0000_abcd1234" for n in (1, 2, 3)]
NOBODY = "nobody"
DENIED = "Access denied"  # all that busctl tells of such an error
GRANTS = """polkit.addRule(function(action, subject) {
  if (subject.user == "nobody" && (action.id == "co.bigstack.cube-update.apply" || action.id == "co.bigstack.cube-update.deny"))
    return polkit.Result.YES;
});"""


def run_once(*command):
    subprocess.run([str(word) for word in command], check=True, capture_output=True, timeout=300)


def children_of(pid):
    found = []
    for task in pathlib.Path(f"/proc/{pid}/task").glob("*/children"):
        found += [int(word) for word in task.read_text().split()]
    return found


class Appliance(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        """A repository of three releases, and a machine with the oldest in both slots."""
        cls.scratch = pathlib.Path(tempfile.mkdtemp(prefix="cube-service-"))
        cls.scratch.chmod(0o755)
        cls.repository = cls.scratch / "repository"
        run_once(RELEASE, "init", cls.repository, "--product", "CUBE")
        for release in (OLD, NEW, NEWEST):
            version, built = release.split("_")[1:3]
            tree = cls.scratch / version
            make_tiny_tree(tree, version)
            chance = random.Random(version)
            for n in range(8):
                (tree / f"usr/lib/random-{n}").write_bytes(chance.randbytes(250_000))
            run_once(RELEASE, "compose", tree, "--version", version, "--built", built, "--source", "abcd1234",
                     "--repository", cls.repository)
            if release != NEWEST:
                run_once(RELEASE, "pack", release, "--repository", cls.repository)
        run_once(RELEASE, "publish", "--repository", cls.repository)
        cls.template = scratch.Scratch(cls.scratch / "template")
        cls.template.folder.mkdir()
        root = cls.repository / "metadata/1.root.json"
        cls.template.lay_out(root)
        slots = cls.template.folder / "slots"
        run_once(UPDATE, "install-slot", slots / "a", OLD, "--from", cls.repository, "--trusted-root", root)
        shutil.rmtree(slots / "b")
        run_once("cp", "-a", slots / "a", slots / "b")

    @classmethod
    def tearDownClass(cls):
        shutil.rmtree(cls.scratch)

    def setUp(self):
        self.server = ThrottledServer(self.repository)
        self.server_open = True
        self.addCleanup(self.lose_source)
        self.machine = scratch.Scratch(self.scratch / "machine")
        self.addCleanup(shutil.rmtree, self.machine.folder)
        run_once("cp", "-a", self.template.folder, self.machine.folder)
        self.machine.start()
        (self.machine.folder / "usr/lib/cube-update/config.d/20-source.toml").write_text(
            f'[source]\nurl = "{self.server.url}"\nallow-http = true\n')
        self.bus = private_bus.PrivateBus(self.scratch / "bus")
        self.addCleanup(shutil.rmtree, self.scratch / "bus")
        self.addCleanup(self.bus.close)
        self.daemon = None

    def lose_source(self):
        if self.server_open:
            self.server.close()
        self.server_open = False

    def start(self, program=None, idle=600, wait=True, daemon=None):
        """The service, and the socket of cube-fetch as systemd would hold it."""
        self.fetch_socket = self.scratch / "bus/fetch"
        if not self.fetch_socket.exists():
            self.listener = self.bus.start("systemd-socket-activate", f"--listen={self.fetch_socket}", "--accept", "--inetd",
                                           FETCH, stderr=subprocess.DEVNULL)
            wait_until(self.fetch_socket.exists, "cube-fetch's socket")
        self.command = ["/usr/bin/unshare", "--net", daemon or UPDATED, "--root", self.machine.folder, "--program", program or UPDATE,
                        "--fetch-socket", self.fetch_socket, "--idle", idle]
        self.daemon = self.bus.start(*self.command)
        if wait:
            wait_until(lambda: self.bus.has(NAME), "the service on the bus")
        return self.daemon

    def call(self, method, *arguments, code=None, error="", **more):
        """The job's number; with `code`, after its end with that code. `error`: the call is refused so."""
        answer, refusal = self.bus.call(method, *arguments, **more)
        if error:
            self.assertIn(error, refusal)
            return None
        self.assertEqual(refusal, "")
        job = int(answer.split()[1]) if answer.startswith("u ") else answer
        if code is not None:
            _, ended, message = self.signals.completed(job)
            self.assertEqual(ended, code, message)
        return job

    def listen(self):
        self.signals = Signals(self.bus)

    def phase(self):
        return self.bus.properties()["Phase"]

    def run_cli(self, *words, code=0):
        done = subprocess.run([UPDATE, *map(str, words), "--root", self.machine.folder], capture_output=True, text=True, timeout=120)
        self.assertEqual(done.returncode, code, f"{words}: {done.stdout}{done.stderr}")
        return done.stdout

    def expect_unchanged(self):
        self.assertEqual(json.loads(self.run_cli("status", "--json"))["phase"], "idle")
        self.assertEqual(self.server.sent, 0)


class Callers(Appliance):
    """What everybody may, and who may what."""

    def test_everybody_reads_the_properties(self):
        self.start()
        for user in (None, NOBODY):
            seen = self.bus.properties(user)
            self.assertEqual((seen["Phase"], seen["Booted"], seen["Fallback"], seen["Problem"]), ("idle", "a", "a", ""))
            self.assertEqual(seen["Slots"]["a"]["release"], OLD)
            self.assertEqual((seen["Trial"], seen["LastOutcome"], seen["Progress"]), ({}, {}, [0, "", 1]))
        one = self.bus.busctl("get-property", NAME, OBJECT, NAME, "Booted", user=NOBODY)
        self.assertEqual(one.stdout, 's "a"\n', one.stderr)
        self.run_cli("deny", NEW)
        time.sleep(1.1)
        self.assertEqual(self.bus.properties()["Phase"], "idle")

    def test_without_polkit_root_alone_may(self):
        self.start()
        self.listen()
        for method, *arguments in (("Check", "a{sv}", 0), ("Fetch", "sa{sv}", "", 0), ("Apply", "sa{sv}", "", 0), ("Cancel",),
                                   ("Commit", "a{sv}", 0), ("Rollback", "a{sv}", 0), ("Deny", "ssa{sv}", NEW, "", 0),
                                   ("Allow", "sa{sv}", NEW, 0), ("Diagnose", "ta{sv}", 0, 0)):
            self.call(method, *arguments, user=NOBODY, error=DENIED)
        self.expect_unchanged()
        self.assertEqual(self.signals.all("Completed"), [])
        self.assertIn(NEWEST, self.call("Check", "a{sv}", 0))
        self.call("Fetch", "sa{sv}", NEW, 0, code=0)

    def test_polkit_decides_about_others(self):
        self.bus.start_polkit(GRANTS)
        self.start()
        self.listen()
        self.call("Rollback", "a{sv}", 0, user=NOBODY, error=DENIED)
        self.call("Allow", "sa{sv}", NEW, 0, user=NOBODY, error=DENIED)
        self.call("Apply", "sa{sv}", OLD, 1, "allow-downgrade", "b", "true", user=NOBODY,
                  error=DENIED)
        self.expect_unchanged()
        self.call("Deny", "ssa{sv}", NEWEST, "too loud", 0, user=NOBODY)
        self.call("Apply", "sa{sv}", "", 1, "no-reboot", "b", "true", user=NOBODY, code=20)
        self.assertEqual(self.bus.properties(NOBODY)["Update"], NEW)

    def test_polkit_that_hangs_or_dies_permits_nothing_and_stops_nobody(self):
        polkit = self.bus.start_polkit(GRANTS)
        self.start()
        self.listen()
        polkit.send_signal(signal.SIGSTOP)
        waiting = subprocess.Popen(["setpriv", "--reuid=nobody", "--clear-groups", "busctl", f"--address={self.bus.address}", "call",
                                    NAME, OBJECT, NAME, "Deny", "ssa{sv}", NEW, "", "0"], stderr=subprocess.PIPE, text=True)
        time.sleep(0.5)
        self.call("Deny", "ssa{sv}", NEWEST, "", 0)
        self.assertEqual(self.phase(), "idle")
        polkit.send_signal(signal.SIGKILL)
        self.assertIn(DENIED, waiting.communicate(timeout=60)[1])
        denied = [entry["release"] for entry in json.loads(self.run_cli("status", "--json"))["denied"]]
        self.assertEqual(denied, [NEWEST])

    def test_the_bus_lets_nothing_else_through(self):
        self.start()
        for interface, member, *arguments in (("org.freedesktop.DBus.Properties", "Set", "ssv", NAME, "Phase", "s", "idle"),
                                              ("org.freedesktop.DBus.Peer", "GetMachineId"),
                                              ("org.freedesktop.DBus.ObjectManager", "GetManagedObjects"),
                                              (NAME, "Completed")):
            done = self.bus.busctl("call", NAME, OBJECT, interface, member, *arguments, user=NOBODY)
            self.assertIn(DENIED, done.stderr)
        taken = self.bus.busctl("call", "org.freedesktop.DBus", "/org/freedesktop/DBus", "org.freedesktop.DBus", "RequestName",
                                "su", NAME, 2, user=NOBODY)
        self.assertIn(DENIED, taken.stderr)

    def test_requests_that_make_no_sense_are_refused(self):
        self.start()
        for options, why in ((("from", "s", "/etc"), "no option"), (("root", "s", "/"), "no option"),
                             (("tries", "s", "3"), "another type"), (("tries", "u", "10"), "from 1 to 9"),
                             (("folder", "s", "/media/stick"), "another type"), (("at", "ai", "1", "7"), "no type")):
            self.call("Apply", "sa{sv}", "", 1, *options, error=why)
        for release in ("../x", "CUBE", "a b"):
            self.call("Apply", "sa{sv}", release, 0, error="is no name of a release")
        self.call("Apply", "sa{sv}", "x" * 1000, 0, error="too long")
        self.expect_unchanged()

    def test_what_is_installed_is_what_the_code_says(self):
        self.start()
        done = self.bus.busctl("introspect", "--xml-interface", NAME, OBJECT)

        def members(text):
            interface = xml.fromstring(text).find(f"./interface[@name='{NAME}']")
            return sorted((member.tag, member.get("name"), member.get("type"), member.get("access"),
                           tuple((arg.get("type"), arg.get("direction", "out")) for arg in member.findall("arg")))
                          for member in interface if member.tag != "annotation")
        shipped = (SOURCE / f"packaging/dbus/{NAME}.xml").read_text()
        self.assertEqual(members(done.stdout), members(shipped))
        methods = [name for tag, name, *_ in members(shipped) if tag == "method"]
        policy = xml.fromstring((SOURCE / f"packaging/dbus/{NAME}.conf").read_text())
        let_through = [rule.get("send_member") for rule in policy.iter("allow") if rule.get("send_interface") == NAME]
        self.assertEqual(sorted(let_through), methods)
        actions = {action.get("id"): action.find("defaults/allow_any").text
                   for action in xml.fromstring((SOURCE / "packaging/polkit/co.bigstack.cube-update.policy").read_text()).iter("action")}
        self.assertEqual(sorted(actions), sorted("co.bigstack.cube-update." + word for word in [*map(str.lower, methods), "override"]))
        self.assertNotIn("yes", actions.values())
        for strict in ("override", "allow"):
            self.assertEqual(actions[f"co.bigstack.cube-update.{strict}"], "auth_admin")


class Updates(Appliance):
    """What is done, and what is told of it."""

    def test_an_update_from_a_web_server_without_a_network(self):
        self.start()
        self.listen()
        self.server.rate = 400_000
        job = self.call("Apply", "sa{sv}", NEW, 1, "no-reboot", "b", "true")
        self.call("Fetch", "sa{sv}", NEW, 0, error="another job is under way")
        self.assertEqual(self.signals.completed(job), ["Apply", 20, ""])
        seen = self.bus.properties()
        self.assertEqual((seen["Phase"], seen["Update"]), ("armed", NEW))
        self.assertEqual((seen["Trial"]["slot"], seen["Trial"]["tries-left"], seen["Trial"]["offered"]), ("b", 3, True))
        self.assertGreater(self.server.sent, 1_000_000)
        told = [data[1].get("Progress") for data in self.signals.all("PropertiesChanged") if "Progress" in data[1]]
        self.assertTrue(any(stage == "fetch" and 0 < percent < 100 for percent, stage, _ in told), told)
        phases = [data[1]["Phase"] for data in self.signals.all("PropertiesChanged") if "Phase" in data[1]]
        self.assertIn("filling", phases)
        self.assertEqual(self.machine.start(), ("b", True))
        self.lose_source()
        self.call("Commit", "a{sv}", 0, code=0)
        seen = self.bus.properties()
        self.assertEqual((seen["Phase"], seen["Booted"], seen["Fallback"]), ("idle", "b", "b"))
        self.assertEqual((seen["LastOutcome"]["release"], seen["LastOutcome"]["outcome"]), (NEW, "committed"))
        self.call("Rollback", "a{sv}", 0, code=20)
        self.call("Commit", "a{sv}", 1, "now", "b", "true", error="no option")

    def test_a_rollback_is_told_once(self):
        self.start()
        self.listen()
        self.call("Apply", "sa{sv}", NEW, 1, "no-reboot", "b", "true", code=20)
        self.machine.start()
        self.machine.panic("6.1.0")
        self.machine.start()
        self.run_cli("resume")
        self.assertIn("panic", self.call("Diagnose", "ta{sv}", 0, 0))
        self.phase()
        wait_until(lambda: self.signals.all("RolledBack"), "the rollback")
        (reason,), = self.signals.all("RolledBack")
        self.assertIn(NEW, reason)
        self.assertIn("panic", reason)
        wait_until((self.machine.folder / "var/lib/cube-update/told-rollback").exists, "the note of it")
        self.daemon.kill()
        self.daemon.wait()
        self.start()
        self.phase()
        time.sleep(0.5)
        self.assertEqual(len(self.signals.all("RolledBack")), 1)
        self.call("Apply", "sa{sv}", NEW, 0, code=5)
        self.call("Allow", "sa{sv}", NEW, 0)
        self.call("Allow", "sa{sv}", NEW, 0, error="nothing to do")

    def test_a_release_without_packs_is_for_the_command_line(self):
        self.start()
        self.listen()
        job = self.call("Apply", "sa{sv}", NEWEST, 1, "no-reboot", "b", "true")
        _, code, message = self.signals.completed(job)
        self.assertEqual(code, 6, message)
        self.assertIn("run `cube-update apply`", message)
        self.run_cli("apply", NEWEST, "--no-reboot", code=20)

    def test_a_server_that_sends_no_parts_of_files_is_named_as_the_reason(self):
        self.start()
        self.listen()
        self.server.ranges = False
        job = self.call("Apply", "sa{sv}", NEW, 1, "no-reboot", "b", "true")
        _, code, message = self.signals.completed(job)
        self.assertEqual(code, 6, message)
        self.assertIn("does not send parts of files", message)
        self.assertIn("run `cube-update apply`", message)
        self.assertNotIn("lack objects", message)
        self.run_cli("apply", NEW, "--no-reboot", code=20)


class Folders(Appliance):
    """Repositories that come as an open folder."""

    def hand_over(self, folder, *words, flags=os.O_RDONLY | os.O_DIRECTORY, code=None, error=""):
        """A call of the method `words` with the open folder; code and error as of call()."""
        fd = os.open(folder, flags)
        try:
            done = subprocess.run([CALLER, self.bus.address, "folder", str(fd), *words], capture_output=True, text=True,
                                  timeout=180, pass_fds=(fd,))
        finally:
            os.close(fd)
        if error:
            self.assertIn(error, done.stderr)
            return None
        self.assertEqual(done.stderr, "")
        if code is not None:
            _, ended, message = self.signals.completed(int(done.stdout.split()[1]))
            self.assertEqual(ended, code, message)
        return done.stdout

    def test_a_folder_that_is_handed_over(self):
        self.start()
        self.listen()
        self.lose_source()
        self.assertIn(NEWEST, self.hand_over(self.repository, "Check"))
        self.hand_over(self.repository, "Apply", NEW, code=20)
        self.assertEqual(self.bus.properties()["Update"], NEW)

    def test_what_is_no_folder_to_be_read_is_refused(self):
        self.start()
        refusal = "not a folder that is open to be read"
        self.hand_over("/etc/passwd", "Check", flags=os.O_RDONLY, error=refusal)
        self.hand_over(self.repository, "Check", flags=os.O_PATH | os.O_DIRECTORY, error=refusal)

    def test_links_in_a_folder_that_is_handed_over_lead_nowhere(self):
        self.start()
        forged = self.scratch / "forged"
        shutil.copytree(self.repository, forged)
        self.addCleanup(shutil.rmtree, forged)
        shutil.move(forged / "metadata/timestamp.json", self.scratch / "elsewhere.json")
        (forged / "metadata/timestamp.json").symlink_to(self.scratch / "elsewhere.json")
        self.hand_over(forged, "Check", error="timestamp.json")
        os.unlink(forged / "metadata/timestamp.json")
        shutil.move(self.scratch / "elsewhere.json", forged / "metadata/timestamp.json")
        self.assertIn(NEWEST, self.hand_over(forged, "Check"))

    def test_a_folder_that_was_handed_over_is_not_looked_for_later(self):
        self.start()
        self.listen()
        self.hand_over(self.repository, "Fetch", NEW, code=0)
        # Under the same number there is another folder now, and what was downloaded is enough.
        done = subprocess.run([UPDATE, "apply", "--no-reboot", "--root", self.machine.folder], capture_output=True, text=True,
                              preexec_fn=lambda: os.dup2(os.open("/", os.O_RDONLY), 3), close_fds=False, timeout=120)
        self.assertEqual(done.returncode, 20, done.stdout + done.stderr)
        self.assertIn("handed over as an open folder, which is closed", done.stdout)


class Deaths(Appliance):
    """Either process, the bus, polkit and the network may go at any time."""

    def begin_slowly(self, rate=200_000):
        self.server.rate = rate
        job = self.call("Apply", "sa{sv}", NEW, 1, "no-reboot", "b", "true")
        wait_until(lambda: self.server.sent > 100_000, "the download", 60)
        return job

    def test_a_job_is_cancelled_and_goes_on(self):
        self.start()
        self.listen()
        self.call("Cancel", error="no job is under way")
        job = self.begin_slowly()
        self.call("Cancel")
        self.assertEqual(self.signals.completed(job)[:2], ["Apply", 130])
        self.assertEqual(self.phase(), "filling")
        self.server.rate = 0
        self.call("Apply", "sa{sv}", "", 1, "no-reboot", "b", "true", code=20)

    def test_a_killed_service_goes_on_where_it_was(self):
        self.start()
        self.listen()
        job = self.begin_slowly()
        run = [pid for pid in children_of(self.daemon.pid)]
        self.assertEqual(len(run), 1)
        for _ in range(2):
            self.daemon.kill()
            self.daemon.wait()
            wait_until(lambda: not pathlib.Path(f"/proc/{run[0]}").exists(), "the end of what it had begun")
            self.start()
            wait_until(lambda: children_of(self.daemon.pid), "the job")
            run = children_of(self.daemon.pid)
        self.server.rate = 0
        self.assertEqual(self.signals.completed(job), ["Apply", 20, ""])
        self.assertEqual(self.bus.properties()["Phase"], "armed")
        # What has ended is not begun again.
        self.daemon.kill()
        self.daemon.wait()
        self.start()
        time.sleep(1)
        wait_until(lambda: not children_of(self.daemon.pid), "the end of its first look")
        self.assertEqual(len(self.signals.all("Completed")), 1)

    def test_a_service_that_is_asked_to_end_does_not_go_on_by_itself(self):
        self.start()
        self.listen()
        self.begin_slowly()
        self.daemon.terminate()
        self.assertEqual(self.daemon.wait(20), 0)
        self.start()
        time.sleep(1)
        wait_until(lambda: not children_of(self.daemon.pid), "the end of its first look", 8)
        self.assertEqual((self.phase(), self.signals.all("Completed")), ("filling", []))

    def test_a_job_that_kills_the_service_is_given_up(self):
        program = self.scratch / "bus/kills"
        program.write_text(f'#!/bin/sh\n[ "$1" = apply ] && kill -9 $PPID\nexec {UPDATE} "$@"\n')
        program.chmod(0o755)
        self.start(program)
        self.listen()
        self.bus.call("Apply", "sa{sv}", NEW, 0)
        for _ in range(6):
            wait_until(lambda: self.daemon.poll() is not None or self.signals.all("Completed"), "its death or its end", 60)
            if self.signals.all("Completed"):
                break
            self.start(program, wait=False)
        (number, method, code, message), = self.signals.all("Completed")
        self.assertEqual((number, method, code), (1, "Apply", 1))
        self.assertIn("given up after 5 starts", message)

    def test_cube_fetch_may_die_at_any_time(self):
        self.start()
        self.listen()
        job = self.begin_slowly(150_000)
        killed = 0
        while not any(data[0] == job for data in self.signals.all("Completed")):
            for pid in children_of(self.listener.pid):
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
                killed += 1
            time.sleep(1.5)  # long enough for each to bring something
        self.assertGreater(killed, 3)
        self.assertEqual(self.signals.completed(job), ["Apply", 20, ""])

    def test_without_cube_fetch_the_source_is_out_of_reach(self):
        self.start()
        self.listen()
        self.listener.kill()
        self.listener.wait()
        job = self.call("Apply", "sa{sv}", NEW, 0)
        _, code, message = self.signals.completed(job)
        self.assertEqual(code, 9, message)
        self.assertIn("cube-fetch", message)

    def test_when_the_bus_goes_the_job_does_not(self):
        self.start()
        self.listen()
        self.begin_slowly(400_000)
        self.bus.daemon.kill()
        self.bus.daemon.wait()
        self.assertEqual(self.daemon.wait(60), 0)
        status = json.loads(self.run_cli("status", "--json"))
        self.assertEqual(status["phase"], "armed")
        # And without any of it:
        self.lose_source()
        self.assertEqual(self.machine.start(), ("b", True))
        self.run_cli("commit")
        self.run_cli("rollback", code=20)
        self.assertEqual(self.machine.start(), ("a", True))
        self.run_cli("commit")

    def test_when_the_network_goes_commit_and_rollback_do_not(self):
        self.start()
        self.listen()
        self.call("Apply", "sa{sv}", NEW, 1, "no-reboot", "b", "true", code=20)
        self.lose_source()
        self.listener.kill()
        self.assertEqual(self.machine.start(), ("b", True))
        self.call("Commit", "a{sv}", 0, code=0)
        self.call("Rollback", "a{sv}", 1, "now", "b", "true", code=0)
        self.assertTrue((self.machine.folder / "run/cube-update/reboot-requested").exists())


class Crowds(Appliance):
    """Many callers, much to tell, and nothing to do."""

    def counting_program(self, rest):
        """Notes each run, then goes on as `rest` says."""
        program = self.scratch / "bus/counting"
        program.write_text(f'#!/bin/sh\necho "$1" >> {self.scratch}/bus/runs\n{rest}\n')
        program.chmod(0o755)
        return program

    def runs(self, word):
        file = self.scratch / "bus/runs"
        return file.read_text().split().count(word) if file.exists() else 0

    def test_a_thousand_callers_are_answered_by_few_looks(self):
        self.start(self.counting_program(f'exec {UPDATE} "$@"'))
        before = self.runs("status")
        done = subprocess.run([CALLER, self.bus.address, "calls", "1000"], capture_output=True, text=True, timeout=120)
        self.assertEqual(done.stdout, "answers 1000 errors 0\n", done.stderr)
        self.assertLessEqual(self.runs("status") - before, 10)
        done = subprocess.run([CALLER, self.bus.address, "calls", "9000"], capture_output=True, text=True, timeout=120)
        words = done.stdout.split()
        self.assertEqual(int(words[1]) + int(words[3]), 9000, done.stdout + done.stderr)
        self.assertEqual(self.phase(), "idle")

    def test_a_flood_of_signals_costs_nothing(self):
        self.start()
        self.phase()
        before = memory_of(self.daemon.pid)
        subprocess.run([CALLER, self.bus.address, "signals", "50000"], check=True, timeout=120)
        self.assertEqual(self.phase(), "idle")
        self.assertLess(memory_of(self.daemon.pid) - before, 4096, "KiB")

    def test_progress_is_told_a_few_times_a_second(self):
        line = '{"event":"progress","stage":"fill","done":%d,"total":20000,"unit":"bytes","rate":null,"eta":null}'
        lines = self.scratch / "bus/lines"
        lines.write_text("".join(line % n + "\n" for n in range(20000)))
        self.start(self.counting_program(f'[ "$1" = fetch ] && cat {lines} && sleep 1 && exit 0\nexec {UPDATE} "$@"'))
        self.listen()
        self.call("Fetch", "sa{sv}", "", 0, code=0)
        told = [data for data in self.signals.all("PropertiesChanged") if "Amount" in data[1]]
        self.assertGreater(len(told), 0)
        self.assertLess(len(told), 30)
        self.assertEqual(told[-1][1]["Amount"], [19999, 20000, "bytes"], "the last is told, too")

    def test_one_that_waits_costs_little(self):
        """Without sanitizers, which have costs of their own."""
        self.start(daemon=SHIPPED)
        self.phase()
        time.sleep(2)
        status = dict(line.split(":\t", 1) for line in pathlib.Path(f"/proc/{self.daemon.pid}/status").read_text().splitlines())
        memory = memory_of(self.daemon.pid)
        descriptors = len(os.listdir(f"/proc/{self.daemon.pid}/fd"))
        wakes, ticks = switches_of(self.daemon.pid), cpu_of(self.daemon.pid)
        time.sleep(5)
        print(f"\nwaiting: {memory} KiB resident, {descriptors} descriptors, {status['Threads'].strip()} thread, "
              f"{switches_of(self.daemon.pid) - wakes} wake-ups and {cpu_of(self.daemon.pid) - ticks} ticks in 5 s")
        self.assertLessEqual(memory, 8192)
        self.assertLessEqual(descriptors, 16)
        self.assertEqual(status["Threads"].strip(), "1")
        self.assertEqual((switches_of(self.daemon.pid) - wakes, cpu_of(self.daemon.pid) - ticks), (0, 0))

    def test_it_leaves_when_nothing_is_to_be_done_and_misses_no_call(self):
        self.start(idle=1)
        self.assertEqual(self.daemon.wait(20), 0)
        # Now the bus starts it, as systemd would; one call after the other, also while it leaves.
        (self.scratch / f"bus/services/{NAME}.service").write_text(
            f"[D-BUS Service]\nName={NAME}\nExec={' '.join(map(str, self.command))}\nUser=root\n")
        self.bus.busctl("call", "org.freedesktop.DBus", "/org/freedesktop/DBus", "org.freedesktop.DBus", "ReloadConfig")
        owners = set()
        for pause in (0, 0.9, 0.95, 0.98, 1.0, 1.01, 1.02, 1.05, 1.1, 1.3, 2.5):
            time.sleep(pause)
            self.assertEqual(self.phase(), "idle")
            owners.add(self.bus.busctl("call", "org.freedesktop.DBus", "/org/freedesktop/DBus", "org.freedesktop.DBus",
                                       "GetNameOwner", "s", NAME).stdout)
        self.assertGreater(len(owners), 2)


def status_number(pid, key):
    for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith(key):
            return int(line.split()[1])
    raise KeyError(key)


def memory_of(pid):
    """KiB that are resident."""
    return status_number(pid, "VmRSS:")


def switches_of(pid):
    return status_number(pid, "voluntary_ctxt_switches:")


def cpu_of(pid):
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return int(fields[11]) + int(fields[12])


if __name__ == "__main__":
    UPDATED, SHIPPED, FETCH, UPDATE, RELEASE, CALLER, MODULES = sys.argv[1:8]
    private_bus.enter_namespace()
    sys.path.insert(0, MODULES)
    from appliance import scratch
    unittest.main(argv=[sys.argv[0], *sys.argv[8:]])
