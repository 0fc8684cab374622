# SPDX-License-Identifier: Apache-2.0
"""Builds quantized TFLite models with seeded weights, operator by operator. NumPy is enough."""

import zlib

import numpy as np

import tflite_writer

# The format's builtin code, and the number of the options in their union.
KINDS = {"ADD": (0, 11), "AVERAGE_POOL_2D": (1, 5), "CONCATENATION": (2, 10), "CONV_2D": (3, 1),
         "DEPTHWISE_CONV_2D": (4, 2), "FULLY_CONNECTED": (9, 8), "LOGISTIC": (14, 0),
         "MAX_POOL_2D": (17, 5), "MUL": (18, 21), "RELU6": (21, 0), "RESHAPE": (22, 17),
         "RESIZE_BILINEAR": (23, 15), "SOFTMAX": (25, 9), "TANH": (28, 0), "PAD": (34, 22),
         "TRANSPOSE": (39, 26), "BATCH_MATMUL": (126, 101),
         "MEAN": (40, 27), "SUB": (41, 28), "MAXIMUM": (55, 39), "TRANSPOSE_CONV": (67, 49),
         "LEAKY_RELU": (98, 75),
         "PRELU": (54, 0), "GATHER": (36, 23), "REVERSE_V2": (105, 81), "TILE": (69, 51),
         "BROADCAST_TO": (130, 0), "REDUCE_MAX": (82, 27), "REDUCE_MIN": (89, 27),
         "SHAPE": (77, 55), "STRIDED_SLICE": (45, 32), "PACK": (83, 59),
         "UNIDIRECTIONAL_SEQUENCE_LSTM": (44, 71), "DEQUANTIZE": (6, 38),
         "FLOOR": (8, 0), "DIV": (42, 29), "SIN": (66, 0),
         "QUANTIZE": (114, 89), "HARD_SWISH": (117, 91),
         "ABS": (101, 78), "EXP": (47, 33), "GELU": (150, 116), "RELU": (19, 0), "RSQRT": (76, 0),
         "SQUARED_DIFFERENCE": (99, 76), "MINIMUM": (57, 39), "NEG": (59, 42),
         "RESIZE_NEAREST_NEIGHBOR": (97, 74),
         "ARG_MAX": (56, 40), "ARG_MIN": (79, 57), "BATCH_TO_SPACE_ND": (37, 24), "CAST": (53, 37),
         "CUMSUM": (128, 102), "EMBEDDING_LOOKUP": (7, 0), "EQUAL": (71, 53), "FILL": (94, 68),
         "FLOOR_DIV": (90, 65), "FLOOR_MOD": (95, 72), "GATHER_ND": (107, 83),
         "GREATER": (61, 44), "GREATER_EQUAL": (62, 45), "L2_NORMALIZATION": (11, 12),
         "LESS": (58, 41), "LESS_EQUAL": (63, 46), "LOGICAL_AND": (86, 62),
         "LOGICAL_NOT": (87, 63), "LOGICAL_OR": (84, 60), "NON_MAX_SUPPRESSION_V4": (120, 95),
         "NON_MAX_SUPPRESSION_V5": (121, 96), "NOT_EQUAL": (72, 54), "ONE_HOT": (85, 61),
         "POW": (78, 56), "RANGE": (96, 73), "RANK": (110, 86), "REDUCE_ALL": (140, 27),
         "REDUCE_ANY": (91, 27), "REDUCE_PROD": (81, 27), "REVERSE_SEQUENCE": (112, 87),
         "SCATTER_ND": (122, 97), "SELECT": (64, 47), "SELECT_V2": (123, 98), "SIGN": (158, 0),
         "SPACE_TO_BATCH_ND": (38, 25), "SPARSE_TO_DENSE": (68, 50), "SLICE": (65, 48), "SPLIT": (49, 35),
         "SQRT": (75, 0), "SQUARE": (92, 66), "SUM": (74, 27), "SVDF": (27, 6), "TOPK_V2": (48, 34),
         "UNPACK": (88, 64), "ZEROS_LIKE": (93, 67), "PADV2": (60, 43), "MIRROR_PAD": (100, 77), "LOG_SOFTMAX": (50, 36),
         "DEPTH_TO_SPACE": (5, 94), "SPACE_TO_DEPTH": (26, 19),
         "TFLite_Detection_PostProcess": (32, 0)}
# The option quantized_bias_type: without it LiteRT reads 16x8 biases as int64.
BIAS_TYPES = {"CONV_2D": 6, "FULLY_CONNECTED": 4, "TRANSPOSE_CONV": 4}
CUSTOM = 32  # the code; the name defines the operator
TYPES = {"f4": 0, "i4": 2, "u1": 3, "i8": 4, "b1": 6, "i2": 7, "i1": 9, "n1": 17}
SAME, VALID = 0, 1


