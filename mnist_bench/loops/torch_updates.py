"""Keras's optimizers as PyTorch's multi-tensor operations.

We do not use torch.optim: its RMSprop adds epsilon elsewhere, and its defaults differ.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


def update_function(
    optimizer: Any, weights: list[Any], steps: int | None = None
) -> Callable[[list[Any]], None]:
    """Return Keras's update rule, which takes gradients of `weights` and changes them in place.

    Its settings come from the Keras `optimizer`. If the number of `steps` to train is given,
    everything that changes between steps is on the device, so that the update can be captured and
    replayed. Source: the docstrings of keras.optimizers (SGD, RMSprop, Adam).
    """
    config = optimizer.get_config()
    kind = type(optimizer).__name__
    if kind == "Adam":
        return _adam(config, weights) if steps is None else _adam_on_device(config, weights, steps)
    return {"SGD": _sgd, "RMSprop": _rmsprop}[kind](config, weights)


def _sgd(config: dict[str, Any], weights: list[Any]) -> Callable[[list[Any]], None]:
    import torch

    def update(gradients: list[Any]) -> None:
        torch._foreach_add_(weights, gradients, alpha=-config["learning_rate"])

    return update


def _rmsprop(config: dict[str, Any], weights: list[Any]) -> Callable[[list[Any]], None]:
    import torch

    rate, rho, epsilon = config["learning_rate"], config["rho"], config["epsilon"]
    squares = [torch.zeros_like(weight) for weight in weights]

    def update(gradients: list[Any]) -> None:
        torch._foreach_mul_(squares, rho)
        torch._foreach_addcmul_(squares, gradients, gradients, value=1 - rho)
        roots = torch._foreach_add(squares, epsilon)
        torch._foreach_sqrt_(roots)
        torch._foreach_addcdiv_(weights, gradients, roots, value=-rate)

    return update


def _adam(config: dict[str, Any], weights: list[Any]) -> Callable[[list[Any]], None]:
    import torch

    step_means = _adam_moments(config, weights)
    step = 0

    def update(gradients: list[Any]) -> None:
        nonlocal step
        step += 1
        means, roots = step_means(gradients)
        torch._foreach_addcdiv_(weights, means, roots, value=-_adam_scale(config, step))

    return update


def _adam_on_device(
    config: dict[str, Any], weights: list[Any], steps: int
) -> Callable[[list[Any]], None]:
    """Return Adam's update with the scales of all steps on the device; it costs one more pass."""
    import torch

    step_means = _adam_moments(config, weights)
    device = weights[0].device
    scales = torch.tensor([_adam_scale(config, 1 + step) for step in range(steps)], device=device)
    step = torch.zeros(1, dtype=torch.long, device=device)

    def update(gradients: list[Any]) -> None:
        means, roots = step_means(gradients)
        scaled = torch._foreach_mul(means, scales.index_select(0, step).view(()))
        torch._foreach_addcdiv_(weights, scaled, roots, value=-1)
        step.add_(1)

    return update


def _adam_scale(config: dict[str, Any], step: int) -> float:
    rate, beta_1, beta_2 = config["learning_rate"], config["beta_1"], config["beta_2"]
    return float(rate * (1 - beta_2**step) ** 0.5 / (1 - beta_1**step))


def _adam_moments(
    config: dict[str, Any], weights: list[Any]
) -> Callable[[list[Any]], tuple[list[Any], list[Any]]]:
    """Return a function from gradients to (means, roots of the mean squares plus epsilon)."""
    import torch

    beta_1, beta_2, epsilon = config["beta_1"], config["beta_2"], config["epsilon"]
    means = [torch.zeros_like(weight) for weight in weights]
    squares = [torch.zeros_like(weight) for weight in weights]

    def step_means(gradients: list[Any]) -> tuple[list[Any], list[Any]]:
        torch._foreach_lerp_(means, gradients, 1 - beta_1)
        torch._foreach_mul_(squares, beta_2)
        torch._foreach_addcmul_(squares, gradients, gradients, value=1 - beta_2)
        roots = torch._foreach_sqrt(squares)
        torch._foreach_add_(roots, epsilon)
        return means, roots

    return step_means
