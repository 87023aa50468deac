#!/usr/bin/env python3
"""Virtual boots with a real QEMU, emulated: Debian's kernel, the demo appliance's initramfs and init, and nothing else.

Usage: virtual_boot_test.py VIRTUAL_BOOT_ONCE CUBE_UPDATE CUBE_RELEASE APPLIANCE_MODULES CACHE [TEST...]
CACHE is where the kernel is kept that is downloaded. Without QEMU or the kernel it says so and exits with 77.
"""
import contextlib
import hashlib
import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest

ONCE, UPDATE, RELEASE, MODULES, CACHE = (str(pathlib.Path(word).resolve()) for word in sys.argv[1:6])
sys.path.insert(0, MODULES)
from appliance import kernel as kernels, tree as trees  # noqa: E402

QEMU = "/usr/bin/qemu-system-x86_64"
BUSYBOX = pathlib.Path("/bin/busybox")
LONG = 900  # seconds that a boot may take here: an idle machine needs 20
FEATURES = pathlib.Path(MODULES).parent / "features"


def write(path, content, mode=0o644):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    path.chmod(mode)


def make_tree(top, variant="good", init=None, features=FEATURES.read_text()):
    """A release that needs seconds from its init to its goal."""
    kernel = kernels.fetch(CACHE)
    for folder in ("proc", "sys", "dev", "run", "tmp", ".cube", "usr/bin", "usr/sbin", "var/tmp"):
        (top / folder).mkdir(parents=True, exist_ok=True)
    for link in ("bin", "sbin", "lib"):
        (top / link).symlink_to(f"usr/{link}")
    write(top / "usr/bin/busybox", BUSYBOX.read_bytes(), 0o755)
    for applet in subprocess.run([BUSYBOX, "--list"], check=True, capture_output=True, text=True).stdout.split():
        if applet not in ("busybox", "init"):
            (top / "usr/bin" / applet).symlink_to("busybox")
    write(top / "usr/sbin/init", init or (pathlib.Path(MODULES) / "busybox/init").read_bytes(), 0o755)
    for hook in trees.HOOKS.iterdir():
        write(top / "usr/lib/cube-update" / hook.name, hook.read_bytes())
    write(top / "usr/lib/cube-update/features", features)
    write(top / "etc/os-release", 'ID=cube-demo\nVERSION_ID="2"\nVARIANT=good\n')
    write(top / "boot/vmlinuz", kernel.image.read_bytes())
    write(top / "boot/initrd.img", trees.initramfs(kernel, variant))
    modules = top / "usr/lib/modules" / kernel.release
    modules.mkdir(parents=True)
    builtin = next((kernel.root / "lib/modules").glob("*/modules.builtin"))
    shutil.copyfile(builtin, modules / "modules.builtin")


def put_qemu(root):
    """QEMU where the appliance in this folder has it."""
    write(root / "usr/bin/qemu-system-x86_64", f'#!/bin/sh\nexec {QEMU} "$@"\n', 0o755)
    (root / "var/tmp").mkdir(parents=True, exist_ok=True)


def children(pid):
    return [int(word) for word in pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def lives(pid):
    try:
        return pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] not in "ZX"
    except OSError:
        return False


class Scratch(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="cube-virtual-"))
        self.folder.chmod(0o755)  # QEMU is started by nobody
        self.addCleanup(shutil.rmtree, self.folder)


