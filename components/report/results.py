# SPDX-License-Identifier: Apache-2.0
"""Results folders: the JSON files that the commands wrote, checked and put together by design and model."""
import json
import pathlib
import re

NUMBER = (int, float)
# The keys that a result must have; all others may be missing, and are then shown as not known.
RUN = {
    "model": str,
    "backend": str,
    "cycles": NUMBER,
    "macs": NUMBER,
    "peak_macs_per_cycle": NUMBER,
    "utilization": NUMBER,
    "dram_bytes_read": NUMBER,
    "dram_bytes_written": NUMBER,
    "layers": list
}
REQUIRED = {
    "run": RUN,
    "verify": {
        **RUN, "vectors": int
    },
    "estimate": {
        "model": str,
        "cycles": NUMBER,
        "macs": NUMBER,
        "peak_macs_per_cycle": NUMBER,
        "utilization": NUMBER,
        "layers": list
    },
    "synth": {
        "area_um2": NUMBER,
        "gate_equivalents": NUMBER,
        "modules": list
    },
    "accuracy": {
        "model": str,
        "backend": str,
        "images": int,
        "top1": NUMBER
    },
    "compare": {
        "model": str,
        "against": str,
        "layers": list
    },
    "cpu": {
        "model": str,
        "runtime": str,
        "cpu": str,
        "milliseconds": NUMBER
    },
}
LAYERS = {
    "run": {
        "name": str,
        "op": str,
        "macs": NUMBER,
        "cycles": NUMBER,
        "utilization": NUMBER,
        "bound": str
    },
    "compare": {
        "name": str,
        "op": str
    },
}
LAYERS["verify"] = LAYERS["estimate"] = LAYERS["run"]


class BadInput(Exception):
    """One line for the user."""


def model_of(data):
    """Returns the model's name ("lenet_mnist"), whether the result has the name or the file."""
    name = pathlib.PurePath(data.get("model") or "").name
    return re.sub(r"\.(tflite|onnx|trine)$", "", name)


IDENTITY = ("command", "revision", "model", "design_hash", "backend", "images")


class Result:
    """The result of one command. `name` names the file on the page. The object records which keys are read."""

    def __init__(self, path, name, data):
        self.path, self.name, self.data = path, name, data
        self.read = set(IDENTITY)
        self.command = data["command"]
        self.design = data.get("design_hash")
        self.model = model_of(data)

    def __getitem__(self, key):
        self.read.add(key)
        return self.data[key]

    def get(self, key, otherwise=None):
        self.read.add(key)
        return self.data.get(key, otherwise)

    def read_data(self):
        """Returns the keys that were read, without the actions of layers: all from which a report was computed. Lists of
        objects are columns."""
        data = {key: value for key, value in self.data.items() if key in self.read}
        if "layers" in data:
            data["layers"] = [{k: v for k, v in layer.items() if k != "actions"} for layer in data["layers"]]
        return {key: columns(value) for key, value in data.items()}


def columns(values):
    """Returns a list of objects with the same keys as an object of lists: [{"a": 1}, {"a": 2}] as {"a": [1, 2]}."""
    first = values[0] if isinstance(values, list) and values else None
    if not isinstance(first, dict) or not first or any(not isinstance(v, dict) or v.keys() != first.keys() for v in values):
        return values
    return {key: columns([value[key] for value in values]) for key in first}


def number_at(data, *keys):
    """Returns the number at a path of keys, or 0."""
    for key in keys:
        data = data.get(key) if isinstance(data, dict) else None
    return data if isinstance(data, (int, float)) and not isinstance(data, bool) else 0


class Trace:
    """A trace of `trine run --perfetto`."""

    def __init__(self, name, data):
        self.name, self.design = name, data.get("design_hash")
        self.model = model_of(data["otherData"])
        self.backend, self.cycles = data["otherData"].get("backend"), data["otherData"]["cycles"]

        self.tracks = {}
        for event in data["traceEvents"]:
            if event["ph"] == "X":
                self.tracks.setdefault(event["cat"], []).append(
                    (event["ts"], event["ts"] + event["dur"], event["name"]))


def kind_of(value):
    return {
        dict: "an object",
        list: "a list",
        str: "text",
        bool: "true or false",
        type(None): "null"
    }.get(type(value), "a number")


