#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes the operators of this folder, int16 activations with int8 weights, a file for each kind with an output for
each case, and their vectors by LiteRT.

    make.py [NAME...]

LiteRT 1.2.0 except for `widened`; vectors of another version are in a folder of its version.
"""
import math
import pathlib
import sys

import numpy as np

HERE = pathlib.Path(__file__).resolve().parent
sys.path.append(str(HERE.parents[1] / "components" / "zoo"))
import record  # noqa: E402
from tflite_net import BIAS_TYPES, SAME, TYPES, VALID, Int8Net  # noqa: E402

RELU, RELU_N1, RELU6 = 1, 2, 3
RECTIFIERS = ((0, ""), (RELU, "_relu"), (RELU_N1, "_relu_n1"), (RELU6, "_relu6"))
WIDE = (12 / 32768, 0)  # exceeds the range of each rectifier
FINE = (0.7 / 32768, 0)


def products(m):
    """Adds windows, strides, paddings, dilation, groups, multipliers, rows."""
    x = m.input((1, 5, 6, 4))
    m.named(m.conv(x, 5, 1), "conv_1x1")
    m.named(m.conv(x, 3, 3, 2, SAME, RELU), "conv_3x3_s2_same_relu")
    m.named(m.conv(x, 3, (2, 3), (1, 2), VALID, RELU6, fixed=WIDE), "conv_2x3_s1x2_valid_relu6")
    m.named(m.conv(x, 2, 2, dilation=2, per_tensor=True), "conv_2x2_d2_tensor")
    m.named(m.conv(x, 4, 2, groups=2, activation=RELU_N1, fixed=WIDE), "conv_2x2_g2_relu_n1")
    if m.bias_type == "i8":  # LiteRT supports no other type here
        m.named(m.dw(x, 3, 1, SAME, activation=RELU6, fixed=WIDE), "dw_3x3_relu6")
        m.named(m.dw(x, (2, 3), (2, 1), VALID, 2), "dw_2x3_s2x1_mult2")
    m.named(m.transposed(x, 3, (3, 2), (2, 1), SAME, bias=True), "tconv_3x2_s2x1_same")
    m.named(m.transposed(x, 3, 2, 2, activation=RELU, bias=True), "tconv_2x2_s2_relu")
    m.named(m.fc(x, 6), "fc")
    m.named(m.fc(x, 5, RELU, keep=True, per_tensor=True), "fc_keep_tensor_relu")
    m.named(m.fc(m.input((2, 300)), 3), "fc_300")


def products32(m):
    """Adds the same with int32 biases: 32-bit sums."""
    m.bias_type = "i4"
    products(m)


def unbiased(m):
    """Adds products without a bias, which LiteRT's CONV_2D does not support."""
    x = m.input((1, 4, 4, 3))
    m.named(m.dw(x, 3, bias=False), "dw")
    m.named(m.transposed(x, 4, 2, 2), "tconv")
    m.named(m.fc(x, 4, bias=False), "fc")


def elementwise(m):
    """Adds operators on two maps; on a map and a value for each channel, or one for all."""
    a, b, c = m.input((1, 6, 6, 8)), m.input((1, 6, 6, 8)), m.input((1, 1, 1, 8))
    for kind in ("ADD", "SUB", "MUL"):
        for code, name in RECTIFIERS:
            scale = 90 * 256 * m.q[b][0] if kind == "MUL" else 1.5
            q = (scale * max(m.q[a][0], m.q[b][0]), 0) if code == 0 else WIDE
            m.named(m.binary(kind, a, b, code, fixed=q), kind.lower() + name)
        m.named(m.binary(kind, a, c), f"{kind.lower()}_channels")
        one = m.tensor((), FINE[0], 0, data=-31234)
        m.q[one] = FINE
        m.named(m.binary(kind, one, a), f"{kind.lower()}_one")
    near = m.activation(m.shapes[a], fixed=(m.q[a][0] * (1 + 2 ** -15), 0))
    m.inputs.append(near)
    for kind in ("ADD", "SUB"):  # sums next to ties, which a shift by 14 or 16 would miss
        m.named(m.binary(kind, a, near, fixed=(2 * m.q[near][0], 0)), f"{kind.lower()}_near_ties")
    # The second operand is on ties, whose direction its sign reverses.
    pair = [m.activation(m.shapes[a], fixed=(0.75 * 2 ** -13 * factor, 0))
            for factor in (1, 1 - 2 ** -16)]
    m.inputs += pair
    m.named(m.binary("SUB", *pair, fixed=(0.75 * 2 ** -12, 0)), "sub_ties")
    for kind in ("MAXIMUM", "MINIMUM"):
        m.named(m.op(kind, [a, m.op("RELU", [a], m.shapes[a], like=a)], m.shapes[a], {}, like=a), kind.lower())


