"""Scenarios and how they are run."""

import concurrent.futures
import pathlib
import shutil
import subprocess
import threading
import time
import traceback

from . import appliance_path, qemu
from appliance import disk

FIRMWARES = ("bios", "uefi")
BUILD = appliance_path.TOP / "build"
_printing = threading.Lock()


class Failure(Exception):
    """The machine did something else than it should."""


class Scenario:
    def __init__(self, name, play, firmwares, default):
        self.name, self.play, self.firmwares, self.default = name, play, firmwares, default
        self.what = (play.__doc__ or "").strip().split("\n")[0]


REGISTRY = {}


def scenario(name, firmwares=FIRMWARES, default=False):
    """Registers a function that takes a Bench and raises Failure if the machine misbehaves."""

    def register(play):
        REGISTRY[name] = Scenario(name, play, firmwares, default)
        return play

    return register


class Bench:
    """What one run of one scenario has: a folder, a firmware, machines."""

    def __init__(self, folder, firmware, patience):
        self.folder, self.firmware, self.patience = pathlib.Path(folder), firmware, patience
        self.machines = []
        self.timeline = []

    def copy_of(self, layout):
        """An own copy of an image, sparse."""
        self.folder.mkdir(parents=True, exist_ok=True)
        image = self.folder / layout.image.name
        boot = self.folder / layout.boot_image.name if layout.boot_image != layout.image else None
        for source, target in {layout.image: image, layout.boot_image: boot or image}.items():
            subprocess.run(["cp", "--sparse=always", source, target], check=True)
        return disk.Layout(image, boot, *layout.sizes)

    def machine(self, disks, **options):
        machine = qemu.Machine(self.folder / "machine", self.firmware, disks, **options)
        self.machines.append(machine)
        return machine

    def seconds(self, quiet_seconds):
        """A timeout that also holds on a loaded host."""
        return quiet_seconds * self.patience


def expect(what, seen, wanted):
    if seen != wanted:
        raise Failure(f"{what}: {seen!r} instead of {wanted!r}")


def play_once(item, firmware, folder, patience):
    """(verdict, sentence); the verdict is passed, failed or inconclusive."""
    bench = Bench(folder, firmware, patience)
    try:
        shutil.rmtree(folder, ignore_errors=True)
        item.play(bench)
        return "passed", ""
    except qemu.Inconclusive as error:
        return "inconclusive", str(error)
    except Failure as error:
        return "failed", str(error)
    except Exception as error:  # a defect of the harness or of a tool it uses is no pass either
        return "failed", f"{type(error).__name__}: {error}\n{traceback.format_exc()}"
    finally:
        for machine in bench.machines:
            machine.cut_power()


def play(item, firmware, patience, keep):
    folder = BUILD / "machine-tests" / f"{item.name}-{firmware}"
    started = time.monotonic()
    verdict, sentence = play_once(item, firmware, folder, patience)
    retried = ""
    if verdict == "inconclusive":
        retried = f", second try after: {sentence}"
        verdict, sentence = play_once(item, firmware, folder, patience * 2)
    seconds = time.monotonic() - started
    with _printing:
        if verdict == "passed":
            print(f"ok    {firmware} {item.name} ({seconds:.0f} s{retried})", flush=True)
        else:
            print(f"FAIL  {firmware} {item.name} ({seconds:.0f} s{retried}): {sentence}\n      kept: {folder}", flush=True)
    if verdict == "passed" and not keep:
        for image in folder.glob("*.img"):
            image.unlink()
    return verdict == "passed"


def run(chosen, jobs, patience, keep):
    """Plays (scenario, firmware) pairs. Returns how many passed and failed."""
    with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
        verdicts = list(pool.map(lambda pair: play(*pair, patience, keep), chosen))
    return verdicts.count(True), verdicts.count(False)
