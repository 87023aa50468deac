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

# cube_emergency REASON: panics on a trial boot, otherwise returns.
cube_emergency() {
  cube_on_trial || return 0
  echo "<2>cube-update: initramfs: $*" >/dev/kmsg
  echo 1 >/proc/sys/kernel/sysrq
  echo c >/proc/sysrq-trigger
  # A kernel without sysrq: the end of PID 1 is a panic, too. As any other process there is no more to do.
  [ "$$" = 1 ] && exit 1
  return 0
}