def batch_matmul(m):
    for name, a, b, options in (
            ("plain", (2, 5, 12), (2, 12, 4), (False, False)),
            ("right", (2, 5, 12), (2, 4, 12), (False, True)),
            ("left", (2, 12, 5), (2, 12, 4), (True, False)),
            ("shared", (2, 5, 12), (12, 4), (False, False))):
        a, b = m.input(a), m.input(b)
        scale = m.q[a][0] * m.q[b][0] * 70 * 256 * 70 * np.sqrt(12) / 50
        m.named(m.op("BATCH_MATMUL", [a, b], (2, 5, 4), {0: ("?", options[0]), 1: ("?", options[1])},
                     fixed=(scale, 0)), name)
    a, b = m.input((1, 6, 9)), m.input((1, 9, 5))
    scale = m.q[a][0] * m.q[b][0] * 2 ** 17 / (1 - 2 ** -20)
    m.named(m.op("BATCH_MATMUL", [a, b], (1, 6, 5), {}, fixed=(scale, 0)), "largest_multiplier")


def pools(m):
    x = m.input((1, 7, 6, 5))
    for kind, name in (("MAX_POOL_2D", "maxpool"), ("AVERAGE_POOL_2D", "avgpool")):
        m.named(m.area(kind, x, 2, 2), f"{name}_2x2_s2")
        m.named(m.area(kind, x, (3, 2), (1, 2), SAME), f"{name}_3x2_s1x2_same")
        m.named(m.area(kind, x, 2, 1, activation=RELU), f"{name}_relu")
        m.named(m.area(kind, x, 2, 1, activation=RELU6), f"{name}_relu6")
    m.named(m.mean(x, [1, 2], False), "mean_hw")
    m.named(m.mean(x, [-1], True), "mean_c_keep")
    m.named(m.mean(x, [1], False, "MEAN", like=x), "mean_h_same_scale")
    for kind in ("REDUCE_MAX", "REDUCE_MIN"):
        m.named(m.mean(x, [2], False, kind, like=x), kind.lower())


def functions(m):
    """Adds LOGISTIC and TANH at several scales, two of them powers of two."""
    for n, scale in enumerate((1 / 4096, 1 / 2048, 0.00031, 0.0007, 0.00002, 0.9)):
        x = m.tensor((1, 256), scale, 0)
        m.q[x] = (scale, 0)
        m.inputs.append(x)
        m.named(m.unary("LOGISTIC", x, (1 / 32768, 0)), f"logistic_{n}")
        m.named(m.unary("TANH", x, (1 / 32768, 0)), f"tanh_{n}")
        if n == 3:
            rectifiers(m, x)


def rectifiers(m, x):
    for kind in ("RELU", "RELU6", "ABS"):
        m.named(m.unary(kind, x, (0.00051, 0)), kind.lower())
    for n, alpha in enumerate((0.1, 1.7, -0.3)):
        m.named(m.unary("LEAKY_RELU", x, (0.00045, 0), {0: ("f", alpha)}), f"leaky_relu_{n}")


def softmax(m):
    for n, (scale, beta, shape) in enumerate(((0.0003, 1.0, (8, 12)), (0.002, 1.0, (4, 30)),
                                              (0.00005, 2.5, (2, 3, 9)), (1 / 4096, 1.0, (1, 200)),
                                              (0.00002, 1.0, (48, 10)), (0.0001707, 0.3, (54, 2)))):
        x = m.tensor(shape, scale, 0)
        m.q[x] = (scale, 0)
        m.inputs.append(x)
        m.named(m.op("SOFTMAX", [x], shape, {0: ("f", beta)}, fixed=(1 / 32768, 0)), f"softmax_{n}")


