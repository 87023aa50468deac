#!/usr/bin/env python3
"""Every line that the programs say with --json is what packaging/schemas describes, in each field.

Judges what the other scenario tests made the programs say (record_json.sh), and what each command says here. A field that no schema
has is a fault, too: schemas are open for those who read them, and closed for this test.

Usage: json_schemas_test.py CUBE_UPDATE CUBE_RELEASE SOURCE_FOLDER RECORDED_FOLDER
"""
import json
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time

import jsonschema
from jsonschema.validators import Draft202012Validator

from tiny_tree import make_tiny_tree

UPDATE, RELEASE = sys.argv[1:3]
SOURCE, RECORDED = pathlib.Path(sys.argv[3]), pathlib.Path(sys.argv[4])
sys.path.insert(0, str(SOURCE / "packaging/appliance"))
from appliance import scratch  # noqa: E402

SCHEMAS = SOURCE / "packaging/schemas"
TYPES = "types.schema.json"
SILENT = {"cube-update deny", "cube-update allow", "cube-update lock add", "cube-update lock remove"}  # nothing to tell but the exit code
WITHOUT = {"cube-update metrics", "cube-update help", "cube-release help"}


def closed(schema, types):
    """The schema with the shared types in place, and with no room for fields that it does not name."""
    if isinstance(schema, list):
        return [closed(one, types) for one in schema]
    if not isinstance(schema, dict):
        return schema
    if "$ref" in schema:
        file, _, name = schema["$ref"].partition("#/$defs/")
        if file != TYPES or set(schema) - {"$ref", "$schema", "title", "x-commands"}:
            raise ValueError(f"{schema}: refers elsewhere than to {TYPES}, or says more")
        return {key: value for key, value in schema.items() if key != "$ref"} | closed(types[name], types)
    made = {key: closed(value, types) for key, value in schema.items()}
    if isinstance(made.get("properties"), dict) and "type" in made:
        made["additionalProperties"] = False
    return made


class Schemas:
    def __init__(self):
        raw = {path.name: json.loads(path.read_text()) for path in SCHEMAS.glob("*.schema.json")}
        texts = {name: closed(schema, raw[TYPES]["$defs"]) for name, schema in raw.items()}
        self.validators = {}
        self.commands = {}
        self.seen = {}  # name -> fields of it that were there
        for name, schema in texts.items():
            Draft202012Validator.check_schema(raw[name])
            self.validators[name] = Draft202012Validator(schema)
            for command in schema.get("x-commands", []):
                self.commands.setdefault(command, []).append(name)

    def judge(self, command, line):
        """Why the line of this command is none of those described; "" when it is."""
        try:
            value = json.loads(line)
        except ValueError as error:
            return f"no JSON: {error}"
        names = self.commands.get(command, []) + self.commands[command.split()[0] + " *"]
        for name in names:
            if self.validators[name].is_valid(value):
                self.seen.setdefault(name, set()).update(value)
                return ""
        best = min((jsonschema.exceptions.best_match(self.validators[name].iter_errors(value)) for name in names), key=lambda e: len(str(e.instance)))
        return f"{line[:300]}: as none of {names}: {best.message[:300]} at {list(best.absolute_path)}"


def words_of(program):
    """All commands, in words."""
    def below(*words):
        text = subprocess.run([program, *words, "--help"], check=True, capture_output=True, text=True).stdout
        if "\nSubcommands:\n" not in text:
            return [" ".join((pathlib.Path(program).name, *words))]
        listed = text.split("\nSubcommands:\n")[1].split("\n\n")[0]
        names = [line.split()[0] for line in listed.splitlines() if line.startswith("  ") and line[2] != " "]
        return [command for name in names for command in below(*words, name)]
    return below()


def command_of(program, arguments, known):
    for length in (3, 2, 1):
        name = " ".join([program, *arguments[:length]])
        if name in known:
            return name
    return None


