#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Trains mnist_binary, mnist_ternary and mnist_mixed with straight-through estimators, writes them as QONNX with
vectors, and measures them on the held-back images.

    train_lowbit.py binary|ternary|mixed [--epochs N] [--out DIR]

Data, split and distortions are those of digits.py. The image's code is pixel - 128.
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

import golden
import golden_onnx
import lowbit
from train_lenet import BATCH, SEED, VECTORS_PER_DIGIT, distort, split

MODELS = pathlib.Path(__file__).resolve().parents[2] / "models"
SIZE = 28
# int8 convolutions use weights of 6 bits: lowbit.py keeps their sums below 2^16
WEIGHT_SCALE = {"binary": 1.0, "ternary": 1.0, "int8": 2.0**-5}
ACT_SCALE = {"binary": 1.0, "ternary": 1.0, "int8": 2.0**-5}
LARGEST_CODE = {"binary": 1, "ternary": 1, "int8": 127}
SMALLEST_GAIN = 0.05
EPOCHS = {"binary": 20, "ternary": 20, "mixed": 12}
RATE = {"binary": 1e-2, "ternary": 1e-2, "mixed": 5e-3}

# (kernel, channels, padding, weights, activations, 2x2 max-pool); the last layer: weights only
NETS = {
    "binary": (
        (5, 32, 0, "binary", "binary", True),
        (3, 32, 0, "binary", "binary", True),
        (3, 128, 0, "binary", "binary", False),
        "binary",
    ),
    "ternary": (
        (5, 32, 0, "ternary", "ternary", True),
        (3, 32, 1, "ternary", "ternary", True),
        (3, 64, 0, "ternary", "ternary", True),
        "ternary",
    ),
    "mixed": (
        (5, 16, 0, "int8", "int8", True),
        (3, 32, 1, "ternary", "ternary", True),
        (3, 64, 0, "ternary", "int8", True),
        "int8",
    ),
}


@tf.custom_gradient
def binarize(x):
    """Returns -1 or +1; the gradient passes where |x| <= 1."""
    return tf.where(x >= 0, 1.0, -1.0), lambda dy: tf.where(tf.abs(x) <= 1, dy, 0.0)


def rounded(x, scale, low, high):
    """Returns clip(round(x / scale), low, high) * scale; the gradient passes between low and high."""
    x = tf.clip_by_value(x, low * scale, high * scale)
    return x + tf.stop_gradient(tf.round(x / scale) * scale - x)


def weight_codes(kind, w):
    w = tf.convert_to_tensor(w)  # a custom gradient accepts no variable
    if kind == "binary":
        return binarize(w)
    return rounded(w, WEIGHT_SCALE[kind], -LARGEST_CODE[kind], LARGEST_CODE[kind])


def activation(kind, y):
    if kind == "binary":
        return binarize(y)
    low = -1 if kind == "ternary" else 0
    return rounded(y, ACT_SCALE[kind], low, LARGEST_CODE[kind])


def latent(layer, kind, shape):
    """Returns trained weights in [-1, 1]. They start where codes change easily: the nearer to the border between two
    codes, the fewer steps are needed."""
    int8_spread = float(np.sqrt(3 / np.prod(shape[:-1])))
    spread = {"binary": 0.3, "ternary": 1.0, "int8": int8_spread}[kind]
    return layer.add_weight(
        shape=shape,
        initializer=keras.initializers.RandomUniform(-spread, spread),
        constraint=lambda w: keras.ops.clip(w, -1.0, 1.0),
        name="latent",
    )


class Conv(keras.layers.Layer):
    """Convolution, max-pool, normalization, quantizer. With a positive gain, everything after the sums is monotone,
    so pooling the sums gives the same codes as pooling last, as in the exported network; here it is faster, and the
    gradient finds the true maximum."""

    def __init__(self, kernel, channels, pad, weight_kind, act_kind, pool):
        super().__init__()
        self.kernel, self.channels, self.pad = kernel, channels, pad
        self.weight_kind, self.act_kind, self.pool = weight_kind, act_kind, pool
        self.norm = keras.layers.BatchNormalization(
            momentum=0.98,
            epsilon=1e-6,
            gamma_constraint=lambda gamma: keras.ops.maximum(gamma, SMALLEST_GAIN),
        )

    def build(self, shape):
        shape_of_weights = (self.kernel, self.kernel, shape[-1], self.channels)
        self.latent = latent(self, self.weight_kind, shape_of_weights)
        self.norm.build((None, None, None, self.channels))

    def call(self, x, training=False):
        frame = [[0, 0], [self.pad] * 2, [self.pad] * 2, [0, 0]]
        x = tf.nn.conv2d(x, weight_codes(self.weight_kind, self.latent), 1, frame)
        x = tf.nn.max_pool2d(x, 2, 2, "VALID") if self.pool else x
        return activation(self.act_kind, self.norm(x, training=training))


class Dense(keras.layers.Layer):
    """Fully connected; one trained factor for all classes scales the logits and is not exported."""

    def __init__(self, weight_kind):
        super().__init__()
        self.weight_kind = weight_kind

    def build(self, shape):
        self.latent = latent(self, self.weight_kind, (shape[-1], 10))
        start = keras.initializers.Constant(float(-0.5 * np.log(shape[-1])))
        self.log_factor = self.add_weight(shape=(), initializer=start, name="log_factor")

    def call(self, x):
        return tf.matmul(x, weight_codes(self.weight_kind, self.latent)) * tf.exp(self.log_factor)


