"""A writer for initramfs archives (cpio, newc), so that no device node or root-owned file is needed on the build host."""

import os
import stat


class Archive:
    """Collects entries in the order added; write() pads and ends the archive."""

    def __init__(self):
        self._parts = []
        self._inode = 0
        self._names = set()

    def _entry(self, name, mode, data=b"", device=(0, 0)):
        self._inode += 1
        raw = name.encode() + b"\0"
        fields = [self._inode, mode, 0, 0, 1, 0, len(data), 0, 0, *device, len(raw), 0]
        record = b"070701" + b"".join(b"%08X" % field for field in fields) + raw
        record += b"\0" * (-len(record) % 4)
        self._parts.append(record + data + b"\0" * (-len(data) % 4))

    def directory(self, name):
        """Adds a directory and those above it, each once."""
        name = name.strip("/")
        if not name or name in self._names:
            return
        self.directory(os.path.dirname(name))
        self._names.add(name)
        self._entry(name, stat.S_IFDIR | 0o755)

    def file(self, name, data, mode=0o644):
        name = name.strip("/")
        self.directory(os.path.dirname(name))
        self._entry(name, stat.S_IFREG | mode, data)

    def link(self, name, target):
        name = name.strip("/")
        self.directory(os.path.dirname(name))
        self._entry(name, stat.S_IFLNK | 0o777, target.encode())

    def character_device(self, name, major, minor):
        name = name.strip("/")
        self.directory(os.path.dirname(name))
        self._entry(name, stat.S_IFCHR | 0o600, device=(major, minor))

    def bytes(self):
        self._entry("TRAILER!!!", 0)
        data = b"".join(self._parts)
        self._parts.pop()
        return data + b"\0" * (-len(data) % 512)
