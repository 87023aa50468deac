"""The rounds: every row once in each, one after the other, each on a fresh slot."""
import pathlib
import shutil
import statistics
import time

from . import facts
from .command import run
from .loop import look_into
from .server import Server

APART = ("verification", "seal and arm")  # steps that are no part of fetch + fill + checkout


class Bench:
    def __init__(self, artefacts, work, programs, folders, compare, say, address="127.0.0.1", within=()):
        self.artefacts, self.work, self.programs, self.folders = artefacts, pathlib.Path(work), programs, folders
        self.compare, self.say = compare, say
        self.server = Server(self.work / "server", artefacts.top, address, within)
        self.wanted = facts.load(artefacts.top / "v2.facts")

    def url(self, path):
        return self.server.url(pathlib.Path(path).relative_to(self.artefacts.top))

    def folder_of(self, image):
        """The tree of an image, copied out once, for slots that are folders."""
        place = self.work / "folders" / image.name
        if not place.exists():
            with look_into(image) as tree:
                place.mkdir(parents=True)
                run("cp", "-a", f"{tree}/.", place)
        return place

    def run(self, rows, rounds, slow_rounds, minutes=None):
        """([one dictionary for each run], {row: what went wrong}). A row that fails is not tried again.

        After so many minutes no other round begins.
        """
        runs, failed, start = [], {}, time.monotonic()
        for number in range(rounds):
            if minutes is not None and time.monotonic() - start > 60 * minutes:
                break
            order = rows[number % len(rows):] + rows[:number % len(rows)]
            for kind in order:
                if kind.name in failed or (kind.slow and number >= slow_rounds):
                    continue
                try:
                    runs.append(self._one(kind(self), number))
                except (RuntimeError, OSError) as error:
                    failed[kind.name] = str(error)
                    self.say(f"round {number + 1}: {kind.name} FAILED: {error}")
        return runs, failed

    def _one(self, row, number):
        row.work.mkdir(parents=True, exist_ok=True)
        slot = row.fresh()
        try:
            result = self._measured(row, slot, number)
            if row.compared:
                self._check(row, slot, number)
        finally:
            if hasattr(row, "after"):
                row.after()
            slot.close()
            shutil.rmtree(row.work, ignore_errors=True)
        self.say(f"round {number + 1}: {row.name}: {result['wall']:.1f} s, {result['cpu']:.1f} CPU s, {result['wire'] / 1e6:.1f} MB, "
                 f"{result['requests']} requests")
        return result

    def _measured(self, row, slot, number):
        self.server.traffic()
        before, steps = slot.written(), {}
        for name, cost in row.steps(slot):
            steps[name] = {"wall": round(cost.wall, 3), "cpu": round(cost.cpu, 3), "rss": cost.rss}
        wire, requests = self.server.traffic()
        after = slot.written()
        written = None if after is None else after - before + row.staged
        return {"row": row.name, "round": number, "steps": steps, "wire": wire, "requests": requests, "written": written} | self._totals(steps)

    @staticmethod
    def _totals(steps):
        part = [step for name, step in steps.items() if name not in APART]
        total = {key: round(sum(step[key] for step in part), 3) for key in ("wall", "cpu")}
        total["rss"] = max(step["rss"] for step in steps.values())
        if "verification" in steps:
            total |= {f"verification_{key}": steps["verification"][key] for key in ("wall", "cpu")}
        return total

    def _check(self, row, slot, number):
        """The slot is the release. Content is read in the first round, or in all; the rest always."""
        with slot.look() as place:
            wrong = facts.differences(row.tree_in(place), self.wanted, content=self.compare == "all" or number == 0)
        if wrong:
            raise RuntimeError(f"{row.name}: the slot is not the release:\n  " + "\n  ".join(wrong))

    def stop(self):
        self.server.stop()


def medians(runs):
    """{row: {key: median}, with n}."""
    found = {}
    for name in dict.fromkeys(run["row"] for run in runs):
        mine = [run for run in runs if run["row"] == name]
        keys = [key for key in mine[0] if key not in ("row", "round", "steps") and mine[0][key] is not None]
        found[name] = {key: statistics.median(run[key] for run in mine) for key in keys} | {"n": len(mine)}
    return found
