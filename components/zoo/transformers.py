#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes transformer networks as int8 files with seeded weights: TFLite, or ONNX (quantizers around float32
operators) if the file's name ends in .onnx.

    transformers.py NAME FILE

attention_T: softmax(Q K^T) V of 12 heads of 64 channels over T tokens, from maps of [T][768] to a map of [T][768]
(attention_128, attention_512; attention_HEADSxSIZE_T for others, as 4x16_7).
layer_T: one encoder layer, normalized after each sum, hidden maps of four times the channels.
encoder_T, decoder_T: the same with sinusoids added to the input. The decoder has causal attention to itself, then
attention to an encoder's output of T + 3 tokens; a third input masks padding among these.
ast: the audio spectrogram transformer (Gong et al. 2021), 128 mels x 1024 frames, patches of 16 x 16 at every tenth
row and column, 12 blocks normalized before each product, 527 classes. ast_MELS_FRAMES_BLOCKS_HEADSxSIZE for others,
as ast_16_46_1_2x8. Only TFLite.
"""

import math
import random
import struct
import sys
import zlib

import onnx_net
import tflite_writer

# The format's builtin code, and the number of the options in their union.
BATCH_MATMUL, RESHAPE, SOFTMAX, TRANSPOSE = (126, 101), (22, 17), (25, 9), (39, 26)
CONCATENATION, CONV_2D, STRIDED_SLICE = (2, 10), (3, 1), (45, 32)
ADD, MUL, SUB, SQUARED_DIFFERENCE = (0, 11), (18, 21), (41, 28), (99, 76)
FULLY_CONNECTED, GELU, MEAN, RSQRT = (9, 8), (150, 116), (40, 27), (76, 0)
INT8, INT32 = 9, 2

UNIT = 1 / 40         # scale of a map whose values deviate by 1
MASKED = 0.1, 20      # for scores that deviate by 1: the lowest code is 12 below the relevant ones
MASK = 0.25, 0        # a mask's -128 moves any score to the lowest code


class Net:
    """Tensors are numbers."""

    def __init__(self, name):
        self.random = random.Random(zlib.crc32(name.encode()))
        self.buffers, self.tensors, self.ops, self.codes = [{}], [], [], []
        self.shapes, self.scales = [], []
        self.inputs, self.outputs = [], []

    def tensor(self, shape, scale=None, zero_point=0, kind=INT8, data=None):
        """`scale` and `zero_point` are lists if each part of the first axis has its own."""
        if data is not None:
            self.buffers.append({0: data})
        quantization = {}
        if scale is not None:
            each = isinstance(scale, list)
            quantization = {2: ["f", *scale] if each else ["f", scale],
                            3: ["q", *zero_point] if each else ["q", zero_point]}
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
                         **({3: ("B", number), 4: options} if number else {})})
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

    def patches(self, x, weights, scales, bias, window, stride, scale, zero_point):
        """Adds a convolution without a border. @param weights  bytes of int8 [outputs][window][window][channels]"""
        _, height, width, channels = self.shapes[x]
        t = self.tensor((len(bias), window, window, channels), scales, [0] * len(scales), data=weights)
        b = self.tensor((len(bias),), [self.scales[x][0] * s for s in scales], [0] * len(scales), INT32,
                        struct.pack(f"<{len(bias)}i", *bias))
        shape = (1, (height - window) // stride + 1, (width - window) // stride + 1, len(bias))
        return self.op(CONV_2D, [x, t, b], self.tensor(shape, scale, zero_point),
                       {0: ("b", 1), 1: ("i", stride), 2: ("i", stride), 3: ("b", 0)})

    def joined(self, parts):
        """Concatenates tokens."""
        _, _, channels = self.shapes[parts[0]]
        shape = (1, sum(self.shapes[x][1] for x in parts), channels)
        return self.op(CONCATENATION, parts, self.tensor(shape, *self.scales[parts[0]]), {0: ("i", 1)})

    def first_tokens(self, x, count):
        _, _, channels = self.shapes[x]
        ends = [self.integers(v) for v in ([0, 0, 0], [1, count, channels], [1, 1, 1])]
        return self.op(STRIDED_SLICE, [x, *ends], self.tensor((1, count, channels), *self.scales[x]), {})

    def softmax(self, x):
        return self.op(SOFTMAX, [x], self.tensor(self.shapes[x], 1 / 256, -128), {0: ("f", 1.0)})

    def dense(self, x, weights, scales, bias, scale, zero_point):
        """Adds a product of each row.

        @param weights  bytes of int8 [outputs][inputs]; scales and bias are those of the outputs
        """
        *rows, channels = self.shapes[x]
        t = self.tensor((len(bias), channels), scales, [0] * len(scales), data=weights)
        data = b"".join(v.to_bytes(4, "little", signed=True) for v in bias)
        b = self.tensor((len(bias),), [self.scales[x][0] * s for s in scales],
                        [0] * len(scales), INT32, data)
        return self.op(FULLY_CONNECTED, [x, t, b],
                       self.tensor((*rows, len(bias)), scale, zero_point), {2: ("?", True)})

    def elementwise(self, kind, a, b, scale, zero_point):
        """Adds ADD, SUB, MUL or SQUARED_DIFFERENCE; `b` has the last axes of `a`, or ones."""
        return self.op(kind, [a, b], self.tensor(self.shapes[a], scale, zero_point), {})

    def function(self, kind, x, scale, zero_point):
        """Adds GELU or RSQRT."""
        return self.op(kind, [x], self.tensor(self.shapes[x], scale, zero_point), {})

    def mean(self, x, scale, zero_point):
        """Adds the mean of each row."""
        shape = (*self.shapes[x][:-1], 1)
        return self.op(MEAN, [x, self.integers([len(shape) - 1])],
                       self.tensor(shape, scale, zero_point), {0: ("?", True)})

    def layer_norm(self, x, gamma, beta, scale, zero_point):
        """Adds a layer norm as converters decompose it. Sums of two normalized maps have variances around 2.

        @param gamma, beta  bytes of int8 codes, and their scale
        """
        def constant(codes, step):
            return self.tensor((len(codes),), step, 0, data=codes)

        mean = self.mean(x, 0.01, 2)
        square = self.elementwise(SQUARED_DIFFERENCE, x, mean, 0.08, -128)
        variance = self.mean(square, 0.03, -128)
        epsilon = self.tensor((1,), 1e-3 / 127, 0, data=b"\x7f")
        factor = self.elementwise(ADD, variance, epsilon, 0.03, -128)
        factor = self.function(RSQRT, factor, 0.01, -128)
        y = self.elementwise(SUB, x, mean, 1.5 * UNIT, 1)
        y = self.elementwise(MUL, y, factor, UNIT, -3)
        y = self.elementwise(MUL, y, constant(*gamma), UNIT, 4)
        return self.elementwise(ADD, y, constant(*beta), scale, zero_point)

    def to_bytes(self):
        codes = [{0: ("b", min(c, 127)), 3: ("i", c), 2: ("i", 1)} for c in self.codes]
        graph = {0: self.tensors, 1: ["i", *self.inputs], 2: ["i", *self.outputs], 3: self.ops}
        return tflite_writer.to_bytes({0: ("I", 3), 1: codes, 2: [graph], 4: self.buffers})


def random_dense(net, x, outputs, scale, zero_point=0):
    """Adds a product with random weights, whose scales make the result deviate by 40 codes if `x` does."""
    inputs, random = net.shapes[x][-1], net.random
    weights = random.randbytes(outputs * inputs).replace(b"\x80", b"\x81")
    typical = scale / (net.scales[x][0] * 73.6 * inputs ** 0.5)
    scales = [typical * random.uniform(0.8, 1.25) for _ in range(outputs)]
    bias = [random.randrange(-2000, 2001) for _ in range(outputs)]
    return net.dense(x, weights, scales, bias, scale, zero_point)


def attention(net, q, k, v, heads, masks=()):
    """Adds attention of maps [1][tokens][channels]; `masks` are added to the scores."""
    _, tokens, channels = net.shapes[q]
    size = channels // heads

    def split(x):
        return net.transpose(net.reshape(x, (1, net.shapes[x][1], heads, size)), (0, 2, 1, 3))

    if masks:
        scale, zero_point = MASKED
    else:  # for uniform codes: a normal distribution, cut at three deviations
        scale = 74 * 74 * net.scales[q][0] * net.scales[k][0] * size ** 0.5 * 3 / 128
        zero_point = 5
    scores = net.product(split(q), split(k), True, scale, zero_point)
    for mask in masks:
        scores = net.elementwise(ADD, scores, mask, scale, zero_point)
    mixed = net.product(net.softmax(scores), split(v), False, net.scales[v][0] / 4, -7)
    return net.reshape(net.transpose(mixed, (0, 2, 1, 3)), (1, tokens, channels))


def layer_norm(net, x):
    gamma, beta = ((net.random.randbytes(net.shapes[x][-1]), step) for step in (0.012, 0.004))
    return net.layer_norm(x, gamma, beta, UNIT, -2)


def attention_block(net, x, memory, heads, masks=()):
    """Adds attention with queries of `x`, keys and values of `memory`; the sum with `x`, normalized."""
    channels = net.shapes[x][-1]
    small = UNIT * (channels // heads) ** -0.25  # the scores deviate by 1
    q, k = (random_dense(net, y, channels, small, z) for y, z in ((x, 3), (memory, -4)))
    mixed = attention(net, q, k, random_dense(net, memory, channels, UNIT, 2), heads, masks)
    y = random_dense(net, mixed, channels, UNIT)
    return layer_norm(net, net.elementwise(ADD, x, y, 1.5 * UNIT, 1))


def feed_forward_block(net, x, hidden):
    channels = net.shapes[x][-1]
    y = net.function(GELU, random_dense(net, x, hidden, UNIT, 5), UNIT / 1.6, -120)
    y = random_dense(net, y, channels, UNIT, -6)
    return layer_norm(net, net.elementwise(ADD, x, y, 1.5 * UNIT, 1))


def encoder_block(net, x, heads, hidden):
    return feed_forward_block(net, attention_block(net, x, x, heads), hidden)


def decoder_block(net, x, memory, heads, hidden, causal, padding):
    x = attention_block(net, x, x, heads, [causal])
    return feed_forward_block(net, attention_block(net, x, memory, heads, [padding]), hidden)


def positions(net, x):
    """Returns the sinusoids of Vaswani et al. 2017."""
    _, tokens, channels = net.shapes[x]
    angles = [(t / 10000 ** (c // 2 * 2 / channels), c % 2)
              for t in range(tokens) for c in range(channels)]
    codes = (round(127 * (math.cos(a) if odd else math.sin(a))) for a, odd in angles)
    table = net.tensor((1, tokens, channels), 1 / 127, 0, data=struct.pack(
        f"{tokens * channels}b", *codes))
    return net.elementwise(ADD, x, table, 1.5 * UNIT, 0)


def layer(net, heads, size, tokens):
    x = net.input((1, tokens, heads * size), UNIT, 3)
    net.outputs = [encoder_block(net, x, heads, 4 * heads * size)]


def encoder(net, heads, size, tokens):
    channels = heads * size
    x = positions(net, net.input((1, tokens, channels), UNIT, 3))
    net.outputs = [encoder_block(net, x, heads, 4 * channels)]


def decoder(net, heads, size, tokens):
    """Adds a decoder. Inputs: the target, an encoder's output of 3 more tokens, and 0 or -128 for each of these:
    token or padding."""
    channels, source = heads * size, tokens + 3
    x = positions(net, net.input((1, tokens, channels), UNIT, 3))
    memory = net.input((1, source, channels), UNIT, -2)
    padding = net.input((1, 1, 1, source), *MASK)
    causal = net.tensor((1, 1, tokens, tokens), *MASK, data=b"".join(
        b"\0" * (t + 1) + b"\x80" * (tokens - t - 1) for t in range(tokens)))
    net.outputs = [decoder_block(net, x, memory, heads, 4 * channels, causal, padding)]


def attention_only(net, heads, size, tokens):
    q, k, v = (net.input((1, tokens, heads * size), 0.008 + 0.001 * i, 3 - 4 * i)
               for i in range(3))
    net.outputs = [attention(net, q, k, v, heads)]


def pre_norm_block(net, x, heads, hidden):
    """Adds attention and hidden maps of normalized maps; sums are not normalized."""
    channels = net.shapes[x][-1]
    y = layer_norm(net, x)
    small = UNIT * (channels // heads) ** -0.25
    q, k = (random_dense(net, y, channels, small, z) for z in (3, -4))
    y = random_dense(net, attention(net, q, k, random_dense(net, y, channels, UNIT, 2), heads), channels, UNIT)
    x = net.elementwise(ADD, x, y, 1.5 * UNIT, 1)
    y = net.function(GELU, random_dense(net, layer_norm(net, x), hidden, UNIT, 5), UNIT / 1.6, -120)
    return net.elementwise(ADD, x, random_dense(net, y, channels, UNIT, -6), 1.5 * UNIT, 1)


def ast(net, mels, frames, blocks, heads, size):
    """Two tokens precede the patches: the class token and the distillation token; their mean is the answer's map."""
    channels, window, stride, classes = heads * size, 16, 10, 527
    x = net.input((1, mels, frames, 1), UNIT, 3)
    scales = [1 / (73.6 * window) * net.random.uniform(0.8, 1.25) for _ in range(channels)]
    weights = net.random.randbytes(channels * window**2).replace(b"\x80", b"\x81")
    bias = [net.random.randrange(-2000, 2001) for _ in range(channels)]
    x = net.patches(x, weights, scales, bias, window, stride, UNIT, 2)
    _, rows, columns, _ = net.shapes[x]
    x = net.reshape(x, (1, rows * columns, channels))
    heading = net.tensor((1, 2, channels), *net.scales[x], data=net.random.randbytes(2 * channels))
    x = net.joined([heading, x])
    learned = net.tensor(net.shapes[x], UNIT / 4, 0, data=net.random.randbytes(net.shapes[x][1] * channels))
    x = net.elementwise(ADD, x, learned, 1.5 * UNIT, 1)
    for _ in range(blocks):
        x = pre_norm_block(net, x, heads, 4 * channels)
    x = net.first_tokens(layer_norm(net, x), 2)
    shape = (1, 1, channels)
    mean = net.op(MEAN, [x, net.integers([1])], net.tensor(shape, *net.scales[x]), {0: ("?", True)})
    net.outputs = [random_dense(net, mean, classes, UNIT)]


NETWORKS = {"attention": attention_only, "layer": layer, "encoder": encoder, "decoder": decoder}


def network(name, kind_of_net=Net):
    kind, *shape = name.split("_")
    if kind == "ast" and kind_of_net is Net and len(shape) in (0, 4):
        net = Net(name)
        *extents, head = shape or ("128", "1024", "12", "12x64")
        ast(net, *map(int, extents), *map(int, head.split("x")))
        return net
    if kind not in NETWORKS or not shape:
        sys.exit(f"{name}: no such network")
    heads, size = map(int, shape[0].split("x")) if len(shape) > 1 else (12, 64)
    net = kind_of_net(name)
    NETWORKS[kind](net, heads, size, int(shape[-1]))
    return net


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    name, path = sys.argv[1:]
    with open(path, "wb") as file:
        net = onnx_net.OnnxNet if path.endswith(".onnx") else Net
        file.write(network(name, net).to_bytes())


if __name__ == "__main__":
    main()
