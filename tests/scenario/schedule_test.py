#!/usr/bin/env python3
"""Updates that start when it suits, with the real programs on an appliance in a folder.

Usage: schedule_test.py CUBE_UPDATE CUBE_RELEASE APPLIANCE_MODULES [TEST...]
"""
import datetime
import sys
import time
import unittest

import folder_machine
from folder_machine import NEW, FolderMachineTest

DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")


def window(begins_in_hours):
    """One hour, once a week, as the configuration says it."""
    begin = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(hours=begins_in_hours)
    return f"{DAYS[begin.weekday()]} {begin:%H:%M} +1h"


class ScheduleTest(FolderMachineTest):
    def configure(self, text=""):
        super().configure(f'[schedule]\ntime-zone = "UTC"\nspread = 0\n{text}')

    def expect_waiting(self, why):
        status = self.status()
        self.assertEqual(status["phase"], "staged")
        self.assertIn(why, status["waits"])
        self.assertIsNone(status["trial"], "nothing is armed")
        self.run_it("status", says="waits     ")
        self.run_it("automatic", code=12, says=why)
        self.assertEqual(self.machine.start(), ("a", False), "a reboot in between tries nothing")
        self.assertEqual(self.status()["phase"], "staged")

    def expect_committed(self, release):
        self.assertEqual(self.machine.start(), ("b", True))
        self.run_it("automatic", code=10)  # the trial is the health gate's
        self.run_it("commit")
        status = self.status()
        self.assertEqual((status["phase"], status["release"]), ("idle", release))

    def test_in_the_next_window(self):
        self.configure(f'windows = ["{window(3)}"]\n')
        self.run_it("apply", "--window", code=12, says="waits for the maintenance window")
        self.expect_waiting("waits for the maintenance window")
        self.configure(f'windows = ["{window(0)}"]\n')
        self.assertIsNone(self.status()["waits"])
        self.run_it("automatic")
        self.expect_committed(NEW)

    def test_at_a_time(self):
        at = time.time() + 8
        self.run_it("apply", "--at", time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(at)), code=12, says="waits until")
        while time.time() < at + 1:
            time.sleep(0.2)
        self.run_it("automatic")
        self.expect_committed(NEW)

    def test_whoever_waits_may_be_told_to_go_or_to_give_up(self):
        self.run_it("apply", "--at", "2199-01-01 00:00", code=12)
        self.expect_waiting("2199-01-01 00:00 UTC")
        self.run_it("rollback")
        self.assertEqual(self.status()["last_outcome"]["cause"], "rollback-asked")
        self.run_it("apply", "--at", "2199-01-01 00:00", code=12)
        self.run_it("apply")
        self.expect_committed(NEW)

    def test_a_time_zone_that_is_not_there_holds_back_but_no_rollback(self):
        self.configure(f'windows = ["{window(0)}"]\n')
        hold = self.machine.folder / "etc/cube-update/hold.d/first"
        hold.parent.mkdir(parents=True)
        hold.write_text("wait\n")
        self.run_it("apply", "--window", code=12)
        hold.unlink()
        config = self.machine.folder / "usr/lib/cube-update/config.d/20-site.toml"
        config.write_text(config.read_text().replace('time-zone = "UTC"\n', ""))
        (self.machine.folder / "etc/localtime").symlink_to("/usr/share/zoneinfo/Europe/Atlantis")
        self.run_it("automatic", code=12, says="there is no time zone")
        self.assertIn("there is no time zone", self.status()["waits"])
        self.run_it("rollback")
        self.assertEqual(self.status()["last_outcome"]["cause"], "rollback-asked")

    def test_a_file_holds_the_machine(self):
        hold = self.machine.folder / "etc/cube-update/hold.d/migration"
        self.configure(f'windows = ["{window(0)}"]\n')
        hold.parent.mkdir(parents=True)
        hold.write_text("until the VMs have moved\n")
        self.run_it("apply", "--window", code=12, says="until the VMs have moved")
        self.expect_waiting("until the VMs have moved")
        hold.unlink()
        self.run_it("automatic")
        self.expect_committed(NEW)

    def test_what_is_changed_while_it_waits_goes_along(self):
        slots = self.machine.folder / "slots"
        self.configure(f'windows = ["{window(3)}"]\n')
        (slots / "a/etc/early.conf").write_text("before\n")
        self.run_it("apply", "--window", code=12)
        self.assertEqual((slots / "b/etc/early.conf").read_text(), "before\n")
        (slots / "a/etc/early.conf").write_text("after\n")
        (slots / "a/etc/late.conf").write_text("later\n")
        self.configure(f'windows = ["{window(0)}"]\n')
        self.run_it("automatic")
        self.assertEqual((slots / "b/etc/early.conf").read_text(), "after\n")
        self.assertEqual((slots / "b/etc/late.conf").read_text(), "later\n")
        self.assertIn("NOTE=2.0.0", (slots / "b/etc/os-release").read_text())
        self.expect_committed(NEW)

    def test_by_itself_from_the_look_to_the_restart(self):
        self.run_it("automatic", code=3)  # off
        self.configure(f'automatic = "apply"\nwindows = ["{window(3)}"]\n')
        self.run_it("automatic", code=12, says=NEW)
        self.expect_waiting("waits for the maintenance window")
        self.configure(f'automatic = "apply"\nwindows = ["{window(0)}"]\n')
        self.run_it("automatic")
        self.expect_committed(NEW)
        self.run_it("automatic", code=3)  # not yet due again

    def test_by_itself_only_as_far_as_configured(self):
        self.configure('automatic = "check"\n')
        self.run_it("automatic", says=NEW)
        self.assertEqual(self.status()["phase"], "idle")
        (self.machine.folder / "var/lib/cube-update/last-look").unlink()
        self.configure('automatic = "fetch"\n')
        self.run_it("automatic")
        self.assertEqual(self.status()["phase"], "fetched")

    def test_a_source_that_does_not_answer_is_not_asked_every_time(self):
        self.configure('automatic = "apply"\n')
        config = self.machine.folder / "usr/lib/cube-update/config.d/20-site.toml"
        config.write_text(config.read_text().replace(str(self.repository), "/nowhere"))
        self.run_it("automatic", code=9)
        self.run_it("automatic", code=3)

    def test_wishes_that_make_no_sense(self):
        self.run_it("apply", "--window", code=2, says="no maintenance window is configured")
        self.run_it("apply", "--at", "2001-01-01 00:00", code=2, says="is over")
        self.run_it("apply", "--at", "noon", code=2, says="is no time like")
        self.run_it("apply", "--at", "2199-01-01 00:00", "--no-reboot", code=2)
        for line, why in (('windows = ["Sat 2:00 +4h"]', "is no maintenance window"), ('time-zone = "Europe/Atlantis"', "there is no time zone"),
                          ('exceptions = ["2026-02-30"]', "is no day like"), ('automatic = "yes"', "must be"), ("spread = -1", "from 0 to 86400")):
            config = self.machine.folder / "usr/lib/cube-update/config.d/30-wrong.toml"
            config.write_text(f"[schedule]\n{line}\n")
            self.run_it("config", "check", code=2, says=why)
            self.run_it("config", "check", code=2, says="30-wrong.toml:2")
            config.unlink()
        self.assertEqual(self.status()["phase"], "idle")


if __name__ == "__main__":
    folder_machine.use(*sys.argv[1:4])
    unittest.main(argv=[sys.argv[0], *sys.argv[4:]])
