"""The disk image: one GPT that boots on BIOS and on UEFI, made without mounts, loop devices or root rights.

    1  BIOS boot partition   GRUB core.img
    2  ESP, FAT, CUBE-BOOT   EFI/BOOT/BOOTX64.EFI and /cube (configuration, env, good)
    3  slot A, ext4, cube-a
    4  slot B, ext4, cube-b
    5  data, ext4, cube-data

With a separate boot disk, 1 and 2 are there and 3 to 5 are on the main disk.
"""

import contextlib
import os
import pathlib
import secrets
import subprocess
import tempfile

from . import envblock, grub

MIB = 1 << 20
SYSTEMD_BOOT = pathlib.Path("/usr/lib/systemd/boot/efi/systemd-bootx64.efi")
STUB = pathlib.Path("/usr/lib/systemd/boot/efi/linuxx64.efi.stub")
ARGUMENTS = "console=tty0 console=ttyS0,115200 quiet"  # the key boot.arguments of the demo appliance
# What GRUB 2.06 can read. Newer mke2fs turns the first two on by default.
EXT4_FEATURES = "^metadata_csum_seed,^orphan_file"


class Partition:
    """A place on a disk image."""

    def __init__(self, number, type_code, name, mib):
        self.number, self.type_code, self.name, self.size = number, type_code, name, mib * MIB
        self.image, self.offset = None, None


class Layout:
    """Where each partition is. Sizes in MiB."""

    def __init__(self, image, boot_image=None, esp=48, slot=512, data=256):
        self.sizes = (esp, slot, data)
        self.image = pathlib.Path(image)
        self.boot_image = pathlib.Path(boot_image) if boot_image else self.image
        self.bios = Partition(1, "EF02", "BIOS boot", 1)
        self.esp = Partition(2, "EF00", "CUBE-BOOT", esp)
        self.a = Partition(3, "8300", "cube-a", slot)
        self.b = Partition(4, "8300", "cube-b", slot)
        self.data = Partition(5, "8300", "cube-data", data)
        boot, main = [self.bios, self.esp], [self.a, self.b, self.data]
        if boot_image:
            self._place(self.boot_image, boot)
            self._place(self.image, main)
        else:
            self._place(self.image, boot + main)

    def _place(self, image, partitions):
        position = MIB
        for partition in partitions:
            partition.image, partition.offset = image, position
            position += partition.size
        self._disks = getattr(self, "_disks", []) + [(image, partitions, position + MIB)]

    def partition_disks(self):
        """Creates the image files, sparse, with their partition tables."""
        for image, partitions, size in self._disks:
            image.unlink(missing_ok=True)
            with open(image, "wb") as file:
                os.truncate(file.fileno(), size)
            command = ["sgdisk", "--clear"]
            for p in partitions:
                first, last = p.offset // 512, (p.offset + p.size) // 512 - 1
                command += [f"--new={p.number}:{first}:{last}", f"--typecode={p.number}:{p.type_code}", f"--change-name={p.number}:{p.name}"]
            _run([*command, image])


def make_ext4(partition, tree=None):
    """Fills a partition with an ext4 file system, empty or with a copy of `tree`."""
    command = ["mkfs.ext4", "-q", "-F", "-L", partition.name, "-O", EXT4_FEATURES, "-m", "0", "-E",
               f"offset={partition.offset},lazy_itable_init=1,lazy_journal_init=1,root_owner=0:0,nodiscard"]
    if tree:
        command += ["-d", tree]
    _run([*command, partition.image, f"{partition.size // 1024}k"])


