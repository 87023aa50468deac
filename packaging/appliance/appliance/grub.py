"""GRUB for the demo appliance, BIOS and UEFI, each one file with all modules inside."""

import pathlib
import struct
import subprocess
import tempfile

CONFIG = pathlib.Path(__file__).resolve().parents[2] / "grub.d"
MODULES = ["part_gpt", "fat", "ext2", "normal", "configfile", "search", "search_label", "linux", "test", "loadenv", "serial",
           "terminal", "echo", "true", "sleep", "reboot", "halt", "ls", "cat"]
SECTOR = 512


def uefi_image():
    """BOOTX64.EFI. It takes its configuration from /cube on the partition it was started from."""
    return _make("x86_64-efi", "/cube", [*MODULES, "efi_gop"])


def bios_core():
    """core.img for a BIOS boot partition. It takes its configuration from /cube on partition 2 of the same disk."""
    return _make("i386-pc", "(,gpt2)/cube", ["biosdisk", *MODULES])


def _make(format_, prefix, modules):
    with tempfile.TemporaryDirectory() as folder:
        image = pathlib.Path(folder) / "image"  # grub-mkimage seeks, so not a pipe
        result = subprocess.run(["grub-mkimage", "-O", format_, "-p", prefix, "-o", image, *modules], capture_output=True, text=True)
        if result.returncode != 0:
            raise RuntimeError(f"grub-mkimage failed: {result.stderr.strip()}")
        return image.read_bytes()


def embed_bios(disk, first_sector):
    """Puts GRUB's first stage into the disk's first sector and core.img at `first_sector`, as grub-bios-setup would.

    `disk` is a path. The partition table in the first sector is kept.
    """
    boot = bytearray(pathlib.Path("/usr/lib/grub/i386-pc/boot.img").read_bytes())
    core = bytearray(bios_core())
    struct.pack_into("<Q", boot, 0x5C, first_sector)  # where the first stage finds the second
    boot[0x66:0x68] = b"\x90\x90"  # trust the drive number the BIOS gives: this is a hard disk
    struct.pack_into("<Q", core, SECTOR - 12, first_sector + 1)  # where the second stage finds the rest
    with open(disk, "r+b") as file:
        table = file.read(SECTOR)[0x1B8:SECTOR]
        file.seek(0)
        file.write(bytes(boot[:0x1B8]) + table)
        file.seek(first_sector * SECTOR)
        file.write(core)
    return len(core)
