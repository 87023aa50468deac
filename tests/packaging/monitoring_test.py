#!/usr/bin/env python3
"""Alert rules and dashboard: valid, tested, and only about metrics that the program writes.

Usage: monitoring_test.py CUBE_UPDATE SOURCE_FOLDER
"""
import json
import pathlib
import re
import subprocess
import sys
import tempfile
import unittest

PROGRAM, SOURCE = sys.argv.pop(1), pathlib.Path(sys.argv.pop(1)).resolve()
MONITORING = SOURCE / "packaging/monitoring"
RULES, DASHBOARD = MONITORING / "cube-update.rules.yml", MONITORING / "grafana-dashboard.json"
OTHERS = {"node_textfile_mtime_seconds"}  # of node_exporter


def promtool(*arguments):
    return subprocess.run(["promtool", *map(str, arguments)], capture_output=True, text=True, cwd=MONITORING)


def written():
    """Names in the code that writes them: metrics that need an update are not on every machine."""
    text = "".join((SOURCE / "agent/cli/metrics" / name).read_text() for name in ("metrics_text.cpp", "metrics_fleet.cpp"))
    return {"cube_update_" + name for name in re.findall(r'(?:metric|gauge)\(\s*"([a-z_]+)"', text)}


def used(expression):
    return set(re.findall(r"\b(?:cube_update|node)_[a-z_]+\b", expression))


class Monitoring(unittest.TestCase):
    def expressions(self):
        for panel in json.loads(DASHBOARD.read_text())["panels"]:
            for target in panel["targets"]:
                yield panel["title"], target["expr"]

    def test_rules(self):
        done = promtool("check", "rules", RULES)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def test_each_alert_is_tested(self):
        done = promtool("test", "rules", "cube-update.rules.test.yml")
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        alerts = set(re.findall(r"- alert: (\w+)", RULES.read_text()))
        tests = (MONITORING / "cube-update.rules.test.yml").read_text()
        for alert in alerts:
            self.assertRegex(tests, rf"alertname: {alert}\n +exp_alerts:", f"no test that {alert} fires")
            self.assertRegex(tests, rf"alertname: {alert}}}", f"no test that {alert} is silent")

    def test_a_changed_rule_is_caught(self):
        rules, tests = RULES.read_text(), (MONITORING / "cube-update.rules.test.yml").read_text()
        head, *cases = tests.split("  - name: ")
        alerts = re.findall(r"- alert: (\w+)\n(?: +#.*\n)?(        expr: .*)$", rules, flags=re.M)
        self.assertEqual(len(alerts), rules.count("- alert:"))
        for alert, rule in alerts:
            with tempfile.TemporaryDirectory() as name:
                folder = pathlib.Path(name)
                (folder / RULES.name).write_text(rules.replace(rule, "        expr: vector(0) > 1"))
                # Of the cases only those about it: one of them lasts a week.
                (folder / "test.yml").write_text(head + "".join("  - name: " + case for case in cases if f"alertname: {alert}" in case))
                self.assertNotEqual(promtool("test", "rules", folder / "test.yml").returncode, 0, rule)

    def test_rules_and_dashboard_know_only_what_is_written(self):
        names = written()
        self.assertGreater(len(names), 10)
        rules = used(re.sub(r"^ *(#|description:|summary:).*$", "", RULES.read_text(), flags=re.M)) - OTHERS
        self.assertLessEqual(rules, names)
        for title, expression in self.expressions():
            self.assertTrue(used(expression), title)
            self.assertLessEqual(used(expression), names, title)

    def test_dashboard_queries_are_queries(self):
        panels = json.loads(DASHBOARD.read_text())
        self.assertEqual(len({panel["id"] for panel in panels["panels"]}), len(panels["panels"]))
        variables = {one["name"] for one in panels["templating"]["list"]}
        rules = []
        for number, (title, expression) in enumerate(self.expressions()):
            for variable in re.findall(r"\$(\w+)", expression):
                self.assertIn(variable, variables, title)
            plain = re.sub(r"\$\w+", "x", expression)
            rules.append({"record": f"panel:{number}", "expr": plain})
        with tempfile.NamedTemporaryFile("w", suffix=".yml") as file:
            json.dump({"groups": [{"name": "dashboard", "rules": rules}]}, file)
            file.flush()
            done = promtool("check", "rules", file.name)
            self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def test_dashboard_does_not_overlap(self):
        cells = set()
        for panel in json.loads(DASHBOARD.read_text())["panels"]:
            at = panel["gridPos"]
            self.assertLessEqual(at["x"] + at["w"], 24)
            new = {(x, y) for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])}
            self.assertFalse(cells & new, panel["title"])
            cells |= new


if __name__ == "__main__":
    unittest.main(verbosity=2)
