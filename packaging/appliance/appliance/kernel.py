"""The demo appliance's kernel: Debian's cloud kernel, downloaded with apt and unpacked, never installed.

It is the quickest of Debian's kernels under emulation: LZ4-compressed, ext4 and pstore built in, virtio as modules, 27 MB.
It has no drivers for a BMC or for hardware watchdogs: machines with those get Debian's kernel for real machines.
"""

import pathlib
import re
import subprocess

CLOUD, FULL = "linux-image-cloud-amd64", "linux-image-amd64"
FULL_FOLDER = "kernel-full"


def fetch(cache, metapackage=CLOUD):
    """The unpacked kernel package below `cache`; downloads it the first time."""
    cache = pathlib.Path(cache)
    target = cache / (FULL_FOLDER if metapackage == FULL else "kernel")
    if not (target / "complete").exists():
        cache.mkdir(parents=True, exist_ok=True)
        depends = subprocess.run(["apt-cache", "depends", metapackage], check=True, capture_output=True, text=True).stdout
        package = re.search(r"Depends: (linux-image-\S+)", depends).group(1)
        debs = cache / "debs"
        debs.mkdir(exist_ok=True)
        if not list(debs.glob(f"{package}_*.deb")):
            subprocess.run(["apt-get", "-q", "-o", "APT::Sandbox::User=root", "download", package], check=True, cwd=debs,
                           stdout=subprocess.DEVNULL)
        subprocess.run(["rm", "-rf", target], check=True)
        subprocess.run(["dpkg-deb", "-x", max(debs.glob(f"{package}_*.deb")), target], check=True)
        (target / "complete").touch()
    return Kernel(target)


class Kernel:
    """An unpacked kernel package. What a module's name stands for may also be built in."""

    def __init__(self, root):
        self.root = pathlib.Path(root)
        self.image = next((self.root / "boot").glob("vmlinuz-*"))
        self.full = self.root.name == FULL_FOLDER
        self.release = self.image.name.removeprefix("vmlinuz-")
        self.folder = self.root / "lib/modules" / self.release
        builtin = (self.folder / "modules.builtin").read_text()
        self._builtin = {pathlib.Path(line).stem.replace("-", "_") for line in builtin.split()}
        self._modules = {path.stem.replace("-", "_"): path for path in (self.root / "lib/modules").rglob("*.ko")}

    def modules(self, *names):
        """The files of these modules and all that they need, in the order to load them."""
        ordered = {}

        def visit(name):
            name = name.replace("-", "_")
            if name in ordered or name in self._builtin:
                return
            path = self._modules[name]
            for needed in _needs(path):
                if needed.replace("-", "_") in self._modules:
                    visit(needed)
            ordered[name] = path

        for name in names:
            visit(name)
        return list(ordered.values())


def _needs(path):
    match = re.search(rb"\0depends=([^\0]*)\0", path.read_bytes())
    return [name for name in match.group(1).decode().split(",") if name] if match else []
