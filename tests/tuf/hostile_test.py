"""Servers and documents that mean harm: the client refuses in bounded time and memory, and goes on when it is over."""
import json
import resource
import time

from client import TufTest
from repository import Repository

KIB = 1024
LIMITS = {"root": 64 * KIB, "timestamp": 64 * KIB, "snapshot": 1024 * KIB, "targets": 1024 * KIB}


class Documents(TufTest):
    def replace_newest(self, role, text):
        self.repository.published[role][-1] = text

    def publish_second(self):
        self.repository.publish("root", "targets", "snapshot", "timestamp")

    def test_every_truncation_is_refused(self):
        self.repository.delegate("role")
        self.repository.add_target("file", b"content", "role")
        self.repository.publish("role")
        self.publish_second()
        for role in ("root", "timestamp", "snapshot", "targets", "role"):
            good = self.repository.published[role][-1]
            # A process for each byte would take minutes; the unit tests cut at every byte.
            for size in {0, 1, len(good) // 3, len(good) // 2, len(good) - 2, len(good) - 1}:
                self.replace_newest(role, good[:size])
                self.assertEqual(self.download("file"), 1, f"{role} cut at {size}")
            self.replace_newest(role, good)
        self.assertEqual(self.download("file"), 0, self.said)

    def test_texts_that_are_no_documents(self):
        texts = [b"", b"\x00", b"null", b"[]", b"{}", b'"text"', b"7", b"[" * 60000, b'{"a":' * 9000,
                 b"\xef\xbb\xbf{}", b"\xff\xfe{\x00", b'{"signed": NaN, "signatures": []}',
                 b'{"signed": {}, "signatures": []}', b'{"signed": [], "signatures": {}}']
        for role in ("root", "timestamp", "snapshot", "targets"):
            self.start(Repository())
            self.publish_second()
            good = self.repository.published[role][-1]
            head = good[:good.index(b"{") + 1]
            for text in texts + [good + good, good + b"x", good + b"\x00", head + b'"signed": 1,' + good[len(head):],
                                 good.replace(b'"version": 2', b'"version": 2.0', 1),
                                 good.replace(b'"version": 2', b'"version": 2e0', 1),
                                 good.replace(b'"version": 2', b'"version": 02', 1),
                                 good.replace(b'"version": 2', b'"version": 2, "version": 2', 1)]:
                with self.subTest(f"{role}: {text[:30]}"):
                    self.replace_newest(role, text)
                    self.assertEqual(self.refresh(), 1)
                    self.assertNotEqual(self.trusted().get(role), 2)
            self.replace_newest(role, good)
            self.accepted()

    def test_numbers_out_of_range(self):
        for version in (0, -1, 2**53, 2**63, 2**64, 10**30, "1", None, True):
            self.repository.signed["timestamp"]["version"] = version
            self.repository.publish("timestamp", bump=False)
            self.assertEqual(self.refresh(), 1, version)
            self.expect_trusted(root=1)

    def test_too_large(self):
        for role, limit in LIMITS.items():
            with self.subTest(role):
                self.start(Repository())
                self.repository.signed[role]["filler"] = "x" * (limit - len(self.repository.document(role)) - 200)
                self.publish_second()
                self.accepted()
                self.repository.signed[role]["filler"] += "x" * 400
                self.repository.publish("root", "targets", "snapshot", "timestamp")
                self.assertEqual(self.refresh(), 1)
                self.assertEqual(self.trusted()[role], 2)

    def test_too_many_signatures(self):
        self.repository.edit_last("timestamp", lambda document: document["signatures"].extend(
            {"keyid": f"{number}", "sig": "00"} for number in range(16)))
        self.refused("more than 16 signatures")


class Endless(TufTest):
    """A body without an end is given up at the limit, long before memory or patience are at theirs."""

    def endless(self, handler):
        handler.send_response(200)
        handler.end_headers()
        self.sent = 0
        try:
            while self.sent < 256 * 1024 * KIB:
                self.sent += handler.wfile.write(b" " * 64 * KIB)
        except OSError:
            pass

    def serve_endlessly(self, role):
        serve = self.repository.metadata
        self.repository.metadata = lambda name: self.endless if role in name else serve(name)

    def test_for_each_role(self):
        for role in ("2.root", "timestamp", "snapshot", "targets"):
            with self.subTest(role):
                self.start(Repository())
                self.serve_endlessly(role)
                started = time.monotonic()
                self.assertEqual(self.refresh(), 1)
                self.assertLess(time.monotonic() - started, 30)
                self.assertLess(self.sent, 64 * 1024 * KIB)
        self.assertLess(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss, 512 * KIB)

    def test_for_a_target(self):
        self.repository.add_target("file", b"content")
        self.repository.publish_all()
        self.repository.target = lambda name: self.endless
        self.assertEqual(self.download("file"), 1)
        self.assertLess(self.sent, 64 * 1024 * KIB)
        self.assertEqual(self.downloaded(), [])


class Chain(TufTest):
    def test_of_roots_is_bounded(self):
        for _ in range(32):
            self.repository.publish("root")
        self.accepted()
        self.start(Repository())
        for _ in range(33):
            self.repository.publish("root")
        self.refused("more than 32 new roots")

    def test_a_server_that_fails_is_not_the_end_of_the_chain(self):
        serve = self.repository.metadata

        def failing(handler):
            handler.send_error(500)
        self.repository.metadata = lambda name: failing if name == "2.root.json" else serve(name)
        self.assertEqual(self.refresh(), 1)
        self.expect_trusted(root=1)

    def test_a_root_that_is_the_answer_to_every_question(self):
        root = self.repository.published["root"][0]
        self.repository.metadata = lambda name: root
        self.refused("is version 1, not 2")


class Kept(TufTest):
    """Whoever can write to the folder of the metadata still cannot sign."""

    def test_forged_files_are_ignored(self):
        self.accepted()
        stranger = Repository()
        for role in ("timestamp", "snapshot", "targets"):
            stranger.signed[role]["version"] = 77
            stranger.publish(role, bump=False)
            (self.metadata_dir / f"{role}.json").write_bytes(stranger.published[role][-1])
            self.accepted()
            self.expect_trusted(root=1, timestamp=1, snapshot=1, targets=1)

    def test_a_signed_document_under_the_name_of_another_is_ignored(self):
        self.accepted()
        kept = (self.metadata_dir / "targets.json").read_bytes()
        (self.metadata_dir / "snapshot.json").write_bytes(kept)
        self.accepted()
        self.assertEqual(json.loads((self.metadata_dir / "snapshot.json").read_bytes())["signed"]["_type"], "snapshot")
