"""The Debian packages of the release build, and what they were made of."""
import os
import pathlib
import shutil
import subprocess
import tarfile
import io

PACKAGES = {"agent": "cube-update", "grub": "cube-update-grub", "monitoring": "cube-update-monitoring", "publisher": "cube-release"}


def run(*command, **options):
    return subprocess.run([str(word) for word in command], capture_output=True, text=True, check=True, **options).stdout


def build(source):
    """The folder of the packages, made anew if something is newer than they are."""
    done = subprocess.run([source / "packaging/debian/build"], capture_output=True, text=True)
    if done.returncode != 0:
        raise RuntimeError(f"packaging/debian/build: exit {done.returncode}: {done.stderr[-4000:]}")
    return source / "build/packages"


def deb(folder, package):
    found = list(folder.glob(f"{package}_*.deb"))
    if len(found) != 1:
        raise RuntimeError(f"{folder}: {len(found)} packages {package}")
    return found[0]


def content(package):
    """path -> mode of the files and links in a package."""
    archive = subprocess.run(["dpkg-deb", "--fsys-tarfile", package], check=True, capture_output=True).stdout
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        members = [member for member in tar if not member.isdir()]
        strangers = [member.name for member in members if (member.uid, member.gid) != (0, 0)]
    if strangers:
        raise RuntimeError(f"{package}: not of root: {strangers}")
    return {member.name.removeprefix("./"): f"{member.mode & 0o7777:o}" for member in members}


def installed(source, component, folder):
    """path -> mode of what cmake installs of a component."""
    shutil.rmtree(folder, ignore_errors=True)
    run("cmake", "--install", source / "build/release", "--prefix", "/usr", "--component", component, env=dict(os.environ, DESTDIR=str(folder)))
    files = [path for path in pathlib.Path(folder).rglob("*") if not path.is_dir()]
    return {str(path.relative_to(folder)): f"{path.stat().st_mode & 0o7777:o}" for path in files}


def components(source):
    return (source / "build/release/install-components").read_text().split()


def version(source):
    """As CMakeLists.txt has it."""
    text = (source / "CMakeLists.txt").read_text()
    return text.split("project(cube-update VERSION ")[1].split()[0]


def enabled_and_disabled(source):
    lines = (source / "packaging/systemd/90-cube-update.preset").read_text().splitlines()
    return [{line.split()[1] for line in lines if line.startswith(word + " ")} for word in ("enable", "disable")]
