#!/usr/bin/env python3
"""Reads and verifies a pack by docs/pack-format.md alone: the standard library of Python and the program zstd.

Usage: pack_by_the_document.py MANIFEST PACK [OLDER_PACK]
prints one line for each object: kind, name, length. A delta needs a full pack of the older release, too.
"""
import hashlib
import json
import struct
import subprocess
import sys
import tempfile

KINDS = ("commit", "dirtree", "dirmeta", "file")
MOST_RAW = 4194304
MOST_PREFIX = 8388608


class Refused(Exception):
    pass


def demand(condition, what):
    if not condition:
        raise Refused(what)


def sha256(data):
    return hashlib.sha256(data).hexdigest()


class Index:
    def __init__(self, data, offset):
        demand(len(data) >= 96, "index: too short")
        magic, version, chunks, *counts = struct.unpack_from("<8s6I", data, 0)
        demand(magic == b"CUBEINDX" and version in (1, 2), "index: magic or version")
        demand(1 <= chunks <= 1 << 20 and sum(counts) <= 1 << 20 and counts[0] == 1, "index: counts")
        self.commit = data[32:64].hex()
        demand((data[64:96] != bytes(32)) == (version == 2) and data[64:96] != data[32:64], "index: older commit")
        self.older = data[64:96].hex() if version == 2 else None
        head, bases, windows = 96, 0, 0
        if version == 2:
            demand(len(data) >= 104, "index: too short")
            head, bases, windows = 104, *struct.unpack_from("<2I", data, 96)
        demand(bases <= 1 << 20 and windows <= 1 << 20, "index: counts")
        tables = [head, head + 48 * chunks]
        tables += [tables[1] + 40 * sum(counts), tables[1] + 40 * sum(counts) + 40 * bases]
        demand(len(data) == tables[3] + 16 * windows, "index: length")
        self.chunks = [self.chunk(version, *struct.unpack_from("<32s4I", data, tables[0] + 48 * i))
                       for i in range(chunks)]
        demand(32 + sum(chunk[1] for chunk in self.chunks) == offset, "index: chunks end elsewhere")
        kinds = [kind for kind, count in zip(KINDS, counts) for _ in range(count)]
        entries = [struct.unpack_from("<32sQ", data, tables[1] + 40 * i) for i in range(len(kinds))]
        self.objects = [(kind, name.hex(), length) for kind, (name, length) in zip(kinds, entries)]
        demand(all(length > 0 for _, _, length in self.objects), "index: an empty object")
        demand(len({(kind, name) for kind, name, _ in self.objects}) == len(kinds), "index: an object twice")
        demand(self.objects[0][:2] == ("commit", self.commit), "index: another commit")
        raw = sum(chunk[2] for chunk in self.chunks)
        demand(raw == sum(length for _, _, length in self.objects), "index: sums differ")
        self.bases = [struct.unpack_from("<32sQ", data, tables[2] + 40 * i) for i in range(bases)]
        demand(len({name for name, _ in self.bases}) == bases and all(size > 0 for _, size in self.bases), "bases")
        self.windows = [struct.unpack_from("<2IQ", data, tables[3] + 16 * i) for i in range(windows)]
        self.check_windows()

    @staticmethod
    def chunk(version, digest, stored, raw, encoding, windows):
        demand(1 <= raw <= MOST_RAW, "chunk: numbers")
        demand(encoding in (0, 1) or (encoding == 2 and version == 2), "chunk: encoding")
        demand((windows > 0) == (encoding == 2), "chunk: windows")
        demand(stored == raw if encoding == 0 else 1 <= stored < raw, "chunk: length")
        return digest.hex(), stored, raw, encoding, windows

    def check_windows(self):
        ends, at = {}, 0
        for kind, name, length in self.objects:
            at += length
            if kind == "file":
                ends[name] = at
        named, window, raw_before = 0, 0, 0
        for _, _, raw, _, count in self.chunks:
            own = self.windows[window:window + count]
            demand(len(own) == count and sum(length for _, length, _ in own) <= MOST_PREFIX, "windows: of a chunk")
            for base, length, offset in own:
                demand(base <= named and base < len(self.bases), "window: base")
                if base == named:
                    named += 1
                    demand(ends.get(self.bases[base][0].hex(), 0) <= raw_before, "window: of a later object")
                demand(length > 0 and offset + length <= self.bases[base][1], "window: outside of its base")
            window += count
            raw_before += raw
        demand(window == len(self.windows) and named == len(self.bases), "index: windows or bases left over")


