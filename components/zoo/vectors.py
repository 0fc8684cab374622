# SPDX-License-Identifier: Apache-2.0
"""Reads and writes recorded vectors, format "trine-vectors-1" (docs/vectors.md): manifest.json, a file for each input
and output of the model with the cases along its leading axis, and one for the layers of all recorded cases."""

import hashlib
import json
import pathlib

import numpy as np

FORMAT = "trine-vectors-1"
LAYERS = "layers.npy"
TYPES = ("int8", "uint8", "int16", "int32", "int64", "float32", "float64", "bool")


def listed(layers):
    """Returns the manifest's layers as a list of cases. A manifest has a list only for several cases."""
    return layers if isinstance(layers, list) else [layers]


def _lines(entries, indent):
    return "[\n" + ",\n".join(indent + json.dumps(e) for e in entries) + "\n" + indent[1:] + "]"


def _text(manifest):
    """Returns JSON with one line for each key, case and layer, so that a hundred cases stay readable."""
    lines = [f' {json.dumps(k)}: {json.dumps(v)}' for k, v in manifest.items()
             if k not in ("cases", "layers")]
    lines.append(' "cases": ' + _lines(manifest["cases"], "  "))
    if "layers" in manifest:
        parts = []
        for part in listed(manifest["layers"]):
            head = {k: v for k, v in part.items() if k != "tensors"}
            parts.append(json.dumps(head)[:-1] + ', "tensors": ' + _lines(part["tensors"], "  ") + "}")
        lines.append(' "layers": ' + (parts[0] if len(parts) == 1 else "[" + ",\n ".join(parts) + "]"))
    return "{\n" + ",\n".join(lines) + "\n}\n"


def _stacked(folder, prefix, descriptions, columns):
    result = []
    for i, (description, column) in enumerate(zip(descriptions, columns, strict=True)):
        stack = np.stack(column)
        np.save(folder / f"{prefix}{i}.npy", stack)
        result.append({**description, "dtype": stack.dtype.name, "shape": list(stack.shape[1:]),
                       "file": f"{prefix}{i}.npy"})
    return result


def _old_files(folder):
    """Yields arrays of earlier vectors in the folder; other files are not ours."""
    try:
        old = json.loads((folder / "manifest.json").read_text())
    except (OSError, ValueError):
        return
    for end in [*old.get("inputs", []), *old.get("outputs", []), *listed(old.get("layers", {}))]:
        name = end.get("file", "")
        if old.get("format") == FORMAT and name and pathlib.Path(name).name == name:
            yield folder / name


def write(folder, head, inputs, outputs, cases, layers=()):
    """Replaces the vectors in `folder`.

    @param head     further keys of the manifest: model, sha256, reference
    @param inputs, outputs  descriptions of each end: name, scale, zero_point
    @param cases    [({"id", ...}, input arrays, output arrays)]; further keys are copied
    @param layers   [(id of a case, [({"op", "op_index", "tensor", ...}, array)])]
    """
    columns = [*zip(inputs, cases[0][1]), *zip(outputs, cases[0][2]), *(column for _, tensors in layers for column in tensors)]
    for entry, array in columns:
        if array.dtype.name not in TYPES:
            raise ValueError(f"tensor '{entry.get('name', entry.get('tensor'))}' is {array.dtype.name}, allowed"
                             f" {' '.join(TYPES)}")
    folder.mkdir(parents=True, exist_ok=True)
    for old in _old_files(folder):
        old.unlink(missing_ok=True)
    manifest = {"format": FORMAT, **head}
    manifest["inputs"] = _stacked(folder, "in", inputs, zip(*(c[1] for c in cases)))
    manifest["outputs"] = _stacked(folder, "out", outputs, zip(*(c[2] for c in cases)))
    manifest["cases"] = [c[0] for c in cases]
    if layers:
        described, data, offset = [], [], 0
        for case, of in layers:
            tensors = []
            for entry, array in of:
                tensors.append({**entry, "dtype": array.dtype.name, "shape": list(array.shape), "offset": offset})
                data.append(np.ascontiguousarray(array).tobytes())
                offset += len(data[-1])
            described.append({"case": case, "file": LAYERS, "tensors": tensors})
        np.save(folder / LAYERS, np.frombuffer(b"".join(data), np.uint8))
        manifest["layers"] = described if len(described) > 1 else described[0]
    (folder / "manifest.json").write_text(_text(manifest))


class Vectors:
    """The contents of a folder of this format; inputs may be in the folder above."""

    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        self.manifest = json.loads((self.folder / "manifest.json").read_text())
        self.cases = self.manifest["cases"]
        self._ends = {key: [self._load(end["file"]) for end in self.manifest[key]]
                      for key in ("inputs", "outputs")}

    def _load(self, name):
        path = self.folder / name
        return np.load(path if path.exists() else self.folder.parent / name)

    def inputs(self, case):
        return [stack[case] for stack in self._ends["inputs"]]

    def outputs(self, case):
        return [stack[case] for stack in self._ends["outputs"]]

    def require_model(self, content):
        if hashlib.sha256(content).hexdigest() != self.manifest["sha256"]:
            raise SystemExit(f"{self.folder}: not of this {self.manifest['model']}")

    def layers(self):
        """Returns [(id of the case, [(entry, array)])]."""
        if "layers" not in self.manifest:
            return []
        described = listed(self.manifest["layers"])
        data = self._load(described[0]["file"]).tobytes()
        return [(of["case"], [(e, np.frombuffer(data, e["dtype"], int(np.prod(e["shape"])), e["offset"])
                               .reshape(e["shape"])) for e in of["tensors"]]) for of in described]
