#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Records vectors of a quantized TFLite or ONNX model with the model's own runtime, for
`trine verify MODEL --vectors DIR`: outputs, and every layer.

    record.py MODEL --out DIR                              4 random cases
    record.py MODEL --out DIR --inputs x.npy --labels y.txt
    record.py MODEL --out DIR --float FLOAT                values of the float model, for trine compare

`trine record` runs it in a separate environment; by hand:
    python3 -m venv venv && venv/bin/pip install -r components/zoo/requirements_record.txt

TFLite runs in LiteRT (ai-edge-litert) on its reference kernels, BUILTIN_REF. Any version is supported and recorded in
the manifest: from 1.3.0 on FULLY_CONNECTED rounds once instead of twice, and `trine verify` rounds like the recorded
version. A model with an operator that the reference lacks runs on the optimized kernels, which the manifest records,
too. ONNX runs in ONNX Runtime without graph optimizations, networks with QONNX's operators in qonnx.
"""

import argparse
import functools
import hashlib
import importlib
import importlib.metadata
import pathlib
import sys
import warnings

import numpy as np

import vectors

LITERT, ORT, QONNX = "ai-edge-litert", "onnxruntime", "qonnx"
SPAN = (-1.0, 1.0)  # range of random floats without a quantizer
QONNX_OPERATORS = {"Quant", "BipolarQuant", "Trunc", "MultiThreshold"}
KEEPS_VALUES = {"Cast", "Expand", "Flatten", "Identity", "Reshape", "Slice", "Squeeze", "Transpose", "Unsqueeze"}
NEAR_TIE, NEAR_TIE16 = 2.0 ** -10, 2.0 ** -7  # in codes; for int16 larger, because float32 has only eight bits below a code
MOST_BYTES = 64 << 20  # of recorded layers, unless the cases are named
# LiteRT's kernels, by the names of OpResolverType.
REFERENCE, OPTIMIZED, XNNPACK = "BUILTIN_REF", "BUILTIN_WITHOUT_DEFAULT_DELEGATES", "AUTO"


def fail(text):
    print(f"record: {text}", file=sys.stderr)
    sys.exit(2)


def require(module, package):
    try:
        return importlib.import_module(module)
    except ImportError:
        fail(f"{package} is missing: pip install -r components/zoo/requirements_record.txt")


def session_options(runtime):
    """Returns options of ONNX Runtime with the same integer results on every processor.

    By default, the int16 sums of uint8 x int8 products saturate on processors with AVX2 but without VNNI.
    """
    options = runtime.SessionOptions()
    options.add_session_config_entry("session.x64quantprecision", "1")
    return options


class LiteRt:
    """A .tflite on one set of kernels: lists of arrays as inputs and outputs, in the model's order."""

    package = LITERT

    def __init__(self, content, resolver=REFERENCE, threads=1):
        self.content, self.resolver, self.threads, self.keeps_states = content, resolver, threads, False
        self.interpreter = self._interpreter(keep=False)
        self.inputs = [self._describe(d) for d in self.interpreter.get_input_details()]
        self.outputs = [self._describe(d) for d in self.interpreter.get_output_details()]

    def _interpreter(self, keep):
        api = require("ai_edge_litert.interpreter", LITERT)
        interpreter = api.Interpreter(
            model_content=self.content, num_threads=self.threads, experimental_preserve_all_tensors=keep,
            experimental_op_resolver_type=getattr(api.OpResolverType, self.resolver))
        interpreter.allocate_tensors()
        return interpreter

    @staticmethod
    def _describe(detail):
        quantization = detail["quantization_parameters"]
        return {"tensor": int(detail["index"]), "name": detail["name"],
                "dtype": np.dtype(detail["dtype"]).name,
                "shape": [int(v) for v in detail["shape"]],
                "scale": [float(v) for v in quantization["scales"]],
                "zero_point": [int(v) for v in quantization["zero_points"]]}

    def _run(self, interpreter, arrays):
        if not self.keeps_states:
            interpreter.reset_all_variables()
        for end, array in zip(self.inputs, arrays, strict=True):
            interpreter.set_tensor(end["tensor"], array)
        interpreter.invoke()

    def __call__(self, arrays):
        self._run(self.interpreter, arrays)
        return [self.interpreter.get_tensor(end["tensor"]).copy() for end in self.outputs]

    def layers(self, arrays):
        """Returns [(entry, array)] of every operator, in the order of execution."""
        interpreter = self._interpreter(keep=True)
        self._run(interpreter, arrays)
        details = {d["index"]: d for d in interpreter.get_tensor_details()}
        result = []
        for op in interpreter._get_ops_details():
            for tensor in map(int, op["outputs"]):
                try:
                    array = interpreter.get_tensor(tensor).copy()
                except ValueError:  # a tensor without data
                    continue
                result.append(({"op_index": int(op["index"]), "op": op["op_name"],
                                **self._describe(details[tensor])}, array))
        return result

    def reference(self):
        return {"package": LITERT, "version": importlib.metadata.version(LITERT),
                "resolver": self.resolver}

    def others(self):
        """Returns name -> the same model on other kernels; only those that can run it."""
        found = {}
        for name, resolver in (("optimized", OPTIMIZED), ("xnnpack", XNNPACK)):
            try:
                found[name] = LiteRt(self.content, resolver)
            except (RuntimeError, ValueError):
                pass
        return found


