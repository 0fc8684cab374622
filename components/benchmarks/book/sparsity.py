#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Counts nonzero weights, activations and MACs of trained networks, and compares them with published figures.

usage: sparsity.py [CIFAR] [--images N]    (10)
LeNet is models/lenet_mnist.tflite on held-back digits. With CIFAR, the output of `train_resnet8.py PICTURES images
--out CIFAR`: ResNet-8 (models/resnet8/float.onnx, by `trine quantize`) on its test pictures, and MLPerf Tiny's
trained MobileNetV1 0.25 (vww_96_int8, from $TRINE_SHARED/models or `trine models --get`) on the same pictures,
enlarged three times. `trine run` counts (key `nonzero`). Published: Han et al. 2015 (arXiv 1506.02626), tables 4 and
5, whole per cents, pruned and trained again.
"""
import argparse
import math
import pathlib
import struct
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
import common  # noqa: E402

sys.path.insert(0, str(common.ROOT / "components" / "zoo"))
import npy  # noqa: E402

PUBLISHED = [("AlexNet, pruned", "11 %", "54 %", "30 %", "Han et al. 2015, table 4"),
             ("VGG-16, pruned", "7.5 %", "64 %", "21 %", "Han et al. 2015, table 5")]


def counted(name, model, images, shape, kind):
    """Returns the means over the images."""
    sums = [0] * 6
    with tempfile.TemporaryDirectory() as folder:
        for image in images:
            npy.write(f"{folder}/x.npy", shape, kind, image)
            found = common.trine("run", "--config", "edge256", "--backend", "arch", model, "--input", f"{folder}/x.npy")
            for row in found["nonzero"]:
                for i, key in enumerate(("weights", "activations", "macs")):
                    sums[2 * i] += row[key]
                    sums[2 * i + 1] += row[f"{key}_all"]
    return [name, *(common.percent(sums[i], sums[i + 1]) for i in (0, 2, 4)), f"{len(images)} pictures"]


def grown(image):
    """Enlarges [3, 32, 32] of uint8 to int8 [96, 96, 3]: each pixel becomes three by three."""
    return bytes((image[c * 1024 + y // 3 * 32 + x // 3] - 128) & 255
                 for y in range(96) for x in range(96) for c in range(3))


def images_of(path, rows):
    (_, *shape), _, values = npy.read(path, rows)
    size = math.prod(shape)
    return shape, [values[i:i + size] for i in range(0, len(values), size)]


def digits(count):
    shape, images = images_of(common.ROOT / "models" / "mnist_held_back" / "x.npy", count)
    codes = [bytes((p - 128) & 255 for p in image) for image in images]
    return counted("LeNet", common.ROOT / "models" / "lenet_mnist.tflite", codes, [1, *shape, 1], "|i1")


def pictures(cifar, count):
    shape, images = images_of(cifar / "test" / "x.npy", 10000)
    images = images[::10000 // count][:count]
    with tempfile.TemporaryDirectory() as folder:
        model = pathlib.Path(folder) / "resnet8.onnx"
        common.trine("quantize", common.ROOT / "models" / "resnet8" / "float.onnx", "--calibration", cifar / "calibration",
                     "--scale", "1/255", "--out", model, "--config", "edge256")
        floats = [struct.pack(f"<{len(i)}f", *(p / 255 for p in i)) for i in images]
        yield counted("ResNet-8", model, floats, [1, *shape], "<f4")
    places = [common.SHARED / "models", common.ROOT / "models" / "published"]
    model = next((p / "vww_96_int8.tflite" for p in places if (p / "vww_96_int8.tflite").exists()), None)
    if model:
        yield counted("MobileNetV1 0.25", model, [grown(i) for i in images], [1, 96, 96, 3], "|i1")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("cifar", nargs="?", type=pathlib.Path)
    parser.add_argument("--images", type=int, default=10)
    options = parser.parse_args()
    rows = [digits(options.images), *(pictures(options.cifar, options.images) if options.cifar else [])]
    common.table(["network", "weights", "activations", "MACs", "of"], [*rows, *map(list, PUBLISHED)])


if __name__ == "__main__":
    main()
