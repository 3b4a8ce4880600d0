"""What is installed is what is pinned."""

from __future__ import annotations

import importlib.util
import re
import sysconfig
import tomllib
from importlib import metadata
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

ROOT = Path(__file__).resolve().parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]

#: This project with the extras that are installed here (`make test TEST_EXTRAS=` leaves two out).
WITH_EXTRAS = "mnist-bench[{}]".format(
    ",".join(
        [
            *("docs", "report", "test"),
            *(name for name in ("jax", "torch") if importlib.util.find_spec(name)),
        ]
    )
)


def pins() -> dict[str, list[Requirement]]:
    """Return the constraints by name; a name may have one line per environment marker."""
    found: dict[str, list[Requirement]] = {}
    for line in (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines():
        if line and not line.startswith("#"):
            pin = Requirement(line)
            found.setdefault(canonicalize_name(pin.name), []).append(pin)
    return found


def pinned_version(name: str) -> str | None:
    """Return the version that the constraints give `name` on this machine, or None."""
    applying = [p for p in pins().get(name, []) if p.marker is None or p.marker.evaluate()]
    return next(iter(applying[0].specifier)).version if applying else None


def closure(requirement: Requirement) -> dict[str, str]:
    """Return name -> installed version of a requirement and of all that it needs here."""
    found: dict[str, str] = {}
    waiting = [(requirement, "")]
    while waiting:
        wanted, extra = waiting.pop()
        if wanted.marker is not None and not wanted.marker.evaluate({"extra": extra}):
            continue
        name = canonicalize_name(wanted.name)
        if name in found and not wanted.extras:
            continue
        distribution = metadata.distribution(wanted.name)
        found[name] = Version(distribution.version).public  # +cpu is the same version
        needs = [Requirement(line) for line in distribution.requires or []]
        waiting += [(need, extra) for need in needs for extra in ["", *wanted.extras]]
    return found


# --- the pins ---------------------------------------------------------------------------------


def test_every_line_of_the_constraints_is_one_exact_pin():
    for lines in pins().values():
        for pin in lines:
            assert re.fullmatch(r"==[0-9][0-9A-Za-z.!]*", str(pin.specifier)), str(pin)
            assert pin.url is None
            assert not pin.extras


SET_UP_FILES = ["constraints.txt", "pyproject.toml", "Makefile", "tools/setup.sh", ".ci/run"]


@pytest.mark.parametrize("name", SET_UP_FILES)
def test_no_set_up_file_names_an_address_an_index_or_a_digest(name):
    text = (ROOT / name).read_text(encoding="utf-8")
    assert not re.search(r"://|--hash|index-url|find-links|trusted-host|\.org\b|\.io\b", text)


def test_the_pins_satisfy_the_minimums_of_the_project():
    extras = PROJECT["optional-dependencies"]
    named = ("docs", "report", "test", "jax", "torch")
    for line in [*PROJECT["dependencies"], *(line for name in named for line in extras[name])]:
        wanted = Requirement(line)
        version = pinned_version(canonicalize_name(wanted.name))
        assert version is not None, f"{wanted.name} is not pinned"
        assert wanted.specifier.contains(version), f"{wanted} but pinned {version}"


def test_everything_that_the_project_needs_is_installed_at_its_pin():
    installed = closure(Requirement(WITH_EXTRAS))
    del installed["mnist-bench"]
    pinned = {name: pinned_version(name) for name in installed}
    # the CUDA build of PyTorch brings packages that are of its own choosing
    cuda = {name for name in installed if name.startswith(("nvidia-", "cuda-", "triton"))}
    assert {n: v for n, v in installed.items() if n not in cuda} == {
        name: version for name, version in pinned.items() if name not in cuda
    }


def test_no_pin_is_for_a_package_that_nothing_needs():
    if "jax" not in WITH_EXTRAS or "torch" not in WITH_EXTRAS:
        pytest.skip("a backend is not installed, so what it needs cannot be known")
    installed = closure(Requirement(WITH_EXTRAS))
    applying = {name for name in pins() if pinned_version(name) is not None}
    assert applying - set(installed) == set()


# --- what is installed ------------------------------------------------------------------------


def test_the_version_stands_in_one_place():
    import bench

    assert metadata.version("mnist-bench") == bench.__version__
    assert "version" not in PROJECT


def test_the_console_command_is_installed_and_can_be_loaded():
    (entry,) = metadata.entry_points(group="console_scripts", name="mnist-bench")
    assert callable(entry.load())
    assert (Path(sysconfig.get_path("scripts")) / "mnist-bench").is_file()
