#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes models of this folder that no converter makes (any more), with seeded weights.

    write.py OUT_DIR [NAME...]

NumPy is enough; LiteRT's outputs are recorded as for make.py's models (README).
"""
import pathlib
import sys

import numpy as np

sys.path.append(str(pathlib.Path(__file__).resolve().parents[2] / "components" / "zoo"))
from tflite_net import VALID, Model  # noqa: E402

def uint8_convolutions(m):
    """Builds weights beyond int8 in few and many words, all kinds of products; pools; a residual."""
    x = m.input((1, 9, 8, 3))
    y = m.convolution(x, 12, 3, 2, activation=1)
    z = m.depthwise(y, 3)
    y = m.op("ADD", [m.convolution(z, 12, 1), y], m.shapes[y])
    y = m.depthwise(y, 3, 1, VALID, 2)
    y = m.pool("MAX_POOL_2D", y, 2)
    y = m.pool("AVERAGE_POOL_2D", y, 3)
    y = m.op("CONCATENATION", [y, y], (*m.shapes[y][:3], 48), {0: ("i", 3)}, like=y)
    y = m.dense(m.op("RESHAPE", [y], (1, 288), {0: ["i", 1, 288]}, like=y), 10)
    return m.op("SOFTMAX", [y], (1, 10), {0: ("f", 1.0)}, fixed=(1 / 256, 0))


def uint8_functions(m):
    """Builds elementwise operators and a mean."""
    x = m.input((1, 6, 5, 10))
    y = m.op("LOGISTIC", [x], m.shapes[x], fixed=(1 / 256, 0))
    y = m.op("MUL", [x, y], m.shapes[x])
    z = m.op("LEAKY_RELU", [y], m.shapes[x], {0: ("f", 0.2)})
    y = m.op("MAXIMUM", [y, m.op("RELU6", [y], m.shapes[x], like=y)], m.shapes[x], like=y)
    y = m.op("SUB", [m.op("TANH", [y], m.shapes[x], fixed=(1 / 128, 128)), z], m.shapes[x])
    return m.op("MEAN", [y, m.constant([1, 2])], (1, 10), {0: ("?", False)})


def batch(m):
    """Builds three images, with a squeeze and excite block, to rows and to classes of each."""
    m.type = "i1"
    x = m.convolution(m.input((3, 6, 5, 4)), 8, 3)
    gate = m.op("MEAN", [x, m.constant([1, 2])], (3, 1, 1, 8), {0: ("?", True)})
    gate = m.op("LOGISTIC", [gate], (3, 1, 1, 8), fixed=(1 / 256, -128))
    x = m.op("MUL", [x, gate], (3, 6, 5, 8))
    x = m.pool("MAX_POOL_2D", m.depthwise(x, 3, 2), 2)
    y = m.dense(m.op("RESHAPE", [x], (3, 72), {0: ["i", 3, 72]}, like=x), 10)
    return m.op("SOFTMAX", [y], (3, 10), {0: ("f", 1.0)}, fixed=(1 / 256, -128))


def prelu(m):
    """Builds a slope for each channel, then one for all."""
    m.type = "i1"
    x = m.input((1, 5, 6, 7))
    y = m.op("PRELU", [x, m.codes_constant((1, 1, 7))], m.shapes[x])
    return m.op("PRELU", [y, m.codes_constant((1,))], m.shapes[x])


def moved(m):
    """Builds reordered elements and copies of them."""
    m.type = "i1"
    x = m.input((1, 5, 6, 7))
    y = m.op("GATHER", [x, m.constant([3, 0, 5, 5, 1])], (1, 5, 5, 7), {0: ("i", 2)}, like=x)
    y = m.op("REVERSE_V2", [y, m.constant([1])], m.shapes[y], {}, like=y)
    y = m.op("REVERSE_V2", [y, m.constant([3])], m.shapes[y], {}, like=y)
    y = m.op("TILE", [y, m.constant([1, 2, 1, 2])], (1, 10, 5, 14), {}, like=y)
    z = m.op("GATHER", [y, m.constant([2])], (1, 10, 1, 14), {0: ("i", 2)}, like=y)
    z = m.op("BROADCAST_TO", [z, m.constant([1, 10, 5, 14])], m.shapes[y], like=y)
    return m.op("MAXIMUM", [z, y], m.shapes[y], like=y)


def extremes(m):
    """Builds largest and smallest codes over channels and other axes of an image."""
    m.type = "i1"
    x = m.input((1, 5, 6, 11))
    y = m.op("REDUCE_MAX", [x, m.constant([3])], (1, 5, 6, 1), {0: ("?", True)}, like=x)
    y = m.op("ADD", [y, x], m.shapes[x], {})
    return m.op("REDUCE_MIN", [y, m.constant([1, -1])], (1, 6), {0: ("?", False)}, like=y)


def extremes_rows(m):
    """Builds the same for a tensor that is not an image, over inner and outer axes."""
    m.type = "i1"
    x = m.input((2, 3, 5, 2, 7))
    y = m.op("REDUCE_MAX", [x, m.constant([1, 3])], (2, 5, 7), {0: ("?", False)}, like=x)
    return m.op("REDUCE_MIN", [y, m.constant([1, 2])], (2,), {0: ("?", False)}, like=x)


def flattened(m):
    """Builds a shape that is computed from the batch, as Keras' Flatten writes it."""
    m.type = "i1"
    x = m.input((1, 4, 3, 5))
    one, zero = m.constant([1]), m.constant([0])
    s = m.op("SHAPE", [x], (4,), {0: ("b", 2)}, integers=True)
    s = m.op("STRIDED_SLICE", [s, zero, one, one], (), {4: ("i", 1)}, integers=True)
    s = m.op("PACK", [s, m.constant(60)], (2,), {0: ("i", 2)}, integers=True)
    return m.dense(m.op("RESHAPE", [x, s], (1, 60), like=x), 10)


