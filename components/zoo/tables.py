#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes well-known networks from their papers' layer tables, as int8 TFLite models with random weights.

    tables.py NETWORK OUT.tflite [--no-classifier]    writes the model
    tables.py --list                                  MACs and weights of each
    tables.py --check                                 exit code 1 if they are not the literature's

Python's library is enough. Weights are seeded by the layer's name: the same arguments give the same bytes. Batch
normalization counts as folded; softmax is omitted. SAME padding replaces the papers' symmetric one, which gives the
same sizes.

alexnet     Krizhevsky et al. 2012, input 227x227, conv2, conv4 and conv5 in two groups (without
            groups it would be 1.14 G MACs), no local response normalization
googlenet   Szegedy et al. 2014, table 1: no local response normalization, no auxiliary classifiers;
            1.58 G MACs with the table's maps of 56x56, 28x28, 14x14 and 7x7
googlenet_floor  the same with pools that leave out incomplete windows: 55x55, 27x27, 13x13 and 6x6,
            the 1.43 G MACs of surveys (Sze et al. 2017)
lenet5      LeCun et al. 1998, C3 connected to all six maps, average pooling without coefficients
mobilenet   Howard et al. 2017, table 1: V1, width 1.0, 224x224, ReLU6
mobilenet_edgetpu  Gupta and Howard 2019: width 0.75, 224x224, ReLU, fused bottlenecks in two stages
mobilenet_v2  Sandler et al. 2018, table 2: width 1.0, 224x224, ReLU6
resnet50    He et al. 2015, table 1: V1, stride in the first 1x1 of a block
vgg16       Simonyan and Zisserman 2014, table 1, configuration D
"""

import argparse
import dataclasses
import math
import pathlib
import random
import struct
import sys

import tflite_writer

CODES = {"ADD": 0, "AVERAGE_POOL_2D": 1, "CONCATENATION": 2, "CONV_2D": 3, "DEPTHWISE_CONV_2D": 4,
         "FULLY_CONNECTED": 9, "HARD_SWISH": 117, "LEAKY_RELU": 98, "LOGISTIC": 14, "MAX_POOL_2D": 17, "MEAN": 40,
         "MUL": 18, "PAD": 34, "RESHAPE": 22, "RESIZE_BILINEAR": 23, "RESIZE_NEAREST_NEIGHBOR": 97, "SOFTMAX": 25,
         "TRANSPOSE": 39, "TRANSPOSE_CONV": 67}
OPTIONS = {"ADD": 11, "AVERAGE_POOL_2D": 5, "CONCATENATION": 10, "CONV_2D": 1,
           "DEPTHWISE_CONV_2D": 2, "FULLY_CONNECTED": 8, "HARD_SWISH": 91, "LEAKY_RELU": 75, "MAX_POOL_2D": 5,
           "MEAN": 27, "MUL": 21, "PAD": 22, "RESHAPE": 17, "RESIZE_BILINEAR": 15, "RESIZE_NEAREST_NEIGHBOR": 74,
           "SOFTMAX": 9, "TRANSPOSE": 26, "TRANSPOSE_CONV": 49}
SAME, VALID = 0, 1
NONE, RELU, RELU6 = 0, 1, 3
INT32, INT8 = 2, 9


@dataclasses.dataclass
class Map:
    """A layer's output, real = scale * (code - zero_point). power: mean (code - zero_point)^2."""

    index: int
    shape: tuple
    scale: float
    zero_point: int
    power: float


@dataclasses.dataclass
class Layer:
    """One operator. Options by their ids."""

    kind: str
    name: str
    inputs: list
    output: Map
    options: dict
    macs: int = 0
    weights: int = 0
    biases: int = 0
    parameters: tuple = ()  # of a product: the weights' shape, channel axis, sums' rms, scale
    constant: list = dataclasses.field(default_factory=list)  # its int32 operand
    pruned: dict = dataclasses.field(default_factory=dict)  # filters without weights (None), or copies of another


