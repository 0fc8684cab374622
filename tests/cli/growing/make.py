#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes an encoder and a decoder of five symbols with random weights. The length of the decoder's cache is the open
dimension `past`; keys have one scale where they come in and go out, values have two. Needs onnx and numpy."""
import pathlib

import numpy as np
import onnx
from onnx import helper, numpy_helper

SYMBOLS, CHANNELS = 5, 8


class Net:
    def __init__(self):
        self.nodes, self.constants, self.rng = [], [], np.random.default_rng(7)

    def node(self, kind, inputs, output, **attributes):
        self.nodes.append(helper.make_node(kind, inputs, [output], **attributes))
        return output

    def scale(self, name, scale):
        self.constants += [numpy_helper.from_array(np.float32(scale), f"{name}_scale"),
                           numpy_helper.from_array(np.int8(0), f"{name}_zero")]
        return [f"{name}_scale", f"{name}_zero"]

    def quantized(self, value, name, scale=1 / 64):
        ends = self.scale(name, scale)
        return self.node("DequantizeLinear", [self.node("QuantizeLinear", [value, *ends], f"{name}_codes"), *ends], name)

    def weights(self, rows, columns, name):
        codes = self.rng.integers(-127, 128, (rows, columns)).astype(np.int8)
        self.constants.append(numpy_helper.from_array(codes, f"{name}_codes"))
        return self.node("DequantizeLinear", [f"{name}_codes", *self.scale(name, 1 / 127)], name)

    def product(self, x, columns, name):
        weights = self.weights(CHANNELS, columns, f"{name}_weights")
        return self.quantized(self.node("MatMul", [x, weights], f"{name}_sums"), name, 1 / 16)

    def save(self, name, inputs, outputs):
        graph = helper.make_graph(self.nodes, name, inputs, outputs, self.constants)
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
        onnx.checker.check_model(model)
        onnx.save(model, pathlib.Path(__file__).with_name(f"{name}.onnx"))


def main():
    net = Net()
    row = net.quantized(net.node("Gather", [net.weights(SYMBOLS, CHANNELS, "table"), "symbol"], "row", axis=0), "x")
    states = {}
    for name, before in (("keys", 1 / 16), ("values", 1 / 17)):
        past = net.quantized(name, f"{name}_before", before)
        joined = net.node("Concat", [past, net.product(row, CHANNELS, name + "_own")], f"{name}_all", axis=1)
        states[name] = net.quantized(joined, f"next_{name}", 1 / 16)
    turned = net.node("Transpose", [states["keys"]], "turned", perm=[0, 2, 1])
    scores = net.quantized(net.node("MatMul", [net.product(row, CHANNELS, "query"), turned], "products"), "scores", 1 / 8)
    shares = net.quantized(net.node("Softmax", [scores], "softmax", axis=-1), "shares", 1 / 127)
    mixed = net.quantized(net.node("MatMul", [shares, states["values"]], "mix"), "mixed", 1 / 16)
    both = net.quantized(net.node("Add", [mixed, row], "sum"), "both", 1 / 16)
    line = net.quantized("line", "of_line", 1 / 20)
    last = net.quantized(net.node("Add", [both, line], "with_line"), "last", 1 / 16)
    net.product(last, SYMBOLS, "logits")
    f, i, info = onnx.TensorProto.FLOAT, onnx.TensorProto.INT64, helper.make_tensor_value_info
    net.save("decoder", [info("symbol", i, [1, 1]), *(info(name, f, [1, "past", CHANNELS]) for name in states),
                         info("line", f, [1, 1, CHANNELS])],
             [info("logits", f, [1, 1, SYMBOLS]), *(info(f"next_{name}", f, [1, "more", CHANNELS]) for name in states)])
    net = Net()
    rows = net.quantized(net.node("Gather", [net.weights(SYMBOLS, CHANNELS, "table"), "symbols"], "rows", axis=0), "x")
    net.quantized(net.node("ReduceMean", [rows], "mean", axes=[1], keepdims=1), "line")
    net.save("encoder", [info("symbols", i, [1, 4])], [info("line", f, [1, 1, CHANNELS])])


if __name__ == "__main__":
    main()
