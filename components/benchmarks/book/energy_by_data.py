#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Divides the energy of an image by kinds of data, with DRAM: weights, inputs, outputs, sums, computation, control.

usage: energy_by_data.py [--config C] [--batch N]... [NETWORK]...    (edge1024; 1 and 48; alexnet squeezenet)
Runs `trine estimate` on tables of shapes (models/shapes/NETWORK.csv). The published row is the energy breakdown of
SqueezeNet by Yang, Chen and Sze (Designing Energy-Efficient CNNs, CVPR 2017), with 16 bits and a batch of 48.
"""
import argparse
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
import common  # noqa: E402

SHAPES = common.ROOT / "models" / "shapes"
KINDS = ["weights", "inputs", "outputs", "sums", "computation", "control"]
PUBLISHED = ["squeezenet, Yang et al. 2017", 48, "-", "22 %", "25 %", "43 %", "-", "10 %", "-"]


def row_of(network, batch, config):
    found = common.trine("estimate", *common.design(config), SHAPES / f"{network}.csv", "--batch", batch)
    kinds = {kind: sum(places.values()) for kind, places in found["energy"]["by_data"].items()}
    whole = sum(kinds.values())
    shares = (f"{100 * kinds[kind] / whole:.1f} %" if kinds.get(kind) else "-" for kind in KINDS)
    return [network, batch, f"{whole / batch / 1e9:.2f}", *shares]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("networks", nargs="*", default=["alexnet", "squeezenet"], metavar="NETWORK")
    parser.add_argument("--config", default="edge1024")
    parser.add_argument("--batch", type=int, action="append")
    options = parser.parse_args()
    rows = [row_of(network, batch, options.config)
            for network in options.networks for batch in options.batch or [1, 48]]
    common.table(["network", "batch", "mJ an image", *KINDS], [*rows, PUBLISHED])


if __name__ == "__main__":
    main()