class Network:
    """Layers in order. Its methods append one and return its output."""

    def __init__(self, name, *shape):
        self.name = name
        self.layers, self.maps = [], []
        self.outputs = []  # the last layer's, unless others are given
        self.input = self._map((1, *shape), 1 / 64, -3, 74.0**2)

    def macs(self, kind=""):
        return sum(layer.macs for layer in self.layers if layer.kind.startswith(kind))

    def parameters(self):
        return sum(layer.weights + layer.biases for layer in self.layers)

    def conv(self, name, x, filters, window, stride=1, padding=SAME, activation=RELU, groups=1, dilation=1):
        channels = x.shape[3] // groups
        options = {**_sliding(padding, stride), 3: ("b", activation)}
        if dilation != 1:
            down, right = _pair(dilation)
            options.update({4: ("i", right), 5: ("i", down)})
        return self._product("CONV_2D", name, x, _slid(x, window, stride, padding, filters),
                             (filters, *_pair(window), channels), 0, activation, options)

    def depthwise(self, name, x, window, stride=1, padding=SAME, activation=RELU6):
        channels = x.shape[3]
        options = {**_sliding(padding, stride), 3: ("i", 1), 4: ("b", activation)}
        return self._product("DEPTHWISE_CONV_2D", name, x,
                             _slid(x, window, stride, padding, channels),
                             (1, *_pair(window), channels), 3, activation, options)

    def transposed(self, name, x, filters, window, stride, activation=RELU):
        """Appends a transposed convolution, SAME: `stride` times the size."""
        (h, w), (down, right) = x.shape[1:3], _pair(stride)
        shape = (1, h * down, w * right, filters)
        return self._product("TRANSPOSE_CONV", name, x, shape, (filters, *_pair(window), x.shape[3]), 0, activation,
                             {**_sliding(SAME, stride), 3: ("b", activation)}, list(shape), down * right)

    def dense(self, name, x, outputs, activation=NONE):
        inputs = math.prod(x.shape)
        if len(x.shape) > 2:
            flat = self._map((1, inputs), x.scale, x.zero_point, x.power)
            self._layer("RESHAPE", f"{name}/flat", [x], flat, {0: ["i", 1, inputs]})
            x = flat
        return self._product("FULLY_CONNECTED", name, x, (1, outputs), (outputs, inputs), None,
                             activation, {0: ("b", activation)})

    def max_pool(self, name, x, window, stride, padding=SAME):
        return self._pool("MAX_POOL_2D", name, x, window, stride, padding, 1.5 * x.power)

    def average_pool(self, name, x, window, stride=1, padding=VALID):
        return self._pool("AVERAGE_POOL_2D", name, x, window, stride, padding, 0.5 * x.power)

    def mean(self, name, x, keep=True):
        """Appends the mean of all positions."""
        shape = (1, 1, 1, x.shape[3]) if keep else (1, x.shape[3])
        y = self._map(shape, x.scale, x.zero_point, 0.5 * x.power)
        return self._layer("MEAN", name, [x], y, {0: ("?", keep)}, constant=[1, 2])

    def add(self, name, a, b, activation=RELU):
        """Appends a + b, then ReLU."""
        rms = math.sqrt(a.power * a.scale**2 + b.power * b.scale**2)
        if activation == NONE:
            y = self._map(a.shape, rms / 42, 5, 42.0**2)
        else:
            y = self._map(a.shape, rms / 85, -128, 0.7 * 85**2)
        return self._layer("ADD", name, [a, b], y, {0: ("b", activation)})

    def multiply(self, name, a, b):
        """Appends a b; b has the shape of a or extents of 1."""
        rms = math.sqrt(a.power * b.power) * a.scale * b.scale
        y = self._map(a.shape, rms / 60, a.zero_point, 60.0**2)
        return self._layer("MUL", name, [a, b], y, {0: ("b", NONE)})

    def hard_swish(self, name, x):
        y = self._map(x.shape, x.scale, -105, 0.4 * x.power)
        return self._layer("HARD_SWISH", name, [x], y, {})

    def leaky_relu(self, name, x, alpha=0.1):
        y = self._map(x.shape, x.scale, -100, 0.5 * x.power)
        return self._layer("LEAKY_RELU", name, [x], y, {0: ("f", alpha)})

    def logistic(self, name, x):
        return self._layer("LOGISTIC", name, [x], self._map(x.shape, 1 / 256, -128, 135.0**2), {})

    def softmax(self, name, x):
        return self._layer("SOFTMAX", name, [x], self._map(x.shape, 1 / 256, -128, 1.0), {0: ("f", 1.0)})

    def pad(self, name, x, before, after):
        """Appends a border of zero rows and columns."""
        shape = (1, *(extent + before + after for extent in x.shape[1:3]), x.shape[3])
        return self._moved("PAD", name, x, shape, {}, [[0, 0], [before, after], [before, after], [0, 0]])

    def transpose(self, name, x, order):
        return self._moved("TRANSPOSE", name, x, tuple(x.shape[axis] for axis in order), {}, list(order))

    def resize(self, name, x, factor, bilinear=False):
        """Appends a resize with half-pixel centers."""
        size = [factor * extent for extent in x.shape[1:3]]
        kind, half_pixels = ("RESIZE_BILINEAR", 3) if bilinear else ("RESIZE_NEAREST_NEIGHBOR", 1)
        return self._moved(kind, name, x, (1, *size, x.shape[3]), {half_pixels: ("?", True)}, size)

    def concatenate(self, name, maps):
        """Appends a concatenation along the channels. All maps must have the same scale and zero point."""
        first = maps[0]
        y = self._map((*first.shape[:3], sum(x.shape[3] for x in maps)), first.scale,
                      first.zero_point, sum(x.power for x in maps) / len(maps))
        assert all((x.scale, x.zero_point) == (y.scale, y.zero_point) for x in maps)
        return self._layer("CONCATENATION", name, maps, y, {0: ("i", 3)})

    def _map(self, shape, scale, zero_point, power):
        self.maps.append(Map(len(self.maps), shape, scale, zero_point, power))
        return self.maps[-1]

    def _layer(self, kind, name, inputs, output, options, **more):
        self.layers.append(Layer(kind, name, inputs, output, options, **more))
        return output

    def _moved(self, kind, name, x, shape, options, constant):
        return self._layer(kind, name, [x], self._map(shape, x.scale, x.zero_point, x.power), options,
                           constant=constant)

    def _pool(self, kind, name, x, window, stride, padding, power):
        y = self._map(_slid(x, window, stride, padding, x.shape[3]), x.scale, x.zero_point, power)
        height, width = _pair(window)
        options = {**_sliding(padding, stride), 3: ("i", width), 4: ("i", height)}
        return self._layer(kind, name, [x], y, options)

    def _product(self, kind, name, x, shape, filters, axis, activation, options, constant=(), phases=1):
        """Appends sums of products. Weights are uniform in -127..127 (rms 73.3): a sum of n of them has an rms of
        73.3 sqrt(n power), and the weights' scale makes that 85 codes before ReLU, which keeps half of the power, or
        42 codes around a zero point. An output uses 1 / phases of a filter's taps."""
        count = filters[-1] if axis == 3 else filters[0]
        terms = math.prod(filters) // count / phases
        spread = 73.3 * math.sqrt(terms * x.power)
        if activation == NONE:
            y, codes = self._map(shape, 0.04, 5, 42.0**2), 42
        else:
            scale = 6 / 255 if activation == RELU6 else 0.03
            y, codes = self._map(shape, scale, -128, 85**2 / 2), 85
        layer = Layer(kind, name, [x], y, options, int(math.prod(shape) * terms), math.prod(filters),
                      count, (filters, axis, spread, codes * y.scale / (x.scale * spread)), list(constant))
        self.layers.append(layer)
        return y


