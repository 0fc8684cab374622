#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The rows of the book (docs/book.md): builders, formulas, sparsity, pruning, protocols, each as its page runs it.

usage: run.py --build DIR [--full] [--only NAME]...
--full: networks at their papers' size, and what needs packages of PyPI (77 without them). Exit code 1 if something is
wrong.
"""
import argparse
import gzip
import json
import pathlib
import random
import struct
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))
from harness import ROOT, fail, trine  # noqa: E402

sys.path.insert(0, str(ROOT / "models"))
import npy  # noqa: E402
import stochastic_pool  # noqa: E402

# Images of these many pixels: all layers are there, and it takes a second.
SMALL = {"squeezenet": 67, "resnet34": 32, "inception_v2": 64, "inception_v3": 107, "xception": 71}
LARGE = {"resnet101": 224, "resnet152": 224, "inception_v4": 299, "xception": 299, "inception_v3": 299}


def script(*command):
    """What it prints."""
    done = subprocess.run([sys.executable, "-B", *map(str, command)], cwd=ROOT, stdout=subprocess.PIPE, text=True)
    if done.returncode:
        fail(f"{' '.join(map(str, command))}: exit code {done.returncode}")
    return done.stdout


def exact(model, config="edge1024"):
    """Not 0 where the architecture simulator differs from the golden layers."""
    trine("run", "--config", config, "--backend", "arch", model, "--quiet")


def builders(scratch, options):
    for name, pixels in (LARGE if options.full else SMALL).items():
        script("models/shapes.py", name, "--tflite", scratch / "n.tflite", "--pixels", pixels)
        exact(scratch / "n.tflite")
    blocks = "ast_128_1024_1_12x64" if options.full else "ast_26_46_2_2x8"
    script("models/transformers.py", blocks, scratch / "ast.tflite")
    exact(scratch / "ast.tflite")
    trine("estimate", "--config", "edge1024", ROOT / "models/shapes/ast.csv", "--quiet")


def formulas(scratch, options):
    """Fails where the machine counts otherwise than a formula."""
    if "1/10 + 1/9 = 0.211" not in script("bench/book/formulas.py"):
        fail("formulas.py: the depthwise savings are missing")


def ran(*arguments):
    """The JSON of a command."""
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "r.json"
        trine(*arguments, "--quiet", "--json", path)
        return json.loads(path.read_text())


def nonzero(scratch, options):
    """The textbook's plus filter by plain loops; all counts of LeNet are within those of its layers."""
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
    script("bench/book/sparsity.py", "--images", 1)


def idx(scratch, options):
    """The held-back digits by way of IDX files have the accuracy that they have as arrays."""
    for name, head in (("x", b"\0\0\x08\x03" + struct.pack(">3I", 1000, 28, 28)), ("y", b"\0\0\x08\x01" + struct.pack(">I", 1000))):
        stored = bytes(npy.read(ROOT / f"models/mnist_held_back/{name}.npy")[2])
        (scratch / f"{name}.gz").write_bytes(gzip.compress(head + stored, mtime=0))
    count = 1000 if options.full else 100
    script("models/idx.py", scratch / "x.gz", scratch / "y.gz", scratch / "data", "--count", count)
    model, data = ROOT / "models/lenet_mnist.tflite", scratch / "data"
    found = ran("accuracy", "--config", "edge256", model, "--data", data, "--scale", "1/255")
    if found["images"] != count or found["top1_right"] not in ((989,) if options.full else range(95, 101)):
        fail(f"{found['top1_right']} right of {found['images']}")
    (scratch / "bad").write_bytes(b"\0\0\x0d\x01\0\0\0\1")
    refused(["models/idx.py", scratch / "bad", scratch / "y.gz", scratch / "data"], "no IDX file of bytes")


def refused(command, text):
    done = subprocess.run([sys.executable, "-B", *map(str, command)], cwd=ROOT, stderr=subprocess.PIPE, text=True)
    if done.returncode == 0 or text not in done.stderr or "Traceback" in done.stderr:
        fail(f"{' '.join(map(str, command))}: exit code {done.returncode}, {done.stderr}")


def stochastic(scratch, options):
    """On the map that the machine gave: the same seed gives the same, draws are values of their windows, and on the mean
    of many seeds what the law says."""
    image = npy.read(ROOT / "models/plus_filter/vectors/in0.npy", 1)[2]
    npy.write(scratch / "x.npy", (1, 5, 5, 1), "|i1", image)
    trine("run", "--config", "edge64", "--backend", "arch", ROOT / "models/plus_filter.tflite", "--input", scratch / "x.npy",
          "--output", scratch / "v.npy", "--output", scratch / "w.npy", "--output", scratch / "s.npy", "--quiet")
    shape, _, values = npy.read(scratch / "s.npy")
    command = ["models/stochastic_pool.py", scratch / "s.npy", scratch / "p.npy", "--window", 3, "--stride", 2]
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


ROWS = {"builders": builders, "formulas": formulas, "nonzero": nonzero, "idx": idx, "stochastic": stochastic}


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
