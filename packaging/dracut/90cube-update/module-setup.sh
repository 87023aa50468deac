#!/bin/bash
# dracut module: an emergency on a trial boot becomes a kernel panic, and its stages are marked. Needs /usr/lib/cube-update/emergency.sh (packaging/initramfs).

check() {
  return 0
}

depends() {
  echo base
}

install() {
  inst_simple /usr/lib/cube-update/emergency.sh /lib/cube-update/emergency.sh
  # With rd.shell=0, and when dracut calls die, only the second kind of hook is run.
  inst_hook emergency 00 "$moddir/emergency-hook.sh"
  inst_hook shutdown-emergency 00 "$moddir/emergency-hook.sh"
  inst_hook pre-udev 00 "$moddir/start-hook.sh"
  inst_hook pre-pivot 99 "$moddir/mounted-hook.sh"
  inst_multiple -o mount sync
}
