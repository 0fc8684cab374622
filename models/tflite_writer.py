# SPDX-License-Identifier: Apache-2.0
"""Writes TFLite files with nothing beyond Python's library, also of a hundred megabytes of weights.

A flatbuffer from front to back. A table is a dict {field id: value}; ids are those of
sw/model/tflite.fbs. A value is a scalar (format, number), as ("i", 3); or by reference a table,
bytes, a string, an array (format, numbers) in a list, as ["f", 0.5, 0.25], or a list of tables.
"""

import struct


def _pad(out, boundary, ahead=0):
    """Fills up until `ahead` bytes further a boundary lies."""
    out.extend(bytes(-(len(out) + ahead) % boundary))


def _append_table(out, fields):
    offsets, size = [0] * (max(fields, default=-1) + 1), 4
    for number, value in fields.items():
        width = struct.calcsize(value[0]) if isinstance(value, tuple) else 4
        size += -size % width
        offsets[number] = size
        size += width
    vtable = struct.pack(f"<{len(offsets) + 2}H", 2 * len(offsets) + 4, size, *offsets)
    _pad(out, 8, len(vtable))
    out += vtable
    start = len(out)
    out += struct.pack("<i", len(vtable)) + bytes(size - 4)
    for number, value in fields.items():
        at = start + offsets[number]
        if isinstance(value, tuple):
            struct.pack_into("<" + value[0], out, at, value[1])
        else:
            struct.pack_into("<I", out, at, _append(out, value) - at)
    return start


def _append_vector(out, count, data):
    _pad(out, 16, 4)
    start = len(out)
    out += struct.pack("<I", count)
    out += data
    return start


def _append(out, value):
    """Appends what is stored by reference. @return its position"""
    if isinstance(value, dict):
        return _append_table(out, value)
    if isinstance(value, bytes):
        return _append_vector(out, len(value), value)
    if isinstance(value, str):
        text = value.encode()
        return _append_vector(out, len(text), text + b"\0")
    if value and isinstance(value[0], str):
        count = len(value) - 1
        return _append_vector(out, count, struct.pack(f"<{count}{value[0]}", *value[1:]))
    start = _append_vector(out, len(value), bytes(4 * len(value)))
    for i, table in enumerate(value):
        at = start + 4 + 4 * i
        struct.pack_into("<I", out, at, _append(out, table) - at)
    return start


def to_bytes(model):
    """@param model  the table Model"""
    out = bytearray(b"\0\0\0\0TFL3")
    struct.pack_into("<I", out, 0, _append(out, model))
    return out
