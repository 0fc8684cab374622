#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Compares spiking networks with their int8 equivalents: cycles, energy, spikes, products of nonzero codes, correct answers.

usage: spikes.py [--backend arch|rtl] [--images N] [--python P] [DESIGN]...
Digits are 8 steps of the held-back images' events; answers are counted over N of them (arch). `cuba` has random
events. Each run must be exact; otherwise the benchmark ends. P contains h5py (trine nir's own environment).
"""
import argparse
import pathlib
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
import common  # noqa: E402

common.help_of(__doc__)
import numpy as np  # noqa: E402

DIGITS, STEPS = common.ROOT / "models/mnist_held_back", 8
NETWORKS = {"conv": (common.ROOT / "models/spikes/conv.nir", STEPS, "1e-3", "subtract"),
            "mlp": (common.ROOT / "models/spikes/mlp.nir", STEPS, "1e-3", "zero"),
            "cuba": (common.ROOT / "tests/spikes/cuba.nir", 16, "1e-4", "zero")}


def events(name, count):
    if name == "cuba":
        return (np.random.default_rng(3).random((count, 16, 12)) < 0.25).astype(np.float32)
    images = np.load(DIGITS / "x.npy").reshape(-1, 1, 28, 28)[:count]
    stack = np.repeat((images > 127).astype(np.float32)[:, None], STEPS, axis=1)
    return stack if name == "conv" else stack.reshape(count, STEPS, 784)


def answers(model, design, stack, folder):
    """Returns the share of correct answers in percent."""
    np.save(folder / "stream.npy", stack)
    common.trine("run", *common.design(design), model, "--backend", "arch", "--stream", folder / "stream.npy", "--output",
                 folder / "out.npy")
    counts = np.load(folder / "out.npy").reshape(len(stack), STEPS, 10).sum(axis=1)
    return 100 * float((counts.argmax(axis=1) == np.load(DIGITS / "y.npy").reshape(-1)[:len(stack)]).mean())


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--backend", choices=["arch", "rtl"], default="arch")
    parser.add_argument("--images", type=int, default=1000)
    parser.add_argument("--python", help="Python interpreter with h5py")
    parser.add_argument("designs", nargs="*", default=["edge64", "edge256"], metavar="DESIGN")
    options = parser.parse_args()
    python = ["--python", options.python] if options.python else []
    rows = []
    with tempfile.TemporaryDirectory() as scratch:
        folder = pathlib.Path(scratch)
        for name, (nir, steps, dt, reset) in NETWORKS.items():
            model = folder / f"{name}.onnx"
            common.trine("nir", nir, "--steps", steps, "--dt", dt, "--reset", reset, "--out", model, *python)
            stack = events(name, options.images if name != "cuba" else 1)
            right = "" if name == "cuba" else f"{answers(model, options.designs[0] + ' array.activations16=true', stack, folder):.1f} %"
            np.save(folder / "x.npy", stack[0])
            for config in options.designs:
                design = common.design(config + " array.activations16=true")
                run = common.trine("run", *design, model, "--backend", options.backend, "--input", folder / "x.npy")
                s, dense = run["spiking"], run["spiking"]["int8"]
                rows.append([name, config, run["cycles"], f"{s['spikes'] / (s['steps'] * s['neurons']) * 100:.1f} %",
                             f"{s['operations'] / s['macs'] * 100:.1f} %", f"{run['energy_pj'] / 1e6:.2f}",
                             int(dense["cycles"]), f"{dense['energy_pj'] / 1e6:.2f}", f"{run['cycles'] / dense['cycles']:.1f}",
                             f"{run['energy_pj'] / dense['energy_pj']:.1f}", f"{100 * dense['pays_below']:.1f} %", right])
    common.table(["network", "design", "cycles", "spikes", "products not 0", "uJ", "int8: cycles", "int8: uJ",
                  "cycles, times", "energy, times", "would pay below", "right answers"], rows)


if __name__ == "__main__":
    main()
