"""Older metadata than was seen before, how a repository recovers from stolen keys, and expiry."""
from datetime import datetime, timezone

from client import TufTest
from repository import Repository, in_days

NOW = datetime.now(timezone.utc)


class Rollback(TufTest):
    def republish(self, role, version):
        """The role with that version as the newest of its kind."""
        self.repository.signed[role]["version"] = version
        self.repository.publish(role, bump=False)

    def test_of_the_timestamp(self):
        self.repository.publish("timestamp")
        self.accepted()
        self.republish("timestamp", 1)
        self.refused("timestamp.json: version 1 is offered, but version 2 was seen before")
        self.assertEqual(self.repository.metadata_requests[-1], ("timestamp", None))
        self.expect_trusted(root=1, timestamp=2, snapshot=1, targets=1)

    def test_of_the_snapshot_is_seen_in_the_timestamp(self):
        for described in (False, True):
            self.start(Repository())
            self.repository.describe_files = described
            self.repository.publish("snapshot", "timestamp")
            self.accepted()
            self.republish("snapshot", 1)
            self.repository.publish("timestamp")
            self.refused("snapshot.json: version 1")
            self.assertEqual(self.repository.metadata_requests[-1], ("timestamp", None))
            self.expect_trusted(root=1, timestamp=2, snapshot=2, targets=1)

    def test_of_a_snapshot_that_the_timestamp_does_not_name(self):
        self.repository.publish("snapshot", "timestamp")
        self.accepted()
        self.repository.published["snapshot"][1] = self.repository.published["snapshot"][0]
        self.accepted()  # by what is kept: nothing new was announced
        self.assertEqual(self.repository.metadata_requests[-1], ("timestamp", None))
        self.expect_trusted(root=1, timestamp=2, snapshot=2, targets=1)

    def test_of_the_targets_is_seen_in_the_snapshot(self):
        for described in (False, True):
            self.start(Repository())
            self.repository.describe_files = described
            self.repository.publish_all()
            self.accepted()
            self.republish("targets", 1)
            self.repository.publish("snapshot", "timestamp")
            self.refused("targets.json: version 1")
            self.assertEqual(self.repository.metadata_requests[-1], ("snapshot", 3))
            self.expect_trusted(root=1, timestamp=3, snapshot=2, targets=2)

    def test_of_a_delegated_role(self):
        self.repository.delegate("role")
        self.repository.publish("role", "targets", "snapshot", "timestamp")
        self.repository.publish("role", "snapshot", "timestamp")
        self.accepted()  # and never looked at the role itself
        self.republish("role", 1)
        self.repository.publish("snapshot", "timestamp")
        self.refused("role.json: version 1 is offered, but version 2")

    def test_of_a_delegated_role_by_leaving_it_out(self):
        self.repository.delegate("role")
        self.repository.publish("role", "targets", "snapshot", "timestamp")
        self.accepted()
        del self.repository.signed["snapshot"]["meta"]["role.json"]
        self.repository.publish("snapshot", "timestamp")
        self.refused("no longer lists role role")

    def test_of_the_root(self):
        self.repository.publish("root")
        self.accepted()
        self.repository.published["root"].append(self.repository.published["root"][1])
        self.refused("is version 2, not 3")

    def test_does_not_depend_on_the_old_metadata_being_fresh(self):
        self.repository.publish("timestamp")
        self.accepted()
        self.republish("timestamp", 1)
        for role in ("root", "timestamp", "snapshot", "targets"):
            self.repository.signed[role]["expires"] = in_days(90)
        self.repository.publish("root", "targets", "snapshot")
        self.repository.signed["timestamp"]["version"] = 1
        self.repository.publish("timestamp", bump=False)
        self.refused("timestamp.json: version 1", time=in_days(60, NOW))


