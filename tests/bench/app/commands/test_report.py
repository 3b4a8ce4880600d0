"""`mnist-bench report --no-figures`: the same report without pictures and charts."""

from __future__ import annotations

import pytest
from command_line import run_command
from figure_runs import figure_runs
from sittings_on_disk import write

pytestmark = pytest.mark.slow


def test_figures_are_left_out_on_request_and_those_of_an_earlier_report_are_removed(tmp_path):
    write(tmp_path, figure_runs(["fast", "slow"]))
    words = ["report", "--out", str(tmp_path)]
    assert run_command(words) == 0
    page = (tmp_path / "summary.html").read_text()
    markdown = (tmp_path / "summary.md").read_text()
    assert (tmp_path / "figures" / "speed.svg").exists()
    assert "figures/speed.svg" in markdown

    assert run_command([*words, "--no-figures"]) == 0
    assert not list((tmp_path / "figures").iterdir())
    plain = (tmp_path / "summary.md").read_text()
    assert "figures/" not in plain
    assert "it was written with --no-figures" in plain
    assert tables(plain) == tables(markdown)
    assert len((tmp_path / "summary.html").read_text()) < 0.5 * len(page)


def tables(markdown):
    return [line for line in markdown.splitlines() if line.startswith("| ")]
