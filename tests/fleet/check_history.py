#!/usr/bin/env python3
"""Replays everything that a cluster's store ever saw, and demands the rules of the gate of it.

Knows nothing of the agent but the form of its keys (docs/formats/gate.md): no rule here is shared
with the code that it judges. The fleets have one release and one rollout. Input: JSON lines {"revision","key","erased","value"}, in order.
"""
import json
import sys
from collections import defaultdict

PREFIX = "/cube-update/v1/"


class Cluster:
    def __init__(self):
        self.holders = {}        # node -> value
        self.failed = defaultdict(set)   # rollout -> nodes
        self.halted = self.paused = False
        self.blocked = set()
        self.records = {}        # node -> (release at first, record)
        self.away_without_end = set()
        self.results = {}        # (rollout, node) -> release


class Checker:
    def __init__(self, most, failures, one_domain):
        self.most, self.failures, self.one_domain = most, failures, one_domain
        self.clusters = defaultdict(Cluster)
        self.broken = []
        self.taken = self.given_back = 0
        self.most_seen = 0

    def say(self, revision, name, what):
        self.broken.append(f"revision {revision}: cluster {name}: {what}")

    def take(self, revision, name, cluster, node, value):
        self.taken += 1
        if node in cluster.holders:
            self.say(revision, name, f"the place of {node} was written over")
        if cluster.halted or cluster.paused:
            self.say(revision, name, f"{node} took a place although the cluster stands still")
        if len(cluster.failed[value["rollout"]]) >= self.failures:
            self.say(revision, name, f"{node} took a place after {len(cluster.failed[value['rollout']])} failures")
        if cluster.blocked:
            self.say(revision, name, f"{node} took a place although its release is blocked")
        for other, (first, record) in cluster.records.items():
            is_before = record["order"] < cluster.records[node][1]["order"]
            if is_before and record["release"] == first and other not in cluster.failed[value["rollout"]]:
                self.say(revision, name, f"{node} took a place before {other}, a canary")
        if node in cluster.failed[value["rollout"]]:
            self.say(revision, name, f"{node} took a place for what failed on it")
        cluster.holders[node] = value
        self.most_seen = max(self.most_seen, len(cluster.holders))
        if len(cluster.holders) > self.most:
            self.say(revision, name, f"{len(cluster.holders)} places are held")
        if self.one_domain and len({one["domain"] for one in cluster.holders.values()}) > 1:
            self.say(revision, name, "two failure domains are away")
        roles = [role for one in cluster.holders.values() for role in one["roles"]]
        if len(roles) != len(set(roles)):
            self.say(revision, name, "two members of one quorum are away")

    # All that one revision changed is one step: what is erased comes first, then what is put.
    def step(self, revision, events):
        for event in sorted(events, key=lambda one: not one["erased"]):
            name, below = event["key"][len(PREFIX):].split("/", 1)
            cluster = self.clusters[name]
            parts = below.split("/")
            if parts[0] == "node":
                record = json.loads(event["value"])
                first, _ = cluster.records.get(parts[1], (record["release"], None))
                cluster.records[parts[1]] = (first, record)
            if parts[0] == "hist":
                cluster.results[(parts[1], parts[2])] = event["value"]
            if parts[0] != "gate":
                continue
            if parts[1] == "holder" and event["erased"]:
                if cluster.holders.pop(parts[2], None) is not None:
                    self.given_back += 1
            elif parts[1] == "holder":
                self.take(revision, name, cluster, parts[2], json.loads(event["value"]))
            elif parts[1] == "fail":
                (cluster.failed[parts[2]].discard if event["erased"] else cluster.failed[parts[2]].add)(parts[3])
            elif parts[1] == "blocked":
                (cluster.blocked.discard if event["erased"] else cluster.blocked.add)(parts[2])
            elif parts[1] == "halt":
                cluster.halted = not event["erased"]
            elif parts[1] == "pause":
                cluster.paused = not event["erased"]

    def run(self, lines):
        step, revision = [], None
        for line in lines:
            event = json.loads(line)
            if revision is not None and event["revision"] != revision:
                self.step(revision, step)
                step = []
            revision = event["revision"]
            step.append(event)
        if step:
            self.step(revision, step)


def main():
    import argparse
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("history")
    parser.add_argument("--most", type=int, default=2, help="places")
    parser.add_argument("--failures", type=int, default=2, help="that stop a rollout")
    options = parser.parse_args()
    checker = Checker(options.most, options.failures, True)
    with open(options.history) as lines:
        checker.run(lines)
    print(json.dumps({"taken": checker.taken, "given_back": checker.given_back, "most_held": checker.most_seen,
                      "halted": sum(one.halted for one in checker.clusters.values()),
                      "results": sum(len(one.results) for one in checker.clusters.values()),
                      "still_held": sum(len(one.holders) for one in checker.clusters.values()),
                      "violations": len(checker.broken)}))
    for line in checker.broken[:10]:
        print(line, file=sys.stderr)
    return 1 if checker.broken else 0


if __name__ == "__main__":
    sys.exit(main())
