"""What cube-update set out to reach against each peer, and whether it did. Ratios of medians of one run."""

# (row of ours, key, row of the peer, key, at most, words)
AGAINST_PEERS = [
    ("ours", "wire", "ostree", "wire", 0.27, "wire bytes, of ostree pull by files"),
    ("ours", "cpu", "ostree", "cpu", 0.40, "CPU of fetch, fill and checkout, of ostree pull and checkout"),
    ("ours", "cpu_verified", "ostree-fsck", "cpu_verified", 0.30, "CPU with full verification, of ostree pull, checkout and fsck"),
    ("ours", "wire", "ostree-delta", "wire", 0.35, "wire bytes, of an ostree static delta"),
    ("ours", "cpu", "ostree-delta", "cpu", 0.20, "CPU of fetch, fill and checkout, of an ostree static delta"),
    ("ours", "wire", "rauc", "wire", 0.11, "wire bytes, of a RAUC bundle"),
    ("ours", "cpu", "rauc", "cpu", 0.30, "CPU of fetch, fill and checkout, of RAUC"),
    ("ours", "cpu_verified", "rauc", "cpu", 0.70, "CPU with full verification, of RAUC, which does not re-read"),
    ("ours", "wire", "swupdate", "wire", 0.11, "wire bytes, of SWUpdate"),
    ("ours", "cpu", "swupdate", "cpu", 0.45, "CPU of fetch, fill and checkout, of SWUpdate"),
    ("ours", "cpu_verified", "swupdate", "cpu", 1.00, "CPU with full verification, of SWUpdate, which does not re-read"),
    ("ours", "wire", "casync", "wire", 0.25, "wire bytes, of casync with a seed"),
    ("ours", "cpu", "casync", "cpu", 0.12, "CPU of fetch, fill and checkout, of casync"),
    ("ours", "wall", "ostree", "wall", 0.60, "wall of fetch, fill and checkout, of ostree"),
    ("ours", "wall", "swupdate", "wall", 0.45, "wall of fetch, fill and checkout, of SWUpdate"),
    ("ours-full", "wall", "tar", "wall", 1.20, "full install into an empty slot: wall, of curl | tar x"),
    ("ours-full", "cpu", "tar", "cpu", 1.20, "full install into an empty slot: CPU, of curl | tar x"),
    ("ours", "verification_cpu", "ostree-fsck", "verification_cpu", 0.25, "verification of the slot: CPU, of ostree fsck"),
    ("ours", "verification_wall", "dd-read", "verification_wall", 1.20, "verification of the slot: wall, of reading the bytes"),
]
MEBIBYTES_IN_KIB = 1024


def with_sums(medians):
    """Adds the CPU of update and verification together."""
    for row in medians.values():
        if "verification_cpu" in row and "cpu" in row:
            row["cpu_verified"] = row["cpu"] + row["verification_cpu"]
    return medians


def judge(medians, changed):
    """[{goal, limit, value, reached}]; value None where a row was not measured."""
    told = []
    for ours, key, peer, peer_key, limit, words in AGAINST_PEERS:
        mine, theirs = medians.get(ours, {}).get(key), medians.get(peer, {}).get(peer_key)
        told.append(_goal(words, f"<= {limit:.2f} x", mine / theirs if mine is not None and theirs else None, limit, "x"))
    for row in ("ours", "ours-ranges", "ours-full"):
        peak = medians.get(row, {}).get("rss")
        told.append(_goal(f"peak memory of {row}", "<= 64 MiB", peak and peak / MEBIBYTES_IN_KIB, 64, "MiB"))
    ranges = medians.get("ours-ranges", {})
    wire, requests = ranges.get("wire"), ranges.get("requests")
    told.append(_goal("ranges of the full pack: wire bytes, of the changed contents, each compressed", "<= 1.10 x",
                      wire and wire / changed["compressed"], 1.10, "x"))
    told.append(_goal("ranges of the full pack: requests", "<= 300", requests, 300, ""))
    written = medians.get("ours", {}).get("written")
    told.append(_goal("bytes written to the slot, of the changed contents (metadata not taken off)", "<= 1.10 x",
                      written and written / changed["bytes"], 1.10, "x"))
    return told


def _goal(words, limit_text, value, limit, unit):
    return {"goal": words, "limit": limit_text, "value": None if value is None else round(value, 3), "unit": unit,
            "reached": None if value is None else value <= limit}
