"""Packages that are missing, too old or not the tested ones: planted as real metadata on disk."""

from __future__ import annotations

import sys

import pytest
from doctors import found

from bench.app.doctor import software
from bench.spec.request import Program

PLANTED = Program("planted-program", "doctors:NEEDY")

METADATA = """Metadata-Version: 2.4
Name: planted-program
Version: 1.0
Requires-Python: {python}
Requires-Dist: click>=8
Requires-Dist: planted-windows-package; sys_platform == "win32"
{more}
"""


@pytest.fixture
def install(tmp_path, monkeypatch):
    """Return a function that installs a program with the given requirements, as pip notes it."""

    def installed(*requirements, python=">=3.11"):
        folder = tmp_path / "planted_program-1.0.dist-info"
        folder.mkdir()
        more = "\n".join(f"Requires-Dist: {line}" for line in requirements)
        (folder / "METADATA").write_text(METADATA.format(python=python, more=more))
        monkeypatch.syspath_prepend(tmp_path)

    return installed


def states(check, **more):
    return [(one.state, one.seen, one.cure) for one in found(check, program=PLANTED, **more)]


def test_all_that_is_required_is_installed(install):
    install()
    ((state, seen, _),) = states("packages")
    assert state == "ok"
    assert "planted-program 1.0" in seen


def test_a_missing_and_a_too_old_package_would_stop_a_run(install):
    install("planted-absent-package>=2", "pandas>=9999")
    ((state, seen, cure),) = states("packages")
    assert state == "problem"
    assert "planted-absent-package is not installed" in seen
    assert "pandas>=9999 is needed" in seen
    assert cure == "make setup"


def test_a_missing_extra_for_reports_is_named_and_stops_no_run(install):
    install('planted-absent-package>=2; extra == "report"')
    first, (state, seen, cure) = states("packages")
    assert first[0] == "ok"
    assert state == "warning"
    assert "the extra report is incomplete" in seen
    assert "planted-absent-package" in seen
    assert cure == "make setup EXTRAS=report"


def test_a_missing_extra_for_the_named_cluster_would_stop_a_run(install, tmp_path):
    install('planted-absent-package>=2; extra == "aws"', 'pandas[planted-extra]; extra == "aws"')
    file = tmp_path / "cloud.yaml"
    file.write_text("cluster_name: x\nprovider: {type: aws, region: us-west-2}\n")
    assert [state for state, *_ in states("packages")] == ["ok"]
    (_, (state, seen, cure)) = states("packages", cluster=file)
    assert state == "problem"
    assert "the extra aws is incomplete, which the cluster needs: planted-absent-package" in seen
    assert cure == "make setup EXTRAS=aws"


def test_a_python_that_the_program_was_not_made_for_is_named(install):
    install(python=">=3.99")
    ((state, seen, cure),) = states("python")
    assert state == "problem"
    assert ">=3.99 is needed" in seen
    assert "PYTHON=" in cure


def test_a_program_that_is_not_installed_is_told_how_to_be(tmp_path):
    for check in ("python", "packages"):
        ((state, seen, cure),) = states(check)
        assert state == "skipped"
        assert "is not installed" in seen
        assert cure == "make setup"


def test_an_untested_version_is_named_beside_the_tested_one(monkeypatch, tmp_path):
    pins = tmp_path / "constraints.txt"
    pins.write_text("# a comment\nclick==0.0.1\nplanted-absent-package==1.0\n")
    monkeypatch.setattr(software, "pins_file", lambda: pins)
    ((state, seen, cure),) = states("versions")
    assert state == "warning"
    assert "instead of 0.0.1" in seen
    assert "planted-absent-package" not in seen
    assert cure == "make setup"


def test_an_installed_wheel_has_no_file_of_pins_and_installs_by_pip(monkeypatch, tmp_path, install):
    monkeypatch.setattr(software, "pins_file", lambda: tmp_path / "nowhere")
    install("planted-absent-package")
    assert [state for state, *_ in states("versions")] == ["skipped"]
    ((_, _, cure),) = states("packages")
    assert cure == f"{sys.executable} -m pip install --upgrade 'planted-program'"


def test_what_the_workload_could_use_as_well_is_named_with_its_command():
    (one,) = found("optional")
    assert (one.state, one.cure) == ("skipped", "install-more")
    assert "planted is not installed" in one.seen
