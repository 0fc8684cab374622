#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs ONNX's own node tests as quantized networks in Trine: how many run, which are refused and why, and what differs.

usage: backend.py --build DIR                the test of ./trine test --full; exit code 77 without PyPI
       backend.py --build DIR --sample OUT   writes the models and vectors of tests/onnx/nodes, too

Each of ONNX's node tests with an operator that occurs in networks of vision, sound and language (OPERATORS), and the
cases of extra(), becomes a network of this one operator, with a product by one before and after it; ONNX Runtime's
quantize_static makes the QDQ form. Inputs other than float32 activations are constants, as exporters write them.
Operators on codes (QLinear...) get a quantizer before and a dequantizer after them instead.

Every network runs on the architecture simulator, bit-exact to the golden reference (or `trine run` reports a
difference); the outputs are compared with ONNX Runtime's. A difference of one code of the operator's result and one
of the output's is a near tie; more is an error, as is an index that differs in more than one place of ten.
"""
import argparse
import collections
import json
import logging
import os
import pathlib
import subprocess
import sys
import warnings

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
import harness  # noqa: E402

MOST_REFUSED = 15  # at most one of so many, with --allow-host
OPERATORS = set("""
    Abs ArgMax AveragePool BatchNormalization Cast Clip Concat Conv ConvTranspose DepthToSpace Einsum Erf Expand Flatten
    GRU Gather GatherND GlobalAveragePool GlobalMaxPool GridSample GroupNormalization InstanceNormalization LSTM LayerNormalization LogSoftmax
    MatMul Max MaxPool Min Mish Mul Neg NonMaxSuppression PRelu Pad Pow QLinearConv QLinearMatMul RNN ReduceMax ReduceMean
    ReduceMin ReduceSum Reshape Resize ReverseSequence ScatterElements ScatterND Shape Sigmoid Slice Softmax Softplus SpaceToDepth Split Sqrt Squeeze Swish Tile
    TopK Transpose Trilu Unsqueeze Upsample Where""".split())
# Operators whose float32 inputs are all activations, instead of only the first.
ALL_ACTIVATIONS = {"Add", "Concat", "Einsum", "MatMul", "Max", "Min", "Mul", "Pow", "Sum", "Where"}
# Operators on codes: positions of the activations among the inputs, and of the result's scale.
CODES = {"QGemm": ([0], 7), "QLinearAdd": ([0, 3], 6), "QLinearAveragePool": ([0], 3), "QLinearConcat": ([2, 5], 0),
         "QLinearConv": ([0], 6), "QLinearGlobalAveragePool": ([0], 3), "QLinearLeakyRelu": ([0], 3),
         "QLinearMatMul": ([0], 6), "QLinearMul": ([0, 3], 6), "QLinearSigmoid": ([0], 3), "QLinearSoftmax": ([0], 3),
         "QLinearWhere": ([1, 4], 7)}
SAMPLE = """test_batchnorm_epsilon_training_mode test_convtranspose_output_shape test_group_normalization_epsilon
    test_gru_seq_length test_layer_normalization_2d_axis1 test_lstm_with_peepholes
    test_maxpool_with_argmax_2d_precomputed_strides test_nonmaxsuppression_limit_output_size
    test_qlinearconv test_qlinearmatmul_3D_uint8_float32 test_reduce_sum_empty_axes_input_noop
    test_resize_downsample_scales_cubic_antialias test_resize_tf_crop_and_resize_extrapolation_value
    test_resize_upsample_sizes_nearest_axes_2_3 test_resize_upsample_sizes_nearest_not_larger test_shape_start_1_end_negative_1 test_top_k
    einsum_ellipsis gru_bidirectional lstm_bidirectional qgemm_channels qlinear_where rnn_reverse two_ends""".split()

Case = collections.namedtuple("Case", "name model inputs outputs")


def extra(np, onnx, runtime):
    """Yields cases that ONNX's node tests lack, or contain only in types that are not quantized."""
    rng = np.random.default_rng(3)

    def normal(*shape):
        return rng.normal(0, 0.5, shape).astype(np.float32)

    def codes(*shape, signed=False):
        low = -128 if signed else 0
        return rng.integers(low, low + 256, shape).astype(np.int8 if signed else np.uint8)

    def case(name, kind, inputs, outputs=("y",), domain="", **attributes):
        """`inputs` None: absent."""
        names = ["" if x is None else f"x{i}" for i, x in enumerate(inputs)]
        node = onnx.helper.make_node(kind, names, list(outputs), domain=domain, **attributes)
        return several(name, [node], {n: np.asarray(x) for n, x in zip(names, inputs) if n}, [o for o in outputs if o])

    def several(name, nodes, inputs, outputs):
        given = [onnx.helper.make_tensor_value_info(n, onnx.helper.np_dtype_to_tensor_dtype(x.dtype), x.shape)
                 for n, x in inputs.items()]
        opsets = [onnx.helper.make_opsetid("", 21), onnx.helper.make_opsetid("com.microsoft", 1)]

        def model(results):
            graph = onnx.helper.make_graph(nodes, name, given, results)
            return onnx.helper.make_model(graph, opset_imports=opsets, ir_version=10)
        values = runtime(model([onnx.ValueInfoProto(name=o) for o in outputs]), inputs)
        results = [onnx.helper.make_tensor_value_info(o, onnx.helper.np_dtype_to_tensor_dtype(v.dtype), v.shape)
                   for o, v in zip(outputs, values)]
        return Case(name, model(results), list(inputs.values()), values)

    T, B, I, H = 5, 3, 4, 6
    lengths = np.array([5, 2, 4], np.int32)

    def cell(gates, directions):
        return [normal(directions, gates * H, I), normal(directions, gates * H, H), normal(directions, 2 * gates * H)]
    yield case("lstm_bidirectional", "LSTM",
               [normal(T, B, I), *cell(4, 2), lengths, normal(2, B, H), normal(2, B, H), normal(2, 3 * H)],
               ("y", "h", "c"), hidden_size=H, direction="bidirectional", clip=1.5,
               activations=["Sigmoid", "Tanh", "Tanh", "HardSigmoid", "Softsign", "Relu"])
    yield case("lstm_input_forget", "LSTM", [normal(T, B, I), *cell(4, 1)], ("", "h", "c"), hidden_size=H, input_forget=1)
    yield case("gru_bidirectional", "GRU", [normal(T, B, I), *cell(3, 2), lengths, normal(2, B, H)], ("y", "h"),
               hidden_size=H, direction="bidirectional", linear_before_reset=1)
    yield case("gru_reverse", "GRU", [normal(T, B, I), *cell(3, 1)], ("y",), hidden_size=H, direction="reverse",
               activations=["HardSigmoid", "LeakyRelu"], activation_alpha=[0.3, 0.05], activation_beta=[0.4])
    yield case("rnn_reverse", "RNN", [normal(T, B, I), *cell(1, 1), lengths, normal(1, B, H)], ("y", "h"), hidden_size=H,
               direction="reverse", activations=["Affine"], activation_alpha=[0.5], activation_beta=[0.1])
    yield case("rnn_bidirectional", "RNN", [normal(T, B, I), *cell(1, 2)], ("y", "h"), hidden_size=H,
               direction="bidirectional", activations=["Relu", "Tanh"])
    yield case("einsum_attention", "Einsum", [normal(1, 2, 5, 4), normal(1, 2, 6, 4)], equation="bhqd,bhkd->bhqk")
    yield case("einsum_ellipsis", "Einsum", [normal(2, 3, 4), normal(4, 5)], equation="...i,ij->...j")
    yield case("einsum_implicit", "Einsum", [normal(3, 4), normal(4, 5)], equation="ij, jk")
    yield case("tile_batch", "Tile", [normal(2, 3, 4, 2), np.array([2, 1, 1, 2], np.int64)])
    yield case("expand_batch", "Expand", [normal(2, 1, 4, 2), np.array([2, 3, 4, 2], np.int64)])
    yield case("softmax_batch", "Softmax", [normal(2, 3, 4, 2)], axis=0)
    for auto in ("SAME_UPPER", "SAME_LOWER"):
        yield case(f"convtranspose_{auto.lower()}", "ConvTranspose", [normal(1, 3, 5, 4), normal(3, 2, 4, 3)],
                   auto_pad=auto, strides=[3, 2])
    yield case("convtranspose_larger", "ConvTranspose", [normal(1, 3, 5, 4), normal(3, 2, 2, 2), normal(2)],
               output_shape=[11, 9], strides=[2, 2])
    yield case("convtranspose_1d", "ConvTranspose", [normal(1, 4, 7), normal(4, 3, 3), normal(6)], group=2, strides=[2],
               pads=[1, 0], output_padding=[1], dilations=[2])
    yield case("convtranspose_3d", "ConvTranspose", [normal(1, 2, 3, 2, 3), normal(2, 2, 2, 3, 2)], strides=[2, 1, 2],
               pads=[0, 1, 0, 1, 1, 0])
    yield case("conv_1d", "Conv", [normal(1, 4, 12), normal(6, 2, 3), normal(6)], group=2, strides=[2], pads=[1, 1])
    yield case("conv_3d", "Conv", [normal(1, 2, 4, 5, 3), normal(3, 2, 2, 3, 1)])
    yield case("maxpool_column_major", "MaxPool", [normal(1, 2, 5, 6)], ("y", "i"), kernel_shape=[2, 2], storage_order=1)
    yield case("group_normalization_21", "GroupNormalization", [normal(2, 6, 3, 4), normal(6), normal(6)], num_groups=3)
    yield case("one_hot", "OneHot", [np.array([[1, -1], [5, 2]], np.int64), np.array(4, np.int64), normal(2)], axis=1)
    for how in ("asymmetric", "align_corners", "pytorch_half_pixel", "half_pixel_symmetric"):
        yield case(f"resize_cubic_{how}", "Resize", [normal(1, 2, 5, 4), None, None, np.array([1, 2, 3, 9], np.int64)],
                   mode="cubic", coordinate_transformation_mode=how)
    yield case("resize_linear_ratio", "Resize", [normal(1, 2, 5, 4), None, np.array([1, 1, 1.7, 0.6], np.float32)],
               mode="linear", antialias=1)

    one, zero = np.float32(1 / 64), np.uint8(128)
    half, least = np.float32(1 / 100), np.uint8(110)
    microsoft = {"domain": "com.microsoft"}
    a, b = codes(1, 4, 5, 5), codes(1, 4, 5, 5)
    for kind in ("QLinearAdd", "QLinearMul"):
        yield case("qlinear_" + kind[7:].lower(), kind, [a, one, zero, b, half, least, np.float32(1 / 40), zero], **microsoft)
    yield case("qlinear_concat", "QLinearConcat", [half, zero, a, one, zero, b, half, least], axis=1, **microsoft)
    yield case("qlinear_leaky_relu", "QLinearLeakyRelu", [a, one, zero, half, least], alpha=0.3, **microsoft)
    yield case("qlinear_sigmoid", "QLinearSigmoid", [a, one, zero, np.float32(1 / 256), np.uint8(0)], **microsoft)
    yield case("qlinear_softmax", "QLinearSoftmax", [codes(1, 6, 8), one, zero, np.float32(1 / 256), np.uint8(0)],
               axis=-1, opset=13, **microsoft)
    yield case("qlinear_average_pool", "QLinearAveragePool", [a, one, zero, half, least], kernel_shape=[2, 3], **microsoft)
    yield case("qlinear_global_average_pool", "QLinearGlobalAveragePool", [a, one, zero, half, least], **microsoft)
    yield case("qlinear_where", "QLinearWhere", [codes(1, 4, 5, 5) > 99, a, one, zero, b, half, least, one, zero],
               **microsoft)
    scales = rng.uniform(1 / 200, 1 / 100, 6).astype(np.float32)
    none = np.zeros(6, np.int8)
    yield case("qgemm_channels", "QGemm", [codes(2, 8), one, zero, codes(6, 8, signed=True), scales, none,
                                           rng.integers(-900, 900, 6).astype(np.int32), np.float32(1 / 8), zero],
               transB=1, **microsoft)
    yield case("qgemm_float", "QGemm", [codes(2, 8), one, zero, codes(8, 6, signed=True), half, np.int8(0),
                                        rng.integers(-900, 900, 6).astype(np.int32)], **microsoft)
    yield case("qlinear_conv_channels", "QLinearConv",
               [a, one, zero, codes(6, 4, 3, 3, signed=True), scales, none, np.float32(1 / 8), zero,
                rng.integers(-900, 900, 6).astype(np.int32)], pads=[1, 1, 1, 1])

    node = onnx.helper.make_node
    yield several("two_ends", [node("TopK", ["x", "k"], ["v", "i"], axis=1), node("Relu", ["v"], ["y"]),
                               node("ReduceMax", ["x", "all"], ["most"], keepdims=0)],
                  {"x": normal(2, 7, 3), "k": np.array([2], np.int64), "all": np.array([0, 1], np.int64)},
                  ["y", "i", "most"])


