#!/usr/bin/env python3
"""Every row of docs/bad-input.md names tests, and each of them exists.

Usage: bad_input_table_test.py ROOT              (exit 1 when a row has no test, or one that does not exist)
       bad_input_table_test.py --self-test ROOT  (plants a wrong name and a row without any, and demands both)
"""
import re
import sys
from pathlib import Path


def known_tests(root):
    names = set()
    for path in (root / "tests").rglob("*.cpp"):
        for suite, name in re.findall(r"^TEST(?:_F|_P)?\((\w+), (\w+)\)", path.read_text(), re.M):
            names.add(f"{suite}.{name}")
    for path in (root / "tests").rglob("CMakeLists.txt"):
        text = path.read_text()
        names |= set(re.findall(r"add_test\(NAME (\w+)", text))
        names |= {f"fuzz_{name}" for name in re.findall(r"^fuzz_target\((\w+)", text, re.M)}
    return names


def findings(page, known):
    found = []
    rows = [line for line in page.splitlines() if line.startswith("| ") and "Tests |" not in line]
    for row in rows:
        cells = [cell.strip() for cell in row.strip("|").split("|")]
        named = re.findall(r"`([^`]+)`", cells[-1])
        found += [f"{cells[0]}: no test"] if not named else []
        found += [f"{cells[0]}: there is no test {name}" for name in named if name not in known]
    return found if len(rows) >= 30 else found + ["the tables are not found"]


def main(arguments):
    root = Path(arguments[-1])
    page = (root / "docs/bad-input.md").read_text()
    known = known_tests(root)
    if arguments[0] == "--self-test":
        wrong = page + "\n| planted | | | `Keys.NoSuchTest` |\n| planted too | | | |\n"
        return 0 if len(findings(wrong, known)) == len(findings(page, known)) + 2 else 1
    found = findings(page, known)
    print("\n".join(found) or "every test of the table exists")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
