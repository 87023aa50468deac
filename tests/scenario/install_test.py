#!/usr/bin/env python3
"""What `cmake --install` puts onto an appliance, onto the publisher's machine, and where appliances are watched.

Usage: install_test.py CMAKE BUILD_FOLDER
"""
import os
import subprocess
import sys
import tempfile
from pathlib import Path

CMAKE, BUILD = sys.argv[1:3]
AGENT = """
755 usr/bin/cube-update
755 usr/lib/cube-update/cube-fetch
755 usr/lib/cube-update/cube-updated
644 usr/lib/cube-update/emergency.sh
644 usr/lib/cube-update/features
755 usr/lib/cube-update/removal-check
644 usr/lib/cube-update/watchdog.sh
755 usr/lib/dracut/modules.d/90cube-update/emergency-hook.sh
755 usr/lib/dracut/modules.d/90cube-update/module-setup.sh
755 usr/lib/dracut/modules.d/90cube-update/mounted-hook.sh
755 usr/lib/dracut/modules.d/90cube-update/start-hook.sh
755 usr/lib/dracut/modules.d/90cube-update/watchdog-arm.sh
755 usr/lib/dracut/modules.d/90cube-update/watchdog-hand-over.sh
644 usr/lib/systemd/catalog/cube-update.catalog
644 usr/lib/systemd/system-preset/90-cube-update.preset
644 usr/lib/systemd/system/cube-fetch.socket
644 usr/lib/systemd/system/cube-fetch@.service
644 usr/lib/systemd/system/cube-update-automatic.service
644 usr/lib/systemd/system/cube-update-automatic.timer
644 usr/lib/systemd/system/cube-update-commit.service
644 usr/lib/systemd/system/cube-update-mark.service
644 usr/lib/systemd/system/cube-update-metrics.service
644 usr/lib/systemd/system/cube-update-metrics.timer
644 usr/lib/systemd/system/cube-update-resume.service
644 usr/lib/systemd/system/cube-update-virtual.service
644 usr/lib/systemd/system/cube-updated.service
644 usr/share/bash-completion/completions/cube-update
644 usr/share/cube-update/examples/cubecos/README.md
755 usr/share/cube-update/examples/cubecos/cluster-health.d/50-cubecos-health
755 usr/share/cube-update/examples/cubecos/pre-reboot.d/50-cubecos-drain
755 usr/share/cube-update/examples/cubecos/undrain.d/50-cubecos-undrain
644 usr/share/cube-update/schemas/check.schema.json
644 usr/share/cube-update/schemas/config-check.schema.json
644 usr/share/cube-update/schemas/config-diff.schema.json
644 usr/share/cube-update/schemas/config-show.schema.json
644 usr/share/cube-update/schemas/diff.schema.json
644 usr/share/cube-update/schemas/doctor.schema.json
644 usr/share/cube-update/schemas/error.schema.json
644 usr/share/cube-update/schemas/fleet-act.schema.json
644 usr/share/cube-update/schemas/fleet-doctor.schema.json
644 usr/share/cube-update/schemas/fleet-log.schema.json
644 usr/share/cube-update/schemas/fleet-plan.schema.json
644 usr/share/cube-update/schemas/fleet-simulate.schema.json
644 usr/share/cube-update/schemas/fleet-status.schema.json
644 usr/share/cube-update/schemas/fleet-window.schema.json
644 usr/share/cube-update/schemas/history.schema.json
644 usr/share/cube-update/schemas/install-slot.schema.json
644 usr/share/cube-update/schemas/lock-list.schema.json
644 usr/share/cube-update/schemas/preflight.schema.json
644 usr/share/cube-update/schemas/progress.schema.json
644 usr/share/cube-update/schemas/run-result.schema.json
644 usr/share/cube-update/schemas/status.schema.json
644 usr/share/cube-update/schemas/step.schema.json
644 usr/share/cube-update/schemas/types.schema.json
644 usr/share/cube-update/schemas/verify.schema.json
644 usr/share/cube-update/schemas/waive.schema.json
644 usr/share/cube-update/schemas/why.schema.json
644 usr/share/cube-update/u-boot.env
644 usr/share/dbus-1/interfaces/co.bigstack.CubeUpdate1.xml
644 usr/share/dbus-1/system-services/co.bigstack.CubeUpdate1.service
644 usr/share/dbus-1/system.d/co.bigstack.CubeUpdate1.conf
755 usr/share/initramfs-tools/hooks/cube-update
755 usr/share/initramfs-tools/scripts/init-bottom/cube-update
755 usr/share/initramfs-tools/scripts/init-bottom/cube-update-mark
755 usr/share/initramfs-tools/scripts/init-premount/cube-update
755 usr/share/initramfs-tools/scripts/init-top/cube-update
644 usr/share/man/man5/cube-update-locks.5
644 usr/share/man/man5/cube-update.conf.5
644 usr/share/man/man8/cube-update.8
644 usr/share/man/man8/cube-updated.8
644 usr/share/polkit-1/actions/co.bigstack.cube-update.policy
644 usr/share/zsh/site-functions/_cube-update
"""
PUBLISHER = """
755 usr/bin/cube-release
644 usr/share/bash-completion/completions/cube-release
644 usr/share/cube-release/schemas/release-compose.schema.json
644 usr/share/cube-release/schemas/release-diff.schema.json
644 usr/share/cube-release/schemas/release-draft.schema.json
644 usr/share/cube-release/schemas/release-error.schema.json
644 usr/share/cube-release/schemas/release-expire-check.schema.json
644 usr/share/cube-release/schemas/release-init.schema.json
644 usr/share/cube-release/schemas/release-inventory.schema.json
644 usr/share/cube-release/schemas/release-key-list.schema.json
644 usr/share/cube-release/schemas/release-key.schema.json
644 usr/share/cube-release/schemas/release-list.schema.json
644 usr/share/cube-release/schemas/release-lock-check.schema.json
644 usr/share/cube-release/schemas/release-lock-init.schema.json
644 usr/share/cube-release/schemas/release-pack.schema.json
644 usr/share/cube-release/schemas/release-plan.schema.json
644 usr/share/cube-release/schemas/release-publication.schema.json
644 usr/share/cube-release/schemas/release-verify.schema.json
644 usr/share/cube-release/schemas/types.schema.json
644 usr/share/man/man1/cube-release.1
644 usr/share/zsh/site-functions/_cube-release
"""
GRUB = """
755 etc/grub.d/05_cube-update
644 usr/share/cube-update/grub.d/cube.cfg
644 usr/share/cube-update/grub.d/grub.cfg
"""
MONITORING = """
644 usr/share/cube-update-monitoring/cube-update.rules.yml
644 usr/share/cube-update-monitoring/grafana-dashboard.json
"""


def installed(component):
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([CMAKE, "--install", BUILD, "--prefix", "/usr", "--component", component],
                       env=dict(os.environ, DESTDIR=folder), check=True, stdout=subprocess.DEVNULL)
        files = sorted((path for path in Path(folder).rglob("*") if path.is_file()), key=str)
        return [f"{path.stat().st_mode & 0o777:o} {path.relative_to(folder)}" for path in files]


def main():
    lists = {"agent": AGENT, "grub": GRUB, "monitoring": MONITORING, "publisher": PUBLISHER}
    components = (Path(BUILD) / "install-components").read_text().split()
    if sorted(components) != sorted(lists):
        sys.exit(f"components: {components}")
    for component, wanted in lists.items():
        seen = [line for line in installed(component) if "/share/doc/" not in line]
        if seen != sorted(wanted.split("\n")[1:-1], key=lambda line: line[4:]):
            sys.exit(f"{component}: installed are\n" + "\n".join(seen))


if __name__ == "__main__":
    main()
