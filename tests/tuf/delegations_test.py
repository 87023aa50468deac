"""Which roles are asked for a target, in which order, and whose word counts."""
import hashlib

from client import TufTest
from repository import Key, Repository

# name -> (delegations as (from, to, options), roles asked for a target that nobody has)
GRAPHS = {
    "one": ([("targets", "A", {})], "A"),
    "two sisters": ([("targets", "A", {}), ("targets", "B", {})], "AB"),
    "a level below": ([("targets", "A", {}), ("targets", "B", {}), ("B", "C", {})], "ABC"),
    "children before sisters": ([("targets", "A", {}), ("targets", "B", {}), ("A", "C", {}), ("A", "D", {})], "ACDB"),
    "three levels": ([("targets", "A", {}), ("targets", "B", {}), ("A", "C", {}), ("C", "D", {})], "ACDB"),
    "terminating ends the search": (
        [("targets", "A", {}), ("targets", "B", {}), ("A", "C", {"terminating": True}), ("A", "D", {})], "AC"),
    "terminating lets its own children speak": (
        [("targets", "A", {}), ("targets", "B", {}), ("A", "C", {"terminating": True}), ("C", "D", {})], "ACD"),
    "terminating that does not cover it is passed over": (
        [("targets", "A", {"terminating": True, "paths": ["*.py"]}), ("targets", "B", {})], "B"),
    "terminating at the top": ([("targets", "A", {"terminating": True}), ("targets", "B", {})], "A"),
    "what is not covered is not asked": (
        [("targets", "A", {"paths": ["*.py"]}), ("targets", "B", {}), ("A", "C", {})], "B"),
    "not covered a level below": (
        [("targets", "A", {}), ("targets", "B", {}), ("A", "C", {"paths": ["*.py"]}), ("C", "D", {})], "AB"),
    "a cycle": ([("targets", "A", {}), ("targets", "B", {}), ("B", "C", {}), ("C", "D", {}), ("D", "B", {})], "ABCD"),
    "to itself": ([("targets", "A", {}), ("A", "A", {})], "A"),
    "two ways to one role": ([("targets", "A", {}), ("targets", "B", {}), ("B", "C", {}), ("A", "C", {})], "ACB"),
    "two ways, one of which covers": (
        [("targets", "A", {}), ("targets", "B", {}), ("B", "C", {}), ("A", "C", {"paths": ["*.py"]})], "ABC"),
    "no pattern covers nothing": ([("targets", "A", {"paths": []}), ("targets", "B", {})], "B"),
}


