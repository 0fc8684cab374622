# SPDX-License-Identifier: Apache-2.0
"""Computes in float64 what the quantizers of an ONNX network receive, from the codes that a runtime computed.

A runtime computes the operators between two quantizers in float32, whose rounding may change a code that is almost
halfway between two codes. For the same input codes, float64 has the result of exact arithmetic. Operators are those of
onnx.reference, except the ones that are slow there or use float32; OWN contains these."""

import math

import numpy as np
import onnx
from onnx import helper, numpy_helper
from onnx.reference import ReferenceEvaluator

CODES = ("int8", "uint8", "int16", "uint16")


def attributes(node):
    return {a.name: helper.get_attribute_value(a) for a in node.attribute}


def along(values, axis, rank):
    """Returns one value, or one for each index of an axis, in a shape that broadcasts to a tensor of this rank."""
    values = np.asarray(values)
    if values.size == 1:
        return values.reshape(())
    return values.reshape([-1 if i == axis % rank else 1 for i in range(rank)])


def windows(x, kernel, strides, dilations, pads):
    """Returns a view [N, C, P, Q, R, S] of an image [N, C, H, W] with a border of zeros; any number of axes."""
    n = len(kernel)
    x = np.pad(x, [(0, 0), (0, 0)] + [(pads[i], pads[n + i]) for i in range(n)])
    reach = [(k - 1) * d + 1 for k, d in zip(kernel, dilations)]
    view = np.lib.stride_tricks.sliding_window_view(x, reach, axis=tuple(range(2, 2 + n)))
    steps = [slice(None, None, s) for s in (*strides, *dilations)]
    return view[(slice(None), slice(None), *steps)]


def form(node, kernel):
    """Returns strides, dilations and pads of a node with windows. @raises NotImplementedError  for other borders"""
    of, n = attributes(node), len(kernel)
    if of.get("auto_pad", b"NOTSET") not in (b"NOTSET", b"VALID") or of.get("ceil_mode", 0) or "output_shape" in of:
        raise NotImplementedError
    return of.get("strides", [1] * n), of.get("dilations", [1] * n), of.get("pads", [0] * 2 * n)


