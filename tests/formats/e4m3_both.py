#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Tests activations and weights of FLOAT8E4M3FN: all codes must equal whole-number arithmetic, rounded once, with
onnx's own values of codes and a search for the nearest value.

usage: e4m3_both.py --build DIR [--networks N] [--backend arch|rtl] [--seed S] [--products]
Each network is a Conv, a Gemm or a sum of two, followed by maxima, an average or a clamp, between quantizers, with
any codes as weights, power-of-two scales, for each channel or one, and biases. --products: a 1x1 layer that computes
each product of two codes that are numbers, 253 by 253, as a separate sum. Exit code 1 if a code differs, 77 without
PyPI.
"""
import argparse
import pathlib
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from harness import ROOT, fail, trine, with_packages  # noqa: E402

DESIGN = ["--config", "edge64", "--set", "array.activations16=true", "--set", "array.formats=true"]
UNIT = 2 ** 9


def values():
    """Returns the values of the nonnegative codes, in units of 2^-9."""
    return [m if e == 0 else (8 + m) << (e - 1) for e in range(16) for m in range(8) if (e, m) != (15, 7)]


VALUES = values()
PLACES = {v: place for place, v in enumerate(VALUES)}


def nearest(numerator, denominator):
    """Returns the value nearest to a fraction, in units; at a tie the even code's. Only whole numbers."""
    size, low, high = abs(numerator), 0, len(VALUES) - 1
    while low < high:  # the first value whose upper border the size does not exceed
        middle = (low + high) // 2
        twice = (VALUES[middle] + VALUES[middle + 1]) * denominator
        if 2 * size > twice or (2 * size == twice and middle % 2):
            low = middle + 1
        else:
            high = middle
    return -VALUES[low] if numerator < 0 else VALUES[low]


def codes_of(np, units):
    """Returns codes of FLOAT8E4M3FN."""
    place = np.vectorize(lambda u: PLACES[abs(int(u))])(units)
    return (place + np.where(units < 0, 128, 0)).astype(np.uint8)


class Model:
    """An ONNX file under construction."""

    def __init__(self, np):
        from onnx import TensorProto, helper, numpy_helper

        self.np, self.helper, self.numpy_helper, self.float8 = np, helper, numpy_helper, TensorProto.FLOAT8E4M3FN
        self.nodes, self.constants, self.float = [], [], TensorProto.FLOAT
        self.constants.append(helper.make_tensor("zero", self.float8, [], b"\0", raw=True))

    def constant(self, name, array):
        self.constants.append(self.numpy_helper.from_array(self.np.asarray(array), name))
        return name

    def node(self, kind, inputs, output, **attributes):
        self.nodes.append(self.helper.make_node(kind, inputs, [output], **attributes))
        return output

    def quantized(self, name, exponent):
        scale = self.constant(f"{name}_scale", self.np.float32(2.0 ** exponent))
        self.node("QuantizeLinear", [name, scale, "zero"], f"{name}_codes")
        return self.node("DequantizeLinear", [f"{name}_codes", scale, "zero"], f"{name}_real")

    def weights(self, name, units, exponents, axis):
        self.constants.append(self.helper.make_tensor(name, self.float8, units.shape, codes_of(self.np, units).tobytes(), raw=True))
        scale = self.constant(f"{name}_scale", (2.0 ** exponents).astype(self.np.float32))
        return self.node("DequantizeLinear", [name, scale], f"{name}_real", **({"axis": axis} if exponents.ndim else {}))

    def save(self, path, shape, last, out_shape):
        ends = [[self.helper.make_tensor_value_info(name, self.float, s)] for name, s in (("x", shape), (last, out_shape))]
        from onnx import save
        graph = self.helper.make_graph(self.nodes, "e4m3", *ends, self.constants)
        save(self.helper.make_model(graph, opset_imports=[self.helper.make_opsetid("", 21)], ir_version=10), path)


