#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes the low-bit networks of this folder, with seeded random weights, in the form of the tools that make such
networks, and their vectors by qonnx.

    make.py [NAME...]

Parameters of normalizations are multiples of 1/256, so that float32 computes each sum exactly.
"""
import pathlib
import sys
import zlib

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

HERE = pathlib.Path(__file__).resolve().parent
sys.path.append(str(HERE.parents[1] / "components" / "zoo"))
import golden  # noqa: E402
import record  # noqa: E402

QONNX, BREVITAS, FINN = ("qonnx.custom_op.general", "onnx.brevitas", "finn.custom_op.general")


class Net:
    """Nodes in order; a tensor is a name."""

    def __init__(self, name, domain, bits):
        self.rng = np.random.default_rng(zlib.crc32(name.encode()))
        self.domain, self.bits, self.nodes, self.constants = domain, bits, [], []

    def constant(self, value, dtype=np.float32):
        name = f"c{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(np.array(value, dtype), name))
        return name

    def op(self, kind, inputs, domain="", **attributes):
        name = f"{kind.lower()}{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, inputs, [name], name, domain=domain,
                                           **attributes))
        return name

    def quantized(self, x):
        if self.bits == 1:
            return self.op("BipolarQuant", [x, self.constant(1.0)], self.domain)
        words = [self.constant(v) for v in (1.0, 0.0, 2.0)]
        return self.op("Quant", [x, *words], self.domain, signed=1, narrow=1,
                       rounding_mode="ROUND")

    def weights(self, *shape):
        return self.quantized(self.constant(self.rng.normal(0, 0.8, shape) + 1e-3))

    def norm(self, x, channels, fan):
        """Adds a normalization; some gains are negative if codes are binary."""
        parts = lambda v: np.round(v * 256) / 256  # noqa: E731
        gain = parts(2.0 ** -round(np.log2(fan ** 0.5)) * self.rng.uniform(0.5, 2, channels))
        if self.bits == 1:
            gain *= self.rng.choice([-1, 1], channels)
        values = (gain + 1 / 256, parts(self.rng.normal(0, 0.5, channels)) + 1 / 512,
                  np.round(self.rng.normal(0, fan ** 0.5 / 4, channels)), np.ones(channels))
        return self.op("BatchNormalization", [x, *map(self.constant, values)], epsilon=0.0)

    def model(self, name, shape, output, out_shape, ir, opset, kind=TensorProto.FLOAT):
        self.nodes[-1].output[0] = output
        ends = (helper.make_tensor_value_info("in", TensorProto.FLOAT, shape),
                helper.make_tensor_value_info(output, kind, out_shape))
        graph = helper.make_graph(self.nodes, name, [ends[0]], [ends[1]], self.constants)
        opsets = [helper.make_opsetid("", opset), helper.make_opsetid(self.domain, 1)]
        model = helper.make_model(graph, opset_imports=opsets, producer_name="trine")
        model.ir_version = ir
        return model


def cnv(name, bits):
    """Builds 3x3 convolutions without padding, a pool after the second, a product with the whole map."""
    n, x, depth, size = Net(name, QONNX, bits), "in", 3, 12
    for i, channels in enumerate((16, 16, 24)):
        x = n.op("Conv", [x, n.weights(channels, depth, 3, 3)], kernel_shape=[3, 3],
                 strides=[1, 1], pads=[0] * 4)
        x = n.quantized(n.norm(x, channels, 9 * depth * (5000 if i == 0 else 1)))
        depth, size = channels, size - 2
        if i == 1:
            x, size = n.op("MaxPool", [x], kernel_shape=[2, 2], strides=[2, 2]), size // 2
    x = n.op("Flatten", [x], axis=1)
    n.op("MatMul", [x, n.weights(depth * size * size, 10)])
    return n.model(name, [1, 3, 12, 12], "out", [1, 10], 8, 13)


def residual(name, bits):
    """Builds blocks that add their input: first quantized after a normalization, then unchanged, where a quantizer
    and the next addition read the sum; rows of channels at the end."""
    n, channels, size = Net(name, QONNX, bits), 32, 8

    def conv(x, depth, pad, fan):
        x = n.op("Conv", [x, n.weights(channels, depth, 3, 3)], kernel_shape=[3, 3],
                 strides=[1, 1], pads=[pad] * 4)
        return n.quantized(n.norm(x, channels, fan))
    x = conv("in", 3, 0, 27 * 5000)
    x = n.quantized(n.norm(n.op("Add", [x, conv(x, channels, 1, 9 * channels)]), channels, 2))
    first = n.op("Add", [x, conv(x, channels, 1, 9 * channels)])
    y = n.quantized(first)
    second = n.op("Add", [first, conv(y, channels, 1, 9 * channels)])
    x = n.op("MaxPool", [n.quantized(second)], kernel_shape=[4, 4], strides=[4, 4])
    x = n.op("Flatten", [x], axis=1)
    y = n.quantized(n.norm(n.op("MatMul", [x, n.weights(channels * 4, 64)]), 64, channels * 4))
    z = n.quantized(n.norm(n.op("MatMul", [y, n.weights(64, 64)]), 64, 64))
    x = n.quantized(n.op("Sub", [y, z]))
    n.op("MatMul", [x, n.weights(64, 10)])
    return n.model(name, [1, 3, size + 2, size + 2], "out", [1, 10], 8, 13)


def mlp(name, bits):
    """Builds an MLP in Brevitas' form: a computed shape, weights quantized and then transposed, a normalization in
    single operators after the last product."""
    n = Net(name, BREVITAS, bits)
    batch = n.op("Gather", [n.op("Shape", ["in"]), n.constant(0, np.int64)], axis=0)
    shape = n.op("Concat", [n.op("Unsqueeze", [batch], axes=[0]), n.constant([-1], np.int64)],
                 axis=0)
    x = n.op("Mul", [n.op("Reshape", ["in", shape]), n.constant(2.0)])
    x = n.quantized(n.op("Sub", [x, n.constant([1.0])]))
    for inputs, outputs in ((100, 48), (48, 48), (48, 10)):
        w = n.op("Transpose", [n.weights(outputs, inputs)], perm=[1, 0])
        x = n.op("MatMul", [x, w])
        if outputs > 10:
            x = n.quantized(n.norm(x, outputs, inputs))
    x = n.op("Sub", [x, n.constant([2.5])])
    x = n.op("Div", [x, n.op("Pow", [n.constant([16.0]), n.constant(0.5)])])
    n.op("Add", [n.op("Mul", [x, n.constant([0.75])]), n.constant([-0.125])])
    return n.model(name, [1, 1, 10, 10], "out", [1, 10], 6, 9)


def thresholds(name, bits):
    """Builds a network in the form that FINN leaves after streamlining: MultiThreshold, and the class as int64."""
    n = Net(name, FINN, bits)
    x = n.op("Reshape", [n.op("Div", ["in", n.constant(256.0)]), n.constant([1, 100], np.int64)])
    x = n.op("Sub", [n.op("Mul", [x, n.constant(2.0)]), n.constant([1.0])])

    def binary(x):
        return n.op("MultiThreshold", [x, n.constant([[0.0]])], FINN, out_bias=-1.0,
                    out_scale=2.0, out_dtype="BIPOLAR")
    for inputs, outputs in ((100, 40), (40, 40), (40, 10)):
        w = n.constant(n.rng.choice([-1.0, 1.0], (inputs, outputs)))
        x = n.op("Mul", [n.op("MatMul", [binary(x), w]), n.constant(0.5)])
        if outputs > 10:
            x = n.op("Unsqueeze", [x], axes=[2])
            x = n.op("Squeeze", [n.norm(x, outputs, inputs / 4)], axes=[2])
    x = n.op("Add", [n.op("Mul", [x, n.constant(0.5)]), n.constant(-0.25)])
    n.nodes.append(helper.make_node("TopK", [x, n.constant([1], np.int64)], ["values", "class"],
                                    "topk", axis=-1, largest=1, sorted=1))
    n.nodes[-1].output[1] = "class"
    model = n.model(name, [1, 1, 10, 10], "values", [1, 1], 7, 12)
    del model.graph.output[:]
    model.graph.output.extend([helper.make_tensor_value_info("class", TensorProto.INT64, [1, 1])])
    return model


def float_conv(name, bits):
    """Builds a network without quantizers, which is refused."""
    n = Net(name, QONNX, bits)
    n.op("Conv", ["in", n.constant(n.rng.normal(0, 1, (4, 3, 3, 3)))], kernel_shape=[3, 3])
    return n.model(name, [1, 3, 6, 6], "out", [1, 4, 4, 4], 8, 13)


NETWORKS = {"cnv_binary": (cnv, 1), "cnv_ternary": (cnv, 2), "mlp_binary": (mlp, 1),
            "mlp_ternary": (mlp, 2), "residual_binary": (residual, 1),
            "residual_ternary": (residual, 2), "thresholds": (thresholds, 1), "float_conv": (float_conv, 0)}
SPANS = {"cnv": (-128, 127), "residual": (-128, 127), "mlp": (0, 1), "thresholds": (0, 255)}


def cases(name, run):
    low, high = SPANS[name.split("_")[0]]
    for seed in range(1, 6):
        x = np.random.default_rng(seed).uniform(low, high, run.inputs[0]["shape"])
        yield ({"id": f"uniform{seed}", "how": f"uniform {low}..{high}, default_rng({seed})"},
               [(np.rint(x) if high > 1 else x).astype(np.float32)])


def main():
    golden.require_version(record.QONNX)
    for name in sys.argv[1:] or NETWORKS:
        make, bits = NETWORKS[name]
        path = HERE / f"{name}.onnx"
        onnx.save(make(name, bits), path)
        print(f"{name}: {path.stat().st_size} bytes")
        if name == "float_conv":
            continue
        run = record.load(path, path.read_bytes())
        record.record(path, HERE / name, cases(name, run), True, run)
        for _, arrays in cases(name, run):
            print("  ", run(arrays)[0].ravel())


if __name__ == "__main__":
    main()
