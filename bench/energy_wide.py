#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The shipped table of energies on codes of int16, number formats and spikes, beside int8 on the same design.

usage: energy_wide.py --keep FOLDER [DESIGN]
One 3x3 convolution in each form of bench/cycles/formats.py, a network of int16, an LSTM of int16 and a spiking network,
measured by `trine energy` at gate level; FOLDER keeps what came out. A form's ratio is its energy over int8's of the
same convolution: what the table must say whatever it is off on this design.
"""
import argparse
import json
import pathlib
import sys
import tempfile

import common

sys.path.insert(0, str(common.ROOT / "bench" / "cycles"))
import formats  # noqa: E402

DESIGN = "edge64 name=wide4x4 array.rows=4 array.cols=4 array.activations16=true array.formats=true"
CHANNELS, FILTERS, SIZE = 8, 16, 8
WHOLE = ("tests/maps16/network", "tests/lstm/int16", "tests/spikes/conv")
LIBRARY = common.SHARED / "liberty" / "sg13g2_stdcell_typ_1p20V_25C.lib.gz"
TABLE = common.ROOT / "tools" / "energy" / "tables" / "sg13g2.json"


def measured(design, keep):
    file = keep / "wide.json"
    if not file.exists():
        with tempfile.TemporaryDirectory() as scratch:
            folder = pathlib.Path(scratch)
            model, data = formats.layer(CHANNELS, folder, FILTERS, SIZE)
            models = [network for _, _, network in formats.forms(model, data, [], common.design(design), folder)]
            pairs = [(network, "random") for network in models]
            for name in WHOLE:
                path = common.ROOT / name
                pairs.append((next(p for p in (path.with_suffix(".tflite"), path.with_suffix(".onnx")) if p.exists()), path))
            vectors = [word for _, case in pairs for word in ("--vectors", case)]
            print("models", [str(n) for n, _ in pairs], flush=True)
            result = common.trine("energy", *common.design(design), *(network for network, _ in pairs), *vectors, "--liberty", LIBRARY)
        common.save(file, json.dumps(result))
    return file


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("design", nargs="?", default=DESIGN)
    parser.add_argument("--keep", type=pathlib.Path, required=True)
    options = parser.parse_args()
    options.keep.mkdir(parents=True, exist_ok=True)
    file = measured(options.design, options.keep)
    layers = common.trine("energy", "--measured", file, "--table", TABLE)["layers"]
    for layer in layers:
        print(layer)
    return 0


if __name__ == "__main__":
    sys.exit(main())
