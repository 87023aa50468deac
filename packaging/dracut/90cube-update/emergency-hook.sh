#!/bin/sh
# Sourced by dracut before its emergency shell.

# Where the boot got stuck, as far as one can see from here.
cube_stage() {
  read -r cube_arguments </proc/cmdline
  cube_root=
  for cube_argument in $cube_arguments; do
    case $cube_argument in
      root=*) cube_root=${cube_argument#root=} ;;
    esac
  done
  case $cube_root in
    LABEL=*) cube_device=/dev/disk/by-label/${cube_root#LABEL=} ;;
    UUID=*) cube_device=/dev/disk/by-uuid/${cube_root#UUID=} ;;
    *) cube_device=$cube_root ;;
  esac
  if [ -z "$cube_root" ]; then
    echo "no root= argument"
  elif [ ! -e "$cube_device" ]; then
    echo "root not found: $cube_root"
  elif ! grep -q " ${NEWROOT:-/sysroot} " /proc/mounts; then
    echo "mount failed: $cube_root"
  else
    echo "cannot hand over to $cube_root"
  fi
}

# An emergency while shutting down is no failed boot.
if [ "${action:-Boot}" != Shutdown ]; then
  . /lib/cube-update/emergency.sh
  cube_emergency "$(cube_stage)"
fi
