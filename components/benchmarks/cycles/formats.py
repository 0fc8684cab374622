#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Measures eight-bit number formats on the sixteen-bit path: cycles compared with int8, accuracy, energy.

usage: formats.py [--layer [--channels N] | --networks CIFAR] [--weights FORMAT] [--backend arch|rtl] [DESIGN]

--layer: one 3x3 convolution of 64 channels, or N, and 64 filters on 16x16 pixels; each run must equal the golden
layer. --networks: LeNet, 1,000 digits, and ResNet-8, 300 pictures of CIFAR/test (from `components/zoo/train_resnet8.py
PICTURES images --out CIFAR`), by `trine quantize`, `trine accuracy` (golden layers) and `trine estimate`.
"""
import argparse
import array
import pathlib
import random
import struct
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
import common  # noqa: E402

sys.path.insert(0, str(common.ROOT / "components" / "zoo"))
import onnx_writer as onnx  # noqa: E402

DESIGN = "edge256 array.activations16=true array.formats=true"
FORMS = {("int8", "int8"): [], ("int16", "int8"): ["--type", "int16"],
         ("e3m4", "int8"): ["--format", "e3m4", "--int8-weights"], ("e3m4", "e3m4"): ["--format", "e3m4"],
         ("posit8_0", "int8"): ["--format", "posit8_0", "--int8-weights"],
         ("posit8_0", "posit8_0"): ["--format", "posit8_0"],
         ("int8", "e4m3"): ["--format", "e4m3", "--int8-activations"],
         ("e4m3", "int8"): ["--format", "e4m3", "--int8-weights"], ("e4m3", "e4m3"): ["--format", "e4m3"]}
FILTERS, SIZE, WINDOW = 64, 16, 3
PIXELS = ["--scale", "1/255"]
NETWORKS = {"LeNet": ("models/own_model/lenet_float.onnx", "models/mnist_held_back", "models/mnist_held_back"),
            "ResNet-8": ("models/resnet8/float.onnx", "{}/calibration", "{}/test")}
COUNT = {"LeNet": 1000, "ResNet-8": 300}


def npy(path, shape, values):
    head = f"{{'descr': '<f4', 'fortran_order': False, 'shape': {tuple(shape)}, }}"
    head += " " * (-(len(head) + 11) % 64) + "\n"
    path.write_bytes(b"\x93NUMPY\x01\x00" + struct.pack("<H", len(head)) + head.encode() +
                     array.array("f", values).tobytes())


def layer(channels, folder, filters=FILTERS, size=SIZE):
    """Writes a float convolution and inputs for it."""
    draw = random.Random(1)
    taps = channels * WINDOW * WINDOW
    weights = [draw.gauss(0, taps ** -0.5) for _ in range(filters * taps)]
    node = onnx.node("Conv", ["x", "w", "b"], "y", kernel_shape=[WINDOW, WINDOW], pads=[1, 1, 1, 1])
    constants = [onnx.tensor("w", onnx.FLOAT, [filters, channels, WINDOW, WINDOW], weights),
                 onnx.tensor("b", onnx.FLOAT, [filters], [draw.gauss(0, 0.1) for _ in range(filters)])]
    ends = [[onnx.float_end(end, [1, count, size, size])] for end, count in (("x", channels), ("y", filters))]
    (folder / "layer.onnx").write_bytes(onnx.model("layer", 17, [node], constants, *ends))
    data = folder / "data"
    data.mkdir()
    npy(data / "x.npy", [4, channels, size, size], [draw.gauss(0, 1) for _ in range(4 * channels * size * size)])
    return folder / "layer.onnx", data


def forms(model, calibration, options, design, folder):
    """Yields (codes of activations, of weights), the quantized network."""
    for (codes, weights), how in FORMS.items():
        out = folder / f"{codes}_{weights}.onnx"
        common.trine("quantize", model, "--calibration", calibration, *options, "--out", out, *how, *design)
        yield codes, weights, out


def of_layer(design, backend, channels, folder):
    model, data = layer(channels, folder)
    first, rows = None, []
    for codes, weights, network in forms(model, data, [], design, folder):
        inputs = folder / "one.npy"
        npy(inputs, [1, channels, SIZE, SIZE], array.array("f", (data / "x.npy").read_bytes()[128:])[:channels * SIZE * SIZE])
        cycles = common.trine("run", network, "--input", inputs, "--backend", backend, *design)["cycles"]
        first = first or cycles
        rows.append([codes, weights, cycles, f"{cycles / first:.2f}x"])
    common.table(["activations", "weights", "cycles", "of int8"], rows)


def of_networks(cifar, design, folder):
    rows = []
    for name, (model, calibration, test) in NETWORKS.items():
        first = None
        for codes, weights, network in forms(common.ROOT / model, calibration.format(cifar), PIXELS, design, folder):
            right = common.trine("accuracy", network, "--data", test.format(cifar), *PIXELS, "--count", COUNT[name], "--backend", "golden", *design)
            cost = common.trine("estimate", network, *design)
            first = first or cost
            rows.append([name, codes, weights, f"{100 * right['top1']:.1f} %", cost["cycles"],
                         f"{cost['cycles'] / first['cycles']:.2f}x", f"{cost['energy_pj'] / 1e6:.1f}"])
    common.table(["network", "activations", "weights", "top-1", "cycles", "of int8", "uJ"], rows)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--layer", action="store_true")
    parser.add_argument("--channels", type=int, default=64)
    parser.add_argument("--weights", help="compare only this format of weights with int8")
    parser.add_argument("--networks", type=pathlib.Path, metavar="CIFAR")
    parser.add_argument("--backend", choices=["arch", "rtl"], default="arch")
    parser.add_argument("design", nargs="?", default=DESIGN)
    options = parser.parse_args()
    if not options.layer and not options.networks:
        parser.error("--layer or --networks")
    for codes, weights in list(FORMS):
        if options.weights and (codes, weights) != ("int8", "int8") and weights != options.weights:
            del FORMS[codes, weights]
    with tempfile.TemporaryDirectory() as folder:
        folder, design = pathlib.Path(folder), common.design(options.design)
        if options.layer:
            of_layer(design, options.backend, options.channels, folder)
        else:
            of_networks(options.networks, design, folder)
    print(common.versions())


if __name__ == "__main__":
    main()
