"""Faults of every kind at random moments of small runs, and what must hold after each."""

import sys
from pathlib import Path

FOLDER = str(Path(__file__).resolve().parents[1])  # holds `toy_workload`, as for the tests
if FOLDER not in sys.path:
    sys.path.insert(0, FOLDER)