def decompress(frame, raw, prefix=None):
    with tempfile.NamedTemporaryFile() as file:
        file.write(prefix or b"")
        file.flush()
        how = ["--patch-from=" + file.name] if prefix else []
        done = subprocess.run(["zstd", "-dcq", *how], input=frame, capture_output=True, timeout=60)
    demand(done.returncode == 0 and len(done.stdout) == raw, "chunk: frame")
    return done.stdout


def read_pack(described, data, older=None):
    """The index, and (kind, name, bytes) of each object; `described` is the manifest's entry of the pack. Of a delta
    `older` has the contents of the older release's files by their objects' names."""
    place = described["index"]
    demand(len(data) == described["length"] and sha256(data) == described["sha256"], "pack: not what is signed")
    header = b"CUBEPACK" + struct.pack("<2I2Q", 1, 0, place["offset"], place["length"])
    demand(data[:32] == header, "pack: header")
    raw_index = data[place["offset"]:]
    demand(len(raw_index) == place["length"] and sha256(raw_index) == place["sha256"], "index: not what is signed")
    index = Index(raw_index, place["offset"])
    demand(index.older == described.get("from"), "index: another older commit")
    return index, list(read_objects(index, data, dict(older or {})))


def read_objects(index, data, contents):
    """Chunk by chunk, for what one gives may be a base of the next."""
    at, window, raw, waiting = 32, 0, b"", list(index.objects)
    for digest, stored, length, encoding, count in index.chunks:
        held = data[at:at + stored]
        at += stored
        demand(sha256(held) == digest, "chunk: SHA-256")
        prefix = b"".join(part(index, contents, *one) for one in index.windows[window:window + count])
        window += count
        raw += held if encoding == 0 else decompress(held, length, prefix)
        while waiting and len(raw) >= waiting[0][2]:
            kind, name, size = waiting.pop(0)
            content, raw = raw[:size], raw[size:]
            demand(sha256(content) == name, "object: SHA-256")
            if kind == "file" and index.older:
                contents[name] = file_object(content)[5]
            yield kind, name, content


def part(index, contents, base, length, offset):
    name, size = index.bases[base]
    demand(len(contents.get(name.hex(), b"")) == size, "base: missing, or of another size")
    return contents[name.hex()][offset:offset + length]


def offsets(size):
    """Format of a number in a GVariant of that size, and its length."""
    return ("<B", 1) if size < 1 << 8 else ("<H", 2) if size < 1 << 16 else ("<I", 4)


def attributes(data):
    if not data:
        return {}
    form, width = offsets(len(data))
    table = struct.unpack_from(form, data, len(data) - width)[0]  # the last number: where the numbers begin
    found, start = {}, 0
    for (end,) in struct.iter_unpack(form, data[table:]):
        one = data[start:end]
        start = end
        inner, size = offsets(len(one))
        split = struct.unpack_from(inner, one, len(one) - size)[0]
        found[one[:split - 1].decode()] = one[split:len(one) - size]
    return found


def file_object(data):
    """uid, gid, mode, target of the symlink, extended attributes and content of a file object."""
    length, zero, uid, gid, mode, rdev = struct.unpack_from(">6I", data, 0)
    demand(zero == 0 and rdev == 0, "file: header")
    header = data[8:8 + length]
    form, width = offsets(length)
    begin = struct.unpack_from(form, header, length - width)[0]
    target = header[16:begin - 1].decode()
    return uid, gid, mode, target, attributes(header[begin:length - width]), data[8 + length:]


def full_contents(data):
    """The contents of the files of a full pack by their objects' names, which prove them."""
    offset, length = struct.unpack_from("<2Q", data, 16)
    index = data[offset:offset + length]
    place = {"offset": offset, "length": length, "sha256": sha256(index)}
    _, objects = read_pack({"length": len(data), "sha256": sha256(data), "index": place}, data)
    return {name: file_object(content)[5] for kind, name, content in objects if kind == "file"}


def main():
    manifest, pack, *older = [open(path, "rb").read() for path in sys.argv[1:]]
    described = next(p for p in json.loads(manifest)["packs"] if p["sha256"] == sha256(pack))
    _, objects = read_pack(described, pack, full_contents(older[0]) if older else None)
    for kind, name, content in objects:
        print(kind, name, len(content))


if __name__ == "__main__":
    main()
