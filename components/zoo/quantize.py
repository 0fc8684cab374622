#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Quantizes a float model with the quantizer of its framework, for `trine quantize`: ONNX with ONNX Runtime's
quantize_static, TFLite with ai-edge-quantizer. Uses only forms that Trine computes exactly.

    quantize.py MODEL --calibration X.npy --out FILE [--type int16] [--method entropy] [--per-tensor]
    quantize.py MODEL --inputs IDS.npy MASK.npy --out FILE

X.npy contains the examples along its leading axis, prepared for the model: `trine quantize` makes it from the user's
data. --inputs names a file for each input, in the model's own types.
"""
import argparse
import itertools
import json
import os
import pathlib
import sys
import tempfile

import numpy as np

import eight_bits
import loss
import mixed
import record
from record import fail


LAYER_NORM_OPSET = 17  # of ONNX's LayerNormalization
LEAST, MASK = -9999, -24  # Scores below the first value count as hidden; e^-24 is negligible compared with 1.
MASKING = {"Add", "Cast", "Concat", "Expand", "Identity", "Mul", "Reshape", "Slice", "Squeeze", "Sub", "Transpose", "Unsqueeze", "Where"}


def examples(file, shape, name):
    """Yields the examples as float32 of the model's shape each. `shape` contains None or -1 where any extent is valid.
    An open first axis is 1."""
    stack = np.load(file)
    shape = [1 if shape[0] in (None, -1) else shape[0], *shape[1:]]
    fixed = [d for d in shape if d not in (1, None, -1)]
    for row in stack:
        if len(fixed) == len([d for d in shape if d != 1]):
            if row.size != int(np.prod(fixed)) or [d for d in row.shape if d != 1] not in (fixed, [row.size]):
                fail(f"--calibration: an example is {list(row.shape)}, the model's input '{name}' is"
                     f" {list(shape)}")
            row = row.reshape(shape)
        else:
            row = row if row.ndim == len(shape) else row[None]
        yield np.ascontiguousarray(row, np.float32)


def rows(args, ends):
    """Yields {input: array} of each example. @param ends  {"name", "dtype", "shape"} of each input"""
    if args.inputs:
        for _, arrays in itertools.islice(record.given_cases(ends, args.inputs, None), args.count):
            yield {end["name"]: array for end, array in zip(ends, arrays)}
        return
    names = ", ".join(f"{end['name']} ({end['dtype']})" for end in ends)
    if len(ends) != 1 or ends[0]["dtype"] != "float32":
        fail(f"{args.model}: its inputs are {names}: give --inputs, a file for each"
             " (--calibration is for one of float32)")
    for row in examples(args.calibration, ends[0]["shape"], ends[0]["name"]):
        yield {ends[0]["name"]: row}


class Reader:
    """Provides the examples to quantize_static."""

    def __init__(self, examples_by_name):
        self.rows = iter(examples_by_name)

    def get_next(self):
        return next(self.rows, None)


def softmax_reads(model):
    """Returns names of tensors that reach a Softmax only through operators that masks pass through."""
    names = set()
    for node in reversed(model.graph.node):  # readers follow the nodes whose outputs they read
        if node.op_type == "Softmax" or (node.op_type in MASKING and not names.isdisjoint(node.output)):
            names.update(node.input)
    return names


def soften_masks(model):
    """Replaces constants that hide places from a softmax by MASK, so that the scores added to them keep their codes:
    -3.4e38 would require a scale with which no score remains, or an infinite one.

    @return the number of constants
    """
    numpy_helper = record.require("onnx.numpy_helper", "onnx")
    read = softmax_reads(model)
    made = [(node.output[0], a.t) for node in model.graph.node if node.op_type == "Constant" for a in node.attribute
            if a.name == "value"]
    count = 0
    for name, tensor in [(c.name, c) for c in model.graph.initializer] + made:
        if name not in read or tensor.data_type != tensor.FLOAT:
            continue
        values = numpy_helper.to_array(tensor)
        hidden = values <= LEAST
        if hidden.any():
            tensor.CopyFrom(numpy_helper.from_array(np.where(hidden, np.float32(MASK), values), tensor.name))
            count += 1
    return count


CELLS = ("LSTM", "GRU", "RNN")
NARROW = "MatMulNBits"  # its weights are codes, with a scale for each group


def mark_others(registry):
    """Inserts quantizers around operators that ONNX Runtime does not quantize. Weights of cells: weigh_cells()."""
    class Narrow(registry.QDQOperatorBase):
        def quantize(self):
            for name in (self.node.input[0], self.node.output[0]):
                self.quantizer.quantize_activation_tensor(name)

    class Cell(registry.QDQOperatorBase):
        def quantize(self):
            for name in (self.node.input[0], *self.node.input[5:7], *self.node.output):
                if name:
                    self.quantizer.quantize_activation_tensor(name)

    registry.QDQRegistry.update({**dict.fromkeys(CELLS, Cell), NARROW: Narrow})


def with_layer_norm_opset(onnx, model, opset):
    """Returns a model with decomposed normalizations in opset 17, which has LayerNormalization."""
    types = {node.op_type for node in model.graph.node}
    if opset >= LAYER_NORM_OPSET or not {"ReduceMean", "Sqrt", "Div"} <= types:
        return model
    try:
        return onnx.version_converter.convert_version(model, LAYER_NORM_OPSET)
    except Exception as error:  # the converter lacks an operator's older form
        print(f"quantize: opset {opset} has no LayerNormalization, and opset {LAYER_NORM_OPSET} is not possible"
              f" ({str(error).strip().splitlines()[0]})", file=sys.stderr)
        return model


def with_whole_norms(model):
    """Returns a model with LayerNormalization in place of its operators, between which quantizers would round."""
    if max((o.version for o in model.opset_import if o.domain in ("", "ai.onnx")), default=0) < LAYER_NORM_OPSET:
        return model
    part = "onnxruntime.transformers"
    whole = record.require(f"{part}.onnx_model", "onnxruntime").OnnxModel(model)
    norms = record.require(f"{part}.fusion_layernorm", "onnxruntime").FusionLayerNormalization(whole)
    norms.apply()
    whole.topological_sort()
    return whole.model


def say_types(model):
    """Declares the output types of MatMulNBits: shape inference, which supports only ONNX's own operators, continues
    from there."""
    onnx = record.require("onnx", "onnx")
    known = {v.name for v in (*model.graph.value_info, *model.graph.output)}
    model.graph.value_info.extend(onnx.helper.make_tensor_value_info(node.output[0], onnx.TensorProto.FLOAT, None)
                                  for node in model.graph.node if node.op_type == NARROW and node.output[0] not in known)


def largest_state(node, w, r, b, x, c):
    """Returns the largest size of an LSTM's cell state over all steps. @param w, r, b, x, c  arrays of its inputs"""
    direction = next((a.s.decode() for a in node.attribute if a.name == "direction"), "forward")
    if any(a.name == "layout" and a.i for a in node.attribute):
        x, c = x.swapaxes(0, 1), c.swapaxes(0, 1)
    cells, most = r.shape[2], 0.0
    sigmoid = lambda v: 1 / (1 + np.exp(-v))
    for d in range(w.shape[0]):
        backwards = direction == "reverse" or d == 1
        h, state = np.zeros(c[d].shape), c[d].astype(float)
        for step in x[::-1] if backwards else x:
            i, o, f, g = np.split(step @ w[d].T + h @ r[d].T + b[d, :4 * cells] + b[d, 4 * cells:], 4, axis=1)
            state = sigmoid(f) * state + sigmoid(i) * np.tanh(g)
            h = sigmoid(o) * np.tanh(state)
            most = max(most, float(np.abs(state).max()))
    return most


