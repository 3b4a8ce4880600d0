"""Jobs and grids: what a grid expands to, what identifies a job, and which requests are wrong."""

from __future__ import annotations

import hashlib

import pytest
from pydantic import ValidationError
from small_grid import AXES, SMALL, parsed

from bench.errors import RequestError
from bench.spec import grid as grids
from bench.spec.axes import ALL
from bench.spec.description import Outline
from bench.spec.frozen import canonical_json
from bench.spec.grid import (
    GridChanges,
    GridSpec,
    SubGrid,
    check_choices,
)
from bench.spec.job import JobSpec, make_job
from mnist_bench.description import DESCRIPTION as REAL

JOB = make_job(AXES, {"model": "mlp", "optimizer": "sgd"}, epochs=3, seed=1234, dataset="mnist")


#: The name of a job of `parsed` with the default seed and threads.
JOB_NAME = "mlp-sgd-e2-s1234"


def expand(grid, dataset="mnist"):
    return grids.expand(grid, SMALL, dataset)


def override(grid, axes=None, **changes):
    return grids.override(grid, GridChanges(axes=axes or {}, **changes), SMALL)


def a_grid(*subgrids):
    """Return a grid of sub-grids, each given by the axes that differ from one MLP epoch."""
    return GridSpec(name="g", subgrids=tuple(a_subgrid(**sub) for sub in subgrids))


def a_subgrid(**changes):
    axes = {axis.name: (axis.default,) for axis in AXES} | {
        "model": ("mlp",),
        "optimizer": ("sgd",),
    }
    axes |= {axis.name: changes.pop(axis.key) for axis in AXES if axis.key in changes}
    return SubGrid(axes=axes, **{"epochs": (1,), **changes})


def test_a_grid_expands_in_grid_order_each_axis_faster_than_the_one_before():
    grid = a_grid({"models": ("mlp", "cnn"), "optimizers": ("sgd", "adam"), "seeds": (2, 1)})
    found = [(job.axes["model"], job.axes["optimizer"], job.seed) for job in expand(grid, "mnist")]
    assert found == [
        ("mlp", "sgd", 2),
        ("mlp", "sgd", 1),
        ("mlp", "adam", 2),
        ("mlp", "adam", 1),
        ("cnn", "sgd", 2),
        ("cnn", "sgd", 1),
        ("cnn", "adam", 2),
        ("cnn", "adam", 1),
    ]


def test_a_job_in_two_subgrids_is_one_job_at_its_first_place():
    grid = a_grid({"seeds": (1, 2)}, {"seeds": (3, 2)}, {"seeds": (1,)})
    assert [job.seed for job in expand(grid, "mnist")] == [1, 2, 3]


def test_repeats_are_jobs_of_their_own():
    jobs = expand(a_grid({"repeats": 3}), "mnist")
    assert [job.repeat for job in jobs] == [0, 1, 2]
    assert len({job.job_id for job in jobs}) == 3


def test_a_read_off_is_left_out_of_jobs_that_end_before_it():
    grid = a_grid({"epochs": (1, 2, 5), "read_off": (2,)})
    assert [job.read_off for job in expand(grid, "mnist")] == [(), (), (2,)]


def test_every_job_says_its_dataset_and_a_value_of_every_axis():
    (job,) = expand(a_grid({"sparse": (True,)}), "synthetic")
    assert job.dataset == "synthetic"
    assert job.axes == {
        "model": "mlp",
        "optimizer": "sgd",
        "batch_size": 128,
        "loop": "fit",
        "rate": 0.5,
        "sparse": True,
        "backend": "a",
    }


def test_a_job_s_name_holds_what_is_always_marked_and_what_is_unusual():
    values = {"model": "cnn", "optimizer": "adam", "batch_size": 64, "sparse": True, "loop": "own"}
    job = make_job(AXES, values, epochs=2, seed=7, repeat=1)
    assert job.name == "cnn-adam-e2-s7-b64-own-r1"


