#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Measures accuracy on all 10,000 test images of MNIST and of CIFAR-10, with `trine accuracy`.

usage: accuracy.py [--mnist DIR] [--cifar DIR]
DIR of MNIST: the output of `components/zoo/idx.py IMAGES LABELS DIR` for t10k-images-idx3-ubyte(.gz) and its labels (see
github.com/fgnt/mnist). DIR of CIFAR: the output of `components/zoo/train_resnet8.py PICTURES images --out DIR` for JPEGs. No
image of either was used in training. MLPerf Tiny's ResNet-8 (pretrainedResnet_quant) is included if it is in
$TRINE_SHARED/models or models/published.
"""
import argparse
import pathlib
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
import common  # noqa: E402

sys.path.insert(0, str(common.ROOT / "components" / "zoo"))
import npy  # noqa: E402

MODELS = common.ROOT / "models"
DIGITS = [("lenet_mnist.tflite", ["--scale", "1/255"]), ("mnist_binary.onnx", ["--mean", "128", "--scale", "1"]),
          ("mnist_ternary.onnx", ["--mean", "128", "--scale", "1"]), ("mnist_mixed.onnx", ["--mean", "128", "--scale", "1"])]


def row(data, name, model, pixels):
    found = common.trine("accuracy", "--config", "edge256", model, "--data", data, *pixels)
    return [name, found["images"], found["top1_right"], f"{100 * found['top1']:.2f} %", f"{100 * found['top5']:.2f} %",
            found["cycles"]]


def channels_last(source, folder):
    """Writes the pictures in TFLite's order."""
    (count, channels, *sizes), kind, values = npy.read(source / "x.npy")
    stored, plane = bytearray(values), sizes[0] * sizes[1]
    out = bytearray(len(stored))
    for n in range(count):
        for c in range(channels):
            begin = n * channels * plane
            out[begin + c:begin + channels * plane:channels] = stored[begin + c * plane:begin + (c + 1) * plane]
    npy.write(folder / "x.npy", (count, *sizes, channels), kind, bytes(out))
    (folder / "y.npy").write_bytes((source / "y.npy").read_bytes())


def pictures(cifar, folder):
    model = folder / "resnet8.onnx"
    common.trine("quantize", MODELS / "resnet8" / "float.onnx", "--calibration", cifar / "calibration", "--scale", "1/255",
                 "--out", model, "--config", "edge256")
    yield row(cifar / "test", "CIFAR-10: ResNet-8 of models/resnet8, int8", model, ["--scale", "1/255"])
    places = [common.SHARED / "models", MODELS / "published"]
    theirs = next((p for place in places if (p := place / "pretrainedResnet_quant.tflite").exists()), None)
    if theirs:
        channels_last(cifar / "test", folder)
        yield row(folder, "CIFAR-10: MLPerf Tiny's ResNet-8", theirs, ["--scale", "1"])


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--mnist", type=pathlib.Path)
    parser.add_argument("--cifar", type=pathlib.Path)
    options = parser.parse_args()
    if not (options.mnist or options.cifar):
        parser.error("--mnist DIR or --cifar DIR")
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        if options.mnist:
            rows += [row(options.mnist, f"MNIST: {name}", MODELS / name, pixels) for name, pixels in DIGITS]
        if options.cifar:
            rows += pictures(options.cifar, pathlib.Path(folder))
    common.table(["network", "images", "right", "top-1", "top-5", "cycles"], rows)


if __name__ == "__main__":
    main()
