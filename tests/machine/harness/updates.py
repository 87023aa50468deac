"""Updates on the whole appliance, good and bad, with resets and power cuts from outside."""

import time

from . import image
from .appliance import Guest, name_of, version_of
from .bench import Failure, expect, scenario


def rolled_back(guest, version, cause, tries=1):
    """What every machine must show after a bad release: the old one runs, the reason is known, the release is denied."""
    last = guest.expect_outcome(version, "rolled-back", cause, tries)
    guest.expect_status(booted="a", fallback="a", release=name_of("1.0.0"))
    said = guest.demand(f"cube-update apply {name_of(version)} --from /media/stick", code=5)
    if name_of(version) not in said:
        raise Failure(f"the refusal does not name the release: {said}")
    expect("who logs in is told", name_of(version) in guest.demand("cat /run/motd.d/cube-update"), True)
    return last


def why(guest, version, stage):
    """What `cube-update why` must make of the last update."""
    told = guest.told("cube-update why --json")
    expect("why: release, stage", (told["attempt"]["release"], told["stage"]), (name_of(version), stage))
    return told


def dies(at, guest, variant, sign):
    """Waits for the trial's death, of which `sign` is the last word on the console, and for the old slot."""
    guest.wait(sign)
    died = time.monotonic()
    guest.userspace("a", trial=False)
    print(f"      {at.firmware} {variant}: {time.monotonic() - died:.0f} s from its death to the old slot's userspace", flush=True)
    guest.ready("a")


def bad_release(at, variant, sign, cause, detail, stage, **options):
    """One bad release from apply to its end; `sign` is what the console shows when it dies. Returns the machine and its `why`."""
    version = version_of(variant)
    guest = Guest(at, **options)
    guest.start()
    guest.ready("a")
    guest.insist()
    guest.apply(version)
    dies(at, guest, variant, sign)
    last = rolled_back(guest, version, cause)
    if detail not in last["detail"]:
        raise Failure(f"the reason is '{last['detail']}', without '{detail}'")
    if f"The update to {name_of(version)} was rolled back" not in guest.machine.log():
        raise Failure("the console does not tell of the rollback")
    return guest, why(guest, version, stage)


@scenario("good", default=True)
def good(at):
    """A good release is committed, stays over a power cut, and can be left again by rollback."""
    guest = Guest(at)
    guest.start()
    expect("version", guest.userspace("a", trial=False), "1.0.0")
    guest.ready("a")
    guest.expect_status(booted="a", fallback="a", phase="idle", last_outcome=None, boot_records="ok")
    guest.apply("2.0.0")
    expect("version", guest.userspace("b", trial=True), "2.0.0")
    guest.wait(r"cube: commit exit 0\n")
    guest.ready("b")
    guest.expect_outcome("2.0.0", "committed", "none", 1)
    guest.expect_status(booted="b", fallback="b", release=name_of("2.0.0"))
    guest.cut_power()
    guest.start()
    guest.userspace("b", trial=False)
    guest.ready("b")
    guest.expect_status(booted="b", fallback="b", phase="idle")


@scenario("return")
def return_to_old(at):
    """After a commit, an operator goes back to the old release; the newer one is denied from then on."""
    guest = Guest(at)
    guest.start()
    guest.ready("a")
    guest.apply("2.0.0")
    guest.ready("b", 120)
    guest.restart_by("cube-update rollback --now")
    guest.userspace("a", trial=True)
    guest.wait(r"cube: commit exit 0\n")
    guest.ready("a")
    guest.expect_outcome("1.0.0", "committed", "none", 1)
    guest.demand(f"cube-update apply {name_of('2.0.0')} --from /media/stick", code=5)


@scenario("vfs-panic", default=True)
def vfs_panic(at):
    """The new kernel cannot mount its root and panics: the old slot is back by itself, and the panic is not tried twice."""
    told = bad_release(at, "vfs-panic", r"Kernel panic - not syncing", "panic", "Unable to mount root fs", "drivers-missing")[1]
    expect("why: the root that is missing, marks", (told["device"], told["reached"]), ("LABEL=cube-b", ""))


@scenario("init-exits")
def init_exits(at):
    """PID 1 of the new release ends."""
    bad_release(at, "init-exits", r"Kernel panic - not syncing", "panic", "Attempted to kill init", "init-died")


@scenario("late-panic")
def late_panic(at):
    """The new kernel crashes in userspace, before the commit."""
    bad_release(at, "late-panic", r"Kernel panic - not syncing", "panic", "panic", "userspace-panic")


@scenario("emergency")
def emergency(at):
    """The initramfs lacks the disk's driver: its emergency becomes a panic, and the reason is told."""
    bad_release(at, "emergency", r"cube: initramfs: root not found", "breadcrumb", "root not found", "drivers-missing")


@scenario("sick")
def sick(at):
    """A required health check fails in the trial."""
    bad_release(at, "sick", r"storage is down|restarting", "health", "storage is down", "health")


