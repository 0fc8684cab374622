#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs random exported networks (trine fuzz --onnx) in ONNX Runtime: the only check of them that is independent of the importer.

usage: exported.py --build DIR [--networks N] [--seed S]     exit code 77 without PyPI

The golden layers and ONNX Runtime compute different codes near ties, and such differences propagate. A network is
*far* if more than one output in ten differs by more than a twentieth of their span: few networks are, and none has
outputs of another shape. Networks that ONNX Runtime refuses (functions that are younger than the file's opset,
dilations of ConvTranspose) are counted.
"""
import argparse
import collections
import pathlib
import shutil
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
import harness  # noqa: E402

MOST_FAR, MOST_REFUSED = 0.015, 0.15  # of all networks


def result(runtime, path):
    """Returns the distance of the golden outputs from ONNX Runtime's."""
    import numpy as np
    given, golden = (np.load(path.with_suffix(end)) for end in (".x.npy", ".y.npy"))
    options = runtime.SessionOptions()
    options.graph_optimization_level = runtime.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.intra_op_num_threads = 1
    try:
        session = runtime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
        expected = session.run(None, {"in": given})[0]
    except Exception:  # ONNX Runtime has its own exception types
        return "refused by ONNX Runtime"
    if expected.shape != golden.shape:
        return f"{path.name}: shape {list(golden.shape)}, ONNX Runtime's {list(expected.shape)}"
    shift = 128 if expected.dtype == np.uint8 and golden.dtype == np.int8 else 0
    expected, golden = expected.astype(np.float64) - shift, golden.astype(np.float64)
    off = np.abs(golden - expected)
    span = max(np.ptp(expected), np.abs(expected).max(), 1e-6)
    return "the same" if not off.any() else "far" if (off > span / 20).mean() > 0.1 else "near"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", type=pathlib.Path, required=True, metavar="DIR")
    parser.add_argument("--networks", type=int, default=1000, metavar="N")
    parser.add_argument("--seed", type=int, default=1, metavar="S")
    args = parser.parse_args()
    harness.with_packages(args.build, pathlib.Path(__file__).resolve().parent / "requirements.txt", "onnx", "onnxruntime")
    import onnxruntime
    onnxruntime.set_default_logger_severity(4)
    folder = args.build / "exported"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    harness.trine("fuzz", "--onnx", folder, "--pairs", args.networks, "--seed", args.seed)
    files = sorted(folder.glob("*.onnx"), key=lambda path: int(path.stem))
    counts = collections.Counter(result(onnxruntime, path) for path in files)
    for what, count in counts.most_common():
        print(f"{count:6} {what}")
    if len(files) != args.networks or any("shape" in what for what in counts):
        harness.fail("networks are missing, or their outputs have other shapes")
    if counts["far"] > MOST_FAR * len(files) or counts["refused by ONNX Runtime"] > MOST_REFUSED * len(files):
        harness.fail("too many are far from ONNX Runtime's outputs, or not compared")


if __name__ == "__main__":
    main()
