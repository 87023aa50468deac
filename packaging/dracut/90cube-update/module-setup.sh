#!/bin/bash
# dracut module (/usr/lib/dracut/modules.d/90cube-update): on a trial boot the emergency shell
# becomes a kernel panic, with the reason before it in the kernel's log.

check() { return 0; }

depends() { echo base; }

install() {
    inst_simple /usr/lib/cube-update/emergency.sh /lib/cube-update/emergency.sh
    # Runs before emergency_shell asks anybody, in every case that leads there.
    inst_hook emergency 00 "$moddir/cube-emergency.sh"
}
