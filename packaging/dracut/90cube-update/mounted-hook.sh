#!/bin/sh
# Sourced by dracut before it hands over to the root.
. /lib/cube-update/emergency.sh
cube_mark_root "${NEWROOT:-/sysroot}"
