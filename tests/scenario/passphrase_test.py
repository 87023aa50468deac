#!/usr/bin/env python3
"""Private keys with passphrases: asked for on a terminal without echo, read from a descriptor, refused without either.

Usage: passphrase_test.py CUBE_RELEASE
"""
import os
import pathlib
import pty
import select
import subprocess
import sys
import tempfile
import time

PROGRAM = str(pathlib.Path(sys.argv[1]).resolve())


def expect(what, seen, wanted):
    if seen != wanted:
        sys.exit(f"{what}: {seen!r}, not {wanted!r}")


def with_descriptor(secret, *command):
    """(exit code, output) with the secret on descriptor 3, and without a terminal."""
    end, start = os.pipe()
    os.write(start, secret)
    os.close(start)
    done = subprocess.run(["bash", "-c", f'exec 3<&{end} "$@"', "bash", PROGRAM, *command, "--passphrase-fd", "3"], pass_fds=[end],
                          capture_output=True, text=True, timeout=60, start_new_session=True)
    os.close(end)
    return done.returncode, done.stdout + done.stderr


def on_terminal(answers, *command):
    """(exit code, all that the terminal showed); each answer is typed after a question."""
    child, terminal = pty.fork()
    if child == 0:
        os.execv(PROGRAM, [PROGRAM, *command])
    shown, end, answers = b"", time.monotonic() + 60, list(answers)
    asked_up_to = 0
    while time.monotonic() < end:
        if select.select([terminal], [], [], 0.1)[0]:
            try:
                shown += os.read(terminal, 4096)
            except OSError:
                break
        if answers and shown[asked_up_to:].rstrip(b"\r\n").endswith(b": "):
            asked_up_to = len(shown)
            os.write(terminal, answers.pop(0) + b"\n")
    _, status = os.waitpid(child, 0)
    expect("answers that nobody asked for", answers, [])
    return os.waitstatus_to_exitcode(status), shown.decode()


def main():
    with tempfile.TemporaryDirectory() as name:
        keys = ["--keys", f"{name}/keys"]
        generate = ("key", "generate")
        code, shown = on_terminal([b"first", b"other"], *generate, "one", *keys, "--passphrase")
        expect("two different answers", (code, os.path.exists(f"{name}/keys/one.pem")), (2, False))
        code, shown = on_terminal([b"open sesame", b"open sesame"], *generate, "one", *keys, "--passphrase")
        expect("a key with a passphrase", code, 0)
        expect("the passphrase on the screen", "sesame" in shown, False)
        expect("openssl reads it", subprocess.run(["openssl", "pkey", "-in", f"{name}/keys/one.pem", "-passin", "pass:open sesame",
                                                   "-noout"]).returncode, 0)
        expect("its first line", open(f"{name}/keys/one.pem").readline(), "-----BEGIN ENCRYPTED PRIVATE KEY-----\n")
        expect("a key from a descriptor", with_descriptor(b"open sesame\nmore", *generate, "two", *keys, "--passphrase")[0], 0)
        expect("an empty passphrase", with_descriptor(b"\n", *generate, "three", *keys, "--passphrase")[0], 2)
        expect("one that is too long", with_descriptor(b"x" * 1025, *generate, "three", *keys, "--passphrase")[0], 2)

        repository = f"{name}/cube"
        expect("init", with_descriptor(b"pass", "init", repository, "--product", "CUBE", "--root-keys", "2", "--root-threshold", "2",
                                       "--passphrase")[0], 0)
        expect("the next root", with_descriptor(b"pass", "root", "--repository", repository)[0], 0)
        code, said = with_descriptor(b"wrong", "root", "--repository", repository)
        expect("a wrong passphrase", (code, "passphrase is wrong" in said), (4, True))
        done = subprocess.run([PROGRAM, "root", "--repository", repository], stdin=subprocess.DEVNULL, capture_output=True, text=True,
                              start_new_session=True, timeout=60)
        expect("nobody to ask", (done.returncode, "--passphrase-fd" in done.stderr), (4, True))
        code, shown = on_terminal([b"pass", b"pass"], "root", "--repository", repository)
        expect("two keys, each asked for once", code, 0)
        expect("versions of the root", sorted(path.name for path in pathlib.Path(repository, "metadata").iterdir()),
               ["1.root.json", "2.root.json", "3.root.json"])
    print("passphrases are asked for, read, and demanded")


if __name__ == "__main__":
    main()