def floats(m):
    """Builds operators that converters leave in float32, between codes."""
    m.type = "i1"
    x = m.input((1, 5, 6, 7))
    y = m.op("DEQUANTIZE", [x], m.shapes[x], floats=True)
    z = m.op("SIN", [y], m.shapes[x], floats=True)
    y = m.op("DIV", [y, m.constant([0.7], "f4")], m.shapes[x], {}, floats=True)
    y = m.op("FLOOR", [y], m.shapes[x], floats=True)
    y = m.op("ADD", [y, z], m.shapes[x], {}, floats=True)
    return m.convolution(m.op("QUANTIZE", [y], m.shapes[x]), 4, 1)


def lstm(m):
    """Builds four steps of an LSTM, unrolled as converters write it."""
    m.type = "i1"
    units, gate, state = 6, (1 / 256, -128), (1 / 64, 0)
    x = m.input((1, 4, 5))
    steps = [m.op("STRIDED_SLICE", [x, m.constant([0, t, 0]), m.constant([1, t + 1, 5]),
                                    m.constant([1, 1, 1])], (1, 5), {4: ("i", 2)}, like=x)
             for t in range(4)]
    w, u = m.weights((4 * units, 5)), m.weights((4 * units, units))
    h = c = None
    outputs = []
    for x_t in steps:
        sums = m.op("FULLY_CONNECTED", m.with_bias(x_t, w, 4 * units), (1, 4 * units),
                    fixed=(1 / 32, 3))
        if h is not None:
            of_h = m.op("FULLY_CONNECTED", m.with_bias(h, u, 4 * units), (1, 4 * units),
                        fixed=(1 / 40, -2))
            sums = m.op("ADD", [sums, of_h], (1, 4 * units), {}, fixed=(1 / 32, 0))
        parts = [m.op("STRIDED_SLICE", [sums, m.constant([0, k * units]),
                                        m.constant([1, (k + 1) * units]), m.constant([1, 1])],
                      (1, units), {}, like=sums) for k in range(4)]
        i, f, o = (m.op("LOGISTIC", [parts[k]], (1, units), fixed=gate) for k in (0, 1, 3))
        g = m.op("TANH", [parts[2]], (1, units), fixed=(1 / 128, 0))
        new = m.op("MUL", [i, g], (1, units), fixed=state)
        if c is not None:
            new = m.op("ADD", [new, m.op("MUL", [f, c], (1, units), fixed=state)], (1, units), {},
                       fixed=state)
        c = new
        h = m.op("MUL", [o, m.op("TANH", [c], (1, units), fixed=(1 / 128, 0))], (1, units),
                 fixed=(1 / 128, 0))
        outputs.append(h)
    return m.op("PACK", outputs, (1, 4, units), {0: ("i", 4), 1: ("i", 1)}, like=h)


def lstm_sequence(m):
    """Builds UNIDIRECTIONAL_SEQUENCE_LSTM, int8 with an int16 cell state, then classes of each step."""
    m.type = "i1"
    units, n, batch, steps = 6, 5, 2, 7
    x = m.input((batch, steps, n))
    out = (1 / 128, 3)

    def matrix(shape):
        return m.tensor(shape, m.rng.uniform(0.01, 0.02), 0,
                        data=np.rint(m.rng.uniform(-127, 127, shape)))
    inputs = [x] + [matrix((units, n)) for _ in range(4)]
    inputs += [matrix((units, units)) for _ in range(4)] + [-1] * 3
    inputs += [m.tensor((units,), 1e-4, 0, "i4", m.rng.integers(-4000, 4000, units))
               for _ in range(4)] + [-1] * 2
    inputs += [m.tensor((batch, units), *out, variable=True),
               m.tensor((batch, units), 2.0**-11, 0, "i2", variable=True)] + [-1] * 4
    y = m.op("UNIDIRECTIONAL_SEQUENCE_LSTM", inputs, (batch, steps, units),
             {0: ("b", 4), 1: ("f", 0.6)}, fixed=out)
    m.ops[-1][8] = ["i", *(m.tensor((), 2.0**-12, 0, "i2") for _ in range(4)),
                    m.tensor((), *out)]
    y = m.op("RESHAPE", [y], (batch * steps, units), {0: ["i", batch * steps, units]}, like=y)
    return m.dense(y, 4)


def heads(m, x, count, depth, adjoint):
    """Adds attention of some heads without its scale, with LOGISTIC instead of SOFTMAX."""
    tokens, width = m.shapes[x][0], count * depth
    projected = (1, tokens, count, depth)

    def head(order):
        y = m.dense(x, width)
        y = m.op("RESHAPE", [y], projected, {0: ["i", *projected]}, like=y)
        return m.op("TRANSPOSE", [y, m.constant(order)], [projected[i] for i in order], like=y)

    q, v = head((0, 2, 1, 3)), head((0, 2, 1, 3))
    k = head((0, 2, 1, 3) if adjoint else (0, 2, 3, 1))
    y = m.op("BATCH_MATMUL", [q, k], (1, count, tokens, tokens), {1: ("?", adjoint)})
    y = m.op("LOGISTIC", [y], m.shapes[y], fixed=(1 / 256, -128))
    y = m.op("BATCH_MATMUL", [y, v], (1, count, tokens, depth))
    y = m.op("TRANSPOSE", [y, m.constant([0, 2, 1, 3])], projected, like=y)
    y = m.op("RESHAPE", [y], (tokens, width), {0: ["i", tokens, width]}, like=y)
    return m.dense(y, m.shapes[x][1])


def attention(m):
    """Builds heads of whole words of channels, then heads that share words."""
    m.type = "i1"
    return heads(m, heads(m, m.input((10, 12)), 2, 8, False), 3, 6, True)


