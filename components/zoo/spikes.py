#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes a NIR graph (.nir) as a quantized ONNX network of N time steps, for `trine nir`.

    spikes.py MODEL.nir --steps 32 --out MODEL.onnx [--dt 1e-4] [--reset subtract [--delay]] [--bits 12]

Neurons become operators `Spiking` of the domain `trine` (docs/spikes.md), with an input [steps, ...]. Weights are
int8 with a scale for each channel; a neuron's threshold is 2^bits codes of its state. The file is read only with
h5py, its sizes before its contents.
"""
import argparse
import os
import pathlib
import resource
import sys

import h5py
import numpy as np

import onnx_writer as onnx

MOST_BYTES, MOST_NODES, MOST_DEPTH = 1 << 30, 10_000, 6
NEURONS = {"IF", "LIF", "CubaLIF", "LI", "CubaLI"}
WEIGHTS = {"Affine", "Linear", "Conv2d"}
POOLS = {"SumPool2d", "AvgPool2d"}
ENDS = {"Input", "Output"}
LARGEST = 1e30  # limit of a float32 number, and of sums
SECONDS = 120  # processor time for the whole conversion


class Fault(Exception):
    pass


def read_tree(group, depth=0, budget=None):
    """Returns a group as dictionaries of arrays, strings and numbers."""
    budget = budget if budget is not None else {"bytes": MOST_BYTES, "nodes": MOST_NODES}
    if depth > MOST_DEPTH:
        raise Fault(f"groups {depth} deep, allowed {MOST_DEPTH}")
    tree = {}
    for key in group:
        budget["nodes"] -= 1
        if budget["nodes"] < 0:
            raise Fault(f"more than {MOST_NODES} entries")
        if not isinstance(group.get(key, getlink=True), h5py.HardLink):
            raise Fault(f"'{key}' is a link, allowed none")
        item = group[key]
        if isinstance(item, h5py.Group):
            tree[key] = read_tree(item, depth + 1, budget)
            continue
        if not isinstance(item, h5py.Dataset):
            raise Fault(f"'{key}' is neither a group nor data")
        if item.is_virtual or item.external:
            raise Fault(f"'{key}' is in another file")
        budget["bytes"] -= max(int(item.size or 0), 1) * max(item.dtype.itemsize, 1)
        if budget["bytes"] < 0:
            raise Fault(f"more than {MOST_BYTES >> 20} MiB of data")
        value = item[()]
        tree[key] = text_of(value, f"'{key}'") if isinstance(value, bytes) else value
    return tree


def text_of(value, what):
    if isinstance(value, bytes):
        try:
            value = value.decode("utf-8")
        except UnicodeError:
            raise Fault(f"{what} is not UTF-8")
    if not isinstance(value, str):
        raise Fault(f"{what} is not a text")
    return value


class Node:
    def __init__(self, name, tree):
        if not isinstance(tree, dict):
            raise Fault(f"node '{name}' is not a group")
        self.name, self.tree = name, tree
        self.type = text_of(tree.get("type"), f"type of node '{name}'")

    def fail(self, text):
        raise Fault(f"node '{self.name}' {self.type}: {text}")

    def array(self, key, otherwise=None):
        return self.numbers(key, self.tree.get(key, otherwise))

    def numbers(self, key, value):
        if value is None:
            self.fail(f"{key} is missing")
        try:
            result = np.asarray(value)
            if result.dtype.kind not in "biuf":
                raise TypeError
            result = result.astype(np.float64)
        except (TypeError, ValueError):
            self.fail(f"{key} is not an array of numbers")
        if not np.all(np.isfinite(result)):
            self.fail(f"{key} has numbers that are not finite")
        return result

    def like(self, key, shape, otherwise=None):
        """Returns a number for each neuron, or one for all."""
        result = self.array(key, otherwise)
        if list(result.shape) not in ([], [1], shape):
            self.fail(f"{key} of shape {list(result.shape)}, allowed {shape} as r")
        return result

    def whole(self, key, count, otherwise=None):
        """Returns `count` nonnegative whole numbers; a single one applies to all."""
        given = self.array(key, otherwise).reshape(-1)
        if given.size == 1:
            given = np.repeat(given, count)
        if given.size != count or np.any(given != np.round(given)) or np.any(given < 0) or np.any(given > 4096):
            self.fail(f"{key} {given.tolist()[:4]}, allowed {count} whole numbers of 0..4096")
        return [int(x) for x in given]

    def one(self, key, least, most, otherwise=None):
        """Returns a parameter that all neurons share."""
        values = np.unique(self.array(key, otherwise))
        if values.size != 1:
            self.fail(f"{key} has {values.size} values, allowed one for all neurons")
        if not least <= values[0] <= most:
            self.fail(f"{key} {values[0]:.6g}, allowed {least:.6g}..{most:.6g}")
        return float(values[0])


class Graph:
    """Nodes by name, and their successors. The only permitted cycles consist of a neuron and its own weights."""

    def __init__(self, tree):
        root = tree.get("node")
        if not isinstance(root, dict) or not isinstance(root.get("nodes"), dict):
            raise Fault("not a NIR graph: 'node/nodes' is missing")
        self.nodes = {name: Node(name, node) for name, node in root["nodes"].items()}
        known = NEURONS | WEIGHTS | POOLS | ENDS | {"Flatten"}
        for node in self.nodes.values():
            if node.type not in known:
                node.fail("not supported, allowed " + ", ".join(sorted(known)))
        pairs = np.asarray(root.get("edges", []), dtype=object)
        if pairs.ndim != 2 or pairs.shape[1] != 2:
            raise Fault("'node/edges' is not a list of pairs")
        edges = sorted({tuple(text_of(x, "an edge's end") for x in pair) for pair in pairs.tolist()})
        for end in {x for edge in edges for x in edge} - set(self.nodes):
            raise Fault(f"an edge leads to '{end}', which is not a node")
        self.after = {name: [b for a, b in edges if a == name] for name in self.nodes}
        self.before = {name: [a for a, b in edges if b == name] for name in self.nodes}
        self.returning = {}  # by neuron: the node of weights that leads back to it
        for name, node in self.nodes.items():
            if node.type in ("Affine", "Linear") and len(self.before[name]) == 1:
                neuron = self.before[name][0]
                if self.after[name] == [neuron] and self.nodes[neuron].type in NEURONS:
                    self.returning[neuron] = node
        for neuron, weights in self.returning.items():
            self.after[neuron].remove(weights.name)
            self.before[neuron].remove(weights.name)

    def chain(self):
        """Returns all nodes in order, the input first."""
        inputs = [n for n in self.nodes.values() if n.type == "Input"]
        if len(inputs) != 1:
            raise Fault(f"{len(inputs)} inputs, allowed 1")
        order = [inputs[0]]
        while order[-1].type != "Output":
            node = order[-1]
            following = self.after[node.name]
            if len(following) != 1:
                node.fail(f"{len(following)} nodes follow it, allowed 1, and weights back to a neuron")
            order.append(self.nodes[following[0]])
            if len(self.before[order[-1].name]) != 1:
                order[-1].fail(f"{len(self.before[order[-1].name])} nodes lead to it, allowed 1")
            if len(order) > len(self.nodes):
                raise Fault("a cycle other than of a neuron and its own weights")
        if self.before[inputs[0].name]:
            inputs[0].fail(f"{len(self.before[inputs[0].name])} nodes lead to it, allowed 0")
        left = set(self.nodes) - {n.name for n in order} - {n.name for n in self.returning.values()}
        if left:
            self.nodes[sorted(left)[0]].fail("not on the way from the input to the output")
        return order


class Neuron:
    """A neuron in terms of its constants per step, forward Euler: v = leak v + gain x + offset."""

    def __init__(self, node, dt, reset):
        self.node, self.reset = node, reset if node.type not in ("LI", "CubaLI") else "none"
        self.shape = list(node.array("r").shape)
        if len(self.shape) not in (1, 3):
            node.fail(f"r of shape {self.shape}, allowed one axis, or channels, height, width")
        self.leak, self.synapse, self.offset = 1.0, None, 0.0
        self.gain = node.array("r")
        if node.type != "IF":
            membrane = "tau_mem" if node.type.startswith("Cuba") else "tau"
            part = dt / node.one(membrane, dt, 1e9)
            self.leak = 1 - part
            self.gain = self.gain * part
            self.offset = node.like("v_leak", self.shape) * part
        if node.type.startswith("Cuba"):
            part = dt / node.one("tau_syn", dt, 1e9)
            self.synapse = 1 - part
            self.gain = self.gain * part * node.like("w_in", self.shape, 1.0)
            if np.any(self.offset != 0):
                node.fail("v_leak other than 0")
        self.threshold = None
        if self.reset != "none":
            if np.any(node.like("v_reset", self.shape, 0.0) != 0):
                node.fail("v_reset other than 0")
            self.threshold = node.like("v_threshold", self.shape)
            if np.any(self.threshold <= 0):
                node.fail("v_threshold, allowed above 0")
            self.gain = self.gain / self.threshold
            self.offset = self.offset / self.threshold
        if not (np.all(np.isfinite(self.gain)) and np.all(np.isfinite(self.offset))):
            node.fail("numbers beyond what floats hold")

    def gathers(self, steps):
        """Returns the factor of the largest current that a membrane reaches: the sum of the decayed contributions of
        all steps."""
        return np.prod([1 / max(1 - leak, 1 / steps) for leak in (self.leak, self.synapse) if leak is not None])

    def by_channel(self, values):
        """Returns one value for each channel; neurons of a channel share it."""
        values = np.broadcast_to(values, self.shape).reshape(self.shape[0], -1)
        if np.any(values != values[:, :1]):
            self.node.fail("neurons of one channel have several parameters, allowed one")
        return values[:, 0].copy()


class Writer:
    """Nodes and constants of the ONNX file. A value is [steps, ...] of codes of `step`, up to `reach` of them."""

    def __init__(self, bits, steps, shape, step):
        self.bits, self.steps, self.nodes, self.constants, self.names = bits, steps, [], [], {"input"}
        self.value, self.shape, self.step, self.reach = "input", shape, step, 127

    def free(self, name):
        """Returns the name, or a longer one if it is already used: nodes of NIR have any names."""
        while name in self.names:
            name += "'"
        self.names.add(name)
        return name

    def constant(self, name, kind, array):
        name, array = self.free(name), np.asarray(array, order="C")
        self.constants.append(onnx.tensor(name, kind, array.shape, array.tobytes()))
        return name

    def node(self, kind, inputs, name, domain="", **attributes):
        name = self.free(name)
        self.nodes.append(onnx.node(kind, inputs, name, domain, **attributes))
        return name

    def quantized(self, value, name, scale, kind=onnx.INT8):
        types = {onnx.INT8: np.int8, onnx.INT16: np.int16}
        self.step = scale
        s = self.constant(name + ":scale", onnx.FLOAT, np.float32(scale))
        z = self.constant(name + ":zero", kind, types[kind](0))
        q = self.node("QuantizeLinear", [value, s, z], name + ":codes")
        return self.node("DequantizeLinear", [q, s, z], name)

    def weights(self, name, w):
        """Returns int8 weights with a scale for each channel."""
        most = np.abs(w).reshape(len(w), -1).max(axis=1)
        if not most.max() < LARGEST:
            raise Fault(f"'{name}': weights up to {most.max():.3g} thresholds, allowed below {LARGEST:.0e}")
        scales = (np.where(most > 1 / LARGEST, most, 1) / 127).astype(np.float32)
        codes = np.rint(w / scales.astype(np.float64).reshape([-1] + [1] * (w.ndim - 1)))
        q = self.constant(name + ":codes", onnx.INT8, np.clip(codes, -127, 127).astype(np.int8))
        s = self.constant(name + ":scales", onnx.FLOAT, scales)
        z = self.constant(name + ":zeros", onnx.INT8, np.zeros(len(w), np.int8))
        return self.node("DequantizeLinear", [q, s, z], name, axis=0), scales

    def bias(self, name, bias, scales):
        """Returns an int32 bias in steps of the sums."""
        steps = np.float32(self.step) * scales
        codes = np.rint(bias / steps.astype(np.float64))
        if not np.abs(codes).max() <= 1 << 30:
            raise Fault(f"'{name}': biases beyond 30 bits of the weights' step")
        q = self.constant(name + ":codes", onnx.INT32, codes.astype(np.int32))
        s = self.constant(name + ":scales", onnx.FLOAT, steps)
        z = self.constant(name + ":zeros", onnx.INT32, np.zeros(len(steps), np.int32))
        return self.node("DequantizeLinear", [q, s, z], name, axis=0)


def product(out, node, neuron, back):
    """Adds the currents of a neuron in its own units. @param node  None: it reads spikes directly"""
    rank = len(out.shape)
    gain, offset = neuron.by_channel(neuron.gain), neuron.by_channel(neuron.offset)
    name = node.name if node else neuron.node.name + ":input"
    channels = len(gain)
    if node is None:  # each neuron reads its own
        if out.shape != neuron.shape:
            neuron.node.fail(f"of shape {neuron.shape}, what it reads is {out.shape}")
        w = np.ones([channels, 1, 1, 1]) if rank == 3 else np.eye(channels)
    else:
        w = node.array("weight")
    bias = np.zeros(channels)
    if node is not None and node.type != "Linear":
        bias = node.array("bias", np.zeros(channels)).reshape(-1)
    if w.ndim != (4 if rank == 3 else 2) or w.shape[0] != channels or w.size == 0 or bias.size != channels:
        (node or neuron.node).fail(f"weights of shape {list(w.shape)} for {out.shape} to {neuron.shape}")
    w = w * gain.reshape([-1] + [1] * (w.ndim - 1))
    bias = bias * gain + offset
    if back is not None and back.type == "Affine":
        bias = bias + back.like("bias", neuron.shape) * gain
    scale = 2.0 ** -out.bits
    if neuron.reset == "none":  # the largest that it reaches
        if out.reach > 127:  # scaling for the largest possible value would leave too few bits for real values
            neuron.node.fail("reads membranes, allowed spikes or events")
        largest = out.reach * out.step
        most = (np.abs(w).reshape(channels, -1).sum(axis=1) * largest + np.abs(bias)).max() * neuron.gathers(out.steps)
        if not most < LARGEST:
            neuron.node.fail(f"membranes up to {most:.3g}, allowed below {LARGEST:.0e}")
        scale = 2.0 ** int(np.ceil(np.log2(max(most, 1e-30) / 32767)))
    weights, scales = out.weights(name + ":weights", w)
    names = [out.value, weights]
    if np.any(bias != 0):
        names.append(out.bias(name + ":bias", bias, scales))
    if rank == 1:
        if w.shape[1] != out.shape[0]:
            (node or neuron.node).fail(f"weights for {w.shape[1]} inputs, it has {out.shape[0]}")
        made = out.node("Gemm", names, name, transB=1)
        out.shape = [channels]
    else:
        attributes = convolution(out, node, w, channels)
        made = out.node("Conv", names, name, **attributes)
    return out.quantized(made, name + ":currents", scale, onnx.INT16)


def convolution(out, node, w, channels):
    """Returns the attributes of Conv; out.shape becomes that of its result."""
    if node is None:
        return {"group": channels}
    stride, dilation = node.whole("stride", 2, 1), node.whole("dilation", 2, 1)
    if min(stride + dilation) < 1:
        node.fail("a stride or dilation of 0")
    groups = node.whole("groups", 1, 1)[0]
    if groups < 1 or channels % groups != 0 or w.shape[1] * groups != out.shape[0]:
        node.fail(f"weights of shape {list(w.shape)} in {groups} groups for {out.shape}")
    reach = [(k - 1) * d + 1 for k, d in zip(w.shape[2:], dilation)]
    given = node.tree.get("padding", 0)
    if isinstance(given, (str, bytes)):
        how = text_of(given, "padding")
        if how not in ("same", "valid") or (how == "same" and stride != [1, 1]):
            node.fail(f"padding '{how}' with stride {stride}")
        all_ = [r - 1 if how == "same" else 0 for r in reach]
        pads = [a // 2 for a in all_] + [a - a // 2 for a in all_]
    else:
        pads = node.whole("padding", 2) * 2
    out.shape = [channels] + [
        (n + pads[i] + pads[i + 2] - reach[i]) // stride[i] + 1 for i, n in enumerate(out.shape[1:])]
    if min(out.shape) < 1:
        node.fail("its window is larger than the image")
    return {"strides": stride, "dilations": dilation, "pads": pads, "group": groups}


def returned(out, neuron, back):
    """Returns the weights of recurrent spikes, in the neuron's units."""
    w = back.array("weight")
    n = neuron.shape[0]
    if len(neuron.shape) != 1 or list(w.shape) != [n, n]:
        back.fail(f"weights of shape {list(w.shape)} for neurons {neuron.shape}")
    return out.weights(back.name + ":weights", w * neuron.by_channel(neuron.gain).reshape(-1, 1))[0]


