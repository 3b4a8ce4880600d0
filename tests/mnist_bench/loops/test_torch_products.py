"""PyTorch's dense layer by oneDNN: the values and gradients of `linear`, if it is faster at all."""

from __future__ import annotations

import subprocess
import sys

import pytest

from mnist_bench.backends import is_installed

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not is_installed("torch"), reason="PyTorch is an extra, EXTRAS=torch"),
]

#: The layers of both networks, without and with the gradient of the inputs.
GRADIENTS = """
import torch
from torch.nn import functional
from mnist_bench.loops import torch_products

torch.cpu.get_capabilities = lambda: {"sse4a": True}
product = torch_products.onednn_product()
if product is None:
    print("left out: this PyTorch has no MKL or no oneDNN")
    raise SystemExit
dense = torch_products.dense_layer(torch.device("cpu"), mixed=False)
assert dense is not functional.linear
torch.manual_seed(1)
for images, entering, leaving in [(128, 784, 512), (96, 512, 10), (1, 1600, 10)]:
    for wants in (False, True):
        arguments = [
            torch.rand(images, entering).requires_grad_(wants),
            torch.randn(leaving, entering).div_(20).requires_grad_(),
            torch.randn(leaving).requires_grad_(),
        ]
        asked = [one for one in arguments if one.requires_grad]
        found = []
        for layer in (dense, functional.linear):
            result = layer(*arguments)
            found.append([result, *torch.autograd.grad((result**2).sum(), asked)])
        for ours, theirs in zip(*found, strict=True):
            torch.testing.assert_close(ours, theirs, rtol=1e-4, atol=1e-3)
print("compared")
"""

#: Where the layer must be PyTorch's own: another processor, bfloat16, a GPU, another version.
ELSEWHERE = """
import torch
from torch.nn import functional
from mnist_bench.loops.torch_products import dense_layer, onednn_product

cpu = torch.device("cpu")
torch.cpu.get_capabilities = lambda: {"sse4a": True}
assert dense_layer(cpu, mixed=True) is functional.linear
assert dense_layer(torch.device("cuda"), mixed=False) is functional.linear

def refuses(*arguments):
    raise TypeError("another signature")

class Operators:
    _linear_pointwise = staticmethod(refuses)

torch.ops.mkldnn = Operators
assert onednn_product() is None
del Operators._linear_pointwise
assert onednn_product() is None
for capabilities in ({}, {"sse4a": False}):
    torch.cpu.get_capabilities = lambda: capabilities
    assert dense_layer(cpu, mixed=False) is functional.linear
del torch.cpu.get_capabilities
assert onednn_product() is None
"""


def said(script):
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout.strip()


def test_its_values_and_gradients_are_those_of_linear():
    told = said(GRADIENTS)
    if told != "compared":
        pytest.skip(told)


def test_other_processors_and_arithmetic_keep_pytorch_s_own_layer():
    said(ELSEWHERE)
