#!/usr/bin/env python3
"""Five appliances, each with a network of its own, and etcd on three of them, as a cluster has it: an etcd member goes away with its machine.

Real are the programs, etcd and the network (namespaces joined by a bridge); a restart is played: what ran on the machine is killed, its link is down,
and the loader's turn is taken in its folder. Needs root.

Usage: fleet_network_test.py CUBE_UPDATE CUBE_RELEASE APPLIANCE_MODULES [TEST...]
"""
import json
import os
import pathlib
import shutil
import subprocess
import sys
import time
import unittest

import folder_machine
from cluster_machines import NODES, ClusterTest
from folder_machine import NEW, OLD, run_once

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "fleet"))
import real_etcd  # noqa: E402

MEMBERS = NODES[:3]
HUB = f"cube{os.getpid()}hub"


def space(name):
    return f"cube{os.getpid()}{name}"


def address(name):
    return f"10.77.0.{NODES.index(name) + 1}"


def url(name, port=2379):
    return f"http://{address(name)}:{port}"


class Network:
    """A namespace for each machine, and one with the switch between them."""

    def __init__(self):
        self.spaces = []

    def build(self):
        self.add(HUB)
        run_once("ip", "-n", HUB, "link", "add", "switch", "up", "type", "bridge")
        for name in NODES:
            self.add(space(name))
            run_once("ip", "link", "add", "up0", "netns", space(name), "type", "veth", "peer", "name", name, "netns", HUB)
            run_once("ip", "-n", HUB, "link", "set", name, "master", "switch", "up")
            run_once("ip", "-n", space(name), "address", "add", f"{address(name)}/24", "dev", "up0")
            self.plug(name, True)

    def add(self, name):
        run_once("ip", "netns", "add", name)
        self.spaces.append(name)
        run_once("ip", "-n", name, "link", "set", "lo", "up")

    def plug(self, name, plugged):
        run_once("ip", "-n", space(name), "link", "set", "up0", "up" if plugged else "down")

    def remove(self):
        for name in self.spaces:
            run_once("ip", "netns", "delete", name)


