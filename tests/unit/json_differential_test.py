"""The strict JSON reader against Python's, held to the same rules, over documents made and spoilt at random.

Usage: json_differential_test.py JSON_VERDICT CORPUS_FOLDER [SEED]
"""
import json
import random
import subprocess
import sys
from pathlib import Path

MAX_BYTES, MAX_DEPTH = 64 * 1024, 8
DOCUMENTS = 30000
TRICKY = [b"", b" ", b"null", b"nul", b"true", b"True", b"-", b"-0", b"00", b"01", b"-01", b"1.0", b"1e0", b"1E+2", b"+1", b".5",
          b"NaN", b"Infinity", b"-Infinity", b"0x10", b"18446744073709551615", b"18446744073709551616",
          b"-9223372036854775808", b"-9223372036854775809", b"9223372036854775808", b'"\\u0000"', b'"\x00"', b'"\\ud800"',
          b'"\\udc00\\ud800"', b'"\\ud83d\\ude00"', b'"\\uD83D\\u0041"', b'"\xed\xa0\x80"', b'"\xc0\x80"', b'"\xf4\x90\x80\x80"',
          b'"\xf0\x9f\x98\x80"', b'"\xff"', b'"\xc3"', b'"\x1f"', b'"\x7f"', b'"\t"', b'"\\t\\b\\f\\n\\r\\/\\\\\\""', b'"\\x41"',
          b'"\\u12"', b'"\\U0041"', b"'a'", b'"a', b'"a"b', b'"a" "b"', b"[1,]", b"[,1]", b"[1 2]", b"[1", b"1]", b"{}", b"{,}",
          b'{"a":1,}', b'{"a"}', b'{"a":}', b"{a:1}", b"{1:1}", b'{"a":1,"a":1}', b'{"a":1,"\\u0061":2}', b'{"":1,"":2}',
          b'{"":0}', b'{"\\u0000":1}', b"// c\n1", b"/* c */1", b"1 # c", b"\xef\xbb\xbf1", b"\xfe\xff\x001", b"1\x00", b"\x0c1", b"\x0b1",
          b"\xc2\xa01", b"\r\n\t 1 \r\n\t", b"[" * 8 + b"]" * 8, b"[" * 9 + b"]" * 9, b"[" * 9, b"[" * 60000, b'{"a":' * 8 + b"1" + b"}" * 8,
          b'{"a":' * 9 + b"1" + b"}" * 9, b" " * (MAX_BYTES - 1) + b"1", b" " * MAX_BYTES + b"1", b"9" * 5000, b"-" + b"9" * 5000,
          b"1" + b"0" * 400, b'{"a":[]}{"b":1}', b"[]]", b"{}}", b"truefalse", b"nullnull", b'["\xe2\x80\xa8"]']


class Refused(Exception):
    pass


def pairs(members):
    names = [name for name, _ in members]
    if len(set(names)) != len(names):
        raise Refused("duplicate")
    return dict(members)


def no(_):
    raise Refused("a number that is not an integer")


def integer(text):
    if len(text) > 20:
        raise Refused("range")
    value = int(text)
    if not -2**63 <= value < 2**64:
        raise Refused("range")
    return value


def check(value, depth=0):
    """Depth, and text without NUL and in UTF-8."""
    if isinstance(value, (list, dict)):
        if depth == MAX_DEPTH:
            raise Refused("depth")
        for name in value if isinstance(value, dict) else ():
            check(name, depth)
        for item in value.values() if isinstance(value, dict) else value:
            check(item, depth + 1)
    elif isinstance(value, str) and ("\0" in value or value.encode("utf-8", "surrogatepass").decode(errors="replace") != value):
        raise Refused("text")


def canonical(value):
    if isinstance(value, dict):
        members = sorted((name.encode(), item) for name, item in value.items())
        return b"{" + b",".join(canonical(name.decode()) + b":" + canonical(item) for name, item in members) + b"}"
    if isinstance(value, list):
        return b"[" + b",".join(map(canonical, value)) + b"]"
    if isinstance(value, str):
        return b'"' + value.encode().replace(b"\\", b"\\\\").replace(b'"', b'\\"') + b'"'
    return json.dumps(value).encode()


