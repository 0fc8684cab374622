#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Makes the QDQ networks of this folder: small ones with the operators of well-known ones.

Install:  pip install onnx==1.19.1 onnxruntime==1.31.1 numpy
Use:      make.py OUT_DIR [NAME...]
Then:     ONNX Runtime's outputs for each model: two random cases (README).

Seeded float networks, quantized by onnxruntime.quantization.quantize_static: int8 activations with weights per
channel, or (names ending in _uint8) uint8 activations with weights per tensor, or (_int16) symmetric int16
activations, by ONNX's quantizers or by those of com.microsoft (OWN_DOMAIN); qoperator in QOperator form, all others
in QDQ form.
"""
import pathlib
import sys
import tempfile
import zlib

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from onnxruntime.quantization import (CalibrationDataReader, QuantFormat, QuantType,
                                      quantize_static)

IMAGE = (1, 3, 16, 16)
TOKENS, WIDTH, HEADS, HIDDEN = 9, 32, 2, 64


class Net:
    """Nodes in order; a tensor is a name."""

    def __init__(self, seed):
        self.rng = np.random.default_rng(seed)
        self.nodes, self.constants = [], []
        self.floats = []     # nodes that stay float32
        self.shape = IMAGE

    def constant(self, value, dtype=np.float32):
        name = f"c{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(np.array(value, dtype), name))
        return name

    def op(self, kind, inputs, outputs=1, **attributes):
        names = [f"t{len(self.nodes)}_{i}" for i in range(outputs)]
        self.nodes.append(helper.make_node(kind, inputs, names, f"n{len(self.nodes)}",
                                           **attributes))
        return names[0] if outputs == 1 else names

    def window(self, x, inputs, outputs, kernel, group=1, **attributes):
        """Adds a convolution without bias."""
        shape = (outputs, inputs // group, *kernel)
        w = self.rng.normal(0, np.prod(shape[1:]) ** -0.5, shape)
        return self.op("Conv", [x, self.constant(w)], kernel_shape=kernel, group=group,
                       **attributes)

    def conv(self, x, inputs, outputs, window=1, stride=1, group=1):
        depth = inputs // group
        w = self.rng.normal(0, (depth * window * window) ** -0.5,
                            (outputs, depth, window, window))
        b = self.rng.normal(0, 0.2, outputs)
        return self.op("Conv", [x, self.constant(w), self.constant(b)],
                       kernel_shape=[window] * 2, strides=[stride] * 2, pads=[window // 2] * 4,
                       group=group)

    def linear(self, x, inputs, outputs):
        w = self.constant(self.rng.normal(0, inputs ** -0.5, (inputs, outputs)))
        return self.op("Add", [self.op("MatMul", [x, w]),
                               self.constant(self.rng.normal(0, 0.2, outputs))])

    def classes(self, x, channels):
        x = self.op("Flatten", [self.op("GlobalAveragePool", [x])])
        w = self.constant(self.rng.normal(0, 0.3, (10, channels)))
        return self.op("Gemm", [x, w, self.constant(self.rng.normal(0, 0.3, 10))], transB=1)


def mobilenet_v2(n):
    """Builds an inverted residual with Clip."""
    def clip(x):
        return n.op("Clip", [x, n.constant(0.0), n.constant(6.0)])
    x = clip(n.conv("in", 3, 16, 3, 2))
    y = n.conv(clip(n.conv(x, 16, 16, 3, 1, 16)), 16, 16)
    return n.classes(n.op("Add", [x, y]), 16)


def mobilenet_v3(n):
    """Builds HardSwish and a squeeze and excite block with HardSigmoid."""
    x = n.op("HardSwish", [n.conv("in", 3, 16, 3, 2)])
    y = n.op("Relu", [n.conv(x, 16, 16, 3, 1, 16)])
    s = n.op("Relu", [n.conv(n.op("GlobalAveragePool", [y]), 16, 8)])
    s = n.op("HardSigmoid", [n.conv(s, 8, 16)], alpha=1 / 6)
    y = n.conv(n.op("Mul", [y, s]), 16, 16)
    return n.classes(n.op("Add", [x, y]), 16)


def detector(n):
    """Builds SiLU, Split, Concat, Resize, Slice, LeakyRelu, Tanh."""
    def silu(x):
        return n.op("Mul", [x, n.op("Sigmoid", [x])])
    x = silu(n.conv("in", 3, 16, 3, 2))
    a, b = n.op("Split", [x], 2, axis=1)
    x = n.op("Concat", [silu(n.conv(a, 8, 8, 3)), b], axis=1)
    d = n.op("MaxPool", [x], kernel_shape=[2, 2], strides=[2, 2])
    d = n.op("LeakyRelu", [n.conv(d, 16, 24, 3)], alpha=0.1)
    u = n.op("Resize", [d, "", n.constant([1, 1, 2, 2])], mode="nearest",
             coordinate_transformation_mode="asymmetric", nearest_mode="floor")
    x = n.op("Concat", [u, x], axis=1)
    x = n.op("Slice", [x, n.constant([1, 0], np.int64), n.constant([7, 99], np.int64),
                       n.constant([2, 3], np.int64), n.constant([1, 2], np.int64)])
    return n.conv(n.op("Tanh", [n.conv(x, 40, 12)]), 12, 4)


def resized(n):
    """Builds GlobalMaxPool broadcast, Resize by an odd ratio, functions without quantizers between."""
    x = n.op("Relu", [n.conv("in", 3, 9, 3, 2)])
    x = n.op("Mul", [x, n.op("GlobalMaxPool", [x])])
    x = n.op("Resize", [x, "", "", n.constant([1, 9, 11, 7], np.int64)], mode="nearest")
    x = n.op("Exp", [n.op("Neg", [n.op("Sqrt", [x])])])
    return n.conv(x, 9, 4)


def windows(n):
    """Builds different strides, dilations and borders for rows and columns; one more border row before or after;
    windows over the whole image, and a mean that drops its axes."""
    def resize(x, size, how, nearest):
        return n.op("Resize", [x, "", "", n.constant([1, *size], np.int64)],
                    coordinate_transformation_mode=how, nearest_mode=nearest)
    x = n.op("Relu", [n.window("in", 3, 8, [2, 3], strides=[1, 2], auto_pad="SAME_LOWER")])
    x = resize(x, (8, 11, 7), "asymmetric", "floor")
    x = n.window(x, 8, 8, [3, 2], dilations=[1, 3], pads=[1, 0, 2, 1], auto_pad="NOTSET")
    x = n.op("MaxPool", [x], kernel_shape=[2, 3], pads=[1, 0, 0, 2], auto_pad="NOTSET")
    x = n.op("AveragePool", [x], kernel_shape=[2, 2], strides=[2, 1])
    x = n.window(x, 8, 8, [2, 4], group=8, auto_pad="SAME_UPPER")
    x = n.op("MaxPool", [x], kernel_shape=[2, 2], strides=[1, 1], auto_pad="SAME_LOWER")
    x = n.window(x, 8, 12, [1, 3], group=2, auto_pad="VALID")
    x = n.op("MaxPool", [x], kernel_shape=[4, 2], strides=[1, 1], auto_pad="SAME_UPPER")
    x = resize(x, (12, 1, 4), "half_pixel", "round_prefer_floor")
    x = n.op("AveragePool", [x], kernel_shape=[3, 3], strides=[1, 2], pads=[0, 2, 2, 0],
             count_include_pad=1)
    y = n.op("ReduceMean", [x], axes=[2, 3], keepdims=0)
    y = n.op("Gemm", [y, n.constant(n.rng.normal(0, 0.3, (12, 7)))])
    x = n.op("Gemm", [n.op("Flatten", [x]), n.constant(n.rng.normal(0, 0.3, (24, 5)))])
    return n.op("Concat", [x, y], axis=1)


def qoperator(n):
    """Builds the operators that ONNX Runtime supports on codes, and those that it leaves on codes between them."""
    def silu(x):
        return n.op("Mul", [x, n.op("Sigmoid", [x])])

    def clip(x):
        return n.op("Clip", [x, n.constant(-1.5), n.constant(2.0)])
    x = n.op("LeakyRelu", [n.conv("in", 3, 8, 3, 2)], alpha=0.2)
    x = n.op("Pad", [x, n.constant([0, 0, 1, 0, 0, 0, 0, 1], np.int64), n.constant(0.0)])
    x = clip(n.op("MaxPool", [x], kernel_shape=[2, 2]))
    a, b = n.op("Split", [silu(n.conv(x, 8, 8, 3, 1, 8))], 2, axis=1)
    a = n.op("AveragePool", [a], kernel_shape=[3, 3], pads=[1, 1, 1, 1], count_include_pad=1)
    x = n.op("Concat", [x, a, n.op("Add", [a, b])], axis=1)
    s = n.conv(n.op("GlobalAveragePool", [x]), 16, 8)
    x = n.op("Mul", [n.conv(x, 16, 8), n.op("Sigmoid", [s])])
    x = n.op("Resize", [x, "", n.constant([1, 1, 1, 2])], mode="nearest",
             coordinate_transformation_mode="asymmetric", nearest_mode="floor")
    rows = n.op("Reshape", [n.op("Transpose", [x], perm=[0, 2, 3, 1]),
                            n.constant([1, 128, 8], np.int64)])
    y = n.op("MatMul", [n.linear(rows, 8, 12), n.constant(n.rng.normal(0, 0.4, (12, 2)))])
    y = n.op("Squeeze", [y, n.constant([0], np.int64)])
    y = n.op("Unsqueeze", [y, n.constant([1], np.int64)])
    y = n.op("Reshape", [y, n.constant([1, 256], np.int64)])
    y = n.op("Flatten", [y])
    return n.op("Gemm", [y, n.constant(n.rng.normal(0, 0.1, (256, 5))),
                         n.constant(n.rng.normal(0, 0.3, 5))])


def layer_norm(n, x):
    gamma, beta = n.rng.normal(1, 0.3, WIDTH), n.rng.normal(0, 0.3, WIDTH)
    return n.op("LayerNormalization", [x, n.constant(gamma), n.constant(beta)])


def decomposed_norm(n, x):
    """Adds layer normalization as exporters without the operator write it."""
    first = len(n.nodes)
    d = n.op("Sub", [x, n.op("ReduceMean", [x], axes=[-1])])
    variance = n.op("ReduceMean", [n.op("Pow", [d, n.constant(2.0)])], axes=[-1])
    y = n.op("Div", [d, n.op("Sqrt", [n.op("Add", [variance, n.constant(1e-5)])])])
    y = n.op("Mul", [y, n.constant(n.rng.normal(1, 0.3, WIDTH))])
    y = n.op("Add", [y, n.constant(n.rng.normal(0, 0.3, WIDTH))])
    n.floats += [node.name for node in n.nodes[first:]]
    return y


def decomposed_gelu(n, x):
    first = len(n.nodes)
    y = n.op("Erf", [n.op("Div", [x, n.constant(2 ** 0.5)])])
    y = n.op("Mul", [n.op("Mul", [x, n.op("Add", [y, n.constant(1.0)])]), n.constant(0.5)])
    n.floats += [node.name for node in n.nodes[first:]]
    return y


def encoder_of(n, norm, gelu):
    """Builds a transformer's encoder block of tokens and their positions."""
    n.shape = (1, TOKENS, WIDTH)
    size = WIDTH // HEADS
    split = n.constant([1, TOKENS, HEADS, size], np.int64)

    def head(x, order):
        return n.op("Transpose", [n.op("Reshape", [n.linear(x, WIDTH, WIDTH), split])],
                    perm=order)
    x = n.op("Add", ["in", n.constant(n.rng.normal(0, 0.5, n.shape))])
    scores = n.op("MatMul", [head(x, [0, 2, 1, 3]), head(x, [0, 2, 3, 1])])
    weights = n.op("Softmax", [n.op("Div", [scores, n.constant(size ** 0.5)])], axis=-1)
    y = n.op("Transpose", [n.op("MatMul", [weights, head(x, [0, 2, 1, 3])])], perm=[0, 2, 1, 3])
    y = n.op("Reshape", [y, n.constant(n.shape, np.int64)])
    x = norm(n, n.op("Add", [x, n.linear(y, WIDTH, WIDTH)]))
    y = n.linear(gelu(n, n.linear(x, WIDTH, HIDDEN)), HIDDEN, WIDTH)
    return norm(n, n.op("Add", [x, y]))


