"""A small Debian root tree with systemd as PID 1, and the tools that make real initramfs archives in it. Made by mmdebstrap."""

import pathlib
import shutil
import subprocess

PACKAGES = ["systemd", "systemd-sysv", "udev", "kmod", "initramfs-tools-core", "dracut-core", "e2fsprogs"]
SOURCES = "/etc/apt/sources.list.d/debian.sources"


def unpack(cache, folder, kernel):
    """Fills `folder` with the tree and the kernel's modules. The first time this takes half a minute and the network."""
    cache, folder = pathlib.Path(cache), pathlib.Path(folder)
    archive = cache / "debian-tree.tar"
    if not archive.exists():
        partial = cache / "debian-tree.partial.tar"
        sources = [SOURCES] if pathlib.Path(SOURCES).exists() else []
        _run("mmdebstrap", "--mode=root", "--variant=minbase", f"--include={','.join(PACKAGES)}", "bookworm", partial, *sources)
        partial.rename(archive)
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    _run("tar", "-C", folder, "-xf", archive)
    shutil.copytree(kernel.root / "lib/modules" / kernel.release, folder / "usr/lib/modules" / kernel.release)
    _copy(kernel.root / f"boot/config-{kernel.release}", folder / f"boot/config-{kernel.release}")
    _run("chroot", folder, "depmod", kernel.release)


def install_initramfs_hooks(folder, packaging):
    """Puts the hooks of packaging/ where an installed package has them."""
    share = folder / "usr/share"
    for file in (packaging / "initramfs").iterdir():
        _copy(file, folder / "usr/lib/cube-update" / file.name)
    scripts = [f"scripts/{when}/cube-update" for when in ("init-top", "init-premount", "init-bottom")]
    for name in ("hooks/cube-update", *scripts, "scripts/init-bottom/cube-update-mark"):
        _copy(packaging / "initramfs-tools" / name, share / "initramfs-tools" / name)
    module = folder / "usr/lib/dracut/modules.d/90cube-update"
    for file in (packaging / "dracut/90cube-update").iterdir():
        _copy(file, module / file.name)


def make_initramfs(folder, kernel, tool, without_disk_driver=False):
    """A real initramfs as bytes. `tool` is initramfs-tools, dracut (systemd inside) or dracut-plain (dracut's own init)."""
    if tool == "initramfs-tools":
        if without_disk_driver:
            configuration = folder / "etc/initramfs-tools/initramfs.conf"
            configuration.write_text(configuration.read_text().replace("MODULES=most", "MODULES=list"))
        _run("chroot", folder, "mkinitramfs", "-o", "/tmp/initrd.img", kernel.release)
    else:
        options = ["--no-hostonly", "--add", "cube-update"]
        options += ["--add", "systemd systemd-initrd dracut-systemd"] if tool == "dracut" else ["--omit", "systemd systemd-initrd dracut-systemd"]
        if without_disk_driver:
            options += ["--omit-drivers", "virtio_blk"]
        _run("chroot", folder, "dracut", "--force", *options, "/tmp/initrd.img", kernel.release)
    return (folder / "tmp/initrd.img").read_bytes()


def _copy(source, target):
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy(source, target)


def _run(*command):
    result = subprocess.run([str(part) for part in command], capture_output=True, text=True)
    if result.returncode != 0:
        raise RuntimeError(f"{command[0]} failed ({result.returncode}): {(result.stderr or result.stdout).strip()[-2000:]}")
