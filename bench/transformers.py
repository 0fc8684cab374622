#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Transformers at BERT-base's sizes on `edge1024`: cycles against their goals, and where they go.

usage: transformers.py [--backend rtl|arch] [--config C] [NETWORK]...
Networks: attention_128, attention_512 (12 heads of 64 channels), encoder_128 (a whole layer: D 768,
FFN 3,072, GELU, SOFTMAX, normalizations); models/transformers.py writes them. Each run must be
bit-exact, else the benchmark ends.
"""
import argparse
import pathlib
import subprocess
import sys
import tempfile

import common

GOALS = {"attention_128": 70, "attention_512": 70, "encoder_128": 85}  # percent of the peak


def run(options, name):
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / f"{name}.tflite"
        subprocess.run([sys.executable, common.ROOT / "models" / "transformers.py", name, path],
                       check=True)
        return common.trine("run", *common.design(options.config), "--backend", options.backend,
                            path)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--config", default="edge1024")
    parser.add_argument("--backend", choices=["rtl", "arch"], default="rtl")
    parser.add_argument("network", nargs="*", help=", ".join(GOALS))
    options = parser.parse_args()
    for name in options.network:
        if name not in GOALS:
            parser.error(f"{name}: allowed are {', '.join(GOALS)}")
    rows = []
    for name in options.network or GOALS:
        r = run(options, name)
        causes = r["causes"]
        rows.append([name, r["macs"], r["cycles"],
                     common.percent(r["macs"], r["cycles"] * r["peak_macs_per_cycle"]),
                     f"{GOALS[name]} %", *(common.percent(n, r["cycles"]) for n in causes.values())])
    common.table(["network", "MACs", "cycles", "of the peak", "goal", *causes], rows)
    print(f"{options.config}, backend {options.backend}; {common.versions()}")


if __name__ == "__main__":
    main()
