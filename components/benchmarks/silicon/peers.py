#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Compares the area of other generators' arrays with ours: their Verilog through our flow, with our cell library.

usage: peers.py NAME=PATH... [--config C]     NAME: gemmini, tile
PATH is a file or folder of Verilog that you fetched; nothing of it comes with Trine. gemmini: the mesh of
VLSIDA/HighTide, designs/src/gemmini/gemmini.v (1,024 MACs of int8, weight stationary, sums of 20 bits that pass through the
mesh); tile: one tile of it (2 x 2 MACs). Ours: the array of C (edge1024) with int8 only, PEs with accumulators of 32 bits
and what feeds them, and one PE of it. Both are mapped for area and timed without wires.
"""
import argparse
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
import common  # noqa: E402

PEERS = {"gemmini": ("gemmini", 1024, "mesh, 16 x 16 tiles"), "tile": ("Tile", 4, "tile")}


def row(name, what, gates, square, macs, clock):
    return [name, what, macs, f"{gates / macs:,.0f}", f"{square / macs:,.0f}", f"{clock:.2f}" if clock else "-"]


def subtree(modules, name, key):
    """Returns the sum over a module and all below it."""
    module = modules[name]
    return module[key] + sum(count * subtree(modules, child, key) for child, count in module["children"].items()
                             if child in modules)


def ours(config):
    found = common.trine("synth", "--config", config, "--set", 'array.precisions=["int8"]')
    modules = {m["name"]: m for m in found["modules"]}
    rows = []
    for name, what, macs in (("trine_array", "array", found["configuration"]["array.rows"] *
                              found["configuration"]["array.cols"] * 4), ("trine_pe", "PE", 4)):
        full = next(m for m in modules if m == name or m.startswith(name + "__"))
        gates = subtree(modules, full, "gate_equivalents")
        rows.append(row(f"ours, `{config}`, int8", what, gates, gates * found["nand2_um2"], macs,
                        found["clock_ns"] if name == "trine_array" else None))
    return rows


def theirs(name, path):
    top, macs, what = PEERS[name]
    found = common.trine("synth", "--design", path, "--top", top, "--macs", macs)
    gates = found["gate_equivalents"]
    return row("Gemmini", what, gates, gates * found["nand2_um2"], macs, found["clock_ns"])


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("peers", nargs="+", metavar="NAME=PATH")
    parser.add_argument("--config", default="edge1024")
    options = parser.parse_args()
    given = [peer.partition("=")[::2] for peer in options.peers]
    for name, path in given:
        if name not in PEERS or not pathlib.Path(path).exists():
            parser.error(f"{name}={path}: allowed {', '.join(PEERS)}, with a path that exists")
    rows = [theirs(name, path) for name, path in given] + ours(options.config)
    common.table(["design", "counted", "MACs a cycle", "GE a MAC", "um2 a MAC", "clock, ns"],
                 sorted(rows, key=lambda r: float(r[3].replace(",", ""))))


if __name__ == "__main__":
    main()
