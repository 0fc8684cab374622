#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Compares operators of ONNX between quantizers with ONNX Runtime: the share of equal codes.

usage: operators.py [--full] [--int16] [--only TEXT] [--config C] [--seed S] [--keep FOLDER] | --record tests/onnx/operators

Each operator is a QDQ graph of random codes, once for each of 5 (--full: 20) random scales and zero points,
alternating between int8 and uint8. ONNX Runtime runs it with all optimizations off, `trine run --backend arch` on the
machine. A *near tie* is a code whose real value is within 2^-10 of the middle between two codes: float32 rounding
decides it, and no integer arithmetic can follow. An operator is *met* if 99.9 % of the other codes are equal and none
differs by more than one.
--int16: all quantizers are symmetric int16; float32 has 8 bits below such a code, so near means within 2^-7.
--record writes the part for the short suite: all operators in one graph, int8, uint8 and int16, with ONNX Runtime's
outputs, without operators whose scales produce ties.
onnx and ONNX Runtime come from PyPI (tests/onnx/requirements.txt). Exit code 77 without them.
"""
import argparse
import pathlib
import subprocess
import sys
import tempfile

import common

sys.path.insert(0, str(common.ROOT / "tests"))
import harness  # noqa: E402

NEAR_TIE, NEAR_TIE16, MET = 2.0 ** -10, 2.0 ** -7, 0.999
CODES, FULL_CODES, RECORDED_CODES = 4096, 50176, 256  # codes per scale, approximately
SCALES, FULL_SCALES = 5, 20


class Net:
    """A QDQ graph that grows node by node; `real` contains the values at each point, as ONNX Runtime computes them."""

    def __init__(self, rng, kind):
        self.rng, self.kind, self.signed = rng, kind, kind != "uint8"
        self.nodes, self.constants = [], []
        self.inputs, self.feeds = [], {}
        self.fixed = None  # scale and zero point of the result, if the operator prescribes them
        self.shared = None  # shared by all operators: inputs by shape, and the number of inputs of a shape that one operator has
        self.low, self.high = {"int8": (-128, 127), "uint8": (0, 255), "int16": (-32768, 32767)}[kind]

    def name(self):
        return f"t{len(self.nodes)}"

    def constant(self, value, dtype="float32"):
        import numpy as np
        from onnx import numpy_helper
        self.constants.append(numpy_helper.from_array(np.asarray(value, dtype), f"c{len(self.constants)}"))
        return self.constants[-1].name

    def op(self, kind, *inputs, **attributes):
        from onnx import helper
        output = self.name()
        self.nodes.append(helper.make_node(kind, list(inputs), [output], **attributes))
        return output

    def quantized(self, x, scale, zero):
        """Returns the codes of a value, and their real values."""
        s, z = self.constant(scale), self.constant(zero, self.kind)
        return self.op("DequantizeLinear", self.op("QuantizeLinear", x, s, z), s, z)

    def scale_for(self, low, high):
        """Returns a quantizer's scale and zero point for a range of values, like a calibration: sometimes symmetric."""
        import numpy as np
        low, high = min(low, 0.0), max(high, 1e-6)
        widened = self.rng.uniform(0.7, 1.1)
        if (self.rng.random() < 0.5 and self.signed) or self.kind == "int16":
            return np.float32(widened * max(-low, high) / self.high), 0
        scale = np.float32(widened * (high - low) / 255)
        return scale, int(np.clip(np.rint(self.low - low / scale), self.low, self.high))

    def input(self, shape, low=-4.0, high=4.0):
        """Returns random codes, as the floats that they represent."""
        import numpy as np
        self.last = scale, zero = self.scale_for(low, high)
        if self.shared is not None:
            return self.quantized(self.shared_input(shape), scale, zero)
        codes = self.rng.integers(self.low, self.high, shape, endpoint=True)
        name = f"x{len(self.inputs)}"
        self.inputs.append((name, shape))
        self.feeds[name] = ((codes - zero).astype(np.float32) * scale).astype(np.float32)
        return self.quantized(name, scale, zero)

    def shared_input(self, shape):
        import numpy as np
        names = [name for name, of in self.inputs if of == shape]
        self.shared[shape] = count = self.shared.get(shape, 0) + 1
        if count > len(names):
            names.append(f"x{len(self.inputs)}")
            self.inputs.append((names[-1], shape))
            self.feeds[names[-1]] = self.rng.uniform(-5, 5, shape).astype(np.float32)
        return names[count - 1]

    def weights(self, shape, fan_in, axis=0):
        """Returns int8 codes with a scale for each channel."""
        import numpy as np
        codes = self.rng.integers(-127, 127, shape, endpoint=True)
        scale = self.rng.uniform(0.5, 1.5, shape[axis]) / 127 / fan_in ** 0.5
        inputs = [self.constant(codes, "int8"), self.constant(scale), self.constant(np.zeros(shape[axis]), "int8")]
        return self.op("DequantizeLinear", *inputs, axis=axis)

    def number(self, value):
        """Returns a constant in the form of quantize_static."""
        return self.op("DequantizeLinear", self.constant(self.high, self.kind), self.constant(value / self.high),
                       self.constant(0, self.kind))

    def model(self, outputs):
        from onnx import TensorProto, helper
        graph = helper.make_graph(
            self.nodes, "g", [helper.make_tensor_value_info(n, TensorProto.FLOAT, s) for n, s in self.inputs],
            [helper.make_tensor_value_info(n, TensorProto.FLOAT, None) for n in outputs], self.constants)
        return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21 if self.kind == "int16" else 20)], ir_version=10 if self.kind == "int16" else 9)

    def run(self, output):
        """Returns the values in ONNX Runtime, without optimizations."""
        import onnxruntime as ort
        options = ort.SessionOptions()
        options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
        options.intra_op_num_threads, options.log_severity_level = 1, 3
        session = ort.InferenceSession(self.model([output]).SerializeToString(), options,
                                       providers=["CPUExecutionProvider"])
        return session.run(None, self.feeds)[0]

    def calibrated(self, x):
        """Adds the quantizer that a calibration inserts after a value."""
        values = self.run(x)
        return self.quantized(x, *self.scale_for(float(values.min()), float(values.max())))


