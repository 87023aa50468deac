"""One virtual machine: start, serial log, outside reset, power cut. Emulated (TCG): a /dev/kvm node proves nothing."""

import json
import pathlib
import re
import shutil
import socket
import subprocess
import threading
import time

OVMF = pathlib.Path("/usr/share/OVMF")


class Inconclusive(Exception):
    """The machine did not say what was awaited in time. That may be a slow host and no fault of the product."""


class Machine:
    """A machine whose files (serial log, NVRAM, ERST, sockets) live in `folder`.

    `disks` is a list of (image, read_only); it boots from the first. With `own_order` QEMU tells the firmware no order, so that its variables
    decide: OVMF would make the order anew at each start. NVRAM and ERST survive stop() and start(), as on real hardware.
    """

    def __init__(self, folder, firmware, disks, fw_cfg=None, memory=512, own_order=False, erst=True, devices=()):
        self.folder = pathlib.Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.firmware, self.disks, self.fw_cfg, self.memory = firmware, list(disks), dict(fw_cfg or {}), memory
        self.own_order = own_order
        self.erst = erst  # a store for the last words of kernels
        self.devices = list(devices)  # further arguments of QEMU
        self.log_path = self.folder / "serial.log"
        self.log_path.touch()
        self._process = None
        self._seen = 0  # how much of the log was consumed by wait_for
        self._line = ""

    def _command(self):
        erst = self.folder / "erst"
        if not erst.exists():
            erst.write_bytes(b"\0" * 0x10000)
        command = ["qemu-system-x86_64", "-machine", "q35,smm=off", "-accel", "tcg", "-cpu", "max", "-m", str(self.memory), "-smp", "1",
                   "-nodefaults", "-display", "none", "-no-user-config",
                   "-chardev", f"socket,id=serial,path={self.folder}/serial.sock,server=on,wait=on",
                   "-serial", "chardev:serial",
                   "-qmp", f"unix:{self.folder}/qmp.sock,server=on,wait=off",
                   "-netdev", "user,id=net,restrict=off", "-device", "virtio-net-pci,netdev=net,romfile="]
        if self.erst:
            command += ["-object", f"memory-backend-file,id=erst,mem-path={erst},size=0x10000,share=on", "-device", "acpi-erst,memdev=erst"]
        if self.firmware == "uefi":
            variables = self.nvram
            if not variables.exists():
                shutil.copyfile(OVMF / "OVMF_VARS_4M.fd", variables)
            command += ["-drive", f"if=pflash,unit=0,format=raw,readonly=on,file={OVMF}/OVMF_CODE_4M.fd",
                        "-drive", f"if=pflash,unit=1,format=raw,file={variables}"]
        for index, (image, read_only) in enumerate(self.disks):
            mode = "on" if read_only else "off"
            command += ["-drive", f"if=none,id=disk{index},format=raw,file={image},readonly={mode}",
                        "-device", f"virtio-blk-pci,drive=disk{index}" + ("" if self.own_order else f",bootindex={index}")]
        command += self.devices
        for name, value in self.fw_cfg.items():
            command += ["-fw_cfg", f"name=opt/cube/{name},string={value}"]
        return command

    @property
    def nvram(self):
        return self.folder / "nvram.fd"

    def start(self):
        self._seen = self.log_path.stat().st_size
        self._process = subprocess.Popen(self._command(), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                         stderr=open(self.folder / "qemu.err", "ab"))
        self._serial = self._connect("serial.sock")  # QEMU waits for this one, so that no output is lost
        threading.Thread(target=self._record, args=(self._serial,), daemon=True).start()
        self._qmp = self._connect("qmp.sock")
        self._reader = self._qmp.makefile("r")
        self._reader.readline()
        self._ask("qmp_capabilities")

    def _record(self, serial):
        with open(self.log_path, "ab", buffering=0) as log:
            try:
                while data := serial.recv(65536):
                    log.write(data)
            except OSError:
                pass

    def _connect(self, name):
        deadline = time.monotonic() + 30
        while True:
            sock = socket.socket(socket.AF_UNIX)
            try:
                sock.connect(str(self.folder / name))
                return sock
            except OSError:
                sock.close()
                if self._process.poll() is not None:
                    raise RuntimeError(f"QEMU ended: {(self.folder / 'qemu.err').read_text().strip()}") from None
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.05)

    def _ask(self, command):
        self._qmp.sendall(json.dumps({"execute": command}).encode() + b"\n")
        while True:
            answer = json.loads(self._reader.readline())
            if "return" in answer:
                return answer["return"]
            if "error" in answer:
                raise RuntimeError(f"QMP {command}: {answer['error']}")

    def reset(self):
        """The reset button."""
        self._ask("system_reset")

    def cut_power(self):
        """The plug. Data that the guest flushed is kept; what it only wrote may be kept too (docs/machine-tests.md)."""
        if self._process and self._process.poll() is None:
            self._process.kill()
        self._end()

    def wait_for_power_off(self, timeout):
        try:
            self._process.wait(timeout)
        except subprocess.TimeoutExpired:
            raise Inconclusive(f"no power-off within {timeout} s") from None
        self._end()

    def _end(self):
        if self._process:
            self._process.wait()
            self._qmp.close()
            self._serial.close()
            self._process = None

    def type(self, text):
        self._serial.sendall(text.encode())

    def wait_for(self, *patterns, timeout):
        """The first match of any pattern in what the machine printed since the last match. Raises Inconclusive."""
        pattern = re.compile("|".join(f"(?:{p})" for p in patterns))
        deadline = time.monotonic() + timeout
        while True:
            ended = self._process is None or self._process.poll() is not None
            with open(self.log_path, "rb") as log:
                log.seek(self._seen)
                raw = log.read()
            text = clean(raw)
            match = pattern.search(text)
            if match:
                # Move on past the line in which the match ends, counted in raw bytes: control sequences hold no line feeds.
                position = 0
                for _ in range(text.count("\n", 0, match.end() - 1) + 1):
                    position = raw.find(b"\n", position) + 1 or len(raw)
                self._seen += position
                return match
            if ended:
                raise Inconclusive(f"the machine ended while '{patterns[0]}' was awaited")
            if time.monotonic() > deadline:
                raise Inconclusive(f"'{patterns[0]}' not seen within {timeout} s")
            time.sleep(0.1)

    def log(self):
        return clean(self.log_path.read_bytes())

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.cut_power()


def clean(raw):
    """Serial output as text, without the terminal's control sequences."""
    text = raw.decode(errors="replace").replace("\r", "")
    return re.sub(r"\x1b\[[0-9;?=]*[A-Za-z]|\x1b[c()][0-9A-Za-z]?", "", text)
