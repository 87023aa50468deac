#!/usr/bin/env python3
"""Slots on block devices: loop devices over sparse files, with the real program, mkfs and the kernel's filesystems.

Usage: device_slots_test.py CUBE_UPDATE CUBE_RELEASE APPLIANCE_MODULES
Needs root and loop devices; without them it says so and exits with 77.
"""
import contextlib
import os
import pathlib
import subprocess
import sys
import tempfile

UPDATE, RELEASE = (str(pathlib.Path(program).resolve()) for program in sys.argv[1:3])
sys.path.insert(0, sys.argv[3])
from appliance import scratch  # noqa: E402
from tiny_tree import put_inventory  # noqa: E402

RELEASES = [f"CUBE_{version}_20260101-0000_abcd1234" for version in ("1.0.0", "2.0.0")]
MIB = 1 << 20
CAPABILITY = bytes.fromhex("0100000200040000000000000000000000000000")  # cap_net_bind_service+ep


def run(*command, wanted=0, says=""):
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True, timeout=120)
    if done.returncode != wanted or says not in done.stdout + done.stderr:
        raise AssertionError(f"{' '.join(map(str, command))}: exit {done.returncode}, not {wanted} with \"{says}\":\n"
                             f"{done.stdout}{done.stderr}")
    return done.stdout


def make_tree(tree, version):
    files = {"boot/vmlinuz": f"kernel {version}", "boot/initrd.img": "initramfs", "usr/bin/tool": version * 200_000,
             "usr/bin/same": "the same in both" * 50_000, "etc/os-release": f"VERSION_ID={version}\n", "var/lib/state": "factory"}
    for path, text in files.items():
        (tree / path).parent.mkdir(parents=True, exist_ok=True)
        (tree / path).write_text(text)
    os.link(tree / "usr/bin/tool", tree / "usr/bin/tool-again")
    (tree / "bin").symlink_to("usr/bin")
    os.chown(tree / "var/lib", 1000, 100)
    os.chown(tree / "usr/bin/tool", 7, 8)
    os.chmod(tree / "usr/bin/tool", 0o4750)
    os.setxattr(tree / "usr/bin/same", "security.capability", CAPABILITY)
    os.setxattr(tree / "var/lib", "user.note", b"folder")
    os.setxattr(tree / "etc/os-release", "user.note", b"copied")


def facts(top):
    """Everything about a tree that must be exact; what is not the release's is left out."""
    found, inodes = {}, {}
    for folder, folders, files in os.walk(top):
        if folder == str(top):
            folders[:] = [name for name in folders if name not in ("ostree", ".cube", "lost+found")]
        for name in folders + files:
            path = os.path.join(folder, name)
            st = os.lstat(path)
            content = os.readlink(path) if os.path.islink(path) else open(path, "rb").read() if os.path.isfile(path) else ""
            attributes = {} if os.path.islink(path) else {name: os.getxattr(path, name) for name in os.listxattr(path)}
            relative = os.path.relpath(path, top)
            found[relative] = (oct(st.st_mode), st.st_uid, st.st_gid, content, attributes)
            inodes.setdefault(st.st_ino, []).append(relative)
    return found, sorted(sorted(names) for names in inodes.values() if len(names) > 1)


