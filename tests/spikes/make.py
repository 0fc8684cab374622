#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes the small networks of this folder and snntorch's results, and vectors of models/spikes (README.md)."""
import argparse
import hashlib
import importlib.metadata
import pathlib
import subprocess
import sys

import nir
import numpy as np

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
sys.path.insert(0, str(ROOT / "components" / "zoo"))
import vectors  # noqa: E402
from oracle import Network  # noqa: E402

STEPS, SEED = 10, 5


def affine(rng, n, m, size=1.6):
    return nir.Affine(rng.normal(0, size / np.sqrt(n), (m, n)).astype(np.float32), rng.normal(0.05, 0.1, m).astype(np.float32))


def lif(tau, *shape):
    ones = np.ones(shape)
    return nir.LIF(tau=ones * tau, r=ones * tau * 1e4, v_leak=0.02 * ones, v_threshold=np.linspace(0.5, 2, shape[0]).reshape(
        [-1] + [1] * (len(shape) - 1)) * ones, v_reset=0 * ones)


def chain(**nodes):
    names = list(nodes)
    return nir.NIRGraph(nodes, list(zip(names, names[1:])))


def networks(rng):
    """Yields {name: (graph, settings of components/zoo/spikes.py, maximum of events of an input)}."""
    ends = {"input": nir.Input({"input": np.array([12])}), "output": nir.Output({"output": np.array([6])})}
    flat = {**ends}
    dense = {"input": flat["input"], "fc1": affine(rng, 12, 20), "lif1": lif(1e-3, 20), "fc2": affine(rng, 20, 6),
             "lif2": lif(4e-4, 6), "output": flat["output"]}
    yield "subtract", (chain(**dense), ["--reset", "subtract"], 1)
    yield "zero", (chain(**dense), ["--reset", "zero", "--fires", "at", "--bits", "10"], 3)
    yield "delay", (chain(**dense), ["--reset", "subtract", "--delay", "--bits", "11"], 1)
    weights = rng.normal(0, 0.5, (6, 2, 3, 3)).astype(np.float32)
    pool = [np.array([2, 2]), np.array([2, 2]), np.array([0, 0])]
    ones = np.ones((6, 9, 9))
    yield "conv", (chain(
        input=nir.Input({"input": np.array([2, 9, 9])}), conv=nir.Conv2d((9, 9), weights, 1, 1, 1, 1, rng.normal(0, 0.1, 6)),
        fire=nir.IF(ones, ones, 0 * ones), sums=nir.SumPool2d(*pool), again=nir.Conv2d(
            (4, 4), rng.normal(0, 0.3, (4, 6, 3, 3)).astype(np.float32), np.array([2, 2]), np.array([1, 1]), 1, 1, np.zeros(4)),
        lif=lif(1e-3, 4, 2, 2), mean=nir.AvgPool2d(*pool), flat=nir.Flatten({"input": np.array([4, 1, 1])}, 0, -1),
        fc=nir.Linear(rng.normal(0, 1, (3, 4)).astype(np.float32)),
        read=nir.LI(np.full(3, 5e-4), np.full(3, 2.0), np.full(3, 0.01)), output=nir.Output({"output": np.array([3])})),
        ["--reset", "subtract"], 1)
    n = 10
    ones = np.ones(n)
    cuba = nir.CubaLIF(tau_syn=4e-4 * ones, tau_mem=1e-3 * ones, r=10 * ones, v_leak=0 * ones, v_threshold=ones, v_reset=0 * ones, w_in=4 * ones)
    nodes = {"input": flat["input"], "fc": affine(rng, 12, n), "cuba": cuba, "back": affine(rng, n, n, 0.8),
             "out": affine(rng, n, 6), "read": lif(1e-3, 6), "output": flat["output"]}
    yield "cuba", (nir.NIRGraph(nodes, [("input", "fc"), ("fc", "cuba"), ("cuba", "back"), ("back", "cuba"),
                                        ("cuba", "out"), ("out", "read"), ("read", "output")]), ["--reset", "zero"], 1)


def convert(model, out, *settings):
    subprocess.run([sys.executable, "-B", ROOT / "components/zoo/spikes.py", model, "--out", out, *settings], check=True)


def record(model, folder, inputs):
    """Records vectors of these inputs, each [steps, ...]."""
    network = Network(model)
    name = network.graph.output[0].name
    cases = [({"id": f"case{i}"}, [x.astype(np.float32)], [network.run(x)[name].astype(np.float32)])
             for i, x in enumerate(inputs)]
    head = {"model": model.name, "sha256": hashlib.sha256(model.read_bytes()).hexdigest(),
            "reference": {"package": "snntorch", "version": importlib.metadata.version("snntorch")}}
    vectors.write(folder, head, [{"name": "input"}], [{"name": name}], cases)
    share = float(np.mean([np.mean(c[2][0] != 0) for c in cases]))
    print(f"{folder.name}: {len(cases)} cases, {100 * share:.0f} % of the outputs are no zeros; resets by subtraction: "
          f"{network.whole} layers by snntorch's own, {network.apart} apart")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--keep-models", action="store_true", help="write only the vectors")
    options = parser.parse_args()
    rng = np.random.default_rng(SEED)
    for name, (graph, settings, most) in networks(rng):
        if not options.keep_models:
            nir.write(HERE / f"{name}.nir", graph)
        convert(HERE / f"{name}.nir", HERE / f"{name}.onnx", "--steps", str(STEPS), *settings)
        shape = [STEPS, *graph.nodes["input"].input_type["input"]]
        inputs = [rng.integers(0, most + 1, shape) * (rng.random(shape) < 0.5) for _ in range(4)]
        record(HERE / f"{name}.onnx", HERE / name, inputs)


if __name__ == "__main__":
    main()
