"""A short fuzz with a seed of its own: no input of any kind gets further than an error of ours."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

FUZZ = Path(__file__).with_name("fuzz.py")

#: Inputs of each kind. The long fuzz (`make fuzz`) has hundreds of times as many.
SHORT = {
    "journals": 60,
    "grids": 150,
    "cluster files": 80,
    "prices": 100,
    "job descriptions": 100,
    "command lines": 60,
}


@pytest.mark.parametrize("kind", SHORT)
def test_no_input_causes_more_than_an_error_of_ours(kind):
    words = [sys.executable, str(FUZZ), "--kind", kind, "--inputs", str(SHORT[kind]), "--seed", "3"]
    done = subprocess.run(words, capture_output=True, text=True, check=False, timeout=400)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout.splitlines()[-1])
    assert found["faults"] == []
    assert found["taken"] + found["refused"] == found["inputs"] >= SHORT[kind]
    assert found["refused"] > 0
    assert found["peak_mib"] < 1024