class Walk(TufTest):
    def lay_out(self, delegations):
        roles = []
        for delegator, role, options in delegations:
            # A role has one document, so whoever delegates to it names the same key.
            known = self.repository.signers.get(role)
            self.repository.delegate(role, delegator, key=known[0] if known else None, **options)
            self.repository.signers[role] = self.repository.signers[role][:1]
            roles += [role for role in (delegator, role) if role not in roles]
        return roles

    def publish_roles(self, roles):
        self.repository.publish(*(role for role in roles if role != "targets"), "targets", "snapshot", "timestamp")

    def asked(self):
        return "".join(role for role, _ in self.repository.metadata_requests[4:])

    def test_order(self):
        for name, (delegations, order) in GRAPHS.items():
            with self.subTest(name):
                self.start(Repository())
                self.publish_roles(self.lay_out(delegations))
                self.assertEqual(self.download("missing"), 1)
                self.assertIn("missing: not among the targets", self.said)
                self.assertEqual(self.asked(), order)
                self.assertEqual({role for role in self.trusted() if len(role) == 1}, set(order))

    def test_the_first_that_knows_it_is_believed(self):
        self.publish_roles(self.lay_out([("targets", "A", {}), ("targets", "B", {}), ("A", "C", {})]))
        for role, content in (("B", b"by B"), ("C", b"by C")):
            self.repository.add_target("file", content, role)
        self.repository.add_target("file", b"by C", "C")
        self.repository.publish("B", "C", "snapshot", "timestamp")
        self.assertEqual(self.download("file"), 0, self.said)
        self.assertEqual(self.downloaded(), [b"by C"])
        self.assertEqual(self.asked(), "AC")

    def test_every_role_on_the_way_must_cover_it(self):
        roles = self.lay_out([("targets", "A", {"paths": ["*.doc", "*.md"]}),
                              ("targets", "B", {"paths": ["releases/*/*"]}),
                              ("B", "C", {"paths": ["releases/x/*"]}), ("B", "D", {"paths": ["releases/y/*.zip"]})])
        cases = [("targets", "file", ""), ("A", "README.md", "A"), ("C", "releases/x/x_1", "BC"),
                 ("D", "releases/y/y_1.zip", "BD"), ("D", "releases/z/z_1.zip", None), ("A", "deep/README.md", None),
                 ("C", "README.doc", None)]
        for role, path, _ in cases:
            self.repository.add_target(path, f"{path} by {role}".encode(), role)
        self.publish_roles(roles)
        for role, path, order in cases:
            with self.subTest(path):
                self.start(self.repository)
                self.repository.metadata_requests.clear()
                self.assertEqual(self.download(path), 1 if order is None else 0, self.said)
                if order is not None:
                    self.assertEqual(self.downloaded(), [f"{path} by {role}".encode()])
                    self.assertEqual(self.asked(), order)

    def test_patterns(self):
        cases = [("*", "a", True), ("*", "a/b", False), ("*/*", "a/b", True), ("a/*", "a/", True), ("a", "a", True),
                 ("a", "b", False), ("?", "a", True), ("?", "", False), ("??", "a", False), ("a?c", "a/c", False),
                 ("*.tgz", "foo.tgz", True), ("*.tgz", "x/foo.tgz", False), ("foo-?.tgz", "foo-2.tgz", True),
                 ("foo-?.tgz", "foo-alpha.tgz", False), ("a*b*c", "aXbYbZc", True), ("a*b*c", "aXbYbZ", False),
                 ("**", "x", True), ("[a]", "a", False), ("[a]", "[a]", True), ("\\*", "*", False), ("A", "a", False),
                 ("*a*a*a*a*a*a*a*a*b", "a" * 60, False)]
        for pattern, path, covered in cases:
            with self.subTest(f"{pattern} {path}"):
                self.start(Repository())
                self.publish_roles(self.lay_out([("targets", "A", {"paths": ["no", pattern]})]))
                self.download(path or "none")
                self.assertEqual(self.asked(), "A" if covered else "")

    def test_hash_prefixes(self):
        digest = hashlib.sha256(b"path/file").hexdigest()
        other = "0" if digest[0] != "0" else "1"
        for prefixes, covered in (([digest[:2]], True), ([digest], True), ([""], True), ([other, digest[:1]], True),
                                  ([other], False), ([], False), ([digest + "0"], False)):
            with self.subTest(str(prefixes)):
                self.start(Repository())
                self.publish_roles(self.lay_out([("targets", "A", {"path_hash_prefixes": prefixes})]))
                self.download("path/file")
                self.assertEqual(self.asked(), "A" if covered else "")

    def test_bounds(self):
        chain = [("targets", "1", {})] + [(str(n), str(n + 1), {}) for n in range(1, 9)]
        self.publish_roles(self.lay_out(chain))
        self.assertEqual(self.download("missing"), 1)
        self.assertIn("8 levels", self.said)
        self.assertEqual(self.asked(), "12345678")
        self.start(Repository())
        self.publish_roles(self.lay_out([("targets", f"r{n}", {}) for n in range(33)]))
        self.assertEqual(self.download("missing"), 1)
        self.assertIn("32 delegated roles", self.said)
        self.assertEqual(len(self.repository.metadata_requests), 4 + 32)
        self.start(Repository())
        self.publish_roles(self.lay_out([("targets", f"r{n}", {}) for n in range(65)]))
        self.refused("more than 64")


