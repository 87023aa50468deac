"""Reads and changes disk images of machines that are off."""

import subprocess

from . import appliance_path  # noqa: F401  (makes the appliance package importable)
from appliance import envblock


def read_env(layout, name="env"):
    """The variables of an env block on the ESP."""
    return envblock.decode(read_esp(layout, f"cube/{name}"))


def write_env(layout, block, name="env"):
    """Puts raw bytes (or variables) into an env block file, in place of the old one."""
    data = block if isinstance(block, bytes) else envblock.encode(block)
    write_esp(layout, f"cube/{name}", data)


def write_esp(layout, path, data):
    subprocess.run(["mcopy", "-o", "-i", _esp(layout), "-", f"::/{path}"], input=data, check=True, capture_output=True)


def remove_from_esp(layout, path):
    subprocess.run(["mdel", "-i", _esp(layout), f"::/{path}"], check=True, capture_output=True)


def read_esp(layout, path):
    return subprocess.run(["mtype", "-i", _esp(layout), f"::/{path}"], check=True, capture_output=True).stdout


def change_ext4(partition, *requests):
    """Runs debugfs requests that write, for example `rm /boot/vmlinuz`."""
    for request in requests:
        result = subprocess.run(["debugfs", "-w", "-R", request, _ext4(partition)], capture_output=True, text=True, check=True)
        errors = "\n".join(line for line in result.stderr.splitlines() if not line.startswith("debugfs 1."))
        if errors:
            raise RuntimeError(f"debugfs {request}: {errors}")


def read_ext4(partition, path):
    result = subprocess.run(["debugfs", "-R", f"cat {path}", _ext4(partition)], capture_output=True, check=True)
    if b"not found" in result.stderr:
        raise FileNotFoundError(path)
    return result.stdout


def _esp(layout):
    return f"{layout.esp.image}@@{layout.esp.offset}"


def _ext4(partition):
    return f"{partition.image}?offset={partition.offset}"
