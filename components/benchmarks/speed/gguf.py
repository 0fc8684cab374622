#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Measures seconds and memory to open a large mapped GGUF file of random bytes and to read all its values.

usage: gguf.py DUMP [GB]      DUMP: ninja -C build/release llm_dump; GB: 3. Writes that much into TMPDIR and removes it.
"""
import argparse
import json
import os
import pathlib
import struct
import subprocess
import sys
import tempfile

ELEMENTS, BYTES, Q4_K = 256, 144, 12  # per block
ROWS, COLUMNS = 4096, 4096
CHUNK = 64 << 20


def text(value):
    return struct.pack("<Q", len(value)) + value.encode()


def write(path, gigabytes):
    """Writes as many Q4_K matrices as necessary: one random chunk, rotated a little each time."""
    size = ROWS * COLUMNS // ELEMENTS * BYTES
    count = max(1, round(gigabytes * 1e9 / size))
    head = b"GGUF" + struct.pack("<IQQ", 3, count, 1) + text("general.architecture") + struct.pack("<I", 8) + text("llama")
    for i in range(count):
        head += text(f"blk.{i}.ffn_up.weight") + struct.pack("<IQQIQ", 2, COLUMNS, ROWS, Q4_K, i * size)
    with path.open("wb") as file:
        file.write(head + bytes(-len(head) % 32))
        chunk, left, turn = os.urandom(CHUNK), count * size, 0
        while left:
            part = (chunk[turn:] + chunk[:turn])[:left]
            file.write(part)
            left, turn = left - len(part), (turn + 4099) % CHUNK
    return count * size


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("dump", help="path of the program llm_dump, which `ninja -C build/release llm_dump` builds")
    parser.add_argument("gigabytes", type=float, nargs="?", default=3)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "random.gguf"
        size = write(path, options.gigabytes)
        found = json.loads(subprocess.run([options.dump, "--scan", path], stdout=subprocess.PIPE, check=True).stdout)
    print(f"{size / 1e9:.2f} GB, {found['tensors']} matrices of Q4_K: opened in {1000 * found['open_seconds']:.1f} ms with "
          f"{found['open_bytes'] / 1e6:.0f} MB of memory; {found['values'] / 1e9:.2f} G values read in "
          f"{found['seconds']:.1f} s ({found['processor_seconds']:.1f} s of a processor) with {found['peak_bytes'] / 1e6:.0f} MB")
    return 0


if __name__ == "__main__":
    sys.exit(main())
