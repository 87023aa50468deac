#!/usr/bin/env python3
"""cube-update.conf(5) and docs/operations.md have every key of the configuration, none that does not exist, and the same defaults.

Usage: config_page_test.py CUBE_UPDATE SOURCE_FOLDER
"""
import json
import pathlib
import re
import subprocess
import sys
import tempfile

PROGRAM, SOURCE = sys.argv[1], pathlib.Path(sys.argv[2])
PAGE, TABLE = SOURCE / "packaging/man/cube-update.conf.5", SOURCE / "docs/operations.md"


def keys():
    """key -> default as TOML, as the program itself lists them."""
    with tempfile.TemporaryDirectory() as root:
        listing = subprocess.run([PROGRAM, "config", "show", "--json", "--root", root], check=True, capture_output=True, text=True).stdout
    return {row["key"]: row["value"] for row in map(json.loads, listing.splitlines())}


def plain(value):
    """A default as a page for people writes it: without the brackets and quotes of TOML."""
    return re.sub("[]'\"[,]", "", value)


def main():
    faults = []
    known = keys()
    page = dict(re.findall(r"^\.It Cm (\S+) Pq [^;]+; default: (.+)$", PAGE.read_text(), flags=re.M))
    section = TABLE.read_text().split("\n## Configuration\n")[1].split("\n## ")[0]
    table = {}
    for row in re.findall(r"^\| (`[^|]+`) \| ([^|]+) \|", section, flags=re.M):
        for name in re.findall(r"`([^`]+)`", row[0]):
            table[name] = row[1]
    for where, told in ((PAGE, page), (TABLE, table)):
        faults += [f"{where}: no key {name}" for name in sorted(known.keys() - told.keys())]
        faults += [f"{where}: there is no key {name}" for name in sorted(told.keys() - known.keys())]
    for name, default in page.items():
        wanted = plain(known.get(name, ""))
        if wanted and wanted != default:
            faults.append(f"{PAGE}: the default of {name} is {wanted}, not {default}")
        if not wanted and name in known and not re.match(r"none|that of|the system's|in ", default):
            faults.append(f"{PAGE}: {name} has no default value, the page says {default}")
    lint = subprocess.run(["mandoc", "-Tlint", "-Wwarning", PAGE], capture_output=True, text=True)
    faults += lint.stdout.splitlines()
    print("\n".join(faults) or f"{len(known)} keys are described")
    return 1 if faults or len(known) < 30 else 0


if __name__ == "__main__":
    sys.exit(main())
