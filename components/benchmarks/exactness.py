#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Shows which recorded vectors each design reproduces bit by bit, and why it refuses the others.

usage: exactness.py [--backend rtl|arch] [--allow-host] [--only TEXT] [CONFIG]...
A CONFIG is a preset or file and keys to set: "edge256 memory.dmem_kib=16". The models are those of this repository
and of $TRINE_SHARED (../shared) if it exists, each with all its recorded vectors (of both roundings if both were
recorded). Ends with exit code 1 if an output differs.
"""
import argparse
import concurrent.futures
import os
import subprocess
import sys

import common

CONFIGS = ["edge64", "edge256", "edge1024", "edge256 array.rows=5 array.cols=7",
           "edge256 memory.dmem_kib=16 memory.pmem_kib=16"]
SUFFIXES = (".tflite", ".onnx")


def folders():
    """Yields pairs of a folder with models and one with a folder of vectors for each model."""
    for folder in ("models", "tests/operators", "tests/onnx"):
        yield common.ROOT / folder, common.ROOT / folder
    yield common.SHARED / "models", common.SHARED / "golden"
    yield common.SHARED / "models" / "layers", common.SHARED / "golden" / "layers"


def cases():
    """Yields models with the folders of their vectors: those with a manifest, directly or one folder below."""
    for models, vectors in folders():
        for model in sorted(models.glob("*")):
            if model.suffix in SUFFIXES:
                for manifest in sorted(vectors.glob(f"{model.stem}/manifest.json")) + sorted(
                        vectors.glob(f"{model.stem}/*/manifest.json")):
                    yield model, manifest.parent


def verify(config, case, options):
    """Returns 0: exact, 1: different, 2: refused; and the program's last line without the folder."""
    model, vectors = case
    command = [common.program(), "verify", "--quiet", *common.design(config), str(model),
               "--vectors", str(vectors), "--backend", options.backend]
    command += ["--allow-host"] * options.allow_host
    done = subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    lines = done.stderr.strip().splitlines() or ["differs"]
    return done.returncode, lines[-1].replace(f"{model.parent}{os.sep}", "")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("configs", nargs="*", default=CONFIGS)
    parser.add_argument("--backend", choices=["rtl", "arch"], default="rtl")
    parser.add_argument("--allow-host", action="store_true")
    parser.add_argument("--only", default="", help="run only models with this text in their path")
    options = parser.parse_args()
    chosen = [case for case in cases() if options.only in str(case[0])]
    if not chosen:
        sys.exit("no model with vectors matches")
    rows, others, wrong = [], [], False
    for config in options.configs:
        if options.backend == "rtl":  # once by itself, so that two processes do not build the same design
            verify(config, chosen[0], options)
        with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
            results = list(pool.map(lambda case: verify(config, case, options), chosen))
        codes = [code for code, _ in results]
        rows.append([config, len(chosen), codes.count(0), codes.count(1), codes.count(2)])
        wrong = wrong or any(code not in (0, 2) for code in codes)
        others += [(model.stem, message) for (model, _), (code, message) in zip(chosen, results)
                   if code != 0]
    common.table(["configuration", "models", "exact", "different", "refused"], rows)
    for name, message in dict.fromkeys(others):  # once for all designs
        print(f"- {name} ({others.count((name, message))} designs): {message}")
    print(f"\nbackend {options.backend}; {common.versions()}")
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
