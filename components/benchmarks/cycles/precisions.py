#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Measures throughput, traffic and area of each precision, on layers that differ only in precision.

usage: precisions.py [--backend rtl|arch] [--config C] [--table NAME]...
       precisions.py --area [--config C] [--liberty FILE]
Tables: layer, stack, large: 3x3 convolutions of 128 to 128 channels, one over 16x16 pixels, four in a row, one over
64x64. residual: the four, each added to its input, and the same without. dense: a fully connected layer, 1,024 to
1,024, batch 1. tfc: TFC_1W1A of $TRINE_SHARED (../shared) on braintta-size, left out without it. --area synthesizes
five designs. Each run must be bit-exact, otherwise the benchmark ends.
"""
import argparse
import pathlib
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
import common  # noqa: E402
import area  # noqa: E402
import conv_model  # noqa: E402
import lowbit_model  # noqa: E402

LANES = {"int8": 1, "ternary": 4, "binary": 8}  # MACs of a PE relative to those on int8 activations

# name, activations, weights, border of the image
MODES = [
    ("int8", "int8", "int8", 0),
    ("ternary", "ternary", "ternary", 0),
    ("binary, border -1", "binary", "binary", -1),
    ("binary, border 0", "binary", "binary", 0),
    ("int8 x ternary", "int8", "ternary", 0),
    ("int8 x binary", "int8", "binary", 0),
]
CHANNELS, WINDOW = 128, 3
WORKLOADS = {  # pixels per row, layers
    "layer": (16, 1, "One layer, 16x16 pixels"),
    "stack": (16, 4, "Four layers in a row, 16x16 pixels"),
    "large": (64, 1, "One layer, 64x64 pixels"),
}
FEATURES = 1024
SETS = [["int8"], ["int8", "ternary"], ["int8", "binary"], ["int8", "ternary", "binary"],
        ["binary"]]


def weight_bytes(weights, count):
    return count * lowbit_model.BITS[weights] // 8


def write_stack(folder, inputs, weights, border, size, layers):
    if inputs == weights == "int8":
        path = folder / "model.tflite"
        conv_model.write(path, size, CHANNELS, CHANNELS, WINDOW, layers=layers)
    else:
        path = folder / "model.onnx"
        lowbit_model.write(path, "--inputs", inputs, "--weights", weights, "--size", size,
                           "--channels", CHANNELS, "--filters", CHANNELS, "--window", WINDOW,
                           "--layers", layers, "--border", border)
    return path


def run(options, write, *arguments):
    with tempfile.TemporaryDirectory() as folder:
        path = write(pathlib.Path(folder), *arguments)
        return common.trine("run", "--config", options.config, "--backend", options.backend, path)


def print_workload(options, key):
    size, layers, title = WORKLOADS[key]
    weights_of_all = layers * CHANNELS * CHANNELS * WINDOW * WINDOW
    base = None  # MACs per cycle of int8, the first
    rows, cycles = [], []
    for name, inputs, weights, border in MODES:
        r = run(options, write_stack, inputs, weights, border, size, layers)
        peak = r["peak_macs_per_cycle"] * LANES[inputs]
        rate = r["macs"] / r["cycles"]
        base = base or rate
        rows.append([name, r["cycles"], f"{rate:,.1f}", peak, common.percent(rate, peak),
                     f"{rate / base:.2f}x", weight_bytes(weights, weights_of_all),
                     r["dram_bytes_read"], r["dram_bytes_written"]])
        steps, causes = r["macs"] // peak, dict(r["causes"])
        cycles.append([name, steps, causes.pop("compute") - steps, *causes.values()])
    print(f"**{title}** ({r['macs']:,} MACs)\n")
    common.table(["mode", "cycles", "MACs/cycle", "peak", "of peak", "rate", "weight bytes",
                  "bytes read", "written"], rows)
    common.table(["mode", "MACs / peak", "idle PEs", *causes], cycles)


def write_blocks(folder, kind, *more):
    size, layers, _ = WORKLOADS["stack"]
    path = folder / "blocks.onnx"
    lowbit_model.write(path, "--inputs", kind, "--weights", "ternary" if kind == "int8" else kind,
                       "--size", size, "--layers", layers, *more)
    return path


def print_residual(options):
    print("**Four layers in a row, 16x16 pixels, each added to what it reads**\n")
    rows = []
    for name, kind in (("ternary", "ternary"), ("binary", "binary"), ("int8 x ternary", "int8")):
        bare, added = [run(options, write_blocks, kind, *more)["cycles"]
                       for more in ([], ["--residual"])]
        rows.append([name, bare, added, common.percent(added - bare, bare)])
    common.table(["mode", "cycles without sums", "with", "more"], rows)


def write_dense(folder, weights):
    path = folder / "dense.onnx"
    lowbit_model.write(path, "--inputs", "int8", "--weights", weights, "--channels", FEATURES,
                       "--filters", FEATURES, "--dense")
    return path


def print_dense(options):
    runs = [(kind, run(options, write_dense, kind)) for kind in LANES]
    base = runs[0][1]["cycles"]
    print(f"**Fully connected, {FEATURES:,} to {FEATURES:,}, int8 activations, batch 1**\n")
    rows = [[kind, r["cycles"], f"{base / r['cycles']:.2f}x",
             weight_bytes(kind, FEATURES * FEATURES), r["dram_bytes_read"], *r["causes"].values()]
            for kind, r in runs]
    common.table(["weights", "cycles", "faster", "weight bytes", "bytes read",
                  *runs[0][1]["causes"]], rows)


def print_tfc(options):
    name, config = "TFC_1W1A", "braintta-size"
    model = common.SHARED / "models" / f"{name}.onnx"
    if not model.exists():
        return
    r = common.trine("verify", "--config", config, model, "--vectors",
                     common.SHARED / "golden" / name, "--backend", options.backend)
    causes = r["causes"]
    bound = sum(causes[cause] for cause in ("compute", "memory", "load", "store"))
    print(f"**{name} on {config}** ({r['macs']:,} MACs, {r['dram_bytes_read']:,} bytes read, "
          f"{r['vectors_exact']} of {r['vectors']} vectors exact)\n")
    common.table(["", "all", "compute or bus", *causes],
                 [["cycles", r["cycles"], bound, *causes.values()],
                  ["share", "100.0 %", common.percent(bound, r["cycles"]),
                   *(common.percent(n, r["cycles"]) for n in causes.values())]])
    rows = [[f"`{layer['name']}`", layer["op"], layer["macs"], layer["cycles"], layer["bound"]]
            for layer in r["layers"]]
    common.table(["layer", "operator", "MACs", "cycles", "bound"], rows)


def synth(options, precisions):
    quoted = ", ".join(f'"{p}"' for p in precisions)
    arguments = ["synth", "--config", options.config, "--no-timing", "--set",
                 f"array.precisions=[{quoted}]"]
    return common.trine(*arguments, *(["--liberty", options.liberty] if options.liberty else []))


def print_area(options):
    """Prints one PE, the whole design, and the design's area per MAC of each mode."""
    names = [" + ".join(precisions) for precisions in SETS]
    reports = [synth(options, precisions) for precisions in SETS]
    modules = [{m["name"]: m for m in r["modules"]} for r in reports]
    rows = []
    for precisions, name, report, parts in zip(SETS, names, reports, modules):
        pe, whole = parts["trine_pe"], report["gate_equivalents"]
        macs = 4 * pe["instances"]  # with int8 activations
        rows.append([name, round(pe["gate_equivalents"]),
                     more(pe["gate_equivalents"], modules[0]["trine_pe"]["gate_equivalents"]),
                     round(whole), more(whole, reports[0]["gate_equivalents"]),
                     *(round(whole / (macs * lanes)) if kind in precisions else "-"
                       for kind, lanes in LANES.items())])
    common.table(["precisions", "GE of a PE", "more", f"GE, {options.config}", "more",
                  *(f"per {kind} MAC" for kind in LANES)], rows)
    print_modules(names, modules)
    print(f"{reports[0]['library']}; {common.versions()}")