class Onnx:
    """The common part of the two runtimes of .onnx: `run(arrays)` returns name -> array."""

    def __init__(self, content):
        self.model = require("onnx", "onnx").load_from_string(content)
        constants = {c.name for c in self.model.graph.initializer}
        self.inputs = [{**self.described(v), **self._span(v.name)} for v in self.model.graph.input
                       if v.name not in constants]
        self.outputs = [{"name": v.name} for v in self.model.graph.output]

    @staticmethod
    def described(value):
        kind = require("onnx", "onnx").helper.tensor_dtype_to_np_dtype(
            value.type.tensor_type.elem_type)
        return {"name": value.name, "dtype": np.dtype(kind).name,
                "shape": [max(d.dim_value, 0) or 1 for d in value.type.tensor_type.shape.dim]}

    def _span(self, name):
        """Returns the range of random floats for an input: the real values of the codes of its quantizer."""
        to_array = require("onnx.numpy_helper", "onnx").to_array
        constants = {c.name: c for c in self.model.graph.initializer}
        for node in self.model.graph.node:
            known = node.op_type == "QuantizeLinear" and len(node.input) == 3 and node.input[0] == name
            if known and all(n in constants for n in node.input[1:]):
                scale, zero = (to_array(constants[n]) for n in node.input[1:])
                if scale.size == 1 and zero.dtype.kind in "iu":
                    limits = np.iinfo(zero.dtype)
                    return {"span": [(n - int(zero.item())) * float(scale.item()) for n in (limits.min, limits.max)]}
        places = self._places(name)
        return {"span": [0, min(places) - 1]} if places else {}

    def _places(self, name):
        """Returns the number of rows of each table in which a tensor of indices is looked up."""
        shapes = {c.name: list(c.dims) for c in self.model.graph.initializer}
        result = []
        for node in self.model.graph.node:
            if node.op_type == "DequantizeLinear" and node.input[0] in shapes:
                shapes[node.output[0]] = shapes[node.input[0]]
            if name not in node.input:
                continue
            if node.op_type == "Gather" and node.input[1] == name and node.input[0] in shapes:
                axis = next((a.i for a in node.attribute if a.name == "axis"), 0)
                result.append(shapes[node.input[0]][axis])
            elif node.op_type in KEEPS_VALUES:
                result += self._places(node.output[0])
        return result

    def __call__(self, arrays):
        values = self.run(arrays)
        return [values[end["name"]] for end in self.outputs]

    def layers(self, arrays):
        return self._layers(self.run_whole(arrays))

    def _layers(self, values):
        """Returns the tensors that depend on the inputs."""
        reached, result = {e["name"] for e in self.inputs}, []
        for i, node in enumerate(self.model.graph.node):
            if reached.isdisjoint(node.input):
                continue
            reached.update(node.output)
            result += [({"op_index": i, "op": node.op_type, "tensor": name}, values[name])
                       for name in node.output
                       if name in values and self.is_layer(values[name].dtype)]
        return result

    def reference(self):
        return {"package": self.package, "version": importlib.metadata.version(self.package)}

    def _named(self, arrays):
        return {end["name"]: array for end, array in zip(self.inputs, arrays, strict=True)}


