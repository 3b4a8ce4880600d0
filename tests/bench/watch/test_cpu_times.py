"""Busy and stolen time of /proc/stat, and when it is not believed; the texts are made by hand."""

from __future__ import annotations

import pytest

from bench.probe.fact import Absent
from bench.watch.cpu_times import CpuTimes
from bench.watch.files import KeptFile
from bench.watch.flags import Job, flagged
from bench.watch.ledger import Ledger


def stat(*rows, tail="intr 1 2 3"):
    """Return a text of /proc/stat; a row is (number, user, idle, interrupts, stolen) in ticks."""
    lines = [
        f"cpu{cpu} {user} 0 0 {idle} 0 0 {irq} {steal}" for cpu, user, idle, irq, steal in rows
    ]
    return "\n".join(["cpu  9 9 9 9 9 9 9 9", *lines, tail, ""])


class Looks:
    """Readings of a /proc/stat a second apart, beside what our own processes used."""

    def __init__(self, folder, text, cpus=(0, 1)):
        self.file, self.now_s, self.ledger, self.cpus = folder / "stat", 0.0, Ledger(), len(cpus)
        self.file.write_text(text)
        self.read = CpuTimes(KeptFile(self.file), frozenset(cpus), lambda: self.now_s)
        self.look(text, 0.0, 0.0)

    def look(self, text, own_cpu_s, after_s=1.0, **more):
        self.file.write_text(text)
        self.now_s += after_s
        own = {"own_cpu_s": own_cpu_s, "tree_cpu_s": own_cpu_s}
        self.ledger.add(self.now_s, {**self.read(), **own, **more})

    def seen(self, begin_s=0.0):
        seen = self.ledger.interference(begin_s, self.now_s, self.cpus)
        return flagged(seen, Job(threads=self.cpus, cpus=self.cpus))


def test_what_is_busy_and_not_our_own_is_foreign_on_the_job_s_cpus_alone(tmp_path):
    looks = Looks(tmp_path, stat((0, 0, 0, 0, 0), (1, 0, 0, 0, 0), (7, 0, 0, 0, 0)))
    looks.look(stat((0, 100, 0, 0, 0), (1, 50, 45, 0, 5), (7, 100, 0, 0, 0)), 0.9)
    seen = looks.seen()
    assert (seen.foreign_cpus, seen.steal_share) == (pytest.approx(0.6), pytest.approx(0.025))
    assert (seen.flag, seen.doubts) == ("disturbed", {})


def test_busy_time_that_is_less_than_our_own_processes_used_is_unknown(tmp_path):
    looks = Looks(tmp_path, stat((0, 0, 0, 0, 0), (1, 0, 0, 0, 0)))
    looks.look(stat((0, 40, 60, 0, 0), (1, 40, 60, 0, 0)), 1.9)
    seen = looks.seen()
    assert (seen.foreign_cpus, seen.flag) == (None, "unknown")
    assert seen.doubts["foreign_cpus"] == (
        "0.80 s of CPU time are counted, but our own processes used 1.90 s"
    )
    assert set(seen.doubts_by_meter) == {"CPU times"}


def test_interrupts_and_stolen_time_may_stand_in_the_time_of_processes(tmp_path):
    looks = Looks(tmp_path, stat((0, 0, 0, 0, 0), (1, 0, 0, 0, 0)))
    looks.look(stat((0, 70, 0, 30, 0), (1, 97, 0, 0, 3)), 1.95)
    assert (looks.seen().foreign_cpus, looks.seen().flag) == (0.0, "quiet")


def test_a_file_that_does_not_count_is_unknown_even_if_no_job_runs(tmp_path):
    text = stat((0, 0, 0, 0, 0), (1, 0, 0, 0, 0))
    looks = Looks(tmp_path, text)
    looks.look(text, 0.0)
    looks.look(text, 0.0)
    seen = looks.seen()
    assert (seen.foreign_cpus, seen.steal_share, seen.flag) == (None, None, "unknown")
    assert seen.doubts["foreign_cpus"] == "no CPU time in /proc/stat moved for 1 s"


def test_two_looks_at_nearly_one_time_may_say_the_same(tmp_path):
    looks = Looks(tmp_path, stat((0, 0, 0, 0, 0), (1, 0, 0, 0, 0)))
    text = stat((0, 0, 100, 0, 0), (1, 0, 100, 0, 0))
    looks.look(text, 0.0)
    looks.look(text, 0.0, after_s=0.1)
    assert (looks.seen().foreign_cpus, looks.seen().flag) == (0.0, "quiet")


