#!/usr/bin/env python3
"""A real zsh completes every command and option that --help of the program shows.

Usage: zsh_completion_test.py PROGRAM COMPLETION
"""
import os
import pathlib
import pty
import select
import shutil
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "style"))
PROGRAM, COMPLETION = sys.argv[1:3]
NAME = pathlib.Path(PROGRAM).name
# Notes what the completion offers, in place of showing it.
SETUP = r"""
PS1= RPS1= ; unsetopt prompt_sp prompt_cr beep
autoload -Uz compinit; compinit -u -D
typeset -ga offered
compadd() {
  local -a found
  if [[ ${@[1,(i)(-|--)]} == *-(O|A|D)\ * ]]; then builtin compadd "$@"; return; fi
  builtin compadd -A found "$@"; offered+=("${found[@]}")
  builtin compadd "$@"
}
note() { offered=(); zle list-choices; print -rl -- "${offered[@]}" >$ANSWER.new; mv $ANSWER.new $ANSWER; BUFFER=; zle redisplay; }
zle -N note; bindkey -e; bindkey '^G' note
print -r -- ready >$ANSWER
"""


class Zsh:
    def __init__(self, folder):
        self.answer = folder / "answer"
        functions = folder / "functions"
        functions.mkdir()
        shutil.copy(COMPLETION, functions / f"_{NAME}")
        (folder / "bin").mkdir()
        (folder / "bin" / NAME).symlink_to(os.path.abspath(PROGRAM))
        (folder / "setup").write_text(f"fpath=({functions} $fpath)\n" + SETUP)
        child, self.terminal = pty.fork()
        if child == 0:
            os.environ.update(ANSWER=str(self.answer), PATH=f"{folder}/bin:{os.environ['PATH']}", HOME=str(folder), TERM="dumb", LC_ALL="C")
            os.chdir(folder)
            os.execvp("zsh", ["zsh", "-f", "-i"])
        self.child = child
        self.ask(f"source {folder}/setup\n")

    def ask(self, typed):
        """What the file says once zsh has written it anew."""
        self.answer.unlink(missing_ok=True)
        os.write(self.terminal, typed.encode())
        shown = b""
        end = time.monotonic() + 30
        while not self.answer.exists():
            if time.monotonic() > end:
                sys.exit(f"zsh does not answer to {typed!r}: {shown[-2000:]}")
            if select.select([self.terminal], [], [], 0.02)[0]:
                shown += os.read(self.terminal, 65536)
        return self.answer.read_text().split("\n")[:-1]

    def offers(self, *words):
        return {line.strip() for line in self.ask(" ".join([NAME, *words]) + "\x07")}

    def end(self):
        os.write(self.terminal, b"\x03exit\n")
        os.close(self.terminal)
        os.waitpid(self.child, 0)


def main():
    sys.argv[1:] = [PROGRAM, "", ""]
    from command_line_test import words_of_help
    commands = words_of_help()
    faults = []
    with tempfile.TemporaryDirectory() as name:
        zsh = Zsh(pathlib.Path(name))
        for command, options in commands.items():
            below = {other[-1] for other in commands if len(other) == len(command) + 1 and other[:-1] == command}
            asked = [(below, "")] if below else []
            for wanted, prefix in [*asked, (set(options), "--")]:
                offered = zsh.offers(*command, prefix)
                for missing in sorted(wanted - offered):
                    faults.append(f"{COMPLETION}: no {missing} after {' '.join((NAME, *command))}; offered: {sorted(offered)}")
                for invented in sorted(word for word in offered - wanted if word.startswith("--")):
                    faults.append(f"{COMPLETION}: {invented} after {' '.join((NAME, *command))} is no option of it")
        # Values, not options, after an option that takes one; nothing for words that are none.
        if NAME == "cube-update" and zsh.offers("apply", "--tries", "") != {str(number) for number in range(1, 10)}:
            faults.append(f"{COMPLETION}: --tries takes 1 to 9")
        if NAME == "cube-release" and zsh.offers("key", "generate", "--type", "") != {"ed25519", "ecdsa", "rsa"}:
            faults.append(f"{COMPLETION}: --type takes the types of keys")
        zsh.end()
    print("\n".join(faults) or f"zsh completes {len(commands)} commands of {NAME}")
    return 1 if faults or len(commands) < 5 else 0


if __name__ == "__main__":
    sys.exit(main())
