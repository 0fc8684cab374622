#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The shipped table of energies, measured anew, and how far it is off on designs that it was not fitted to.

usage: energy_table.py --keep FOLDER [--out TABLE.json] [--held-out CONFIG]... [CONFIG]...
                                          (edge32 edge64 edge256 edge512, held out: edge128)
`trine energy` measures each CONFIG on the same networks (layers of $TRINE_SHARED with their vectors, shipped ones, seeded
binary and ternary layers), FOLDER keeps what came out: what is there is not measured again. Without --out the shipped
table is compared, not fitted. --layers: each layer. Minutes a design, most of them `trine synth`'s.
"""
import argparse
import json
import pathlib
import statistics
import sys
import tempfile

import common
import lowbit_model

LIBRARY = common.SHARED / "liberty" / "sg13g2_stdcell_typ_1p20V_25C.lib.gz"
TABLE = common.ROOT / "tools" / "energy" / "tables" / "sg13g2.json"
LAYERS = ("conv_1x1_c64 conv_3x3_s2_same dw_3x3_s1_same add maxpool_2x2_s2 fc_64_10 softmax_12 mul").split()
WHOLE = ("TFC_1W1A.onnx", "TFC_2W2A.onnx", "micro_speech_quantized.tflite")
LOW = ("binary", "ternary")


def workloads(folder):
    """Models, each with its vectors."""
    models, golden = common.SHARED / "models", common.SHARED / "golden"
    for layer in LAYERS:
        yield models / "layers" / f"{layer}.tflite", golden / "layers" / layer
    for name in WHOLE:
        yield models / name, golden / name.split(".")[0]
    yield common.ROOT / "models" / "lenet_mnist.tflite", common.ROOT / "models" / "lenet_mnist" / "vectors"
    for kind in LOW:
        model = folder / f"{kind}.onnx"
        lowbit_model.write(model, "--inputs", kind, "--weights", kind, "--size", 8)
        yield model, "random"


def measured(config, keep):
    """The file that `trine energy --json` wrote of a design."""
    file = keep / f"{config.replace(' ', '_')}.json"
    if not file.exists():
        with tempfile.TemporaryDirectory() as folder:
            pairs = list(workloads(pathlib.Path(folder)))
            vectors = [word for _, case in pairs for word in ("--vectors", case)]
            result = common.trine("energy", *common.design(config), *(model for model, _ in pairs), *vectors,
                                  "--liberty", LIBRARY)
        common.save(file, json.dumps(result))
    return file


def row(file, table, held_out):
    """A design against the table: cycles, pJ a cycle, the error of all, the layers' errors."""
    layers = common.trine("energy", "--measured", file, "--table", table)["layers"]
    whole = layers.pop()
    errors = [100 * (layer["table_pj"] / layer["measured_pj"] - 1) for layer in layers]
    cells = json.loads(file.read_text())["cells"]
    return [("held out: " if held_out else "") + whole["design"], cells, whole["cycles"],
            f"{whole['measured_pj'] / whole['cycles']:,.0f}", f"{100 * (whole['table_pj'] / whole['measured_pj'] - 1):+.1f} %",
            f"{statistics.median(map(abs, errors)):.1f} %", f"{min(errors):+.1f} %", f"{max(errors):+.1f} %"], layers


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("configs", nargs="*", default=["edge32", "edge64", "edge256", "edge512"])
    parser.add_argument("--held-out", action="append")
    parser.add_argument("--keep", type=pathlib.Path, required=True)
    parser.add_argument("--out", type=pathlib.Path)
    parser.add_argument("--layers", action="store_true")
    options = parser.parse_args()
    options.keep.mkdir(parents=True, exist_ok=True)
    fitted = [measured(config, options.keep) for config in options.configs]
    others = [measured(config, options.keep) for config in options.held_out or ["edge128"]]
    if options.out:
        common.trine("energy", "--measured", *fitted, "--out", options.out)
    rows = [row(file, options.out or TABLE, file in others) for file in fitted + others]
    common.table(["design", "cells", "cycles", "pJ a cycle", "table", "layers' median", "lowest", "highest"],
                 [line for line, _ in rows])
    if options.layers:
        common.table(["design", "layer", "cycles", "pJ", "by table"],
                     [[layer["design"], layer["layer"], layer["cycles"], round(layer["measured_pj"]),
                       round(layer["table_pj"])] for _, layers in rows for layer in layers])
    print(f"{common.versions()}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
