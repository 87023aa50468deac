#!/bin/sh
# Sourced by dracut just before it enters the root.
. /lib/cube-update/watchdog.sh
cube_watchdog_hand_over "${NEWROOT:-/sysroot}"
