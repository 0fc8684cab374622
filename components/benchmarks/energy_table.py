#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Measures the shipped table of energies again, and its errors on designs that it was not fitted to.

usage: energy_table.py --keep FOLDER [--out TABLE.json] [--held-out CONFIG]... [CONFIG]...
                                          (edge32 edge64 edge256 edge512, held out: edge128)
`trine energy` measures each CONFIG on the same networks (layers of $TRINE_SHARED with their vectors, shipped ones,
seeded binary and ternary layers); FOLDER stores the results, and stored ones are reused. Without --out the shipped
table is compared instead of fitted. --layers: each layer. Takes minutes per design, most of them for `trine synth`.
"""
import argparse
import json
import pathlib
import statistics
import sys
import tempfile

import common
import lowbit_model

TABLE = common.ROOT / "tools" / "energy" / "tables" / "sg13g2.json"
LAYERS = ("conv_1x1_c64 conv_3x3_s2_same dw_3x3_s1_same add maxpool_2x2_s2 fc_64_10 softmax_12 mul").split()
WHOLE = ("TFC_1W1A.onnx", "TFC_2W2A.onnx", "micro_speech_quantized.tflite")
LOW = ("binary", "ternary")


def workloads(folder):
    """Yields models, each with its vectors."""
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
    """Returns the file that `trine energy --json` wrote for a design."""
    file = keep / f"{config.replace(' ', '_')}.json"
    if not file.exists():
        with tempfile.TemporaryDirectory() as folder:
            pairs = list(workloads(pathlib.Path(folder)))
            vectors = [word for _, case in pairs for word in ("--vectors", case)]
            result = common.trine("energy", *common.design(config), *(model for model, _ in pairs), *vectors)
        common.save(file, json.dumps(result))
    return file


def row(file, table, held_out):
    """Returns a design compared with the table: cycles, pJ per cycle, the total error, the layers' errors."""
    layers = common.trine("energy", "--measured", file, "--table", table)["layers"]
    whole = layers.pop()
    errors = [100 * (layer["table_pj"] / layer["measured_pj"] - 1) for layer in layers]
    design = json.loads(file.read_text())
    return [f"`{whole['design']}`" + (", held out" if held_out else ""), design["cells"], design["registers"],
            whole["cycles"], round(whole["measured_pj"] / whole["cycles"]),
            f"{100 * (whole['table_pj'] / whole['measured_pj'] - 1):+.1f} %",
            f"{statistics.median(map(abs, errors)):.1f} %, {min(errors):+.1f}, {max(errors):+.1f} %"], layers


PARTS = {"gates": "cells", "pins": "pins", "wires": "wires", "glitches": "glitches", "memories": "memories",
         "clock": "clock"}


def a_cycle(design):
    """Returns {component: {part: pJ per cycle}}, over all cycles."""
    samples = design["samples"]
    cycles = sum(sample["cycles"] for sample in samples)
    return {component: {part: sum(sample["energy"][component][key] for sample in samples) / cycles
                        for part, key in PARTS.items()} for component in samples[0]["energy"]}


def components(small, large):
    """Prints pJ per cycle by component and part of one design, and totals of a larger one."""
    of, beside = a_cycle(small), a_cycle(large)
    rows = []
    for component in [*of, "all"]:
        mine, other = ([parts] if component == "all" else [{component: parts[component]}] for parts in (of, beside))
        total = lambda group, part: sum(parts[part] for parts in group[0].values())
        rows.append([component, *(f"{total(mine, part):.1f}" for part in PARTS),
                     f"{sum(total(other, part) for part in PARTS if part != 'clock'):,.1f}",
                     f"{total(other, 'clock'):,.1f}"])
    return rows


MACS = {"int8": 3, "ternary": 4, "binary": 5}  # indices among the actions
LAYERS_OF_MACS = {"int8": ("lenet_mnist: conv2", "lenet_mnist: pool2",  # the layers that contain the convolution
                           "micro_speech_quantized: Relu"),
                  "ternary": ("ternary: quant5",), "binary": ("binary: bipolarquant5",)}


def a_mac(design, components):
    """Returns pJ per MAC of these components, by precision: minimum and maximum over its layers."""
    found = {}
    for precision, names in LAYERS_OF_MACS.items():
        layers = [sample for sample in design["samples"]
                  if sample["name"] in names and sample["actions"][MACS[precision]]]
        found[precision] = sorted(sum(sample["energy"][component][key] for component in components
                                      for key in PARTS.values()) / sample["actions"][MACS[precision]]
                                  for sample in layers)
    return found


def mac_row(name, found):
    least, most = found["int8"][0], found["int8"][-1]
    low = [found[kind][0] for kind in LOW[::-1]]
    ratio = lambda int8: " : ".join(f"{405 * pj / int8:.0f}" for pj in (int8, *low))
    return [name, f"{least:.1f} to {most:.1f}", *(f"{pj:.2f}" for pj in low), f"{ratio(least)} to {ratio(most)}"]


def print_parts(small, large):
    """Prints the energy of components, and per MAC."""
    name = lambda design: f"`{design['configuration']['name']}`"
    common.table(["component", *PARTS, f"{name(large)}: all but clock", "clock"], components(small, large))
    everything = list(large["samples"][0]["energy"])
    common.table(["pJ a MAC", "int8", *LOW[::-1], "int8 = 405"],
                 [mac_row(f"array, {name(small)}", a_mac(small, ["pe"])),
                  mac_row(f"array, {name(large)}", a_mac(large, ["pe"])),
                  mac_row(f"chip, {name(large)}", a_mac(large, everything)),
                  ["BrainTTA, core, 22 nm (fJ an op)", "405", "67", "35", "405 : 67 : 35"]])


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
    common.table(["design", "cells", "flip-flops", "cycles", "measured", "by the table",
                  "layers: median, lowest, highest"], [line for line, _ in rows])
    if len(fitted) > 2:
        print_parts(*(json.loads(fitted[i].read_text()) for i in (0, 2)))
    if options.layers:
        common.table(["design", "layer", "cycles", "pJ", "by table"],
                     [[layer["design"], layer["layer"], layer["cycles"], round(layer["measured_pj"]),
                       round(layer["table_pj"])] for _, layers in rows for layer in layers])
    print(f"{common.versions()}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
