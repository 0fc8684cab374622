#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Measures cycles of the recurrent networks in models/sequences: an encoder's for a sequence, a decoder's for a symbol.

usage: sequences.py [--backend rtl|arch] [--config DESIGN]
Each run must be bit-exact; otherwise the benchmark ends.
"""
import argparse
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
import common  # noqa: E402


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--backend", choices=["rtl", "arch"], default="rtl")
    parser.add_argument("--config", default="edge256")
    options = parser.parse_args()
    design = common.design(options.config + " array.activations16=true")
    models = sorted((common.ROOT / "models" / "sequences").glob("*.onnx"))
    results = [common.trine("run", *design, "--backend", options.backend, model) for model in models]
    common.table(["network", "MACs", "cycles"],
                 [[model.stem, result["macs"], result["cycles"]] for model, result in zip(models, results)])


if __name__ == "__main__":
    main()
