"""What GRUB does with the env block, without any agent: the host writes the block, the slots only say how they were started."""

import functools
import os
import pathlib
import re
import subprocess
import threading

from . import appliance_path, bench, image
from .bench import Failure, expect, scenario
from appliance import cpio, disk, envblock, kernel

INIT = """#!/bin/busybox sh
/bin/busybox mount -t proc proc /proc
/bin/busybox echo 1 > /proc/sys/kernel/printk
/bin/busybox echo "loader-test: started: $(/bin/busybox cat /proc/cmdline)"
while :; do /bin/busybox sleep 1000; done
"""
BOOT_SECONDS = 60
TRIAL_ARGUMENTS = ["cube.trial=1", "panic=10", "oops=panic", "softlockup_panic=1", "nmi_watchdog=panic", "hung_task_panic=1"]
_building = threading.Lock()


def initramfs(init):
    """An archive with busybox and nothing else but this init."""
    archive = cpio.Archive()
    archive.file("bin/busybox", pathlib.Path("/bin/busybox").read_bytes(), 0o755)
    for folder in ("proc", "sys"):
        archive.directory(folder)
    archive.character_device("dev/console", 5, 1)
    archive.file("init", init.encode(), 0o755)
    return archive.bytes()


def make_tree(folder, archive):
    """A slot that has no more than what GRUB reads."""
    (folder / "boot").mkdir(parents=True, exist_ok=True)
    (folder / ".cube").mkdir(exist_ok=True)
    (folder / "boot/initrd.img").write_bytes(archive)
    (folder / "boot/vmlinuz").write_bytes(kernel.fetch(bench.BUILD / "cache").image.read_bytes())
    (folder / ".cube/seal").write_text("written by the loader test\n")


@functools.cache
def _base(split):
    folder = bench.BUILD / "machine-tests/loader-base"
    folder.mkdir(parents=True, exist_ok=True)
    tree = folder / "tree"
    make_tree(tree, initramfs(INIT))
    layout = disk.Layout(folder / ("main.img" if split else "loader.img"), folder / "boot.img" if split else None, slot=48, data=16)
    disk.build(layout, tree, tree)
    return layout


def prepare(at, split=False):
    with _building:
        base = _base(split)
    return at.copy_of(base)


class Started:
    """How a slot says it was started."""

    def __init__(self, arguments):
        self.arguments = arguments.split()
        values = dict(a.split("=", 1) for a in self.arguments if "=" in a)
        self.slot, self.root, self.canary = values.get("cube.slot"), values.get("root"), values.get("cube.canary")
        self.trial = all(a in self.arguments for a in TRIAL_ARGUMENTS)
        if not self.trial and any(a in self.arguments for a in TRIAL_ARGUMENTS):
            raise Failure(f"some but not all arguments of a trial: {arguments}")


def await_start(at, machine):
    started = Started(machine.wait_for(r"loader-test: started: (.*)\n", timeout=at.seconds(BOOT_SECONDS)).group(1))
    expect("root argument", started.root, f"LABEL=cube-{started.slot}")
    return started


def boot(at, layout, slot, trial, disks=None):
    """One boot with a power cut at its end; checks which slot it was. Returns what the machine printed."""
    machine = at.machine(disks or [(layout.image, False)])
    before = len(machine.log())
    with machine:
        machine.start()
        started = await_start(at, machine)
        expect("slot", started.slot, slot)
        expect("trial", started.trial, trial)
    return machine.log()[before:]


def expect_env(layout, **wanted):
    seen = image.read_env(layout)
    expect("env block", {name: seen.get(f"cube_{name}") for name in wanted}, {name: str(value) for name, value in wanted.items()})
    expect("variables of the env block", list(seen), list(envblock.initial()))
    raw = image.read_esp(layout, "cube/env")
    expect("bytes after the first 512", raw[512:], b"#" * 512)


