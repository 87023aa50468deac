"""Root trees of the demo appliance: a real Debian kernel, a small initramfs, a userspace, and cube-update, installed from its
Debian packages, with its libraries.

The userspace is busybox alone, which starts fastest; or systemd as PID 1 (systemd_userspace.py); or that with the update service.
"""

import os
import pathlib
import shutil
import subprocess

from . import cpio, disk, packages, systemd_userspace

HERE = pathlib.Path(__file__).resolve().parent.parent
HOOKS = HERE.parent / "initramfs"
DISK_MODULES = ["virtio_pci", "virtio_blk"]
OTHER_DISK_MODULES = ["virtio_pci", "ata_piix"]
OTHER_MODULES = ["virtio_net", "vfat", "nls_cp437", "nls_ascii", "nls_utf8", "qemu_fw_cfg", "efivarfs", "efi_pstore",
                 "ramoops"]
# Of the kernel for real machines: what the cloud kernel has built in, then its BMC and watchdog.
FULL_MODULES = ["crc32c_generic", "ext4", "ipmi_si", "ipmi_devintf", "i6300esb"]
# What cube-update and the demo run; from the build host.
PROGRAMS = {"usr/sbin/mkfs.ext4": "/sbin/mkfs.ext4", "usr/sbin/e2fsck": "/sbin/e2fsck"}
FOLDERS = ["proc", "sys", "dev", "run", "tmp", "data", "media/stick", "boot/efi", "etc", "var/lib/cube-update", "var/tmp",
           "usr/bin", "usr/sbin", "usr/lib/cube-update/config.d", "usr/lib/cube-update/health/required.d",
           "usr/lib/x86_64-linux-gnu", "usr/lib64", "usr/share/cube-update"]
# What can be wrong with a release, and where the machine notices.
VARIANTS = {
    "good": "nothing",
    "vfs-panic": "the initramfs is empty, so the kernel itself cannot mount its root",
    "init-exits": "PID 1 ends",
    "late-panic": "the kernel crashes in userspace, before the commit",
    "emergency": "the initramfs lacks the disk's driver",
    "wrong-driver": "the initramfs has the driver of another disk",
    "init-missing": "there is no /sbin/init",
    "no-dev": "the root has no /dev, so the initramfs cannot hand over",
    "init-hangs": "PID 1 waits for ever",
    "oom": "a program uses all memory, and the kernel is told to panic then",
    "sick": "a required health check fails",
    "hang": "the initramfs waits for ever",
    "hang-armed": "the initramfs waits for ever, after it armed a watchdog device",
    "spins": "the kernel spins at its first instruction (BIOS)",
    "unit-fails": "with systemd: a unit fails",
    "incomplete": "with systemd: a unit that boot-complete.target requires fails",
    "migrates": "nothing; a migration looks at the old slot",
    "migration-fails": "a migration of its state fails",
    "hung-check": "with systemd: a health check hangs, and has started a process in a session of its own",
}
USERSPACES = ("busybox", "systemd", "service")
# variant -> what it has below usr/lib/cube-update.
HOOKS_OF = {
    "migrates": {"migrate.d/10-look": """#!/bin/sh
old=$(grep VERSION_ID "$CUBE_OLD_SLOT/etc/os-release")
touch "$CUBE_OLD_SLOT/etc/written" 2>/dev/null && writes=yes
echo "old: $old, own: $(grep VERSION_ID /etc/os-release), writes: ${writes:-no}" >>/data/migrated
"""},
    "migration-fails": {"migrate.d/10-look": "#!/bin/sh\necho first >>/data/migrated\n",
                        "migrate.d/20-db": "#!/bin/sh\necho 'schema 7 is not known'\nexit 1\n",
                        "migrate.d/30-last": "#!/bin/sh\necho last >>/data/migrated\n"},
    "hung-check": {"config.d/20-health.toml": "[health]\ntimeout = 5\nretries = 0\n",
                   "health/required.d/50-hangs": """#!/bin/sh
setsid sh -c 'echo $$ >/run/grandchild; exec sleep 1000' </dev/null >/dev/null 2>&1 &
sleep 1000
""",
                   "red.d/10-look": """#!/bin/sh
[ "$CUBE_ON_TRIAL" = 1 ] || exit 0
pid=$(cat /run/grandchild) || exit 1
if kill -0 "$pid" 2>/dev/null; then echo "$pid lives"; else echo "$pid is gone"; fi >/data/grandchild
"""},
}
CONFIG = """product = "CUBE"
[source]
allow-http = true
[trial]
deadline = {deadline}
[boot]
arguments = "{arguments}"
[health]
retries = 1
retry-interval = 2
"""


