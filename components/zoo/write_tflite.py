#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes a TFLite model in which custom operators "trine" replace parts: for `trine compile --tflite`.

usage: write_tflite.py MODEL FOLDER OUT
FOLDER/plan.json has `order` (numbers of operators, or -1 - i for part i) and `parts` (`ops`, `inputs`, `outputs`);
FOLDER/i.img is the machine image of part i, FOLDER/t.const the values of tensor t, which are written where the file
computes them by operators that nobody needs any more. A custom operator reads its image as a constant uint8 tensor, then the
part's inputs; its options are the format's number. The file format is that of LiteRT's own schema, which keeps all
options of the operators that stay.
"""
import argparse
import json
import pathlib

import flatbuffers
import numpy
from ai_edge_litert import schema_py_generated as schema

FORMAT = 1  # of the custom operator
ALIGNMENT = 16  # of constants, which interpreters read in place


class Builder(flatbuffers.Builder):
    """Aligns bytes as the schema demands: flatbuffers' Python code ignores `force_align`."""

    def CreateNumpyVector(self, x):
        if x.dtype != numpy.uint8:
            return super().CreateNumpyVector(x)
        self.StartVector(1, x.size, ALIGNMENT)
        self.head = self.Head() - x.size
        self.Bytes[self.Head():self.Head() + x.size] = x.tobytes()
        return self.EndVector()


def custom_code(model):
    code = schema.OperatorCodeT()
    code.builtinCode = schema.BuiltinOperator.CUSTOM
    code.deprecatedBuiltinCode = schema.BuiltinOperator.CUSTOM
    code.customCode, code.version = b"trine", 1
    model.operatorCodes.append(code)
    return len(model.operatorCodes) - 1


def image_tensor(model, graph, number, image):
    buffer = schema.BufferT()
    buffer.data = numpy.frombuffer(image, numpy.uint8)
    model.buffers.append(buffer)
    tensor = schema.TensorT()
    tensor.name, tensor.type, tensor.shape = f"trine/{number}".encode(), schema.TensorType.UINT8, [len(image)]
    tensor.buffer = len(model.buffers) - 1
    graph.tensors.append(tensor)
    return len(graph.tensors) - 1


def custom(code, tensor, part):
    op = schema.OperatorT()
    op.opcodeIndex, op.inputs, op.outputs = code, [tensor, *part["inputs"]], part["outputs"]
    op.customOptions = numpy.array([FORMAT], numpy.uint8)
    return op


def add_constants(model, graph, folder):
    """Gives values to the tensors that operators read and that no operator writes any more."""
    written = {t for op in graph.operators for t in listed(op.outputs)} | set(listed(graph.inputs))
    read = {t for op in graph.operators for t in listed(op.inputs)} | set(listed(graph.outputs))
    for t in sorted(read - written - {-1}):
        tensor, file = graph.tensors[t], folder / f"{t}.const"
        data = model.buffers[tensor.buffer].data
        if (data is not None and len(data)) or tensor.isVariable or 0 in listed(tensor.shape) or not file.exists():
            continue
        buffer = schema.BufferT()
        buffer.data = numpy.frombuffer(file.read_bytes(), numpy.uint8)
        model.buffers.append(buffer)
        tensor.buffer = len(model.buffers) - 1


def compacted(items, used):
    """Returns the used items, and their new numbers."""
    kept = [i for i in range(len(items)) if i in used]
    return [items[i] for i in kept], {old: new for new, old in enumerate(kept)}


def listed(numbers):
    return [] if numbers is None else [int(n) for n in numbers]


def drop_tensors(model, graph):
    """Removes tensors that nothing reads or writes."""
    used = set(listed(graph.inputs)) | set(listed(graph.outputs))
    for op in graph.operators:
        used |= {*listed(op.inputs), *listed(op.outputs), *listed(op.intermediates)}
    graph.tensors, new = compacted(graph.tensors, used)
    new[-1] = -1
    for op in graph.operators:
        op.inputs, op.outputs = ([new[t] for t in listed(side)] for side in (op.inputs, op.outputs))
        if op.intermediates is not None:
            op.intermediates = [new[t] for t in listed(op.intermediates)]
    graph.inputs, graph.outputs = ([new[t] for t in listed(side)] for side in (graph.inputs, graph.outputs))
    for signature in model.signatureDefs or []:
        for tensor in [*(signature.inputs or []), *(signature.outputs or [])]:
            tensor.tensorIndex = new[tensor.tensorIndex]


def drop_codes(model):
    used = {op.opcodeIndex for graph in model.subgraphs for op in graph.operators}
    model.operatorCodes, new = compacted(model.operatorCodes, used)
    for graph in model.subgraphs:
        for op in graph.operators:
            op.opcodeIndex = new[op.opcodeIndex]


def drop_buffers(model):
    """Buffer 0 is the empty one, by convention."""
    metadata = model.metadata or []
    used = {0} | {t.buffer for graph in model.subgraphs for t in graph.tensors} | {m.buffer for m in metadata}
    model.buffers, new = compacted(model.buffers, used)
    for tensor in (t for graph in model.subgraphs for t in graph.tensors):
        tensor.buffer = new[tensor.buffer]
    for entry in metadata:
        entry.buffer = new[entry.buffer]
    model.metadataBuffer = None  # an older list of the same buffers


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for name in ("model", "folder", "out"):
        parser.add_argument(name, type=pathlib.Path)
    options = parser.parse_args()
    plan = json.loads((options.folder / "plan.json").read_text())
    model = schema.ModelT.InitFromPackedBuf(bytearray(options.model.read_bytes()), 0)
    graph = model.subgraphs[0]
    code = custom_code(model)
    images = [(options.folder / f"{i}.img").read_bytes() for i in range(len(plan["parts"]))]
    tensors = [image_tensor(model, graph, i, image) for i, image in enumerate(images)]
    parts = [custom(code, tensor, part) for tensor, part in zip(tensors, plan["parts"])]
    graph.operators = [graph.operators[n] if n >= 0 else parts[-1 - n] for n in plan["order"]]
    add_constants(model, graph, options.folder)
    drop_tensors(model, graph)
    drop_codes(model)
    drop_buffers(model)
    builder = Builder(1 << 20)
    builder.Finish(model.Pack(builder), b"TFL3")
    options.out.write_bytes(builder.Output())


if __name__ == "__main__":
    main()
