#!/usr/bin/env python3
"""`cube-release compose --expand`: initramfs images and kernel modules, seen as the kernel, cpio, modprobe and depmod see them.

Usage: expand_test.py CUBE_RELEASE
"""
import gzip
import lzma
import os
import pathlib
import subprocess
import sys
import tempfile

RELEASE = str(pathlib.Path(sys.argv[1]).resolve())
KERNEL = "6.1.0-1-amd64"
MODULE = """
#define part(s, n) __attribute__((section(s), used)) static const char n[]
part(".modinfo", license) = "license=GPL";
part(".modinfo", name) = "name={name}";
{rest}
"""
EXPORTS = 'void cube_exported(void) {} part("__ksymtab_strings", symbol) = "cube_exported"; ' \
          '__attribute__((section("__ksymtab"), used)) static void *entry = (void *)cube_exported; ' \
          'void *__ksymtab_cube_exported __attribute__((section("__ksymtab"))) = (void *)cube_exported;'
NEEDS = 'part(".modinfo", depends) = "depends=exports"; void cube_exported(void); void (*use)(void) = cube_exported;'
SIGNATURE = b"the bytes of a signature~Module signature appended~\n"


def run(*command, wanted=0, says="", **options):
    done = subprocess.run([str(word) for word in command], capture_output=True, timeout=120, **options)
    told = (done.stdout + done.stderr).decode(errors="replace")
    if done.returncode != wanted or says not in told:
        raise AssertionError(f"{' '.join(map(str, command))}: exit {done.returncode}, not {wanted} with \"{says}\":\n{told}")
    return done.stdout


def squeezed(content, suffix):
    """As dracut, initramfs-tools and kmod's users compress."""
    if suffix == "gz":
        return gzip.compress(content, mtime=0)
    if suffix == "xz":
        return lzma.compress(content, check=lzma.CHECK_CRC32)
    return run(*{"zst": ["zstd", "-q", "-19", "-c"], "lz4": ["lz4", "-q", "-l", "-9", "-c"]}[suffix], input=content)


def cpio(folder, names):
    return run("cpio", "-o", "-H", "newc", "--quiet", "-R", "0:0", cwd=folder, input="\n".join(names).encode())


def unpacked(image):
    """Files that Linux unpacks from an uncompressed image, by the kernel's document on the buffer format."""
    files, at = [], 0
    while at < len(image):
        if image[at] == 0:
            at += 1
            continue
        assert at % 4 == 0 and image[at:at + 6] == b"070701", f"no cpio archive at byte {at}"
        fields = [int(image[at + 6 + 8 * n:at + 14 + 8 * n], 16) for n in range(13)]
        name = image[at + 110:at + 110 + fields[11] - 1].decode()
        data = at + (110 + fields[11] + 3) // 4 * 4
        if name != "TRAILER!!!":
            files.append((name, oct(fields[1]), image[data:data + fields[6]]))
        at = data + (fields[6] + 3) // 4 * 4 if name != "TRAILER!!!" else data
    return files


def facts(top):
    """Everything about a tree, times included."""
    found = {}
    for path in sorted(top.rglob("*")):
        st = path.lstat()
        content = os.readlink(path) if path.is_symlink() else path.read_bytes() if path.is_file() else b""
        found[str(path.relative_to(top))] = (oct(st.st_mode), st.st_uid, st.st_gid, st.st_mtime_ns, st.st_ctime_ns, content)
    return found


class Publisher:
    def __init__(self, folder):
        self.folder, self.count = folder, 0
        run(RELEASE, "init", folder / "repository", "--product", "CUBE")

    def compose(self, tree, *options, **expected):
        self.count += 1
        return run(RELEASE, "compose", tree, "--version", f"1.0.{self.count}", "--built", "20260101-0000", "--source", "abcd1234",
                   "--repository", self.folder / "repository", *options, **expected).decode().strip()

    def checkout(self, name):
        place = self.folder / f"checkout-{self.count}"
        run("ostree", "checkout", "--user-mode", f"--repo={self.folder}/repository/repo", f"CUBE/{name.split('_')[1]}_20260101-0000", place)
        return place

    def commit(self, name):
        return run("ostree", "rev-parse", f"--repo={self.folder}/repository/repo", f"CUBE/{name.split('_')[1]}_20260101-0000")


