#!/usr/bin/env python3
"""The seed's story: kernel -373 came instead of -348. The rules about packages refuse it where it is composed, where it is published and
on the machine; a waiver lets it through for a reason and a time, and stands in the history.

Usage: lock_test.py CUBE_UPDATE CUBE_RELEASE APPLIANCE_MODULES [TEST...]
"""
import datetime
import json
import os
import re
import shutil
import subprocess
import sys
import unittest

import folder_machine
from folder_machine import OLD, PROGRAMS

KERNEL = ["kernel", "kernel-core", "kernel-headers", "kernel-modules", "kernel-modules-extra"]
HELD, OTHER = "4.18.0-348.el8", "4.18.0-373.el8"
POLICY = '[locks]\nkernel = "4.18.0-348.*"\n"kernel-*" = "4.18.0-348.*"\n\n[groups]\nkernel = ["kernel-*"]\n'
OWN = "usr/lib/cube-update/locks.d/10-kernel.toml"


def day(days):
    return (datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(days=days)).strftime("%Y-%m-%d")


def now():
    return datetime.datetime.now(datetime.timezone.utc).strftime("%Y%m%d-%H%M")


def status(version, **others):
    """dpkg's list, with the names of the seed's packages."""
    packages = {name: version for name in KERNEL} | {"bash": "5.1-1"} | {name.replace("_", "-"): one for name, one in others.items()}
    return "".join(f"Package: {name}\nStatus: install ok installed\nArchitecture: amd64\nVersion: {one}\n\n" for name, one in packages.items() if one)


class LockCase(folder_machine.FolderMachineTest):
    FILES = {"var/lib/dpkg/status": status(HELD), OWN: POLICY, f"boot/vmlinuz-{HELD}.x86_64": "kernel\n"}
    RELEASES = {OLD: ()}
    count = 0

    def publisher(self, *words, code=0, says=""):
        done = subprocess.run([PROGRAMS["release"], *map(str, words)], capture_output=True, text=True, timeout=300)
        self.assertEqual(done.returncode, code, f"{words}: {done.stdout}{done.stderr}")
        self.assertIn(says, done.stdout + done.stderr)
        return done.stdout

    def at_home(self, *words, **expected):
        return self.publisher(*words, "--repository", self.home, **expected)

    def setUp(self):
        super().setUp()
        self.home = self.scratch / "home"  # the publisher's, anew for each test
        for suffix in ("", ".keys"):
            shutil.copytree(f"{self.repository}{suffix}", f"{self.home}{suffix}")
            self.addCleanup(shutil.rmtree, f"{self.home}{suffix}")
        (self.folder / "usr/lib/cube-update/config.d/20-site.toml").write_text(f'[source]\nurl = "{self.home}"\n')
        for name in (OWN, "usr/lib/cube-update/inventory.json"):  # what runs, on a machine in a folder
            (self.folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(self.folder / "slots/a" / name, self.folder / name)

    def tree(self, text, files=()):
        """The old release's tree with another list of packages."""
        LockCase.count += 1
        tree = self.scratch / f"tree-{LockCase.count}"
        shutil.copytree(self.scratch / OLD.split("_")[1], tree, symlinks=True)
        for name, content in {"var/lib/dpkg/status": text, **dict(files)}.items():
            (tree / name).parent.mkdir(parents=True, exist_ok=True)
            (tree / name).write_text(content)
        boots = re.search("Package: kernel\n.*\n.*\nVersion: (.*)", text)
        if boots:
            (tree / f"boot/vmlinuz-{HELD}.x86_64").rename(tree / f"boot/vmlinuz-{boots[1]}.x86_64")
        return tree

    def compose(self, tree, *options, built=None, **expected):
        LockCase.count += 1
        out = self.at_home("compose", tree, "--version", f"2.0.{LockCase.count}", "--built", built or now(), "--source", "abcd1234", *options,
                           **expected)
        return out.strip()

    def release(self, tree, *options, **more):
        name = self.compose(tree, *options, **more)
        self.at_home("pack", name)
        self.at_home("publish")
        return name

    def site(self, text, name="20-site.toml"):
        file = self.folder / "etc/cube-update/locks.d" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)

    def last(self):
        return json.loads(self.run_it("history", "--json").splitlines()[-1])

    def refused(self, *says):
        for words in says or ("",):
            self.run_it("apply", code=6, says=words)
            last = self.last()
            self.assertEqual((last["outcome"], last["cause"], last["waived"]), ("abandoned", "foreseen", []))
        self.assertEqual((self.status()["phase"], self.status()["fallback"], self.status()["denied"]), ("idle", "a", []))

    def taken(self):
        self.run_it("apply")
        self.start("b", True)
        self.run_it("commit")
        last = self.last()
        self.assertEqual(last["outcome"], "committed")
        return last


