#!/usr/bin/env python3
"""The hooks for CubeCOS: shellcheck has nothing to say, and against programs that record their calls and play answers each says
yes or no as it should.

Usage: cubecos_hooks_test.py HOOKS_FOLDER [TEST...]
"""
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import time
import unittest

HOOKS = pathlib.Path(sys.argv[1])
DRAIN, UNDRAIN, HEALTH = (HOOKS / name for name in
                          ("pre-reboot.d/50-cubecos-drain", "undrain.d/50-cubecos-undrain", "cluster-health.d/50-cubecos-health"))
# Answers by the first words of the call: text, exit code, or how many seconds it hangs. A list is played one by one, the last for ever.
HEALTHY = {
    "ceph osd ls-tree": "3\n4\n",
    "ceph osd ok-to-stop": '{"ok_to_stop": true}',
    "ceph osd dump": "epoch 7\nosd.3 up   in  weight 1\nosd.4 up   in  weight 1\nosd.34 down out weight 0\n",
    "ceph osd set-group": "", "ceph osd unset-group": "",
    "ceph health detail": "HEALTH_WARN noout flag(s) set\n",
    "ceph pg stat": "65 pgs: 1 active+clean+scrubbing+deep, 64 active+clean; 1.2 GiB data, 3 GiB used\n",
    "hex_sdk": "",
    "openstack compute service list --host": "enabled\n",
    "openstack compute service list --long": "disabled cube-update\n",
    "openstack compute service set": "",
    "openstack server list": ["vm-1 ACTIVE\nvm-2 SHUTOFF\nvm-3 ACTIVE\n", "vm-2 SHUTOFF\nvm-3 MIGRATING\n", "vm-2 SHUTOFF\n"],
    "openstack server migrate": "",
}
FAKE = r"""#!/usr/bin/python3
import json, os, pathlib, sys, time
here = pathlib.Path(__file__).resolve().parent
call = " ".join([os.path.basename(sys.argv[0]), *sys.argv[1:]])
with open(here / "calls", "a") as calls:
    calls.write(call + "\n")
answers = json.loads((here / "answers").read_text())
key = max((key for key in answers if call.startswith(key)), key=len, default=None)
if key is None:
    sys.exit(f"not expected: {call}")
answer = answers[key]
if isinstance(answer, list):
    before = sum(line.startswith(key) for line in (here / "calls").read_text().splitlines()) - 1
    answer = answer[min(before, len(answer) - 1)]
if isinstance(answer, float):
    time.sleep(answer)
elif isinstance(answer, int):
    sys.exit(answer)
else:
    sys.stdout.write(answer)
"""
CHANGES = re.compile(r"set-group|service set|server migrate")


