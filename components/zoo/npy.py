# SPDX-License-Identifier: Apache-2.0
"""Reads and writes NumPy's files without NumPy: one array, little endian, C order."""

import ast
import math
import pathlib
import struct
import sys

FORMATS = {"|u1": "B", "|i1": "b", "<u1": "B", "<i1": "b", "<i2": "h", "<i4": "i", "<i8": "q", "<f4": "f", "<f8": "d"}


def read(path, rows=None):
    """Returns (shape, type, flat values), with `rows` only of the first rows."""
    try:
        data = pathlib.Path(path).read_bytes()
        head = 10 + struct.unpack_from("<H", data, 8)[0]
        about = ast.literal_eval(data[10:head].decode("latin-1"))
        shape, kind = about["shape"], about["descr"]
    except (OSError, struct.error, ValueError, SyntaxError, KeyError, TypeError):
        sys.exit(f"{path}: not a NumPy file of version 1")
    if data[:6] != b"\x93NUMPY" or kind not in FORMATS or about["fortran_order"]:
        sys.exit(f"{path}: {kind}, allowed {', '.join(FORMATS)} in C order")
    if rows is not None:
        shape = (min(rows, shape[0]), *shape[1:])
    count = math.prod(shape)
    if len(data) < head + count * struct.calcsize(FORMATS[kind]):
        sys.exit(f"{path}: too short for its shape {shape}")
    return shape, kind, struct.unpack_from(f"<{count}{FORMATS[kind]}", data, head)


def write(path, shape, kind, values):
    """@param values  numbers, or bytes in their stored form"""
    head = f"{{'descr': '{kind}', 'fortran_order': False, 'shape': {tuple(shape)}, }}"
    head += " " * (-(len(head) + 11) % 64) + "\n"
    stored = values if isinstance(values, bytes) else struct.pack(f"<{len(values)}{FORMATS[kind]}", *values)
    pathlib.Path(path).write_bytes(b"\x93NUMPY\x01\x00" + struct.pack("<H", len(head)) + head.encode() + stored)