def movement(m):
    x = m.input((1, 5, 6, 4))
    y = m.op("RELU", [x], m.shapes[x], like=x)
    m.named(m.op("CONCATENATION", [x, y], (1, 5, 6, 8), {0: ("i", 3)}, like=x), "concat_c")
    m.named(m.op("PAD", [x, m.constant([[0, 0], [1, 2], [0, 3], [0, 0]])], (1, 8, 9, 4), {},
                 like=x), "pad")
    m.named(m.op("TRANSPOSE", [x, m.constant([0, 2, 3, 1])], (1, 6, 4, 5), {}, like=x),
            "transpose")
    ends = ([0, 1, 0, 1], [0, 5, 0, 0], [1, 2, 3, 1])
    m.named(m.op("STRIDED_SLICE", [x, *map(m.constant, ends)], (1, 2, 2, 3),
                 {0: ("i", 5), 1: ("i", 13)}, like=x), "strided_slice")
    m.named(m.op("SLICE", [x, m.constant([0, 1, 2, 0]), m.constant([1, 3, -1, 2])], (1, 3, 4, 2),
                 {}, like=x), "slice")
    m.named(m.reshape(x, (30, 4)), "reshape")
    m.named(m.op("PACK", [x, y], (1, 5, 6, 2, 4), {0: ("i", 2), 1: ("i", 3)}, like=x), "pack")
    m.named(m.op("SPLIT", [m.constant(3), x], (1, 5, 6, 2), {0: ("i", 2)}, like=x), "split_0")
    m.ops[-1][2].append(m.named(m.activation((1, 5, 6, 2), like=x), "split_1"))
    five = m.tensor((), *m.q[x], data=5)
    m.named(m.op("PADV2", [x, m.constant([[0, 0], [1, 0], [0, 1], [0, 0]]), five], (1, 6, 7, 4), {},
                 like=x), "padv2")
    m.named(m.op("MIRROR_PAD", [x, m.constant([[0, 0], [1, 0], [0, 2], [0, 0]])], (1, 6, 8, 4), {},
                 like=x), "mirror_pad")
    m.named(m.op("GATHER", [x, m.constant([3, 0, 3])], (1, 3, 6, 4), {0: ("i", 1)}, like=x), "gather")
    m.named(m.op("RESIZE_NEAREST_NEIGHBOR", [x, m.constant([7, 12])], (1, 7, 12, 4), {}, like=x),
            "nearest")


def pad(m, x, borders, value=None):
    """@param borders  before and after each axis"""
    shape = tuple(e + a + b for e, (a, b) in zip(m.shapes[x], borders))
    fill = [] if value is None else [m.tensor((), *m.q[x], data=value)]
    return m.op("PADV2" if fill else "PAD", [x, m.constant(borders), *fill], shape, {}, like=x)


def moved(m):
    """Adds movement between products, none at the network's ends, where the host would do it."""
    x = m.conv(m.input((1, 4, 5, 3)), 6, 2)

    def last(y, name):
        m.named(m.conv(y, 2, 1), name)

    def transpose(order):
        shape = tuple(m.shapes[x][i] for i in order)
        return m.op("TRANSPOSE", [x, m.constant(order)], shape, {}, like=x)

    for order in ((0, 2, 1, 3), (0, 2, 3, 1), (0, 3, 1, 2)):
        last(transpose(order), "transpose_" + "".join(map(str, order[1:])))
    last(m.reshape(x, (1, 5, 4, 6)), "reshape")
    last(m.reshape(x, (1, 2, 5, 12)), "reshape_channels")
    m.named(m.fc(m.reshape(x, (10, 12)), 3), "fc_rows")
    m.named(m.fc(m.reshape(x, (40, 3)), 2), "fc_parts")
    for name, borders, value in (("pad", ((0, 0), (1, 0), (2, 1), (0, 0)), None),
                                 ("pad_channels", ((0, 0), (0, 1), (1, 0), (1, 2)), None),
                                 ("padv2", ((0, 0), (1, 0), (0, 2), (0, 0)), -300),
                                 ("padv2_channels", ((0, 0), (0, 0), (0, 0), (2, 1)), 4660)):
        last(pad(m, x, borders, value), name)
    for name, ends in (("strided", ([0, 0, 1, 0], [0, 4, 5, 6], [1, 2, 3, 1])),
                       ("channels", ([0, 1, 0, 1], [0, 4, 5, 6], [1, 1, 1, 2]))):
        shape = tuple(len(range(*of)) for of in zip(*ends))
        y = m.op("STRIDED_SLICE", [x, *map(m.constant, ends)], (1, *shape[1:]), {0: ("i", 1), 1: ("i", 1)}, like=x)
        last(y, f"slice_{name}")
    y, z = m.conv(x, 6, 1, fixed=m.q[x]), m.conv(x, 5, 1, fixed=m.q[x])
    ups = [m.transposed(x, 5, 3, (1, 2), SAME, bias=True, fixed=m.q[x]) for _ in range(2)]
    for name, axis, parts in (("rows", 1, (x, y)), ("columns", 2, (y, x)), ("channels", 3, (x, z)), ("tconv", 3, ups)):
        shape = list(m.shapes[parts[0]])
        shape[axis] = sum(m.shapes[part][axis] for part in parts)
        last(m.op("CONCATENATION", parts, tuple(shape), {0: ("i", axis)}, like=x), f"concat_{name}")
    last(m.op("MIRROR_PAD", [x, m.constant([[0, 0], [1, 0], [0, 2], [0, 0]])], (1, 5, 7, 6), {}, like=x), "mirror")
    last(m.op("GATHER", [x, m.constant([4, 0, 2])], (1, 4, 3, 6), {0: ("i", 2)}, like=x), "gather")
    last(m.op("RESIZE_NEAREST_NEIGHBOR", [x, m.constant([7, 5])], (1, 7, 5, 6), {}, like=x), "nearest")


