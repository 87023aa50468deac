#!/usr/bin/env python3
"""Health, hooks and the state of a machine around a restart, with the real programs on an appliance in a folder.

Usage: hooks_test.py CUBE_UPDATE CUBE_RELEASE APPLIANCE_MODULES [TEST...]
"""
import json
import sys
import unittest

import folder_machine
from folder_machine import NEW, OLD, FolderMachineTest

ON_TRIAL = "grep -q cube.trial=1 $ROOT/proc/cmdline"


class HooksTest(FolderMachineTest):
    RELEASES = {OLD: (), NEW: ("--schema", "2")}

    def setUp(self):
        super().setUp()
        self.site()

    def site(self, more=""):
        self.configure(f"[health]\nretries = 1\nretry-interval = 1\ntimeout = 20\n[hooks]\ntimeout = 2\nmigration-timeout = 2\n{more}")

    def notes(self, name="notes"):
        file = self.folder / name
        return file.read_text().split("\n")[:-1] if file.exists() else []

    def last(self):
        return self.status()["last_outcome"]

    def committed(self):
        self.run_it("apply", "--no-reboot", code=20)
        self.start("b", True)
        self.run_it("commit")
        self.assertEqual((self.status()["fallback"], self.last()["outcome"]), ("b", "committed"))

    # Health

    def test_what_failed_before_the_update_is_told_and_not_blamed_on_it(self):
        self.hook("health/required.d/50-old", "echo 'no clock here'; exit 1")
        self.run_it("apply", "--no-reboot", code=20)
        self.assertEqual(self.status()["update"]["failed_before"], ["50-old"])
        self.start("b", True)
        self.run_it("commit")
        status = self.status()
        self.assertEqual((status["fallback"], status["last_outcome"]["cause"]), ("b", "none"))
        old = next(check for check in status["health"]["checks"] if check["name"] == "50-old")
        self.assertEqual((old["passed"], old["failed_before"], old["detail"]), (False, True, "no clock here"))
        self.run_it("history", says="50-old: no clock here (failed before the update)")
        line = json.loads(self.run_it("history", "--json"))
        self.assertTrue(line["health"]["passed"])

    def test_what_fails_only_in_the_trial_ends_it(self):
        self.hook("health/required.d/50-new", f"echo 'ceph is down'; ! {ON_TRIAL}")
        self.hook("health/wanted.d/60-ntp", "echo 'not in sync'; exit 1")
        self.hook("red.d/10-note", "echo $CUBE_CAUSE $CUBE_ON_TRIAL $CUBE_RELEASE >>$ROOT/notes; exit 1")
        self.hook("green.d/10-note", "echo green >>$ROOT/notes")
        self.run_it("apply", "--no-reboot", code=20)
        self.start("b", True)
        self.run_it("commit", code=6)
        self.assertEqual(self.notes(), [f"health 1 {NEW}"], "in the trial that failed")
        self.start("a", False)
        self.assertEqual(self.notes(), [f"health 1 {NEW}", f"health 0 {NEW}"], "and once after it")
        self.assertFalse(self.status()["hooks_due"])
        self.start("a", False)
        self.assertEqual(len(self.notes()), 2)
        last = self.last()
        self.assertEqual((last["outcome"], last["cause"]), ("rolled-back", "health"))
        self.assertIn("ceph is down", last["detail"])
        self.assertNotIn("not in sync", last["detail"])
        checks = {check["name"]: check for check in json.loads(self.run_it("history", "--json"))["health"]["checks"]}
        self.assertEqual((checks["50-new"]["tries"], checks["60-ntp"]["required"]), (2, False))

    def test_a_check_may_pass_later(self):
        self.hook("health/required.d/50-slow", f"{ON_TRIAL} || exit 0; [ -e $ROOT/asked ] || {{ touch $ROOT/asked; exit 1; }}")
        self.committed()
        self.assertEqual(self.status()["health"]["checks"][1]["tries"], 2)

    def test_a_hung_check_and_what_it_started_are_gone_after_their_time(self):
        self.site("")
        config = self.folder / "usr/lib/cube-update/config.d/20-site.toml"
        config.write_text(config.read_text().replace("timeout = 20", "timeout = 2", 1))
        self.hook("health/required.d/50-hangs", f"{ON_TRIAL} || exit 0; echo $$ >$ROOT/notes; sleep 300")
        self.run_it("apply", "--no-reboot", code=20)
        self.start("b", True)
        self.run_it("commit", code=6)
        for pid in self.notes():
            self.assertFalse(self.alive(pid))
        self.start("a", False)
        self.assertIn("no answer within 2 s", self.last()["detail"])

    @staticmethod
    def alive(pid):
        try:
            with open(f"/proc/{pid}/stat", encoding="utf-8") as file:
                return ") Z " not in file.read()
        except OSError:
            return False

    # Hooks after an update

    def test_green_hooks_run_once_after_a_commit_and_change_nothing(self):
        self.hook("green.d/10-note", "echo $CUBE_OUTCOME $CUBE_FROM_RELEASE $CUBE_TARGET_SLOT >>$ROOT/notes; exit 1")
        self.hook("red.d/10-note", "echo red >>$ROOT/notes")
        self.committed()
        self.assertEqual(self.notes(), [f"committed {OLD} b"])
        self.start("b", False)
        self.run_it("commit", code=3)
        self.assertEqual(len(self.notes()), 1)

    # Migrations

    def test_migrations_see_the_old_slot_and_run_once_in_an_attempt(self):
        self.hook("migrate.d/10-db", "cat $CUBE_OLD_SLOT/etc/os-release >>$ROOT/old; echo 10 >>$ROOT/notes")
        self.hook("migrate.d/20-net", "echo 20 >>$ROOT/notes")
        self.hook("health/required.d/50-after", f"{ON_TRIAL} || exit 0; grep -q 20 $ROOT/notes")
        self.run_it("apply", "--no-reboot", code=20)
        self.assertEqual(self.notes(), [], "not on the old release")
        self.start("b", True)
        self.assertEqual(self.notes(), ["10", "20"], "early in the boot, before services ask for it")
        self.assertIn("NOTE=1.0.0", "\n".join(self.notes("old")))
        self.start("a", False, code=20)  # the power failed in the trial
        self.assertEqual(self.status()["phase"], "armed")
        self.start("b", True)
        self.run_it("commit")
        self.assertEqual(self.notes(), ["10", "20"])
        self.assertEqual(self.last()["tries_done"], 2)

    def test_a_migration_that_fails_ends_the_trial(self):
        self.hook("migrate.d/10-db", "echo 'schema 7 is not known'; exit 1")
        self.hook("migrate.d/20-net", "echo 20 >>$ROOT/notes")
        self.run_it("apply", "--no-reboot", code=20)
        self.start("b", True)
        self.assertEqual(self.status()["phase"], "rolling-back")
        self.assertTrue((self.folder / "run/cube-update/reboot-requested").exists())
        self.start("a", False)
        last = self.last()
        self.assertEqual((last["outcome"], last["cause"]), ("rolled-back", "migration"))
        self.assertEqual(last["detail"], "migrate.d/10-db: schema 7 is not known")
        self.assertEqual(self.notes(), [])
        self.run_it("apply", code=5, says="denied")

    def test_a_migration_that_hangs_ends_the_trial(self):
        self.hook("migrate.d/10-db", "sleep 60")
        self.run_it("apply", "--no-reboot", code=20)
        self.start("b", True)
        self.start("a", False)
        self.assertIn("no answer within 2 s", self.last()["detail"])

    # Hooks before the restart

    def test_a_hook_that_says_no_holds_the_restart_back(self):
        drain = self.hook("pre-reboot.d/10-drain", "echo 'VMs are still moving'; exit 1")
        self.run_it("apply", code=12, says="pre-reboot.d/10-drain: VMs are still moving")
        status = self.status()
        self.assertEqual((status["phase"], status["trial"]), ("staged", None), "nothing is armed")
        self.assertIn("VMs are still moving", status["waits"])
        self.assertEqual(self.machine.start(), ("a", False))
        drain.write_text("#!/bin/sh\nsleep 60\n")
        self.run_it("apply", code=12, says="no answer within 2 s")
        drain.write_text("#!/bin/sh\nexit 0\n")
        self.run_it("apply")
        self.assertIsNone(self.status()["update"]["held"])
        self.start("b", True)

    def test_an_operator_who_restarts_the_machine_asks_no_hook(self):
        self.hook("pre-reboot.d/10-drain", "exit 1")
        self.run_it("apply", "--no-reboot", code=20)

    def test_a_waiting_update_asks_again_by_itself(self):
        drain = self.hook("pre-reboot.d/10-drain", "echo 'not now'; exit 1")
        self.site('[schedule]\ntime-zone = "UTC"\nwindows = ["daily 00:00 +1d"]\nspread = 0\n')
        self.run_it("apply", "--window", code=12, says="not now")
        self.run_it("automatic", code=12, says="not now")
        drain.write_text("#!/bin/sh\nexit 0\n")
        self.run_it("automatic")
        self.start("b", True)

    def test_a_return_that_is_refused_is_given_up_without_blame(self):
        self.committed()
        self.hook("pre-reboot.d/10-drain", "echo 'not now'; exit 1")
        self.hook("red.d/10-undo", "echo $CUBE_OUTCOME >>$ROOT/notes")
        self.run_it("rollback", "--now", "--past-floor", code=6, says="not now")
        last = self.last()
        self.assertEqual((last["outcome"], last["cause"]), ("abandoned", "held"))
        self.assertEqual(self.status()["denied"], [])
        self.assertEqual(self.notes(), ["abandoned"], "who drained the machine hears of it")

    # How the machine was started

    def loader_type(self, number):
        (self.folder / "proc/sys/kernel/bootloader_type").write_text(f"{number}\n")

    def test_a_trial_that_was_started_by_kexec_is_not_committed(self):
        self.run_it("apply", "--no-reboot", code=20)
        self.assertEqual(self.machine.start(), ("b", True))
        self.loader_type(0xD0)
        self.run_it("commit", code=6)
        status = self.status()
        self.assertEqual((status["started_by"], status["phase"], status["fallback"]), ("kexec", "trying", "a"))
        self.loader_type(0x72)
        self.assertEqual(self.status()["started_by"], "firmware")
        self.run_it("commit")
        self.assertEqual(self.status()["fallback"], "b")

    def test_a_kernel_that_the_loader_did_not_count_is_not_committed(self):
        self.run_it("apply", "--no-reboot", code=20)
        self.start("b", True)
        boot_id = self.folder / "proc/sys/kernel/random/boot_id"
        boot_id.write_text("00000000-1111-2222-3333-444444444444\n")
        self.run_it("commit", code=6)
        self.assertEqual(self.status()["fallback"], "a")
        self.start("a", False, code=20)
        self.start("b", True)
        self.run_it("commit")
        self.assertEqual(self.last()["tries_done"], 2)

    # State

    def test_a_point_of_no_return_takes_an_operator_who_insists(self):
        self.committed()
        self.assertEqual(self.status()["schema"], 2)
        self.run_it("rollback", "--now", code=6, says="--past-floor")
        self.assertEqual(self.status()["phase"], "idle")
        self.run_it("rollback", "--now", "--past-floor", says=f"returning to {OLD}")
        self.start("a", True)
        self.run_it("commit")
        self.assertEqual((self.status()["fallback"], self.status()["schema"]), ("a", 0))

    def test_a_trial_is_rolled_back_past_any_floor(self):
        self.run_it("apply", "--no-reboot", code=20)
        self.start("b", True)
        self.run_it("rollback", "--now")
        self.start("a", False)
        self.assertEqual(self.last()["cause"], "rollback-asked")
        self.assertEqual(self.status()["schema"], 0)

    def test_an_older_release_from_the_source_is_refused_as_well(self):
        self.committed()
        self.run_it("apply", OLD, "--allow-downgrade", code=6, says="cannot read the state")
        self.run_it("apply", OLD, "--allow-downgrade", "--past-floor", "--no-reboot", code=20)

    def test_what_was_changed_in_etc_goes_back_if_asked(self):
        for options, there in ((), False), (("--carry-etc",), True):
            with self.subTest(options):
                self.committed()
                (self.folder / "slots/b/etc/later.conf").write_text("made later\n")
                self.run_it("rollback", "--now", "--past-floor", *options)
                self.assertEqual((self.folder / "slots/a/etc/later.conf").exists(), there)
                self.start("a", True)
                self.run_it("commit")
                self.run_it("allow", NEW)

    def test_carrying_back_is_for_a_return_only(self):
        self.run_it("apply", "--no-reboot", code=20)
        self.start("b", True)
        self.run_it("rollback", "--carry-etc", code=2, says="give that up first")

    def test_differences_in_etc(self):
        etc = self.folder / "slots/a/etc"
        self.run_it("config-diff", says="/etc is as the running release brought it")
        (etc / "site.conf").write_text("mine\n")
        (etc / "os-release").write_text("mine\n")
        self.run_it("config-diff", says="changed  /etc/os-release\nadded    /etc/site.conf\n")
        self.run_it("apply", "--at", "2199-01-01T00:00:00Z", code=12)
        self.run_it("config-diff", says="/etc/os-release  (conflict: the new release changed it, too; this machine's is taken)")
        told = json.loads(self.run_it("config-diff", "--json"))
        self.assertEqual(told["pending"], NEW)
        self.assertEqual([(found["path"], found["change"], found["conflict"]) for found in told["differences"]],
                         [("/etc/os-release", "changed", True), ("/etc/site.conf", "added", False)])


if __name__ == "__main__":
    folder_machine.use(*sys.argv[1:4])
    unittest.main(argv=[sys.argv[0], *sys.argv[4:]])
