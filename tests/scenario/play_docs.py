#!/usr/bin/env python3
"""Runs the commands of a page of docs/ as they stand there, in a scratch folder that has a `rootfs`.

Usage: play_docs.py PAGE BIN_FOLDER

A command is a line that begins with "$ " in a ```console block, with the lines that follow it up to END if it ends
with <<'END'. It must exit with 0, or with N when its line ends with "# exits with N".
"""
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from tiny_tree import make_tiny_tree


def commands_of(page):
    for block in re.findall(r"^```console\n(.*?)^```", page, flags=re.S | re.M):
        for line in re.findall(r"^\$ (.*<<'END'\n(?:.*\n)*?END|.*)$", block, flags=re.M):
            code = re.search(r"# exits with (\d+)$", line)
            yield line, int(code.group(1)) if code else 0


def main():
    page, bin_folder = Path(sys.argv[1]), Path(sys.argv[2]).resolve()
    commands = list(commands_of(page.read_text()))
    if len(commands) < 5:
        sys.exit(f"{page}: only {len(commands)} commands found: is the page still written with $ ?")
    with tempfile.TemporaryDirectory() as scratch:
        make_tiny_tree(Path(scratch) / "rootfs")
        env = dict(os.environ, PATH=f"{bin_folder}:{os.environ['PATH']}")
        for line, wanted in commands:
            if export := re.fullmatch(r"export (\w+)=(.*)", line):  # for the commands that follow
                env[export[1]] = subprocess.check_output(["bash", "-c", f"echo {export[2]}"], cwd=scratch,
                                                         env=env, text=True).strip()
            done = subprocess.run(["bash", "-c", line], cwd=scratch, env=env, capture_output=True, text=True)
            print(f"$ {line}\n{done.stdout}{done.stderr}", end="")
            if done.returncode != wanted:
                sys.exit(f"{page}: this command exited with {done.returncode}, not {wanted}")
    print(f"{len(commands)} commands of {page.name} work as written")


if __name__ == "__main__":
    main()
