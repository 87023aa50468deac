"""The tables, as text, and the file that keeps everything."""
import json
import os
import pathlib
import platform
import subprocess
import time

from .rows import ROWS

COLUMNS = [("wall", "wall s", 1.0, ".1f"), ("cpu", "CPU s", 1.0, ".1f"), ("rss", "peak MiB", 1 / 1024, ".0f"), ("wire", "wire MB", 1e-6, ".1f"),
           ("requests", "requests", 1, ".0f"), ("written", "written MB", 1e-6, ".0f"), ("verification_wall", "verify s", 1.0, ".1f"),
           ("verification_cpu", "verify CPU s", 1.0, ".1f")]
RATIOS = ("wall", "cpu", "wire")  # told as multiples of ours, in brackets


def title_of(name):
    return next(row.title for row in ROWS if row.name == name)


def table(medians, left_out):
    """Markdown. In brackets: so many times ours."""
    lines = ["| | n | " + " | ".join(title for _, title, _, _ in COLUMNS) + " |", "|---|---|" + "---|" * len(COLUMNS)]
    ours = medians.get("ours", {})
    for name, row in medians.items():
        cells = []
        for key, _, factor, form in COLUMNS:
            value = row.get(key)
            cell = "-" if value is None or (key in ("wall", "cpu", "wire", "requests", "written") and name == "dd-read") else format(value * factor, form)
            if cell != "-" and key in RATIOS and name != "ours" and ours.get(key):
                cell += f" ({value / ours[key]:.2g}x)"
            cells.append(cell)
        lines.append(f"| {title_of(name)} | {row['n']} | " + " | ".join(cells) + " |")
    for name, why in left_out.items():
        lines.append(f"| {title_of(name)} | 0 | left out: {why} |" + " |" * (len(COLUMNS) - 1))
    return "\n".join(lines)


def goals_table(goals):
    lines = ["| goal | at most | measured | |", "|---|---|---|---|"]
    for goal in goals:
        value = "-" if goal["value"] is None else f"{goal['value']:.3g} {goal['unit']}".strip()
        verdict = {None: "not measured", True: "reached", False: "**not reached**"}[goal["reached"]]
        lines.append(f"| {goal['goal']} | {goal['limit']} | {value} | {verdict} |")
    return "\n".join(lines)


def _version(*command):
    try:
        told = subprocess.run(command, capture_output=True, text=True, timeout=10)
        return (told.stdout or told.stderr).strip().splitlines()[0]
    except (OSError, IndexError):
        return "not installed"


def circumstances(artefacts, arguments):
    model = next((line.split(":", 1)[1].strip() for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("model name")), "?")
    memory = int(next(line.split()[1] for line in pathlib.Path("/proc/meminfo").read_text().splitlines() if line.startswith("MemTotal")))
    return {"date": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()), "processor": model, "processors": os.cpu_count(), "memory_mib": memory // 1024,
            "kernel": platform.release(), "load_before": os.getloadavg()[0], "material": artefacts.top.name, "options": arguments,
            "versions": {"ostree": _version("ostree", "--version"), "rauc": _version("rauc", "--version"), "swupdate": _version("swupdate", "--version"),
                         "casync": _version("casync", "--version"), "zstd": _version("zstd", "--version"), "curl": _version("curl", "--version")}}


def save(path, content):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content, indent=1) + "\n")