class CubecosHooksTest(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="cube-hooks-"))
        self.addCleanup(shutil.rmtree, self.folder)
        for program in ("hex_sdk", "ceph", "openstack"):
            (self.folder / program).write_text(FAKE)
            (self.folder / program).chmod(0o755)

    def run_hook(self, hook, code=0, says="", path=None, environment=(), **answers):
        """Its calls; answers are named by their words with `_` for blanks."""
        (self.folder / "calls").write_text("")
        (self.folder / "answers").write_text(json.dumps({**HEALTHY, **answers}))
        settings = {"PATH": path or f"{self.folder}:/usr/bin:/bin", "LC_ALL": "C", "CUBE_HOST": "cc1", "OPENRC": "/dev/null", "ASK_SECONDS": "5",
                    "POLL_SECONDS": "0", **dict(environment)}
        done = subprocess.run([hook], env=settings, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=120)
        self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        self.assertEqual(done.stderr, "")
        self.assertIn(says, done.stdout.splitlines()[-1])
        self.output = done.stdout
        return (self.folder / "calls").read_text().splitlines()

    def changes(self, *arguments, **options):
        return [call for call in self.run_hook(*arguments, **options) if CHANGES.search(call)]

    def test_shellcheck(self):
        done = subprocess.run(["shellcheck", "--enable=all", "--exclude=SC2250,SC2310,SC2312", DRAIN, UNDRAIN, HEALTH], capture_output=True, text=True)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def test_drain(self):
        calls = self.run_hook(DRAIN, says="cc1 is drained")
        self.assertEqual([call for call in calls if CHANGES.search(call)], [
            "openstack compute service set --disable --disable-reason cube-update cc1 nova-compute",
            "openstack server migrate --live-migration vm-1", "openstack server migrate --live-migration vm-3",
            "ceph osd set-group noout cc1"])
        self.assertLess(calls.index("ceph osd ok-to-stop 3 4"), calls.index("hex_sdk is_compute_node"))

    def test_drained_already(self):
        self.assertEqual(self.changes(DRAIN, **{"openstack compute service list --host": "disabled\n", "openstack server list": ""}),
                         ["ceph osd set-group noout cc1"])

    def test_a_host_of_another_role(self):
        self.assertEqual(self.changes(DRAIN, **{"hex_sdk is_compute_node": 1}), ["ceph osd set-group noout cc1"])
        self.assertEqual(self.changes(DRAIN, **{"hex_sdk is_compute_node": 1, "ceph osd ls-tree": 2}), [])
        self.assertEqual(self.changes(UNDRAIN, **{"hex_sdk is_compute_node": 1, "ceph osd ls-tree": 2}), [])

    def test_what_keeps_a_host_from_its_restart(self):
        nothing = [("ceph osd ok-to-stop", 16, "Ceph cannot do without the OSDs of cc1 now"), ("ceph osd ls-tree", 1, "Ceph does not answer"),
                   ("hex_sdk is_compute_node", 126, "hex_sdk does not say"), ("openstack compute service list --host", 1, "does not say whether")]
        for call, answer, says in nothing:
            self.assertEqual(self.changes(DRAIN, code=1, says=says, **{call: answer}), [])
        for call, answer, says in (("openstack compute service set", 1, "cannot be disabled"), ("openstack server list", 1, "does not list"),
                                   ("openstack server list", ["vm-1 ACTIVE\n", 1], "does not list")):
            self.assertNotIn("ceph osd set-group noout cc1", self.run_hook(DRAIN, code=1, says=says, **{call: answer}))
        self.run_hook(DRAIN, code=1, says="noout cannot be set", **{"ceph osd set-group": 1})

    def test_a_virtual_machine_stays(self):
        calls = self.run_hook(DRAIN, code=1, says="2 virtual machines are still on cc1", environment={"DRAIN_SECONDS": "1"},
                              **{"openstack server list": "vm-1 ACTIVE\nvm-3 PAUSED\n", "openstack server migrate": 1})
        self.assertNotIn("ceph osd set-group noout cc1", calls)
        self.assertIn("the migration of vm-1 was refused", self.output)

    def test_undrain(self):
        self.assertEqual(self.changes(UNDRAIN, says="cc1 takes on work"),
                         ["ceph osd unset-group noout cc1", "openstack compute service set --enable cc1 nova-compute"])
        for said in ("enabled None\n", "disabled rack work\n", "disabled None\n"):
            self.assertEqual(self.changes(UNDRAIN, **{"openstack compute service list --long": said}), ["ceph osd unset-group noout cc1"])
        for call, says in (("ceph osd ls-tree", "Ceph does not answer"), ("ceph osd unset-group", "noout cannot be unset"),
                           ("openstack compute service list --long", "does not say"), ("openstack compute service set", "cannot be enabled")):
            self.run_hook(UNDRAIN, code=1, says=says, **{call: 1})

    def test_health(self):
        calls = self.run_hook(HEALTH, says="the cluster is well")
        self.assertEqual([call for call in calls if CHANGES.search(call)], [])
        self.assertEqual([call for call in calls if "health_" in call],
                         [f"hex_sdk health_{name}_check" for name in
                          ("link", "clock", "etcd", "hacluster", "rabbitmq", "mysql", "vip", "haproxy", "nova", "neutron")])
        self.run_hook(HEALTH, **{"ceph health detail": "HEALTH_OK\n", "ceph osd ls-tree": 2})

    def test_what_keeps_the_next_machine_waiting(self):
        cases = [("hex_sdk cube_node_ready", 1, "cc1 is not ready yet"), ("ceph health detail", 1, "Ceph does not answer"), ("ceph health detail", "", "says nothing"),
                 ("ceph health detail", "HEALTH_ERR 1 full osd(s)\n", "Ceph: HEALTH_ERR 1 full osd(s)"),
                 ("ceph health detail", "HEALTH_WARN 1/3 mons down\n[WRN] MON_DOWN: 1/3 mons down\n", "a Ceph monitor is missing"),
                 ("ceph osd dump", "osd.3 up   in  weight 1\nosd.4 down in  weight 1\n", "osd.4 of cc1 is not up and in"),
                 ("ceph osd dump", "osd.3 up   in  weight 1\nosd.44 up   in  weight 1\n", "osd.4 of cc1 is not up and in"),
                 ("ceph pg stat", "65 pgs: 61 active+clean, 4 active+undersized+degraded; 1 GiB data\n", "4 PGs are not active and clean"),
                 ("ceph pg stat", "64 pgs: 64 unknown; 0 B data\n", "64 PGs are not active and clean"), ("ceph pg stat", "?\n", "says nothing of its PGs"),
                 ("hex_sdk health_mysql_check", 3, "health_mysql_check says no")]
        for call, answer, says in cases:
            self.run_hook(HEALTH, code=1, says=says, **{call: answer})

    def test_commands_that_hang(self):
        for hook, call in ((DRAIN, "ceph osd ls-tree"), (DRAIN, "hex_sdk is_compute_node"), (DRAIN, "openstack server list"), (UNDRAIN, "ceph osd unset-group"),
                           (UNDRAIN, "openstack compute service list --long"), (HEALTH, "hex_sdk health_etcd_check"), (HEALTH, "ceph pg stat")):
            begun = time.monotonic()
            self.run_hook(hook, code=1, environment={"ASK_SECONDS": "3"}, **{call: 60.0})
            self.assertLess(time.monotonic() - begun, 30, (hook.name, call))

    def test_commands_that_are_missing(self):
        for program in ("hex_sdk", "ceph"):
            (self.folder / program).rename(self.folder / "away")
            for hook in (DRAIN, UNDRAIN, HEALTH):
                self.assertEqual(self.run_hook(hook, code=1, says=f"{program} is missing"), [])
            (self.folder / "away").rename(self.folder / program)
        (self.folder / "openstack").unlink()
        for hook in (DRAIN, UNDRAIN):
            self.run_hook(hook, code=1, says="openstack is missing")

    def test_a_dry_run_changes_nothing(self):
        dry = {"DRY_RUN": "1"}
        self.assertEqual(self.changes(DRAIN, environment=dry), [])
        self.assertEqual([line for line in self.output.splitlines() if line.startswith("would run: ")], [
            "would run: openstack compute service set --disable --disable-reason cube-update cc1 nova-compute",
            "would run: openstack server migrate --live-migration vm-1", "would run: openstack server migrate --live-migration vm-3",
            "would run: ceph osd set-group noout cc1"])
        self.assertEqual(self.changes(UNDRAIN, environment=dry), [])
        self.assertIn("would run: ceph osd unset-group noout cc1", self.output)

    def test_they_are_no_more_than_hooks_may_be(self):
        for hook in (DRAIN, UNDRAIN, HEALTH):
            self.assertTrue(os.access(hook, os.X_OK) and re.fullmatch(r"[\w.+-]{1,64}", hook.name))


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0], *sys.argv[2:]])
