#!/usr/bin/env python3
"""What `cube-update fleet simulate` forecasts: files, pages and exit codes, and that each machine is told the same by `fleet plan`.

Usage: fleet_simulate_test.py CUBE_UPDATE CUBE_RELEASE APPLIANCE_MODULES [TEST...]
"""
import html.parser
import json
import pathlib
import re
import subprocess
import sys
import time
import unittest

import jsonschema

import folder_machine
from folder_machine import NEW, OLD, PROGRAMS, FolderMachineTest

DOCS = pathlib.Path(__file__).resolve().parents[2] / "docs/formats"
HOUR, DAY = 3600, 86400
CLUSTERS = ["cluster-1", "cluster-2", "cluster-3"]  # buckets 37091, 216916 and 269520 under the salt "s"


def utc(seconds_from_now):
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + seconds_from_now))


def plan(**changes):
    rollout = {"id": "r", "release": NEW, "salt": "s", "start": utc(0), "ramp": [{"after": "PT0S", "ppm": 40000}, {"after": "P1D", "ppm": 1000000}]}
    return {"schema": 1, "serial": 1, "issued": utc(-HOUR), "expires": utc(60 * DAY), "releases": [{"name": NEW}], "rollouts": [rollout], **changes}


def fleet(nodes=3):
    return [{"id": name, "running": OLD, "nodes": [{"name": f"n{i}", "domain": "rack1"} for i in range(nodes)]} for name in CLUSTERS]


class Page(html.parser.HTMLParser):
    """What a browser would do with it, as far as it matters: tags, the text, and nothing to be fetched or run."""
    def __init__(self, text):
        super().__init__()
        self.tags, self.text = [], ""
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
        for name, value in attributes:
            assert name not in ("src", "href") and not name.startswith("on") and "url(" not in (value or ""), (name, value)

    def handle_data(self, data):
        self.text += data


