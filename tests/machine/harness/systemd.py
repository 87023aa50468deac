"""Updates on an appliance with systemd as PID 1: the units of packaging/systemd commit a trial, or give it up."""

from .appliance import Guest, name_of, version_of
from .bench import expect, scenario
from .updates import rolled_back

BOOT_SECONDS = 120


def started(at):
    guest = Guest(at, kind="systemd")
    guest.start()
    guest.userspace("a", trial=False)
    guest.ready("a", BOOT_SECONDS)
    return guest


def bad_release(guest, version, cause, detail):
    guest.apply(version)
    guest.userspace("b", trial=True)
    guest.userspace("a", trial=False)
    guest.ready("a", BOOT_SECONDS)
    last = rolled_back(guest, version, cause)
    expect(f"the reason '{last['detail']}' says '{detail}'", detail in last["detail"], True)


@scenario("systemd-good")
def good(at):
    """With systemd as PID 1 a good release is committed by the units, after boot-complete.target, and stays over a power cut."""
    guest = started(at)
    guest.demand("systemctl is-system-running")
    guest.expect_status(booted="a", fallback="a", phase="idle", last_outcome=None, boot_records="ok")
    guest.apply("2.0.0")
    expect("version", guest.userspace("b", trial=True), "2.0.0")
    guest.ready("b", BOOT_SECONDS)
    guest.demand("systemctl is-active boot-complete.target")
    guest.expect_outcome("2.0.0", "committed", "none", 1)
    guest.expect_status(booted="b", fallback="b", release=name_of("2.0.0"))
    guest.cut_power()
    guest.start()
    guest.userspace("b", trial=False)
    guest.ready("b", BOOT_SECONDS)
    guest.expect_status(booted="b", fallback="b", phase="idle")


@scenario("systemd-unit-fails")
def unit_fails(at):
    """A unit of the new release fails: the health gate says which, and the old release is back."""
    guest = started(at)
    bad_release(guest, version_of("unit-fails"), "health", "demo-storage.service")
    told = guest.demand("journalctl --quiet --no-pager CUBE_STAGE=health")
    expect("the journal tells of the rollback", "was rolled back" in told, True)


@scenario("systemd-hung-check")
def hung_check(at):
    """A check hangs: when its time is up, it is gone, and so is what it started in a session of its own."""
    guest = started(at)
    bad_release(guest, version_of("hung-check"), "health", "50-hangs: no answer within 5 s")
    seen = guest.demand("cat /data/grandchild")
    expect(f"the grandchild, as the trial saw it: {seen.strip()[-60:]}", " is gone" in seen, True)


@scenario("systemd-incomplete")
def incomplete(at):
    """boot-complete.target is never reached, so nobody asks the health gate: the old release is back at the deadline."""
    guest = started(at)
    guest.demand("mkdir -p /run/cube-update/config.d; printf '[trial]\\ndeadline = 60\\n' >/run/cube-update/config.d/test.toml")
    bad_release(guest, version_of("incomplete"), "deadline", "60 s after the start")