def test_threads_are_values_of_a_job_and_max_leaves_them_to_the_machine():
    grid = parsed(threads=[1, 2, "max"])
    jobs = expand(grid)
    assert [job.threads for job in jobs] == [1, 2, None]
    assert [job.name for job in jobs] == ["mlp-sgd-e2-s1234-t1", "mlp-sgd-e2-s1234-t2", JOB_NAME]
    assert [job.threads for job in expand(override(grid, threads=(4, None)))] == [4, None]
    assert [job.threads for job in expand(parsed(threads="max"))] == [None]
    assert [job.threads for job in expand(parsed())] == [None]


def test_a_job_may_be_evaluated_after_every_epoch_or_after_those_of_its_read_off():
    every = expand(parsed(epochs=[1, 4], read_off=2, evaluate="every"))
    assert [(job.evaluated_after, job.read_off) for job in every] == [((), ()), ((1, 2, 3), (2,))]
    assert [job.evaluate for job in every] == ["end", "every"], "one epoch has one evaluation"
    end = expand(parsed(epochs=4, read_off=2))
    assert [(job.evaluated_after, job.evaluate) for job in end] == [((2,), "end")]
    assert [job.evaluate for job in expand(override(parsed(), evaluate="every"))] == ["every"]
    kept = override(parsed(evaluate="every"))
    assert [job.evaluate for job in expand(kept)] == ["every"]


def test_the_word_all_stands_for_the_values_that_are_available_here():
    grid = parsed(backends=ALL)
    assert grid.subgrids[0].axes["backend"] == (ALL,)
    (sub,) = grids.with_available(grid, SMALL).subgrids
    assert sub.axes["backend"] == ("b",)


def test_what_a_journal_keeps_of_a_description_comes_back_as_it_was():
    again = Outline.model_validate_json(SMALL.outline.model_dump_json())
    assert again == SMALL.outline
    assert [type(axis.default) for axis in again.axes[2:6]] == [int, str, float, bool]


@pytest.mark.parametrize(
    "change",
    [
        {"epochs": 4},
        {"seed": 1},
        {"dataset": "synthetic"},
        {"read_off": (1,)},
        {"repeat": 1},
        {"threads": 2},
        {"evaluate": "every"},
    ],
    ids=lambda change: next(iter(change)),
)
def test_a_job_s_id_changes_with_every_field(change):
    assert set(change) <= set(JobSpec.model_fields)
    assert JOB.model_copy(update=change).job_id != JOB.job_id


@pytest.mark.parametrize(
    ("axis", "value"),
    [("model", "cnn"), ("batch_size", 64), ("rate", 0.25), ("sparse", True), ("backend", "b")],
)
def test_a_job_s_id_changes_with_every_axis(axis, value):
    other = JOB.model_copy(update={"axes": {**JOB.axes, axis: value}})
    assert other.job_id != JOB.job_id


def test_a_job_s_id_is_the_same_everywhere_and_for_ever():
    text = (
        '{"as_published":false,"backend":"tensorflow","batch_size":128,"dataset":"mnist",'
        '"epochs":3,"loop":"fit","model":"mlp","optimizer":"sgd","precision":"float32",'
        '"read_off":[],"repeat":0,"seed":1234}'
    )
    digest = hashlib.sha256(text.encode()).hexdigest()[:8]
    values = {"model": "mlp", "optimizer": "sgd"}
    job = make_job(REAL.axes, values, epochs=3, seed=1234, dataset="mnist")
    assert job.job_id == f"mlp-sgd-e3-s1234-{digest}"
    assert JobSpec.model_validate_json(job.model_dump_json()) == job


def test_one_value_has_one_json_text():
    assert canonical_json({"b": 1, "a": [1, 2]}) == canonical_json({"a": [1, 2], "b": 1})
    assert canonical_json({"b": 1, "a": [1, 2]}) == '{"a":[1,2],"b":1}'


