#!/usr/bin/env python3
"""Disks that are really full: a slot that fills up on the way, and a full disk of the agent's own files.

Usage: full_disk_test.py CUBE_UPDATE CUBE_RELEASE APPLIANCE_MODULES
Needs root and loop devices; without them it says so and exits with 77.
"""
import contextlib
import os

from device_slots_test import MIB, UPDATE, Machine, published, run

STATE = "var/lib/cube-update"
KIB = 1024
LEFT = [64 * KIB, 700 * KIB, 1500 * KIB]  # a release takes about 1.8 MiB of a slot


def fill_up(folder, leave=0):
    """Leaves so many bytes on the disk, and gives the file that takes the rest."""
    filler = folder / "filler"
    with open(filler, "wb", buffering=0) as file:
        for size in (MIB, KIB, KIB):  # once more: what was reserved is free again after fsync
            with contextlib.suppress(OSError):
                while file.write(b"x" * size):
                    pass
            os.fsync(file.fileno())
        os.truncate(file.fileno(), file.tell() - leave)
    return filler


@contextlib.contextmanager
def without_packs(repository):
    packs = list(repository.rglob("*.pack"))
    assert packs
    for pack in packs:
        pack.rename(pack.with_suffix(".away"))
    yield
    for pack in packs:
        pack.with_suffix(".away").rename(pack)


def status(machine):
    run(UPDATE, "status", "--root", machine.root)


def a_slot_that_fills_up(machine):
    run("mkfs.ext4", "-q", "-m", "0", "-O", "^metadata_csum_seed,^orphan_file", machine.b)  # is kept
    for left in LEFT:
        with machine.other_slot() as slot:
            filler = fill_up(slot / "lost+found", left)
        machine.apply(wanted=8, says="MiB are free")  # the pack's index tells
        with without_packs(machine.folder.parent / "repository"):
            machine.apply(wanted=8, says="No space left on device")  # only the device does
        status(machine)
        with machine.other_slot() as slot:
            assert not (slot / ".cube/seal").exists(), left
            (slot / "lost+found" / filler.name).unlink()
    machine.apply()
    machine.expect_exact()


def the_journal_on_a_full_disk(machine):
    disk = machine.device("state", 8 * MIB)
    run("mkfs.ext4", "-q", disk)
    place = machine.folder / "state"
    place.mkdir()
    machine.mount(disk, place)
    run("cp", "-a", f"{machine.root}/{STATE}/.", place)
    run("mount", "--bind", place, machine.root / STATE)
    machine.stack.callback(run, "umount", machine.root / STATE)
    run(UPDATE, "fetch", "--root", machine.root, wanted=8, says="to spare")
    filler = fill_up(place)
    machine.apply(wanted=8, says="No space left on device")
    status(machine)
    with open(machine.b, "rb") as slot:
        assert not any(slot.read(MIB)), "the slot was begun"
    filler.unlink()
    machine.apply()
    machine.expect_exact()


def main():
    with published(packs=True) as folder:
        for case in (a_slot_that_fills_up, the_journal_on_a_full_disk):
            place = folder / case.__name__
            place.mkdir()
            with contextlib.ExitStack() as stack:
                case(Machine(place, stack))
            print(f"ok    {case.__name__.replace('_', ' ')}", flush=True)


if __name__ == "__main__":
    main()
