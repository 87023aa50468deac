#!/usr/bin/env python3
"""Writes the first inputs of the fuzz targets whose inputs are not documents.

Usage: make_corpus.py          writes tests/fuzz/corpus/TARGET/NAME; keys are new each time

The targets that read choices (tests/fuzz/choices.h) get them one byte at a time; what each byte
means stands in the target.
"""
import hashlib
import struct
import subprocess
import tempfile
from pathlib import Path

CORPUS = Path(__file__).parent / "corpus"


def write(target, inputs):
    folder = CORPUS / target
    folder.mkdir(parents=True, exist_ok=True)
    for name, data in inputs.items():
        (folder / name).write_bytes(data if isinstance(data, bytes) else data.encode())


def public_key(*options, form="PEM"):
    pair = subprocess.run(["openssl", "genpkey", *options], check=True, capture_output=True).stdout
    return subprocess.run(["openssl", "pkey", "-pubout", "-outform", form], input=pair, check=True,
                          capture_output=True).stdout


def p256(*more):
    return ("-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", *more)


def pem_keys():
    compressed = subprocess.run(
        ["openssl", "ec", "-pubin", "-conv_form", "compressed", "-outform", "DER"],
        input=public_key(*p256()), check=True, capture_output=True).stdout
    rsa = ("-algorithm", "RSA", "-pkeyopt")
    return {
        "p256.pem": public_key(*p256()),
        "p256.der": public_key(*p256(), form="DER"),
        "p256-compressed.der": compressed,
        "p256-explicit.der": public_key(*p256("-pkeyopt", "ec_param_enc:explicit"), form="DER"),
        "p384.der": public_key("-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-384", form="DER"),
        "rsa2048.pem": public_key(*rsa, "rsa_keygen_bits:2048"),
        "rsa2048.der": public_key(*rsa, "rsa_keygen_bits:2048", form="DER"),
        "rsa1024.der": public_key(*rsa, "rsa_keygen_bits:1024", form="DER"),
        "rsa-e3.der": public_key(*rsa, "rsa_keygen_bits:2048", "-pkeyopt", "rsa_keygen_pubexp:3",
                                 form="DER"),
        "ed25519.der": public_key("-algorithm", "ED25519", form="DER"),
        "encrypted.pem": "-----BEGIN PUBLIC KEY-----\nProc-Type: 4,ENCRYPTED\n"
                         "DEK-Info: AES-128-CBC,00\n\nAAAA\n-----END PUBLIC KEY-----\n",
    }


URLS = ["https://updates.example/cube", "http://127.0.0.1:8080/a/b?c#d", "file:///media/USB%20DISK",
        "https://me:secret@host/", "https:///me:secret@host/", "http://[::1%25eth0]:80/x",
        "ftp://me:secret@host/", "me:secret@host", "https://host\\@other/", "http:/x", "https://",
        "HTTPS://HOST/", "https://host/a@b", "http:////u@h", "file://host/x"]

