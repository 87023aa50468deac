#include "boot/grub/grub_boot_control.h"
