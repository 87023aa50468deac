#!/usr/bin/env python3
"""Records the serial logs of machines that die in many ways, under QEMU (TCG).

Usage: record.py KERNELS TREES OUT [NAME...]

KERNELS: a folder of unpacked kernel packages, one folder per release. TREES: initrd-RELEASE-TOOL[-nodisk] and disk-RELEASE.img,
made beforehand with mkinitramfs and dracut in a tree of that kernel ("nodisk": without its storage drivers); this program does not make them. OUT: gets NAME.log, whole. Every machine has a timeout.
"""
import gzip
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent.parent / "packaging/appliance"))
from appliance import cpio, kernel  # noqa: E402

APPLETS = "/bin/busybox"
CLOUD, FULL, FULL_612, RT, CLOUD_612 = ("6.1.0-50-cloud-amd64", "6.1.0-47-amd64", "6.12.117+deb12-amd64", "6.1.0-56-rt-amd64",
                                        "6.12.113+deb12-cloud-amd64")
CONSOLE = "console=ttyS0,115200 panic=1"
INIT = """#!/bin/busybox sh
/bin/busybox --install -s /bin
export PATH=/bin
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t devtmpfs dev /dev
mount -t tmpfs tmp /tmp
[ -e /modules ] && while read -r m; do insmod /$m || echo "cannot load $m"; done </modules
sleep 1
"""


class Bench:
    def __init__(self, kernels, trees, out):
        self.kernels, self.trees, self.out = map(pathlib.Path, (kernels, trees, out))
        self.scratch = pathlib.Path(tempfile.mkdtemp(prefix="last-words-"))

    def kernel(self, release):
        return kernel.Kernel(self.kernels / release)

    def initramfs(self, release, script, modules=(), files=()):
        """A busybox initramfs whose /init loads `modules` and runs `script`."""
        archive = cpio.Archive()
        archive.directory("proc"), archive.directory("sys"), archive.directory("dev"), archive.directory("tmp"), archive.directory("root")
        archive.character_device("dev/console", 5, 1)
        archive.file("bin/busybox", pathlib.Path(APPLETS).read_bytes(), 0o755)
        listed = [path if isinstance(path, pathlib.Path) else None for path in self.kernel(release).modules(*modules)]
        for path in listed:
            archive.file(path.name, path.read_bytes())
        if listed:
            archive.file("modules", "".join(path.name + "\n" for path in listed).encode())
        for name, data, mode in files:
            archive.file(name, data, mode)
        if script is not None:
            archive.file("init", (INIT + script).encode(), 0o755)
        return self.keep("initrd", gzip.compress(archive.bytes(), 1))

    def keep(self, name, data):
        file = tempfile.NamedTemporaryFile(dir=self.scratch, prefix=name, delete=False)
        file.write(data)
        file.close()
        return pathlib.Path(file.name)

    def disk(self, name, *commands, size="64M"):
        """A sparse image worked on by `commands`, in each of which {} is its path."""
        path = self.scratch / name
        subprocess.run(["truncate", "-s", size, path], check=True)
        for command in commands:
            subprocess.run([word.format(path) for word in command], check=True, capture_output=True)
        return path

    def root_disk(self, release, *commands):
        path = self.scratch / "root.img"
        subprocess.run(["cp", "--sparse=always", self.trees / f"disk-{release}.img", path], check=True)
        for command in commands:
            subprocess.run([word.format(path) for word in command], check=True, capture_output=True)
        return path

    def run(self, name, release, initrd=None, append="", devices=(), until=None, seconds=150, memory=512, cpu="max", cut=None, image=None,
            firmware=None, after=None):
        """Runs a machine until it ends, `until` is seen and a second passed, or the time is over; `cut` kills it there."""
        log = self.out / f"{name}.log"
        command = ["qemu-system-x86_64", "-machine", "q35,smm=off", "-accel", "tcg", "-cpu", cpu, "-m", str(memory), "-nodefaults", "-display",
                   "none", "-no-reboot", "-serial", f"file:{log}", "-monitor", "stdio", *devices]
        if release:
            command += ["-kernel", str(image or self.kernel(release).image), "-append", f"{CONSOLE} {append}"]
        if initrd:
            command += ["-initrd", str(initrd)]
        if firmware == "uefi":
            variables = self.scratch / "vars.fd"
            shutil.copyfile("/usr/share/OVMF/OVMF_VARS_4M.fd", variables)
            command += ["-drive", "if=pflash,format=raw,readonly=on,file=/usr/share/OVMF/OVMF_CODE_4M.fd",
                        "-drive", f"if=pflash,format=raw,file={variables}"]
        machine = subprocess.Popen(["timeout", str(seconds + 20), *command], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL,
                                   stderr=subprocess.DEVNULL)
        end, ended = time.monotonic() + seconds, "time over"
        while time.monotonic() < end:
            time.sleep(0.3)
            text = log.read_bytes() if log.exists() else b""
            if machine.poll() is not None:
                ended = "ended"
                break
            if after and re.search(after[0].encode(), text):
                machine.stdin.write(after[1].encode() + b"\n")
                machine.stdin.flush()
                after = None
            if cut and re.search(cut.encode(), text):
                ended = "cut"
                break
            if until and re.search(until.encode(), text):
                time.sleep(2)
                ended = "seen"
                break
        machine.terminate()
        machine.wait()
        print(f"{name}: {ended}, {len(log.read_bytes())} bytes", flush=True)


def virtio(path, **options):
    more = "".join(f",{key}={value}" for key, value in options.items())
    return ["-drive", f"if=none,id=d0,format=raw,file={path}", "-device", f"virtio-blk-pci,drive=d0{more}"]


def nvme(path):
    return ["-drive", f"if=none,id=d0,format=raw,file={path}", "-device", "nvme,drive=d0,serial=cube"]


def ahci(path):
    return ["-drive", f"if=none,id=d0,format=raw,file={path}", "-device", "ide-hd,drive=d0,bus=ide.0"]


def main():
    from scenarios import SCENARIOS
    bench = Bench(*sys.argv[1:4])
    bench.out.mkdir(parents=True, exist_ok=True)
    wanted = sys.argv[4:] or list(SCENARIOS)
    for name in wanted:
        if (bench.out / f"{name}.log").exists() and not sys.argv[4:]:
            continue
        try:
            SCENARIOS[name](bench, name)
        except (OSError, KeyError, subprocess.CalledProcessError) as error:
            print(f"{name}: {error} {getattr(error, 'stderr', b'')}", flush=True)
        for left in bench.scratch.glob("*.img"):
            left.unlink()
    shutil.rmtree(bench.scratch)


if __name__ == "__main__":
    main()