def spike(out, node, neuron, back, args):
    if back is not None and neuron.reset == "none":
        back.fail("leads back to a neuron without spikes")
    currents = product(out, node, neuron, back)
    if out.shape != neuron.shape:
        neuron.node.fail(f"of shape {neuron.shape}, its currents are {out.shape}")
    inputs = [currents] + ([returned(out, neuron, back)] if back is not None else [])
    attributes = {"leak": float(neuron.leak), "reset": neuron.reset, "strict": int(args.fires == "above")}
    if args.delay and neuron.reset == "subtract":
        attributes["delay"] = 1
    if neuron.synapse is not None:
        attributes["synapse"] = float(neuron.synapse)
    if neuron.reset != "none":
        attributes["threshold"] = 1.0
    out.value = out.node("Spiking", inputs, neuron.node.name, "trine", **attributes)
    if neuron.reset == "none":
        out.reach = 32767
    else:
        out.reach, out.step = 1, 1.0


def pool(out, node):
    if len(out.shape) != 3:
        node.fail(f"of {out.shape}, allowed an image")
    kernel, padding = node.whole("kernel_size", 2), node.whole("padding", 2, 0)
    stride = node.whole("stride", 2, kernel)
    taps = kernel[0] * kernel[1]
    if min(kernel + stride) < 1 or taps * out.reach > 127:
        node.fail(f"windows {kernel}, stride {stride}: sums up to {taps * out.reach:.0f}, allowed 1..127")
    made = out.node("AveragePool", [out.value], node.name + ":mean", kernel_shape=kernel, strides=stride,
                    pads=padding * 2, count_include_pad=1)
    if node.type == "SumPool2d":
        made = out.node("Mul", [made, out.constant(node.name + ":taps", onnx.FLOAT, np.float32(taps))], node.name + ":sum")
    else:
        out.step /= taps
    out.value = out.quantized(made, node.name, out.step)
    out.reach *= taps
    out.shape = out.shape[:1] + [(n + 2 * p - k) // s + 1
                                 for n, p, k, s in zip(out.shape[1:], padding, kernel, stride)]
    if min(out.shape) < 1:
        node.fail("its window is larger than the image")


