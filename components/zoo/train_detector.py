#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Trains the detector of detector.py on drawn pictures, and writes it in float; `trine quantize` does the rest.

    train_detector.py [--steps N] [--out DIR]     DIR/float.onnx, DIR/calibration (x.npy); PyTorch, onnx; 5 min of one core

    trine quantize DIR/float.onnx --calibration DIR/calibration --scale 1/255 --out models/detector/detector.onnx
"""
import argparse
import pathlib
import sys

if {"-h", "--help"} & set(sys.argv[1:]):  # before modules are imported that may not be installed
    sys.exit(print(__doc__))

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

import detector

FIRST_SEED, POOL, BATCH = 1_000_000, 6000, 32


def network():
    layers, before = [], 3
    for width, pool in [(8, True), (16, True), (32, True), (64, False), (64, False)]:
        layers += [nn.Conv2d(before, width, 3, padding=1), nn.LeakyReLU(0.1)]
        layers += [nn.MaxPool2d(2)] if pool else []
        before = width
    return nn.Sequential(*layers, nn.Conv2d(before, 8, 1))


def targets(objects):
    """Returns the wanted output [8, 8, 8], with 1 in the first plane where an object's middle is."""
    wanted = np.zeros((8, detector.GRID, detector.GRID), np.float32)
    for kind, (left, top, right, bottom) in objects:
        x, y = (left + right) / 2 / detector.CELL, (top + bottom) / 2 / detector.CELL
        column, row = min(int(x), 7), min(int(y), 7)
        wanted[:5, row, column] = 1, x - column, y - row, (right - left) / detector.LARGEST, (bottom - top) / detector.LARGEST
        wanted[5:, row, column] = np.eye(3)[kind]
    return wanted


def loss_of(y, wanted):
    there = wanted[:, 0]
    sure = F.binary_cross_entropy_with_logits(y[:, 0], there, pos_weight=torch.tensor(4.0))
    places = ((torch.sigmoid(y[:, 1:5]) - wanted[:, 1:5]) ** 2 * there[:, None]).sum() / there.sum()
    classes = -(F.log_softmax(y[:, 5:], 1) * wanted[:, 5:]).sum() / there.sum()
    return sure + 8 * places + 0.5 * classes


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=3000)
    parser.add_argument("--out", type=pathlib.Path, default=pathlib.Path("detector_float"))
    options = parser.parse_args()
    torch.manual_seed(1)
    torch.set_num_threads(1)
    pictures = [detector.drawn(FIRST_SEED + i) for i in range(POOL)]
    x = np.stack([np.frombuffer(image, np.uint8).reshape(3, detector.SIZE, detector.SIZE) for image, _ in pictures])
    wanted = torch.tensor(np.stack([targets(objects) for _, objects in pictures]))
    net = network()
    trainer = torch.optim.Adam(net.parameters(), 2e-3)
    slower = torch.optim.lr_scheduler.OneCycleLR(trainer, 4e-3, options.steps)
    for step in range(options.steps):
        some = torch.randint(0, POOL, (BATCH,))
        loss = loss_of(net(torch.tensor(x[some.numpy()]).float() / 255), wanted[some])
        trainer.zero_grad()
        loss.backward()
        trainer.step()
        slower.step()
        if step % 250 == 0:
            print(step, f"{loss.item():.3f}", flush=True)
    options.out.mkdir(parents=True, exist_ok=True)
    torch.onnx.export(net.eval(), torch.zeros(1, 3, 64, 64), options.out / "float.onnx", input_names=["image"],
                      output_names=["cells"], opset_version=17, dynamo=False)
    (options.out / "calibration").mkdir(exist_ok=True)
    np.save(options.out / "calibration" / "x.npy", x[:200])


if __name__ == "__main__":
    main()
