#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Tests the plug-ins of LiteRT and ONNX Runtime as a user loads them.

usage: frameworks_test.py --build DIR --plugins DIR [--full]
--plugins: the folder of libtrine_delegate.so and libtrine_ort.so. The frameworks come from PyPI into virtual
environments of DIR; --full tests every version that the plug-ins support and one that they refuse, all networks of
the repository, 1,000 sessions. Exit code 77 without PyPI.
"""
import argparse
import pathlib
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parents[2] / "tests"))
from harness import ROOT, fail, new_environment, with_packages  # noqa: E402

VERSIONS = {"litert": ("ai-edge-litert", ["1.2.0", "2.3.0"], "2.1.2"),
            "onnx_runtime": ("onnxruntime", ["1.31.1", "1.32.0"], "1.30.0")}
LIBRARIES = {"litert": "libtrine_delegate.so", "onnx_runtime": "libtrine_ort.so"}


def check(options, name, python, *arguments):
    library = options.plugins.resolve() / LIBRARIES[name]
    done = subprocess.run([str(python), "-B", str(HERE / f"{name}.py"), str(library), str(options.build),
                           *map(str, arguments)], text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    if done.returncode:
        fail(f"{name} {arguments[:1]}: exit code {done.returncode}\n{done.stdout}{done.stderr}")
    if "trine" in done.stderr:
        fail(f"{name}: the library prints: {done.stderr}")
    print(done.stdout, end="")


def environment(build, package, version):
    folder = build / f"{package}-{version}"
    python = folder / "bin/python3"
    if not (folder / "ready").exists():
        if new_environment(folder, f"{package}=={version}", "numpy==2.4.6") != 0:
            fail(f"pip cannot install {package} {version}")
        (folder / "ready").touch()
    return python


def models(suffix):
    """Returns the repository's models, except for those that LiteRT and ONNX Runtime compute in float, where kernels
    round differently."""
    found = sorted(p for p in ROOT.rglob(f"*{suffix}") if "build" not in p.relative_to(ROOT).parts)
    return [p for p in found if "float" not in p.stem]


def full(options):
    for name, (package, known, other) in VERSIONS.items():
        check(options, name, environment(options.build, package, other), "--refused")
        for version in known:
            print(f"{package} {version}")
            suffix = ".tflite" if name == "litert" else ".onnx"
            check(options, name, environment(options.build, package, version), *models(suffix), "--sessions", 1000,
                  *(["--rtl"] if version == known[-1] else []))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--build", type=pathlib.Path, required=True)
    parser.add_argument("--plugins", type=pathlib.Path, required=True)
    parser.add_argument("--full", action="store_true")
    options = parser.parse_args()
    options.build = options.build.resolve()
    options.build.mkdir(parents=True, exist_ok=True)
    with_packages(options.build, HERE / "requirements.txt", "numpy", "ai_edge_litert", "onnxruntime")
    for name in VERSIONS:
        check(options, name, sys.executable)
    if options.full:
        full(options)
    print("frameworks: all as it should be")


if __name__ == "__main__":
    main()
