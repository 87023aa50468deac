#!/usr/bin/env python3
"""Updates as a signed rollout plan lets them begin, with the real programs, a repository and its delegated roles.

Usage: fleet_plan_test.py CUBE_UPDATE CUBE_RELEASE APPLIANCE_MODULES [TEST...]
"""
import datetime
import json
import shutil
import subprocess
import sys
import time
import unittest

import folder_machine
from folder_machine import NEW, OLD, PROGRAMS, FolderMachineTest

DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
HOUR, DAY = 3600, 86400
UNIT = "cluster-1"  # bucket 37091 under the salt "s"


def utc(seconds_from_now):
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + seconds_from_now))


def window(begins_in_hours, length="+2h"):
    begin = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(hours=begins_in_hours)
    return f"{DAYS[begin.weekday()]} {begin:%H:%M} {length}"


def rollout(**changes):
    return {"id": "r", "release": NEW, "salt": "s", "start": utc(-DAY), "ramp": [{"after": "PT0S", "ppm": 1000000}], **changes}


def plan(serial, **changes):
    return {"schema": 1, "serial": serial, "issued": utc(-HOUR), "expires": utc(30 * DAY),
            "releases": [{"name": NEW}], "rollouts": [rollout()], **changes}


def site(serial, **changes):
    return {"schema": 1, "serial": serial, "issued": utc(-HOUR), "expires": utc(30 * DAY), **changes}


NEWER = "CUBE_3.0.0_20260103-0000_abcd1234"


