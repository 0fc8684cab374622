#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Draws random plausible networks: the families of the model zoos of 2012 to 2025, with random sizes and widths.

    zoo.py SEED OUT.tflite          writes the network of a seed
    zoo.py --list FIRST NETWORKS    family, input, MACs and weights of those seeds

The same seed gives the same bytes. Networks have int8 codes and random weights, like those of tables.py. Some read
their image as N C H W through a TRANSPOSE and pad with an operator, as PyTorch's converters write them, or pad like
Keras; some are pruned: filters that are zero, constant or copies of others.
"""

import argparse
import pathlib
import random
import sys

import tables
import tflite_writer
from tables import NONE, RELU, RELU6, SAME, VALID

MOST_MACS = 300_000_000  # the golden reference takes a second or two
CLASSES = [2, 10, 12, 35, 100, 1000]
FUSED = {"relu": RELU, "relu6": RELU6}


class Network(tables.Network):
    """Activations by name, as operators if TFLite does not fuse them; the borders of a converter for strides:
    TFLite's own, PyTorch's or Keras's."""

    def __init__(self, draw, *shape):
        planar = len(shape) == 3 and draw.random() < 0.15
        super().__init__("", *((shape[2], *shape[:2]) if planar else shape))
        self.borders = "torch" if planar else draw.choices(["same", "keras"], [3, 1])[0]
        self.image = self.transpose("nhwc", self.input, (0, 2, 3, 1)) if planar else self.input

    def conv(self, name, x, filters, window, stride=1, padding=SAME, activation="relu", **more):
        x, padding = self._bordered(name, x, window, stride, padding)
        y = super().conv(name, x, filters, window, stride, padding, FUSED.get(activation, NONE), **more)
        return self._activated(name, y, activation)

    def depthwise(self, name, x, window, stride=1, padding=SAME, activation="relu6"):
        x, padding = self._bordered(name, x, window, stride, padding)
        y = super().depthwise(name, x, window, stride, padding, FUSED.get(activation, NONE))
        return self._activated(name, y, activation)

    def _bordered(self, name, x, window, stride, padding):
        if isinstance(window, tuple) or window == 1 or stride == 1 or padding == VALID or self.borders == "same":
            return x, padding
        before = window // 2 - (self.borders == "keras" and 1 - x.shape[1] % 2)
        return self.pad(f"{name}/pad", x, before, window // 2), VALID

    def _activated(self, name, x, activation):
        if activation == "swish":
            return self.multiply(f"{name}/swish", x, self.logistic(f"{name}/sigmoid", x))
        if activation == "hard_swish":
            return self.hard_swish(f"{name}/swish", x)
        return self.leaky_relu(f"{name}/leaky", x) if activation == "leaky" else x


def eights(channels):
    """Rounds to a multiple of 8, at least 90 %, like MobileNets."""
    rounded = max(8, int(channels + 4) // 8 * 8)
    return rounded + 8 if rounded < 0.9 * channels else rounded


def square(draw, sizes, channels=3):
    size = draw.choice(sizes)
    return size, size, channels


def classify(draw, net, x):
    """Appends mean and fully connected, for half of the networks with softmax."""
    x = net.mean("mean", x, False) if draw.random() < 0.5 else net.average_pool("pool", x, x.shape[1:3])
    end(draw, net, net.dense("logits", x, draw.choice(CLASSES)))


def end(draw, net, x):
    if draw.random() < 0.5:
        net.softmax("softmax", x)


def gated(net, name, x, squeezed):
    """Appends squeeze and excitation."""
    g = net.conv(f"{name}/squeeze", net.mean(f"{name}/mean", x), squeezed, 1)
    g = net.logistic(f"{name}/gate", net.conv(f"{name}/excite", g, x.shape[3], 1, activation="none"))
    return net.multiply(f"{name}/scaled", x, g)


def inverted(net, name, x, expanded, filters, window, stride, activation="relu6", squeeze=0):
    """Appends expand, depthwise, project; and the sum if shapes permit it. squeeze: the gate's share of the channels."""
    y = x
    if expanded != x.shape[3]:
        y = net.conv(f"{name}/expand", y, expanded, 1, activation=activation)
    y = net.depthwise(f"{name}/dw", y, window, stride, activation=activation)
    if squeeze:
        y = gated(net, name, y, eights(expanded * squeeze))
    y = net.conv(f"{name}/project", y, filters, 1, activation="none")
    return net.add(f"{name}/add", x, y, NONE) if y.shape == x.shape else y


# The families: each draws one network.

def vgg(draw):
    net = Network(draw, *square(draw, [28, 32, 48, 64, 96, 128, 224], draw.choice([1, 3, 3])))
    x, width, depth = net.image, draw.choice([8, 12, 16, 24, 32, 64]), draw.randint(1, 3)
    for block in range(draw.randint(2, 5)):
        for i in range(depth):
            x = net.conv(f"conv{block}_{i}", x, min(width << block, 8 * width), 3)
        x = net.max_pool(f"pool{block}", x, 2, 2)
    for i in range(draw.randint(0, 2)):
        x = net.dense(f"fc{i}", x, draw.choice([64, 128, 256, 512]), RELU)
    end(draw, net, net.dense("logits", x, draw.choice(CLASSES)))
    return net


def basic(net, name, x, filters, stride):
    shortcut = x if x.shape[3] == filters and stride == 1 else net.conv(f"{name}/0", x, filters, 1, stride,
                                                                        activation="none")
    x = net.conv(f"{name}/1", x, filters, 3, stride)
    return net.add(f"{name}/add", net.conv(f"{name}/2", x, filters, 3, activation="none"), shortcut)


def bottleneck(net, name, x, filters, stride):
    shortcut = x if x.shape[3] == 4 * filters and stride == 1 else net.conv(f"{name}/0", x, 4 * filters, 1, stride,
                                                                            activation="none")
    x = net.conv(f"{name}/2", net.conv(f"{name}/1", x, filters, 1), filters, 3, stride)
    return net.add(f"{name}/add", net.conv(f"{name}/3", x, 4 * filters, 1, activation="none"), shortcut)


def resnet(draw):
    """Draws CIFAR's with three stages, or ImageNet's with four after a 7x7 and a pool."""
    small = draw.random() < 0.5
    net = Network(draw, *square(draw, [32, 48, 64] if small else [96, 128, 160, 192, 224]))
    block, width = draw.choice([basic, bottleneck]), draw.choice([8, 16, 24, 32, 64])
    x = net.conv("conv1", net.image, width, *((3, 1) if small else (7, 2)))
    if not small:
        x = net.max_pool("pool1", x, 3, 2)
    for stage in range(3 if small else 4):
        for i in range(draw.randint(1, 4)):
            x = block(net, f"conv{stage + 2}_{i}", x, width << stage, 2 if stage and not i else 1)
    classify(draw, net, x)
    return net


def mobilenet_v1(draw):
    net = Network(draw, *square(draw, [96, 128, 160, 192, 224], draw.choice([1, 3, 3, 3])))
    width, activation = draw.choice([0.25, 0.35, 0.5, 0.75, 1.0, 1.4]), draw.choice(["relu", "relu6"])
    rows = [(64, 1), (128, 2), (128, 1), (256, 2), (256, 1), (512, 2), *[(512, 1)] * draw.choice([1, 3, 5]),
            (1024, 2), (1024, 1)]
    x = net.conv("conv", net.image, eights(32 * width), 3, 2, activation=activation)
    for i, (filters, stride) in enumerate(rows, 1):
        x = net.depthwise(f"{i}/dw", x, 3, stride, activation=activation)
        x = net.conv(f"{i}/pw", x, eights(filters * width), 1, activation=activation)
    classify(draw, net, x)
    return net


INVERTED = {  # expansion, channels, blocks, stride, window, from the papers' tables
    "mobilenet_v2": [(1, 16, 1, 1, 3), (6, 24, 2, 2, 3), (6, 32, 3, 2, 3), (6, 64, 4, 2, 3), (6, 96, 3, 1, 3),
                     (6, 160, 3, 2, 3), (6, 320, 1, 1, 3)],
    "mnasnet": [(1, 16, 1, 1, 3), (3, 24, 3, 2, 3), (3, 40, 3, 2, 5), (6, 80, 3, 2, 5), (6, 96, 2, 1, 3),
                (6, 192, 4, 2, 5), (6, 320, 1, 1, 3)],
    "efficientnet": [(1, 16, 1, 1, 3), (6, 24, 2, 2, 3), (6, 40, 2, 2, 5), (6, 80, 3, 2, 3), (6, 112, 3, 1, 5),
                     (6, 192, 4, 2, 5), (6, 320, 1, 1, 3)]}


def of_stages(draw, stages, width, activation="relu6", squeeze=0):
    """Appends inverted residuals after a 3x3 of stride 2."""
    net = Network(draw, *square(draw, [32, 64, 96, 128, 144, 160, 192, 224]))
    x = net.conv("stem", net.image, eights(32 * width), 3, 2, activation=activation)
    for stage, (expansion, channels, blocks, stride, window) in enumerate(stages):
        for i in range(blocks):
            x = inverted(net, f"{stage}_{i}", x, expansion * x.shape[3], eights(channels * width), window,
                         1 if i else stride, activation, squeeze)
    if draw.random() < 0.7:
        x = net.conv("head", x, draw.choice([256, 512, 1280]), 1, activation=activation)
    classify(draw, net, x)
    return net


def mobilenet_v2(draw):
    return of_stages(draw, INVERTED["mobilenet_v2"], draw.choice([0.35, 0.5, 0.75, 1.0, 1.3, 1.4]))


def mnasnet(draw):
    return of_stages(draw, INVERTED["mnasnet"], draw.choice([0.35, 0.5, 0.75, 1.0]), "relu")


def efficientnet(draw):
    """Draws Lite, without gates, or a network with gates of a quarter of the block's input and swish."""
    lite = draw.random() < 0.6
    return of_stages(draw, INVERTED["efficientnet"], draw.choice([0.35, 0.5, 0.75, 1.0]),
                     *(("relu6", 0) if lite else ("swish", 1 / 24)))


def searched(draw):
    """Draws networks like the results of architecture searches for microcontrollers: any window, expansion and depth
    of each stage."""
    stages, channels = [], draw.choice([8, 16, 16, 24])
    for stage in range(draw.randint(4, 6)):
        stages.append((draw.choice([1, 3, 4, 6]), channels, draw.randint(1, 4), 1 if stage % 3 == 0 else 2,
                       draw.choice([3, 3, 5, 5, 7])))
        channels += 8 * draw.randint(1, 6)
    return of_stages(draw, stages, draw.choice([0.5, 0.75, 1.0]))


V3_SMALL = [(3, 16, 16, 1, "relu", 2), (3, 72, 24, 0, "relu", 2), (3, 88, 24, 0, "relu", 1),
            (5, 96, 40, 1, "hard_swish", 2), (5, 240, 40, 1, "hard_swish", 1), (5, 240, 40, 1, "hard_swish", 1),
            (5, 120, 48, 1, "hard_swish", 1), (5, 144, 48, 1, "hard_swish", 1), (5, 288, 96, 1, "hard_swish", 2),
            (5, 576, 96, 1, "hard_swish", 1), (5, 576, 96, 1, "hard_swish", 1)]
V3_LARGE = [(3, 16, 16, 0, "relu", 1), (3, 64, 24, 0, "relu", 2), (3, 72, 24, 0, "relu", 1),
            (5, 72, 40, 1, "relu", 2), (5, 120, 40, 1, "relu", 1), (5, 120, 40, 1, "relu", 1),
            (3, 240, 80, 0, "hard_swish", 2), (3, 200, 80, 0, "hard_swish", 1), (3, 184, 80, 0, "hard_swish", 1),
            (3, 480, 112, 1, "hard_swish", 1), (5, 672, 160, 1, "hard_swish", 2), (5, 960, 160, 1, "hard_swish", 1)]


def mobilenet_v3(draw):
    """Draws MobileNetV3, half of them "minimalistic": windows of 3, no gates, no hard swish."""
    net = Network(draw, *square(draw, [96, 128, 160, 192, 224]))
    width, minimal, rows = draw.choice([0.35, 0.5, 0.75, 1.0]), draw.random() < 0.5, draw.choice([V3_SMALL, V3_LARGE])
    last = "relu" if minimal else "hard_swish"
    x = net.conv("stem", net.image, 16, 3, 2, activation=last)
    for i, (window, expanded, filters, gate, activation, stride) in enumerate(rows):
        if minimal:
            window, gate, activation = 3, 0, "relu"
        x = inverted(net, f"{i}", x, eights(expanded * width), eights(filters * width), window, stride, activation,
                     gate / 4)
    x = net.conv("head", x, eights(rows[-1][1] * width), 1, activation=last)
    classify(draw, net, x)
    return net


def squeezenet(draw):
    net = Network(draw, *square(draw, [64, 96, 128, 160, 192, 224]))
    width = draw.choice([0.25, 0.5, 0.75, 1.0])
    x = net.conv("conv1", net.image, eights(64 * width), 3, 2, draw.choice([SAME, VALID]))
    for stage, squeezed in enumerate([[16, 16], [32, 32], [48, 48, 64, 64]]):
        x = net.max_pool(f"pool{stage}", x, 3, 2)
        for i, channels in enumerate(squeezed):
            name = f"fire{stage}_{i}"
            s = net.conv(f"{name}/squeeze", x, eights(channels * width), 1)
            x = net.concatenate(f"{name}/output", [net.conv(f"{name}/expand{window}", s, eights(4 * channels * width),
                                                            window) for window in (1, 3)])
    x = net.conv("classifier", x, draw.choice(CLASSES), 1)
    net.mean("mean", x, False)
    return net


def inception(draw):
    """Draws GoogLeNet's modules at a width, or with 1x7 and 7x1 instead of 5x5."""
    net = Network(draw, *square(draw, [64, 96, 128, 160, 224]))
    width, factors = draw.choice([0.25, 0.5, 0.75]), draw.random() < 0.4
    x = net.max_pool("pool1", net.conv("conv1", net.image, eights(64 * width), draw.choice([3, 5, 7]), 2), 3, 2)
    x = net.conv("conv2", net.conv("conv2_reduce", x, eights(64 * width), 1), eights(192 * width), 3)
    rows = [(64, 96, 128, 16, 32, 32), (128, 128, 192, 32, 96, 64), (192, 96, 208, 16, 48, 64),
            (160, 112, 224, 24, 64, 64), (256, 160, 320, 32, 128, 128)]
    for i, row in enumerate(rows[:draw.randint(2, 5)]):
        if i % 2 == 0:
            x = net.max_pool(f"pool{i + 2}", x, 3, 2)
        ones, reduce3, threes, reduce5, fives, pooled = (eights(width * channels) for channels in row)
        if factors:
            y = net.conv(f"{i}/7x7_reduce", x, reduce5, 1)
            y = net.conv(f"{i}/7x1", net.conv(f"{i}/1x7", y, reduce5, (1, 7)), fives, (7, 1))
            x = net.concatenate(f"{i}/output", [
                net.conv(f"{i}/1x1", x, ones, 1), y,
                net.conv(f"{i}/3x3", net.conv(f"{i}/3x3_reduce", x, reduce3, 1), threes, 3)])
        else:
            x = tables.inception(net, f"{i}", x, ones, reduce3, threes, reduce5, fives, pooled)
    classify(draw, net, x)
    return net


def densenet(draw):
    """Draws a DenseNet; batch normalization counts as folded after the convolutions."""
    small = draw.random() < 0.5
    net = Network(draw, *square(draw, [32, 48, 64] if small else [96, 128, 160, 224]))
    growth, bottle = draw.choice([8, 12, 16, 24, 32]), draw.random() < 0.7
    x = net.conv("conv", net.image, 2 * growth, *((3, 1) if small else (7, 2)))
    if not small:
        x = net.max_pool("pool1", x, 3, 2)
    for block in range(3):
        for i in range(draw.randint(2, 6)):
            name = f"{block}_{i}"
            y = net.conv(f"{name}/1x1", x, 4 * growth, 1) if bottle else x
            x = net.concatenate(f"{name}/output", [x, net.conv(f"{name}/3x3", y, growth, 3)])
        if block < 2:
            x = net.conv(f"{block}/transition", x, x.shape[3] // 2, 1)
            x = net.average_pool(f"{block}/pool", x, 2, 2)
    classify(draw, net, x)
    return net


def unet(draw):
    """Draws encoder and decoder; a third without skips: an autoencoder of images."""
    skips, up, depth = draw.random() < 0.67, draw.choice(["nearest", "bilinear", "transposed"]), draw.randint(2, 4)
    net = Network(draw, *square(draw, [32, 48, 64, 96, 128, 128, 160, 192, 256, 512], draw.choice([1, 3])))
    x, width, convs, kept = net.image, draw.choice([4, 8, 12, 16, 24, 32]), draw.randint(1, 2), []
    for level in range(depth):
        for i in range(convs):
            x = net.conv(f"down{level}/{i}", x, width << level, 3)
        kept.append(x)
        x = net.max_pool(f"down{level}/pool", x, 2, 2)
    x = net.conv("bottom", x, width << depth, 3)
    for level in reversed(range(depth)):
        if up == "transposed":
            x = net.transposed(f"up{level}/up", x, width << level, draw.choice([2, 3]), 2)
        else:
            x = net.resize(f"up{level}/up", x, 2, up == "bilinear")
        if skips:
            x = net.concatenate(f"up{level}/skip", [x, kept[level]])
        for i in range(convs):
            x = net.conv(f"up{level}/{i}", x, width << level, 3)
    net.conv("mask", x, draw.choice([1, 1, 2, 3, 21]), 1, activation="none")
    return net


def ds_cnn(draw):
    """Draws a keyword network on a spectrogram."""
    net = Network(draw, *draw.choice([(49, 10), (49, 10), (98, 40), (101, 40), (61, 13), (32, 32)]), 1)
    filters, window = draw.choice([16, 64, 64, 76, 172, 276]), draw.choice([(10, 4), (10, 4), (8, 3), (3, 3)])
    x = net.conv("stem", net.image, filters, window, draw.choice([(2, 2), (2, 1), (2, 2), (1, 1)]))
    for i in range(draw.randint(2, 6)):
        x = net.depthwise(f"{i}/dw", x, 3, 2 if i and draw.random() < 0.15 else 1, activation="relu")
        x = net.conv(f"{i}/pw", x, filters, 1)
    classify(draw, net, x)
    return net


def autoencoder(draw):
    """Draws a fully connected autoencoder of vectors."""
    inputs, hidden, code = draw.choice([128, 196, 256, 640, 784]), draw.choice([32, 64, 100, 128, 256]), 8
    net = Network(draw, inputs)
    x, sides = net.input, draw.randint(1, 4)
    for i, outputs in enumerate([hidden] * sides + [draw.choice([code, 2 * code, 4 * code])] + [hidden] * sides):
        x = net.dense(f"{i}", x, outputs, RELU)
    net.dense("output", x, inputs)
    return net


def yolo(draw):
    """Draws a tiny detector: two heads, the second after an up-sampled map and a skip."""
    net = Network(draw, *square(draw, [96, 128, 160, 192, 224, 256, 320]))
    activation, width, depth = draw.choice(["relu", "relu6", "leaky"]), draw.choice([4, 8, 12, 16]), draw.randint(4, 5)
    boxes, x = 3 * (5 + draw.choice([1, 2, 20, 80])), net.image
    for i in range(depth):
        x = kept = net.conv(f"conv{i}", x, width << i, 3, activation=activation)
        x = net.max_pool(f"pool{i}", x, 2, 2)
    x = net.conv("neck", net.conv("deep", x, width << depth, 3, activation=activation), 4 * width, 1)
    coarse = net.conv("coarse", net.conv("coarse/3x3", x, 8 * width, 3), boxes, 1, activation="none")
    x = net.conv("lateral/1x1", kept, 4 * width, 1)
    up = net.resize("up", net.conv("up/1x1", net.max_pool("up/pool", x, 2, 2), 4 * width, 1), 2)
    x = net.conv("fine/3x3", net.concatenate("skip", [up, x]), 4 * width, 3)
    net.outputs = [coarse, net.conv("fine", x, boxes, 1, activation="none")]
    return net


def temporal(draw):
    """Draws windows of 1xK along time, or Kx1: TC-ResNets of spectrograms, causal chains of sensors; some dilated."""
    along = draw.choice([1, 0])
    time, channels = draw.choice([49, 98, 101, 128, 256, 512]), draw.choice([3, 6, 9, 10, 13, 40])

    def across(extent, other=1):
        return (other, extent) if along else (extent, other)

    net = Network(draw, *across(time), channels)
    window, width, dilated = draw.choice([3, 5, 9]), draw.choice([16, 24, 32, 64]), draw.random() < 0.4
    x = net.conv("stem", net.image, width, across(3))
    for i in range(draw.randint(2, 6)):
        filters, stride = (width, 1) if dilated else (eights(width * (1 + 0.5 * i)), across(2))
        more = {"dilation": across(1 << min(i, 4))} if dilated else {}
        shortcut = x if dilated else net.conv(f"{i}/0", x, filters, 1, stride, activation="none")
        y = net.conv(f"{i}/1", x, filters, across(window), stride, **more)
        x = net.add(f"{i}/add", net.conv(f"{i}/2", y, filters, across(window), activation="none", **more), shortcut)
    classify(draw, net, x)
    return net


def chain(draw):
    """Draws a deep and narrow chain of one size: denoisers, super-resolution."""
    net = Network(draw, *square(draw, [32, 48, 64, 96, 128], draw.choice([1, 3])))
    width, residual = draw.choice([4, 8, 12, 16, 24, 32]), draw.random() < 0.4
    x = net.conv("first", net.image, width, draw.choice([3, 5]))
    for i in range(draw.randint(4, 30)):
        y = net.conv(f"{i}", x, width, 3, activation="none" if residual else "relu")
        x = net.add(f"{i}/add", y, x) if residual else y
    factor = draw.choice([1, 1, 2])
    if factor == 1:
        net.conv("last", x, net.image.shape[3], 3, activation="none")
    else:
        net.transposed("last", x, net.image.shape[3], draw.choice([4, 9]), factor, NONE)
    return net


FAMILIES = {family.__name__: family for family in (
    vgg, resnet, mobilenet_v1, mobilenet_v2, mobilenet_v3, mnasnet, efficientnet, searched, squeezenet, inception,
    densenet, unet, ds_cnn, autoencoder, yolo, temporal, chain)}


def prune(draw, net):
    """Prunes a share of the filters of some products: half of them become zero, the others copies."""
    share = draw.uniform(0.05, 0.6)
    for layer in net.layers:
        if layer.biases < 8 or draw.random() < 0.4:
            continue
        gone = draw.sample(range(layer.biases), int(share * layer.biases))
        left = sorted(set(range(layer.biases)) - set(gone))
        layer.pruned = {channel: draw.choice(left) if draw.random() < 0.5 else None for channel in gone}


def network(seed):
    """@return the Network, its family"""
    draw = random.Random(f"plausible network {seed}")
    family = list(FAMILIES)[seed % len(FAMILIES)]  # in order, so that a few seeds contain all families
    while True:
        net = FAMILIES[family](draw)
        if net.macs() <= MOST_MACS:
            break
    if draw.random() < 0.2:
        prune(draw, net)
    net.name = f"{family}_{seed}"
    return net, family


def write(net, path):
    pathlib.Path(path).write_bytes(tflite_writer.to_bytes(tables.model(net)))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("seed", type=int)
    parser.add_argument("out")
    parser.add_argument("--list", action="store_true",
                        help="list networks: `seed` is the first seed, `out` the number of networks")
    options = parser.parse_args()
    if not options.list:
        write(network(options.seed)[0], options.out)
        return
    for seed in range(options.seed, options.seed + int(options.out)):
        net, _ = network(seed)
        shape = "x".join(map(str, net.input.shape[1:]))
        print(f"{net.name:<20}{shape:<14}{len(net.layers):>4} layers{net.macs():>13,} MACs{net.parameters():>11,}")


if __name__ == "__main__":
    main()
