"""A thin link between two TUN devices: every packet is held back by the delay and by the rate, in both directions.

As `tc netem delay rate` does it, for kernels that have no netem. Usage: link.py NAME NAME ONE_WAY_SECONDS BITS_PER_SECOND;
it says "ready" when both devices are there and works until it is ended.
"""
import collections
import fcntl
import os
import select
import struct
import sys
import time

TUNSETIFF, IFF_TUN, IFF_NO_PI = 0x400454CA, 0x0001, 0x1000  # linux/if_tun.h
QUEUE = 1000  # packets, as netem's default; more are lost, as on any link
LARGEST = 65536


def device(name):
    fd = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
    fcntl.ioctl(fd, TUNSETIFF, struct.pack("16sH22x", name.encode(), IFF_TUN | IFF_NO_PI))
    return fd


class Direction:
    def __init__(self, to, delay, rate):
        self.to, self.delay, self.rate = to, delay, rate
        self.free, self.waiting = 0.0, collections.deque()

    def take(self, packet, now):
        if len(self.waiting) >= QUEUE:
            return
        self.free = max(now, self.free) + len(packet) * 8 / self.rate
        self.waiting.append((self.free + self.delay, packet))

    def deliver(self, now):
        while self.waiting and self.waiting[0][0] <= now:
            try:
                os.write(self.to, self.waiting.popleft()[1])
            except OSError:
                pass  # the other side is down or full: lost, as on any link

    def due(self):
        return self.waiting[0][0] if self.waiting else None


def main():
    first, second = device(sys.argv[1]), device(sys.argv[2])
    delay, rate = float(sys.argv[3]), float(sys.argv[4])
    directions = {first: Direction(second, delay, rate), second: Direction(first, delay, rate)}
    print("ready", flush=True)
    while True:
        due = [at for at in (direction.due() for direction in directions.values()) if at is not None]
        timeout = max(0.0, min(due) - time.monotonic()) if due else None
        for fd in select.select([first, second], [], [], timeout)[0]:
            try:
                directions[fd].take(os.read(fd, LARGEST), time.monotonic())
            except OSError:
                pass  # not up yet
        for direction in directions.values():
            direction.deliver(time.monotonic())


if __name__ == "__main__":
    main()
