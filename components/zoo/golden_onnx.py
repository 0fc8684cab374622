#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs low-bit networks in qonnx 1.0.0, many images at a time.

    golden_onnx.py     counts the held-back images that the shipped networks classify correctly
"""

import pathlib

import numpy as np
import onnx

import golden
import record

MODELS = pathlib.Path(__file__).resolve().parents[2] / "models"


def run_batches(model, images, batch=100):
    """Returns outputs for many images in batches; the executor's time depends on nodes more than on arithmetic."""
    golden.require_version(record.QONNX)
    copy = onnx.ModelProto()
    copy.CopyFrom(model)
    for end in (copy.graph.input[0], copy.graph.output[0]):
        end.type.tensor_type.shape.dim[0].dim_value = batch
    run = record.Qonnx(copy.SerializeToString())
    parts = [run([np.asarray(images[i : i + batch], np.float32)])[0]
             for i in range(0, len(images), batch)]
    return np.concatenate(parts)


def main():
    from train_lenet import split  # imports TensorFlow, which the vectors do not need

    images, labels = split()[1]
    for path in sorted(MODELS.glob("mnist_*.onnx")):
        result = run_batches(onnx.load(path), images[:, None].astype(np.float32) - 128)
        print(f"{path.name}: {np.sum(result.argmax(1) == labels)} of {len(labels)} held-back")


if __name__ == "__main__":
    main()
