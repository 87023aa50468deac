"""A root file system as small as one can be released."""
import gzip
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
        path.write_text(text)
    (folder / "boot/initrd.img").write_bytes(gzip.compress(EMPTY_CPIO, mtime=0))
    (folder / "usr/bin/hello").chmod(0o755)
    (folder / "bin").symlink_to("usr/bin")


def put_inventory(cube_release, tree):
    """Adds to a tree what `compose` added to its release."""
    place = tree / "usr/lib/cube-update"
    place.mkdir(parents=True, exist_ok=True)
    (place / "inventory.json").write_bytes(subprocess.run([cube_release, "inventory", tree, "--json"], check=True, capture_output=True).stdout)
