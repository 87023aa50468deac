"""Makes packaging/appliance importable."""

import pathlib
import sys

TOP = pathlib.Path(__file__).resolve().parents[3]
sys.path.insert(0, str(TOP / "packaging/appliance"))
