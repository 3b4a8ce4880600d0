"""What all tests share: where the code and the real data are, for this process and its children."""

from __future__ import annotations

import gc
import os
import signal
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[1]

#: The project itself, and this folder for `toy_workload`; children inherit PYTHONPATH.
FOLDERS = [str(ROOT), str(ROOT / "tests")]

#: The files of tests that take longest, roughly the longest first. They begin in this order, so
#: that at the end no process waits long for the others.
LONGEST = (
    *("e2e/test_onprem.py", "mnist_bench/loops/test_loops_alike.py", "e2e/test_surroundings.py"),
    *("e2e/test_faults.py", "bench/report/page/test_in_a_browser.py"),
    *("bench/dispatch/test_ray_local.py", "e2e/test_run.py", "e2e/test_examples.py"),
    # it waits most of its time, as the first one does: with few processes, they run apart
    *("e2e/test_fake_ec2.py", "chaos/test_chaos.py", "e2e/test_privacy.py"),
    *("perf/test_gpu_check.py", "mnist_bench/loops/test_compiled_torch.py"),
    *("bench/dispatch/test_ray_cluster.py", "e2e/test_limits.py"),
    *("bench/app/test_continuing.py", "e2e/test_disturbed.py"),
    *("bench/app/commands/test_run_series.py", "bench/app/test_campaign.py"),
    *("mnist_bench/test_workload.py", "tools/test_built.py", "fuzz/test_fuzz.py"),
    *("bench/app/commands/test_run_precision.py", "bench/app/test_until_told.py"),
)

# A shell that starts the tests in the background lets them ignore SIGINT, and nohup SIGHUP.
# What they start would ignore both.
signal.signal(signal.SIGINT, signal.default_int_handler)
signal.signal(signal.SIGHUP, signal.SIG_DFL)

# A shell may forbid Python to keep what it compiles. The tests start Python hundreds of times, and
# each would compile all modules anew.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False

sys.path[:0] = [folder for folder in FOLDERS if folder not in sys.path]
_inherited = os.environ.get("PYTHONPATH", "").split(os.pathsep)
os.environ["PYTHONPATH"] = os.pathsep.join(
    [*FOLDERS, *(folder for folder in _inherited if folder and folder not in FOLDERS)]
)


@pytest.fixture(scope="session")
def mnist_file() -> Path | None:
    """The file of the real MNIST (MNIST_BENCH_DATA, else ../shared), None where it is not here."""
    named = os.environ.get("MNIST_BENCH_DATA")
    for path in (Path(named) if named else None, ROOT.parent / "shared" / "data" / "mnist.npz"):
        if path is not None and path.is_file():
            return path
    return None


@pytest.fixture(scope="session")
def synthetic_set() -> Any:
    """The synthetic set as every run makes it; one for all tests, because it takes seconds."""
    from mnist_bench.synthetic import make_synthetic  # the path is set above

    return make_synthetic()


@pytest.fixture
def synthetic_at_once(synthetic_set: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let what runs in this process find the synthetic set already made."""
    monkeypatch.setattr("mnist_bench.data.make_synthetic", lambda: synthetic_set)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Run files that hold a `plain_ray` last: it imports Ray as it is, which is then so for good.

    Ray reads its environment once a process, and what embeds a Ray here needs one of its own.
    The longest files come first.
    """
    plain = {item.path for item in items if item.get_closest_marker("plain_ray")}
    places = {ROOT / "tests" / name: place for place, name in enumerate(LONGEST)}
    items.sort(key=lambda item: (item.path in plain, places.get(item.path, len(places))))


def pytest_collection_finish() -> None:
    """Leave what all tests share out of each search for garbage, which then takes little time."""
    gc.collect()
    gc.freeze()


@pytest.fixture
def tree(tmp_path):
    """Write files below a root; return a function that writes more, and the root."""

    def write(files):
        for name, text in files.items():
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(f"{text}\n")
        return tmp_path

    return write