class OnnxRuntime(Onnx):
    package = ORT

    @staticmethod
    def is_layer(dtype):
        """Returns true for codes; floats between quantizers have no equivalent in integer arithmetic."""
        return dtype.kind in "iu" and dtype.name in vectors.TYPES

    def __init__(self, content, optimized=False, threads=1):
        super().__init__(content)
        self.optimized, self.threads = optimized, threads
        self._session = self._open(self.model)

    def _open(self, model):
        ort = require("onnxruntime", ORT)
        options = session_options(ort)
        options.intra_op_num_threads, options.log_severity_level = self.threads, 3
        options.graph_optimization_level = getattr(
            ort.GraphOptimizationLevel, "ORT_ENABLE_ALL" if self.optimized else "ORT_DISABLE_ALL")
        return ort.InferenceSession(model.SerializeToString(), options,
                                    providers=["CPUExecutionProvider"])

    def _values(self, session, arrays):
        names = [v.name for v in session.get_outputs()]
        return dict(zip(names, session.run(names, self._named(arrays))))

    def run(self, arrays):
        return self._values(self._session, arrays)

    def layers(self, arrays):
        """Returns the same. Codes of quantizers have `ties` and `exact` (docs/vectors.md)."""
        values = self.run_whole(arrays)
        of = self.exact.code_values({**values, **self._named(arrays)})
        makers = {name: node for node in self.model.graph.node for name in node.output}
        result = []
        for entry, array in self._layers(values):
            node = makers[entry["tensor"]]
            if node.op_type == "QuantizeLinear" and node.input[0] in makers:
                entry = {**entry, "of": makers[node.input[0]].op_type}
            if entry["tensor"] in of:
                entry = {**entry, **self._ties(of[entry["tensor"]].ravel(), array.ravel())}
            result.append((entry, array))
        return result

    @staticmethod
    def _ties(exact, codes):
        """Returns the elements that float32 may round, or has rounded, to another code than exact arithmetic."""
        limits = np.iinfo(codes.dtype)
        near = np.abs(exact - np.floor(exact) - 0.5) < (NEAR_TIE if limits.bits == 8 else NEAR_TIE16)
        near &= (exact > limits.min - 1) & (exact < limits.max + 1)
        ties = np.flatnonzero(near | (np.clip(np.rint(exact), limits.min, limits.max) != codes))
        # Beyond the limits, all real values have the same code.
        real = np.clip(exact[ties], limits.min - 1.0, limits.max + 1.0)
        return {"ties": ties.tolist(), "exact": [float(f"{v:.12g}") for v in real]}

    @functools.cached_property
    def exact(self):
        return require("exact", "onnx").Exact(self.model)

    @functools.cached_property
    def _whole(self):
        """The session that returns every tensor."""
        onnx = require("onnx", "onnx")
        whole = onnx.ModelProto()
        whole.CopyFrom(self.model)
        ends = {end["name"] for end in self.outputs}
        for node in self.model.graph.node:
            whole.graph.output.extend(onnx.ValueInfoProto(name=name) for name in node.output
                                      if name and name not in ends)
        return self._open(whole)

    def run_whole(self, arrays):
        return self._values(self._whole, arrays)

    def others(self):
        """Returns the same with graph optimizations, if supported: only the number of differences is recorded."""
        try:
            return {"optimized": OnnxRuntime(self.model.SerializeToString(), optimized=True)}
        except Exception as error:  # ONNX Runtime has several types
            print(f"record: ONNX Runtime does not optimize it ({str(error).strip().splitlines()[0]}); its differences"
                  " are not counted", file=sys.stderr)
            return {}


