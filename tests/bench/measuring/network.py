"""A thin network: the server sits in a network namespace behind a link with delay and a limited rate (link.py)."""
import contextlib
import os
import pathlib
import subprocess
import sys

from .command import run

HOST, SERVER = "198.18.77.1", "198.18.77.2"  # of the range for benchmarks, RFC 2544
OURS, THEIRS = "cube-bench0", "cube-bench1"


@contextlib.contextmanager
def thin(delay_ms, rate_mbit):
    """(words that start a program in the namespace, the server's address). The delay is a round trip's: half each way."""
    name = f"cube-bench-{os.getpid()}"
    run("ip", "netns", "add", name)
    try:
        link = subprocess.Popen([sys.executable, pathlib.Path(__file__).with_name("link.py"), OURS, THEIRS, str(delay_ms / 2000),
                                 str(rate_mbit * 1e6)], stdout=subprocess.PIPE)
        try:
            if link.stdout.readline() != b"ready\n":
                raise RuntimeError("no thin network: needs /dev/net/tun")
            inside = ("ip", "netns", "exec", name)
            run("ip", "link", "set", THEIRS, "netns", name)
            for words, device, mine, other in (((), OURS, HOST, SERVER), (inside, THEIRS, SERVER, HOST)):
                run(*words, "ip", "address", "add", mine, "peer", other, "dev", device)
                run(*words, "ip", "link", "set", device, "up")
            yield inside, SERVER
        finally:
            link.terminate()
            link.wait()
    finally:
        run("ip", "netns", "delete", name)
