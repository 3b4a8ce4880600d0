"""Operations and bytes of a step, counted from the real Keras models against sums by hand."""

from __future__ import annotations

import pytest
from builders import a_job

from mnist_bench.models import build_model
from mnist_bench.settings import settings_of
from mnist_bench.step_work import count_work

pytestmark = pytest.mark.slow

#: Multiply-adds an image: the layers of the two networks, by hand.
MLP = (784 * 512, 512 * 10)
CNN = (26 * 26 * 3 * 3 * 1 * 32, 11 * 11 * 3 * 3 * 32 * 64, 1600 * 10)


def settings(**changes):
    return settings_of(a_job(**changes))


def by_hand(layers: tuple[int, ...]) -> int:
    """Forward, the kernels' gradients, and the inputs' gradients of all layers but the first."""
    return 2 * (sum(layers) + sum(layers) + sum(layers[1:]))


@pytest.fixture(scope="module")
def models():
    return {name: build_model(name, seed=1) for name in ("mlp", "cnn")}


@pytest.mark.parametrize(("name", "layers"), [("mlp", MLP), ("cnn", CNN)])
def test_operations_are_those_of_matrix_products_and_convolutions(models, name, layers):
    work = count_work(models[name], settings(model=name, batch_size=128))
    assert work.flops == 128 * by_hand(layers)


def test_operations_grow_with_the_batch_and_not_with_the_optimizer(models):
    def flops(**fields):
        return count_work(models["cnn"], settings(**fields)).flops

    assert flops(batch_size=512) == 4 * flops(batch_size=128)
    assert flops(optimizer="sgd") == flops(optimizer="adam")


def test_bytes_of_an_mlp_step_are_weights_activations_and_pixels(models):
    work = count_work(models["mlp"], settings(model="mlp", optimizer="sgd", batch_size=128))
    weights = 407_050 * 4 * (2 + 2 + 2)
    activations = 5 * 128 * (512 + 10) * 4
    assert work.bytes == weights + activations + 2 * 128 * 784 * 4


def test_an_optimizer_with_slots_moves_more(models):
    moved = {
        name: count_work(models["mlp"], settings(model="mlp", optimizer=name)).bytes
        for name in ("sgd", "rmsprop", "adam")
    }
    slot = 407_050 * 4 * 2
    assert moved["rmsprop"] - moved["sgd"] == moved["adam"] - moved["rmsprop"] == slot


def test_a_compiled_loop_reads_a_pixel_as_one_byte(models):
    fit, compiled = (
        count_work(models["cnn"], settings(loop=loop)).bytes for loop in ("fit", "compiled")
    )
    assert fit - compiled == 2 * 128 * 784 * 3


def test_half_precision_halves_the_bytes_of_activations_alone(models):
    full, half = (
        count_work(models["cnn"], settings(precision=precision)).bytes
        for precision in ("float32", "bfloat16")
    )
    outputs = 26 * 26 * 32 + 13 * 13 * 32 + 11 * 11 * 64 + 5 * 5 * 64 + 1600 + 10
    assert full - half == 5 * 128 * outputs * 2 + 34_826 * 2 * 2
