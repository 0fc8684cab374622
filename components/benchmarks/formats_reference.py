#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Measures accuracy by eight-bit format, both supported and refused ones, with NumPy only.

usage: formats_reference.py CIFAR     needs numpy and onnx of PyPI; CIFAR as for components/benchmarks/cycles/formats.py

Each result is the sum of all products, rounded once to the format; scales are powers of two by the rules of `trine
quantize --format` (components/zoo/eight_bits.py). Sums are computed in parts of up to 53 bits, which float64 adds exactly,
and joined in 64 bits: exact for all formats except E5M2, whose sums have up to 76 bits and lose the bits beyond the
upper 64.
"""
import pathlib
import sys

import common

common.help_of(__doc__)
import numpy as np  # noqa: E402
import onnx  # noqa: E402

sys.path.insert(0, str(common.ROOT / "components" / "zoo"))
import eight_bits  # noqa: E402
from cycles.formats import COUNT, NETWORKS  # noqa: E402

HALF = {"posit8_1": (None, 13), "e5m2": (17, 17)}  # bits of the lower parts of activations and of weights
CALIBRATION, AT_ONCE = 100, 100


def windows(x, filter_shape, attributes, outside=0):
    """Returns [N, P, Q, C * R * S] of [N, C, H, W]."""
    R, S = filter_shape
    top, left, bottom, right = attributes.get("pads", [0, 0, 0, 0])
    U, V = attributes.get("strides", [1, 1])
    x = np.pad(x, ((0, 0), (0, 0), (top, bottom), (left, right)), constant_values=outside)
    taken = np.lib.stride_tricks.sliding_window_view(x, (R, S), axis=(2, 3))[:, :, ::U, ::V]
    return taken.transpose(0, 2, 3, 1, 4, 5)


def parts(values, bits):
    """Returns [(part, its power of two)]."""
    if bits is None:
        return [(values, 0)]
    high = np.floor(values / 2.0 ** bits)
    return [(values - high * 2.0 ** bits, 0), (high, bits)]


def product(x, w, name):
    """Returns x w^T of whole numbers."""
    of_x, of_w = HALF.get(name, (None, None))
    return sum((a @ b.T).astype(np.longdouble) * np.longdouble(2) ** (i + j)
               for a, i in parts(x, of_x) for b, j in parts(w, of_w))


class Network:
    """@param fmt  None: in float"""

    def __init__(self, path, fmt=None, scales=None):
        self.graph = onnx.load(path).graph
        self.constants = {c.name: onnx.numpy_helper.to_array(c).astype(np.float64) for c in self.graph.initializer}
        self.fmt, self.scales, self.largest = fmt, scales, {}
        self.weights = {}

    def rounded(self, name, sums, unit):
        """Returns a node's rounded result. @param sums, unit  the result is their product"""
        if self.fmt is None:
            real = np.asarray(sums, np.float64) * unit
            self.largest[name] = max(self.largest.get(name, 0), float(np.abs(real).max()))
            return real, 1.0
        scale = self.scales[name]
        return self.fmt.nearest(sums * (np.longdouble(1) * unit / scale)).astype(np.float64), scale

    def dense(self, name, x, w, b):
        """Multiplies [.., K] by [M, K]."""
        units, scale = x
        if self.fmt is None:
            return self.rounded(name, units @ w.T + b, 1.0)
        if name not in self.weights:
            each = [self.fmt.quantized(row) for row in w]
            self.weights[name] = np.stack([u for u, _ in each]), np.array([s for _, s in each])
        codes, scales = self.weights[name]
        sums = product(units, codes, self.fmt.name) + np.rint(b / (scale * scales))
        return self.rounded(name, sums, scale * scales)

    def run(self, images):
        made = {self.graph.input[0].name: self.rounded("input", images, 1.0)}
        for node in self.graph.node:
            attributes = {a.name: list(a.ints) or a.i for a in node.attribute}
            units, scale = made[node.input[0]]
            out, const = node.output[0], [self.constants.get(name) for name in node.input]
            if node.op_type == "Conv":
                w = const[1]
                b = const[2] if len(const) > 2 else np.zeros(len(w))
                taken = windows(units, w.shape[2:], attributes)
                rows = taken.reshape(*taken.shape[:3], -1)
                values, unit = self.dense(out, (rows, scale), w.reshape(len(w), -1), b)
                made[out] = values.transpose(0, 3, 1, 2), unit
            elif node.op_type == "Gemm":
                made[out] = self.dense(out, (units, scale), const[1], const[2])
            elif node.op_type == "Relu":
                made[out] = self.rounded(out, np.maximum(units, 0), scale)
            elif node.op_type == "Add":
                other, its = made[node.input[1]]
                made[out] = self.rounded(out, units * np.longdouble(scale / min(scale, its)) + other *
                                         np.longdouble(its / min(scale, its)), min(scale, its))
            elif node.op_type == "MaxPool":
                made[out] = windows(units, attributes["kernel_shape"], attributes).max(axis=(4, 5)).transpose(0, 3, 1, 2), scale
            elif node.op_type == "GlobalAveragePool":
                sums = units.sum(axis=(2, 3), keepdims=True)
                made[out] = self.rounded(out, sums, scale / (units.shape[2] * units.shape[3]))
            elif node.op_type == "Flatten":
                made[out] = units.reshape(len(units), -1), scale
            else:
                sys.exit(f"{node.op_type}: not here")
        return made[self.graph.output[0].name][0]


def images_of(folder, count):
    x = np.load(folder / "x.npy")[:count].astype(np.float64) / 255
    if x.ndim == 3:
        x = x[..., None]
    if x.shape[-1] in (1, 3):
        x = x.transpose(0, 3, 1, 2)
    return x


def top1(network, images, labels):
    right = 0
    for first in range(0, len(images), AT_ONCE):
        answers = network.run(images[first:first + AT_ONCE]).reshape(-1, 10).argmax(1)
        right += int((answers == labels[first:first + AT_ONCE]).sum())
    return f"{100 * right / len(images):.1f} %"


def main():
    cifar, rows = sys.argv[1], []
    for name, (model, calibration, test) in NETWORKS.items():
        folder = common.ROOT / test.format(cifar)
        images, labels = images_of(folder, COUNT[name]), np.load(folder / "y.npy")[:COUNT[name]]
        plain = Network(common.ROOT / model)
        plain.run(images_of(common.ROOT / calibration.format(cifar), CALIBRATION))
        largest = dict(plain.largest)
        row = [name, top1(plain, images, labels)]
        for form in eight_bits.FORMATS:
            fmt = eight_bits.Format(form)
            scales = {key: fmt.scale_for(value) for key, value in largest.items()}
            row.append(top1(Network(common.ROOT / model, fmt, scales), images, labels))
            print(name, form, row[-1], file=sys.stderr)
        rows.append(row)
    common.table(["network", "float", *eight_bits.FORMATS], rows)
    print(f"numpy {np.__version__}; {common.versions().split('; ')[-1]}")


if __name__ == "__main__":
    main()
