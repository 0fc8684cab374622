#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Applies stochastic pooling (Zeiler and Fergus 2013) on the host to a map from the machine.

    stochastic_pool.py X.npy Y.npy [--window N] [--stride N] [--zero-point Z] [--seed S | --weighted]

X is [N, H, W, C], codes or floats; values below the zero point count as zero, as after a ReLU. From each window one
value is drawn with a probability proportional to it; a window of zeros gives zero. The same seed gives the same
bytes. --weighted: the mean of that draw, which the paper uses for inference; codes are rounded half away from zero.
"""
import argparse
import math
import random

import npy


def drawn(values, generator):
    """Draws one of the values, which are nonnegative."""
    at = generator.random() * sum(values)
    for value in values:
        at -= value
        if at < 0:
            return value
    return max(values)  # all zero, or the last rounding


def weighted(values):
    whole = sum(values)
    return sum(value * value for value in values) / whole if whole else 0


def pooled(shape, values, window, stride, zero_point, choose):
    """Returns (shape, values) of the windows that are completely inside of the map."""
    N, H, W, C = shape
    P, Q = (H - window) // stride + 1, (W - window) // stride + 1
    out = []
    for n in range(N):
        for p in range(P):
            for q in range(Q):
                for c in range(C):
                    taps = [values[((n * H + p * stride + r) * W + q * stride + s) * C + c]
                            for r in range(window) for s in range(window)]
                    out.append(choose([max(tap - zero_point, 0) for tap in taps]) + zero_point)
    return (N, P, Q, C), out


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("map")
    parser.add_argument("out")
    parser.add_argument("--window", type=int, default=2)
    parser.add_argument("--stride", type=int)
    parser.add_argument("--zero-point", type=int, default=0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--weighted", action="store_true")
    options = parser.parse_args()
    shape, kind, values = npy.read(options.map)
    stride = options.window if options.stride is None else options.stride
    if len(shape) != 4 or options.window < 1 or stride < 1 or options.window > min(shape[1:3]):
        parser.error(f"{options.map}: {list(shape)} with windows of {options.window} and strides of {stride}, allowed "
                     "[N, H, W, C], windows no larger than the map, strides from 1")
    generator = random.Random(options.seed)
    choose = weighted if options.weighted else lambda taps: drawn(taps, generator)
    shape, values = pooled(shape, values, options.window, stride, options.zero_point, choose)
    if "f" not in kind:
        values = [math.floor(value + 0.5) if value >= 0 else math.ceil(value - 0.5) for value in values]
    npy.write(options.out, shape, kind, values)


if __name__ == "__main__":
    main()
