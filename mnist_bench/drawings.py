"""The two networks as pictures; a test compares each layer with the real Keras model."""

from __future__ import annotations

from bench.workload import Drawing, Layer

MLP = Drawing(
    "mlp",
    "The dense network (mlp)",
    (
        Layer("input", "input: pixels", (784,)),
        Layer("dense", "dense, relu", (512,), 401_920),
        Layer("dense", "dense, softmax", (10,), 5_130),
    ),
)

CNN = Drawing(
    "cnn",
    "The convolutional network (cnn)",
    (
        Layer("input", "input: image", (28, 28, 1)),
        Layer("conv2d", "convolution 3x3, relu", (26, 26, 32), 320),
        Layer("max_pooling2d", "max pooling 2x2", (13, 13, 32)),
        Layer("conv2d", "convolution 3x3, relu", (11, 11, 64), 18_496),
        Layer("max_pooling2d", "max pooling 2x2", (5, 5, 64)),
        Layer("flatten", "flatten", (1600,)),
        Layer("dropout", "dropout 0.5", (1600,)),
        Layer("dense", "dense, softmax", (10,), 16_010),
    ),
)

DRAWINGS = (MLP, CNN)