class Machine:
    """Slot a runs on a loop device that is mounted as the root; slot b is another loop device."""

    def __init__(self, folder, stack, b_bytes=96 * MIB):
        self.folder, self.stack = folder, stack
        self.a, self.b = self.device("a", 96 * MIB), self.device("b", b_bytes)
        self.root = folder / "root"
        self.root.mkdir()
        run("mkfs.ext4", "-q", self.a)
        self.mount(self.a, self.root)
        run(UPDATE, "install-slot", self.fresh(), RELEASES[0], "--from", folder.parent / "repository",
            "--trusted-root", folder.parent / "repository/metadata/1.root.json")
        run("cp", "-a", f"{folder}/slot/.", self.root)
        self.scratch = scratch.Scratch(self.root)
        self.lay_out()

    def fresh(self):
        (self.folder / "slot").mkdir()
        return self.folder / "slot"

    def device(self, name, size):
        image = self.folder / f"{name}.img"
        with open(image, "wb") as file:
            os.truncate(file.fileno(), size)
        device = run("losetup", "--find", "--show", image).strip()
        self.stack.callback(run, "losetup", "--detach", device)
        return device

    def mount(self, device, place, *options):
        run("mount", *options, device, place)
        self.stack.callback(run, "umount", place)

    def lay_out(self):
        for name in ("usr/share/cube-update", "usr/lib/cube-update", "var/lib/cube-update"):
            (self.root / name).mkdir(parents=True, exist_ok=True)
        staging = scratch.Scratch(self.folder / "laid-out")
        staging.folder.mkdir()
        staging.lay_out(self.folder.parent / "repository/metadata/1.root.json")
        run("cp", "-a", f"{staging.folder}/.", self.root)
        (self.root / "dev").mkdir(exist_ok=True)
        for device in (self.a, self.b):
            self.node(device, os.stat(device).st_rdev)
        self.configure(self.a, self.b)
        self.scratch.start()
        (self.root / "run/cube-update/root").unlink()

    def node(self, path, number, kind=0o060600):
        os.mknod(f"{self.root}{path}", kind, number)

    def configure(self, a, b):
        (self.root / "usr/lib/cube-update/config.d/10-scratch.toml").write_text(
            f'product = "CUBE"\n[slots]\na = "{a}"\nb = "{b}"\n[source]\nurl = "{self.folder.parent}/repository"\n')

    def apply(self, wanted=20, says=""):
        return run(UPDATE, "apply", "--no-reboot", "--root", self.root, wanted=wanted, says=says)

    def expect_exact(self):
        """The other slot is a clean filesystem with exactly the release in it."""
        run("e2fsck", "-fn", self.b)
        features = run("dumpe2fs", "-h", self.b)
        assert "metadata_csum_seed" not in features and "orphan_file" not in features, features
        place = self.folder / "look"
        place.mkdir()
        self.mount(self.b, place, "-o", "ro")
        seen, wanted = facts(place), facts(self.folder.parent / "tree-2.0.0")
        assert seen == wanted, [(path, seen[0].get(path), wanted[0].get(path)) for path in {*seen[0], *wanted[0]}
                                if seen[0].get(path) != wanted[0].get(path)] + [seen[1], wanted[1]]

    @contextlib.contextmanager
    def other_slot(self):
        """Slot b, mounted."""
        place = self.folder / "other"
        place.mkdir(exist_ok=True)
        run("mount", self.b, place)
        try:
            yield place
        finally:
            run("umount", place)


CASES = {}


def case(function):
    CASES[function.__name__] = function
    return function


@case
def a_device_without_a_filesystem(machine):
    machine.apply()
    machine.expect_exact()


@case
def a_damaged_superblock(machine):
    run("mkfs.ext4", "-q", machine.b)
    with open(machine.b, "r+b") as device:
        device.write(bytes(4096))
    machine.apply()
    machine.expect_exact()


@case
def another_filesystem(machine):
    run("mkfs.vfat", machine.b)
    machine.apply()
    machine.expect_exact()


@case
def ext4_with_features_that_grub_cannot_read(machine):
    run("mkfs.ext4", "-q", "-O", "metadata_csum_seed", machine.b)
    machine.apply()
    machine.expect_exact()


