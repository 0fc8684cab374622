#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Measures ResNet-50 without its classifier on arrays from 8x8 to 64x64 PEs.

usage: large.py [--columns N]                          columns drained per cycle (post.columns_per_cycle: 1, 2; 2)
Architecture simulator; each run must equal the golden reference, otherwise the benchmark ends. Buses and memories
grow with the array; the largest arrays run on 512 and 1,024 bits, with one image and a batch of 8. Cycles are per
image, with their shares by cause (docs/architecture.md).
"""
import argparse
import pathlib
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
import common  # noqa: E402

sys.path.insert(0, str(common.ROOT / "components" / "zoo"))
import tables  # noqa: E402

# Rows and columns, bits of the bus, KiB of DMEM and PMEM, images.
DESIGNS = [(8, 64, 128, 64, 1), (16, 128, 256, 128, 1), (32, 256, 512, 512, 1), (64, 512, 2048, 2048, 1),
           (64, 1024, 2048, 2048, 1), (64, 512, 2048, 2048, 8), (64, 1024, 2048, 2048, 8)]
CAUSES = ["compute", "bank", "drain", "memory", "vector", "control"]


def run(model, size, bus, dmem, pmem, batch, columns):
    keys = [f"array.rows={size}", f"array.cols={size}", f"bus.axi_data_bits={bus}", f"memory.dmem_kib={dmem}",
            f"memory.pmem_kib={pmem}", f"post.columns_per_cycle={columns}"]
    return common.trine("run", *common.design(" ".join(["edge1024", *keys])), "--backend", "arch", "--batch", batch, model)


def row(size, bus, dmem, pmem, batch, result):
    megabytes = (result["dram_bytes_read"] + result["dram_bytes_written"]) / batch / 1e6
    return [f"{size}x{size}", bus, f"{dmem} + {pmem}", batch, round(result["cycles"] / batch),
            f"{100 * result['utilization']:.1f} %", f"{megabytes:.1f}",
            *(f"{100 * result['causes'][cause] / result['cycles']:.1f} %" for cause in CAUSES)]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--columns", type=int, choices=[1, 2], default=2)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        model = pathlib.Path(folder) / "resnet50.tflite"
        tables.write("resnet50", model, classifier=False)
        rows = [row(*d, run(model, *d, options.columns)) for d in DESIGNS]
    common.table(["PEs", "bus", "KiB", "batch", "cycles an image", "utilization", "MB an image", *CAUSES], rows)
    print(f"backend arch; {options.columns} columns a cycle; {common.versions()}")


if __name__ == "__main__":
    main()