class FleetPlanTest(FolderMachineTest):
    RELEASES = {OLD: (), NEW: (), NEWER: ()}

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.without_plan = cls.scratch / "without-plan"
        for tail in ("", ".keys"):
            shutil.copytree(f"{cls.repository}{tail}", f"{cls.without_plan}{tail}")

    def setUp(self):
        # Each test publishes plans of its own.
        for tail in ("", ".keys"):
            shutil.rmtree(f"{self.repository}{tail}")
            shutil.copytree(f"{self.without_plan}{tail}", f"{self.repository}{tail}")
        super().setUp()
        for role in ("rollout", "site"):
            self.release("key", "generate", role)

    def configure(self, text="", schedule='automatic = "apply"\n', fleet=""):
        super().configure(f'[fleet]\nplan = true\nunit = "{UNIT}"\n{fleet}[schedule]\ntime-zone = "UTC"\nspread = 0\n'
                          f'check-interval = 600\n{schedule}{text}')

    def release(self, *words, code=0, says=""):
        done = subprocess.run([PROGRAMS["release"], *map(str, words), "--repository", self.repository], capture_output=True, text=True, timeout=120)
        self.assertEqual(done.returncode, code, f"{words}: {done.stdout}{done.stderr}")
        self.assertIn(says, done.stdout + done.stderr)
        return done.stdout

    def publish(self, document, *options, code=0, says=""):
        file = self.scratch / "plan.json"
        file.write_text(document if isinstance(document, str) else json.dumps(document))
        return self.release("plan", "set", file, *options, code=code, says=says)

    def explained(self, code, *words):
        return json.loads(self.run_it("fleet", "plan", "--explain", "--json", *words, code=code))

    def reasons(self, code, *words):
        told = self.explained(code, *words)
        return [each["reason"] for each in told["reasons"] + told["rollouts"][0]["reasons"]]

    def automatic(self, code=0, says=""):
        (self.folder / "var/lib/cube-update/last-look").unlink(missing_ok=True)
        return self.run_it("automatic", code=code, says=says)

    def test_from_its_turn_to_the_commit(self):
        self.publish(plan(1))
        self.run_it("fleet", "plan", says=f"{NEW} may be installed now")
        self.run_it("check", says=NEW)
        self.automatic()
        self.start("b", True)
        self.run_it("commit")
        self.assertEqual(self.status()["release"], NEW)
        self.assertEqual(self.reasons(3), ["runs-already"])
        self.automatic(code=3)

    def test_not_its_turn_yet(self):
        ramp = [{"after": "PT0S", "ppm": 37091}, {"after": "P2D", "ppm": 37092}]
        self.publish(plan(1, rollouts=[rollout(ramp=ramp)]))
        told = self.explained(12)
        (reason,) = told["rollouts"][0]["reasons"]
        self.assertEqual((reason["reason"], told["rollouts"][0]["bucket"], told["release"]), ("not-in-ramp", 37091, ""))
        self.run_it("fleet", "plan", "--explain", code=12, says=f"its turn from {reason['until']}")
        self.run_it("check", code=3, says=reason["until"])
        self.automatic(code=12, says=reason["until"])
        self.assertEqual(self.status()["phase"], "idle")
        self.run_it("fleet", "plan", "--at", reason["until"])
        before = datetime.datetime.fromisoformat(reason["until"][:-1]) - datetime.timedelta(seconds=1)
        self.run_it("fleet", "plan", "--at", before.isoformat() + "Z", code=12)

    def test_a_canary_goes_first(self):
        self.publish(plan(1, rollouts=[rollout(canary={"labels": ["canary=true"], "after": "PT0S"}, soak="P3D")]))
        self.assertEqual(self.reasons(12), ["canary"])
        self.configure(fleet='labels = ["canary=true"]\n')
        self.automatic()
        self.start("b", True)

    def test_the_download_begins_and_the_restart_waits_for_all_windows(self):
        self.publish(plan(1, windows=[{"time_zone": "UTC", "open": [window(-1, "+6h")]}]))
        self.publish(site(1, windows=[{"time_zone": "local", "open": [window(3, "+4h")]}]), "--site")
        self.run_it("fleet", "plan", code=12, says="its restart has to wait: no window is open")
        self.automatic(code=12, says="waits for the rollout plan: no window is open")
        self.assertEqual(self.status()["phase"], "staged")
        self.assertIn("no window is open", self.status()["waits"])
        self.publish(site(2, windows=[{"time_zone": "local", "open": [window(-1, "+4h")]}]), "--site")
        self.automatic()
        self.start("b", True)
        openings = json.loads(self.run_it("fleet", "window", "test", "--days", 30, "--json"))["openings"]
        self.assertIn(len(openings), (5, 6), "one a week")
        self.assertEqual(openings[0]["begin"][:16].replace("T", " ") + " UTC", openings[0]["local_begin"])

    def waits_with(self, release):
        self.assertEqual((self.status()["phase"], self.status()["update"]["release"]), ("staged", release))

    def test_what_waits_gives_way_to_a_newer_release_of_the_plan_and_when_it_is_blocked(self):
        closed = {"windows": [{"time_zone": "UTC", "open": [window(3)]}]}
        self.publish(plan(1, **closed))
        self.automatic(code=12)
        self.waits_with(NEW)
        self.automatic(code=12)
        self.waits_with(NEW)
        both = {"releases": [{"name": NEW}, {"name": NEWER}], "rollouts": [rollout(), rollout(id="r3", release=NEWER)], **closed}
        self.publish(plan(2, **both))
        self.automatic(code=12)
        self.waits_with(NEWER)
        self.publish(plan(3, **both, blocked=[{"name": NEWER, "reason": "loses the bond"}]))
        self.automatic(code=12)
        self.waits_with(NEW)

    def test_halted_by_a_new_serial(self):
        self.publish(plan(1, windows=[{"time_zone": "UTC", "open": [window(3)]}]))
        self.automatic(code=12)
        self.publish(plan(2, halt={"reason": "fans stop"}))
        self.automatic(code=12, says="the plan is halted: fans stop")
        self.assertEqual(self.status()["phase"], "staged")
        self.run_it("check", code=6, says="fans stop")
        self.assertEqual(self.reasons(6), ["halted"])
        self.run_it("rollback")
        self.automatic(code=12, says="fans stop")
        self.assertEqual(self.status()["phase"], "idle")
        self.publish(plan(3))
        self.automatic()
        self.start("b", True)

    def test_a_lower_serial(self):
        self.publish(plan(5))
        self.run_it("fleet", "plan")
        self.publish(plan(4), code=2, says="its serial is 4, and 5 is published")
        # Whoever has the role's key signs what the program would not.
        for tail in ("", ".keys"):
            shutil.rmtree(f"{self.repository}{tail}")
            shutil.copytree(f"{self.without_plan}{tail}", f"{self.repository}{tail}")
        self.release("key", "generate", "rollout")
        self.publish(plan(4))
        for _ in range(3):
            self.release("renew")
        self.run_it("fleet", "plan", code=4, says="serial 4 is offered, and 5 was believed here before")
        self.automatic(code=4)
        self.publish(plan(5, halt={"reason": "x"}))
        self.run_it("fleet", "plan", code=4, says="there are two with serial 5")
        self.assertEqual(self.status()["phase"], "idle")
        self.publish(plan(6))
        self.run_it("fleet", "plan")

    def test_expired(self):
        self.publish(plan(1, expires=utc(3)))
        self.run_it("fleet", "plan")
        time.sleep(4)
        self.assertEqual(self.reasons(6), ["expired"])
        self.automatic(code=12, says="the plan expired")
        self.publish(plan(2, expires=utc(-1), issued=utc(-9)), code=6, says="it expired")
        self.assertEqual(self.status()["phase"], "idle")

    def test_a_trial_that_has_begun_ends_whatever_the_plan_says(self):
        self.publish(plan(1))
        self.automatic()
        self.start("b", True)
        self.publish(plan(2, halt={"reason": "x"}, blocked=[{"name": NEW, "reason": "x"}]))
        self.run_it("commit")
        self.run_it("rollback", code=20)
        self.start("a", True)
        self.run_it("commit")
        self.assertEqual(self.status()["release"], OLD)

    def test_the_wrong_role(self):
        self.publish(plan(1))
        self.run_it("fleet", "plan")
        # Another document of that role is refused by the paths that it may sign.
        self.sign_elsewhere("fleet/plan.json")
        self.run_it("fleet", "plan", code=4, says="is listed by role targets, and only role rollout")
        self.automatic(code=4)
        self.assertEqual(self.status()["phase"], "idle")

    def sign_elsewhere(self, path):
        """The targets role itself lists the plan: its key is not the plan's."""
        draft = self.scratch / "draft.json"
        draft.unlink(missing_ok=True)
        self.release("renew", "--draft", draft)
        document = json.loads(draft.read_text())
        lists = [file for file in (self.repository / "metadata").glob("*.rollout.json")]
        newest = max(lists, key=lambda file: int(file.name.split(".")[0]))
        document["signed"]["targets"][path] = json.loads(newest.read_text())["signed"]["targets"][path]
        document["signatures"] = []
        signed = self.scratch / "signed.json"
        signed.write_text(json.dumps(document))
        self.release("sign", signed, "--key", "targets")
        self.put(signed)

    def put(self, signed):
        """What a thief of targets, snapshot and timestamp keys publishes."""
        import hashlib
        metadata = self.repository / "metadata"
        text = signed.read_text()
        version = json.loads(text)["signed"]["version"]
        (metadata / f"{version}.targets.json").write_text(text)
        described = {"version": version, "length": len(text.encode()), "hashes": {"sha256": hashlib.sha256(text.encode()).hexdigest()}}
        timestamp = json.loads((metadata / "timestamp.json").read_text())
        number = timestamp["signed"]["meta"]["snapshot.json"]["version"]
        snapshot = json.loads((metadata / f"{number}.snapshot.json").read_text())
        snapshot["signed"]["meta"]["targets.json"] = described
        snapshot["signed"]["version"] = number + 1
        text = self.signed(snapshot["signed"], "snapshot")
        (metadata / f"{number + 1}.snapshot.json").write_text(text)
        timestamp["signed"]["meta"]["snapshot.json"] = {"version": number + 1, "length": len(text), "hashes": {"sha256": hashlib.sha256(text.encode()).hexdigest()}}
        timestamp["signed"]["version"] += 1
        (metadata / "timestamp.json").write_text(self.signed(timestamp["signed"], "timestamp"))

    def signed(self, body, role):
        """By openssl: an ed25519 signature over the canonical JSON."""
        canonical = json.dumps(body, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
        message = self.scratch / "message"
        message.write_bytes(canonical)
        keys = f"{self.repository}.keys"
        signature = subprocess.run(["openssl", "pkeyutl", "-sign", "-rawin", "-inkey", f"{keys}/{role}.pem", "-in", message],
                                   check=True, capture_output=True).stdout
        listed = json.loads(self.release("key", "list", "--json"))["keys"]
        key = next(each["id"] for each in listed if each["name"] == role)
        return json.dumps({"signed": body, "signatures": [{"keyid": key, "sig": signature.hex()}]})

    def test_a_site_only_narrows(self):
        self.publish(site(1), "--site", code=2, says="there is no published plan")
        self.publish(plan(1))
        wide = site(1, limits={"max_unavailable": 2})
        self.publish(wide, "--site", code=6, says='its limit "max_unavailable" would allow more')
        # A plan that came later is narrower than its site.
        self.publish(plan(2, rollouts=[rollout(limits={"max_unavailable": 3})]))
        self.publish(wide, "--site")
        self.run_it("fleet", "plan")
        self.publish(plan(3))
        self.run_it("fleet", "plan", code=6, says='its limit "max_unavailable" would allow more')
        self.automatic(code=6)
        self.publish(site(2, pin="1.5"), "--site")
        self.assertEqual(self.reasons(6), ["pinned"])
        self.publish(site(3, halt={"reason": "stocktaking"}), "--site")
        self.run_it("fleet", "plan", code=6, says="at this site: stocktaking")
        self.assertEqual(self.status()["phase"], "idle")

    def test_plans_without_sense_are_not_signed(self):
        ramp = [{"after": "P1D", "ppm": 5}, {"after": "PT1H", "ppm": 9}]
        self.publish(plan(1, rollouts=[rollout(ramp=ramp)]), code=7, says="rollouts[0]: ramp[1]: the ramp is out of order")
        never = [{"time_zone": "UTC", "open": ["daily 01:00 +1h"], "except": ["2020-01-01..2100-01-01"]}]
        self.publish(plan(1, windows=never), code=6, says="no window opens within 400 days")
        self.publish(plan(1, windows=[{"time_zone": "Europe/Atlantis", "open": ["daily 01:00 +1h"]}]), code=2, says="there is no time zone")
        self.publish(plan(1, rollouts=[rollout(release=NEW)], releases=[]), code=7, says="none of the plan's releases")
        other = NEW.replace("2.0.0", "9.0.0")
        self.publish(plan(1, rollouts=[rollout(release=other)], releases=[{"name": other}]), code=6, says="is not published")
        self.publish("{", code=7)
        self.run_it("fleet", "plan", code=6, says="the repository has no rollout plan")
        self.automatic(code=6)

    def test_windows_that_miss_each_other(self):
        self.publish(plan(1, windows=[{"time_zone": "UTC", "open": [window(12)]}]))
        self.configure(schedule=f'automatic = "apply"\nwindows = ["{window(36)}"]\n')
        self.assertEqual(self.reasons(6), ["window-never"])
        self.run_it("fleet", "window", "test", code=6, says="no window opens from")
        self.automatic(code=12)
        self.assertIn(self.status()["phase"], ("staged", "idle"))
        self.assertEqual(self.machine.start(), ("a", False))

    def test_by_hand_a_blocked_release_needs_insistence(self):
        self.publish(plan(1, blocked=[{"name": name, "reason": "loses the bond"} for name in (NEW, NEWER)]))
        self.assertEqual(self.reasons(6), ["blocked"])
        self.run_it("apply", NEW, code=5, says="is blocked by the rollout plan: loses the bond")
        self.run_it("apply", code=5, says="loses the bond")
        self.assertEqual(self.status()["phase"], "idle")
        self.run_it("apply", NEW, "--allow-blocked")
        self.start("b", True)

    def test_by_hand_before_its_turn(self):
        self.publish(plan(1, rollouts=[rollout(start=utc(DAY))]))
        self.run_it("apply")
        self.start("b", True)

    def test_out_of_reach_the_plan_that_was_believed_last_counts(self):
        self.publish(plan(1, windows=[{"time_zone": "UTC", "open": [window(3)]}]))
        self.automatic(code=12)
        self.repository.rename(self.scratch / "away")
        try:
            self.run_it("fleet", "plan", code=12, says="for the source is out of reach")
            self.automatic(code=12, says="no window is open")
        finally:
            (self.scratch / "away").rename(self.repository)
        kept = self.folder / "var/lib/cube-update/fleet/plan.json"
        kept.write_text("{")
        self.automatic(code=7, says="plan.json")
        kept.unlink()
        self.automatic(code=12)

    def test_the_plan_authorises_no_release(self):
        self.publish(plan(1))
        self.release("withdraw", NEW)
        self.automatic(code=5, says="is not offered")
        self.assertEqual(self.status()["phase"], "idle")

    def test_wishes_that_make_no_sense(self):
        config = self.folder / "usr/lib/cube-update/config.d/30-wrong.toml"
        for line, why in (('labels = ["canary"]', "is no label like"), ('unit = "a b"', "must be a name"), ('plan = "yes"', "must be true or false")):
            config.write_text(f"[fleet]\n{line}\n")
            self.run_it("config", "check", code=2, says=why)
        config.write_text("[fleet]\nplan = false\n")
        self.run_it("fleet", "plan", code=2, says="heeds no rollout plan")
        self.run_it("fleet", "window", "test", says="there are no windows")
        config.unlink()
        self.run_it("fleet", "plan", "--at", "noon", code=2)


if __name__ == "__main__":
    folder_machine.use(*sys.argv[1:4])
    unittest.main(argv=[sys.argv[0], *sys.argv[4:]])
