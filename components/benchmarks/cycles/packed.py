#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Measures weights packed in DRAM (memory.packed_weights): bytes of all networks, and cycles compared with the goals.

usage: packed.py [--backend rtl|arch] [--check] [--codes]
Runs ad01 with and without the key, and a fully connected layer, 1,024 to 1,024, of int8 activations: with ternary
weights, on buses of 64 and 32 bits, with int8 weights of which two of each four are 0, and with 16 different ones
(NF4's, rounded to int8). Each run must be bit-exact, otherwise the benchmark ends. --codes: packed bytes per byte of
PMEM for the networks of models/ and $TRINE_SHARED/models, compared with the entropy of each layer's bytes and with
other codes: Huffman's, a width for each 16 bytes, runs of zeros, and only streams of two of four bytes or of 16
values. --check: exit code 1 if a goal is missed.
"""
import argparse
import pathlib
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
import common  # noqa: E402
import lowbit_model  # noqa: E402

KEY = "memory.packed_weights=true"
FEATURES = 1024
GOALS = {"ad01": 26_500, "ternary": 33_700, "ternary, 32 bits": 58_500, "two of four": 87_200, "16 values": 69_200}


def runs(folder):
    """Yields name, model, keys of the design."""
    yield "ad01", common.SHARED / "models" / "ad01_int8.tflite", ""
    def dense(weights):
        model = folder / f"{weights}.onnx"
        lowbit_model.write(model, "--inputs", "int8", "--weights", weights, "--channels", FEATURES, "--filters",
                           FEATURES, "--dense")
        return model

    yield "ternary", dense("ternary"), ""
    yield "ternary, 32 bits", dense("ternary"), "bus.axi_data_bits=32"
    yield "two of four", dense("sparse"), ""
    yield "16 values", dense("nf4"), ""


def print_cycles(backend):
    missed, printed = False, []
    with tempfile.TemporaryDirectory() as folder:
        for name, model, keys in runs(pathlib.Path(folder)):
            plain, packed = (common.trine("run", *common.design(f"edge256 {keys} {key}"), "--backend", backend, model)
                             for key in ("", KEY))
            met = packed["cycles"] <= GOALS[name]
            missed = missed or not met
            printed.append([name, plain["dram_bytes_read"], packed["dram_bytes_read"], plain["cycles"],
                            packed["cycles"], GOALS[name], "yes" if met else "no"])
    common.table(["network", "bytes read", "packed", "cycles", "packed", "goal", "met"], printed)
    return missed


def print_codes():
    models = [path for folder in (common.ROOT / "models", common.SHARED / "models") for path in sorted(folder.glob("*"))
              if path.suffix in (".tflite", ".onnx")]
    printed = []
    with tempfile.TemporaryDirectory() as folder:
        for model in models:
            result, _ = common.attempt("compile", "--config", "edge256", "--set", KEY, "--allow-host", model, "--out",
                                       pathlib.Path(folder) / "out.trine")
            weights = result and result["weights"]
            if not weights or weights["rows"] == 0:
                continue  # nothing of it runs on the design
            rows = weights["rows"]
            printed.append([model.stem, rows, *(f"{weights[key] / rows:.3f}" for key in
                                                ("stored", "entropy", "prefix", "widths", "zero_runs", "sparse", "palette"))])
    common.table(["network", "bytes in PMEM", "packed", "entropy", "Huffman", "widths", "zero runs",
                  "two of four", "16 values"], printed)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--backend", choices=["rtl", "arch"], default="rtl")
    parser.add_argument("--codes", action="store_true")
    parser.add_argument("--check", action="store_true")
    options = parser.parse_args()
    missed = print_cycles(options.backend)
    if options.codes:
        print_codes()
    return options.check and missed


if __name__ == "__main__":
    sys.exit(main())
