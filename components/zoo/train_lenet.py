#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Trains, quantizes and measures lenet_mnist.tflite, and writes its vectors. The data come from digits.py."""

import argparse
import hashlib
import os
import pathlib

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
os.environ.setdefault(
    "TF_ENABLE_ONEDNN_OPTS", "0"
)  # oneDNN's order of additions depends on the computer

import flatbuffers
import keras
import numpy as np
import tensorflow as tf
from ai_edge_litert import schema_py_generated as schema

import golden
from digits import SEED, distort, split

VECTORS_PER_DIGIT = 10
BATCH = 50


def lenet():
    layers = keras.layers
    return keras.Sequential(
        [
            layers.Input((28, 28, 1)),
            layers.Conv2D(6, 5, padding="same", activation="relu", name="conv1"),
            layers.MaxPooling2D(name="pool1"),
            layers.Conv2D(16, 5, activation="relu", name="conv2"),
            layers.MaxPooling2D(name="pool2"),
            layers.Flatten(name="flatten"),
            layers.Dense(120, activation="relu", name="fc1"),
            layers.Dense(84, activation="relu", name="fc2"),
            layers.Dense(10, name="logits"),
        ]
    )


def batches(images, labels, epochs):
    rng = np.random.default_rng(SEED)
    pixels, targets = images / 255.0, keras.utils.to_categorical(labels, 10)
    for _ in range(epochs):
        order = rng.permutation(len(images))
        fresh = distort(pixels[order], rng)[..., None]
        for i in range(0, len(order), BATCH):
            yield fresh[i : i + BATCH], targets[order[i : i + BATCH]]


def train(images, labels, epochs):
    net = lenet()
    steps = len(images) // BATCH
    rate = keras.optimizers.schedules.CosineDecay(
        0.0, epochs * steps, 0.0, warmup_target=2e-3, warmup_steps=2 * steps
    )
    net.compile(
        keras.optimizers.AdamW(rate, weight_decay=1e-2, use_ema=True, ema_momentum=0.998),
        keras.losses.CategoricalCrossentropy(from_logits=True, label_smoothing=0.05),
        metrics=["accuracy"],
    )
    # one call of fit: at its end the moving average of the weights replaces them
    net.fit(
        batches(images, labels, epochs),
        steps_per_epoch=steps,
        epochs=epochs,
        shuffle=False,
        verbose=2,
    )
    return net


def quantize(net, images):
    """Returns a full-integer .tflite of batch 1; `images` (all of them) calibrate the activations' ranges."""
    function = tf.function(
        lambda image: net(image), input_signature=[tf.TensorSpec((1, 28, 28, 1), name="image")]
    )
    converter = tf.lite.TFLiteConverter.from_concrete_functions([function.get_concrete_function()])
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.representative_dataset = lambda: (
        [i[None, ..., None] / np.float32(255)] for i in images
    )
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
    converter.inference_input_type = converter.inference_output_type = tf.int8
    return converter.convert()


def name_tensors(model):
    """Names each operator's output after its layer; the converter's names are long chains."""
    content = schema.ModelT.InitFromPackedBuf(model)
    graph = content.subgraphs[0]
    for operator, layer in zip(
        graph.operators, (x.name.encode() for x in lenet().layers), strict=True
    ):
        graph.tensors[operator.outputs[0]].name = layer
    builder = flatbuffers.Builder(len(model))
    builder.Finish(content.Pack(builder), b"TFL3")
    return bytes(builder.Output())


def codes(images):
    """Returns the model's int8 inputs: scale 1/255 and zero point -128 make a code of pixel - 128."""
    return (images.astype(np.int16) - 128).astype(np.int8)[:, None, :, :, None]


def correct(model, images, labels):
    run = golden.Runner(model)
    scale, zero_point = run.inputs[0]["scale"][0], run.inputs[0]["zero_point"][0]
    if zero_point != -128 or abs(scale * 255 - 1) > 1e-6:
        raise SystemExit(
            f"lenet_mnist.tflite: input scale {scale}, zero point {zero_point}: not 1/255 and -128"
        )
    return sum(int(run([x])[0].argmax()) == label for x, label in zip(codes(images), labels))


def vector_cases(images, labels):
    count = {}
    for image, label in zip(codes(images), labels.tolist()):
        number = count.setdefault(label, 0)
        if number < VECTORS_PER_DIGIT:
            count[label] += 1
            yield {
                "id": f"digit{label}_{number}",
                "how": "held-back MNIST image",
                "label": label,
                "arrays": [image],
            }


def write_digits(out, images, held_back):
    """Writes the examples of trine accuracy and trine quantize; every fortieth: ten of each digit."""
    for folder in ("mnist_held_back", "own_model/calibration"):
        (out / folder).mkdir(parents=True, exist_ok=True)
    np.save(out / "mnist_held_back" / "x.npy", held_back[0])
    np.save(out / "mnist_held_back" / "y.npy", held_back[1].astype(np.uint8))
    np.save(out / "own_model" / "calibration" / "x.npy", images[::40])


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--epochs", type=int, default=150)
    parser.add_argument(
        "--out", default=str(golden.MODELS), help="folder to write to (default: models)"
    )
    args = parser.parse_args()
    keras.utils.set_random_seed(SEED)
    tf.config.experimental.enable_op_determinism()
    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.threading.set_inter_op_parallelism_threads(1)

    seen, held_back = split()
    net = train(*seen, args.epochs)
    model = name_tensors(quantize(net, seen[0]))
    path = pathlib.Path(args.out) / "lenet_mnist.tflite"
    path.write_bytes(model)
    floating = (
        net.predict(held_back[0][..., None] / np.float32(255), verbose=0).argmax(1) == held_back[1]
    )
    print(
        f"held back, of {len(floating)}: float {floating.sum()} right,"
        f" int8 (BUILTIN_REF) {correct(model, *held_back)} right"
    )
    print(f"training images: int8 {correct(model, *seen)} of {len(seen[0])}")
    print(f"{path.name}: {len(model)} bytes, sha256 {hashlib.sha256(model).hexdigest()}")
    write_digits(path.parent, seen[0], held_back)
    golden.write_vectors(path, path.with_suffix("") / "vectors", vector_cases(*held_back))


if __name__ == "__main__":
    main()