def _make_fat(partition):
    _run(["mkfs.vfat", "-F", "32", "-s", "1", "-n", partition.name, "--offset", str(partition.offset // 512), partition.image, str(partition.size // 1024)])


def make_esp(partition, environment, local_config=None, with_uefi=True):
    """Fills the ESP: loader, configuration and the two env blocks. `environment` maps variable to value."""
    _make_fat(partition)
    with tempfile.TemporaryDirectory() as folder:
        top = pathlib.Path(folder)
        (top / "cube").mkdir()
        for name in ("grub.cfg", "cube.cfg"):
            (top / "cube" / name).write_bytes((grub.CONFIG / name).read_bytes())
        if local_config:
            (top / "cube/local.cfg").write_text(local_config)
        (top / "cube/env").write_bytes(envblock.encode(environment))
        (top / "cube/good").write_bytes(envblock.encode({"cube_fallback": environment["cube_fallback"]}))
        names = ["cube"]
        if with_uefi:
            (top / "EFI/BOOT").mkdir(parents=True)
            (top / "EFI/BOOT/BOOTX64.EFI").write_bytes(grub.uefi_image())
            names.append("EFI")
        _run(["mcopy", "-s", "-i", f"{partition.image}@@{partition.offset}", *[top / name for name in names], "::/"])


def make_systemd_boot_esp(partition, slot_a):
    """The ESP of a machine whose loader is systemd-boot: slot a is the fallback, in an entry as the agent writes them."""
    _make_fat(partition)
    with tempfile.TemporaryDirectory() as folder:
        top = pathlib.Path(folder)
        for name in ("EFI/BOOT", "loader/entries", "cube/kernels/a-00000000"):
            (top / name).mkdir(parents=True)
        (top / "EFI/BOOT/BOOTX64.EFI").write_bytes(SYSTEMD_BOOT.read_bytes())
        (top / "loader/loader.conf").write_text("default cube-a.conf\ntimeout 0\n")
        (top / "loader/entries/cube-a.conf").write_bytes(_entry())
        for name in ("vmlinuz", "initrd.img"):
            (top / "cube/kernels/a-00000000" / name).write_bytes((pathlib.Path(slot_a) / "boot" / name).read_bytes())
        _run(["mcopy", "-s", "-i", f"{partition.image}@@{partition.offset}", top / "EFI", top / "loader", top / "cube", "::/"])


def make_uefi_esp(partition, slot_a):
    """The ESP of a machine without a loader, new from the factory: slot a's kernel where firmware looks first. No variable is set yet."""
    _make_fat(partition)
    with tempfile.TemporaryDirectory() as folder:
        top = pathlib.Path(folder)
        (top / "EFI/BOOT").mkdir(parents=True)
        arguments = top / "arguments"
        arguments.write_text(f"root=LABEL=cube-a ro {ARGUMENTS} cube.slot=a cube.canary={secrets.token_hex(8)}")
        command = ["objcopy"]
        for section, file, address in ((".cmdline", arguments, 0x30000), (".linux", pathlib.Path(slot_a) / "boot/vmlinuz", 0x2000000),
                                       (".initrd", pathlib.Path(slot_a) / "boot/initrd.img", 0x4000000)):
            command += ["--add-section", f"{section}={file}", "--change-section-vma", f"{section}={address:#x}"]
        _run([*command, STUB, top / "EFI/BOOT/BOOTX64.EFI"])
        _run(["mcopy", "-s", "-i", f"{partition.image}@@{partition.offset}", top / "EFI", "::/"])


def _entry():
    """512 bytes, docs/boot-environment.md."""
    begin = ("title Slot a\nsort-key cube-0\nversion 00000000\n"
             f"options root=LABEL=cube-a ro {ARGUMENTS} cube.slot=a cube.canary={secrets.token_hex(8)}\n")
    end = "\ninitrd /cube/kernels/a-00000000/initrd.img\nlinux /cube/kernels/a-00000000/vmlinuz\n"
    return (begin.ljust(512 - len(end), "#") + end).encode()


def build(layout, slot_a, slot_b=None, data=None, environment=None, local_config=None, loader="grub"):
    """A whole image. `slot_b` None leaves an empty file system there, which is what a factory leaves."""
    layout.partition_disks()
    if loader == "systemd-boot":
        make_systemd_boot_esp(layout.esp, slot_a)
    elif loader == "uefi":
        make_uefi_esp(layout.esp, slot_a)
    else:
        make_esp(layout.esp, environment or envblock.initial(), local_config)
        grub.embed_bios(layout.bios.image, layout.bios.offset // 512)
    with _told(slot_a, loader):
        make_ext4(layout.a, slot_a)
    make_ext4(layout.b, slot_b)
    make_ext4(layout.data, data)


@contextlib.contextmanager
def _told(slot, loader):
    """A slot whose configuration names the loader, where a new machine has nothing that tells it; later slots take it over."""
    file = pathlib.Path(slot) / "etc/cube-update/config.d/20-loader.toml"
    if loader != "uefi":
        yield
        return
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text('[boot]\nloader = "uefi"\n')
    try:
        yield
    finally:
        file.unlink()


def _run(command):
    result = subprocess.run([str(part) for part in command], capture_output=True, text=True)
    if result.returncode != 0:
        raise RuntimeError(f"{command[0]} failed ({result.returncode}): {result.stderr.strip() or result.stdout.strip()}")
