#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Compares the DRAM traffic of VGG-16's convolutions with the size of the memory on chip.

usage: buffers.py [--rows N] [--cols N]                    PEs (8 x 8: 256 MACs a cycle of int8)
Two thirds of the memory are DMEM, one third PMEM; one image; `trine estimate`, whose traffic is that of the program.
For comparison: the bytes that no memory saves (weights, first map, last map), and the bound of Chen, Han and Wang
("Communication lower bound in convolution accelerators", HPCA 2020) for one layer after the other with S codes on
chip: 2 MACs / sqrt(9 S) read for 3 x 3 windows, and the result written once. A plan that fuses layers may need less.
"""
import argparse
import math
import pathlib
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
import common  # noqa: E402

sys.path.insert(0, str(common.ROOT / "components" / "zoo"))
import tables  # noqa: E402

SIZES = [16, 32, 64, 128, 256, 512, 1024, 2048]  # KiB of DMEM; PMEM has half the size
TAPS = 9


def bound(layers, bytes_on_chip):
    """Returns the MB of one layer after the other."""
    return sum(2 * layer.macs / math.sqrt(TAPS * bytes_on_chip) + math.prod(layer.output.shape) for layer in layers) / 1e6


def run(model, dmem, options):
    keys = [f"memory.dmem_kib={dmem}", f"memory.pmem_kib={dmem // 2}", f"array.rows={options.rows}",
            f"array.cols={options.cols}"]
    design = common.design(" ".join(["edge256", *keys]))
    planned = common.trine("compile", *design, model, "--out", "/dev/null")
    return planned["dram"], *(common.trine("estimate", *design, model, "--objective", objective)
                              for objective in ("cycles", "bytes"))


def megabytes(result):
    return (result["dram_bytes_read"] + result["dram_bytes_written"]) / 1e6


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=8)
    parser.add_argument("--cols", type=int, default=8)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        model = pathlib.Path(folder) / "vgg16.tflite"
        tables.write("vgg16", model, classifier=False)
        results = [(dmem, *run(model, dmem, options)) for dmem in SIZES]
    convolutions = [layer for layer in tables.vgg16(classifier=False).layers if layer.kind == "CONV_2D"]
    rows = []
    for dmem, dram, result, for_bytes in results:
        moved, least = megabytes(result), sum(dram["compulsory"].values()) / 1e6
        by_layers = bound(convolutions, 1024 * (dmem + dmem // 2))
        rows.append([dmem + dmem // 2, f"{moved:.1f}", f"{by_layers:.1f}", f"{least:.1f}",
                     f"{moved / least:.2f}", result["cycles"], f"{100 * result['utilization']:.1f} %",
                     f"{megabytes(for_bytes):.1f}", f"{megabytes(for_bytes) / by_layers:.2f}", for_bytes["cycles"]])
    common.table(["KiB on chip", "MB of DRAM", "bound by layers", "compulsory", "of compulsory", "cycles", "of peak",
                  "MB, planned for bytes", "of bound", "cycles, planned for bytes"], rows)
    print(f"backend estimate; {common.versions()}")


if __name__ == "__main__":
    main()
