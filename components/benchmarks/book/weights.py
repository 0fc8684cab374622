#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Compares networks by weights and energy: few weights do not mean little energy.

usage: weights.py [--config C] [--batch N] [NETWORK]...
    (edge1024; 1; alexnet squeezenet googlenet mobilenet resnet50)
Runs `trine estimate` on models with random weights (components/zoo/tables.py, components/zoo/shapes.py --tflite): energy per image of
the chip, and of DRAM at 20 pJ per bit. --batch: number of images that are processed together and share weights.
"""
import argparse
import pathlib
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
import common  # noqa: E402

sys.path.insert(0, str(common.ROOT / "components" / "zoo"))
import shapes  # noqa: E402
import tables  # noqa: E402

NETWORKS = ["alexnet", "squeezenet", "googlenet", "mobilenet", "resnet50"]


def measured(name, options, path):
    if name in tables.NETWORKS:
        tables.write(name, path)
    else:
        shapes.write_model(name, path, None)
    found = common.trine("estimate", *common.design(options.config), path, "--batch", options.batch)
    chip, dram = (pj / options.batch / 1e9 for pj in (found["energy_pj"], found["energy"]["dram_pj"]))
    made = shapes.NETWORKS[name]()
    return [name, made.parameters(), made.macs(), f"{chip:.2f}", f"{dram:.2f}", f"{chip + dram:.2f}",
            f"{found['cycles'] / options.batch * found['clock_ns'] / 1e6:.1f} ms"]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("networks", nargs="*", default=NETWORKS, metavar="NETWORK")
    parser.add_argument("--config", default="edge1024")
    parser.add_argument("--batch", type=int, default=1)
    options = parser.parse_args()
    unknown = set(options.networks) - set(tables.NETWORKS) - set(shapes.MODELS)
    if unknown:
        parser.error(f"no network {min(unknown)}, allowed {', '.join(sorted({*tables.NETWORKS, *shapes.MODELS}))}")
    with tempfile.TemporaryDirectory() as folder:
        rows = [measured(name, options, pathlib.Path(folder) / "n.tflite") for name in options.networks]
    common.table(["network", "weights", "MACs", "chip, mJ", "DRAM, mJ", "both, mJ", "an image"], rows)


if __name__ == "__main__":
    main()
