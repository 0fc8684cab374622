#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Measures processor seconds of `trine compile` on networks that once took minutes.

usage: compile_time.py [--size PERCENT | --write FOLDER]
Builds its networks itself: a chain of 400 residual blocks whose maps spill, 30 small convolutions of a batch of 32,
16,000 RESHAPEs before a SOFTMAX. Prints seconds with the goals; exit code 1 if one is missed. --size: size of the
networks, to see how time grows. --write: only the networks.
"""
import argparse
import pathlib
import random
import resource
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from common import ROOT, program  # noqa: E402

sys.path.insert(0, str(ROOT / "components" / "zoo"))
from tflite_writer import to_bytes  # noqa: E402

ADD, CONV_2D, RESHAPE, SOFTMAX = 0, 3, 22, 25
INT8, INT32 = 9, 2
CONV_OPTIONS, ADD_OPTIONS, RESHAPE_OPTIONS, SOFTMAX_OPTIONS = 1, 11, 17, 9


class Net:
    """A TFLite model that grows; ids are those of sw/model/tflite/tflite.fbs."""

    def __init__(self):
        self.tensors, self.ops, self.codes, self.buffers = [], [], [], [{}]
        self.draw = random.Random(1)

    def tensor(self, shape, scale=1.0, zero_point=0, kind=INT8, data=None):
        buffer = 0
        if data is not None:
            buffer = len(self.buffers)
            self.buffers.append({0: data})
        self.tensors.append({0: ["i", *shape], 1: ("b", kind), 2: ("I", buffer),
                             3: f"t{len(self.tensors)}",
                             4: {2: ["f", scale], 3: ["q", zero_point]}})
        return len(self.tensors) - 1

    def op(self, code, inputs, output, kind, options):
        if code not in self.codes:
            self.codes.append(code)
        self.ops.append({0: ("I", self.codes.index(code)), 1: ["i", *inputs], 2: ["i", output],
                         3: ("B", kind), 4: options})
        return output

    def convolution(self, x, shape, weights, bias):
        return self.op(CONV_2D, [x, weights, bias], self.tensor(shape, 1.0, 5), CONV_OPTIONS,
                       {1: ("i", 1), 2: ("i", 1)})

    def parameters(self, channels, window):
        scale = (window * window * channels) ** -0.5 / 64
        count = channels * window * window * channels
        weights = bytes(self.draw.randrange(256) for _ in range(count))
        return (self.tensor([channels, window, window, channels], scale, 0, INT8, weights),
                self.tensor([channels], scale, 0, INT32, bytes(4 * channels)))

    def write(self, path, first, last):
        graph = {0: self.tensors, 1: ["i", first], 2: ["i", last], 3: self.ops}
        codes = [{0: ("b", code), 3: ("i", code)} for code in self.codes]
        path.write_bytes(to_bytes({0: ("I", 3), 1: codes, 2: [graph], 4: self.buffers}))
        return path


def chain(path, size):
    """Writes pairs of a 1x1 convolution and a sum with its input, 64x64x32."""
    net, shape = Net(), [1, 64, 64, 32]
    first = x = net.tensor(shape, 1.0, 5)
    parameters = net.parameters(32, 1)
    for _ in range(400 * size // 100):
        y = net.convolution(x, shape, *parameters)
        x = net.op(ADD, [y, x], net.tensor(shape, 1.0, 5), ADD_OPTIONS, {})
    return net.write(path, first, x)


def batch(path, size):
    net, shape = Net(), [max(1, 32 * size // 100), 16, 16, 16]
    first = x = net.tensor(shape, 1.0, 5)
    parameters = net.parameters(16, 3)
    for _ in range(30):
        x = net.convolution(x, shape, *parameters)
    return net.write(path, first, x)


def reshapes(path, size):
    net = Net()
    first = x = net.tensor([1, 64], 0.1)
    for i in range(16_000 * size // 100 // 2 * 2):
        x = net.op(RESHAPE, [x], net.tensor([1, 1, 64] if i % 2 == 0 else [1, 64], 0.1),
                   RESHAPE_OPTIONS, {})
    last = net.op(SOFTMAX, [x], net.tensor([1, 64], 1 / 256, -128), SOFTMAX_OPTIONS,
                  {0: ("f", 1.0)})
    return net.write(path, first, last)


def seconds_of(command):
    before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime
    done = subprocess.run([str(c) for c in command], stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True)
    if done.returncode != 0:
        sys.exit(f"compile_time.py: {' '.join(map(str, command))}:\n{done.stdout[-2000:]}")
    return resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime - before


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--size", type=int, default=100)
    parser.add_argument("--write", type=pathlib.Path, help="only write the networks to this folder")
    options = parser.parse_args()
    rows = [("400 residual blocks, 64x64x32", chain, "edge256", 2),
            ("30 convolutions, batch of 32", batch, "edge64", 2),
            ("16,000 RESHAPEs and a SOFTMAX", reshapes, "edge256", 1)]
    missed = False
    print("| input | goal, s | processor seconds |\n|---|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        for name, make, preset, goal in rows:
            where = options.write or pathlib.Path(folder)
            model = make(where / f"{make.__name__}.tflite", options.size)
            if options.write:
                continue
            seconds = seconds_of([program(), "compile", "--config", preset, model, "--out",
                                  pathlib.Path(folder) / "x.trine"])
            missed |= seconds > goal
            print(f"| {name} | {goal} | {seconds:.2f} |", flush=True)
    sys.exit(missed)


if __name__ == "__main__":
    main()
