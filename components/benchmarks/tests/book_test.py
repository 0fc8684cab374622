#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Tests the rows of the book (docs/book.md): builders, formulas, sparsity, pruning, protocols, each as on its page.

usage: book_test.py --build DIR [--full] [--only NAME]...
--full: networks at their papers' size, and rows that need packages of PyPI (77 without them). Exit code 1 if a row
fails.
"""
import argparse
import gzip
import json
import math
import os
import pathlib
import random
import re
import struct
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parents[2] / "tests"))
from harness import ROOT, fail, trine  # noqa: E402

sys.path.insert(0, str(ROOT / "components" / "zoo"))
import detector  # noqa: E402
import npy  # noqa: E402
import stochastic_pool  # noqa: E402
import tinygrad_transformer as adder  # noqa: E402
import train_embeddings  # noqa: E402

# Images with so few pixels still use all layers, and take a second.
SMALL = {"squeezenet": 67, "resnet34": 32, "inception_v2": 64, "inception_v3": 107, "xception": 71}
LARGE = {"resnet101": 224, "resnet152": 224, "inception_v4": 299, "xception": 299, "inception_v3": 299}


def script(*command):
    """Returns the output of a command."""
    done = subprocess.run([sys.executable, "-B", *map(str, command)], cwd=ROOT, stdout=subprocess.PIPE, text=True)
    if done.returncode:
        fail(f"{' '.join(map(str, command))}: exit code {done.returncode}")
    return done.stdout


def exact(model, config="edge1024"):
    """Requires that the architecture simulator equals the golden layers."""
    trine("run", "--config", config, "--backend", "arch", model, "--quiet")


def builders(scratch, options):
    for name, pixels in (LARGE if options.full else SMALL).items():
        script("components/zoo/shapes.py", name, "--tflite", scratch / "n.tflite", "--pixels", pixels)
        exact(scratch / "n.tflite")
    blocks = "ast_128_1024_1_12x64" if options.full else "ast_26_46_2_2x8"
    script("components/zoo/transformers.py", blocks, scratch / "ast.tflite")
    exact(scratch / "ast.tflite")
    trine("estimate", "--config", "edge1024", ROOT / "models/shapes/ast.csv", "--quiet")


def formulas(scratch, options):
    """Fails if the machine's counts differ from a formula."""
    if "1/10 + 1/9 = 0.211" not in script("components/benchmarks/book/formulas.py"):
        fail("formulas.py: the depthwise savings are missing")


def ran(*arguments):
    """Returns the JSON of a command."""
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "r.json"
        trine(*arguments, "--quiet", "--json", path)
        return json.loads(path.read_text())


def nonzero(scratch, options):
    """Compares the textbook's plus filter with plain loops; all counts of LeNet are within the counts of its layers."""
    image = npy.read(ROOT / "models/plus_filter/vectors/in0.npy", 1)[2]
    npy.write(scratch / "x.npy", (1, 5, 5, 1), "|i1", image)
    rows = ran("run", "--config", "edge64", "--backend", "arch", ROOT / "models/plus_filter.tflite", "--input",
               scratch / "x.npy")["nonzero"]
    taps = [(0, 1), (1, 0), (1, 1), (1, 2), (2, 1)]

    def products(stride, pad, size):
        at = [(p * stride + r - pad, q * stride + s - pad) for p in range(size) for q in range(size) for r, s in taps]
        return sum(image[5 * y + x] != 0 for y, x in at if 0 <= y < 5 and 0 <= x < 5)

    wanted = {"valid": products(1, 0, 3), "valid_stride2": products(2, 0, 2), "same": products(1, 1, 5)}
    found = {row["name"]: row["macs"] for row in rows}
    if found != wanted or any(row["weights"] != 5 or row["activations"] != sum(v != 0 for v in image) for row in rows):
        fail(f"products that are not zero: {rows}, by plain loops {wanted}")
    script("components/benchmarks/book/sparsity.py", "--images", 1)


