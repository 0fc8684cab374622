#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Chooses a precision for each layer's weights, for `trine quantize --mixed`: int8, int4 or ternary.

quantize.py converts a float model to int8 weights. This module reduces the bits of some layers: first those with the
least error at the network's output for the bits saved, as long as the accuracy holds. Codes stay int8 in the file;
Trine treats -7..7 as int4 and -1..1 as ternary, any other runtime as int8.
"""
import copy
import functools
import json
import pathlib
import subprocess
import tempfile
import tomllib

import numpy as np

import record
from record import fail

LARGEST = {"int8": 127, "int4": 7, "ternary": 1}
BITS = {"int8": 8, "int4": 4, "ternary": 1.6}
PRODUCTS = ("Conv", "Gemm", "MatMul")
ENDS = 64  # largest codes that are tried for a row's scale


class Layer:
    """A product of constant int8 weights in a file of quantize_static, and the corresponding part of its float model."""

    def __init__(self, node, constants, producers, floats):
        self.node, self.name = node, node.name or node.output[0]
        dequantize = producers[node.input[1]]
        self.codes, self.scale = dequantize.input[0], dequantize.input[1]
        self.float_name = self.codes.removesuffix("_quantized")
        self.weights = floats[self.float_name].astype(np.float64)
        self.per_tensor = constants[self.scale].ndim == 0
        self.group = next((a.i for a in node.attribute if a.name == "group"), 1)
        self.out_axis = 0 if node.op_type == "Conv" else self.axis_of_outputs()
        bias = producers.get(node.input[2]) if len(node.input) > 2 else None
        self.bias = tuple(bias.input[:2]) if bias is not None else None
        self.float_bias = constants[self.bias[0]] * constants[self.bias[1]] if self.bias else None

    def axis_of_outputs(self):
        transposed = any(a.name == "transB" and a.i for a in self.node.attribute)
        return 0 if self.node.op_type == "Gemm" and transposed else self.weights.ndim - 1

    def rows(self, array):
        """Reshapes to [channels, weights of each]."""
        return np.moveaxis(array, self.out_axis, 0).reshape(array.shape[self.out_axis], -1)

    def unrolled(self, rows):
        shape = np.moveaxis(self.weights, self.out_axis, 0).shape
        return np.moveaxis(rows.reshape(shape), 0, self.out_axis)

    def importance(self, squares):
        """Returns the importance of each weight of a row: the mean size of its input. @param squares  by input
        channel; None: all equal"""
        rows = self.rows(self.weights)
        if squares is None:
            return np.ones((1, rows.shape[1]))
        if self.node.op_type != "Conv":
            return np.broadcast_to(squares, (1, rows.shape[1]))
        taps = int(np.prod(self.weights.shape[2:]))
        of_group = squares.reshape(self.group, -1).repeat(rows.shape[0] // self.group, axis=0)
        return of_group.repeat(taps, axis=1)

    def quantized(self, precision, squares):
        """Returns codes and scales with the least error at the layer's output."""
        rows, weight = self.rows(self.weights), self.importance(squares)
        if self.per_tensor:
            rows, weight = rows.reshape(1, -1), np.broadcast_to(weight, rows.shape).reshape(1, -1)
        largest = np.abs(rows).max(axis=1, keepdims=True)
        most, best, scale = LARGEST[precision], None, None
        for part in np.linspace(0.2 if most == 1 else 0.5, 1, ENDS):
            s = np.maximum(largest * part / most, 1e-12).astype(np.float32)
            codes = np.clip(np.rint(rows / s), -most, most)
            error = (weight * (rows - s * codes) ** 2).sum(axis=1, keepdims=True)
            if best is None:
                best, scale = error, s
            scale = np.where(error < best, s, scale)
            best = np.minimum(error, best)
        codes = np.clip(np.rint(rows / scale), -most, most).astype(np.int8)
        if self.per_tensor:
            codes = codes.reshape(self.weights.shape[self.out_axis], -1)
        return self.unrolled(codes), scale.ravel().astype(np.float32)

    def shift(self, codes, scale, means):
        """Returns the mean error of the sums of each channel."""
        if means is None:
            return 0
        real = self.rows(codes.astype(np.float64)) * scale.reshape(-1, 1)
        lost = self.rows(self.weights) - real
        return (lost * self.importance(means)).sum(axis=1)


