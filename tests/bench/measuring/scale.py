"""Our own cost against what grows: the number of files, the part of them that changed, their size."""
import contextlib
import json
import pathlib
import sys
import tempfile

from . import goals, report, trees
from .artefacts import MIB, Artefacts
from .bench import Bench, medians
from .rows import OursDelta

# (files, mean bytes, part changed)
SERIES = {"changed": [(20_000, 50_000, part) for part in (0.001, 0.01, 0.1, 0.5)],
          "size": [(10_000, mean, 0.05) for mean in (100_000, 400_000, 800_000)],
          "files": [(10_000, 2_000, 0.05), (70_000, 2_000, 0.05), (500_000, 2_000, 0.05)]}
COLUMNS = [("wire", "wire MB", 1e-6, ".2f"), ("requests", "requests", 1, ".0f"), ("written", "written MB", 1e-6, ".0f"), ("wall", "fill wall s", 1, ".1f"),
           ("cpu", "fill CPU s", 1, ".1f"), ("verification_wall", "verify wall s", 1, ".1f"), ("verification_cpu", "verify CPU s", 1, ".1f"),
           ("rss", "peak MiB", 1 / 1024, ".0f")]


HEAD = ("| series | files | MB | changed | changed MB | " + " | ".join(title for _, title, _, _ in COLUMNS) + " |\n" +
        "|---|" + "---|" * (4 + len(COLUMNS)) + "\n")


def measure(options, scratch, say):
    """Points that are not asked for stay in the file as they are."""
    wanted = [point for name in options.scale.split(",") for point in _points(name)]
    found = _kept(options.out)
    print(HEAD, end="", flush=True)
    for series, (files, mean, part) in wanted:
        with tempfile.TemporaryDirectory(dir=options.work or scratch) as name:
            row, around = _point(options, pathlib.Path(name), say, files, mean, part)
        key = {"files": files, "mean_bytes": mean, "part_changed": part}
        others = [point for point in found.get(series, []) if {name: point[name] for name in key} != key]
        found[series] = sorted([*others, key | row | {"circumstances": around}], key=lambda point: [point[name] for name in key])
        print(_line(series, key | row), flush=True)
        if options.out:  # after each point: the last ones take long
            _save(options.out, found)
    return 0


def _points(name):
    """Of "size": all of that series; of "size:3": the third."""
    series, _, number = name.partition(":")
    if series not in SERIES or number and number not in map(str, range(1, len(SERIES[series]) + 1)):
        sys.exit(f"bench: no series or point is called {name}")
    return [(series, point) for position, point in enumerate(SERIES[series], 1) if number in ("", str(position))]


def _kept(out):
    file = out.with_suffix(".json") if out else None
    return json.loads(file.read_text())["series"] if file and file.exists() else {}


def _save(out, found):
    ordered = {name: found[name] for name in SERIES if name in found}
    report.save(out.with_suffix(".json"), {"series": ordered})
    out.with_suffix(".md").write_text(HEAD + "".join(_line(name, point) + "\n" for name, points in ordered.items() for point in points))


def _line(series, point):
    files, mean = point["files"], point["mean_bytes"]
    return (f"| {series} | {files} | {files * mean / 1e6:.0f} | {point['part_changed']:.1%} | {point['changed_bytes'] / 1e6:.1f} | " +
            " | ".join(format(point[key] * factor, form) for key, _, factor, form in COLUMNS) + " |")


def _point(options, place, say, files, mean, changed):
    say(f"{files} files of {mean} bytes, {changed:.1%} of them changed")
    trees.synthetic(place / "material", files, mean, changed)
    artefacts = Artefacts(place / "artefacts", place / "material", options.programs.resolve(), say, block=64 * MIB)
    artefacts.build({OursDelta.kind})
    with contextlib.ExitStack() as stack:
        bench = Bench(artefacts, place / "work", options.programs.resolve(), options.folders, "all", say)
        stack.callback(bench.stop)
        runs, failed = bench.run([OursDelta], min(options.rounds, 3), 1)
        if failed:
            raise RuntimeError(failed["ours"])
        row = goals.with_sums(medians(runs))["ours"] | {"changed_bytes": artefacts.changed()["bytes"]}
        return row, report.circumstances(artefacts, {"rounds": min(options.rounds, 3), "scale": True})
