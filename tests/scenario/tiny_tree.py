"""A root file system as small as one can be released."""


def make_tiny_tree(folder, note="first"):
    files = {
        "boot/vmlinuz": "kernel\n",
        "boot/initrd.img": "initramfs\n",
        "etc/os-release": f"NAME=tiny\nNOTE={note}\n",
        "usr/bin/hello": "#!/bin/sh\necho hello\n",
        "usr/lib/modules/6.1.0-1-amd64/modules.dep": "",
    }
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    (folder / "usr/bin/hello").chmod(0o755)
    (folder / "bin").symlink_to("usr/bin")
