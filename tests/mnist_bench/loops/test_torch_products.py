"""PyTorch's products by oneDNN: their values and gradients, and who takes them where."""

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

if not (torch.backends.mkl.is_available() and torch.backends.mkldnn.is_available()):
    print("left out: this PyTorch has no MKL or no oneDNN")
    raise SystemExit
torch.cpu.get_capabilities = lambda: {"sse4a": True, "avx512_f": True}
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
gains = {"sse4a": True, "avx512_f": True}
for capabilities in ({}, {**gains, "sse4a": False}, {**gains, "avx512_f": False}):
    torch.cpu.get_capabilities = lambda: capabilities
    assert dense_layer(cpu, mixed=False) is functional.linear, capabilities
torch.cpu.get_capabilities = lambda: gains
if not (torch.backends.mkl.is_available() and torch.backends.mkldnn.is_available()):
    assert onednn_product() is None
    raise SystemExit
assert onednn_product() is not None
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
"""

#: A job in each loop, and the ceiling, with a product that counts its calls.
CALLERS = """
import json, os, sys
os.environ["KERAS_BACKEND"] = "torch"
import numpy as np
import torch
from bench.child.meter import Meter
from bench.spec.job import make_job
from mnist_bench.backends import torch as backend
from mnist_bench.description import AXES, METRICS
from mnist_bench.loops import torch_products
from mnist_bench.loops.compiled_torch import as_written, train_with
from mnist_bench.models import build_model

calls = []

def counted(inputs, weights, bias):
    calls.append(tuple(inputs.shape))
    return torch.nn.functional.linear(inputs, weights, bias)

torch_products.onednn_product = backend.onednn_product = lambda: counted

class inputs:
    raw_images = np.zeros((32, 784), np.uint8)
    raw_labels = np.zeros(32, np.uint8)

def calls_of(compiled):
    calls.clear()
    model = build_model("mlp", 5)
    model.compile(optimizer="sgd", loss="categorical_crossentropy", metrics=["accuracy"])
    job = make_job(AXES, {"model": "mlp", "optimizer": "sgd"}, epochs=1, seed=5)
    meter = Meter(job, threads=1, started_s=0.0, emit=lambda event: None, metrics=METRICS)
    with meter.training():
        train_with(model, inputs, np.arange(32)[None], 32, meter, compiled, None)
    return len(calls)

assert calls_of(as_written) == 5, calls  # two forwards, two of weights, one of the hidden layer
assert calls_of(lambda function: function) == 0, calls  # another way to make the functions
calls.clear()
backend.matmul(64, "float32")()
assert calls == [(64, 64)]
backend.matmul(64, "bfloat16")()
assert calls == [(64, 64)]
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


def test_the_loop_as_written_and_the_ceiling_take_their_products_from_it():
    said(CALLERS)
