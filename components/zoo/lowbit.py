# SPDX-License-Identifier: Apache-2.0
"""Represents low-bit networks as plain data: integer layers, their exact evaluation and their QONNX form.

A layer computes, on integer codes,

    acc  = sum(w * x)                                    w, x: codes
    y    = gain * (acc - mean) * unit + bias             unit: product of the scales of w and x
    code = binary: y >= 0 ? 1 : -1
           ternary: clip(round(y), -1, 1)
           int8: clip(round(max(y, 0) / act_scale), -128, 127), bias = 0
        2x2 max-pool, if requested

and the last layer stops at acc * unit. No y is on a border between two codes, and float32 (in which qonnx runs
each node) computes every y that decides a code without any rounding:
- binary, ternary: gain * unit has few fraction bits and bias is an odd multiple of half the finest
  step (`_fold_thresholds`);
- int8: y / act_scale is (acc - mean) * k / 2^17 with k odd and |acc - mean| < 2^16, so it is never
  a half; below 128 it has at most 24 bits (`_fold_requantization`).
"""

from dataclasses import dataclass

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

DOMAIN = "qonnx.custom_op.general"
FLOAT32_BITS = 24
INT8_FRACTION_BITS = FLOAT32_BITS - 7
KINDS = {"binary": 1, "ternary": 2, "int8": 8}  # bits per code


@dataclass
class Layer:
    """One convolution or, as the last layer, a fully connected layer (weights [inputs, classes])."""

    weights: np.ndarray  # int codes, [M, C, R, S] or [K, M]
    weight_kind: str
    weight_scale: float = 1.0
    unit: float = 1.0
    pad: int = 0
    gain: np.ndarray = None  # [M], multiples of a power of two
    mean: np.ndarray = None  # [M], whole numbers
    bias: np.ndarray = None  # [M]
    act_kind: str = None
    act_scale: float = 1.0
    pool: bool = False


def _largest_sum(layer, largest_input):
    return np.abs(layer.weights).sum(tuple(range(1, layer.weights.ndim))) * largest_input


def _fold_thresholds(layer, gain, mean, bias, largest_input):
    layer.mean = np.round(mean / layer.unit)
    largest_acc = _largest_sum(layer, largest_input) + np.abs(layer.mean) + 1
    largest = np.abs(gain) * largest_acc * layer.unit + np.abs(bias) + 1
    bits = np.floor(FLOAT32_BITS - 1 - np.log2(largest)).astype(int)
    step = 2.0**-bits / layer.unit  # ensures that gain * unit is a multiple of 2^-bits
    layer.gain = np.round(gain / step) * step
    layer.bias = (np.floor(bias * 2.0**bits) + 0.5) * 2.0**-bits


def _fold_requantization(layer, gain, mean, bias):
    layer.mean = np.round((mean - bias / gain) / layer.unit)
    layer.bias = np.zeros_like(bias)
    reach = _largest_sum(layer, 128) + np.abs(layer.mean)
    if reach.max() >= 2 ** (INT8_FRACTION_BITS - 1):
        raise SystemExit(f"sums reach {reach.max()}, allowed 65535: take coarser weights")
    k = 2 * np.floor(gain * layer.unit / layer.act_scale * 2.0**INT8_FRACTION_BITS / 2) + 1
    layer.gain = k * 2.0**-INT8_FRACTION_BITS * layer.act_scale / layer.unit


def fold_norm(layer, gain, mean, bias, largest_input):
    """Snaps y = gain * (acc * unit - mean) + bias, gain > 0, to exact numbers as described above.

    `largest_input` is the largest magnitude of an input code, which bounds acc.
    """
    if layer.act_kind == "int8":
        _fold_requantization(layer, gain, mean, bias)
    else:
        _fold_thresholds(layer, gain, mean, bias, largest_input)
    if not (layer.gain > 0).all():
        raise SystemExit("a channel's gain is too small for its sums: train with another seed")


def quantize(kind, y, scale):
    if kind == "binary":
        return np.where(y >= 0, 1, -1)
    if kind == "ternary":
        return np.clip(np.rint(y), -1, 1)
    return np.clip(np.rint(np.maximum(y, 0) / scale), -128, 127)


def convolve(x, w, pad):
    """Returns integer sums in float64 (far below 2^53): x [N, C, H, W], w [M, C, R, S] -> [N, M, P, Q]."""
    x = np.pad(x, ((0, 0), (0, 0), (pad, pad), (pad, pad)))
    windows = np.lib.stride_tricks.sliding_window_view(x, w.shape[2:], (2, 3))
    return np.einsum("ncpqrs,mcrs->nmpq", windows, w, optimize=True)


