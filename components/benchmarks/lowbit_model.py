#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes a QONNX model of equal low-bit layers.

usage: lowbit_model.py OUT.onnx [--inputs K] [--weights K] [--size H] [--channels C] [--filters M]
                       [--window R] [--layers N] [--border B] [--residual] [--dense]
K is binary, ternary or int8. A layer is Conv (stride 1, SAME) or, with --dense, MatMul of a vector; then
BatchNormalization and the quantizer of the inputs' kind. --border is the value around the image: 0 by Conv's own
padding, -1 and 1 by Pad. With --residual each layer's result is added to its input, with a quantizer after the sum.
Weights are random, seeded, inputs codes of scale 1; the same arguments give the same bytes.
"""
import argparse
import pathlib
import random
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "components" / "zoo"))
import onnx_writer  # noqa: E402

DOMAIN = "qonnx.custom_op.general"
# "nf4": the 16 values of QLoRA's format, rounded to int8. "sparse": int8, two of each four inputs of a filter are 0.
CODES = {"binary": (-1, 1), "ternary": (-1, 0, 1), "int8": range(-127, 128), "sparse": range(-127, 128),
         "nf4": (-127, -88, -67, -50, -36, -23, -12, 0, 10, 20, 31, 43, 56, 71, 92, 127)}
BITS = {"binary": 1, "ternary": 2, "int8": 8, "sparse": 8, "nf4": 8}


def deviation(kind):
    """Returns the standard deviation of a kind's codes, which are equally likely."""
    return (sum(c * c for c in CODES[kind]) / len(CODES[kind]) / (2 if kind == "sparse" else 1)) ** 0.5


class Graph:
    """Nodes and constants; a node's output is named after its operator and position."""

    def __init__(self):
        self.nodes, self.constants = [], []

    def constant(self, shape, values, kind=onnx_writer.FLOAT):
        name = f"constant{len(self.constants) + 1}"
        self.constants.append(onnx_writer.tensor(name, kind, shape, values))
        return name

    def node(self, op, *inputs, **attributes):
        name = f"{op.lower()}{len(self.nodes) + 1}"
        self.nodes.append(onnx_writer.node(op, inputs, name, **attributes))
        return name

    def quantizer(self, x, kind):
        one = self.constant([], [1.0])
        if kind == "binary":
            return self.node("BipolarQuant", x, one, domain=DOMAIN)
        zero, bits = self.constant([], [0.0]), self.constant([], [float(BITS[kind])])
        return self.node("Quant", x, one, zero, bits, domain=DOMAIN, signed=1,
                         narrow=int(BITS[kind] < 8), rounding_mode="ROUND")


def gains(draw, weights, taps, filters):
    """Returns gains that spread a layer's outputs over its codes. They are odd multiples of 2^-27: no sum below 2^26
    times one of them is a half, so that rounding halves up or to even is the same."""
    spread = 1 / (taps ** 0.5 * deviation(weights))
    return [(int(spread * draw.uniform(0.8, 1.2) * 2**27) | 1) * 2.0**-27 for _ in range(filters)]


def add_layer(graph, draw, x, channels, o):
    """@return the output's name. @param o  the command line's options"""
    taps = channels * (1 if o.dense else o.window * o.window)
    shape = [channels, o.filters] if o.dense else [o.filters, channels, o.window, o.window]
    codes = [float(c) for c in draw.choices(CODES[o.weights], k=taps * o.filters)]
    if o.weights == "sparse":
        for first in range(0, channels, 4):
            for m in range(o.filters):
                for zero in draw.sample(range(4), 2):
                    codes[(first + zero) * o.filters + m] = 0.0
    w = graph.quantizer(graph.constant(shape, codes), o.weights)
    if o.dense:
        x = graph.node("MatMul", x, w)
    else:
        side = o.window // 2
        if side and o.border:
            pads = graph.constant([8], [0, 0, side, side] * 2, onnx_writer.INT64)
            x = graph.node("Pad", x, pads, graph.constant([], [float(o.border)]))
            side = 0
        x = graph.node("Conv", x, w, kernel_shape=[o.window] * 2, strides=[1, 1], pads=[side] * 4)
    offsets = [draw.uniform(-0.4, 0.4) for _ in range(o.filters)]
    norm = [gains(draw, o.weights, taps, o.filters), offsets, [0.0] * o.filters, [1.0] * o.filters]
    norm = [graph.constant([o.filters], values) for values in norm]
    x = graph.node("BatchNormalization", x, *norm, epsilon=0.0)
    return graph.quantizer(x, o.inputs)


def model(o):
    draw, graph = random.Random(1), Graph()
    x = graph.quantizer("image", o.inputs)
    for position in range(o.layers):
        y = add_layer(graph, draw, x, o.filters if position else o.channels, o)
        x = graph.quantizer(graph.node("Add", x, y), o.inputs) if o.residual else y
    image = [] if o.dense else [o.size, o.size]
    ends = [onnx_writer.float_end("image", [1, o.channels, *image]),
            onnx_writer.float_end(x, [1, o.filters, *image])]
    return onnx_writer.model("lowbit", 13, graph.nodes, graph.constants, ends[:1], ends[1:],
                             [DOMAIN])


def options(arguments):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("out")
    parser.add_argument("--inputs", choices=list(CODES), default="binary")
    parser.add_argument("--weights", choices=list(CODES), default="binary")
    parser.add_argument("--size", type=int, default=16)
    parser.add_argument("--channels", type=int, default=128)
    parser.add_argument("--filters", type=int, default=128)
    parser.add_argument("--window", type=int, default=3)
    parser.add_argument("--layers", type=int, default=1)
    parser.add_argument("--border", type=int, choices=[-1, 0, 1], default=0)
    parser.add_argument("--residual", action="store_true")
    parser.add_argument("--dense", action="store_true")
    o = parser.parse_args(arguments)
    if o.window % 2 == 0:
        parser.error("--window: odd")
    if o.residual and o.channels != o.filters:
        parser.error("--residual: as many --filters as --channels")
    if o.weights == "sparse" and (not o.dense or o.channels % 4 or o.filters % 4):
        parser.error("sparse weights: of --dense products, with --channels and --filters in fours")
    return o


def write(*arguments):
    """Writes the model; arguments as on the command line."""
    o = options([str(a) for a in arguments])
    pathlib.Path(o.out).write_bytes(model(o))


if __name__ == "__main__":
    write(*sys.argv[1:])
