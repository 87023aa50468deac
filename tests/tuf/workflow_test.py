"""The order of requests, what is believed at each step, and what is kept."""
import hashlib
import json
import unittest

from client import TufTest
from repository import Key, Repository, canonical


class Refresh(TufTest):
    def test_asks_for_each_role_once_in_order(self):
        self.accepted()
        self.assertEqual(self.repository.metadata_requests,
                         [("root", 2), ("timestamp", None), ("snapshot", 1), ("targets", 1)])

    def test_keeps_the_bytes_that_were_served(self):
        self.repository.published["timestamp"][-1] += b" \n "
        self.accepted()
        for role in ("root", "timestamp", "snapshot", "targets"):
            self.assertEqual((self.metadata_dir / f"{role}.json").read_bytes(), self.repository.published[role][-1])

    def test_init_asks_nothing(self):
        self.assertEqual(self.repository.metadata_requests, [])
        self.expect_trusted(root=1)

    def test_what_is_kept_is_not_fetched_again(self):
        self.accepted()
        self.repository.metadata_requests.clear()
        self.repository.publish("timestamp")
        self.accepted()
        self.assertEqual(self.repository.metadata_requests, [("root", 2), ("timestamp", None)])
        self.expect_trusted(root=1, timestamp=2, snapshot=1, targets=1)

    def test_a_damaged_file_is_fetched_again(self):
        self.accepted()
        for role in ("timestamp", "snapshot", "targets"):
            path = self.metadata_dir / f"{role}.json"
            for damage in (b"", b"{", path.read_bytes().replace(b"1.0.33", b"1.0.34")):
                path.write_bytes(damage)
                self.accepted()
                self.assertEqual(path.read_bytes(), self.repository.published[role][-1])

    def test_another_timestamp_of_the_same_version_is_not_looked_at(self):
        self.accepted()
        self.repository.signed["timestamp"]["meta"]["snapshot.json"]["version"] = 100
        self.repository.publish("timestamp", bump=False)
        self.accepted()
        self.assertEqual(self.repository.metadata_requests[-1], ("timestamp", None))
        kept = json.loads((self.metadata_dir / "timestamp.json").read_bytes())
        self.assertEqual(kept["signed"]["meta"]["snapshot.json"]["version"], 1)

    def test_unknown_members_are_allowed_and_covered(self):
        key = Key()
        key.extra = {"extra": {"b": [1, None, True, "\u00fc\\\""], "a": -7}}
        self.repository.root["custom"] = "value"
        self.repository.root["roles"]["root"]["another"] = {"x": 1}
        self.repository.add_key("root", key)
        self.repository.publish("root")
        self.accepted()
        self.expect_trusted(root=2, timestamp=1, snapshot=1, targets=1)
        self.repository.publish("root")
        self.repository.edit_last("root", lambda document: document["signed"].update(custom="other"))
        self.refused("3.root.json: signed by 0")

    def test_members_of_old_keys_that_mean_nothing(self):
        key = Key("ecdsa")
        key.extra = {"keyid_hash_algorithms": ["md5"]}
        self.repository.add_key("snapshot", key)
        self.repository.root["roles"]["snapshot"]["threshold"] = 2
        self.repository.publish("root", "snapshot", "timestamp")
        self.accepted()
        self.expect_trusted(root=2, timestamp=2, snapshot=2, targets=1)

    def test_the_type_inside_counts(self):
        signer = self.repository.signers["timestamp"][0]
        self.repository.add_key("snapshot", signer)
        self.repository.signed["snapshot"]["meta"] = {"snapshot.json": {"version": 1}}
        self.repository.publish("root", "snapshot")
        self.repository.published["timestamp"].append(self.repository.published["snapshot"].pop())
        self.refused("_type")
        self.expect_trusted(root=2)

    def test_other_specifications_are_refused(self):
        for version in ("2.0.0", "1", "1.0-beta", ""):
            self.repository.signed["timestamp"]["spec_version"] = version
            self.repository.publish("timestamp")
            self.refused("spec_version")


class FirstRoot(TufTest):
    def expect_nothing_believed(self, root):
        self.init(root)
        self.assertEqual(self.refresh(), 1)
        self.assertEqual(self.repository.metadata_requests, [])

    def test_without_a_version(self):
        document = json.loads(self.repository.published["root"][0])
        del document["signed"]["version"]
        self.expect_nothing_believed(json.dumps(document).encode())

    def test_signed_by_a_stranger(self):
        self.repository.signers["root"] = [Key()]
        self.expect_nothing_believed(self.repository.document("root"))

    def test_with_a_signature_of_something_else(self):
        document = json.loads(self.repository.published["root"][0])
        document["signatures"][0]["sig"] = self.repository.signers["root"][0].sign(b"something else")
        self.expect_nothing_believed(json.dumps(document).encode())

    def test_no_document_at_all(self):
        for text in (b"", b"{}", b"[]", b"null", b"\x00"):
            self.expect_nothing_believed(text)


