#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Reproduces the recorded vectors of the repository's models.

The expected outputs of TFLite models are those of ai-edge-litert 1.2.0 with BUILTIN_REF, the
reference of this project; the outputs of .onnx models are ONNX Runtime's or qonnx's.

    golden.py     runs every model of the repository that has vectors again, outputs and layers;
                  exit code 1 if one differs. Vectors of runtimes that are not installed in the same
                  version are listed and left out.
"""

import importlib.metadata
import pathlib
import sys

import numpy as np

import record
import vectors

MODELS = pathlib.Path(__file__).resolve().parents[2] / "models"
VERSIONS = {record.LITERT: "1.2.0", record.ORT: "1.31.1", record.QONNX: "1.0.0"}


def require_version(package):
    installed = importlib.metadata.version(package)
    if installed != VERSIONS[package]:
        raise SystemExit(f"{package}: {installed} installed, allowed {VERSIONS[package]}")


class Runner(record.LiteRt):
    """Runs a TFLite model on the reference."""

    def __init__(self, model):
        require_version(record.LITERT)
        super().__init__(model)


def write_vectors(path, folder, cases):
    """Runs the cases {"id", "how", "arrays", ...} and replaces the vectors in `folder`.

    Further keys of a case are copied to the manifest unchanged.
    """
    runtime = record.load(path, path.read_bytes())
    require_version(runtime.package)
    pairs = [({k: v for k, v in case.items() if k != "arrays"}, case["arrays"]) for case in cases]
    return record.record(path, folder, pairs, layers_of=(), runtime=runtime)


def model_of(folder, name):
    """Returns the model, which is in the folder above the vectors, or in the one above that."""
    return next(p for p in (folder.parent / name, folder.parent.parent / name) if p.exists())


def same(a, b):
    return len(a) == len(b) and all(
        x.dtype == y.dtype and np.array_equal(x, y, equal_nan=x.dtype.kind == "f")
        for x, y in zip(a, b))


def check(folder):
    """Returns the vectors in `folder` that the model does not reproduce; None if it cannot be run here."""
    recorded = vectors.Vectors(folder)
    path = model_of(folder, recorded.manifest["model"])
    content = path.read_bytes()
    recorded.require_model(content)
    reference = recorded.manifest["reference"]
    package = reference["package"]
    try:
        if package not in VERSIONS or importlib.metadata.version(package) != reference["version"]:
            return None
    except importlib.metadata.PackageNotFoundError:
        return None
    run = (record.LiteRt(content, reference["resolver"]) if package == record.LITERT
           else record.load(path, content))
    bad, right = 0, 0
    for i, case in enumerate(recorded.cases):
        results = run(recorded.inputs(i))
        bad += not same(results, recorded.outputs(i))
        right += np.array_equal(results[0].argmax(-1).ravel(), np.ravel(case.get("label", -1)))
    names, layers = [case["id"] for case in recorded.cases], 0
    for case, tensors in recorded.layers():
        again = {(e["op_index"], e["tensor"]): a for e, a in run.layers(recorded.inputs(names.index(case)))}
        bad += sum(not same([again[e["op_index"], e["tensor"]]], [a]) for e, a in tensors)
        layers += len(tensors)
    labels = f", {right} labels right" if "label" in recorded.cases[0] else ""
    print(f"{path.relative_to(MODELS.parent)}: {len(recorded.cases)} cases, {layers} layers,"
          f" {bad} differ{labels}")
    return bad


def main():
    root = MODELS.parent
    folders = [path.parent for part in ("models", "tests")
               for path in sorted((root / part).rglob("manifest.json"))]
    results = {folder: check(folder) for folder in folders}
    for folder in (f for f, bad in results.items() if bad is None):
        print(f"{folder.relative_to(root)}: its runtime is not installed in its version")
    sys.exit(1 if any(results.values()) else 0)


if __name__ == "__main__":
    main()
