"""PyTorch's matrix products in float32, by the library that is faster on this processor.

PyTorch takes them from MKL, which uses no AVX-512 on AMD's processors. oneDNN, from which PyTorch
takes convolutions and products in bfloat16, does. On one core of an AMD EPYC with AVX-512, MKL
reached 107 GFLOP/s and oneDNN 228.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

#: From (inputs, weights, bias or None) to inputs @ weights.T + bias.
Product = Callable[[Any, Any, Any], Any]


def onednn_product() -> Product | None:
    """Return a product by oneDNN; None if this PyTorch cannot use it, or would not gain.

    The operator is one that torch.compile puts into its programs for inference. It has no
    derivative.
    """
    import torch

    if not (torch.backends.mkl.is_available() and torch.backends.mkldnn.is_available()):
        return None
    capabilities: Mapping[str, Any] = getattr(torch.cpu, "get_capabilities", dict)()
    # only AMD's and Hygon's processors have SSE4a
    if not (capabilities.get("sse4a") and capabilities.get("avx512_f")):
        return None

    def product(inputs: Any, weights: Any, bias: Any) -> Any:
        return torch.ops.mkldnn._linear_pointwise(inputs, weights, bias, "none", [], "")

    try:
        product(torch.ones(2, 2), torch.ones(2, 2), None)
    except (AttributeError, RuntimeError, TypeError):  # another version of PyTorch
        return None
    return product


def dense_layer(device: Any, *, mixed: bool) -> Product:
    """Return a dense layer with derivatives for float32, or for autocast if `mixed`."""
    from torch.nn import functional

    product = None if mixed or device.type != "cpu" else onednn_product()
    return functional.linear if product is None else _differentiable(product)


def _differentiable(product: Product) -> Product:
    """Return a layer whose gradients are products too."""
    import torch

    class Dense(torch.autograd.Function):  # type: ignore[misc,unused-ignore]
        """A dense layer; see `torch.autograd.Function`."""

        @staticmethod
        def forward(context: Any, inputs: Any, weights: Any, bias: Any) -> Any:
            context.save_for_backward(inputs, weights)
            return product(inputs, weights, bias)

        @staticmethod
        def backward(context: Any, gradient: Any) -> Any:
            inputs, weights = context.saved_tensors
            of_inputs = None
            if context.needs_input_grad[0]:
                of_inputs = product(gradient, weights.t(), None)
            return of_inputs, product(gradient.t(), inputs.t(), None), gradient.sum(0)

    layer: Product = Dense.apply
    return layer