def rounded(np, sums, exponent):
    """Returns sums * 2^exponent in units, each rounded once."""
    above, below = (1 << exponent, 1) if exponent >= 0 else (1, 1 << -exponent)
    return np.vectorize(lambda s: nearest(int(s) * above, below), otypes=[object])(sums)


def product(np, drawn, model, name, real, a, exponent, of_conv):
    """Adds a Conv or Gemm of values `a` in units times 2^(exponent - 9). @return  its float name, units, exponent"""
    C, M = a.shape[1], int(drawn.integers(1, 25))
    R = int(drawn.choice([1, 3])) if of_conv else 1
    by_channel = bool(drawn.integers(2))
    shape = [M, C, R, R] if of_conv else [C, M]
    small = drawn.integers(3) == 0  # weights that fit into a byte
    place = drawn.integers(-24 if small else -126, 25 if small else 127, shape)
    w = np.vectorize(lambda p: VALUES[abs(p)] * (-1 if p < 0 else 1), otypes=[object])(place)
    e = np.asarray(drawn.integers(-13, -9, M if by_channel else ()), dtype=np.float64)
    b = drawn.integers(-1000, 1000, M).astype(np.float32) * np.float32(2.0 ** -12)
    w_real = model.weights(f"{name}_w", w.astype(np.int64), e, 0 if of_conv else 1)
    bias = model.constant(f"{name}_b", b)
    model.node("Conv" if of_conv else "Gemm", [real, w_real, bias], f"{name}_sum", **({"pads": [R // 2] * 4} if of_conv else {}))
    each = np.broadcast_to(e, M)
    # Sums in units of 2^(exponent - 9 + e - 9) of their channel.
    added = [int(np.rint(float(b[m]) * 2.0 ** (18 - exponent - each[m]))) for m in range(M)]
    if of_conv:
        H = a.shape[2]
        padded = np.zeros([*a.shape[:2], H + R - 1, H + R - 1], dtype=object)
        padded[:, :, R // 2:R // 2 + H, R // 2:R // 2 + H] = a
        sums = np.zeros([1, M, H, H], dtype=object)
        for i in range(R):
            for j in range(R):
                sums = sums + np.tensordot(w[:, :, i, j], padded[0, :, i:i + H, j:j + H], axes=1)[None]
        sums = sums + np.array(added, dtype=object).reshape(1, M, 1, 1)
    else:
        sums = a.dot(w) + np.array(added, dtype=object)
    wanted = exponent + int(np.ceil(np.log2(C * R * R) / 2)) - 2  # of the result
    units = np.empty(sums.shape, dtype=object)
    for m in range(M):
        units[:, m] = rounded(np, sums[:, m], exponent + int(each[m]) - 18 - (wanted - 9))
    return f"{name}_sum", units, wanted


def network(np, drawn, path):
    """Writes a network. @return  its input and the expected output"""
    model = Model(np)
    of_conv = bool(drawn.integers(2))
    C, size = int(drawn.integers(1, 29)), int(drawn.integers(1, 10))
    shape = [1, C, size, size] if of_conv else [size, C]
    x = (drawn.normal(0, 1, shape) * 2.0 ** drawn.integers(-6, 4, shape)).astype(np.float32)
    exponent = -5
    real = model.quantized("x", exponent)
    a = np.vectorize(lambda v: nearest(int(np.ldexp(float(v), 40)), 1 << (40 + exponent - 9)), otypes=[object])(x)
    last, units, exponent = product(np, drawn, model, "first", real, a, exponent, of_conv)
    kind = int(drawn.integers(5))
    if kind == 1:
        model.node("Relu", [last], "clamped")
        last, units = "clamped", np.where(units < 0, 0, units)
    last = model.quantized(last, exponent)
    if kind == 2 and of_conv and size > 1:
        model.node("MaxPool", [last], "largest", kernel_shape=[2, 2], strides=[1, 1])
        units = np.maximum.reduce([units[:, :, i:i + size - 1, j:j + size - 1] for i in (0, 1) for j in (0, 1)])
        last = "largest"
    if kind == 3:
        more, other, theirs = product(np, drawn, model, "second", last, units, exponent, of_conv and True)
        last, units, exponent = model.quantized(more, theirs), other, theirs
    if kind == 4:
        M = units.shape[1]
        one = np.zeros([M, M, 1, 1] if of_conv else [M, M], dtype=np.int64)
        one[tuple([np.arange(M)] * 2 + [0, 0]) if of_conv else np.diag_indices(M)] = UNIT // 2
        w_real = model.weights("half_w", one, np.asarray(0.0), 0)
        model.node("Conv" if of_conv else "MatMul", [last, w_real], "half")
        shift = int(drawn.integers(-3, 3))
        half = model.quantized("half", exponent - 1 + shift)
        halves = rounded(np, units, -shift)
        kind_of_sum = ["Add", "Sub"][int(drawn.integers(2))]
        model.node(kind_of_sum, [last, half], "both")
        finer = min(0, shift - 1)
        sums = units * (1 << -finer) + (1 if kind_of_sum == "Add" else -1) * halves * (1 << (shift - 1 - finer))
        units = rounded(np, sums, finer - 1)
        exponent += 1
        last = model.quantized("both", exponent)
    if of_conv and size in (2, 4, 8) and units.shape[2] == size and drawn.integers(2):
        model.node("GlobalAveragePool", [last], "mean")
        units = rounded(np, units.sum(axis=(2, 3), keepdims=True), -2 * int(np.log2(size)))
        last = model.quantized("mean", exponent)
    model.save(path, shape, last, list(units.shape))
    return x, (units * 2.0 ** (exponent - 9)).astype(np.float32)


def all_products(np, path):
    """Writes a layer of 253 channels of one input, on 253 pixels: each code that is a number times each other."""
    model = Model(np)
    place = np.arange(-126, 127)
    every = np.array([VALUES[abs(p)] * (-1 if p < 0 else 1) for p in place], dtype=object)
    x = (every.astype(np.float64) / UNIT).astype(np.float32).reshape(1, 1, 11, 23)
    real = model.quantized("x", 0)
    w_real = model.weights("w", every.astype(np.int64).reshape(-1, 1, 1, 1), np.asarray(0.0), 0)
    model.node("Conv", [real, w_real], "sum")
    exponent = 6
    last = model.quantized("sum", exponent)
    units = rounded(np, every.reshape(-1, 1) * every.reshape(1, -1), -9 - exponent)
    units = units.reshape(1, -1, 11, 23)
    model.save(path, [1, 1, 11, 23], last, list(units.shape))
    return x, (units * 2.0 ** (exponent - 9)).astype(np.float32)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", type=pathlib.Path, required=True)
    parser.add_argument("--networks", type=int, default=200)
    parser.add_argument("--backend", choices=["arch", "rtl"], default="arch")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--products", action="store_true")
    options = parser.parse_args()
    with_packages(options.build.resolve(), ROOT / "components/zoo/requirements_onnx.txt", "onnx", "onnxruntime", "numpy")
    import numpy as np

    drawn = np.random.default_rng(options.seed)
    codes = 0
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        model, given, taken = folder / "m.onnx", folder / "x.npy", folder / "y.npy"
        for i in range(1 if options.products else options.networks):
            x, wanted = all_products(np, model) if options.products else network(np, drawn, model)
            np.save(given, x)
            trine("run", model, *DESIGN, "--backend", options.backend, "--input", given, "--output", taken)
            found = np.load(taken)
            if wanted.shape != found.shape or (wanted != found).any():
                fail(f"network {i} of seed {options.seed}: {(wanted != found).sum()} of {wanted.size} codes differ")
            codes += wanted.size
    print(f"{'all products' if options.products else f'{options.networks} networks'}, {codes} codes exact on {options.backend}")


if __name__ == "__main__":
    main()