class Qonnx(Onnx):
    package = QONNX

    @staticmethod
    def is_layer(dtype):
        return dtype.name in vectors.TYPES

    def __init__(self, content):
        super().__init__(content)
        warnings.filterwarnings("ignore", module="qonnx")  # about domains, and shapes it did not infer
        wrapper = require("qonnx.core.modelwrapper", QONNX).ModelWrapper(self.model)
        for end in self.inputs:  # an open batch size becomes 1
            wrapper.set_tensor_shape(end["name"], end["shape"])
        for value in wrapper.graph.output:
            wrapper.set_tensor_shape(
                value.name, [max(d.dim_value, 0) or 1 for d in value.type.tensor_type.shape.dim])
        infer = require("qonnx.transformation.infer_shapes", QONNX)
        self._wrapper = wrapper.transform(infer.InferShapes())

    def run(self, arrays):
        execute = require("qonnx.core.onnx_exec", QONNX).execute_onnx
        values = execute(self._wrapper, self._named(arrays), return_full_exec_context=True)
        return {name: np.asarray(value) for name, value in values.items()}

    run_whole = run

    def others(self):
        return {}


class FloatTwin:
    """The float model from which a quantized one was made: accepts the quantized model's inputs, and returns as
    layers the floats that correspond to its codes, by the names that both share."""

    def __init__(self, quantized, twin, path):
        self.quantized, self.twin = quantized, twin
        if type(quantized) is not type(twin) or len(quantized.inputs) != len(twin.inputs):
            fail(f"--float: {path}: is of another kind than the model, or has other inputs")
        for end in twin.inputs:
            kind = np.dtype(end["dtype"])
            if kind.kind != "f" and kind.itemsize < 4:
                fail(f"--float: {path}: its input '{end['name']}' is {end['dtype']}, allowed float32, or whole"
                     " numbers that are no codes")
        self.inputs, self.outputs = quantized.inputs, twin.outputs
        self.reference = twin.reference

    def _reals(self, arrays):
        result = []
        for array, codes, end in zip(arrays, self.quantized.inputs, self.twin.inputs, strict=True):
            if array.dtype.kind in "iu" and codes.get("scale"):
                array = (array.astype(np.float32) - codes["zero_point"][0]) * np.float32(codes["scale"][0])
            result.append(array.astype(end["dtype"]).reshape(end["shape"]))
        return result

    def __call__(self, arrays):
        return self.twin(self._reals(arrays))

    def layers(self, arrays):
        reals = self._reals(arrays)
        if isinstance(self.twin, LiteRt):
            values = {entry["name"]: value for entry, value in self.twin.layers(reals)}
            return [(entry, values[entry["name"]]) for entry, _ in self.quantized.layers(arrays)
                    if entry["name"] in values]
        values = {**self.twin.run_whole(reals), **self.twin._named(reals)}
        makers = {name: node.op_type for node in self.quantized.model.graph.node for name in node.output}
        result = []
        for i, node in enumerate(self.quantized.model.graph.node):
            for codes in node.output:
                # The names of quantize_static: an output's float before its quantizer, and QOperator's codes.
                op, real = node.op_type, codes.removesuffix("_quantized")
                if op == "QuantizeLinear":
                    op, real = makers.get(node.input[0], op), node.input[0].removesuffix("_QuantizeLinear_Input")
                if real in values and values[real].dtype.kind == "f" and real != codes:
                    result.append(({"op_index": i, "op": op, "tensor": codes}, values[real]))
        return result

    def others(self):
        return {}