def convolved(x, w, groups, strides, dilations, pads):
    """Convolves [N, C, H, W] with [M, C / groups, R, S]; any number of axes."""
    view = windows(x, w.shape[2:], strides, dilations, pads)
    n, places = len(x), view.shape[2:w.ndim]
    columns = np.moveaxis(view.reshape(n, groups, -1, *view.shape[2:]), 2, w.ndim)  # [N, groups, P, Q, C, R, S]
    columns = columns.reshape(n, groups, math.prod(places), -1)
    rows = w.reshape(groups, len(w) // groups, -1).transpose(0, 2, 1)
    y = np.matmul(columns, rows)  # [N, groups, P Q, M / groups]
    return y.transpose(0, 1, 3, 2).reshape(n, len(w), *places)


def with_bias(y, bias):
    return y if bias is None else y + along(bias, 1, y.ndim)


def conv(node, x, w, bias=None):
    return with_bias(convolved(x, w, attributes(node).get("group", 1), *form(node, w.shape[2:])), bias)


def conv_transpose(node, x, w, bias=None):
    """Convolves the image, with zeros between its pixels, with the turned filters."""
    of, kernel, n = attributes(node), w.shape[2:], w.ndim - 2
    strides, dilations, pads = form(node, kernel)
    more, groups = of.get("output_padding", [0] * n), of.get("group", 1)
    spread = np.zeros((*x.shape[:2], *((h - 1) * s + 1 for h, s in zip(x.shape[2:], strides))))
    spread[(slice(None), slice(None), *(slice(None, None, s) for s in strides))] = x
    reach = [(k - 1) * d for k, d in zip(kernel, dilations)]
    border = [reach[i] - pads[i] for i in range(n)] + [reach[i] - pads[n + i] + more[i] for i in range(n)]
    if min(border) < 0:
        raise NotImplementedError
    w = w.reshape(groups, -1, *w.shape[1:]).swapaxes(1, 2).reshape(-1, len(w) // groups, *kernel)
    w = np.flip(w, tuple(range(2, w.ndim)))
    return with_bias(convolved(spread, w, groups, [1] * n, dilations, border), bias)


def average_pool(node, x):
    of, kernel = attributes(node), attributes(node)["kernel_shape"]
    strides, dilations, pads = form(node, kernel)
    axes = tuple(range(-len(kernel), 0))
    total = windows(x, kernel, strides, dilations, pads).sum(axes)
    if of.get("count_include_pad", 0):
        return total / math.prod(kernel)
    return total / windows(np.ones_like(x), kernel, strides, dilations, pads).sum(axes)


def places(mode, out, size, scale):
    """Returns the input coordinate of each output index (ONNX, Resize: coordinate_transformation_mode)."""
    i = np.arange(out, dtype=np.float64)
    if mode == b"align_corners":
        return i * (size - 1) / (out - 1) if out > 1 else i * 0
    if mode == b"asymmetric":
        return i / scale
    if mode == b"half_pixel" or (mode == b"pytorch_half_pixel" and out > 1):
        return (i + 0.5) / scale - 0.5
    if mode == b"pytorch_half_pixel":
        return i * 0
    raise NotImplementedError


def resize(node, x, *inputs):
    of = attributes(node)
    inputs = inputs[1:] if len(inputs) > 1 else inputs  # without roi; opset 10 has only scales
    scales, sizes = [i if i is not None and np.size(i) else None for i in (*inputs, None)][:2]
    mode, how = of.get("mode", b"nearest"), of.get("coordinate_transformation_mode", b"half_pixel")
    if mode == b"cubic" or of.get("antialias", 0) or "axes" in of:
        raise NotImplementedError
    for axis in range(x.ndim):
        size = x.shape[axis]
        out = int(sizes[axis]) if sizes is not None else int(np.floor(size * np.float64(scales[axis])))
        scale = np.float64(scales[axis]) if scales is not None else out / size
        if out == size and scale == 1:
            continue
        at = places(how, out, size, scale)
        if mode == b"nearest":
            rule = of.get("nearest_mode", b"round_prefer_floor")
            at = {b"round_prefer_floor": lambda: np.ceil(at - 0.5), b"round_prefer_ceil": lambda: np.floor(at + 0.5),
                  b"floor": lambda: np.floor(at), b"ceil": lambda: np.ceil(at)}[rule]()
            x = np.take(x, np.clip(at, 0, size - 1).astype(int), axis)
            continue
        at = np.clip(at, 0, size - 1)
        low = np.floor(at).astype(int)
        part = along(at - low, axis, x.ndim)
        x = np.take(x, low, axis) * (1 - part) + np.take(x, np.minimum(low + 1, size - 1), axis) * part
    return x


def erf(node, x):
    return np.vectorize(math.erf, otypes=[np.float64])(x)


def gelu(node, x):
    if attributes(node).get("approximate", b"none") == b"tanh":
        return 0.5 * x * (1 + np.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x ** 3)))
    return 0.5 * x * (1 + erf(node, x / math.sqrt(2)))


def sigmoid(node, x):
    return 1 / (1 + np.exp(-x))


