"""What publishers make of the two releases, each built once and kept: ours and the peers'.

Everybody is given the same trees: those of our commits (after `compose --expand initramfs`), checked out. A step that
was finished is marked by STEP.done; what depends on our program's own format is kept apart by the program's digest.
"""
import contextlib
import hashlib
import json
import os
import pathlib
import shutil
import subprocess
import tempfile

from . import facts
from .command import run
from .loop import mounted

MIB = 1 << 20
NAMES = {1: "CUBE_1.0.0_20260101-0001_abcd0001", 2: "CUBE_2.0.0_20260101-0002_abcd0002"}
BRANCHES = {1: "CUBE/1.0.0_20260101-0001", 2: "CUBE/2.0.0_20260101-0002"}


def digest_of_trees(material):
    """Names, sizes, modes, owners and times of both trees: changes when they are built anew."""
    digest = hashlib.sha256()
    for version in ("v1", "v2"):
        for folder, folders, files in os.walk(material / version):
            folders.sort()
            for name in sorted(files):
                st = os.lstat(os.path.join(folder, name))
                digest.update(f"{os.path.relpath(os.path.join(folder, name), material)} {st.st_size} {st.st_mode} {st.st_uid} {st.st_mtime_ns}\n".encode(errors="surrogateescape"))
    return digest.hexdigest()


