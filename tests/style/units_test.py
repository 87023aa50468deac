#!/usr/bin/env python3
"""systemd accepts the shipped units, and they close no ordering cycle, also beside systemd-boot-check-no-failures.service.

Usage: units_test.py FOLDER                (exit 1 when systemd-analyze finds fault with the units in FOLDER)
       units_test.py --self-test FOLDER    (demands that a cycle is found once multi-user.target waits for the commit unit)
"""
import os
import pathlib
import re
import subprocess
import sys
import tempfile

SYSTEM_UNITS = ["/usr/lib/systemd/system", "/lib/systemd/system"]
BOOT_CHECK = "systemd-boot-check-no-failures.service"


def enable(folder, unit, target, kind):
    links = folder / f"{target}.{kind}"
    links.mkdir(exist_ok=True)
    (links / unit).symlink_to(next(path for path in (f"{top}/{unit}" for top in [folder, *SYSTEM_UNITS]) if os.path.exists(path)))


def findings(units):
    """What systemd-analyze says about `units` (file name -> text), enabled as their [Install] sections ask."""
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        for unit, text in units.items():
            (folder / unit).write_text(re.sub(r"^ExecStart=/usr/\S+", "ExecStart=/bin/true", text, flags=re.MULTILINE))
            for target in re.findall(r"^WantedBy=(\S+)$", text, re.MULTILINE):
                enable(folder, unit, target, "wants")
        enable(folder, BOOT_CHECK, "boot-complete.target", "requires")
        result = subprocess.run(["systemd-analyze", "verify", "--man=no", "--generators=no", "multi-user.target", *units],
                                capture_output=True, text=True, timeout=60, cwd=folder,
                                env={**os.environ, "LC_ALL": "C", "SYSTEMD_UNIT_PATH": ":".join([name, *SYSTEM_UNITS])})
    said = [line for line in result.stderr.splitlines() if "cycle" in line or "cube-update" in line]
    return said or ([f"exit {result.returncode}: {result.stderr.strip()}"] if result.returncode else [])


def preset_faults(folder, units):
    """A preset names each unit that can be enabled, once, and no other."""
    lines = [line.split() for path in folder.glob("*.preset") for line in path.read_text().splitlines() if line and not line.startswith("#")]
    named = [words[1] for words in lines if len(words) == 2 and words[0] in ("enable", "disable")]
    wanted = [name for name, text in units.items() if "\n[Install]\n" in text]
    return [] if sorted(named) == sorted(wanted) and len(lines) == len(named) else [f"presets name {sorted(named)}, units with [Install] are {sorted(wanted)}"]


def main():
    folder = pathlib.Path(sys.argv[-1])
    units = {path.name: path.read_text() for kind in ("service", "timer", "socket", "path", "target") for path in folder.glob(f"*.{kind}")}
    if not units:
        sys.exit(f"{folder}: no units")
    if sys.argv[1] == "--self-test":
        commit = "cube-update-commit.service"
        units[commit] = units[commit].replace("After=multi-user.target ", "Before=multi-user.target\nAfter=")
        if not any("ordering cycle" in line for line in findings(units)):
            sys.exit("the cycle of a commit unit that multi-user.target waits for is not found")
        if not preset_faults(folder, {**units, "new.service": "[Unit]\n\n[Install]\nWantedBy=multi-user.target\n"}):
            sys.exit("a unit that no preset names is not found")
        return
    found = findings(units) + preset_faults(folder, units)
    if found:
        sys.exit("\n".join(found))


if __name__ == "__main__":
    main()
