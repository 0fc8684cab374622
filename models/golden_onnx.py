#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Vectors of the shipped .onnx models, format "onnx-golden-1": manifest.json and .npy files.

The expected outputs are those of qonnx 1.0.0's executor, node by node in float32.

    golden_onnx.py              runs every .onnx model of this folder again; exit code 1 if a
                                vector differs
    golden_onnx.py --accuracy   also counts the held-back images that each gets right
"""

import argparse
import hashlib
import importlib.metadata
import json
import pathlib
import sys

import numpy as np
import onnx
from qonnx.core.modelwrapper import ModelWrapper
from qonnx.core.onnx_exec import execute_onnx
from qonnx.transformation.infer_shapes import InferShapes

HERE = pathlib.Path(__file__).resolve().parent
FORMAT = "onnx-golden-1"
PACKAGE, VERSION = "qonnx", "1.0.0"


class Runner:
    """One model with one input and one output in qonnx's executor."""

    def __init__(self, model, batch=1):
        if importlib.metadata.version(PACKAGE) != VERSION:
            raise SystemExit(
                f"{PACKAGE}: {importlib.metadata.version(PACKAGE)} installed, allowed {VERSION}"
            )
        copy = onnx.ModelProto()
        copy.CopyFrom(model)
        for end in (copy.graph.input[0], copy.graph.output[0]):
            end.type.tensor_type.shape.dim[0].dim_value = batch
        self.input, self.output = copy.graph.input[0].name, copy.graph.output[0].name
        self.model = ModelWrapper(copy).transform(InferShapes())
        self.shape = self.model.get_tensor_shape(self.input)

    def __call__(self, x):
        x = np.asarray(x, np.float32)
        return execute_onnx(self.model, {self.input: x})[self.output]


def run_batches(model, images, batch=100):
    """Outputs for many images; the executor's time is one of nodes more than of arithmetic."""
    run = Runner(model, batch)
    parts = [run(images[i : i + batch]) for i in range(0, len(images), batch)]
    return np.concatenate(parts)


def _print_manifest(head, cases):
    """JSON with one line for each key and each case, so that a hundred cases stay readable."""
    lines = [f" {json.dumps(k)}: {json.dumps(v)}" for k, v in head.items()]
    lines.append(' "cases": [\n' + ",\n".join("  " + json.dumps(c) for c in cases) + "\n ]")
    return "{\n" + ",\n".join(lines) + "\n}\n"


def write_vectors(model_path, folder, cases):
    """Runs the cases (id, how, label, input array) and replaces the vectors in `folder`."""
    content = model_path.read_bytes()
    run = Runner(onnx.load_from_string(content))
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.glob("*.npy"):
        old.unlink()
    entries = []
    for case, how, label, x in cases:
        files = {"input": f"{case}_in.npy", "outputs": [f"{case}_out0.npy"]}
        x = np.asarray(x, np.float32)
        np.save(folder / files["input"], x)
        np.save(folder / files["outputs"][0], run(x))
        entries.append({"id": case, "how": how, "label": label, **files})
    head = {
        "format": FORMAT,
        "model": model_path.name,
        "sha256": hashlib.sha256(content).hexdigest(),
        "reference": f"{PACKAGE} {VERSION}",
        "input": {"name": run.input, "shape": run.shape},
        "outputs": [run.output],
    }
    (folder / "manifest.json").write_text(_print_manifest(head, entries))


def check(folder, manifest):
    """Number of cases in `folder` that the model beside it does not reproduce."""
    content = (HERE / manifest["model"]).read_bytes()
    if hashlib.sha256(content).hexdigest() != manifest["sha256"]:
        raise SystemExit(
            f"{manifest['model']}: not the file that {folder.parent.name}/vectors was made with"
        )
    run, bad, right = Runner(onnx.load_from_string(content)), 0, 0
    for case in manifest["cases"]:
        result = run(np.load(folder / case["input"]))
        bad += not np.array_equal(result, np.load(folder / case["outputs"][0]))
        right += case["label"] == int(result.argmax())
    count = len(manifest["cases"])
    print(f"{manifest['model']}: {count - bad} of {count} cases equal, {right} labels right")
    return bad


def print_accuracy(path):
    from train_lenet import split  # brings TensorFlow, which the vectors do not need

    images, labels = split()[1]
    result = run_batches(onnx.load(path), images[:, None].astype(np.float32) - 128)
    print(f"{path.name}: {np.sum(result.argmax(1) == labels)} of {len(labels)} held-back images")


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--accuracy", action="store_true")
    args = parser.parse_args()
    bad = 0
    for path in sorted(HERE.glob("*/vectors/manifest.json")):
        manifest = json.loads(path.read_text())
        if manifest["format"] == FORMAT:
            bad += check(path.parent, manifest)
            if args.accuracy:
                print_accuracy(HERE / manifest["model"])
    sys.exit(1 if bad else 0)


if __name__ == "__main__":
    main()