class Judge:
    def __init__(self):
        self.schemas = Schemas()
        self.known = words_of(UPDATE) + words_of(RELEASE)
        self.faults = []
        self.lines = {}

    def hear(self, program, arguments, output):
        command = command_of(program, arguments, self.known)
        if command is None:
            return
        # The last line of a program that was killed may be half.
        for line in output.split("\n")[:-1]:
            fault = self.schemas.judge(command, line)
            if fault:
                self.faults.append(f"{command}: {fault}")
            elif command not in self.lines and not self.schemas.judge(command, json.dumps({**json.loads(line), "invented": 1})):
                self.faults.append(f"{command}: a field that no schema has is not noticed")
            self.lines[command] = self.lines.get(command, 0) + 1

    def run(self, *command, codes=(0,)):
        """Runs a command with --json and hears it; its output."""
        words = [str(word) for word in command] + ["--json"]
        done = subprocess.run(words, capture_output=True, text=True, timeout=300)
        if done.returncode not in codes:
            self.faults.append(f"{' '.join(words)}: exit {done.returncode}: {done.stderr}")
        self.hear(pathlib.Path(words[0]).name, words[1:], done.stdout)
        return done.stdout


def recorded(judge):
    """What the other tests kept; it is heard once."""
    count = 0
    for place in sorted(RECORDED.iterdir()):
        if (place / "output").exists():
            program, *arguments = (place / "command").read_text().split("\n")
            judge.hear(program, arguments, (place / "output").read_text(errors="replace"))
            count += 1
        shutil.rmtree(place)
    return count


def every_publisher_command(judge, folder):
    repository, keys = folder / "repository", folder / "more-keys"
    here = ("--repository", repository)
    judge.run(RELEASE, "init", repository, "--product", "CUBE")
    names = []
    for number in (1, 2, 3):
        make_tiny_tree(folder / f"tree{number}", str(number))
        out = judge.run(RELEASE, "compose", folder / f"tree{number}", "--version", f"{number}.0.0", "--built", f"2026010{number}-0000",
                        "--source", "abcd1234", *here)
        names.append(json.loads(out)["name"])
    judge.run(RELEASE, "pack", "--report", *here)
    judge.run(RELEASE, "publish", "--draft", folder / "draft.json", *here)
    judge.run(RELEASE, "sign", folder / "draft.json", *here)
    for command in ("publish", "renew", "list"):
        judge.run(RELEASE, command, *here)
    judge.run(RELEASE, "inventory", names[0], *here)
    judge.run(RELEASE, "diff", names[0], folder / "tree2", *here)
    judge.run(RELEASE, "lock", "init", names[0], *here)
    judge.run(RELEASE, "lock", "check", names[1], *here)
    judge.run(RELEASE, "expire-check", "--days", "0", *here)
    judge.run(RELEASE, "withdraw", names.pop(), *here)
    judge.run(RELEASE, "key", "generate", "rollout", *here)
    plan = folder / "plan.json"
    plan.write_text(json.dumps({"schema": 1, "serial": 1, "issued": "2026-01-01T00:00:00Z", "expires": "2199-01-01T00:00:00Z",
                                "releases": [{"name": names[1]}], "windows": [{"time_zone": "UTC", "open": ["daily 01:00 +1h"]}],
                                "rollouts": [{"id": "r", "release": names[1], "salt": "r", "start": "2026-01-01T00:00:00Z",
                                              "ramp": [{"after": "PT0S", "ppm": 1}]}]}))
    for command in ("check", "set"):
        judge.run(RELEASE, "plan", command, plan, *here)
    judge.run(RELEASE, "verify", repository)
    judge.run(RELEASE, "key", "generate", "spare", "--keys", keys)
    judge.run(RELEASE, "key", "import", keys / "spare.pub.json", "--name", "again", *here)
    judge.run(RELEASE, "key", "list", *here)
    judge.run(RELEASE, "key", "rotate", "timestamp", *here)
    judge.run(RELEASE, "key", "revoke", "again", *here, codes=(0, 1, 2, 3))
    judge.run(RELEASE, "root", "--expires-days", "400", *here)
    judge.run(RELEASE, "verify", folder / "nothing", codes=(1, 2, 9))
    return repository, names


