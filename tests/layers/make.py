#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes the single operators and small blocks of this folder, a file for each kind with an output for each case, and
their vectors by LiteRT.

    make.py [NAME...]
"""
import pathlib
import sys

import numpy as np

HERE = pathlib.Path(__file__).resolve().parent
sys.path.append(str(HERE.parents[1] / "components" / "zoo"))
import golden  # noqa: E402
import record  # noqa: E402
import transformers  # noqa: E402
from tflite_net import SAME, VALID, Int8Net  # noqa: E402

RELU, RELU_N1, RELU6 = 1, 2, 3
RECTIFIERS = ((RELU, "relu"), (RELU_N1, "relu_n1"), (RELU6, "relu6"))
WIDE = (0.1, -20)  # codes of -10.8 to 14.7: exceeds the range of each rectifier
GATE = (1 / 256, -128)  # output quantization of LOGISTIC and SOFTMAX


def convolutions(m):
    """Adds windows, strides, paddings, dilation, groups, deep and shallow channels."""
    x = m.input((1, 9, 11, 5))
    for k in (1, 3, 5):
        for s in (1, 2):
            for padding, name in ((SAME, "same"), (VALID, "valid")):
                m.named(m.conv(x, 7, k, s, padding, RELU), f"conv_{k}x{k}_s{s}_{name}")
    m.named(m.conv(x, 6, (1, 7)), "conv_1x7")
    m.named(m.conv(x, 8, 3, dilation=2), "conv_3x3_d2")
    m.named(m.conv(m.input((1, 4, 4, 64)), 48, 1, per_tensor=True), "conv_1x1_c64")
    m.named(m.conv(m.input((1, 6, 6, 33)), 17, 3, activation=RELU6), "conv_3x3_c33_relu6")
    m.named(m.conv(m.input((1, 21, 21, 3)), 16, 7, 2, activation=RELU), "conv_7x7_s2_rgb")
    m.named(m.conv(m.input((1, 2, 2, 512)), 8, 3), "conv_deep_c512")
    m.named(m.conv(m.input((1, 8, 8, 16)), 16, 3, groups=4), "conv_grouped_g4")
    m.named(m.transposed(m.input((1, 5, 5, 8)), 6, 2, 2), "tconv_2x2_s2")


def depthwise(m):
    x = m.input((1, 9, 11, 12))
    for s in (1, 2):
        for padding, name in ((SAME, "same"), (VALID, "valid")):
            m.named(m.dw(x, 3, s, padding, activation=RELU6), f"dw_3x3_s{s}_{name}")
    m.named(m.dw(m.input((1, 14, 14, 20)), 5, 2), "dw_5x5_s2")
    m.named(m.dw(m.input((1, 8, 8, 5)), 3, multiplier=2), "dw_3x3_mult2")
    m.named(m.dw(m.input((1, 12, 12, 6)), 3, dilation=2), "dw_3x3_d2")
    m.named(m.dw(m.input((1, 1, 30, 8)), (1, 9)), "dw_1x9")
    m.named(m.dw(m.input((1, 10, 6, 1)), (5, 4), 2, multiplier=8, per_tensor=True), "dw_5x4_mult8")


def dense(m):
    """Adds rows of maps by weights, and products of two maps."""
    m.named(m.fc(m.input((1, 64)), 10), "fc_64_10")
    m.named(m.fc(m.input((1, 300)), 100, RELU), "fc_300_100_relu")
    m.named(m.fc(m.input((7, 33)), 19), "fc_batch7")
    m.named(m.fc(m.input((1, 40)), 16, bias=False, per_tensor=True), "fc_nobias")
    x = m.input((1, 3, 5, 24))
    m.named(m.fc(x, 9), "fc_rank4")
    m.named(m.fc(x, 9, keep=True), "fc_rank4_keep")
    for name, shape, turned in (("batch_matmul", (2, 12, 8), False),
                                ("batch_matmul_tb", (2, 8, 12), True)):
        a, b = m.input((2, 7, 12)), m.input(shape)
        scale = m.q[a][0] * m.q[b][0] * 70 * 70 * np.sqrt(12) / 50
        m.macs += 2 * 7 * 12 * 8
        m.named(m.op("BATCH_MATMUL", [a, b], (2, 7, 8), {1: ("?", turned)}, fixed=(scale, 7)), name)


def elementwise(m):
    """Adds operators on two maps; on a map and a value for each channel, or one for all."""
    a, b, c = m.input((1, 6, 6, 8)), m.input((1, 6, 6, 8)), m.input((1, 1, 1, 8))
    for kind in ("ADD", "SUB", "MUL", "SQUARED_DIFFERENCE"):
        scale = {"MUL": 90, "SQUARED_DIFFERENCE": 200}.get(kind, 1.5)
        q = (scale * max(m.q[a][0], m.q[b][0]) * (m.q[b][0] if scale > 2 else 1), -20)
        m.named(m.binary(kind, a, b, fixed=q), kind.lower())
        if kind != "SQUARED_DIFFERENCE":
            m.named(m.binary(kind, a, c, fixed=q), f"{kind.lower()}_broadcast")
    m.named(m.binary("ADD", a, b, RELU, fixed=(0.04, -128)), "add_relu")
    m.named(m.binary("MUL", a, m.tensor((), 0.01, 3, data=90), fixed=m.q[a]), "mul_one")
    low = m.op("RELU6", [a], m.shapes[a], like=a)
    for kind in ("MAXIMUM", "MINIMUM"):
        m.named(m.op(kind, [low, a], m.shapes[a], {}, like=a), kind.lower())


def functions(m):
    """Adds functions of all 256 codes."""
    x = m.tensor((1, 16, 16), 0.03, -9)
    m.q[x] = (0.03, -9)
    m.inputs.append(x)
    for kind, q in (("ABS", (0.032, -128)), ("EXP", (0.22, -128)), ("GELU", (0.02, -110)),
                    ("HARD_SWISH", (0.021, -100)), ("LOGISTIC", GATE), ("TANH", (1 / 128, 0)),
                    ("RELU", (0.016, -128)), ("RELU6", (6 / 255, -128))):
        m.named(m.unary(kind, x, q), kind.lower())
    m.named(m.unary("LEAKY_RELU", x, (0.025, -60), {0: ("f", 0.1)}), "leaky_relu")
    small = m.binary("ADD", m.unary("ABS", x, (0.032, -128)), m.tensor((), 0.1, 0, data=1),
                     fixed=(0.033, -128))
    m.named(m.unary("RSQRT", small, (0.0125, -128)), "rsqrt")
    m.named(m.softmax(m.unary("EXP", x, (0.11, -128))), "softmax_rows")
    m.named(m.op("PRELU", [x, m.codes_constant((1, 1, 16))], m.shapes[x]), "prelu")


def pools(m):
    x = m.input((1, 8, 9, 9))
    for kind, name in (("MAX_POOL_2D", "maxpool"), ("AVERAGE_POOL_2D", "avgpool")):
        m.named(m.area(kind, x, 2, 2), f"{name}_2x2_s2")
        m.named(m.area(kind, x, 3, 2, SAME), f"{name}_3x3_s2_same")
    y = m.input((1, 7, 5, 16))
    m.named(m.area("AVERAGE_POOL_2D", y, (7, 5), 1), "avgpool_7x5")
    m.named(m.mean(y, [1, 2], False), "mean_hw")
    m.named(m.mean(y, [-1], True), "mean_c_keep")
    m.named(m.mean(y, [1, 2], False, "REDUCE_MAX", like=y), "reduce_max_hw")
    m.named(m.softmax(m.input((1, 12))), "softmax_12")


def movement(m):
    """Adds moved codes, and image sizes for which int8 weights suffice."""
    x = m.input((1, 5, 6, 4))
    y = m.op("RELU", [x], m.shapes[x], like=x)
    m.named(m.op("CONCATENATION", [x, y], (1, 5, 6, 8), {0: ("i", 3)}, like=x), "concat_c")
    m.named(m.op("PAD", [x, m.constant([[0, 0], [1, 2], [0, 3], [0, 0]])], (1, 8, 9, 4), {},
                 like=x), "pad")
    m.named(m.op("TRANSPOSE", [x, m.constant([0, 2, 3, 1])], (1, 6, 4, 5), {}, like=x),
            "transpose")
    z = m.input((1, 9, 9, 4))
    ends = ([0, 1, 0, 1], [0, 8, 0, 0], [1, 2, 3, 1])
    m.named(m.op("STRIDED_SLICE", [z, *map(m.constant, ends)], (1, 4, 3, 3),
                 {0: ("i", 5), 1: ("i", 13)}, like=z), "strided_slice")
    m.named(m.op("RESIZE_NEAREST_NEIGHBOR", [x, m.constant([10, 12])], (1, 10, 12, 4),
                 {0: ("?", False), 1: ("?", False)}, like=x), "resize_nearest_2x")
    for name, size, aligned, half in (("half", (10, 12), False, True),
                                      ("align", (9, 11), True, False)):
        m.named(m.op("RESIZE_BILINEAR", [x, m.constant(size)], (1, *size, 4),
                     {2: ("?", aligned), 3: ("?", half)}, like=x), f"resize_bilinear_{name}")


def resize_odd(m):
    """Adds weights that do not fit into int8: refused, exact in the golden layers."""
    x = m.input((1, 5, 6, 4))
    m.named(m.op("RESIZE_BILINEAR", [x, m.constant([11, 9])], (1, 11, 9, 4),
                 {2: ("?", False), 3: ("?", False)}, like=x), "resize_bilinear")


def blocks(m):
    x = m.input((1, 8, 8, 12))
    y = m.conv(m.conv(x, 12, 3, activation=RELU), 12, 3)
    m.named(m.op("RELU", [m.binary("ADD", x, y)], m.shapes[x], like=y), "residual")
    y = m.dw(m.conv(x, 72, 1, activation=RELU6), 3, activation=RELU6)
    m.named(m.binary("ADD", x, m.conv(y, 12, 1), fixed=(0.05, 3)), "inverted_residual")
    gate = m.mean(x, [1, 2], True, fixed=(m.q[x][0] / 4, 0))
    gate = m.conv(m.conv(gate, 4, 1, activation=RELU), 12, 1, fixed=(0.04, 5))
    m.named(m.binary("MUL", x, m.unary("LOGISTIC", gate, GATE), fixed=m.q[x]), "squeeze_excite")


def windows(m):
    """Adds different strides, dilations and windows for rows and columns."""
    x = m.input((1, 9, 8, 5))
    for padding, name in ((SAME, "same"), (VALID, "valid")):
        for kind, product in (
                ("conv", lambda k, s=1, d=1: m.conv(x, 6, k, s, padding, dilation=d)),
                ("dw", lambda k, s=1, d=1: m.dw(x, k, s, padding, dilation=d))):
            m.named(product((3, 2), (1, 2)), f"{kind}_s1x2_{name}")
            m.named(product((3, 2), (3, 1)), f"{kind}_s3x1_{name}")
            m.named(product((2, 3), d=(1, 3)), f"{kind}_d1x3_{name}")
            m.named(product((2, 3), d=(2, 1)), f"{kind}_d2x1_{name}")
        m.named(m.transposed(x, 4, (3, 4), (1, 2), padding), f"tconv_s1x2_{name}")
        m.named(m.transposed(x, 4, (4, 3), (3, 1), padding), f"tconv_s3x1_{name}")
        for kind, pool in (("MAX_POOL_2D", "maxpool"), ("AVERAGE_POOL_2D", "avgpool")):
            m.named(m.area(kind, x, (3, 2), (1, 2), padding), f"{pool}_3x2_s1x2_{name}")
            m.named(m.area(kind, x, (2, 4), (2, 1), padding), f"{pool}_2x4_s2x1_{name}")
    for name, size, aligned, half in (("half", (4, 14), False, True),
                                      ("align", (13, 5), True, False)):
        m.named(m.op("RESIZE_NEAREST_NEIGHBOR", [x, m.constant(size)], (1, *size, 5),
                     {0: ("?", aligned), 1: ("?", half)}, like=x), f"resize_nearest_{name}")


def rectified(m):
    """Adds each fused activation of each operator that may have one."""
    x, y = m.input((1, 5, 6, 7)), m.tensor((1, 5, 6, 7), *WIDE)
    m.q[y] = WIDE
    m.inputs.append(y)
    for code, name in RECTIFIERS:
        m.named(m.conv(x, 6, 1, activation=code, fixed=WIDE), f"conv_{name}")
        m.named(m.dw(x, 2, activation=code, fixed=WIDE), f"dw_{name}")
        m.named(m.transposed(x, 3, 3, 1, activation=code, fixed=WIDE), f"tconv_{name}")
        m.named(m.fc(x, 9, code, fixed=WIDE), f"fc_{name}")
        m.named(m.area("MAX_POOL_2D", y, 2, 2, activation=code), f"maxpool_{name}")
        m.named(m.area("AVERAGE_POOL_2D", y, 2, 1, activation=code), f"avgpool_{name}")
        m.named(m.binary("ADD", x, y, code, fixed=WIDE), f"add_{name}")
        m.named(m.binary("SUB", x, y, code, fixed=WIDE), f"sub_{name}")
        m.named(m.binary("MUL", x, y, code, fixed=WIDE), f"mul_{name}")


KINDS = {f.__name__: f for f in (convolutions, depthwise, dense, elementwise, functions, pools,
                                 movement, resize_odd, blocks, windows, rectified)}
BLOCKS = ("attention_2x16_8", "encoder_2x16_8")


def cases(name, inputs):
    """Returns all codes, once, for the functions; otherwise random ones, and the smallest and largest."""
    if name == "functions":
        codes = np.arange(-128, 128).astype(np.int8)
        return [({"id": "codes", "how": "all codes"}, [codes.reshape(inputs[0]["shape"])])]
    constants = [({"id": name, "how": f"constant {code}"},
                  [np.full(end["shape"], code, np.int8) for end in inputs])
                 for name, code in (("lo", -128), ("hi", 127))]
    return [*record.random_cases(inputs, 2, 1, (-1, 1)), *constants]


def main():
    for name in sys.argv[1:] or [*KINDS, *BLOCKS]:
        if name in KINDS:
            m = Int8Net(name)
            KINDS[name](m)
        else:
            m = transformers.network(name)
        path = HERE / f"{name}.tflite"
        path.write_bytes(m.to_bytes())
        run = golden.Runner(path.read_bytes())
        inside = len(m.ops) > 2 * len(m.outputs)  # otherwise the outputs are the layers
        entries = record.record(path, HERE / name, cases(name, run.inputs), inside, run)
        recorded = golden.vectors.Vectors(HERE / name)
        print(f"{name}: {path.stat().st_size} bytes, {len(m.outputs)} outputs,"
              f" {len(entries)} cases, {getattr(m, 'macs', 0)} MACs")
        for end, stack in zip(recorded.manifest["outputs"], zip(
                *(recorded.outputs(i) for i in range(len(entries))))):
            first = stack[0].astype(int)
            print(f"  {end['name']}: {first.min()}..{first.max()}, deviates by {first.std():.0f}")


if __name__ == "__main__":
    main()
