"""The synthetic set: the same bytes everywhere, shaped like MNIST, learnable but not trivial."""

from __future__ import annotations

import numpy as np
import pytest
from threadpoolctl import threadpool_limits

from mnist_bench import synthetic
from mnist_bench.data import digests_of
from mnist_bench.synthetic import SYNTHETIC_DIGESTS, Arrays, make_synthetic


@pytest.fixture(scope="module")
def full() -> Arrays:
    return make_synthetic()


def test_the_default_set_is_the_pinned_one_to_the_last_bit(full: Arrays) -> None:
    assert digests_of(full) == SYNTHETIC_DIGESTS


def test_the_set_has_the_shapes_of_mnist(full: Arrays) -> None:
    shapes = [(a.shape, a.dtype) for a in full]
    assert shapes == [
        ((60000, 28, 28), np.uint8),
        ((60000,), np.uint8),
        ((10000, 28, 28), np.uint8),
        ((10000,), np.uint8),
    ]


def test_a_smaller_set_is_a_prefix_of_a_larger_one(full: Arrays) -> None:
    n = synthetic.CHUNK + 37
    small = make_synthetic(n_train=n, n_test=5)
    np.testing.assert_array_equal(small.x_train, full.x_train[:n])
    np.testing.assert_array_equal(small.y_train, full.y_train[:n])
    np.testing.assert_array_equal(small.x_test, full.x_test[:5])
    np.testing.assert_array_equal(small.y_test, full.y_test[:5])


def test_another_seed_draws_another_set() -> None:
    one, other = make_synthetic(1, 200, 100), make_synthetic(2, 200, 100)
    assert not np.array_equal(one.x_train, other.x_train)
    assert not np.array_equal(one.y_train, other.y_train)


def test_no_test_image_is_a_training_image(full: Arrays) -> None:
    seen = {image.tobytes() for image in full.x_train}
    assert len(seen) == 60000
    assert not any(image.tobytes() in seen for image in full.x_test)


def test_each_digit_is_about_a_tenth_of_each_half(full: Arrays) -> None:
    for labels in (full.y_train, full.y_test):
        share = np.bincount(labels, minlength=10) / len(labels)
        assert len(share) == 10
        assert share.min() > 0.085
        assert share.max() < 0.115


def test_an_empty_half_still_has_its_shape_and_a_negative_seed_or_size_is_refused() -> None:
    assert make_synthetic(n_train=0, n_test=3).x_train.shape == (0, 28, 28)
    with pytest.raises(ValueError, match="non-negative"):
        make_synthetic(seed=-1, n_train=1, n_test=1)
    with pytest.raises(ValueError, match="negative dimensions"):
        make_synthetic(n_train=-1)


def test_the_nearest_mean_image_tells_digits_apart_only_roughly(full: Arrays) -> None:
    images = full.x_train.reshape(60000, 784).astype(np.float32)
    means = np.stack([images[full.y_train == digit].mean(axis=0) for digit in range(10)])
    tests = full.x_test.reshape(10000, 784).astype(np.float32)
    guess = ((means**2).sum(axis=1) - 2 * tests @ means.T).argmin(axis=1)
    assert 0.3 < (guess == full.y_test).mean() < 0.9


@threadpool_limits.wrap(limits=1)  # products this small are slower on several threads
def test_two_epochs_teach_a_small_network_well_but_not_perfectly(full: Arrays) -> None:
    """The network has one hidden layer of 128 and is trained by SGD with momentum."""
    rng = np.random.default_rng(1)
    x, x_test = (a.reshape(len(a), 784) / np.float32(255) for a in (full.x_train, full.x_test))
    one_hot = np.eye(10, dtype=np.float32)[full.y_train]
    weights = [
        rng.normal(0, np.sqrt(2 / n), (n, m)).astype(np.float32) for n, m in ((784, 128), (128, 10))
    ]
    speeds = [np.zeros_like(w) for w in weights]
    for start in [*range(0, 60000, 100)] * 2:
        batch, wanted = x[start : start + 100], one_hot[start : start + 100]
        hidden = np.maximum(batch @ weights[0], 0)
        scores = np.exp(hidden @ weights[1])
        error = (scores / scores.sum(axis=1, keepdims=True) - wanted) / len(batch)
        gradients = batch.T @ (error @ weights[1].T * (hidden > 0)), hidden.T @ error
        for weight, speed, gradient in zip(weights, speeds, gradients, strict=True):
            speed *= 0.9
            speed -= 0.05 * gradient
            weight += speed
    found = (np.maximum(x_test @ weights[0], 0) @ weights[1]).argmax(axis=1)
    assert 0.9 < (found == full.y_test).mean() < 0.995
