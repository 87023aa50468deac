"""What is known before the restart: the release that would die is refused, and dies as foreseen when an operator insists."""

import time

from .appliance import Guest, name_of, version_of
from .bench import Failure, expect, scenario
from .updates import dies, rolled_back, why

SIGN = r"cube: initramfs: root not found"


def refusals(told):
    return [finding for finding in told["findings"] if finding["grade"] == "refusal"]


@scenario("foreseen")
def foreseen(at):
    """The initramfs lacks the disk's driver: refused by name before the restart; waived, it dies as foreseen and comes back."""
    version = version_of("emergency")
    guest = Guest(at)
    guest.start()
    guest.ready("a")
    said = guest.demand(f"cube-update apply {name_of(version)} --from /media/stick", code=6)
    for word in ("virtio_blk", "initramfs"):
        if word not in said:
            raise Failure(f"the refusal does not name {word}: {said}")
    last = guest.expect_status(booted="a", fallback="a", phase="idle", trial=None)["last_outcome"]
    expect("what came of it", (last["outcome"], last["cause"], last["tries_done"]), ("abandoned", "foreseen", 0))
    expect("nothing is denied", guest.status()["denied"], [])

    told = guest.told("cube-update preflight --json", code=6)
    for finding in refusals(told):
        guest.demand(f"cube-update waive '{finding['id']}' --reason 'to see it die' --until $(date -u -d @$(($(date +%s) + 86400)) +%Y-%m-%d)")
    guest.apply(version)
    dies(at, guest, "foreseen", SIGN)
    rolled_back(guest, version, "breadcrumb")
    seen = why(guest, version, "drivers-missing")
    expect("what was foreseen", {finding["grade"] for finding in seen["foreseen"] if finding["id"].startswith("root-driver:")}, {"refusal"})
    expect("and waived", all(finding["waiver"] for finding in refusals({"findings": seen["foreseen"]})), True)


@scenario("nothing-foreseen")
def nothing_foreseen(at):
    """A good release: nothing is refused, and what could not be checked is said."""
    guest = Guest(at)
    guest.start()
    guest.ready("a")
    guest.demand(f"cube-update apply {name_of('2.0.0')} --from /media/stick --no-reboot", code=20)
    told = guest.told("cube-update preflight --json")
    expect("refused", (told["refused"], refusals(told)), (False, []))
    good = {finding["id"].split(":")[0] for finding in told["findings"] if finding["grade"] == "good"}
    for check in ("root-driver", "root-filesystem"):
        if check not in good:
            raise Failure(f"{check} is not among what was checked and fits: {sorted(good)}")
    print("\n".join(f"      {finding['grade']} {finding['what']}" for finding in told["findings"] if finding["grade"] != "good"), flush=True)
