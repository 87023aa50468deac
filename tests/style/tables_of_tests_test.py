#!/usr/bin/env python3
"""Every row of the tables of docs/bad-input.md and docs/fleet-acceptance.md names tests, and each of them exists.

Usage: tables_of_tests_test.py ROOT              (exit 1 when a row has no test, or one that does not exist)
       tables_of_tests_test.py --self-test ROOT  (plants a wrong name and a row without any, and demands both)
"""
import re
import sys
from pathlib import Path


# Pages, and how many rows they have at least.
PAGES = {"docs/bad-input.md": 30, "docs/fleet-acceptance.md": 25}


def known_tests(root):
    names = {"tests/fleet/run"}
    for path in (root / "tests").rglob("*.cpp"):
        for suite, name in re.findall(r"^TEST(?:_F|_P)?\((\w+), (\w+)\)", path.read_text(), re.M):
            names |= {suite, f"{suite}.{name}"}
    for path in (root / "tests/scenario").glob("*_test.py"):
        names |= {f"{path.stem}.{name}" for name in re.findall(r"^    def (test_\w+)", path.read_text(), re.M)}
    for path in (root / "tests").rglob("CMakeLists.txt"):
        text = path.read_text()
        names |= set(re.findall(r"add_test\(NAME (\w+)", text))
        names |= {f"fuzz_{name}" for name in re.findall(r"^fuzz_target\((\w+)", text, re.M)}
    return names


def findings(page, known, least):
    found = []
    rows = [line for line in page.splitlines() if line.startswith("| ") and "Tests |" not in line and "Shown by |" not in line]
    for row in rows:
        cells = [cell.strip() for cell in row.strip("|").split("|")]
        named = re.findall(r"`([^`]+)`", cells[-1])
        found += [f"{cells[0]}: no test"] if not named else []
        found += [f"{cells[0]}: there is no test {name}" for name in named if name not in known]
    return found if len(rows) >= least else found + ["the tables are not found"]


def main(arguments):
    root = Path(arguments[-1])
    known = known_tests(root)
    found = []
    for name, least in PAGES.items():
        page = (root / name).read_text()
        here = findings(page, known, least)
        if arguments[0] == "--self-test":
            wrong = page + "\n| planted | | | `Keys.NoSuchTest` |\n| planted too | | | |\n"
            if len(findings(wrong, known, least)) != len(here) + 2:
                return 1
        else:
            found += [f"{name}: {one}" for one in here]
    print("\n".join(found) or "every test of the tables exists")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
