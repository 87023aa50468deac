#!/usr/bin/env python3
"""What is in the Debian packages, and what they say of themselves.

Usage: debian_packages_test.py SOURCE_FOLDER
"""
import pathlib
import re
import subprocess
import sys
import tempfile
import unittest

import packages

SOURCE = pathlib.Path(sys.argv.pop(1)).resolve()
# Where Debian has what is installed elsewhere.
MOVED = (("usr/lib/systemd/system/", "lib/systemd/system/"), ("usr/share/zsh/site-functions/", "usr/share/zsh/vendor-completions/"))


def in_debian(path):
    for here, there in MOVED:
        if path.startswith(here):
            return there + path.removeprefix(here)
    return path


class DebianPackages(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = packages.build(SOURCE)

    def deb(self, package):
        return packages.deb(self.folder, package)

    def field(self, package, name):
        return packages.run("dpkg-deb", "-f", self.deb(package), name).strip()

    def test_every_component_is_a_package_and_nothing_else_is(self):
        self.assertEqual(sorted(packages.components(SOURCE)), sorted(packages.PACKAGES))
        self.assertEqual(sorted(path.name.split("_")[0] for path in self.folder.glob("*.deb")), sorted(packages.PACKAGES.values()))

    def test_a_package_has_what_is_installed_and_no_more(self):
        for component, package in packages.PACKAGES.items():
            with tempfile.TemporaryDirectory() as folder, self.subTest(package):
                wanted = {in_debian(path): mode for path, mode in packages.installed(SOURCE, component, folder).items()}
                seen = packages.content(self.deb(package))
                own = {f"usr/share/doc/{package}/{name}" for name in ("changelog.gz", "copyright", f"{package}.cdx.json")}
                self.assertIn(f"usr/share/doc/{package}/copyright", seen)
                plain = {path if path in wanted else path.removesuffix(".gz"): mode for path, mode in seen.items() if path not in own}
                self.assertEqual(plain, wanted)

    def test_configuration_files_are_those_in_etc(self):
        for package in packages.PACKAGES.values():
            wanted = sorted("/" + path for path in packages.content(self.deb(package)) if path.startswith("etc/"))
            with tempfile.TemporaryDirectory() as folder:
                packages.run("dpkg-deb", "-e", self.deb(package), folder)
                listed = pathlib.Path(folder) / "conffiles"
                self.assertEqual(sorted(listed.read_text().split()) if listed.exists() else [], wanted)

    def test_the_version_is_that_of_the_program(self):
        for package in packages.PACKAGES.values():
            self.assertEqual(self.field(package, "Version"), packages.version(SOURCE))

    def test_what_a_program_is_linked_with_is_depended_on(self):
        for package in ("cube-update", "cube-release"):
            with tempfile.TemporaryDirectory() as folder:
                packages.run("dpkg-deb", "-x", self.deb(package), folder)
                program = pathlib.Path(folder) / "usr/bin" / package
                self.assertNotIn(b"CUBE_MUTATION", program.read_bytes())
                needed = re.findall(r"NEEDED\)\s+Shared library: \[(.+)\]", packages.run("readelf", "-d", program))
                self.assertGreater(len(needed), 5)
                paths = dict(re.findall(r"(\S+) => (\S+) \(", packages.run("ldd", program)))
            depends = re.findall(r"(?:^|, )([a-z0-9.+-]+)", self.field(package, "Depends"))
            for library in needed:
                if library.startswith("ld-linux"):
                    continue
                real = str(pathlib.Path(paths[library]).resolve())
                owners = [packages.run("dpkg-query", "-S", path).split(":")[0] for path in (real, real.removeprefix("/usr"))
                          if subprocess.run(["dpkg-query", "-S", path], capture_output=True).returncode == 0]
                self.assertTrue(set(owners) & set(depends), f"{package}: {library} of {owners} is not in Depends: {depends}")

    def test_what_the_program_runs_is_depended_on(self):
        self.assertIn("e2fsprogs", self.field("cube-update", "Depends"))
        self.assertIn("tzdata", self.field("cube-update", "Depends"))

    def test_the_publisher_stays_off_the_appliance(self):
        for package in ("cube-update", "cube-update-grub"):
            self.assertNotIn("cube-release", self.field(package, "Depends") + self.field(package, "Recommends"))

    def test_what_building_needs_is_said_once_and_again(self):
        """Of packaging/dependencies all but what comes with the compiler and what only the programs need."""
        script = (SOURCE / "packaging/dependencies").read_text()
        listed = set(re.search(r"^build=\((.*?)\)", script, flags=re.S | re.M).group(1).split()) - {"g++", "tzdata"}
        control = (SOURCE / "packaging/debian/control").read_text()
        said = re.search(r"^Build-Depends: (.*?)^\S", control, flags=re.S | re.M).group(1)
        wanted = {re.split(r"[ (:]", part.strip())[0] for part in said.split(",")}
        self.assertEqual(listed - wanted, set())
        self.assertEqual(wanted - listed, {"debhelper-compat", "binutils", "python3"})

    def test_scripts_are_plain_sh(self):
        for package in packages.PACKAGES.values():
            with tempfile.TemporaryDirectory() as folder:
                packages.run("dpkg-deb", "-e", self.deb(package), folder)
                for name in ("preinst", "postinst", "prerm", "postrm"):
                    script = pathlib.Path(folder) / name
                    if script.exists():
                        packages.run("sh", "-n", script)
                        self.assertNotIn("#DEBHELPER#", [line.strip() for line in script.read_text().splitlines()])

    def test_lintian_finds_no_error(self):
        done = subprocess.run(["lintian", "--allow-root", "--fail-on", "error,warning", "--suppress-tags-from-file",
                               SOURCE / "packaging/debian/lintian-suppressed", *sorted(self.folder.glob("*.deb"))], capture_output=True, text=True)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def test_the_build_refuses_a_build_with_defects(self):
        with tempfile.TemporaryDirectory() as folder:
            cache = (SOURCE / "build/release/CMakeCache.txt").read_text().replace("CUBE_MUTATIONS:BOOL=OFF", "CUBE_MUTATIONS:BOOL=ON")
            (pathlib.Path(folder) / "CMakeCache.txt").write_text(cache)
            script = (SOURCE / "packaging/debian/build").read_text().replace('cmake --build "$build"', ': "$build"')
            changed = pathlib.Path(folder) / "packaging/debian/build"
            changed.parent.mkdir(parents=True)
            changed.write_text(script)
            done = subprocess.run(["bash", changed, "--build", folder, "--output", folder + "/out"], capture_output=True, text=True)
            self.assertEqual((done.returncode, "deliberate defects" in done.stderr), (2, True), done.stderr)


if __name__ == "__main__":
    unittest.main(verbosity=2)