def host_codes(m):
    """Builds the machine's convolutions around operators that order, choose and compare int8 codes."""
    m.type = "i1"
    x = m.input((1, 5, 6, 8))
    y = m.convolution(x, 10, 3)
    best = m.numbers("ARG_MIN", [y, m.constant(1)], (1, 6, 10), "i4", {0: ("b", 2)})
    f = m.op("MEAN", [y, m.constant([1, 2])], (1, 10), {0: ("?", False)})
    top = m.op("TOPK_V2", [f, m.constant(4)], (1, 4), {}, like=f)
    places = m.tensor((1, 4), type="i4")
    m.ops[-1][2].append(places)
    z = m.op("GATHER", [y, places], (1, 5, 6, 1, 4), {0: ("i", 3)}, like=y)
    z = m.convolution(m.op("RESHAPE", [z], (1, 5, 6, 4), {0: ["i", 1, 5, 6, 4]}, like=y), 3, 1)
    rows = m.numbers("CAST", [m.op("RESHAPE", [top], (4, 1), {0: ["i", 4, 1]}, like=top)], (4, 1), "i4")
    rows = m.numbers("FLOOR_MOD", [rows, m.constant([3])], (4, 1), "i4")
    flat = m.op("RESHAPE", [z], (30, 3), {0: ["i", 30, 3]}, like=z)
    some = m.op("GATHER_ND", [flat, rows], (4, 3), {}, like=z)
    more = m.op("SCATTER_ND", [rows, some, m.constant([5, 3])], (5, 3), {}, like=z)
    found = m.numbers("GREATER", [some, m.codes_constant((4, 1))], (4, 3), "b1", {})
    same = m.numbers("EQUAL", [some, m.codes_constant((1, 3))], (4, 3), "b1", {})
    either = m.numbers("LOGICAL_OR", [found, same], (4, 3), "b1", {})
    chosen = m.op("SELECT_V2", [either, some, m.op("SLICE", [more, m.constant([0, 0]), m.constant([4, 3])],
                                                   (4, 3), {}, like=z)], (4, 3), {}, like=z)
    length = m.op("L2_NORMALIZATION", [y], (1, 5, 6, 10), {}, fixed=(1 / 128, 0))
    return [best, places, more, chosen, length]


def host_blocks(m):
    """Builds blocks of a batch without a convolution between them."""
    m.type = "i1"
    x = m.convolution(m.input((2, 5, 6, 4)), 6, 1)
    y = m.op("SPACE_TO_BATCH_ND", [x, m.constant([2, 3]), m.constant([[1, 0], [0, 3]])], (12, 3, 3, 6), {},
             like=x)
    y = m.op("ADD", [y, y], m.shapes[y], {})
    return m.op("BATCH_TO_SPACE_ND", [y, m.constant([3, 2]), m.constant([[1, 0], [0, 2]])], (2, 8, 4, 6),
                {}, like=y)


def host_uint8(m):
    """Builds kernels of uint8 codes that differ from those of int8."""
    x = m.input((1, 5, 6, 4))
    y = m.op("RESIZE_BILINEAR", [x, m.constant([11, 9])], (1, 11, 9, 4), {}, like=x)
    z = m.op("RESIZE_BILINEAR", [x, m.constant([9, 13])], (1, 9, 13, 4), {3: ("?", True)}, like=x)
    w = m.op("RESIZE_BILINEAR", [x, m.constant([10, 4])], (1, 10, 4, 4), {2: ("?", True)}, like=x)
    n = m.op("L2_NORMALIZATION", [m.convolution(y, 5, 3)], (1, 11, 9, 5), {}, fixed=(1 / 128, 128))
    less = m.numbers("LESS_EQUAL", [x, m.codes_constant((4,))], m.shapes[x], "b1", {})
    real = m.numbers("CAST", [x], m.shapes[x], "f4")
    most = m.numbers("ARG_MAX", [z, m.constant(2)], (1, 9, 4), "i8", {0: ("b", 4)})
    return [y, z, w, n, less, real, most]


def host_integers(m):
    """Builds int32 and bool operators after codes."""
    m.type = "i1"
    n = lambda kind, inputs, shape, type="i4", options=None: m.numbers(  # noqa: E731
        kind, inputs, shape, type, {} if options is None else options)
    a = n("CAST", [m.convolution(m.input((1, 3, 4, 5)), 6, 1)], (1, 3, 4, 6))
    b = m.input((3, 1, 6), "i4")
    shape = (1, 3, 4, 6)
    one = n("MAXIMUM", [n("MUL", [b, b], (3, 1, 6)), m.constant(1)], (3, 1, 6))
    quotient = n("FLOOR_DIV", [a, one], shape)
    rest = n("FLOOR_MOD", [a, one], shape)
    cut = n("DIV", [a, one], shape)
    total = n("ADD", [quotient, n("MUL", [rest, b], shape)], shape, options={0: ("b", 3)})
    power = n("POW", [rest, m.constant(2)], shape)
    outside = n("LOGICAL_NOT", [n("NOT_EQUAL", [total, m.constant(6)], shape, "b1")], shape, "b1")
    inside = n("LESS", [cut, b], shape, "b1")
    both = n("LOGICAL_AND", [outside, n("GREATER_EQUAL", [a, b], shape, "b1")], shape, "b1")
    some = n("REDUCE_ANY", [both, m.constant([2])], (1, 3, 6), "b1", {0: ("?", False)})
    all_ = n("REDUCE_ALL", [inside, m.constant([-1])], (1, 3, 4, 1), "b1", {0: ("?", True)})
    product = n("REDUCE_PROD", [n("SIGN", [a], shape), m.constant([1, 3])], (1, 4), options={0: ("?", False)})
    sums = n("SUM", [power, m.constant([1, 2])], (1, 6), options={0: ("?", False)})
    largest = n("REDUCE_MAX", [cut, m.constant([3])], (1, 3, 4), options={0: ("?", False)})
    picked = n("SELECT_V2", [all_, total, n("SUB", [b, a], shape)], shape)
    hot = n("ONE_HOT", [largest, m.constant(4), m.constant(7), m.constant(-2)], (1, 4, 3, 4),
            options={0: ("i", 1)})
    steps = n("RANGE", [m.constant(2), m.constant(13), m.constant(3)], (4,))
    moved = n("ADD", [hot, steps], (1, 4, 3, 4))
    packed = n("PACK", [total, picked], (2, 1, 3, 4, 6), options={0: ("i", 2)})
    turned = n("REVERSE_SEQUENCE", [picked, m.constant([2])], shape, options={0: ("i", 2), 1: ("i", 0)})
    halves = n("SPLIT", [m.constant(3), picked], [(1, 3, 4, 3)] * 2, options={0: ("i", 2)})
    tiled = n("TILE", [n("FILL", [m.constant([1, 2]), n("REDUCE_MAX", [sums, m.constant([0, 1])], (),
                                                        options={0: ("?", False)})], (1, 2)),
                       m.constant([2, 3])], (2, 6))
    bytes_ = n("CAST", [n("ADD", [a, m.constant(300)], shape)],
               shape, "i1")
    return [some, product, turned, moved, packed, *halves, tiled, bytes_]


