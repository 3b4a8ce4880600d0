"""A real run of toys that is looked at while it goes on, by real HTTP."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time

import pytest
from command_line import run_command
from launches import toy_job
from live_clients import Follower, answer, free_port
from plans import a_plan
from toy_runs import look_shortly, toy_words
from toy_workload import WORKLOAD

from bench.app.campaign import Campaign
from bench.app.live import figures as figures_module
from bench.app.live import live as live_module
from bench.app.live.figures import newest
from bench.app.live.live import Live

JOBS = (*(toy_job("second", seed=seed) for seed in range(4)), toy_job("raise"))


@pytest.fixture
def eager(monkeypatch):
    """Make figures after every job, however long that takes."""
    monkeypatch.setattr(live_module, "FIGURES_SHARE", 1e9)


@pytest.mark.slow
def test_a_run_is_seen_from_its_first_job_to_its_report(tmp_path, monkeypatch, capsys, eager):
    look_shortly(monkeypatch)
    port = free_port()
    words = [*toy_words(tmp_path, "out", "[1, 2, 3]"), "--serve", str(port)]
    with Follower(port) as seen:
        assert run_command(words) == 0
    assert f"live:    http://127.0.0.1:{port}/ (on this machine alone" in capsys.readouterr().out
    assert seen.phases[-1] in ("reporting", "ended"), "the report may come before the last state"
    assert seen.phases[:2] in (["starting", "measuring"], ["measuring", "reporting"])
    letters = [one["machines"][0]["states"] for one in seen.states if one["machines"]]
    assert "w" in letters[0] and set(letters[-1]) <= {"m", "d"}
    assert any("r" in states for states in letters)
    assert seen.ended == (tmp_path / "out" / "summary.html").read_bytes(), "the report is the page"
    assert b"connect-src" not in seen.ended
    with pytest.raises(OSError, match="refused"):
        answer(port)


@pytest.mark.slow
def test_a_run_that_is_interrupted_ends_with_its_own_code_and_shows_its_report(tmp_path):
    port = free_port()
    words = toy_words(tmp_path, "out", "[1, 2]")
    (tmp_path / "toys.yaml").write_text("name: t\nsubgrids: [{models: [ok, hang], epochs: 2}]\n")
    command = [sys.executable, "-m", "mnist_bench.run", *words[1:], "--serve", str(port)]
    with Follower(port) as seen:
        run = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        deadline_s = time.monotonic() + 90
        while not seen.is_at("r") and time.monotonic() < deadline_s:
            time.sleep(0.05)
        run.send_signal(signal.SIGINT)
        said = run.communicate(timeout=90)[0]
    assert run.returncode == 130
    assert "interrupted: the same command goes on" in said
    assert seen.phases[-1] in ("reporting", "ended")
    assert seen.ended == (tmp_path / "out" / "summary.html").read_bytes()
    assert "r" not in seen.states[-1]["machines"][0]["states"]


@pytest.mark.slow
def test_figures_are_made_between_jobs_and_hold_the_jobs_so_far(tmp_path, eager):
    port = free_port()
    with Follower(port) as seen, Live(WORKLOAD, tmp_path / "out", port, poll_s=0.2) as live:
        campaign = Campaign(a_plan(tmp_path, JOBS), tmp_path / "out", viewer=live)
        campaign.run()
    counts = sorted(seen.pages)
    assert counts[0] == 0 and len(counts) > 2
    first, last = seen.pages[counts[0]], seen.pages[counts[-1]]
    assert b'id="live"' in first and b'id="table-failures"' not in first
    assert b'id="table-failures"' in last and b"connect-src 'self'" in last
    of = {one["figures"]: one["figures_of"] for one in seen.states}
    assert [of[count] for count in counts] == sorted(set(of.values()))
    assert len(campaign.read().records) == 5


@pytest.mark.slow
def test_without_a_page_open_no_figures_are_made(tmp_path, monkeypatch, eager):
    monkeypatch.setattr(figures_module, "report_of", lambda *given, **more: pytest.fail("made"))
    with Live(WORKLOAD, tmp_path / "out", poll_s=0.2) as live:
        answer(live.port)  # opened, but gone before it asked for anything
        Campaign(a_plan(tmp_path, JOBS[:2]), tmp_path / "out", viewer=live).run()
        assert json.loads(answer(live.port, "/states.json")[2])["figures"] == 0


@pytest.mark.slow
def test_figures_that_cannot_be_made_are_told_and_harm_nothing(tmp_path, monkeypatch, eager):
    def fails(*given, **more):
        raise ZeroDivisionError("planted")

    monkeypatch.setattr(figures_module, "report_of", fails)
    port = free_port()
    with Follower(port) as seen, Live(WORKLOAD, tmp_path / "out", port, poll_s=0.2) as live:
        campaign = Campaign(a_plan(tmp_path, JOBS), tmp_path / "out", viewer=live)
        campaign.run()
    assert len(campaign.read().records) == len(campaign.plan.jobs)
    assert any("ZeroDivisionError: planted" in one["about_figures"] for one in seen.states)


def test_a_pause_follows_figures_that_is_as_many_times_as_long(tmp_path, monkeypatch):
    """They take at most the share of the time that they may take."""
    made, now = [], [0.0]
    monkeypatch.setattr(live_module.time, "monotonic", lambda: now[0])
    with Live(WORKLOAD, tmp_path) as live:
        monkeypatch.setattr(Live, "_is_watched", True)
        monkeypatch.setattr(type(live._board), "goes_on", True)

        def make(report):
            made.append(now[0])
            now[0] += 3.0

        monkeypatch.setattr(live, "_make", make)
        for number in range(200):
            now[0] += 1.0
            live._records = number + 1
            live.between_jobs(lambda: pytest.fail("the double needs no run"))
        spent_s, passed_s = 3.0 * (len(made) - 1), made[-1] - made[0]
        assert spent_s / passed_s <= live_module.FIGURES_SHARE
        assert len(made) > 2
        monkeypatch.undo()


def test_a_run_that_breaks_waits_for_no_page(tmp_path, monkeypatch):
    monkeypatch.setattr(Live, "_show_the_end", lambda live: pytest.fail("it waited"))
    port = free_port()

    def broken():
        with Live(WORKLOAD, tmp_path, port):
            answer(port, "/states.json?page=one")
            raise KeyError("planted")

    with pytest.raises(KeyError):
        broken()
    with pytest.raises(OSError, match="refused"):
        answer(port)


def test_a_port_that_is_taken_ends_the_command_before_anything_is_measured(tmp_path, capsys):
    with Live(WORKLOAD, tmp_path) as live:
        words = [*toy_words(tmp_path, "out"), "--serve", str(live.port)]
        assert run_command(words) == 2
    assert f"error: port {live.port} of this machine is unavailable" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_the_newest_journals_are_kept_as_far_as_they_fit(tmp_path):
    paths = []
    for number, lines in enumerate((5, 5, 3, 4)):
        paths.append(tmp_path / f"{number}.jsonl")
        paths[-1].write_text("{}\n" * lines)
    assert newest(paths, 7) == paths[2:]
    assert newest(paths, 11) == paths[2:], "an older one is not taken before a newer one"
    assert newest(paths, 12) == paths[1:]
    assert newest(paths, 100) == paths
    assert newest([], 5) == []
