# cube-update: what an initramfs does when it cannot go on. Sourced; POSIX sh.
#
# On a trial boot an emergency shell would wait for a person for ever. There it becomes a kernel panic, with the reason in
# the kernel's log before it, so that panic= restarts the machine, the loader starts the fallback, and the
# agent finds the reason in pstore. On any other boot nothing changes.

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
