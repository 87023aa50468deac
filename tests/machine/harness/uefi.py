"""Updates on a machine without a boot loader: the firmware (OVMF) starts the slots' kernels by its own variables."""

from .appliance import Guest, name_of, version_of
from .bench import Failure, expect, scenario
from .systemd_boot import committed_and_nvram_lost, refused_for_want_of_nvram
from .updates import rolled_back, survives_a_cut, why

LOADER = "uefi"


def started(at, **fw_cfg):
    """The first start is by EFI/BOOT/BOOTX64.EFI; commit then writes the options."""
    guest = Guest(at, loader=LOADER)
    guest.start(**fw_cfg)
    guest.userspace("a", trial=False)
    guest.ready("a")
    if guest.status()["boot_records"] == "ok":
        raise Failure("status does not say that the firmware has no option of ours")
    guest.demand("cube-update commit")
    guest.expect_status(booted="a", fallback="a", phase="idle", loader=LOADER, boot_records="ok", trial=None)
    return guest


def by_own_option(guest, slot, trial=False):
    """Whether the running kernel's arguments came from the slot's option, not from the removable path."""
    output = guest.demand("cat /proc/cmdline")
    line = next(line for line in output.splitlines() if "cube.slot=" in line)
    expect("arguments", (f"initrd=\\cube\\kernels\\{slot}-" in line, f"cube.slot={slot}" in line, "cube.trial=1" in line), (True, True, trial))


@scenario("uefi-good", firmwares=("uefi",))
def good(at):
    """No loader, firmware alone: a good release is committed, stays over a power cut, and can be left again."""
    guest = started(at)
    guest.apply("2.0.0")
    expect("version", guest.userspace("b", trial=True), "2.0.0")
    guest.wait(r"cube: commit exit 0\n")
    guest.ready("b")
    by_own_option(guest, "b", trial=True)
    guest.expect_outcome("2.0.0", "committed", "none", 1)
    guest.expect_status(booted="b", fallback="b", release=name_of("2.0.0"))
    guest.cut_power()
    guest.start()
    guest.userspace("b", trial=False)
    guest.ready("b")
    by_own_option(guest, "b")
    guest.restart_by("cube-update rollback --now")
    guest.userspace("a", trial=True)
    guest.wait(r"cube: commit exit 0\n")
    guest.ready("a")
    guest.expect_status(booted="a", fallback="a", phase="idle")


@scenario("uefi-vfs-panic", firmwares=("uefi",))
def vfs_panic(at):
    """No loader: the new kernel cannot mount its root; the firmware is back at the old slot by itself."""
    version = version_of("vfs-panic")
    guest = started(at)
    guest.insist()
    guest.apply(version)
    guest.wait(r"Kernel panic - not syncing")
    guest.userspace("a", trial=False)
    guest.ready("a")
    by_own_option(guest, "a")
    rolled_back(guest, version, "panic")
    why(guest, version, "drivers-missing")


@scenario("uefi-power-cut", firmwares=("uefi",))
def power_cut(at):
    """No loader: the power fails in the trial of a good release; it is tried again and committed."""
    guest = started(at)
    survives_a_cut(guest)


@scenario("uefi-nvram-lost", firmwares=("uefi",))
def nvram_lost(at):
    """No loader: the firmware loses its variables after a commit; the removable path starts the new fallback, commit mends."""
    guest = started(at)
    committed_and_nvram_lost(guest)
    expect("version", guest.userspace("b", trial=False), "2.0.0")
    guest.ready("b")
    guest.demand("cube-update rollback --now", code=11)
    guest.demand("cube-update commit")
    guest.expect_status(booted="b", fallback="b", phase="idle", boot_records="ok")
    guest.restart_by("cube-update rollback --now")
    guest.userspace("a", trial=True)
    guest.ready("a")
    guest.expect_status(booted="a", fallback="a", phase="idle", boot_records="ok")


@scenario("uefi-nvram-full", firmwares=("uefi",))
def nvram_full(at):
    """No loader: others have filled the firmware's variables; refused before arming, the old slot stays, and with room updates go on."""
    guest = started(at)
    refused_for_want_of_nvram(guest)
    by_own_option(guest, "a")
    guest.cut_power()
    guest.lose_nvram()
    guest.start()
    guest.userspace("a", trial=False)
    guest.ready("a")
    guest.demand("cube-update commit")
    guest.apply("2.0.0")
    guest.userspace("b", trial=True)
    guest.ready("b")
    guest.expect_outcome("2.0.0", "committed", "none", 1)


@scenario("uefi-others", firmwares=("uefi",))
def others(at):
    """No loader: read-only variables, a one-shot of others and their option before the fallback are refused (11); commit mends the last."""
    guest = started(at)
    folder, guid = "/sys/firmware/efi/efivars", "8be4df61-93ca-11d2-aa0d-00e098032b8c"
    begin = "\\x07\\x00\\x00\\x00"
    apply = f"cube-update apply {name_of('2.0.0')} --from /media/stick"
    guest.demand(f"mount -o remount,ro {folder}")
    guest.demand(apply, code=11)
    guest.demand(f"mount -o remount,rw {folder}")
    guest.demand(f"printf '{begin}\\x00\\x00' >{folder}/BootNext-{guid}")  # Boot0000 is OVMF's own
    guest.demand(apply, code=11)
    guest.demand(f"test -e {folder}/BootNext-{guid}")
    guest.demand(f"rm {folder}/BootNext-{guid}")
    guest.demand(f"printf '{begin}\\x01\\x00' >{folder}/BootOrder-{guid}")  # Boot0001 is the disk
    guest.demand(apply, code=11)
    guest.demand("cube-update commit")
    output = guest.demand(f"hexdump -v -e '1/1 \"%02x\"' {folder}/BootOrder-{guid}")
    if output.split("07000000")[-1][4:8] != "0100":
        raise Failure(f"the option of others is not second in the order: {output}")
    guest.apply("2.0.0")
    guest.userspace("b", trial=True)
    guest.ready("b")
    guest.expect_outcome("2.0.0", "committed", "none", 1)
