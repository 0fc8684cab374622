#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Measures products with weights of four bits and a scale for each group of input channels: cycles of array.groups, goals, codes.

usage: groups.py [--backend rtl|arch] [--agree] [--check]
1,024 by 1,024 channels with random weights and scales, one row and 64, a scale for each channel and for groups of
128, 64 and 32 (MatMul after DequantizeLinear, by tests/onnx/make_groups.py: onnx). Each run must be bit-exact,
otherwise the benchmark ends. --agree: how many codes of 64 rows equal ONNX Runtime's (onnxruntime), the distance of
the others, and the signal-to-noise ratio of both to float32. --check: exit code 1 if a goal is missed.
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
SCALES = (0.03, 3), (0.05, 0)  # scales and zero points of input and output


def network(path, rows, block):
    """@return the network's weights in float32"""
    sys.path.insert(0, str(common.ROOT / "tests" / "onnx"))
    import make_groups
    net = make_groups.Network(0, 0.02)
    x = net.quantized("x", *SCALES[0])
    weights = net.blocks("weights", (CHANNELS, CHANNELS), 0, block)
    net.node("MatMul", [x, "weights"], "y")
    net.save(path, net.quantized("y", *SCALES[1]), rows, (CHANNELS, CHANNELS))
    return weights


def agreement(folder, block):
    """Compares the codes of 64 rows by ONNX Runtime and by the golden layers, and both with float32."""
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
