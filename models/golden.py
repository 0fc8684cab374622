#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Vectors of the shipped models, format "litert-golden-1": manifest.json and a .npy per tensor.

The expected outputs are those of ai-edge-litert 1.2.0 with BUILTIN_REF, the reference of this
project. Each case also says how many elements LiteRT's two other kernel sets compute differently
("optimized" and "xnnpack").

    golden.py     runs every .tflite model of this folder again; exit code 1 if a vector differs
"""

import hashlib
import importlib.metadata
import json
import pathlib
import sys

import numpy as np
from ai_edge_litert.interpreter import Interpreter, OpResolverType

HERE = pathlib.Path(__file__).resolve().parent
FORMAT = "litert-golden-1"
PACKAGE, VERSION = "ai-edge-litert", "1.2.0"
REFERENCE = OpResolverType.BUILTIN_REF
OTHERS = {
    "optimized": OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES,
    "xnnpack": OpResolverType.AUTO,
}


class Runner:
    """One model on one kernel set: lists of arrays in and out, in the model's order."""

    def __init__(self, model, resolver=REFERENCE):
        if importlib.metadata.version(PACKAGE) != VERSION:
            raise SystemExit(
                f"{PACKAGE}: {importlib.metadata.version(PACKAGE)} installed, allowed {VERSION}"
            )
        self.interpreter = Interpreter(
            model_content=model, num_threads=1, experimental_op_resolver_type=resolver
        )
        self.interpreter.allocate_tensors()
        self.inputs = self.interpreter.get_input_details()
        self.outputs = self.interpreter.get_output_details()

    def __call__(self, arrays):
        for detail, array in zip(self.inputs, arrays):
            self.interpreter.set_tensor(detail["index"], array)
        self.interpreter.invoke()
        return [self.interpreter.get_tensor(detail["index"]).copy() for detail in self.outputs]


def _describe(detail):
    quantization = detail["quantization_parameters"]
    return {
        "tensor": int(detail["index"]),
        "name": detail["name"],
        "dtype": np.dtype(detail["dtype"]).name,
        "shape": [int(v) for v in detail["shape"]],
        "scale": [float(v) for v in quantization["scales"]],
        "zero_point": [int(v) for v in quantization["zero_points"]],
        "quantized_dimension": int(quantization["quantized_dimension"]),
    }


def _difference(a, b):
    d = np.abs(a.astype(np.int64) - b.astype(np.int64))
    return {"n": int(np.count_nonzero(d)), "max": int(d.max())}


def _print_manifest(head, cases):
    """JSON with one line for each key and each case, so that a hundred cases stay readable."""
    lines = [f" {json.dumps(k)}: {json.dumps(v)}" for k, v in head.items()]
    lines.append(' "cases": [\n' + ",\n".join("  " + json.dumps(c) for c in cases) + "\n ]")
    return "{\n" + ",\n".join(lines) + "\n}\n"


def write_vectors(model_path, folder, cases):
    """Runs the cases {"id", "how", "arrays", ...} and replaces the vectors in `folder`.

    Further keys of a case go to the manifest as they are.
    """
    model = model_path.read_bytes()
    reference = Runner(model)
    others = {name: Runner(model, resolver) for name, resolver in OTHERS.items()}
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.glob("*.npy"):
        old.unlink()
    entries = []
    for case in cases:
        arrays = case["arrays"]
        results = reference(arrays)
        files = {}
        for key, tensors in (("inputs", arrays), ("outputs", results)):
            files[key] = [f"{case['id']}_{key[:-4]}{n}.npy" for n in range(len(tensors))]
            for name, tensor in zip(files[key], tensors):
                np.save(folder / name, tensor)
        differs = {
            k: [_difference(a, b) for a, b in zip(results, run(arrays))]
            for k, run in others.items()
        }
        entries.append(
            {**{k: v for k, v in case.items() if k != "arrays"}, **files, "differs": differs}
        )
    head = {
        "format": FORMAT,
        "model": model_path.name,
        "sha256": hashlib.sha256(model).hexdigest(),
        "reference": {"package": PACKAGE, "version": VERSION, "resolver": "BUILTIN_REF"},
        "inputs": [_describe(d) for d in reference.inputs],
        "outputs": [_describe(d) for d in reference.outputs],
    }
    (folder / "manifest.json").write_text(_print_manifest(head, entries))
    return entries


def check(folder):
    """Number of cases in `folder` that the model beside it does not reproduce."""
    manifest = json.loads((folder / "manifest.json").read_text())
    model = (HERE / manifest["model"]).read_bytes()
    if hashlib.sha256(model).hexdigest() != manifest["sha256"]:
        raise SystemExit(
            f"{manifest['model']}: not the file that {folder.parent.name}/vectors was made with"
        )
    run, bad, right = Runner(model), 0, 0
    for case in manifest["cases"]:
        results = run([np.load(folder / name) for name in case["inputs"]])
        bad += any(
            not np.array_equal(r, np.load(folder / n))
            for r, n in zip(results, case["outputs"], strict=True)
        )
        right += np.array_equal(results[0].argmax(-1).ravel(), np.ravel(case.get("label", -1)))
    labels = f", {right} labels right" if "label" in manifest["cases"][0] else ""
    print(
        f"{manifest['model']}: {len(manifest['cases']) - bad} of {len(manifest['cases'])} cases"
        f" equal{labels}"
    )
    return bad


def is_ours(manifest):
    """Whether this script wrote it: the .onnx models' vectors are golden_onnx.py's."""
    return json.loads(manifest.read_text())["format"] == FORMAT


if __name__ == "__main__":
    manifests = sorted(HERE.glob("*/vectors/manifest.json"))
    sys.exit(1 if sum([check(m.parent) for m in manifests if is_ours(m)]) else 0)
