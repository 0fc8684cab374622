#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Compares the cycles of whole networks with the design's bound, the goals, Ethos-U and the prediction.

usage: networks.py [--backend rtl|arch] [--layers] [--resnet50] [--network NAME]... [CONFIG]...
                                                                      (edge256 edge1024)
A CONFIG is a preset or file and keys to set: "edge256 post.columns_per_cycle=2". Models come from $TRINE_SHARED
(../shared), with their recorded vectors; without it, only lenet_mnist. Each run must be bit-exact, otherwise the
benchmark ends. --layers adds a table for each run, --resnet50 ResNet-50 of components/zoo/tables.py on edge1024, compared
with the golden reference.
"""
import argparse
import pathlib
import sys
import tempfile

import common

sys.path.insert(0, str(common.ROOT / "components" / "zoo"))
import tables  # noqa: E402

# In cycles, by MACs per cycle: the bound of the design notes, the project's goal, and the estimate for the competing
# design (Vela 5.2.0: Ethos-U55-32..256 and U85-1024, compute only; ResNet-50: NVDLA's cycles).
FIGURES = {
    "pretrainedResnet_quant": {
        "bound": {256: 49_800, 1024: 12_800},
        "goal": {32: 415_000, 256: 54_000, 1024: 14_500},
        "peer": {32: 704_576, 64: 357_367, 128: 185_542, 256: 107_389, 1024: 33_639}},
    "kws_ref_model": {
        "bound": {256: 12_400, 1024: 4_200},
        "goal": {32: 98_000, 256: 15_000, 1024: 5_500},
        "peer": {32: 264_239, 64: 137_709, 128: 87_678, 256: 56_222, 1024: 21_010}},
    "vww_96_int8": {
        "bound": {256: 41_500, 1024: 15_400},
        "goal": {32: 285_000, 256: 46_000, 1024: 18_500},
        "peer": {32: 698_728, 64: 355_816, 128: 210_256, 256: 146_940, 1024: 56_687}},
    "ad01_int8": {
        "bound": {256: 34_000, 1024: 17_000},
        "goal": {256: 35_000, 1024: 18_000},
        "peer": {32: 41_362, 64: 41_090, 128: 40_929, 256: 40_929}},
    "person_detect_qdim0": {
        "peer": {32: 698_353, 64: 355_441, 128: 203_959, 256: 138_830}},
    "micro_speech_quantized": {},
    "str_ww_ref_model": {},
    "mnist_resnet_q": {},
    "lenet_mnist": {},
}
RESNET50 = {"bound": {1024: 4_230_000}, "goal": {1024: 4_600_000}, "peer": {1024: 6_540_000}}


def paths(name):
    if name == "lenet_mnist":
        return common.ROOT / "models" / f"{name}.tflite", common.ROOT / "models" / name / "vectors"
    return common.SHARED / "models" / f"{name}.tflite", common.SHARED / "golden" / name


def verify(name, config, backend):
    model, vectors = paths(name)
    return common.trine("verify", *common.design(config), model, "--vectors", vectors,
                        "--backend", backend)


def resnet50(backend):
    """Returns the run and its prediction."""
    with tempfile.TemporaryDirectory() as folder:
        model = pathlib.Path(folder) / "resnet50.tflite"
        tables.write("resnet50", model)
        return [common.trine("run", "--config", "edge1024", model, "--backend", backend)
                for backend in (backend, "arch")]


def ratio(cycles, figure):
    return f"{figure:,} ({cycles / figure:.2f}x)" if figure else "-"


def total_row(name, config, run, predicted):
    figures = RESNET50 if name == "resnet50" else FIGURES[name]
    bound, goal, peer = (figures.get(figure, {}).get(run["peak_macs_per_cycle"])
                         for figure in ("bound", "goal", "peer"))
    error = 100 * (predicted["cycles"] - run["cycles"]) / run["cycles"]
    return [name, config, f"{run['vectors_exact']}/{run['vectors']}", run["cycles"],
            f"{100 * run['utilization']:.1f} %", ratio(run["cycles"], bound),
            ratio(run["cycles"], goal), ratio(run["cycles"], peer), f"{error:+.2f} %"]


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
    parser.add_argument("--resnet50", action="store_true")
    parser.add_argument("--network", action="append", choices=list(FIGURES), help="run only this network; repeatable")
    options = parser.parse_args()
    runs = []
    for config in options.configs:
        for name in options.network or FIGURES:
            if paths(name)[0].exists():
                runs.append((name, config, verify(name, config, options.backend),
                             verify(name, config, "arch")))
    if options.resnet50:
        runs.append(("resnet50", "edge1024", *resnet50(options.backend)))
    common.table(["network", "configuration", "exact", "cycles", "utilization", "bound", "goal",
                  "Ethos-U", "arch error"], [total_row(*run) for run in runs])
    common.table(["network", "configuration", *runs[0][2]["causes"]],
                 [cause_row(*run[:3]) for run in runs])
    if options.layers:
        for run in runs:
            print_layers(*run)
    print(f"backend {options.backend}; {common.versions()}")


if __name__ == "__main__":
    main()
