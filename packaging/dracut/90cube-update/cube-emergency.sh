#!/bin/sh
# Sourced by dracut's emergency_shell.
. /lib/cube-update/emergency.sh
cube_emergency "dracut emergency: $(tail -n 1 /run/initramfs/rdsosreport.txt 2>/dev/null || echo 'no root')"