def host_rest(m):
    """Builds operators that LiteRT's reference kernels lack, and SVDF; boxes of which some overlap."""
    m.type = "i1"
    x = m.input((2, 6))
    y = m.into(m.activation((2, 4)), "SVDF", [
        x, m.tensor((8, 6), 0.01, 0, data=m.rng.integers(-127, 128, (8, 6))),
        m.tensor((8, 5), 2.0**-14, 0, "i2", m.rng.integers(-9000, 9000, (8, 5))),
        m.tensor((4,), 2.0**-24, 0, "i4", m.rng.integers(-99999, 99999, 4)),
        m.tensor((2, 40), 2.0**-10, 0, "i2", variable=True)], {0: ("i", 2), 1: ("b", 1)})
    order = m.numbers("CAST", [y], (2, 4), "i4")
    sums = m.numbers("CUMSUM", [order, m.constant(1)], (2, 4), "i4", {0: ("?", True), 1: ("?", True)})
    rows = m.numbers("FLOOR_MOD", [order, m.constant(3)], (2, 4), "i4", {})
    row = m.numbers("MINIMUM", [m.numbers("REDUCE_MAX", [rows, m.constant([1])], (2,), "i4",
                                          {0: ("?", False)}), m.constant([2])], (2,), "i4", {})
    table = m.codes_constant((3, 5))
    looked_up = m.into(m.activation((2, 5), table), "EMBEDDING_LOOKUP", [row, table], None)
    dense = m.numbers("SPARSE_TO_DENSE", [m.constant([1, 4]), m.constant([6]), row, m.constant(-1)],
                      (6,), "i4", {})
    chosen = m.numbers("SELECT", [m.numbers("LESS", [row, m.constant([2])], (2,), "b1", {}), order, sums],
                       (2, 4), "i4", {})
    none = m.numbers("ZEROS_LIKE", [sums], (2, 4), "i4", {})
    many = m.numbers("ADD", [none, m.numbers("RANK", [x], (), "i4", {})], (2, 4), "i4", {})
    at, size = m.rng.uniform(0, 2, (12, 2)), m.rng.uniform(0.5, 1.5, (12, 2))
    boxes = m.constant(np.concatenate([at, at + size], 1), "f4")
    scores = m.input((12,), "f4")
    ends = [m.constant(5), m.constant(0.4, "f4"), m.constant(-0.5, "f4")]
    first = m.numbers("NON_MAX_SUPPRESSION_V4", [boxes, scores, *ends], [(5,), ()], "i4", {})
    second = m.numbers("NON_MAX_SUPPRESSION_V5", [boxes, scores, m.constant(14), *ends[1:],
                                                  m.constant(0.0, "f4")], [(14,), (14,), ()], "i4", {})
    m.tensors[second[1]][1] = ("b", 0)
    return [y, sums, looked_up, dense, chosen, many, *first, *second]


def host_pose(m):
    """Builds a pose network like MoveNet: the centre's position, the joints' positions regressed there, the warmest
    pixel near each, and offsets there. Whole numbers connect operators on codes."""
    m.type = "i1"
    H, W, K = 6, 5, 3
    n = lambda kind, inputs, shape, type="i4", options=None: m.numbers(  # noqa: E731
        kind, inputs, shape, type, {} if options is None else options)
    x = n("CAST", [m.input((1, 2 * H, 2 * W, 3), "i4")], (1, 2 * H, 2 * W, 3), "f4")
    x = m.op("QUANTIZE", [n("MUL", [x, m.constant(0.007, "f4")], m.shapes[x], "f4")], m.shapes[x])
    y = m.convolution(m.convolution(x, 8, 3, 2, activation=1), 8, 3, activation=1)
    grid = (H, W)
    centre = m.op("LOGISTIC", [m.convolution(y, 1, 1)], (1, H, W, 1), fixed=(1 / 256, -128))
    centre = m.op("MUL", [centre, m.codes_constant((H, W, 1))], (1, H, W, 1))
    centre = m.op("RESHAPE", [centre], (1, H * W), {0: ["i", 1, H * W]}, like=centre)
    at = n("ARG_MAX", [centre, m.constant(1)], (1,), options={0: ("b", 2)})

    def places(at, count):  # row and column
        at = n("RESHAPE", [at], (count,), options={0: ["i", count]})
        row = n("FLOOR_DIV", [at, m.constant(W)], (count,))
        column = n("SUB", [at, n("MUL", [row, m.constant(W)], (count,))], (count,))
        return n("PACK", [row, column], (count, 2), options={0: ("i", 2), 1: ("i", 1)})

    def flat(x, *shape):
        return m.op("RESHAPE", [x], shape, {0: ["i", *shape]}, like=x)

    middle = places(at, 1)
    regressed = flat(m.convolution(y, 2 * K, 1), *grid, 2 * K)
    joints = flat(m.op("GATHER_ND", [regressed, middle], (1, 2 * K), {}, like=regressed), 1, K, 2)
    where = m.op("QUANTIZE", [n("CAST", [n("RESHAPE", [middle], (1, 1, 2), options={0: ["i", 1, 1, 2]})],
                                (1, 1, 2), "f4")], (1, 1, 2))
    joints = m.op("ADD", [joints, where], (1, K, 2))
    rows = m.op("SUB", [m.codes_constant((H, W, 1, 2)), flat(joints, 1, 1, K, 2)], (H, W, K, 2))
    squares = m.op("MUL", [rows, rows], (H, W, K, 2))
    far = n("SQRT", [n("DEQUANTIZE", [m.op("SUM", [squares, m.constant([3])], (H, W, K), {0: ("?", False)})],
                       (H, W, K), "f4")], (H, W, K), "f4")
    heat = m.op("LOGISTIC", [m.convolution(y, K, 1)], (1, H, W, K), fixed=(1 / 256, -128))
    near = n("DIV", [n("DEQUANTIZE", [heat], (1, H, W, K), "f4"), n("ADD", [far, m.constant(1.8, "f4")],
                                                                  (H, W, K), "f4")], (1, H, W, K), "f4")
    best = n("ARG_MAX", [n("RESHAPE", [near], (H * W, K), "f4", {0: ["i", H * W, K]}), m.constant(0)], (K,),
             options={0: ("b", 2)})
    pixels = places(best, K)
    offsets = flat(m.convolution(y, 2 * K, 1), *grid, 2 * K)
    offset = n("DEQUANTIZE", [m.op("GATHER_ND", [offsets, pixels], (K, 2 * K), {}, like=offsets)], (K, 2 * K), "f4")
    return [n("ADD", [n("CAST", [n("TILE", [pixels, m.constant([1, K])], (K, 2 * K))], (K, 2 * K), "f4"), offset],
              (K, 2 * K), "f4"), best]