def _pair(value):
    """Returns the values for rows and columns, if they differ."""
    return (value, value) if isinstance(value, int) else value


def _sliding(padding, stride):
    """Returns the first options of all operators with windows."""
    down, right = _pair(stride)
    return {0: ("b", padding), 1: ("i", right), 2: ("i", down)}


def _slid(x, window, stride, padding, channels):
    sizes = (-(-(extent if padding == SAME else extent - reach + 1) // step)
             for extent, reach, step in zip(x.shape[1:3], _pair(window), _pair(stride)))
    return (1, *sizes, channels)


# The networks. Each function returns a network; `classifier`: with its fully connected layers.

def alexnet(classifier=True):
    net = Network("alexnet", 227, 227, 3)
    x = net.conv("conv1", net.input, 96, 11, 4, VALID)
    x = net.max_pool("pool1", x, 3, 2, VALID)
    x = net.conv("conv2", x, 256, 5, groups=2)
    x = net.max_pool("pool2", x, 3, 2, VALID)
    x = net.conv("conv3", x, 384, 3)
    x = net.conv("conv4", x, 384, 3, groups=2)
    x = net.conv("conv5", x, 256, 3, groups=2)
    x = net.max_pool("pool5", x, 3, 2, VALID)
    if classifier:
        x = net.dense("fc6", x, 4096, RELU)
        x = net.dense("fc7", x, 4096, RELU)
        net.dense("fc8", x, 1000)
    return net


def inception(net, name, x, ones, reduce3, threes, reduce5, fives, pooled):
    """Appends GoogLeNet's module: a row of its table."""
    branches = [
        net.conv(f"{name}/1x1", x, ones, 1),
        net.conv(f"{name}/3x3", net.conv(f"{name}/3x3_reduce", x, reduce3, 1), threes, 3),
        net.conv(f"{name}/5x5", net.conv(f"{name}/5x5_reduce", x, reduce5, 1), fives, 5),
        net.conv(f"{name}/pool_proj", net.max_pool(f"{name}/pool", x, 3, 1), pooled, 1),
    ]
    return net.concatenate(f"{name}/output", branches)


def googlenet(classifier=True, name="googlenet", padding=SAME):
    net = Network(name, 224, 224, 3)
    x = net.conv("conv1", net.input, 64, 7, 2)
    x = net.max_pool("pool1", x, 3, 2, padding)
    x = net.conv("conv2_reduce", x, 64, 1)
    x = net.conv("conv2", x, 192, 3)
    x = net.max_pool("pool2", x, 3, 2, padding)
    x = inception(net, "3a", x, 64, 96, 128, 16, 32, 32)
    x = inception(net, "3b", x, 128, 128, 192, 32, 96, 64)
    x = net.max_pool("pool3", x, 3, 2, padding)
    x = inception(net, "4a", x, 192, 96, 208, 16, 48, 64)
    x = inception(net, "4b", x, 160, 112, 224, 24, 64, 64)
    x = inception(net, "4c", x, 128, 128, 256, 24, 64, 64)
    x = inception(net, "4d", x, 112, 144, 288, 32, 64, 64)
    x = inception(net, "4e", x, 256, 160, 320, 32, 128, 128)
    x = net.max_pool("pool4", x, 3, 2, padding)
    x = inception(net, "5a", x, 256, 160, 320, 32, 128, 128)
    x = inception(net, "5b", x, 384, 192, 384, 48, 128, 128)
    x = net.average_pool("pool5", x, x.shape[1])
    if classifier:
        net.dense("logits", x, 1000)
    return net


def googlenet_floor(classifier=True):
    return googlenet(classifier, "googlenet_floor", VALID)


def lenet5(classifier=True):
    net = Network("lenet5", 32, 32, 1)
    x = net.conv("c1", net.input, 6, 5, padding=VALID)
    x = net.average_pool("s2", x, 2, 2)
    x = net.conv("c3", x, 16, 5, padding=VALID)
    x = net.average_pool("s4", x, 2, 2)
    x = net.conv("c5", x, 120, 5, padding=VALID)
    if classifier:
        x = net.dense("f6", x, 84, RELU)
        net.dense("output", x, 10)
    return net


def mobilenet(classifier=True):
    net = Network("mobilenet", 224, 224, 3)
    x = net.conv("conv", net.input, 32, 3, 2, activation=RELU6)
    rows = [(64, 1), (128, 2), (128, 1), (256, 2), (256, 1), (512, 2), *[(512, 1)] * 5, (1024, 2),
            (1024, 1)]
    for i, (filters, stride) in enumerate(rows, 1):
        x = net.depthwise(f"{i}/dw", x, 3, stride)
        x = net.conv(f"{i}/pw", x, filters, 1, activation=RELU6)
    x = net.average_pool("pool", x, 7)
    if classifier:
        net.dense("logits", x, 1000)
    return net


def mobilenet_v2(classifier=True):
    net = Network("mobilenet_v2", 224, 224, 3)
    x = net.conv("conv", net.input, 32, 3, 2, activation=RELU6)
    rows = [(1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1)]
    for stage, (factor, filters, blocks, stride) in enumerate(rows, 1):
        for block in range(blocks):
            name, y = f"{stage}_{block}", x
            if factor > 1:
                y = net.conv(f"{name}/expand", y, factor * x.shape[3], 1, activation=RELU6)
            y = net.depthwise(f"{name}/dw", y, 3, stride if block == 0 else 1)
            y = net.conv(f"{name}/project", y, filters, 1, activation=NONE)
            x = net.add(f"{name}/add", x, y, NONE) if y.shape == x.shape else y
    x = net.conv("features", x, 1280, 1, activation=RELU6)
    x = net.average_pool("pool", x, 7)
    if classifier:
        net.dense("logits", x, 1000)
    return net


def _eights(channels):
    """Rounds to a multiple of 8, at least 90 %, like MobileNets."""
    rounded = max(8, int(channels + 4) // 8 * 8)
    return rounded + 8 if rounded < 0.9 * channels else rounded


def mobilenet_edgetpu(classifier=True):
    """Stages 2 and 3 have fused bottlenecks: a whole 3x3 that expands, no depthwise layer."""
    net, width = Network("mobilenet_edgetpu", 224, 224, 3), 0.75
    x = net.conv("conv", net.input, _eights(32 * width), 3, 2)
    x = net.conv("1_0/project", x, _eights(16 * width), 1, activation=NONE)
    rows = [(32, 3, 2, True, False), (48, 3, 2, True, False), (96, 3, 2, False, False), (96, 3, 1, False, False),
            (160, 5, 2, False, False), (192, 3, 1, False, True)]
    for stage, (filters, window, stride, fused, alone) in enumerate(rows, 2):
        for block in range(1 if alone else 4):
            name, y = f"{stage}_{block}", x
            step, expanded = (1 if block else stride), (4 if block else 8) * x.shape[3]
            if fused:
                y = net.conv(f"{name}/expand", y, expanded, window, step)
            else:
                y = net.conv(f"{name}/expand", y, expanded, 1)
                y = net.depthwise(f"{name}/dw", y, window, step, activation=RELU)
            y = net.conv(f"{name}/project", y, _eights(filters * width), 1, activation=NONE)
            x = net.add(f"{name}/add", x, y, NONE) if block else y
    x = net.conv("features", x, 1280, 1)
    x = net.average_pool("pool", x, 7)
    if classifier:
        net.dense("logits", x, 1001)
    return net


def resnet50(classifier=True):
    net = Network("resnet50", 224, 224, 3)
    x = net.conv("conv1", net.input, 64, 7, 2)
    x = net.max_pool("pool1", x, 3, 2)
    for stage, (filters, blocks) in enumerate([(64, 3), (128, 4), (256, 6), (512, 3)], 2):
        for block in range(1, blocks + 1):
            name = f"conv{stage}_{block}"
            stride = 2 if stage > 2 and block == 1 else 1
            shortcut = x
            if block == 1:
                shortcut = net.conv(f"{name}/0", x, 4 * filters, 1, stride, activation=NONE)
            x = net.conv(f"{name}/1", x, filters, 1, stride)
            x = net.conv(f"{name}/2", x, filters, 3)
            x = net.conv(f"{name}/3", x, 4 * filters, 1, activation=NONE)
            x = net.add(f"{name}/add", x, shortcut)
    x = net.average_pool("pool5", x, 7)
    if classifier:
        net.dense("logits", x, 1000)
    return net


def vgg16(classifier=True):
    net = Network("vgg16", 224, 224, 3)
    x = net.input
    for block, (filters, convolutions) in enumerate(
            [(64, 2), (128, 2), (256, 3), (512, 3), (512, 3)], 1):
        for i in range(1, convolutions + 1):
            x = net.conv(f"conv{block}_{i}", x, filters, 3)
        x = net.max_pool(f"pool{block}", x, 2, 2)
    if classifier:
        x = net.dense("fc6", x, 4096, RELU)
        x = net.dense("fc7", x, 4096, RELU)
        net.dense("fc8", x, 1000)
    return net


NETWORKS = {build.__name__: build
            for build in (lenet5, alexnet, vgg16, googlenet, googlenet_floor, resnet50, mobilenet, mobilenet_v2,
                          mobilenet_edgetpu)}


# The file.

def _tensor(name, shape, kind, buffer, scales, zero_points, axis=0):
    quantization = {2: ["f", *scales], 3: ["q", *zero_points], 6: ("i", axis)}
    return {0: ["i", *shape], 1: ("b", kind), 2: ("I", buffer), 3: name, 4: quantization}


def _parameters(draw, layer):
    """Returns weights, biases and the weights' scales; a scale for each channel, except for dense layers."""
    filters, axis, spread, scale = layer.parameters
    weights = draw.randbytes(layer.weights).replace(b"\x80", b"\x81")  # -127..127
    scales = [scale] if axis is None else [scale * draw.uniform(0.75, 1.25)
                                           for _ in range(layer.biases)]
    biases = [round(draw.uniform(-0.5, 0.5) * spread) for _ in range(layer.biases)]
    if layer.pruned:
        weights = _pruned(layer, weights, biases, scales)
    return weights, struct.pack(f"<{layer.biases}i", *biases), scales


def _pruned(layer, weights, biases, scales):
    """Returns the weights with filters that are zero or copies of another, with the copy's bias and scale."""
    weights, size = bytearray(weights), layer.weights // layer.biases

    def taps(channel):
        depthwise = layer.parameters[1] == 3
        return slice(channel, None, layer.biases) if depthwise else slice(channel * size, (channel + 1) * size)

    for channel, source in layer.pruned.items():
        weights[taps(channel)] = bytes(size) if source is None else weights[taps(source)]
        if source is not None:
            biases[channel] = biases[source]
            if len(scales) > 1:
                scales[channel] = scales[source]
    return bytes(weights)


def _operand(layer):
    """Returns a constant of whole numbers, of one axis or two."""
    rows = layer.constant
    nested = isinstance(rows[0], list)
    numbers = sum(rows, []) if nested else rows
    tensor = {0: ["i", len(rows), *([len(rows[0])] if nested else [])], 1: ("b", INT32), 3: f"{layer.name}/constant"}
    return tensor, struct.pack(f"<{len(numbers)}i", *numbers)


def model(net):
    """Returns the table Model of sw/model/tflite/tflite.fbs."""
    names = ["input"] + [layer.name for layer in net.layers]
    buffers, tensors, operators = [{}], [], []
    for x, name in zip(net.maps, names):
        tensors.append(_tensor(name, x.shape, INT8, 0, [x.scale], [x.zero_point]))
    kinds = sorted({layer.kind for layer in net.layers})
    for layer in net.layers:
        inputs = [x.index for x in layer.inputs]
        if layer.parameters:
            weights, biases, scales = _parameters(random.Random(f"{net.name}/{layer.name}"), layer)
            filters, axis = layer.parameters[:2]
            inputs += [len(tensors), len(tensors) + 1]
            tensors.append(_tensor(f"{layer.name}/weights", filters, INT8, len(buffers), scales,
                                   [0] * len(scales), axis or 0))
            tensors.append(_tensor(f"{layer.name}/bias", [layer.biases], INT32, len(buffers) + 1,
                                   [layer.inputs[0].scale * s for s in scales], [0] * len(scales)))
            buffers += [{0: weights}, {0: biases}]
        if layer.constant:
            tensor, data = _operand(layer)
            inputs.append(len(tensors))
            tensors.append({**tensor, 2: ("I", len(buffers))})
            buffers.append({0: data})
        if layer.kind == "TRANSPOSE_CONV":  # output's shape, weights, map, biases
            x, weights, biases, shape = inputs
            inputs = [shape, weights, x, biases]
        operators.append({0: ("I", kinds.index(layer.kind)), 1: ["i", *inputs], 2: ["i", layer.output.index],
                          **({3: ("B", OPTIONS[layer.kind]), 4: layer.options} if layer.kind in OPTIONS else {})})
    codes = [{0: ("b", CODES[kind]), 3: ("i", CODES[kind])} for kind in kinds]
    outputs = [x.index for x in net.outputs or [net.layers[-1].output]]
    graph = {0: tensors, 1: ["i", 0], 2: ["i", *outputs], 3: operators, 4: net.name}
    return {0: ("I", 3), 1: codes, 2: [graph], 3: f"{net.name}, random weights", 4: buffers}


def write(name, path, classifier=True):
    """@return the Network"""
    net = NETWORKS[name](classifier)
    pathlib.Path(path).write_bytes(tflite_writer.to_bytes(model(net)))
    return net


# Counts of the literature.

UNITS = {"k": 1e3, "M": 1e6, "G": 1e9}
LITERATURE = {  # MACs, MACs in convolutions, parameters
    "lenet5": ("416.5 k", "405.6 k", "61.7 k"),
    "alexnet": ("724 M", "666 M", "61 M"),
    "vgg16": ("15.5 G", "15.3 G", "138 M"),
    "googlenet": ("1.58 G", "1.58 G", "7.0 M"),
    "googlenet_floor": ("1.43 G", "1.43 G", "7.0 M"),
    "resnet50": ("3.9 G", "3.86 G", "25.5 M"),
    "mobilenet": ("569 M", "568 M", "4.2 M"),
    "mobilenet_v2": ("0.30 G", "0.30 G", "3.5 M"),
}


def _as(count, text):
    """Formats `count` with the unit and the decimals of `text`."""
    number, unit = text.split()
    return f"{count / UNITS[unit]:.{len(number.partition('.')[2])}f} {unit}"


def _counted(size, channels, layers):
    net = Network("textbook", size, size, channels)
    layers(net, net.input)
    return net.macs()


def textbook():
    """Returns Inceptions of 28x28x256 and a 5x5 of 14x14x480: name, MACs, the lectures' figure."""
    def naive(net, x):
        for filters, window in [(128, 1), (192, 3), (96, 5)]:
            net.conv("branch", x, filters, window)

    module = _counted(28, 256, lambda net, x: inception(net, "", x, 128, 64, 192, 64, 96, 64))
    threes = _counted(28, 64, lambda net, x: net.conv("3x3", x, 192, 3))
    direct = _counted(14, 480, lambda net, x: net.conv("5x5", x, 48, 5))
    reduced = _counted(14, 480, lambda net, x: net.conv("5x5", net.conv("1x1", x, 16, 1), 48, 5))
    return [("inception, naive", _counted(28, 256, naive), "854 M"),
            ("inception, bottlenecks", module, "271 M"),
            # The lectures state 358 M. Their layers sum to 271 M; 358 M counts the 3x3 twice.
            ("inception, bottlenecks, 3x3 twice", module + threes, "358 M"),
            ("5x5", direct, "112.9 M"),
            ("1x1 before 5x5", reduced, "5.3 M")]


def counts():
    """Yields name, count, the literature's figure."""
    for name, (macs, convolutions, parameters) in LITERATURE.items():
        net = NETWORKS[name]()
        yield f"{name}, MACs", net.macs(), macs
        yield f"{name}, MACs of convolutions", net.macs() - net.macs("FULLY"), convolutions
        yield f"{name}, weights and biases", net.parameters(), parameters
    yield from textbook()


def check():
    """@return the number of differences; prints each"""
    wrong = 0
    for what, count, figure in counts():
        if _as(count, figure) != figure:
            print(f"{what}: {count:,} is {_as(count, figure)}, expected {figure}")
            wrong += 1
    return wrong


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("network", nargs="?", choices=list(NETWORKS))
    parser.add_argument("out", nargs="?")
    parser.add_argument("--no-classifier", action="store_true",
                        help="leave out the fully connected layers")
    parser.add_argument("--list", action="store_true", help="print the MACs and the parameters of each network")
    parser.add_argument("--check", action="store_true", help="compare MACs and parameters with those in the literature")
    options = parser.parse_args()
    if options.check:
        sys.exit(1 if check() else 0)
    if options.list:
        for what, count, figure in counts():
            print(f"{what:<40}{count:>16,}  {figure}")
    elif options.out:
        write(options.network, options.out, not options.no_classifier)
    else:
        parser.error("NETWORK and OUT.tflite, --list or --check")


if __name__ == "__main__":
    main()
