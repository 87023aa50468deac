#!/usr/bin/env python3
"""The published buckets, computed by the words of the document and with nothing of the product.

Usage: buckets_test.py ROLLOUT_PLAN_MD
"""
import hashlib
import re
import sys
from pathlib import Path


def bucket(salt, unit):
    digest = hashlib.sha256(b"\0".join((b"cube-update-bucket-v1", salt.encode(), unit.encode()))).digest()
    return int.from_bytes(digest[:8], "big") * 1_000_000 // 2**64


def main():
    rows = re.findall(r"^\| `([^`]*)` \| `([^`]*)` \| (\d+) \|$", Path(sys.argv[1]).read_text(), flags=re.M)
    wrong = [row for row in rows if bucket(*row[:2]) != int(row[2])]
    print("\n".join(f"{row}: {bucket(*row[:2])}" for row in wrong) or f"{len(rows)} vectors are right")
    return 1 if wrong or len(rows) != 7 else 0


if __name__ == "__main__":
    sys.exit(main())
