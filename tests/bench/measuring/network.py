"""A thin network: the server sits in a network namespace behind a link with delay and a limited rate."""
import contextlib
import os

from .command import run

HOST, SERVER = "198.18.77.1", "198.18.77.2"  # of the range for benchmarks, RFC 2544


@contextlib.contextmanager
def thin(delay_ms, rate_mbit):
    """(words that start a program in the namespace, the server's address). The delay is of a round trip: half each way."""
    name = f"cube-bench-{os.getpid()}"
    run("ip", "netns", "add", name)
    try:
        run("ip", "link", "add", "cube-bench", "type", "veth", "peer", "name", "server", "netns", name)
        try:
            inside = ("ip", "netns", "exec", name)
            run("ip", "address", "add", f"{HOST}/30", "dev", "cube-bench")
            run("ip", "link", "set", "cube-bench", "up")
            run(*inside, "ip", "address", "add", f"{SERVER}/30", "dev", "server")
            run(*inside, "ip", "link", "set", "server", "up")
            for words, device in (((), "cube-bench"), (inside, "server")):
                run(*words, "tc", "qdisc", "add", "dev", device, "root", "netem", "delay", f"{delay_ms / 2}ms", "rate", f"{rate_mbit}mbit",
                    "limit", "10000")
            yield inside, SERVER
        finally:
            run("ip", "link", "delete", "cube-bench")
    finally:
        run("ip", "netns", "delete", name)