class Maker:
    """Writes networks of cases to a folder: NAME.onnx, its inputs and outputs."""

    def __init__(self, folder):
        import numpy
        import onnx
        import onnxruntime
        from onnx.backend.test.case.node import collect_testcases
        from onnxruntime import quantization
        self.np, self.onnx, self.ort, self.quantization = numpy, onnx, onnxruntime, quantization
        self.folder, self.collect = folder, collect_testcases
        folder.mkdir(parents=True, exist_ok=True)
        warnings.filterwarnings("ignore")
        logging.disable(logging.CRITICAL)
        onnxruntime.set_default_logger_severity(4)

    def runtime(self, model, inputs):
        options = self.ort.SessionOptions()
        options.graph_optimization_level = self.ort.GraphOptimizationLevel.ORT_DISABLE_ALL
        options.log_severity_level, options.intra_op_num_threads = 4, 1
        return self.ort.InferenceSession(model.SerializeToString(), options).run(None, inputs)

    def cases(self):
        names = set()
        for test in self.collect(None):
            nodes = test.model.graph.node
            if (test.kind == "node" and len(nodes) == 1 and nodes[0].op_type in OPERATORS
                    and not test.name.endswith("_expanded") and test.name not in names):
                names.add(test.name)
                inputs, outputs = test.data_sets[0]
                yield Case(test.name, test.model, [self.np.asarray(x) for x in inputs],
                           [self.np.asarray(y) for y in outputs])
        yield from extra(self.np, self.onnx, self.runtime)

    def make(self, case):
        """@return a description of the network, or why there is none"""
        row = {"name": case.name, "operator": next(n.op_type for n in case.model.graph.node)}
        try:
            model, feeds = (self.of_codes if row["operator"] in CODES else self.of_floats)(case)
            if not feeds:
                return {**row, "without": "no float32 activation"}
            path = self.folder / f"{case.name}.onnx"
            if row["operator"] in CODES:
                self.onnx.save(model, path)
            else:
                self.quantize(model, feeds, path)
            model = self.onnx.load(path)
            outputs = self.runtime(model, feeds)
        except Exception as error:  # these libraries have their own exception types
            return {**row, "without": str(error).splitlines()[0][:120]}
        for i, x in enumerate(feeds.values()):
            self.np.save(self.folder / f"{case.name}.x{i}.npy", x)
        for i, y in enumerate(outputs):
            self.np.save(self.folder / f"{case.name}.y{i}.npy", y)
        return {**row, "inputs": len(feeds), "tolerances": [self.tolerance(model, o.name) for o in model.graph.output]}

    def with_constants(self, case, is_activation):
        """Returns the model with all other inputs as constants, and the activations."""
        model = self.onnx.ModelProto()
        model.CopyFrom(case.model)
        model.ir_version = min(model.ir_version, 10)
        feeds = {}
        for value, x in zip(list(model.graph.input), case.inputs):
            if is_activation(value.name, x, feeds):
                feeds[value.name] = x
            else:
                model.graph.initializer.append(self.onnx.numpy_helper.from_array(x, value.name))
                model.graph.input.remove(value)
        return model, feeds

    def of_floats(self, case):
        several = any(n.op_type in ALL_ACTIVATIONS for n in case.model.graph.node)
        model, feeds = self.with_constants(
            case, lambda _, x, feeds: x.dtype == self.np.float32 and (several or not feeds))
        nodes, product = list(model.graph.node), self.onnx.helper.make_node
        for i, node in enumerate(nodes):
            node.name = node.name or f"it{i}"
        model.graph.initializer.append(self.onnx.numpy_helper.from_array(self.np.ones(1, self.np.float32), "one"))
        before = [product("Mul", [name, "one"], [name + "_in"], "before_" + name) for name in feeds]
        behind = []
        for value, y in zip(model.graph.output, case.outputs):
            if y.dtype == self.np.float32 and y.size:
                behind.append(product("Mul", [value.name + "_out", "one"], [value.name], "behind_" + value.name))
        made = {n.output[0] for n in behind}
        for node in nodes:
            node.input[:] = [x + "_in" if x in feeds else x for x in node.input]
            node.output[:] = [y + "_out" if y in made else y for y in node.output]
        del model.graph.node[:]
        model.graph.node.extend(before + nodes + behind)
        return model, feeds

    def of_codes(self, case):
        node = case.model.graph.node[0]
        positions, result = CODES[node.op_type]
        activations = {node.input[i]: node.input[i + 1:i + 3] for i in positions}
        model, codes = self.with_constants(case, lambda name, x, _: name in activations)
        values = {v.name: x for v, x in zip(case.model.graph.input, case.inputs)}
        node, value = model.graph.node[0], model.graph.output[0]
        feeds, quantizers = {}, []
        for name, x in codes.items():
            scale, zero = activations[name]
            feeds[name + "_real"] = ((x.astype(self.np.float32) - values[zero]) * values[scale]).astype(self.np.float32)
            quantizers.append(self.onnx.helper.make_node("QuantizeLinear", [name + "_real", scale, zero], [name]))
        del model.graph.input[:]
        model.graph.input.extend(
            self.onnx.helper.make_tensor_value_info(n, self.onnx.TensorProto.FLOAT, x.shape) for n, x in feeds.items())
        model.graph.node.insert(0, quantizers[0])
        for quantizer in quantizers[1:]:
            model.graph.node.insert(0, quantizer)
        if result < len(node.input):
            model.graph.node.append(self.onnx.helper.make_node(
                "DequantizeLinear", [value.name, *node.input[result:result + 2]], [value.name + "_real"]))
            del model.graph.output[:]
            model.graph.output.append(self.onnx.helper.make_tensor_value_info(
                value.name + "_real", self.onnx.TensorProto.FLOAT, case.outputs[0].shape))
        return model, feeds

    def quantize(self, model, feeds, path):
        rng = self.np.random.default_rng(7)
        samples = [feeds] + [
            {k: self.np.asarray(x * rng.uniform(-1 if x.size and x.min() < 0 else 0.2, 1, x.shape), self.np.float32)
             for k, x in feeds.items()} for _ in range(3)]

        class Reader(self.quantization.CalibrationDataReader):
            def __init__(self):
                self.left = iter(samples)

            def get_next(self):
                return next(self.left, None)
        source = path.with_suffix(".float")
        self.onnx.save(model, source)
        self.quantization.quantize_static(str(source), str(path), Reader(),
                                          quant_format=self.quantization.QuantFormat.QDQ)

    def tolerance(self, model, output):
        """Returns one code of the operator's result plus one of the output."""
        constants = {c.name: self.onnx.numpy_helper.to_array(c) for c in model.graph.initializer}
        makers = {o: n for n in model.graph.node for o in n.output}
        scale = 0.0
        node = makers.get(output)
        while node is not None and node.op_type in ("DequantizeLinear", "QuantizeLinear", "Mul", "Reshape"):
            if node.op_type == "DequantizeLinear":
                scale += float(constants[node.input[1]].reshape(-1)[0])
            node = makers.get(node.input[0])
        return scale or 1e-5