def every_agent_command(judge, folder, repository, names):
    machine = scratch.Scratch(folder / "machine")
    machine.folder.mkdir()
    root = repository / "metadata/1.root.json"
    machine.lay_out(root)
    judge.run(UPDATE, "install-slot", machine.folder / "slots/a", names[0], "--from", repository, "--trusted-root", root)

    def agent(*words, codes=(0,)):
        return judge.run(UPDATE, *words, "--root", machine.folder, codes=codes)
    machine.start()
    for words in (("status",), ("history",), ("resume",), ("config", "show"), ("config-diff",), ("config", "check"), ("check", "--from", repository),
                  ("verify", repository), ("verify", root)):
        agent(*words)
    agent("doctor", codes=(0, 6))
    agent("why", codes=(3,))
    agent("deny", names[1])
    agent("check", "--from", repository, codes=(3, 5))
    agent("allow", names[1])
    agent("fetch", "--from", repository)
    agent("status")
    agent("diff", names[1], "--from", repository)
    agent("status", "--drift", codes=(0, 6))
    agent("status", "--drift=full", codes=(0, 6))
    agent("apply", "--from", repository)
    agent("diff")
    agent("lock", "add", "bash", "5.*")
    agent("lock", "list")
    agent("lock", "remove", "bash")
    agent("waive", "lock:bash", "--reason", "none", "--until", time.strftime("%Y-%m-%d", time.gmtime(time.time() + 86400)))
    agent("preflight")
    agent("status")
    machine.start()
    agent("status")
    agent("resume")
    agent("commit")
    machine.start()
    agent("rollback", codes=(20,))
    agent("status")
    machine.start()
    machine.panic("6.1.0")
    machine.start()
    agent("resume")
    agent("why")
    agent("history")
    agent("status")
    (machine.folder / "usr/lib/cube-update/config.d/20-source.toml").write_text(
        f'[source]\nurl = "{repository}"\n[schedule]\nautomatic = "check"\n')
    agent("deny", names[1])
    agent("allow", names[0])
    agent("automatic", codes=(0, 3, 5))
    (machine.folder / "usr/lib/cube-update/config.d/30-fleet.toml").write_text('[fleet]\nplan = true\nunit = "somewhere"\n')
    agent("fleet", "plan", codes=(3, 6, 12))
    agent("fleet", "window", "test", "--days", "3")
    agent("apply", "NO_SUCH_RELEASE", "--from", repository, codes=(1, 2, 5))


def main():
    judge = Judge()
    count = recorded(judge)
    with tempfile.TemporaryDirectory(prefix="cube-schemas-") as name:
        folder = pathlib.Path(name)
        repository, names = every_publisher_command(judge, folder)
        every_agent_command(judge, folder, repository, names)
    for command in judge.known:
        if command in WITHOUT:
            continue
        described = command in judge.schemas.commands
        if described == (command in SILENT):
            judge.faults.append(f"{command}: {'has a schema, and no JSON' if described else 'has no schema in packaging/schemas'}")
        if described and not judge.lines.get(command):
            judge.faults.append(f"{command}: said nothing here; extend this test")
    for name in judge.schemas.validators:
        if name not in judge.schemas.seen and name != TYPES:
            judge.faults.append(f"{SCHEMAS / name}: describes nothing that was said")
    print("\n".join(sorted(set(judge.faults))[:40]) or f"{sum(judge.lines.values())} lines of JSON are as described; {count} runs of other tests were heard")
    return 1 if judge.faults else 0


if __name__ == "__main__":
    sys.exit(main())
