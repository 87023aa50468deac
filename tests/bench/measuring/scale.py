"""Our own cost against what grows: the number of files, the part of them that changed, their size."""
import contextlib
import pathlib
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


def measure(options, scratch, say):
    lines = ["| series | files | MB | changed | changed MB | " + " | ".join(title for _, title, _, _ in COLUMNS) + " |", "|---|" + "---|" * (4 + len(COLUMNS))]
    print("\n".join(lines), flush=True)
    points = []
    for series, values in SERIES.items():
        for files, mean, part in values:
            with tempfile.TemporaryDirectory(dir=options.work or scratch) as name:
                row, around = _point(options, pathlib.Path(name), say, files, mean, part)
            points.append({"series": series, "files": files, "mean_bytes": mean, "part_changed": part} | row)
            lines.append(f"| {series} | {files} | {files * mean / 1e6:.0f} | {part:.1%} | {row['changed_bytes'] / 1e6:.1f} | " +
                         " | ".join(format(row[key] * factor, form) for key, _, factor, form in COLUMNS) + " |")
            print(lines[-1], flush=True)
            if options.out:  # after each point: the last ones take long
                report.save(options.out.with_suffix(".json"), {"circumstances": around, "points": points})
                options.out.with_suffix(".md").write_text("\n".join(lines) + "\n")
    return 0


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
