"""Jobs and grids: what a grid expands to, what identifies a job, and which requests are wrong."""

from __future__ import annotations

import hashlib
import random

import pytest
from pydantic import ValidationError

from bench.errors import RequestError
from bench.spec.frozen import canonical_json
from bench.spec.grid import GridSpec, SubGrid, check_choices, expand, override, parse_grid, shuffled
from bench.spec.job import JobSpec

CHOICES = {"models": ("mlp", "cnn"), "optimizers": ("sgd", "adam")}
JOB = JobSpec(model="mlp", optimizer="sgd", epochs=3, dataset="mnist")


def a_grid(*subgrids):
    """Return a grid of sub-grids, each given by the axes that differ from one MLP epoch."""
    base = {"models": ("mlp",), "optimizers": ("sgd",), "epochs": (1,)}
    return GridSpec(name="g", subgrids=tuple(SubGrid(**{**base, **sub}) for sub in subgrids))


def parsed(**changes):
    """Parse a grid document of one sub-grid with `changes`."""
    sub = {"models": "mlp", "optimizers": "sgd", "epochs": 2, **changes}
    return parse_grid({"name": "mine", "subgrids": [sub]}, "mine.yaml", CHOICES)


def test_a_grid_expands_in_grid_order_each_axis_faster_than_the_one_before():
    grid = a_grid({"models": ("mlp", "cnn"), "optimizers": ("sgd", "adam"), "seeds": (2, 1)})
    found = [(job.model, job.optimizer, job.seed) for job in expand(grid, "mnist")]
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


def test_every_job_says_its_dataset_and_whether_it_is_as_published():
    (job,) = expand(a_grid({}), "synthetic", as_published=True)
    assert (job.dataset, job.as_published) == ("synthetic", True)


@pytest.mark.parametrize(
    "change",
    [
        {"model": "cnn"},
        {"optimizer": "adam"},
        {"epochs": 4},
        {"batch_size": 64},
        {"seed": 1},
        {"loop": "other"},
        {"precision": "float16"},
        {"backend": "other"},
        {"dataset": "synthetic"},
        {"as_published": True},
        {"read_off": (1,)},
        {"repeat": 1},
    ],
    ids=lambda change: next(iter(change)),
)
def test_a_job_s_id_changes_with_every_field(change):
    assert set(change) <= set(JobSpec.model_fields)
    assert JOB.model_copy(update=change).job_id != JOB.job_id


def test_a_job_s_id_is_the_same_everywhere_and_for_ever():
    text = (
        '{"as_published":false,"backend":"tensorflow","batch_size":128,"dataset":"mnist",'
        '"epochs":3,"loop":"fit","model":"mlp","optimizer":"sgd","precision":"float32",'
        '"read_off":[],"repeat":0,"seed":1234}'
    )
    digest = hashlib.sha256(text.encode()).hexdigest()[:8]
    assert JOB.job_id == f"mlp-sgd-e3-s1234-{digest}"
    assert JobSpec.model_validate_json(JOB.model_dump_json()).job_id == JOB.job_id


def test_one_value_has_one_json_text():
    assert canonical_json({"b": 1, "a": [1, 2]}) == canonical_json({"a": [1, 2], "b": 1})
    assert canonical_json({"b": 1, "a": [1, 2]}) == '{"a":[1,2],"b":1}'


def test_one_value_may_stand_for_a_list_of_one():
    (sub,) = parsed(seeds=7, read_off=1).subgrids
    assert (sub.models, sub.epochs, sub.seeds, sub.read_off) == (("mlp",), (2,), (7,), (1,))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"colour": "red"}, ["subgrids.0.colour", "'red'", "known keys are models, optimizers"]),
        ({"epochs": "three"}, ["subgrids.0.epochs", "'three'", "integer"]),
        ({"epochs": 1.5}, ["subgrids.0.epochs", "1.5"]),
        ({"epochs": -1}, ["subgrids.0.epochs", "-1"]),
        ({"epochs": 0}, ["subgrids.0.epochs", "0"]),
        ({"batch_sizes": [128, 0]}, ["subgrids.0.batch_sizes.1", "0"]),
        ({"seeds": -1}, ["subgrids.0.seeds", "-1"]),
        ({"models": []}, ["subgrids.0.models", "[]", "at least 1"]),
        ({"models": None}, ["subgrids.0.models", "None"]),
        ({"models": "vit"}, ["subgrids[0]", "models", "'vit'", "mlp, cnn"]),
        ({"optimizers": ["sgd", "adamw"]}, ["optimizers", "'adamw'", "sgd, adam"]),
        ({"read_off": 3}, ["read_off", "[3]", "1 to 2"]),
        ({"read_off": [0, 1]}, ["subgrids.0.read_off.0", "0"]),
        ({"repeats": 0}, ["subgrids.0.repeats", "0"]),
        ({"repeats": 10**9}, ["subgrids.0.repeats", "1000000000"]),
    ],
    ids=str,
)
def test_a_wrong_value_is_named_with_its_key_and_its_place(change, words):
    with pytest.raises(RequestError) as caught:
        parsed(**change)
    assert [word for word in ["mine.yaml", *words] if word not in str(caught.value)] == []


