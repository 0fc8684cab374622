#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Prunes an int8 TFLite network by energy (after Yang et al. 2017): removes filters where that saves the most energy.

    prune.py MODEL.tflite OUT.tflite --data DIR [--scale S] [--lose POINTS] [--by energy|weights] [--config C] [--trine T]

In each step every layer proposes a sixteenth of its filters, those with the smallest weights; `trine accuracy` counts
the correct answers on DIR's labelled examples, and `trine estimate` computes the energy, including DRAM at 20 pJ per
bit. The layer that saves the most per lost answer is pruned; the last step stays above --lose (1) points below the
initial accuracy. --by weights counts weights instead, like pruning without a machine. A filter's weights and bias
become zeros: the compiler removes such channels exactly, and the machine neither loads nor computes them. There is no
retraining; convolutions and fully connected layers except for the last one are pruned. Python's library is enough.
"""
import argparse
import json
import math
import pathlib
import struct
import subprocess
import sys
import tempfile

CONV, FULLY = 3, 9
MODELS = pathlib.Path(__file__).resolve().parents[2] / "models"


class Table:
    """A table of a flatbuffer; fields by their ids in sw/model/tflite/tflite.fbs."""

    def __init__(self, data, at):
        self.data, self.at = data, at
        self.vtable = at - struct.unpack_from("<i", data, at)[0]

    def field(self, number):
        """Returns the position of a field, or None."""
        if 4 + 2 * number >= struct.unpack_from("<H", self.data, self.vtable)[0]:
            return None
        offset = struct.unpack_from("<H", self.data, self.vtable + 4 + 2 * number)[0]
        return self.at + offset if offset else None

    def number(self, number, kind="i", default=0):
        at = self.field(number)
        return default if at is None else struct.unpack_from("<" + kind, self.data, at)[0]

    def vector(self, number):
        """Returns (count, position of the first element)."""
        at = self.field(number)
        if at is None:
            return 0, 0
        at += struct.unpack_from("<I", self.data, at)[0]
        return struct.unpack_from("<I", self.data, at)[0], at + 4

    def integers(self, number):
        count, at = self.vector(number)
        return struct.unpack_from(f"<{count}i", self.data, at)

    def tables(self, number):
        count, at = self.vector(number)
        places = [at + 4 * i for i in range(count)]
        return [Table(self.data, place + struct.unpack_from("<I", self.data, place)[0]) for place in places]


class Layer:
    """The filters of a product, and the positions of their weights and biases in the file."""

    def __init__(self, model, graph, operator):
        tensors, buffers = graph.tables(0), model.tables(4)
        _, weights, *bias = operator.integers(1)
        count, name = tensors[weights].vector(3)
        self.name = model.data[name:name + count].decode("utf-8", "replace")
        self.filters, *taps = tensors[weights].integers(0)
        self.taps = math.prod(taps)
        self.weights = buffers[tensors[weights].number(2, "I")].vector(0)[1]
        self.bias = buffers[tensors[bias[0]].number(2, "I")].vector(0)[1] if bias and bias[0] >= 0 else 0
        self.left = set(range(self.filters))

    def codes(self, data, filter_index):
        return struct.unpack_from(f"{self.taps}b", data, self.weights + filter_index * self.taps)

    def weakest(self, data):
        """Returns a sixteenth of the filters, at least one; at least one remains."""
        order = sorted(self.left, key=lambda f: sum(map(abs, self.codes(data, f))))
        return order[:max(1, self.filters // 16)][:len(order) - 1]

    def without(self, data, chosen):
        data = bytearray(data)
        for f in chosen:
            data[self.weights + f * self.taps:self.weights + (f + 1) * self.taps] = bytes(self.taps)
            if self.bias:
                data[self.bias + 4 * f:self.bias + 4 * f + 4] = bytes(4)
        return bytes(data)


def layers_of(data, name):
    if data[4:8] != b"TFL3":
        sys.exit(f"{name}: not a TFLite file")
    model = Table(data, struct.unpack_from("<I", data, 0)[0])
    codes = [max(code.number(0, "b"), code.number(3)) for code in model.tables(1)]
    graph = model.tables(2)[0]
    found = [Layer(model, graph, op) for op in graph.tables(3) if codes[op.number(0, "I")] in (CONV, FULLY)]
    return found[:-1]


class Judge:
    """Computes the correct answers and the cost of a file."""

    def __init__(self, options, folder):
        self.options, self.path = options, pathlib.Path(folder) / "pruned.tflite"

    def run(self, *arguments):
        result = self.path.with_suffix(".json")
        done = subprocess.run([self.options.trine, *map(str, arguments), "--quiet", "--json", result])
        if done.returncode:
            sys.exit(done.returncode)
        return json.loads(result.read_text())

    def __call__(self, data, layers):
        self.path.write_bytes(data)
        right = self.run("accuracy", "--config", self.options.config, self.path, "--data", self.options.data, "--scale",
                         self.options.scale, "--backend", "golden")
        cost = self.run("estimate", "--config", self.options.config, self.path)
        energy = cost["energy_pj"] + cost["energy"]["dram_pj"]
        weights = sum(len(layer.left) * layer.taps for layer in layers)
        return right["top1_right"], right["images"], energy, cost["cycles"], weights


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model")
    parser.add_argument("out")
    parser.add_argument("--data", required=True)
    parser.add_argument("--scale", default="1/255")
    parser.add_argument("--lose", type=float, default=1.0)
    parser.add_argument("--by", choices=["energy", "weights"], default="energy")
    parser.add_argument("--config", default="edge256")
    parser.add_argument("--steps", type=int, default=100)
    parser.add_argument("--trine", default=MODELS.parent / "trine")
    options = parser.parse_args()
    try:
        data = pathlib.Path(options.model).read_bytes()
    except OSError as error:
        sys.exit(f"{options.model}: {error.strerror}")
    layers = layers_of(data, options.model)
    with tempfile.TemporaryDirectory() as folder:
        judge = Judge(options, folder)
        first = now = judge(data, layers)
        least = first[0] - options.lose / 100 * first[1]
        print(f"{'layer':<24}{'filters':>8}{'right':>8}{'uJ':>9}{'of 1':>7}{'cycles':>10}{'weights':>11}")
        print(f"{'-':<24}{'':>8}{first[0]:>8,}{first[2] / 1e6:>9.2f}{1:>7.2f}{first[3]:>10,}{first[4]:>11,}")
        for _ in range(options.steps):
            best = None
            for layer in layers:
                chosen = layer.weakest(data)
                if not chosen:
                    continue
                layer.left -= set(chosen)
                pruned = layer.without(data, chosen)
                then = judge(pruned, layers)
                layer.left |= set(chosen)
                saved = now[2] - then[2] if options.by == "energy" else now[4] - then[4]
                gain = saved / (max(now[0] - then[0], 0) + 1)
                if then[0] >= least and saved > 0 and (best is None or gain > best[0]):
                    best = gain, layer, chosen, pruned, then
            if best is None:
                break
            _, layer, chosen, data, now = best
            layer.left -= set(chosen)
            print(f"{layer.name[:23]:<24}{len(layer.left):>8}{now[0]:>8,}{now[2] / 1e6:>9.2f}{now[2] / first[2]:>7.2f}"
                  f"{now[3]:>10,}{now[4]:>11,}", flush=True)
    pathlib.Path(options.out).write_bytes(data)


if __name__ == "__main__":
    main()
