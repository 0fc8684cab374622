#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Compares weights of FLOAT8E4M3FN with int8 and int16 activations: all codes must equal whole-number arithmetic,
rounded once, with onnx's own values of weights; ONNX Runtime, whose sums are float32, may differ by a code near a
tie.

usage: e4m3.py --build DIR [--networks N] [--backend arch|rtl] [--seed S]
Each network is a Conv or a Gemm between quantizers, with any codes as weights, power-of-two scales, for each channel
or one, biases and zero points. onnxruntime comes from PyPI into an environment of DIR. Exit code 1 if a code differs,
77 without PyPI.
"""
import argparse
import pathlib
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from harness import ROOT, fail, trine, with_packages  # noqa: E402

DESIGN = ["--config", "edge64", "--set", "array.activations16=true", "--set", "array.formats=true"]


def network(drawn, path):
    """Writes the network. @return  its constants and weights"""
    import numpy as np
    from onnx import TensorProto, helper, numpy_helper, save

    wide, of_conv, by_channel = (bool(drawn.integers(2)) for _ in range(3))
    C, M, size, R = (int(n) for n in (drawn.integers(1, 29), drawn.integers(1, 25), drawn.integers(1, 10), drawn.choice([1, 3])))
    weights = [M, C, R, R] if of_conv else [C, M]
    codes = drawn.integers(0, 256, weights).astype(np.uint8)
    codes[codes % 128 == 127] = 0
    x = np.float32(2.0 ** (-14 if wide else -6))
    w = (2.0 ** drawn.integers(-13, -9, M if by_channel else ())).astype(np.float32)
    y = np.float32(2.0 ** (-14 if wide else -5))
    zeros = [np.int16(0)] * 2 if wide else drawn.integers(-30, 30, 2).astype(np.int8)
    bias = drawn.integers(-(1 << 24), 1 << 24, M).astype(np.int32)
    constants = {"x_scale": x, "x_zero": zeros[0], "y_scale": y, "y_zero": zeros[1], "w_scale": w, "b": bias,
                 "b_scale": (x * w * 2.0 ** -9).astype(np.float32)}
    initializers = [numpy_helper.from_array(np.asarray(value), name) for name, value in constants.items()]
    initializers.append(helper.make_tensor("w", TensorProto.FLOAT8E4M3FN, weights, codes.tobytes(), raw=True))
    axis = {"axis": 0 if of_conv else 1} if by_channel else {}
    nodes = [helper.make_node("QuantizeLinear", ["x", "x_scale", "x_zero"], ["x_codes"]),
             helper.make_node("DequantizeLinear", ["x_codes", "x_scale", "x_zero"], ["x_real"]),
             helper.make_node("DequantizeLinear", ["w", "w_scale"], ["w_real"], **axis),
             helper.make_node("DequantizeLinear", ["b", "b_scale"], ["b_real"], **({"axis": 0} if by_channel else {})),
             helper.make_node("Conv" if of_conv else "Gemm", ["x_real", "w_real", "b_real"], ["sum"],
                              **({"pads": [R // 2] * 4} if of_conv else {})),
             helper.make_node("QuantizeLinear", ["sum", "y_scale", "y_zero"], ["y_codes"]),
             helper.make_node("DequantizeLinear", ["y_codes", "y_scale", "y_zero"], ["y"])]
    shape = [1, C, size, size] if of_conv else [size, C]
    ends = [[helper.make_tensor_value_info(name, TensorProto.FLOAT, [shape[0], channels, *shape[2:]])]
            for name, channels in (("x", C), ("y", M))]
    graph = helper.make_graph(nodes, "e4m3", *ends, initializers)
    save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)], ir_version=10), path)
    return constants | {"w": numpy_helper.to_array(initializers[-1]).astype(np.float64), "shape": shape}


def exact(c, x):
    """Returns the network's output for float x."""
    import numpy as np

    def codes(real, scale, zero):  # from float32, halves to even
        kind = np.iinfo(zero.dtype)
        return np.clip(np.rint(real / scale) + int(zero), kind.min, kind.max) - int(zero)

    w = np.rint(c["w"] * 512).astype(np.int64)
    # Bits that are 0 in all weights of a channel belong to its scale; the bias is a multiple of that scale.
    bias = c["b"].astype(np.float64)
    for m, row in enumerate(w if w.ndim == 4 else w.T):
        every = int(np.bitwise_or.reduce(np.abs(row), axis=None))
        if (row < -128).any() or (row > 127).any():
            bias[m] = np.rint(bias[m] / (every & -every)) * (every & -every)
    a = codes(x, c["x_scale"], c["x_zero"]).astype(np.int64)
    by_channel = (-1, 1, 1) if w.ndim == 4 else (-1,)
    if w.ndim == 2:
        sums = a @ w
    else:
        R, H = w.shape[2], a.shape[2]
        a = np.pad(a, [(0, 0), (0, 0), (R // 2, R // 2), (R // 2, R // 2)])
        sums = sum(np.einsum("nchw,mc->nmhw", a[:, :, i:i + H, j:j + H], w[:, :, i, j]) for i in range(R) for j in range(R))
    real = (sums + bias.reshape(by_channel)) * c["b_scale"].astype(np.float64).reshape(by_channel if c["b_scale"].ndim else ())
    return (codes(real, np.float64(c["y_scale"]), c["y_zero"]) * np.float64(c["y_scale"])).astype(np.float32)


def check_quantized(folder, drawn):
    """Runs `trine quantize --format` on a network with a transposed convolution, whose weights stay int8: all of it
    must run here."""
    import numpy as np
    import onnxruntime
    from onnx import TensorProto, helper, numpy_helper, save

    shapes = {"w": (8, 3, 3, 3), "b": (8,), "v": (8, 4, 2, 2), "c": (4,)}
    constants = [numpy_helper.from_array(drawn.normal(0, 0.3, shape).astype(np.float32), name) for name, shape in shapes.items()]
    nodes = [helper.make_node("Conv", ["x", "w", "b"], ["a"], pads=[1] * 4), helper.make_node("Relu", ["a"], ["r"]),
             helper.make_node("ConvTranspose", ["r", "v", "c"], ["y"], strides=[2, 2])]
    ends = [[helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)]
            for name, shape in (("x", [1, 3, 6, 6]), ("y", [1, 4, 12, 12]))]
    model, made, examples, x, y = (folder / name for name in ("f.onnx", "q.onnx", "examples.npy", "fx.npy", "fy.npy"))
    save(helper.make_model(helper.make_graph(nodes, "f", *ends, constants), opset_imports=[helper.make_opsetid("", 17)],
                           ir_version=8), model)
    given = drawn.uniform(-1, 1, (20, 3, 6, 6)).astype(np.float32)
    np.save(examples, given)
    np.save(x, given[:1])
    wanted = onnxruntime.InferenceSession(model).run(None, {"x": given[:1]})[0]
    for form in (["e3m4"], ["posit8_0"], ["e4m3", "--int8-activations"]):
        trine("quantize", model, "--inputs", examples, "--out", made, "--format", *form, *DESIGN, "--python", sys.executable)
        trine("run", made, *DESIGN, "--input", x, "--output", y)
        if np.abs(np.load(y) - wanted).max() > 0.1 * np.abs(wanted).max():
            fail(f"quantize --format {form}: {np.abs(np.load(y) - wanted).max()} from float")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", type=pathlib.Path, required=True)
    parser.add_argument("--networks", type=int, default=200)
    parser.add_argument("--backend", choices=["arch", "rtl"], default="arch")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    with_packages(options.build.resolve(), ROOT / "components/zoo/requirements_onnx.txt", "onnx", "onnxruntime", "numpy")
    import numpy as np
    import onnxruntime

    drawn = np.random.default_rng(options.seed)
    codes = other = 0
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        check_quantized(folder, drawn)
        model, given, taken = folder / "m.onnx", folder / "x.npy", folder / "y.npy"
        for i in range(options.networks):
            constants = network(drawn, model)
            x = drawn.normal(0, 0.7, constants["shape"]).astype(np.float32)
            np.save(given, x)
            trine("run", model, *DESIGN, "--backend", options.backend, "--input", given, "--output", taken)
            wanted, found = exact(constants, x), np.load(taken)
            if wanted.shape != found.shape or (wanted != found).any():
                fail(f"network {i} of seed {options.seed}: {(wanted != found).sum()} of {wanted.size} codes differ")
            theirs = onnxruntime.InferenceSession(model).run(None, {"x": x})[0]
            if abs(theirs - found).max() > constants["y_scale"]:
                fail(f"network {i} of seed {options.seed}: ONNX Runtime's codes are more than 1 apart")
            codes, other = codes + wanted.size, other + int((theirs != found).sum())
    if other > codes / 200:
        fail(f"{other} of {codes} codes are not ONNX Runtime's")
    print(f"{options.networks} networks, {codes} codes exact on {options.backend}; {other} are not those of ONNX Runtime's float sums")


if __name__ == "__main__":
    main()
