"""An appliance laid out in a folder. Firmware, GRUB and kernels are only played here; cube-update is the real program.

What packaging/grub.d/cube.cfg does is repeated in start() for intact env blocks; tests/machine proves the real script.
"""

import os
import pathlib
import secrets
import shutil
import uuid

from . import envblock


class Scratch:
    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        self.cube = self.folder / "boot/efi/cube"

    def lay_out(self, trusted_root):
        """A machine that left the factory: slot folders, env blocks, configuration, trusted root."""
        for name in ("slots/a", "slots/b", "boot/efi/cube", "proc/sys/kernel/random", "sys/fs/pstore", "var/lib",
                     "usr/share/cube-update", "usr/lib/cube-update/config.d", "usr/lib/cube-update/health/required.d"):
            (self.folder / name).mkdir(parents=True)
        canary = secrets.token_hex(8)
        (self.cube / "env").write_bytes(envblock.encode(envblock.initial(canary=canary)))
        (self.cube / "good").write_bytes(envblock.encode({"cube_fallback": "a"}))
        (self.folder / "usr/lib/cube-update/config.d/10-scratch.toml").write_text(
            'product = "CUBE"\n[health]\nretries = 0\n[slots]\na = "dir:slots/a"\nb = "dir:slots/b"\n')
        shutil.copyfile(trusted_root, self.folder / "usr/share/cube-update/root.json")
        check = self.folder / "usr/lib/cube-update/health/required.d/10-true"
        check.write_text("#!/bin/sh\nexit 0\n")
        check.chmod(0o755)

    def start(self):
        """Firmware and GRUB: (slot, trial)."""
        block = (self.cube / "env").read_bytes()
        env = envblock.decode(block)
        slot, trial = env["cube_fallback"], False
        if env["cube_offer"] in ("a", "b") and env["cube_offer"] == env["cube_trial"] and int(env["cube_left"]) > 0:
            slot, trial = env["cube_offer"], True
            env |= {"cube_offer": "none", "cube_left": int(env["cube_left"]) - 1, "cube_done": min(9, int(env["cube_done"]) + 1)}
            with open(self.cube / "env", "r+b") as file:
                file.write(envblock.encode(env))
        self._lay_out_boot(slot, trial, env["cube_canary"])
        return slot, trial

    def _lay_out_boot(self, slot, trial, canary):
        trial_arguments = " cube.trial=1 panic=10" if trial else ""
        (self.folder / "proc/cmdline").write_text(f"root=LABEL=cube-{slot} ro cube.slot={slot} cube.canary={canary}{trial_arguments}\n")
        (self.folder / "proc/sys/kernel/random/boot_id").write_text(f"{uuid.uuid4()}\n")
        (self.folder / "proc/uptime").write_text("5.00 5.00\n")
        shutil.rmtree(self.folder / "run", ignore_errors=True)
        (self.folder / "run/cube-update").mkdir(parents=True)
        os.symlink(f"/slots/{slot}", self.folder / "run/cube-update/root")

    def panic(self, release):
        """The last words of a kernel that cannot mount its root, as a pstore backend would keep them."""
        (self.folder / "sys/fs/pstore/dmesg-erst-1").write_text(
            f"Panic#1 Part1\n<5>[    0.000000] Linux version {release}\n"
            "<0>[    2.514723] Kernel panic - not syncing: VFS: Unable to mount root fs on unknown-block(0,0)\n")
