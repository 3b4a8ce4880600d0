"""What a process of ours takes from the user's environment."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from bench.outside import environment
from bench.outside.environment import ensure_home, for_python, python_path


def test_a_python_of_ours_gets_neither_ray_s_variables_nor_what_bends_an_interpreter():
    given = {
        **{"RAY_ADDRESS": "http://elsewhere", "PYTHONINSPECT": "1", "PYTHONWARNINGS": "error"},
        **{"PYTHONOPTIMIZE": "2", "PYTHONSTARTUP": "x.py", "PYTHONUTF8": "0"},
        **{"PYTHONPATH": "/there", "PYTHONHOME": "/usr", "HOME": "/home/x", "http_proxy": "p"},
    }
    assert for_python(given) == {
        **{"PYTHONPATH": "/there", "PYTHONHOME": "/usr", "HOME": "/home/x", "http_proxy": "p"},
        "PYTHONUTF8": "1",
    }


def test_this_package_comes_before_all_that_pythonpath_names():
    first, rest = python_path({"PYTHONPATH": "/there"}).split(":")
    assert (Path(first) / "bench" / "outside").is_dir()
    assert rest == "/there"


def homeless(monkeypatch, temporary):
    """Let this process have no home; the list of users, which names one, is not asked."""
    monkeypatch.setattr(environment.os.path, "expanduser", lambda path: path)
    monkeypatch.setattr(environment.tempfile, "tempdir", str(temporary))
    monkeypatch.setenv("HOME", "put back afterwards")


def test_a_user_without_a_home_gets_a_private_folder_that_stays_the_same(monkeypatch, tmp_path):
    homeless(monkeypatch, tmp_path)
    ensure_home()
    first = Path(os.environ["HOME"])
    assert first.parent == tmp_path
    assert stat.S_IMODE(first.stat().st_mode) == 0o700
    ensure_home()
    assert Path(os.environ["HOME"]) == first


def test_a_file_in_the_place_of_that_folder_is_not_taken_for_it(monkeypatch, tmp_path):
    homeless(monkeypatch, tmp_path)
    (tmp_path / f"home-{os.getuid()}").touch()
    ensure_home()
    assert Path(os.environ["HOME"]).is_dir()


@pytest.mark.parametrize("place", ["a link", "open to others"])
def test_a_folder_that_others_can_write_or_lead_elsewhere_is_no_home(monkeypatch, tmp_path, place):
    homeless(monkeypatch, tmp_path)
    planted, elsewhere = tmp_path / f"home-{os.getuid()}", tmp_path / "elsewhere"
    elsewhere.mkdir(mode=0o700)
    if place == "a link":
        planted.symlink_to(elsewhere)
    else:
        planted.mkdir()
        planted.chmod(0o777)
    ensure_home()
    home = Path(os.environ["HOME"])
    assert home.resolve() not in (planted, elsewhere)
    assert stat.S_IMODE(home.lstat().st_mode) == 0o700


def test_a_user_s_home_is_left_alone(monkeypatch):
    monkeypatch.setenv("HOME", "/home/x")
    ensure_home()
    assert os.environ["HOME"] == "/home/x"