@pytest.mark.parametrize(
    ("row", "foreign", "stolen", "flag", "reason"),
    [
        ((1, 0, 0, 0, 4), None, 0.0, "unknown", "the busy time of CPU 1 fell by 5 s"),
        ((1, 900, 0, 0, 4), None, 0.0, "unknown", "the busy time of CPU 1 rose by 4 s in 1 s"),
        ((1, 600, 0, 0, 10**15), 0.0, None, "unknown", "the stolen time of CPU 1 rose by 1e+13 s"),
        ((1, 600, 0, 0, 0), 0.0, None, "unknown", "the stolen time of CPU 1 fell by 0.04 s"),
        ((1, 590, 0, 0, 90), None, None, "unknown", "the busy and the stolen time of CPU 1 rose"),
        ((1, 600, 0, 0, 3), 0.0, 0.0, "quiet", None),  # a tick is an error of rounding
    ],
    ids=["fell", "jumped", "steal jumped", "steal fell", "both together", "rounded"],
)
def test_an_impossible_move_of_one_cpu_is_unknown_and_other_figures_stand(
    tmp_path, row, foreign, stolen, flag, reason
):
    looks = Looks(tmp_path, stat((0, 500, 0, 0, 4), (1, 500, 0, 0, 4)))
    looks.look(stat((0, 600, 0, 0, 4), row), 2.0)
    seen = looks.seen()
    assert (seen.foreign_cpus, seen.steal_share, seen.flag) == (foreign, stolen, flag)
    assert (reason or "") in " ".join(seen.doubts.values())
    user, steal = row[1], row[4]
    looks.look(stat((0, 700, 0, 0, 4), (1, user + 100, 0, 0, steal)), 4.0)
    assert looks.seen(begin_s=1.0).flag == "quiet"  # it counts on from there


def test_a_cpu_that_goes_offline_makes_the_rest_of_the_job_unknown(tmp_path):
    looks = Looks(tmp_path, stat((0, 0, 0, 0, 0), (1, 9000, 0, 0, 0)))
    looks.look(stat((0, 100, 0, 0, 0)), 1.0)
    seen = looks.seen()
    assert (seen.foreign_cpus, seen.flag) == (None, "unknown")
    assert seen.doubts["foreign_cpus"] == ("/proc/stat has no row of CPU 1, which the job may use")


def test_rows_under_other_numbers_than_the_job_s_cpus_are_no_rows_of_them(tmp_path):
    with pytest.raises(Absent, match=r"no row of CPU 8 and 1 more.*under other numbers"):
        Looks(tmp_path, stat((0, 0, 0, 0, 0), (1, 0, 0, 0, 0)), cpus=(8, 9))


def test_a_row_beyond_the_size_that_is_read_at_first_is_read(tmp_path):
    rows = [(cpu, 0, 0, 0, 0) for cpu in range(3000)]
    looks = Looks(tmp_path, stat(*rows), cpus=(2999,))
    rows[2999] = (2999, 70, 30, 0, 0)
    looks.look(stat(*rows), 0.5)
    assert looks.seen().foreign_cpus == pytest.approx(0.2)


def test_others_that_were_seen_to_use_more_than_is_left_make_it_unknown(tmp_path):
    """The scans saw others use 0.9 CPUs; the counts leave them nothing."""
    looks = Looks(tmp_path, stat((0, 0, 0, 0, 0), (1, 0, 0, 0, 0)))
    for second, others_s in enumerate((0.0, 0.9, 1.8), 1):
        ticks = 50 * second
        text = stat((0, ticks, ticks, 0, 0), (1, ticks, ticks, 0, 0))
        looks.look(text, 1.0 * second, seen_foreign_cpu_s=others_s)
    seen = looks.seen()
    assert (seen.foreign_cpus, seen.flag) == (None, "unknown")
    assert "other processes used 1.80 s" in seen.doubts["foreign_cpus"]


def test_others_on_cpus_that_the_job_may_not_use_contradict_nothing(tmp_path):
    rows = lambda ticks: [(cpu, ticks if cpu < 2 else 100, 100, 0, 0) for cpu in range(4)]  # noqa: E731
    looks = Looks(tmp_path, stat(*rows(0)))
    for second in (1, 2):
        looks.look(stat(*rows(50 * second)), 1.0 * second, seen_foreign_cpu_s=2.0 * second)
    assert (looks.seen().foreign_cpus, looks.seen().flag) == (0.0, "quiet")
