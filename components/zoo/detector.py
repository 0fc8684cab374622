#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs a complete detector: draws pictures, runs the network on the machine, applies non-maximum suppression, computes mAP.

    detector.py [--images N] [--config C] [--backend B] [--trine T]    mAP of N drawn pictures (200)
    detector.py --show SEED [..]                                       one picture's boxes

detector/detector.onnx (train_detector.py) has the layers of tiny YOLOv2 at a fourth of its widths, with three pools:
float32[1, 3, 64, 64] -> float32[1, 8, 8, 8], for each cell of 8 x 8 pixels whether it contains an object's middle,
the position in the cell, width and height, and three classes. A picture of seed S contains one to three discs,
squares and triangles on noise. Training used seeds from 1,000,000 on. Python's library is enough.
"""
import argparse
import math
import pathlib
import random
import subprocess
import sys
import tempfile

import npy

MODELS = pathlib.Path(__file__).resolve().parents[2] / "models"
MODEL = MODELS / "detector" / "detector.onnx"
SIZE, GRID, CELL, LARGEST, CLASSES = 64, 8, 8, 40, ("disc", "square", "triangle")


def inside(kind, dx, dy):
    """Returns true for points inside of a shape in [-1, 1] x [-1, 1]."""
    if kind == 0:
        return dx * dx + dy * dy <= 1
    return abs(dx) <= 1 and abs(dy) <= 1 if kind == 1 else abs(dx) <= (dy + 1) / 2 and -1 <= dy <= 1


def overlap(a, b):
    """Returns intersection over union of (left, top, right, bottom)."""
    w, h = (min(a[i + 2], b[i + 2]) - max(a[i], b[i]) for i in (0, 1))
    shared = max(w, 0) * max(h, 0)
    return shared / ((a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - shared)


def drawn(seed):
    """Returns (bytes [3, 64, 64], [(class, box)])."""
    rng = random.Random(seed)
    ground, slope = [rng.uniform(40, 200) for _ in range(3)], [rng.uniform(-1, 1) for _ in range(3)]
    noise = rng.randbytes(SIZE * SIZE)
    planes = [[ground[c] + slope[c] * (i % SIZE - 32) + (noise[i] - 128) / 8 for i in range(SIZE * SIZE)] for c in range(3)]
    objects = []
    for _ in range(rng.randint(1, 3)):
        kind, radius = rng.randrange(3), rng.uniform(6, 14)
        x, y = (rng.uniform(radius, SIZE - radius) for _ in range(2))
        box = (x - radius, y - radius, x + radius, y + radius)
        if any(overlap(box, other) > 0.1 for _, other in objects):
            continue
        colour = [(g + rng.uniform(60, 150)) % 256 for g in ground]
        for py in range(max(0, int(y - radius)), min(SIZE, int(y + radius) + 2)):
            for px in range(max(0, int(x - radius)), min(SIZE, int(x + radius) + 2)):
                if inside(kind, (px + 0.5 - x) / radius, (py + 0.5 - y) / radius):
                    for c in range(3):
                        planes[c][py * SIZE + px] = colour[c] + (noise[py * SIZE + px] - 128) / 8
        objects.append((kind, box))
    return bytes(min(255, max(0, round(v))) for plane in planes for v in plane), objects


def logistic(x):
    return 1 / (1 + math.exp(-max(-60.0, min(60.0, x))))


def decoded(logits, least=0.05):
    """Returns [(score, class, box)] from [8, 8, 8]: confidence, x, y, width, height, classes."""
    found = []
    for i in range(GRID * GRID):
        sure, x, y, w, h, *classes = logits[i::GRID * GRID]
        exponents = [math.exp(c - max(classes)) for c in classes]
        kind = max(range(3), key=lambda k: exponents[k])
        score = logistic(sure) * exponents[kind] / sum(exponents)
        if score < least:
            continue
        x, y = CELL * (i % GRID + logistic(x)), CELL * (i // GRID + logistic(y))
        w, h = LARGEST * logistic(w) / 2, LARGEST * logistic(h) / 2
        found.append((score, kind, (x - w, y - h, x + w, y + h)))
    return found


def suppressed(boxes, most=0.45):
    """Applies non-maximum suppression to each class, the highest scores first."""
    kept = []
    for box in sorted(boxes, key=lambda b: -b[0]):
        if all(other[1] != box[1] or overlap(other[2], box[2]) <= most for other in kept):
            kept.append(box)
    return kept


def average_precision(found, truth, kind, least):
    """Returns the area below precision over recall, with precision never rising (all points, as in PASCAL VOC from
    2010 on).

    @param found  [[(score, class, box)]] of each picture; truth  [[(class, box)]]"""
    wanted = [[box for k, box in objects if k == kind] for objects in truth]
    free = [[True] * len(boxes) for boxes in wanted]
    hits = []
    for score, image, box in sorted(((s, i, b) for i, boxes in enumerate(found) for s, k, b in boxes if k == kind),
                                    key=lambda it: -it[0]):
        best = max(range(len(wanted[image])), key=lambda j: overlap(box, wanted[image][j]), default=None)
        hit = best is not None and free[image][best] and overlap(box, wanted[image][best]) >= least
        if hit:
            free[image][best] = False
        hits.append(hit)
    whole, right, points = sum(map(len, wanted)), 0, []
    for n, hit in enumerate(hits, 1):
        right += hit
        points.append((right / n, hit))
    area, ceiling = 0.0, 0.0
    for precision, hit in reversed(points):
        ceiling = max(ceiling, precision)
        area += ceiling * hit
    return area / whole if whole else None


def mean(each):
    """Returns the mean of the classes that occur."""
    present = [ap for ap in each if ap is not None]
    return sum(present) / len(present)


def logits_of(images, options):
    """Returns the logits of each picture, from one run of all frames."""
    with tempfile.TemporaryDirectory() as folder:
        pixels = [p / 255 for image in images for p in image]
        npy.write(f"{folder}/x.npy", (len(images), 1, 3, SIZE, SIZE), "<f4", pixels)
        done = subprocess.run([options.trine, "run", "--config", options.config, "--backend", options.backend, MODEL, "--quiet",
                               "--stream", f"{folder}/x.npy", "--output", f"{folder}/y.npy"])
        if done.returncode:
            sys.exit(done.returncode)
        values = npy.read(f"{folder}/y.npy")[2]
    size = len(values) // len(images)
    return [values[i:i + size] for i in range(0, len(values), size)]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=int, default=200)
    parser.add_argument("--show", type=int, metavar="SEED")
    parser.add_argument("--config", default="edge256")
    parser.add_argument("--backend", default="arch")
    parser.add_argument("--trine", default=MODELS.parent / "trine")
    options = parser.parse_args()
    if options.images < 1:
        parser.error(f"--images {options.images}, allowed from 1 on")
    seeds = range(options.images) if options.show is None else [options.show]
    pictures = [drawn(seed) for seed in seeds]
    found = [suppressed(decoded(logits)) for logits in logits_of([image for image, _ in pictures], options)]
    truth = [objects for _, objects in pictures]
    if options.show is not None:
        for score, kind, box in found[0]:
            if score >= 0.3:
                print(f"{CLASSES[kind]:<9}{score:.2f}  {' '.join(f'{v:.1f}' for v in box)}")
        print("drawn: " + "; ".join(f"{CLASSES[k]} {' '.join(f'{v:.1f}' for v in box)}" for k, box in truth[0]))
        return
    each, at_075 = ([average_precision(found, truth, kind, least) for kind in range(len(CLASSES))] for least in (0.5, 0.75))
    shares = ", ".join(f"{name} " + ("none drawn" if ap is None else f"{100 * ap:.1f}") for name, ap in zip(CLASSES, each))
    print(f"{len(pictures)} pictures, {sum(map(len, truth))} objects: mAP at 0.5 {100 * mean(each):.1f} % ({shares}), "
          f"at 0.75 {100 * mean(at_075):.1f} %")


if __name__ == "__main__":
    main()