def group_normalization(node, x, scale, bias):
    of = attributes(node)
    groups, channels = of["num_groups"], x.shape[1]
    rows = x.reshape(len(x), groups, -1)
    rows = (rows - rows.mean(-1, keepdims=True)) / np.sqrt(rows.var(-1, keepdims=True) + of.get("epsilon", 1e-5))
    scale, bias = (np.repeat(v, channels // len(v)) for v in (scale, bias))  # for each group up to opset 20
    return rows.reshape(x.shape) * along(scale, 1, x.ndim) + along(bias, 1, x.ndim)


OWN = {"Conv": conv, "ConvTranspose": conv_transpose, "AveragePool": average_pool, "Resize": resize, "Erf": erf,
       "Gelu": gelu, "Sigmoid": sigmoid, "GroupNormalization": group_normalization}


class Exact:
    """Computes the float64 inputs of the quantizers of a network."""

    def __init__(self, model):
        self.constants = {c.name: numpy_helper.to_array(c) for c in model.graph.initializer}
        self.makers = {name: node for node in model.graph.node for name in node.output if name}
        self.opsets = model.opset_import

    def code_values(self, values):
        """Returns {name of a quantizer's output: float64 array}: the codes before they are rounded and limited.

        values: name -> array of each tensor, as the runtime computed it, with the inputs"""
        reals = {}  # name -> float64 array, or None if it has an operator without a float64 form
        result = {}
        for name, node in self.makers.items():
            if node.op_type != "QuantizeLinear" or name not in values or values[name].dtype.name not in CODES:
                continue
            real, scale = self._real(node.input[0], values, reals), self._real(node.input[1], values, reals)
            if real is None or scale is None or attributes(node).get("block_size", 0):
                continue
            axis, zero = attributes(node).get("axis", 1), 0
            if len(node.input) > 2 and node.input[2]:
                zero = along(self._codes(node.input[2], values), axis, real.ndim)
            with np.errstate(all="ignore"):
                result[name] = real / along(scale, axis, real.ndim) + zero
        return result

    def _codes(self, name, values):
        return (self.constants[name] if name in self.constants else values[name]).astype(np.float64)

    def _real(self, name, values, reals):
        """Returns a tensor of floats in float64, and tensors of other types as they are."""
        if not name:
            return np.empty(0)
        if name not in reals:
            known = self.constants.get(name, values.get(name))
            is_other = known is not None and known.dtype.kind != "f"
            if is_other or name in self.constants or name not in self.makers:
                reals[name] = None if known is None else known if is_other else known.astype(np.float64)
            else:
                reals[name] = self._computed(self.makers[name], name, values, reals)
        return reals[name]

    def _computed(self, node, name, values, reals):
        if any(a.type in (onnx.AttributeProto.GRAPH, onnx.AttributeProto.GRAPHS) for a in node.attribute):
            return None
        inputs = [self._real(i, values, reals) for i in node.input]
        if any(i is None for i in inputs):
            return None
        try:
            with np.errstate(all="ignore"):
                result = self._operator(node, name, inputs)
        except Exception:  # onnx.reference raises several types for what it does not support
            return None
        return result if result is not None and result.dtype == np.float64 else None

    def _operator(self, node, name, inputs):
        of = attributes(node)
        if node.op_type == "DequantizeLinear":
            x, scale = inputs[0].astype(np.float64), inputs[1]
            zero = inputs[2].astype(np.float64) if len(inputs) > 2 and inputs[2].size else np.zeros(())
            axis, block = of.get("axis", 1), of.get("block_size", 0)
            if block:
                return (x - np.repeat(zero, block, axis)) * np.repeat(scale, block, axis)
            return (x - along(zero, axis, x.ndim)) * along(scale, axis, x.ndim)
        if node.op_type in ("Constant", "ConstantOfShape"):
            return self._referenced(node, name, inputs).astype(np.float64)
        if node.op_type == "Cast" and of["to"] in (onnx.TensorProto.FLOAT, onnx.TensorProto.DOUBLE):
            return inputs[0].astype(np.float64)
        if node.op_type in OWN and not node.domain:
            try:
                return OWN[node.op_type](node, *inputs)
            except NotImplementedError:
                if node.op_type == "Resize":  # minutes in onnx.reference
                    return None
        return self._referenced(node, name, inputs)

    def _referenced(self, node, name, inputs):
        single = helper.make_model(
            helper.make_graph([node], "one", [helper.make_tensor_value_info(i, onnx.TensorProto.DOUBLE, None)
                                              for i in dict.fromkeys(node.input) if i],
                              [helper.make_tensor_value_info(name, onnx.TensorProto.DOUBLE, None)]),
            opset_imports=self.opsets)
        feeds = {i: value for i, value in zip(node.input, inputs) if i}
        return np.asarray(ReferenceEvaluator(single).run(None, feeds)[0])
