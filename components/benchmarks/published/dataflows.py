#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Compares dataflows on the same layers: accesses of each level, and their energy.

usage: dataflows.py [--grid ROWS COLS] [--buffer KIB] [--adc X] [--layers] [--check] [TABLE]...
                    (16 16, 256; alexnet resnet50 mobilenet)
TABLE is a network of components/zoo/shapes.py; its products are counted one by one, at batch 1. --layers: each of them.
--adc: the cost of a conversion in in-memory computing, in MACs. --check: exit code 1 if the steps of the output
stationary array differ from those of `trine estimate` for `edge1024`, or if a count is below the layer's minimum.
docs/decisions/037-dataflows.md describes the mapping of each flow.
"""
import argparse
import collections
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
import common  # noqa: E402

sys.path.insert(0, str(common.ROOT / "components" / "zoo"))
import shapes  # noqa: E402

Layer = collections.namedtuple("Layer", "name M C R S P Q inputs groups times")
Counts = collections.namedtuple("Counts", "mac rf array buffer dram cells adc steps", defaults=(0,) * 8)

# Energy of an access relative to that of a MAC: Chen et al., ISCA 2016, table 4 (16 bits, 65 nm, measured).
COST = Counts(mac=1, rf=1, array=2, buffer=6, dram=200, cells=0.1)
# A PE of a row-stationary array, from Chen et al., JSSC 2017: words of weights, activations, partial sums.
RF_WEIGHTS, RF_INPUTS, RF_SUMS = 224, 12, 24
HALVED = {"conv2_3/2", "conv3_4/2", "conv4_6/2"}  # of ResNet-50: a stride of 2 reads a fourth, so no more is computed
LANES = 4  # int8 products of a PE of ours in a step, of neighbouring channels


def up(a, b):
    return -(-a // b)


def layers_of(name):
    """Yields the products of a table, with their outputs' extents."""
    made = shapes.NETWORKS[name]()
    for layer in made.layers:
        if layer.macs:
            (filters, axis, *_), x, y = layer.parameters, layer.inputs[0].shape, layer.output.shape
            depthwise = axis == 3
            R, S = filters[1:3] if len(filters) == 4 else (1, 1)
            C = 1 if depthwise else filters[3] if len(filters) == 4 else filters[1]
            channels = x[-1] if len(filters) == 4 else C
            pixels = x[1] * x[2] if len(filters) == 4 else 1
            P, Q = (y[1], y[2]) if len(y) == 4 else (1, 1)
            groups = channels // C
            yield Layer(layer.name, y[-1] // groups, C, R, S, P, Q, pixels * C, groups, groups)


def moved(layer, buffer_bytes):
    """Returns bytes from and to DRAM: each map and weight once; if neither fits into half of the buffer, the cheaper
    of the two is read again."""
    weights, outputs = layer.M * layer.C * layer.R * layer.S, layer.M * layer.P * layer.Q
    half = buffer_bytes // 2
    if weights <= half or layer.inputs <= half:
        return weights + layer.inputs + outputs
    return outputs + min(weights + layer.inputs * up(weights, half), layer.inputs + weights * up(layer.inputs, half))


def output_stationary(layer, rows, cols, buffer_bytes):
    """Maps pixels down, filters across; a sum stays in its PE until it is complete."""
    K, pixels = layer.C * layer.R * layer.S, layer.P * layer.Q
    inputs = up(layer.M, cols) * pixels * K  # each further column of filters reads them again
    weights = up(pixels, rows) * layer.M * K
    macs = layer.M * pixels * K
    steps = up(layer.M, cols) * up(pixels, rows) * up(layer.C, LANES) * layer.R * layer.S
    return Counts(macs, 2 * macs, 2 * macs, inputs + weights + layer.M * pixels, moved(layer, buffer_bytes),
                  steps=steps)


def ours(layer, rows, cols, buffer_bytes):
    """Does the same with PEs that add four products before the sum."""
    counts = output_stationary(layer, rows, cols, buffer_bytes)
    return counts._replace(rf=2 * counts.mac * up(layer.C, LANES) // layer.C)


def weight_stationary(layer, rows, cols, buffer_bytes):
    """Maps the reduction down, filters across; weights stay, sums move down the columns and wait in the buffer."""
    K, pixels = layer.C * layer.R * layer.S, layer.P * layer.Q
    macs, tiles = layer.M * pixels * K, up(K, rows)
    inputs = up(layer.M, cols) * pixels * K
    sums = layer.M * pixels * (2 * tiles - 1)
    return Counts(macs, macs, 2 * macs, inputs + layer.M * K + sums, moved(layer, buffer_bytes),
                  steps=tiles * up(layer.M, cols) * pixels)


def row_stationary(layer, rows, cols, buffer_bytes):
    """Maps a filter row and a row of pixels to a PE, output rows across, filter rows down."""
    K, pixels = layer.C * layer.R * layer.S, layer.P * layer.Q
    macs = layer.M * pixels * K
    taps = min(layer.S, RF_INPUTS)
    channels = min(layer.C, max(1, RF_INPUTS // taps))          # in a PE
    filters = min(layer.M, RF_SUMS, max(1, RF_WEIGHTS // (channels * taps)))
    sets = max(1, rows // layer.R)                               # stacked sets, for different channels
    joined = min(layer.C, channels * sets)
    strips = up(layer.P, cols)
    weights = strips * layer.M * K
    inputs = up(layer.M, filters) * layer.inputs
    sums = layer.M * pixels * (2 * up(layer.C, joined) - 1)
    array = macs // layer.S + weights * min(cols, layer.P) + inputs * min(layer.R, rows)
    return Counts(macs, 4 * macs, array, weights + inputs + sums, moved(layer, buffer_bytes),
                  steps=up(layer.M, filters) * up(layer.C, joined) * strips * layer.Q * filters * channels * layer.S)


def no_local_reuse(layer, rows, cols, buffer_bytes):
    """Maps the reduction down into an adder tree, filters across; nothing stays in a PE."""
    K, pixels = layer.C * layer.R * layer.S, layer.P * layer.Q
    macs, tiles = layer.M * pixels * K, up(K, rows)
    inputs = up(layer.M, cols) * pixels * K
    sums = layer.M * pixels * (2 * tiles - 1)
    return Counts(macs, 0, 2 * macs, inputs + macs + sums, moved(layer, buffer_bytes),
                  steps=tiles * up(layer.M, cols) * pixels)


def in_memory(layer, rows, cols, buffer_bytes):
    """Maps weights to the cells of a memory: 8 x `rows` of them add on a bit line, with an ADC for each sum."""
    K, pixels = layer.C * layer.R * layer.S, layer.P * layer.Q
    macs, tiles = layer.M * pixels * K, up(K, 8 * rows)
    inputs = up(layer.M, 8 * cols) * pixels * K
    sums = layer.M * pixels * (2 * tiles - 1)
    return Counts(0, 0, inputs, inputs + layer.M * K + sums, moved(layer, buffer_bytes), cells=macs,
                  adc=tiles * layer.M * pixels, steps=tiles * up(layer.M, 8 * cols) * pixels)


FLOWS = {"output stationary": output_stationary, "and 4 products a PE (ours)": ours, "weight stationary": weight_stationary,
         "row stationary": row_stationary, "no local reuse": no_local_reuse, "computing in memory": in_memory}


def counted(flow, layers, grid, buffer_bytes):
    return Counts(*(sum(column) for column in zip(*(
        [x * layer.times for x in FLOWS[flow](layer, *grid, buffer_bytes)] for layer in layers))))


def energy(counts, adc):
    """Returns the energy in MACs, by level."""
    return {level: getattr(counts, level) * cost for level, cost in COST._replace(adc=adc)._asdict().items()
            if level != "steps"}


def rows_of(layers, grid, buffer_bytes, adc):
    for flow in FLOWS:
        counts = counted(flow, layers, grid, buffer_bytes)
        macs = max(counts.mac, counts.cells)
        parts = energy(counts, adc)
        yield [flow, *(f"{getattr(counts, level) / macs:.3f}" for level in ("rf", "array", "buffer", "dram")),
               *(f"{parts[level] / macs:.2f}" for level in ("mac", "rf", "array", "buffer", "dram")),
               f"{(parts['cells'] + parts['adc']) / macs:.2f}", f"{sum(parts.values()) / macs:.2f}"]


HEAD = ["dataflow", "RF", "array", "buffer", "DRAM", "MAC, energy", "RF", "array", "buffer", "DRAM", "cells, ADC",
        "all, MACs"]


def check(grid, buffer_bytes):
    """Compares the steps with the plan's; each level must provide at least its minimum."""
    wrong = []
    with_steps = common.trine("estimate", "--config", "edge1024", common.ROOT / "models/shapes/resnet50.csv")
    found = {row["name"]: row for row in with_steps["layers"]}
    compared = 0
    for layer in layers_of("resnet50"):
        row = found.get(layer.name)
        if not row or layer.R != 3 or row["bound"] != "compute" or layer.name in HALVED:
            continue
        steps = output_stationary(layer, *grid, buffer_bytes).steps
        compared += 1
        if not 0.98 * steps <= row["cycles"] <= 1.25 * steps:
            wrong.append(f"{layer.name}: {steps:,} steps, trine estimate has {row['cycles']:,} cycles")
    if compared < 12:
        wrong.append(f"{compared} layers to compare, expected 12 or more")
    small = Layer("", M=2, C=1, R=3, S=3, P=2, Q=2, inputs=16, groups=1, times=1)
    by_hand = {"output stationary": 36 + 36 + 8, "weight stationary": 36 + 18 + 72, "no local reuse": 36 + 72 + 72,
               "row stationary": 18 + 16 + 8}
    for flow, expected in by_hand.items():
        if (found := FLOWS[flow](small, 2, 2, 1024).buffer) != expected:
            wrong.append(f"{flow}: {found} accesses of the buffer, by hand {expected}")
    for name in ("alexnet", "resnet50", "mobilenet"):
        for layer in layers_of(name):
            least = layer.M * layer.C * layer.R * layer.S + layer.inputs + layer.M * layer.P * layer.Q
            macs = layer.M * layer.P * layer.Q * layer.C * layer.R * layer.S
            for flow, counts in ((flow, FLOWS[flow](layer, *grid, buffer_bytes)) for flow in FLOWS):
                if counts.dram < least or max(counts.mac, counts.cells) != macs:
                    wrong.append(f"{name}, {layer.name}, {flow}: {counts}")
    return wrong + others()


def others():
    """Returns differences to the counts of `trine estimate --dataflow`."""
    wrong, buffer_bytes = [], 384 * 1024  # of edge1024: both memories
    for name in ("alexnet", "resnet50", "mobilenet"):
        for flow, here in (("output", "and 4 products a PE (ours)"), ("weight", "weight stationary"), ("row", "row stationary")):
            report = common.trine("estimate", "--config", "edge1024", common.ROOT / f"models/shapes/{name}.csv",
                                  "--dataflow", flow)
            # DRAM is counted by a plan there, by a formula here.
            found = report["energy_macs"][flow] - COST.dram * report["dram_bytes"] / sum(
                layer["times"] * layer["macs"] for layer in report["layers"])
            counts = counted(here, list(layers_of(name)), (16, 16), buffer_bytes)._replace(dram=0)
            expected = sum(energy(counts, 0).values()) / counts.mac
            if abs(found / expected - 1) > 0.005:
                wrong.append(f"{name}, {flow}: {found:.3f} MACs a MAC by trine estimate, {expected:.3f} here")
    return wrong


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("tables", nargs="*", default=["alexnet", "resnet50", "mobilenet"])
    parser.add_argument("--grid", nargs=2, type=int, default=[16, 16])
    parser.add_argument("--buffer", type=int, default=256)
    parser.add_argument("--adc", type=float, default=10)
    parser.add_argument("--layers", action="store_true")
    parser.add_argument("--check", action="store_true")
    options = parser.parse_args()
    grid, buffer_bytes = options.grid, 1024 * options.buffer
    if options.check:
        wrong = check(grid, buffer_bytes)
        print("\n".join(wrong))
        return 1 if wrong else 0
    for name in options.tables:
        layers = list(layers_of(name))
        for part, chosen in ([(layer.name, [layer]) for layer in layers] if options.layers else
                             [("convolutions", [x for x in layers if x.P * x.Q > 1]),
                              ("fully connected", [x for x in layers if x.P * x.Q == 1])]):
            print(f"{name}, {part}:\n")
            common.table(HEAD, list(rows_of(chosen, grid, buffer_bytes, options.adc)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
