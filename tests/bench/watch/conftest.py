"""Processes for the tests of the watch."""

from __future__ import annotations

import subprocess
import sys

import psutil
import pytest
from launches import wait_for


@pytest.fixture
def start():
    """Start processes that end with the test."""
    started = []

    def run(source, *, wait_cpu_s=0.0):
        process = subprocess.Popen([sys.executable, "-c", source])
        started.append(process)
        look = psutil.Process(process.pid)
        wait_for(lambda: look.cpu_times().user + look.cpu_times().system >= wait_cpu_s)
        return process

    yield run
    for process in started:
        if process.poll() is None:
            for child in psutil.Process(process.pid).children(recursive=True):
                child.kill()
        process.kill()
        process.wait()
