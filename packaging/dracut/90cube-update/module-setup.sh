#!/bin/bash
# dracut module: an emergency on a trial boot becomes a kernel panic, its stages are marked, and a watchdog device watches
# over the rest. Needs /usr/lib/cube-update/emergency.sh and watchdog.sh (packaging/initramfs).

check() {
  return 0
}

depends() {
  echo base
}

installkernel() {
  instmods =drivers/watchdog
}

install() {
  inst_simple /usr/lib/cube-update/emergency.sh /lib/cube-update/emergency.sh
  inst_simple /usr/lib/cube-update/watchdog.sh /lib/cube-update/watchdog.sh
  # With rd.shell=0, and when dracut calls die, only the second kind of hook is run.
  inst_hook emergency 00 "$moddir/emergency-hook.sh"
  inst_hook shutdown-emergency 00 "$moddir/emergency-hook.sh"
  inst_hook pre-udev 00 "$moddir/start-hook.sh"
  inst_hook pre-pivot 99 "$moddir/mounted-hook.sh"
  inst_multiple -o mount sync
  inst_hook pre-mount 00 "$moddir/watchdog-arm.sh"
  inst_hook pre-pivot 99 "$moddir/watchdog-hand-over.sh"
}