class Artefacts:
    def __init__(self, folder, material, programs, say, block=256 * MIB):
        self.material, self.programs, self.say, self.block = pathlib.Path(material), programs, say, block
        self.top = pathlib.Path(folder).resolve() / digest_of_trees(self.material)[:12]
        self.top.mkdir(parents=True, exist_ok=True)
        self.ours = self.top / f"ours-{hashlib.sha256((programs / 'cube-release').read_bytes() + (programs / 'cube-update').read_bytes()).hexdigest()[:12]}"

    @property
    def image_bytes(self):
        """Of the peers' file system images: the larger tree and a quarter, in whole blocks."""
        used = max(json.loads((self.top / "sizes").read_text()))
        return (used * 5 // 4 + 32 * MIB + self.block - 1) // self.block * self.block

    @contextlib.contextmanager
    def _step(self, name, at=None):
        """True when it has to be done; done again from the start when it was interrupted."""
        at = at or self.top
        mark = at / f"{name}.done"
        if mark.exists():
            yield False
            return
        self.say(f"building: {name}")
        yield True
        mark.write_text("")

    def build(self, wanted):
        """`wanted`: names of the kinds below."""
        self._compose()
        self._facts()
        for kind in ("ours", "ostree", "delta", "images", "tar", "swupdate", "rauc", "casync"):
            if kind in wanted:
                getattr(self, f"_{kind}")()

    def _compose(self):
        with self._step("composed") as needed:
            if not needed:
                return
            place = self.top / "composed"
            shutil.rmtree(place, ignore_errors=True)
            shutil.rmtree(self.top / "composed.keys", ignore_errors=True)
            release = self.programs / "cube-release"
            run(release, "init", place, "--product", "CUBE")
            for version in (1, 2):
                run(release, "compose", self.material / f"v{version}", "--version", f"{version}.0.0", "--built", f"20260101-000{version}",
                    "--source", f"abcd000{version}", "--owners", "keep", "--expand", "initramfs", "--repository", place, nice=True)
        with self._step("trees") as needed:
            if needed:
                shutil.rmtree(self.top / "trees", ignore_errors=True)
                (self.top / "trees").mkdir()
                for version in (1, 2):
                    run("ostree", f"--repo={self.top}/composed/repo", "checkout", BRANCHES[version], self.top / f"trees/v{version}", nice=True)

    def tree(self, version):
        return self.top / f"trees/v{version}"

    def _facts(self):
        with self._step("facts") as needed:
            if needed:
                found = {version: facts.of_tree(self.tree(version)) for version in (1, 2)}
                for version in (1, 2):
                    facts.save(self.top / f"v{version}.facts", found[version])
                (self.top / "sizes").write_text(json.dumps([facts.room(found[version]) for version in (1, 2)]))
                sizes = [found[2][path][3] for path in facts.fresh(found[1], found[2])]
                (self.top / "changed").write_text(json.dumps({"files": len(sizes), "bytes": sum(sizes)}))

        with self._step("compressed") as needed:
            if needed:
                (self.top / "compressed").write_text(str(self._compressed()))

    def changed(self):
        """Contents of v2 that v1 does not have: their number, bytes, and bytes when each is compressed for itself."""
        return json.loads((self.top / "changed").read_text()) | {"compressed": int((self.top / "compressed").read_text())}

    def _compressed(self):
        fresh = facts.fresh(facts.load(self.top / "v1.facts"), facts.load(self.top / "v2.facts"))
        with tempfile.TemporaryDirectory(dir=self.top) as place:
            inside, out = pathlib.Path(place) / "in", pathlib.Path(place) / "out"
            inside.mkdir()
            out.mkdir()
            for number, path in enumerate(fresh):
                os.link(self.tree(2) / path, inside / str(number))
            if fresh:
                (pathlib.Path(place) / "list").write_text("".join(f"{inside}/{number}\n" for number in range(len(fresh))))
                run("zstd", "-q", "-9", "--filelist", pathlib.Path(place) / "list", "--output-dir-flat", out, nice=True)
            return sum(entry.stat().st_size for entry in out.iterdir())

    # --- ours

    def _ours(self):
        """Two published repositories: one with a delta from v1, one with the full pack alone; and v1 as a slot's image."""
        self.ours.mkdir(exist_ok=True)
        for kind in ("with-delta", "full-only"):
            with self._step(kind, self.ours) as needed:
                if needed:
                    self._publish(self.ours / kind, kind == "with-delta")
        with self._step("slot-v1", self.ours) as needed:
            if needed:
                with mounted(self.ours / "slot-v1.img", self.slot_bytes, "ext4", *self.inodes) as slot:
                    (slot / "lost+found").rmdir()
                    run(self.programs / "cube-update", "install-slot", slot, NAMES[1], "--from", self.ours / "with-delta",
                        "--trusted-root", self.ours / "with-delta/metadata/1.root.json", nice=True)

    def _publish(self, place, delta):
        shutil.rmtree(place, ignore_errors=True)
        run("cp", "-a", "--link", self.top / "composed", place)
        for kind in ("publisher", "metadata"):  # files that are changed in place must not be shared
            if (place / kind).exists():
                shutil.rmtree(place / kind)
                run("cp", "-a", self.top / "composed" / kind, place / kind)
        release, keys = self.programs / "cube-release", self.top / "composed.keys"
        extra = ("--from", NAMES[1]) if delta else ("--deltas", "0")
        run(release, "pack", NAMES[2], *extra, "--repository", place, nice=True)
        run(release, "publish", "--repository", place, "--keys", keys)

    @property
    def slot_bytes(self):
        """Of a slot: room for two releases."""
        used = max(json.loads((self.top / "sizes").read_text()))
        return (used * 5 // 2 + 96 * MIB + self.block - 1) // self.block * self.block

    @property
    def inodes(self):
        """Options of mkfs.ext4: none, but for trees of so many small files that its own number of inodes is not enough."""
        needed = 3 * len(facts.load(self.top / "v2.facts"))  # two releases of objects, and one of names
        return ("-N", str(needed)) if needed > self.slot_bytes // 16384 else ()

    # --- the peers

    def _ostree(self):
        with self._step("ostree-slot") as needed:
            if needed:
                with mounted(self.top / "ostree-slot.img", self.slot_bytes, "ext4") as slot:
                    (slot / "ostree").mkdir()
                    run("ostree", "init", "--mode=bare", f"--repo={slot}/ostree/repo")
                    run("ostree", f"--repo={slot}/ostree/repo", "config", "set", "core.min-free-space-percent", "0")
                    run("ostree", f"--repo={slot}/ostree/repo", "pull-local", self.top / "composed/repo", BRANCHES[1], nice=True)
                    run("ostree", f"--repo={slot}/ostree/repo", "checkout", "-H", BRANCHES[1], slot / "tree", nice=True)

    def _delta(self):
        self._ostree()
        with self._step("ostree-delta") as needed:
            if needed:
                place = self.top / "ostree-delta"
                shutil.rmtree(place, ignore_errors=True)
                run("cp", "-a", "--link", self.top / "composed/repo", place)
                ids = [run("ostree", f"--repo={place}", "rev-parse", BRANCHES[version]).strip() for version in (1, 2)]
                run("ostree", f"--repo={place}", "static-delta", "generate", "--disable-bsdiff", f"--from={ids[0]}", f"--to={ids[1]}", nice=True)
        with self._step("ostree-delta-summary") as needed:
            if needed:
                run("ostree", f"--repo={self.top}/ostree-delta", "summary", "-u")

    def _images(self):
        with self._step("images") as needed:
            if needed:
                for version in (1, 2):
                    image = self.top / f"v{version}.ext4"
                    image.unlink(missing_ok=True)
                    run("mke2fs", "-q", "-t", "ext4", "-O", "^has_journal", "-U", "11111111-2222-3333-4444-555555555555",
                        "-E", "hash_seed=11111111-2222-3333-4444-555555555555,root_owner=0:0", "-d", self.tree(version), image, f"{self.image_bytes // 1024}k", nice=True)

    def _tar(self):
        with self._step("tar") as needed:
            if needed:
                tar, packed = self.top / "v2.tar", self.top / "v2.tar.zst"
                run("tar", "-C", self.tree(2), "--numeric-owner", "--xattrs", "--xattrs-include=*", "-cf", tar, ".", nice=True)
                run("zstd", "-q", "-f", "-9", "-T2", "--rm", tar, "-o", packed, nice=True)

    def _certificate(self):
        with self._step("certificate") as needed:
            if needed:
                run("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", self.top / "key.pem", "-out", self.top / "cert.pem",
                    "-subj", "/CN=bench", "-days", "3650", "-addext", "keyUsage=digitalSignature", "-addext", "extendedKeyUsage=codeSigning,emailProtection")

    def _swupdate(self):
        self._images()
        self._certificate()
        with self._step("swupdate") as needed:
            if not needed:
                return
            work = self.top / "swupdate"
            shutil.rmtree(work, ignore_errors=True)
            work.mkdir()
            run("zstd", "-q", "-9", "-T2", self.top / "v2.ext4", "-o", work / "v2.ext4.zst", nice=True)
            with open(work / "v2.ext4.zst", "rb") as file:
                digest = hashlib.file_digest(file, "sha256").hexdigest()
            (work / "sw-description").write_text(
                'software = { version = "2.0.0"; hardware-compatibility: [ "1.0" ]; images: ( { filename = "v2.ext4.zst"; device = "/run/cube-bench-slot"; type = "raw"; '
                f'compressed = "zstd"; installed-directly = true; sha256 = "{digest}"; }} ); }}\n')
            run("openssl", "cms", "-sign", "-in", "sw-description", "-out", "sw-description.sig", "-signer", self.top / "cert.pem", "-inkey",
                self.top / "key.pem", "-outform", "DER", "-nosmimecap", "-binary", cwd=work)
            with open(self.top / "v2.swu", "wb") as out:
                names = "sw-description\nsw-description.sig\nv2.ext4.zst\n"
                subprocess.run(["nice", "cpio", "-o", "-H", "crc", "--quiet"], cwd=work, input=names.encode(), stdout=out, check=True)
            shutil.rmtree(work)

    def _rauc(self):
        self._images()
        self._certificate()
        with self._step("rauc") as needed:
            if not needed:
                return
            work = self.top / "rauc"
            shutil.rmtree(work, ignore_errors=True)
            work.mkdir()
            os.link(self.top / "v2.ext4", work / "v2.ext4")
            (work / "manifest.raucm").write_text("[update]\ncompatible=bench\nversion=2.0.0\n[bundle]\nformat=plain\n[image.rootfs]\nfilename=v2.ext4\n")
            (self.top / "v2.raucb").unlink(missing_ok=True)
            run("rauc", "bundle", f"--cert={self.top}/cert.pem", f"--key={self.top}/key.pem", "--mksquashfs-args=-comp zstd -Xcompression-level 9",
                work, self.top / "v2.raucb", nice=True)
            shutil.rmtree(work)

    def _casync(self):
        self._images()
        with self._step("casync") as needed:
            if needed:
                shutil.rmtree(self.top / "casync", ignore_errors=True)
                (self.top / "casync").mkdir()
                run("casync", "make", f"--store={self.top}/casync/store", self.top / "casync/v2.caibx", self.top / "v2.ext4", nice=True)
