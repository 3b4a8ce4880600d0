"""Records become tidy tables: one row per evaluation, per epoch, per failure."""

from __future__ import annotations

import pytest
from builders import a_job, a_measurement, a_record, a_run, an_evaluation, facts

from bench.analysis import frames
from bench.analysis.pooling import facts_key, measured_jobs
from bench.analysis.telling import APART
from bench.analysis.warmup import steady_steps
from bench.record.facts import GpuFacts
from bench.record.run import merged
from mnist_bench.description import DESCRIPTION

#: Epoch 1 compiles; the eleven steps of epoch 2 are 0.010 to 0.020 s, so p10 is 0.011 s.
EPOCH_1 = [1.0] + [0.5] * 10
EPOCH_2 = [0.010 + 0.001 * place for place in range(11)]
EPOCH_3 = [0.030] * 11


def jobs_frame(runs):
    return frames.jobs_frame(measured_jobs(merged(runs)), DESCRIPTION.outline)


def epochs_frame(runs):
    return frames.epochs_frame(measured_jobs(merged(runs)), DESCRIPTION.outline)


def test_a_read_off_gives_its_own_row_with_its_own_total():
    job = a_job(epochs=3, read_off=(2,))
    measured = a_measurement(
        [EPOCH_1, EPOCH_2, EPOCH_3],
        walls_s=(9.0, 2.0, 4.0),
        evaluations=[an_evaluation(2, 12.0, test_accuracy=0.9), an_evaluation(3, 17.0)],
    )
    rows = jobs_frame([a_run([a_record(job, measured)])])
    assert rows["epochs"] == [2, 3]
    assert rows["total_s"] == [12.0, 17.0]
    assert rows["train_s"] == [11.0, 15.0]
    assert rows["epoch_s"] == [2.0, 3.0]
    assert rows["metric.test_accuracy"] == [0.9, 0.98]
    assert rows["is_final"] == [False, True]
    assert [peak is None for peak in rows["peak_bytes"]] == [True, False]
    assert len(set(rows["job_id"])) == 1


def test_evaluations_after_every_epoch_are_rows_only_at_read_offs_and_at_the_end():
    job = a_job(epochs=3, read_off=(2,), evaluate="every")
    evaluations = [an_evaluation(epoch, 10.0 + epoch) for epoch in (1, 2, 3)]
    measured = a_measurement([EPOCH_1, EPOCH_2, EPOCH_3], evaluations=evaluations)
    rows = jobs_frame([a_run([a_record(job, measured)])])
    assert rows["epochs"] == [2, 3]
    assert rows["is_final"] == [False, True]


def test_steady_quantiles_leave_out_the_whole_first_epoch_of_several():
    rows = jobs_frame([a_run([a_record(a_job(), a_measurement([EPOCH_1, EPOCH_2]))])])
    assert rows["steady_steps"] == [11]
    assert rows["step_p10_s"] == [pytest.approx(0.011)]
    assert rows["step_median_s"] == [pytest.approx(0.015)]
    assert rows["step_p95_s"] == [pytest.approx(0.0195)]
    assert rows["first_step_s"] == [1.0]


def test_a_job_of_one_epoch_leaves_out_its_first_step_alone():
    times = [5.0, *EPOCH_2]
    measured = a_measurement([times], walls_s=(sum(times),))
    rows = jobs_frame([a_run([a_record(a_job(epochs=1), measured)])])
    assert rows["steady_steps"] == [11]
    assert rows["step_p10_s"] == [pytest.approx(0.011)]
    # its seconds hold a median step (0.015 s) in place of the first (5 s), as a later epoch would
    assert rows["epoch_s"] == [pytest.approx(sum(EPOCH_2) + 0.015)]
    assert steady_steps([12]).nonzero()[0].tolist() == list(range(1, 12))
    assert steady_steps([12, 12]).nonzero()[0].tolist() == list(range(12, 24))


def test_a_slow_epoch_among_several_counts_in_the_mean_step_and_not_in_the_median_epoch():
    measured = a_measurement([EPOCH_1, *[[0.01] * 10] * 4], walls_s=(9.0, 0.1, 0.1, 0.5, 0.1))
    rows = jobs_frame([a_run([a_record(a_job(epochs=5), measured)])])
    assert rows["epoch_s"] == [pytest.approx(0.1)]
    assert rows["step_mean_s"] == [pytest.approx(0.8 / 40)]


def test_a_smaller_last_batch_of_an_epoch_is_no_steady_step():
    assert steady_steps([3], ragged=True).tolist() == [False, True, False]
    assert steady_steps([3, 3, 3], ragged=True).tolist() == 3 * [False] + 2 * [True, True, False]
    measured = a_measurement([[1.0] * 8, [0.8] * 7 + [0.2]], ragged_last_step=True)
    row = jobs_frame([a_run([a_record(a_job(batch_size=8192), measured)])])
    assert row["step_p10_s"] == [pytest.approx(0.8)]


def test_step_times_that_do_not_add_up_with_the_epochs_give_no_quantiles():
    measured = a_measurement([EPOCH_1, EPOCH_2])
    short = measured.step_times.pack(EPOCH_1)
    broken = measured.model_copy(update={"step_times": short})
    rows = jobs_frame([a_run([a_record(a_job(), broken)])])
    assert rows["step_p10_s"] == [None]
    assert rows["steady_steps"] == [0]


def test_epochs_have_one_row_each_with_the_axes_of_their_job():
    run = a_run([a_record(a_job(optimizer="sgd"), a_measurement([EPOCH_1, EPOCH_2]))])
    rows = epochs_frame([run])
    assert rows["epoch"] == [1, 2]
    assert rows["axis.optimizer"] == ["sgd", "sgd"]
    assert rows["step_first_s"] == [1.0, 0.010]


def test_no_runs_give_empty_frames_with_all_their_columns():
    assert jobs_frame([])["step_p10_s"] == []
    assert epochs_frame([])["wall_s"] == []


@pytest.mark.parametrize(
    "change",
    [
        {"packages": {"keras": "3.11.0"}},
        {"python": "3.12.1"},
        {"machine_id": "other"},
        {"usable_cpus": 2.0},
        {"environment": {"TF_ENABLE_ONEDNN_OPTS": "0"}},
        {"cpu_governor": "powersave"},
        {"cpu_boost": False},
        {"gpu_driver": "570.86"},
        {"gpus": (GpuFacts(index=0, power_limit_w=250.0),)},
        {"instruction_sets": ("AVX2", "FMA", "AVX512F")},
        {"cpu_flags": ("avx2", "fma", "avx512f")},
        {"caches_bytes": {"L3": 2**25}},
        {"microarchitecture": "zen4"},
        {"cpu_signature": "family 25, model 17, stepping 1"},
    ],
)
def test_unlike_facts_give_unlike_machine_keys(change):
    assert facts_key("lab", facts()) != facts_key("lab", facts(**change))


def test_a_journal_that_holds_no_variables_is_pooled_with_one_in_which_none_is_set():
    assert facts_key("lab", facts(environment={})) == facts_key("lab", facts(environment=None))


def test_the_clock_rate_of_the_moment_keeps_nothing_apart():
    assert facts_key("lab", facts(cpu_now_hz=1e9)) == facts_key("lab", facts(cpu_now_hz=3e9))


def test_another_boot_keeps_nothing_apart_and_is_no_difference():
    first, second = facts(boot_hash="a" * 16), facts(boot_hash="b" * 16)
    assert facts_key("lab", first) == facts_key("lab", second)
    assert "boot_hash" in APART
