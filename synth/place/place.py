#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Places a netlist's cells with Coloquinte (PyPI coloquinte): what synth/place/placer.cpp asks for.

usage: place.py IN.json OUT.json
IN:   site, row_height, core [x, y, width, height], effort, seed, new (places from nothing, else legalizes those given)
      width, height, x, y, flip [S, FS, ..], fixed: of each cell; nets: [weight, [cell, ..], [dx, ..], [dy, ..]]
      All lengths are whole numbers of one unit; a pin's dx, dy are from the lower left corner of its cell, not flipped.
OUT:  x, y, flip
Coloquinte says on standard output what it is at.
"""
import json
import sys

import coloquinte

# How far cells may be packed: white space is spread evenly, else wires come out too short. Made legal they are a little
# narrower: rows without a gap send what comes last somewhere else (17,000 cells of a post unit: 228 um, then 14).
DENSITY, LEGAL_DENSITY = 0.97, 0.8


def circuit_of(design):
    circuit = coloquinte.Circuit(len(design["width"]))
    circuit.cell_width = spread(design, DENSITY) if design["new"] else design["width"]
    circuit.cell_height = design["height"]
    circuit.cell_x, circuit.cell_y = design["x"], design["y"]
    circuit.cell_is_fixed = design["fixed"]
    circuit.cell_is_obstruction = [not fixed for fixed in design["fixed"]]  # fixed cells are outside of the core
    circuit.cell_orientation = [getattr(coloquinte.CellOrientation, flip) for flip in design["flip"]]
    x, y, width, height = design["core"]
    row = design["row_height"]
    north, south = coloquinte.CellOrientation.N, coloquinte.CellOrientation.FS
    circuit.rows = [coloquinte.Row(coloquinte.Rectangle(x, x + width, low, low + row), south if i % 2 else north)
                    for i, low in enumerate(range(y, y + height, row))]
    for weight, cells, dx, dy in design["nets"]:
        circuit.add_net(cells, dx, dy, weight)
    return circuit


def spread(design, density):
    """Widths of the cells, each with its share of the white space."""
    movable = [w for w, fixed in zip(design["width"], design["fixed"]) if not fixed]
    core = design["core"][2] * design["core"][3]
    factor = density * core / max(1, sum(movable) * design["row_height"])
    site = design["site"]
    return [w if fixed else max(w, int(w * factor) // site * site) for w, fixed in zip(design["width"], design["fixed"])]


def main():
    with open(sys.argv[1]) as file:
        design = json.load(file)
    circuit = circuit_of(design)
    effort = coloquinte.ColoquinteParameters(design["effort"], design["seed"])
    if design["new"]:
        circuit.place_global(effort)
        circuit.cell_width = spread(design, LEGAL_DENSITY)
    circuit.legalize(effort)
    circuit.place_detailed(effort)
    flips = [orientation.name for orientation in circuit.cell_orientation]
    with open(sys.argv[2], "w") as file:
        json.dump({"x": list(circuit.cell_x), "y": list(circuit.cell_y), "flip": flips}, file)


if __name__ == "__main__":
    main()
