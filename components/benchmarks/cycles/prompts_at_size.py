#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Measures a prompt of 128 tokens, read together, of BitNet-2B-4T's shape, random weights: share of the array's peak, by design.

usage: prompts_at_size.py [--tokens N] [--rtl] [--keep FOLDER] [--check]
One layer of the 30, the norm after the layers and the classifier run; all codes, caches and sums must equal the
golden layers'. The other layers are the same program with other weights, so their cycles equal the first layer's.
With --rtl the first design runs on the RTL (four processor minutes), the others on the architecture simulator. --keep
stores the reports in a folder, and reuses stored ones; --check: exit code 1 below the goal.
"""
import argparse
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
import common  # noqa: E402

SHAPE, LAYERS = "bitnet-2b", 30
GOAL = 0.85  # of the array's peak, first design
DESIGNS = ["edge256 memory.dmem_kib=512 memory.param_channels=4096 bus.axi_data_bits=128",
           "edge1024 memory.dmem_kib=1024 memory.param_channels=4096 bus.axi_data_bits=256", "text1536"]


def report(place, design, backend, options):
    run = common.kept(options.keep, f"{place}_{backend}", lambda: common.trine(
        "generate-text", "--random", f"{SHAPE}:1", "--chunk", options.tokens, *common.design(design), "--backend", backend))
    if not run["exact"]:
        sys.exit(f"{design}: differs from the golden layers")
    return run


def row(place, design, backend, options):
    """@return cells, and the share of the array's peak"""
    run = report(place, design, backend, options)
    layer = run["steps"][0]["cycles"]
    whole = run["cycles"] + (LAYERS - 1) * layer
    # The run of one layer also counts the classifier, for one token.
    macs = LAYERS * run["macs"] - (LAYERS - 1) * run["classifier_macs"]
    config = run["configuration"]
    share = macs / (4 * config["array.rows"] * config["array.cols"] * whole)
    error = f"{100 * (run['predicted_cycles'] / run['cycles'] - 1):+.2f} %" if backend == "rtl" else "-"
    return [design.replace(" ", ", ", 1), backend, layer, whole, f"{options.tokens * 200e6 / whole:.1f}",
            common.percent(share, 1), f"{100 * GOAL:.0f} %" if place == 0 else "-", error], share


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tokens", type=int, default=128)
    parser.add_argument("--rtl", action="store_true")
    parser.add_argument("--keep")
    parser.add_argument("--check", action="store_true")
    options = parser.parse_args()
    rows = [row(i, design, "rtl" if options.rtl and i == 0 else "arch", options) for i, design in enumerate(DESIGNS)]
    common.table(["design", "backend", "cycles of a layer", "of all", "tokens/s at 200 MHz", "of the array's peak", "goal",
                  "arch error"], [cells for cells, _ in rows])
    print(f"{common.versions()}")
    return options.check and rows[0][1] < GOAL


if __name__ == "__main__":
    sys.exit(main())