def load_tflite(path, content):
    try:
        return LiteRt(content)
    except (RuntimeError, ValueError) as error:
        reason = str(error).splitlines()[0]
    try:
        runtime = LiteRt(content, OPTIMIZED)
    except (RuntimeError, ValueError):
        fail(f"{path}: LiteRT does not run it: {reason}")
    print(f"record: {path}: {REFERENCE} does not run it ({reason}); recording {OPTIMIZED}",
          file=sys.stderr)
    return runtime


def set_extents(path, model, shapes):
    """Sets the extents that the model's inputs leave open: --shape. The first axis may stay open."""
    given = dict(text.rsplit("=", 1) for text in shapes)
    for value in model.graph.input:
        for axis, dim in enumerate(value.type.tensor_type.shape.dim):
            if dim.dim_value > 0:
                continue
            if dim.dim_value < 0:  # some writers mark open extents like this
                dim.ClearField("dim_value")
            whole = given.get(value.name, "").split(",")
            extent = whole[axis] if axis < len(whole) and whole[axis] else given.get(dim.dim_param)
            if extent is not None:
                dim.dim_value = int(extent)
            elif axis > 0:
                rank = len(value.type.tensor_type.shape.dim)
                fail(f"{path}: input '{value.name}': extent {axis} is open: give all {rank}:"
                     f" --shape {value.name}={','.join('N' * rank)}")


def load(path, content, shapes=()):
    """Returns the model on its reference, and prints a note if another runtime is used."""
    if path.suffix != ".onnx":
        return load_tflite(path, content)
    onnx = require("onnx", "onnx")
    try:
        whole = onnx.load(path)  # including weights in separate files
        set_extents(path, whole, shapes)
        low_bit = any(node.op_type in QONNX_OPERATORS for node in whole.graph.node)
        return (Qonnx if low_bit else OnnxRuntime)(whole.SerializeToString())
    except Exception as error:  # each of these libraries has its own exception types
        fail(f"{path}: {str(error).strip().splitlines()[0]}")


def identity(path, content):
    """Returns the SHA-256 of a model and of the separate files with its weights, like model::digest_of_model()."""
    own = hashlib.sha256(content).hexdigest()
    if path.suffix != ".onnx":
        return own
    helper = require("onnx.external_data_helper", "onnx")
    model = require("onnx", "onnx").load_from_string(content)
    names = sorted({entry.value for tensor in helper._get_all_tensors(model) if helper.uses_external_data(tensor)
                    for entry in tensor.external_data if entry.key == "location"})
    lines = [own] + [f"{name} {hashlib.sha256((path.parent / name).read_bytes()).hexdigest()}" for name in names]
    return hashlib.sha256("".join(line + "\n" for line in lines).encode()).hexdigest() if names else own


def difference(a, b):
    d = np.abs(a.astype(np.float64) - b.astype(np.float64))
    return {"n": int(np.count_nonzero(d)), "max": round(float(d.max()), 6) if d.size else 0.0}


def record(path, folder, cases, layers_of=(0,), runtime=None, most_bytes=None):
    """Runs the cases ({"id", ...}, arrays) and replaces the vectors in `folder`.

    layers_of: the numbers of the cases whose layers are recorded
    most_bytes: the layers of later cases are left out if they all have more bytes"""
    path, cases = pathlib.Path(path), list(cases)
    content = path.read_bytes()
    runtime = runtime or load(path, content)
    others, stream = runtime.others(), getattr(runtime, "keeps_states", False)
    if stream:
        for other in others.values():
            other.keeps_states = True
    entries = []
    for entry, arrays in cases:
        outputs = runtime(arrays)
        differs = {name: [difference(*pair) for pair in zip(outputs, other(arrays))]
                   for name, other in others.items()}
        entries.append(({**entry, **({"differs": differs} if differs else {})}, arrays, outputs))
    layers, size = [], 0
    for n in layers_of:
        layers.append((cases[n][0]["id"], runtime.layers(cases[n][1])))
        size += sum(array.nbytes for _, array in layers[-1][1])
        if most_bytes is not None and size * (len(layers) + 1) / len(layers) > most_bytes:
            break
    head = {"model": path.name, "sha256": identity(path, content),
            "reference": runtime.reference(), **({"stream": True} if stream else {})}
    vectors.write(pathlib.Path(folder), head, runtime.inputs, runtime.outputs, entries, layers)
    return entries