CASES = {"host_pose": host_pose, "host_rest": host_rest, "host_codes": host_codes, "host_blocks": host_blocks, "host_uint8": host_uint8,
         "host_integers": host_integers, "attention": attention, "lstm": lstm, "lstm_sequence": lstm_sequence,
         "extremes": extremes, "extremes_rows": extremes_rows,
         "flattened": flattened, "floats": floats,
         "moved": moved,
         "prelu": prelu, "batch": batch, "uint8_convolutions": uint8_convolutions,
         "uint8_functions": uint8_functions}


def boxes_of(m, x, classes):
    """Adds encodings of boxes and scores of their classes from two sizes of a map, and anchors."""
    boxes, scores, anchors = [], [], []
    for y in (x, m.convolution(x, 8, 3, 2, activation=1)):
        side = m.shapes[y][1]
        for parts, of_each, q in ((boxes, 4, (0.08, 0)), (scores, classes, (0.06, 0))):
            z = m.op("CONV_2D", m.with_bias(y, m.weights((2 * of_each, 1, 1, 8)), 2 * of_each),
                     (1, side, side, 2 * of_each), {1: ("i", 1), 2: ("i", 1)},
                     fixed=(q[0], q[1] + (128 if m.type == "u1" else 0)))
            shape = (1, 2 * side * side, of_each)
            parts.append(m.op("RESHAPE", [z], shape, {0: ["i", *shape]}, like=z))
        anchors += [[(i + 0.5) / side, (j + 0.5) / side, size, 0.7 * size]
                    for i in range(side) for j in range(side) for size in (0.3, 0.5)]
    joined = [m.op("CONCATENATION", parts, (1, len(anchors), m.shapes[parts[0]][2]), {0: ("i", 1)},
                   like=parts[0]) for parts in (boxes, scores)]
    gate = (1 / 256, 0 if m.type == "u1" else -128)
    return joined[0], m.op("LOGISTIC", [joined[1]], m.shapes[joined[1]], fixed=gate), np.array(anchors)


def detected(m, operands, most, alike, is_open=False, **options):
    """Adds a detection; published networks leave the shapes of its outputs open."""
    outputs = [m.tensor(() if is_open else shape, type="f4") for shape in (
        (1, most * alike, 4), (1, most * alike), (1, most * alike), (1,))]
    return m.into(outputs, "TFLite_Detection_PostProcess", operands,
                  {"max_detections": most, "max_classes_per_detection": alike, "y_scale": 10.0,
                   "x_scale": 10.0, "h_scale": 5.0, "w_scale": 5.0, **options})


def host_detection(m):
    """Builds an SSD's head like the end of published ones: uint8 codes, fast choice, three classes of each box."""
    boxes, scores, anchors = boxes_of(m, m.convolution(m.input((1, 12, 12, 3)), 8, 3, 2), 6)
    anchors = m.tensor(anchors.shape, 1 / 200, 10, data=np.rint(200 * anchors + 10))
    return detected(m, [boxes, scores, anchors], 4, 3, nms_score_threshold=0.01,
                    nms_iou_threshold=0.5, num_classes=5)


def host_detection_regular(m):
    """Builds int8 codes, dequantized; a choice for each class, fewer than there is room for."""
    m.type = "i1"
    boxes, scores, anchors = boxes_of(m, m.convolution(m.input((1, 12, 12, 3)), 8, 3, 2), 4)
    boxes, scores = (m.op("DEQUANTIZE", [t], m.shapes[t], {}, floats=True) for t in (boxes, scores))
    return detected(m, [boxes, scores, m.constant(anchors, "f4")], 40, 1, True, detections_per_class=9,
                    use_regular_nms=True, nms_score_threshold=0.6, nms_iou_threshold=0.4,
                    num_classes=4)


def of_floats(m, shape):
    """Returns float32 numbers after the machine's codes, and a function that computes with them."""
    m.type = "i1"
    x = m.op("DEQUANTIZE", [m.convolution(m.input(shape), 8, 1)], (*shape[:3], 8), {}, floats=True)
    return x, lambda kind, inputs, shape, options=None: m.numbers(kind, inputs, shape, "f4", {} if options is None else options)


