#!/usr/bin/env python3
"""How much the units of the service are exposed, as systemd itself counts it.

Usage: hardening_test.py FOLDER_OF_UNITS              (exit 1 above the limits)
       hardening_test.py --self-test FOLDER_OF_UNITS  (demands that a unit with a hole is found)
"""
import os
import re
import pathlib
import subprocess
import sys
import tempfile

LIMITS = {"cube-fetch@.service": 1.5, "cube-updated.service": 3.0}


def exposure(name, text):
    """(what systemd-analyze counts, its table)"""
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / name.replace("@", "@1")
        path.write_text(re.sub(r"^ExecStart=\S+", "ExecStart=/bin/true", text, flags=re.MULTILINE))
        done = subprocess.run(["systemd-analyze", "security", "--offline=yes", "--no-pager", str(path)],
                              capture_output=True, text=True, timeout=60, env={**os.environ, "LC_ALL": "C"})
        found = re.search(r"Overall exposure level for \S+: ([\d.]+)", done.stdout)
        if not found:
            sys.exit(f"{name}: systemd-analyze says nothing: {done.stdout}{done.stderr}")
        return float(found[1]), done.stdout


def main():
    folder = pathlib.Path(sys.argv[-1])
    faults = []
    for name, limit in LIMITS.items():
        text = (folder / name).read_text()
        if sys.argv[1] == "--self-test":
            text = text.replace("SystemCallFilter=", "X-SystemCallFilter=").replace("NoNewPrivileges=yes\n", "") \
                       .replace("RestrictAddressFamilies=", "X-").replace("CapabilityBoundingSet=", "X-")
        seen, table = exposure(name, text)
        if seen > limit:
            faults.append(f"{table}\n{name}: {seen}, more than {limit}")
        else:
            print(f"{name}: {seen} of at most {limit}")
    if sys.argv[1] == "--self-test":
        sys.exit(0 if len(faults) == len(LIMITS) else "units with holes are not found")
    sys.exit("\n".join(faults) or 0)


if __name__ == "__main__":
    main()
