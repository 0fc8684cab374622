#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Makes int4_groups.onnx: weights of four bits with a scale for each group of input channels, as DequantizeLinear
with block_size before MatMul and Gemm (opset 21) and as MatMulNBits; one layer's scales are powers of two, as in MX.
components/benchmarks/cycles/groups.py makes its products with the same functions.

Install:  pip install onnx==1.19.1 numpy
Use:      make_groups.py OUT.onnx
Then:     components/zoo/record.py OUT.onnx --out FOLDER --random 4 --span -2 2 --no-layers
"""
import sys

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper


def packed(codes):
    """Returns two codes per byte, the first in its low half."""
    flat = codes.ravel().astype(np.uint8) & 15
    return flat[::2] | flat[1::2] << 4


class Network:
    """Builds a network. @param largest  of scales that are not powers of two"""

    def __init__(self, seed, largest):
        self.rng, self.largest = np.random.default_rng(seed), largest
        self.nodes, self.constants = [], []

    def node(self, kind, inputs, output, **attributes):
        self.nodes.append(helper.make_node(kind, inputs, [output], **attributes))
        return output

    def constant(self, name, values):
        self.constants.append(numpy_helper.from_array(values, name))
        return name

    def quantized(self, name, scale, zero_point):
        ends = [self.constant(f"{name}_scale", np.float32(scale)), self.constant(f"{name}_zero", np.int8(zero_point))]
        self.node("QuantizeLinear", [name, *ends], f"{name}_codes")
        return self.node("DequantizeLinear", [f"{name}_codes", *ends], f"{name}_value")

    def scales(self, shape, powers=False):
        rng = self.rng
        return (2.0 ** rng.integers(-9, -5, shape) if powers else rng.uniform(0.002, self.largest, shape)).astype(np.float32)

    def codes(self, name, shape):
        codes = self.rng.integers(-8, 8, shape)
        self.constants.append(helper.make_tensor(f"{name}_weights", TensorProto.INT4, shape, packed(codes).tobytes(), raw=True))
        return codes

    def blocks(self, name, shape, axis, block, powers=False):
        """@param block  weights along `axis` with one scale; 0: a scale for each index of the other axis
        @return the weights in float32"""
        codes = self.codes(name, shape)
        groups = [extent // (block or extent) if i == axis else extent for i, extent in enumerate(shape)]
        scales = self.scales(groups, powers)
        form = {"axis": axis, "block_size": block} if block else {"axis": 1 - axis}
        scale = self.constant(f"{name}_scales", scales if block else scales.ravel())
        self.node("DequantizeLinear", [f"{name}_weights", scale], name, **form)
        return codes * scales.repeat(block or shape[axis], axis)

    def bits(self, x, name, N, K, block):
        """Adds a product with scales of both signs, as in llama.cpp's Q4_0."""
        codes = self.rng.integers(0, 16, (N, K // block, block))
        weights = self.constant(f"{name}_weights", packed(codes).reshape(N, K // block, block // 2))
        signs = self.rng.choice([-1, 1], (N, K // block))
        scale = self.constant(f"{name}_scales", (self.scales((N, K // block)) * signs).astype(np.float32).ravel())
        return self.node("MatMulNBits", [x, weights, scale], name, domain="com.microsoft", bits=4, K=K, N=N, block_size=block)

    def save(self, path, out, rows, columns):
        """@param columns  of the input x, and of `out`"""
        ends = [helper.make_tensor_value_info(name, TensorProto.FLOAT, (rows, count)) for name, count in zip(("x", out), columns)]
        graph = helper.make_graph(self.nodes, "groups", ends[:1], ends[1:], self.constants)
        opsets = [helper.make_opsetid("", 21), helper.make_opsetid("com.microsoft", 1)]
        onnx.save(helper.make_model(graph, opset_imports=opsets, ir_version=10), path)


def main():
    net = Network(2, 0.05)
    x = net.quantized("x", 0.02, 5)
    net.blocks("first", (96, 128), 0, 32)
    net.node("MatMul", [x, "first"], "hidden")
    hidden = net.quantized("hidden", 0.05, -3)
    net.constant("bias", net.rng.uniform(-1, 1, 64).astype(np.float32))
    net.blocks("second", (64, 128), 1, 64, powers=True)
    net.node("Gemm", [hidden, "second", "bias"], "narrow", transB=1)
    net.node("Relu", ["narrow"], "positive")
    net.bits(net.quantized("positive", 0.06, -128), "last", 10, 64, 32)
    net.save(sys.argv[1], net.quantized("last", 0.3, 0), 6, (96, 10))


if __name__ == "__main__":
    main()