def idx(scratch, options):
    """The held-back digits in IDX files have the same accuracy as in arrays."""
    for name, head in (("x", b"\0\0\x08\x03" + struct.pack(">3I", 1000, 28, 28)), ("y", b"\0\0\x08\x01" + struct.pack(">I", 1000))):
        stored = bytes(npy.read(ROOT / f"models/mnist_held_back/{name}.npy")[2])
        (scratch / f"{name}.gz").write_bytes(gzip.compress(head + stored, mtime=0))
    count = 1000 if options.full else 100
    script("components/zoo/idx.py", scratch / "x.gz", scratch / "y.gz", scratch / "data", "--count", count)
    model, data = ROOT / "models/lenet_mnist.tflite", scratch / "data"
    found = ran("accuracy", "--config", "edge256", model, "--data", data, "--scale", "1/255")
    if found["images"] != count or found["top1_right"] not in ((989,) if options.full else range(95, 101)):
        fail(f"{found['top1_right']} right of {found['images']}")
    (scratch / "bad").write_bytes(b"\0\0\x0d\x01\0\0\0\1")
    refused(["components/zoo/idx.py", scratch / "bad", scratch / "y.gz", scratch / "data"], "not an IDX file of bytes")


def refused(command, text):
    done = subprocess.run([sys.executable, "-B", *map(str, command)], cwd=ROOT, stderr=subprocess.PIPE, text=True)
    if done.returncode == 0 or text not in done.stderr or "Traceback" in done.stderr:
        fail(f"{' '.join(map(str, command))}: exit code {done.returncode}, {done.stderr}")


def stochastic(scratch, options):
    """Pools a map from the machine: the same seed gives the same, draws are values of their windows, and the mean
    over many seeds follows the distribution."""
    image = npy.read(ROOT / "models/plus_filter/vectors/in0.npy", 1)[2]
    npy.write(scratch / "x.npy", (1, 5, 5, 1), "|i1", image)
    trine("run", "--config", "edge64", "--backend", "arch", ROOT / "models/plus_filter.tflite", "--input", scratch / "x.npy",
          "--output", scratch / "v.npy", "--output", scratch / "w.npy", "--output", scratch / "s.npy", "--quiet")
    shape, _, values = npy.read(scratch / "s.npy")
    command = ["components/zoo/stochastic_pool.py", scratch / "s.npy", scratch / "p.npy", "--window", 3, "--stride", 2]
    script(*command, "--seed", 7)
    first = npy.read(scratch / "p.npy")
    script(*command, "--seed", 7)
    if npy.read(scratch / "p.npy") != first or first[0] != (1, 2, 2, 1):
        fail(f"stochastic_pool.py: seed 7 gives {first}, then {npy.read(scratch / 'p.npy')}")
    windows = [[values[5 * (p + r) + q + s] for r in range(3) for s in range(3)] for p in (0, 2) for q in (0, 2)]
    draws = random.Random(3)
    for window, value in zip(windows, first[2]):
        law = sum(v * v for v in window) / sum(window)
        mean = sum(stochastic_pool.drawn(window, draws) for _ in range(4000)) / 4000
        if value not in window or abs(mean - law) > 0.15 or abs(stochastic_pool.weighted(window) - law) > 1e-9:
            fail(f"stochastic_pool.py: {value} of {window}, mean {mean} where {law} is due")
    refused([*command[:3], "--window", 9], "allowed [N, H, W, C]")


def weights(scratch, options):
    """Compares SqueezeNet's energy with AlexNet's, and the picture drawn of it."""
    if options.full:
        script("components/benchmarks/book/weights.py", "alexnet", "squeezenet")
    else:
        script("components/benchmarks/book/weights.py", "squeezenet", "--config", "edge256")


def pruning(scratch, options):
    """Prunes one step, which must save energy; the result must run exactly, with no more loss of accuracy than
    permitted."""
    digits = scratch / "digits"
    digits.mkdir()
    for name in "xy":
        shape, kind, values = npy.read(ROOT / f"models/mnist_held_back/{name}.npy", 100)
        npy.write(digits / f"{name}.npy", shape, kind, values)
    out = scratch / "pruned.tflite"
    program = os.environ.get("TRINE_PROGRAM", str(ROOT / "trine"))
    printed = script("components/zoo/prune.py", ROOT / "models/lenet_mnist.tflite", out, "--data", digits, "--steps", 1, "--trine", program)
    lines = printed.splitlines()
    before, after = (float(line[41:49]) for line in lines[1:3])
    if len(lines) != 3 or after >= before:
        fail(f"prune.py: {printed}")
    exact(out, "edge256")
    refused(["components/zoo/prune.py", ROOT / "models/mnist_binary.onnx", out, "--data", digits], "not a TFLite file")