def image(n, size):
    """Returns a map of 16 channels and about `size` codes."""
    side = max(4, int((size / 16) ** 0.5))
    return (1, 16, side, side)


def tokens(n, size):
    """Returns rows whose length differs from scale to scale."""
    length = int(n.rng.choice([4, 16, 64, 196, 256]))
    return (1, max(1, size // length), length)


def one(kind, low=-4.0, high=4.0, **attributes):
    return lambda n, size: n.op(kind, n.input(image(n, size), low, high), **attributes)


def two(kind, low=-4.0, high=4.0):
    def build(n, size):
        a = n.input(image(n, size))
        return n.op(kind, a, n.input(image(n, size), low, high))
    return build


def softmax(n, size, kind="Softmax"):
    reach = float(n.rng.uniform(1, 12))
    return n.op(kind, n.input(tokens(n, size), -reach, reach), axis=-1)


def log_softmax(n, size):
    return softmax(n, size, "LogSoftmax")


def layer_norm(n, size):
    shape = tokens(n, size)
    return n.op("LayerNormalization", n.input(shape), n.constant(n.rng.uniform(0.5, 1.5, shape[-1])),
                n.constant(n.rng.normal(0, 0.3, shape[-1])), axis=-1)


def instance_norm(n, size):
    """Adds the operator to a map with at most memory.param_channels pixels."""
    side = min(16, image(n, size)[2])
    return n.op("InstanceNormalization", n.input((1, 16, side, side)), n.constant(n.rng.uniform(0.5, 1.5, 16)),
                n.constant(n.rng.normal(0, 0.3, 16)))


def batch_norm(n, size):
    return n.op("BatchNormalization", n.input(image(n, size)), n.constant(n.rng.uniform(0.5, 1.5, 16)),
                n.constant(n.rng.normal(0, 0.3, 16)), n.constant(n.rng.normal(0, 1, 16)),
                n.constant(n.rng.uniform(0.2, 3, 16)))


def gelu_erf(n, size, quantized=True):
    """Adds GELU in the form that quantize_static makes of exported networks: quantizers around Erf, Add and Mul, none
    around Div."""
    between = n.calibrated if quantized else lambda x: x
    x = n.input(image(n, size))
    number = n.number if quantized else n.constant
    e = between(n.op("Erf", n.op("Div", x, n.constant(2 ** 0.5))))
    e = between(n.op("Add", e, number(1.0)))
    return n.op("Mul", between(n.op("Mul", x, e)), number(0.5))


def erf_plus_one(n, size):
    """With the scales of a symmetric calibration, every second code is a tie of real numbers."""
    x = n.op("Erf", n.input(image(n, size)))
    scale, zero = (1 / n.high, 0) if n.signed else (2 / 255, 128)
    n.fixed = (2 * scale, 0) if n.signed else (2 / 255, 0)
    return n.op("Add", n.quantized(x, scale, zero), n.number(1.0))


def silu(n, size):
    x = n.input(image(n, size))
    return n.op("Mul", x, n.calibrated(n.op("Sigmoid", x)))


def with_constant(kind, first=False, quantized=False):
    def build(n, size):
        x = n.input(image(n, size))
        c = (n.number if quantized else n.constant)(n.rng.uniform(0.3, 3))
        return n.op(kind, c, x) if first else n.op(kind, x, c)
    return build


def power(n, size):
    return n.op("Pow", n.input(image(n, size)), n.constant(float(n.rng.choice([2, 3]))))


def conv(n, size, group=1, kernel=3):
    shape = image(n, size)
    w = n.weights((16, 16 // group, kernel, kernel), 16 // group * kernel ** 2)
    return n.op("Conv", n.input(shape), w, n.constant(n.rng.normal(0, 0.5, 16)), kernel_shape=[kernel] * 2,
                pads=[kernel // 2] * 4, group=group)


def depthwise(n, size):
    return conv(n, size, 16)


def gemm(n, size):
    x = n.input((max(1, size // 32), 64))
    return n.op("Gemm", x, n.weights((32, 64), 64), n.constant(n.rng.normal(0, 0.5, 32)), transB=1)


def matmul(n, size):
    rows = max(4, min(int((size / 2) ** 0.5), 32 if n.kind == "int16" else 1024))
    return n.op("MatMul", n.input((1, 2, rows, 32)), n.input((1, 2, 32, rows)))


def same_scale(build):
    """Uses the same scale for input and output, like quantize_static for operators that move or average codes."""
    def built(n, size):
        result = build(n, size)
        n.fixed = n.last
        return result
    return built


def average_pool(n, size):
    return n.op("AveragePool", n.input(image(n, 4 * size)), kernel_shape=[2, 2], strides=[2, 2])


def pooled_image(n, size, side=7):
    return (1, max(4, min(2048, size // 8)), side, side)


def global_average_pool(n, size):
    return n.op("GlobalAveragePool", n.input(pooled_image(n, size)))


def reduce_mean(n, size):
    length = int(n.rng.choice([16, 48, 100]))
    return n.op("ReduceMean", n.input((1, min(max(size // 8, 4), 2048), length)), n.constant([-1], "int64"), keepdims=1)


def resize(mode, coordinates="half_pixel"):
    def build(n, size):
        attributes = {"nearest_mode": "floor"} if mode == "nearest" else {}
        return n.op("Resize", n.input(image(n, size // 4)), "", n.constant([1, 1, 2, 2]), mode=mode,
                    coordinate_transformation_mode=coordinates, **attributes)
    return build


def clip(n, size):
    return n.op("Clip", n.input(image(n, size)), n.constant(-1.0), n.constant(3.0))


def prelu(n, size):
    return n.op("PRelu", n.input(image(n, size)), n.constant(n.rng.uniform(0.05, 0.4, (16, 1, 1))))


def conv_transpose(n, size):
    w = n.weights((16, 8, 3, 3), 64, axis=1)
    return n.op("ConvTranspose", n.input(image(n, size // 4)), w, n.constant(n.rng.normal(0, 0.5, 8)), strides=[2, 2],
                pads=[1, 1, 0, 0])


def moved(n, size):
    x = n.op("Pad", n.input(image(n, size)), n.constant([0, 0, 1, 0, 0, 0, 0, 2], "int64"))
    x = n.op("Transpose", n.quantized(x, *n.last), perm=[0, 1, 3, 2])
    return n.op("Slice", n.quantized(x, *n.last), *(n.constant(v, "int64") for v in ([1, 2], [15, 99], [1, 2], [2, 1])))


def through_int8(n, size):
    """Converts from int16 to int8, and back after it."""
    x = n.input(image(n, size))
    s, z = n.constant(n.rng.uniform(0.02, 0.05)), n.constant(n.rng.integers(-20, 20), "int8")
    return n.op("DequantizeLinear", n.op("QuantizeLinear", x, s, z), s, z)


def from_int8(n, size):
    """Adds products of int8 codes, which an int16 quantizer follows."""
    return n.op("Conv", through_int8(n, size), n.weights((16, 16, 1, 1), 16))


OPERATORS = {
    "Softmax": softmax,
    "LogSoftmax": log_softmax,
    "LayerNormalization": layer_norm,
    "InstanceNormalization": instance_norm,
    "BatchNormalization only": batch_norm,
    "Gelu": one("Gelu"),
    "Gelu, tanh": one("Gelu", approximate="tanh"),
    "Gelu of Div, Erf, Add, Mul, Mul": lambda n, size: gelu_erf(n, size, False),
    "Gelu of these with quantizers": gelu_erf,
    "Erf, quantizer, Add 1": erf_plus_one,
    "Sigmoid": one("Sigmoid"),
    "Tanh": one("Tanh"),
    "HardSwish": one("HardSwish"),
    "SiLU: Mul by a quantized Sigmoid": silu,
    "Exp": one("Exp", -4.0, 2.0),
    "Log": one("Log", 0.0, 4.0),
    "Sqrt": one("Sqrt", 0.0, 4.0),
    "Reciprocal": one("Reciprocal", 0.0, 4.0),
    "Pow": power,
    "Elu": one("Elu"),
    "LeakyRelu": one("LeakyRelu", alpha=0.1),
    "PRelu": prelu,
    "Clip": clip,
    "Relu": one("Relu"),
    "Add": two("Add"),
    "Sub": two("Sub"),
    "Mul": two("Mul"),
    "Div": two("Div", 0.0, 4.0),
    "Add of a constant": with_constant("Add"),
    "Add of a quantized constant": with_constant("Add", quantized=True),
    "Mul by a quantized constant": with_constant("Mul", quantized=True),
    "Sub from a constant": with_constant("Sub", True),
    "Mul by a constant": with_constant("Mul"),
    "Div by a constant": with_constant("Div"),
    "Conv": conv,
    "Conv, depthwise": depthwise,
    "Gemm": gemm,
    "MatMul of two maps": matmul,
    "AveragePool": average_pool,
    "GlobalAveragePool": global_average_pool,
    "ReduceMean": reduce_mean,
    "Resize, linear": resize("linear"),
    "Resize, linear, the same scale": same_scale(resize("linear")),
    "AveragePool, the same scale": same_scale(average_pool),
    "Resize, nearest": resize("nearest", "asymmetric"),
}


TIES = ("Resize, linear, the same scale", "AveragePool, the same scale")  # quarters and sixteenths of a code
HOSTED = ("LogSoftmax", "Div")  # refused between quantizers, because the machine does not support them
OF_INT16 = {name: OPERATORS[name] for name in (
    "Softmax", "MatMul of two maps", "BatchNormalization only", "Sigmoid", "Tanh", "SiLU: Mul by a quantized Sigmoid",
    "HardSwish", "LeakyRelu", "Clip", "Relu", "Add", "Sub", "Mul", "Add of a constant", "Sub from a constant",
    "Mul by a constant", "Div by a constant", "Add of a quantized constant", "Mul by a quantized constant", "Conv",
    "Conv, depthwise", "Gemm",
    "AveragePool", "GlobalAveragePool", "ReduceMean", "AveragePool, the same scale", "Resize, nearest")} | {
    "ConvTranspose": conv_transpose,
    "HardSigmoid": one("HardSigmoid"),
    "Neg": one("Neg"),
    "Max": two("Max"),
    "Min": two("Min"),
    "Concat": lambda n, size: n.op("Concat", n.input(image(n, size)), n.input(image(n, size)), axis=1),
    "MaxPool": lambda n, size: n.op("MaxPool", n.input(image(n, size)), kernel_shape=[3, 2], pads=[1, 0, 1, 1]),
    "ReduceMax": lambda n, size: n.op("ReduceMax", n.input(image(n, size)), n.constant([2, 3], "int64"), keepdims=1),
    "Pad, Transpose, Slice": moved,
    "int8 between": through_int8,
    "Conv of int8": from_int8,
}


def operators(int16):
    return OF_INT16 if int16 else OPERATORS


def quantized(n, real, values):
    """Quantizes a result with scale and zero point that fit its values. @return the tensor, and both

    An image passes through a pool of one pixel after it, so that a function is not at the end, where the host would
    compute it."""
    import numpy as np
    scale, zero = n.fixed or n.scale_for(*np.percentile(values[np.isfinite(values)], [0.1, 99.9]))
    codes = n.quantized(real, scale, zero)
    if values.ndim == 4:
        codes = n.quantized(n.op("MaxPool", codes, kernel_shape=[1, 1]), scale, zero)
    return codes, scale, zero


class Count:
    """Counts the equal codes of an operator."""

    def __init__(self):
        self.codes = self.near = self.equal = self.equal_clear = 0
        self.worst = self.worst_clear = self.graphs = 0
        self.refused = ""

    def add(self, ours, theirs, real, near_tie):
        """@param real  the value in codes, before it is rounded"""
        import numpy as np
        near = np.abs(real - np.floor(real) - 0.5) < near_tie
        off = np.abs(ours - theirs)
        self.graphs += 1
        self.codes += off.size
        self.near += int(near.sum())
        self.equal += int((off == 0).sum())
        self.equal_clear += int((off[~near] == 0).sum())
        self.worst = max(self.worst, int(off.max()))
        self.worst_clear = max(self.worst_clear, int(off[~near].max(initial=0)))

    @property
    def share(self):
        return self.equal_clear / max(1, self.codes - self.near)

    @property
    def met(self):
        return self.graphs > 0 and self.share >= MET and self.worst_clear <= 1

    def row(self, name):
        if self.graphs == 0:
            return [name, "", "", "", "", "", f"refused: {self.refused}"]
        share = f"{100 * self.equal / self.codes:.3f} %"
        return [name, f"{self.codes:,}", share, f"{100 * self.share:.3f} %", str(self.worst),
                f"{100 * self.near / self.codes:.2f} %", "yes" if self.met else "no"]


def machine(model, feeds, names, config, folder):
    """Returns the machine's outputs, or a line that states why there are none."""
    import numpy as np
    path = folder / "operator.onnx"
    path.write_bytes(model.SerializeToString())
    inputs = []
    for name in names:
        inputs.append(folder / f"{name}.npy")
        np.save(inputs[-1], feeds[name])
    output = folder / "y.npy"
    done = subprocess.run([common.program(), "run", "--quiet", *common.design(config), "--backend", "arch", str(path),
                           "--output", str(output), *(f"--input={x}" for x in inputs)],
                          stderr=subprocess.PIPE, text=True)
    if done.returncode == common.REFUSED:
        return None, done.stderr.strip().splitlines()[-1].replace(f"{folder}/", "")
    if done.returncode:
        sys.exit(f"{path}: the machine differs from the golden layers\n{done.stderr}")
    return np.load(output), ""


def measure(name, options):
    """Returns the counts of one operator."""
    import zlib

    import numpy as np
    count = Count()
    size = FULL_CODES if options.full else CODES
    for case in range(FULL_SCALES if options.full else SCALES):
        kind = "int16" if options.int16 else ["int8", "uint8"][case % 2]
        n = Net(np.random.default_rng([options.seed, zlib.crc32(name.encode()), case]), kind)
        real = operators(options.int16)[name](n, size)
        values = n.run(real)
        output, scale, zero = quantized(n, real, values)
        with tempfile.TemporaryDirectory() as scratch:
            folder = options.keep / f"{list(operators(options.int16)).index(name)}_{case}" if options.keep else pathlib.Path(scratch)
            folder.mkdir(parents=True, exist_ok=True)
            ours, why = machine(n.model([output]), n.feeds, [i for i, _ in n.inputs], options.config, folder)
        if ours is None:
            count.refused = why
            continue
        with np.errstate(all="ignore"):
            wanted = values.astype(np.float64) / float(scale) + zero
        wanted = np.nan_to_num(wanted, nan=0.0, posinf=1e6, neginf=-1e6)
        codes = [np.rint(y / scale).astype(int) for y in (ours, n.run(output))]
        count.add(*codes, np.clip(wanted, n.low - 1.0, n.high + 1.0), NEAR_TIE16 if options.int16 else NEAR_TIE)
    return count


def record(folder, seed):
    """Writes the graphs of all operators in one file, and its vectors."""
    import numpy as np
    sys.path.insert(0, str(common.ROOT / "components" / "zoo"))
    import record as recorder
    for kind in ("int8", "uint8", "int16"):
        n, outputs = Net(np.random.default_rng([seed, len(kind)]), kind), []
        for name, build in operators(kind == "int16").items():
            if name in HOSTED or name in TIES:
                continue
            n.fixed, n.shared = None, {}
            real = build(n, RECORDED_CODES)
            outputs.append(name.replace(" ", "_").replace(",", "").replace(":", ""))
            quantized(n, real, n.run(real))
            n.nodes[-1].output[0] = outputs[-1]
        path = folder / f"{kind}.onnx"
        path.write_bytes(n.model(outputs).SerializeToString())
        case = {"id": "random", "how": f"components/benchmarks/operators.py, seed {seed}"}, [n.feeds[name] for name, _ in n.inputs]
        recorder.record(path, folder / path.stem, [case], layers_of=())


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--full", action="store_true", help="20 scales and a million codes for each operator")
    parser.add_argument("--int16", action="store_true",
                        help="test the operators that the machine supports for int16 codes")
    parser.add_argument("--only", default="", metavar="TEXT", help="test only operators whose name contains TEXT")
    parser.add_argument("--config", default="edge256", metavar="C")
    parser.add_argument("--seed", type=int, default=1, metavar="S")
    parser.add_argument("--keep", type=pathlib.Path, metavar="FOLDER",
                        help="store the graphs with their codes in FOLDER")
    parser.add_argument("--record", type=pathlib.Path, metavar="FOLDER",
                        help="write the vectors of the short suite to FOLDER, and stop")
    options = parser.parse_args()
    harness.with_packages(common.ROOT / "build", common.ROOT / "tests/onnx/requirements.txt", "onnx", "onnxruntime")
    if options.record:
        return record(options.record, options.seed)
    if options.int16:
        options.config += " array.activations16=true"
    chosen = [name for name in operators(options.int16) if options.only in name]
    if not chosen:
        sys.exit("no operator of that name")
    counts = {name: measure(name, options) for name in chosen}
    common.table(["operator", "codes", "equal", "without near ties", "worst", "near ties", "met"],
                 [count.row(name) for name, count in counts.items()])
    import onnxruntime
    print(f"{sum(c.met for c in counts.values())} of {len(counts)} met; {options.config}; ONNX Runtime "
          f"{onnxruntime.__version__}; revision {common.versions().split('revision ')[1]}")


if __name__ == "__main__":
    main()