def run(np, folder, row, flags):
    """Runs one network. @return why it is refused, or (values, number of differences, error)"""
    name = row["name"]
    count = len(row["tolerances"])
    ends = [folder / f"{name}.z{i}.npy" for i in range(count)]
    command = [os.environ.get("TRINE_PROGRAM", str(harness.ROOT / "trine")), "run", "--backend", "arch", "--config",
               "edge64", folder / f"{name}.onnx", "--quiet", *flags]
    for i in range(row["inputs"]):
        command += ["--input", folder / f"{name}.x{i}.npy"]
    for end in ends:
        command += ["--output", end]
    done = subprocess.run([str(c) for c in command], capture_output=True, text=True)
    if done.returncode == 2:
        return done.stderr.strip().splitlines()[0].split(": ", 1)[-1]
    if done.returncode:
        return 0, 0, f"exit code {done.returncode}: {(done.stderr or done.stdout).strip()[-200:]}"
    values = differ = 0
    for i, end in enumerate(ends):
        y, z = np.load(folder / f"{name}.y{i}.npy"), np.load(end)
        if row["operator"] == "NonMaxSuppression":  # rows of -1 follow the selected ones
            if (z[len(y):] != -1).any():
                return 0, 0, f"{len(z)} rows, expected {len(y)}"
            z = z[:len(y)]
        if y.shape != z.shape:
            return 0, 0, f"output {i} has the shape {list(z.shape)}, expected {list(y.shape)}"
        values, different = values + y.size, y != z
        differ += int(different.sum())
        if y.dtype.kind == "f" and (abs(y - z) > 1.01 * row["tolerances"][i]).any():
            return values, differ, f"output {i} differs by {abs(y - z).max():g}, a code is {row['tolerances'][i]:g}"
        if y.dtype.kind != "f" and different.sum() > y.size / 10:
            return values, differ, f"output {i}: {int(different.sum())} of {y.size} differ"
    return values, differ, ""


