"""The grids of the package, and the jobs that they make."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from bench.spec.grid import expand
from bench.spec.grid_files import load_grid
from mnist_bench.description import DESCRIPTION, GRIDS
from mnist_bench.models import ARCHITECTURES, OPTIMIZERS

FOLDER = Path(__file__).resolve().parents[2] / "mnist_bench" / "grids"


def jobs_of(name):
    return expand(load_grid(name, DESCRIPTION), DESCRIPTION, "mnist")


def test_the_names_are_those_of_the_files():
    assert set(GRIDS) == {path.stem for path in FOLDER.glob("*.yaml")}


@pytest.mark.parametrize("name", GRIDS)
def test_a_grid_of_the_package_loads_and_is_called_what_it_is_called(name):
    grid = load_grid(name, DESCRIPTION)
    assert grid.name == name
    assert grid.about
    assert expand(grid, DESCRIPTION, "mnist")


def test_smoke_has_both_models():
    assert {job.axes["model"] for job in jobs_of("smoke")} == set(ARCHITECTURES)


def test_quick_has_five_jobs_and_repeats_one_cheap_cell():
    jobs = jobs_of("quick")
    cells = Counter((job.axes["model"], job.axes["optimizer"], job.seed) for job in jobs)
    assert cells == {
        ("mlp", "sgd", 1234): 2,
        ("mlp", "rmsprop", 1234): 1,
        ("mlp", "adam", 1234): 1,
        ("cnn", "adam", 1234): 1,
    }
    assert {job.epochs for job in jobs} == {2}


def test_threads_asks_for_growing_numbers_of_threads_and_for_all_usable_cpus():
    jobs = jobs_of("threads")
    assert {job.threads for job in jobs} == {1, 2, 4, 8, None}
    assert len(jobs) == 10


def test_paper_covers_the_twelve_published_rows_with_six_jobs():
    jobs = jobs_of("paper")
    rows = {
        (job.axes["model"], job.axes["optimizer"], epochs)
        for job in jobs
        for epochs in (*job.read_off, job.epochs)
    }
    assert len(jobs) == 6
    assert rows == {(m, o, e) for m in ("mlp", "cnn") for o in OPTIMIZERS for e in (2, 15)}


def test_accuracy_has_the_jobs_of_paper_on_three_seeds_and_evaluates_every_epoch():
    jobs = jobs_of("accuracy")
    assert {job.evaluated_after for job in jobs} == {tuple(range(1, 15))}
    assert {job.read_off for job in jobs} == {(2,)}
    assert {job.name for job in jobs_of("paper")} < {job.name for job in jobs}
    assert len(jobs) == 18


def test_full_holds_every_job_of_paper():
    full = {job.job_id for job in jobs_of("full")}
    assert {job.job_id for job in jobs_of("paper")} < full


def test_full_gives_every_published_row_two_seeds_and_the_mlp_s_timed_one_three():
    jobs = [job for job in jobs_of("full") if job.epochs == 15]
    seeds = {}
    for job in jobs:
        seeds.setdefault((job.axes["model"], job.axes["optimizer"]), set()).add(job.seed)
    assert {key: len(found) for key, found in seeds.items()} == {
        (model, optimizer): 3 if (model, optimizer) == ("mlp", "rmsprop") else 2
        for model in ("mlp", "cnn")
        for optimizer in ("sgd", "rmsprop", "adam")
    }


def test_full_sweeps_batches_from_32_to_8192_in_both_loops():
    jobs = jobs_of("full")
    swept = {}
    for job in jobs:
        if job.epochs == 2 and (job.axes["backend"], job.axes["precision"]) == (
            "tensorflow",
            "float32",
        ):
            swept.setdefault((job.axes["model"], job.axes["loop"]), set()).add(
                job.axes["batch_size"]
            )
    sizes = {32, 128, 512, 2048, 8192}
    assert swept == {
        (model, loop): sizes for model in ("mlp", "cnn") for loop in ("fit", "compiled")
    }
