#!/usr/bin/env python3
"""Five appliances of one cluster and a real etcd: the real programs take turns, stop when it hurts, and need nobody to come back.

Usage: fleet_cluster_test.py CUBE_UPDATE CUBE_RELEASE APPLIANCE_MODULES [TEST...]
"""
import json
import pathlib
import shutil
import sys
import unittest

import folder_machine
from cluster_machines import NODES, ClusterTest
from folder_machine import NEW, OLD

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "fleet"))
import real_etcd  # noqa: E402

class FleetClusterTest(ClusterTest):
    def setUp(self):
        self.etcd = real_etcd.Etcd(str(self.scratch / "etcd"))
        self.etcd.start()
        self.addCleanup(shutil.rmtree, self.scratch / "etcd")
        self.addCleanup(self.etcd.kill)
        self.lay_out([self.etcd.url])

    def test_a_rollout_halts_itself_at_the_third_machine(self):
        self.at("n1", "fleet", "set", "fail-count=1", "--reason", "the first failure is enough")
        self.automatic("n1")
        self.automatic("n2", code=12, says="waits for its cluster: busy: n1")
        self.assertIn("busy: n1", self.at("n2", "status"))
        self.assertEqual(self.away(), ["n1"])
        self.commits("n1")
        self.assertEqual(self.away(), ["n1"], "the place goes back when the cluster is asked, not before")
        self.automatic("n1", code=3)
        self.assertEqual(self.away(), [])
        self.ask_now("n2")
        self.automatic("n2")
        self.commits("n2")
        self.automatic("n2", code=3)
        self.automatic("n3")
        self.panics("n3")
        self.automatic("n3", code=5, says="denied on this machine")
        told = self.cluster(code=6)
        self.assertEqual([(one["node"], one["stage"]) for one in told["failures"]], [("n3", "drivers-missing")], told)
        self.assertIn("n3 failed: panic", told["halt"]["reason"])
        for name in ("n4", "n5"):
            self.automatic(name, code=12, says="halted")
        self.assertEqual([self.release_of(name) for name in NODES], [NEW, NEW, OLD, OLD, OLD])
        self.assertEqual([one["node"] for one in told["nodes"]], ["n1", "n2", "n3"])
        # An operator has looked at it.
        self.at("n1", "fleet", "resume", code=2, says="--reason")
        self.at("n1", "fleet", "resume", "--accept-failures", "--reason", "its controller is broken")
        self.ask_now("n4")
        self.automatic("n4")
        self.commits("n4")
        log = json.loads(self.at("n1", "fleet", "log", "--json"))["entries"]
        self.assertEqual([one["act"] for one in log], ["set fail-count=1", "resume, failures accepted"])
        self.assertIn("its controller is broken", self.at("n1", "fleet", "log"))

    def test_nobody_needs_etcd_to_come_back(self):
        self.automatic("n1")
        self.etcd.kill()
        self.commits("n1")
        self.assertEqual(self.release_of("n1"), NEW)
        self.automatic("n2", code=12, says="the cluster's gate")
        self.automatic("n1", code=3)
        self.etcd.start()
        self.assertEqual(self.away(), ["n1"])
        self.automatic("n2", code=12, says="busy: n1")
        self.automatic("n1", code=3)
        self.ask_now("n2")
        self.automatic("n2")
        self.etcd.kill()
        self.panics("n2")
        self.assertEqual(self.release_of("n2"), OLD)

    def test_the_place_stays_until_the_cluster_is_healthy(self):
        self.automatic("n1")
        hooks = self.machines["n1"].folder / "etc/cube-update"
        for folder, text in (("undrain.d", 'echo "$CUBE_NODE of $CUBE_CLUSTER" >%s/undrained' % self.machines["n1"].folder),
                             ("cluster-health.d", "echo 3 placement groups are degraded; exit 1")):
            (hooks / folder).mkdir(parents=True)
            (hooks / folder / "10-it").write_text(f"#!/bin/sh\n{text}\n")
            (hooks / folder / "10-it").chmod(0o755)
        self.commits("n1")
        self.automatic("n1", code=3)
        self.assertEqual(self.away(), ["n1"])
        self.assertEqual((self.machines["n1"].folder / "undrained").read_text(), "n1 of c1\n")
        self.assertIn("3 placement groups are degraded", next(one["says"] for one in self.cluster()["nodes"] if one["node"] == "n1"))
        (hooks / "cluster-health.d/10-it").unlink()
        self.automatic("n1", code=3)
        self.assertEqual(self.away(), [])

    def test_a_pause_stops_who_has_not_begun_and_a_hook_that_says_no_gives_the_place_back(self):
        self.at("n1", "fleet", "pause", "--reason", "audit")
        self.at("n1", "fleet", "pause", "--reason", "audit", code=3)
        self.automatic("n2", code=12, says="paused: audit")
        self.at("n2", "fleet", "resume", "--reason", "it is over")
        self.at("n2", "fleet", "resume", "--reason", "it is over", code=3)
        folder = self.machines["n2"].folder / "etc/cube-update/pre-reboot.d"
        folder.mkdir(parents=True)
        (folder / "10-drain").write_text("#!/bin/sh\necho 3 VMs are still here; exit 1\n")
        (folder / "10-drain").chmod(0o755)
        self.ask_now("n2")
        self.automatic("n2", code=12, says="3 VMs are still here")
        self.assertEqual(self.away(), [], "who does not go lets others go")
        (folder / "10-drain").write_text("#!/bin/sh\nexit 0\n")
        self.automatic("n2")
        self.commits("n2")

    def test_an_operator_unlocks_and_blocks(self):
        self.automatic("n1")
        self.at("n2", "fleet", "unlock", "n3", "--reason", "gone", code=3)
        self.at("n2", "fleet", "unlock", "n1", "--reason", "burnt down")
        self.at("n2", "fleet", "block", NEW, "--reason", "fans stop")
        self.automatic("n2", code=5, says="is blocked in its cluster: fans stop")
        self.assertEqual(self.cluster()["blocked"], [{"release": NEW, "why": "fans stop"}])
        self.at("n2", "fleet", "unblock", NEW, "--reason", "they do not")
        self.automatic("n2")
        # The first one was not burnt down; it comes back, and takes nobody's place away.
        self.commits("n1")
        self.automatic("n1", code=3)
        self.assertEqual(self.away(), ["n2"])

    def test_a_canary_goes_first_and_its_failure_halts_until_its_release_is_given_up(self):
        self.configure("n3", "order = 0")
        self.at("n3", "fleet", "pause", "--reason", "until the canary is there")
        self.automatic("n3", code=12, says="paused")
        self.at("n3", "fleet", "resume", "--reason", "it is")
        self.automatic("n1", code=12, says="n3, a canary, goes first")
        self.ask_now("n3")
        self.automatic("n3")
        self.ask_now("n1")
        self.automatic("n1", code=12, says="busy: n3")
        self.panics("n3")
        self.automatic("n3", code=5)
        self.assertIn("a canary failed", self.cluster(code=6)["halt"]["reason"])
        told = json.loads(self.at("n1", "fleet", "abort", NEW, "--reason", "the canary died", "--json"))
        self.assertEqual(told["act"], "abort")
        self.assertNotIn("halt", self.cluster())
        self.automatic("n2", code=5, says="is blocked in its cluster: the canary died")
        # What waits is not taken by hand either, and another release may take its place.
        self.ask_now("n1")
        self.automatic("n1", code=5, says="is blocked in its cluster: the canary died")
        self.at("n1", "apply", code=5, says="is blocked in its cluster: the canary died")

    def test_the_leader_of_etcd_goes_last_and_a_machine_that_is_gone_is_forgotten(self):
        self.configure("n1", 'roles = ["etcd"]\nnode = "one"')  # as etcd's member is called
        self.configure("n2", 'roles = ["etcd"]')
        self.at("n2", "fleet", "pause", "--reason", "until all are known")
        self.automatic("n2", code=12)
        self.at("n2", "fleet", "resume", "--reason", "they are")
        self.automatic("n1", code=12, says="this machine leads etcd, and goes after its other members; n2 is still to come")
        told = json.loads(self.at("n3", "fleet", "forget", "n2", "--reason", "burnt down", "--json"))
        self.assertEqual(told["act"], "forget")
        self.at("n3", "fleet", "forget", "n2", "--reason", "burnt down", code=3)
        self.ask_now("n1")
        self.automatic("n1")
        self.commits("n1")

    def test_an_old_copy_of_the_data_of_etcd_frees_nobodys_place(self):
        self.at("n2", "fleet", "pause", "--reason", "so that n2 has seen it")
        self.automatic("n2", code=12, says="paused")
        self.at("n2", "fleet", "resume", "--reason", "it has")
        self.etcd.kill()
        old = self.scratch / "old-etcd"
        shutil.copytree(self.etcd.folder, old)
        self.etcd.start()
        self.automatic("n1")
        self.ask_now("n2")
        self.automatic("n2", code=12, says="busy: n1")
        self.etcd.kill()
        shutil.rmtree(self.etcd.folder)
        shutil.move(old, self.etcd.folder)
        self.etcd.start()
        self.assertEqual(self.away(), [], "etcd has forgotten it")
        self.ask_now("n2")
        self.automatic("n2", code=12, says="the data of the cluster's store were replaced")
        self.commits("n1")
        self.ask_now("n2")
        self.automatic("n2", code=12, says="the data of the cluster's store were replaced")

    def test_every_act_is_told_to_programs_and_in_the_log(self):
        acts = (("pause",), ("halt",), ("resume",), ("set", "max-unavailable=2", "one-domain=false"), ("block", NEW), ("unblock", NEW))
        for act in acts:
            told = json.loads(self.at("n1", "fleet", *act, "--reason", "it is a test", "--json"))
            self.assertEqual((told["cluster"], told["act"]), ("c1", act[0]))
        self.automatic("n1")
        self.at("n1", "fleet", "unlock", "n1", "--reason", "it is a test", "--json")
        log = json.loads(self.at("n1", "fleet", "log", "--json"))["entries"]
        self.assertEqual([one["act"] for one in log], [" ".join(act) for act in acts] + ["unlock n1"])
        for wrong in (("set", "max-unavailable=0"), ("set", "speed=3"), ("unlock", "../n1"), ("block", "a b")):
            self.at("n1", "fleet", *wrong, "--reason", "it is a test", code=2)

    def test_by_hand_it_waits_for_its_turn_too_unless_told_otherwise(self):
        self.automatic("n1")
        self.at("n2", "apply", code=12, says="busy: n1")
        self.at("n2", "rollback")
        self.at("n2", "apply", "--out-of-turn")
        self.restarts_into_trial("n2")

    def test_nonsense_in_etcd_and_in_the_configuration_lets_nobody_begin_and_everybody_come_back(self):
        self.automatic("n1")
        self.etcd.ask("/v3/kv/put", {"key": real_etcd.base64_of("/cube-update/v1/c1/gate/tomorrow"), "value": ""})
        self.commits("n1")
        self.automatic("n2", code=12, says="tomorrow")
        self.cluster(code=6)
        (self.machines["n3"].folder / "usr/lib/cube-update/config.d/30-more.toml").write_text("[fleet]\nendpoints = []\n")
        self.automatic("n3", code=12, says="fleet.endpoints")
        self.at("n3", "commit", code=3)
        self.at("n3", "fleet", "status", code=2, says="fleet.endpoints")


if __name__ == "__main__":
    folder_machine.use(*sys.argv[1:4])
    unittest.main(argv=[sys.argv[0], *sys.argv[4:]])
