"""The agent in a tree, as dpkg installs it from its Debian packages.

The packages' own scripts run outside of the tree, with DPKG_ROOT, so the tree needs no shell and no programs of Debian. What they
depend on is not asked for: the demo brings the libraries itself (tree.py).
"""

import pathlib
import subprocess

BUILD = pathlib.Path(__file__).resolve().parents[2] / "debian/build"
PACKAGES = ["cube-update", "cube-update-grub"]
DPKG = ["dpkg", "--force-depends", "--force-not-root", "--force-script-chrootless", "--force-confnew", "--force-unsafe-io",
        "--log=/dev/null"]
# Not needed to run, and much to hash under emulation.
WITHOUT = ["--path-exclude=/usr/share/doc/*", "--path-exclude=/usr/share/man/*"]


def build(build_folder):
    """The packages of a finished release build, beside it."""
    output = pathlib.Path(build_folder).parent / "packages"
    _run(BUILD, "--build", build_folder, "--output", output)
    return [next(output.glob(f"{name}_*.deb")) for name in PACKAGES]


def prepare(tree):
    """An empty database of packages."""
    for folder in ("info", "updates", "triggers"):
        (pathlib.Path(tree) / "var/lib/dpkg" / folder).mkdir(parents=True, exist_ok=True)
    (pathlib.Path(tree) / "var/lib/dpkg/status").touch()


def install(tree, packages):
    prepare(tree)
    _run(*DPKG, f"--root={tree}", *WITHOUT, "--install", *packages)


def _run(*command):
    result = subprocess.run([str(part) for part in command], capture_output=True, text=True)
    if result.returncode != 0:
        raise RuntimeError(f"{command[0]} failed ({result.returncode}): {(result.stderr or result.stdout).strip()[-2000:]}")
