# SPDX-License-Identifier: Apache-2.0
"""Implements eight-bit number formats (spec/minifloat.h) for `trine quantize --format`: converts a network that
ONNX Runtime quantized to int16 so that its int16 codes are values of a format in fixed point. All scales are powers
of two, so that each result is the exact sum of products, rounded once.

The metadata `trine.format` of a file states that its codes are such values, because ONNX has no type for them. For
E4M3 it has one, FLOAT8E4M3FN, whose codes are made from int8 codes.
"""
import math

import numpy as np

KEY = "trine.format"
# exponent bits (es of a posit), bits below 1, whether it is a posit
FORMATS = {"e3m4": (3, 6, False), "posit8_0": (0, 6, True), "e4m3": (4, 9, False), "posit8_1": (1, 12, True),
           "e5m2": (5, 16, False)}
ON_MACHINE = ("e3m4", "posit8_0", "e4m3")
OF_ONNX = ("e4m3",)  # formats with an ONNX type
INT8 = 127
# Upper limit, in units, to which the largest number of a tensor is scaled: a posit is most precise near 1, and
# products with posit weights require activations below 1,024 units.
REACH = {"e3m4": 992, "posit8_0": 512, "e4m3": 448 << 9, "posit8_1": 64 << 12, "e5m2": 57344 << 16}


def posit(code, bits, es):
    """Returns the value of a positive code."""
    text = f"{code:0{bits}b}"[1:]
    run = len(text) - len(text.lstrip(text[0]))
    rest = text[run + 1:]
    exponent = (run - 1 if text[0] == "1" else -run) * 2 ** es + int((rest[:es] + "0" * es)[:es] or "0", 2)
    fraction = rest[es:]
    return 2.0 ** exponent * (1 + (int(fraction, 2) / 2 ** len(fraction) if fraction else 0))


def minifloat(code, e, name):
    m = 7 - e
    exponent, mantissa = code >> m, code & ((1 << m) - 1)
    if (code == 127) if name == "e4m3" else exponent == (1 << e) - 1:
        return None
    bias = (1 << (e - 1)) - 1
    return math.ldexp(mantissa, 1 - bias - m) if exponent == 0 else math.ldexp(mantissa + (1 << m), exponent - bias - m)


class Format:
    def __init__(self, name):
        e, self.fraction, is_posit = FORMATS[name]
        self.name, self.posit = name, is_posit
        real = [0.0 if c == 0 else posit(c, 8, e) if is_posit else minifloat(c, e, name) for c in range(128)]
        real = [v for v in real if v is not None]
        borders = ([0.0] + [posit(2 * c + 1, 9, e) for c in range(1, 127)] if is_posit
                   else [(a + b) / 2 for a, b in zip(real, real[1:])])
        unit = 2.0 ** self.fraction
        self.values, self.borders = np.array(real) * unit, np.array(borders) * unit  # in units, ascending
        self.largest = self.values[-1]

    def nearest(self, units):
        """Returns the nearest values, ties to the even code. @param units  real numbers in units"""
        size = np.abs(units)
        low = np.searchsorted(self.borders, size, side="left")   # borders below it
        high = np.searchsorted(self.borders, size, side="right")
        tie = low != high  # on border `low`, between codes low and low + 1
        code = np.where(tie, low + low % 2, low)
        if self.posit:
            code = np.where((size > 0) & (code == 0), 1, code)
            code = np.where(size == 0, 0, code)
        return np.sign(units) * self.values[code]

    def codes(self, units):
        """Returns the codes of values. @pre not a posit"""
        return (np.searchsorted(self.values, np.abs(units)) + np.where(units < 0, 128, 0)).astype(np.uint8)

    def scale_for(self, largest):
        """Returns the scale of a unit: the power of two with which the largest number fits."""
        return 2.0 ** math.ceil(math.log2(max(largest, 1e-30) / REACH[self.name]))

    def quantized(self, weights):
        """Returns the values, in units, and the scale with the least error, of four powers of two. @param weights  of
        a channel"""
        first = self.scale_for(np.abs(weights).max() if weights.size else 0)
        best = None
        for scale in (first, first / 2, first * 2, first * 4):
            units = np.clip(self.nearest(weights / scale), -self.largest, self.largest)
            error = float(((units * scale - weights) ** 2).sum())
            if best is None or error < best[0]:
                best = error, units, scale
        return best[1], best[2]


