#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes the networks of tables.py with vectors of LiteRT's reference kernels, for `trine verify`.

    golden_tables.py OUT [NETWORK]...    writes OUT/NETWORK.tflite and OUT/NETWORK/vectors
"""

import pathlib
import sys

import numpy as np

import golden
import tables


def cases(net):
    shape = net.input.shape
    yield {"id": "uniform", "how": "uniform, numpy default_rng(1)",
           "arrays": [np.random.default_rng(1).integers(-128, 128, shape, np.int8)]}
    for name, code in (("lo", -128), ("hi", 127)):
        yield {"id": name, "how": f"constant {code}", "arrays": [np.full(shape, code, np.int8)]}


def main(out, *names):
    for name in names or tables.NETWORKS:
        path = pathlib.Path(out) / f"{name}.tflite"
        net = tables.write(name, path)
        golden.write_vectors(path, path.with_suffix("") / "vectors", cases(net))


if __name__ == "__main__":
    main(*sys.argv[1:])