def make_tree(tree, image):
    for path, content in {"boot/vmlinuz": b"kernel", "boot/initrd.img-1": image, "etc/os-release": b"NAME=tiny\n"}.items():
        (tree / path).parent.mkdir(parents=True, exist_ok=True)
        (tree / path).write_bytes(content)
    (tree / "boot/initrd.img").symlink_to("initrd.img-1")
    os.chmod(tree / "boot/initrd.img-1", 0o600)
    return tree


def play_initramfs(folder, publisher):
    work = folder / "initramfs"
    for name, content in {"early/kernel/x86/microcode/AuthenticAMD.bin": os.urandom(5001), "main/init": b"#!/bin/sh\n" * 3000,
                          "main/usr/lib/a.ko": os.urandom(70001), "main/etc/empty": b""}.items():
        (work / name).parent.mkdir(parents=True, exist_ok=True)
        (work / name).write_bytes(content)
    early = cpio(work / "early", ["kernel", "kernel/x86", "kernel/x86/microcode", "kernel/x86/microcode/AuthenticAMD.bin"])
    main = cpio(work / "main", ["init", "usr", "usr/lib", "usr/lib/a.ko", "etc", "etc/empty"])
    for suffix in ("gz", "xz", "zst", "lz4"):
        tree = make_tree(folder / f"tree-{suffix}", early + squeezed(main, suffix))
        before = facts(tree)
        name = publisher.compose(tree, "--expand", "initramfs")
        assert facts(tree) == before, "the publisher's tree was changed"
        image = (publisher.checkout(name) / "boot/initrd.img-1")
        assert image.stat().st_mode & 0o7777 == 0o600
        expanded = image.read_bytes()
        assert unpacked(expanded) == unpacked(early) + unpacked(main), f"{suffix}: the kernel would unpack other files"
        assert expanded.startswith(early), "the early archive did not stay as it was"
        listed = run("cpio", "-t", "--quiet", input=expanded[len(early):]).split()
        assert listed == run("cpio", "-t", "--quiet", input=main).split() != []
        print(f"ok    an initramfs compressed as {suffix} holds the same files")
    plain = make_tree(folder / "tree-plain", early + main)
    assert publisher.commit(publisher.compose(plain)) != b""
    as_it_is = publisher.checkout(publisher.compose(tree)) / "boot/initrd.img-1"
    assert as_it_is.read_bytes() == (tree / "boot/initrd.img-1").read_bytes(), "expanded without being asked"
    print("ok    without --expand the release has the tree's bytes")
    tar = folder / "tree.tar"
    run("tar", "-cf", tar, "-C", tree, ".")
    again = publisher.checkout(publisher.compose(tar, "--expand", "initramfs,modules")) / "boot/initrd.img-1"
    assert again.read_bytes() == expanded
    print("ok    a tar gives the same")


def play_refusals(folder, publisher):
    bomb = cpio(folder, []) + run("zstd", "-q", "-1", "-c", input=bytes(1 << 30) + b"1")
    tree = make_tree(folder / "tree-bomb", bomb)
    publisher.compose(tree, "--expand", "initramfs", wanted=2, says="holds more than 1")
    (tree / "boot/initrd.img-1").write_bytes(b"not an initramfs")
    publisher.compose(tree, "--expand", "initramfs", wanted=2, says="neither cpio nor compressed")
    publisher.compose(tree, "--expand", "everything", wanted=2, says="everything")
    left = [path.name for path in (folder / "repository/repo/tmp").iterdir() if path.name.startswith("compose-")]
    assert left == [], left
    print("ok    a bomb and what is no initramfs are refused, and nothing is left")