class WhoseWord(TufTest):
    def setUp(self):
        super().setUp()
        self.key = self.repository.delegate("role", threshold=1)
        self.repository.add_target("file", b"content", "role")
        self.repository.publish("role", "targets", "snapshot", "timestamp")

    def expect_refused(self, because):
        self.assertEqual(self.download("file"), 1)
        self.assertIn(because, self.said)
        self.assertEqual(self.downloaded(), [])

    def test_only_the_delegators_keys_count(self):
        for signers in ([], [Key()], self.repository.signers["targets"]):
            self.repository.signers["role"] = list(signers)
            self.repository.publish("role", "snapshot", "timestamp")
            self.expect_refused("role.json: signed by 0")
            self.assertNotIn("role", self.trusted())

    def test_thresholds_count_here_too(self):
        entry = self.repository.role_entry("role", "targets")[1]
        entry["threshold"] = 2
        self.repository.add_key("role", self.key.alias("again"), "targets")
        self.repository.publish("role", "targets", "snapshot", "timestamp")
        self.expect_refused("signed by 1 of the 2")
        self.repository.add_key("role", Key("rsa"), "targets")
        self.repository.publish("role", "targets", "snapshot", "timestamp")
        self.assertEqual(self.download("file"), 0, self.said)

    def test_what_is_kept_is_verified_by_the_keys_of_now(self):
        self.assertEqual(self.download("file"), 0, self.said)
        self.repository.add_target("other", b"other", "role")
        entry = self.repository.role_entry("role", "targets")[1]
        entry["keyids"] = []
        self.repository.add_key("role", Key(), "targets", signs=False)
        self.repository.publish("targets", "snapshot", "timestamp")
        (self.target_dir / "file").unlink()
        self.expect_refused("role.json: signed by 0")  # the version kept is still the newest

    def test_a_role_that_the_snapshot_does_not_know(self):
        self.repository.delegate("unheard")
        self.repository.publish("targets", "snapshot", "timestamp")
        self.assertEqual(self.download("nothing"), 1)
        self.assertIn("no word of the delegated role unheard", self.said)

    def test_a_role_that_is_not_there(self):
        self.repository.published["role"] = []
        self.expect_refused("404")

    def test_version_and_hash_of_the_snapshot_count(self):
        self.repository.describe_files = True
        self.repository.publish("role", "snapshot", "timestamp")
        self.repository.published["role"][1] += b" "
        self.expect_refused("2.role.json")
        self.repository.describe_files = False
        self.repository.publish("role", "snapshot", "timestamp")
        self.repository.published["role"][2] = self.repository.published["role"][0]
        self.expect_refused("is version 1, not 3")

    def test_what_is_kept_is_not_fetched_again(self):
        self.assertEqual(self.download("file"), 0, self.said)
        self.repository.metadata_requests.clear()
        self.assertEqual(self.download("file"), 0, self.said)
        self.assertEqual(self.repository.metadata_requests, [("root", 2), ("timestamp", None)])

    def test_forms_that_are_refused(self):
        good = dict(self.repository.role_entry("role", "targets")[1])
        bad = [{"name": ""}, {"name": "root"}, {"name": "timestamp"}, {"name": "snapshot"}, {"name": "targets"},
               {"name": "x" * 81}, {"name": None}, {"paths": None}, {"paths": [1]}, {"path_hash_prefixes": []},
               {"paths": ["x" * 1025]}, {"paths": ["x"] * 257}, {"threshold": 0}, {"keyids": ["unknown"]},
               {"terminating": "no"}]
        for change in bad:
            entry = {name: value for name, value in {**good, **change}.items()
                     if not (name == "paths" and value is None)}
            self.repository.signed["targets"]["delegations"]["roles"] = [entry]
            self.repository.publish("targets", "snapshot", "timestamp")
            self.refused("targets.json: ")
        self.repository.signed["targets"]["delegations"]["roles"] = [good, good]
        self.repository.publish("targets", "snapshot", "timestamp")
        self.refused("delegated to twice")
        self.repository.signed["targets"]["delegations"]["roles"] = [good]
        del self.repository.signed["targets"]["delegations"]["roles"][0]["terminating"]
        self.repository.publish("targets", "snapshot", "timestamp")
        self.assertEqual(self.download("file"), 0, self.said)