def states_of_cells(model, calibration):
    """Returns {output 0 or 1 of each LSTM with constant weights: the largest size of its cell state}; names Y_c."""
    onnx = record.require("onnx", "onnx")
    runtime = record.require("onnxruntime", "onnxruntime")
    nodes = [n for n in model.graph.node if n.op_type == "LSTM"]
    if not nodes:
        return {}
    constants = {c.name: onnx.numpy_helper.to_array(c) for c in model.graph.initializer}
    seen = onnx.ModelProto()
    seen.CopyFrom(model)
    wanted = {name for n in nodes for name in (n.input[0], *n.input[6:7]) if name and name not in constants}
    wanted -= {o.name for o in seen.graph.output}
    seen.graph.output.extend(onnx.helper.make_empty_tensor_value_info(name) for name in sorted(wanted))
    session = runtime.InferenceSession(seen.SerializeToString(), record.session_options(runtime),
                                       providers=["CPUExecutionProvider"])
    names, most = [o.name for o in session.get_outputs()], {}
    for example in calibration:
        values = constants | example | dict(zip(names, session.run(None, example)))
        for n in nodes:
            if any(name not in constants for name in n.input[1:3]):
                continue
            w, r, x = (values[name] for name in (n.input[1], n.input[2], n.input[0]))
            b = values[n.input[3]] if len(n.input) > 3 and n.input[3] else np.zeros((w.shape[0], 2 * w.shape[1]))
            first = values.get(n.input[6]) if len(n.input) > 6 else None
            batch_first = any(a.name == "layout" and a.i for a in n.attribute)
            shape = (x.shape[0], w.shape[0]) if batch_first else (w.shape[0], x.shape[1])
            c = np.zeros(shape + r.shape[2:]) if first is None else first
            most[n.output[0] or n.output[1]] = max(most.get(n.output[0] or n.output[1], 0),
                                                   largest_state(n, w, r, b, x, c))
    return most