OK = "HTTP/1.1 200 OK\r\n"
MOVED = "HTTP/1.1 302 Found\r\nContent-Length: 0\r\nLocation: "
ANSWERS = {
    "whole": OK + "Content-Length: 7\r\n\r\ncontent",
    "without-length": OK + "\r\ncontent",
    "cut-off": OK + "Content-Length: 70\r\n\r\ncontent",
    "too-long": OK + "\r\n" + "x" * 513,
    "chunked": OK + "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n4;x=y\r\ndefg\r\n0\r\nT: r\r\n\r\n",
    "chunk-too-large": OK + "Transfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\nabc",
    "two-lengths": OK + "Content-Length: 3\r\nContent-Length: 7\r\n\r\ncontent",
    "negative-length": OK + "Content-Length: -1\r\n\r\ncontent",
    "gzip": OK + "Content-Encoding: gzip\r\n\r\n\x1f\x8b\x08",
    "wait-a-second": "HTTP/1.1 503 Busy\r\nRetry-After: 1\r\nContent-Length: 0\r\n\r\n",
    "wait-for-ever": "HTTP/1.1 429 X\r\nRetry-After: 99999999999999999999\r\n\r\n",
    "wait-until": "HTTP/1.1 503 X\r\nRetry-After: Fri, 31 Dec 9999 23:59:59 GMT\r\n\r\n",
    "not-found": "HTTP/1.1 404 Not Found\r\n\r\n<html>none</html>",
    "page": OK + "Content-Type: text/html\r\n\r\n<html>sign in</html>",
    "continue": "HTTP/1.1 100 Continue\r\n\r\n" + OK + "Content-Length: 1\r\n\r\nx",
    "old": "HTTP/1.0 200 OK\r\n\r\ncontent",
    "none-of-it": "content",
    "http2": "HTTP/2 200\r\n\r\ncontent",
    "partial": "HTTP/1.1 206 Partial\r\nContent-Range: bytes 0-6/7\r\nContent-Length: 7\r\n\r\ncontent",
    "redirect": MOVED + "/other\r\n\r\n\x1e" + OK + "Content-Length: 7\r\n\r\ncontent",
    "redirect-to-file": MOVED + "file:///etc/hostname\r\n\r\n",
    "redirects": "\x1e".join([MOVED + "/other\r\n\r\n"] * 5),
    "redirect-to-https": MOVED + "https://repository.example/\r\n\r\n",
    "upgrade": "HTTP/1.1 101 Switching\r\nUpgrade: h2c\r\n\r\nx",
    "asks-for-a-name": "HTTP/1.1 407 X\r\nProxy-Authenticate: Basic realm=x\r\n\r\n",
    "a-head-that-is-cut-off": "HTTP/1.1 \t200 OK\r\nContent-Le",
    "folded-at-the-start-of-the-second": OK + "A: b\r\nContent-Length: 1\r\n\r\nx\x1e" + OK + " a: b\r\n"
                                         "Content-Length: 1\r\n\r\ny",
    "odd-status-line-in-small-letters": "HtTP/1.1 404 \n\r\n<itmll>",
    "odd-status-line": "HTTP/.1410 4 r\r\n\r\n",
    "folded": OK + "X-Long: a\r\n b\r\n c\r\nContent-Length: 1\r\n\r\nx",
}


def tuf_runs():
    # One run: generation, number of changes, the changes, whether it is 2030.
    plain = lambda generation: bytes([generation, 0, 0])
    changed = lambda generation, *changes: bytes([generation, len(changes), *b"".join(changes), 0])
    # Keys: 1 timestamp, 2 its second, 4 snapshot, 8 targets, 16 targets again, 32 second, 64 vendor,
    # 128 stranger. First those that sign, then those whose ids stand over the stranger's signatures.
    # seal: a snapshot of version v and a timestamp, for the targets documents at those places.
    seal = lambda targets, vendor, v, snapshot=4, timestamp=3, claimed=0, vendor_v=None: bytes(
        [0, 7, targets, v, 0, vendor, v if vendor_v is None else vendor_v, 0, v, 0, snapshot, claimed,
         0, v, 0, timestamp, claimed])
    forge = lambda place, *what: bytes([place, 6, *what])
    usurp = lambda v, keys, claimed: bytes([0, 8, v, 0, keys, claimed])
    return {
        "each-generation": plain(0) + plain(1) + plain(2),
        "rollback": plain(2) + plain(1) + plain(0),
        "in-2030": bytes([1, 0, 255]),
        "mixed-snapshot": plain(0) + changed(1, bytes([4, 1, 1])),
        "mixed-targets": plain(0) + changed(1, bytes([5, 1, 2])),
        "mixed-timestamp": plain(1) + changed(1, bytes([7, 1, 4])),
        "cut": changed(0, bytes([4, 2, 9, 9])),
        "a-bit": changed(0, bytes([2, 3, 1, 9, 4])),
        "a-bit-of-a-target": changed(0, bytes([5, 3, 1, 9, 1])),
        "inserted": changed(0, bytes([2, 4, 1, 9, 3]) + b"abc"),
        "replaced": changed(0, bytes([3, 5, 12]) + b'{"signed":{}'),
        "no-answer": plain(0) + changed(1, bytes([7, 9])),
        "absent": changed(0, bytes([1, 0])),
        "sealed": plain(0) + changed(1, seal(2, 3, 5)) + plain(1),
        "sealed-by-others": changed(0, seal(2, 3, 1, 128, 128)),
        "sealed-in-their-names": changed(0, seal(2, 3, 1, 0, 0, 7)),
        "other-targets": plain(0) + changed(0, forge(2, 0, 5, 40, 0), seal(2, 3, 5)),
        "targets-by-one-key-twice": changed(
            0, forge(2, 0, 5, 24, 0), seal(2, 3, 5, vendor_v=1)),
        "other-vendor": plain(0) + changed(0, forge(3, 0, 5, 64, 0), seal(2, 3, 5)),
        "vendor-with-another-key": plain(0) + changed(
            0, forge(2, 0, 2, 40, 0), forge(2, 4, 40, 0), seal(2, 3, 2, vendor_v=1)),
        "vendor-for-targets": plain(0) + changed(0, seal(3, 3, 3)),
        "expired": changed(0, forge(4, 1, 2, 1, 0)),
        "other-root": plain(0) + changed(0, bytes([0, 1, 0]), forge(0, 0, 2, 255, 0)),
        "usurped": plain(0) + changed(
            0, usurp(2, 128, 0), forge(2, 0, 3, 128, 0), seal(2, 3, 3, 128, 128)) + changed(0, usurp(2, 255, 255)),
        "fast-forward": plain(0) + changed(0, forge(4, 0, 251, 1, 0)) + plain(1) + plain(2),
        "two-of-one-version": plain(0) + changed(0, forge(4, 1, 0, 1, 0)) + plain(0),
        "more-targets": changed(0, forge(2, 3, 1, 2) + b"{}" + bytes([40, 0]), seal(2, 3, 1)),
    }


