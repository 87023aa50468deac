#!/bin/sh
# Sourced by dracut before it looks for devices.
. /lib/cube-update/emergency.sh
cube_mark initramfs-start