@scenario("loader-trial", default=True)
def trial(at):
    """An offer is spent and counted before the slot starts; a reset then starts the fallback and leaves the block alone."""
    layout = prepare(at)
    image.write_env(layout, envblock.initial(offer="b", trial="b", left=3, canary="fedcba9876543210"))
    machine = at.machine([(layout.image, False)])
    with machine:
        machine.start()
        started = await_start(at, machine)
        expect("first start", (started.slot, started.trial, started.canary), ("b", True, "fedcba9876543210"))
        expect_env(layout, fallback="a", offer="none", trial="b", left=2, done=1, canary="fedcba9876543210")
        machine.reset()
        started = await_start(at, machine)
        expect("start after the reset", (started.slot, started.trial), ("a", False))
        expect_env(layout, fallback="a", offer="none", trial="b", left=2, done=1, canary="fedcba9876543210")


@scenario("loader-counting")
def counting(at):
    """Every count from 9 down to 0, armed again after each start; the tries done stop at 9; trials work in both directions."""
    layout = prepare(at)
    done = 1
    fallback, other = "a", "b"
    for left in range(9, 0, -1):
        image.write_env(layout, envblock.initial(fallback=fallback, offer=other, trial=other, left=left, done=done))
        boot(at, layout, other, True)
        done = min(done + 1, 9)
        expect_env(layout, fallback=fallback, offer="none", trial=other, left=left - 1, done=done)
        fallback, other = other, fallback


@scenario("loader-no-offer")
def no_offer(at):
    """What is not exactly an offer starts the fallback and changes nothing."""
    layout = prepare(at)
    for change in ({"left": 0}, {"left": 10}, {"left": "x"}, {"left": ""}, {"offer": "none"}, {"trial": "none"}, {"offer": "a", "trial": "a"},
                   {"offer": "c", "trial": "c"}):
        variables = envblock.initial(**{"offer": "b", "trial": "b", "left": 3, **change})
        block = envblock.encode(variables)
        image.write_env(layout, block)
        boot(at, layout, "a", False)
        expect(f"env block after {change}", image.read_esp(layout, "cube/env"), block)


def damaged_blocks():
    """name -> block. Each hides a valid offer of slot a, and names slot a as the fallback, in what is left of it."""
    whole = envblock.encode(envblock.initial(fallback="a", offer="b", trial="b", left=3))
    fallback = whole.index(b"cube_fallback")
    return {
        "zeroed": b"\0" * 1024,
        "header torn": b"\0" * 16 + whole[16:],
        "variables zeroed": whole[:fallback] + b"\0" * (1024 - fallback),
        "first value torn": whole[: fallback + 5] + b"\xff" * 40 + whole[fallback + 45:],
        "half a sector of something else": os.urandom(256) + whole[256:],
        "cut to nothing": b"",
    }


@scenario("loader-env-damaged")
def env_damaged(at):
    """The env block torn, zeroed, cut off or missing: the fallback of the second copy starts, on no trial."""
    layout = prepare(at)
    image.write_env(layout, {"cube_fallback": "b"}, "good")  # differs from what the damaged blocks say and from the default
    for name, block in damaged_blocks().items():
        image.write_env(layout, block)
        boot(at, layout, "b", False)
        expect(f"env file after '{name}'", image.read_esp(layout, "cube/env"), block)
    image.remove_from_esp(layout, "cube/env")
    boot(at, layout, "b", False)


@scenario("loader-both-damaged")
def both_damaged(at):
    """Neither copy usable: slot a if sealed and bootable, else b if that is, else a."""
    layout = prepare(at)
    image.write_env(layout, b"\0" * 1024)
    image.remove_from_esp(layout, "cube/good")
    boot(at, layout, "a", False)
    image.change_ext4(layout.a, "rm /.cube/seal")
    boot(at, layout, "b", False)
    image.change_ext4(layout.b, "rm /.cube/seal")
    boot(at, layout, "a", False)


@scenario("loader-good-ignored")
def good_ignored(at):
    """The second copy is only for a damaged block: an intact block wins, and a damaged second copy does no harm."""
    layout = prepare(at)
    image.write_env(layout, envblock.initial(fallback="b"))
    boot(at, layout, "b", False)
    image.write_env(layout, b"\0" * 1024, "good")
    boot(at, layout, "b", False)


