"""The update service in the sandboxes of its units, with systemd and a bus as they are."""

import sys
import time

from . import appliance_path
from .appliance import APPLY_SECONDS, Guest, name_of
from .bench import Failure, expect, scenario
from .systemd import BOOT_SECONDS

sys.path.insert(0, str(appliance_path.TOP / "tests/scenario"))
from throttled_server import ThrottledServer  # noqa: E402

NAME = "co.bigstack.CubeUpdate1"
CALL = f"busctl --timeout=60 call {NAME} /co/bigstack/CubeUpdate1 {NAME}"
GET = f"busctl --timeout=60 get-property {NAME} /co/bigstack/CubeUpdate1 {NAME}"
NETWORK = ("for link in /sys/class/net/*; do busybox ip link set ${link##*/} up; "
           "[ ${link##*/} = lo ] || busybox ip address add 10.0.2.15/24 dev ${link##*/}; done")
RULES = "/etc/polkit-1/rules.d/50-operator.rules"
RULE = """polkit.addRule(function(action, subject) {
  if (action.id == "co.bigstack.cube-update.apply" && subject.user == "operator")
    return polkit.Result.YES;
});
"""


def by(user, command):
    """A command, without double quotes, as somebody else than root."""
    return f"su -s /bin/sh {user} -c \"{command}\""


def write(guest, path, text):
    """A file, whose text has no backslash, percent sign or single quote."""
    guest.demand(f"mkdir -p {path.rpartition('/')[0]}; printf '{text}' >{path}".replace("\n", "\\n"))


def has(guest, command, text, seconds=60):
    """Until the output of `command` has it."""
    end = time.monotonic() + guest.at.seconds(seconds)
    while text not in (output := guest.run(command)[1]):
        if time.monotonic() > end:
            raise Failure(f"`{command}` does not say '{text}': {output[-800:]}")
        time.sleep(1)


@scenario("systemd-service", firmwares=("bios",))
def service(at):
    """Over D-Bus a release comes from a web server through cube-fetch, is installed by a service without a network, and is committed."""
    guest = Guest(at, kind="service")
    server = ThrottledServer(guest.stick.parent / "repository")
    try:
        play(guest, server)
    finally:
        server.close()


def play(guest, server):
    guest.start()
    guest.userspace("a", trial=False)
    guest.ready("a", BOOT_SECONDS)
    guest.demand(NETWORK)
    url = server.url.replace("127.0.0.1", "10.0.2.2")
    write(guest, "/run/cube-update/config.d/test.toml", f'[source]\nurl = "{url}"\n')
    guest.demand("systemctl start cube-fetch.socket")
    has(guest, f"{GET} Phase", 's "idle"')
    has(guest, f"{GET} Booted", 's "a"')
    has(guest, "set -- $(busybox pidof cube-updated); cat /proc/$1/net/dev | busybox wc -l", "3")  # two lines of heading, and lo
    has(guest, "grep -c . /proc/net/dev", "4")
    apply = f"{CALL} Apply 'sa{{sv}}' {name_of('2.0.0')} 0"
    guest.demand("systemctl start polkit.service")  # it is slow here, and a caller waits 25 s for it
    expect("who may not is told", "Access denied" in guest.demand(by("operator", apply), code=1), True)
    write(guest, RULES, RULE)
    guest.demand("systemctl restart polkit.service")
    expect("a rule is for whom it names", "Access denied" in guest.demand(by("visitor", apply), code=1), True)
    guest.machine.type(by("operator", apply) + "\n")
    guest.wait(r"u 1\n")
    guest.wait(r"cube: userspace slot=b trial=1", seconds=APPLY_SECONDS + BOOT_SECONDS)
    if server.sent < 50_000:  # what is new in it; the rest is on the machine
        raise Failure(f"only {server.sent} bytes came from the server")
    guest.ready("b", BOOT_SECONDS)
    guest.expect_outcome("2.0.0", "committed", "none", 1)
    has(guest, f"{GET} LastOutcome", '"committed"')
    guest.demand("busctl --json=short monitor --match=\"type='signal',member='Completed'\" >/tmp/told 2>/dev/null & sleep 2")
    guest.demand(f"{CALL} Commit 'a{{sv}}' 0")
    has(guest, "cat /tmp/told", '"Commit",3,"nothing to do"')  # it is committed already
    # Idle, it goes.
    has(guest, "systemctl is-active cube-updated", "inactive")
    expect("no unit has failed", "0 loaded units" in guest.demand("systemctl list-units --failed --no-pager"), True)