class Mixed:
    """Searches precisions. @param ready  the float model that quantize_static read, as a proto; @param path  its result"""

    def __init__(self, ready, path, calibration, examples, labels, estimate):
        self.onnx = record.require("onnx", "onnx")
        self.runtime = record.require("onnxruntime", "onnxruntime")
        self.base, self.ready = self.onnx.load(path), ready
        self.examples, self.labels, self.estimate = examples, labels, estimate
        array = self.onnx.numpy_helper.to_array
        self.constants = {c.name: array(c) for c in self.base.graph.initializer}
        floats = {c.name: array(c) for c in ready.graph.initializer}
        producers = {n.output[0]: n for n in self.base.graph.node if n.op_type == "DequantizeLinear"}
        self.layers = [Layer(n, self.constants, producers, floats) for n in self.base.graph.node
                       if n.op_type in PRODUCTS and n.input[1] in producers and
                       self.constants.get(producers[n.input[1]].input[0], np.zeros(0, np.float32)).dtype == np.int8 and
                       producers[n.input[1]].input[0].removesuffix("_quantized") in floats]
        if not self.layers:
            fail(f"{path}: no layer of constant int8 weights")
        self.means, self.squares = self.inputs_of_layers(calibration)
        self.expected = self.answers(ready)

    def inputs_of_layers(self, calibration):
        """Returns mean and mean square of each layer's input, by input channel."""
        source = {n.input[1]: n.input[0] for n in self.ready.graph.node if n.op_type in PRODUCTS}
        wanted = {self.layers[i].name: source[layer.float_name] for i, layer in enumerate(self.layers)
                  if layer.float_name in source}
        seen = copy.deepcopy(self.ready)
        there = {v.name for v in (*seen.graph.output, *seen.graph.input)}
        seen.graph.output.extend(self.onnx.helper.make_empty_tensor_value_info(n)
                                 for n in sorted(set(wanted.values()) - there))
        session = self.session(seen)
        names = [o.name for o in session.get_outputs()]
        sums, squares, count = {}, {}, 0
        conv = {layer.name for layer in self.layers if layer.node.op_type == "Conv"}
        for row in calibration:
            values = row | dict(zip(names, session.run(None, row)))
            count += 1
            for name, tensor in wanted.items():
                x = values[tensor].astype(np.float64)
                x = np.moveaxis(x, 1 if name in conv else -1, 0)
                x = x.reshape(x.shape[0], -1)
                sums[name] = sums.get(name, 0) + x.mean(axis=1)
                squares[name] = squares.get(name, 0) + (x ** 2).mean(axis=1)
        return ({n: s / count for n, s in sums.items()}, {n: s / count + 1e-12 for n, s in squares.items()})

    def session(self, model):
        return self.runtime.InferenceSession(model.SerializeToString(), record.session_options(self.runtime),
                                             providers=["CPUExecutionProvider"])

    def answers(self, model):
        session = self.session(model)
        return np.stack([session.run(None, row)[0].reshape(-1) for row in self.examples])

    @functools.cache
    def quantized(self, layer, precision):
        return layer.quantized(precision, self.squares.get(layer.name))

    def applied(self, choice):
        """Returns the network with these precisions. @param choice  {name: precision}; others keep int8"""
        model = copy.deepcopy(self.base)
        changed = {}
        for layer in self.layers:
            precision = choice.get(layer.name, "int8")
            if precision == "int8":
                continue
            codes, scale = self.quantized(layer, precision)
            old = self.constants[layer.scale]
            changed[layer.codes], changed[layer.scale] = codes, scale.reshape(old.shape)
            if layer.bias:
                unit = self.constants[layer.bias[1]] * (scale.reshape(old.shape) / old)
                bias = layer.float_bias + layer.shift(codes, scale, self.means.get(layer.name))
                changed[layer.bias[0]] = np.clip(np.rint(bias / unit), -2**31, 2**31 - 1).astype(np.int32)
                changed[layer.bias[1]] = unit.astype(np.float32)
        for constant in model.graph.initializer:
            if constant.name in changed:
                constant.CopyFrom(self.onnx.numpy_helper.from_array(changed[constant.name], constant.name))
        return model

    def figures(self, choice):
        """Returns accuracy, error of the outputs compared with the float model's, and the machine's cycles, bytes and
        energy."""
        model = self.applied(choice)
        outputs = self.answers(model)
        with tempfile.TemporaryDirectory() as folder:
            file = pathlib.Path(folder) / "mixed.onnx"
            self.onnx.save(model, file)
            done = subprocess.run([*self.estimate, "--json", "-", str(file)], capture_output=True, text=True)
        if done.returncode != 0:
            fail(done.stderr.strip().splitlines()[-1])
        told = json.loads(done.stdout)
        return {"accuracy": self.accuracy(outputs), "error": self.error(outputs), "cycles": told["cycles"],
                "bytes": told["dram_bytes_read"] + told["dram_bytes_written"],
                "energy_pj": told["energy_pj"] + told["energy"]["dram_pj"]}

    def error(self, outputs):
        """Returns the squared error of the outputs, relative to the squares of the float model's outputs."""
        return float(((outputs - self.expected) ** 2).sum() / (self.expected ** 2).sum())

    def accuracy(self, outputs):
        """Returns the share of correct answers; without labels, of answers that equal the float model's."""
        right = self.expected.argmax(axis=1) if self.labels is None else self.labels
        return float((outputs.argmax(axis=1) == right).mean())

    def least(self, text):
        """Returns the accuracy limit of --accuracy: 97% is absolute, -1% is relative to the float model's."""
        share = float(text.rstrip("%")) / 100
        return share if not text.startswith("-") else self.accuracy(self.expected) + share

    def search(self, precisions, least):
        """@return steps, each with its change and the figures after it; the last one is the result"""
        steps = [{"layer": "", "precision": "int8", **self.figures({})}]
        moves = []
        for layer in self.layers:
            before, bits = steps[0]["error"], BITS["int8"]
            for precision in precisions:
                error = self.error(self.answers(self.applied({layer.name: precision})))
                saved = (bits - BITS[precision]) * layer.weights.size
                moves.append((max(error - before, 0) / saved, layer.name, precision))
                before, bits = max(error, before), BITS[precision]
        choice = {}
        for _, name, precision in sorted(moves):
            order = ["int8", *precisions]
            if order.index(choice.get(name, "int8")) >= order.index(precision):
                continue
            tried = choice | {name: precision}
            figures = self.figures(tried)
            if figures["accuracy"] >= min(least, steps[0]["accuracy"]) and figures["bytes"] < steps[-1]["bytes"]:
                choice = tried
                steps.append({"layer": name, "precision": precision, **figures})
        return choice, steps


