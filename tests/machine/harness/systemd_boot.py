"""Updates on a machine whose loader is systemd-boot (UEFI): the real one, with its counters and its one-shot."""

from . import image
from .appliance import Guest, name_of, version_of
from .bench import Failure, expect, scenario
from .updates import rolled_back, survives_a_cut, why

LOADER = "systemd-boot"


def started(at, **fw_cfg):
    guest = Guest(at, loader=LOADER)
    guest.start(**fw_cfg)
    guest.userspace("a", trial=False)
    guest.ready("a")
    return guest


@scenario("sdboot-good", firmwares=("uefi",), default=True)
def good(at):
    """systemd-boot: a good release is committed, stays over a power cut, and can be left again."""
    guest = started(at)
    guest.expect_status(booted="a", fallback="a", phase="idle", loader=LOADER, boot_records="ok", trial=None)
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
    guest.restart_by("cube-update rollback --now")
    guest.userspace("a", trial=True)
    guest.wait(r"cube: commit exit 0\n")
    guest.ready("a")
    guest.expect_status(booted="a", fallback="a", phase="idle")


@scenario("sdboot-vfs-panic", firmwares=("uefi",))
def vfs_panic(at):
    """systemd-boot: the new kernel cannot mount its root; the old slot is back by itself."""
    version = version_of("vfs-panic")
    guest = started(at)
    guest.insist()
    guest.apply(version)
    guest.wait(r"Kernel panic - not syncing")
    guest.userspace("a", trial=False)
    guest.ready("a")
    rolled_back(guest, version, "panic")
    why(guest, version, "drivers-missing")


@scenario("sdboot-power-cut", firmwares=("uefi",))
def power_cut(at):
    """systemd-boot: the power fails in the trial of a good release; it is tried again and committed."""
    guest = started(at)
    survives_a_cut(guest)


@scenario("sdboot-damaged", firmwares=("uefi",))
def damaged(at):
    """systemd-boot: the fallback's entry is not ours any more; an update is refused, and commit mends it."""
    guest = Guest(at, loader=LOADER)
    entry = image.read_esp(guest.layout, "loader/entries/cube-a.conf")
    image.write_esp(guest.layout, "loader/entries/cube-a.conf", entry.replace(b"sort-key cube-0", b"sort-key cube-9"))
    guest.start()
    guest.userspace("a", trial=False)
    guest.ready("a")
    if guest.status()["boot_records"] == "ok":
        raise Failure("status does not show that the fallback's entry is damaged")
    guest.demand(f"cube-update apply {name_of('2.0.0')} --from /media/stick", code=11)
    guest.demand("cube-update commit")
    guest.expect_status(booted="a", fallback="a", phase="idle", boot_records="ok")
    guest.apply("2.0.0")
    guest.userspace("b", trial=True)
    guest.ready("b")
    guest.expect_outcome("2.0.0", "committed", "none", 1)


def refused_for_want_of_room(guest):
    """Foreseen; and where somebody insists, found again before the arming."""
    apply = f"cube-update apply {name_of('2.0.0')} --from /media/stick"
    guest.demand(apply, code=6)
    guest.insist()
    guest.demand(apply, code=8)


@scenario("sdboot-partition-full", firmwares=("uefi",))
def partition_full(at):
    """systemd-boot: no room for the new kernel on the EFI system partition; refused before arming, and the old slot stays."""
    guest = started(at)
    guest.run("dd if=/dev/zero of=/boot/efi/fill bs=1M; sync")
    refused_for_want_of_room(guest)
    guest.expect_status(booted="a", fallback="a", trial=None)
    guest.demand("rm /boot/efi/fill")
    guest.restart_by(f"cube-update apply {name_of('2.0.0')} --from /media/stick")
    guest.userspace("b", trial=True)
    guest.ready("b")
    guest.expect_status(booted="b", fallback="b")


def committed_and_nvram_lost(guest):
    """A release is committed; then the firmware forgets all of its variables, and the machine starts."""
    guest.apply("2.0.0")
    guest.userspace("b", trial=True)
    guest.wait(r"cube: commit exit 0\n")
    guest.ready("b")
    guest.cut_power()
    guest.lose_nvram()
    guest.start()


@scenario("sdboot-nvram-lost", firmwares=("uefi",))
def nvram_lost(at):
    """systemd-boot: the firmware loses its variables after a commit; loader.conf still names the fallback, and updates go on."""
    guest = started(at)
    committed_and_nvram_lost(guest)
    guest.userspace("b", trial=False)
    guest.ready("b")
    guest.expect_status(booted="b", fallback="b", boot_records="ok", trial=None)
    guest.restart_by("cube-update rollback --now")
    guest.userspace("a", trial=True)
    guest.ready("a")
    guest.expect_status(booted="a", fallback="a", phase="idle")


def nvram_filled(guest):
    """Variables of others take all the room that the kernel gives away, with large ones first and small ones last."""
    guid = "5c7e1a3d-0d1c-4f0e-9b58-6a1d3c2b9e77"
    guest.demand("n=0; for size in 8000 1000 100 10; do printf '\\007\\000\\000\\000' >/tmp/v; head -c $size /dev/urandom >>/tmp/v; "
                 f"while dd if=/tmp/v of=/sys/firmware/efi/efivars/Fill$n-{guid} bs=16k 2>/dev/null; do n=$((n + 1)); [ $n -lt 2000 ] || break; done; n=$((n + 1)); done; "
                 "rm /tmp/v; [ $n -gt 8 ]")


def refused_for_want_of_nvram(guest):
    """Others fill the variables: an update is refused before the arming, and after a power cut the old slot is there."""
    nvram_filled(guest)
    refused_for_want_of_room(guest)
    guest.expect_status(booted="a", fallback="a", trial=None)
    guest.cut_power()
    guest.start()
    guest.userspace("a", trial=False)
    guest.ready("a")


@scenario("sdboot-nvram-full", firmwares=("uefi",))
def nvram_full(at):
    """systemd-boot: others have filled the firmware's variables; refused before arming, and the old slot stays."""
    guest = started(at)
    refused_for_want_of_nvram(guest)
    guest.expect_status(booted="a", fallback="a")


@scenario("sdboot-odd-counter", firmwares=("uefi",))
def odd_counter(at):
    """systemd-boot: an entry with a counter that is none, and a one-shot that is a pattern for it; refused (11), and commit mends."""
    guest = Guest(at, loader=LOADER)
    entry = image.read_esp(guest.layout, "loader/entries/cube-a.conf")
    image.write_esp(guest.layout, "loader/entries/cube-b+x.conf", entry)
    guest.start()
    guest.userspace("a", trial=False)
    guest.ready("a")
    one_shot = "/sys/firmware/efi/efivars/LoaderEntryOneShot-4a67b082-0a4c-41cf-b6c7-440b29bb8c4f"
    pattern = "".join(f"\\x{ord(letter):02x}\\x00" for letter in "cube-*") + "\\x00\\x00"
    guest.demand(f"printf '\\x07\\x00\\x00\\x00{pattern}' >{one_shot}")
    guest.demand(f"cube-update apply {name_of('2.0.0')} --from /media/stick", code=11)
    guest.demand("cube-update commit")
    guest.demand(f"test -e {one_shot} -o -e '/boot/efi/loader/entries/cube-b+x.conf'", code=1)
    guest.expect_status(booted="a", fallback="a", phase="idle", boot_records="ok")
    guest.apply("2.0.0")
    guest.userspace("b", trial=True)
    guest.ready("b")
    guest.expect_outcome("2.0.0", "committed", "none", 1)