def tuf_states():
    # Even: for each of root, timestamp, snapshot, targets, vendor: kind; of a text: generation,
    # document, place, what is done to it. Odd: kind of the trusted root, and its text.
    good = lambda generation, document: bytes([4, generation, document, 0, 0, 4])
    return {
        "empty": bytes([0]),
        "old": bytes([0]) + b"".join(good(0, i) for i in (0, 4, 1, 2, 3)),
        "newest": bytes([0]) + b"".join(good(2, i) for i in (4, 10, 7, 8, 9)),
        "exchanged": bytes([0]) + b"".join(good(2, i) for i in (10, 7, 8, 9, 4)),
        "fifos-and-links": bytes([0, 1, 2, 3, 1, 2]),
        "garbage": bytes([0]) + b"".join(bytes([4, 0, 0, 0, 0, 0, 0, 3]) + b'{"s' for _ in range(5)),
        "cut": bytes([0]) + b"".join(bytes([4, 1, i, 0, 99, 1]) for i in (0, 7, 4, 5, 6)),
        "bits": bytes([0]) + b"".join(bytes([4, 1, i, 0, 99, 2, 8]) for i in (0, 7, 4, 5, 6)),
        "a-blank-in-the-root": bytes([0, 4, 2, 4, 0, 1, 2, 3]),
        "root": bytes([1, 0, 0, 0, 0, 0, 4]),
        "root-of-others": bytes([1, 1, 0, 0, 0, 0, 4]),
        "root-behind-a-link": bytes([1, 2, 0, 0, 0, 0, 4, 1]),
        "no-root": bytes([1, 2, 0, 0, 0, 0, 4, 0]),
        "root-cut": bytes([1, 0, 0, 0, 1, 9, 1]),
        "root-bit": bytes([1, 0, 0, 0, 1, 9, 2, 32]),
        "root-more": bytes([1, 0, 0, 0, 1, 9, 3, 3]) + b"   ",
        "root-of-another-role": bytes([1, 0, 2, 8, 0, 0, 4]),
        "root-two": bytes([1, 0, 2, 4, 0, 0, 4]),
        "root-garbage": bytes([1, 0, 0, 0, 0, 0, 0, 0, 9]) + b'{"signed"',
    }


def delegations():
    # Target (length, letters); number of roles; of each: what (delegations, the target itself),
    # and its delegations: name, kind, patterns.
    target = bytes([3, 0, 2, 1])  # "a/b"
    to = lambda name, kind, *patterns: bytes([name, kind]) + b"".join(patterns)
    star = bytes([1, 3])
    everything = bytes([3, 3, 2, 3])  # "*/*"
    return {
        "none": b"",
        "one": target + bytes([0, 1]) + to(0, 0, everything) + bytes([0xF0]),
        "terminating": target + bytes([1, 2]) + to(0, 1, everything) + to(1, 0, everything)
                       + bytes([0, 0xF0]),
        "not-covered": target + bytes([0, 1]) + to(0, 0, star) + bytes([0xF0]),
        "by-hash": target + bytes([0, 1]) + to(0, 8, bytes([1, 5])) + bytes([0xF0]),
        "a-ring": target + bytes([1, 1]) + to(0, 0, everything) + bytes([1]) + to(1, 0, everything)
                  + bytes([1]) + to(0, 0, everything),
        "a-chain": target + bytes([38]) + b"".join(bytes([1]) + to(i, 0, everything) for i in range(39)),
        "a-crowd": target + bytes([46]) + b"".join(
            bytes([3]) + b"".join(to((3 * i + k) % 47, 0, everything) for k in range(3))
            for i in range(47)),
    }


