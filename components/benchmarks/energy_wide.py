#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Tests the shipped table of energies on a design that it was not fitted to, with int16 codes, number formats and spikes.

usage: energy_wide.py --keep FOLDER [--layers]       needs onnx of PyPI
`trine energy` measures one 3x3 convolution in forms of components/benchmarks/cycles/formats.py, int8 layers, a network of int16
operators and two spiking ones; FOLDER stores the results, and stored ones are reused. --layers: each layer.
"""
import argparse
import json
import pathlib
import statistics
import sys
import tempfile

import common

sys.path.insert(0, str(common.ROOT / "components" / "benchmarks" / "cycles"))
import formats  # noqa: E402

DESIGN = "edge64 name=wide4x4 array.rows=4 array.cols=4 array.activations16=true array.formats=true"
CHANNELS, FILTERS, SIZE = 8, 16, 8
STRIPPED = ("int16_int8", "e3m4_int8", "posit8_0_int8")  # their ends run on the host
FORMS = ("int8_int8", *STRIPPED, "int8_e4m3")
LAYERS = ("conv_1x1_s1_same", "add", "mul", "softmax_12")
NETWORK, LENET = "tests/maps16/network", "models/lenet_mnist"
SPIKES = ("conv", "cuba")  # of tests/spikes
TABLE = common.ROOT / "tools" / "energy" / "tables" / "sg13g2.json"
# A row of the table, and a function that selects its samples: by name, and by whether the array works.
ROWS = (("int8: convolution, LeNet, four layers", lambda name, array: name.split(":")[0] in ("int8_int8", "lenet_mnist", *LAYERS)),
        ("int16: convolution", lambda name, array: name.startswith("int16_int8")),
        ("E3M4: convolution, int8 weights", lambda name, array: name.startswith("e3m4_int8")),
        ("posit<8,0>: convolution, int8 weights", lambda name, array: name.startswith("posit8_0_int8")),
        ("int8: convolution, E4M3 weights", lambda name, array: name.startswith("int8_e4m3")),
        ("int16 network: products", lambda name, array: name.startswith("network") and array),
        ("int16 network: vector unit", lambda name, array: name.startswith("network") and not array),
        ("spiking networks", lambda name, array: name.split(":")[0] in SPIKES),
        ("all", lambda name, array: True))


def strip(path):
    """Removes the quantizers at the network's ends, and overwrites the file."""
    import onnx
    model = onnx.load(path)
    graph = model.graph
    first = next(n for n in graph.node if n.op_type == "QuantizeLinear" and n.input[0] == graph.input[0].name)
    last = next(n for n in graph.node if n.output[0] == graph.output[0].name)
    kind = next(i.data_type for i in graph.initializer if i.name == first.input[2])
    for ends, name in ((graph.input, first.output[0]), (graph.output, last.input[0])):
        shape = [d.dim_value for d in ends[0].type.tensor_type.shape.dim]
        del ends[:]
        ends.append(onnx.helper.make_tensor_value_info(name, kind, shape))
    graph.node.remove(first)
    graph.node.remove(last)
    onnx.save(model, path)


def measured(keep):
    """Returns the file that `trine energy --json` wrote."""
    file = keep / "wide.json"
    if not file.exists():
        with tempfile.TemporaryDirectory() as scratch:
            folder = pathlib.Path(scratch)
            model, data = formats.layer(CHANNELS, folder, FILTERS, SIZE)
            pairs = [(network, "random") for codes, weights, network in formats.forms(model, data, [], common.design(DESIGN), folder)
                     if f"{codes}_{weights}" in FORMS]
            for network, _ in pairs:
                if network.stem in STRIPPED:
                    strip(network)
            pairs += [(common.SHARED / "models" / "layers" / f"{name}.tflite", common.SHARED / "golden" / "layers" / name) for name in LAYERS]
            pairs += [(common.ROOT / f"{LENET}.tflite", common.ROOT / LENET / "vectors"), (common.ROOT / f"{NETWORK}.tflite", common.ROOT / NETWORK)]
            pairs += [(common.ROOT / "tests" / "spikes" / f"{name}.onnx", "random") for name in SPIKES]
            vectors = [word for _, case in pairs for word in ("--vectors", case)]
            result = common.trine("energy", *common.design(DESIGN), *(network for network, _ in pairs), *vectors)
        common.save(file, json.dumps(result))
    return file


def row(title, layers):
    cycles = sum(layer["cycles"] for layer in layers)
    ours, right = (sum(layer[key] for layer in layers) for key in ("table_pj", "measured_pj"))
    errors = [100 * (layer["table_pj"] / layer["measured_pj"] - 1) for layer in layers]
    return [title, f"{cycles:,}", f"{right / cycles:,.0f}", f"{100 * (ours / right - 1):+.1f} %",
            f"{statistics.median(map(abs, errors)):.1f} %, {min(errors):+.1f}, {max(errors):+.1f} %"]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--keep", type=pathlib.Path, required=True)
    parser.add_argument("--layers", action="store_true")
    options = parser.parse_args()
    options.keep.mkdir(parents=True, exist_ok=True)
    file = measured(options.keep)
    samples = json.loads(file.read_text())["samples"]
    layers = common.trine("energy", "--measured", file, "--table", TABLE)["layers"][:-1]
    works = [any(sample["actions"][:3]) for sample in samples]
    common.table(["codes", "cycles", "measured", "by the table", "layers: median, lowest, highest"],
                 [row(title, [layer for layer, array in zip(layers, works) if belongs(layer["layer"], array)]) for title, belongs in ROWS])
    if options.layers:
        common.table(["layer", "cycles", "pJ", "by table"],
                     [[layer["layer"], layer["cycles"], round(layer["measured_pj"]), round(layer["table_pj"])] for layer in layers])
    print(f"{common.versions()}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