def read_choice(file, names, precisions):
    """Returns {layer: precision} from a TOML file's table [layers]."""
    try:
        table = tomllib.loads(file.read_text())["layers"]
    except (OSError, tomllib.TOMLDecodeError, KeyError) as error:
        fail(f"{file}: {error if not isinstance(error, KeyError) else 'no table [layers]'}")
    for name, precision in table.items():
        if name not in names:
            fail(f"{file}: layers.{name}: no such layer, allowed {', '.join(names)}")
        if precision not in ("int8", *precisions):
            fail(f"{file}: layers.{name}: \"{precision}\", allowed {', '.join(('int8', *precisions))} of this design")
    return table


def to_toml(layers, choice):
    lines = [f"{json.dumps(layer.name)} = \"{choice.get(layer.name, 'int8')}\"  # {layer.weights.size} weights"
             for layer in layers]
    return "# Precisions of weights; to edit and give back: trine quantize --choice\n[layers]\n" + "\n".join(lines) + "\n"


def choose(args, ready, calibration, examples):
    """Rewrites args.out, with args.mixed by a search, otherwise by args.choice (TOML); writes args.report (JSON)."""
    labels = np.load(args.labels) if args.labels else None
    mixed = Mixed(ready, args.out, calibration, examples, labels, args.estimate.split("\n"))
    reached = True
    if args.mixed:
        least = mixed.least(args.accuracy)
        choice, steps = mixed.search(args.precisions, least)
        reached = steps[-1]["accuracy"] >= least
    else:
        choice = read_choice(args.choice, [layer.name for layer in mixed.layers], args.precisions)
        steps = [{"layer": "", "precision": "int8", **mixed.figures({})},
                 {"layer": "all", "precision": "mixed", **mixed.figures(choice)}]
    mixed.onnx.save(mixed.applied(choice), args.out)
    args.report.write_text(json.dumps({
        "float_accuracy": mixed.accuracy(mixed.expected), "labels": labels is not None, "answers": len(examples),
        "reached": reached, "steps": steps, "choice": to_toml(mixed.layers, choice)}))
