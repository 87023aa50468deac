#!/bin/sh
# Sourced by dracut before it mounts the root, and not when shutting down.
. /lib/cube-update/emergency.sh
. /lib/cube-update/watchdog.sh
cube_watchdog_arm
