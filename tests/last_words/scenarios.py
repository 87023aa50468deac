"""The deaths that record.py plays."""

from record import CLOUD, CLOUD_612, FULL, FULL_612, RT, ahci, nvme, virtio

SCENARIOS = {}
EXT4 = ("mkfs.ext4", "-q", "-L", "cube-b", "{}")
SWITCH = ("mount -t {fs} /dev/{dev} /root || {{ echo 'initramfs: mount failed'; sleep 1; exit 1; }}\n"
          "exec switch_root /root /sbin/init\n")


def scenario(function):
    SCENARIOS[function.__name__.replace("_", "-")] = function
    return function


@scenario
def no_initramfs(b, name):
    b.run(name, CLOUD, append="root=/dev/vda1", devices=virtio(b.disk("a.img", EXT4)))


@scenario
def wrong_partition(b, name):
    b.run(name, CLOUD, append="root=/dev/nvme0n1p7", devices=nvme(b.disk("a.img", EXT4)))


@scenario
def initramfs_garbage(b, name):
    b.run(name, CLOUD, initrd=b.keep("bad", b"not an archive " * 1000), append="root=/dev/vda1", devices=virtio(b.disk("a.img", EXT4)))


@scenario
def initramfs_cut(b, name):
    whole = b.initramfs(CLOUD, "exit 1\n", ["virtio_blk", "virtio_pci"]).read_bytes()
    b.run(name, CLOUD, initrd=b.keep("cut", whole[:len(whole) // 2]), append="root=/dev/vda1", devices=virtio(b.disk("a.img", EXT4)))


@scenario
def init_exits(b, name):
    b.run(name, CLOUD, initrd=b.initramfs(CLOUD, "echo init goes\nexit 3\n"), append="root=/dev/vda1")


@scenario
def init_killed(b, name):
    b.run(name, FULL, initrd=b.initramfs(FULL, "exec /bin/crash\n", files=[("bin/crash", b"\x7fELF" + CRASH, 0o755)]))


@scenario
def no_init_on_root(b, name):
    b.run(name, CLOUD, append="root=/dev/nvme0n1 rootfstype=ext4", devices=nvme(b.disk("a.img", EXT4)))


@scenario
def init_argument_wrong(b, name):
    b.run(name, CLOUD, append="root=/dev/nvme0n1 init=/opt/init", devices=nvme(b.disk("a.img", EXT4)))


@scenario
def init_without_interpreter(b, name):
    b.run(name, FULL, initrd=b.initramfs(FULL, None, files=[("init", b"#!/bin/bash\n", 0o755)]))


@scenario
def ext4_feature_root(b, name):
    b.run(name, CLOUD, append="root=/dev/nvme0n1", devices=nvme(b.disk("a.img", EXT4, FUTURE)))


@scenario
def root_is_xfs_without_driver(b, name):
    b.run(name, CLOUD, append="root=/dev/nvme0n1", devices=nvme(b.disk("a.img", ("mkfs.xfs", "-q", "{}"), size="400M")))


@scenario
def crash_in_initramfs(b, name):
    b.run(name, FULL, initrd=b.initramfs(FULL, "echo c >/proc/sysrq-trigger\n"))


@scenario
def hang_in_initramfs(b, name):
    b.run(name, CLOUD, initrd=b.initramfs(CLOUD, "echo initramfs: looking for the root\nwhile :; do :; done\n"), append="root=/dev/vda1",
          until="looking for the root", seconds=90)


@scenario
def oom_in_initramfs(b, name):
    b.run(name, CLOUD, initrd=b.initramfs(CLOUD, "mount -t tmpfs -o size=90% big /tmp\nwhile :; do cat /dev/zero >>/tmp/x; done\n"),
          memory=256, append="vm.panic_on_oom=1")


@scenario
def oom_no_room(b, name):
    fill = "mount -t tmpfs -o size=1G big /tmp\ncat /dev/zero >/tmp/x\nsleep 5\nexit 1\n"
    b.run(name, FULL, initrd=b.initramfs(FULL, fill), memory=300)


@scenario
def memory_tiny(b, name):
    b.run(name, FULL, initrd=b.initramfs(FULL, "exit 1\n"), memory=64, append="earlyprintk=serial,ttyS0,115200", seconds=60)


@scenario
def driver_of_other_kernel(b, name):
    other = b.kernel(FULL).modules("virtio_blk")
    files = [("virtio_blk.ko", other[-1].read_bytes(), 0o644)]
    script = ("insmod /virtio_blk.ko\nfor i in 1 2 3; do findfs LABEL=cube-b && break; sleep 1; done\n"
              "echo 'initramfs: no device LABEL=cube-b'\nexit 1\n")
    b.run(name, CLOUD, initrd=b.initramfs(CLOUD, script, ["virtio_pci"], files), append="root=LABEL=cube-b",
          devices=virtio(b.disk("a.img", EXT4)))


@scenario
def driver_without_what_it_needs(b, name):
    path = b.kernel(FULL).modules("ahci")[-1]
    script = "insmod /ahci.ko\nmount -t ext4 /dev/sda /root\nexec switch_root /root /sbin/init\n"
    b.run(name, FULL, initrd=b.initramfs(FULL, script, ["ext4"], [("ahci.ko", path.read_bytes(), 0o644)]), append="root=/dev/sda",
          devices=ahci(b.disk("a.img", EXT4)))


@scenario
def mount_of_future_ext4(b, name):
    b.run(name, FULL, initrd=b.initramfs(FULL, SWITCH.format(fs="ext4", dev="vda"), ["virtio_pci", "virtio_blk", "crc32c_generic", "ext4"]),
          devices=virtio(b.disk("a.img", EXT4, FUTURE)))


@scenario
def mount_of_future_xfs(b, name):
    change = ("xfs_db", "-x", "-c", "sb 0", "-c", "write features_incompat 0x4003", "{}")
    b.run(name, FULL, initrd=b.initramfs(FULL, SWITCH.format(fs="xfs", dev="vda"), ["virtio_pci", "virtio_blk", "crc32c_generic", "xfs"]),
          devices=virtio(b.disk("a.img", ("mkfs.xfs", "-q", "{}"), change, size="400M")))


@scenario
def mount_unknown_type(b, name):
    b.run(name, FULL, initrd=b.initramfs(FULL, SWITCH.format(fs="xfs", dev="vda"), ["virtio_pci", "virtio_blk"]),
          devices=virtio(b.disk("a.img", ("mkfs.xfs", "-q", "{}"), size="400M")))


@scenario
def mount_of_damaged_ext4(b, name):
    damage = ("dd", "if=/dev/urandom", "of={}", "bs=1024", "seek=2", "count=64", "conv=notrunc")
    b.run(name, FULL, initrd=b.initramfs(FULL, SWITCH.format(fs="ext4", dev="vda"), ["virtio_pci", "virtio_blk", "crc32c_generic", "ext4"]),
          devices=virtio(b.disk("a.img", EXT4, damage)))


@scenario
def switch_root_without_init(b, name):
    b.run(name, FULL, initrd=b.initramfs(FULL, SWITCH.format(fs="ext4", dev="vda"), ["virtio_pci", "virtio_blk", "crc32c_generic", "ext4"]),
          devices=virtio(b.disk("a.img", EXT4)))


@scenario
def old_processor(b, name):
    b.run(name, FULL, cpu="qemu32", seconds=40)


@scenario
def timer_missing(b, name):
    b.run(name, CLOUD, initrd=b.initramfs(CLOUD, "exit 1\n"), append="nolapic acpi=off nohpet", seconds=60)


@scenario
def kernel_image_damaged(b, name):
    data = bytearray(b.kernel(CLOUD).image.read_bytes())
    for at in range(len(data) // 2, len(data) // 2 + 4096):
        data[at] ^= 0x5a
    b.run(name, CLOUD, image=b.keep("bad-kernel", bytes(data)), append="earlyprintk=serial,ttyS0,115200", seconds=45)


@scenario
def seabios_without_disk(b, name):
    b.run(name, None, devices=["-device", "isa-debugcon,iobase=0x402,chardev=s", "-chardev", "null,id=s"] + ["-fw_cfg", "name=etc/sercon-port,file=" + str(b.keep("port", b"\xf8\x03"))],
          until="No bootable", seconds=30)


@scenario
def ovmf_without_disk(b, name):
    b.run(name, None, firmware="uefi", until="No bootable|Shell>|Press any key", seconds=90)


def debian(kernel, tool, disk, append="", **options):
    """A scenario with the initramfs of `tool`."""
    until = options.pop("until", r"\(initramfs\)|emergency mode|maintenance|debug shell|login:|Kernel panic.*\n(.*\n)*.*end Kernel panic")
    nodisk = "-nodisk" if options.pop("nodisk", False) else ""

    def play(b, name):
        b.run(name, kernel, initrd=b.trees / f"initrd-{kernel}-{tool}{nodisk}", append=append, devices=disk(b), until=until, memory=768,
              seconds=options.get("seconds", 180), cut=options.get("cut"), after=options.get("after"))
    return play


def plain(b):
    return virtio(b.disk("a.img", EXT4))


def none(_):
    return []


def whole(kernel, *commands, bus=virtio):
    return lambda b: bus(b.root_disk(kernel, *commands))


FUTURE = ("debugfs", "-w", "-R", "feature FEATURE_I31", "{}")
CRASH = bytes(60)
ABSENT = "root=UUID=0c3b7f6e-0000-4000-8000-00000000000b"
SHORT = "rootdelay=5"
RETRY = "rd.retry=10 rd.timeout=12 systemd.default_timeout_start_sec=20"

for short, tool, wait in (("it", "initramfs-tools", SHORT), ("dracut", "dracut", RETRY), ("dracut-plain", "dracut-plain", RETRY)):
    SCENARIOS |= {
        f"{short}-driver-left-out": debian(CLOUD, tool, plain, f"root=LABEL=cube-b {wait}", nodisk=True),
        f"{short}-no-disk": debian(CLOUD, tool, none, f"{ABSENT} {wait}"),
        f"{short}-wrong-uuid": debian(CLOUD, tool, plain, f"{ABSENT} {wait}"),
        f"{short}-no-init": debian(CLOUD, tool, plain, f"root=LABEL=cube-b {wait}"),
        f"{short}-future-ext4": debian(CLOUD, tool, lambda b: virtio(b.disk("a.img", EXT4, FUTURE)), f"root=/dev/vda {wait}"),
        f"{short}-healthy": debian(CLOUD, tool, whole(CLOUD), f"root=LABEL=cube-b rw {wait}", until="login:"),
    }
CRASH_LATE = "\"systemd.run=/bin/sh -c 'sleep 3; echo c >/proc/sysrq-trigger'\""
EAT_ALL = "sysctl.vm.panic_on_oom=1 \"systemd.run=/bin/sh -c 'sleep 3; tail /dev/zero'\""
ROOT = "root=LABEL=cube-b rw"
SCENARIOS |= {
    "systemd-crash-late": debian(CLOUD, "initramfs-tools", whole(CLOUD), f"{ROOT} {CRASH_LATE}", until="Rebooting in"),
    "systemd-out-of-memory": debian(CLOUD, "initramfs-tools", whole(CLOUD), f"{ROOT} {EAT_ALL}", until="Rebooting in"),
    "systemd-power-cut": debian(CLOUD, "initramfs-tools", whole(CLOUD), ROOT, cut="Started.*udevd"),
    "systemd-no-target": debian(CLOUD, "initramfs-tools", whole(CLOUD), f"{ROOT} systemd.unit=nowhere.target", until="maintenance|reez"),
    "systemd-emergency": debian(CLOUD, "initramfs-tools", whole(CLOUD), f"{ROOT} systemd.unit=emergency.target", until="maintenance"),
    "sata-no-disk": debian(FULL, "initramfs-tools", none, f"{ABSENT} {SHORT}"),
    "sata-healthy": debian(FULL_612, "initramfs-tools", whole(CLOUD, bus=ahci), ROOT, until="login:"),
    "612-it-wrong-uuid": debian(FULL_612, "initramfs-tools", lambda b: nvme(b.disk("a.img", EXT4)), f"{ABSENT} {SHORT}"),
    "612-it-driver-left-out": debian(FULL_612, "initramfs-tools", plain, f"root=LABEL=cube-b {SHORT}", nodisk=True),
    "612-dracut-no-init": debian(FULL_612, "dracut-plain", plain, f"root=LABEL=cube-b {RETRY}"),
    "612-dracut-trial-no-disk": debian(FULL_612, "dracut", none, f"{ABSENT} cube.trial=1 {RETRY}", until="Rebooting in"),
    "612-it-trial-no-disk": debian(FULL_612, "initramfs-tools", none, f"{ABSENT} cube.trial=1 {SHORT}", until="Rebooting in"),
}
for sort, release in (("rt", RT), ("612", CLOUD_612)):
    SCENARIOS[f"{sort}-no-initramfs"] = lambda b, name, release=release: b.run(
        name, release, append="root=/dev/sda2", devices=ahci(b.disk("a.img", EXT4)))
    SCENARIOS[f"{sort}-init-exits"] = lambda b, name, release=release: b.run(
        name, release, initrd=b.initramfs(release, "echo init goes\nexit 3\n"), append="root=/dev/vda1")
