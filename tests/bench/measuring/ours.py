"""cube-update itself, on an appliance laid out in a folder whose slots are the measured ones."""
import json
import pathlib
import shutil
import sys

from .command import timed_with_stages
from .artefacts import NAMES

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[3] / "packaging/appliance"))
from appliance import scratch  # noqa: E402

ARMED = 20  # the exit code of `apply --no-reboot` that did everything


class Appliance:
    """Firmware, GRUB and kernel are played; slot a runs v1 and is sealed, slot b is the measured one."""

    def __init__(self, programs, root, repository, url):
        self.program, self.root = programs / "cube-update", pathlib.Path(root)
        for name in ("boot", "etc", "proc", "run", "sys", "usr", "var"):
            shutil.rmtree(self.root / name, ignore_errors=True)
        laid_out = scratch.Scratch(self.root.with_name("laid-out"))
        shutil.rmtree(laid_out.folder, ignore_errors=True)
        laid_out.folder.mkdir()
        laid_out.lay_out(repository / "metadata/1.root.json")
        shutil.rmtree(laid_out.folder / "slots")
        shutil.copytree(laid_out.folder, self.root, symlinks=True, dirs_exist_ok=True)
        shutil.rmtree(laid_out.folder)
        (self.root / "usr/lib/cube-update/config.d/20-bench.toml").write_text(
            f'[source]\nurl = "{url}"\nallow-http = true\n[slots]\na = "dir:slots/a"\nb = "dir:slots/b"\ncarry-over = []\n')
        scratch.Scratch(self.root).start()

    def apply(self):
        """(cost of all, stages by name)."""
        cost, stages = timed_with_stages([self.program, "apply", NAMES[2], "--no-reboot", "--json", "--root", self.root],
                                         _stage_of, ARMED)
        return cost, stages


def _stage_of(line):
    try:
        event = json.loads(line)
    except ValueError:
        return None
    return event["step"] if event.get("event") == "step" else None
