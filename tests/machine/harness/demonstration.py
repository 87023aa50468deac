"""The main job on a machine, told as a timeline: over D-Bus, by somebody whom polkit permits it, a good release that waits for its
maintenance window; then one whose kernel panics.

systemd is PID 1, and runs cube-update by the units that its package brings.
"""

import functools
import http.server
import json
import pathlib
import shutil
import threading
import time

from . import appliance, bench
from .appliance import Guest, name_of, version_of
from .service import CALL, GET, NETWORK, has
from .systemd import BOOT_SECONDS

AS_OPERATOR = "systemd-run --quiet --pipe --wait --uid=operator"
CONFIG = "/etc/cube-update/config.d/50-site.toml"
# English, as windows name them, and as `date` counts: 0 is Sunday.
DAYS = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"]
RULE = """polkit.addRule(function(action, subject) {
  if (action.id == "co.bigstack.cube-update.apply" && subject.user == "operator") return polkit.Result.YES;
});
"""


def play(say):
    """Returns the machine's history and status at the end."""
    at = bench.Bench(bench.BUILD / "try", "bios", patience=5)
    shutil.rmtree(at.folder, ignore_errors=True)
    say("publisher and factory: packages, releases, signatures, a disk with release 1.0.0 in slot a (QEMU, emulated, BIOS)")
    guest = Guest(at, kind="service")
    repository = guest.stick.parent / "repository"
    with _serve(repository) as port:
        try:
            return _play(guest, port, say)
        finally:
            for machine in at.machines:
                machine.cut_power()


def _play(guest, port, say):
    guest.start()
    say(f"machine: power on; its serial console is in {guest.machine.log_path}")
    version = guest.userspace("a", trial=False)
    guest.ready("a", BOOT_SECONDS)
    say(f"machine: slot a runs release {version}, systemd is PID 1")
    guest.demand(NETWORK)
    guest.demand("systemctl start cube-fetch.socket")
    today = int(guest.demand("date +%w").split()[0])
    closed = f"{DAYS[(today + 3) % 7]} 02:00 +4h"
    say(f"administrator: releases come from a web server, and the machine restarts on {closed}")
    _write(guest, CONFIG, f'[source]\nurl = "http://10.0.2.2:{port}"\n[schedule]\nwindows = ["{closed}"]\n')

    release, bad = name_of("2.0.0"), version_of("vfs-panic")
    ask = f"{CALL} Apply 'sa{{sv}}' {release} 1 window b true"
    say("$ busctl call ... Apply, as the user operator")
    _tell(guest.run(f"{AS_OPERATOR} {ask}")[1])
    say("administrator: a polkit rule lets operator install releases")
    _write(guest, "/etc/polkit-1/rules.d/50-operator.rules", RULE)
    guest.demand("chown polkitd /etc/polkit-1/rules.d/50-operator.rules")
    say("$ busctl call ... Apply, as the user operator")
    _tell(guest.demand(f"{AS_OPERATOR} {ask}"))
    has(guest, f"{GET} Phase", 's "staged"', seconds=appliance.APPLY_SECONDS)
    say("$ cube-update status")
    _tell(guest.demand("cube-update status"))
    say("administrator: moves the window to now; the timer's next turn looks at it")
    _write(guest, CONFIG, f'[source]\nurl = "http://10.0.2.2:{port}"\n[schedule]\nwindows = ["{",".join(DAYS)} 00:00 +24h"]\n')
    guest.machine.type("systemctl start cube-update-automatic.service\n")
    guest.userspace("b", trial=True)
    say("machine: GRUB spent the offer and started slot b on trial")
    guest.ready("b", BOOT_SECONDS)
    guest.demand("systemctl is-active boot-complete.target")
    has(guest, "cube-update status", "phase     idle")
    say("machine: boot-complete.target is reached, all health checks pass: slot b is committed and the new fallback")

    guest.demand(NETWORK)
    say(f"$ cube-update apply {name_of(bad)}")
    guest.machine.type(f"cube-update apply {name_of(bad)}\n")
    _show(guest, r"restarting\n")
    line = guest.wait(r"Kernel panic - not syncing[^\n]*", seconds=BOOT_SECONDS).group()
    died = time.monotonic()
    say(f"machine: slot a on trial: {line}")
    guest.userspace("b", trial=False)
    say(f"machine: back in slot b by itself, {time.monotonic() - died:.0f} s after the panic")
    guest.ready("b", BOOT_SECONDS)
    for command in ("history", "why"):
        say(f"$ cube-update {command}")
        _tell(guest.demand(f"cube-update {command}"))
    history = [json.loads(row) for row in guest.demand("cube-update history --json").splitlines() if row.startswith("{")]
    return history, guest.status()


def _write(guest, path, text):
    escaped = text.replace("\n", "\\n").replace('"', '\\"')
    guest.demand(f"mkdir -p {pathlib.PurePath(path).parent}; printf \"{escaped}\" >{path}")


def _tell(output):
    print("".join(f"          {row}\n" for row in output.splitlines() if not row.startswith("cube:")), end="")


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
