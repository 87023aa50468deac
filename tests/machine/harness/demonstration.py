"""The main job on a machine, told as a timeline. systemd is PID 1, and the units of cube-update's packages do the work.

A user whom polkit permits it asks for a release over D-Bus, and it waits for its maintenance window; then comes one whose kernel
panics.
"""

import json
import re
import shutil
import sys
import time

from . import appliance, bench
from .appliance import Guest, name_of, version_of
from .bench import Failure, expect
from .qemu import Inconclusive
from .service import CALL, GET, NETWORK, RULE, RULES, ThrottledServer, by, has, write
from .systemd import BOOT_SECONDS

SITE = "/etc/cube-update/config.d/50-site.toml"
POLL_SECONDS = 10  # each look costs the emulated machine some seconds of its only processor
DEADLINE = 600  # seconds; an emulated machine on a busy host takes its time
DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
SHOWN = {CALL: "busctl call ...", GET: "busctl get-property ..."}
SIMULATED = """simulated: QEMU emulates the machine, its disk and its firmware (BIOS), without KVM, so times say nothing; a store for
          the kernel's last words is emulated, too (ACPI ERST); the web server runs here; a script types on the serial console,
          with root's rights, what a user, an administrator or DHCP would do there; the timer is not waited for.
          real: GRUB, kernels, systemd, D-Bus, polkit, our packages and their units, the panic"""


def play(say):
    """Returns the machine's history and status at the end."""
    at = bench.Bench(bench.BUILD / "try", "bios", patience=5)
    shutil.rmtree(at.folder, ignore_errors=True)
    say(SIMULATED)
    say("publisher and factory: packages, three releases, signatures, a disk with release 1.0.0 in slot a")
    guest = Guest(at, kind="service")
    server = ThrottledServer(guest.stick.parent / "repository")
    try:
        return Demonstration(guest, server, say).play()
    except (Failure, Inconclusive) as error:
        sys.exit(f"try: {error}\ntry: the serial console is in {guest.machine.log_path}")
    finally:
        for machine in at.machines:
            machine.cut_power()
        server.close()