def weigh_cells(path, states, per_tensor):
    """Quantizes weights of recurrent cells to int8, with a scale for each row; a QuantizeLinear on Y_c defines the
    cell state's scale."""
    onnx = record.require("onnx", "onnx")
    model = onnx.load(path)
    constants = {c.name: c for c in model.graph.initializer}
    done, added = {}, 0

    def constant(name, array):
        model.graph.initializer.append(onnx.numpy_helper.from_array(array, name))
        return name

    for at, node in [(i, n) for i, n in enumerate(model.graph.node) if n.op_type in CELLS]:
        for position in (1, 2):
            name = node.input[position]
            if name in constants and name not in done:
                w = onnx.numpy_helper.to_array(constants[name]).astype(np.float32)
                axes = (0, 1, 2) if per_tensor else (0, 2)
                scale = np.maximum(np.abs(w).max(axes, keepdims=True), 1e-9).astype(np.float32) / np.float32(127)
                codes = constant(f"{name}_quantized", np.clip(np.rint(w / scale), -127, 127).astype(np.int8))
                scale = constant(f"{name}_scale", scale.ravel() if not per_tensor else scale.reshape(()))
                zero = constant(f"{name}_zero_point", np.zeros(() if per_tensor else w.shape[1], np.int8))
                done[name] = onnx.helper.make_node("DequantizeLinear", [codes, scale, zero], [f"{name}_dequantized"],
                                                   name=f"{name}_DequantizeLinear", **({} if per_tensor else {"axis": 1}))
                model.graph.node.insert(at + added, done[name])
                added += 1
            if name in done:
                node.input[position] = done[name].output[0]
        most = states.get(node.output[0] or node.output[1])
        if most:
            while len(node.output) < 3:
                node.output.append("")
            node.output[2] = node.output[2] or f"{node.output[0] or node.output[1]}_state"
            scale = constant(f"{node.output[2]}_largest_scale", np.float32(most / 127))
            zero = constant(f"{node.output[2]}_largest_zero_point", np.int8(0))
            model.graph.node.append(onnx.helper.make_node(
                "QuantizeLinear", [node.output[2], scale, zero], [f"{node.output[2]}_largest"],
                name=f"{node.output[2]}_largest"))
    for name in done:
        if not any(name in n.input for n in model.graph.node):
            model.graph.initializer.remove(constants[name])
    onnx.save(model, path)


