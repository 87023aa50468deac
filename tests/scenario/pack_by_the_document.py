#!/usr/bin/env python3
"""Reads and verifies a pack by docs/pack-format.md alone: the standard library of Python and the program zstd.

Usage: pack_by_the_document.py MANIFEST PACK     prints one line for each object: kind, name, length
"""
import hashlib
import json
import struct
import subprocess
import sys

KINDS = ("commit", "dirtree", "dirmeta", "file")
MOST_RAW = 4194304


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
        demand(magic == b"CUBEINDX" and version == 1, "index: magic or version")
        demand(1 <= chunks <= 1 << 20 and sum(counts) <= 1 << 20 and counts[0] == 1, "index: counts")
        self.commit = data[32:64].hex()
        demand(data[64:96] == bytes(32), "index: a delta")
        demand(len(data) == 96 + 48 * chunks + 40 * sum(counts), "index: length")
        self.chunks = [self.chunk(*struct.unpack_from("<32s4I", data, 96 + 48 * i)) for i in range(chunks)]
        demand(32 + sum(stored for _, stored, _, _ in self.chunks) == offset, "index: chunks end elsewhere")
        kinds = [kind for kind, count in zip(KINDS, counts) for _ in range(count)]
        at = 96 + 48 * chunks
        entries = [struct.unpack_from("<32sQ", data, at + 40 * i) for i in range(len(kinds))]
        self.objects = [(kind, name.hex(), length) for kind, (name, length) in zip(kinds, entries)]
        demand(all(length > 0 for _, _, length in self.objects), "index: an empty object")
        demand(len({(kind, name) for kind, name, _ in self.objects}) == len(kinds), "index: an object twice")
        demand(self.objects[0][:2] == ("commit", self.commit), "index: another commit")
        raw = sum(raw for _, _, raw, _ in self.chunks)
        demand(raw == sum(length for _, _, length in self.objects), "index: sums differ")

    @staticmethod
    def chunk(digest, stored, raw, encoding, zero):
        demand(1 <= raw <= MOST_RAW and zero == 0, "chunk: numbers")
        demand(encoding in (0, 1), "chunk: encoding")
        demand(stored == raw if encoding == 0 else 1 <= stored < raw, "chunk: length")
        return digest.hex(), stored, raw, encoding


def decompress(frame, raw):
    done = subprocess.run(["zstd", "-dcq"], input=frame, capture_output=True, timeout=60)
    demand(done.returncode == 0 and len(done.stdout) == raw, "chunk: frame")
    return done.stdout


def raw_chunks(index, data):
    at = 32
    for digest, stored, raw, encoding in index.chunks:
        held = data[at:at + stored]
        at += stored
        demand(sha256(held) == digest, "chunk: SHA-256")
        yield held if encoding == 0 else decompress(held, raw)


def read_pack(described, data):
    """The index, and (kind, name, bytes) of each object; `described` is the manifest's entry of the pack."""
    place = described["index"]
    demand(len(data) == described["length"] and sha256(data) == described["sha256"], "pack: not what is signed")
    header = b"CUBEPACK" + struct.pack("<2I2Q", 1, 0, place["offset"], place["length"])
    demand(data[:32] == header, "pack: header")
    raw_index = data[place["offset"]:]
    demand(len(raw_index) == place["length"] and sha256(raw_index) == place["sha256"], "index: not what is signed")
    index = Index(raw_index, place["offset"])
    raw = b"".join(raw_chunks(index, data))
    objects, at = [], 0
    for kind, name, length in index.objects:
        content = raw[at:at + length]
        at += length
        demand(sha256(content) == name, "object: SHA-256")
        objects.append((kind, name, content))
    return index, objects


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


def main():
    described = json.load(open(sys.argv[1], encoding="utf-8"))["packs"][0]
    with open(sys.argv[2], "rb") as file:
        _, objects = read_pack(described, file.read())
    for kind, name, content in objects:
        print(kind, name, len(content))


if __name__ == "__main__":
    main()
