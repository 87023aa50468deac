"""One picture of the medians: bars for wire bytes, CPU and wall. Readable on light and dark pages."""
from xml.sax.saxutils import escape

STYLE = """text{font:13px sans-serif;fill:#1f2328}.n{font-size:12px;fill:#59636e}.h{font-weight:bold}.us{fill:#1a7f37}.peer{fill:#8c959f}
@media(prefers-color-scheme:dark){text{fill:#e6edf3}.n{fill:#9198a1}.us{fill:#3fb950}.peer{fill:#656c76}}"""
PANELS = [("wire", "on the wire, MB", 1e-6, ".0f"), ("cpu", "CPU of fetch, fill and checkout, s", 1, ".1f"), ("wall", "wall of the same, s", 1, ".1f")]
LABELS, PANEL, GAP, ROW, TOP = 250, 190, 60, 22, 34


def draw(medians, title_of, caption):
    names = [name for name in medians if name not in ("dd-read", "ostree-fsck")]
    width, height = LABELS + len(PANELS) * (PANEL + GAP), TOP + len(names) * ROW + 34
    parts = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}" role="img">',
             f"<title>{escape(caption)}</title><style>{STYLE}</style>"]
    for line, name in enumerate(names):
        parts.append(f'<text x="{LABELS - 8}" y="{TOP + line * ROW + 14}" text-anchor="end">{escape(title_of(name))}</text>')
    for column, (key, title, factor, form) in enumerate(PANELS):
        left = LABELS + column * (PANEL + GAP)
        most = max((medians[name].get(key) or 0) for name in names) or 1
        parts.append(f'<text class="h" x="{left}" y="18">{title}</text>')
        for line, name in enumerate(names):
            value = medians[name].get(key) or 0
            long, y = max(1, value / most * PANEL), TOP + line * ROW
            parts.append(f'<rect class="{"us" if name.startswith("ours") else "peer"}" x="{left}" y="{y + 3}" width="{long:.1f}" height="14" rx="2"/>'
                         f'<text class="n" x="{left + long + 4:.1f}" y="{y + 14}">{format(value * factor, form)}</text>')
    parts.append(f'<text class="n" x="8" y="{height - 8}">{escape(caption)}</text></svg>')
    return "\n".join(parts) + "\n"