def evaluate(layers, images):
    """Returns the network's outputs for int8 codes [N, 1, H, W], and each layer's smallest distance of y (int8
    layers: y / act_scale) to a point at which the code changes."""
    x, margins = images.astype(np.float64), []
    for layer in layers[:-1]:
        acc = convolve(x, layer.weights.astype(np.float64), layer.pad)
        per_channel = (v[:, None, None] for v in (layer.gain, layer.mean, layer.bias))
        gain, mean, bias = per_channel
        y = gain * (acc - mean) * layer.unit + bias
        scaled = y / (1 if layer.act_kind != "int8" else layer.act_scale)
        edge = 0 if layer.act_kind == "binary" else 0.5
        distance = np.abs(scaled - edge - np.round(scaled - edge))
        inside = {"binary": 0.5, "ternary": 1, "int8": 127.5}[layer.act_kind]
        margins.append(float(distance[np.abs(scaled) <= inside].min()))
        x = quantize(layer.act_kind, y, layer.act_scale)
        if layer.pool:
            n, c, h, w = x.shape
            x = x.reshape(n, c, h // 2, 2, w // 2, 2).max((3, 5))
    last = layers[-1]
    return x.reshape(len(x), -1) @ last.weights * last.unit, margins


def macs(layers, size):
    total = 0
    for layer in layers[:-1]:
        m, c, r, s = layer.weights.shape
        size += 2 * layer.pad - r + 1
        total += m * c * r * s * size * size
        size //= 1 + layer.pool
    return total + layers[-1].weights.size


class _Graph:
    def __init__(self):
        self.nodes, self.constants, self.counts = [], [], {}

    def _name(self, base):
        self.counts[base] = self.counts.get(base, 0) + 1
        return f"{base}{self.counts[base]}"

    def constant(self, values, base):
        name = self._name(base)
        self.constants.append(numpy_helper.from_array(np.asarray(values, np.float32), name))
        return name

    def node(self, op, inputs, output=None, domain="", **attributes):
        output = output or self._name(op.lower())
        self.nodes.append(
            helper.make_node(op, inputs, [output], name=output, domain=domain, **attributes)
        )
        return output

    def quantizer(self, x, kind, scale, narrow):
        scale = self.constant(scale, "scale")
        if kind == "binary":
            return self.node("BipolarQuant", [x, scale], domain=DOMAIN)
        inputs = [x, scale, self.constant(0, "zero"), self.constant(KINDS[kind], "bits")]
        settings = {"signed": 1, "narrow": narrow, "rounding_mode": "ROUND"}
        return self.node("Quant", inputs, domain=DOMAIN, **settings)

    def weights(self, layer):
        values = layer.weights * layer.weight_scale
        return self.quantizer(
            self.constant(values, "weights"), layer.weight_kind, layer.weight_scale, narrow=1
        )


def to_onnx(name, layers, size):
    """Returns a QONNX model of batch 1: image codes [1, 1, size, size] in float32 -> [1, classes]."""
    g = _Graph()
    x = g.quantizer("image", "int8", 1, narrow=0)
    for layer in layers[:-1]:
        kernel = list(layer.weights.shape[2:])
        inputs, mean = [x, g.weights(layer)], layer.mean * layer.unit
        if layer.act_kind == "int8":  # subtracted from the sum immediately, so that one product remains
            inputs.append(g.constant(-mean, "offset"))
            mean = np.zeros_like(mean)
        window = {"kernel_shape": kernel, "strides": [1, 1], "pads": [layer.pad] * 4}
        x = g.node("Conv", inputs, **window)
        norm = [layer.gain, layer.bias, mean, np.ones_like(mean)]
        inputs = [g.constant(v, b) for v, b in zip(norm, ("gain", "bias", "mean", "variance"))]
        x = g.node("BatchNormalization", [x] + inputs, epsilon=0.0)
        if layer.act_kind == "int8":
            x = g.node("Relu", [x])
        x = g.quantizer(x, layer.act_kind, layer.act_scale, narrow=int(layer.act_kind != "int8"))
        if layer.pool:
            x = g.node("MaxPool", [x], kernel_shape=[2, 2], strides=[2, 2])
    x = g.node("Flatten", [x], axis=1)
    g.node("MatMul", [x, g.weights(layers[-1])], "logits")
    ends = (("image", [1, 1, size, size]), ("logits", [1, layers[-1].weights.shape[1]]))
    ends = [[helper.make_tensor_value_info(n, TensorProto.FLOAT, s)] for n, s in ends]
    graph = helper.make_graph(g.nodes, name, *ends, g.constants)
    opsets = [helper.make_opsetid("", 13), helper.make_opsetid(DOMAIN, 1)]
    model = helper.make_model(graph, opset_imports=opsets, producer_name="trine")
    model.ir_version = 8
    onnx.checker.check_model(onnx.shape_inference.infer_shapes(model))
    return model