def signatures():
    # Scheme, another scheme, what is changed (key, message, signature; 3 = invented), six bytes of
    # change (place in one or two, value, way), message.
    inputs = {f"invented-{scheme}": bytes([scheme, 0, 3, 4]) + b"text" + b"\0" * 64 for scheme in range(3)}
    for scheme in range(3):
        for what, of in enumerate(("key", "message", "signature")):
            for way in range(4):
                inputs[f"{of}-{scheme}-{way}"] = bytes([scheme, (scheme + 1) % 3, what, 5, 1, way, 0, 0, 0]) \
                    + b"a message"
    return inputs


def delta_index(chunks, objects, bases, windows):
    """The index of a delta after its offset; chunks: length in the file, raw length, encoding, number of windows."""
    def name(kind, number):
        return hashlib.sha256(f"{kind} {number}".encode()).digest()
    counts = [len(chunks), 1, 0, 0, len(objects) - 1]
    data = b"CUBEINDX" + struct.pack("<6I", 2, *counts) + name("object", 0) + name("older", 0)
    data += struct.pack("<2I", len(bases), len(windows))
    for number, (stored, raw, encoding, own) in enumerate(chunks):
        data += name("chunk", number) + struct.pack("<4I", stored, raw, encoding, own)
    for number, length in enumerate(objects):
        data += name("object", number) + struct.pack("<Q", length)
    for number, (kind, size) in enumerate(bases):
        data += name(kind, number) + struct.pack("<Q", size)
    data += b"".join(struct.pack("<2IQ", *window) for window in windows)
    return struct.pack("<Q", 32 + sum(stored for stored, *_ in chunks)) + data


def delta_indexes():
    return {
        "delta": delta_index([(10, 10, 0, 0), (40, 100, 2, 2), (30, 100, 2, 1)], [10, 100, 100],
                             [("base", 1000), ("base", 500)], [(0, 1000, 0), (1, 1, 499), (0, 10, 990)]),
        "delta-of-itself": delta_index([(10, 10, 0, 0), (90, 100, 1, 0), (30, 100, 2, 1)], [10, 100, 100],
                                       [("base", 50)], [(0, 50, 0)]).replace(
                                           hashlib.sha256(b"base 0").digest(), hashlib.sha256(b"object 1").digest()),
        "delta-without-bases": delta_index([(10, 10, 0, 0), (40, 100, 1, 0)], [10, 100], [], []),
    }


def delta_chunks():
    """Fate of the base, raw length, length of the base, the base, the bytes of the file."""
    base = b"".join(b"line %d of the older file\n" % n for n in range(60))
    raw = b"new" + base[:700] + b"in between" + base[650:]
    with tempfile.NamedTemporaryFile() as file:
        file.write(base)
        file.flush()
        stored = subprocess.run(["zstd", "-9", "--no-check", "--single-thread", f"--stream-size={len(raw)}",
                                 "--patch-from=" + file.name], input=raw, check=True, capture_output=True).stdout
    head = struct.pack("<I", len(raw))[:3] + struct.pack("<H", len(base))
    inputs = {f"fate-{fate}": bytes([fate]) + head + base + stored for fate in range(5)}
    inputs["without-prefix"] = bytes([0]) + head + base + subprocess.run(
        ["zstd", "-9", "--no-check", f"--stream-size={len(raw)}"], input=raw, check=True, capture_output=True).stdout
    return inputs


def initramfs_images():
    def member(name, content=b"", magic="070701"):
        fields = [1, 0o100644, 0, 0, 1, 0, len(content), 0, 0, 0, 0, len(name) + 1, 0]
        head = (magic + "".join(f"{field:08x}" for field in fields)).encode() + name.encode() + b"\0"
        return b"".join(part + bytes(-len(part) % 4) for part in (head, content))

    end = member("TRAILER!!!")
    whole = member("init", b"#!/bin/sh\n") + member("usr/lib/modules/6.1/a.ko", b"x" * 7) + end
    return {
        "two": whole + bytes(512) + whole,
        "empty": end,
        "crc": member("init", b"abc", magic="070702") + end,
        "long-name": member("a" * 4090) + end,
        "large": member("init").replace(b"00000000", b"ffffffff") + end,
        "cut-off": whole[:-20],
        "zeros": bytes(64),
    }


