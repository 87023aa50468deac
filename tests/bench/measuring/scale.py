"""Our own cost against what grows: the number of files, the part of them that changed, their size."""
import contextlib
import pathlib
import tempfile

from . import goals, trees
from .artefacts import MIB, Artefacts
from .bench import Bench, medians
from .rows import OursDelta

# (files, mean bytes, part changed)
SERIES = {"files": [(2_000, 8_000, 0.05), (10_000, 8_000, 0.05), (50_000, 8_000, 0.05)],
          "changed": [(10_000, 8_000, 0.001), (10_000, 8_000, 0.01), (10_000, 8_000, 0.1), (10_000, 8_000, 0.5)],
          "size": [(2_000, 50_000, 0.05), (2_000, 250_000, 0.05), (2_000, 1_000_000, 0.05)]}


def measure(options, scratch, say):
    print("| series | files | MB | changed | wire MB | fill wall s | fill CPU s | verify CPU s | peak MiB |\n|---|---|---|---|---|---|---|---|---|")
    for series, points in SERIES.items():
        for files, mean, changed in points:
            with tempfile.TemporaryDirectory(dir=scratch) as name:
                row = _point(options, pathlib.Path(name), say, files, mean, changed)
            print(f"| {series} | {files} | {files * mean / 1e6:.0f} | {changed:.1%} | {row['wire'] / 1e6:.2f} | {row['wall']:.2f} | {row['cpu']:.2f} | "
                  f"{row['verification_cpu']:.2f} | {row['rss'] / 1024:.0f} |", flush=True)
    return 0


def _point(options, place, say, files, mean, changed):
    trees.synthetic(place / "material", files, mean, changed)
    artefacts = Artefacts(place / "artefacts", place / "material", options.programs.resolve(), say, block=64 * MIB)
    artefacts.build(set())
    with contextlib.ExitStack() as stack:
        bench = Bench(artefacts, place / "work", options.programs.resolve(), options.folders, "all", say)
        stack.callback(bench.stop)
        return goals.with_sums(medians(bench.run([OursDelta], min(options.rounds, 3), 1)))["ours"]
