#!/usr/bin/env python3
"""Checks the house rules of docs/house.md on every tracked source file, and says how to mend a breach.

Usage: check.py [ROOT]        (exit 1 when something is found)
       check.py --self-test   (plants breaches and demands that each is found)
"""
import re
import subprocess
import sys
import tempfile
from pathlib import Path

# A room may include itself and the rooms below it. Siblings are strangers.
BELOW = {
    "base": set(),
    "model": {"base"},
    "keys": {"base", "model"},
    "boot": {"base", "model"},
    "slots": {"base", "model"},
    "insight": {"base", "model"},
    "agent": {"base", "model", "keys", "boot", "slots", "insight"},
    "release": {"base", "model", "keys", "boot", "slots", "insight"},
}
# Foreign header -> where it may be included: path prefixes of .cpp files.
HOMES = [
    (r"(ostree|glib|gio|glib-object)(-unix)?(\.h|/)|gio/", ["slots/ostree/"]),
    (r"curl/", ["base/http/"]),
    (r"date/", ["base/time_zone.cpp"]),
    (r"openssl/", ["keys/", "release/", "base/digest.cpp"]),
    (r"cereal/", ["agent/journal_codec.cpp"]),
    (r"nlohmann/", ["base/json.cpp"]),
    (r"systemd/sd-event", ["base/loop.cpp"]),
    (r"systemd/sd-bus", ["agent/bus/", "agent/power/"]),
    (r"systemd/(?!sd-event|sd-bus)", ["agent/"]),
    (r"toml\+\+/", ["agent/config.cpp", "insight/locks/lock_file.cpp"]),
    (r"CLI/", ["agent/cli/", "release/"]),
    (r"fmt/", ["agent/", "release/"]),
    (r"(blkid|libmount|ext2fs)/", ["slots/"]),
    (r"archive(_entry)?\.h", ["slots/initramfs/", "slots/ostree/compose/"]),
    (r"libkmod\.h", ["insight/drivers/module_index.cpp"]),
    (r"rpm/", ["release/rpm_packages.cpp"]),
    (r"solv/", ["insight/locks/version_order.cpp"]),
    (r"libuboot\.h", ["boot/uboot/"]),
    (r"(zstd(_errors)?|zdict)\.h", ["slots/pack/"]),
]
# Headers for one folder and those in it, which nothing outside includes.
INTERNAL = {"slots/ostree/glib.h"}
BAD_NAMES = re.compile(r"(^|_)(utils?|common|managers?|helpers?|impl|misc)(_|$)")
SHELL = re.compile(r"(?<![\w.:>])(?:std::|::)?(system|popen|execl[pe]?|execvp)\s*\(")
UNFINISHED = re.compile(r"\b(TODO|FIXME|XXX|HACK)\b")
MAX_HEADER, MAX_SOURCE, MAX_TEST = 150, 400, 500


def room_of(path):
    return path.split("/", 1)[0]


def check_includes(path, text, found):
    room = room_of(path)
    for number, line in enumerate(text.splitlines(), 1):
        own = re.match(r'\s*#\s*include\s+"([^"]+)"', line)
        foreign = re.match(r"\s*#\s*include\s+<([^>]+)>", line)
        where = f"{path}:{number}"
        if own and room in BELOW:
            target = room_of(own.group(1))
            if own.group(1) in INTERNAL and Path(own.group(1)).parent not in Path(path).parents:
                found.append(f'{where}: "{own.group(1)}" is for its own folder and those in it')
            if "/" not in own.group(1) or target not in BELOW:
                found.append(f'{where}: include "{own.group(1)}": write the path from the top of the '
                             "tree; product code never includes tests")
            elif target != room and target not in BELOW[room]:
                found.append(f"{where}: {room}/ must not know {target}/: pass a value from model/, or "
                             "put a port where both may look (docs/house.md)")
        if foreign:
            for pattern, homes in HOMES:
                if not re.match(pattern, foreign.group(1)) or room not in BELOW:
                    continue
                if path.endswith(".h") and path not in INTERNAL:
                    found.append(f"{where}: <{foreign.group(1)}> in a header: hide the foreign type "
                                 "behind a forward-declared struct")
                elif not any(path.startswith(home) for home in homes):
                    found.append(f"{where}: <{foreign.group(1)}> lives in {', '.join(homes)}: go "
                                 "through the interface there")


def strip_comments(text):
    text = re.sub(r'"(?:\\.|[^"\\\n])*"', '""', text)
    text = re.sub(r"//[^\n]*", "", text)
    return re.sub(r"/\*.*?\*/", "", text, flags=re.S)