def host_floats(m):
    """Builds float32 operators that LiteRT's kernels move or compute with one rounding: a float tail is exact here."""
    x, f = of_floats(m, (1, 5, 6, 3))
    c, r = m.constant, lambda *shape: m.constant(m.rng.uniform(-2, 2, shape), "f4")
    shape, on = (1, 5, 6, 8), ("?", True)
    padded = f("PADV2", [x, c([[0, 0], [1, 2], [0, 0], [2, 1]]), c(0.5, "f4")], (1, 8, 6, 11))
    mirrored = f("MIRROR_PAD", [f("PAD", [x, c([[0, 0], [1, 0], [0, 2], [0, 0]])], (1, 6, 8, 8)),
                                c([[0, 0], [2, 2], [1, 0], [0, 0]])], (1, 10, 9, 8), {0: ("b", 1)})
    y = f("STRIDED_SLICE", [x, c([0, 1, 0, 0]), c([1, 5, 6, 8]), c([1, 2, 3, 1])], (1, 2, 2, 8))
    y = f("CONCATENATION", [y, r(1, 2, 2, 3)], (1, 2, 2, 11), {0: ("i", 3)})
    y = f("TRANSPOSE", [y, c([0, 3, 1, 2])], (1, 11, 2, 2))
    y = f("GATHER", [y, c([10, 0, 3])], (1, 3, 2, 2), {0: ("i", 1)})
    halves = f("SPLIT", [c(3), x], [(1, 5, 6, 4)] * 2, {0: ("i", 2)})
    z = f("MUL", [f("SUB", [halves[0], halves[1]], (1, 5, 6, 4), {0: ("b", 1)}), r(4)], (1, 5, 6, 4), {0: ("b", 3)})
    z = f("ADD", [z, f("DIV", [halves[0], c(0.3, "f4")], (1, 5, 6, 4), {0: ("b", 2)})], (1, 5, 6, 4), {0: ("b", 1)})
    z = f("SQUARED_DIFFERENCE", [z, f("PRELU", [halves[1], r(1, 1, 4)], (1, 5, 6, 4), None)], (1, 5, 6, 4))
    z = f("LEAKY_RELU", [f("NEG", [z], (1, 5, 6, 4))], (1, 5, 6, 4), {0: ("f", 0.3)})
    less = m.numbers("LESS", [x, r(8)], shape, "b1", {})
    chosen = f("SELECT_V2", [less, x, f("HARD_SWISH", [x], shape)], shape)
    whole = m.numbers("CAST", [chosen], shape, "i4")
    back = f("CAST", [whole], shape)
    most = f("REDUCE_MAX", [chosen, c([1, 3])], (1, 6), {0: ("?", False)})
    least = f("REDUCE_MIN", [chosen, c([2])], (1, 5, 1, 8), {0: on})
    near = f("RESIZE_NEAREST_NEIGHBOR", [x, c([7, 13])], (1, 7, 13, 8))
    nearer = f("RESIZE_NEAREST_NEIGHBOR", [x, c([7, 3])], (1, 7, 3, 8), {1: on})
    pooled = f("MAX_POOL_2D", [x], (1, 3, 6, 8), {1: ("i", 1), 2: ("i", 2), 3: ("i", 2), 4: ("i", 3), 5: ("b", 1)})
    top = m.numbers("TOPK_V2", [most, c(3)], [(1, 3), (1, 3)], "f4", {})
    m.tensors[top[1]][1] = ("b", 2)
    blocks = f("DEPTH_TO_SPACE", [f("SPACE_TO_DEPTH", [chosen_rows(m, f, x)], (1, 2, 3, 32), {0: ("i", 2)})],
               (1, 4, 6, 8), {0: ("i", 2)})
    return [padded, mirrored, y, z, back, least, near, nearer, pooled, *top, blocks]


def chosen_rows(m, f, x):
    return f("STRIDED_SLICE", [x, m.constant([0, 0, 0, 0]), m.constant([1, 4, 6, 8]), m.constant([1, 1, 1, 1])],
             (1, 4, 6, 8))


def floats_summed(m):
    """Builds float32 operators that add or compute functions, whose last bits depend on the order and the library."""
    x, f = of_floats(m, (1, 6, 7, 3))
    c, r = m.constant, lambda *shape: m.constant(m.rng.uniform(-1, 1, shape), "f4")
    shape, steps = (1, 6, 7, 8), {1: ("i", 2), 2: ("i", 1)}
    y = f("CONV_2D", [x, r(12, 3, 3, 8), r(12)], (1, 6, 4, 12), {**steps, 3: ("b", 1)})
    y = f("DEPTHWISE_CONV_2D", [y, r(1, 3, 2, 24), r(24)], (1, 4, 3, 24),
          {0: ("b", VALID), 1: ("i", 1), 2: ("i", 1), 3: ("i", 2)})
    up = f("TRANSPOSE_CONV", [c([1, 8, 6, 5]), r(5, 3, 3, 24), y], (1, 8, 6, 5), {1: ("i", 2), 2: ("i", 2)})
    flat = f("RESHAPE", [y], (12, 24), {0: ["i", 12, 24]})
    dense = f("FULLY_CONNECTED", [flat, r(6, 24), r(6)], (12, 6), {0: ("b", 3)})
    product = f("BATCH_MATMUL", [flat, f("RESHAPE", [y], (12, 24), {0: ["i", 12, 24]})], (12, 12), {1: ("?", True)})
    gate = f("SOFTMAX", [product], (12, 12), {0: ("f", 0.5)})
    logs = f("LOG_SOFTMAX", [dense], (12, 6))
    average = f("AVERAGE_POOL_2D", [x], (1, 6, 4, 8), {1: ("i", 2), 2: ("i", 1), 3: ("i", 3), 4: ("i", 3)})
    mean = f("MEAN", [average, c([1, 2])], (1, 8), {0: ("?", False)})
    total = f("SUM", [x, c([3])], (1, 6, 7, 1), {0: ("?", True)})
    length = f("L2_NORMALIZATION", [x], shape)
    wide = f("RESIZE_BILINEAR", [x, c([11, 5])], (1, 11, 5, 8), {3: ("?", True)})
    corners = f("RESIZE_BILINEAR", [x, c([4, 13])], (1, 4, 13, 8), {2: ("?", True)})
    plain = f("RESIZE_BILINEAR", [x, c([9, 9])], (1, 9, 9, 8))
    smooth = f("GELU", [f("LOGISTIC", [f("TANH", [x], shape, None)], shape, None)], shape, {0: ("?", False)})
    power = f("POW", [f("ABS", [x], shape), c(1.7, "f4")], shape)
    return [up, dense, gate, logs, mean, total, length, wide, corners, plain, smooth, power]


