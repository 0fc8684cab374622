# SPDX-License-Identifier: Apache-2.0
"""Builds a network of transformers.py as a QDQ graph of ONNX: float32 operators between quantizers, with
LayerNormalization and Gelu as operators (opset 20)."""

import random
import zlib

import onnx_writer
from onnx_writer import FLOAT, INT8, INT32, INT64

OPSET = 20
EPSILON = 1e-12  # BERT's
# By the operators' codes in TFLite, by which transformers.py names them.
KINDS = {0: "Add", 18: "Mul", 41: "Sub", 150: "Gelu"}


class OnnxNet:
    """The interface of transformers.Net; a tensor is the name of an output of DequantizeLinear."""

    def __init__(self, name):
        self.name, self.random = name, random.Random(zlib.crc32(name.encode()))
        self.nodes, self.constants, self.ends = [], [], []
        self.shapes, self.scales = {}, {}
        self.inputs, self.outputs = [], []

    def _constant(self, kind, shape, values):
        name = f"c{len(self.constants)}"
        self.constants.append(onnx_writer.tensor(name, kind, shape, values))
        return name

    def _node(self, kind, *inputs, **attributes):
        name = f"{kind.lower()}{len(self.nodes)}"
        self.nodes.append(onnx_writer.node(kind, inputs, name, **attributes))
        return name

    def _scale(self, scale, zero_point, kind=INT8):
        """Adds a scale for each channel if `scale` is a list; the zero points are then 0."""
        if isinstance(scale, list):
            return (self._constant(FLOAT, [len(scale)], scale),
                    self._constant(kind, [len(scale)], [0] * len(scale)))
        return self._constant(FLOAT, [], [scale]), self._constant(kind, [], [zero_point])

    def _known(self, name, shape, scale, zero_point):
        self.shapes[name], self.scales[name] = tuple(shape), (scale, zero_point)
        return name

    def _quantized(self, x, shape, scale, zero_point):
        words = self._scale(scale, zero_point)
        codes = self._node("QuantizeLinear", x, *words)
        return self._known(self._node("DequantizeLinear", codes, *words), shape, scale, zero_point)

    def tensor(self, shape, scale, zero_point=0, data=None):
        """Adds a constant of int8 codes."""
        codes = self._constant(INT8, shape, data)
        name = self._node("DequantizeLinear", codes, *self._scale(scale, zero_point))
        return self._known(name, shape, scale, zero_point)

    def input(self, shape, scale, zero_point):
        name = f"input{len(self.ends)}"
        self.ends.append((name, shape))
        self.inputs.append(self._quantized(name, shape, scale, zero_point))
        return self.inputs[-1]

    def reshape(self, x, shape):
        y = self._node("Reshape", x, self._constant(INT64, [len(shape)], shape))
        return self._known(y, shape, *self.scales[x])

    def transpose(self, x, order):
        shape = [self.shapes[x][a] for a in order]
        return self._known(self._node("Transpose", x, perm=list(order)), shape, *self.scales[x])

    def product(self, a, b, transposed, scale, zero_point):
        if transposed:
            *batches, rows, columns = range(len(self.shapes[b]))
            b = self.transpose(b, [*batches, columns, rows])
        shape = (*self.shapes[a][:-1], self.shapes[b][-1])
        return self._quantized(self._node("MatMul", a, b), shape, scale, zero_point)

    def softmax(self, x):
        return self._quantized(self._node("Softmax", x, axis=-1), self.shapes[x], 1 / 256, -128)

    def dense(self, x, weights, scales, bias, scale, zero_point):
        """Adds a product of each row.

        @param weights  bytes of int8 [outputs][inputs]; scales and bias are those of the outputs
        """
        *rows, inputs = self.shapes[x]
        outputs = len(bias)
        turned = b"".join(weights[i::inputs] for i in range(inputs))
        w = self._node("DequantizeLinear", self._constant(INT8, [inputs, outputs], turned),
                       *self._scale(scales, 0), axis=1)
        b = self._node("DequantizeLinear", self._constant(INT32, [outputs], bias),
                       *self._scale([self.scales[x][0] * s for s in scales], 0, INT32), axis=0)
        y = self._node("Add", self._node("MatMul", x, w), b)
        return self._quantized(y, (*rows, outputs), scale, zero_point)

    def elementwise(self, kind, a, b, scale, zero_point):
        """Adds ADD, SUB or MUL; `b` has the last axes of `a`, or ones."""
        return self._quantized(self._node(KINDS[kind[0]], a, b), self.shapes[a], scale, zero_point)

    def function(self, kind, x, scale, zero_point):
        """Adds GELU."""
        return self._quantized(self._node(KINDS[kind[0]], x), self.shapes[x], scale, zero_point)

    def layer_norm(self, x, gamma, beta, scale, zero_point):
        """@param gamma, beta  bytes of int8 codes, and their scale"""
        words = (self._constant(FLOAT, [len(codes)],
                                [step * (code - 256 * (code > 127)) for code in codes])
                 for codes, step in (gamma, beta))
        y = self._node("LayerNormalization", x, *words, axis=-1, epsilon=EPSILON)
        return self._quantized(y, self.shapes[x], scale, zero_point)

    def to_bytes(self):
        inputs, outputs = ([onnx_writer.float_end(*end) for end in ends]
                           for ends in (self.ends, ((x, self.shapes[x]) for x in self.outputs)))
        return onnx_writer.model(self.name, OPSET, self.nodes, self.constants, inputs, outputs)
