#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Converts IDX files, in which MNIST is published, to data for `trine accuracy`.

    idx.py IMAGES LABELS DIR [--count N]    writes DIR/x.npy and DIR/y.npy (uint8)

Files may be compressed (.gz). Python's library is enough.
"""
import argparse
import gzip
import math
import pathlib
import struct
import sys

import npy


def read(path):
    """Returns (shape, bytes) of a uint8 file."""
    data = pathlib.Path(path).read_bytes()
    try:
        data = gzip.decompress(data) if data[:2] == b"\x1f\x8b" else data
    except (OSError, EOFError) as error:
        sys.exit(f"{path}: {error}")
    if len(data) < 4 or data[:3] != b"\0\0\x08" or len(data) < 4 + 4 * data[3]:
        sys.exit(f"{path}: not an IDX file of bytes, which begins with 0, 0, 8 and the number of extents")
    shape = struct.unpack_from(f">{data[3]}I", data, 4)
    values = data[4 + 4 * data[3]:]
    if len(values) != math.prod(shape):
        sys.exit(f"{path}: {len(values)} bytes after the header, the extents ask for {math.prod(shape)}")
    return shape, values


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("images")
    parser.add_argument("labels")
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--count", type=int)
    options = parser.parse_args()
    (count, *extents), images = read(options.images)
    (labelled, *more), labels = read(options.labels)
    if more or labelled != count:
        sys.exit(f"{options.labels}: {labelled} labels, allowed one for each of {count} images")
    count = min(count, options.count or count)
    options.folder.mkdir(parents=True, exist_ok=True)
    npy.write(options.folder / "x.npy", [count, *extents], "|u1", images[:count * math.prod(extents)])
    npy.write(options.folder / "y.npy", [count], "|u1", labels[:count])


if __name__ == "__main__":
    main()