def quantizers(m):
    """Adds quantizers from int16 to int16, int8, int32 and float32; from float32 and int32."""
    x = m.input((1, 256))
    m.named(m.op("QUANTIZE", [x], m.shapes[x], fixed=(m.q[x][0] * 0.7, 0)), "finer")
    m.named(m.op("QUANTIZE", [x], m.shapes[x], fixed=(m.q[x][0] * 1.3, 0)), "coarser")
    m.type = "i1"
    m.named(m.op("QUANTIZE", [x], m.shapes[x], fixed=(m.q[x][0] * 256, 0)), "int8")
    m.named(m.op("QUANTIZE", [x], m.shapes[x], fixed=(m.q[x][0] * 300, -11)), "int8_biased")
    m.named(m.op("DEQUANTIZE", [x], m.shapes[x], floats=True), "floats")
    m.type = "i4"
    m.named(m.op("QUANTIZE", [x], m.shapes[x], fixed=(m.q[x][0] / 900, 0)), "int32")
    z = m.activation((1, 64), fixed=(m.q[x][0] / 40000, 0))
    m.inputs.append(z)
    m.type = "i2"
    m.named(m.op("QUANTIZE", [z], m.shapes[z], like=x), "of_int32")
    y = m.input((1, 64), "f4")
    m.named(m.op("QUANTIZE", [y], m.shapes[y], fixed=(1 / 40000, 0)), "of_floats")


def widened(m):
    """Adds quantizers from int8 to int16: LiteRT 2.3.0."""
    m.type = "i1"
    x = m.input((1, 256))
    m.type = "i2"
    m.named(m.op("QUANTIZE", [x], m.shapes[x], fixed=(m.q[x][0] / 256, 0)), "fine")
    m.named(m.op("QUANTIZE", [x], m.shapes[x], fixed=(m.q[x][0] / 190, 0)), "clamped")


def split(scale):
    """Returns multiplier and shift, like converters."""
    mantissa, exponent = math.frexp(scale)
    return round(mantissa * 2 ** 31), exponent


