#!/usr/bin/env python3
"""Writes the repository in static/ anew, with new keys: run only when its form has to change, for the client must
go on reading what was published once.

Usage: make_static.py FOLDER
"""
import sys
from pathlib import Path

from repository import Key, Repository

TARGET = "releases/stable/firmware.txt"


def main(folder):
    repository = Repository()
    for signed in repository.signed.values():
        signed["expires"] = "2099-01-01T00:00:00Z"
    repository.published.clear()
    kinds = {"root": Key("ed25519"), "timestamp": Key("ecdsa"), "snapshot": Key("ecdsa", keytype="ecdsa-sha2-nistp256"),
             "targets": Key("rsa")}
    repository.root["keys"].clear()
    for role, key in kinds.items():
        repository.set_keys(role, [key], 1, [key])
    repository.delegate("releases", paths=["releases/*/*"], terminating=True)
    repository.signed["releases"]["expires"] = "2099-01-01T00:00:00Z"
    repository.add_target(TARGET, b"content of a firmware\n", "releases", ("sha256", "sha512"))
    repository.describe_files = True
    repository.publish("root", "releases", "targets", "snapshot", "timestamp")
    new = [Key("ed25519"), Key("ecdsa")]
    repository.set_keys("root", new, 2, repository.signers["root"] + new)
    repository.publish("root")

    metadata = Path(folder, "metadata")
    metadata.mkdir(parents=True)
    for role, documents in repository.published.items():
        for version, text in enumerate(documents, 1):
            name = f"{role}.json" if role == "timestamp" else f"{version}.{role}.json"
            (metadata / name).write_bytes(text)
    digest = repository.signed["releases"]["targets"][TARGET]["hashes"]["sha256"]
    place = Path(folder, "targets", TARGET)
    place.parent.mkdir(parents=True)
    place.with_name(f"{digest}.{place.name}").write_bytes(repository.artifacts[TARGET])


if __name__ == "__main__":
    main(sys.argv[1])