class VirtualBoot(Scratch):
    def lay_out(self, **how):
        make_tree(self.folder / "tree", **how)
        self.root = self.folder / "root"
        put_qemu(self.root)
        self.image = self.root / "slot.img"
        subprocess.run(["mkfs.ext4", "-q", "-L", "cube-b", "-d", self.folder / "tree", self.image, "64m"], check=True)
        self.before = self.digest()

    def digest(self):
        return hashlib.sha256(self.image.read_bytes()).hexdigest()

    def command(self, seconds, device="slot.img"):
        return [ONCE, str(self.root), str(self.folder / "tree"), device, str(seconds)]

    def boot(self, seconds=LONG, device="slot.img"):
        done = subprocess.run(self.command(seconds, device), capture_output=True, text=True, timeout=seconds + 60)
        self.assertEqual(done.returncode, 0, done.stderr)
        told = json.loads(done.stdout)
        self.assertTrue(told["emulated"], told)
        self.assertEqual(list((self.root / "var/tmp").iterdir()), [], "something is left")
        self.assertEqual(self.digest(), self.before, "the slot was written")
        return told

    def console(self):
        return (self.root / "console").read_text(errors="replace")

    def test_reaches_its_goal_and_leaves_the_slot_alone(self):
        self.lay_out()
        told = self.boot()
        self.assertEqual((told["end"], told["disk"]), ("reached", "virtio_blk"), f"{told}\n{self.console()[-3000:]}")
        # It did write: the initramfs left its mark in the overlay.
        self.assertIn("stage root-mounted", self.console())

    def test_an_older_release_is_told_by_systemds_words(self):
        """One that says nothing on the second port; its init is no systemd, but speaks like it."""
        init = "#!/bin/sh\nmount -t proc proc /proc\nif grep -q cube.trial /proc/cmdline; then exit 1; fi\n" \
               "echo '[  OK  ] Reached target multi-user.target - Multi-User System.'\nwhile :; do sleep 1000; done\n"
        self.lay_out(init=init, features="rehearsal\n")
        told = self.boot()
        self.assertEqual(told["end"], "reached", f"{told}\n{self.console()[-3000:]}")

    def test_a_hang_ends_with_the_time_and_is_not_good(self):
        self.lay_out(variant="hang")
        begin = time.monotonic()
        told = self.boot(seconds=45)
        self.assertLess(time.monotonic() - begin, 100)
        self.assertIn(told["end"], ("hung", "slow"), told)
        self.assertNotEqual(told["why"], "")

    def test_dies_with_its_agent(self):
        self.lay_out(variant="hang")
        agent = subprocess.Popen(self.command(LONG), stdout=subprocess.DEVNULL)
        deadline = time.monotonic() + 60
        while not (started := children(agent.pid)) and time.monotonic() < deadline:
            time.sleep(0.1)
        machine = started[0]
        time.sleep(3)
        self.assertTrue(lives(machine))
        self.assertIn(b"qemu", pathlib.Path(f"/proc/{machine}/cmdline").read_bytes())
        if os.geteuid() == 0:
            self.assertEqual(os.stat(f"/proc/{machine}").st_uid, 65534, "QEMU runs as nobody")
        agent.send_signal(signal.SIGKILL)
        agent.wait()
        while lives(machine) and time.monotonic() < deadline:
            time.sleep(0.1)
        if lives(machine):
            os.kill(machine, signal.SIGKILL)
            self.fail("QEMU outlives its agent")
        self.assertEqual(list((self.root / "var/tmp").iterdir()), [])
        self.assertEqual(self.digest(), self.before)

    def test_without_the_driver_of_the_machines_disk_it_dies_as_the_machine_would(self):
        """The seed's case: the new build's initramfs has another disk's driver."""
        with loop_devices() as stack:
            self.lay_out(variant="wrong-driver")
            device = stack.attach(self.image)
            number = os.stat(device).st_rdev
            (self.root / "dev").mkdir()
            os.mknod(self.root / device.lstrip("/"), 0o060600, number)
            disk = self.root / "sys/devices/pci0000:00/0000:00:02.0/virtio0"
            (disk / "block/vda").mkdir(parents=True)
            (disk / "driver").symlink_to("../../../../bus/virtio/drivers/virtio_blk")
            blocks = self.root / "sys/dev/block"
            blocks.mkdir(parents=True)
            (blocks / f"{os.major(number)}:{os.minor(number)}").symlink_to("../../devices/pci0000:00/0000:00:02.0/virtio0/block/vda")
            told = self.boot(device=device)
        self.assertEqual((told["end"], told["disk"], told["own_disk"]), ("died", "virtio_blk", True), f"{told}\n{self.console()[-3000:]}")
        self.assertIn(told["stage"], ("drivers-missing", "disk-not-found"), told)
        self.assertIn("LABEL=cube-b", " ".join(told["evidence"]))


