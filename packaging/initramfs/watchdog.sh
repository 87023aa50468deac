# cube-update: on a trial boot, a watchdog device watches over the rest of the initramfs, and systemd takes it over.
# Sourced after emergency.sh; POSIX sh.
#
# Of several devices the best is taken by what its driver calls it: hardware; then iTCO, which on some boards cannot reset
# the machine; softdog last, which dies with the kernel. The BMC's own driver is left alone: the BMC counts already.

# Prints the name of the best device, such as watchdog0, or nothing.
cube_best_watchdog() {
  cube_best=
  cube_best_rank=9
  for cube_dog in /sys/class/watchdog/watchdog*; do
    [ -r "$cube_dog/identity" ] || continue
    read -r cube_identity <"$cube_dog/identity"
    case $cube_identity in
      IPMI*) continue ;;
      "Software Watchdog") cube_rank=3 ;;
      iTCO_wdt*) cube_rank=2 ;;
      *) cube_rank=1 ;;
    esac
    if [ "$cube_rank" -lt "$cube_best_rank" ]; then
      cube_best=${cube_dog##*/}
      cube_best_rank=$cube_rank
    fi
  done
  echo "$cube_best"
}

# Arms it, and keeps it content for two minutes: drivers begin with 30 to 60 s, and a file system may be checked for longer.
# Whatever then still runs here is taken for a hang. A kernel that hangs keeps nothing content.
cube_watchdog_arm() {
  cube_on_trial || return 0
  cube_chosen=$(cube_best_watchdog)
  [ -n "$cube_chosen" ] || return 0
  mkdir -p /run/cube-update
  (
    exec 9>"/dev/$cube_chosen" || exit
    cube_round=0
    while [ "$cube_round" -lt 24 ]; do
      echo . >&9 || exit
      sleep 5 9>&-
      cube_round=$((cube_round + 1))
    done
  ) 2>/dev/null &
  echo "$! $cube_chosen" >/run/cube-update/initramfs-watchdog
  echo "<5>cube-update: $cube_chosen is armed until systemd takes it over" >/dev/kmsg
}

# cube_watchdog_write TEXT: to the chosen device, as soon as it can be opened.
cube_watchdog_write() {
  for cube_round in 1 2 3 4 5; do
    printf '%s' "$1" 2>/dev/null >"/dev/$cube_chosen" && return
    sleep 1
  done
}

# cube_watchdog_hand_over ROOT: just before the root of the system is entered. Without systemd there nobody would go on, so
# the device is closed in the way that stops it.
cube_watchdog_hand_over() {
  [ -r /run/cube-update/initramfs-watchdog ] || return 0
  read -r cube_keeper cube_chosen </run/cube-update/initramfs-watchdog
  kill "$cube_keeper" 2>/dev/null
  if [ -x "$1/lib/systemd/systemd" ] || [ -x "$1/usr/lib/systemd/systemd" ]; then
    mkdir -p /run/systemd/system.conf.d
    printf '[Manager]\nWatchdogDevice=/dev/%s\nRuntimeWatchdogSec=60\n' "$cube_chosen" \
      >/run/systemd/system.conf.d/50-cube-update-watchdog.conf
    cube_watchdog_write .
  else
    cube_watchdog_write V
  fi
}