def carried(args, model, inputs, calibration):
    """Implements --carry: uses one symmetric range for a state as output and as input, so that codes can be carried
    over."""
    runtime = record.require("onnxruntime", "onnxruntime")
    ranges, session = {}, None
    for text in args.carry:
        try:
            i, o = map(int, text.split("="))
            pair = inputs[i].name, model.graph.output[o].name
        except (ValueError, IndexError):
            fail(f"--carry {text}: allowed INPUT=OUTPUT, counted from 0, of {len(inputs)} inputs and"
                 f" {len(model.graph.output)} outputs here")
        session = session or runtime.InferenceSession(model.SerializeToString(), record.session_options(runtime),
                                                      providers=["CPUExecutionProvider"])
        most = max(max(np.abs(row[pair[0]]).max(), np.abs(session.run([pair[1]], row)[0]).max()) for row in calibration)
        ranges.update({name: [{"symmetric": True, "rmin": np.float32(-most), "rmax": np.float32(most)}] for name in pair})
    return {"TensorQuantOverrides": ranges} if ranges else {}


def quantize_onnx(args):
    onnx = record.require("onnx", "onnx")
    from onnxruntime import quantization as q
    from onnxruntime.quantization.shape_inference import quant_pre_process

    weighs = args.mixed or args.choice
    if args.format and (weighs or args.type != "int8"):
        fail("--format: not with --type, --mixed and --choice")
    if weighs and not (args.estimate and args.report):
        fail("--mixed, --choice: --estimate and --report, too, as `trine quantize` gives them")
    model = onnx.load(args.model)
    constants = {c.name for c in model.graph.initializer}
    inputs = [v for v in model.graph.input if v.name not in constants]
    if any(n.op_type in ("QuantizeLinear", "QLinearConv", *record.QONNX_OPERATORS) for n in model.graph.node):
        fail(f"{args.model}: is quantized already")
    ends = [record.Onnx.described(v) for v in inputs]
    if not args.inputs and len(inputs) == 1:  # an example defines the open extents
        ends[0]["shape"] = [d.dim_value or None for d in inputs[0].type.tensor_type.shape.dim]
    for end, value, file in zip(ends, inputs, args.inputs or ()):  # so do the examples of a decoder's cache
        given, dims = np.load(file, mmap_mode="r").shape[1:], value.type.tensor_type.shape.dim
        if len(given) == len(dims):
            end["shape"] = [d.dim_value or extent for d, extent in zip(dims, given)]
    every = list(rows(args, ends))
    calibration = every[:args.count]
    opset = max((o.version for o in model.opset_import if o.domain in ("", "ai.onnx")), default=0)
    model = with_layer_norm_opset(onnx, model, opset)
    if opset < 13 and not args.per_tensor:  # DequantizeLinear has an axis from opset 13 on
        model = onnx.version_converter.convert_version(model, 13)
    if args.format in eight_bits.OF_ONNX and opset < 19:  # FLOAT8 is a type from opset 19 on
        model = onnx.version_converter.convert_version(model, 19)
    masks = soften_masks(model)
    say_types(model)
    kind = {"int8": q.QuantType.QInt8, "uint8": q.QuantType.QUInt8, "int16": q.QuantType.QInt16}[
        ("int8" if args.format in eight_bits.OF_ONNX else "int16") if args.format else args.type]
    with tempfile.TemporaryDirectory() as scratch:
        source, ready = pathlib.Path(scratch) / "float.onnx", pathlib.Path(scratch) / "ready.onnx"
        onnx.save(model, source)
        try:
            quant_pre_process(str(source), str(ready), skip_symbolic_shape=True)
        except Exception:  # a model that cannot be simplified is quantized unchanged
            ready = source
        mark_others(q.registry)
        prepared = with_whole_norms(onnx.load(ready))
        onnx.save(prepared, ready)
        states = states_of_cells(prepared, calibration)
        runtime = record.require("onnxruntime", "onnxruntime")
        apart, notes = loss.joined_in_float(onnx, runtime, prepared, calibration)
        if apart:
            onnx.save(prepared, ready)  # with names for its nodes
        q.quantize_static(
            str(ready), str(args.out), Reader(calibration),
            quant_format=q.QuantFormat.QDQ, activation_type=kind, weight_type=q.QuantType.QInt8,
            per_channel=not args.per_tensor, nodes_to_exclude=apart,
            extra_options={**({"ActivationSymmetric": True} if args.type == "int16" or args.format else {}),
                           **carried(args, model, inputs, calibration)},
            calibrate_method={"minmax": q.CalibrationMethod.MinMax, "entropy": q.CalibrationMethod.Entropy,
                              "percentile": q.CalibrationMethod.Percentile}[args.method])
    weigh_cells(args.out, states, args.per_tensor)
    if args.format:
        eight_bits.apply(onnx, args.out, prepared, args.format, args.int8_weights, args.int8_activations)
    if weighs:
        mixed.choose(args, prepared, calibration, every)
    compared(args, notes, lambda: loss.of_onnx(onnx, runtime, prepared, onnx.load(args.out), calibration))
    softened = f", {masks} masks below {LEAST} are {MASK} now" if masks else ""
    print(f"quantize: by onnxruntime {record.importlib.metadata.version('onnxruntime')}{softened}")


