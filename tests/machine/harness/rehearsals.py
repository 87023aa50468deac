"""The way back played on purpose: `cube-update doctor --rehearse` on an appliance with systemd, its watchdog and its health gate."""

from .appliance import Guest, name_of
from .bench import expect, scenario
from .watchdogs import I6300ESB

BOOT_SECONDS = 240


def started(at, kind, devices=()):
    """An appliance that has a release in the other slot, too."""
    guest = Guest(at, kind=kind, devices=devices)
    guest.start()
    guest.ready("a", BOOT_SECONDS)
    guest.demand(f"cube-update apply {name_of('2.0.0')} --from /media/stick --no-reboot", code=20)
    guest.demand("cube-update rollback")
    guest.demand(f"cube-update allow {name_of('2.0.0')}")
    return guest


def rehearse(at, guest, how, sign, causes):
    """`sign` is what the console shows of the failure."""
    guest.restart_by(f"cube-update doctor --rehearse {how}")
    guest.wait(sign, seconds=BOOT_SECONDS)
    guest.userspace("a", trial=False)
    guest.ready("a", BOOT_SECONDS)
    last = guest.status()["last_outcome"]
    seen = (last["release"], last["outcome"], last["rehearsal"], last["tries_done"])
    expect("last outcome", seen, (name_of("2.0.0"), "rehearsed", how, 1))
    expect(f"its cause {last['cause']} is one of {causes}", last["cause"] in causes, True)
    status = guest.expect_status(booted="a", fallback="a", phase="idle", trial=None, release=name_of("1.0.0"), denied=[])
    expect("the other slot", status["slots"]["b"]["release"], name_of("2.0.0"))
    found = next(check for check in guest.told("cube-update doctor --offline --json")["checks"] if check["check"] == "rehearsal")
    expect(f"doctor: {found['how']}", (found["ready"], f"{last['away_seconds']} s" in found["how"]), ("yes", True))
    print(f"      {at.firmware} rehearsal of {how}: back after {last['away_seconds']} s", flush=True)


@scenario("rehearse-panic-sick")
def panic_and_sick(at):
    """A panic and a sick release are rehearsed: each time the old release is back, and the other slot's is as good as before."""
    guest = started(at, "systemd")
    rehearse(at, guest, "panic", "Kernel panic - not syncing: sysrq triggered crash", ("panic",))
    rehearse(at, guest, "sick", r"cube: userspace slot=b trial=1 ", ("health",))
    guest.demand("cube-update doctor --rehearse hang", code=11)  # no watchdog here


@scenario("rehearse-hang", firmwares=("bios",))
def hang(at):
    """A hang is rehearsed: nothing runs any more in the trial, and the hardware watchdog brings the old release back."""
    guest = started(at, "systemd-managed", devices=I6300ESB)
    # Nobody leaves a word; how long the watchdog took decides which of both it is.
    rehearse(at, guest, "hang", "cube-update: rehearsal: making a hang on purpose", ("tries-exhausted", "overdue"))
