#!/usr/bin/env python3
"""The bills of materials in the packages: true to the shipped program, to the linker and to dpkg.

Usage: bill_of_materials_test.py SOURCE_FOLDER
"""
import hashlib
import json
import pathlib
import re
import subprocess
import sys
import tempfile
import unittest

import packages

SOURCE = pathlib.Path(sys.argv.pop(1)).resolve()
# Libraries that leave no trace for the dynamic loader: only headers. Package -> a program that has it compiled in.
HEADERS_ONLY = {"libcereal-dev": "cube-update", "libtomlplusplus-dev": "cube-update", "libcli11-dev": "cube-release",
                "nlohmann-json3-dev": "cube-release"}


class BillOfMaterials(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.scratch = tempfile.TemporaryDirectory()
        folder = packages.build(SOURCE)
        cls.programs, cls.bills = {}, {}
        for package in ("cube-update", "cube-release"):
            tree = pathlib.Path(cls.scratch.name) / package
            packages.run("dpkg-deb", "-x", packages.deb(folder, package), tree)
            cls.programs[package] = tree / "usr/bin" / package
            cls.bills[package] = json.loads((tree / f"usr/share/doc/{package}/{package}.cdx.json").read_text())

    @classmethod
    def tearDownClass(cls):
        cls.scratch.cleanup()

    def components(self, program, how):
        return {one["name"]: one for one in self.bills[program]["components"] if {"name": "cube:how", "value": how} in one["properties"]}

    def test_form(self):
        for program, bill in self.bills.items():
            self.assertEqual((bill["bomFormat"], bill["specVersion"], bill["version"]), ("CycloneDX", "1.5", 1))
            self.assertRegex(bill["serialNumber"], r"^urn:uuid:[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$")
            self.assertRegex(bill["metadata"]["timestamp"], r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$")
            references = [one["bom-ref"] for one in bill["components"]] + [bill["metadata"]["component"]["bom-ref"]]
            self.assertEqual(len(set(references)), len(references), "a reference is used twice")
            for row in bill["dependencies"]:
                self.assertLessEqual({row["ref"], *row["dependsOn"]}, set(references))
            for one in bill["components"]:
                self.assertRegex(one["purl"], r"^pkg:deb/debian/[a-z0-9.+-]+@[^?]+\?arch=[a-z0-9]+&distro=debian-\d+$")

    def test_it_is_about_the_shipped_program(self):
        for program, bill in self.bills.items():
            told = bill["metadata"]["component"]
            digest = hashlib.sha256(self.programs[program].read_bytes()).hexdigest()
            self.assertEqual(told["hashes"], [{"alg": "SHA-256", "content": digest}])
            self.assertEqual((told["name"], told["version"]), (program, packages.version(SOURCE)))

    def test_every_library_that_is_loaded_is_in_it_and_no_other(self):
        for program, path in self.programs.items():
            # As the loader itself lists them, not as ldd is read by the program under test.
            listed = subprocess.run([path, "--version"], env={"LD_TRACE_LOADED_OBJECTS": "1"}, capture_output=True, text=True, check=True).stdout
            real = {str(pathlib.Path(library).resolve()) for library in re.findall(r"(/\S+) \(0x", listed)}
            found = subprocess.run(["dpkg-query", "-S", *real, *(path.removeprefix("/usr") for path in real)], capture_output=True, text=True).stdout
            owner = {path: name.split(":")[0] for name, path in (line.rsplit(": ", 1) for line in found.splitlines())}
            owners = {owner.get(path) or owner[path.removeprefix("/usr")] for path in real}
            self.assertGreater(len(owners), 20)
            linked = self.components(program, "linked")
            self.assertEqual(set(linked), owners)
            versions = dict(line.split(" ") for line in packages.run("dpkg-query", "-W", "-f", "${Package} ${Version}\n", *linked).splitlines())
            self.assertEqual({name: one["version"] for name, one in linked.items()}, versions)

    def test_what_is_needed_directly(self):
        bill, path = self.bills["cube-update"], self.programs["cube-update"]
        direct = next(row for row in bill["dependencies"] if row["ref"] == bill["metadata"]["component"]["bom-ref"])["dependsOn"]
        named = {re.match(r"pkg:deb/debian/([^@]+)@", ref).group(1) for ref in direct}
        needed = re.findall(r"NEEDED\)\s+Shared library: \[(.+)\]", packages.run("readelf", "-d", path))
        self.assertIn("libostree-1.so.1", needed)
        self.assertLessEqual({"libostree-1-1", "libc6"}, named)
        self.assertNotIn("libpcre2-8-0", named, "that is needed by glib alone")

    def test_headers_that_are_compiled_in(self):
        for package, program in HEADERS_ONLY.items():
            one = self.components(program, "compiled-in").get(package)
            self.assertIsNotNone(one, f"{program}: no {package}")
            self.assertEqual(one["version"], packages.run("dpkg-query", "-W", "-f", "${Version}", package))
        self.assertNotIn("libcereal-dev", self.components("cube-release", "compiled-in"), "only the agent has a journal")
        self.assertFalse(set(self.components("cube-update", "compiled-in")) & {"libgtest-dev", "libostree-dev", "libssl-dev"})

    def test_a_library_of_nobody_ends_it(self):
        with tempfile.TemporaryDirectory() as name:
            folder = pathlib.Path(name)
            (folder / "own.c").write_text("int own(void) { return 0; }\n")
            (folder / "main.c").write_text("int own(void);\nint main(void) { return own(); }\n")
            packages.run("gcc", "-shared", "-fPIC", "-o", folder / "libown.so", folder / "own.c")
            packages.run("gcc", "-o", folder / "main", folder / "main.c", f"-L{folder}", "-lown", f"-Wl,-rpath,{folder}")
            done = subprocess.run([SOURCE / "packaging/sbom", folder / "main"], capture_output=True, text=True)
            self.assertEqual((done.returncode, "libown.so" in done.stderr), (1, True), done.stderr)


if __name__ == "__main__":
    unittest.main(verbosity=2)
