"""Trials that hang where nothing inside the machine can help: a BMC or a hardware watchdog resets it, or nobody does."""

import time

from . import qemu
from .appliance import Guest, name_of, version_of
from .bench import Failure, expect, scenario
from .updates import rolled_back, why

BMC = ["-device", "ipmi-bmc-sim,id=bmc0", "-device", "isa-ipmi-kcs,bmc=bmc0,ioport=0xca2"]
I6300ESB = ["-device", "i6300esb", "-action", "watchdog=reset"]
WATCHDOG_SECONDS = 30


def started(at, devices, deadline=120, seconds=WATCHDOG_SECONDS):
    """An appliance whose BMC's watchdog is given `seconds`."""
    guest = Guest(at, kind="managed", devices=devices)
    guest.start()
    guest.ready("a", 120)
    guest.demand("mkdir -p /run/cube-update/config.d; printf '[trial]\\ndeadline = %d\\n[watchdog]\\nboot-seconds = %d\\n' "
                 f"{deadline} {seconds} >/run/cube-update/config.d/test.toml")
    return guest


def doctor(guest):
    """What `cube-update doctor` says of each death."""
    told = guest.told("cube-update doctor --json")
    return told, {death["death"]: death["survived"] for death in told["deaths"]}


def reset_by_bmc(at, variant, sign, seconds=WATCHDOG_SECONDS):
    """One release that hangs after `sign` on the console: the BMC ends that, and history, status and why say so."""
    version = version_of(variant)
    guest = started(at, BMC, seconds=seconds)
    expect("doctor: hang, early hang", (doctor(guest)[1]["hang"], doctor(guest)[1]["early-hang"]), ("yes", "yes"))
    guest.insist()
    guest.apply(version)
    left = time.monotonic()
    guest.wait(sign)
    guest.userspace("a", trial=False)
    print(f"      {at.firmware} {variant}: {time.monotonic() - left:.0f} s from leaving for the trial to the old slot's userspace", flush=True)
    guest.ready("a", 120)
    last = rolled_back(guest, version, "watchdog")
    for words in ("the watchdog reset the machine after", "BMC"):
        if words not in last["detail"]:
            raise Failure(f"the reason is '{last['detail']}', without '{words}'")
    if "event log has no entry" in guest.machine.log():
        raise Failure("the BMC was not told of the rollback")
    why(guest, version, "hang")
    for command in ("history", "status", "why"):
        if "watchdog" not in guest.demand(f"cube-update {command}"):
            raise Failure(f"`cube-update {command}` does not name the watchdog")


@scenario("ipmi-kernel-spins", firmwares=("bios",))
def kernel_spins(at):
    """The new kernel spins at its first instruction: the BMC's watchdog brings the old release back, and `why` names it."""
    reset_by_bmc(at, "spins", "cube: starting slot b on trial")


@scenario("ipmi-initramfs-hangs")
def initramfs_hangs(at):
    """The new initramfs waits for ever: the same."""
    # A loaded host may need a minute to get there.
    reset_by_bmc(at, "hang", "cube: initramfs hangs", seconds=100)


@scenario("ipmi-good", firmwares=("bios",))
def good(at):
    """A good release is committed; the BMC's watchdog is stopped then, and resets nobody."""
    guest = started(at, BMC)
    # Also in the trial: without the stop, the watchdog would reset the machine at most 240 s after the restart.
    guest.demand("mount -o remount,rw / && mkdir -p /etc/cube-update/config.d && printf '[watchdog]\\npolicy = \"required\"\\nboot-seconds = 120\\n' "
                 ">/etc/cube-update/config.d/test.toml && rm /run/cube-update/config.d/test.toml")
    guest.apply("2.0.0")
    guest.userspace("b", trial=True)
    guest.wait(r"cube: commit exit 0\n")
    guest.ready("b", 120)
    guest.demand("sleep 240", seconds=400)
    guest.expect_outcome("2.0.0", "committed", "none", 1)


@scenario("no-ipmi-kernel-spins", firmwares=("bios",))
def nobody_helps(at):
    """Without a BMC the same kernel hangs until somebody presses reset; where a watchdog is required no trial begins."""
    guest = started(at, [], deadline=10)
    expect("doctor: early hang", doctor(guest)[1]["early-hang"], "no")
    guest.demand("printf '[watchdog]\\npolicy = \"required\"\\n' >/run/cube-update/config.d/test2.toml")
    version = version_of("spins")
    guest.insist()
    guest.demand(f"cube-update apply --from /media/stick {name_of(version)}", code=11)
    guest.demand("cube-update doctor", code=6)
    guest.demand("rm /run/cube-update/config.d/test2.toml")
    guest.apply(version)
    guest.wait("cube: starting slot b on trial")
    try:
        guest.machine.wait_for("cube: starting slot", timeout=at.seconds(WATCHDOG_SECONDS))
        raise Failure("the machine came back by itself")
    except qemu.Inconclusive:
        pass
    guest.machine.reset()
    guest.userspace("a", trial=False)
    guest.ready("a", 120)
    rolled_back(guest, version, "overdue")


@scenario("i6300esb-initramfs-hangs", firmwares=("bios",))
def i6300esb(at):
    """The new initramfs hangs after it armed a hardware watchdog, which brings the old release back."""
    version = version_of("hang-armed")
    guest = started(at, I6300ESB, deadline=10)
    told, deaths = doctor(guest)
    expect("doctor: the device", [(dog["identity"], dog["kind"]) for dog in told["watchdogs"]], [("i6300ESB timer", "hardware")])
    guest.apply(version)
    left = time.monotonic()
    guest.wait("cube: initramfs hangs, its watchdog armed", seconds=120)
    guest.wait(r"cube: userspace slot=a trial=0 ", seconds=300)
    print(f"      {at.firmware} hang-armed: {time.monotonic() - left:.0f} s from leaving for the trial to the old slot's userspace", flush=True)
    guest.ready("a", 120)
    rolled_back(guest, version, "overdue")


@scenario("i6300esb-systemd", firmwares=("bios",))
def systemd_takes_over(at):
    """systemd takes the hardware watchdog over from the trial's initramfs, and the release is committed."""
    guest = Guest(at, kind="systemd-managed", devices=I6300ESB)
    guest.start()
    guest.ready("a", 240)
    state = "cat /sys/class/watchdog/watchdog0/state"
    expect("the watchdog outside a trial", "inactive" in guest.demand(state), True)
    guest.apply("2.0.0")
    guest.ready("b", 240)
    guest.expect_outcome("2.0.0", "committed", "none", 1)
    expect("the watchdog", "inactive" in guest.demand(state), False)
    shown = guest.demand("systemctl show --property=RuntimeWatchdogUSec")
    expect(f"{shown.strip()}: 1min", "RuntimeWatchdogUSec=1min" in shown, True)
    guest.demand("sleep 100", seconds=200)