class Recovery(TufTest):
    """Whoever stole a key signed the highest version there is; new keys start anew."""

    def fast_forward(self, role):
        self.repository.signed[role]["version"] = 5000
        # Versions are places in the list of what was published.
        self.repository.published[role] += [b""] * (4999 - len(self.repository.published[role]))
        self.repository.publish(role, bump=False)

    def back_to(self, role, version):
        self.repository.signed[role]["version"] = version
        del self.repository.published[role][version - 1:]
        self.repository.publish(role, bump=False)

    def test_of_the_timestamp(self):
        self.fast_forward("timestamp")
        self.accepted()
        self.back_to("timestamp", 2)
        self.refused("timestamp.json: version 2 is offered, but version 5000")
        self.repository.rotate("timestamp")
        self.repository.publish("root")
        self.back_to("timestamp", 2)
        self.accepted()
        self.expect_trusted(root=2, timestamp=2, snapshot=1, targets=1)

    def test_of_the_snapshot(self):
        self.fast_forward("snapshot")
        self.repository.publish("timestamp")
        self.accepted()
        self.repository.rotate("snapshot")
        self.repository.rotate("timestamp")
        self.repository.publish("root")
        self.back_to("snapshot", 2)
        self.repository.publish("timestamp")
        self.accepted()
        self.expect_trusted(root=2, timestamp=3, snapshot=2, targets=1)

    def test_of_the_targets_by_a_new_snapshot_key(self):
        self.fast_forward("targets")
        self.repository.publish("snapshot", "timestamp")
        self.accepted()
        self.repository.rotate("snapshot")
        self.repository.publish("root")
        self.back_to("targets", 2)
        self.repository.publish("snapshot", "timestamp")
        self.accepted()
        self.expect_trusted(root=2, timestamp=3, snapshot=3, targets=2)

    def test_of_a_delegated_role_by_a_new_snapshot_key(self):
        self.repository.delegate("role")
        self.repository.add_target("file", b"content", "role")
        self.repository.publish("role")
        self.fast_forward("role")
        self.repository.publish("targets", "snapshot", "timestamp")
        self.assertEqual(self.download("file"), 0, self.said)
        self.repository.rotate("snapshot")
        self.repository.publish("root")
        self.back_to("role", 2)
        self.repository.publish("snapshot", "timestamp")
        self.assertEqual(self.download("file"), 0, self.said)
        self.assertEqual(self.trusted()["role"], 2)

    def test_makes_room_for_versions_that_were_used_before(self):
        self.repository.delegate("role")
        self.repository.add_target("file", b"of the thief", "role")
        self.repository.publish("role", "targets", "snapshot", "timestamp")
        self.assertEqual(self.download("file"), 0, self.said)
        self.repository.rotate("snapshot")
        self.repository.publish("root")
        self.repository.add_target("file", b"of the owner", "role")
        self.back_to("role", 1)
        self.repository.publish("snapshot", "timestamp")
        self.assertEqual(self.download("file"), 0, self.said)
        self.assertEqual(self.downloaded(), [b"of the owner"])

    def test_an_added_key_is_a_rotation_though_the_old_one_stays(self):
        self.fast_forward("timestamp")
        self.accepted()
        self.repository.add_key("timestamp")
        self.repository.publish("root")
        self.back_to("timestamp", 2)
        self.accepted()

    def test_a_new_root_without_new_keys_forgives_nothing(self):
        self.fast_forward("timestamp")
        self.accepted()
        self.repository.publish("root")
        self.back_to("timestamp", 2)
        self.refused("version 5000 was seen before")

    def test_goes_on_after_it_was_interrupted(self):
        self.fast_forward("timestamp")
        self.accepted()
        self.repository.add_key("timestamp")
        self.repository.publish("root")
        self.repository.published["timestamp"], kept = [], self.repository.published["timestamp"]
        self.refused("404")
        self.expect_trusted(root=2)
        self.repository.published["timestamp"] = kept
        self.back_to("timestamp", 2)
        self.accepted()


class Expiry(TufTest):
    def expire(self, role, days=-1):
        self.repository.signed[role]["expires"] = in_days(days, NOW)

    def test_of_a_new_root_is_judged_after_it_was_taken_over(self):
        self.accepted()
        self.expire("root")
        self.repository.publish("root", "timestamp")
        self.refused("root.json: expired")
        self.expect_trusted(root=2, timestamp=1, snapshot=1, targets=1)

    def test_of_a_root_in_the_middle_of_the_chain_does_not_matter(self):
        self.expire("root")
        self.repository.publish("root")
        self.expire("root", 30)
        self.repository.publish("root")
        self.accepted()
        self.assertEqual(self.trusted()["root"], 3)

    def test_of_each_other_role(self):
        kept = {"timestamp": {"root": 1, "timestamp": 1, "snapshot": 1, "targets": 1},
                "snapshot": {"root": 1, "timestamp": 2, "snapshot": 1, "targets": 1},
                "targets": {"root": 1, "timestamp": 2, "snapshot": 2, "targets": 1}}
        for role, expected in kept.items():
            with self.subTest(role):
                self.start(Repository())
                self.accepted()
                self.expire(role)
                self.repository.publish_all()
                self.refused(f"{role}.json: expired")
                self.expect_trusted(**expected)

    def test_of_what_is_kept(self):
        self.accepted()
        for role in ("root", "timestamp", "snapshot", "targets"):
            self.expire(role, 90)
        self.repository.publish("root")
        self.refused("timestamp.json: expired", time=in_days(60, NOW))
        self.repository.publish("timestamp")
        self.refused("snapshot.json: expired", time=in_days(60, NOW))
        self.repository.publish("snapshot", "timestamp")
        self.refused("targets.json: expired", time=in_days(60, NOW))
        self.repository.publish_all()
        self.accepted(time=in_days(60, NOW))

    def test_to_the_second(self):
        self.repository.signed["timestamp"]["expires"] = "2035-05-05T05:05:05Z"
        for role in ("root", "snapshot", "targets"):
            self.repository.signed[role]["expires"] = "2036-01-01T00:00:00Z"
        self.repository.publish("root", "targets", "snapshot", "timestamp")
        self.accepted(time="2035-05-05T05:05:04Z")
        self.refused("expired", time="2035-05-05T05:05:05Z")

    def test_times_of_another_form(self):
        for time in ("2035-05-05", "2035-05-05T05:05:05+00:00", "2035-05-05T05:05:05.5Z", "2035-02-30T00:00:00Z", 7):
            self.repository.signed["timestamp"]["expires"] = time
            self.repository.publish("timestamp")
            self.refused("timestamp.json")

    def test_of_a_delegated_role(self):
        self.repository.delegate("role")
        self.repository.add_target("first", b"first", "role")
        self.repository.add_target("second", b"second", "role")
        self.expire("role")
        self.repository.publish("role", "targets", "snapshot", "timestamp")
        self.accepted()
        self.assertEqual(self.download("first"), 1)
        self.assertIn("role.json: expired", self.said)
        self.assertEqual(self.downloaded(), [])
        self.assertNotIn("role", self.trusted())

        self.expire("role", 7)
        self.repository.publish("role", "snapshot", "timestamp")
        self.assertEqual(self.download("first"), 0)
        self.assertEqual(self.download("second", time=in_days(18, NOW)), 1)
        self.expire("role", 21)
        self.repository.publish("role", "snapshot", "timestamp")
        self.assertEqual(self.download("second", time=in_days(18, NOW)), 0)
        self.assertEqual(self.downloaded(), [b"first", b"second"])
