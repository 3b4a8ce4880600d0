"""Flags: what counts as a disturbance, of an epoch and of a whole job."""

from __future__ import annotations

import pytest
from conftest import ROOT

import bench.watch.flags as flags
from bench.record.conditions import Interference
from bench.watch.flags import CAUSES, EPOCHS_SHARE, Job, flagged, flagged_job
from bench.watch.ledger import judged, with_drift

JOB = Job(threads=2, cpus=2)


def seen(**figures):
    return Interference(**{"wall_s": 10.0, "foreign_cpus": 0.0, "job_cpu_s": 15.0, **figures})


def test_an_epoch_without_trouble_is_quiet():
    found = flagged(seen(steal_share=0.01, pressure_memory_full_share=0.0), JOB)
    assert (found.flag, found.causes) == ("quiet", ())


def test_an_epoch_of_which_foreign_cpu_is_unknown_is_not_called_quiet():
    assert flagged(seen(foreign_cpus=None), JOB).flag == "unknown"


@pytest.mark.parametrize(
    ("figure", "flag"), [("steal_share", "unknown"), ("NVML GPU 0", "quiet"), (None, "quiet")]
)
def test_an_epoch_of_which_a_cause_was_not_believed_is_not_called_quiet(figure, flag):
    doubts = {} if figure is None else {figure: "it fell"}
    assert flagged(seen(doubts=doubts), JOB).flag == flag
    assert flagged(seen(doubts=doubts, foreign_cpus=0.9), JOB).flag == "disturbed"


@pytest.mark.parametrize(
    ("figures", "name"),
    [
        ({"foreign_cpus": 0.9}, "foreign CPU"),
        ({"steal_share": 0.2}, "steal"),
        ({"pressure_memory_full_share": 0.05}, "memory pressure"),
        ({"pressure_io_full_share": 0.3}, "I/O pressure"),
        ({"swapped_bytes": 100 * 2**20}, "swap"),
        ({"frequency_drift": -0.3}, "lower clock"),
        ({"thermal_throttles": 1}, "thermal throttling"),
    ],
)
def test_each_disturbance_flags_its_epoch_by_name_and_value(figures, name):
    found = flagged(seen(**figures), JOB)
    assert found.flag == "disturbed"
    (cause,) = found.causes
    assert cause.startswith(f"{name} (")


def test_several_causes_are_all_named():
    causes = flagged(seen(foreign_cpus=1.0, steal_share=0.3), JOB).causes
    assert [cause.partition(" (")[0] for cause in causes] == ["foreign CPU", "steal"]


def test_strangers_on_cpus_that_the_job_does_not_need_disturb_nothing():
    big = Job(threads=4, cpus=16)
    assert flagged(seen(foreign_cpus=3.0), big).flag == "quiet"
    assert flagged(seen(foreign_cpus=12.5), big).flag == "disturbed"


@pytest.mark.parametrize(("quota", "flag"), [(0.5, "quiet"), (2.0, "disturbed"), (None, "quiet")])
def test_a_job_with_more_threads_than_quota_is_limited_and_not_disturbed(quota, flag):
    job = Job(threads=2, cpus=8, quota=quota)
    assert flagged(seen(throttled_periods_share=0.9), job).flag == flag


@pytest.mark.parametrize(
    ("job_cpu_s", "group_foreign_cpus", "flag"),
    [
        (9.9, None, "quiet"),
        (6.0, None, "disturbed"),
        (None, None, "quiet"),
        (6.0, 0.02, "quiet"),  # its own bursts
        (9.5, 0.2, "disturbed"),
    ],
)
def test_throttling_disturbs_a_job_that_others_keep_from_its_quota(
    job_cpu_s, group_foreign_cpus, flag
):
    job = Job(threads=1, cpus=8, quota=1.0)
    found = seen(
        throttled_periods_share=0.9, job_cpu_s=job_cpu_s, group_foreign_cpus=group_foreign_cpus
    )
    assert flagged(found, job).flag == flag