def random_cases(inputs, count, seed, span, whole=False):
    """Yields alternately uniform codes and codes near the zero point; floats of `span`; whole numbers that are not
    codes are table indices, or 0 and 1."""
    for n in range(count):
        uniform, rng = n % 2 == 0, np.random.default_rng(seed + n)
        kind, arrays = ("uniform" if uniform else "gauss"), []
        for end in inputs:
            dtype, shape = np.dtype(end["dtype"]), end["shape"]
            if dtype.kind in "iu" and dtype.itemsize >= 4:
                low, high = end.get("span") or span or (0, 1)
                x = rng.integers(int(low), int(high), shape, endpoint=True)
            elif dtype.kind in "iu":
                limits = np.iinfo(dtype)
                middle = (end.get("zero_point") or [0])[0]
                x = (rng.integers(limits.min, limits.max, shape, endpoint=True) if uniform else
                     np.clip(np.rint(rng.normal(middle, 24 * 256 ** (dtype.itemsize - 1), shape)),
                             limits.min, limits.max))
            else:
                low, high = span or end.get("span") or SPAN
                x = (rng.uniform(low, high, shape) if uniform else
                     np.clip(rng.normal((low + high) / 2, (high - low) / 10, shape), low, high))
                x = np.rint(x) if whole else x
            arrays.append(np.asarray(x).astype(dtype))
        yield {"id": f"{kind}{seed + n}", "how": f"{kind}, numpy default_rng({seed + n})"}, arrays


def rows_of(file, end):
    """Returns the cases in a user's file for this input."""
    try:
        array = np.load(file, allow_pickle=False)
    except (OSError, ValueError) as error:
        fail(f"--inputs: {file}: {error}")
    wanted, shape = np.dtype(end["dtype"]), tuple(end["shape"])
    if array.dtype != wanted and not (array.dtype.kind == wanted.kind == "f"):
        of_codes = (f"; codes are round(value / {end['scale'][0]:g}) + {end['zero_point'][0]}"
                    if end.get("scale") and array.dtype.kind == "f" else "")
        fail(f"--inputs: {file}: is {array.dtype.name}, input '{end['name']}' is"
                 f" {wanted.name}{of_codes}")
    one = shape[1:] if shape[:1] == (1,) else None  # a batch of one may be omitted
    if array.shape == shape:
        array = array[None]
    if array.shape[1:] not in (shape, one):
        fail(f"--inputs: {file}: has the shape {list(array.shape)}, allowed"
                 f" [cases, {', '.join(map(str, shape))}]")
    return array.reshape((len(array), *shape)).astype(wanted)


def read_labels(file, count):
    try:
        labels = (np.load(file, allow_pickle=False) if str(file).endswith(".npy") else
                  np.loadtxt(file, np.int64, ndmin=1))
    except (OSError, ValueError) as error:
        fail(f"--labels: {file}: {error}")
    if len(labels) != count or labels.dtype.kind not in "iu":
        fail(f"--labels: {file}: {len(labels)} labels of {labels.dtype.name}, allowed"
                 f" {count} whole numbers, one for each case of --inputs")
    return labels.tolist()


