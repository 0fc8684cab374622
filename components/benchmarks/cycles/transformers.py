#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Compares transformers with their goals: attention and a layer of BERT-base's sizes, a token of a decoder.

usage: transformers.py [--backend rtl|arch] [--config C] [--layers] [--check] [NETWORK]...
Networks, on `edge1024`: attention_128, attention_512 (12 heads of 64 channels), layer_128 (a whole layer as ONNX: D
768, FFN 3,072, LayerNormalization, Gelu, SOFTMAX), encoder_128 (the same in TFLite's operators, with positions);
components/zoo/transformers.py writes them. decode: a token of stories260K after 255 others, on `edge256` (decode.py; with
$TRINE_SHARED). Each run must be bit-exact, otherwise the benchmark ends. --layers: shows the cycles of each layer.
--check: exit code 1 if a goal is missed.
"""
import argparse
import pathlib
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
import common  # noqa: E402
import decode  # noqa: E402

GOALS = {"attention_128": 70, "attention_512": 70, "layer_128": 85,
         "encoder_128": None}  # percent of the peak
AS_ONNX = {"layer_128"}
CONTEXT, DECODER, GOAL = 256, "edge256", decode.GOALS["int8"]
HEADS = {"BATCH_MATMUL", "SOFTMAX"}


def run(options, name):
    with tempfile.TemporaryDirectory() as folder:
        suffix = "onnx" if name in AS_ONNX else "tflite"
        path = pathlib.Path(folder) / f"{name}.{suffix}"
        subprocess.run([sys.executable, common.ROOT / "components" / "zoo" / "transformers.py", name, path],
                       check=True)
        return common.trine("run", *common.design(options.config), "--backend", options.backend,
                            path)


def print_networks(options, names):
    """@return those that miss their goals"""
    rows, runs = [], {}
    for name in names:
        r = runs[name] = run(options, name)
        causes = r["causes"]
        goal = f"{GOALS[name]} %" if GOALS[name] else "-"
        rows.append([name, r["macs"], r["cycles"],
                     common.percent(r["macs"], r["cycles"] * r["peak_macs_per_cycle"]), goal,
                     *(common.percent(n, r["cycles"]) for n in causes.values())])
    common.table(["network", "MACs", "cycles", "of the peak", "goal", *causes], rows)
    if options.layers:
        for name, r in runs.items():
            print_layers(name, r)
    return [name for name, r in runs.items() if GOALS[name] and 100 * r["utilization"] < GOALS[name]]


def print_layers(name, result):
    """Prints the layers; the layers of an attention overlap and are combined."""
    rows = []
    for layer in result["layers"]:
        heads = layer["op"] in HEADS
        if not heads or not rows or rows[-1][0] != "attention":
            rows.append(["attention" if heads else layer["op"].split("+FLOAT")[0], 0, 0, 0,
                         *(0 for _ in layer["causes"])])
        row = rows[-1]
        row[1] += layer["macs"]
        row[2] += layer["cycles"]
        row[3] = common.percent(row[1], row[2] * result["peak_macs_per_cycle"])
        row[4:] = [a + b for a, b in zip(row[4:], layer["causes"].values())]
    print(f"**{name}**, cycles by cause\n")
    common.table(["layer", "MACs", "cycles", "of the peak", *result["causes"]], rows)


def print_decoding(options):
    """@return the measurements that miss their goals"""
    r = decode.token(DECODER, options.backend, CONTEXT, "int8")
    cycles, bound = r["last_cycles"], r["last_bus_bound_cycles"]
    common.table(["network", "configuration", "context", "cycles", "bus bound", "of the bound", "goal"],
                 [["stories260K, a token", DECODER, CONTEXT, cycles, round(bound),
                   common.percent(bound, cycles), f"{GOAL} %"]])
    return ["decode"] if 100 * bound < GOAL * cycles else []


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--config", default="edge1024")
    parser.add_argument("--backend", choices=["rtl", "arch"], default="rtl")
    parser.add_argument("--layers", action="store_true")
    parser.add_argument("--check", action="store_true")
    parser.add_argument("network", nargs="*", help=", ".join([*GOALS, "decode"]))
    options = parser.parse_args()
    for name in options.network:
        if name not in [*GOALS, "decode"]:
            parser.error(f"{name}: allowed are {', '.join([*GOALS, 'decode'])}")
    chosen = options.network or [*GOALS, "decode"]
    networks, missed = [name for name in chosen if name != "decode"], []
    if networks:
        missed += print_networks(options, networks)
    if "decode" in chosen and (common.SHARED / "models" / "stories260K.bin").exists():
        missed += print_decoding(options)
    print(f"{options.config}, backend {options.backend}; {common.versions()}")
    if options.check and missed:
        sys.exit(f"below their goals: {', '.join(missed)}")


if __name__ == "__main__":
    main()
