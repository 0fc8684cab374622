# SPDX-License-Identifier: Apache-2.0
"""Writes TFLite files with Python's library only, also with a hundred megabytes of weights.

Writes a flatbuffer from front to back. A table is a dict {field id: value}; ids are those of
sw/model/tflite/tflite.fbs. A value is a scalar (format, number), as ("i", 3); or by reference a table, bytes, a
string, an array (format, numbers) in a list, as ["f", 0.5, 0.25], or a list of tables.
"""

import struct


def _pad(out, boundary, ahead=0):
    """Pads until the position `ahead` bytes further is a multiple of `boundary`."""
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
    """Appends a value that is stored by reference. @return its position"""
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


def flexbuffer(options):
    """Returns a custom operator's options: a map of whole numbers, floats and bools, all in four bytes."""
    kinds = {int: (1, "i"), float: (3, "f"), bool: (26, "I")}  # type in the format, in struct
    out, places = bytearray(), {}
    for key in sorted(options):
        places[key] = len(out)
        out += key.encode() + b"\0"
    _pad(out, 4)
    out += struct.pack("<I", len(options))
    keys = len(out)
    for key in places:
        out += struct.pack("<I", len(out) - places[key])
    out += struct.pack("<III", len(out) - keys, 4, len(options))
    values = len(out)
    for key in places:
        out += struct.pack("<" + kinds[type(options[key])][1], options[key])
    out += bytes(kinds[type(options[key])][0] << 2 | 2 for key in places)
    _pad(out, 4)
    return bytes(out + struct.pack("<IBB", len(out) - values, 9 << 2 | 2, 4))
