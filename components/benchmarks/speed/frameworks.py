#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Measures the time that ONNX Runtime's provider or LiteRT's delegate adds to the simulator's.

usage: frameworks.py --plugins DIR [--runs N]
DIR contains libtrine_ort.so and libtrine_delegate.so (build/release/components/plugins). Needs onnxruntime, ai-edge-litert or
both, in versions that the plug-ins support. Seconds are wall time, the least of seven measurements of N runs; the
simulator's seconds are those that the plug-ins report for the same runs: it is the runner of `trine run --backend
arch`.
"""
import argparse
import importlib.util
import json
import pathlib
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
import common  # noqa: E402

sys.path.insert(0, str(common.ROOT / "components" / "plugins" / "tests"))
TIMES = 7
NETWORKS = {"onnx_runtime": ["tests/torch/resnet.onnx", "tests/torch/unet.onnx", "tests/torch/mobilenet_v2.onnx"],
            "litert": ["models/lenet_mnist.tflite", "tests/litert/resnet.tflite", "tests/networks/mobilenet.tflite"]}
NEEDS = {"onnx_runtime": ("onnxruntime", "libtrine_ort.so"), "litert": ("ai_edge_litert", "libtrine_delegate.so")}


def measure(checks, model, runs):
    """Returns the seconds of a run, and of the simulator in it."""
    run = checks.session(model)
    start = time.perf_counter()
    for _ in range(runs):
        run()
    seconds = (time.perf_counter() - start) / runs
    del run  # writes the report
    part, = json.loads(checks.report.read_text())["parts"]
    return seconds, part["sim_seconds"] / part["runs"]


def rows(name, plugins, scratch, runs):
    package, library = NEEDS[name]
    if importlib.util.find_spec(package) is None:
        return
    checks = importlib.import_module(name).Checks(plugins.resolve() / library, scratch)
    if name == "onnx_runtime":
        checks.register()
    for network in NETWORKS[name]:
        found = [measure(checks, common.ROOT / network, runs) for _ in range(TIMES)]
        seconds, simulator = min(found, key=lambda pair: pair[0] - pair[1])
        yield [name, pathlib.Path(network).name, f"{seconds * 1e3:.3f}", f"{simulator * 1e3:.3f}",
               f"{100 * (seconds / simulator - 1):.1f} %"]


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--plugins", type=pathlib.Path, required=True)
    parser.add_argument("--runs", type=int, default=50)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        table = [row for name in NETWORKS for row in rows(name, options.plugins, pathlib.Path(folder), options.runs)]
    common.table(["framework", "network", "ms a run", "ms in the simulator", "beyond it"], table)
    print(common.versions())


if __name__ == "__main__":
    main()
