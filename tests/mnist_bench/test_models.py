"""The two networks: their published size, their seeded first weights and batch orders."""

from __future__ import annotations

import math
import re

import numpy as np
import pytest

from bench.child.meter import arrays_digest
from mnist_bench.drawings import DRAWINGS
from mnist_bench.models import (
    ARCHITECTURES,
    batch_orders,
    build_model,
    initial_weights,
)

pytestmark = pytest.mark.slow

SHAPES = {
    "mlp": [(784, 512), (512,), (512, 10), (10,)],
    "cnn": [(3, 3, 1, 32), (32,), (3, 3, 32, 64), (64,), (1600, 10), (10,)],
}


@pytest.fixture(scope="module", params=["mlp", "cnn"])
def built(request):
    """A network's name and its model, built by the real Keras."""
    return request.param, build_model(request.param, seed=7)


def test_a_network_has_as_many_parameters_as_were_published(built):
    name, model = built
    assert model.count_params() == {"mlp": 407_050, "cnn": 34_826}[name]
    assert ARCHITECTURES[name].parameters == model.count_params()


def test_a_network_takes_images_of_its_shape_and_gives_ten_probabilities(built):
    name, model = built
    images = np.zeros((2, *ARCHITECTURES[name].image_shape), dtype=np.float32)
    given = np.asarray(model(images))
    assert given.shape == (2, 10)
    np.testing.assert_allclose(given.sum(axis=1), 1, rtol=1e-5)


def test_the_drawing_of_a_network_shows_the_layers_of_the_real_model(built):
    name, model = built
    (drawing,) = (one for one in DRAWINGS if one.name == name)
    first, *layers = drawing.layers
    assert first.output_shape == ARCHITECTURES[name].image_shape
    real = [re.sub(r"_\d+$", "", layer.name) for layer in model.layers]
    assert [layer.name for layer in layers] == real
    assert [layer.output_shape for layer in layers] == [
        tuple(layer.output.shape[1:]) for layer in model.layers
    ]
    assert [layer.parameters for layer in layers] == [
        layer.count_params() for layer in model.layers
    ]


def test_a_network_starts_from_the_seeded_weights(built):
    name, model = built
    expected = initial_weights(SHAPES[name], seed=7)
    trained = [np.asarray(variable) for variable in model.trainable_variables]
    assert [array.shape for array in trained] == SHAPES[name]
    for found, wanted in zip(trained, expected, strict=True):
        np.testing.assert_array_equal(found, wanted)


def test_the_same_seed_builds_the_same_network_and_another_seed_another(built):
    name, model = built
    digest = arrays_digest(model.get_weights())
    assert arrays_digest(build_model(name, 7).get_weights()) == digest
    assert arrays_digest(build_model(name, 8).get_weights()) != digest


@pytest.mark.parametrize("name", ["mlp", "cnn"])
def test_first_weights_are_within_glorot_s_limit_and_biases_zero(name):
    for shape, array in zip(SHAPES[name], initial_weights(SHAPES[name], 1234), strict=True):
        assert array.dtype == np.float32
        if len(shape) == 1:
            assert not array.any()
            continue
        limit = math.sqrt(6 / (math.prod(shape[:-2]) * (shape[-2] + shape[-1])))
        assert 0.95 * limit < np.abs(array).max() <= limit * (1 + 1e-6)
        assert abs(array.mean()) < 4 * limit / math.sqrt(3 * array.size)


def test_arrays_of_one_shape_have_weights_of_their_own():
    first, second = initial_weights([(8, 8), (8, 8)], 1)
    assert not np.array_equal(first, second)


def test_each_epoch_s_order_is_a_permutation_of_its_own():
    orders = batch_orders(1234, 4, 1000)
    assert orders.shape == (4, 1000)
    assert orders.dtype == np.int32
    np.testing.assert_array_equal(np.sort(orders, axis=1), np.tile(np.arange(1000), (4, 1)))
    assert len({order.tobytes() for order in orders}) == 4


def test_a_short_job_sees_the_first_orders_of_a_long_one():
    np.testing.assert_array_equal(batch_orders(5, 2, 300), batch_orders(5, 15, 300)[:2])


def test_another_seed_gives_other_orders():
    assert not np.array_equal(batch_orders(5, 1, 300), batch_orders(6, 1, 300))


def test_the_digest_changes_with_one_bit_a_shape_or_the_order():
    arrays = initial_weights([(4, 6), (6,)], 1)
    digest = arrays_digest(arrays)
    changed = [array.copy() for array in arrays]
    changed[0].view(np.uint32)[2, 3] ^= 1
    assert arrays_digest(changed) != digest
    assert arrays_digest([arrays[0].reshape(6, 4), arrays[1]]) != digest
    assert arrays_digest(arrays[::-1]) != digest
    assert arrays_digest([array.copy() for array in arrays]) == digest


def test_the_digest_is_of_the_values_and_not_of_how_they_lie_in_memory():
    array = np.arange(12, dtype=np.float32).reshape(3, 4)
    assert arrays_digest([np.asfortranarray(array)]) == arrays_digest([array])
    assert arrays_digest([array.astype(">f4")]) == arrays_digest([array])
