"""The initramfs hooks in archives that initramfs-tools and dracut really made: an emergency on a trial boot leaves its reason."""

import hashlib
import pathlib
import subprocess
import threading

from . import appliance_path, bench, image, loader
from .bench import expect, scenario
from appliance import cpio, debian, disk, envblock, kernel

PACKAGING = appliance_path.TOP / "packaging"
TELL = """#!/bin/busybox sh
/bin/busybox mount -t proc proc /proc
/bin/busybox mount -t sysfs sys /sys
/bin/busybox echo 1 >/proc/sys/kernel/printk
/bin/busybox mount -t pstore pstore /sys/fs/pstore
/bin/busybox grep -h "cube-update: " /sys/fs/pstore/*
/bin/busybox echo "loader-test: started: $(/bin/busybox cat /proc/cmdline)"
while :; do /bin/busybox sleep 1000; done
"""
# Shorter waits for the root than the tools' own, so that the test is quick.
LOCAL_CONFIG = 'set cube_args="console=ttyS0,115200 rd.retry=10 rd.timeout=10 systemd.default_timeout_start_sec=15"\n'
_building = threading.Lock()


def _real_initramfs(tool):
    """An archive without a driver for the disk; kept until the hooks change."""
    files = sorted(path for folder in ("initramfs", "initramfs-tools", "dracut") for path in (PACKAGING / folder).rglob("*") if path.is_file())
    digest = hashlib.sha256(b"".join(path.read_bytes() for path in files) + pathlib.Path(debian.__file__).read_bytes()).hexdigest()[:16]
    cached = bench.BUILD / f"cache/{tool}-{digest}.img"
    if not cached.exists():
        linux = kernel.fetch(bench.BUILD / "cache")
        folder = bench.BUILD / "machine-tests/debian-tree"
        debian.unpack(bench.BUILD / "cache", folder, linux)
        debian.install_initramfs_hooks(folder, PACKAGING)
        cached.write_bytes(debian.make_initramfs(folder, linux, tool, without_disk_driver=True))
        subprocess.run(["rm", "-rf", folder], check=True)
    return cached


def _prepare(at, tool):
    with _building:
        initramfs = _real_initramfs(tool)
    at.folder.mkdir(parents=True, exist_ok=True)
    trees = []
    for slot, archive in (("a", loader.initramfs(TELL)), ("b", initramfs.read_bytes())):
        tree = at.folder / f"tree-{slot}"
        loader.make_tree(tree, archive)
        trees.append(tree)
    layout = disk.Layout(at.folder / "hooks.img", slot=80, data=16)
    disk.build(layout, *trees, environment=envblock.initial(offer="b", trial="b", left=3), local_config=LOCAL_CONFIG)
    return layout


def emergency(at, tool, reason, shell):
    layout = _prepare(at, tool)
    machine = at.machine([(layout.image, False)], memory=1024)
    with machine:
        machine.start()
        machine.wait_for("cube: starting slot b on trial", timeout=at.seconds(60))
        machine.wait_for("Kernel panic - not syncing: sysrq triggered crash", timeout=at.seconds(120))
        machine.wait_for(r"cube-update: stage initramfs-start boot [0-9a-f-]{36}\n", timeout=at.seconds(60))
        kept = machine.wait_for(r"cube-update: initramfs: (.*)\n", timeout=at.seconds(60)).group(1)
        expect("reason that the fallback finds in pstore", kept, reason)
        started = loader.await_start(at, machine)
        expect("start after the panic", (started.slot, started.trial), ("a", False))
    image.write_env(layout, envblock.initial())
    machine = at.machine([(layout.image, False)], memory=1024)
    with machine:
        machine.start()
        machine.wait_for("GNU GRUB", timeout=at.seconds(60))
        machine.type("\x0e\x0e\r")  # slot B by hand: no trial
        machine.wait_for("cube: starting slot b, chosen by hand", timeout=at.seconds(60))
        seen = machine.wait_for(shell, "Kernel panic", timeout=at.seconds(120)).group()
        expect("a shell on a boot without trial, no panic", "Kernel panic" in seen, False)


@scenario("hook-initramfs-tools", firmwares=("bios",))
def initramfs_tools(at):
    """initramfs-tools: root not found on a trial panics with the reason in pstore; without trial its shell comes as ever."""
    emergency(at, "initramfs-tools", "ALERT!  LABEL=cube-b does not exist.  Dropping to a shell!; disks: none", r"\(initramfs\)")


@scenario("hook-dracut", firmwares=("bios",))
def dracut(at):
    """dracut with systemd: the same."""
    emergency(at, "dracut", "root not found: LABEL=cube-b; disks: none", r"emergency mode|Press Enter for maintenance")


@scenario("hook-dracut-plain", firmwares=("bios",))
def dracut_plain(at):
    """dracut with its own init: the same."""
    emergency(at, "dracut-plain", "root not found: LABEL=cube-b; disks: none", r"Dropping to debug shell")