class PublisherTest(LockCase):
    def test_the_seeds_case(self):
        out = self.at_home("lock", "init", OLD, "--kernel-only", says="6 rules and 1 groups")
        self.assertIn("publisher/locks.toml", out)
        self.at_home("lock", "init", OLD, code=6, says="is not overwritten")
        good, bad = self.tree(status(HELD, bash="5.2-1")), self.tree(status(OTHER))
        self.at_home("lock", "check", OLD, says="kept")
        told = json.loads(self.at_home("lock", "check", bad, "--json", code=6))
        self.assertEqual(sorted({one["id"] for one in told["findings"]}), [f"lock:{name}" for name in KERNEL])
        self.assertTrue(told["refused"])
        self.compose(good)
        self.compose(bad, code=6, says=f"is {OTHER}, which breaks the rule kernel = \"{HELD}\" of {self.home}/publisher/locks.toml:2")
        tar = self.scratch / "bad.tar"
        folder_machine.run_once("tar", "-cf", tar, "-C", bad, ".")
        self.compose(tar, code=6, says="(and 6 more)")
        self.at_home("publish")

    def test_what_was_composed_before_the_rule_is_not_published(self):
        name = self.compose(self.tree(status(OTHER)))
        (self.home / "publisher/locks.toml").write_text(POLICY)
        self.at_home("publish", code=6, says=f"release {name}: kernel:amd64 is {OTHER}")
        self.at_home("publish", "--draft", self.scratch / "draft.json", code=6)
        other = self.scratch / "none.toml"
        other.write_text("")
        self.at_home("publish", "--locks", other)

    def test_a_group_that_moved_apart_and_what_is_compared_with_the_release_before(self):
        locks = self.home / "publisher/locks.toml"
        locks.write_text('[groups]\nkernel = ["kernel", "kernel-core", "kernel-modules"]\n')
        self.compose(self.tree(status(OTHER)))
        self.compose(self.tree(status(OTHER, kernel_modules=HELD)), code=6, says="have one version")
        locks.write_text('[locks]\n"*" = "never downgrade"\nkernel-core = "same as running"\ntelnetd = "forbid"\n')
        self.compose(self.tree(status(HELD, bash="5.1-2")))
        self.compose(self.tree(status(HELD, bash="5.1-1~rc1")), code=6, says="bash:amd64 is 5.1-1~rc1; 5.1-1 runs")
        self.compose(self.tree(status(HELD, kernel_core=OTHER)), code=6, says='kernel-core = "same as running"')
        self.compose(self.tree(status(HELD, telnetd="1")), code=6, says='telnetd = "forbid"')
        self.at_home("compose", self.tree(status(HELD)), "--version", "0.9", says="there is no list of packages to compare with")
        self.at_home("lock", "check", self.tree(status(HELD, bash="5.0-1")), "--running", OLD, code=6, says="bash:amd64")

    def test_waivers_travel_with_the_release(self):
        (self.home / "publisher/locks.toml").write_text(POLICY)
        bad = self.tree(status(OTHER))
        waive = [word for name in KERNEL for word in ("--waive", f"lock:{name}")]
        why = ("--reason", "tested on all our machines")
        self.compose(bad, *waive[2:], *why, "--until", day(30), code=6, says="kernel:amd64")
        self.compose(bad, *waive, *why, code=2, says="--until")
        self.compose(bad, *waive, "--until", day(30), code=2, says="--reason")
        self.compose(bad, *waive, *why, "--until", day(91), code=2, says="longer than 90 days")
        self.compose(bad, *waive, *why, "--until", "soon", code=2, says="is no day like")
        self.compose(bad, *waive, *why, "--until", day(-1), code=2, says="ends before it begins")
        self.compose(bad, "--waive", "root-driver:sda", *why, "--until", day(30), code=2, says="his own rules only")
        self.compose(bad, "--waive", "lock:*", *why, "--until", day(30), code=6)
        self.compose(bad, *waive, *why, "--until", "2026-01-02", built="20260101-0000", code=6, says="kernel:amd64")  # has ended
        told = json.loads(self.compose(bad, *waive, *why, "--until", day(30), "--json"))
        self.assertEqual(sorted(set(told["waived"])), [f"lock:{name}" for name in KERNEL])
        self.at_home("publish")
        # A tree with waivers that nobody gave.
        again = self.tree(status(HELD), {"usr/lib/cube-update/waivers.json": '{"format": 1, "waivers": []}'})
        self.compose(again, code=2, says="waivers come with --waive only")

    def test_rules_that_are_none(self):
        locks = self.home / "publisher/locks.toml"
        locks.write_text('[locks]\nbash = "5.*"\nkernel = "never-downgrade"\n')
        for words in (("compose", self.tree(status(HELD)), "--version", "9"), ("publish",), ("lock", "check", OLD)):
            self.at_home(*words, code=2, says=f"{locks}:3: kernel: ")
        self.at_home("compose", self.tree(status(HELD)), "--version", "9", "--locks", self.scratch / "nowhere.toml", code=1, says="nowhere.toml")

    def test_what_cannot_be_proved(self):
        (self.home / "publisher/locks.toml").write_text('[locks]\nbash = "5.*"\n')
        tree = self.tree("")
        os.truncate(tree / "var/lib/dpkg/status", 1 << 27)
        self.compose(tree, code=6, says="are not known in full")
        tree = self.tree(status(HELD))
        shutil.rmtree(tree / "usr/lib/cube-update")
        (tree / "usr/lib/cube-update").symlink_to("modules")
        self.compose(tree, code=6, says="is no folder in the tree")

    def test_init_holds_what_is_there(self):
        out = self.scratch / "out.toml"
        for options, says in (((), "7 rules and 1 groups"), (("--package", "ba*"), "1 rules and 0 groups"), (("--kernel-only",), "6 rules")):
            told = self.publisher("lock", "init", self.tree(status(HELD)), *options, "--locks", out, "--repository", self.home, says=says)
            self.assertIn(str(out), told)
            self.at_home("lock", "check", OLD, "--locks", out)
            inventory = self.scratch / "inventory.json"
            inventory.write_text(self.at_home("inventory", OLD, "--json"))
            self.at_home("lock", "check", inventory, "--locks", out)
            out.unlink()
        json.loads(self.at_home("lock", "init", "--json"))  # of the newest that is published


