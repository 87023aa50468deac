"""A root file system as small as one can be released."""
import gzip
import struct
import subprocess

# A cpio archive ("newc") with no file: 13 numbers of 8 hex digits, of which the name's length and the links are not 0.
EMPTY_CPIO = ("070701" + "00000000" * 4 + "00000001" + "00000000" * 6 + "0000000b" + "00000000" + "TRAILER!!!").encode() + bytes(4)


def make_tiny_tree(folder, note="first", more=()):
    files = {
        "boot/vmlinuz": "kernel\n",
        "etc/os-release": f"NAME=tiny\nNOTE={note}\n",
        "usr/bin/hello": "#!/bin/sh\necho hello\n",
        "usr/lib/modules/6.1.0-1-amd64/modules.dep": "",
        **dict(more),
    }
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
    (folder / "boot/initrd.img").write_bytes(gzip.compress(EMPTY_CPIO, mtime=0))
    (folder / "usr/bin/hello").chmod(0o755)
    (folder / "bin").symlink_to("usr/bin")


def cpio(names):
    """An archive ("newc") with these files, as big as a name."""
    made = b""
    for name in [*names, "TRAILER!!!"]:
        content = b"" if name == "TRAILER!!!" else name.encode()
        numbers = [1, 0o100644, 0, 0, 1, 0, len(content), 0, 0, 0, 0, len(name) + 1, 0]
        made += ("070701" + "".join(f"{number:08x}" for number in numbers) + name + "\0").encode()
        made += bytes(-len(made) % 4) + content
        made += bytes(-len(made) % 4)
    return made


def kernel_module(**info):
    """An ELF file of 64 bits with the section .modinfo."""
    said = b"".join(f"{name}={value}\0".encode() for name, value in info.items())
    names = b"\0.modinfo\0.shstrtab\0"

    def section(name, at, size):
        return struct.pack("<IIQQQQIIQQ", name, 1, 0, 0, at, size, 0, 0, 1, 0)
    names_at = 64 + len(said)
    header = b"\x7fELF\x02\x01\x01" + bytes(9) + struct.pack("<HHIQQQIHHHHHH", 1, 62, 1, 0, 0, names_at + len(names), 0, 64, 0, 0, 64, 3, 2)
    return header + said + names + section(0, 0, 0) + section(1, 64, len(said)) + section(10, names_at, len(names))


def put_inventory(cube_release, tree):
    """Adds to a tree what `compose` added to its release."""
    place = tree / "usr/lib/cube-update"
    place.mkdir(parents=True, exist_ok=True)
    (place / "inventory.json").write_bytes(subprocess.run([cube_release, "inventory", tree, "--json"], check=True, capture_output=True).stdout)