def scores(n, x):
    return n.linear(x, WIDTH, 12)


def encoder(n):
    return scores(n, encoder_of(n, layer_norm, lambda n, x: n.op("Gelu", [x])))


def encoder_decomposed(n):
    return scores(n, encoder_of(n, decomposed_norm, decomposed_gelu))


def attention(n):
    return encoder_of(n, lambda n, x: x, decomposed_gelu)


class Samples(CalibrationDataReader):
    def __init__(self, rng, shape):
        self.samples = iter([{"in": rng.normal(0, 1, shape).astype(np.float32)}
                             for _ in range(8)])

    def get_next(self):
        return next(self.samples, None)


OWN_DOMAIN = ["detector_int16", "windows_int16"]


def make(name, folder):
    unsigned, words = name.endswith("_uint8"), name.endswith("_int16")
    kind = name.removesuffix("_uint8").removesuffix("_int16")
    n = Net(zlib.crc32(name.encode()))
    out = globals()[kind](n)
    ends = [helper.make_tensor_value_info("in", TensorProto.FLOAT, n.shape),
            helper.make_tensor_value_info(out, TensorProto.FLOAT, None)]
    graph = helper.make_graph(n.nodes, name, ends[:1], ends[1:], n.constants)
    with tempfile.TemporaryDirectory() as scratch:
        path = pathlib.Path(scratch) / "float.onnx"
        opset = 20 if name == "encoder" else 21 if words and name not in OWN_DOMAIN else 17
        onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)],
                                    ir_version=10 if opset > 20 else 8), path)
        quantize_static(path, pathlib.Path(folder) / f"{name}.onnx", Samples(n.rng, n.shape),
                        nodes_to_exclude=n.floats,
                        quant_format=(QuantFormat.QOperator if kind == "qoperator" else
                                      QuantFormat.QDQ),
                        per_channel=not unsigned,
                        activation_type=(QuantType.QUInt8 if unsigned else
                                         QuantType.QInt16 if words else QuantType.QInt8),
                        weight_type=QuantType.QUInt8 if unsigned else QuantType.QInt8,
                        extra_options={"ActivationSymmetric": True} if words else {})


