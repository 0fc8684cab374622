#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Prints a file as a C array of 32-bit words, so that a firmware can hold it: c_array.py FILE NAME > NAME.c

const uint32_t NAME[] contains the bytes of FILE, little endian, followed by zeros; const size_t NAME_size is the size
in bytes."""

import pathlib
import struct
import sys

if len(sys.argv) != 3 or not sys.argv[2].isidentifier():
    sys.exit(f"usage: {__doc__}")
content = pathlib.Path(sys.argv[1]).read_bytes()
words = [f"0x{word:08x}," for (word,) in struct.iter_unpack("<I", content + bytes(-len(content) % 4))]
print("#include <stddef.h>\n#include <stdint.h>\n")
print(f"extern const uint32_t {sys.argv[2]}[];\nextern const size_t {sys.argv[2]}_size;\n")
print(f"const size_t {sys.argv[2]}_size = {len(content)};\nconst uint32_t {sys.argv[2]}[] = {{")
for at in range(0, len(words), 8):
    print("  " + " ".join(words[at:at + 8]))
print("};")
