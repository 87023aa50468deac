#!/usr/bin/env python3
"""The seed's story, before the reboot: kernel -373 instead of -348, and the disk's driver is not in its initramfs.

Inventories of two releases, and the difference that a publisher sees before anything is published; trees that are odd; the time it takes.

Usage: release_inventory_test.py CUBE_RELEASE
"""
import gzip
import json
import lzma
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import time

from tiny_tree import cpio, kernel_module

RELEASE = str(pathlib.Path(sys.argv[1]).resolve())
OLD, NEW = "4.18.0-348.el8.x86_64", "4.18.0-373.el8.x86_64"
HERE = "usr/lib/cube-update/inventory.json"


def run(*command, wanted=0, says="", **options):
    done = subprocess.run([str(word) for word in command], capture_output=True, timeout=300, **options)
    told = (done.stdout + done.stderr).decode(errors="replace")
    if done.returncode != wanted or says not in told:
        raise AssertionError(f"{' '.join(map(str, command))}: exit {done.returncode}, not {wanted} with \"{says}\":\n{told}")
    return done.stdout


def squeezed(content, kind):
    if kind == "gzip":
        return gzip.compress(content, mtime=0)
    if kind == "xz":
        return lzma.compress(content, check=lzma.CHECK_CRC32)
    return run(*{"zstd": ["zstd", "-q", "-c"], "lz4": ["lz4", "-q", "-l", "-c"]}[kind], input=content)


def initramfs(kernel, modules, kind):
    early = cpio(["kernel/x86/microcode/GenuineIntel.bin"])
    main = cpio(["init", "usr/sbin/e2fsck", "usr/lib/firmware/qlogic/a.bin.xz", *(f"usr/lib/modules/{kernel}/kernel/drivers/{name}.ko.xz" for name in modules)])
    return early + squeezed(main, kind)


def write(tree, files):
    for name, content in files.items():
        path = tree / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())


def make_tree(tree, kernel, in_initramfs, kind, *, packages, modules, aliases, options, units):
    """A root tree as small as one that has something of each kind."""
    place = f"usr/lib/modules/{kernel}"
    write(tree, {
        f"boot/vmlinuz-{kernel}": "kernel", f"boot/initramfs-{kernel}.img": initramfs(kernel, in_initramfs, kind),
        f"boot/config-{kernel}": "# Linux\n" + "".join(f"{line}\n" for line in options),
        "etc/os-release": "NAME=tiny\n", "etc/default/grub": 'GRUB_CMDLINE_LINUX="quiet"\n',
        f"{place}/modules.builtin": "kernel/fs/xfs/xfs.ko\n", f"{place}/modules.alias": "".join(f"alias {line}\n" for line in aliases),
        "usr/bin/su": "su", "usr/lib/firmware/qlogic/a.bin": "firmware",
        "var/lib/dpkg/status": "".join(f"Package: {name}\nStatus: install ok installed\nArchitecture: amd64\nVersion: {version}\n\n"
                                       for name, version in packages.items())})
    write(tree, {f"{place}/kernel/drivers/{name}.ko.xz": lzma.compress(kernel_module(name=name, version="1.0"), check=lzma.CHECK_CRC32)
                 for name in modules})
    write(tree, {f"usr/lib/systemd/system/{name}": "" for name in units})
    (tree / "usr/bin/su").chmod(0o4755)
    return tree


def make_both(folder, kind):
    old = make_tree(folder / f"old-{kind}", OLD, ["megaraid_sas", "dm-mod"], kind, packages={"bash": "4.4", "kernel-core": "4.18.0-348", "gone": "1"},
                    modules=["megaraid_sas", "dm-mod", "floppy"], aliases=["pci:1 megaraid_sas", "pci:2 megaraid_sas"],
                    options=["CONFIG_MEGARAID_SAS=m", "CONFIG_FLOPPY=m"], units=["ntp.service", "sshd.service"])
    new = make_tree(folder / f"new-{kind}", NEW, ["dm-mod"], kind, packages={"bash": "4.4", "kernel-core": "4.18.0-373", "fresh": "2"},
                    modules=["megaraid_sas", "dm-mod"], aliases=["pci:1 megaraid_sas"],
                    options=["CONFIG_MEGARAID_SAS=m", "# CONFIG_FLOPPY is not set"], units=["sshd.service"])
    write(new, {"usr/bin/helper": "helper"})
    (new / "usr/bin/helper").chmod(0o4755)
    return old, new


