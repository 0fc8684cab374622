#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Cycles of whole networks: against the design's bound, Ethos-U, and the architecture simulator.

usage: networks.py [--backend rtl|arch] [--layers] [--network NAME]... [CONFIG]...    (edge256 edge1024)
Models come from $TRINE_SHARED (../shared), with their recorded vectors; without it, only lenet_mnist.
Each run must be bit-exact, else the benchmark ends. --layers adds a table for each run.
"""
import argparse

import common

# The bound of the design notes and the peer's estimate (Vela 5.2.0), in cycles, by MACs per cycle.
# Peers: Ethos-U55-32..256 and U85-1024, compute only.
FIGURES = {
    "pretrainedResnet_quant": ({256: 49_800, 1024: 12_800}, {
        32: 704_576, 64: 357_367, 128: 185_542, 256: 107_389, 1024: 33_639}),
    "ad01_int8": ({256: 34_000, 1024: 17_000}, {32: 41_555, 64: 41_565, 128: 41_404, 256: 41_404}),
    "mnist_resnet_q": ({}, {}),
    "lenet_mnist": ({}, {}),
}


def paths(name):
    if name == "lenet_mnist":
        return common.ROOT / "models" / f"{name}.tflite", common.ROOT / "models" / name / "vectors"
    return common.SHARED / "models" / f"{name}.tflite", common.SHARED / "golden" / name


def verify(name, config, backend):
    model, vectors = paths(name)
    return common.trine("verify", "--config", config, model, "--vectors", vectors,
                        "--backend", backend)


def ratio(cycles, figure):
    return f"{figure:,} ({cycles / figure:.2f}x)" if figure else "-"


def total_row(name, config, run, predicted):
    bound, peer = (figures.get(run["peak_macs_per_cycle"]) for figures in FIGURES[name])
    error = 100 * (predicted["cycles"] - run["cycles"]) / run["cycles"]
    return [name, config, f"{run['vectors_exact']}/{run['vectors']}", run["cycles"],
            f"{100 * run['utilization']:.1f} %", ratio(run["cycles"], bound),
            ratio(run["cycles"], peer), f"{error:+.2f} %"]


def cause_row(name, config, run):
    return [name, config, *(common.percent(n, run["cycles"]) for n in run["causes"].values())]


def print_layers(name, config, run, predicted):
    print(f"**{name} on {config}**\n")
    rows = [[layer["name"].split(";")[0], layer["op"], layer["macs"], layer["cycles"],
             other["cycles"], f"{100 * layer['utilization']:.1f} %", layer["bound"]]
            for layer, other in zip(run["layers"], predicted["layers"])]
    common.table(["layer", "operator", "MACs", "cycles", "predicted", "utilization", "bound"], rows)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("configs", nargs="*", default=["edge256", "edge1024"])
    parser.add_argument("--backend", choices=["rtl", "arch"], default="rtl")
    parser.add_argument("--layers", action="store_true")
    parser.add_argument("--network", action="append", choices=list(FIGURES), help="only this one")
    options = parser.parse_args()
    runs = []
    for config in options.configs:
        for name in options.network or FIGURES:
            if paths(name)[0].exists():
                runs.append((name, config, verify(name, config, options.backend),
                             verify(name, config, "arch")))
    common.table(["network", "configuration", "exact", "cycles", "utilization", "bound", "Ethos-U",
                  "arch error"], [total_row(*run) for run in runs])
    common.table(["network", "configuration", *runs[0][2]["causes"]],
                 [cause_row(*run[:3]) for run in runs])
    if options.layers:
        for run in runs:
            print_layers(*run)
    print(f"backend {options.backend}; {common.versions()}")


if __name__ == "__main__":
    main()
