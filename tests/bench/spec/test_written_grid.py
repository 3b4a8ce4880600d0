"""Grids as users write them: what may be left out, and which key is named if one is wrong."""

from __future__ import annotations

import pytest
from small_grid import SMALL, parsed

from bench.errors import RequestError
from bench.spec.axes import Axis
from bench.spec.description import Description
from bench.spec.grid import expand
from bench.spec.written_grid import parse_grid


def test_one_value_may_stand_for_a_list_of_one():
    (sub,) = parsed(seeds=7, read_off=1).subgrids
    assert (sub.axes["model"], sub.epochs) == (("mlp",), (2,))
    assert (sub.seeds, sub.read_off) == ((7,), (1,))


def test_the_epochs_of_a_workload_may_have_a_default():
    own = Description("own", "Own", (Axis("size", "int", 8),), default_epochs=3)
    grid = parse_grid({"name": "g", "subgrids": [{"sizes": [8, 16]}]}, "g", own)
    assert [job.epochs for job in expand(grid, own)] == [3, 3]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"colour": "red"}, ["subgrids.0.colour", "'red'", "known keys are models, optimizers"]),
        ({"modles": "mlp"}, ["subgrids.0.modles", "did you mean models?"]),
        ({"optimizers": "adm"}, ["'adm'", "did you mean adam?"]),
        ({"rates": "fast"}, ["subgrids.0.rates.0", "'fast'"]),
        ({"sparse": "yes"}, ["subgrids.0.sparse.0", "'yes'"]),
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
        ({"evaluate": "evry"}, ["subgrids.0.evaluate", "'evry'", "'end' or 'every'"]),
        ({"threads": 0}, ["subgrids.0.threads.0", "0", "from 1 to 100000, or max"]),
        ({"threads": [1, "most"]}, ["subgrids.0.threads.1", "'most'", "from 1 to 100000, or max"]),
        ({"threads": True}, ["subgrids.0.threads.0", "True"]),
        ({"threads": None}, ["subgrids.0.threads.0", "None"]),
        ({"threads": []}, ["subgrids.0.threads", "[]"]),
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
        parse_grid(document, "mine.yaml", SMALL)
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
        parse_grid(document, "mine.yaml", SMALL)


@pytest.mark.parametrize(
    "change",
    [{"epochs": 100_001}, {"seeds": 2**32}, {"seeds": -1}, {"repeats": 1001}, {"threads": 100_001}],
    ids=str,
)
def test_a_number_that_no_job_can_have_is_refused_with_its_key(change):
    with pytest.raises(RequestError, match=next(iter(change))):
        parsed(**change)
