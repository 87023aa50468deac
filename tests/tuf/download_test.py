"""Targets: what is written where, what is fetched, names of every kind."""
import hashlib
import urllib.parse

from client import TufTest
from repository import Repository

STRANGE_ROLES = ["?", "#", "/delegated", "../delegated", "a/b", "%2e%2e%2f", "\u00fc", " ", "..", ".", "a\nb", "x" * 80,
                 "\u00e9" * 40, "*", "root.json", "1.root", "C:\\x", "'\"`$(x)"]
STRANGE_TARGETS = ["plain", "a/b/c.txt", "blank name", "per%cent", "per%2Fcent", "que?stion", "ha#sh", "\u00fcml\u00e4ut",
                   "...", "/absolute", ".hidden", "semi;colon&amp", "new\nline",
                   "x" * 300, "d/" * 100 + "deep", "root.json", "-option", "a//b", "end/"]


class Download(TufTest):
    def test_needs_no_refresh_before(self):
        self.assertEqual(self.download("nothing"), 1)
        self.assertEqual(self.repository.metadata_requests,
                         [("root", 2), ("timestamp", None), ("snapshot", 1), ("targets", 1)])
        self.expect_trusted(root=1, timestamp=1, snapshot=1, targets=1)
        self.assertEqual(self.repository.target_requests, [])

    def test_the_signed_bytes_arrive(self):
        for path, content in (("file.txt", b"content"), ("path/to/a/file.txt", bytes(range(256)) * 999), ("empty", b"")):
            self.start(self.repository)
            self.repository.add_target(path, content)
            self.repository.publish_all()
            self.accepted()
            self.assertEqual(self.downloaded(), [])
            self.assertEqual(self.download(path), 0, self.said)
            self.assertEqual(self.downloaded(), [content])

    def test_with_either_hash(self):
        for number, algorithms in enumerate((["sha256"], ["sha512"], ["sha256", "sha512"], ["sha256", "md5"])):
            content = f"content {number}".encode()
            self.repository.add_target("file", content, algorithms=algorithms)
            self.repository.publish_all()
            self.assertEqual(self.download("file"), 0, self.said)
            self.assertEqual(self.downloaded(), [content])
            named_by = hashlib.new(algorithms[0], content).hexdigest()
            self.assertEqual(self.repository.target_requests[-1], ("file", named_by))

    def test_both_hashes_count(self):
        for wrong in ("sha256", "sha512"):
            self.repository.add_target("file", b"content", algorithms=["sha256", "sha512"])
            hashes = self.repository.signed["targets"]["targets"]["file"]["hashes"]
            hashes[wrong] = "0" * len(hashes[wrong])
            self.repository.publish_all()
            self.assertEqual(self.download("file"), 1)
            self.assertEqual(self.downloaded(), [])

    def test_descriptions_that_are_refused(self):
        good = {"length": 1, "hashes": {"sha256": "a" * 64}}
        for change in ({"length": -1}, {"length": "1"}, {"length": None}, {"hashes": {}}, {"hashes": {"md5": "a"}},
                       {"hashes": {"sha256": "A" * 64}}, {"hashes": {"sha256": ""}}, {"hashes": None},
                       {"hashes": {"sha512": "a" * 64}}):
            self.repository.signed["targets"]["targets"]["file"] = {**good, **change}
            self.repository.publish_all()
            self.refused("targets.json: file")

    def test_what_is_there_is_not_fetched_again(self):
        self.repository.add_target("file", b"content")
        self.repository.publish_all()
        self.assertEqual(self.download("file"), 0)
        self.assertEqual(self.download("file"), 0)
        self.assertEqual(len(self.repository.target_requests), 1)
        (self.target_dir / "file").write_bytes(b"cOntent")
        self.assertEqual(self.download("file"), 0)
        self.assertEqual(len(self.repository.target_requests), 2)
        self.assertEqual(self.downloaded(), [b"content"])

    def test_other_bytes_than_the_signed_ones_are_never_written(self):
        for name in ("one", "two"):
            self.repository.add_target(name, b"content of " + name.encode())
        self.repository.publish_all()
        self.assertEqual(self.download("one"), 0)
        for bad in (b"malicious  one", b"", b"content of one and more", b"content of on"):
            self.repository.artifacts = {"one": bad, "two": bad}
            self.assertEqual(self.download("one"), 0)  # it is there
            self.assertEqual(self.download("two"), 1)
            self.assertEqual(self.downloaded(), [b"content of one"])

    def test_a_target_that_changes_keeps_its_file(self):
        for number in range(4):
            content = f"content {number}".encode()
            self.repository.add_target("file", content)
            self.repository.add_target(f"other {number}", b"other")
            self.repository.publish_all()
            self.assertEqual(self.download("file"), 0, self.said)
            self.assertEqual(self.downloaded(), [content])
            self.repository.artifacts["file"] = b"malicious"
            self.assertEqual(self.download("file"), 0)
            self.assertEqual(self.downloaded(), [content])

    def test_a_target_that_is_gone(self):
        self.repository.add_target("file", b"content")
        self.repository.publish_all()
        self.repository.artifacts.clear()
        self.assertEqual(self.download("file"), 1)
        self.assertIn("404", self.said)

    def test_a_target_that_is_no_longer_signed(self):
        self.repository.add_target("file", b"content")
        self.repository.publish_all()
        self.assertEqual(self.download("file"), 0)
        self.repository.signed["targets"]["targets"].clear()
        self.repository.publish_all()
        self.assertEqual(self.download("file"), 1)


