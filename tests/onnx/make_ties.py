#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Makes ties.onnx, in which ONNX Runtime's float32 rounds exact ties and sums of an overflow, and its vectors.

Install:  pip install onnx==1.19.1 onnxruntime==1.31.1 numpy
Use:      make_ties.py OUT_DIR

A linear Resize and an AveragePool keep their scale, so that many of their exact results are halfway between two codes.
The convolution between them spreads the differences. Layers of both cases are recorded.
"""
import pathlib
import sys

import numpy as np
from onnx import TensorProto, helper, numpy_helper

sys.path.append(str(pathlib.Path(__file__).resolve().parents[2] / "components" / "zoo"))
import record  # noqa: E402

SCALE = 0.03
SHAPE, OUT = (1, 4, 8, 8), (1, 6, 8, 8)


def network():
    rng = np.random.default_rng(3)
    constants = {"s": np.float32(SCALE), "z": np.int8(0), "ratio": np.float32([1, 1, 2, 2]),
                 "w": rng.integers(-90, 91, (OUT[1], SHAPE[1], 3, 3)).astype(np.int8),
                 "ws": np.float32(0.00331), "b": rng.integers(-4000, 4000, OUT[1]).astype(np.int32),
                 "bs": np.float32(SCALE) * np.float32(0.00331), "bz": np.int32(0)}
    node = helper.make_node

    def quantized(x, name):
        return [node("QuantizeLinear", [x, "s", "z"], [name]), node("DequantizeLinear", [name, "s", "z"], [name + "_r"])]

    nodes = [node("DequantizeLinear", ["x", "s", "z"], ["x_r"]),
             node("Resize", ["x_r", "", "ratio"], ["larger_f"], mode="linear"), *quantized("larger_f", "larger"),
             node("DequantizeLinear", ["w", "ws", "z"], ["w_r"]), node("DequantizeLinear", ["b", "bs", "bz"], ["b_r"]),
             node("Conv", ["larger_r", "w_r", "b_r"], ["conv_f"], pads=[1] * 4), *quantized("conv_f", "conv"),
             node("AveragePool", ["conv_r"], ["pool_f"], kernel_shape=[2, 2], strides=[2, 2]),
             node("QuantizeLinear", ["pool_f", "s", "z"], ["y"])]
    ends = [[helper.make_tensor_value_info(name, TensorProto.INT8, shape)] for name, shape in (("x", SHAPE), ("y", OUT))]
    graph = helper.make_graph(nodes, "ties", *ends, [numpy_helper.from_array(np.asarray(v), k) for k, v in constants.items()])
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    path = pathlib.Path(sys.argv[1]) / "ties.onnx"
    path.write_bytes(network().SerializeToString())
    runtime = record.OnnxRuntime(path.read_bytes())
    record.record(path, path.with_suffix(""), record.random_cases(runtime.inputs, 2, 1, None), layers_of=(0, 1),
                  runtime=runtime)


if __name__ == "__main__":
    main()
