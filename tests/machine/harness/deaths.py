"""Deaths at each stage of a start, and the stores in which machines keep their last words: `cube-update why` must name the stage."""

import time

from . import image
from .appliance import Guest, name_of, version_of
from .bench import expect, scenario
from .updates import bad_release, dies, rolled_back, why

PANIC = r"Kernel panic - not syncing"
RAMOOPS = r"memmap=1M\$0x10000000 ramoops.mem_address=0x10000000 ramoops.mem_size=0x100000 ramoops.record_size=0x8000"


def kept(guest):
    """The names of the records that the agent kept of the first update."""
    return guest.demand("ls /var/lib/cube-update/post-mortem/1")


@scenario("efi-pstore-late-panic", firmwares=("uefi",))
def efi_pstore(at):
    """No store but EFI variables, and a crash in userspace: the records are read, kept, and erased from NVRAM."""
    guest, told = bad_release(at, "late-panic", PANIC, "panic", "sysrq", "userspace-panic", erst=False, arguments="efi_pstore.pstore_disable=0")
    expect("the last mark", told["reached"], "userspace")
    expect("records of EFI are kept", "dmesg-efi" in kept(guest), True)
    efivars = "/sys/firmware/efi/efivars"  # lists what was there when it was mounted
    left = guest.demand(f"umount {efivars}; mount -t efivarfs efivarfs {efivars}; ls {efivars} | grep -c ^dump-type; true")
    expect("records in NVRAM", left.split()[0], "0")


@scenario("ramoops-panic", firmwares=("bios",))
def ramoops(at):
    """No store but a piece of memory that survives the restart (ramoops), and a crash in userspace."""
    guest, told = bad_release(at, "late-panic", PANIC, "panic", "sysrq", "userspace-panic", erst=False, arguments=RAMOOPS)
    expect("the last mark", told["reached"], "userspace")
    expect("records of ramoops are kept", "dmesg-ramoops" in kept(guest), True)


@scenario("no-store", firmwares=("bios",))
def no_store(at):
    """No store at all: a crash in userspace is tried until the tries are used up, and the slot's marks tell how far it came."""
    version = version_of("late-panic")
    guest = Guest(at, erst=False)
    guest.start()
    guest.ready("a")
    guest.apply(version, "--tries 1")
    dies(at, guest, "no-store", PANIC)
    rolled_back(guest, version, "tries-exhausted")
    expect("the last mark", why(guest, version, "hang")["reached"], "root-mounted")


@scenario("oom")
def oom(at):
    """A program of the new release uses all memory, and the kernel panics."""
    bad_release(at, "oom", PANIC, "panic", "Out of memory", "oom")


@scenario("wrong-driver")
def wrong_driver(at):
    """The initramfs has the driver of another disk."""
    bad_release(at, "wrong-driver", r"cube: initramfs: root not found", "breadcrumb", "root not found", "drivers-missing")


@scenario("init-missing")
def init_missing(at):
    """The root has no /sbin/init."""
    told = bad_release(at, "init-missing", r"cube: initramfs: init missing", "breadcrumb", "init missing", "init-missing")[1]
    expect("the last mark", told["reached"], "root-mounted")


@scenario("switch-root-failure")
def switch_root(at):
    """The root has no /dev, so the initramfs cannot hand over."""
    bad_release(at, "no-dev", r"cube: initramfs: cannot hand over", "breadcrumb", "cannot hand over", "switch-root-failed")


@scenario("init-hangs")
def init_hangs(at):
    """PID 1 of the new release hangs; somebody presses reset after its deadline: the marks in the slot tell how far it came."""
    version = version_of("init-hangs")
    guest = Guest(at)
    guest.start()
    guest.ready("a")
    guest.demand("mkdir -p /run/cube-update/config.d; printf '[trial]\\ndeadline = 10\\n' >/run/cube-update/config.d/test.toml")
    guest.apply(version)
    guest.wait("cube: init hangs")
    time.sleep(25)
    guest.machine.reset()
    guest.userspace("a", trial=False)
    guest.ready("a")
    rolled_back(guest, version, "overdue")
    told = why(guest, version, "hang")
    expect("the last mark", (told["reached"], "its root was mounted" in told["cause"]), ("root-mounted", True))


@scenario("filesystem-feature", firmwares=("uefi",))
def filesystem_feature(at):
    """systemd-boot: the root's file system has a feature that the new kernel does not know."""
    version = "2.0.0"
    guest = Guest(at, loader="systemd-boot")
    guest.start()
    guest.ready("a")
    guest.demand(f"cube-update apply {name_of(version)} --from /media/stick --no-reboot", code=20)
    guest.demand("sync")
    guest.cut_power()
    image.change_ext4(guest.layout.b, "feature FEATURE_I31")
    guest.start()
    dies(at, guest, "filesystem-feature", r"cube: initramfs: mount failed")
    rolled_back(guest, version, "breadcrumb")
    why(guest, version, "fs-feature-unsupported")
