"""The end of a run: its report is written and its jobs are counted, whatever ended it."""

from __future__ import annotations

import json
import signal
from dataclasses import replace

import pytest
import toy_workload
from command_line import PROGRAM
from launches import toy_job
from plans import a_plan

from bench import stops
from bench.app.campaign import Campaign
from bench.app.commands import report
from bench.app.commands import run as run_module
from bench.errors import DispatchError
from bench.spec.request import MeasureLimits, ReportRequest


class Broken(Campaign):
    """A campaign whose transport breaks at its end."""

    def run(self):
        super().run()
        raise DispatchError("planted")


@pytest.mark.slow
def test_a_run_that_ray_ends_still_has_the_report_of_what_was_measured(tmp_path, capsys):
    campaign = Broken(a_plan(tmp_path, (toy_job("ok"),)), tmp_path / "out")
    with pytest.raises(DispatchError, match="planted"):
        run_module.measure_and_report(campaign)
    assert (tmp_path / "out" / "summary.md").exists()
    assert "1 of 1 jobs measured" in capsys.readouterr().out


@pytest.mark.slow
def test_a_run_that_breaks_before_its_journal_exists_is_an_error_without_a_report(tmp_path):
    class Never(Campaign):
        def run(self):
            raise DispatchError("planted")

    with pytest.raises(DispatchError, match="planted"):
        run_module.measure_and_report(Never(a_plan(tmp_path), tmp_path / "out"))
    assert not (tmp_path / "out").exists()


@pytest.mark.slow
def test_a_limit_that_is_over_at_once_ends_with_a_report_and_code_1(tmp_path, capsys):
    limits = MeasureLimits(max_s=1e-9)
    campaign = Campaign(a_plan(tmp_path), tmp_path / "out", limits=limits)
    assert run_module.measure_and_report(campaign) == 1
    printed = capsys.readouterr()
    assert "0 of 3 jobs measured, 0 failed, 1 skipped" in printed.out
    assert "minutes is reached" in printed.out
    assert (tmp_path / "out" / "summary.md").exists()


@pytest.mark.slow
def test_a_signal_during_the_report_is_told_and_decides_the_end_of_the_sitting(
    tmp_path, monkeypatch, capsys
):
    """The code of the sitting ends a series, and takes a cluster down."""
    real, codes = run_module.make_report, []

    def signalled(*given, **more):
        signal.raise_signal(signal.SIGTERM)
        return real(*given, **more)

    monkeypatch.setattr(run_module, "make_report", signalled)
    campaign = Campaign(a_plan(tmp_path, (toy_job("ok"),)), tmp_path / "out")

    def work():
        codes.append(run_module.measure_and_report(campaign))
        return codes[0]

    assert stops.guarded(work, lambda: print("told twice")) == 130
    assert codes == [130]
    assert stops.words() == "what was measured is kept"
    assert (tmp_path / "out" / "summary.md").exists()
    said = capsys.readouterr().out
    assert said.endswith("interrupted: the report is written all the same\n")


def test_a_report_of_journals_holds_the_command_that_made_it(tmp_path, monkeypatch):
    campaign = Campaign(a_plan(tmp_path, (toy_job("ok"),)), tmp_path / "out")
    campaign.run()
    monkeypatch.setattr("platform.node", lambda: "bobs-desk")
    typed = ("mnist-bench", "report", "/net/bobs-desk/a journal.jsonl")
    request = ReportRequest(toy_workload.NAME, (campaign.path,), tmp_path / "again")
    assert report.execute(request, replace(PROGRAM, typed=typed)) == 0
    summary = json.loads((tmp_path / "again" / "summary.json").read_text())
    (row,) = (row for row in summary["reproduce"] if row["name"] == "report command")
    assert row["value"].startswith("mnist-bench report '/net/host-")
    assert "bobs-desk" not in row["value"]