def ipmi_replies():
    """Message, network function, command, completion code and data: what a BMC with a watchdog says."""
    entry = bytes([7, 0, 2]) + struct.pack("<I", 0x65000000) + bytes([0x20, 0, 4, 0x23, 1, 0x6f, 0xc1, 3, 0xff])
    oem = bytes([8, 0, 0xc0]) + struct.pack("<I", 0x65000000) + bytes(9)
    return {
        "timer": bytes([0, 7, 0x25, 0, 0x43, 1, 0, 8, 0x70, 0x17, 1, 0]),
        "timer-refused": bytes([0, 7, 0x25, 0xc1]),
        "cause": bytes([1, 1, 0x07, 0, 4, 0]),
        "log-info": bytes([2, 11, 0x40, 0, 0x51, 3, 0, 0, 16]) + struct.pack("<II", 0x65000000, 0) + b"\x80",
        "log-time": bytes([3, 11, 0x48, 0]) + struct.pack("<I", 0x65000000),
        "entry": bytes([4, 11, 0x43, 0, 0xff, 0xff]) + entry,
        "entry-of-an-oem": bytes([4, 11, 0x43, 0, 9, 0]) + oem,
        "added": bytes([5, 11, 0x44, 0, 9, 0]),
        "started": bytes([6, 7, 0x22, 0]),
        "not-initialised": bytes([6, 7, 0x22, 0x80]),
        "other-command": bytes([0, 7, 0x24, 0, 0x43, 1, 0, 8, 0x70, 0x17, 1, 0]),
        "long": bytes([0, 7, 0x25, 0]) + bytes(300),
    }


def etcd_answers():
    """The first byte says to what: reading, transaction, login, the cluster, refusal, base64."""
    head = '"header":{"cluster_id":"324952591200643719","member_id":"33","revision":"9","raft_term":"2"}'
    kvs = '"kvs":[{"key":"Zy9h","create_revision":"2","mod_revision":"2","version":"1"},' \
          '{"key":"Zy9i","create_revision":"3","mod_revision":"9","version":"4","value":"eA=="}],"count":"2"'
    shown = '{"response_range":{"header":{"revision":"9"},%s}}' % kvs
    return {
        "reading": "\0{%s,%s}" % (head, kvs),
        "reading-empty": "\0{%s}" % head,
        "reading-more": "\0{%s,%s,\"more\":true}" % (head, kvs),
        "done": '\1{%s,"succeeded":true,"responses":[{"response_put":{"header":{"revision":"9"}}},%s]}' % (head, shown),
        "not-done": '\1{%s,"responses":[%s]}' % (head, shown),
        "nothing-shown": '\1{%s,"succeeded":true,"responses":[{"response_put":{}}]}' % head,
        "token": '\2{%s,"token":"ktLGogIgGNdDpquF.13"}' % head,
        "members": '\3{%s,"members":[{"ID":"33","name":"m0","peerURLs":["http://h:1"],"clientURLs":["http://h:2"]}]}' % head,
        "alarms": '\3{%s,"alarms":[{"memberID":"33","alarm":"NOSPACE"}]}' % head,
        "status": '\3{%s,"version":"3.4.23","dbSize":"20480","leader":"33","dbSizeInUse":"16384","errors":["x"]}' % head,
        "refusal": '\4{"error":"etcdserver: mvcc: database space exceeded","message":"x","code":8}',
        "no-etcd": "\4<html>502 Bad Gateway</html>",
        "base64": "\5Zm9vYmE=",
    }


def made_by(command, name):
    """The file of that name that a command leaves in the folder it runs in."""
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(["/bin/sh", "-e", "-c", command], check=True, capture_output=True, cwd=folder)
        return (Path(folder) / name).read_bytes()


def superblocks():
    ext4, xfs = "truncate -s 8M i; mkfs.ext4 -q -F {} i", "truncate -s 320M i; mkfs.xfs -q {} i"
    commands = {"ext4": ext4.format(""), "ext4-new": ext4.format("-O metadata_csum_seed,orphan_file,casefold"),
                "xfs": xfs.format(""), "xfs-new": xfs.format("-i nrext64=1"), "xfs-4": xfs.format("-m crc=0")}
    return {name: made_by(command + "; head -c 2048 i >s", "s") for name, command in commands.items()}