def twice_rounded(values, scale):
    multiplier, shift = split(scale)
    high = ((values << max(shift, 0)) * multiplier + (1 << 30)) >> 31
    unit = 1 << max(-shift, 0)
    return np.sign(high) * ((2 * np.abs(high) + unit) // (2 * unit))


def tell(values, single, double):
    """Returns true if scales in float32 and in double give different results, value by value."""
    return twice_rounded(values, float(single)) != twice_rounded(values, double)


def reduced(scale):
    return (split(scale)[0] + (1 << 15)) >> 16


def scales(m):
    """Adds tests of the width in which each kernel computes its scale: codes whose results differ, or scales for
    which they do."""
    f, codes, weight = np.float32, np.arange(-32768, 32768), 117
    m.telling = []

    def map_of(scale, told, shape=(1, 16)):
        found = codes[told & (np.abs(codes) < 28000)]
        assert len(found) > 3, "no code tells"
        x = m.activation(shape, fixed=(float(scale), 0))
        m.inputs.append(x)
        m.telling.append(np.resize(found[::-1], shape).astype(np.int16))
        return x

    s, w, to = f(145e-6), f(0.0071), f(128e-6)
    told = tell(codes, s / to, float(s) / float(to))
    for kind in ("RELU", "RELU6", "ABS", "QUANTIZE"):
        m.named(m.unary(kind, map_of(s, told), (float(to), 0)), kind.lower())
    m.named(m.mean(map_of(s, told, (1, 16, 1)), [2], False, fixed=(float(to), 0)), "mean")
    alpha, slope = f(0.3), f(s * f(0.3)) / to
    told = tell(codes, slope, float(s) * float(alpha) / float(to)) & (codes < 0)
    m.named(m.unary("LEAKY_RELU", map_of(s, told), (float(to), 0), {0: ("f", 0.3)}), "leaky_relu")
    to = f(106.24e-6)
    told = tell(codes * weight, f(s * w) / to, float(s) * float(w) / float(to))
    one = m.tensor((), float(w), 0, data=weight)
    m.named(m.op("MUL", [map_of(s, told), one], (1, 16), {}, fixed=(float(to), 0)), "mul")
    for kind, shape in (("CONV_2D", (1, 1, 16, 1)), ("TRANSPOSE_CONV", (1, 1, 16, 1)), ("FULLY_CONNECTED", (16, 1))):
        x = map_of(s, told, shape)
        product(m, kind, x, (float(w), weight), float(to), "i4")
    while reduced(float(f(s * w)) / float(to)) == reduced(float(s) * float(w) / float(to)):
        s = f(m.rng.uniform(0.0001, 0.0002))
    for kind, shape in (("CONV_2D", (1, 1, 16, 1)), ("DEPTHWISE_CONV_2D", (1, 1, 16, 1)),
                        ("TRANSPOSE_CONV", (1, 1, 16, 1)), ("FULLY_CONNECTED", (16, 1))):
        product(m, kind, map_of(s, codes > 15000, shape), (float(w), weight), float(to), "i8")
    ties = map_of(0.375, np.abs(codes) < 8, (16, 1))
    product(m, "FULLY_CONNECTED", ties, (1.0, 1), 0.75, "i8", "_ties")
    b = m.tensor((1, 1), float(w), 0, data=30000)
    m.named(m.op("BATCH_MATMUL", [map_of(s, codes > 15000, (16, 1)), b], (16, 1), {},
                 fixed=(float(to) * 256, 0)), "batch_matmul")


def product(m, kind, x, weight, to, bias_type, more=""):
    """Adds a product with one weight and a bias of 0."""
    shape = (1, 1, 1, 1) if len(m.shapes[x]) == 4 else (1, 1)
    w = m.tensor(shape, weight[0], 0, "i1", data=weight[1])
    bias = m.tensor((1,), m.q[x][0] * weight[0], 0, bias_type, data=[0])
    options = {0: ("b", VALID), 1: ("i", 1), 2: ("i", 1)} if len(shape) == 4 else {}
    if kind == "DEPTHWISE_CONV_2D":
        options[3] = ("i", 1)
    if bias_type == "i4":
        options[BIAS_TYPES[kind]] = ("b", TYPES["i4"])
    inputs = [m.constant(m.shapes[x]), w, x, bias] if kind == "TRANSPOSE_CONV" else [x, w, bias]
    m.named(m.op(kind, inputs, m.shapes[x], options, fixed=(to, 0)), f"{kind.lower()}_{bias_type}{more}")


def network(m):
    """Builds some layers of a speech network in 16x8, with its end in int8, which the machine computes."""
    x = m.input((1, 10, 8, 4))
    x = m.conv(x, 8, (3, 3), activation=RELU)
    y = m.unary("LEAKY_RELU", m.dw(x, 3), options={0: ("f", 0.2)})
    gate = m.unary("LOGISTIC", m.conv(m.mean(y, [1, 2], True, fixed=(m.q[y][0] / 4, 0)), 8, 1),
                   (1 / 32768, 0))
    y = m.binary("ADD", m.binary("MUL", y, gate, fixed=m.q[y]), x)
    y = m.transposed(m.area("AVERAGE_POOL_2D", y, 2, 2), 6, 2, 2, bias=True)
    y = m.op("CONCATENATION", [y, y], (1, 10, 8, 12), {0: ("i", 3)}, like=y)
    attention = [m.reshape(y, (80, 12)), m.reshape(y, (80, 12))]
    scale = m.q[y][0] ** 2 * 2e6
    product = m.op("BATCH_MATMUL", attention, (80, 80), {1: ("?", True)}, fixed=(scale, 0))
    y = m.op("BATCH_MATMUL", [m.softmax(product), attention[0]], (80, 12), {}, fixed=m.q[y])
    y = m.reshape(y, (1, 10, 8, 12))
    q = (m.q[y][0] * 256, 0)
    m.type, m.bias_type = "i1", "i4"
    y = m.op("QUANTIZE", [y], m.shapes[y], fixed=q)
    y = m.conv(y, 8, 3, 2, activation=RELU)
    return m.named(m.softmax(m.fc(m.reshape(y, (1, 160)), 5)), "classes")


KINDS = {f.__name__: f for f in (products, products32, unbiased, elementwise, batch_matmul, pools,
                                 functions, softmax, movement, moved, quantizers, widened, scales,
                                 network)}


def last_points(_, inputs):
    """Returns codes around the last of the sigmoid's points, for TANH and LOGISTIC."""
    arrays = []
    for end in inputs:
        points = np.repeat([256, 512], 128) * np.tile(np.linspace(253, 256, 128), 2)
        codes = np.clip(np.rint(points / (12288 * end["scale"][0])), -32768, 32767)
        arrays.append((codes * np.tile([1, -1], 128)).astype(np.int16)[None])
    return {"id": "last_points", "how": "steps from 253 to 256"}, arrays


def ties(_, inputs):
    """Returns differences that the last softmax scales to near ties: scale times beta is a float32."""
    arrays = [np.zeros(end["shape"], np.int16) for end in inputs]
    arrays[-1][:] = 32767
    arrays[-1][:, 1] = 587 * np.arange(54) - 32647
    return {"id": "ties", "how": "scaled differences near ties"}, arrays


def telling(m, _):
    return {"id": "telling", "how": "codes of which the scales' width tells"}, m.telling


def cases(inputs):
    """Yields random codes; mixtures of extreme ones; the smallest and the largest everywhere."""
    rng = np.random.default_rng(1)
    few = np.array([-32768, 32767, -32767, -7, -1, 0, 1, 3, 5])
    for name, draw in (("uniform", lambda end, low, high: rng.integers(low, high, end["shape"], endpoint=True)),
                       ("extremes", lambda end, low, high: np.clip(rng.choice(few, end["shape"]), low, high)),
                       ("lo", lambda end, low, high: np.full(end["shape"], low)),
                       ("hi", lambda end, low, high: np.full(end["shape"], high))):
        arrays = []
        for end in inputs:
            dtype = np.dtype(end["dtype"])
            if dtype.kind == "f":
                arrays.append(draw(end, -32768, 32767).astype(dtype) / np.float32(32000))
            else:
                limits = np.iinfo(dtype)
                arrays.append(draw(end, limits.min, limits.max).astype(dtype))
        yield {"id": name, "how": f"{name}, numpy default_rng(1)"}, arrays


MORE_CASES = {"functions": last_points, "softmax": ties, "scales": telling}


def main():
    for name in sys.argv[1:] or KINDS:
        m = Int8Net(f"{name}4", "i2")  # a seed that distinguishes float32 from double scales (LiteRT 2.3.0)
        KINDS[name](m)
        path = HERE / f"{name}.tflite"
        path.write_bytes(m.to_bytes())
        run = record.LiteRt(path.read_bytes())
        version = run.reference()["version"]
        usual = version == ("2.3.0" if name == "widened" else "1.2.0")
        folder = HERE / name if usual else HERE / name / f"litert-{version}"
        more = [MORE_CASES[name](m, run.inputs)] if name in MORE_CASES else []
        entries = record.record(path, folder, [*cases(run.inputs), *more], name == "network", run)
        print(f"{name}: {path.stat().st_size} bytes, {len(m.outputs)} outputs, {len(entries)} cases")


if __name__ == "__main__":
    main()
