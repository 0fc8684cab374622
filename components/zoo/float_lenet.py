#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes lenet_mnist.tflite in floating point again: the model that a user has before quantization.

    float_lenet.py lenet_float.onnx       as PyTorch exports: N C H W, Conv, Relu, MaxPool, Gemm
    float_lenet.py lenet_float.tflite

Weights are scale * code of the quantized network, so both have the same accuracy. Needs ai-edge-litert (its schema),
and onnx for .onnx.
"""
import pathlib
import sys

import numpy as np
from ai_edge_litert import schema_py_generated as schema
import flatbuffers

MODEL = pathlib.Path(__file__).resolve().parents[2] / "models" / "lenet_mnist.tflite"
TYPES = {schema.TensorType.INT8: np.int8, schema.TensorType.INT32: np.int32}


def load():
    model = schema.ModelT.InitFromObj(schema.Model.GetRootAs(MODEL.read_bytes(), 0))
    return model, model.subgraphs[0]


def real(model, tensor):
    """Returns the float32 values of a constant tensor, None for another tensor."""
    data = model.buffers[tensor.buffer].data
    if data is None or tensor.quantization is None or tensor.quantization.scale is None:
        return None
    codes = np.frombuffer(bytes(data), TYPES[tensor.type]).reshape(tensor.shape)
    scale = np.asarray(tensor.quantization.scale, np.float32)
    if len(scale) > 1:
        extents = [1] * codes.ndim
        extents[tensor.quantization.quantizedDimension] = len(scale)
        scale = scale.reshape(extents)
    return (codes * scale).astype(np.float32)


def write_tflite(path):
    model, graph = load()
    for tensor in graph.tensors:
        if tensor.quantization is None or tensor.quantization.scale is None:
            continue  # the shape of a RESHAPE
        values = real(model, tensor)
        if values is not None:
            model.buffers[tensor.buffer].data = np.frombuffer(values.tobytes(), np.uint8)
        tensor.type, tensor.quantization = schema.TensorType.FLOAT32, None
    builder = flatbuffers.Builder(1 << 20)
    builder.Finish(model.Pack(builder), b"TFL3")
    path.write_bytes(bytes(builder.Output()))


def write_onnx(path):
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    model, graph = load()
    weights = [[real(model, graph.tensors[i]) for i in op.inputs[1:3]]
               for op in graph.operators if len(op.inputs) == 3]
    nodes, constants = [], []

    def layer(op, name, source, values=(), **attributes):
        for part, value in zip(("weight", "bias"), values):
            constants.append(numpy_helper.from_array(np.ascontiguousarray(value), f"{name}.{part}"))
        nodes.append(helper.make_node(
            op, [source, *(f"{name}.{p}" for p in ("weight", "bias")[:len(values)])], [name], name=f"node_{name}",
            **attributes))
        return name

    x = "image"
    for number, pads in ((1, [2] * 4), (2, [0] * 4)):
        weight, bias = weights[number - 1]
        x = layer("Conv", f"conv{number}", x, (weight.transpose(0, 3, 1, 2), bias), kernel_shape=[5, 5], pads=pads)
        x = layer("Relu", f"relu{number}", x)
        x = layer("MaxPool", f"pool{number}", x, kernel_shape=[2, 2], strides=[2, 2])
    x = layer("Flatten", "flatten", x, axis=1)
    for name, (weight, bias) in zip(("fc1", "fc2", "logits"), weights[2:]):
        if name == "fc1":  # 5 x 5 x 16 as N C H W
            weight = weight.reshape(120, 5, 5, 16).transpose(0, 3, 1, 2).reshape(120, 400)
        x = layer("Gemm", name, x, (weight, bias), transB=1)
        x = layer("Relu", f"{name}_relu", x) if name != "logits" else x
    ends = [helper.make_tensor_value_info(n, TensorProto.FLOAT, s)
            for n, s in (("image", [1, 1, 28, 28]), ("logits", [1, 10]))]
    whole = helper.make_model(helper.make_graph(nodes, "lenet", ends[:1], ends[1:], constants),
                              opset_imports=[helper.make_opsetid("", 17)], ir_version=8, producer_name="trine")
    onnx.checker.check_model(whole, full_check=True)
    path.write_bytes(whole.SerializeToString())


if __name__ == "__main__":
    out = pathlib.Path(sys.argv[1])
    (write_onnx if out.suffix == ".onnx" else write_tflite)(out)
