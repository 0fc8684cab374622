#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes next_symbol.onnx: the number of a symbol, int64 [1], looks up a row of a table; the largest of seven logits
is the symbol 3 n + 1 mod 7. For `trine run --feed`; needs onnx and numpy."""
import pathlib

import numpy as np
import onnx
from onnx import helper, numpy_helper

SYMBOLS = 7


def quantized(nodes, constants, value, name):
    constants += [numpy_helper.from_array(np.float32(1 / 127), f"{name}_scale"),
                  numpy_helper.from_array(np.int8(0), f"{name}_zero")]
    ends = [f"{name}_scale", f"{name}_zero"]
    nodes.append(helper.make_node("QuantizeLinear", [value, *ends], [f"{name}_codes"]))
    nodes.append(helper.make_node("DequantizeLinear", [f"{name}_codes", *ends], [name]))


def constant(nodes, constants, codes, name):
    constants += [numpy_helper.from_array(np.int8(codes), f"{name}_codes"),
                  numpy_helper.from_array(np.float32(1 / 127), f"{name}_scale"),
                  numpy_helper.from_array(np.int8(0), f"{name}_zero")]
    nodes.append(helper.make_node("DequantizeLinear", [f"{name}_codes", f"{name}_scale", f"{name}_zero"], [name]))


def main():
    nodes, constants = [], []
    constant(nodes, constants, 127 * np.eye(SYMBOLS), "table")
    constant(nodes, constants, 127 * np.eye(SYMBOLS)[(3 * np.arange(SYMBOLS) + 1) % SYMBOLS], "weights")
    nodes.append(helper.make_node("Gather", ["table", "symbol"], ["row"], axis=0))
    quantized(nodes, constants, "row", "vector")
    nodes.append(helper.make_node("MatMul", ["vector", "weights"], ["product"]))
    quantized(nodes, constants, "product", "logits")
    graph = helper.make_graph(
        nodes, "next_symbol", [helper.make_tensor_value_info("symbol", onnx.TensorProto.INT64, [1])],
        [helper.make_tensor_value_info("logits", onnx.TensorProto.FLOAT, [1, SYMBOLS])], constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(model)
    onnx.save(model, pathlib.Path(__file__).with_name("next_symbol.onnx"))


if __name__ == "__main__":
    main()