def flatten(out, node):
    start, end = node.array("start_dim", 0), node.array("end_dim", -1)
    rank = len(out.shape)
    if start.size != 1 or end.size != 1 or start.item() not in (0, -rank) or end.item() not in (-1, rank - 1):
        node.fail("of some dimensions, allowed all")
    if rank > 1:
        out.value = out.node("Flatten", [out.value], node.name, axis=1)
    out.shape = [int(np.prod(out.shape))]


def convert(graph, args):
    order = graph.chain()
    key = "shape" if "shape" in order[0].tree else "input_type"
    given = order[0].tree.get(key)
    given = given.get("input") if isinstance(given, dict) else given
    given = order[0].numbers("shape", given).reshape(-1)
    shape = [int(x) for x in given]
    if len(shape) not in (1, 3) or min(shape) < 1 or max(shape) > 1 << 20 or np.any(given != shape):
        order[0].fail(f"shape [{', '.join(f'{x:.15g}' for x in given[:4])}], allowed of one axis, or channels, height, width")
    out = Writer(args.bits, args.steps, shape, args.input_scale)
    entry = [args.steps] + shape
    out.value = out.quantized("input", "events", args.input_scale)
    waiting = None  # weights whose currents the next neuron reads
    for node in order[1:-1]:
        if node.type in NEURONS:
            neuron = Neuron(node, args.dt, args.reset)
            spike(out, waiting, neuron, graph.returning.get(node.name), args)
            waiting = None
        elif waiting is not None:
            node.fail(f"reads currents of '{waiting.name}', allowed a neuron after weights")
        elif node.type in WEIGHTS:
            waiting = node
        elif node.type in POOLS:
            pool(out, node)
        else:
            flatten(out, node)
    if waiting is not None:
        waiting.fail("no neuron reads its currents")
    if not any(n.type in NEURONS for n in order):
        raise Fault("no neuron")
    spikes = out.value
    return onnx.model(pathlib.Path(args.out).stem, 21, out.nodes, out.constants,
                      [onnx.float_end("input", entry)],
                      [onnx.float_end(spikes, [args.steps] + out.shape)], ["trine"]), order


