#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Transformer networks as int8 TFLite files, with seeded weights.

    transformers.py NAME FILE

attention_T: softmax(Q K^T) V of 12 heads of 64 channels over T tokens, from maps of [T][768] to a
map of [T][768] (attention_128, attention_512; ATTENTION_HEADSxSIZE_T for others, as 4x16_7).
"""

import random
import sys
import zlib

import tflite_writer

# Of the format: builtin code, number of the options in their union.
BATCH_MATMUL, RESHAPE, SOFTMAX, TRANSPOSE = (126, 101), (22, 17), (25, 9), (39, 26)
INT8, INT32 = 9, 2


class Net:
    """Tensors are numbers."""

    def __init__(self, name):
        self.random = random.Random(zlib.crc32(name.encode()))
        self.buffers, self.tensors, self.ops, self.codes = [{}], [], [], []
        self.shapes, self.scales = [], []
        self.inputs, self.outputs = [], []

    def tensor(self, shape, scale=None, zero_point=0, kind=INT8, data=None):
        if data is not None:
            self.buffers.append({0: data})
        quantization = {} if scale is None else {2: ["f", scale], 3: ["q", zero_point]}
        self.tensors.append({0: ["i", *shape], 1: ("b", kind),
                             2: ("I", 0 if data is None else len(self.buffers) - 1),
                             3: f"t{len(self.tensors)}", 4: quantization})
        self.shapes.append(tuple(shape))
        self.scales.append((scale, zero_point))
        return len(self.tensors) - 1

    def input(self, shape, scale, zero_point):
        self.inputs.append(self.tensor(shape, scale, zero_point))
        return self.inputs[-1]

    def integers(self, values):
        return self.tensor((len(values),), kind=INT32,
                           data=b"".join(v.to_bytes(4, "little", signed=True) for v in values))

    def op(self, kind, inputs, output, options):
        code, number = kind
        if code not in self.codes:
            self.codes.append(code)
        self.ops.append({0: ("I", self.codes.index(code)), 1: ["i", *inputs], 2: ["i", output],
                         3: ("B", number), 4: options})
        return output

    def reshape(self, x, shape):
        return self.op(RESHAPE, [x, self.integers(shape)], self.tensor(shape, *self.scales[x]), {})

    def transpose(self, x, order):
        shape = [self.shapes[x][a] for a in order]
        return self.op(TRANSPOSE, [x, self.integers(order)], self.tensor(shape, *self.scales[x]),
                       {})

    def product(self, a, b, transposed, scale, zero_point):
        shape = (*self.shapes[a][:-1], self.shapes[b][-2 if transposed else -1])
        return self.op(BATCH_MATMUL, [a, b], self.tensor(shape, scale, zero_point),
                       {1: ("?", transposed)})

    def softmax(self, x):
        return self.op(SOFTMAX, [x], self.tensor(self.shapes[x], 1 / 256, -128), {0: ("f", 1.0)})

    def to_bytes(self):
        codes = [{0: ("b", min(c, 127)), 3: ("i", c), 2: ("i", 2)} for c in self.codes]
        graph = {0: self.tensors, 1: ["i", *self.inputs], 2: ["i", *self.outputs], 3: self.ops}
        return tflite_writer.to_bytes({0: ("I", 3), 1: codes, 2: [graph], 4: self.buffers})


def attention(net, q, k, v, heads):
    """Of maps [1][tokens][channels]."""
    _, tokens, channels = net.shapes[q]
    size = channels // heads

    def split(x):
        return net.transpose(net.reshape(x, (1, net.shapes[x][1], heads, size)), (0, 2, 1, 3))

    # Scores of random operands: a normal distribution, cut at three of its deviations.
    scale = 74 * 74 * net.scales[q][0] * net.scales[k][0] * size ** 0.5 * 3 / 128
    weights = net.softmax(net.product(split(q), split(k), True, scale, 5))
    mixed = net.product(weights, split(v), False, net.scales[v][0] / 4, -7)
    return net.reshape(net.transpose(mixed, (0, 2, 1, 3)), (1, tokens, channels))


def attention_only(name, heads, size, tokens):
    net = Net(name)
    q, k, v = (net.input((1, tokens, heads * size), 0.008 + 0.001 * i, 3 - 4 * i)
               for i in range(3))
    net.outputs = [attention(net, q, k, v, heads)]
    return net


def network(name):
    kind, *shape = name.split("_")
    if kind != "attention" or not shape:
        sys.exit(f"{name}: no such network")
    heads, size = map(int, shape[0].split("x")) if len(shape) > 1 else (12, 64)
    return attention_only(name, heads, size, int(shape[-1]))


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    name, path = sys.argv[1:]
    with open(path, "wb") as file:
        file.write(network(name).to_bytes())


if __name__ == "__main__":
    main()
