"""Several sittings by one command: their pauses, their limits, and how a series goes on."""

from __future__ import annotations

import itertools
import re
import signal
import subprocess
import sys
from datetime import UTC, datetime, timedelta

import pytest
from command_line import run_command
from conftest import ROOT
from sealing import cut_last_record
from toy_runs import look_shortly, toy_words

from bench import stops
from bench.app.commands import run_series
from bench.app.commands.run_series import SittingEnd
from bench.record.journal import find_journals, read_run
from bench.spec.request import MeasureLimits, RunRequest, SeriesRequest
from bench.stops import INTERRUPTED
from tests.e2e import journey


class Clock(datetime):
    """The time of day, which passes only while the program waits."""

    passed = timedelta()

    @classmethod
    def now(cls, tz=None):
        return datetime.now(tz) + cls.passed


@pytest.fixture
def naps(monkeypatch):
    """Let no wait take time; return the seconds of each wait."""
    slept = []

    def sleep(seconds):
        slept.append(seconds)
        Clock.passed += timedelta(seconds=seconds)

    monkeypatch.setattr(Clock, "passed", timedelta())
    monkeypatch.setattr(run_series, "datetime", Clock)
    # a timedelta would round the last wait to microseconds, and nothing would pass
    monkeypatch.setattr(run_series, "since_boot_s", lambda: sum(slept))
    monkeypatch.setattr(run_series.time, "sleep", sleep)
    return slept


def a_series(tmp_path, sats, *, sittings=3, **changes):
    """Run a series whose sittings end like `sats`; return the exit code and the turns."""
    turns, ends = [], iter(sats)

    def measure(turn):
        turns.append(turn)
        sat = next(ends)
        if isinstance(sat, BaseException):
            raise sat
        return sat

    request = RunRequest("x", "quick", out=tmp_path / "out", **changes)
    code = run_series.execute(request, SeriesRequest(sittings, 1800.0), "digest", measure)
    return code, turns


def test_each_sitting_has_its_place_and_all_but_the_first_wait_for_their_time(
    tmp_path, naps, capsys
):
    code, turns = a_series(tmp_path, [SittingEnd(0), SittingEnd(0), SittingEnd(0)])
    assert code == 0
    assert [(turn.place.number, turn.place.of, turn.last) for turn in turns] == [
        (1, 3, False),
        (2, 3, False),
        (3, 3, True),
    ]
    assert len({turn.place.series_id for turn in turns}) == 1
    assert sum(naps) == pytest.approx(3600, abs=5)
    said = capsys.readouterr().out
    assert said.count("waiting 30 min 00 s: sitting ") == 2
    assert said.endswith("3 of 3 sittings are measured\n")


def test_a_clock_that_is_set_back_in_a_pause_does_not_make_it_longer(tmp_path, naps, monkeypatch):
    class Back(Clock):
        @classmethod
        def now(cls, tz=None):
            return super().now(tz) - timedelta(days=1) * (len(naps) > 5)

    monkeypatch.setattr(run_series, "datetime", Back)
    code, _ = a_series(tmp_path, [SittingEnd(0), SittingEnd(0)], sittings=2)
    assert code == 0
    assert sum(naps) == pytest.approx(1800, abs=5)


def test_a_sitting_with_a_failed_job_does_not_end_the_series_but_shows_in_its_exit_code(
    tmp_path, naps
):
    code, turns = a_series(tmp_path, [SittingEnd(0), SittingEnd(1), SittingEnd(0)])
    assert (code, len(turns)) == (1, 3)


def test_the_limit_of_time_covers_the_series_with_its_pauses(tmp_path, naps, capsys):
    limits = MeasureLimits(max_s=1200, max_usd=6)
    code, turns = a_series(tmp_path, [SittingEnd(0)], limits=limits)
    assert (code, len(turns)) == (1, 1)
    assert naps == []
    assert turns[0].limits.max_s == pytest.approx(1200, abs=5)
    assert turns[0].limits.max_usd == 2
    assert (
        "the limit of 20 minutes leaves no time for sitting 2: 1 of 3 sittings is measured, and "
        "the same command measures the rest"
    ) in capsys.readouterr().out


