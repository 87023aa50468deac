"""A system bus of the test's own, with the shipped policy, and if wanted polkit on it.

Nothing of this machine is changed: polkit's folders are covered by the test's in a mount namespace of the test.
"""
import json
import os
import pathlib
import pwd
import shutil
import signal
import subprocess
import sys
import time

NAME, OBJECT = "co.bigstack.CubeUpdate1", "/co/bigstack/CubeUpdate1"
POLKIT = "org.freedesktop.PolicyKit1"
SOURCE = pathlib.Path(__file__).resolve().parent.parent.parent
# What Debian's system.conf says of everybody, without its folders and its socket.
CONFIGURATION = """<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <listen>unix:path={folder}/bus</listen>
  <auth>EXTERNAL</auth>
  <servicedir>{folder}/services</servicedir>
  <policy context="default">
    <allow user="*"/>
    <deny own="*"/>
    <deny send_type="method_call"/>
    <allow send_type="signal"/>
    <allow send_requested_reply="true" send_type="method_return"/>
    <allow send_requested_reply="true" send_type="error"/>
    <allow receive_type="method_call"/>
    <allow receive_type="method_return"/>
    <allow receive_type="error"/>
    <allow receive_type="signal"/>
    <allow send_destination="org.freedesktop.DBus" send_interface="org.freedesktop.DBus"/>
    <allow send_destination="org.freedesktop.DBus" send_interface="org.freedesktop.DBus.Introspectable"/>
    <allow send_destination="org.freedesktop.DBus" send_interface="org.freedesktop.DBus.Properties"/>
  </policy>
  <policy user="root">
    <allow send_destination="org.freedesktop.DBus" send_interface="org.freedesktop.DBus.Monitoring"/>
  </policy>
  <limit name="max_replies_per_connection">1024</limit>
  <include>/usr/share/dbus-1/system.d/org.freedesktop.PolicyKit1.conf</include>
  <include>{policy}</include>
</busconfig>
"""


def enter_namespace():
    """Goes on in a mount namespace of its own; True there."""
    if os.environ.get("CUBE_TEST_NAMESPACE"):
        return
    if os.geteuid() != 0:
        print("needs root: users, and mounts of its own")
        sys.exit(77)
    os.environ["CUBE_TEST_NAMESPACE"] = "yes"
    os.execvp("unshare", ["unshare", "--mount", "--propagation", "private", sys.executable, *sys.argv])


def wait_until(true, what, seconds=20):
    end = time.monotonic() + seconds
    while not true():
        if time.monotonic() > end:
            raise AssertionError(f"not within {seconds} s: {what}")
        time.sleep(0.05)


class PrivateBus:
    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        self.folder.mkdir()
        (self.folder / "services").mkdir()
        self.address = f"unix:path={self.folder}/bus"
        self.environment = dict(os.environ, DBUS_SYSTEM_BUS_ADDRESS=self.address)
        self.running = []
        configuration = self.folder / "bus.conf"
        configuration.write_text(CONFIGURATION.format(folder=self.folder, policy=SOURCE / f"packaging/dbus/{NAME}.conf"))
        with open(self.folder / "bus.log", "w") as log:
            self.daemon = self.start("dbus-daemon", "--nofork", "--nopidfile", "--nosyslog", f"--config-file={configuration}", stderr=log)
        wait_until((self.folder / "bus").exists, "the bus's socket")

    def start(self, *command, **more):
        process = subprocess.Popen([str(word) for word in command], env=more.pop("env", self.environment), **more)
        self.running.append(process)
        return process

    def start_polkit(self, rules=""):
        """The real polkitd, with the shipped actions and `rules` (JavaScript)."""
        actions = self.folder / "actions"
        shutil.copytree("/usr/share/polkit-1/actions", actions)
        shutil.copy(SOURCE / "packaging/polkit/co.bigstack.cube-update.policy", actions)
        rules_folder = self.folder / "rules.d"
        rules_folder.mkdir()
        (rules_folder / "10-test.rules").write_text(rules)
        for own, covered in ((actions, "/usr/share/polkit-1/actions"), (rules_folder, "/etc/polkit-1/rules.d")):
            subprocess.run(["mount", "--bind", own, covered], check=True)
        polkit = self.start("/usr/lib/polkit-1/polkitd", "--no-debug", stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        wait_until(lambda: self.has(POLKIT), "polkit")
        return polkit

    def stop_polkit(self):
        for covered in ("/usr/share/polkit-1/actions", "/etc/polkit-1/rules.d"):
            while subprocess.run(["umount", covered], capture_output=True).returncode == 0:
                pass

    def close(self):
        for process in reversed(self.running):
            if process.poll() is None:
                process.terminate()
            try:
                process.wait(30)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        self.stop_polkit()

    def has(self, name):
        return self.busctl("call", "org.freedesktop.DBus", "/org/freedesktop/DBus", "org.freedesktop.DBus", "NameHasOwner",
                           "s", name).stdout.split() == ["b", "true"]

    def busctl(self, *words, user=None, json_form="off", pass_fds=()):
        command = ["busctl", f"--address={self.address}", f"--json={json_form}", "--timeout=120", *map(str, words)]
        if user is not None:
            entry = pwd.getpwnam(user)
            command = ["setpriv", f"--reuid={entry.pw_uid}", f"--regid={entry.pw_gid}", "--clear-groups", *command]
        return subprocess.run(command, capture_output=True, text=True, timeout=180, pass_fds=pass_fds)

    def call(self, method, *arguments, user=None, pass_fds=()):
        """(result words, "") or ("", error)."""
        done = self.busctl("call", NAME, OBJECT, NAME, method, *arguments, user=user, pass_fds=pass_fds)
        return (done.stdout.strip(), "") if done.returncode == 0 else ("", done.stderr.strip())

    def properties(self, user=None):
        done = self.busctl("call", NAME, OBJECT, "org.freedesktop.DBus.Properties", "GetAll", "s", NAME, user=user, json_form="short")
        if done.returncode != 0:
            raise AssertionError(done.stderr)
        return {name: plain(value) for name, value in json.loads(done.stdout)["data"][0].items()}


def plain(value):
    """busctl's {"type":.., "data":..} without the types."""
    if isinstance(value, dict):
        if set(value) == {"type", "data"}:
            return plain(value["data"])
        return {name: plain(inner) for name, inner in value.items()}
    return [plain(inner) for inner in value] if isinstance(value, list) else value


class Signals:
    """What the service tells, collected by busctl monitor."""

    def __init__(self, bus):
        self.file = bus.folder / f"signals-{len(bus.running)}"
        with open(self.file, "w") as out:
            self.process = bus.start("busctl", f"--address={bus.address}", "--json=short", "monitor",
                                     f"--match=type='signal',path='{OBJECT}'", stdout=out, stderr=subprocess.DEVNULL)
        time.sleep(0.5)

    def all(self, member):
        found = []
        for line in self.file.read_text().splitlines():
            try:
                message = json.loads(line)
            except ValueError:  # half a line
                continue
            if message.get("member") == member:
                found.append(plain(message["payload"]["data"]))
        return found

    def completed(self, job):
        """[method, code, message] of that job, once it is told."""
        found = []

        def told():
            found[:] = [data[1:] for data in self.all("Completed") if data[0] == job]
            return bool(found)
        wait_until(told, f"the end of job {job}", 120)
        return found[0]

    def close(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait()