class FleetNetworkTest(ClusterTest):
    def setUp(self):
        self.network = Network()
        self.addCleanup(self.network.remove)
        self.network.build()
        self.etcd = {}
        self.folder = self.scratch / "members"
        self.addCleanup(shutil.rmtree, self.folder)
        self.addCleanup(self.kill_all)
        self.folder.mkdir()
        for name in MEMBERS:
            self.start_member(name)
        self.wait_for_store()
        self.lay_out([url(name) for name in MEMBERS], lambda name: 'roles = ["etcd"]\n' if name in MEMBERS else "")

    def start_member(self, name):
        peers = ",".join(f"{one}={url(one, 2380)}" for one in MEMBERS)
        # Slow enough for a loaded machine, quick enough for a test.
        self.etcd[name] = subprocess.Popen(
            ["ip", "netns", "exec", space(name), real_etcd.PROGRAM, "--data-dir", str(self.folder / name), "--name", name, "--log-level", "error",
             "--listen-client-urls", url(name), "--advertise-client-urls", url(name), "--listen-peer-urls", url(name, 2380),
             "--initial-advertise-peer-urls", url(name, 2380), "--initial-cluster", peers, "--heartbeat-interval", "200", "--election-timeout", "2000"],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def kill_member(self, name):
        if one := self.etcd.pop(name, None):
            one.kill()
            one.wait()

    def kill_all(self):
        for name in list(self.etcd):
            self.kill_member(name)

    def wait_for_store(self):
        end = time.monotonic() + 60
        while time.monotonic() < end:
            if self.asks("n5", MEMBERS[-1], "/v3/kv/range", {"key": "eA=="}).get("header"):
                return
            time.sleep(0.3)
        self.fail("etcd does not answer")

    def asks(self, name, member, path, body):
        """What etcd's member says to that machine."""
        script = ("import sys,urllib.request as u\n"
                  "print(u.urlopen(u.Request(sys.argv[1], sys.argv[2].encode()), timeout=10).read().decode())")
        done = subprocess.run(["ip", "netns", "exec", space(name), sys.executable, "-c", script, url(member) + path, json.dumps(body)],
                              capture_output=True, text=True, timeout=60)
        return json.loads(done.stdout) if done.returncode == 0 else {}

    def leader(self):
        for member in MEMBERS:
            status = self.asks("n5", member, "/v3/maintenance/status", {})
            if status.get("leader", "0") != "0":
                ids = {one["ID"]: one["name"] for one in self.asks("n5", member, "/v3/cluster/member/list", {})["members"]}
                return ids[status["leader"]]
        return self.fail("etcd has no leader")

    def before_each_command(self, name):
        return ["ip", "netns", "exec", space(name)]

    def goes_down(self, name):
        self.kill_member(name)
        self.network.plug(name, False)

    def comes_up(self, name):
        self.network.plug(name, True)
        if name in MEMBERS:
            self.start_member(name)
            self.wait_for_store()

    def updates(self, name):
        """Its whole turn."""
        self.ask_now(name)
        self.automatic(name)
        self.assertEqual(self.away(), [name])
        self.goes_down(name)
        self.commits(name)
        self.comes_up(name)
        self.automatic(name, code=3)
        self.assertEqual(self.away(), [])

    def know_each_other(self):
        self.at("n5", "fleet", "pause", "--reason", "until all are known")
        for name in NODES:
            self.automatic(name, code=12, says="paused")
        self.at("n5", "fleet", "resume", "--reason", "they are")

    def test_etcd_goes_down_with_its_machines_and_the_rollout_stops_where_it_hurts(self):
        self.at("n5", "fleet", "set", "fail-count=1", "--reason", "the first failure is enough")
        self.know_each_other()
        leader = self.leader()
        first, second = (name for name in MEMBERS if name != leader)
        self.ask_now(leader)
        self.automatic(leader, code=12, says="this machine leads etcd")
        self.updates(first)
        self.updates(second)
        # The third panics, with etcd's leader on it.
        self.ask_now(leader)
        self.automatic(leader)
        self.goes_down(leader)
        self.panics(leader)
        self.ask_now("n4")
        self.automatic("n4", code=12, says=f"busy: {leader}")
        self.comes_up(leader)
        self.automatic(leader, code=5, says="denied on this machine")
        self.assertIn(f"{leader} failed: panic", self.cluster(code=6)["halt"]["reason"])
        for name in ("n4", "n5"):
            self.ask_now(name)
            self.automatic(name, code=12, says="halted")
        self.assertEqual({name: self.release_of(name) for name in NODES},
                         {first: NEW, second: NEW, leader: OLD, "n4": OLD, "n5": OLD})

    def test_who_is_cut_off_begins_nothing_and_who_is_away_finishes_alone(self):
        self.automatic("n4")
        self.network.plug("n5", False)
        self.automatic("n5", code=12, says="the cluster's gate")
        self.network.plug("n4", False)
        self.commits("n4")
        self.assertEqual(self.release_of("n4"), NEW)
        self.automatic("n4", code=3)
        self.network.plug("n5", True)
        self.assertEqual(self.away(), ["n4"], "its place stays")
        self.network.plug("n4", True)
        self.automatic("n4", code=3)
        self.assertEqual(self.away(), [])

    def test_without_a_majority_nobody_begins_and_everybody_comes_back(self):
        self.automatic("n4")
        for name in MEMBERS[:2]:
            self.kill_member(name)
        self.automatic("n5", code=12, says="the cluster's gate")
        self.panics("n4")
        self.assertEqual(self.release_of("n4"), OLD)
        self.automatic("n4", code=5)
        for name in MEMBERS[:2]:
            self.start_member(name)
        self.wait_for_store()
        self.automatic("n4", code=5)
        told = self.cluster()
        self.assertEqual([one["node"] for one in told["failures"]], ["n4"])
        self.assertEqual(told["holders"], [])


if __name__ == "__main__":
    folder_machine.use(*sys.argv[1:4])
    unittest.main(argv=[sys.argv[0], *sys.argv[4:]])