class FleetSimulateTest(FolderMachineTest):
    def setUp(self):
        super().setUp()
        self.plan, self.inventory = self.scratch / "plan.json", self.scratch / "fleet.jsonl"

    def simulate(self, *words, document=None, clusters=None, code=0, says=""):
        self.plan.write_text(json.dumps(document or plan()))
        self.inventory.write_text("".join(json.dumps(each) + "\n" for each in (clusters or fleet())))
        done = subprocess.run([PROGRAMS["update"], "fleet", "simulate", self.plan, "--inventory", self.inventory, *words], capture_output=True, text=True,
                              timeout=120)
        self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        self.assertIn(says, done.stdout + done.stderr)
        return done.stdout

    def forecast(self, *words, **options):
        return json.loads(self.simulate("--json", *words, **options))

    def test_each_machine_is_told_the_same(self):
        published = plan()
        self.plan.write_text(json.dumps(published))
        for words in (("key", "generate", "rollout"), ("plan", "set", self.plan)):
            subprocess.run([PROGRAMS["release"], *words, "--repository", self.repository], check=True, capture_output=True, timeout=120)
        for cluster in fleet(1):
            self.configure(f'[fleet]\nplan = true\nunit = "{cluster["id"]}"\n')
            told = json.loads(self.run_it("fleet", "plan", "--explain", "--json", code=0 if cluster["id"] == "cluster-1" else 12))
            found = self.forecast(document=published, clusters=[cluster])
            self.assertEqual(found["rollouts"][0]["when"]["eligible"]["first"], told["rollouts"][0]["eligible"])

    def test_a_quiet_rollout(self):
        found = self.forecast()
        (rollout,) = found["rollouts"]
        self.assertEqual((found["clusters"], found["machines"], found["outcome"], rollout["machines"]), (3, 9, "all-done", 9))
        self.assertEqual([step["counts"]["done"] for step in rollout["steps"]], [3, 9])
        self.assertEqual((rollout["left"], rollout["halted"]), ([], []))
        self.assertEqual(found, self.forecast(document=json.loads(self.plan.read_text())), "twice the same")
        self.simulate(says="every machine that has something to do comes through")

    def test_failures_halt_clusters(self):
        found = self.forecast("--failures", "1000000", code=6)
        rollout = found["rollouts"][0]
        self.assertEqual([each["cluster"] for each in rollout["halted"]], CLUSTERS)
        self.assertEqual([(each["reason"], each["machines"], each["clusters"]) for each in rollout["left"]], [("halted", 3, 3)])
        self.simulate("--failures", "1000000", code=6, says="3 clusters halt")
        some = self.forecast("--failures", "300000", "--seed", "1", clusters=fleet(50), code=6)
        self.assertNotEqual(some, self.forecast("--failures", "300000", "--seed", "2", clusters=fleet(50), code=6))

    def test_time_is_not_enough(self):
        self.assertEqual(self.forecast("--days", "1", code=12)["outcome"], "time-over")
        self.forecast("--from", utc(-HOUR), "--days", "30")
        slow = self.forecast("--install-time", "PT2H", "--away-time", "PT50M")
        quick = self.forecast("--install-time", "PT0S", "--away-time", "PT1M")
        self.assertGreater(slow["rollouts"][0]["when"]["done"]["last"], quick["rollouts"][0]["when"]["done"]["last"])

    def test_the_page(self):
        page = self.scratch / "page.html"
        hostile = "<script>alert(1)</script> & \"x\" '"
        self.simulate("--html", page, document=plan(blocked=[{"name": NEW, "reason": hostile}]), code=6)
        shown = Page(page.read_text())
        self.assertIn(hostile, shown.text)
        self.assertNotIn("script", shown.tags)
        self.assertEqual(shown.tags.count("svg"), 1)
        self.assertIn("prefers-color-scheme: dark", page.read_text())
        self.simulate("--html", self.scratch / "nowhere" / "page.html", code=2)

    def test_what_is_wrong_is_named(self):
        wrong = plan()
        wrong["rollouts"][0]["ramp"].reverse()
        self.simulate(document=wrong, code=7, says="rollouts[0]: ramp[1]: the ramp is out of order")
        self.simulate(document=plan(windows=[{"time_zone": "Europe/Atlantis", "open": ["daily 01:00 +1h"]}]), code=2, says="there is no time zone")
        never = [{"time_zone": "UTC", "open": ["daily 01:00 +1h"], "except": ["2020-01-01..2100-01-01"]}]
        self.simulate(document=plan(windows=never), code=6, says="never     window-never: 9 machines of 3 clusters")
        self.simulate(clusters=[{**fleet()[0], "color": "red"}], code=7, says='inventory: line 1: an unknown member "color"')
        self.simulate(clusters=fleet() + fleet()[:1], code=7, says="line 4: another cluster has the id cluster-1")
        for words in (("--install-time", "20m"), ("--from", "noon"), ("--failures", "2000000"), ("--days", "0")):
            self.simulate(*words, code=2)
        self.inventory.unlink()
        done = subprocess.run([PROGRAMS["update"], "fleet", "simulate", self.plan, "--inventory", self.inventory], capture_output=True, text=True, timeout=60)
        self.assertEqual(done.returncode, 1, done.stderr)

    def test_the_documented_inventory(self):
        text = (DOCS / "fleet-inventory.md").read_text()
        example = json.loads(re.search(r"```json\n(.*?)```", text, re.S)[1])
        schema = json.loads((DOCS / "fleet-inventory.schema.json").read_text())
        for cluster in [example, *fleet()]:
            jsonschema.validate(cluster, schema)
            self.simulate(clusters=[cluster], code=0)
        documented = set(re.findall(r"^\| `(\w+)` \|", text, re.M))
        node = schema["properties"]["nodes"]["items"]["properties"]
        self.assertEqual(documented, set(schema["properties"]) | set(node))

    def test_a_large_fleet(self):
        clusters = [{"id": f"c{c}", "running": OLD, "nodes": [{"name": f"n{n}", "domain": f"rack{n % 4}"} for n in range(20)]} for c in range(500)]
        begun = time.monotonic()
        found = self.forecast("--failures", "2000", clusters=clusters, code=6)
        self.assertLess(time.monotonic() - begun, 60, "with sanitizers, beside other work")
        self.assertEqual(found["machines"], 10000)


if __name__ == "__main__":
    folder_machine.use(*sys.argv[1:4])
    unittest.main(argv=[sys.argv[0], *sys.argv[4:]])