def given_cases(inputs, files, labels):
    if len(files) != len(inputs):
        fail(f"--inputs: {len(files)} files, allowed {len(inputs)}, one for each input:"
                 f" {', '.join(end['name'] for end in inputs)}")
    columns = [rows_of(file, end) for file, end in zip(files, inputs)]
    if len({len(column) for column in columns}) > 1:
        fail("--inputs: files of different numbers of cases")
    names = read_labels(labels, len(columns[0])) if labels else None
    for n, arrays in enumerate(zip(*columns)):
        label = {"label": names[n]} if labels else {}
        yield {"id": f"case{n}", "how": "file", **label}, list(arrays)


def bytes_of(path):
    try:
        return path.read_bytes()
    except OSError as error:
        fail(str(error))


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=pathlib.Path, metavar="MODEL")
    parser.add_argument("--out", type=pathlib.Path, metavar="DIR", required=True,
                        help="folder of the vectors; existing arrays are replaced")
    parser.add_argument("--inputs", nargs="+", default=[], metavar="X.npy",
                        help="a file for each input of the model, with the cases along the leading axis")
    parser.add_argument("--labels", metavar="F", help="file with the class of each case, .npy or text")
    parser.add_argument("--random", type=int, metavar="N",
                        help="number of random cases (4, or 0 with --inputs)")
    parser.add_argument("--seed", type=int, default=1, metavar="N", help="seed of the first random case (1)")
    parser.add_argument("--span", type=float, nargs=2, metavar=("LO", "HI"),
                        help="range of random values (floats: the range of their quantizer, or -1 1 without one; whole numbers that index no table: 0 1)")
    parser.add_argument("--shape", action="append", default=[], metavar="NAME=N",
                        help="extent of a dimension that the ONNX file leaves open; INPUT=N,C,H,W sets all extents of an input")
    parser.add_argument("--integer", action="store_true",
                        help="use whole numbers as random floats, for networks that quantize no input")
    parser.add_argument("--no-layers", action="store_true", help="record only the outputs, no layers")
    parser.add_argument("--layers-of", metavar="N|all",
                        help="record the layers of case N, or of all cases (of as many cases as have at most 64 MB)")
    parser.add_argument("--stream", action="store_true",
                        help="pass states from each case to the next one; record no layers")
    parser.add_argument("--float", type=pathlib.Path, metavar="FLOAT",
                        help="record the outputs and layers of the float model FLOAT from which MODEL was made")
    args = parser.parse_args()
    if args.labels and not args.inputs:
        fail("--labels: needs --inputs")
    runtime = load(args.model, bytes_of(args.model), args.shape)
    if args.float:
        runtime = FloatTwin(runtime, load(args.float, bytes_of(args.float), args.shape), args.float)
    if args.stream:
        if not isinstance(runtime, LiteRt):
            fail("--stream: allowed for TFLite's models, whose states are the runtime's")
        runtime.keeps_states = True
    count = args.random if args.random is not None else 0 if args.inputs else 4
    cases = list(given_cases(runtime.inputs, args.inputs, args.labels)) if args.inputs else []
    cases += random_cases(runtime.inputs, count, args.seed, args.span, args.integer)
    if not cases:
        fail("0 cases, allowed 1 or more without --inputs")
    numbers = range(len(cases))
    if args.layers_of not in (None, "all"):
        if args.layers_of not in map(str, numbers):
            fail(f"--layers-of {args.layers_of}: allowed 0..{len(cases) - 1}, the numbers of the cases, or all")
        numbers = [int(args.layers_of)]
    if args.no_layers or args.stream:
        numbers = []
    try:
        record(args.model, args.out, cases, numbers, runtime, MOST_BYTES if args.layers_of is None else None)
    except (RuntimeError, ValueError) as error:  # raised by a runtime for these inputs
        fail(f"{args.model}: {str(error).strip().splitlines()[0]}")
    print(f"record: {args.out}: {len(cases)} cases of {args.model}, by "
          + " ".join(runtime.reference().values()))


if __name__ == "__main__":
    main()