@pytest.mark.parametrize("document", [None, [], "text", 3])
def test_a_document_that_is_no_mapping_is_named_by_its_kind(document):
    with pytest.raises(RequestError, match="not a mapping") as caught:
        parse_grid(document, "mine.yaml", CHOICES)
    assert caught.value.seen == type(document).__name__


@pytest.mark.parametrize(
    ("document", "key"),
    [
        ({"name": "mine"}, "subgrids"),
        ({"name": "mine", "subgrids": []}, "subgrids"),
        ({"name": "mine", "subgrids": "mlp"}, "subgrids"),
        ({"name": "mine", "subgrids": ["mlp"]}, "subgrids.0"),
        ({"name": "", "subgrids": [{}]}, "name"),
        ({"subgrids": [{"models": "mlp", "optimizers": "sgd", "epochs": 1}]}, "name"),
    ],
)
def test_a_grid_of_the_wrong_shape_is_named_by_its_key(document, key):
    with pytest.raises(RequestError, match=f"key '{key}"):
        parse_grid(document, "mine.yaml", CHOICES)


def test_choices_are_checked_only_where_an_axis_is_given():
    check_choices({"models": None, "optimizers": ["sgd"]}, CHOICES, "command line")
    with pytest.raises(RequestError, match=r"command line: .*models \(seen: 'vit'\)"):
        check_choices({"models": ["mlp", "vit"]}, CHOICES, "command line")


def test_an_override_takes_the_place_of_an_axis_in_every_subgrid():
    grid = override(a_grid({"seeds": (1,)}, {"seeds": (2, 3)}), {"seeds": [9]}, 2)
    assert [sub.seeds for sub in grid.subgrids] == [(9,), (9,)]
    assert [sub.repeats for sub in grid.subgrids] == [2, 2]


def test_an_empty_override_changes_nothing():
    grid = a_grid({"seeds": (1,)}, {"read_off": (1,), "epochs": (3,)})
    assert override(grid, {"seeds": []}, None) == grid


def test_an_override_of_models_keeps_the_subgrids_about_them():
    grid = a_grid({"models": ("mlp",), "seeds": (1,)}, {"models": ("cnn",), "seeds": (2,)})
    assert [sub.seeds for sub in override(grid, {"models": ["cnn"]}, None).subgrids] == [(2,)]
    assert len(override(grid, {"models": ["mlp", "cnn"]}, None).subgrids) == 2


def test_an_override_of_models_that_no_subgrid_has_keeps_them_all():
    grid = override(a_grid({"seeds": (1,)}, {"seeds": (2,)}), {"models": ["cnn"]}, None)
    assert [sub.models for sub in grid.subgrids] == [("cnn",), ("cnn",)]
    assert [sub.seeds for sub in grid.subgrids] == [(1,), (2,)]


def test_an_override_of_epochs_leaves_out_read_offs_that_they_do_not_reach():
    grid = a_grid({"epochs": (15,), "read_off": (2, 5)})
    assert override(grid, {"epochs": [3]}, None).subgrids[0].read_off == (2,)
    assert override(grid, {"epochs": [2]}, None).subgrids[0].read_off == ()


def test_the_order_of_jobs_depends_on_the_seed_and_not_on_how_they_came():
    jobs = expand(a_grid({"seeds": tuple(range(20))}), "mnist")
    order = shuffled(jobs, 1)
    mixed = list(jobs)
    random.Random(5).shuffle(mixed)
    assert shuffled(mixed, 1) == order
    assert shuffled(jobs, 2) != order
    assert order != jobs
    assert sorted(job.seed for job in order) == list(range(20))


def test_a_specification_is_not_changed_in_place():
    with pytest.raises(ValidationError, match="frozen"):
        JOB.epochs = 5
