# cmake --install BUILD --prefix /usr --component agent (an appliance) or publisher (who makes releases). Units, hooks
# and scripts name /usr, so no other prefix is of use; DESTDIR is honoured. GRUB's script goes to /etc/grub.d.
install(TARGETS cube-update DESTINATION bin COMPONENT agent)
install(FILES packaging/systemd/cube-update-resume.service packaging/systemd/cube-update-commit.service
  packaging/systemd/cube-update-automatic.service packaging/systemd/cube-update-automatic.timer
  packaging/systemd/cube-update-mark.service
  DESTINATION lib/systemd/system COMPONENT agent)
install(FILES packaging/initramfs/emergency.sh packaging/initramfs/watchdog.sh DESTINATION lib/cube-update COMPONENT agent)
install(PROGRAMS packaging/initramfs-tools/hooks/cube-update
  DESTINATION share/initramfs-tools/hooks COMPONENT agent)
foreach(when init-top init-premount init-bottom)
  install(PROGRAMS packaging/initramfs-tools/scripts/${when}/cube-update
    DESTINATION share/initramfs-tools/scripts/${when} COMPONENT agent)
endforeach()
install(PROGRAMS packaging/initramfs-tools/scripts/init-bottom/cube-update-mark
  DESTINATION share/initramfs-tools/scripts/init-bottom COMPONENT agent)
install(DIRECTORY packaging/dracut/90cube-update
  DESTINATION lib/dracut/modules.d COMPONENT agent USE_SOURCE_PERMISSIONS)
install(FILES packaging/grub.d/cube.cfg packaging/grub.d/grub.cfg
  DESTINATION share/cube-update/grub.d COMPONENT agent)
install(FILES packaging/u-boot/cube.env DESTINATION share/cube-update RENAME u-boot.env COMPONENT agent)
install(PROGRAMS packaging/grub.d/05_cube-update DESTINATION /etc/grub.d COMPONENT agent)
install(FILES packaging/man/cube-update.8 DESTINATION share/man/man8 COMPONENT agent)
install(FILES packaging/completion/cube-update
  DESTINATION share/bash-completion/completions COMPONENT agent)
install(FILES README.md docs/hooks.md docs/operations.md docs/protocol.md docs/install.md docs/boot-environment.md docs/why.md docs/watchdogs.md docs/terms.md
  DESTINATION share/doc/cube-update COMPONENT agent)

install(TARGETS cube-release DESTINATION bin COMPONENT publisher)
install(FILES packaging/man/cube-release.1 DESTINATION share/man/man1 COMPONENT publisher)
install(FILES packaging/completion/cube-release
  DESTINATION share/bash-completion/completions COMPONENT publisher)
install(FILES docs/publishing.md DESTINATION share/doc/cube-release COMPONENT publisher)
