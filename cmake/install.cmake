# cmake --install BUILD --prefix /usr --component agent, grub (an appliance, and with GRUB), publisher (who makes releases) or
# monitoring (who watches over appliances). Units, hooks and scripts name /usr, so no other prefix is of use; DESTDIR is
# honoured. Each component is a package (packaging/debian/rules, packaging/rpm/cube-update.spec).
install(TARGETS cube-update DESTINATION bin COMPONENT agent)
install(FILES packaging/systemd/cube-update-resume.service packaging/systemd/cube-update-commit.service
  packaging/systemd/cube-update-automatic.service packaging/systemd/cube-update-automatic.timer
  packaging/systemd/cube-update-mark.service packaging/systemd/cube-update-metrics.service
  packaging/systemd/cube-update-metrics.timer packaging/systemd/cube-update-virtual.service
  DESTINATION lib/systemd/system COMPONENT agent)
install(TARGETS cube-updated cube-fetch DESTINATION lib/cube-update COMPONENT agent)
install(FILES packaging/systemd/cube-updated.service packaging/systemd/cube-fetch.socket
  packaging/systemd/cube-fetch@.service DESTINATION lib/systemd/system COMPONENT agent)
install(FILES packaging/dbus/co.bigstack.CubeUpdate1.service DESTINATION share/dbus-1/system-services COMPONENT agent)
install(FILES packaging/dbus/co.bigstack.CubeUpdate1.conf DESTINATION share/dbus-1/system.d COMPONENT agent)
install(FILES packaging/dbus/co.bigstack.CubeUpdate1.xml DESTINATION share/dbus-1/interfaces COMPONENT agent)
install(FILES packaging/polkit/co.bigstack.cube-update.policy DESTINATION share/polkit-1/actions COMPONENT agent)
install(FILES packaging/systemd/90-cube-update.preset DESTINATION lib/systemd/system-preset COMPONENT agent)
install(FILES packaging/journal-catalog/cube-update.catalog DESTINATION lib/systemd/catalog COMPONENT agent)
install(PROGRAMS packaging/removal/removal-check DESTINATION lib/cube-update COMPONENT agent)
install(FILES packaging/features DESTINATION lib/cube-update COMPONENT agent)
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
install(DIRECTORY packaging/hooks/cubecos
  DESTINATION share/cube-update/examples COMPONENT agent USE_SOURCE_PERMISSIONS)
install(FILES packaging/u-boot/cube.env DESTINATION share/cube-update RENAME u-boot.env COMPONENT agent)
install(FILES packaging/man/cube-update.8 packaging/man/cube-updated.8 DESTINATION share/man/man8 COMPONENT agent)
install(FILES packaging/completion/cube-update
  DESTINATION share/bash-completion/completions COMPONENT agent)
install(FILES packaging/man/cube-update.conf.5 packaging/man/cube-update-locks.5 DESTINATION share/man/man5 COMPONENT agent)
install(FILES packaging/completion/zsh DESTINATION share/zsh/site-functions RENAME _cube-update COMPONENT agent)
file(GLOB schemas CONFIGURE_DEPENDS packaging/schemas/*.schema.json)
set(publisher_schemas ${schemas})
list(FILTER schemas EXCLUDE REGEX "/release-")
list(FILTER publisher_schemas INCLUDE REGEX "/(release-[^/]*|types[.]schema[.]json)$")
install(FILES ${schemas} DESTINATION share/cube-update/schemas COMPONENT agent)
install(FILES README.md docs/hooks.md docs/operations.md docs/protocol.md docs/install.md docs/boot-environment.md docs/why.md docs/watchdogs.md docs/terms.md
  DESTINATION share/doc/cube-update COMPONENT agent)

install(FILES packaging/grub.d/cube.cfg packaging/grub.d/grub.cfg
  DESTINATION share/cube-update/grub.d COMPONENT grub)
install(PROGRAMS packaging/grub.d/05_cube-update DESTINATION /etc/grub.d COMPONENT grub)

install(TARGETS cube-release DESTINATION bin COMPONENT publisher)
install(FILES packaging/man/cube-release.1 DESTINATION share/man/man1 COMPONENT publisher)
install(FILES packaging/completion/cube-release
  DESTINATION share/bash-completion/completions COMPONENT publisher)
install(FILES docs/publishing.md DESTINATION share/doc/cube-release COMPONENT publisher)
install(FILES packaging/completion/zsh DESTINATION share/zsh/site-functions RENAME _cube-release COMPONENT publisher)
install(FILES ${publisher_schemas} DESTINATION share/cube-release/schemas COMPONENT publisher)

install(FILES packaging/monitoring/cube-update.rules.yml packaging/monitoring/grafana-dashboard.json
  DESTINATION share/cube-update-monitoring COMPONENT monitoring)

# The tests of the packages ask which there are.
get_cmake_property(components COMPONENTS)
list(REMOVE_ITEM components Unspecified)
list(JOIN components "\n" components)
file(WRITE ${CMAKE_BINARY_DIR}/install-components "${components}\n")