class Publisher:
    def __init__(self, folder):
        self.repository, self.count = folder / "repository", 0
        run(RELEASE, "init", self.repository, "--product", "CUBE")

    def compose(self, tree, *options, **expected):
        self.count += 1
        return run(RELEASE, "compose", tree, "--version", f"1.0.{self.count}", "--built", "20260101-0000", "--source", "abcd1234",
                   "--repository", self.repository, *options, **expected).decode().strip()

    def branch(self, name):
        return f"CUBE/{name.split('_')[1]}_20260101-0000"

    def commit(self, name):
        """Of the tree alone: the content's checksum, without time and branch."""
        return run("ostree", "ls", "-dC", f"--repo={self.repository}/repo", self.branch(name), "/")

    def held(self, name):
        return run("ostree", "cat", f"--repo={self.repository}/repo", self.branch(name), f"/{HERE}")

    def inventory(self, name):
        return json.loads(run(RELEASE, "inventory", name, "--json", "--repository", self.repository))

    def diff(self, *words, **expected):
        return run(RELEASE, "diff", *words, "--repository", self.repository, **expected).decode()


SEED = ["initramfs-driver-gone megaraid_sas", "module-gone floppy", "module-fewer-devices megaraid_sas", "option-off CONFIG_FLOPPY",
        "unit-gone ntp.service", "setuid-new usr/bin/helper"]


def play_seed(folder, publisher):
    for kind in ("gzip", "xz", "zstd", "lz4"):
        old, new = make_both(folder, kind)
        names = publisher.compose(old), publisher.compose(new)
        for places in (names, (old, new), (names[0], new)):
            found = json.loads(publisher.diff(*places, "--json"))
            assert [f"{harm['harm']} {harm['name']}" for harm in found["harms"]] == SEED, found["harms"]
            assert found["kernel"] == {"from": OLD, "to": NEW}
            packages = {way: [row["name"] for row in rows] for way, rows in found["packages"].items()}
            assert packages == {"removed": ["gone:amd64"], "added": ["fresh:amd64"], "changed": ["kernel-core:amd64"]}, packages
        print(f"ok    the driver that is missing in the initramfs ({kind}) is what the difference begins with")
    screen = publisher.diff(*names).splitlines()
    assert screen[:5] == [f"{names[0]} -> {names[1]}", f"kernel {OLD} -> {NEW}", "", "! drivers gone from the initramfs (1)",
                          f"  {'megaraid_sas':<40} in the tree"], screen
    assert json.loads(publisher.diff(names[0], names[0], "--json"))["harms"] == []
    publisher.diff(names[0], names[0], says="nothing found that can hurt")
    return old, names


def play_page(folder, publisher, old, names):
    evil = folder / "new-gzip"
    write(evil, {"usr/bin/<script>alert(1)<": "x"})
    (evil / "usr/bin/<script>alert(1)<").chmod(0o4755)
    page = folder / "page.html"
    publisher.diff(names[0], evil, "--html", page)
    text = page.read_text()
    assert "<script" not in text and "&lt;script&gt;alert(1)&lt;" in text and "prefers-color-scheme" in text
    assert not re.search(r"(?:src|href|url)\s*[=(]", text), "the page fetches something"
    assert text.index("megaraid_sas") < text.index("CONFIG_FLOPPY") < text.index("kernel-core:amd64")
    publisher.diff(names[0], evil, "--html", folder / "nowhere/page.html", wanted=1, says="page ")
    print("ok    the page says the same, escaped and without scripts")


