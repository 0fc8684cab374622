#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes an encoder and a decoder of five symbols with random weights. The length of the decoder's caches is the open
dimension `past`. Keys and values, which are split by heads, have one scale as inputs and outputs; copied tensors have
two. places.onnx is a decoder without caches, of three places, whose encoder line is in int16 codes. Needs onnx and
numpy."""
import pathlib

import numpy as np
import onnx
from onnx import helper, numpy_helper

SYMBOLS, CHANNELS, HEADS = 5, 8, 2


class Net:
    def __init__(self):
        self.nodes, self.constants, self.rng = [], [], np.random.default_rng(8)

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

    def reshaped(self, x, shape, name):
        self.constants.append(numpy_helper.from_array(np.int64(shape), f"{name}_shape"))
        return self.node("Reshape", [x, f"{name}_shape"], name)

    def by_head(self, x, name):
        """Reshapes [1, n, CHANNELS] to [1, HEADS, n, a head's]."""
        apart = self.reshaped(x, [1, -1, HEADS, CHANNELS // HEADS], f"{name}_apart")
        return self.node("Transpose", [apart], name, perm=[0, 2, 1, 3])

    def save(self, name, inputs, outputs, opset=17):
        graph = helper.make_graph(self.nodes, name, inputs, outputs, self.constants)
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8 if opset < 21 else 10)
        onnx.checker.check_model(model)
        onnx.save(model, pathlib.Path(__file__).with_name(f"{name}.onnx"))


def places():
    net = Net()
    net.constants += [numpy_helper.from_array(np.float32(1 / 2000), "line_scale"), numpy_helper.from_array(np.int16(0), "line_zero")]
    line = net.quantized(net.node("DequantizeLinear", ["line", "line_scale", "line_zero"], "line_values"), "of_line", 1 / 20)
    rows = [net.quantized(net.node("Gather", [net.weights(count, CHANNELS, f"{name}_table"), name], f"{name}_row", axis=0),
                          f"{name}_x") for name, count in (("symbol", SYMBOLS), ("place", 3))]
    both = net.quantized(net.node("Add", rows, "sum"), "both", 1 / 32)
    net.product(net.quantized(net.node("Add", [both, line], "with_line"), "last", 1 / 16), SYMBOLS, "logits")
    whole, info = onnx.TensorProto.INT64, helper.make_tensor_value_info
    net.save("places", [info("symbol", whole, [1, 1]), info("place", whole, [1, 1]),
                        info("line", onnx.TensorProto.INT16, [1, 1, CHANNELS])],
             [info("logits", onnx.TensorProto.FLOAT, [1, 1, SYMBOLS])], opset=21)  # for DequantizeLinear of int16


def main():
    places()
    net = Net()
    row = net.quantized(net.node("Gather", [net.weights(SYMBOLS, CHANNELS, "table"), "symbol"], "row", axis=0), "x")
    own = {name: net.product(row, CHANNELS, f"{name}_own") for name in ("keys", "values", "copied")}
    own["values"] = net.by_head(own["values"], "values_by_head")
    states = {}
    for name, before, axis in (("keys", 1 / 16, 1), ("values", 1 / 16, 2), ("copied", 1 / 17, 1)):
        past = net.quantized(name, f"{name}_before", before)
        joined = net.node("Concat", [past, own[name]], f"{name}_all", axis=axis)
        states[name] = net.quantized(joined, f"next_{name}", 1 / 16)
    query = net.by_head(net.product(row, CHANNELS, "query"), "queries")
    keys = net.node("Transpose", [net.by_head(states["keys"], "keys_by_head")], "turned", perm=[0, 1, 3, 2])
    scores = net.quantized(net.node("MatMul", [query, keys], "products"), "scores", 1 / 8)
    shares = net.quantized(net.node("Softmax", [scores], "softmax", axis=-1), "shares", 1 / 127)
    mixed = net.quantized(net.node("MatMul", [shares, states["values"]], "mix"), "mixed", 1 / 16)
    mixed = net.reshaped(net.node("Transpose", [mixed], "mixed_rows", perm=[0, 2, 1, 3]), [1, 1, CHANNELS], "mixed_row")
    turned = net.node("Transpose", [states["copied"]], "copied_turned", perm=[0, 2, 1])
    others = net.quantized(net.node("MatMul", [row, turned], "other_products"), "other_scores", 1 / 8)
    others = net.quantized(net.node("Softmax", [others], "other_softmax", axis=-1), "other_shares", 1 / 127)
    found = net.quantized(net.node("MatMul", [others, states["copied"]], "other_mix"), "found", 1 / 16)
    both = net.quantized(net.node("Add", [mixed, found], "sum"), "both", 1 / 16)
    line = net.quantized("line", "of_line", 1 / 20)
    last = net.quantized(net.node("Add", [both, line], "with_line"), "last", 1 / 16)
    net.product(last, SYMBOLS, "logits")
    f, i, info = onnx.TensorProto.FLOAT, onnx.TensorProto.INT64, helper.make_tensor_value_info
    shape = lambda name, n: [1, HEADS, n, CHANNELS // HEADS] if name == "values" else [1, n, CHANNELS]
    net.save("decoder", [info("symbol", i, [1, 1]), *(info(name, f, shape(name, "past")) for name in states),
                         info("line", f, [1, 1, CHANNELS])],
             [info("logits", f, [1, 1, SYMBOLS]), *(info(f"next_{name}", f, shape(name, "more")) for name in states)])
    net = Net()
    rows = net.quantized(net.node("Gather", [net.weights(SYMBOLS, CHANNELS, "table"), "symbols"], "rows", axis=0), "x")
    net.quantized(net.node("ReduceMean", [rows], "mean", axes=[1], keepdims=1), "line")
    net.save("encoder", [info("symbols", i, [1, 4])], [info("line", f, [1, 1, CHANNELS])])


if __name__ == "__main__":
    main()