def detecting(scratch, options):
    """Checks boxes and precision computed by hand; then the network's mAP."""
    boxes = [(0.9, 0, (0, 0, 10, 10)), (0.8, 0, (1, 0, 11, 10)), (0.7, 1, (1, 0, 11, 10)), (0.6, 0, (20, 20, 30, 30))]
    if detector.suppressed(boxes) != [boxes[0], boxes[2], boxes[3]]:
        fail(f"suppressed: {detector.suppressed(boxes)}")
    truth = [[(0, (0, 0, 10, 10)), (0, (40, 40, 50, 50))]]
    # One of two objects is found first; the second guess is wrong: an area of 1 x 1/2. The third is correct: + 2/3 x
    # 1/2.
    found = [[(0.9, 0, (0, 0, 10, 10)), (0.8, 0, (20, 20, 30, 30))]]
    areas = [detector.average_precision(found, truth, 0, 0.5)]
    found[0].append((0.5, 0, (40, 40, 50, 50)))
    areas.append(detector.average_precision(found, truth, 0, 0.5))
    if abs(areas[0] - 0.5) > 1e-9 or abs(areas[1] - (0.5 + 1 / 3)) > 1e-9:
        fail(f"average_precision: {areas}, 0.5 and 0.833 are due")
    each = [detector.average_precision(found, truth, kind, 0.5) for kind in range(3)]
    if each[1:] != [None, None] or detector.mean(each) != each[0]:
        fail(f"average_precision: {each}, classes that nobody drew have none")
    program = os.environ.get("TRINE_PROGRAM", str(ROOT / "trine"))
    text = script("components/zoo/detector.py", "--images", 200 if options.full else 12, "--trine", program)
    if float(re.search(r"mAP at 0.5 ([\d.]+) %", text)[1]) < 95:
        fail(text)


def embeddings(scratch, options):
    program = os.environ.get("TRINE_PROGRAM", str(ROOT / "trine"))
    words = train_embeddings.near("exception", program)
    if not {"handler", "clause", "exceptions"} <= {word for word, _ in words} or words[0][1] < 80:
        fail(f"near 'exception': {words}")
    refused(["components/zoo/train_embeddings.py", "--near", "xyzzy"], "is not among the 1000 words")


def sums(scratch, options):
    """Tests tinygrad's transformer, and its builder with weights that are made here."""
    source, out = scratch / "w.safetensors", scratch / "w.onnx"
    head, data = {}, b""
    for name, shape in adder.shapes().items():
        values = [0.01 * (i % 7 - 3) for i in range(math.prod(shape))]
        head[name] = {"dtype": "F32", "shape": shape, "data_offsets": [len(data), len(data) + 4 * len(values)]}
        data += struct.pack(f"<{len(values)}f", *values)
    text = json.dumps(head).encode()
    source.write_bytes(struct.pack("<Q", len(text)) + text + data)
    script("components/zoo/tinygrad_transformer.py", "build", source, out)
    if b"LayerNormalization" not in out.read_bytes():
        fail("the adder has no normalization")
    refused(["components/zoo/tinygrad_transformer.py", "build", ROOT / "models/story.bin", out], "safetensors file")
    script("components/zoo/tinygrad_transformer.py", "data", scratch / "sums")
    shape, kind, values = npy.read(scratch / "sums/x.npy", None if options.full else 100)
    npy.write(scratch / "sums/x.npy", shape, kind, values)
    shape, kind, values = npy.read(scratch / "sums/y.npy", shape[0])
    npy.write(scratch / "sums/y.npy", shape, kind, values)
    found = ran("accuracy", "--config", "edge256", ROOT / "models/tinygrad/adder.onnx", "--data", scratch / "sums")
    if found["images"] != shape[0] or found["top1"] < 0.95:
        fail(f"{found['top1_right']} of {found['images']} sums right")


ROWS = {"builders": builders, "formulas": formulas, "nonzero": nonzero, "idx": idx, "stochastic": stochastic,
        "weights": weights, "pruning": pruning, "detector": detecting, "embeddings": embeddings, "sums": sums}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--build", type=pathlib.Path, required=True)
    parser.add_argument("--full", action="store_true")
    parser.add_argument("--only", action="append", choices=list(ROWS))
    options = parser.parse_args()
    options.build.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=options.build) as scratch:
        for name in options.only or ROWS:
            ROWS[name](pathlib.Path(scratch), options)


if __name__ == "__main__":
    main()
