"""PyTorch's own loop: plain tensors and Keras's update rules; the data stay on the device.

The network is written with torch functions on the Keras model's weights, in channels-last layout.
On a CPU, `train` runs the operations one by one, which is faster there. On a GPU, it runs each step
as one captured launch. `train_inductor` lets torch.compile fuse the forward and backward passes. On
a GPU, the update is fused as well, because a small network's step is bound by its many kernels.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from bench.child.meter import Meter
from mnist_bench.allocator import keep_freed_memory
from mnist_bench.inputs import PIXEL_SCALE, Inputs
from mnist_bench.loops.torch_graph import Capture, Replayed, capture_on_cuda
from mnist_bench.loops.torch_products import Product, dense_layer
from mnist_bench.loops.torch_updates import update_function

#: Values per image that enter the CNN's dropout and last layer.
FLAT = 1600


def train(
    model: Any,
    inputs: Inputs,
    orders: npt.NDArray[np.int32],
    batch_size: int,
    meter: Meter,
) -> None:
    """Train operation by operation; see `mnist_bench.loops.Loop`."""
    train_with(model, inputs, orders, batch_size, meter, as_written, _capture_for(model))


def train_inductor(
    model: Any,
    inputs: Inputs,
    orders: npt.NDArray[np.int32],
    batch_size: int,
    meter: Meter,
) -> None:
    """Train with the network and its loss compiled; see `mnist_bench.loops.Loop`."""
    train_with(model, inputs, orders, batch_size, meter, fused, _capture_for(model))


def as_written(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return the function itself, which runs operation by operation."""
    return function