class Loops(contextlib.ExitStack):
    def attach(self, image):
        device = subprocess.run(["losetup", "--find", "--show", image], check=True, capture_output=True, text=True).stdout.strip()
        self.callback(subprocess.run, ["losetup", "--detach", device], check=True)
        return device


def loop_devices():
    if os.geteuid() != 0 or not os.path.exists("/dev/loop-control"):
        raise unittest.SkipTest("needs root and loop devices")
    return Loops()


def run(*command, wanted=0, says=""):
    """As device_slots_test has it, with more patience."""
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True, timeout=LONG + 300)
    if done.returncode != wanted or says not in done.stdout + done.stderr:
        raise AssertionError(f"{' '.join(map(str, command))}: exit {done.returncode}, not {wanted} with \"{says}\":\n{done.stdout}{done.stderr}")
    return done.stdout


class Appliance(Scratch):
    """The command line, on an appliance whose slots are loop devices."""

    @contextlib.contextmanager
    def machine(self):
        with loop_devices() as stack:
            arguments, sys.argv = sys.argv, [sys.argv[0], UPDATE, RELEASE, MODULES]
            import device_slots_test as devices
            sys.argv = arguments
            devices.make_tree, devices.run = lambda top, version: make_tree(top), run
            place = stack.enter_context(devices.published())
            place.chmod(0o755)
            (place / "machine").mkdir()
            machine = devices.Machine(place / "machine", stack, 160 << 20)
            put_qemu(machine.root)
            self.config = machine.root / "usr/lib/cube-update/config.d/30-virtual.toml"
            yield machine

    def told(self, machine, *words):
        return json.loads(run(UPDATE, *words, "--json", "--root", machine.root).splitlines()[-1])

    def findings(self, told):
        return [one for one in told["findings"] if one["id"].startswith("virtual-boot")]

    def test_apply_demands_the_boot_and_keeps_the_result(self):
        with self.machine() as machine:
            self.config.write_text(f'[foresight]\nvirtual = "require"\nvirtual-memory = 512\nvirtual-emulated-time = {LONG}\n')
            machine.apply()
            status = self.told(machine, "status")
            self.assertEqual(status["virtual_boot"]["end"], "reached", status["virtual_boot"])
            run(UPDATE, "status", "--root", machine.root, says="were not exercised")
            begin = time.monotonic()
            self.assertEqual([one["grade"] for one in self.findings(self.told(machine, "preflight"))], ["good"])
            self.assertLess(time.monotonic() - begin, 60, "a known boot is not repeated")

    def test_the_policy_decides_where_qemu_is_missing(self):
        with self.machine() as machine:
            (machine.root / "usr/bin/qemu-system-x86_64").unlink()
            self.config.write_text('[foresight]\nvirtual = "require"\n')
            machine.apply(wanted=6, says="there is no QEMU")
            self.config.write_text('[foresight]\nvirtual = "warn"\n')
            machine.apply()
            self.assertEqual([one["grade"] for one in self.findings(self.told(machine, "preflight"))], ["unknown"])
            self.config.write_text("")
            self.assertEqual(self.findings(self.told(machine, "preflight")), [])
            self.assertEqual([one["grade"] for one in self.findings(self.told(machine, "preflight", "--virtual"))], ["unknown"])


def have_all():
    try:
        kernels.fetch(CACHE)
    except (OSError, subprocess.CalledProcessError, AttributeError, ValueError) as error:
        print(f"not played: no kernel ({error})")
        return False
    for program in (pathlib.Path(QEMU), BUSYBOX):
        if not program.exists():
            print(f"not played: no {program}")
            return False
    return True


if __name__ == "__main__":
    if not have_all():
        sys.exit(77)
    unittest.main(argv=[sys.argv[0], *sys.argv[6:]])