def more(area, base):
    return f"{area / base - 1:+.1%}"


def print_modules(names, modules):
    """Prints the cells of one instance of each module that depends on the precisions."""
    rows = []
    for module in dict.fromkeys(name for parts in modules for name in parts):
        found = [parts.get(module) for parts in modules]
        cells = [m["cells"] if m else 0 for m in found]
        if len(set(cells)) > 1:
            rows.append([module, max(m["instances"] for m in found if m), *cells])
    common.table(["cells of one", "instances", *names], rows)


def main():
    tables = {key: print_workload for key in WORKLOADS}
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--config", default="edge256")
    parser.add_argument("--backend", choices=["rtl", "arch"], default="rtl")
    parser.add_argument("--table", action="append", choices=[*tables, "residual", "dense", "tfc"])
    parser.add_argument("--area", action="store_true")
    parser.add_argument("--liberty")
    options = parser.parse_args()
    if options.area:
        return print_area(options)
    for key in options.table or [*tables, "residual", "dense", "tfc"]:
        if key in WORKLOADS:
            print_workload(options, key)
        elif key == "residual":
            print_residual(options)
        elif key == "dense":
            print_dense(options)
        else:
            print_tfc(options)
    print(f"backend {options.backend}; {common.versions()}")
    return None


if __name__ == "__main__":
    main()
