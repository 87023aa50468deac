"""One class for each way to bring a slot from v1 to v2, or to fill an empty one. Each says what it needs, prepares a fresh
slot, and does the timed part in named steps; the same `sync --file-system` ends the writing of all of them."""
import os
import pathlib
import shutil
import subprocess
import time

from .artefacts import BRANCHES
from .command import Cost, cpu_and_peak, run, timed
from .loop import FolderSlot, LoopSlot
from .ours import Appliance

TARGET = pathlib.Path("/run/cube-bench-slot")  # what swupdate's and rauc's configuration name


class Row:
    name = ""
    title = ""
    kind = None          # of artefact
    programs = ()        # that must be installed
    slow = False         # fewer rounds
    folders = False      # can work on a folder slot
    compared = True      # with the release, after the timed part

    def __init__(self, bench):
        self.bench, self.work = bench, bench.work / self.name
        self.staged = 0  # bytes written outside the slot

    def missing(self):
        return [program for program in self.programs if shutil.which(program) is None]

    def mounted_slot(self, image, place, size=None):
        if self.bench.folders:
            return FolderSlot(self.bench.folder_of(image) if image else None, place)
        return LoopSlot(image, self.work / "slot.img", place, size)

    def raw_slot(self, cleared=True):
        size = self.bench.artefacts.image_bytes
        slot = LoopSlot(None, self.work / "slot.img", None, size) if cleared else LoopSlot(self.bench.artefacts.top / "v1.ext4", self.work / "slot.img")
        TARGET.unlink(missing_ok=True)
        TARGET.symlink_to(slot.device)
        return slot

    def sync(self, slot):
        return "sync", timed(["sync", "--file-system", slot.place] if slot.place else ["sync", slot.device])

    def tree_in(self, place):
        return place


class Ours(Row):
    """From a repository with packs."""
    folders = True
    repository = "with-delta"

    def fresh(self):
        ours = self.bench.artefacts.ours
        root = self.work / "root"
        self.running = self.mounted_running(root / "slots/a")
        slot = self.mounted_slot(self.start_image(), root / "slots/b", self.bench.artefacts.slot_bytes)
        self.appliance = Appliance(self.bench.programs, root, ours / self.repository, self.bench.url(ours / self.repository))
        return slot

    def start_image(self):
        return self.bench.artefacts.ours / "slot-v1.img"

    def mounted_running(self, place):
        image = self.bench.artefacts.ours / "slot-v1.img"
        if self.bench.folders:
            return FolderSlot(self.bench.folder_of(image), place)
        return LoopSlot(image, self.work / "running.img", place)

    def steps(self, slot):
        cost, stages = self.appliance.apply()
        begin = next(n for n, stage in enumerate(stages) if stage.name == "verify")
        end = next((n for n, stage in enumerate(stages) if n > begin and stage.name not in ("record", "verify")), len(stages))
        named = {"fill": stages[:begin], "verification": stages[begin:end], "seal and arm": stages[end:]}
        for name, part in named.items():
            yield name, Cost(sum(stage.wall for stage in part), sum(stage.cpu for stage in part), cost.rss)

    def after(self):
        self.running.close()


class OursDelta(Ours):
    name, title = "ours", "cube-update, delta pack"


class OursRanges(Ours):
    name, title, repository = "ours-ranges", "cube-update, ranges of the full pack", "full-only"


class OursFull(Ours):
    name, title, repository = "ours-full", "cube-update, empty slot, slot a unusable as a source", "full-only"

    def start_image(self):
        return None

    def mounted_running(self, place):
        """Slot a runs, but its object store is gone: everything comes over the wire."""
        slot = super().mounted_running(place)
        run("rm", "-rf", pathlib.Path(place) / "ostree")
        return slot


