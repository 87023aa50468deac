"""The whole appliance: a repository with releases that are good, or fail in every way we know, and a machine to update."""

import functools
import json
import pathlib
import re
import shutil
import subprocess
import threading

from . import appliance_path, bench, image
from .bench import Failure, expect
from appliance import disk, kernel, packages, tree

BINARIES = appliance_path.TOP / "build/release/bin"
BUILT = "20260101-0000"
INSTALLED = "1.0.0"
# version -> variant
RELEASES = {INSTALLED: "good", "2.0.0": "good", "2.0.1": "vfs-panic", "2.0.2": "init-exits", "2.0.3": "late-panic",
            "2.0.4": "emergency", "2.0.5": "sick", "2.0.6": "hang", "2.1.0": "wrong-driver", "2.1.1": "init-missing", "2.1.2": "no-dev",
            "2.1.3": "init-hangs", "2.1.4": "oom", "2.2.0": "migrates", "2.2.1": "migration-fails"}
SYSTEMD_RELEASES = {INSTALLED: "good", "2.0.0": "good", "2.0.7": "unit-fails", "2.0.8": "incomplete", "2.2.2": "hung-check"}
# With Debian's kernel for real machines, whose drivers see a BMC and a hardware watchdog.
MANAGED_RELEASES = {INSTALLED: "good", "2.0.0": "good", "2.0.6": "hang", "2.0.9": "spins", "2.0.10": "hang-armed"}
# kind -> releases, userspace, kernel
KINDS = {"busybox": (RELEASES, "busybox", kernel.CLOUD), "systemd": (SYSTEMD_RELEASES, "systemd", kernel.CLOUD),
         "managed": (MANAGED_RELEASES, "busybox", kernel.FULL),
         "service": ({INSTALLED: "good", "2.0.0": "good", "2.0.1": "vfs-panic"}, "service", kernel.CLOUD),
         "systemd-managed": ({INSTALLED: "good", "2.0.0": "good"}, "systemd", kernel.FULL)}
BOOT_SECONDS = 60
APPLY_SECONDS = 120
_building = threading.Lock()


def name_of(version):
    return f"CUBE_{version}_{BUILT}_{version.replace('.', '') + '0000a'}"


def version_of(variant):
    return next(version for version, kind in (RELEASES | SYSTEMD_RELEASES | MANAGED_RELEASES).items() if kind == variant and version != INSTALLED)


def call(*command):
    result = subprocess.run([str(part) for part in command], capture_output=True, text=True)
    if result.returncode != 0:
        raise RuntimeError(f"{' '.join(map(str, command))}: exit {result.returncode}: {result.stderr.strip() or result.stdout.strip()}")
    return result.stdout


def publish(folder, kind):
    """A signed repository with the releases of this kind. Returns its folder."""
    releases, userspace, package = KINDS[kind]
    debs = packages.build(BINARIES.parent)
    repository = folder / "repository"
    release = BINARIES / "cube-release"
    call(release, "init", repository, "--product", "CUBE", "--keys", folder / "keys")
    trusted_root = repository / "metadata/1.root.json"
    for version, variant in releases.items():
        top = folder / "tree"
        shutil.rmtree(top, ignore_errors=True)
        cache = bench.BUILD / "cache"
        tree.make(top, kernel.fetch(cache, package), version, variant, debs, trusted_root, userspace=userspace, cache=cache)
        name = name_of(version)
        call(release, "compose", top, "--repository", repository, "--version", version, "--built", BUILT, "--source", name.rsplit("_", 1)[1])
        if kind == "service":
            call(release, "pack", name, "--repository", repository)
    shutil.rmtree(top)
    call(release, "publish", "--repository", repository, "--keys", folder / "keys")
    return repository


def install(folder, repository, version):
    """The first slot's content, as a factory would lay it out."""
    slot = folder / "slot-a"
    shutil.rmtree(slot, ignore_errors=True)
    slot.mkdir()
    call(BINARIES / "cube-update", "install-slot", slot, name_of(version), "--from", repository,
         "--trusted-root", repository / "metadata/1.root.json")
    return slot


def make_stick(image, repository, mib=700):
    """A USB stick with the repository."""
    image.unlink(missing_ok=True)
    call("mkfs.ext4", "-q", "-F", "-L", "cube-stick", "-m", "0", "-d", repository, image, f"{mib}m")


