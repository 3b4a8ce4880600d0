"""What all tests share: where the code and the real data are, for this process and its children."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[1]

#: The project itself, and this folder for `toy_workload`; children inherit PYTHONPATH.
FOLDERS = [str(ROOT), str(ROOT / "tests")]

#: The tests on hosts that are simulated on this machine. They mostly wait, and they take longest.
LABS = ("test_fake_ec2.py", "test_onprem.py")

# A shell that starts the tests in the background lets them ignore SIGINT, and what they start too.
signal.signal(signal.SIGINT, signal.default_int_handler)

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


def _group(item: pytest.Item) -> str:
    """Name the tests that one process runs: those of a file, of the labs, of plain Ray."""
    if item.get_closest_marker("plain_ray"):
        return "plain_ray"
    return "labs" if item.path.name in LABS else item.path.relative_to(ROOT).as_posix()


@pytest.hookimpl(tryfirst=True)  # pytest-xdist reads the groups in the same hook
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Run what is marked `plain_ray` last: it imports Ray as it is, which is then so for good.

    Ray reads its environment once a process, and what embeds a Ray here needs one of its own.
    If several processes share the tests, the labs come first, because they take longest.
    """
    items.sort(key=lambda item: item.get_closest_marker("plain_ray") is not None)
    if hasattr(config, "workerinput"):
        items.sort(key=lambda item: _group(item) != "labs")
        for item in items:
            item.add_marker(pytest.mark.xdist_group(_group(item)))


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
