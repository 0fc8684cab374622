#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes the textbook convolution, small enough to check by hand: plus_filter.tflite and its vectors.

A plus-shaped 3x3 filter over a 5x5 input in one channel, three times: stride 1 without padding, stride 2 without
padding, and stride 1 with a border of zeros. Every scale is 1 and every zero point 0, so the int8 codes are the
numbers themselves.
"""

import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated as schema

import golden

INPUT = [[0, 1, 2, 3, 2], [1, 2, 2, 2, 0], [0, 1, 0, 1, 3], [1, 2, 2, 1, 0], [0, 1, 0, 3, 1]]
FILTER = [[0, 1, 0], [1, 1, 1], [0, 1, 0]]
EXPECTED = {  # worked out by hand
    "valid": [[7, 8, 8], [5, 6, 7], [7, 5, 7]],
    "valid_stride2": [[7, 8], [7, 7]],
    "same": [[2, 5, 8, 9, 5], [3, 7, 8, 8, 7], [3, 5, 6, 7, 4], [3, 7, 5, 7, 5], [2, 3, 6, 5, 4]],
}
CONVOLUTIONS = {  # name: (padding, stride)
    "valid": (schema.Padding.VALID, 1),
    "valid_stride2": (schema.Padding.VALID, 2),
    "same": (schema.Padding.SAME, 1),
}


def image(rows):
    return np.array(rows, np.int8)[None, :, :, None]  # NHWC, and for the filter MRSC


def add_tensor(model, name, shape, dtype, data=None):
    tensor = schema.TensorT()
    tensor.name, tensor.shape, tensor.type = name, list(shape), dtype
    tensor.quantization = schema.QuantizationParametersT()
    tensor.quantization.scale, tensor.quantization.zeroPoint = [1.0], [0]
    tensor.quantization.quantizedDimension = 0
    if data is not None:
        buffer = schema.BufferT()
        buffer.data = np.frombuffer(data.tobytes(), np.uint8)
        model.buffers.append(buffer)
        tensor.buffer = len(model.buffers) - 1
    graph = model.subgraphs[0]
    graph.tensors.append(tensor)
    return len(graph.tensors) - 1


def add_convolution(graph, tensors, output, padding, stride):
    operator = schema.OperatorT()
    operator.opcodeIndex, operator.inputs, operator.outputs = 0, tensors, [output]
    operator.builtinOptionsType = schema.BuiltinOptions.Conv2DOptions
    operator.builtinOptions = schema.Conv2DOptionsT()
    operator.builtinOptions.padding = padding
    operator.builtinOptions.strideH = operator.builtinOptions.strideW = stride
    operator.builtinOptions.dilationHFactor = operator.builtinOptions.dilationWFactor = 1
    graph.operators.append(operator)


def build():
    model = schema.ModelT()
    model.version, model.description = 3, "plus-shaped filter"
    code = schema.OperatorCodeT()
    code.builtinCode = code.deprecatedBuiltinCode = schema.BuiltinOperator.CONV_2D
    code.version = 3  # the first one with int8
    graph = schema.SubGraphT()
    graph.name, graph.tensors, graph.operators = "main", [], []
    model.operatorCodes, model.subgraphs = [code], [graph]
    model.buffers = [
        schema.BufferT()
    ]  # buffer 0 is empty by convention: a tensor without data names it

    kinds = schema.TensorType
    pixels = add_tensor(model, "input", (1, 5, 5, 1), kinds.INT8)
    weights = add_tensor(model, "plus", (1, 3, 3, 1), kinds.INT8, image(FILTER))
    bias = add_tensor(model, "bias", (1,), kinds.INT32, np.zeros(1, np.int32))
    graph.inputs, graph.outputs = [pixels], []
    for name, (padding, stride) in CONVOLUTIONS.items():
        output = add_tensor(model, name, image(EXPECTED[name]).shape, kinds.INT8)
        add_convolution(graph, [pixels, weights, bias], output, padding, stride)
        graph.outputs.append(output)
    builder = flatbuffers.Builder(1024)
    builder.Finish(model.Pack(builder), b"TFL3")
    return bytes(builder.Output())


def main():
    path = golden.MODELS / "plus_filter.tflite"
    path.write_bytes(build())
    run = golden.Runner(path.read_bytes())
    for name, result in zip(EXPECTED, run([image(INPUT)]), strict=True):
        if not np.array_equal(result, image(EXPECTED[name])):
            raise SystemExit(f"{path.name}: {name}: LiteRT computes {result[0, :, :, 0].tolist()}")
    cases = [{"id": "textbook", "how": "the textbook's image", "arrays": [image(INPUT)]}]
    for seed in (1, 2):
        pixels = np.random.default_rng(seed).integers(-128, 128, (1, 5, 5, 1), np.int8)
        cases.append(
            {
                "id": f"uniform{seed}",
                "how": f"uniform, numpy default_rng({seed})",
                "arrays": [pixels],
            }
        )
    for name, code in (("lo", -128), ("hi", 127)):
        cases.append(
            {
                "id": name,
                "how": f"constant {code}",
                "arrays": [np.full((1, 5, 5, 1), code, np.int8)],
            }
        )
    golden.write_vectors(path, golden.MODELS / "plus_filter" / "vectors", cases)


if __name__ == "__main__":
    main()