class DeviceTest(LockCase):
    def test_the_seeds_case(self):
        self.release(self.tree(status(OTHER)))
        self.refused(f"is {OTHER}, which breaks the rule", "10-kernel.toml:2", "lock:kernel")
        self.run_it("check", code=0)
        # The way on: what must not be tried is not tried, and what was asked for is, by root.
        for name in KERNEL:
            self.run_it("waive", f"lock:{name}", "--reason", "ran well in the lab for a week", "--until", day(7))
        told = json.loads(self.run_it("waive", "--list", "--json"))
        self.assertEqual([(one["id"], one["by"], one["in_force"]) for one in told["waivers"]], [(f"lock:{name}", "root", True) for name in KERNEL])
        last = self.taken()
        self.assertEqual(len(last["waived"]), 4)
        self.assertTrue(last["waived"][0].startswith("lock:kernel by root until "), last)
        self.assertIn("ran well in the lab", last["waived"][0])
        self.assertEqual(last["waived"][3], "and 2 more")
        self.run_it("history", says="waived: lock:kernel by root")

    def test_a_good_release_is_told_and_taken(self):
        self.release(self.tree(status(HELD, bash="5.2-1")))
        self.assertEqual(self.taken()["waived"], [])

    def test_waivers_end_and_are_taken_back(self):
        self.site('[locks]\nbash = "5.1-*"\n')
        self.release(self.tree(status(HELD, bash="5.2-1")))
        self.refused("bash:amd64 is 5.2-1")
        # Of another finding; of the publisher's rule of that name; ended.
        for finding in ("lock:bash", "site-lock:bash2", "site-lock:*"):
            self.run_it("waive", finding, "--reason", "r", "--until", day(1))
        self.refused("site-lock:bash")
        file = self.folder / "var/lib/cube-update/waivers.json"
        file.write_text(json.dumps({"format": 1, "waivers": [{"id": "site-lock:bash", "reason": "r", "given": "2026-01-01T00:00:00Z",
                                                              "until": "2026-03-01T00:00:00Z"}]}))
        self.refused("site-lock:bash")
        self.run_it("waive", "--list", says="counts no more")
        self.run_it("waive", "site-lock:bash", "--reason", "r", "--until", day(-1), code=2)
        self.run_it("waive", "site-lock:bash", "--reason", "r", "--until", day(91), code=2, says="longer than 90 days")
        self.run_it("waive", "site-lock:bash", "--reason", "r", code=2)
        self.run_it("waive", "nonsense", "--reason", "r", "--until", day(1), code=2, says="is no finding")
        self.run_it("waive", "site-lock:bash", "--reason", "r", "--until", day(1))
        self.run_it("waive", "--remove", "site-lock:bash", says="nothing is waived")
        self.run_it("waive", "--remove", "site-lock:bash", code=3)
        self.refused("site-lock:bash")
        self.run_it("waive", "site-lock:bash", "--reason", "r", "--until", day(1))
        # Others may write it, or it is damaged: none counts.
        file.chmod(0o666)
        self.refused("site-lock:bash")
        file.chmod(0o644)
        whole = file.read_text()
        file.write_text(whole[:-9])
        self.refused("site-lock:bash")
        file.write_text(whole)
        self.assertEqual(len(self.taken()["waived"]), 1)

    def test_the_site_only_adds(self):
        self.release(self.tree(status(OTHER)))
        for text in ('[locks]\nkernel = "*"\n"kernel-*" = "*"\n', "", '[locks]\nkernel = "4.18.0-373.*"\n'):
            self.site(text, "10-kernel.toml")
            self.refused("10-kernel.toml:2")
        (self.folder / "usr/lib/cube-update/config.d/30.toml").write_text('[foresight]\npolicy = "warn"\n')
        self.refused("10-kernel.toml:2")
        # A rule that cannot be read is not passed over.
        self.site("[locks]\nbash = 5\n", "10-kernel.toml")
        self.refused("10-kernel.toml")
        told = json.loads(self.run_it("lock", "list", "--json", code=6))
        self.assertEqual([(rule["package"], rule["set_by"]) for rule in told["rules"]], [("kernel", "publisher"), ("kernel-*", "publisher")])
        self.assertEqual(len(told["damaged"]), 1)

    def test_what_is_compared_with_what_runs(self):
        self.site('[locks]\n"*" = "never downgrade"\n"kernel-core" = "same as running"\n')
        self.release(self.tree(status(HELD, bash="5.0-1")))
        self.refused("bash:amd64 is 5.0-1; 5.1-1 runs")
        self.release(self.tree(status(HELD, bash="5.2-1")))
        self.taken()

    def test_the_publishers_waiver_loosens_his_own_rules_only(self):
        waive = [word for name in KERNEL for word in ("--waive", f"lock:{name}")]
        self.release(self.tree(status(OTHER)), *waive, "--reason", "tested", "--until", day(30))
        self.site('[locks]\nkernel-core = "4.18.0-348.*"\n')
        self.refused("20-site.toml:2", "site-lock:kernel-core")
        self.site("")
        last = self.taken()
        self.assertTrue(last["waived"][0].startswith("lock:kernel by publisher until "), last)

    def test_a_release_without_an_inventory(self):
        tree = self.tree(status(HELD))
        shutil.rmtree(tree / "usr/lib/cube-update")
        (tree / "usr/lib/cube-update").symlink_to("modules")
        self.release(tree)
        self.refused("has no inventory")

    def test_operators_hold_packages(self):
        self.run_it("lock", "add", "bash", says="is held")
        self.run_it("lock", "add", "kernel-*", "never downgrade")
        self.run_it("lock", "add", "bash", "< 6")
        self.run_it("lock", "add", "nothing", code=1, says="there is none in what runs")
        self.run_it("lock", "add", "bash", "no rule", code=2, says="is no rule")
        self.run_it("lock", "list", says='bash = "< 6"  (site, ')
        told = json.loads(self.run_it("lock", "list", "--json"))
        mine = [(rule["package"], rule["rule"]) for rule in told["rules"] if rule["set_by"] == "site"]
        self.assertEqual(mine, [("bash", "< 6"), ("bash:amd64", "5.1-1"), ("kernel-*", "never downgrade")])
        self.release(self.tree(status(HELD, bash="5.2-1")))
        self.refused("site-lock:bash")
        self.run_it("lock", "remove", "bash")
        self.run_it("lock", "remove", "bash", code=3)
        self.taken()


if __name__ == "__main__":
    folder_machine.use(*sys.argv[1:4])
    unittest.main(argv=[sys.argv[0], *sys.argv[4:]])
