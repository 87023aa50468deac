"""Five appliances in folders, of one cluster, for tests of the real programs."""
import json
import shutil
import subprocess

from folder_machine import PROGRAMS, FolderMachineTest, run_once

NODES = ("n1", "n2", "n3", "n4", "n5")


class ClusterTest(FolderMachineTest):
    def lay_out(self, endpoints, fleet=lambda name: ""):
        """Five machines that run the old release. `fleet`: more of a machine's [fleet] configuration."""
        self.machines = {}
        for name in NODES:
            folder = self.scratch / name
            run_once("cp", "-a", self.scratch / "template", folder)
            self.addCleanup(shutil.rmtree, folder)
            machine = self.machines[name] = self.Scratch(folder)
            (folder / "etc").mkdir(exist_ok=True)
            (folder / "etc/hostname").write_text(f"{name}\n")
            (folder / "usr/lib/cube-update/config.d/20-site.toml").write_text(
                f'[source]\nurl = "{self.repository}"\n[schedule]\nautomatic = "apply"\ncheck-interval = 600\n[health]\nretries = 0\n'
                f'[fleet]\ncluster = "c1"\nallow-http = true\nendpoints = {json.dumps(endpoints)}\ndomain = "rack1"\n{fleet(name)}')
            machine.start()

    def before_each_command(self, name):
        return []

    def at(self, name, *words, code=0, says=""):
        done = subprocess.run([*self.before_each_command(name), PROGRAMS["update"], *map(str, words), "--root", self.machines[name].folder], capture_output=True,
                              text=True, timeout=120)
        self.assertEqual(done.returncode, code, f"{name}: {words}: {done.stdout}{done.stderr}")
        self.assertIn(says, done.stdout + done.stderr)
        return done.stdout

    def automatic(self, name, code=0, says=""):
        (self.machines[name].folder / "var/lib/cube-update/last-look").unlink(missing_ok=True)
        return self.at(name, "automatic", code=code, says=says)

    def ask_now(self, name):
        """As if the time had passed after which it asks again."""
        file = self.machines[name].folder / "var/lib/cube-update/fleet.json"
        told = json.loads(file.read_text())
        told.pop("ask_again", None)
        file.write_text(json.dumps(told))

    def restarts_into_trial(self, name):
        self.assertEqual(self.machines[name].start(), ("b", True))

    def commits(self, name):
        self.restarts_into_trial(name)
        self.at(name, "resume")
        self.at(name, "commit")

    def panics(self, name):
        self.restarts_into_trial(name)
        self.machines[name].panic("6.1.0-1-amd64")
        self.assertEqual(self.machines[name].start(), ("a", False))
        self.at(name, "resume")

    def release_of(self, name):
        return json.loads(self.at(name, "status", "--json"))["release"]

    def cluster(self, code=0):
        return json.loads(self.at("n5", "fleet", "status", "--json", code=code))

    def away(self):
        return [one["node"] for one in self.cluster()["holders"]]

    def configure(self, name, text):
        (self.machines[name].folder / "usr/lib/cube-update/config.d/25-more.toml").write_text(f"[fleet]\n{text}\n")
