#!/usr/bin/env python3
"""journald explains what the program writes: each MESSAGE_ID in the code has an entry, and each entry an id in the code.

Usage: journal_catalog_test.py SOURCE_FOLDER
"""
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

SOURCE = pathlib.Path(sys.argv.pop(1)).resolve()
CATALOG = SOURCE / "packaging/journal-catalog/cube-update.catalog"
FIELDS = {"CUBE_ATTEMPT": "7", "CUBE_RELEASE": "CUBE_2.0.0_20260102-0000_abcd1234", "CUBE_FROM_RELEASE": "CUBE_1.0.0_20260101-0000_abcd1234",
          "CUBE_CAUSE": "panic", "CUBE_STAGE": "root-not-found", "CUBE_CONFIDENCE": "high"}


def code():
    files = subprocess.run(["git", "ls-files", "-co", "--exclude-standard", "*.cpp", "*.h"], cwd=SOURCE, check=True, capture_output=True, text=True)
    return "\n".join((SOURCE / name).read_text() for name in files.stdout.split() if not name.startswith("tests/") and (SOURCE / name).exists())


class JournalCatalog(unittest.TestCase):
    def setUp(self):
        self.root = pathlib.Path(tempfile.mkdtemp(prefix="cube-catalog-"))
        self.addCleanup(shutil.rmtree, self.root)
        folder = self.root / "usr/lib/systemd/catalog"
        folder.mkdir(parents=True)
        shutil.copy(CATALOG, folder)
        (self.root / "var/lib/systemd/catalog").mkdir(parents=True)
        done = subprocess.run(["journalctl", f"--root={self.root}", "--update-catalog"], capture_output=True, text=True)
        self.assertEqual((done.returncode, done.stderr), (0, ""))

    def test_ids_are_those_of_the_code(self):
        listed = subprocess.run(["journalctl", f"--root={self.root}", "--list-catalog"], check=True, capture_output=True, text=True).stdout
        ids = {line.split()[0] for line in listed.splitlines()}
        self.assertEqual(ids, set(re.findall(r"MESSAGE_ID=([0-9a-f]{32})", code())))
        self.assertTrue(ids)

    def test_fields_are_those_of_the_code(self):
        """A field that no entry has is shown as its bare name."""
        fields = set(re.findall(r"@([A-Z_]+)@", CATALOG.read_text()))
        self.assertLessEqual(fields, set(re.findall(r'"(CUBE_[A-Z_]+)=', code())))
        self.assertLessEqual(fields, set(FIELDS))

    def test_journalctl_explains_a_rollback(self):
        """With a database of its own in the place of the system's, which needs root."""
        if os.geteuid() != 0:
            self.skipTest("needs root to mount")
        message = re.search(r"MESSAGE_ID=([0-9a-f]{32})", code()).group(1)
        entry = {"__REALTIME_TIMESTAMP": "1767225600000000", "__MONOTONIC_TIMESTAMP": "1000000", "_BOOT_ID": "0" * 31 + "1", "_MACHINE_ID": "0" * 31 + "2",
                 "MESSAGE": "rolled back", "MESSAGE_ID": message, "PRIORITY": "4", **FIELDS}
        journal = self.root / "one.journal"
        remote = next(path for path in ("/lib/systemd/systemd-journal-remote", "/usr/lib/systemd/systemd-journal-remote") if os.path.exists(path))
        subprocess.run([remote, f"--output={journal}", "-"], input="".join(f"{key}={value}\n" for key, value in entry.items()) + "\n",
                       text=True, check=True, capture_output=True)
        # A file system of its own: nothing outside sees it.
        script = ("mount -t tmpfs none /var/lib/systemd && mkdir /var/lib/systemd/catalog && "
                  'cp "$1/var/lib/systemd/catalog/database" /var/lib/systemd/catalog/ && exec journalctl --no-pager -x --file="$2"')
        done = subprocess.run(["unshare", "--mount", "sh", "-c", script, "sh", self.root, journal], capture_output=True, text=True)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn(f"Subject: The update to {FIELDS['CUBE_RELEASE']} was rolled back", done.stdout)
        self.assertIn("cube-update why 7", done.stdout)
        self.assertNotIn("@CUBE_", done.stdout)


if __name__ == "__main__":
    unittest.main(verbosity=2)
