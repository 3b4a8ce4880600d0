"""How an epoch is cut into launches: every image once, in few and equal launches."""

from __future__ import annotations

import numpy as np
import pytest

from mnist_bench.loops.pieces import LAUNCHES, cut, pieces, scan_pieces

#: Images and batch: usual, ragged, one image over, fewer than a batch, one step, one image a step.
EPOCHS = [(60_000, 128), (12_800, 128), (1_281, 128), (100, 128), (128, 128), (60_000, 1), (7, 2)]


@pytest.mark.parametrize(("count", "batch_size"), EPOCHS)
@pytest.mark.parametrize("cut_up", [scan_pieces, lambda *epoch: pieces(*epoch, length=1)])
def test_every_image_has_its_place_once_and_in_order(count, batch_size, cut_up):
    order = np.random.default_rng(1).permutation(count).astype(np.int32)
    found = list(cut(order, cut_up(count, batch_size)))
    assert [batches.shape for _, batches in found] == [piece for piece, _ in found]
    assert np.array_equal(np.concatenate([batches.ravel() for _, batches in found]), order)
    assert sum(steps for (steps, _), _ in found) == -(-count // batch_size)
    assert all(size == batch_size for (_, size), _ in found[:-1])


@pytest.mark.parametrize(("count", "batch_size"), EPOCHS)
def test_a_scan_has_at_most_nine_equal_launches_and_two_for_the_rest(count, batch_size):
    launches = scan_pieces(count, batch_size)
    longest = max(launches)
    assert launches.count(longest) <= LAUNCHES
    assert len([piece for piece in launches if piece != longest]) <= 2


def test_an_epoch_of_mnist_has_nine_launches_of_52_steps_and_a_ragged_step():
    assert scan_pieces(60_000, 128) == [(52, 128)] * 9 + [(1, 96)]


def test_each_step_of_an_epoch_can_be_a_launch():
    assert pieces(300, 128, 1) == [(1, 128), (1, 128), (1, 44)]