class BrokenStep(TufTest):
    """Whatever is wrong with a role, what comes before it is kept and what comes after is not asked for."""

    KEPT = {"root": {"root": 1}, "timestamp": {"root": 2}, "snapshot": {"root": 2, "timestamp": 2},
            "targets": {"root": 2, "timestamp": 2, "snapshot": 2}}

    def publish_second(self):
        self.repository.publish("root", "targets", "snapshot", "timestamp")

    def expect_stop(self, role, because):
        self.refused(because)
        self.expect_trusted(**self.KEPT[role])

    def break_each(self, how, because, roles=("root", "timestamp", "snapshot", "targets")):
        for role in roles:
            with self.subTest(role):
                self.start(Repository())
                how(role)
                self.expect_stop(role, because)

    def test_not_signed(self):
        def how(role):
            self.repository.signers[role].clear()
            self.publish_second()
        self.break_each(how, "signed by 0")

    def test_signed_by_another_role(self):
        def how(role):
            other = "targets" if role != "targets" else "snapshot"
            self.repository.signers[role] = list(self.repository.signers[other])
            self.publish_second()
        self.break_each(how, "signed by 0")

    def test_another_version_inside_than_in_the_name(self):
        def how(role):
            self.repository.signed[role]["version"] += 1
            self.publish_second()
            if role == "snapshot":
                self.repository.signed["timestamp"]["meta"]["snapshot.json"]["version"] = 2
                self.repository.published["timestamp"].pop()
                self.repository.publish("timestamp", bump=False)
            if role == "targets":
                self.repository.signed["snapshot"]["meta"]["targets.json"]["version"] = 2
                self.repository.published["snapshot"].pop()
                self.repository.publish("snapshot", bump=False)
                self.repository.published["timestamp"].pop()
                self.repository.publish("timestamp", bump=False)
        self.break_each(how, "is version 3, not 2", ("root", "snapshot", "targets"))

    def test_missing(self):
        def how(role):
            self.publish_second()
            self.repository.published[role] = []
        self.break_each(how, "404", ("timestamp", "snapshot", "targets"))

    def test_what_was_good_stays(self):
        self.accepted()
        self.repository.signed["snapshot"]["meta"]["targets.json"]["version"] = 9
        self.repository.publish("snapshot", "timestamp")
        self.refused("9.targets.json")
        self.expect_trusted(root=1, timestamp=2, snapshot=2, targets=1)

    def test_empty_meta(self):
        def how(role):
            if role == "timestamp":
                self.repository.publish("root", "targets", "snapshot")
                self.repository.signed["timestamp"]["meta"] = {}
                self.repository.publish("timestamp")
            else:
                self.repository.publish("root")
                self.repository.signed["snapshot"]["meta"] = {}
                self.repository.publish("snapshot", "timestamp")
        self.break_each(how, "no member", ("timestamp", "snapshot"))


class Described(TufTest):
    """Lengths and hashes that one document gives of another."""

    def setUp(self):
        super().setUp()
        self.repository.describe_files = True
        self.repository.publish_all()

    def test_right_ones_are_accepted(self):
        self.accepted()
        self.expect_trusted(root=1, timestamp=2, snapshot=2, targets=2)

    def test_wrong_ones_are_refused(self):
        self.accepted()
        right = self.repository.published["targets"][-1]
        kept = 2
        wrong = [{"hashes": {"sha256": "0" * 64}}, {"hashes": {"sha512": "0" * 128}}, {"length": len(right) - 1},
                 {"length": len(right) + 1},
                 {"hashes": {"sha256": hashlib.sha256(right).hexdigest(), "sha512": "1" * 128}}]
        for entry in wrong:
            self.repository.signed["snapshot"]["meta"]["targets.json"] = {"version": 2, **entry}
            self.repository.publish("snapshot", "timestamp")
            kept += 1
            self.refused("2.targets.json")
            self.expect_trusted(root=1, timestamp=kept, snapshot=kept, targets=2)

    def test_sha512_alone_is_enough_and_unknown_ones_alone_are_not(self):
        text = self.repository.published["snapshot"][-1]
        meta = self.repository.signed["timestamp"]["meta"]["snapshot.json"]
        meta["hashes"] = {"sha512": hashlib.sha512(text).hexdigest(), "blake7": "?"}
        self.repository.publish("timestamp")
        self.accepted()
        meta["hashes"] = {"blake7": "?"}
        self.repository.publish("timestamp")
        self.refused("neither sha256 nor sha512")

    def test_bytes_that_differ_from_the_hash_are_refused_though_signed(self):
        self.repository.published["snapshot"][-1] += b" "
        self.refused("2.snapshot.json")
        self.expect_trusted(root=1, timestamp=2)


class WithoutConsistentSnapshots(TufTest):
    def setUp(self):
        self.start(Repository(consistent=False))

    def test_names_carry_no_versions(self):
        self.repository.delegate("role")
        self.repository.add_target("file", b"content", "role")
        self.repository.publish("role", "targets", "snapshot", "timestamp")
        self.assertEqual(self.download("file"), 0, getattr(self, "said", ""))
        self.assertEqual(self.repository.metadata_requests,
                         [("root", 2), ("timestamp", None), ("snapshot", None), ("targets", None), ("role", None)])
        self.assertEqual(self.repository.target_requests, [("file", None)])

    def test_the_version_inside_counts_all_the_same(self):
        self.accepted()
        self.repository.publish("snapshot", "timestamp")
        self.repository.published["snapshot"].pop()
        self.refused("is version 1, not 2")

    def test_a_root_may_change_it(self):
        self.accepted()
        self.repository.root["consistent_snapshot"] = self.repository.consistent = True
        self.repository.publish("root", "targets", "snapshot", "timestamp")
        self.accepted()
        self.assertEqual(self.repository.metadata_requests[-2:], [("snapshot", 2), ("targets", 2)])

    def test_a_root_that_does_not_say(self):
        del self.repository.root["consistent_snapshot"]
        self.repository.publish("root", "snapshot", "timestamp")
        self.accepted()
        self.assertIn(("snapshot", None), self.repository.metadata_requests)


class CanonicalForm(unittest.TestCase):
    def test_of_the_simulator_itself(self):
        self.assertEqual(canonical({"b": [1, -2, True, None], "a": "\n\"\\\u00fc"}),
                         b'{"a":"\n\\"\\\\\xc3\xbc","b":[1,-2,true,null]}')


if __name__ == "__main__":
    unittest.main()
