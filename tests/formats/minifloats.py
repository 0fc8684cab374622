#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Records the eight-bit number formats of ml_dtypes and softposit: minifloats.json, with which isa_test compares
spec/minifloat.h.

usage: minifloats.py [OUT]     needs ml_dtypes 0.6.0, softposit 0.3.4.4 and numpy of PyPI
`values`: of all codes, null for NaN, infinity and NaR. `probes`: real numbers and the code of each: borders between
codes, their neighbours, random numbers. `products`: FNV-1a of the codes of all 65,536 products, in their order (0x80
if an operand has no value). Beyond the largest value the libraries return infinity or NaN, Trine and ONNX's
`saturate` the largest one: numbers are limited to it first. posit<8,1> is posit16 of the code shifted by eight.
Products of it are rounded here, with borders that are codes of posit16.
"""
import json
import math
import pathlib
import sys

import ml_dtypes
import numpy as np
import softposit

HERE = pathlib.Path(__file__).resolve().parent
FLOATS = {"e3m4": ml_dtypes.float8_e3m4, "e4m3": ml_dtypes.float8_e4m3fn, "e5m2": ml_dtypes.float8_e5m2}


class Minifloat:
    def __init__(self, dtype):
        self.dtype = dtype
        raw = np.arange(256, dtype=np.uint8).view(dtype).astype(np.float64)
        self.values = [float(v) if math.isfinite(v) else None for v in raw]
        self.most = max(v for v in self.values if v is not None)
        positive = sorted({v for v in self.values if v is not None and v >= 0})
        self.borders = [(a + b) / 2 for a, b in zip(positive, positive[1:])]

    def codes(self, numbers):
        return np.clip(np.asarray(numbers, np.float32), -self.most, self.most).astype(self.dtype).view(np.uint8)


class Posit8:
    def __init__(self):
        self.values = [None if c == 128 else float(softposit.posit8(bits=c)) for c in range(256)]
        self.most = max(v for v in self.values if v is not None)
        positive = sorted(v for v in self.values if v is not None and v >= 0)
        self.borders = [(a + b) / 2 for a, b in zip(positive, positive[1:])]

    def codes(self, numbers):
        return np.array([self.code(n) for n in numbers], np.uint8)

    def code(self, number):
        return self.values.index(float(softposit.posit8(float(number))))


class Posit8Wide(Posit8):
    def __init__(self):
        self.values = [None if c == 128 else float(softposit.posit16(bits=c << 8)) for c in range(256)]
        self.most = max(v for v in self.values if v is not None)
        self.borders = [float(softposit.posit16(bits=c << 8 | 0x80)) for c in range(127)]
        self.borders[0] = 0.0

    def code(self, number):
        size = abs(number)
        code = sum(size > b or (size == b and i % 2) for i, b in enumerate(self.borders))
        return code if number >= 0 else (256 - code) % 256


def fnv(data):
    value = 0xcbf29ce484222325
    for byte in data:
        value = (value ^ byte) * 0x100000001b3 & 0xffffffffffffffff
    return f"{value:016x}"


def probes(model, seed):
    rng = np.random.default_rng(seed)
    numbers = [0.0]
    for border in model.borders:
        numbers += [border, np.nextafter(np.float32(border), np.float32(np.inf)),
                    np.nextafter(np.float32(border), np.float32(0))]
    numbers += [v for v in model.values if v is not None]
    numbers += list(2.0 ** rng.uniform(-30, 30, 200))
    numbers = [float(np.float32(n)) for n in numbers]
    return numbers + [-n for n in numbers if n]


def products(model):
    if isinstance(model, Minifloat):
        v = np.array([0 if x is None else x for x in model.values])
        codes = model.codes(np.outer(v, v).ravel()).reshape(256, 256).copy()
        codes[codes == 0x80] = 0  # -0: a value has one code here
    else:
        known = {}
        codes = np.zeros((256, 256), np.uint8)
        for a in range(256):
            for b in range(256):
                if None in (model.values[a], model.values[b]):
                    continue
                product = model.values[a] * model.values[b]
                if product not in known:
                    known[product] = model.code(product)
                codes[a, b] = known[product]
    none = [i for i, v in enumerate(model.values) if v is None]
    codes[none, :] = codes[:, none] = 0x80
    return fnv(codes.tobytes())


def main():
    models = {name: Minifloat(dtype) for name, dtype in FLOATS.items()} | {"posit8_0": Posit8(),
                                                                          "posit8_1": Posit8Wide()}
    tables = {}
    for seed, (name, model) in enumerate(models.items()):
        numbers = probes(model, seed)
        codes = [int(c) for c in model.codes(numbers)]
        codes = [0 if c == 0x80 else c for c in codes]
        tables[name] = {"values": [None if v is None else v + 0.0 for v in model.values],
                        "probes": numbers, "codes": codes, "products": products(model)}
    out = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else HERE / "minifloats.json"
    out.write_text("{\n" + ",\n".join(f"{json.dumps(k)}: {json.dumps(v)}" for k, v in tables.items()) + "\n}\n")


if __name__ == "__main__":
    main()
