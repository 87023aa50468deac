"""Two releases to measure with: small synthetic ones in seconds, or two states of a real Debian system."""
import os
import pathlib
import random
import shutil

from .command import run

PACKAGES = ("initramfs-tools systemd-sysv dbus udev openssh-server python3 python3-yaml nginx-light postgresql mariadb-server qemu-utils "
            "qemu-system-x86 ceph-common ceph-osd ceph-mds lvm2 mdadm cryptsetup-bin xfsprogs btrfs-progs iproute2 nftables chrony rsyslog curl vim-tiny "
            "tcpdump smartmontools nvme-cli open-iscsi sudo ca-certificates locales haproxy rabbitmq-server python3-nova openvswitch-switch").split()


def synthetic(place, files=400, mean_bytes=24_000, changed=0.1, seed=1):
    """v1 and v2: text that compresses, files that do not, attributes, links; `changed` is the part of files that differ.

    Files that do not differ are the same inodes in both trees.
    """
    chance = random.Random(seed)
    words = [chance.randbytes(chance.randrange(3, 9)).hex() for _ in range(2000)]
    pool = " ".join(chance.choices(words, k=200_000)).encode()
    for version in (1, 2):
        for part in range(37):
            (place / f"v{version}/usr/lib/part{part}").mkdir(parents=True)
    for number in range(files):
        size = max(16, int(chance.expovariate(1 / mean_bytes)))
        path = f"usr/lib/part{number % 37}/file{number}"
        old = chance.randbytes(size) if number % 4 == 0 else _text(chance, words, pool, size)
        (place / "v1" / path).write_bytes(old)
        if chance.random() >= changed:
            os.link(place / "v1" / path, place / "v2" / path)
            continue
        new = bytearray(old)
        at = chance.randrange(len(new) + 1)
        new[at:at + len(new) // 20] = chance.randbytes(max(8, len(new) // 25))
        (place / "v2" / path).write_bytes(new)
    for version in (1, 2):
        _finish(place / f"v{version}", version)


def _text(chance, words, pool, size):
    """Words; in large files they come in passages, which is made faster."""
    if size < 20_000:
        return " ".join(chance.choices(words, k=size // 11)).encode()
    passages = (chance.randrange(len(pool) - 8000) for _ in range(size // 6000 + 1))
    return b"".join(pool[at:at + chance.randrange(4000, 8000)] for at in passages)[:size]


def _put(path, content):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


def _finish(tree, version):
    _put(tree / "boot/vmlinuz", b"kernel %d" % version)
    archive = b"070701" + b"00000000" * 4 + b"00000001" + b"00000000" * 6 + b"0000000b" + b"00000000" + b"TRAILER!!!\0\0\0\0"
    _put(tree / "boot/initrd.img", archive)
    _put(tree / "etc/os-release", b"VERSION_ID=%d\n" % version)
    (tree / "bin").symlink_to("usr/lib")
    os.chown(tree / "etc/os-release", 7, 8)
    os.setxattr(tree / "usr/lib/part0/file0", "security.capability", bytes.fromhex("0100000200040000000000000000000000000000"))
    os.setxattr(tree / "etc", "user.note", b"a folder")


def _archive(suite):
    """Where this machine's apt finds the suite."""
    for line in run("apt-cache", "policy").splitlines():
        if f" {suite}/main amd64" in line:
            return line.split()[1]
    raise RuntimeError(f"apt on this machine knows no {suite}; the releases of the benchmark are made of it, so add it to apt's sources and update")


def debian(place, say):
    """v1: Debian 12 as it was released, with the oldest kernel of the archive; v2: the same after all updates, with the newest."""
    main, updates, security = (f"deb {_archive(suite)} {suite} main" for suite in ("bookworm", "bookworm-updates", "bookworm-security"))
    kernels = sorted((line.split()[0] for line in run("apt-cache", "search", "--names-only", r"^linux-image-6\.1\.0-[0-9]+-amd64$").splitlines()),
                     key=lambda name: int(name.split("-")[3]))
    for version, sources, kernel in ((1, [main], kernels[0]), (2, [main, updates, security], kernels[-1])):
        say(f"building the tree of v{version} (some minutes)")
        place.mkdir(parents=True, exist_ok=True)
        tree = place / f"v{version}"
        shutil.rmtree(tree, ignore_errors=True)
        run("mmdebstrap", "--variant=important", "--mode=root", '--aptopt=Apt::Install-Recommends "false"', f"--include={','.join([kernel, *PACKAGES])}",
            "bookworm", tree, *sources, env=dict(os.environ, SOURCE_DATE_EPOCH="1767225600"))
        _clean(tree)


def _clean(tree):
    """What no release holds, and what the build leaves behind."""
    for name in ("dev", "run", "tmp", "proc", "sys", "var/log", "var/cache/apt", "var/lib/apt/lists"):
        shutil.rmtree(tree / name, ignore_errors=True)
        (tree / name).mkdir(parents=True, exist_ok=True)
    for path in pathlib.Path(tree).rglob("*"):
        if not path.is_symlink() and not path.is_dir() and not path.is_file():
            path.unlink()
