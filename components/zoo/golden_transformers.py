#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes networks of transformers.py with vectors of LiteRT's reference kernels, for `trine verify`.

    golden_transformers.py OUT NETWORK...    writes OUT/NETWORK.tflite and its folder of vectors

Maps are normally distributed; a decoder's masks use three lengths. The script requires that hidden tokens do not
change LiteRT's output, so that the masks are strong enough.
"""

import pathlib
import sys

import numpy as np

import golden
import transformers


def arrays(run, rng, length):
    """Yields a case's inputs; the first `length` tokens of an encoder's output are not padding."""
    for detail in run.inputs:
        shape = tuple(detail["shape"])
        if shape[1] == 1 and len(shape) == 4:  # a mask
            yield np.where(np.arange(shape[-1]) < length, 0, -128).astype(np.int8).reshape(shape)
        else:
            yield np.clip(np.rint(rng.normal(0, 40, shape)), -128, 127).astype(np.int8)


def require_hidden(run, inputs, length):
    """Stops if later tokens of a decoder's target, or padding, affect its output."""
    whole, tokens = run(inputs)[0], inputs[0].shape[1]
    changed = [a.copy() for a in inputs]
    changed[1][:, length:] ^= 85
    if not np.array_equal(run(changed)[0], whole):
        raise SystemExit("padding is not masked")
    for t in range(1, tokens):
        changed[0] = inputs[0].copy()
        changed[0][:, t:] ^= 85
        if not np.array_equal(run(changed)[0][:, :t], whole[:, :t]):
            raise SystemExit(f"tokens before {t} see it")


def cases(name, run):
    rng = np.random.default_rng(1)
    for i, part in enumerate((1, 0.7, 0.4)):
        length = max(1, int(part * run.inputs[-1]["shape"][-1]))
        inputs = list(arrays(run, rng, length))
        if name.startswith("decoder"):
            require_hidden(run, inputs, length)
        yield {"id": f"normal{i}", "how": f"normal, 40 codes; {length} tokens not masked",
               "arrays": inputs}


def main(out, *names):
    for name in names:
        path = pathlib.Path(out) / f"{name}.tflite"
        path.write_bytes(transformers.network(name).to_bytes())
        run = golden.Runner(path.read_bytes())
        golden.write_vectors(path, path.with_suffix(""), cases(name, run))


if __name__ == "__main__":
    main(*sys.argv[1:])