def positive(text):
    value = float(text)
    if not 0 < value < 1e9:
        raise argparse.ArgumentTypeError(f"{text}, allowed above 0")
    return value


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model")
    parser.add_argument("--out", required=True)
    parser.add_argument("--steps", type=int, required=True)
    parser.add_argument("--dt", type=positive, default=1e-4, help="duration of a time step in seconds")
    parser.add_argument("--reset", choices=["zero", "subtract"], default="zero")
    parser.add_argument("--delay", action="store_true", help="subtract the threshold in the next step, after the leak")
    parser.add_argument("--fires", choices=["above", "at"], default="above")
    parser.add_argument("--bits", type=int, default=12, choices=range(4, 15))
    parser.add_argument("--input-scale", type=positive, default=1.0)
    args = parser.parse_args()
    if args.delay and args.reset != "subtract":
        parser.error("--delay: needs --reset subtract")
    code, text = guarded(lambda: written(args), args.model)
    print(f"spikes: {text}", file=sys.stderr)
    sys.exit(code)


def written(args):
    """Returns (exit code, message): the file was written, or the reason why not."""
    try:
        with h5py.File(args.model, "r") as file:
            tree = read_tree(file)
        model, order = convert(Graph(tree), args)
    except Fault as fault:
        return 2, f"{args.model}: {' '.join(str(fault).split())}"
    except RecursionError:
        return 2, f"{args.model}: groups within themselves"
    except MemoryError:
        return 2, f"{args.model}: more data than there is memory"
    except (OSError, ValueError, KeyError, TypeError, RuntimeError, OverflowError, UnicodeError) as fault:
        lines = str(fault).strip().splitlines() or [type(fault).__name__]
        return 2, f"{args.model}: no NIR file: {lines[0]}"
    pathlib.Path(args.out).write_bytes(model)
    layers = [n for n in order if n.type in NEURONS]
    return 0, f"{args.steps} steps of {sum(n.array('r').size for n in layers)} neurons in {len(layers)} layers"


def guarded(work, file):
    """Returns the result of `work` from a separate process, because HDF5's library may crash or never end on damaged
    files."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS))
        code, text = work()
        os.write(writer, text.encode()[:4096])
        os._exit(code)
    os.close(writer)
    with open(reader, "rb") as said:
        text = said.read().decode(errors="replace")
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    if status not in (0, 2) or not text:
        return 2, f"{file}: damaged: HDF5's library does not come to its end"
    return status, text


if __name__ == "__main__":
    main()