def make(tree, kernel, version, variant, debs, trusted_root, deadline=120, userspace="busybox", cache=None):
    """Fills the folder `tree`. `debs`: the agent's packages (packages.build); `cache` is for systemd's."""
    if variant not in VARIANTS:
        raise ValueError(f"no variant {variant}: {', '.join(VARIANTS)}")
    tree = pathlib.Path(tree)
    if userspace == "service":
        systemd_userspace.unpack(cache, tree, systemd_userspace.SERVICE_PACKAGES)
    elif userspace == "systemd":
        systemd_userspace.unpack(cache, tree)
    for folder in FOLDERS:
        (tree / folder).mkdir(parents=True, exist_ok=True)
    for link in ("bin", "sbin", "lib", "lib64"):
        if not (tree / link).is_symlink():
            (tree / link).symlink_to(f"usr/{link}")
    _busybox(tree)
    for path, program in PROGRAMS.items():
        _write_anew(tree / path, pathlib.Path(program).read_bytes(), 0o755)
        _libraries(tree, program)
    packages.install(tree, debs)
    for program in ("usr/bin/cube-update", "usr/lib/cube-update/cube-updated", "usr/lib/cube-update/cube-fetch"):
        _libraries(tree, tree / program)
    if userspace in ("systemd", "service"):
        systemd_userspace.set_up(tree, variant)
        if userspace == "service":
            systemd_userspace.set_up_service(tree)
    elif variant != "init-missing":
        _write(tree / "usr/sbin/init", (HERE / "busybox/init").read_bytes(), 0o755)
    if variant == "no-dev":
        (tree / "dev").rmdir()
    _write(tree / "etc/os-release", f'ID=cube-demo\nVERSION_ID="{version}"\nVARIANT={variant}\n'.encode())
    _write(tree / "usr/lib/cube-update/config.d/10-demo.toml", CONFIG.format(deadline=deadline, arguments=disk.ARGUMENTS).encode())
    if trusted_root:
        _write(tree / "usr/share/cube-update/root.json", pathlib.Path(trusted_root).read_bytes())
    _write(tree / "usr/lib/cube-update/health/required.d/10-data", b"#!/bin/sh\ngrep -q ' /data ' /proc/mounts\n", 0o755)
    if variant == "sick":
        _write(tree / "usr/lib/cube-update/health/required.d/50-storage", b"#!/bin/sh\necho 'storage is down'\nexit 1\n", 0o755)
    for path, text in HOOKS_OF.get(variant, {}).items():
        _write(tree / "usr/lib/cube-update" / path, text.encode(), 0o644 if path.endswith(".toml") else 0o755)
    image = kernel.image.read_bytes()
    _write(tree / "boot/vmlinuz", spinning(image) if variant == "spins" else image)
    _write(tree / "boot/initrd.img", initramfs(kernel, variant))
    _write(tree / "usr/lib/systemd/boot/efi/linuxx64.efi.stub", disk.STUB.read_bytes())
    _modules(tree, kernel)


def _modules(tree, kernel):
    """Those that the initramfs of a good release has, and the lists that say which devices they and the kernel know."""
    folder = tree / "usr/lib/modules" / kernel.release
    for module in _needed(kernel, DISK_MODULES):
        _write(folder / module.relative_to(kernel.folder), module.read_bytes())
    for name in ("modules.builtin", "modules.builtin.modinfo", "modules.order"):
        _write(folder / name, (kernel.folder / name).read_bytes())
    subprocess.run(["depmod", "-b", tree, kernel.release], check=True)


def _needed(kernel, disk_modules):
    return kernel.modules(*disk_modules, *OTHER_MODULES, *(FULL_MODULES if kernel.full else []))


def spinning(image):
    """A kernel whose protected-mode code begins with a jump to itself. It begins after the boot sector and `setup_sects` (offset 1F1h)."""
    entry = ((image[0x1F1] or 4) + 1) * 512
    return image[:entry] + b"\xeb\xfe" + image[entry + 2:]


def initramfs(kernel, variant):
    """The initramfs as bytes, not compressed: that is the quickest to start under emulation."""
    archive = cpio.Archive()
    for folder in ("dev", "proc", "sys", "run", "root", "bin"):
        archive.directory(folder)
    archive.character_device("dev/console", 5, 1)
    if variant == "vfs-panic":
        return archive.bytes()
    archive.file("bin/busybox", pathlib.Path("/bin/busybox").read_bytes(), 0o755)
    archive.file("init", (HERE / "busybox/initramfs-init").read_bytes(), 0o755)
    for hook in HOOKS.iterdir():
        archive.file(f"lib/cube-update/{hook.name}", hook.read_bytes())
    if variant in ("hang", "hang-armed"):
        archive.file(variant, b"")
    disk_modules = {"emergency": [], "wrong-driver": OTHER_DISK_MODULES}.get(variant, DISK_MODULES)
    modules = _needed(kernel, disk_modules)
    for module in modules:
        archive.file(f"lib/modules/{module.name}", module.read_bytes())
    archive.file("lib/modules/order", "".join(f"{module.name}\n" for module in modules).encode())
    return archive.bytes()


def _busybox(tree):
    busybox = pathlib.Path("/bin/busybox")
    _write(tree / "usr/bin/busybox", busybox.read_bytes(), 0o755)
    there = {path.name for folder in ("bin", "sbin") for path in (tree / "usr" / folder).iterdir()}
    applets = subprocess.run([busybox, "--list"], check=True, capture_output=True, text=True).stdout.split()
    for applet in applets:
        if applet not in ("busybox", "init", *there):
            (tree / "usr/bin" / applet).symlink_to("busybox")


def _libraries(tree, program):
    """The shared libraries that a program needs, each under the path where its loader looks for it."""
    listing = subprocess.run(["ldd", program], check=True, capture_output=True, text=True).stdout
    for word in listing.split():
        if not word.startswith("/"):
            continue
        library = tree / "usr" / word.removeprefix("/usr/").lstrip("/")
        if not library.exists():
            library.parent.mkdir(parents=True, exist_ok=True)
            _write(library, pathlib.Path(word).read_bytes(), 0o755)


def _write_anew(path, content, mode):
    path.unlink(missing_ok=True)  # a link to busybox
    _write(path, content, mode)


def _write(path, content, mode=0o644):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    os.chmod(path, mode)


def remove(tree):
    shutil.rmtree(tree, ignore_errors=True)
