#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Makes host/operators.onnx: one operator each between quantizers, most of which the machine does not support; or
host/attributes.onnx: their attributes with other values than the defaults, different for each axis.

Install:  pip install onnx==1.19.1 onnxruntime==1.31.1 numpy
Use:      make_host.py operators|attributes OUT.onnx
Then:     components/zoo/record.py OUT.onnx FOLDER --random 2 --span -2 2

A convolution on the machine, then the operators in parallel, each from dequantized codes to its own quantizer; the
output concatenates all results. Scales are those of ONNX Runtime's float results on samples.
"""
import sys

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

SHAPE = (1, 8, 6, 6)
rng = np.random.default_rng(5)
nodes, constants = [], []


def constant(value, dtype=np.float32):
    name = f"c{len(constants)}"
    constants.append(numpy_helper.from_array(np.array(value, dtype), name))
    return name


def node(kind, inputs, count=1, **attributes):
    names = [f"t{len(nodes)}_{i}" for i in range(count)]
    nodes.append(helper.make_node(kind, inputs, names, **attributes))
    return names[0] if count == 1 else names


def qdq(x, scale, zero=0):
    pair = [constant(scale), constant(zero, np.int8)]
    return node("DequantizeLinear", [node("QuantizeLinear", [x] + pair)] + pair)


def normal(*shape, scale=1.0):
    return constant(rng.normal(0, scale, shape))


def operators(a, b, p):
    """Yields results of all operators. a, b: any codes; p: nonnegative."""
    yield from (node(kind, [a]) for kind in (
        "Abs", "Neg", "Erf", "Exp", "Floor", "Ceil", "Round", "Sin", "Cos", "Atan", "Tanh",
        "Sigmoid", "Softplus", "Softsign", "Mish", "Selu", "Celu", "HardSigmoid", "HardSwish",
        "ThresholdedRelu", "Sign", "Gelu"))
    yield node("Elu", [a], alpha=0.5)
    yield node("LeakyRelu", [a], alpha=1.5)
    yield node("Shrink", [a], lambd=0.7, bias=0.2)
    yield node("Sqrt", [p])
    yield node("Reciprocal", [node("Add", [p, constant(1.0)])])
    yield node("Log", [node("Add", [p, constant(0.5)])])
    yield node("PRelu", [a, normal(8, 1, 1, scale=0.3)])
    yield node("PRelu", [a, normal(1, scale=0.3)])
    yield node("Min", [a, b])
    yield node("Max", [a, b])
    yield node("Max", [a, b, constant(0.25)])
    yield node("Sum", [a, b, p])
    yield node("Mean", [a, b, p])
    yield node("Pow", [p, constant(1.5)])
    yield node("Pow", [a, constant(2.0)])
    yield node("Div", [a, node("Add", [p, constant(1.0)])])
    yield node("Mod", [a, constant(0.75)], fmod=1)
    yield node("Where", [node("Greater", [a, b]), a, b])
    yield node("Where", [node("Not", [node("LessOrEqual", [a, constant(0.0)])]), p, b])
    yield node("ReduceMax", [a, constant([1], np.int64)])
    yield node("ReduceMax", [a, constant([2, 3], np.int64)], keepdims=0)
    yield node("ReduceMin", [a, constant([-1], np.int64)])
    yield node("ReduceSum", [a, constant([2, 3], np.int64)])
    yield node("ReduceMean", [a, constant([1], np.int64)])
    yield node("ReduceL1", [a, constant([1], np.int64)], keepdims=0)
    yield node("ReduceL2", [a, constant([3], np.int64)])
    yield node("ReduceSumSquare", [a, constant([1], np.int64)])
    yield node("ReduceProd", [b, constant([3], np.int64)])
    yield node("ReduceLogSumExp", [a, constant([1], np.int64)])
    yield node("Softmax", [a], axis=1)
    yield node("LogSoftmax", [a], axis=1)
    yield node("Hardmax", [a], axis=1)
    yield node("CumSum", [b, constant(3, np.int64)], exclusive=1)
    yield node("CumSum", [b, constant(2, np.int64)], reverse=1)
    yield node("DepthToSpace", [a], blocksize=2)
    yield node("DepthToSpace", [a], blocksize=2, mode="CRD")
    yield node("SpaceToDepth", [a], blocksize=3)
    yield node("ConvTranspose", [a, normal(8, 4, 3, 3, scale=0.2), normal(4)], strides=[2, 2],
               pads=[1, 1, 1, 1], output_padding=[1, 1], kernel_shape=[3, 3])
    yield node("ConvTranspose", [a, normal(8, 3, 2, 2, scale=0.2)], strides=[2, 2], group=2,
               kernel_shape=[2, 2])
    yield node("Conv", [a, normal(6, 4, 3, 3, scale=0.2), normal(6)], group=2, pads=[1, 1, 1, 1],
               kernel_shape=[3, 3])
    yield node("BatchNormalization", [a, normal(8), normal(8), normal(8),
                                      constant(rng.uniform(0.5, 2, 8))])
    yield node("Mul", [a, normal(8, 1, 1)])
    yield node("InstanceNormalization", [a, normal(8), normal(8)])
    yield node("LayerNormalization", [a, normal(8, 6, 6), normal(8, 6, 6)], axis=1)
    yield node("LRN", [a], size=5, alpha=0.5, beta=0.75, bias=1.0)
    yield node("AveragePool", [a], kernel_shape=[3, 3], strides=[2, 2], pads=[1, 1, 1, 1])
    yield node("AveragePool", [a], kernel_shape=[3, 3], strides=[2, 2], ceil_mode=1)
    yield node("MaxPool", [a], kernel_shape=[2, 2], dilations=[2, 2])
    yield node("MaxPool", [node("Softplus", [a])], kernel_shape=[3, 3], strides=[2, 2],
               pads=[1, 1, 1, 1])
    yield node("GlobalMaxPool", [node("Softplus", [a])])
    yield node("GlobalAveragePool", [node("Softplus", [a])])
    yield node("Resize", [a, "", constant([1, 1, 2, 2])], mode="linear")
    yield node("Resize", [a, "", "", constant([1, 8, 9, 4], np.int64)], mode="linear",
               coordinate_transformation_mode="align_corners")
    yield node("Pad", [a, constant([0, 0, 1, 2, 0, 0, 2, 1], np.int64)], mode="reflect")
    yield node("Pad", [a, constant([0, 0, 1, 2, 0, 0, 2, 1], np.int64)], mode="edge")
    yield node("Pad", [a, constant([0, 1, 0, 0, 0, 2, 0, 0], np.int64), constant(0.5)])
    yield node("Tile", [a, constant([1, 2, 1, 3], np.int64)])
    yield node("Expand", [node("ReduceMax", [a, constant([1], np.int64)]),
                          constant(SHAPE, np.int64)])
    yield node("Gather", [a, constant([5, 0, 0, -1], np.int64)], axis=1)
    yield node("GatherElements", [a, constant(rng.integers(0, 6, SHAPE), np.int64)], axis=3)
    yield node("Cast", [node("Cast", [node("Mul", [a, constant(10.0)])], to=6)], to=1)
    yield node("Cast", [node("ArgMax", [a], axis=1, keepdims=1)], to=1)
    yield node("Cast", [node("ArgMin", [a], axis=2, keepdims=0)], to=1)
    yield node("TopK", [a, constant([3], np.int64)], 2, axis=1)[0]
    yield node("Concat", [node("Mish", [a]), b], axis=1)
    for part in node("Split", [node("Mish", [a]), constant([3, 5], np.int64)], 2, axis=1):
        yield part
    yield node("Slice", [node("Mish", [a]), constant([5, 1], np.int64), constant([0, 6], np.int64),
                         constant([1, 3], np.int64), constant([-2, 2], np.int64)])
    rows = node("Reshape", [a, constant([1, 8, 36], np.int64)])
    yield node("Conv", [rows, normal(4, 8, 5, scale=0.2)], kernel_shape=[5], pads=[2, 2])
    yield node("MatMul", [rows, normal(36, 5, scale=0.2)])
    flat = node("Flatten", [a])
    yield node("Gemm", [flat, normal(288, 7, scale=0.1), normal(7)], alpha=0.5)


def attributes(a, b, p):
    """Yields results that show each attribute. Axes that are dropped are broadcast with others."""
    other = normal(8, 1, 6)
    for kind in ("Max", "Min", "Mean", "Sum", "Prod", "L1", "L2", "SumSquare", "LogSumExp"):
        few = node("Mul", [p, constant(0.5)]) if kind == "Prod" else a
        yield node("Add", [node("Reduce" + kind, [few, constant([2], np.int64)], keepdims=0),
                           other])
    for kind in ("Sum", "Mean"):
        yield node("Reduce" + kind, [b], noop_with_empty_axes=1)
    steps = node("Round", [a])  # contains ties
    for kind in ("ArgMax", "ArgMin"):
        found = node(kind, [steps], axis=2, keepdims=0, select_last_index=1)
        yield node("Add", [node("Cast", [found], to=1), other])
    for pool in ("AveragePool", "MaxPool"):
        x = node("Softplus", [a])
        asym = {"kernel_shape": [3, 2], "strides": [2, 1]}
        yield node(pool, [x], pads=[1, 0, 2, 1], auto_pad="NOTSET", **asym)
        yield node(pool, [x], kernel_shape=[2, 3], dilations=[2, 1], ceil_mode=1, strides=[1, 2])
        for auto in ("SAME_UPPER", "SAME_LOWER", "VALID"):
            yield node(pool, [x], kernel_shape=[2, 3], strides=[1, 2], auto_pad=auto)
    yield node("AveragePool", [a], kernel_shape=[2, 3], pads=[1, 0, 0, 2], count_include_pad=1)
    w = normal(6, 4, 2, 3, scale=0.2)
    yield node("Conv", [a, w], group=2, kernel_shape=[2, 3], strides=[2, 1], dilations=[1, 2],
               pads=[1, 0, 0, 2], auto_pad="NOTSET")
    for auto in ("SAME_UPPER", "SAME_LOWER", "VALID"):
        yield node("Conv", [a, w], group=2, kernel_shape=[2, 3], strides=[1, 2], auto_pad=auto)
    yield node("ConvTranspose", [a, normal(8, 3, 2, 3, scale=0.2)], strides=[3, 2],
               dilations=[1, 2], pads=[0, 1, 1, 0], output_padding=[1, 0], kernel_shape=[2, 3],
               group=2)
    yield node("BatchNormalization", [a, normal(8), normal(8), normal(8),
                                      constant(rng.uniform(0.5, 2, 8))], epsilon=0.1)
    yield node("InstanceNormalization", [a, normal(8), normal(8)], epsilon=0.1)
    yield node("LayerNormalization", [a, normal(6, 6), normal(6, 6)], axis=2, epsilon=0.1)
    yield node("ReduceSum", [node("Flatten", [a], axis=2), constant([1], np.int64)])
    for kind in ("Softmax", "LogSoftmax", "Hardmax"):
        yield node(kind, [a], axis=2)
    yield node("Celu", [a], alpha=0.5)
    yield node("Selu", [a], alpha=1.5, gamma=0.75)
    yield node("ThresholdedRelu", [a], alpha=0.25)
    yield node("HardSigmoid", [a], alpha=0.3, beta=0.25)
    yield node("Gelu", [a], approximate="tanh")
    whole = [node("Cast", [node("Mul", [x, constant(9.0)])], to=6) for x in (a, b)]
    divisor = node("Add", [node("Mul", [whole[1], constant(2, np.int32)]), constant(1, np.int32)])
    for fmod in (0, 1):
        yield node("Cast", [node("Mod", [whole[0], divisor], fmod=fmod)], to=1)
    yield node("TopK", [a, constant([2], np.int64)], 2, axis=2, largest=0)[0]
    sizes = constant([1, 8, 9, 4], np.int64)
    for how, nearest in (("asymmetric", "floor"), ("asymmetric", "round_prefer_ceil"),
                         ("pytorch_half_pixel", "ceil"), ("half_pixel", "round_prefer_floor"),
                         ("align_corners", "floor")):
        yield node("Resize", [node("Mish", [a]), "", "", sizes], coordinate_transformation_mode=how,
                   nearest_mode=nearest)
    for how in ("half_pixel", "pytorch_half_pixel", "asymmetric"):
        yield node("Resize", [a, "", "", constant([1, 8, 1, 9], np.int64)], mode="linear",
                   coordinate_transformation_mode=how)
    yield node("Concat", [node("Mish", [a]), b], axis=2)
    yield from node("Split", [node("Mish", [a])], 2, axis=2, num_outputs=2)
    blocks = node("Reshape", [node("Mish", [a]), constant([2, 4, 6, 6], np.int64)])
    yield node("Transpose", [blocks], perm=[3, 1, 0, 2])
    weights = qdq_columns(rng.normal(0, 0.2, (36, 5)))
    yield node("Gemm", [node("Reshape", [a, constant([8, 36], np.int64)]), weights, normal(5)],
               beta=0.5)
    yield node("Gemm", [node("Reshape", [a, constant([36, 8], np.int64)]), normal(5, 36, scale=0.2)],
               transA=1, transB=1)


def qdq_columns(w):
    """Returns a constant that the file quantizes, with a scale for each column: the default axis."""
    scales = [constant(np.abs(w).max(0) / 127), constant(np.zeros(w.shape[1]), np.int8)]
    return node("DequantizeLinear", [node("QuantizeLinear", [constant(w), *scales])] + scales)


def model(outputs):
    ends = [helper.make_tensor_value_info("x", TensorProto.FLOAT, SHAPE)]
    results = [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in outputs]
    graph = helper.make_graph(nodes, "operators", ends, results, constants)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=9)


def main(kind, path):
    x = qdq("x", 1 / 32)
    w = rng.integers(-127, 128, (8, 8, 3, 3))
    weights = node("DequantizeLinear", [constant(w, np.int8), constant(2 ** -10),
                                        constant(0, np.int8)])
    a = qdq(node("Conv", [x, weights], kernel_shape=[3, 3], pads=[1, 1, 1, 1]), 1 / 16, 3)
    p = qdq(node("Abs", [x]), 1 / 60, -128)
    results = list({"operators": operators, "attributes": attributes}[kind](a, x, p))
    session = onnxruntime.InferenceSession(model(results).SerializeToString())
    samples = [session.run(results, {"x": rng.uniform(-2, 2, SHAPE).astype(np.float32)})
               for _ in range(4)]
    flat = []
    for name, *values in zip(results, *samples):
        scale = max(1e-3, max(np.abs(v).max() for v in values)) / 127
        flat.append(node("Reshape", [qdq(name, scale), constant([-1], np.int64)]))
    onnx.save(model([node("Concat", flat, axis=0)]), path)


if __name__ == "__main__":
    main(*sys.argv[1:])