def nibbles(codes):
    """Returns two 4-bit codes per byte, the first in the low half: INT4, here "n1"."""
    low = np.resize(np.asarray(codes).ravel().astype(np.uint8) & 15, (np.size(codes) + 1) // 2 * 2)
    return (low[::2] | low[1::2] << 4).tobytes()


class Model:
    """Tensors and operators in order. Tensors are numbers."""

    def __init__(self, name, type="u1"):
        self.rng = np.random.default_rng(zlib.crc32(name.encode()))
        self.type = type
        self.buffers, self.tensors, self.ops, self.codes = [{}], [], [], []
        self.shapes, self.inputs, self.outputs = [], [], []
        self.q = {}  # scale and zero point of each activation

    def tensor(self, shape, scale=(), zero_point=(), type=None, data=None, axis=0,
               variable=False):
        type = type or self.type
        buffer = 0
        if data is not None:
            self.buffers.append({0: nibbles(data) if type == "n1" else np.asarray(data, "<" + type).tobytes()})
            buffer = len(self.buffers) - 1
        scale, zero_point = np.atleast_1d(scale), np.atleast_1d(zero_point)
        quantization = {2: ["f", *map(float, scale)], 3: ["q", *map(int, zero_point)],
                        6: ("i", axis)} if scale.size else {}
        self.tensors.append({0: ["i", *shape], 1: ("b", TYPES[type]), 2: ("I", buffer),
                             3: f"t{len(self.tensors)}", 4: quantization,
                             **({5: ("?", True)} if variable else {})})
        self.shapes.append(tuple(shape))
        return len(self.tensors) - 1

    def codes_of(self, shape):
        """Draws a scale and a zero point for a tensor of codes."""
        if self.type == "i2":
            return self.rng.uniform(0.01, 0.05) / 256, 0
        low = 0 if self.type == "u1" else -128
        return self.rng.uniform(0.01, 0.05), int(self.rng.integers(low + 60, low + 200))

    def activation(self, shape, like=None, fixed=None):
        q = fixed or (self.q[like] if like is not None else self.codes_of(shape))
        t = self.tensor(shape, *q)
        self.q[t] = q
        return t

    def input(self, shape, type=None):
        self.inputs.append(self.tensor(shape, type=type) if type else self.activation(shape))
        return self.inputs[-1]

    def constant(self, values, type="i4"):
        values = np.asarray(values)
        return self.tensor(values.shape, type=type, data=values)

    def weights(self, shape):
        """Draws weights; uint8: around a zero point that leaves a few of w - zero_point beyond int8."""
        zero_point = int(self.rng.integers(90, 166)) if self.type == "u1" else 0
        w = np.clip(np.rint(self.rng.normal(zero_point, 45, shape)),
                    *((0, 255) if self.type == "u1" else (-127, 127)))
        scale = self.rng.uniform(0.002, 0.01)
        t = self.tensor(shape, scale, zero_point, data=w)
        self.q[t] = scale, zero_point
        return t

    def with_bias(self, x, weights, channels):
        """Returns the operands of a product."""
        scale = np.float32(self.q[x][0]) * np.float32(self.q[weights][0])
        return [x, weights, self.tensor((channels,), scale, 0, "i4",
                                        self.rng.integers(-3000, 3000, channels))]

    def codes_constant(self, shape):
        q = self.codes_of(shape)
        low, high = (0, 256) if self.type == "u1" else (-128, 128)
        t = self.tensor(shape, *q, data=self.rng.integers(low, high, shape))
        self.q[t] = q
        return t

    def op(self, kind, inputs, shape, options=None, like=None, fixed=None, integers=False,
           floats=False):
        if integers or floats:
            out = self.tensor(shape, type="i4" if integers else "f4")
        else:
            out = self.activation(shape, like, fixed)
        return self.into(out, kind, inputs, options)

    def numbers(self, kind, inputs, shapes, type, options=None):
        """Adds an operator with one or several results that are numbers of a type."""
        several = isinstance(shapes, list)
        outs = [self.tensor(shape, type=type) for shape in (shapes if several else [shapes])]
        self.into(outs[0], kind, inputs, options)
        self.ops[-1][2] = ["i", *outs]
        return outs if several else outs[0]

    def into(self, out, kind, inputs, options):
        """Adds an operator with one or several existing outputs."""
        code, number = KINDS[kind]
        if (code, kind) not in self.codes:
            self.codes.append((code, kind))
        fields = {0: ("I", self.codes.index((code, kind))), 1: ["i", *inputs],
                  2: ["i", *np.atleast_1d(out)]}
        if code == CUSTOM:
            fields[5] = tflite_writer.flexbuffer(options)
        if number:
            fields.update({3: ("B", number), 4: options or {}})
        self.ops.append(fields)
        return out

    def convolution(self, x, filters, window, stride=1, padding=SAME, activation=0):
        n, h, w, c = self.shapes[x]
        return self.op("CONV_2D", self.with_bias(
            x, self.weights((filters, window, window, c)), filters),
                       (n, *(slid(e, window, stride, padding) for e in (h, w)), filters),
                       {0: ("b", padding), 1: ("i", stride), 2: ("i", stride),
                        3: ("b", activation)})

    def depthwise(self, x, window, stride=1, padding=SAME, multiplier=1):
        n, h, w, c = self.shapes[x]
        m = c * multiplier
        return self.op("DEPTHWISE_CONV_2D", self.with_bias(
            x, self.weights((1, window, window, m)), m),
                       (n, *(slid(e, window, stride, padding) for e in (h, w)), m),
                       {0: ("b", padding), 1: ("i", stride), 2: ("i", stride),
                        3: ("i", multiplier)})

    def pool(self, kind, x, window, stride=1, padding=SAME):
        n, h, w, c = self.shapes[x]
        return self.op(kind, [x], (n, *(slid(e, window, stride, padding) for e in (h, w)), c),
                       {0: ("b", padding), 1: ("i", stride), 2: ("i", stride), 3: ("i", window),
                        4: ("i", window)}, like=x)

    def dense(self, x, outputs):
        rows = self.shapes[x][0]
        inputs = int(np.prod(self.shapes[x])) // rows
        return self.op("FULLY_CONNECTED", self.with_bias(
            x, self.weights((outputs, inputs)), outputs), (rows, outputs))

    def to_bytes(self):
        codes = [{0: ("b", min(c, 127)), 3: ("i", c), 2: ("i", 2 if c == 130 else 1),
                  **({1: kind} if c == CUSTOM else {})} for c, kind in self.codes]
        graph = {0: self.tensors, 1: ["i", *self.inputs], 2: ["i", *self.outputs], 3: self.ops}
        return tflite_writer.to_bytes({0: ("I", 3), 1: codes, 2: [graph], 4: self.buffers})


def slid(extent, window, stride, padding):
    """Returns the output extent of a window."""
    return -(-extent // stride) if padding == SAME else (extent - window) // stride + 1


def pair(value):
    """Returns the values for rows and columns, if they differ."""
    return (value, value) if isinstance(value, int) else value


class Int8Net(Model):
    """int8 with a scale for each channel of a product's weights, chosen such that its codes deviate by about 50 if
    its input's do; `gains` correct that, product by product. Weights of a channel sum to about zero, so that a common
    offset of all inputs does not propagate. MACs count padded taps.

    Type "i2": int16 activations with 256 codes for each of int8's, biases of `bias_type`."""

    def __init__(self, name, type="i1", gains=()):
        super().__init__(name, type)
        self.gains, self.products, self.macs = gains, [], 0
        self.bias_axis = 0  # of the scales of a bias, which has only one axis
        self.bias_type = "i8" if type == "i2" else "i4"

    def named(self, tensor, name):
        """Makes the tensor an output with that name."""
        self.tensors[tensor][3] = name
        self.outputs.append(tensor)
        return tensor

    def product(self, kind, x, shape, fan, axis, output, options, *, bias=True, per_tensor=False,
                first=(), fixed=None, macs=None):
        """Adds CONV_2D, DEPTHWISE_CONV_2D, FULLY_CONNECTED or TRANSPOSE_CONV.

        @param shape  of the weights, `axis` of which are the output channels; `fan` taps each
        @param first  operands before the map
        """
        channels = shape[axis]
        y = self.activation(output, fixed=fixed)
        out_scale, unsigned = self.q[y][0], self.type == "u1"
        finer = 256 if self.type == "i2" else 1
        zero_point = int(self.rng.integers(110, 146)) if unsigned else 0
        w = self.rng.normal(0, 45, shape)
        if fan > 3:
            w -= w.mean(tuple(a for a in range(len(shape)) if a != axis), keepdims=True)
        w = np.clip(np.rint(w + zero_point), *((0, 255) if unsigned else (-127, 127)))
        typical = 50 * out_scale / (self.q[x][0] * 70 * 45 * np.sqrt(fan))
        typical *= self.gains[len(self.products)] if self.gains else 1
        self.products.append(y)
        scale = (typical if per_tensor or unsigned else
                 typical * self.rng.uniform(0.4, 1.6, channels))
        weights = self.tensor(shape, scale, zero_point if unsigned else np.zeros(np.size(scale)),
                              "u1" if unsigned else "i1", data=w, axis=axis)
        inputs = [*first, weights, x] if kind == "TRANSPOSE_CONV" else [x, weights]
        if bias:
            sums = np.float32(self.q[x][0]) * np.float32(scale)
            codes = self.rng.normal(0, 20 * finer * out_scale / (self.q[x][0] * typical), channels)
            inputs.append(self.tensor((channels,), sums, np.zeros(np.size(sums)), self.bias_type,
                                      np.rint(codes), self.bias_axis))
        self.macs += int(np.prod(output)) * fan if macs is None else macs
        if self.type == "i2" and self.bias_type == "i4":
            options = {**options, BIAS_TYPES[kind]: ("b", TYPES["i4"])}
        return self.into(y, kind, inputs, options)

    def conv(self, x, filters, window, stride=1, padding=SAME, activation=0, dilation=1, groups=1,
             fixed=None, **more):
        n, h, w, c = self.shapes[x]
        (r, s), (down, right), (d, e) = pair(window), pair(stride), pair(dilation)
        p = slid(h, (r - 1) * d + 1, down, padding)
        q = slid(w, (s - 1) * e + 1, right, padding)
        return self.product("CONV_2D", x, (filters, r, s, c // groups), r * s * c // groups, 0,
                            (n, p, q, filters),
                            {0: ("b", padding), 1: ("i", right), 2: ("i", down),
                             3: ("b", activation), 4: ("i", e), 5: ("i", d)},
                            fixed=fixed, **more)

    def dw(self, x, window, stride=1, padding=SAME, multiplier=1, activation=0, dilation=1,
           **more):
        n, h, w, c = self.shapes[x]
        (r, s), (down, right), (d, e) = pair(window), pair(stride), pair(dilation)
        p = slid(h, (r - 1) * d + 1, down, padding)
        q = slid(w, (s - 1) * e + 1, right, padding)
        return self.product("DEPTHWISE_CONV_2D", x, (1, r, s, c * multiplier), r * s, 3,
                            (n, p, q, c * multiplier),
                            {0: ("b", padding), 1: ("i", right), 2: ("i", down),
                             3: ("i", multiplier), 4: ("b", activation), 5: ("i", e),
                             6: ("i", d)}, **more)

    def transposed(self, x, filters, window, stride, padding=VALID, activation=0, bias=False,
                   **more):
        n, h, w, c = self.shapes[x]
        (r, s), (down, right) = pair(window), pair(stride)
        size = ((h * down, w * right) if padding == SAME else
                ((h - 1) * down + r, (w - 1) * right + s))
        shape = (n, *size, filters)
        options = {0: ("b", padding), 1: ("i", right), 2: ("i", down)}
        if activation:
            options[3] = ("b", activation)
        return self.product("TRANSPOSE_CONV", x, (filters, r, s, c), r * s * c, 0, shape, options,
                            bias=bias, first=[self.constant(shape)],
                            macs=int(np.prod(self.shapes[x])) * r * s * filters, **more)

    def fc(self, x, outputs, activation=0, keep=False, **more):
        shape = self.shapes[x]
        rows = shape[:-1] if keep else (int(np.prod(shape[:-1])),)
        return self.product("FULLY_CONNECTED", x, (outputs, shape[-1]), shape[-1], 0,
                            (*rows, outputs), {0: ("b", activation), 2: ("?", keep)}, **more)

    def unary(self, kind, x, fixed=None, options=None):
        return self.op(kind, [x], self.shapes[x], options, fixed=fixed)

    def binary(self, kind, a, b, activation=0, **more):
        shape = np.broadcast_shapes(self.shapes[a], self.shapes[b])
        # As converters declare: the scales of int16 are not powers of two.
        general = {1: ("?", False)} if self.type == "i2" and kind in ("ADD", "SUB") else {}
        return self.op(kind, [a, b], shape, {0: ("b", activation), **general}, **more)

    def reshape(self, x, shape):
        return self.op("RESHAPE", [x, self.constant(shape)], shape, {}, like=x)

    def mean(self, x, axes, keep, kind="MEAN", **more):
        axes = [a % len(self.shapes[x]) for a in axes]
        shape = [1 if i in axes else e for i, e in enumerate(self.shapes[x])
                 if keep or i not in axes]
        return self.op(kind, [x, self.constant(axes)], shape, {0: ("?", keep)}, **more)

    def softmax(self, x):
        q = (1 / 32768, 0) if self.type == "i2" else (1 / 256, 0 if self.type == "u1" else -128)
        return self.op("SOFTMAX", [x], self.shapes[x], {0: ("f", 1.0)}, fixed=q)

    def area(self, kind, x, window, stride, padding=VALID, activation=None):
        n, h, w, c = self.shapes[x]
        (r, s), (down, right) = pair(window), pair(stride)
        options = {0: ("b", padding), 1: ("i", right), 2: ("i", down), 3: ("i", s), 4: ("i", r)}
        if activation is not None:
            options[5] = ("b", activation)
        return self.op(kind, [x], (n, slid(h, r, down, padding), slid(w, s, right, padding), c),
                       options, like=x)
