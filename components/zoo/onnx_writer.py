# SPDX-License-Identifier: Apache-2.0
"""Writes ONNX files with Python's library only, also with a hundred megabytes of weights.

A message of protobuf is a list of (field number, value); numbers are those of onnx.proto. A value is a whole number,
a float, bytes, a string, or a message.
"""

import struct

# TensorProto.DataType
FLOAT, INT8, INT16, INT32, INT64 = 1, 3, 5, 6, 7
_FORMATS = {FLOAT: "f", INT8: "b", INT16: "h", INT32: "i", INT64: "q"}
_ATTRIBUTES = {float: (2, 1), int: (3, 2), str: (4, 3), list: (8, 7)}  # field, type


def _varint(n):
    n &= (1 << 64) - 1
    out = bytearray()
    while n > 127:
        out.append(n & 127 | 128)
        n >>= 7
    out.append(n)
    return bytes(out)


def encode(message):
    parts = []
    for number, value in message:
        if isinstance(value, int):
            parts += [_varint(number << 3), _varint(value)]
        elif isinstance(value, float):
            parts += [_varint(number << 3 | 5), struct.pack("<f", value)]
        else:
            data = (encode(value) if isinstance(value, list) else
                    value.encode() if isinstance(value, str) else value)
            parts += [_varint(number << 3 | 2), _varint(len(data)), data]
    return b"".join(parts)


def tensor(name, kind, shape, values):
    """@param values  numbers, or their bytes"""
    if not isinstance(values, bytes):
        values = struct.pack(f"<{len(values)}{_FORMATS[kind]}", *values)
    return [*((1, extent) for extent in shape), (2, kind), (8, name), (9, values)]


def _attribute(name, value):
    field, kind = _ATTRIBUTES[type(value)]
    values = value if isinstance(value, list) else [value]
    return [(1, name), *((field, v) for v in values), (20, kind)]


def node(kind, inputs, output, domain="", **attributes):
    return [*((1, name) for name in inputs), (2, output), (3, output), (4, kind),
            *((5, _attribute(*item)) for item in attributes.items()),
            *([(7, domain)] if domain else [])]


def float_end(name, shape):
    """Returns an input or output of the graph."""
    extents = [(1, [(1, extent)]) for extent in shape]
    return [(1, name), (2, [(1, [(1, FLOAT), (2, extents)])])]


def model(name, opset, nodes, constants, inputs, outputs, domains=()):
    """@param domains  of operators outside of ONNX's own domain, each in its version 1"""
    graph = [*((1, n) for n in nodes), (2, name), *((5, c) for c in constants),
             *((11, i) for i in inputs), *((12, o) for o in outputs)]
    return encode([(1, 9), (2, "trine"), (7, graph), (8, [(1, ""), (2, opset)]),
                   *((8, [(1, domain), (2, 1)]) for domain in domains)])
