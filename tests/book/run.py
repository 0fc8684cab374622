#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The rows of the book (docs/book.md): builders, formulas, sparsity, pruning, protocols, each as its page runs it.

usage: run.py --build DIR [--full] [--only NAME]...
--full: networks at their papers' size, and what needs packages of PyPI (77 without them). Exit code 1 if something is
wrong.
"""
import argparse
import pathlib
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))
from harness import ROOT, fail, trine  # noqa: E402

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


ROWS = {"builders": builders}


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