def compared(args, notes, losses):
    """Reports the loss of quantization. @param losses  computes it"""
    if not args.compared:
        return
    outputs = []
    try:
        outputs = losses()
    except Exception as error:  # the runtime cannot run one of the models
        notes = [*notes, f"not compared with the float model: {' '.join(str(error).split())[:200]}"]
    args.compared.write_text(json.dumps({"bound": loss.BOUND, "notes": notes, "outputs": outputs}))


def quantize_tflite(args):
    quantizer = record.require("ai_edge_quantizer", "ai-edge-quantizer")
    if args.type != "int8" or args.method != "minmax" or args.per_tensor or args.carry or args.mixed or args.choice or args.format:
        fail("--type, --method, --per-tensor, --carry, --mixed, --choice, --format: of .onnx alone; ai-edge-quantizer gives int8 with a scale for each"
             " channel, from minimum and maximum")
    runtime = record.LiteRt(args.model.read_bytes())
    if all(end["dtype"] in ("int8", "uint8") for end in runtime.inputs):
        fail(f"{args.model}: its input is {runtime.inputs[0]['dtype']}, allowed float32: is it quantized already?")
    content, key, names = with_signature(args.model.read_bytes(), runtime)
    calibration = [{names[name]: array for name, array in row.items()} for row in rows(args, runtime.inputs)]
    recipe = quantizer.recipe.static_wi8_ai8()
    recipes = quantizer.recipe_manager.RecipeManager()
    recipes.load_quantization_recipe(recipe)
    # The default, a moving average, cuts off values that occur in few examples.
    calibrator = quantizer.calibrator.Calibrator(content, qsv_update_func=quantizer.utils.qsv_utils.min_max_update)
    calibrator.calibrate({key: calibration}, recipes)
    result = quantizer.quantizer.Quantizer(content, recipe).quantize(calibrator.get_model_qsvs())
    args.out.write_bytes(bytes(result.quantized_model))
    examples = [[row[names[end["name"]]] for end in runtime.inputs] for row in calibration]
    compared(args, [], lambda: loss.of_tflite(runtime, record.load_tflite(args.out, args.out.read_bytes()), examples))
    print(f"quantize: by ai-edge-quantizer {record.importlib.metadata.version('ai-edge-quantizer')}")


