#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Makes int4_weights.onnx: Conv with INT4, MatMul with UINT4 weights (opset 21), a scale for each channel.

Install:  pip install onnx==1.19.1 numpy
Use:      make_int4.py OUT.onnx
Then:     components/zoo/record.py OUT.onnx --out FOLDER --random 4 --span -2 2 --no-layers
"""
import sys

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

rng = np.random.default_rng(1)
nodes, constants = [], []


def quantized(name, scale, zero_point):
    ends = [f"{name}_scale", f"{name}_zero"]
    constants.extend([numpy_helper.from_array(np.float32(scale), ends[0]), numpy_helper.from_array(np.int8(zero_point), ends[1])])
    nodes.append(helper.make_node("QuantizeLinear", [name, *ends], [f"{name}_codes"]))
    nodes.append(helper.make_node("DequantizeLinear", [f"{name}_codes", *ends], [f"{name}_value"]))
    return f"{name}_value"


def nibbles(name, kind, codes):
    """Returns two codes per byte, the first in its low half."""
    flat = np.resize(codes.ravel().astype(np.uint8) & 15, (codes.size + 1) // 2 * 2)
    constants.append(helper.make_tensor(name, kind, codes.shape, (flat[::2] | flat[1::2] << 4).tobytes(), raw=True))
    return name


def weights(name, shape, kind, axis):
    channels = shape[axis]
    signed = kind == TensorProto.INT4
    codes = nibbles(f"{name}_codes", kind, rng.integers(*((-8, 8) if signed else (0, 16)), shape))
    zeros = nibbles(f"{name}_zeros", kind, np.zeros(channels, int) if signed else rng.integers(6, 10, channels))
    scale = rng.uniform(0.01, 0.05, channels).astype(np.float32)
    constants.append(numpy_helper.from_array(scale, f"{name}_scale"))
    nodes.append(helper.make_node("DequantizeLinear", [codes, f"{name}_scale", zeros], [name], axis=axis))
    return name


x = quantized("x", 0.03, 3)
nodes.append(helper.make_node("Conv", [x, weights("filters", (9, 3, 3, 3), TensorProto.INT4, 0)], ["conv"]))
nodes.append(helper.make_node("Flatten", [quantized("conv", 0.08, -5)], ["flat"]))
nodes.append(helper.make_node("MatMul", ["flat", weights("matrix", (144, 11), TensorProto.UINT4, 1)], ["y"]))
out = quantized("y", 0.4, 0)
graph = helper.make_graph(nodes, "int4", [helper.make_tensor_value_info("x", TensorProto.FLOAT, (1, 3, 6, 6))],
                          [helper.make_tensor_value_info(out, TensorProto.FLOAT, (1, 11))], constants)
model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)], ir_version=10)
onnx.checker.check_model(model)
onnx.save(model, sys.argv[1])
