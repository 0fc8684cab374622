# SPDX-License-Identifier: Apache-2.0
"""Measures the loss of quantization for `trine quantize`: compares each output of the quantized model with the float
model's, and each part of an output that a Concat joins separately. For example, if a detector's boxes in pixels and
scores of 0..1 are joined before quantization, they share one scale, and no score remains.
"""
import numpy as np

import record

BOUND = 0.5       # relative to the root mean square of the float values: a larger error makes `trine quantize` exit with 1
APART = 16        # parts of a last join with ranges that differ by more are joined in float32: 16 leaves 3 bits of a sign and 7
EXAMPLES = 16     # number that is compared at most
MOVES = {"Cast", "Flatten", "Identity", "Reshape", "Squeeze", "Transpose", "Unsqueeze"}


def makers_of(model):
    return {name: node for node in model.graph.node for name in node.output if name}


def last_joins(model):
    """Returns [(output, Concat, [nodes after it])] of each output that a Concat produces, followed only by nodes that
    move elements."""
    makers, found = makers_of(model), []
    for output in model.graph.output:
        node, behind = makers.get(output.name), []
        while node is not None and node.op_type in MOVES:
            behind.append(node)
            node = makers.get(node.input[0])
        if node is not None and node.op_type == "Concat":
            found.append((output.name, node, behind))
    return found


def values_of(onnx, runtime, model, names, examples):
    """Returns name -> the arrays of the examples."""
    seen = onnx.ModelProto()
    seen.CopyFrom(model)
    there = {o.name for o in seen.graph.output}
    made = makers_of(model)
    seen.graph.output.extend(onnx.ValueInfoProto(name=name) for name in sorted(set(names) - there) if name in made)
    options = record.session_options(runtime)
    options.graph_optimization_level, options.log_severity_level = runtime.GraphOptimizationLevel.ORT_DISABLE_ALL, 3
    session = runtime.InferenceSession(seen.SerializeToString(), options, providers=["CPUExecutionProvider"])
    there = [o.name for o in session.get_outputs()]
    runs = [session.run(None, example) for example in examples]
    return {name: [run[i] for run in runs] for i, name in enumerate(there)}


def joined_in_float(onnx, runtime, model, examples):
    """Returns the nodes from a last join on whose parts have ranges that differ by more than APART times. @return
    (their names, text)"""
    joins = last_joins(model)
    if not joins:
        return [], []
    values = values_of(onnx, runtime, model, [name for _, join, _ in joins for name in join.input], examples[:EXAMPLES])
    names, text = [], []
    for output, join, behind in joins:
        ranges = [max(float(np.abs(a).max()) for a in values[name]) for name in join.input if name in values]
        ranges = [r for r in ranges if r > 0]
        if len(ranges) < 2 or max(ranges) <= APART * min(ranges):
            continue
        for node in (join, *behind):
            node.name = node.name or f"{node.op_type}_{node.output[0]}"
            names.append(node.name)
        text.append(f"output '{output}': its parts reach from {min(ranges):.3g} to {max(ranges):.3g}, so they keep scales of"
                    " their own and are joined in float32")
    return names, text


def parts_of(output, values, join, behind):
    """Returns [(name, slice)] of an output's parts; a single one if their positions are not known."""
    whole = [("all", np.s_[...])]
    if join is None or any(node.op_type not in ("Identity", "Transpose") for node in behind):
        return whole
    sizes = [values[name][0].shape if name in values else None for name in join.input]
    if any(size is None for size in sizes):
        return whole
    rank = len(sizes[0])
    axis = next((a.i for a in join.attribute if a.name == "axis"), 0) % rank
    place = axis
    for node in reversed(behind):
        if node.op_type == "Transpose":
            order = next((list(a.ints) for a in node.attribute if a.name == "perm"), list(range(rank))[::-1])
            place = order.index(place)
    parts, first = [], 0
    for name, size in zip(join.input, sizes):
        parts.append((name, (slice(None),) * place + (slice(first, first + size[axis]),)))
        first += size[axis]
    return parts


def part(output, name, real, quantized):
    """Returns the loss of one part. @param real, quantized  lists of arrays"""
    real = np.concatenate([np.ravel(a).astype(np.float64) for a in real])
    quantized = np.concatenate([np.ravel(a).astype(np.float64) for a in quantized])
    size, error = np.sqrt(np.mean(real ** 2)), np.sqrt(np.mean((quantized - real) ** 2))
    lost = float(error / size) if size > 0 else 0.0
    constant = bool(real.size > 1 and real.max() > real.min() and quantized.max() == quantized.min())
    return {"output": output, "part": name, "rms": float(size), "error": lost if np.isfinite(lost) else 1e9,
            "constant": constant, "fine": bool(lost <= BOUND)}


def of_onnx(onnx, runtime, real, quantized, examples):
    """Returns the loss of each output and each part. @param real, quantized  models with the same inputs and outputs"""
    examples = examples[:EXAMPLES]
    joins = {output: (join, behind) for output, join, behind in last_joins(real)}
    names = [o.name for o in real.graph.output]
    values = values_of(onnx, runtime, real, [n for join, _ in joins.values() for n in join.input], examples)
    results = values_of(onnx, runtime, quantized, [], examples)
    found = []
    for name in names:
        if name not in results or values[name][0].dtype.kind != "f" or results[name][0].dtype.kind != "f":
            continue
        for label, where in parts_of(name, values, *joins.get(name, (None, []))):
            found.append(part(name, label, [a[where] for a in values[name]], [a[where] for a in results[name]]))
    return found


def of_tflite(real, quantized, examples):
    """Returns the same for two LiteRt (record.py), by outputs; codes count as the numbers that they represent."""
    found = []
    runs = [(real(row), quantized(row)) for row in examples[:EXAMPLES]]
    for i, (end, codes) in enumerate(zip(real.outputs, quantized.outputs)):
        reals, numbers = [r[i] for r, _ in runs], [q[i] for _, q in runs]
        if codes.get("scale"):
            numbers = [(n.astype(np.float64) - codes["zero_point"][0]) * codes["scale"][0] for n in numbers]
        if reals[0].dtype.kind == "f":
            found.append(part(end["name"], "all", reals, numbers))
    return found