def test_choices_are_checked_only_where_an_axis_is_given():
    check_choices({"optimizer": ["sgd"]}, SMALL, "command line")
    with pytest.raises(RequestError, match=r"command line: .*models \(seen: 'vit'\)"):
        check_choices({"model": ["mlp", "vit"]}, SMALL, "command line")


def test_an_override_takes_the_place_of_an_axis_in_every_subgrid():
    grid = override(a_grid({"seeds": (1,)}, {"seeds": (2, 3)}), seeds=(9,), repeats=2)
    assert [sub.seeds for sub in grid.subgrids] == [(9,), (9,)]
    assert [sub.repeats for sub in grid.subgrids] == [2, 2]


def test_an_empty_override_changes_nothing():
    grid = a_grid({"seeds": (1,)}, {"read_off": (1,), "epochs": (3,)})
    assert override(grid, {"model": ()}) == grid


def test_an_override_of_models_keeps_the_subgrids_about_them():
    grid = a_grid({"models": ("mlp",), "seeds": (1,)}, {"models": ("cnn",), "seeds": (2,)})
    assert [sub.seeds for sub in override(grid, {"model": ("cnn",)}).subgrids] == [(2,)]
    assert len(override(grid, {"model": ("mlp", "cnn")}).subgrids) == 2


def test_an_override_of_models_that_no_subgrid_has_keeps_them_all():
    grid = override(a_grid({"seeds": (1,)}, {"seeds": (2,)}), {"model": ("cnn",)})
    assert [sub.axes["model"] for sub in grid.subgrids] == [("cnn",), ("cnn",)]
    assert [sub.seeds for sub in grid.subgrids] == [(1,), (2,)]


def test_an_override_of_epochs_leaves_out_read_offs_that_they_do_not_reach():
    grid = a_grid({"epochs": (15,), "read_off": (2, 5)})
    assert override(grid, epochs=(3,)).subgrids[0].read_off == (2,)
    assert override(grid, epochs=(2,)).subgrids[0].read_off == ()


def test_a_specification_is_not_changed_in_place():
    with pytest.raises(ValidationError, match="frozen"):
        JOB.epochs = 5


@pytest.mark.parametrize(
    "change",
    [
        {"repeats": 1000, "seeds": list(range(100))},
        {"seeds": list(range(20_000))},
        {"epochs": list(range(1, 200)), "seeds": list(range(100))},
    ],
    ids=lambda change: "-".join(change),
)
def test_a_grid_of_too_many_jobs_is_refused_before_they_are_made(change):
    with pytest.raises(RequestError, match="more than 10000 jobs"):
        expand(parsed(**change))


def test_a_grid_of_the_most_jobs_is_taken():
    assert len(expand(parsed(repeats=1000, seeds=list(range(10))))) == 10_000


def test_jobs_that_a_grid_names_twice_count_once():
    assert [job.seed for job in expand(parsed(seeds=[2, 1] * 10_000))] == [2, 1]
    seeds = tuple(range(6000))
    jobs = expand(a_grid(*[{"seeds": seeds}] * 2))
    assert [job.seed for job in jobs] == [*seeds]
    with pytest.raises(RequestError, match=r"more than 10000 jobs \(seen: 12000\)"):
        expand(a_grid({"seeds": seeds}, {"seeds": tuple(range(6000, 12_000))}))


def test_sub_grids_that_share_all_their_jobs_are_no_bomb():
    with pytest.raises(RequestError, match="more than 200000 jobs, shared ones counted again"):
        expand(a_grid(*[{"seeds": tuple(range(10_000))}] * 21))
    many = {"epochs": (50_000,), "read_off": tuple(range(1, 50_000)), "repeats": 1000}
    with pytest.raises(RequestError, match="more than 10000000 read-offs"):
        expand(a_grid(many))
