"""A userspace with systemd as PID 1, from Debian's packages, unpacked by mmdebstrap without running their scripts.

What an installation would add is laid out here: accounts, mounts, and the demo's units. Those of cube-update come with its package,
which also enables them (packages.py).
"""

import pathlib
import subprocess

HERE = pathlib.Path(__file__).resolve().parent.parent
PACKAGES = ["systemd", "systemd-sysv", "udev", "mount", "e2fsprogs", "base-files"]
SERVICE_PACKAGES = [*PACKAGES, "dbus", "polkitd"]
SOURCES = pathlib.Path("/etc/apt/sources.list.d/debian.sources")
# Not needed to run, and much to hash under emulation.
UNUSED = ["usr/share/doc", "usr/share/man", "usr/share/locale", "usr/share/info", "usr/lib/udev/hwdb.d", "usr/share/bash-completion",
          "usr/share/zsh", "var/cache", "var/lib/apt", "var/lib/dpkg", "dev/*"]
# They want a D-Bus daemon, accounts, a login or a hardware database that the demo does not have.
MASKED = ["systemd-logind.service", "systemd-timesyncd.service", "systemd-sysusers.service", "systemd-hwdb-update.service",
          "systemd-update-utmp.service", "systemd-networkd.service", "getty.target", "e2scrub_reap.service", "fstrim.timer",
          "e2scrub_all.timer"]
FSTAB = """/dev/root / ext4 rw 0 0
LABEL=CUBE-BOOT /boot/efi vfat umask=0077 0 0
LABEL=cube-data /data ext4 defaults 0 0
/data/cube-update /var/lib/cube-update none bind 0 0
LABEL=cube-stick /media/stick ext4 ro,nofail 0 0
"""
# As base-files' script would link them. GLib, and so polkitd, looks for the bus below /var/run.
LINKS = {"var/run": "/run", "var/lock": "/run/lock"}
FAILING = """[Unit]
Description=A unit of the demo that fails
{order}
[Service]
Type=oneshot
ExecStart=/usr/bin/false
"""


def unpack(cache, tree, packages=PACKAGES):
    """Fills `tree` with the packages' files. The first time this takes the network."""
    archive = pathlib.Path(cache) / f"systemd-userspace-{'-'.join(packages)}.tar"
    if not archive.exists():
        partial = archive.with_suffix(".partial.tar")
        sources = [SOURCES] if SOURCES.exists() else []
        _run("mmdebstrap", "--mode=root", "--variant=extract", "--hook-dir=/usr/share/mmdebstrap/hooks/merged-usr",
             f"--include={','.join(packages)}", "bookworm", partial, *sources)
        partial.rename(archive)
    tree.mkdir(parents=True, exist_ok=True)
    _run("tar", "-C", tree, "-xf", archive, *[f"--exclude=./{path}" for path in UNUSED])


def set_up(tree, variant):
    """Accounts, mounts and units. `variant`: what is wrong with it (tree.VARIANTS)."""
    _write(tree / "etc/passwd", "root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/false\n")
    _write(tree / "etc/group", "root:x:0:\ntty:x:5:\ndisk:x:6:\nnogroup:x:65534:\n")
    for name, target in LINKS.items():
        link = tree / name
        if link.is_dir() and not link.is_symlink():
            link.rmdir()
        link.unlink(missing_ok=True)
        link.symlink_to(target)
    _write(tree / "etc/machine-id", "")
    _write(tree / "etc/fstab", FSTAB)
    _write(tree / "etc/systemd/system.conf.d/demo.conf", "[Manager]\nShowStatus=no\nDefaultTimeoutStopSec=10s\n")
    for unit in MASKED:
        _link(tree, unit, "/dev/null")
    _write(tree / "usr/lib/systemd/system/demo-console.service", (HERE / "systemd/demo-console.service").read_text())
    _write(tree / "usr/lib/cube-demo/console", (HERE / "systemd/console").read_text(), 0o755)
    _enable(tree, "demo-console.service", "multi-user.target.wants")
    _link(tree, "default.target", "/usr/lib/systemd/system/multi-user.target")
    if variant == "unit-fails":
        _write(tree / "usr/lib/systemd/system/demo-storage.service", FAILING.format(order=""))
        _enable(tree, "demo-storage.service", "multi-user.target.wants")
    if variant == "incomplete":
        _write(tree / "usr/lib/systemd/system/demo-storage.service", FAILING.format(order="Before=boot-complete.target\n"))
        _enable(tree, "demo-storage.service", "boot-complete.target.requires")


def set_up_service(tree):
    """The bus that the update service is called over, polkit, which decides about callers, and two who are not root. The service
    itself comes with cube-update's package."""
    accounts = {"messagebus": 101, "polkitd": 102, "operator": 1000, "visitor": 1001}
    for name, line in {"passwd": "{0}:x:{1}:{1}::/nonexistent:/bin/false\n", "group": "{0}:x:{1}:\n"}.items():
        file = tree / "etc" / name
        file.write_text(file.read_text() + "".join(line.format(*account) for account in accounts.items()))


def _enable(tree, unit, folder):
    _link(tree, f"{folder}/{unit}", f"/usr/lib/systemd/system/{unit}")


def _link(tree, name, target):
    link = tree / "etc/systemd/system" / name
    link.parent.mkdir(parents=True, exist_ok=True)
    link.unlink(missing_ok=True)
    link.symlink_to(target)


def _write(path, text, mode=0o644):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    path.write_text(text)
    path.chmod(mode)


def _run(*command):
    result = subprocess.run([str(part) for part in command], capture_output=True, text=True)
    if result.returncode != 0:
        raise RuntimeError(f"{command[0]} failed ({result.returncode}): {(result.stderr or result.stdout).strip()[-2000:]}")
