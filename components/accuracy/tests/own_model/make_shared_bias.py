#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Makes a float network for trine quantize --mixed: a bias that two convolutions share, in which PyTorch's exporter
merges equal ones, one of them depthwise; MatMul without a bias.

usage: make_shared_bias.py OUT.onnx X.npy   also 24 inputs (onnx, NumPy)
"""
import sys

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

rng = np.random.default_rng(3)
constants = [numpy_helper.from_array(rng.normal(0, spread, shape).astype(np.float32), name) for name, shape, spread in (
    ("full", (16, 3, 3, 3), 0.2), ("each", (16, 1, 3, 3), 0.3), ("bias", (16,), 0.1), ("last", (16, 5), 0.3))]
nodes = [helper.make_node("Conv", ["x", "full", "bias"], ["a"], name="full", strides=[2, 2], pads=[1, 1, 1, 1]),
         helper.make_node("Relu", ["a"], ["b"]),
         helper.make_node("Conv", ["b", "each", "bias"], ["c"], name="each", group=16, pads=[1, 1, 1, 1]),
         helper.make_node("Relu", ["c"], ["d"]),
         helper.make_node("GlobalAveragePool", ["d"], ["e"]),
         helper.make_node("Flatten", ["e"], ["f"]),
         helper.make_node("MatMul", ["f", "last"], ["y"], name="last")]
graph = helper.make_graph(nodes, "shared_bias", [helper.make_tensor_value_info("x", TensorProto.FLOAT, (1, 3, 12, 12))],
                          [helper.make_tensor_value_info("y", TensorProto.FLOAT, (1, 5))], constants)
onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), sys.argv[1])
np.save(sys.argv[2], rng.normal(0, 1, (24, 1, 3, 12, 12)).astype(np.float32))