def report(np, folder, rows, flags):
    """@return refused networks, wrong ones"""
    refused, wrong, values, differ = [], [], 0, 0
    for row in rows:
        result = run(np, folder, row, flags)
        if isinstance(result, str):
            refused.append((row["operator"], row["name"], result))
            continue
        values += result[0]
        differ += result[1]
        if result[2]:
            wrong.append(f"{row['name']}: {result[2]}")
    print(f"{' '.join(flags) or 'on the machine alone'}: {len(rows) - len(refused)} of {len(rows)} networks run, "
          f"{len(refused)} refused; {differ} of {values} values differ from ONNX Runtime's by a code")
    if flags:
        for operator, name, reason in refused:
            print(f"  refused: {name}: {reason}")
    else:
        counts = collections.Counter(operator for operator, _, _ in refused)
        print("  refused: " + ", ".join(f"{operator} {count}" for operator, count in sorted(counts.items())))
    for line in wrong:
        print(f"  wrong: {line}")
    return refused, wrong


def write_sample(maker, folder, rows):
    sys.path.insert(0, str(harness.ROOT / "components" / "zoo"))
    import record
    found = {row["name"]: row for row in rows}
    for name in SAMPLE:
        model = maker.onnx.load(maker.folder / f"{name}.onnx")
        for end in model.graph.output:  # the shapes that the runtime returns, as recorded
            end.type.tensor_type.ClearField("shape")
        path = folder / f"{name.removeprefix('test_')}.onnx"
        maker.onnx.save(model, path)
        inputs = [maker.np.load(maker.folder / f"{name}.x{i}.npy") for i in range(found[name]["inputs"])]
        record.record(path, path.with_suffix(""), [({"id": "given", "how": "ONNX's"}, inputs)], layers_of=())


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", type=pathlib.Path, required=True, metavar="DIR")
    parser.add_argument("--sample", type=pathlib.Path, metavar="OUT")
    args = parser.parse_args()
    harness.with_packages(args.build, pathlib.Path(__file__).resolve().parent / "requirements.txt", "onnx", "onnxruntime")
    maker = Maker(args.build / "nodes")
    rows = [maker.make(case) for case in maker.cases()]
    (args.build / "rows.json").write_text(json.dumps(rows, indent=1))
    for reason, count in collections.Counter(r["without"] for r in rows if "without" in r).most_common():
        print(f"no network of {count}: {reason}")
    rows = [row for row in rows if "without" not in row]
    if args.sample:
        write_sample(maker, args.sample, rows)
    _, wrong = report(maker.np, maker.folder, rows, [])
    refused, wrong_hosted = report(maker.np, maker.folder, rows, ["--allow-host"])
    if wrong or wrong_hosted:
        harness.fail("results differ")
    if MOST_REFUSED * len(refused) > len(rows):
        harness.fail(f"{len(refused)} of {len(rows)} networks are refused, allowed 1 in {MOST_REFUSED}")


if __name__ == "__main__":
    main()