class Names(TufTest):
    def expect_only_plain_files_below_the_folders(self):
        for folder in (self.metadata_dir, self.target_dir):
            for path in folder.rglob("*"):
                self.assertTrue(path.is_file() and path.parent == folder, path)
        self.assertEqual({path.name for path in self.folder.iterdir()},
                         {"metadata", "targets", "first_root.json"})

    def test_of_roles(self):
        for role in STRANGE_ROLES:
            with self.subTest(role):
                self.start(Repository())
                self.repository.delegate(role)
                self.repository.add_target("file", b"content", role)
                self.repository.publish(role, "targets", "snapshot", "timestamp")
                self.assertEqual(self.download("file"), 0, getattr(self, "said", ""))
                self.assertIn((urllib.parse.quote(role, safe=""), 1), self.repository.metadata_requests)
                self.assertEqual(len(self.trusted()), 5)
                self.expect_only_plain_files_below_the_folders()
                self.assertEqual(self.download("file"), 0, self.said)
                self.assertEqual(len(self.repository.metadata_requests), 7)

    def test_of_targets(self):
        for name in STRANGE_TARGETS:
            with self.subTest(name[:40]):
                self.start(Repository())
                self.repository.add_target(name, name.encode())
                self.repository.publish_all()
                self.assertEqual(self.download(name), 0, getattr(self, "said", ""))
                self.assertEqual(self.downloaded(), [name.encode()])
                self.expect_only_plain_files_below_the_folders()

    def test_of_targets_that_lead_elsewhere(self):
        for name in ("..", ".", "../outside", "a/../../outside", "a/./b", "a/.."):
            self.start(Repository())
            self.repository.add_target(name, b"content")
            self.repository.publish_all()
            self.assertEqual(self.download(name), 1)
            self.assertIn('a part "." or ".."', self.said)
            self.assertEqual(self.repository.target_requests, [])
            self.assertEqual(self.downloaded(), [])

    def test_of_targets_that_differ_in_a_byte_are_different_files(self):
        names = ["a/b", "a%2Fb", "a%252Fb", "a b", "a+b", "A/b"]
        for name in names:
            self.repository.add_target(name, name.encode())
        self.repository.publish_all()
        for name in names:
            self.assertEqual(self.download(name), 0, self.said)
        self.assertEqual(self.downloaded(), sorted(name.encode() for name in names))
