#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Products with weights of four bits and a scale for each group of input channels: cycles of array.groups, goals, codes.

usage: groups.py [--backend rtl|arch] [--agree] [--check]
1,024 by 1,024 channels of random weights and scales, one row and 64, a scale for each channel and for groups of 128, 64
and 32 (MatMul behind DequantizeLinear: onnx). Each run must be bit-exact, else the benchmark ends. --agree: how many
codes of 64 rows are ONNX Runtime's (onnxruntime), how far the others are off, and the ratio of signal to noise of both
to float32. --check: exit code 1 if a goal is missed.
"""
import argparse
import pathlib
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
import common  # noqa: E402

DESIGN = "edge256 array.weights4=true array.groups=true"
CHANNELS = 1024
GOALS = {(1, 32): 78_000, (64, 32): 270_000}
SCALES = (0.03, 3), (0.05, 0)  # and zero points of what goes in and out


def network(path, rows, block):
    """@return its weights in float32"""
    import numpy as np
    import onnx
    from onnx import TensorProto, helper, numpy_helper
    rng = np.random.default_rng(0)
    nodes, constants = [], []

    def constant(name, values):
        constants.append(numpy_helper.from_array(values, name))
        return name

    def quantized(name, scale, zero_point):
        ends = [constant(f"{name}_scale", np.float32(scale)), constant(f"{name}_zero", np.int8(zero_point))]
        nodes.append(helper.make_node("QuantizeLinear", [name, *ends], [f"{name}_codes"]))
        nodes.append(helper.make_node("DequantizeLinear", [f"{name}_codes", *ends], [f"{name}_value"]))
        return f"{name}_value"

    x = quantized("x", *SCALES[0])
    codes = rng.integers(-8, 8, (CHANNELS, CHANNELS))
    flat = codes.astype(np.uint8).ravel() & 15
    constants.append(helper.make_tensor("codes", TensorProto.INT4, codes.shape, (flat[::2] | flat[1::2] << 4).tobytes(),
                                        raw=True))
    scales = rng.uniform(0.002, 0.02, (CHANNELS // block if block else 1, CHANNELS)).astype(np.float32)
    form = {"axis": 0, "block_size": block} if block else {"axis": 1}
    scale = constant("scales", scales if block else scales[0])
    nodes.append(helper.make_node("DequantizeLinear", ["codes", scale], ["weights"], **form))
    nodes.append(helper.make_node("MatMul", [x, "weights"], ["y"]))
    out = quantized("y", *SCALES[1])
    ends = [helper.make_tensor_value_info(name, TensorProto.FLOAT, (rows, CHANNELS)) for name in ("x", out)]
    graph = helper.make_graph(nodes, "groups", ends[:1], ends[1:], constants)
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)], ir_version=10), path)
    return codes * np.repeat(scales, block or CHANNELS, axis=0)


def agreement(folder, block):
    """Codes of 64 rows by ONNX Runtime and by the golden layers, and both beside float32."""
    import numpy as np
    import onnxruntime
    model, given, made = (folder / name for name in ("agree.onnx", "in.npy", "out.npy"))
    weights = network(model, 64, block)
    x = np.random.default_rng(1).standard_normal((64, CHANNELS)).astype(np.float32)
    np.save(given, x)
    common.trine("run", *common.design(DESIGN), "--backend", "arch", model, "--input", given, "--output", made)
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    session = onnxruntime.InferenceSession(str(model), options, providers=["CPUExecutionProvider"])
    wanted, ours = session.run(None, {"x": x})[0], np.load(made).reshape(64, CHANNELS)
    off = np.rint(np.abs(wanted - ours) / SCALES[1][0]).astype(int)
    exact = x.astype(float) @ weights
    noise = [10 * np.log10((exact ** 2).mean() / ((exact - y) ** 2).mean()) for y in (wanted, ours)]
    return [block or "-", int((off > 0).sum()), off.size, int(off.max()), *(f"{n:.2f}" for n in noise)]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--backend", choices=["rtl", "arch"], default="rtl")
    parser.add_argument("--agree", action="store_true")
    parser.add_argument("--check", action="store_true")
    options = parser.parse_args()
    missed = False
    with tempfile.TemporaryDirectory() as folder:
        folder, printed = pathlib.Path(folder), []
        for rows, block in [(rows, block) for rows in (1, 64) for block in (0, 128, 64, 32)]:
            model = folder / f"rows{rows}_{block}.onnx"
            network(model, rows, block)
            count = common.trine("run", *common.design(DESIGN), "--backend", options.backend, model)["cycles"]
            goal = GOALS.get((rows, block))
            missed = missed or (goal is not None and count > goal)
            printed.append([rows, block or "-", count, goal or "-", "-" if goal is None else "yes" if count <= goal else "no"])
        common.table(["rows", "group", "cycles", "goal", "met"], printed)
        if options.agree:
            common.table(["group", "codes off", "of", "by at most", "ONNX Runtime, dB", "golden, dB"],
                         [agreement(folder, block) for block in (0, 128, 64, 32)])
    return options.check and missed


if __name__ == "__main__":
    sys.exit(main())
