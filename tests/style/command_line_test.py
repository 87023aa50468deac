#!/usr/bin/env python3
"""The manual page and the completion of a program know every command and option that its --help shows.

Usage: command_line_test.py PROGRAM MANUAL_PAGE COMPLETION
"""
import re
import subprocess
import sys
from pathlib import Path

PROGRAM, PAGE, COMPLETION = sys.argv[1:4]
NAME = Path(PROGRAM).name


def words_of_help(*command):
    """{command words: its options}, for the command and all below it."""
    text = subprocess.run([PROGRAM, *command, "--help"], capture_output=True, text=True, check=True).stdout
    options = sorted(set(re.findall(r"^  (?:-\w,)?(--[\w-]+)", text, flags=re.M)))
    found = {command: options}
    if "\nSubcommands:\n" in text:
        listed = text.split("\nSubcommands:\n")[1].split("\n\n")[0]
        for name in re.findall(r"^  ([a-z-]+) ", listed, flags=re.M):
            found |= words_of_help(*command, name)
    return found


def completed(*words):
    script = ('source "$1"; shift; COMP_WORDS=("$@" ""); COMP_CWORD=$#; '
              f'_{NAME.replace("-", "_")}; printf "%s\\n" "${{COMPREPLY[@]}}"')
    done = subprocess.run(["bash", "-c", script, "bash", COMPLETION, NAME, *words], capture_output=True, text=True, check=True)
    return set(done.stdout.split())


def main():
    page = Path(PAGE).read_text()
    commands = words_of_help()
    faults = []
    for command, options in commands.items():
        for option in options:
            if not re.search(rf"^\.(It )?.*\bFl -{option[2:]}\b", page, flags=re.M) and f"Fl {option[1:]}" not in page:
                faults.append(f"{PAGE}: no {option}, an option of {' '.join((NAME, *command))}")
        for word in command:
            if not re.search(rf"\bCm (?:.* )?{word}\b", page):
                faults.append(f"{PAGE}: no command {word}")
        offered = completed(*command)
        below = {other[-1] for other in commands if other[:-1] == command and other}
        for missing in sorted((below or set(options)) - offered):
            faults.append(f"{COMPLETION}: no {missing} after {' '.join((NAME, *command))}")
    lint = subprocess.run(["mandoc", "-Tlint", "-Wwarning", PAGE], capture_output=True, text=True)
    faults += lint.stdout.splitlines()
    print("\n".join(faults) or f"{len(commands)} commands of {NAME} are in its manual page and completion")
    return 1 if faults or len(commands) < 5 else 0


if __name__ == "__main__":
    sys.exit(main())