def test_a_cluster_that_is_still_at_work_ends_the_series(tmp_path, naps, capsys):
    code, turns = a_series(tmp_path, [SittingEnd(1, cluster_goes_on=True)])
    assert (code, len(turns)) == (1, 1)
    assert "a cluster is still at work for this sitting" in capsys.readouterr().out


def test_an_interrupted_sitting_ends_the_series_with_its_own_exit_code(tmp_path, naps):
    code, turns = a_series(tmp_path, [SittingEnd(0), SittingEnd(INTERRUPTED)])
    assert (code, len(turns)) == (INTERRUPTED, 2)


def test_an_interrupt_before_anything_was_begun_is_left_to_the_command_line(tmp_path, naps):
    with pytest.raises(KeyboardInterrupt):
        a_series(tmp_path, [KeyboardInterrupt()])


def test_ctrl_c_while_the_program_waits_says_what_is_measured(tmp_path, monkeypatch, capsys):
    def interrupted(seconds):
        signal.raise_signal(signal.SIGINT)

    monkeypatch.setattr(run_series.time, "sleep", interrupted)
    code, turns = a_series(tmp_path, [SittingEnd(0)])
    assert (code, len(turns)) == (INTERRUPTED, 1)
    said = capsys.readouterr().out
    assert "interrupted: 1 of 3 sittings is measured, and the same command measures the" in said
    assert said.endswith(f"report:  {tmp_path / 'out' / 'summary.md'}\n")


@pytest.mark.parametrize("signals", [1, 2])
def test_signals_that_a_sitting_only_counted_end_the_series_before_its_pause(
    tmp_path, naps, capsys, signals
):
    """A sitting that writes its report counts a signal, and may end as usual."""

    def measure(turn):
        with stops.deferred():
            for _ in range(signals):
                signal.raise_signal(signal.SIGTERM)
        return SittingEnd(0)

    request = RunRequest("x", "quick", out=tmp_path / "out")
    asked = SeriesRequest(2, 1800.0)
    code = stops.guarded(
        lambda: run_series.execute(request, asked, "digest", measure), lambda: None
    )
    assert code == INTERRUPTED
    assert naps == []
    assert "interrupted: 1 of 2 sittings is measured" in capsys.readouterr().out


def test_a_signal_that_is_only_counted_in_the_midst_of_a_pause_ends_it(
    tmp_path, monkeypatch, capsys
):
    def counted(seconds):
        with stops.deferred():
            signal.raise_signal(signal.SIGTERM)

    monkeypatch.setattr(run_series.time, "sleep", counted)
    code = stops.guarded(
        lambda: a_series(tmp_path, [SittingEnd(0), SittingEnd(0)], sittings=2)[0], lambda: None
    )
    assert code == INTERRUPTED
    assert "interrupted: 1 of 2 sittings is measured" in capsys.readouterr().out


@pytest.mark.parametrize(("hours", "shown"), [(0, "12:00:05"), (24, "2026-11-02 12:00:05")])
def test_the_time_of_day_has_its_date_only_if_it_is_another_day(hours, shown):
    now = datetime(2026, 11, 1, 12).astimezone()
    at = (now + timedelta(hours=hours, seconds=5)).astimezone(UTC)
    assert run_series.time_of_day(at, now.astimezone(UTC)) == shown


@pytest.fixture
def words(tmp_path):
    """The words of a series of two sittings of one toy."""
    return [*toy_words(tmp_path, "out"), "--repeat-disturbed", "0"]


@pytest.fixture
def run(words, monkeypatch, capsys):
    """Give a run of one toy; return code and output."""
    look_shortly(monkeypatch)
    return lambda *more: (run_command([*words, *more]), capsys.readouterr().out)


def places(out):
    """Return the number of each run's sitting, by the order of the runs' beginnings."""
    headers = [read_run(path).header for path in find_journals(out / "journals")]
    headers.sort(key=lambda header: header.started_at)
    return [header.series and header.series.number for header in headers]


@pytest.mark.slow
def test_a_complete_series_is_followed_by_a_new_one(run, tmp_path):
    assert run("--sittings", "2", "--gap", "1s")[0] == 0
    assert run("--sittings", "2", "--gap", "1s")[0] == 0
    assert places(tmp_path / "out") == [1, 2, 1, 2]
    runs = map(read_run, find_journals(tmp_path / "out/journals"))
    assert len({one.header.series.series_id for one in runs}) == 2


