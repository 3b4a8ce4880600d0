"""The journals of many machines: they are real ones, and one machine more changes no other."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from bench.analysis.job_counts import counts_of
from bench.analysis.results import analyse
from bench.app.folder_runs import runs_of
from bench.record.journal import find_journals
from mnist_bench.description import DESCRIPTION


@pytest.fixture
def many_machines(monkeypatch):
    monkeypatch.syspath_prepend(str(Path(__file__).parent))
    import many_machines  # it finds `plausible` by being run from its folder

    return many_machines


def test_the_journals_are_read_without_a_warning_and_hold_every_job(many_machines, tmp_path):
    many_machines.write_journals(3, 30, tmp_path)
    found = runs_of(find_journals(tmp_path / "journals"))
    assert not found.left_out
    assert not any(run.warnings for run in found.runs)
    counts = counts_of(found.runs)
    assert (counts.planned, counts.measured + counts.failed) == (90, 90)
    assert all(run.complete for run in found.runs)
    results = analyse(found.runs, DESCRIPTION.outline)
    assert [one.fits().count for one in results.contenders] == [2, 2, 2]
    assert len(results.headline.names) == 3


def test_one_machine_more_changes_no_other(many_machines, tmp_path):
    few, more = tmp_path / "few", tmp_path / "more"
    many_machines.write_journals(1, 4, few)
    many_machines.write_journals(2, 4, more)
    for path in find_journals(few / "journals"):
        assert path.read_bytes() == (more / "journals" / path.name).read_bytes()
    assert len(find_journals(more / "journals")) == 4


def test_what_a_command_took_is_measured_with_its_exit_code(many_machines):
    taken = many_machines.measured([sys.executable, "-c", "x = bytes(2**26); raise SystemExit(3)"])
    assert taken.code == 3
    assert taken.peak_bytes > 2**26
    assert taken.cpu_s > 0


@pytest.mark.slow
def test_a_report_of_the_journals_is_measured(many_machines, tmp_path, capsys):
    assert many_machines.main(["2", "8", str(tmp_path), "--report"]) == 0
    assert "| 2 | 8 |" in capsys.readouterr().out
    assert json.loads((tmp_path / "summary.json").read_text())["ranking"]
