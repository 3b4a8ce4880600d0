"""Lets the tests of the fuzz import its modules as the fuzz itself does."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).parent))
