# cube-update: what the boot of a trial notes of itself. Sourced; POSIX sh.
#
# On a trial boot an emergency shell would wait for a person for ever. There it becomes a kernel panic, with the reason in
# the kernel's log before it, so that panic= restarts the machine, the loader starts the fallback, and the
# agent finds the reason in pstore. A boot that just hangs leaves its marks: how far it came. On any other boot nothing changes.

# True on a trial boot.
cube_on_trial() {
  read -r cube_cmdline </proc/cmdline || return 1
  case " $cube_cmdline " in
    *" cube.trial=1 "*) return 0 ;;
  esac
  return 1
}

# cube_emergency REASON: on a trial boot it panics and does not return; on any other boot it returns.
cube_emergency() {
  cube_on_trial || return 0
  cube_disks=
  for cube_disk in /sys/block/*; do
    [ -e "$cube_disk/device" ] && cube_disks="$cube_disks ${cube_disk##*/}"
  done
  echo "<2>cube-update: initramfs: $*; disks:${cube_disks:- none}" >/dev/kmsg
  echo c >/proc/sysrq-trigger
  # A kernel without sysrq: the end of PID 1 is a panic, too; any other process can only restart the machine.
  [ "$$" = 1 ] && exit 1
  reboot -f
}

# cube_mark STAGE: on a trial boot notes that it came so far: initramfs-start, root-mounted or userspace. The kernel's log survives if
# the kernel dies, the messages of ramoops (pmsg) any reset that keeps the memory. Never fails.
cube_mark() {
  cube_on_trial || return 0
  read -r cube_boot </proc/sys/kernel/random/boot_id
  cube_line="cube-update: stage $1 boot $cube_boot"
  echo "<5>$cube_line" >/dev/kmsg
  if [ -c /dev/pmsg0 ]; then echo "$cube_line" >/dev/pmsg0; fi
  return 0
} 2>/dev/null

# cube_mark_root ROOT: the same for the stage root-mounted, also in the slot itself, which survives everything. A root that is mounted
# read-only is written for this moment; one that cannot be written stays as it is.
cube_mark_root() {
  cube_on_trial || return 0
  cube_mark root-mounted
  [ -d "$1/.cube" ] || return 0
  if echo "$cube_line" >"$1/.cube/marks"; then
    sync
    return 0
  fi
  mount -o remount,rw "$1" || return 0
  echo "$cube_line" >"$1/.cube/marks"
  mount -o remount,ro "$1"
  return 0
} 2>/dev/null

# The last mark, of the root's own userspace: added to that of the initramfs, if the root can be written by now.
cube_mark_userspace() {
  cube_on_trial || return 0
  cube_mark userspace
  if [ -d /.cube ]; then echo "$cube_line" >>/.cube/marks && sync /.cube/marks; fi
  return 0
} 2>/dev/null

# In a virtual boot (cube.virtual=SECRET): says on the second serial port that the boot reached its goal. The secret is this
# boot's own, and the kernel's arguments on the console are no such line. Elsewhere nothing happens.
cube_virtual_reached() {
  read -r cube_cmdline </proc/cmdline || return 1
  for cube_word in $cube_cmdline; do
    case $cube_word in
      cube.virtual=*) echo "cube-update: reached ${cube_word#cube.virtual=}" >/dev/ttyS1 ;;
    esac
  done
}