def test_pressure_of_an_idle_machine_is_nobody_s_loss():
    assert flagged(seen(job_cpu_s=None, pressure_io_full_share=0.5), JOB).flag == "quiet"


def test_a_job_is_disturbed_by_its_mean_or_by_a_fifth_of_its_epochs():
    quiet, hit = flagged(seen(), JOB), flagged(seen(foreign_cpus=0.9), JOB)
    assert flagged_job(seen(), [quiet] * 9 + [hit], JOB).flag == "quiet"
    whole = flagged_job(seen(), [quiet] * 8 + [hit] * 2, JOB)
    assert (whole.flag, whole.causes) == ("disturbed", ("foreign CPU (in 2 of 10 epochs)",))
    assert flagged_job(seen(foreign_cpus=0.5), [quiet] * 10, JOB).flag == "disturbed"


def test_clocks_are_compared_with_the_job_s_own_median():
    epochs = [seen(frequency_hz=hz) for hz in (3.0e9, 3.0e9, 2.4e9, None)]
    drifts = [epoch.frequency_drift for epoch in with_drift(epochs)]
    assert drifts == [0.0, 0.0, pytest.approx(-0.2), None]
    marked, _ = judged(epochs, seen(), JOB)
    assert [epoch.flag for epoch in marked] == ["quiet", "quiet", "disturbed", "quiet"]


def test_a_cpu_that_clocks_higher_for_its_first_seconds_disturbs_nothing():
    epochs = [seen(frequency_hz=hz) for hz in (4.7e9, *[4.1e9] * 9)]
    marked, whole = judged(epochs, seen(), JOB)
    assert {epoch.flag for epoch in marked} == {whole.flag} == {"quiet"}


def test_threads_of_one_core_are_in_each_other_s_way():
    job = Job(threads=4, cpus=8, cores=4)
    assert flagged(seen(foreign_cpus=2.0), job).flag == "disturbed"
    assert flagged(seen(foreign_cpus=2.0), Job(threads=4, cpus=8)).flag == "quiet"
    assert flagged(seen(foreign_cpus=2.0), Job(threads=1, cpus=8, cores=4)).flag == "quiet"


def test_strangers_in_a_container_disturb_by_its_quota_and_those_outside_do_not():
    job = Job(threads=1, cpus=64, quota=0.5)
    assert flagged(seen(foreign_cpus=9.0, group_foreign_cpus=0.0), job).flag == "quiet"
    found = flagged(seen(foreign_cpus=9.0, group_foreign_cpus=0.3), job)
    assert found.causes == ("foreign CPU in the group (0.3 CPUs)",)


def test_what_is_stolen_counts_by_the_cpus_that_the_job_can_fill():
    """A tenth of a percent of 64 CPUs' time may be all that one thread had."""
    assert flagged(seen(steal_share=0.5 / 64), Job(threads=1, cpus=64)).flag == "disturbed"
    assert flagged(seen(steal_share=0.5 / 64), Job(threads=64, cpus=64)).flag == "quiet"


def test_the_docstring_states_every_threshold():
    lines = [" ".join(line.split()) for line in flags.__doc__.splitlines()]
    starts = [f"{cause.name} {cause.threshold:g} " for cause in CAUSES]
    assert [start for start in starts if not any(line.startswith(start) for line in lines)] == []
    assert f"{EPOCHS_SHARE:.0%} of its epochs" in flags.__doc__


def test_every_threshold_is_documented_with_its_source():
    text = (ROOT / "docs" / "machine.md").read_text(encoding="utf-8")
    lines = [f"| {c.name} | {c.threshold:g} | {c.unit} | {c.source} |" for c in CAUSES]
    assert [line for line in lines if line not in text] == []


def test_every_threshold_has_its_source():
    assert [cause.name for cause in CAUSES if len(cause.source) < 20] == []
    assert len({cause.name for cause in CAUSES}) == len(CAUSES)