@scenario("loader-trial-unloadable")
def trial_unloadable(at):
    """The trial's kernel or initramfs missing, dangling, no kernel at all or unreadable: the fallback starts, the try is counted."""
    at_once = "cube: slot b cannot be loaded"
    for request, said in {
        "rm /boot/vmlinuz": at_once,
        "rm /boot/initrd.img": at_once,
        "ln /.cube/seal /boot/vmlinuz": at_once,
        "symlink /boot/initrd.img initrd.img-nowhere": at_once,
        "sif /boot/initrd.img block[0] 0": "cube: slot b cannot be started, starting afresh",  # no extent header: a read error
    }.items():
        layout = prepare(at)
        image.write_env(layout, envblock.initial(offer="b", trial="b", left=3))
        if not request.startswith("sif"):
            image.change_ext4(layout.b, f"rm {re.search(r'/boot/[a-z.]+', request).group()}")
        if not request.startswith("rm"):
            image.change_ext4(layout.b, request)
        printed = boot(at, layout, "a", False)
        expect(f"the loader said '{said}' after '{request}'", said in printed, True)
        expect_env(layout, offer="none", trial="b", left=2, done=1)


@scenario("loader-last-resort")
def last_resort(at):
    """The fallback cannot be loaded: the other slot starts if it was sealed, not on trial."""
    layout = prepare(at)
    image.change_ext4(layout.a, "rm /boot/vmlinuz")
    boot(at, layout, "b", False)


@scenario("loader-read-only", default=True)
def read_only(at):
    """The block cannot be written: no trial, the fallback starts, the block stays as it was."""
    layout = prepare(at, split=True)
    image.write_env(layout, envblock.initial(offer="b", trial="b", left=3))
    before = image.read_esp(layout, "cube/env")
    printed = boot(at, layout, "a", False, disks=[(layout.boot_image, True), (layout.image, False)])
    if "the try could not be written down" not in printed:
        raise Failure("the loader did not say that the try could not be written down")
    expect("env block", image.read_esp(layout, "cube/env"), before)


@scenario("loader-by-hand")
def by_hand(at):
    """An operator starts slot B from the menu over the serial line: not on trial, nothing counted, the offer stays."""
    layout = prepare(at)
    variables = envblock.initial(offer="b", trial="b", left=3)
    image.write_env(layout, variables)
    machine = at.machine([(layout.image, False)])
    with machine:
        machine.start()
        machine.wait_for("GNU GRUB", timeout=at.seconds(BOOT_SECONDS))
        machine.type("\x0e\x0e\r")  # down, down, enter, as control characters
        started = await_start(at, machine)
        expect("start by hand", (started.slot, started.trial), ("b", False))
    expect("env block", image.read_esp(layout, "cube/env"), envblock.encode(variables))


@scenario("loader-mkconfig")
def mkconfig(at):
    """The text that 05_cube-update gives to grub-mkconfig boots a trial like the image's own configuration."""
    layout = prepare(at)
    packaging = appliance_path.TOP / "packaging/grub.d"
    environment = {**os.environ, "CUBE_UPDATE_GRUB_SCRIPT": str(packaging / "cube.cfg"), "GRUB_CMDLINE_LINUX_DEFAULT": "loglevel=6",
                   "GRUB_CMDLINE_LINUX": "console=ttyS0,115200"}
    text = subprocess.run([packaging / "05_cube-update"], env=environment, check=True, capture_output=True, text=True).stdout
    config = re.sub(r"(?s)set cube_args=.*", "", (packaging / "grub.cfg").read_text()) + text
    subprocess.run(["grub-script-check"], input=config, text=True, check=True)
    subprocess.run(["mcopy", "-o", "-i", f"{layout.esp.image}@@{layout.esp.offset}", "-", "::/cube/grub.cfg"], input=config.encode(), check=True)
    image.write_env(layout, envblock.initial(offer="b", trial="b", left=1))
    printed = boot(at, layout, "b", True)
    expect("kernel arguments of /etc/default/grub", "loglevel=6 console=ttyS0,115200" in printed, True)
    expect_env(layout, offer="none", left=0, done=1)
