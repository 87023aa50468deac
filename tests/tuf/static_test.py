"""A repository as files, published once (make_static.py): the client must go on reading it."""
from pathlib import Path

from client import TufTest
from make_static import TARGET

STATIC = Path(__file__).parent / "static"


class Files:
    """The folder in the place of a repository in memory."""

    published = {}

    @staticmethod
    def metadata(name):
        path = STATIC / "metadata" / name
        return path.read_bytes() if path.exists() else None

    @staticmethod
    def target(name):
        path = STATIC / "targets" / name
        return path.read_bytes() if path.exists() else None


class StaticRepository(TufTest):
    def setUp(self):
        self.start(Files())

    def test_from_each_of_its_roots(self):
        for version in (1, 2):
            self.start(Files())
            self.assertEqual(self.init(Files.metadata(f"{version}.root.json")), 0)
            self.accepted()
            self.assertEqual(self.download(TARGET), 0, self.said)
            self.assertEqual(self.downloaded(), [b"content of a firmware\n"])
            self.expect_trusted(root=2, timestamp=1, snapshot=1, targets=1, releases=1)

    def test_until_it_expires(self):
        self.assertEqual(self.init(Files.metadata("1.root.json")), 0)
        self.accepted(time="2098-12-31T23:59:59Z")
        self.refused("expired", time="2099-01-01T00:00:00Z")
