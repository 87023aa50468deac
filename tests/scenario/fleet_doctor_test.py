#!/usr/bin/env python3
"""What `cube-update fleet doctor` says of an appliance's part in its fleet: real etcd servers, whole and broken.

Usage: fleet_doctor_test.py CUBE_UPDATE CUBE_RELEASE APPLIANCE_MODULES [TEST...]
"""
import base64
import json
import pathlib
import shutil
import ssl
import subprocess
import sys
import tempfile
import time
import unittest

import folder_machine
from folder_machine import NEW, PROGRAMS, FolderMachineTest, run_once

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "fleet"))
import real_etcd  # noqa: E402
from real_etcd import base64_of  # noqa: E402

GATE = "/cube-update/v1/c1/gate/"


def utc(seconds_from_now):
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + seconds_from_now))


class FleetDoctorTest(FolderMachineTest):
    def setUp(self):
        super().setUp()
        (self.folder / "etc").mkdir(exist_ok=True)
        (self.folder / "etc/hostname").write_text("n1\n")
        for occasion in ("pre-reboot.d", "undrain.d", "cluster-health.d"):
            self.hook(f"{occasion}/50-it", "exit 0")

    def etcds(self, count, *arguments, tls=None):
        folder = pathlib.Path(tempfile.mkdtemp(prefix="cube-etcd-"))
        self.addCleanup(shutil.rmtree, folder)
        members = [real_etcd.Etcd(str(folder / f"m{i}"), *arguments, name=f"m{i}", tls=tls) for i in range(count)]
        for member in members:
            member.cluster = members
            self.addCleanup(member.kill)
            member.spawn()
        for member in members:
            member.wait()
        return members

    def join(self, members, more=""):
        endpoints = ", ".join(f'"{member.url}"' for member in members)
        self.configure(f'[fleet]\ncluster = "c1"\nallow-http = true\nendpoints = [{endpoints}]\ndomain = "rack1"\nroles = ["etcd"]\n{more}')

    def put(self, etcd, key, value):
        etcd.ask("/v3/kv/put", {"key": base64_of(key), "value": base64_of(value)})

    def take_part(self):
        self.run_it("automatic", code=3)

    def doctor(self, code=0):
        told = json.loads(self.run_it("fleet", "doctor", "--json", code=code))
        self.assertEqual(len(told["unmet"]) > 0, code == 6, told["unmet"])
        self.found = told["checks"]
        return {check["check"]: check for check in reversed(self.found)}

    def is_told(self, check, ready, says, code=0):
        found = self.doctor(code)[check]
        self.assertEqual(found["ready"], ready, found)
        self.assertIn(says, found["how"])
        if ready == "no":
            self.assertTrue(found["remedy"])
        return found

    def test_a_cluster_of_three(self):
        members = self.etcds(3)
        self.join(members)
        found = self.doctor()
        self.assertEqual({check["check"]: check["ready"] for check in self.found if check["ready"] != "yes"}, {"login": "warning", "compaction": "unknown"})
        self.assertEqual([check["what"] for check in self.found if check["check"] == "endpoint"], [member.url for member in members])
        self.assertEqual(sum("the leader" in check["how"] for check in self.found if check["check"] == "endpoint"), 1)
        self.assertIn("3 of 3 members answer: one may be away", found["members"]["how"])
        self.assertIn("machine n1 of cluster c1", found["config"]["how"])
        self.assertEqual([check["how"] for check in self.found if check["check"] == "hooks"], ["50-it"] * 3)
        self.assertEqual(members[0].bytes_below(), 0, "it changes nothing")
        # It has taken part, and something is compacted.
        self.take_part()
        self.put(members[0], "/other", "x")
        revision = members[0].ask("/v3/kv/range", {"key": base64_of("x")})["header"]["revision"]
        members[0].ask("/v3/kv/compaction", {"revision": revision})
        found = self.doctor()
        self.assertEqual((found["compaction"]["ready"], found["node"]["ready"]), ("yes", "yes"), found)
        # One dead, then two.
        members[1].kill()
        found = self.is_told("members", "warning", "2 of 3 members answer, not m1: while one more is away nobody begins")
        (dead,) = [check for check in self.found if check["what"] == members[1].url]
        self.assertEqual(dead["ready"], "warning")
        members[2].kill()
        found = self.doctor(code=6)
        self.assertEqual([found[name]["ready"] for name in ("gate", "members", "login")], ["no", "unknown", "unknown"], found)
        self.run_it("fleet", "doctor", code=6, says="-> start etcd there, or correct fleet.endpoints")
        members[0].kill()
        self.assertEqual([check["ready"] for check in (self.doctor(code=6), self.found)[1] if check["check"] == "endpoint"], ["no"] * 3)

    def test_one_member(self):
        (etcd,) = self.etcds(1)
        self.join([etcd])
        self.is_told("members", "warning", "1 of 1 members answer: while one more is away nobody begins")
        self.join([etcd, etcd])
        self.is_told("endpoint", "warning", f"as is {etcd.url}")

    def test_a_full_etcd(self):
        (etcd,) = self.etcds(1, "--quota-backend-bytes", "1048576")
        self.join([etcd])
        for number in range(40):
            try:
                self.put(etcd, f"/other/{number}", "x" * 60000)
            except KeyError:
                break
        else:
            self.fail("etcd took more than its quota")
        found = self.is_told("space", "no", "alarm NOSPACE of m0: etcd takes no more", code=6)
        self.assertIn("etcdctl alarm disarm", found["remedy"])

    def test_keys_that_make_no_sense(self):
        (etcd,) = self.etcds(1)
        self.join([etcd])
        self.put(etcd, GATE + "moratorium", "{}")
        self.is_told("gate", "no", "1 keys that make no sense, as moratorium: a name that is not known", code=6)
        etcd.ask("/v3/kv/deleterange", {"key": base64_of(GATE + "moratorium")})
        self.run_it("fleet", "pause", "--reason", "audit")
        self.is_told("gate", "warning", "paused: audit")

    def test_another_machine_of_this_name(self):
        (etcd,) = self.etcds(1)
        self.join([etcd])
        self.take_part()
        self.is_told("node", "yes", "nobody else is n1")
        record = json.loads(base64.b64decode(etcd.ask("/v3/kv/range", {"key": base64_of("/cube-update/v1/c1/node/n1")})["kvs"][0]["value"]))
        self.put(etcd, "/cube-update/v1/c1/node/n1", json.dumps({**record, "release": "another"}))
        self.is_told("node", "warning", "this machine does not remember")
        self.put(etcd, "/cube-update/v1/c1/node/n1", json.dumps({**record, "hardware": "X10"}))
        self.is_told("node", "no", "with other hardware", code=6)
        self.put(etcd, "/cube-update/v1/c1/node/n1", json.dumps(record))
        self.put(etcd, GATE + "holder/n1", json.dumps({"rollout": "r", "domain": "rack1", "roles": [], "nonce": "other-1", "since": 1}))
        self.is_told("node", "no", "a place is held as n1, and not by this machine", code=6)
        self.put(etcd, "/cube-update/v1/c1/node/n2", json.dumps({**record, "at": int(time.time()) + 3600}))
        self.assertEqual(self.doctor(code=6)["clocks"]["ready"], "warning")

    def test_what_is_on_the_machine(self):
        (etcd,) = self.etcds(1)
        self.join([etcd])
        (self.folder / "var/lib/cube-update").mkdir(parents=True, exist_ok=True)
        (self.folder / "var/lib/cube-update/fleet.json").write_text("{")
        self.is_told("memory", "no", "fleet.json", code=6)
        (self.folder / "var/lib/cube-update/fleet.json").unlink()
        self.hook("undrain.d/50-it", "exit 0", mode=0o644)
        self.is_told("hooks", "yes", "50-it", code=6)
        self.assertEqual([check["ready"] for check in self.found if check["check"] == "hooks"], ["yes", "no", "yes"])
        for occasion in ("undrain.d", "cluster-health.d"):
            (self.folder / "etc/cube-update" / occasion / "50-it").unlink()
        self.doctor()
        self.assertEqual([check["ready"] for check in self.found if check["check"] == "hooks"], ["yes", "warning", "warning"])
        self.configure(f'[fleet]\ncluster = "c1"\nallow-http = true\nendpoints = ["{etcd.url}"]\n')
        self.is_told("domain", "warning", "not known")

    def test_the_plan(self):
        (etcd,) = self.etcds(1)
        self.join([etcd], "plan = true\n")
        self.is_told("plan", "warning", "none was believed yet")
        document = self.scratch / "plan.json"
        rollout = {"id": "r", "release": NEW, "salt": "s", "start": utc(0), "ramp": [{"after": "PT0S", "ppm": 1000000}]}
        document.write_text(json.dumps({"schema": 1, "serial": 3, "issued": utc(-60), "expires": utc(30 * 86400), "releases": [{"name": NEW}],
                                        "rollouts": [rollout]}))
        for words in (("key", "generate", "rollout"), ("plan", "set", document)):
            run_once(PROGRAMS["release"], *words, "--repository", self.repository)
        self.run_it("fleet", "plan")
        self.is_told("plan", "yes", "serial 3, expires on")
        self.put(etcd, GATE + "plan", json.dumps({"serial": 5, "sha256": "0" * 64}))
        self.is_told("plan", "no", "the cluster is at 5", code=6)
        self.put(etcd, GATE + "plan", json.dumps({"serial": 3, "sha256": "0" * 64}))
        self.is_told("plan", "no", "another plan of this serial", code=6)
        # Without a cluster only the plan is looked at.
        self.configure('[fleet]\nplan = true\nunit = "u"\n')
        self.doctor()
        self.assertEqual([check["check"] for check in self.found], ["config", "plan"])

    def test_users(self):
        keys = self.scratch / "keys"
        keys.mkdir()
        self.addCleanup(shutil.rmtree, keys)
        for name in ("server", "stranger"):
            run_once("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", keys / f"{name}.key", "-out",
                     keys / f"{name}.pem", "-days", "2", "-subj", "/O=etcd", "-addext", "subjectAltName=IP:127.0.0.1")
        context = ssl.create_default_context(cafile=keys / "server.pem")
        (etcd,) = self.etcds(1, "--cert-file", str(keys / "server.pem"), "--key-file", str(keys / "server.key"), tls=context)
        password = self.folder / "etc/password"

        def join(user="", ca="server"):
            self.join([etcd], f'ca-file = "{keys}/{ca}.pem"\n{user}')
        join()
        self.is_told("login", "yes", "without a user, by TLS")
        join(ca="stranger")
        self.is_told("endpoint", "no", "certificate", code=6)
        for path, body in (("user/add", {"name": "root", "password": "secret"}), ("role/add", {"name": "root"}),
                           ("user/grant", {"user": "root", "role": "root"}), ("enable", {})):
            etcd.ask(f"/v3/auth/{path}", body)
        join()
        self.assertIn("user", self.is_told("login", "no", "without a user", code=6)["remedy"])
        password.write_text("secret\n")
        password.chmod(0o600)
        join('user = "root"\npassword-file = "/etc/password"\n')
        self.is_told("login", "yes", "user root is let in")
        password.write_text("wrong\n")
        self.is_told("login", "no", "user root: ", code=6)
        password.chmod(0o644)
        self.doctor(code=6)

    def test_of_no_fleet(self):
        self.configure("")
        self.run_it("fleet", "doctor", code=2, says="this machine is of no fleet")
        self.configure('[fleet]\ncluster = "c1"\n')
        self.is_told("config", "no", "fleet.cluster needs fleet.endpoints", code=6)


if __name__ == "__main__":
    folder_machine.use(*sys.argv[1:4])
    unittest.main(argv=[sys.argv[0], *sys.argv[4:]])