@functools.cache
def _base(split, kind, loader):
    folder = bench.BUILD / f"machine-tests/{kind}-base"
    stamp = folder / "complete"
    sources = [path for path in (appliance_path.TOP / "packaging").rglob("*") if path.suffix != ".pyc" and path.is_file()]
    newest = max(path.stat().st_mtime for path in [*BINARIES.iterdir(), *sources])
    if not stamp.exists() or stamp.stat().st_mtime < newest:
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        repository = publish(folder, kind)
        install(folder, repository, INSTALLED)
        make_stick(folder / "stick.img", repository)
        stamp.touch()
    name = "main.img" if split else f"{loader}.img"
    esp = 96 if loader == "uefi" else 48  # one copy of kernel and initramfs more
    layout = disk.Layout(folder / name, folder / "boot.img" if split else None, esp=esp, slot=400, data=32)
    (folder / "data/cube-update").mkdir(parents=True, exist_ok=True)
    # An emulated timer on a loaded host may be too slow for this kernel's check of it, and then it panics.
    local_config = f'set cube_args="{disk.ARGUMENTS} no_timer_check"\n' if KINDS[kind][2] == kernel.FULL else None
    disk.build(layout, folder / "slot-a", data=folder / "data", loader=loader, local_config=local_config)
    return layout, folder / "stick.img"


class Guest:
    """A running appliance whose command line is on the serial console."""

    def __init__(self, at, split=False, kind="busybox", loader="grub", arguments="", erst=True, devices=()):
        """`arguments`: more for the kernel (GRUB). `devices`: further arguments of QEMU."""
        self.at, self.loader, self.erst, self.devices = at, loader, erst, devices
        with _building:
            base, self.stick = _base(split, kind, loader)
        self.layout = at.copy_of(base)
        if arguments:
            image.write_esp(self.layout, "cube/local.cfg", f'set cube_args="{disk.ARGUMENTS} {arguments}"\n'.encode())
        self.fw_cfg = {}
        self.machine = None

    def start(self, **fw_cfg):
        disks = [(self.layout.image, False), (self.stick, True)]
        if self.layout.boot_image != self.layout.image:
            disks.insert(0, (self.layout.boot_image, True))
        self.machine = self.at.machine(disks, fw_cfg=fw_cfg, own_order=self.loader == "uefi", erst=self.erst, devices=self.devices)
        self.machine.start()

    def cut_power(self):
        self.machine.cut_power()

    def lose_nvram(self):
        """As a flat battery does it. The machine is off."""
        self.machine.nvram.unlink()

    def wait(self, *patterns, seconds=BOOT_SECONDS):
        return self.machine.wait_for(*patterns, timeout=self.at.seconds(seconds))

    def userspace(self, slot, trial):
        """Waits for the next userspace and demands that it is this one."""
        match = self.wait(r"cube: userspace slot=(\S*) trial=(\S*) version=(\S*)\n")
        expect("userspace of slot, trial", (match.group(1), match.group(2)), (slot, "1" if trial else "0"))
        return match.group(3)

    def ready(self, slot, seconds=BOOT_SECONDS):
        match = self.wait(r"cube: ready slot=(\S*) version=(\S*)\n", seconds=seconds)
        expect("slot that got ready", match.group(1), slot)

    def run(self, command, seconds=APPLY_SECONDS):
        """(exit code, output) of a command typed on the console."""
        before = len(self.machine.log())
        self.machine.type(command + "\n")
        code = int(self.wait(r"cube: exit (\d+)\n", seconds=seconds).group(1))
        return code, self.machine.log()[before:]

    def demand(self, command, code=0, seconds=APPLY_SECONDS):
        seen, output = self.run(command, seconds)
        if seen != code:
            raise Failure(f"`{command}` exits with {seen} instead of {code}: {output.strip()[-600:]}")
        return output

    def told(self, command, **how):
        """What `command` --json says first. The terminal's echo of what was typed may stand before it."""
        output = self.demand(command, **how)
        return json.loads(next(line[line.index('{"'):] for line in output.splitlines() if '{"' in line))

    def status(self):
        return self.told("cube-update status --json")

    def apply(self, version, options=""):
        """Starts an update; the machine restarts in the end."""
        self.restart_by(f"cube-update apply {name_of(version)} --from /media/stick {options}")

    def seconds_now(self):
        """The machine's own clock."""
        return int(re.search(r"^(\d{9,})\s*$", self.demand("date +%s"), re.MULTILINE).group(1))

    def insist(self):
        """Also a release of which is foreseen that it dies here is tried, until the next restart."""
        self.demand("mkdir -p /run/cube-update/config.d; printf '[foresight]\\npolicy = \"warn\"\\n' >/run/cube-update/config.d/foresight.toml")

    def restart_by(self, command):
        """Types a command that restarts the machine."""
        self.machine.type(command + "\n")
        if self.wait(r"restarting\n", r"cube: exit \d+\n", seconds=APPLY_SECONDS).group().startswith("cube"):
            raise Failure(f"`{command}` ends without a restart: {self.machine.log()[-600:]}")

    def expect_status(self, **wanted):
        status = self.status()
        seen = {key: status.get(key) for key in wanted}
        expect("status", seen, wanted)
        return status

    def expect_outcome(self, version, outcome, cause, tries):
        last = self.expect_status(phase="idle", boot_records="ok", trial=None)["last_outcome"]
        seen = (last["release"], last["outcome"], last["cause"], last["tries_done"])
        expect("last outcome", seen, (name_of(version), outcome, cause, tries))
        return last