def check_file(path, text, found):
    check_includes(path, text, found)
    stem = Path(path).stem
    if BAD_NAMES.search(stem):
        found.append(f"{path}: name it after what it does; '{stem}' says nothing")
    code = strip_comments(text)
    if path.endswith(".h") and "#pragma once" not in text:
        found.append(f"{path}: begin it with #pragma once")
    if re.search(r"^using namespace", code, flags=re.M):
        found.append(f"{path}: no `using namespace` at file scope; use it inside a function or not")
    lines = text.count("\n")
    limit = MAX_HEADER if path.endswith(".h") else MAX_SOURCE
    if room_of(path) == "tests":
        limit = MAX_TEST
    if lines > limit:
        found.append(f"{path}: {lines} lines, more than {limit}: does it still have one subject? "
                     "Divide it along the domain")
    if room_of(path) in BELOW:
        for match in SHELL.finditer(code):
            found.append(f"{path}: {match.group(1)}(): run programs through base/spawn.h, with an "
                         "argument vector and bounds")
    if UNFINISHED.search(text):
        found.append(f"{path}: unfinished by its own words: finish it or file an issue")


def check_mutations(files, listed_text, found):
    used = set()
    for path, text in files.items():
        if room_of(path) in BELOW and path not in ("base/mutation.h", "base/mutation.cpp"):
            used |= set(re.findall(r'mutated\("([^"]+)"\)', text))
    listed = {line.split("|")[0].strip() for line in listed_text.splitlines()
              if line.strip() and not line.startswith("#")}
    for name in sorted(used - listed):
        found.append(f'mutation "{name}" is not in tests/mutation/list: add what promise it breaks')
    for name in sorted(listed - used):
        found.append(f'tests/mutation/list: "{name}" is used nowhere: delete the line')


def check_tree(root):
    names = subprocess.run(["git", "ls-files", "-co", "--exclude-standard", "*.h", "*.cpp"], cwd=root,
                           check=True, capture_output=True, text=True).stdout.split()
    files = {name: (root / name).read_text() for name in names if (root / name).exists()}
    found = []
    for path, text in sorted(files.items()):
        check_file(path, text, found)
    listed = root / "tests/mutation/list"
    check_mutations(files, listed.read_text() if listed.exists() else "", found)
    return len(files), found


PLANTED = {
    "base/climbs.h": '#pragma once\n#include "model/release.h"\n',
    "keys/neighbour.cpp": '#include "boot/boot_control.h"\n',
    "agent/signs.cpp": '#include "release/publisher.h"\n',
    "release/listens.cpp": '#include "agent/updater.h"\n',
    "model/plain.cpp": '#include "journal.h"\n',
    "agent/asks_tests.cpp": '#include "tests/support/scratch_dir.h"\n',
    "slots/curls.cpp": "#include <curl/curl.h>\n",
    "agent/glib_user.cpp": "#include <glib.h>\n",
    "agent/waits.cpp": "#include <systemd/sd-event.h>\n",
    "agent/cli/calls.cpp": "#include <systemd/sd-bus.h>\n",
    "slots/squeezes.cpp": "#include <zstd.h>\n",
    "slots/ostree/untars.cpp": "#include <archive.h>\n",
    "insight/loads.cpp": "#include <libkmod.h>\n",
    "release/asks_rpm.cpp": "#include <rpm/rpmlib.h>\n",
    "slots/pack/glib_user.cpp": '#include "slots/ostree/glib.h"\n',
    "keys/leaks.h": "#pragma once\n#include <openssl/evp.h>\n",
    "boot/no_pragma.h": "struct A {};\n",
    "boot/path_utils.cpp": "int a;\n",
    "boot/opens.cpp": "using namespace std;\n",
    "boot/shells.cpp": 'int f() { return system("ls"); }\n',
    "boot/long.cpp": "int a;\n" * 401,
    "boot/later.cpp": "// TO" + "DO: later\n",
    "boot/mutant.cpp": 'bool f() { return mutated("unlisted-one"); }\n',
}


def self_test():
    missed = []
    for path, text in PLANTED.items():
        with tempfile.TemporaryDirectory() as folder:
            root = Path(folder)
            subprocess.run(["git", "init", "-q"], cwd=root, check=True)
            (root / path).parent.mkdir(parents=True)
            (root / path).write_text(text)
            if len(check_tree(root)[1]) == 0:
                missed.append(path)
    clean = 'int f(const A& a) { return a.system(1); }  // system() is fine here\n'
    found = []
    check_file("boot/clean.cpp", clean, found)
    for path in missed:
        print(f"self-test: the breach in {path} was not found")
    for line in found:
        print(f"self-test: false alarm: {line}")
    print(f"self-test: {len(PLANTED) - len(missed)} of {len(PLANTED)} planted breaches found")
    return 1 if missed or found else 0


def main():
    if sys.argv[1:] == ["--self-test"]:
        return self_test()
    root = Path(sys.argv[1] if len(sys.argv) > 1 else Path(__file__).parent.parent.parent)
    count, found = check_tree(root)
    for line in found:
        print(line)
    print(f"{count} files, {len(found)} findings")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