def play_release(folder, publisher, old, names):
    held = publisher.held(names[0])
    found = publisher.inventory(names[0])
    assert json.loads(held) == found and found["unreadable"] == [], found["unreadable"]
    assert found["initramfs_modules"] == ["dm_mod", "megaraid_sas"] and found["initramfs_firmware"] == ["qlogic/a.bin"]
    assert found["aliases"]["megaraid_sas"].startswith("2 ") and found["setuid"] == {"usr/bin/su": "4755"}
    assert found["module_versions"] == {"dm_mod": "1.0", "floppy": "1.0", "megaraid_sas": "1.0"} and found["initramfs_tools"] == ["e2fsck"]
    assert found["microcode"]["intel"].startswith("0 ") and found["filesystems"] == {"xfs": "built in"}
    told = run("ostree", "ls", f"--repo={publisher.repository}/repo", publisher.branch(names[0]), f"/{HERE}").decode().split()
    assert told[0] == "-00644" and told[1:3] == ["0", "0"], told
    again = publisher.compose(old)
    assert publisher.held(again) == held and publisher.commit(again) == publisher.commit(names[0]), "not reproducible"
    checkout = folder / "checkout"
    run("ostree", "checkout", "--user-mode", f"--repo={publisher.repository}/repo", publisher.branch(names[0]), checkout)
    (checkout / "usr/bin/su").chmod(0o4755)  # such a checkout drops it
    twice = publisher.compose(checkout, "--owners", "root")
    assert publisher.held(twice) == held, "an inventory lists the one before"
    tar = folder / "tree.tar"
    run("tar", "-cf", tar, "-C", old, ".")
    assert publisher.held(publisher.compose(tar)) == held, "a tar gives another inventory"
    expanded = json.loads(publisher.held(publisher.compose(old, "--expand", "initramfs")))
    assert expanded == found, "expanding changes what a release is said to hold"
    run(RELEASE, "inventory", names[0], "--repository", publisher.repository, says=OLD)
    run(RELEASE, "inventory", "CUBE_9.9_20260101-0000_abcd1234", "--repository", publisher.repository, wanted=1, says="neither published nor pending")
    run(RELEASE, "inventory", "no/such/folder", wanted=1, says="there is none")
    print("ok    a release holds its inventory, the same each time, and it never lists itself")


def parts_not_known(inventory):
    return sorted({row["part"] for row in inventory["unreadable"]})


def play_odd_trees(folder, publisher):
    old = folder / "old-zstd"
    image = old / f"boot/initramfs-{OLD}.img"
    whole = image.read_bytes()
    image.write_bytes(whole[:-40])
    (old / "etc/default/grub").unlink()
    (old / "etc/default/grub").symlink_to("grub")
    write(old, {"usr/lib/firmware/odd\nname\x1b[2J": "x", "var/lib/dpkg/status": b"\xff\0Package:\n\nPackage: a\nVersion: \xfe\n"})
    write(old, {HERE: '{"format": 1, "packages": "nonsense"}'})
    name = publisher.compose(old)
    found = publisher.inventory(name)
    assert parts_not_known(found) == ["arguments", "initramfs_firmware", "initramfs_modules", "initramfs_tools", "microcode"], found["unreadable"]
    assert found["packages"] == {"a:": "\\xfe"} and "odd\\x0aname\\x1b[2J" in found["firmware"]
    assert str(folder) not in json.dumps(found)
    harms = [row["harm"] for row in json.loads(publisher.diff(folder / "old-gzip", name, "--json"))["harms"]]
    assert harms[:5] == ["not-known"] * 5 and "initramfs-driver-gone" not in harms, harms
    status = old / "var/lib/dpkg/status"
    os.truncate(status, 1 << 27)
    assert "packages" in parts_not_known(publisher.inventory(publisher.compose(old)))
    status.unlink()
    os.mkfifo(status)  # compose refuses it; the folder can be looked at all the same
    publisher.compose(old, wanted=2, says="fifo")
    found = json.loads(run(RELEASE, "inventory", old, "--json"))
    assert "packages" in parts_not_known(found)
    empty = folder / "empty"
    empty.mkdir()
    found = json.loads(run(RELEASE, "inventory", empty, "--json"))
    assert found["kernel"] == "" and found["unreadable"] == [] and not any(found[part] for part in ("packages", "modules", "units"))
    print("ok    what cannot be read of an odd tree is said, and nothing is made up")


SPEC = """Name: {name}
Version: {version}
Release: 348.el8
Epoch: {epoch}
Summary: none
License: none
BuildArch: noarch
%description
none
%files
"""


