#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes layers that are small enough to compute by hand, and their vectors: models/by_hand.

    pool.onnx         a 4x4 map in 2x2 windows at stride 2: the largest and the mean of four numbers
    batch_norm.onnx   two channels; the stored means and variances are those of the example
    group_norm.onnx   the same numbers as four channels in two groups, whose statistics the layer computes

All scales are 1 and all zero points 0, so int8 codes are the numbers themselves.
"""
import numpy as np

import golden
import onnx_writer
from onnx_writer import FLOAT, INT8

OPSET = 21  # from which on GroupNormalization has a scale for each channel
WINDOW = {"kernel_shape": [2, 2], "strides": [2, 2]}
STATISTICS = {"scale": [4, 10], "bias": [1, 2], "mean": [3, 10], "variance": [4, 25]}
# Name: shape of the input, numbers, and for each output (operator, constants, attributes, numbers worked out by hand).
# The means of the upper windows are 3.25 and 5.25.
LAYERS = {
    "pool": ((1, 1, 4, 4), [1, 1, 2, 4, 5, 6, 7, 8, 3, 2, 1, 0, 1, 2, 3, 4], {
        "largest": ("MaxPool", {}, WINDOW, [6, 8, 3, 4]),
        "mean": ("AveragePool", {}, WINDOW, [3, 5, 2, 2])}),
    "batch_norm": ((1, 2, 2, 2), [1, 5, 5, 1, 3, 9, 11, 17], {
        "normalized": ("BatchNormalization", STATISTICS, {"epsilon": 0.0}, [-3, 5, 5, -3, -12, 0, 4, 16])}),
    "group_norm": ((1, 4, 1, 2), [1, 5, 5, 1, 3, 9, 11, 17], {
        "normalized": ("GroupNormalization", {"scale": [4, 10, 5, 10], "bias": [1, 0, 0, 2]}, {"num_groups": 2},
                       [-3, 5, 10, -10, -7, -1, 4, 16])}),
}


def build(name, shape, outputs):
    """Returns an ONNX file with one operator for each output, between quantizers."""
    nodes, constants = [], [onnx_writer.tensor("one", FLOAT, [], [1]), onnx_writer.tensor("zero", INT8, [], [0])]

    def quantized(x, y):
        nodes.append(onnx_writer.node("QuantizeLinear", [x, "one", "zero"], f"{y}_codes"))
        nodes.append(onnx_writer.node("DequantizeLinear", [f"{y}_codes", "one", "zero"], y))

    quantized("input", "x")
    for output, (kind, parameters, attributes, expected) in outputs.items():
        constants += [onnx_writer.tensor(key, FLOAT, [len(values)], values) for key, values in parameters.items()]
        nodes.append(onnx_writer.node(kind, ["x", *parameters], f"{output}_real", **attributes))
        quantized(f"{output}_real", output)
    ends = [onnx_writer.float_end(output, (*shape[:2], *result_shape(shape, kind)))
            for output, (kind, *_) in outputs.items()]
    return onnx_writer.model(name, OPSET, nodes, constants, [onnx_writer.float_end("input", shape)], ends)


def result_shape(shape, kind):
    return [extent // 2 if kind.endswith("Pool") else extent for extent in shape[2:]]


def cases(shape, numbers):
    yield {"id": "by_hand", "how": "the numbers of the example", "arrays": [np.float32(numbers).reshape(shape)]}
    for seed in (1, 2):
        codes = np.random.default_rng(seed).integers(-128, 128, shape)
        yield {"id": f"uniform{seed}", "how": f"uniform, numpy default_rng({seed})", "arrays": [np.float32(codes)]}


def main():
    folder = golden.MODELS / "by_hand"
    folder.mkdir(exist_ok=True)
    for name, (shape, numbers, outputs) in LAYERS.items():
        path = folder / f"{name}.onnx"
        path.write_bytes(build(name, shape, outputs))
        golden.write_vectors(path, folder / name, list(cases(shape, numbers)))
        for i, (output, (*_, expected)) in enumerate(outputs.items()):
            computed = np.load(folder / name / f"out{i}.npy")[0].ravel()
            if not np.array_equal(computed, expected):
                raise SystemExit(f"{path.name}: {output}: ONNX Runtime computes {computed.tolist()}")


if __name__ == "__main__":
    main()
