"""The GRUB environment block, as docs/boot-environment.md lays it out."""

import secrets

SIZE = 1024
HEADER = b"# GRUB Environment Block\n"


def encode(variables):
    """A block with the variables in the given order. Raises ValueError if they do not fit into the first 512 bytes."""
    body = HEADER + b"".join(f"{name}={value}\n".encode() for name, value in variables.items())
    if len(body) > 512:
        raise ValueError(f"env block: {len(body)} bytes of variables, at most 512 fit into one sector")
    return body + b"#" * (SIZE - len(body))


def decode(block):
    """The variables of a block. Raises ValueError if it is none."""
    if len(block) != SIZE or not block.startswith(HEADER):
        raise ValueError("not an env block")
    pairs = (line.split("=", 1) for line in block.decode(errors="replace").split("\n") if "=" in line and not line.startswith("#"))
    return dict(pairs)


def initial(fallback="a", offer="none", trial="none", left=0, done=0, canary=None):
    """The variables of `env` on a machine that was just installed, or in the state a test asks for."""
    return {
        "cube_fallback": fallback,
        "cube_offer": offer,
        "cube_trial": trial,
        "cube_left": left,
        "cube_done": done,
        "cube_canary": canary or secrets.token_hex(8),
    }