@pytest.mark.slow
def test_only_the_missing_sittings_are_measured_and_one_that_was_cut_off_goes_on(run, tmp_path):
    out = tmp_path / "out"
    run("--sittings", "2", "--gap", "1s")
    last = max(find_journals(out / "journals"), key=lambda p: read_run(p).header.started_at)
    last.write_text("".join(last.read_text().splitlines(keepends=True)[:-1]))
    code, said = run("--sittings", "2", "--gap", "1h")
    assert code == 0, said
    assert "going on with a series: 1 of 2 sittings is measured" in said
    assert "waiting" not in said
    assert places(out) == [1, 2]
    last.unlink()
    code, said = run("--sittings", "2", "--gap", "1s")
    assert code == 0, said
    assert places(out) == [1, 2]


@pytest.mark.slow
@pytest.mark.parametrize("more", [["--fresh"], ["--order-seed", "5"]], ids=str)
def test_another_request_and_a_fresh_one_begin_a_series_of_their_own(run, tmp_path, more):
    run("--sittings", "2", "--gap", "1s")
    find_journals(tmp_path / "out/journals")[-1].unlink()
    code, said = run("--sittings", "2", "--gap", "1s", *more)
    assert code == 0, said
    assert "going on" not in said
    assert len(places(tmp_path / "out")) == 3


@pytest.mark.slow
def test_a_single_run_that_was_cut_off_is_no_part_of_a_series(run, tmp_path):
    run()
    (path,) = find_journals(tmp_path / "out/journals")
    cut_last_record(path)
    code, said = run("--sittings", "2", "--gap", "1s")
    assert code == 0, said
    assert f"note: {path.name} was cut off, but it is no sitting of this series" in said
    assert places(tmp_path / "out") == [None, 1, 2]


def test_a_dry_run_says_how_many_sittings_and_how_long_in_all(run, capsys):
    for only in ("--dry-run", "--list"):
        code, said = run("--sittings", "3", "--gap", "2h", only)
        assert code == 0
        assert "3 sittings of this job, 2 h 00 min apart: at least 4 h 00 min in all" in said
    assert "sittings" not in run("--sittings", "3", "--list", "--json")[1]
    grid = ["run", "--grid", "smoke", "--local-only", "--dry-run"]
    assert run_command([*grid, "--sittings", "2"]) == 0
    said = capsys.readouterr().out
    assert "2 sittings of these 2 jobs, 30 min 00 s apart: about 3" in said
    assert run_command([*grid, "--sittings", "3", "--gap", "30m", "--minutes", "5"]) == 0
    said = capsys.readouterr().out
    assert "3 sittings of these 2 jobs, 30 min 00 s apart: about 1 h 15 min in all" in said
    assert re.search(r"on \S+ (cores|CPUs?), in a run of 5 minutes; results would go to", said)


@pytest.mark.slow
def test_a_wait_that_is_interrupted_goes_on_with_the_sitting_that_is_missing(words, tmp_path):
    """The whole journey with a real process: Ctrl-C while it waits, then the same command again."""
    out = tmp_path / "out"
    command = [sys.executable, "-m", "mnist_bench", *words, "--sittings", "2", "--gap"]
    process = subprocess.Popen(
        [*command, "1h"], stdout=subprocess.PIPE, text=True, cwd=ROOT, start_new_session=True
    )
    seen = list(itertools.takewhile(lambda line: "waiting" not in line, process.stdout))
    process.send_signal(signal.SIGTERM)
    code, rest = journey.finish(process)
    assert code == INTERRUPTED, "".join([*seen, rest])
    assert "interrupted: 1 of 2 sittings is measured, and the same command" in rest
    assert journey.summary(out)["capacity"][0]["n"] == 1
    done = subprocess.run([*command, "1s"], capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 0, done.stdout
    assert "going on with a series: 1 of 2 sittings is measured" in done.stdout
    assert "2 of 2 sittings are measured" in done.stdout
    assert places(out) == [1, 2]
    assert journey.summary(out)["capacity"][0]["n"] == 2