def codes_int16(folder):
    """Writes int16 codes as inputs and outputs: quantizers written by hand, output_dtype instead of a zero point."""
    n = Net(16)

    def dequantized(codes, scale, dtype, *zero):
        return n.op("DequantizeLinear", [codes, n.constant(scale), *(n.constant(z, dtype) for z in zero)])

    def requantized(x, scale, dtype, zero):
        codes = n.op("QuantizeLinear", [x, n.constant(scale), n.constant(zero, dtype)])
        return dequantized(codes, scale, dtype, zero)
    x = dequantized("in", 2.0 ** -13, np.int16)
    w = dequantized(n.constant(n.rng.integers(-127, 128, (6, 3, 3, 3)), np.int8), 0.004, np.int8, 0)
    b = dequantized(n.constant(n.rng.integers(-9000000, 9000000, 6), np.int32), 0.004 * 2.0 ** -13, np.int32)
    x = n.op("Relu", [n.op("Conv", [x, w, b], kernel_shape=[3, 3], pads=[1, 1, 1, 1])])
    x = requantized(x, 0.0002, np.int16, 0)
    x = n.op("Add", [x, requantized(x, 0.03, np.int8, -7)])
    codes = n.op("QuantizeLinear", [x, n.constant(0.00031)], output_dtype=TensorProto.INT16)
    graph = helper.make_graph(
        n.nodes, "codes_int16", [helper.make_tensor_value_info("in", TensorProto.INT16, [1, 3, 9, 7])],
        [helper.make_tensor_value_info(codes, TensorProto.INT16, [1, 6, 9, 7])], n.constants)
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)], ir_version=10),
              pathlib.Path(folder) / "codes_int16.onnx")


NAMES = ["mobilenet_v2", "mobilenet_v3", "detector", "detector_uint8", "resized", "windows", "encoder",
         "encoder_decomposed", "attention", "qoperator", "qoperator_uint8", "mobilenet_v2_int16",
         "detector_int16", "windows_int16", "codes_int16"]

if __name__ == "__main__":
    for chosen in sys.argv[2:] or NAMES:
        codes_int16(sys.argv[1]) if chosen == "codes_int16" else make(chosen, sys.argv[1])