@case
def full_of_objects_that_are_not_needed(machine):
    run("mkfs.ext4", "-q", "-m", "0", machine.b)
    with machine.other_slot() as slot:
        (slot / "ostree").mkdir()
        with contextlib.suppress(OSError), open(slot / "ostree/left-over", "wb", buffering=0) as file:
            while file.write(bytes(MIB // 64)):
                pass
        assert os.statvfs(slot).f_bavail * os.statvfs(slot).f_frsize < MIB
    machine.apply()
    machine.expect_exact()


@case
def once_more_over_the_old_release(machine):
    machine.apply()
    run(UPDATE, "rollback", "--root", machine.root)
    run(UPDATE, "allow", RELEASES[1], "--root", machine.root)
    machine.apply()
    machine.expect_exact()


@case
def too_few_inodes(machine):
    run("mkfs.ext4", "-q", "-N", "64", machine.b)
    machine.apply(wanted=8, says="inodes")


@case
def the_running_slot_under_another_name(machine):
    machine.node("/dev/other", os.stat(machine.a).st_rdev)
    machine.configure(machine.a, "/dev/other")
    machine.apply(wanted=11, says="one and the same")
    (machine.root / "dev/other").unlink()
    (machine.root / "dev/other").symlink_to(machine.a)
    machine.apply(wanted=11, says="one and the same")
    machine.configure(machine.a, machine.a)
    machine.apply(wanted=11, says="one and the same")


@case
def the_root_is_in_neither_slot(machine):
    third = machine.device("c", MIB)
    machine.node(third, os.stat(third).st_rdev)
    machine.configure(machine.b, third)
    machine.apply(wanted=11, says="in neither slot")


@case
def not_a_block_device(machine):
    machine.node("/dev/character", os.makedev(1, 3), 0o020600)
    machine.configure(machine.a, "/dev/character")
    machine.apply(wanted=11, says="no block device")
    machine.configure(machine.a, "/etc/os-release")
    machine.apply(wanted=11, says="no block device")


def expect_no_return_after(machine, change):
    """The slot is left sealed, then changed: a return reads it again and refuses."""
    machine.apply()
    run(UPDATE, "rollback", "--root", machine.root)
    with machine.other_slot() as slot:
        change(slot)
    run(UPDATE, "rollback", "--root", machine.root, wanted=7)


@case
def another_owner(machine):
    expect_no_return_after(machine, lambda slot: os.chown(slot / "usr/bin/same", 5, 5))


@case
def a_lost_capability(machine):
    expect_no_return_after(machine, lambda slot: os.removexattr(slot / "usr/bin/same", "security.capability"))


@case
def another_mode_of_a_folder(machine):
    expect_no_return_after(machine, lambda slot: os.chmod(slot / "usr/bin", 0o777))


def play(folder, name):
    place = folder / name
    place.mkdir()
    with contextlib.ExitStack() as stack:
        CASES[name](Machine(place, stack))
    print(f"ok    {name.replace('_', ' ')}", flush=True)


def play_too_small(folder):
    place = folder / "too-small"
    place.mkdir()
    with contextlib.ExitStack() as stack:
        Machine(place, stack, 8 * MIB).apply(wanted=8, says="MiB")
    print("ok    a device that is too small")


def play_xfs(folder):
    place = folder / "xfs"
    place.mkdir()
    with contextlib.ExitStack() as stack:
        machine = Machine(place, stack, 400 * MIB)
        run("mkfs.xfs", "-q", "-L", "old", machine.b)
        machine.apply()
        assert "xfs" in run("blkid", "-p", machine.b), "an xfs that GRUB can read was not kept"
    print("ok    xfs is kept")


@contextlib.contextmanager
def published(packs=False):
    """A folder with the trees of the releases and their repository; ends the test where devices cannot be had."""
    if os.geteuid() != 0 or not os.path.exists("/dev/loop-control"):
        print("not played: needs root and loop devices")
        sys.exit(77)
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        repository = folder / "repository"
        run(RELEASE, "init", repository, "--product", "CUBE")
        for release in RELEASES:
            version = release.split("_")[1]
            make_tree(folder / f"tree-{version}", version)
            run(RELEASE, "compose", folder / f"tree-{version}", "--version", version, "--built", "20260101-0000", "--source",
                "abcd1234", "--owners", "keep", "--repository", repository)
            put_inventory(RELEASE, folder / f"tree-{version}")
            if packs:
                run(RELEASE, "pack", release, "--repository", repository)
        run(RELEASE, "publish", "--repository", repository)
        yield folder


def main():
    with published() as folder:
        for case_name in CASES:
            play(folder, case_name)
        play_too_small(folder)
        play_xfs(folder)


if __name__ == "__main__":
    main()
