# SPDX-License-Identifier: Apache-2.0
"""Computes spikes of a network that components/zoo/spikes.py wrote: neurons by snntorch's Leaky in float64, whose
`state_quant` rounds to codes of 16 bits, products in whole numbers. It shares no code with Trine."""
import math

import numpy as np
import onnx
import snntorch
import torch
from onnx import numpy_helper

MOST = 2 ** 15 - 1


def rounded(x):
    """Implements state_quant: halves to even, 16 bits."""
    return torch.clamp(torch.round(x), -MOST, MOST)


def requantized(sums, scale):
    """Returns whole numbers times a scale of 31 bits, halves to even, 16 bits. @param scale  of doubles, by channel"""
    out = np.empty_like(sums)
    for c, real in enumerate(scale):
        mantissa, exponent = math.frexp(real)
        m = int(math.floor(mantissa * 2 ** 31 + 0.5))  # m 2^(exponent - 31)
        right = 31 - exponent
        for index, value in np.ndenumerate(sums[:, c]):
            product = int(value) * m
            whole, rest = product >> right, product & ((1 << right) - 1)
            half = 1 << (right - 1)
            whole += rest > half or (rest == half and whole & 1)
            out[(index[0], c, *index[1:])] = max(-MOST - 1, min(MOST, whole))
    return out


class Network:
    def __init__(self, file):
        self.graph = onnx.load(file).graph
        self.constants = {t.name: numpy_helper.to_array(t) for t in self.graph.initializer}
        self.whole = self.apart = 0  # counts of layers for which snntorch's own reset by subtraction agreed, and did not

    def run(self, events):
        """Maps [steps, ...] of whole numbers to {neuron's node: spikes or membranes}."""
        values = {self.graph.input[0].name: np.asarray(events, np.float64)}
        codes, scales, found = {}, {}, {}
        for node in self.graph.node:
            attributes = {a.name: onnx.helper.get_attribute_value(a) for a in node.attribute}
            out = node.output[0]
            if node.op_type == "DequantizeLinear" and node.input[0] in self.constants:
                codes[out] = self.constants[node.input[0]].astype(np.int64)
                scales[out] = self.constants[node.input[1]].astype(np.float64)
            elif node.op_type == "QuantizeLinear":
                codes[out], scales[out] = self.quantized(node, values, codes, scales)
            elif node.op_type == "DequantizeLinear":
                codes[out], scales[out] = codes[node.input[0]], scales[node.input[0]]
            elif node.op_type in ("Gemm", "Conv", "AveragePool"):
                values[out] = (node, attributes)
            elif node.op_type == "Mul":  # of an average, which makes it a sum
                values[out] = (*values[node.input[0]], float(self.constants[node.input[1]]))
            elif node.op_type == "Flatten":
                codes[out] = codes[node.input[0]].reshape(len(codes[node.input[0]]), -1)
                scales[out] = scales[node.input[0]]
            elif node.op_type == "Spiking":
                back = codes[node.input[1]] if len(node.input) > 1 else None
                codes[out] = self.neurons(codes[node.input[0]], scales[node.input[0]], attributes, back,
                                          scales.get(node.input[1]) if back is not None else None)
                membrane = attributes["reset"] == b"none"
                scales[out] = scales[node.input[0]] if membrane else np.float64(1)
                found[out] = codes[out] * scales[out]
            else:
                raise SystemExit(f"oracle: {node.op_type}")
        return found

    def quantized(self, node, values, codes, scales):
        value, scale = values[node.input[0]], self.constants[node.input[1]].astype(np.float64)
        if isinstance(value, np.ndarray):
            return np.clip(np.rint(value / scale), -128, 127).astype(np.int64), scale
        product, attributes, *times = value
        x = torch.from_numpy(codes[product.input[0]].astype(np.float64))
        if product.op_type == "AveragePool":
            kernel = attributes["kernel_shape"]
            pads = attributes["pads"]
            x = torch.nn.functional.pad(x, (pads[1], pads[3], pads[0], pads[2]))
            sums = torch.nn.functional.avg_pool2d(x, kernel, attributes["strides"]) * math.prod(kernel)
            ratio = float(scales[product.input[0]]) * math.prod(times) / math.prod(kernel) / float(scale)
            assert ratio == 1
            return sums.round().numpy().astype(np.int64), scale
        w = torch.from_numpy(codes[product.input[1]].astype(np.float64))
        if product.op_type == "Gemm":
            sums = x @ w.T
        else:
            pads = attributes["pads"]
            x = torch.nn.functional.pad(x, (pads[1], pads[3], pads[0], pads[2]))
            sums = torch.nn.functional.conv2d(x, w, None, attributes["strides"], 0, attributes["dilations"],
                                              attributes["group"])
        sums = sums.round().numpy().astype(np.int64)
        if len(product.input) > 2:
            sums = sums + codes[product.input[2]].reshape([1, -1] + [1] * (sums.ndim - 2))
        by_channel = float(scales[product.input[0]]) * scales[product.input[1]] / float(scale)
        return requantized(sums, by_channel), scale

    def neurons(self, currents, scale, attributes, back, back_scales):
        reset = attributes["reset"].decode()
        delay = bool(attributes.get("delay", 0))
        threshold = 1e9 if reset == "none" else self.threshold(attributes, float(scale))
        drop = 0 if reset == "none" else round(attributes["threshold"] / float(scale))
        leak = lambda name: round(attributes[name] * 2 ** 14) / 2 ** 14  # noqa: E731
        # An immediate reset by subtraction is computed here: snntorch's would require two thresholds of a membrane
        # that exceeds one after its reset (docs/spikes.md); without such a membrane both are the same.
        apart = reset == "subtract" and not delay
        neuron = snntorch.Leaky(beta=leak("leak"), threshold=threshold, state_quant=rounded, reset_delay=delay,
                                reset_mechanism="none" if apart else reset)
        whole = snntorch.Leaky(beta=leak("leak"), threshold=float(drop), state_quant=rounded, reset_delay=False,
                               reset_mechanism="subtract")
        synapse = None
        if "synapse" in attributes:
            synapse = snntorch.Leaky(beta=leak("synapse"), threshold=1e9, reset_mechanism="none", state_quant=rounded)
        state = current = its = torch.zeros(currents.shape[1:], dtype=torch.float64)
        spikes, out, alike = torch.zeros_like(state), [], apart and threshold == drop
        for codes in currents:
            x = torch.from_numpy(codes.astype(np.float64))
            if back is not None:
                sums = torch.from_numpy(back.astype(np.float64)) @ spikes.double()
                sums = sums.round().numpy().astype(np.int64)
                x = x + torch.from_numpy(requantized(sums[None], back_scales / float(scale))[0].astype(np.float64))
            if synapse is not None:
                _, current = synapse(x, current)
                x = current
            spikes, state = neuron(x, state)
            if apart:
                state = state - spikes.double() * drop
            if alike:
                fired, its = whole(x, its)
                assert torch.equal(fired, spikes) and torch.equal(its, state)
                alike = not bool((its > drop).any())
            out.append((state if reset == "none" else spikes).numpy().astype(np.int64))
        self.whole += alike
        self.apart += apart and not alike
        return np.stack(out)

    @staticmethod
    def threshold(attributes, scale):
        """Returns a threshold such that snntorch, which fires above it, fires at the exact one."""
        exact = attributes["threshold"] / scale
        return float(round(exact) if attributes.get("strict", 1) else math.ceil(exact) - 1)
