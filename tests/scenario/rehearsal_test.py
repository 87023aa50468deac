#!/usr/bin/env python3
"""`cube-update doctor --rehearse`: the other slot is started once, fails on purpose, and the old release is back.

Usage: rehearsal_test.py CUBE_UPDATE CUBE_RELEASE APPLIANCE_MODULES [TEST...]
"""
import json
import signal
import sys
import unittest

import folder_machine
from folder_machine import NEW, OLD


class RehearsalCase(folder_machine.FolderMachineTest):
    FILES = {"usr/lib/cube-update/features": "# of the tests\nrehearsal\n"}

    def update(self):
        """So that the other slot holds a release: the old one."""
        self.run_it("apply", NEW)
        self.start("b", True)
        self.run_it("commit")

    def watchdog(self):
        """A device, and the hook that arms it in a trial's initramfs."""
        for name, text in {"sys/class/watchdog/watchdog0/identity": "i6300ESB timer", "usr/lib/cube-update/emergency.sh": "",
                           "usr/lib/cube-update/watchdog.sh": "", "usr/share/initramfs-tools/hooks/cube-update": ""}.items():
            (self.folder / name).parent.mkdir(parents=True, exist_ok=True)
            (self.folder / name).write_text(text)

    def rehearse(self, how, *options, code=0, says=""):
        return self.run_it("doctor", "--rehearse", how, *options, code=code, says=says)

    def last(self):
        return json.loads(self.run_it("history", "--json").splitlines()[-1])

    def check(self):
        """What doctor says of it."""
        told = json.loads(self.run_it("doctor", "--json", "--offline").splitlines()[-1])
        return {check["check"]: check for check in told["checks"]}["rehearsal"]

    def back(self, cause):
        self.assertEqual(self.machine.start(), ("b", False))
        self.run_it("resume")
        last = self.last()
        self.assertEqual((last["outcome"], last["cause"]), ("rehearsed", cause), last)
        status = self.status()
        self.assertEqual((status["phase"], status["fallback"], status["denied"]), ("idle", "b", []))
        self.assertEqual(status["slots"]["a"]["release"], OLD)
        self.assertEqual(self.check()["ready"], "yes")
        self.assertFalse((self.folder / "run/motd.d/cube-update").exists(), "nothing was rolled back")



class RehearsalTest(RehearsalCase):
    def test_a_panic_and_a_hang(self):
        self.update()
        self.assertEqual(self.check()["ready"], "unknown")
        self.watchdog()
        for how in ("panic", "hang"):
            self.rehearse(how, "--attended")
            self.assertTrue((self.folder / "run/cube-update/reboot-requested").exists())
            self.assertIn(f"a rehearsal of: {how}", self.run_it("status"))
            self.start("a", True, code=-signal.SIGKILL)
            self.assertEqual((self.folder / "run/cube-update/failed-on-purpose").read_text(), how + "\n")
            self.back("tries-exhausted")
        self.assertIn("a rehearsal of: hang", self.run_it("history"))
        self.run_it("why", self.last()["attempt"])
        self.run_it("rollback", "--now")  # as before: the release there is not denied

    def test_taken_for_sick_though_it_is_well(self):
        self.update()
        self.rehearse("sick", "--attended")
        self.start("a", True)
        self.run_it("commit", code=6)
        self.back("health")
        self.assertIn("all checks passed", self.last()["detail"])

    def test_armed_and_left_to_the_operator_or_given_up(self):
        self.update()
        told = json.loads(self.rehearse("panic", "--attended", "--no-reboot", "--json", code=20).splitlines()[-1])
        self.assertEqual((told["phase"], told["update"]["rehearsal"], told["rebooting"]), ("armed", "panic", False))
        self.rehearse("sick", "--attended", code=10, says="no update is under way")
        self.run_it("rollback")
        self.assertEqual((self.last()["outcome"], self.status()["denied"]), ("abandoned", []))
        self.assertEqual(self.machine.start(), ("b", False))

    def test_hooks_know_and_may_say_no(self):
        self.update()
        seen = self.folder / "seen"
        self.hook("red.d/1", f"echo red $CUBE_REHEARSAL $CUBE_OUTCOME >>{seen}")
        hook = self.hook("pre-reboot.d/1", f"echo asked $CUBE_REHEARSAL $CUBE_RETURNING >>{seen}; exit 1")
        self.rehearse("panic", "--attended", code=6, says="pre-reboot.d/1")
        self.assertEqual(self.last()["outcome"], "abandoned")
        self.assertEqual(self.check()["ready"], "warning")
        hook.unlink()
        self.run_it("resume")
        self.rehearse("panic", "--attended")
        self.start("a", True, code=-signal.SIGKILL)
        self.back("tries-exhausted")
        self.assertEqual(seen.read_text().splitlines(), ["asked panic 1", "red panic abandoned", "red panic rehearsed"])

    def test_what_may_be_for_ever_needs_somebody_at_hand(self):
        self.update()
        self.rehearse("panic", code=11, says="--attended")
        self.rehearse("earthquake", code=2)
        self.rehearse("hang", "--attended", code=11, says="no watchdog device")
        cfg = self.folder / "boot/efi/cube/cube.cfg"
        cfg.write_text('set cube_trial_args="cube.trial=1 oops=panic"\n')
        self.rehearse("panic", "--attended", code=11, says="stops for ever")
        self.assertEqual(self.status()["phase"], "idle")


class OlderReleaseTest(RehearsalCase):
    """The release in the other slot is of a time before rehearsals."""
    FILES = {}

    def test_is_not_asked(self):
        self.rehearse("panic", "--attended", code=5, says="holds no sealed release")
        self.update()
        self.rehearse("panic", "--attended", code=5, says="does not know of rehearsals")
        self.assertEqual(self.status()["phase"], "idle")


if __name__ == "__main__":
    folder_machine.use(*sys.argv[1:4])
    unittest.main(argv=[sys.argv[0], *sys.argv[4:]])