def free_batch(m):
    """Builds shapes and sizes computed from the batch, as Keras writes them: zeros, slices, rows, copies."""
    m.type = "i1"
    c = m.constant
    n = lambda kind, inputs, shape, options=None: m.numbers(  # noqa: E731
        kind, inputs, shape, "i4", {} if options is None else options)
    x = m.convolution(m.input((1, 4, 3, 5)), 6, 1)
    of = n("STRIDED_SLICE", [n("SHAPE", [x], (4,), {0: ("b", 2)}), c([0]), c([1]), c([1])], (), {4: ("i", 1)})
    many = n("MUL", [of, c(12)], ())
    rows = m.op("RESHAPE", [x, n("PACK", [many, c(6)], (2,), {0: ("i", 2)})], (12, 6), like=x)
    end = n("PACK", [of, c(2), c(3), c(6)], (4,), {0: ("i", 4)})
    part = m.op("STRIDED_SLICE", [x, c([0, 0, 0, 0]), end, c([1, 1, 1, 1])], (1, 2, 3, 6), {}, like=x)
    size = n("CONCATENATION", [n("RESHAPE", [of], (1,), {0: ["i", 1]}), c([1, 3, 6])], (4,), {0: ("i", 0)})
    line = m.op("SLICE", [x, c([0, 2, 0, 0]), size], (1, 1, 3, 6), {}, like=x)
    zeros = m.numbers("FILL", [n("PACK", [of, c(8)], (2,), {0: ("i", 2)}), c(0.0, "f4")], (1, 8), "f4", {})
    state = m.op("QUANTIZE", [zeros], (1, 8), fixed=(1 / 64, 3))
    flat = m.op("RESHAPE", [part, n("PACK", [of, c(36)], (2,), {0: ("i", 2)})], (1, 36), like=x)
    new = m.op("ADD", [m.dense(flat, 8), m.dense(state, 8)], (1, 8), {})
    twice = m.op("TILE", [new, n("PACK", [of, c(2)], (2,), {0: ("i", 2)})], (1, 16), {}, like=new)
    return [rows, line, m.op("MUL", [twice, m.op("TILE", [state, c([1, 2])], (1, 16), {}, like=state)], (1, 16), {})]


def joined_scales(m):
    """Builds uint8 codes joined at several scales: channels, rows, a constant, a pixel that repeats."""
    x = m.input((1, 6, 5, 4))
    y = m.convolution(x, 12, 3)
    pixel = m.convolution(m.pool("AVERAGE_POOL_2D", y, 6, 6), 8, 1)
    wide = m.op("RESIZE_BILINEAR", [pixel, m.constant([6, 5])], (1, 6, 5, 8), {}, like=pixel)
    scale, zero_point = m.q[y]
    fine = m.op("CONV_2D", m.with_bias(x, m.weights((4, 1, 1, 4)), 4), (1, 6, 5, 4),
                {1: ("i", 1), 2: ("i", 1)}, fixed=(0.55 * scale, zero_point - 9))
    z = m.op("CONCATENATION", [wide, y, fine], (1, 6, 5, 24), {0: ("i", 3)}, like=y)
    rows = [m.op("RESHAPE", [t], (1, n, 4), {0: ["i", 1, n, 4]}, like=t)
            for t, n in ((y, 90), (fine, 30), (pixel, 2))]
    rows = m.op("CONCATENATION", [*rows, m.codes_constant((1, 3, 4))], (1, 125, 4), {0: ("i", 1)},
                fixed=(0.043, 131))
    return [m.op("LOGISTIC", [z], m.shapes[z], fixed=(1 / 256, 0)), rows]


