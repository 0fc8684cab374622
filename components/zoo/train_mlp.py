#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Trains a network of three products, 784-1000-1000-10, with weights of -1, 0 and 1 and writes mnist_mlp.bin, with
which sw/runtime/examples/accelerator_vmm.c classifies digits.

    train_mlp.py [--epochs N] [--out FILE]

Data, split and distortions are those of digits.py. README.md describes the bytes of the file.
"""

import argparse
import hashlib
import os
import pathlib

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "0")  # as in train_lenet.py

import keras
import numpy as np
import tensorflow as tf

from train_lenet import BATCH, SEED, distort, split

MODELS = pathlib.Path(__file__).resolve().parents[2] / "models"
HIDDEN = (1000, 1000)


def ternary(w):
    """Returns -1, 0, 1, and their real values: weights below 0.7 of the mean become 0, the others the mean of their
    sizes."""
    size = tf.abs(w)
    codes = tf.where(size > 0.7 * tf.reduce_mean(size), tf.sign(w), 0.0)
    kept = tf.abs(codes)
    return codes, tf.reduce_sum(size * kept) / tf.reduce_sum(kept)


class Product(keras.layers.Layer):
    def __init__(self, outputs):
        super().__init__()
        self.outputs = outputs

    def build(self, shape):
        self.latent = self.add_weight(shape=(shape[-1], self.outputs), initializer="glorot_uniform", name="latent")
        self.bias = self.add_weight(shape=(self.outputs,), initializer="zeros", name="bias")

    def call(self, x):
        codes, scale = ternary(self.latent)
        weights = self.latent + tf.stop_gradient(codes * scale - self.latent)  # the gradient passes
        return tf.matmul(x, weights) + self.bias


def train(images, labels, epochs):
    net = keras.Sequential([keras.layers.Input((784,))])
    for outputs in HIDDEN:
        net.add(Product(outputs))
        net.add(keras.layers.ReLU())
    net.add(Product(10))
    steps = len(images) // BATCH
    rate = keras.optimizers.schedules.CosineDecay(0.0, epochs * steps, 0.0, warmup_target=1e-3, warmup_steps=steps)
    net.compile(keras.optimizers.Adam(rate),
                keras.losses.CategoricalCrossentropy(from_logits=True, label_smoothing=0.05))
    rng = np.random.default_rng(SEED)
    pixels, targets = images / 255.0, keras.utils.to_categorical(labels, 10)
    for epoch in range(epochs):
        for pick in rng.permutation(len(images)).reshape(steps, BATCH):
            fresh = distort(pixels[pick], rng).reshape(-1, 784)
            loss = net.train_on_batch(fresh, targets[pick])
        print(f"epoch {epoch + 1} of {epochs}: loss {float(loss):.4f}", flush=True)
    return [layer for layer in net.layers if isinstance(layer, Product)]


def quantize_scale(scale):
    """Returns Q31 mantissa and exponent like sw/reference/requantize.h."""
    mantissa, shift = np.frexp(scale)
    multiplier = int(np.round(mantissa * 2.0**31))
    return (multiplier // 2, int(shift) + 1) if multiplier == 2**31 else (multiplier, int(shift))


def requantize(sums, multiplier, shift):
    """Applies the two roundings of TFLite; shift is below 0."""
    high = (sums * multiplier + (1 << 30)) >> 31
    remainder, mask = high & ((1 << -shift) - 1), (1 << -shift) - 1
    rounded = (high >> -shift) + (remainder > (mask >> 1) + (high < 0))
    return np.clip(rounded - 128, -128, 127)


def integers(products, images):
    """Returns (codes [outputs][inputs], bias, multiplier, shift) of each product; the last product returns sums.
    Codes are pixel - 128, then codes of a ReLU: zero point -128."""
    x, scale, layers = images.reshape(-1, 784).astype(np.int64), 1 / 255, []
    for product in products:
        codes, unit = (t.numpy() for t in ternary(product.latent))
        unit = float(unit) * scale
        bias = np.round(product.bias.numpy() / unit).astype(np.int64)
        sums = x @ codes.astype(np.int64) + bias
        if product is products[-1]:
            return layers + [(codes.T, bias, 0, 0)]
        largest = np.quantile(sums.max(axis=1), 0.999)  # of the training images
        multiplier, shift = quantize_scale(255 / largest)
        layers.append((codes.T, bias, multiplier, shift))
        x, scale = requantize(sums, multiplier, shift) + 128, unit * largest / 255


def classify(layers, images):
    x = images.reshape(-1, 784).astype(np.int64)
    for codes, bias, multiplier, shift in layers:
        sums = x @ codes.T.astype(np.int64) + bias
        x = requantize(sums, multiplier, shift) + 128 if multiplier else sums
    return x.argmax(axis=1)


def words_of(codes):
    """Packs 16 codes into a 32-bit word, the first one in the lowest bits; a row is padded with zeros."""
    padded = np.pad(codes.astype(np.int64), ((0, 0), (0, -codes.shape[1] % 16))).reshape(len(codes), -1, 16)
    return ((padded & 3) << (2 * np.arange(16))).sum(axis=2).astype("<u4")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--epochs", type=int, default=30)
    parser.add_argument("--out", type=pathlib.Path, default=MODELS / "mnist_mlp.bin")
    args = parser.parse_args()
    keras.utils.set_random_seed(SEED)
    tf.config.experimental.enable_op_determinism()
    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.threading.set_inter_op_parallelism_threads(1)

    seen, held_back = split()
    layers = integers(train(*seen, args.epochs), seen[0])
    content = b""
    for codes, bias, multiplier, shift in layers:
        content += np.array([*codes.shape, multiplier, shift], "<i4").tobytes()
        content += bias.astype("<i4").tobytes() + words_of(codes).tobytes()
    args.out.write_bytes(content)
    right = (classify(layers, held_back[0]) == held_back[1]).sum()
    print(f"held back: {right} of {len(held_back[1])} right")
    print(f"{args.out.name}: {len(content)} bytes, sha256 {hashlib.sha256(content).hexdigest()}")


if __name__ == "__main__":
    main()