def fused(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return the function as one compiled program."""
    import torch

    compiled: Callable[..., Any] = torch.compile(function, dynamic=False)
    return compiled


def _capture_for(model: Any) -> Capture | None:
    return capture_on_cuda if _device_of(model).type == "cuda" else None


def train_with(
    model: Any,
    inputs: Inputs,
    orders: npt.NDArray[np.int32],
    batch_size: int,
    meter: Meter,
    compiled: Callable[[Callable[..., Any]], Callable[..., Any]],
    capture: Capture | None,
) -> None:
    """Train with functions as `compiled` makes them; `capture` captures the step, if given."""
    import torch
    from torch.nn import functional

    keep_freed_memory()
    device = _device_of(model)
    mixed = model.dtype_policy.compute_dtype == "bfloat16"
    # torch.compile keeps PyTorch's own products in a training
    dense = dense_layer(device, mixed=mixed) if compiled is as_written else functional.linear
    loss_of = compiled(_loss_function(model, dense, mixed=mixed))
    images = torch.from_numpy(inputs.raw_images).to(device)
    labels = torch.from_numpy(inputs.raw_labels).to(device).long()
    weights = _take(model, device)
    sums = torch.zeros(2, device=device)  # of the losses, and of the correct answers
    steps = len(orders) * -(-orders.shape[1] // batch_size) if capture else None
    update = update_function(model.optimizer, weights, steps)
    if capture:
        update = compiled(update)
    step = _step_function(model, weights, images, labels, loss_of, update, sums)
    if capture:
        step = Replayed(step, batch_size, capture)
    for order in orders:
        with meter.epoch() as epoch:
            chosen = torch.from_numpy(order).to(device).long()
            sums.zero_()
            for batch in chosen.split(batch_size):
                step(batch)
                epoch.step()
            epoch.stop()
            _put_back(model, weights)
            loss, right = (sums / len(order)).tolist()
            epoch.report(train_loss=loss, train_accuracy=right)


def _device_of(model: Any) -> Any:
    return model.trainable_variables[0].value.device


def _take(model: Any, device: Any) -> list[Any]:
    """Return the model's weights in torch's layout: (out, in) or (out, in, height, width)."""
    import torch

    taken = []
    for variable in model.trainable_variables:
        value = variable.value.detach()
        if value.ndim == 4:
            value = value.permute(3, 2, 0, 1).contiguous(memory_format=torch.channels_last)
        elif value.ndim == 2:
            value = value.t().contiguous()
        taken.append(value.clone().to(device).requires_grad_())
    return taken


def _put_back(model: Any, weights: list[Any]) -> None:
    """Copy the trained weights into the Keras model for its evaluation."""
    for variable, weight in zip(model.trainable_variables, weights, strict=True):
        value = weight.detach()
        if value.ndim == 4:
            value = value.permute(2, 3, 1, 0)
        elif value.ndim == 2:
            value = value.t()
        variable.assign(value.contiguous())


def _step_function(
    model: Any,
    weights: list[Any],
    images: Any,
    labels: Any,
    loss_of: Callable[..., tuple[Any, Any]],
    update: Callable[[list[Any]], None],
    sums: Any,
) -> Callable[[Any], None]:
    """Return the training step; it takes indices of a batch, and changes weights and `sums`."""
    import torch

    drop = _keeps_half if model.name == "cnn" else _keeps_all

    def step(chosen: Any) -> None:
        loss, right = loss_of(weights, images[chosen], labels[chosen], drop(chosen))
        gradients = torch.autograd.grad(loss, weights)
        with torch.no_grad():
            update(list(gradients))
            sums.add_(torch.stack((loss.detach() * len(chosen), right.float())))

    return step


def _loss_function(
    model: Any, dense: Product, *, mixed: bool
) -> Callable[[list[Any], Any, Any, Any], tuple[Any, Any]]:
    """Return the loss: from (weights, uint8 images, labels, dropout factors) to (mean, correct)."""
    import torch
    from torch.nn import functional

    forward = {"mlp": _mlp, "cnn": _cnn}[model.name]

    def loss_of(weights: list[Any], raw: Any, truth: Any, factors: Any) -> tuple[Any, Any]:
        batch = raw.float() / PIXEL_SCALE
        with torch.autocast(batch.device.type, torch.bfloat16, enabled=mixed):
            scores = forward(weights, batch, factors, dense)
        return functional.cross_entropy(scores.float(), truth), (scores.argmax(1) == truth).sum()

    return loss_of


def _mlp(weights: list[Any], batch: Any, factors: None, dense: Product) -> Any:
    from torch.nn import functional

    first, first_bias, second, second_bias = weights
    hidden = functional.relu(dense(batch, first, first_bias))
    return dense(hidden, second, second_bias)


def _cnn(weights: list[Any], batch: Any, factors: Any, dense: Product) -> Any:
    from torch.nn import functional

    first, first_bias, second, second_bias, last, last_bias = weights
    layer = batch.permute(0, 3, 1, 2)  # one channel, so this is already channels-last
    for kernel, bias in ((first, first_bias), (second, second_bias)):
        # relu after max pooling gives the same result for a quarter of the work
        layer = functional.relu(functional.max_pool2d(functional.conv2d(layer, kernel, bias), 2))
    flat = layer.permute(0, 2, 3, 1).reshape(len(batch), -1)  # in the order of Keras's Flatten
    return dense(flat * factors, last, last_bias)


def _keeps_all(chosen: Any) -> None:
    """Return None: a network without dropout needs no factors."""


def _keeps_half(chosen: Any) -> Any:
    """Return the dropout factors of a batch, (images, FLAT): 0 or 2, each with probability 1/2.

    On a CPU, PyTorch draws value by value in one thread (2.9 ms of a 25 ms step). Here, each byte
    that NumPy draws decides eight values. Keras has seeded this NumPy generator.
    """
    import torch

    shape = (len(chosen), FLAT)
    if chosen.device.type != "cpu":
        return torch.randint(2, shape, device=chosen.device) * 2.0
    drawn = np.frombuffer(np.random.bytes(len(chosen) * FLAT // 8), dtype=np.uint8)
    return torch.from_numpy(np.unpackbits(drawn)).view(shape).float().mul_(2)
