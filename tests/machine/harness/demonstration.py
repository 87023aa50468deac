"""The main job on a machine, told as a timeline: a good release over HTTP, then one whose kernel panics."""

import functools
import http.server
import json
import pathlib
import shutil
import threading
import time

from . import appliance, bench
from .appliance import Guest, name_of, version_of


def play(say):
    """Returns the machine's history and status at the end."""
    at = bench.Bench(bench.BUILD / "try", "bios", patience=5)
    shutil.rmtree(at.folder, ignore_errors=True)
    say("publisher and factory: releases, signatures, a disk with release 1.0.0 in slot a (QEMU, emulated, BIOS)")
    guest = Guest(at)
    repository = guest.stick.parent / "repository"
    with _serve(repository) as port:
        try:
            return _play(guest, port, say)
        finally:
            for machine in at.machines:
                machine.cut_power()


def _play(guest, port, say):
    url = f"http://10.0.2.2:{port}"
    guest.start()
    say(f"machine: power on; its serial console is in {guest.machine.log_path}")
    version = guest.userspace("a", trial=False)
    say(f"machine: slot a runs release {version}")
    guest.ready("a")
    bad = version_of("vfs-panic")

    say(f"$ cube-update apply {name_of('2.0.0')} --from {url}")
    guest.machine.type(f"cube-update apply {name_of('2.0.0')} --from {url}\n")
    _show(guest, r"restarting\n")
    guest.userspace("b", trial=True)
    say("machine: GRUB spent the offer and started slot b on trial")
    guest.ready("b")
    say("machine: healthy, slot b is committed and the new fallback")

    say(f"$ cube-update apply {name_of(bad)} --from {url}")
    guest.machine.type(f"cube-update apply {name_of(bad)} --from {url}\n")
    _show(guest, r"restarting\n")
    line = guest.wait(r"Kernel panic - not syncing[^\n]*").group()
    died = time.monotonic()
    say(f"machine: slot a on trial: {line}")
    guest.userspace("b", trial=False)
    say(f"machine: back in slot b by itself, {time.monotonic() - died:.0f} s after the panic")
    guest.ready("b")
    say("$ cube-update history")
    output = guest.demand("cube-update history")
    print("".join(f"          {row}\n" for row in output.splitlines() if not row.startswith("cube:")), end="")
    history = [json.loads(row) for row in guest.demand("cube-update history --json").splitlines() if row.startswith("{")]
    return history, guest.status()


def _show(guest, last):
    """Passes on what the console shows, the progress bar as it moves, until `last`."""
    before = len(guest.machine.log_path.read_bytes())
    done = threading.Event()

    def follow():
        position = before
        while not done.wait(0.3):
            raw = guest.machine.log_path.read_bytes()
            text, position = raw[position:], len(raw)
            rows = text.decode(errors="replace").replace("\x1b[K", "").replace("\n", "\r").split("\r")
            for row in rows:
                if row.strip() and not row.startswith("\x1b"):
                    print(f"          {row.rstrip()}", flush=True)

    follower = threading.Thread(target=follow)
    follower.start()
    try:
        guest.wait(last, seconds=appliance.APPLY_SECONDS)
        time.sleep(0.5)
    finally:
        done.set()
        follower.join()


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


class _serve:
    """A web server for a folder, on loopback, where QEMU's user network finds it as 10.0.2.2."""

    def __init__(self, folder):
        self.folder = pathlib.Path(folder)

    def __enter__(self):
        handler = functools.partial(_Quiet, directory=str(self.folder))
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        return self.server.server_address[1]

    def __exit__(self, *_):
        self.server.shutdown()
