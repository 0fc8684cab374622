#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Compares LSTMs and 16x8 networks with their goals and Ethos-U: cycles of designs with array.activations16.

usage: speech.py [--backend rtl|arch] [--models DIR] [--check]
Cells have random weights, LSTMs of TFLite by tests/lstm/make.py (NumPy), GRUs of ONNX by tests/onnx/make_cells.py
(onnx): 28 steps of 20 cells; 128 cells over 50 steps, per step; the same for eight streams together, per step and
stream; the same on two rows of PEs, both of which a product of int16 uses, and 32 columns; ResNet-8 in int8 and in
16x8. --models: a folder with tflite-micro's files (dtln_noise_suppression, micro_speech_lstm, trained_lstm_int8;
seanet/: all .tflite in it, as one sum); existing files are measured. Each run must be bit-exact and entirely on the
machine, otherwise the benchmark ends. --check: exit code 1 if a goal is missed.
"""
import argparse
import json
import pathlib
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
import common  # noqa: E402

KEY = "array.activations16=true"
LARGE = "memory.pmem_kib=128"
FLAT = ("array.rows=2", "array.cols=32")  # as many PEs
# name, kind, batch, steps, inputs and cells, keys, goal in cycles; whether the goal is per step and stream
OWN = (("28 steps of 20 cells", "LSTM", 1, 28, 20, (KEY,), 9_000, False),
       ("128 cells, a step", "LSTM", 1, 50, 128, (KEY, LARGE), 2_500, True),
       ("128 cells, eight streams, a step and stream", "LSTM", 8, 50, 128, (KEY, LARGE), 620, True),
       ("128 cells, a step, 2x32 PEs", "LSTM", 1, 50, 128, (KEY, LARGE, *FLAT), 800, True),
       ("GRU of 128 cells, a step", "GRU", 1, 50, 128, (KEY, LARGE), 1_900, True),
       ("GRU of 128 cells, eight streams, a step and stream", "GRU", 8, 50, 128, (KEY, LARGE), 0, True))
FILES = (("dtln_noise_suppression", {"edge256": 48_000}), ("micro_speech_lstm", {"edge256": 68_000, "edge1024": 33_000}),
         ("trained_lstm_int8", {"edge256": 9_000}), ("seanet", {"edge256": 170_000, "edge1024": 92_000}))
DESIGNS = {"edge256": "U55-256", "edge1024": "U85-1024"}


def cycles(model, backend, config, keys):
    """Runs once, bit-exact; the host may only run quantizers of floats at the ends."""
    result = common.trine("run", *common.design(" ".join([config, *keys])), "--backend", backend, model)
    if any(op["op"] not in ("QUANTIZE", "DEQUANTIZE") or op["when"] == "between" for op in result["host"]):
        sys.exit(f"{model}: the host has a part of it")
    return result["cycles"]


def write_lstm(path, batch, steps, inputs, cells):
    sys.path[:0] = [str(common.ROOT / "tests" / "lstm"), str(common.ROOT / "components" / "zoo")]
    import make
    from tflite_net import Int8Net
    net = Int8Net(path.stem)
    x = net.activation((batch, steps, inputs), fixed=(0.02, 3))
    net.inputs.append(x)
    make.lstm(net, "h", x, cells, -11)
    path.write_bytes(net.to_bytes())


def write_gru(path, batch, steps, inputs, cells):
    sys.path.insert(0, str(common.ROOT / "tests" / "onnx"))
    import make_cells
    path.write_bytes(make_cells.network("GRU", steps, batch, inputs, cells).SerializeToString())


def write_resnet8(path, type):
    """Writes MLPerf Tiny's ResNet-8 with random weights."""
    sys.path.insert(0, str(common.ROOT / "components" / "zoo"))
    from tflite_net import Int8Net
    net = Int8Net(path.stem, type)
    x = net.activation((1, 32, 32, 3))
    net.inputs.append(x)
    y = net.conv(x, 16, 3, activation=1)
    for filters, stride in ((16, 1), (32, 2), (64, 2)):
        z = net.conv(net.conv(y, filters, 3, stride, activation=1), filters, 3)
        y = net.binary("ADD", z, y if stride == 1 else net.conv(y, filters, 1, stride), 1)
    y = net.fc(net.reshape(net.area("AVERAGE_POOL_2D", y, 8, 8), (1, 64)), 10)
    net.outputs.append(y)
    path.write_bytes(net.to_bytes())


def resnet8(options, folder):
    counts = {}
    for type in ("i1", "i2"):
        model = folder / f"resnet8_{type}.tflite"
        write_resnet8(model, type)
        counts[type] = cycles(model, options.backend, "edge256", (KEY,))
    yield "ResNet-8 in int8", "edge256", counts["i1"], 0
    yield "ResNet-8 in 16x8", "edge256", counts["i2"], round(2.1 * counts["i1"])


def own(options, folder):
    for number, (name, kind, batch, steps, cells, keys, goal, of_a_step) in enumerate(OWN):
        model = folder / f"cells{number}.{'tflite' if kind == 'LSTM' else 'onnx'}"
        (write_lstm if kind == "LSTM" else write_gru)(model, batch, steps, cells, cells)
        count = cycles(model, options.backend, "edge256", keys)
        yield name, "edge256", round(count / (batch * steps)) if of_a_step else count, goal


def others(options):
    """Measures existing files on the designs that have a goal, or Vela's figure."""
    for name, goals in FILES:
        file, folder = options.models / f"{name}.tflite", options.models / name
        files = [file] if file.exists() else sorted(folder.rglob("*.tflite"))
        for config in DESIGNS if files else ():
            count = sum(cycles(f, options.backend, config, (KEY,)) for f in files)
            yield name + (f", {len(files)} programs" if len(files) > 1 else ""), config, count, goals.get(config)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--backend", choices=["rtl", "arch"], default="rtl")
    parser.add_argument("--models", type=pathlib.Path)
    parser.add_argument("--check", action="store_true")
    options = parser.parse_args()
    vela = json.loads((common.ROOT / "components" / "benchmarks" / "results" / "vela.json").read_text())["figures"]
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        rows = [*own(options, folder), *resnet8(options, folder), *(others(options) if options.models else ())]
    printed = [[name, config, count, goal or "-", "-" if not goal else "yes" if count <= goal else "no",
                vela.get(f"{name.split(',')[0]};{DESIGNS[config]}", {"value": "-"})["value"]]
               for name, config, count, goal in rows]
    common.table(["what", "design", "cycles", "goal", "met", "Ethos-U (Vela)"], printed)
    return options.check and any(row[4] == "no" for row in printed)


if __name__ == "__main__":
    sys.exit(main())