class Ostree(Row):
    name, title, kind, programs, folders = "ostree", "ostree pull (files) + checkout", "ostree", ("ostree",), True
    repository, pull_options = "composed/repo", ("--disable-static-deltas",)

    def fresh(self):
        slot = self.mounted_slot(self.bench.artefacts.top / "ostree-slot.img", self.work / "slot")
        repo = f"--repo={slot.place}/ostree/repo"
        run("ostree", repo, "remote", "add", "--force", "--no-gpg-verify", "bench", self.bench.url(self.bench.artefacts.top / self.repository))
        run("sync", "--file-system", slot.place)
        return slot

    def steps(self, slot):
        repo = f"--repo={slot.place}/ostree/repo"
        yield "pull", timed(["ostree", repo, "pull", *self.pull_options, "bench", BRANCHES[2]])
        yield "checkout", timed(["ostree", repo, "checkout", "-H", BRANCHES[2], f"{slot.place}/new"])
        yield self.sync(slot)

    def tree_in(self, place):
        return place / "new"


class OstreeFsck(Ostree):
    """As above, and then ostree's own verification of what is in the slot."""
    name, title, slow = "ostree-fsck", "ostree pull (files) + checkout, then fsck", True

    def steps(self, slot):
        yield from super().steps(slot)
        if slot.device:  # from the disk, as after a start
            run("umount", slot.place)
            run("mount", slot.device, slot.place)
        yield "verification", timed(["ostree", f"--repo={slot.place}/ostree/repo", "fsck", "-q"])


class OstreeDelta(Ostree):
    name, title, kind, slow = "ostree-delta", "ostree static delta + checkout", "delta", True
    repository, pull_options = "ostree-delta", ("--require-static-deltas",)


class TarZst(Row):
    name, title, kind, programs, folders = "tar", "curl tar.zst to tar, empty slot", "tar", ("curl", "tar", "zstd"), True

    def fresh(self):
        return self.mounted_slot(None, self.work / "slot", self.bench.artefacts.slot_bytes)

    def steps(self, slot):
        yield "extract", timed(["curl", "-sfS", self.bench.url(self.bench.artefacts.top / "v2.tar.zst")],
                               ["tar", "--zstd", "--numeric-owner", "--xattrs", "--xattrs-include=*", "-xpf", "-", "-C", slot.place])
        yield self.sync(slot)


class DiskDump(Row):
    name, title, kind, programs = "dd", "curl image to dd", "images", ("curl", "dd")

    def fresh(self):
        return self.raw_slot()

    def steps(self, slot):
        yield "write", timed(["curl", "-sfS", self.bench.url(self.bench.artefacts.top / "v2.ext4")],
                             ["dd", f"of={slot.device}", "bs=1M", "conv=fsync", "status=none"])
        yield self.sync(slot)


class Swupdate(Row):
    name, title, kind, programs = "swupdate", "SWUpdate, zstd image", "swupdate", ("swupdate",)

    def fresh(self):
        return self.raw_slot()

    def steps(self, slot):
        top = self.bench.artefacts.top
        yield "install", timed(["swupdate", "-l", "1", "-H", "bench:1.0", "-k", top / "cert.pem", "-d", f"-u {self.bench.url(top / 'v2.swu')}"])
        yield self.sync(slot)