def network(kind):
    *convs, last = NETS[kind]
    return keras.Sequential(
        [keras.layers.Input((SIZE, SIZE, 1))]
        + [keras.layers.Lambda(lambda pixels: tf.round(pixels * 255.0) - 128.0)]
        + [Conv(*c) for c in convs]
        + [keras.layers.Permute((3, 1, 2)), keras.layers.Flatten(), Dense(last)]  # ONNX: C, H, W
    )


def train(kind, images, labels, epochs):
    net = network(kind)
    steps = len(images) // BATCH
    rate = keras.optimizers.schedules.CosineDecay(
        0.0, epochs * steps, 0.0, warmup_target=RATE[kind], warmup_steps=steps // 2
    )
    net.compile(
        keras.optimizers.Adam(rate),
        keras.losses.CategoricalCrossentropy(from_logits=True, label_smoothing=0.05),
        metrics=["accuracy"],
    )
    rng = np.random.default_rng(SEED)
    pixels, targets = images / 255.0, keras.utils.to_categorical(labels, 10)
    for epoch in range(epochs):
        net.reset_metrics()
        for pick in rng.permutation(len(images)).reshape(steps, BATCH):
            fresh = distort(pixels[pick], rng)[..., None]
            measured = net.train_on_batch(fresh, targets[pick], return_dict=True)
        numbers = ", ".join(f"{name} {float(value):.4f}" for name, value in measured.items())
        print(f"epoch {epoch + 1} of {epochs}: {numbers}", flush=True)
    return net


def integer_layers(kind, net):
    """Returns the trained network as lowbit.Layer, its normalization snapped to exact numbers."""
    trained = [x for x in net.layers if isinstance(x, (Conv, Dense))]
    layers, act_scale, largest_input = [], 1.0, 128
    for source in trained:
        scale = WEIGHT_SCALE[source.weight_kind]
        codes = weight_codes(source.weight_kind, source.latent).numpy() / scale
        layer = lowbit.Layer(
            np.round(codes).astype(np.int64),
            source.weight_kind,
            scale,
            unit=scale * act_scale,
        )
        layers.append(layer)
        if isinstance(source, Dense):
            break
        layer.weights = layer.weights.transpose(3, 2, 0, 1)
        layer.pad, layer.pool = source.pad, source.pool
        layer.act_kind, layer.act_scale = source.act_kind, ACT_SCALE[source.act_kind]
        gamma, bias, mean, variance = (v.numpy().astype(np.float64) for v in source.norm.weights)
        gain = gamma / np.sqrt(variance + source.norm.epsilon)
        lowbit.fold_norm(layer, gain, mean, bias, largest_input)
        act_scale, largest_input = layer.act_scale, LARGEST_CODE[layer.act_kind]
    return layers


def codes(images):
    return (images.astype(np.int16) - 128)[:, None]


def vector_cases(images, labels):
    """Yields the first images of each digit, the same as lenet_mnist's."""
    count = {}
    for image, label in zip(codes(images), labels.tolist()):
        number = count.setdefault(label, 0)
        if number < VECTORS_PER_DIGIT:
            count[label] += 1
            yield {"id": f"digit{label}_{number}", "how": "held-back MNIST image",
                   "label": label, "arrays": [image[None].astype(np.float32)]}


def report(kind, net, layers, model, held_back):
    images, labels = held_back
    floating = net.predict(images[..., None] / np.float32(255), verbose=0).argmax(1)
    outputs, margins = lowbit.evaluate(layers, codes(images))
    reference = golden_onnx.run_batches(model, codes(images))
    differ = int(np.count_nonzero(reference != outputs))
    if differ:
        raise SystemExit(f"mnist_{kind}: {differ} outputs of qonnx differ from integer arithmetic")
    top = np.sort(outputs, axis=1)
    print(
        f"held back, of {len(labels)}: before snapping {np.sum(floating == labels)} right, exported"
        f" (qonnx = integer arithmetic) {np.sum(reference.argmax(1) == labels)} right,"
        f" {np.sum(top[:, -1] == top[:, -2])} with a tie of the two largest"
    )
    print(f"smallest distance to a border between two codes, by layer: {margins}")
    if min(margins) == 0:
        raise SystemExit(f"mnist_{kind}: a value lies on the border between two codes")
    parameters = sum(x.weights.size for x in layers)
    print(f"{lowbit.macs(layers, SIZE)} MACs, {parameters} weights")


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("kind", choices=sorted(NETS))
    parser.add_argument("--epochs", type=int, help="number of epochs (default: binary 20, ternary 20, mixed 12)")
    parser.add_argument("--out", default=str(MODELS), help="folder to write to (default: models)")
    args = parser.parse_args()
    keras.utils.set_random_seed(SEED)
    tf.config.experimental.enable_op_determinism()
    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.threading.set_inter_op_parallelism_threads(1)

    seen, held_back = split()
    net = train(args.kind, *seen, args.epochs or EPOCHS[args.kind])
    layers = integer_layers(args.kind, net)
    model = lowbit.to_onnx(f"mnist_{args.kind}", layers, SIZE)
    report(args.kind, net, layers, model, held_back)
    path = pathlib.Path(args.out) / f"mnist_{args.kind}.onnx"
    content = model.SerializeToString(deterministic=True)
    path.write_bytes(content)
    print(f"{path.name}: {len(content)} bytes, sha256 {hashlib.sha256(content).hexdigest()}")
    golden.write_vectors(path, path.with_suffix("") / "vectors", vector_cases(*held_back))


if __name__ == "__main__":
    main()