def check_keys(path, where, data, required, whole):
    """@param whole  the command whose results have the keys"""
    for key, kind in required.items():
        if key not in data:
            raise BadInput(f"{path}: {where}{key}: is missing, but a result of `trine {whole}` contains it")
        if not isinstance(data[key], kind) or isinstance(data[key], bool):
            allowed = {str: "text", list: "a list"}.get(kind, "a number")
            raise BadInput(f"{path}: {where}{key}: is {kind_of(data[key])}, allowed {allowed}")


def check(path, data):
    command = data["command"]
    check_keys(path, "", data, {"revision": str, **REQUIRED[command]}, command)
    if command in ("run", "verify", "estimate"):
        check_keys(path, "", data, {"configuration": dict, "design_hash": str}, command)
        for key in ("cycles", "peak_macs_per_cycle"):
            if data[key] <= 0:
                raise BadInput(f"{path}: {key}: is {data[key]}, allowed more than 0")
    for i, layer in enumerate(data["layers"] if command in LAYERS else []):
        if not isinstance(layer, dict):
            raise BadInput(f"{path}: layers[{i}]: is {kind_of(layer)}, allowed an object")
        check_keys(path, f"layers[{i}].", layer, LAYERS[command], command)


def no_number(text):
    raise ValueError(f"{text} is not a number of JSON")


def read(path):
    try:
        return json.loads(path.read_bytes(), parse_constant=no_number)
    except OSError as error:
        raise BadInput(f"{path}: {error.strerror}") from None
    except (ValueError, RecursionError) as error:
        raise BadInput(f"{path}: is not valid JSON: {error}") from None


class Results:
    """All results of some folders. `others`: names of JSON files that are not results."""

    def __init__(self, folders):
        self.all, self.traces, self.others = [], [], []
        for folder in map(pathlib.Path, folders):
            if not folder.is_dir():
                raise BadInput(f"{folder}: is not a folder")
            prefix = "" if len(folders) == 1 else folder.resolve().name + "/"
            for path in sorted(folder.rglob("*.json")):
                self.add(path, prefix + path.relative_to(folder).as_posix())
        if not self.all:
            raise BadInput(
                f"{', '.join(map(str, folders))}: no results of trine run, verify, estimate, synth, accuracy, compare or "
                "cpu (--json FILE writes them)")
        self.check_revisions()
        self.revision = self.all[0]["revision"]
        self.designs = self.name_designs()

    def add(self, path, name):
        data = read(path)
        if isinstance(data, dict) and "traceEvents" in data:
            try:
                self.traces.append(Trace(name, data))
            except (KeyError, TypeError, AttributeError):
                self.others.append(name)  # somebody else's
        elif isinstance(data, dict) and data.get("command") in REQUIRED:
            check(path, data)
            self.all.append(Result(path, name, data))
        elif isinstance(data, dict) and "configuration_hash" in data and "command" not in data:
            raise BadInput(f"{path}: command: is missing, allowed {', '.join(REQUIRED)}: written by a version before "
                           "that key, make it again")
        else:
            self.others.append(name)

    def check_revisions(self):
        first = self.all[0]
        for other in self.all[1:]:
            if other["revision"] != first["revision"]:
                raise BadInput(
                    f"{other.path}: revision: is {other['revision']}, but {first.path} is of {first['revision']}: "
                    "make one of them again, figures of two versions do not compare")

    def name_designs(self):
        """Returns {hash: name}: the configuration's name, with the keys that differ from the preset or between designs
        of one name."""
        variants = {r.design: r.get("variant") or {} for r in self.all if r.design}
        configurations = {design: self.configuration(design) for design in variants}
        names = {}
        for design, own in configurations.items():
            alike = [c for c in configurations.values() if c.get("name") == own.get("name")]
            differ = [key for key in own if key in variants[design] or any(c.get(key) != own[key] for c in alike)]
            difference = ", ".join(f"{key} = {own[key]}" for key in differ)
            names[design] = f"{own.get('name', design)}" + (f" ({difference})" if difference else "")
        return names

    def configuration(self, design):
        return next(r["configuration"] for r in self.all if r.design == design)

    def of(self, commands, design=None, model=None):
        """Returns the results of these commands in their order, of a design and a model if given."""
        return [
            r for command in commands for r in self.all
            if r.command == command and (design is None or r.design == design) and (model is None or r.model == model)
        ]