def with_signature(content, runtime):
    """Returns the model, its signature's name, {input: its name there}; adds a signature if there is none, because
    the quantizer requires one."""
    for name, ends in runtime.interpreter.get_signature_list().items():
        runner = runtime.interpreter.get_signature_runner(name)
        there = {detail["name"]: end for end, detail in runner.get_input_details().items()}
        return content, name, {end["name"]: there[end["name"]] for end in runtime.inputs}
    flatbuffers = record.require("flatbuffers", "flatbuffers")
    schema = record.require("ai_edge_litert.schema_py_generated", record.LITERT)
    model = schema.ModelT.InitFromObj(schema.Model.GetRootAs(content, 0))

    def ends(tensors, name):
        result = []
        for i, tensor in enumerate(tensors):
            result.append(schema.TensorMapT())
            result[-1].name, result[-1].tensorIndex = f"{name}_{i}", int(tensor)
        return result

    one = schema.SignatureDefT()
    one.signatureKey, one.subgraphIndex = "serving_default", 0
    one.inputs, one.outputs = (ends(getattr(model.subgraphs[0], n), n) for n in ("inputs", "outputs"))
    model.signatureDefs = [one]
    builder = flatbuffers.Builder(len(content) + 1024)
    builder.Finish(model.Pack(builder), b"TFL3")
    names = {end["name"]: f"inputs_{i}" for i, end in enumerate(runtime.inputs)}
    return bytes(builder.Output()), "serving_default", names


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=pathlib.Path, metavar="MODEL")
    data = parser.add_mutually_exclusive_group(required=True)
    data.add_argument("--calibration", type=pathlib.Path, metavar="X.npy")
    data.add_argument("--inputs", nargs="+", metavar="X.npy",
                      help="a file for each input, with the examples along the leading axis")
    parser.add_argument("--count", type=int, metavar="N", help="maximum number of examples from --inputs (all)")
    parser.add_argument("--out", type=pathlib.Path, metavar="FILE", required=True)
    parser.add_argument("--type", choices=("int8", "uint8", "int16"), default="int8",
                        help="type of the activations (int8)")
    parser.add_argument("--format", choices=eight_bits.ON_MACHINE,
                        help="eight-bit number format of weights and activations, instead of --type")
    parser.add_argument("--int8-weights", action="store_true",
                        help="with --format: only the activations have the format")
    parser.add_argument("--int8-activations", action="store_true",
                        help="with --format e4m3: only the weights have the format")
    parser.add_argument("--method", choices=("minmax", "entropy", "percentile"), default="minmax")
    parser.add_argument("--carry", action="append", default=[], metavar="INPUT=OUTPUT",
                        help="a state: OUTPUT of a run is INPUT of the next run; both get the same scale")
    parser.add_argument("--per-tensor", action="store_true", help="one scale for all weights of a layer")
    parser.add_argument("--mixed", action="store_true", help="fewer bits for the weights of layers that tolerate it")
    parser.add_argument("--accuracy", default="-1%", metavar="A",
                        help="least accuracy with --mixed: 97%%, or -1%%: one point below the float model's (-1%%)")
    parser.add_argument("--choice", type=pathlib.Path, metavar="F.toml",
                        help="file with the precision of each layer, instead of --mixed")
    parser.add_argument("--precisions", nargs="*", default=[], choices=("int4", "ternary"),
                        help="precisions of weights that the design supports besides int8")
    parser.add_argument("--labels", type=pathlib.Path, metavar="Y.npy",
                        help="correct answers (the float model's answers)")
    parser.add_argument("--estimate", metavar="COMMAND",
                        help="command that prints cycles and energy of a file as JSON; one word per line")
    parser.add_argument("--compared", type=pathlib.Path, metavar="F.json",
                        help="write the loss of each output to F.json")
    parser.add_argument("--report", type=pathlib.Path, metavar="F.json",
                        help="write the steps of --mixed and the choice to F.json")
    args = parser.parse_args()
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    try:
        (quantize_onnx if args.model.suffix == ".onnx" else quantize_tflite)(args)
    except Exception as error:  # each of these libraries has its own exception types
        fail(f"{args.model}: {' '.join(str(error).split()) or type(error).__name__}")


if __name__ == "__main__":
    main()
