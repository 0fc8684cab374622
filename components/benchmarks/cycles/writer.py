#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Measures cycles of models/writer, an encoder and a decoder: the encoder's for a line, the decoder's for a character.

usage: writer.py [--backend rtl|arch] [DESIGN]...
Each run must be exact; otherwise the benchmark ends.
"""
import argparse
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
import common  # noqa: E402

LINE = "fifth of March 2024"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--backend", choices=["rtl", "arch"], default="rtl")
    parser.add_argument("designs", nargs="*", default=["edge64", "edge256"], metavar="DESIGN")
    options = parser.parse_args()
    rows = []
    for config in options.designs:
        for form in ("onnx", "tflite"):
            result = common.trine("generate-text", common.ROOT / "models" / "writer" / form, "--prompt", LINE,
                                  *common.design(config), "--backend", options.backend)
            rows.append([config, form, result["encoder_cycles"], result["cycles"] // result["steps"],
                         result["last_cycles"], f"{result['last_energy_pj'] / 1e6:.1f}"])
    common.table(["design", "form", "encoder", "a character", "the last one", "its energy, uJ"], rows)


if __name__ == "__main__":
    main()
