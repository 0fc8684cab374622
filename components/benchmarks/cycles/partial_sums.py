#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Compares layers whose weights exceed PMEM with and without post.partial_sums.

usage: partial_sums.py [--backend arch|rtl]
First, a convolution of 5 x 5 taps, 480 to 48 channels, 14 x 14 pixels on three presets; its codes must equal the golden
layer's. Then prompts of language models by shape on edge1024 (estimate), and VGG-16's convolutions on edge256 with
small memories (estimate; two thirds of them DMEM), also with --objective bytes. The bound of DRAM bytes is that of
buffers.py.
"""
import argparse
import pathlib
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
import buffers  # noqa: E402
import common  # noqa: E402
import conv_model  # noqa: E402
import tables  # noqa: E402

KEY = "post.partial_sums"
PROMPTS = [("llama-7b", 128), ("llama-7b", 2048), ("gpt-3", 128), ("gpt-3", 2048)]
SIZES = [16, 32, 64, 128]  # KiB of DMEM; PMEM has half the size


def both(command, design, *rest):
    """Returns the command's results without and with the key."""
    return [common.trine(command, *common.design(f"{design} {KEY}={value}"), *rest) for value in ("false", "true")]


def megabytes(result):
    return (result["dram_bytes_read"] + result["dram_bytes_written"]) / 1e6


def line(name, results, *more):
    before, after = results
    return [name, before["cycles"], after["cycles"], f"{before['cycles'] / after['cycles']:.2f}",
            f"{100 * before['utilization']:.1f} %", f"{100 * after['utilization']:.1f} %", *more]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--backend", choices=["arch", "rtl"], default="arch")
    options = parser.parse_args()
    head = ["cycles without", "with", "ratio", "of the peak without", "with"]
    with tempfile.TemporaryDirectory() as folder:
        conv, vgg = pathlib.Path(folder) / "conv.tflite", pathlib.Path(folder) / "vgg16.tflite"
        conv_model.write(conv, size=14, channels=480, filters=48, window=5)
        tables.write("vgg16", vgg, classifier=False)
        rows = []
        for name in ("edge64", "edge256", "edge1024"):
            results = both("run", name, "--backend", options.backend, conv)
            rows.append(line(name, results, *(f"{megabytes(result):.2f}" for result in results)))
        common.table(["5 x 5, 480 to 48", *head, "MB without", "with"], rows)
        common.table(["prompt", *head],
                     [line(f"{name}, {tokens} tokens", both("estimate", "edge1024", "--table", name, "--tokens", tokens))
                      for name, tokens in PROMPTS])
        convolutions = [layer for layer in tables.vgg16(classifier=False).layers if layer.kind == "CONV_2D"]
        rows = []
        for dmem in SIZES:
            results = both("estimate", f"edge256 memory.dmem_kib={dmem} memory.pmem_kib={dmem // 2}", vgg)
            design = common.design(f"edge256 memory.dmem_kib={dmem} memory.pmem_kib={dmem // 2} {KEY}=true")
            fewest = common.trine("estimate", *design, vgg, "--objective", "bytes")
            least = buffers.bound(convolutions, 1024 * (dmem + dmem // 2))
            rows.append(line(f"{dmem} + {dmem // 2} KiB", results, *(f"{megabytes(result):.1f}" for result in results),
                             fewest["cycles"], f"{megabytes(fewest):.1f}", f"{megabytes(fewest) / least:.2f}"))
        common.table(["VGG-16", *head, "MB without", "with", "cycles, for bytes", "MB, for bytes", "of the bound"], rows)
    print(f"backend {options.backend} and estimate; {common.versions()}")


if __name__ == "__main__":
    main()