def reference(text):
    if len(text) > MAX_BYTES or b"\0" in text:
        return "refused"
    try:
        value = json.loads(text.decode(), object_pairs_hook=pairs, parse_float=no, parse_constant=no, parse_int=integer)
        check(value)
        return canonical(value).hex()
    except (Refused, ValueError, RecursionError):
        return "refused"


class Maker:
    def __init__(self, seed):
        self.random = random.Random(seed)

    def value(self, depth=0):
        kind = self.random.randrange(9 if depth < 5 else 6)
        if kind < 2:
            return self.random.choice([0, 1, -1, 7, 2**53, 2**63 - 1, 2**63, 2**64 - 1, -2**63, 2**64, -2**63 - 1,
                                       self.random.getrandbits(48)])
        if kind < 4:
            return self.text()
        if kind < 6:
            return self.random.choice([None, True, False, 1.5 if self.random.random() < 0.1 else 2])
        if kind < 8:
            return {self.text(): self.value(depth + 1) for _ in range(self.random.randrange(5))}
        return [self.value(depth + 1) for _ in range(self.random.randrange(5))]

    def text(self):
        letters = ["a", "b", "keyid", "\u00fc", "\u20ac", "\U0001f600", "\\", '"', "\n", "\x7f", " ", "/", "\x01"]
        return "".join(self.random.choice(letters) for _ in range(self.random.randrange(5)))

    def document(self):
        text = json.dumps(self.value(), ensure_ascii=self.random.random() < 0.5,
                          indent=self.random.choice([None, 1]),
                          separators=self.random.choice([None, (",", ":"), (" ,\t", "\r\n: ")])).encode()
        return text if self.random.random() < 0.4 else self.spoil(text)

    def spoil(self, text):
        text = bytearray(text)
        for _ in range(self.random.randrange(1, 4)):
            at = self.random.randrange(len(text) + 1)
            way = self.random.randrange(5)
            if way == 0:
                del text[at:at + self.random.randrange(1, 4)]
            elif way == 1:
                text[at:at] = self.random.choice([b'"', b"\\", b"{", b"}", b"[", b"]", b",", b":", b"0", b"-", b".", b"e", b"\\u00",
                                                  b"\x00", b"\xff", b"\xc3\xa4", b" ", b"null"])
            elif way == 2 and text:
                text[at % len(text)] ^= 1 << self.random.randrange(8)
            elif way == 3:
                text[at:at] = text[self.random.randrange(len(text) + 1):][:self.random.randrange(30)]
            else:
                del text[at:]
        return bytes(text)


def main(program, corpus, seed="1"):
    maker = Maker(int(seed))
    documents = list(TRICKY)
    for path in sorted(Path(corpus).rglob("*.json")):
        whole = path.read_bytes()
        documents += [whole[:size] for size in range(0, len(whole) + 1, max(1, len(whole) // 300))] + [whole]
    documents += [maker.document() for _ in range(DOCUMENTS)]
    done = subprocess.run([program], input="".join(f"{text.hex()}\n" for text in documents), capture_output=True,
                          text=True, timeout=300, check=True)
    verdicts = done.stdout.split("\n")[:-1]
    assert len(verdicts) == len(documents), (len(verdicts), len(documents))
    differences, accepted = 0, 0
    for text, verdict in zip(documents, verdicts):
        expected = reference(text)
        accepted += verdict != "refused"
        if verdict != expected:
            differences += 1
            if differences <= 20:
                print(f"{text[:200]!r}\n  reader:    {verdict[:200]}\n  reference: {expected[:200]}")
    print(f"{len(documents)} documents, {accepted} accepted, {differences} differences")
    # A corpus of which nearly all or nearly nothing is accepted compares nothing.
    fair = len(documents) / 5 < accepted < len(documents) * 4 / 5
    return 0 if differences == 0 and fair else 1


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