class Rauc(Row):
    """The service does the work; its CPU time and peak memory are added to the client's."""
    name, title, kind, programs = "rauc", "RAUC, plain bundle, raw ext4", "rauc", ("rauc", "dbus-daemon", "curl")

    def fresh(self):
        slot = self.raw_slot()
        self.work.mkdir(exist_ok=True)
        other = self.work / "other.img"
        other.write_bytes(bytes(1 << 20))
        (self.work / "boot").write_text("#!/bin/sh\ncase $1 in get-primary) echo A;; get-state) echo good;; esac\n")
        (self.work / "boot").chmod(0o755)
        (self.work / "system.conf").write_text(
            f"[system]\ncompatible=bench\nbootloader=custom\nstatusfile={self.work}/status\nmountprefix={self.work}/mnt\n"
            f"[handlers]\nbootloader-custom-backend={self.work}/boot\n[keyring]\npath={self.bench.artefacts.top}/cert.pem\n"
            f"[slot.rootfs.0]\ndevice={other}\ntype=raw\nbootname=A\n[slot.rootfs.1]\ndevice={TARGET}\ntype=raw\nbootname=B\n")
        (self.work / "bus.conf").write_text(
            f'<busconfig><type>system</type><listen>unix:path={self.work}/bus</listen><auth>EXTERNAL</auth><policy context="default">'
            '<allow send_destination="*"/><allow receive_sender="*"/><allow own="*"/><allow user="*"/></policy></busconfig>')
        self.environment = dict(os.environ, DBUS_SYSTEM_BUS_ADDRESS=f"unix:path={self.work}/bus")
        self.log = open(self.work / "rauc.log", "wb")
        self.bus = subprocess.Popen(["dbus-daemon", f"--config-file={self.work}/bus.conf", "--nofork"], stdout=self.log, stderr=self.log)
        self._wait(lambda: (self.work / "bus").exists())
        self.service = subprocess.Popen(["rauc", "service", f"--conf={self.work}/system.conf", "--override-boot-slot=A"],
                                        env=self.environment, stdout=self.log, stderr=self.log)
        self._wait(lambda: subprocess.run(["rauc", "status"], env=self.environment, capture_output=True).returncode == 0)
        return slot

    @staticmethod
    def _wait(ready):
        for _ in range(100):
            if ready():
                return
            time.sleep(0.1)
        raise RuntimeError("rauc's service does not start")

    def steps(self, slot):
        bundle = self.work / "v2.raucb"
        yield "download", timed(["curl", "-sfS", "-o", bundle, self.bench.url(self.bench.artefacts.top / "v2.raucb")])
        self.staged = bundle.stat().st_size
        before, _ = cpu_and_peak(self.service.pid)
        client = timed(["rauc", "install", bundle], env=self.environment)
        after, peak = cpu_and_peak(self.service.pid)
        yield "install", Cost(client.wall, client.cpu + after - before, max(client.rss, peak))
        yield self.sync(slot)

    def after(self):
        for process in (self.service, self.bus):
            process.terminate()
            process.wait()
        (self.work / "bus").unlink(missing_ok=True)
        (self.work / "v2.raucb").unlink(missing_ok=True)


class Casync(Row):
    name, title, kind, programs, slow = "casync", "casync, v1 image as seed", "casync", ("casync",), True

    def fresh(self):
        self.seed = LoopSlot(self.bench.artefacts.top / "v1.ext4", self.work / "seed.img")
        return self.raw_slot()

    def steps(self, slot):
        url = self.bench.url(self.bench.artefacts.top / "casync")
        yield "extract", timed(["casync", "extract", "--seed-output=no", f"--store={url}/store", f"--seed={self.seed.device}",
                                f"{url}/v2.caibx", slot.device])
        yield self.sync(slot)

    def after(self):
        self.seed.close()


class ReadSlot(Row):
    """The bytes of a slot with v1, read once from the disk: what a verification cannot be faster than."""
    name, title, programs, slow = "dd-read", "dd of the slot's files to nothing", ("dd",), True
    compared = False

    def fresh(self):
        return self.mounted_slot(self.bench.artefacts.ours / "slot-v1.img", self.work / "slot")

    def steps(self, slot):
        yield "verification", timed(["find", f"{slot.place}/ostree/repo/objects", "-type", "f", "-print0"],
                                    ["xargs", "-0", "cat"], ["dd", "of=/dev/null", "bs=1M", "status=none"])


ROWS = [OursDelta, OursRanges, OursFull, Ostree, OstreeFsck, OstreeDelta, Rauc, Swupdate, Casync, TarZst, DiskDump, ReadSlot]
