#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Makes the small models of this folder, one operator each, quantized to int8 by TFLiteConverter.

Install:  pip install tensorflow==2.21.0
Use:      make.py OUT_DIR [NAME...]
Then:     LiteRT 1.2.0, BUILTIN_REF, for each model: one random case, with every layer (README).

The same names give the same weights and calibration data.
"""
import os
import sys
import zlib

import numpy as np

os.environ.update(TF_CPP_MIN_LOG_LEVEL="3", CUDA_VISIBLE_DEVICES="")
import tensorflow as tf  # noqa: E402

RNG = np.random.default_rng(1)
MAP = [1, 5, 7, 6]


def weights(*shape):
    return RNG.normal(0, 0.3, shape).astype(np.float32)


def dilated(x):
    """Builds dilation as converters without it do: batches of pixels 2 apart, a convolution, back."""
    x = tf.raw_ops.SpaceToBatchND(input=x, block_shape=[2, 2], paddings=[[2, 2], [2, 3]])
    x = tf.nn.conv2d(x, weights(3, 3, 6, 5), 1, "VALID")
    return tf.raw_ops.BatchToSpaceND(input=x, block_shape=[2, 2], crops=[[0, 0], [0, 1]])


CASES = {
    "slice": (MAP, lambda x: tf.slice(x, [0, 1, 2, 3], [1, 3, -1, 2])),
    "split": (MAP, lambda x: tf.split(x, 3, -1)),
    "split_v": (MAP, lambda x: tf.split(x, [1, 3, -1], 2)),
    "pack": (MAP, lambda x: tf.stack([x[0, 0], x[0, 2]], 0)),
    "unpack": (MAP, lambda x: tf.unstack(x, axis=1)[:2]),
    "space_to_depth": ([1, 4, 6, 3], lambda x: tf.nn.space_to_depth(x, 2)),
    "depth_to_space": ([1, 3, 4, 12], lambda x: tf.nn.depth_to_space(x, 2)),
    "mirror_reflect": (MAP, lambda x: tf.pad(x, [[0, 0], [2, 1], [1, 3], [0, 0]], "REFLECT")),
    "mirror_symmetric": (MAP, lambda x: tf.pad(x, [[0, 0], [2, 1], [1, 3], [0, 2]], "SYMMETRIC")),
    "batch_dilation": ([1, 8, 9, 6], dilated),
    "elu": (MAP, tf.nn.elu),
    "sqrt": (MAP, tf.sqrt),
    "square": (MAP, tf.square),
    "log": (MAP, tf.math.log),
    "log_softmax": ([3, 12], tf.nn.log_softmax),
    "arg_max": (MAP, lambda x: tf.argmax(x, -1, output_type=tf.int32)),
    "arg_max_rows": (MAP, lambda x: tf.argmax(x, 1, output_type=tf.int64)),
}


def convert(name, shape, f):
    global RNG
    RNG = np.random.default_rng(zlib.crc32(name.encode()))
    data = [[RNG.normal(0.3, 1.5, shape).astype(np.float32)] for _ in range(16)]
    if name in ("log", "sqrt"):
        data = [[np.abs(x[0]) + np.float32(0.1)] for x in data]
    fn = tf.function(f, input_signature=[tf.TensorSpec(shape, tf.float32)])
    c = tf.lite.TFLiteConverter.from_concrete_functions([fn.get_concrete_function()])
    c.optimizations = [tf.lite.Optimize.DEFAULT]
    c.representative_dataset = lambda: iter(data)
    c.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8,
                                   tf.lite.OpsSet.TFLITE_BUILTINS]
    c.inference_input_type = tf.int8
    c.inference_output_type = tf.float32 if name.startswith("arg_max") else tf.int8
    return c.convert()


for name in sys.argv[2:] or CASES:
    with open(os.path.join(sys.argv[1], name + ".tflite"), "wb") as out:
        out.write(convert(name, *CASES[name]))
