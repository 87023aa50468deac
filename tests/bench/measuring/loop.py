"""Slots: files behind loop devices, or folders."""
import contextlib
import os
import pathlib
import tempfile

from .command import run


def forget(path):
    """The file's pages leave the cache: the next reader goes to the disk."""
    fd = os.open(path, os.O_RDONLY)
    try:
        os.fsync(fd)
        os.posix_fadvise(fd, 0, 0, os.POSIX_FADV_DONTNEED)
    finally:
        os.close(fd)


def attach(image, *options):
    return run("losetup", "--find", "--show", *options, image).strip()


def written_bytes(device):
    """Bytes that were written to the device so far: the kernel's own count of sectors."""
    return int(pathlib.Path(f"/sys/block/{pathlib.Path(device).name}/stat").read_text().split()[6]) * 512


@contextlib.contextmanager
def mounted(image, size, kind, *options):
    """A fresh file system in a new sparse file."""
    image.unlink(missing_ok=True)
    with open(image, "wb") as file:
        os.truncate(file.fileno(), size)
    run(f"mkfs.{kind}", "-q", *options, image)
    device = attach(image)
    try:
        with tempfile.TemporaryDirectory() as place:
            run("mount", device, place)
            try:
                yield pathlib.Path(place)
            finally:
                run("umount", place)
    finally:
        run("losetup", "--detach", device)


@contextlib.contextmanager
def look_into(image):
    """A file with a file system, as a folder to read."""
    device = attach(image, "--read-only")
    try:
        with tempfile.TemporaryDirectory() as place:
            run("mount", "-o", "ro,noload", device, place)
            try:
                yield pathlib.Path(place)
            finally:
                run("umount", place)
    finally:
        run("losetup", "--detach", device)


class LoopSlot:
    """A copy of an image file behind a loop device, not cached. With a `place` it is mounted there."""

    def __init__(self, image, copy, place=None, size=None):
        self.copy, self.place = pathlib.Path(copy), place
        if image is None:
            with open(copy, "wb") as file:
                os.truncate(file.fileno(), size)
        else:
            run("cp", "--sparse=always", image, copy)
        if image is None and place:
            run("mkfs.ext4", "-q", copy)
        forget(copy)
        self.device = attach(copy)
        if place:
            pathlib.Path(place).mkdir(parents=True, exist_ok=True)
            run("mount", self.device, place)

    def written(self):
        return written_bytes(self.device)

    @contextlib.contextmanager
    def look(self):
        """The slot's file system as a folder, to be compared."""
        if self.place:
            yield pathlib.Path(self.place)
            return
        with tempfile.TemporaryDirectory() as place:
            run("mount", "-o", "ro", self.device, place)
            try:
                yield pathlib.Path(place)
            finally:
                run("umount", place)

    def close(self):
        if self.place:
            run("umount", self.place)
        run("losetup", "--detach", self.device)
        self.copy.unlink()


class FolderSlot:
    """A folder on whatever file system the work folder is on; what is written there is not counted."""

    device = None

    def __init__(self, image_folder, place):
        self.place = str(place)
        pathlib.Path(place).mkdir(parents=True, exist_ok=True)
        if image_folder:
            run("cp", "-a", f"{image_folder}/.", place)

    def written(self):
        return None

    @contextlib.contextmanager
    def look(self):
        yield pathlib.Path(self.place)

    def close(self):
        run("rm", "-rf", self.place)
