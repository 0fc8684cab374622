#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Make int4_groups.onnx: weights of four bits with a scale for each group of input channels, as DequantizeLinear with
block_size before MatMul and Gemm (opset 21) and as MatMulNBits; one layer's scales are powers of two, as MX has them.

Install:  pip install onnx==1.19.1 numpy
Use:      make_groups.py OUT.onnx
Then:     models/record.py OUT.onnx --out FOLDER --random 4 --span -2 2 --no-layers
"""
import sys

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

rng = np.random.default_rng(2)
nodes, constants = [], []


def constant(name, values):
    constants.append(numpy_helper.from_array(values, name))
    return name


def quantized(name, scale, zero_point):
    ends = [constant(f"{name}_scale", np.float32(scale)), constant(f"{name}_zero", np.int8(zero_point))]
    nodes.append(helper.make_node("QuantizeLinear", [name, *ends], [f"{name}_codes"]))
    nodes.append(helper.make_node("DequantizeLinear", [f"{name}_codes", *ends], [f"{name}_value"]))
    return f"{name}_value"


def packed(codes):
    """Two codes a byte, the first in its low half."""
    flat = codes.ravel().astype(np.uint8) & 15
    return flat[::2] | flat[1::2] << 4


def scales(shape, powers):
    return (2.0 ** rng.integers(-9, -5, shape) if powers else rng.uniform(0.002, 0.05, shape)).astype(np.float32)


def blocks(name, shape, axis, block, powers=False):
    codes = f"{name}_weights"
    constants.append(helper.make_tensor(codes, TensorProto.INT4, shape, packed(rng.integers(-8, 8, shape)).tobytes(), raw=True))
    groups = [extent // (block if i == axis else 1) for i, extent in enumerate(shape)]
    scale = constant(f"{name}_scales", scales(groups, powers))
    nodes.append(helper.make_node("DequantizeLinear", [codes, scale], [name], axis=axis, block_size=block))
    return name


def bits(x, name, N, K, block):
    """Scales of both signs, as llama.cpp's Q4_0 has them."""
    weights = constant(f"{name}_weights", packed(rng.integers(0, 16, (N, K // block, block))).reshape(N, K // block, block // 2))
    signs = rng.choice([-1, 1], (N, K // block))
    scale = constant(f"{name}_scales", (scales((N, K // block), False) * signs).astype(np.float32).ravel())
    nodes.append(helper.make_node("MatMulNBits", [x, weights, scale], [name], domain="com.microsoft", bits=4, K=K, N=N,
                                  block_size=block))
    return name


x = quantized("x", 0.02, 5)
nodes.append(helper.make_node("MatMul", [x, blocks("first", (96, 128), 0, 32)], ["hidden"]))
hidden = quantized("hidden", 0.05, -3)
constant("bias", rng.uniform(-1, 1, 64).astype(np.float32))
nodes.append(helper.make_node("Gemm", [hidden, blocks("second", (64, 128), 1, 64, powers=True), "bias"], ["narrow"], transB=1))
nodes.append(helper.make_node("Relu", ["narrow"], ["positive"]))
bits(quantized("positive", 0.06, -128), "last", 10, 64, 32)
out = quantized("last", 0.3, 0)
graph = helper.make_graph(nodes, "groups", [helper.make_tensor_value_info("x", TensorProto.FLOAT, (6, 96))],
                          [helper.make_tensor_value_info(out, TensorProto.FLOAT, (6, 10))], constants)
model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21), helper.make_opsetid("com.microsoft", 1)],
                          ir_version=10)
onnx.save(model, sys.argv[1])