@scenario("migrates")
def migrates(at):
    """A migration of the new release sees the old slot, cannot write there, and runs before the commit."""
    version = version_of("migrates")
    guest = Guest(at)
    guest.start()
    guest.ready("a")
    guest.apply(version)
    guest.userspace("b", trial=True)
    guest.wait(r"cube: commit exit 0\n")
    guest.ready("b")
    guest.expect_outcome(version, "committed", "none", 1)
    seen = guest.demand("cat /data/migrated")
    told = f'old: VERSION_ID="1.0.0", own: VERSION_ID="{version}", writes: no'
    expect(f"what the migration saw ({seen.strip()[-120:]})", (told in seen, seen.count("old:")), (True, 1))
    guest.demand("grep -q /run/cube-update/slot-a /proc/mounts", code=1)


@scenario("migration-fails")
def migration_fails(at):
    """A migration fails: the trial ends, later ones do not run, and the old release is back."""
    guest, _ = bad_release(at, "migration-fails", "restarting", "migration", "migrate.d/20-db: schema 7 is not known", "health")
    seen = guest.demand("cat /data/migrated")
    expect("migrations that ran", ("first" in seen, "last" in seen), (True, False))


@scenario("hang")
def hang(at):
    """The trial hangs; somebody presses reset after its deadline: the old release stays, at once."""
    version = version_of("hang")
    guest = Guest(at)
    guest.start()
    guest.ready("a")
    guest.demand("mkdir -p /run/cube-update/config.d; printf '[trial]\\ndeadline = 10\\n' >/run/cube-update/config.d/test.toml")
    guest.apply(version)
    guest.wait("cube: initramfs hangs")
    time.sleep(25)
    guest.machine.reset()
    guest.userspace("a", trial=False)
    guest.ready("a")
    rolled_back(guest, version, "overdue")
    why(guest, version, "hang")


def survives_a_cut(guest):
    """The power fails in the trial of a good release, which is tried again and committed."""
    guest.apply("2.0.0")
    guest.userspace("b", trial=True)
    guest.cut_power()
    guest.start()
    guest.userspace("a", trial=False)
    guest.userspace("b", trial=True)
    guest.wait(r"cube: commit exit 0\n")
    guest.ready("b")
    guest.expect_outcome("2.0.0", "committed", "none", 2)


@scenario("power-cut")
def power_cut(at):
    """The power fails in the trial of a good release: it is tried again and committed."""
    guest = Guest(at)
    guest.start()
    guest.ready("a")
    survives_a_cut(guest)


@scenario("four-power-cuts")
def four_power_cuts(at):
    """The power fails in all three trials, and once more: the old release stays."""
    guest = Guest(at)
    guest.start(**{"pause-trial": "1"})
    guest.ready("a")
    guest.apply("2.0.0")
    for trial in (1, 2, 3):
        if trial > 1:
            guest.userspace("a", trial=False)
        guest.userspace("b", trial=True)
        guest.cut_power()
        guest.start(**{"pause-trial": "1"})
    guest.userspace("a", trial=False)
    guest.cut_power()
    guest.start()
    guest.userspace("a", trial=False)
    guest.ready("a")
    rolled_back(guest, "2.0.0", "tries-exhausted", tries=3)


def damaged(at, damage):
    """With a damaged env block the machine runs, an update is refused before anything is written, and commit mends it."""
    guest = Guest(at)
    damage(guest.layout)
    guest.start()
    guest.userspace("a", trial=False)
    guest.ready("a")
    records = guest.status()["boot_records"]
    if records == "ok":
        raise Failure("status does not show that the boot loader's records are damaged")
    guest.demand(f"cube-update apply {name_of('2.0.0')} --from /media/stick", code=11)
    guest.demand("cube-update commit")
    guest.expect_status(booted="a", fallback="a", phase="idle", boot_records="ok")
    guest.apply("2.0.0")
    guest.userspace("b", trial=True)
    guest.ready("b")
    guest.expect_outcome("2.0.0", "committed", "none", 1)


@scenario("env-torn")
def env_torn(at):
    """The env block is torn after its first half-sector."""
    def tear(layout):
        whole = image.read_esp(layout, "cube/env")
        image.write_env(layout, whole[:60] + b"\0" * (1024 - 60))
    damaged(at, tear)


@scenario("env-zeroed")
def env_zeroed(at):
    """The env block is all zeros."""
    damaged(at, lambda layout: image.write_env(layout, b"\0" * 1024))


@scenario("env-missing")
def env_missing(at):
    """The env block is gone."""
    damaged(at, lambda layout: image.remove_from_esp(layout, "cube/env"))


@scenario("env-read-only")
def env_read_only(at):
    """The boot disk cannot be written: the fallback runs, and an update is refused with the reason."""
    guest = Guest(at, split=True)
    guest.start()
    guest.userspace("a", trial=False)
    guest.ready("a")
    guest.demand(f"cube-update apply {name_of('2.0.0')} --from /media/stick", code=11)
    guest.expect_status(booted="a", fallback="a", phase="idle", trial=None)
