#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Measures latency and throughput of whole networks against the batch.

usage: batches.py [--backend arch|rtl] [--network NAME]... [--batch N]... [CONFIG]...   (arch; edge256 edge1024;
                                                     ad01, ResNet-8, kws, vww; 1, 2, 4, 8, 16, 32)
Networks are those of networks.py, with their recorded vectors, N of them in a run; each run must be bit-exact,
otherwise the benchmark ends. Latency is the cycles of a run, from the start of the first image to the end of the last
one; throughput is images per million cycles, with its ratio to that of single images. Traffic is per image: several
images share a load of the weights.
"""
import argparse
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
import common  # noqa: E402
import networks  # noqa: E402

NETWORKS = ["ad01_int8", "pretrainedResnet_quant", "kws_ref_model", "vww_96_int8"]
BATCHES = [1, 2, 4, 8, 16, 32]


def verify(name, config, backend, batch):
    model, vectors = networks.paths(name)
    return common.trine("verify", *common.design(config), model, "--vectors", vectors, "--backend", backend,
                        "--batch", batch)


def row(name, config, run, single):
    """@param single  cycles of a single image"""
    images, cycles = run["images"], run["cycles"]
    return [name, config, images, cycles, round(cycles / images), round(1e6 * images / cycles, 1),
            f"{single * images / cycles:.2f}x", f"{100 * run['utilization']:.1f} %",
            round(run["dram_bytes_read"] / images), round(run["dram_bytes_written"] / images)]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("configs", nargs="*", default=["edge256", "edge1024"])
    parser.add_argument("--backend", choices=["arch", "rtl"], default="arch")
    parser.add_argument("--network", action="append", choices=list(networks.FIGURES),
                        help="run only this network; repeatable")
    parser.add_argument("--batch", action="append", type=int, help="run only this batch and single images; repeatable")
    options = parser.parse_args()
    rows = []
    for name in options.network or NETWORKS:
        for config in options.configs:
            single = verify(name, config, options.backend, 1)
            for batch in sorted({1, *(options.batch or BATCHES)}):
                run = single if batch == 1 else verify(name, config, options.backend, batch)
                rows.append(row(name, config, run, single["cycles"]))
    common.table(["network", "configuration", "batch", "latency", "cycles an image", "images in 1M cycles",
                  "of single images", "utilization", "bytes read an image", "written"], rows)
    print(f"backend {options.backend}; {common.versions()}")


if __name__ == "__main__":
    main()