def apply(onnx, path, prepared, name, int8_weights, int8_activations):
    """Converts the file's int16 codes, for E4M3 its int8 codes. @param prepared  the float model from which it was
    quantized"""
    fmt = Format(name)
    float8 = name in OF_ONNX
    alone = float8 and int8_activations
    real_unit = 2.0 ** fmt.fraction if float8 else 1.0  # ratio of ONNX's scale to that of a unit
    model = onnx.load(path)
    constants = {c.name: c for c in model.graph.initializer}
    floats = {c.name: onnx.numpy_helper.to_array(c) for c in prepared.graph.initializer}
    made = {node.output[0]: node for node in model.graph.node}
    done = {}  # activations' scales per unit, by name
    of_zero = set()  # zero points that define the type

    def put(key, array):
        constants[key].CopyFrom(onnx.numpy_helper.from_array(array, key))

    def array(key):
        return onnx.numpy_helper.to_array(constants[key])

    for node in model.graph.node:
        if node.op_type != "QuantizeLinear" or node.input[1] in done:
            continue
        wanted = np.int8 if float8 else np.int16
        if array(node.input[2]).dtype != wanted:
            raise ValueError(f"'{node.name}' quantizes to {array(node.input[2]).dtype}, allowed {np.dtype(wanted)}")
        scale = float(array(node.input[1]))
        largest = scale * (INT8 if float8 else 32767)
        done[node.input[1]] = 2.0 ** math.ceil(math.log2(scale)) if alone else fmt.scale_for(largest)
        put(node.input[1], np.float32(done[node.input[1]] * (1 if alone else real_unit)))
        if float8 and not alone:
            of_zero.add(node.input[2])
    for key in of_zero:
        constants[key].CopyFrom(onnx.helper.make_tensor(key, onnx.TensorProto.FLOAT8E4M3FN, [], b"\0", raw=True))
    scales = {}  # of weights, by the output of their DequantizeLinear
    for node in model.graph.node:
        codes = constants.get(node.input[0]) if node.op_type == "DequantizeLinear" else None
        if codes is None or codes.data_type != onnx.TensorProto.INT8:
            continue
        readers = [n for n in model.graph.node if node.output[0] in n.input]
        narrow = any(n.op_type == "ConvTranspose" or any(a.name == "group" and a.i > 1 for a in n.attribute) for n in readers)
        if float8 and int8_weights:  # their scales are powers of two, too
            before = array(node.input[1]).astype(np.float64)
            scale = 2.0 ** np.ceil(np.log2(before))
            axis = next((a.i for a in node.attribute if a.name == "axis"), 1)
            w = floats[node.input[0].removesuffix("_quantized")].astype(np.float64)
            each = scale.reshape([-1 if i == axis % w.ndim else 1 for i in range(w.ndim)]) if scale.size > 1 else scale
            put(node.input[0], np.clip(np.rint(w / each), -INT8, INT8).astype(np.int8))
            put(node.input[1], scale.astype(np.float32))
        if int8_weights or narrow:  # the machine supports no wider ones there
            scales[node.output[0]] = array(node.input[1])
            continue
        w = floats[node.input[0].removesuffix("_quantized")].astype(np.float64)
        axis = next((a.i for a in node.attribute if a.name == "axis"), 1)
        rows = np.moveaxis(w, axis, 0).reshape(w.shape[axis], -1) if array(node.input[1]).size > 1 else w.reshape(1, -1)
        each = [fmt.quantized(row) for row in rows]
        units, scale = np.stack([u for u, _ in each]), np.array([s for _, s in each], np.float32)
        if len(each) > 1:
            moved = np.moveaxis(w, axis, 0).shape
            units = np.moveaxis(units.reshape(moved), 0, axis)
        units = units.reshape(w.shape)
        scales[node.output[0]] = scale
        if float8:
            key = node.input[0]
            constants[key].CopyFrom(onnx.helper.make_tensor(key, onnx.TensorProto.FLOAT8E4M3FN, w.shape,
                                                            fmt.codes(units).tobytes(), raw=True))
            put(node.input[1], (scale * real_unit).astype(np.float32).reshape(array(node.input[1]).shape))
            del node.input[2]
            continue
        put(node.input[0], units.astype(np.int16))
        put(node.input[1], scale.reshape(array(node.input[1]).shape))
        put(node.input[2], np.zeros_like(array(node.input[2]), np.int16))
        node.domain = "com.microsoft" if model_opset(model) < 21 else ""
    for node in model.graph.node:
        if len(node.input) < 3 or node.op_type not in ("Conv", "Gemm", "ConvTranspose"):
            continue
        bias = made.get(node.input[2])
        if bias is None or bias.input[0] not in constants:
            continue
        x = done[made[node.input[0]].input[1]]
        scale = (np.float64(x) * scales[node.input[1]]).astype(np.float32)
        b = floats[bias.input[0].removesuffix("_quantized")]
        while float8 and not alone and (np.abs(b) / scale.astype(np.float64)).max() >= 2 ** 31:
            scale = scale * np.float32(2)
        put(bias.input[0], np.clip(np.rint(b / scale.astype(np.float64)), -2 ** 31, 2 ** 31 - 1).astype(np.int32))
        put(bias.input[1], np.broadcast_to(scale, array(bias.input[1]).shape).astype(np.float32))
    if float8:
        model = with_float8(onnx, model)
    else:
        model.metadata_props.add(key=KEY, value=name)
    onnx.save(model, path)


def with_float8(onnx, model):
    """Returns the model in the first opset that dequantizes FLOAT8."""
    for opset in model.opset_import:
        if opset.domain in ("", "ai.onnx"):
            opset.version = max(opset.version, 19)
    model.ir_version = max(model.ir_version, 9)
    return model


def model_opset(model):
    return max((o.version for o in model.opset_import if o.domain in ("", "ai.onnx")), default=0)