def host_keypoints(m):
    """Builds lookups at the positions of maxima, like the end of pose networks; bytes without a scale in front."""
    m.type = "i1"
    n = lambda kind, inputs, shape, type="i4", options=None: m.numbers(  # noqa: E731
        kind, inputs, shape, type, {} if options is None else options)
    c = m.constant
    image = n("CAST", [m.input((1, 12, 10, 3), "u1")], (1, 12, 10, 3), "f4")
    y = m.convolution(m.op("QUANTIZE", [image], (1, 12, 10, 3), fixed=(1.0, -128)), 8, 3, 2)
    heat = m.op("LOGISTIC", [m.convolution(y, 4, 3)], (1, 6, 5, 4), fixed=(1 / 256, -128))
    offsets, center = m.convolution(y, 8, 1), m.convolution(y, 2, 1)

    def place(of, channels):
        """Returns rows and columns of the largest codes, as numbers and as codes."""
        flat = m.op("RESHAPE", [of], (1, 30, channels), {0: ["i", 1, 30, channels]}, like=of)
        best = n("ARG_MAX", [flat, c(1)], (1, channels), options={0: ("b", 2)})
        row = n("FLOOR_DIV", [best, c(5)], (1, channels))
        column = n("SUB", [best, n("MUL", [row, c(5)], (1, channels))], (1, channels))
        numbers = [n("RESHAPE", [t], (channels,), options={0: ["i", channels]}) for t in (row, column)]
        codes = [m.op("QUANTIZE", [n("CAST", [t], (1, channels), "f4")], (1, channels),
                      fixed=(0.05, -128)) for t in (row, column)]
        zeros = c(np.zeros(channels, int))
        return n("PACK", [zeros, *numbers], (channels, 3), options={0: ("i", 3), 1: ("i", 1)}), codes

    middle, at = place(m.op("LOGISTIC", [m.convolution(y, 1, 1)], (1, 6, 5, 1), fixed=(1 / 256, -128)), 1)
    shift = m.op("GATHER_ND", [center, middle], (1, 2), {}, like=center)
    shift = m.op("RESHAPE", [shift], (2,), {0: ["i", 2]}, like=center)
    shift = m.op("SPLIT", [c(0), shift], (1,), {0: ("i", 2)}, like=center)
    other = m.activation((1,), like=center)
    m.ops[-1][2].append(other)
    away = []
    for code, moved, shape in zip(at, (shift, other), ((6, 5, 1), (6, 5, 1))):
        there = m.op("ADD", [code, moved], (1, 1), {}, fixed=(0.08, -100))
        d = m.op("SUB", [m.codes_constant(shape), there], shape, {}, fixed=(0.1, 0))
        away.append(m.op("MUL", [d, d], shape, {}, fixed=(0.5, -128)))
    away = m.op("ADD", away, (6, 5, 1), {}, fixed=(0.7, -128))
    away = n("SQRT", [m.op("DEQUANTIZE", [away], (6, 5, 1), {}, floats=True)], (6, 5, 1), "f4", None)
    away = m.op("ADD", [m.op("QUANTIZE", [away], (6, 5, 1), fixed=(0.05, -128)), m.codes_constant(())],
                (6, 5, 1), {}, fixed=(0.1, -128))
    near = n("DIV", [m.op("DEQUANTIZE", [heat], (1, 6, 5, 4), {}, floats=True),
                     m.op("DEQUANTIZE", [away], (6, 5, 1), {}, floats=True)], (1, 6, 5, 4), "f4")
    points, at = place(m.op("QUANTIZE", [near], (1, 6, 5, 4), fixed=(0.02, -128)), 4)
    shift = m.op("GATHER_ND", [offsets, points], (4, 8), {}, like=offsets)
    shift = m.op("RESHAPE", [shift], (4, 4, 2), {0: ["i", 4, 4, 2]}, like=offsets)
    shift = m.op("GATHER_ND", [shift, c([[i, i] for i in range(4)])], (4, 2), {}, like=offsets)
    rows = m.op("STRIDED_SLICE", [shift, c([0, 0]), c([4, 1]), c([1, 1])], (4,), {0: ("i", 1), 1: ("i", 1), 4: ("i", 2)},
                like=offsets)
    rows = m.op("ADD", [at[0], m.op("RESHAPE", [rows], (1, 4), {0: ["i", 1, 4]}, like=offsets)], (1, 4), {})
    found = n("CONCATENATION", [points, c([[0], [1], [2], [3]])], (4, 4), options={0: ("i", 1)})
    score = m.op("GATHER_ND", [heat, found], (4,), {}, like=heat)
    score = m.op("RESHAPE", [score], (1, 4), {0: ["i", 1, 4]}, like=heat)
    rows = m.op("MUL", [rows, m.codes_constant((1, 1))], (1, 4), {}, like=heat)
    both = m.op("PACK", [rows, score], (1, 4, 2), {0: ("i", 2), 1: ("i", 2)}, like=heat)
    return m.op("DEQUANTIZE", [both], (1, 4, 2), {}, floats=True)


def int4_weights(m):
    """Builds convolutions and a product with four-bit weights, a scale for each channel."""
    m.type = "i1"

    def product(kind, x, weights, shape, options):
        codes = m.rng.integers(-8, 8, weights)
        scales = m.rng.uniform(0.6, 1.4, weights[0]) / (4 * np.sqrt(np.prod(weights[1:])))
        w = m.tensor(weights, scales, [0] * weights[0], type="n1", data=codes)
        units = np.float32(m.q[x][0]) * scales.astype(np.float32)
        bias = m.tensor((weights[0],), units, [0] * weights[0], type="i4", data=m.rng.integers(-900, 900, weights[0]))
        return m.op(kind, [x, w, bias], shape, options)

    x = m.input((1, 7, 5, 3))
    y = product("CONV_2D", x, (9, 3, 3, 3), (1, 7, 5, 9), {1: ("i", 1), 2: ("i", 1), 3: ("b", 1)})
    y = product("CONV_2D", y, (5, 1, 1, 9), (1, 7, 5, 5), {0: ("b", VALID), 1: ("i", 1), 2: ("i", 1)})
    y = m.op("RESHAPE", [y], (1, 175), {0: ["i", 1, 175]}, like=y)
    return product("FULLY_CONNECTED", y, (11, 175), (1, 11), {})


def sparse_weights(m):
    """Builds products whose weights are stored sparse, in blocks of 1x16, for which LiteRT has a kernel."""
    m.type, block = "i1", 16

    def sparse(rows, columns, kind):
        kept = m.rng.random((rows, columns // block)) < 0.4
        codes = np.where(kept.repeat(block, axis=1), m.rng.integers(-127, 128, (rows, columns)), 0)
        w = m.weights((rows, columns))
        values = codes.reshape(rows, -1, block)[kept]
        m.buffers[m.tensors[w][2][1]] = {0: values.astype(np.int8).tobytes()}
        segments, indices = [0, *np.cumsum(kept.sum(axis=1))], np.nonzero(kept)[1]
        levels = [{0: ("b", 0), 1: ("i", rows)},
                  {0: ("b", 1), 2: ("B", 1), 3: {0: ["i", *map(int, segments)]}, 4: ("B", {"H": 2, "B": 3}[kind]), 5: {0: [kind, *map(int, indices)]}},
                  {0: ("b", 0), 1: ("i", block)}]
        m.tensors[w][6] = {0: ["i", 0, 1, 2], 1: ["i", 1], 2: levels}
        return w

    x = m.input((1, 64))
    for rows, columns, kind in ((48, 64, "B"), (10, 48, "H")):
        x = m.op("FULLY_CONNECTED", m.with_bias(x, sparse(rows, columns, kind), rows), (1, rows))
    return x


CASES |= {"sparse_weights": sparse_weights, "int4_weights": int4_weights, "free_batch": free_batch, "joined_scales": joined_scales, "host_keypoints": host_keypoints, "host_detection": host_detection, "host_detection_regular": host_detection_regular, "host_floats": host_floats,
          "floats_summed": floats_summed}


def write(name, make, folder):
    m = Model(name)
    made = make(m)
    m.outputs = made if isinstance(made, list) else [made]
    (pathlib.Path(folder) / f"{name}.tflite").write_bytes(m.to_bytes())


if __name__ == "__main__":
    for chosen in sys.argv[2:] or CASES:
        write(chosen, CASES[chosen], sys.argv[1])
