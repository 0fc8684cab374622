#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes a TFLite model of int8 CONV_2D layers (SAME, stride 1), with flatc from sw/model/tflite/tflite.fbs.

usage: conv_model.py OUT.tflite [--size H] [--channels C] [--filters M] [--window R] [--layers N]
                     [--residual]
--layers repeats the layer (M = C). --residual adds the input to the result (M = C): an ADD.
Weights and biases are random, seeded; the same arguments give the same bytes.
"""
import argparse
import json
import pathlib
import random
import struct
import subprocess
import tempfile

from common import ROOT

ADD, CONV_2D = 0, 3
INT8, INT32 = 9, 2


def tensor(name, shape, kind, buffer, scale, zero_point=0):
    return {"name": name, "shape": shape, "type": kind, "buffer": buffer,
            "quantization": {"scale": [scale], "zero_point": [zero_point]}}


def model(size, channels, filters, window, residual, layers):
    draw = random.Random(1)
    weights = [draw.randrange(256) for _ in range(filters * window * window * channels)]
    bias = struct.pack(f"<{filters}i", *(draw.randrange(-1000, 1000) for _ in range(filters)))
    scale = (window * window * channels) ** -0.5 / 64  # outputs spread over the codes
    tensors = [
        tensor("input", [1, size, size, channels], INT8, 0, 1.0, -3),
        tensor("weights", [filters, window, window, channels], INT8, 1, scale),
        tensor("bias", [filters], INT32, 2, scale),
        tensor("output", [1, size, size, filters], INT8, 0, 1.0, 5),
    ]
    tensors += [tensor(f"output{i}", [1, size, size, filters], INT8, 0, 1.0, 5)
                for i in range(2, layers + 1)]
    operators = [{"opcode_index": 0, "inputs": [i and i + 2, 1, 2], "outputs": [i + 3],
                  "options_type": "Conv2DOptions",
                  "options": {"padding": 0, "stride_w": 1, "stride_h": 1}} for i in range(layers)]
    if residual:
        tensors.append(tensor("sum", [1, size, size, filters], INT8, 0, 1.5, 7))
        operators.append({"opcode_index": 1, "inputs": [layers + 2, 0], "outputs": [layers + 3],
                          "options_type": "AddOptions", "options": {}})
    return {"version": 3,
            "operator_codes": [{"deprecated_builtin_code": code, "builtin_code": code}
                               for code in (CONV_2D, ADD)],
            "subgraphs": [{"tensors": tensors, "inputs": [0], "outputs": [len(tensors) - 1],
                           "operators": operators}],
            "buffers": [{}, {"data": weights}, {"data": list(bias)}]}


def write(path, size=32, channels=64, filters=64, window=3, residual=False, layers=1):
    """Writes convolutions of size*size*channels*filters*window*window MACs each."""
    path = pathlib.Path(path)
    with tempfile.TemporaryDirectory() as folder:
        text = pathlib.Path(folder) / "model.json"
        text.write_text(json.dumps(model(size, channels, filters, window, residual, layers)))
        schema = ROOT / "sw" / "model" / "tflite" / "tflite.fbs"
        subprocess.run(["flatc", "--binary", "-o", folder, str(schema), str(text)], check=True)
        path.write_bytes(next(f for f in pathlib.Path(folder).iterdir() if f != text).read_bytes())


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("out")
    parser.add_argument("--size", type=int, default=32)
    parser.add_argument("--channels", type=int, default=64)
    parser.add_argument("--filters", type=int, default=64)
    parser.add_argument("--window", type=int, default=3)
    parser.add_argument("--layers", type=int, default=1)
    parser.add_argument("--residual", action="store_true")
    options = parser.parse_args()
    if (options.residual or options.layers > 1) and options.channels != options.filters:
        parser.error("--residual, --layers: as many filters as channels")
    write(options.out, options.size, options.channels, options.filters, options.window,
          options.residual, options.layers)