def shim_levels(automatic, latest):
    return struct.pack("<III", 0, 8, 8 + len(automatic) + 1) + automatic + b"\0" + latest + b"\0"


def signature_list(kind, *entries):
    size = 16 + len(entries[0])
    return bytes.fromhex(kind) + struct.pack("<III", 28 + size * len(entries), 0, size) + b"".join(
        b"o" * 16 + entry for entry in entries)


def fit_readers():
    kernel = bytearray(0xB00)
    kernel[0x202:0x208] = b"HdrS\x0f\x02"
    kernel[0x20E:0x210] = b"\x00\x08"
    kernel[0x236] = 1
    kernel[0xA00:0xA14] = b"6.1.0-42-amd64 (me) "
    certificate = made_by("openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=c "
                          "-keyout k -outform DER -out c", "c")
    program = made_by("echo x >d; objcopy -I binary -O elf64-x86-64 d o; ld -shared -s -z x86-64-v3 "
                      "-z max-page-size=4096 -z noseparate-code o -o e", "e")
    return {
        "elf": program[:1024],
        "kernel": bytes(kernel),
        "kernel-arm64": bytes(56) + b"ARM\x64" + bytes(8),
        "cpuinfo": "processor : 0\nvendor_id\t: GenuineIntel\nmicrocode\t: 0x2f\nflags\t\t: fpu sse lm\n",
        "os-release": 'ID="rocky"\nID_LIKE="rhel centos fedora"\nVERSION_ID="9.4"\n',
        "arguments": 'root=LABEL=cube-a ro "dyndbg=file a.c +p" rd.lvm.lv=vg/root kvm.nx=1 -- x',
        "sbat": b"sbat,1,SBAT Version,sbat,1,url\ngrub,5,FSF,grub,2.06,url\n\0\0",
        "sbat-level": "sbat,1,2025021800\nshim,4\ngrub,5\n",
        "shim-levels": shim_levels(b"sbat,1,2022052400\ngrub,2\n", b"sbat,1,2025021800\nshim,4\n"),
        "dbx": signature_list("2616c4c14c509240aca941f936934328", bytes(32), b"a" * 32)
        + signature_list("a159c0a5e494a74a87b5ab155c2bf072", certificate)
        + signature_list("92a4d23bc0967940b420fcf98ef103ed", bytes(48)),
        "certificate": certificate,
    }


def pe_files():
    pe, sections = 0x80, [(b".text", 4), (b"/4", 12)]
    head = bytearray(1024)
    head[:2] = b"MZ"
    struct.pack_into("<I", head, 0x3C, pe)
    struct.pack_into("<4sHHIIIHH", head, pe, b"PE", 0x8664, len(sections), 0, 2048, 0, 240, 0)
    struct.pack_into("<H", head, pe + 24, 0x20B)
    struct.pack_into("<I", head, pe + 24 + 60, len(head))
    struct.pack_into("<I", head, pe + 24 + 108, 16)
    for number, (name, size) in enumerate(sections):
        struct.pack_into("<8sIIII", head, pe + 264 + 40 * number, name, size, 0, 512, 1024 + 512 * number)
    plain = bytes(head) + bytes(1024) + b"\x0f\0\0\0.sbatlevel\0"
    signed = bytearray(plain)
    struct.pack_into("<II", signed, pe + 24 + 144, len(plain), 8)
    node = struct.pack("<BBH", 4, 4, 4 + 16) + "\\EFI\\x.e".encode("utf-16-le")
    return {"plain": plain, "signed": bytes(signed) + b"PKCS#7..", "path": node + b"\x7f\xff\x04\0"}


if __name__ == "__main__":
    write("etcd_answer", etcd_answers())
    write("fit_readers", fit_readers())
    write("initramfs", initramfs_images())
    write("ipmi", ipmi_replies())
    write("pack_index", delta_indexes())
    write("delta_chunk", delta_chunks())
    write("pe_layout", pe_files())
    write("pem_key", pem_keys())
    write("superblock", superblocks())
    write("url", {f"url-{number}": url for number, url in enumerate(URLS)})
    write("http", ANSWERS)
    write("tuf_client", tuf_runs())
    write("tuf_state", tuf_states())
    write("delegation", delegations())
    write("signature", signatures())
