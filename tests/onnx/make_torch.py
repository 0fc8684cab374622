#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Makes torch_resnet and torch_mobilenet: the default output of torch.onnx.export, quantized.

Install:  pip install torch==2.15.0 onnx onnxscript onnxruntime==1.31.1   (torch: some GB)
Use:      make_torch.py OUT_DIR [NAME...]
Then:     ONNX Runtime's outputs for each model: two random cases (README).

Small networks of torchvision's blocks, random weights, in the default form of PyTorch's exporter (dynamo): batch
normalization folded, weights in a separate file, ReduceMean, Reshape and Gemm at the end. Then
onnxruntime.quantization.quantize_static with its defaults: uint8 activations, int8 weights, one scale per tensor.
Descriptions of the Python source are removed from the file.
"""
import pathlib
import sys
import tempfile

import numpy as np
import onnx
import torch
from onnxruntime.quantization import CalibrationDataReader, quantize_static
from torch import nn


def conv(inputs, outputs, window=3, stride=1, groups=1, activation=nn.ReLU):
    layers = [nn.Conv2d(inputs, outputs, window, stride, window // 2, groups=groups, bias=False),
              nn.BatchNorm2d(outputs)]
    return nn.Sequential(*layers, *([activation()] if activation else []))


class Residual(nn.Module):
    """A basic block of ResNet."""

    def __init__(self, inputs, outputs, stride):
        super().__init__()
        self.body = nn.Sequential(conv(inputs, outputs, 3, stride),
                                  conv(outputs, outputs, activation=None))
        self.shortcut = (nn.Identity() if stride == 1 else
                         conv(inputs, outputs, 1, stride, activation=None))

    def forward(self, x):
        return nn.functional.relu(self.body(x) + self.shortcut(x))


class Inverted(nn.Module):
    """An inverted residual of MobileNetV2."""

    def __init__(self, inputs, outputs, stride, factor=4):
        super().__init__()
        hidden = factor * inputs
        self.body = nn.Sequential(conv(inputs, hidden, 1, activation=nn.ReLU6),
                                  conv(hidden, hidden, 3, stride, hidden, nn.ReLU6),
                                  conv(hidden, outputs, 1, activation=None))
        self.residual = stride == 1 and inputs == outputs

    def forward(self, x):
        return x + self.body(x) if self.residual else self.body(x)


class Classifier(nn.Module):
    """The end of all of torchvision's classifiers."""

    def __init__(self, channels, *features):
        super().__init__()
        self.features, self.pool = nn.Sequential(*features), nn.AdaptiveAvgPool2d((1, 1))
        self.classes = nn.Linear(channels, 10)

    def forward(self, x):
        return self.classes(torch.flatten(self.pool(self.features(x)), 1))


NETWORKS = {
    "torch_resnet": lambda: Classifier(
        24, conv(3, 12, 7, 2), nn.MaxPool2d(3, 2, 1), Residual(12, 12, 1), Residual(12, 24, 2)),
    "torch_mobilenet": lambda: Classifier(
        32, conv(3, 8, 3, 2, activation=nn.ReLU6), Inverted(8, 8, 1), Inverted(8, 12, 2),
        Inverted(12, 12, 1), conv(12, 32, 1, activation=nn.ReLU6)),
}


class Samples(CalibrationDataReader):
    def __init__(self):
        rng = np.random.default_rng(1)
        self.samples = iter([{"x": rng.normal(0, 1, (1, 3, 32, 32)).astype(np.float32)}
                             for _ in range(8)])

    def get_next(self):
        return next(self.samples, None)


def randomized(network):
    """Sets statistics of batch normalization as in a trained network."""
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.running_mean.normal_(0, 0.2)
            module.running_var.uniform_(0.3, 1)
            nn.init.normal_(module.bias, 0, 0.2)
    return network.eval()


def without_sources(model):
    """Removes names of Python's files, functions and types."""
    del model.metadata_props[:], model.graph.metadata_props[:], model.graph.value_info[:]
    for part in [*model.graph.node, *model.graph.input, *model.graph.output,
                 *model.graph.initializer]:
        part.doc_string = ""
        del part.metadata_props[:]
    return model


def make(name, folder):
    torch.manual_seed(7)
    network = randomized(NETWORKS[name]())
    path = pathlib.Path(folder) / f"{name}.onnx"
    with tempfile.TemporaryDirectory() as scratch:
        exported = pathlib.Path(scratch) / "float.onnx"
        torch.onnx.export(network, (torch.randn(1, 3, 32, 32),), exported, input_names=["x"])
        quantize_static(exported, path, Samples())
    onnx.save(without_sources(onnx.load(path)), path)


if __name__ == "__main__":
    for chosen in sys.argv[2:] or NETWORKS:
        make(chosen, sys.argv[1])