def play_rpm(folder):
    """The database as rpm itself writes it."""
    work, tree = folder / "rpm", folder / "rpm-tree"
    database = tree / "var/lib/rpm"
    work.mkdir()
    database.mkdir(parents=True)
    for name, version, epoch in (("kernel", "4.18.0", 0), ("kernel", "4.18.1", 0), ("bind", "9.11", 32)):
        (work / "one.spec").write_text(SPEC.format(name=name, version=version, epoch=epoch))
        run("rpmbuild", "-bb", "--define", f"_topdir {work}", "--define", f"_tmppath {work}", work / "one.spec")
    run("rpm", "--dbpath", database, "-i", "--justdb", "--nodeps", *sorted(work.glob("RPMS/noarch/*.rpm")))
    before = sorted((path.name, path.read_bytes()) for path in database.iterdir())
    found = json.loads(run(RELEASE, "inventory", tree, "--json"))
    assert found["packages"] == {"bind.noarch": "32:9.11-348.el8", "kernel.noarch": "4.18.0-348.el8 4.18.1-348.el8"}, found["packages"]
    assert found["unreadable"] == [] and sorted((path.name, path.read_bytes()) for path in database.iterdir()) == before
    whole = (database / "rpmdb.sqlite").read_bytes()
    for path in database.iterdir():
        path.unlink()
    one_page = bytearray(whole)
    at = whole.index(b"4.18.0") // 4096 * 4096
    one_page[at:at + 4096] = os.urandom(4096)
    for wrong in (b"no database", whole[:len(whole) // 2], whole[:5000] + os.urandom(len(whole) - 5000), bytes(one_page)):
        (database / "rpmdb.sqlite").write_bytes(wrong)
        # librpm forgets what sqlite had opened when a database is damaged: no leak of ours.
        found = json.loads(run(RELEASE, "inventory", tree, "--json", env=dict(os.environ, ASAN_OPTIONS="detect_leaks=0")))
        assert found["packages"] == {} and parts_not_known(found) == ["packages"], found
    (database / "rpmdb.sqlite").unlink()
    os.mkfifo(database / "rpmdb.sqlite")
    assert parts_not_known(json.loads(run(RELEASE, "inventory", tree, "--json"))) == ["packages"]
    print("ok    rpm's database is read as it stands, and only read")


def play_forgery(folder, publisher):
    """A folder is read anew, whatever file it has; a place that is no folder makes a release without an inventory."""
    tree = folder / "old-lz4"
    (tree / "usr/lib/cube-update").mkdir(exist_ok=True)
    (tree / "usr/lib/cube-update").rmdir()
    (tree / "usr/lib/cube-update").symlink_to("modules")
    name = publisher.compose(tree)
    run(RELEASE, "inventory", name, "--repository", publisher.repository, wanted=1, says="has no inventory")
    print("ok    a tree without a place for it gets none")


def play_time(folder, publisher):
    tree = make_both(folder / "large", "gzip")[0]
    write(tree, {f"usr/share/f{i // 100}/{i}": f"{i}" for i in range(10000)})
    write(tree, {f"usr/lib/firmware/v{i // 100}/{i}.bin": f"{i}" * 100 for i in range(2000)})
    some, others = (lzma.compress(kernel_module(**info), check=lzma.CHECK_CRC32) for info in ({"version": "1"}, {"license": "GPL"}))
    write(tree, {f"usr/lib/modules/{OLD}/kernel/m{i // 100}/m{i}.ko.xz": others if i % 3 else some for i in range(3000)})
    began = time.monotonic()
    text = run(RELEASE, "inventory", tree, "--json")
    took = time.monotonic() - began
    began = time.monotonic()
    name = publisher.compose(tree)
    composed = time.monotonic() - began
    began = time.monotonic()
    publisher.diff(name, name)
    print(f"      {len(text)} bytes, {len(lzma.compress(text))} compressed; {took:.2f} s of {composed:.2f} s to compose 15,000 files; "
          f"diff {time.monotonic() - began:.2f} s")
    assert took < 10 and len(lzma.compress(text)) < 1_000_000


def main():
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name).resolve()
        publisher = Publisher(folder)
        old, names = play_seed(folder, publisher)
        play_release(folder, publisher, old, names)
        play_page(folder, publisher, old, names)
        play_odd_trees(folder, publisher)
        play_forgery(folder, publisher)
        play_rpm(folder)
        play_time(folder, publisher)


if __name__ == "__main__":
    main()