def make_modules(tree, folder, suffix):
    place = tree / f"usr/lib/modules/{KERNEL}"
    for name, rest in {"exports": EXPORTS, "needs": NEEDS}.items():
        source, module = folder / f"{name}.c", place / f"kernel/{name}.ko"
        source.write_text(MODULE.format(name=name, rest=rest))
        module.parent.mkdir(parents=True, exist_ok=True)
        run("cc", "-c", "-O1", "-ffreestanding", "-fno-pic", "-fno-asynchronous-unwind-tables", source, "-o", module)
        module.write_bytes(module.read_bytes() + SIGNATURE)
    (place / "modules.order").write_text("kernel/needs.ko\nkernel/exports.ko\n")
    (place / "modules.builtin").write_text("")
    (tree / "lib").symlink_to("usr/lib")
    run("depmod", "-b", tree, KERNEL)
    for module in sorted(place.glob("kernel/*.ko")):
        module.with_name(f"{module.name}.{suffix}").write_bytes(squeezed(module.read_bytes(), suffix))
        module.unlink()
    if suffix == "gz":  # Debian's kmod does not read it: the list as another distribution's would write it
        (place / "modules.dep").write_text((place / "modules.dep").read_text().replace(".ko", ".ko.gz"))
    else:
        run("depmod", "-b", tree, KERNEL)
    assert f"kernel/needs.ko.{suffix}: kernel/exports.ko.{suffix}\n" in (place / "modules.dep").read_text()


def needed(tree, name):
    """modprobe's own view: what it would load, in order, read from modules.dep.bin."""
    told = run("modprobe", "-d", tree, "-S", KERNEL, "--show-depends", "-C", "/dev/null", name).decode()
    return [line.split()[1].removeprefix(str(tree)) for line in told.splitlines()]


def play_modules(folder, publisher):
    for suffix in ("gz", "xz", "zst"):
        work = folder / f"modules-{suffix}"
        work.mkdir()
        tree = make_tree(work / "tree", cpio(folder, []))
        make_modules(tree, work, suffix)
        before = facts(tree)
        first = publisher.commit(publisher.compose(tree, "--expand", "modules"))
        name = publisher.compose(tree, "--expand", "modules")
        assert facts(tree) == before, "the publisher's tree was changed"
        release = publisher.checkout(name)
        again = run("ostree", "ls", f"--repo={folder}/repository/repo", "-RC", publisher.commit(name).decode().strip())
        assert again == run("ostree", "ls", f"--repo={folder}/repository/repo", "-RC", first.decode().strip()), "not reproducible"
        place = release / f"usr/lib/modules/{KERNEL}"
        assert sorted(path.name for path in (place / "kernel").iterdir()) == ["exports.ko", "needs.ko"]
        assert (place / "modules.dep").read_text() == (tree / f"usr/lib/modules/{KERNEL}/modules.dep").read_text().replace(f".ko.{suffix}", ".ko")
        assert [path.split(KERNEL)[1] for path in needed(release, "needs")] == ["/kernel/exports.ko", "/kernel/needs.ko"]
        assert (place / "kernel/needs.ko").read_bytes().endswith(SIGNATURE), "the appended signature is lost"
        print(f"ok    modules compressed as {suffix} are found by modprobe, with their signatures")
    other = tree / f"usr/lib/modules/{KERNEL}/modules.dep"
    other.write_text(other.read_text().replace(" kernel/exports", " kernel/other"))
    publisher.compose(tree, "--expand", "modules", wanted=2, says="other dependencies")
    print("ok    lists that depmod would write otherwise are refused")


def main():
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name).resolve()
        publisher = Publisher(folder)
        play_initramfs(folder, publisher)
        play_refusals(folder, publisher)
        play_modules(folder, publisher)


if __name__ == "__main__":
    main()
