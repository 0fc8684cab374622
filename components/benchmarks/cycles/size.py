#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Measures one token of BitNet-2B-4T's and of LLaMA-2-7B's shape with random weights on text1536: cycles, memory, processor time.

usage: size.py [--backend rtl|arch] [--shape NAME]... [--config C] [--keep FOLDER] [--check]
Every sum and cache must be exact, otherwise the benchmark ends. The bus bound is the time to transfer weights and
caches once in their DRAM form: ternary weights in 1.6 bits, int4 with their factors. On the RTL the two take about 13
processor minutes; --keep stores the reports in a folder, and reuses stored ones.
"""
import argparse
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
import common  # noqa: E402

# Weights; goal in cycles, and limits: bytes of memory, seconds of compiling.
SHAPES = {"bitnet-2b": ("ternary", 25_900_000), "llama-2-7b": ("int4g128", 118_000_000)}
MOST_BYTES, MOST_SECONDS = 2_000_000_000, 180


def token(shape, weights, options, backend):
    return common.kept(options.keep, f"{shape}_{backend}", lambda: common.trine(
        "generate-text", "--random", shape, "--weights", weights, *common.design(options.config), "--backend", backend))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--backend", choices=["rtl", "arch"], default="rtl")
    parser.add_argument("--shape", action="append", choices=list(SHAPES))
    parser.add_argument("--config", default="text1536")
    parser.add_argument("--keep")
    parser.add_argument("--check", action="store_true")
    options = parser.parse_args()
    rows, missed = [], []
    for shape in options.shape or SHAPES:
        weights, goal = SHAPES[shape]
        run = token(shape, weights, options, options.backend)
        cycles = run["cycles"]
        rows.append([shape, weights, run["bytes_needed"], cycles, goal,
                     common.percent(run["bus_bound_cycles"], cycles),
                     f"{100 * (run['predicted_cycles'] / cycles - 1):+.2f} %",
                     f"{run['machine_seconds'] / 60:.1f}", f"{run['golden_seconds'] / 60:.1f}",
                     f"{run['compile_seconds'] / 60:.1f}", round(run["process_bytes"] / 1e6),
                     round(run["memory_bytes"] / 1e6)])
        for what, value, most in (("cycles", cycles, goal), ("bytes", run["process_bytes"], MOST_BYTES),
                                  ("seconds of compiling", run["compile_seconds"], MOST_SECONDS)):
            if value > most:
                missed.append(f"{shape}: {value:,} {what}, the goal is {most:,}")
    common.table(["shape", "weights", "bytes of a token", "cycles", "goal", "of the bus", "arch error",
                  f"{options.backend}, minutes", "golden layers", "compile", "memory, MB", "file, MB"], rows)
    print(f"backend {options.backend}; {common.versions()}")
    if options.check and missed:
        sys.exit("\n".join(missed))


if __name__ == "__main__":
    main()
