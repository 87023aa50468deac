#!/usr/bin/env python3
"""Finishes build/release where something is newer than it; in tests/run nothing is.

Usage: release_build.py CMAKE SOURCE_FOLDER
"""
import subprocess
import sys

CMAKE, SOURCE = sys.argv[1:3]
subprocess.run([CMAKE, "--preset", "release"], cwd=SOURCE, check=True, stdout=subprocess.DEVNULL)
subprocess.run([CMAKE, "--build", "--preset", "release"], cwd=SOURCE, check=True)