class Demonstration:
    def __init__(self, guest, server, say):
        self.guest, self.server, self.say = guest, server, say
        self.url = server.url.replace("127.0.0.1", "10.0.2.2")

    def play(self):
        guest, bad = self.guest, version_of("vfs-panic")
        guest.start()
        self.say(f"machine: power on; its serial console is in {guest.machine.log_path}")
        version = guest.userspace("a", trial=False)
        guest.ready("a", BOOT_SECONDS)
        self.say(f"machine: slot a runs release {version}, PID 1 is {guest.demand('cat /proc/1/comm').split()[0]}")
        self.prepare()
        self.ask_for_good()
        self.open_window()
        self.ask_for_bad(bad)
        for command in ("history", "why"):
            self.show(f"cube-update {command}")
        history = [json.loads(row) for row in guest.demand("cube-update history --json").splitlines() if row.startswith("{")]
        return history, guest.status()

    def prepare(self):
        """What a site does once: source, maintenance window, who may."""
        guest = self.guest
        guest.demand(NETWORK)
        today = int(guest.demand("date +%u").split()[0]) - 1
        self.configure(f"{DAYS[(today + 3) % 7]} 02:00 +4h", "three days from now")
        write(guest, RULES, RULE)
        self.wrote(RULES, RULE)
        guest.demand("systemctl start polkit.service")  # it is slow here, and a caller waits 25 s for it

    def configure(self, window, when):
        text = f'[source]\nurl = "{self.url}"\n[schedule]\nwindows = ["{window}"]\nspread = 0\n[trial]\ndeadline = {DEADLINE}\n'
        write(self.guest, SITE, text)
        self.wrote(SITE, text, f", the window is {when}")

    def ask_for_good(self):
        guest, release = self.guest, name_of("2.0.0")
        apply = f"{CALL} Apply 'sa{{sv}}' {release} 1 window b true"
        self.show(apply, user="visitor", code=1)
        self.show(apply, user="operator")
        self.follow("staged")
        expect("the release came from the web server", self.server.sent > 50_000, True)
        self.say(f"machine: {self.server.sent / 1e6:.1f} MB came from the web server through cube-fetch, the rest from slot a; slot b is verified")
        self.show(f"{GET} Waits")
        self.show("cube-update status")
        self.show("systemctl start cube-update-automatic.service")
        self.show("journalctl --quiet --no-pager -o cat -u cube-update-automatic.service -t cube-update")
        expect("nothing is armed", guest.status()["phase"], "staged")

    def open_window(self):
        guest = self.guest
        self.configure("daily 00:00 +24h", "open")
        self.say("# systemctl start cube-update-automatic.service     (as its timer does every five minutes)")
        guest.machine.type("systemctl start cube-update-automatic.service\n")
        version = guest.userspace("b", trial=True)
        self.say(f"machine: GRUB spent the offer and started slot b on trial: release {version}")
        guest.ready("b", BOOT_SECONDS)
        self.show("systemctl is-active boot-complete.target")
        self.show("journalctl --quiet --no-pager -o cat -u cube-update-commit.service")
        guest.expect_outcome("2.0.0", "committed", "none", 1)
        self.say("machine: the units committed it: slot b is the new fallback")

    def ask_for_bad(self, bad):
        guest = self.guest
        guest.demand(NETWORK)
        guest.demand("systemctl start polkit.service")
        self.say("machine: what was changed in /etc came along: configuration, and the rule for operator")
        self.show(f"cube-update apply {name_of(bad)}", code=6)
        self.say("machine: foreseen, and refused before any restart; the operator wants to see it all the same")
        guest.insist()
        self.wrote("/run/cube-update/config.d/foresight.toml", '[foresight]\npolicy = "warn"\n')
        self.show(f"{CALL} Apply 'sa{{sv}}' {name_of(bad)} 0", user="operator")
        line = guest.wait(r"Kernel panic - not syncing[^\n]*", seconds=appliance.APPLY_SECONDS + BOOT_SECONDS).group()
        died = time.monotonic()
        self.say(f"machine: slot a on trial with release {bad}: {line}")
        guest.userspace("b", trial=False)
        self.say(f"machine: back in slot b by itself, {time.monotonic() - died:.0f} s after the panic")
        guest.ready("b", BOOT_SECONDS)

    def follow(self, last):
        """Tells what the service's properties say until the phase is `last`."""
        end = time.monotonic() + self.guest.at.seconds(appliance.APPLY_SECONDS)
        told = phase = "idle"
        while phase != last:
            output = self.guest.demand(f"{GET} Phase Progress")
            before, phase = phase, re.search(r'^s "(\S+)"$', output, re.MULTILINE).group(1)
            percent, stage = re.search(r'^\(isi\) (-?\d+) "(.*)" \d+$', output, re.MULTILINE).groups()
            if time.monotonic() > end or (phase == "idle" and before != "idle"):
                raise Failure(f"not '{last}': " + self.guest.demand("journalctl --quiet --no-pager -o cat -n 20"))
            now = f"{phase}, {stage} {percent} %" if stage.islower() and phase != last else phase
            if now != told:
                self.say(f"service: {now}")
            told = now
            if phase != last:
                time.sleep(POLL_SECONDS)

    def show(self, command, user="", code=0):
        """Runs a command on the machine and tells what it says."""
        shown = command
        for text, short in SHOWN.items():
            shown = shown.replace(text, short)
        self.say(f"{user or ''}{'$' if user else '#'} {shown}")
        output = self.guest.demand(by(user, command) if user else command, code=code)
        self.tell(row for row in output.splitlines() if not row.startswith("cube: exit") and command not in row)

    def wrote(self, path, text, comment=""):
        self.say(f"administrator: writes {path}{comment}")
        self.tell(text.splitlines())

    def tell(self, rows):
        print("".join(f"          {row}\n" for row in rows), end="", flush=True)
