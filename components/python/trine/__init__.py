# SPDX-License-Identifier: Apache-2.0
"""Runs quantized networks on generated accelerators from Python, with NumPy arrays as inputs and outputs.

    import trine
    config = trine.Config("edge256")
    program = trine.compile("model.onnx", config)
    y = program.run(x)                      # bit-exact codes, on the architecture simulator
    y = program.run(x, backend="rtl")       # the same on the SystemVerilog, by Verilator
    program.layers.cycles                   # an array, one entry a layer

Input that the command line would refuse raises trine.Error with the same message. See docs/python.md.
"""
from __future__ import annotations

import dataclasses
import json
import os
import pathlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Union

import numpy as np

from . import _core
from .floats import from_torch, quantize

root = pathlib.Path(__file__).resolve().parent / "share" / "trine"
_core.set_root(str(root))

delegate = str(pathlib.Path(__file__).resolve().parent / "libtrine_delegate.so")
"""The external delegate, for LiteRT's load_delegate()."""
provider = str(pathlib.Path(__file__).resolve().parent / "libtrine_ort.so")
"""The execution provider, for ONNX Runtime's register_execution_provider_library()."""

__version__: str = _core.version
Error = _core.Error

__all__ = ["Config", "Ending", "Error", "Image", "Mismatch", "Program", "Report", "Tensor", "compile", "delegate", "estimate",
           "from_torch", "generate", "load", "presets", "provider", "quantize", "random_program", "root", "synth", "verify"]

Model = Union[str, "os.PathLike[str]", bytes, Any]
Shapes = Mapping[str, Union[int, Sequence[int]]]
"""A file, its bytes, or what has SerializeToString(): an onnx.ModelProto."""
Arrays = Union[np.ndarray, Mapping[str, np.ndarray], Sequence[np.ndarray]]


class Mismatch(Error):
    """A result is wrong: raised by verify(). `report` contains its findings."""

    report: Report


class Report(dict[str, Any]):
    """The keys of the command's --json; prints like the command."""

    def __init__(self, data: Mapping[str, Any], text: str = ""):
        super().__init__(data)
        self.text = text

    def __str__(self) -> str:
        return self.text or super().__str__()


def _toml(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _settings(changes: Mapping[str, Any], prefix: str = "") -> list[str]:
    """Returns "array.rows=16" for {"array": {"rows": 16}} and for {"array.rows": 16}."""
    found = []
    for key, value in changes.items():
        if isinstance(value, Mapping):
            found += _settings(value, f"{prefix}{key}.")
        else:
            found.append(f"{prefix}{key}={_toml(value)}")
    return found


class Config(Mapping[str, Any]):
    """A configuration of the machine: every key of docs/configuration.md with its value.

    name      a preset ("edge256", see presets()) or a TOML file
    settings  keys to change: {"array.rows": 16}
    changes   the same as keywords: array={"rows": 16}, name="tall"

    >>> trine.Config("edge64", array={"rows": 4})["array.rows"]
    4
    """

    def __init__(self, name: str | os.PathLike[str], settings: Mapping[str, Any] | None = None, /,
                 **changes: Any):
        self._core = _core.Config(os.fspath(name), _settings({**(settings or {}), **changes}))
        self._keys: dict[str, Any] = json.loads(self._core.keys())

    @property
    def hash(self) -> int:
        """Returns a hash of all keys that a program depends on: a program runs on designs with the same hash."""
        return self._core.hash()

    @property
    def identity(self) -> int:
        """Returns a hash of all keys but the name: results of designs with the same identity compare. `design_hash`
        of results."""
        return self._core.identity()

    def __getitem__(self, key: str) -> Any:
        return self._keys[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._keys)

    def __len__(self) -> int:
        return len(self._keys)

    def __hash__(self) -> int:
        return self.hash

    def __repr__(self) -> str:
        return f"<trine.Config {self['name']!r}: {self['array.rows']} x {self['array.cols']} PEs>"


def presets() -> list[str]:
    """Returns the names of the shipped configurations."""
    return _core.presets()


def _config(config: Config | str | os.PathLike[str]) -> Any:
    return (config if isinstance(config, Config) else Config(config))._core


def _source(model: Model, name: str) -> tuple[bytes, str]:
    """Returns a model's bytes, and its name in messages."""
    if isinstance(model, (bytes, bytearray, memoryview)):
        return bytes(model), name or "model"
    if hasattr(model, "SerializeToString"):
        return model.SerializeToString(), name or "model"
    path = os.fsencode(model)
    return _core.read_file(path), name or path.decode(errors="replace")


def _shapes(given: Shapes | None) -> list[str]:
    """Returns shapes in the form of --shape."""
    return [f"{name}={','.join(str(int(n)) for n in (extents if isinstance(extents, Iterable) else (extents,)))}"
            for name, extents in (given or {}).items()]


def _host(allowed: bool | Iterable[str]) -> tuple[bool, list[str]]:
    """Returns whether the host may run operators, and the types that it has to run."""
    if isinstance(allowed, bool):
        return allowed, []
    return True, [allowed] if isinstance(allowed, str) else list(allowed)


_Parts = tuple[str, list[int], bytes]


def _parts(array: np.ndarray) -> _Parts:
    array = np.asarray(array)
    return array.dtype.str.lstrip("<>|="), list(array.shape), np.ascontiguousarray(array).astype(
        array.dtype.newbyteorder("<"), copy=False).tobytes()


def _array(parts: tuple[str, list[int], bytearray]) -> np.ndarray:
    code, shape, data = parts
    return np.frombuffer(data, np.dtype(f"<{code}")).reshape(shape)


class Tensor:
    """An input or output of a model: `name`, `dtype`, `shape`; an int8 code has the value scale * (code -
    zero_point)."""

    def __init__(self, entry: Mapping[str, Any]):
        self.name: str = entry["name"]
        self.dtype = np.dtype(f"<{entry['dtype']}")
        self.shape: tuple[int, ...] = tuple(entry["shape"])
        self.scale: float = entry["scale"]
        self.zero_point: int = entry["zero_point"]

    def quantize(self, values: np.ndarray) -> np.ndarray:
        """Returns codes of real values: float [...] -> `dtype` [...]; values are unchanged if the tensor contains
        floats."""
        if not self.scale or self.dtype.kind == "f":
            return np.asarray(values, self.dtype)
        limits = np.iinfo(self.dtype)
        codes = np.rint(np.asarray(values, np.float32) / np.float32(self.scale)) + self.zero_point
        return np.asarray(np.clip(codes, limits.min, limits.max), self.dtype)

    def dequantize(self, codes: np.ndarray) -> np.ndarray:
        """Returns real values of codes: `dtype` [...] -> float32 [...]."""
        if not self.scale or self.dtype.kind == "f":
            return np.asarray(codes, np.float32)
        return (np.asarray(codes, np.float32) - np.float32(self.zero_point)) * np.float32(self.scale)

    def __repr__(self) -> str:
        return f"<trine.Tensor {self.name!r}: {self.dtype} {list(self.shape)}>"


def _uniquely_named(entries: Sequence[Mapping[str, Any]], others: Sequence[Tensor] = ()) -> tuple[Tensor, ...]:
    """Returns the tensors; of equal names all but the first get a number: "x", "x#2"."""
    taken, tensors = {t.name for t in others}, []
    for tensor in map(Tensor, entries):
        name, count = tensor.name, 1
        while tensor.name in taken:
            count += 1
            tensor.name = f"{name}#{count}"
        taken.add(tensor.name)
        tensors.append(tensor)
    return tuple(tensors)


_PLACED = {"name": object, "op": object, "macs": np.int64, "placement": object}
_TIMED = {"cycles": np.int64, "utilization": np.float64, "bound": object}


def _records(rows: Sequence[Mapping[str, Any]], columns: Mapping[str, Any]) -> np.recarray:
    """Returns an array for each column: table.cycles, table["name"], table[0]; pandas.DataFrame(table) works."""
    table = np.zeros(len(rows), np.dtype(list(columns.items()))).view(np.recarray)
    for i, row in enumerate(rows):
        table[i] = tuple(row[c] for c in columns)
    return table


class Program:
    """A compiled model, made by compile() or load().

    name     of the model
    macs     int, multiply-accumulates of one inference on the machine
    inputs   tuple of Tensor, in the model's order
    outputs  tuple of Tensor, in the model's order
    host     list of dict: operators that run on the host, each with its `share` of all MACs

    After run(), there are also `layers`, `counters`, `report`, `tensors`.
    """

    def __init__(self, core: _core.Program, config: Config):
        self._core = core
        about = json.loads(core.description())
        self.config = config
        self.name: str = about["name"]
        self.macs: int = about["macs"]
        self.host: list[dict[str, Any]] = about["host"]
        self.inputs = _uniquely_named(about["inputs"])
        self.outputs = _uniquely_named(about["outputs"][:len(about["outputs"]) - about["kept"]])
        self._results = (*self.outputs, *_uniquely_named(about["outputs"][len(self.outputs):], (*self.inputs, *self.outputs)))
        self.tensors: dict[str, np.ndarray] = {}
        self.report = Report({})
        self._layers = about["layers"]
        self.layers = _records(self._layers, _PLACED)
        self.counters = _records([], {"cycles": np.int64})

    def run(self, *inputs: np.ndarray | Mapping[str, np.ndarray], backend: str = "arch", axi_latency: int = 32,
            axi_bytes_per_cycle: int = 0, lockstep: bool = False, trace: str | os.PathLike[str] = "") -> Any:
        """Runs the network: inputs and outputs have the model's dtypes and shapes (`inputs`, `outputs`).

        inputs   an array for each input, in order, or one dict by names; with K times the model's own batch along
                 axis 0 for K inferences, one after the other
        backend  "arch": the architecture simulator; "rtl": the SystemVerilog in Verilator (the first run of a
                 configuration builds it, a minute); "netlist": Yosys' netlist; "golden": only the golden layers
        axi_latency, axi_bytes_per_cycle   of the memory, in cycles; 0 bytes: the bus width
        lockstep  compares every memory write of the RTL with the architecture simulator
        trace     waveforms of the RTL, F.fst

        Returns a dict for a dict, one array for one output, else a tuple; K batches along axis 0.
        """
        given = inputs[0] if len(inputs) == 1 else None
        named = isinstance(given, Mapping)
        arrays = self._ordered(given if isinstance(given, Mapping) else list(map(np.asarray, inputs)), self.inputs, "input")
        vectors = self._split(arrays, self.inputs)
        if backend == "golden":
            results = [self._core.golden(v) for v in vectors]
        else:
            results = self._simulate(vectors, _backend(backend, axi_latency, axi_bytes_per_cycle, lockstep, trace))
        columns = [_joined([_array(row[i]) for row in results]) for i in range(len(self._results))]
        self.tensors = {t.name: a for t, a in zip((*self.inputs, *self._results), (*arrays, *columns))}
        outputs = columns[:len(self.outputs)]
        if named:
            return {t.name: a for t, a in zip(self.outputs, outputs)}
        return outputs[0] if len(outputs) == 1 else tuple(outputs)

    def _simulate(self, vectors: list[Any], backend: Any) -> Any:
        results, report, counters, text = self._core.run(vectors, backend)
        self.report = Report(json.loads(report), text)
        rows = json.loads(counters)
        self.counters = _records(rows, {name: np.int64 for name in rows[0]})
        layers = [{**a, **b, **b["causes"]} for a, b in zip(self._layers, self.report["layers"])]
        causes = {name: np.int64 for name in self.report["causes"]}
        self.layers = _records(layers, {**_PLACED, **_TIMED, **causes})
        return results

    def _ordered(self, given: Arrays, tensors: Sequence[Tensor], what: str) -> list[np.ndarray]:
        """Returns arrays in the order of `tensors`."""
        if isinstance(given, np.ndarray):
            return [given]
        if not isinstance(given, Mapping):
            return [np.asarray(a) for a in given]
        names = [t.name for t in tensors]
        if set(given) != set(names):
            raise Error(f"run: {what}s {', '.join(map(str, given))}, {self.name} has {', '.join(names)}")
        return [np.asarray(given[name]) for name in names]

    def _split(self, arrays: Sequence[np.ndarray], tensors: Sequence[Tensor]) -> list[list[_Parts]]:
        """Returns the arrays of each inference; the extension checks arrays that do not fit."""
        counts = [_batches(a, t) for a, t in zip(arrays, tensors)] or [1]
        if len(set(counts)) > 1:
            raise Error(f"run: arrays of {', '.join(map(str, counts))} batches, allowed the same number")
        parts = [np.split(a, counts[0]) if counts[0] > 1 else [a] for a in arrays]
        return [[_parts(p[k]) for p in parts] for k in range(counts[0])]

    def verify(self, inputs: Arrays, outputs: Arrays, backend: str = "arch", tolerance: int = 0, **more: Any) -> Report:
        """Verifies this program like trine.verify(): arrays as run() accepts and returns them.

        With keep_tensors, the codes of all operators are compared with those of the golden layers, too.
        """
        given = self._ordered(inputs, self.inputs, "input")
        vectors = self._split([*given, *self._ordered(outputs, self.outputs, "output")], [*self.inputs, *self.outputs])
        cases = [(v[:len(given)], v[len(given):] + self._golden_kept(v[:len(given)])) for v in vectors]
        return _verified(self._core.verify(cases, _backend(backend, **more), tolerance), "vectors")

    def _golden_kept(self, inputs: list[_Parts]) -> list[_Parts]:
        own = len(self.outputs)
        return [(c, s, bytes(d)) for c, s, d in self._core.golden(inputs)[own:]] if len(self._results) > own else []

    def image(self, *inputs: np.ndarray) -> Image:
        """Returns the memory that a machine needs for one inference, for a bench of your own."""
        arrays = self._ordered(list(map(np.asarray, inputs)), self.inputs, "input")
        return Image(self.config, *self._core.image([_parts(a) for a in arrays]))

    def outputs_in(self, memory: bytes) -> tuple[np.ndarray, ...]:
        """Returns the outputs, in the model's order, from the memory after a run of image()."""
        return tuple(map(_array, self._core.outputs_in(bytes(memory))))

    def save(self, file: str | os.PathLike[str]) -> None:
        """Writes a program file, which the command line runs, too: docs/program-file.md."""
        _core.write_file(os.fspath(file), self._core.serialized())

    def disassembly(self) -> str:
        """Returns the instructions, one per line."""
        return self._core.disassembly()

    def __repr__(self) -> str:
        return f"<trine.Program {self.name!r}: {len(self.layers)} layers, {self.macs:,} MACs>"


@dataclasses.dataclass(frozen=True)
class Ending:
    """The end of a program on the architecture simulator.

    memory   after the program
    cause    code of ERROR_CAUSE, 0: done
    refused  the machine would do something undefined, which text describes
    word     at which it stopped; cycles, bytes_read, bytes_written: predicted, for executed words
    causes   cycles of each cause, as in the registers CAUSE; busy: of each engine; both predicted
    """
    memory: bytes
    cause: int
    refused: bool
    text: str
    word: int
    cycles: int
    bytes_read: int
    bytes_written: int
    causes: list[int]
    busy: list[int]


@dataclasses.dataclass(frozen=True)
class Image:
    """Words of a program and its initial memory: BASE points to `memory`, PROGRAM to `words`, which follow it
    directly."""
    config: Config
    memory: bytes
    words: bytes

    def run(self, cycles_limit: int = 0) -> Ending:
        """Runs on the architecture simulator. Returns the memory that a machine must leave, and the cause if it
        stops."""
        memory, ending = _core.execute(self.config._core, self.memory, self.words, cycles_limit)
        return Ending(memory, **json.loads(ending))

    def malformed(self, n: int) -> Image:
        """Returns the n-th malformed program made from this one: with changed words, or random ones."""
        return dataclasses.replace(self, words=_core.malformed_words(self.config._core, self.words, n))


def random_program(config: Config, seed: int, instructions: int = 30) -> Image:
    """Returns random instructions of all four engines, for a bench of your own; the same seed gives the same program.

    It loads all memories, runs `instructions`, stores DMEM. With even seeds, RUNs follow each other; with odd ones
    they overlap.
    """
    return Image(config, *_core.random_program(config._core, seed, instructions))


def _batches(array: np.ndarray, tensor: Tensor) -> int:
    """Returns how many times `array` contains `tensor` along axis 0; 1 if it does not fit at all."""
    own = tensor.shape[0] if tensor.shape else 0
    if array.ndim != len(tensor.shape) or own == 0 or array.shape[1:] != tensor.shape[1:] or array.shape[0] % own:
        return 1
    return max(int(array.shape[0]) // own, 1)


def _joined(arrays: list[np.ndarray]) -> np.ndarray:
    if len(arrays) == 1:
        return arrays[0]
    return np.concatenate(arrays) if arrays[0].ndim else np.stack(arrays)


def _backend(backend: str = "arch", axi_latency: int = 32, axi_bytes_per_cycle: int = 0, lockstep: bool = False,
             trace: str | os.PathLike[str] = "") -> Any:
    arguments = [f"--backend={backend}", f"--axi-latency={axi_latency}"]
    arguments += [f"--axi-bytes-per-cycle={axi_bytes_per_cycle}"] if axi_bytes_per_cycle else []
    arguments += [f"--trace={os.fspath(trace)}"] if trace else []
    return _core.Backend(arguments + (["--lockstep"] if lockstep else []))


def _verified(found: tuple[str, str, list[str]], name: str) -> Report:
    data, text, faults = found
    report = Report(json.loads(data), text)
    if faults:
        mismatch = Mismatch("\n".join(f"{name}: {fault}" for fault in faults))
        mismatch.report = report
        raise mismatch
    return report


def compile(model: Model, config: Config | str | os.PathLike[str], *, rounding: str = "auto", lstm: str = "auto",
            allow_host: bool | Iterable[str] = False, keep_tensors: bool = False, shape: Shapes | None = None,
            name: str = "") -> Program:
    """Compiles a quantized TFLite or ONNX model for a configuration.

    model         a file, its bytes, or an onnx.ModelProto
    config        a Config, or an argument for it
    rounding      "double" ("auto"): TFLite's two roundings; "single": one
    lstm          "micro" ("auto"): tflite-micro's UNIDIRECTIONAL_SEQUENCE_LSTM; "litert": LiteRT's
    allow_host    operators that the design does not support run on the host (`host` lists them) instead of being refused;
                  types of ONNX operators, such as ["Resize"]: these run there in float32 even if the machine could
    keep_tensors  run() stores the codes of all operators in `tensors`: optimizations that would hide one are off, so
                  there are more cycles; the codes are the same
    shape         extents that an ONNX file leaves open: {"height": 224} by a dimension's name, {"x": (1, 3, 224, 224)} by
                  an input's
    name          the name in messages, for a model that is not a file
    """
    if not isinstance(config, Config):
        config = Config(config)
    return Program(_core.compile(*_source(model, name), config._core, rounding, lstm, *_host(allow_host), keep_tensors,
                                 _shapes(shape)), config)


def load(file: str | os.PathLike[str], config: Config | str | os.PathLike[str]) -> Program:
    """Loads a program that save() or `trine compile --out` wrote; it contains no model to verify against."""
    return compile(file, config)


def generate(config: Config | str | os.PathLike[str], out: str | os.PathLike[str], prefix: str = "",
             kit: str | os.PathLike[str] = "") -> Report:
    """Writes a design into the folder `out`: SystemVerilog, file lists, C headers, register map.

    prefix  for each name of a module, a file and a C symbol
    kit     folder for the verification kit: docs/verification-kit.md

    Returns `top` (the module), `pes`, `peak_macs_per_cycle`, `dmem_banks`, `pmem_rows`, `out`.
    """
    return Report(json.loads(_core.generate(_config(config), os.fspath(out), prefix, os.fspath(kit))))


def estimate(model: Model = None, config: Config | str | os.PathLike[str] = "edge256", *, rounding: str = "auto",
             table: str = "", tokens: int = 128, context: int = 0, shape: Shapes | None = None,
             name: str = "") -> Report:
    """Predicts the cycles of a network without running it: the times of its program, without its data.

    model  as in compile(); or instead table: "gpt-2", "llama-2-7b" or another of `trine estimate --help` with `tokens`
           that are processed together, each attending to `context` (0: all of them)
    shape  as in compile()

    Returns the keys of run() for a model; for a table `cycles`, `macs`, `utilization`, `parameters`, `weight_bytes`,
    `layers`.
    """
    if (model is None) == (not table):
        raise Error("trine estimate: MODEL or --table is required, and not both")
    if table:
        return Report(json.loads(_core.estimate_table(table, tokens, context, _config(config))))
    return Report(json.loads(_core.estimate(*_source(model, name), _config(config), rounding, _shapes(shape))))


def synth(config: Config | str | os.PathLike[str], *, target: str = "asic", liberty: str | os.PathLike[str] = "",
          macros: str | os.PathLike[str] = "", netlist: str | os.PathLike[str] = "", timing: bool = True,
          wire_load: str = "zero", jobs: int = 2) -> Report:
    """Synthesizes a design: area with Yosys, and longest paths with OpenSTA. Takes minutes.

    target   "asic", "ice40", "ecp5"
    liberty  cell library, .lib or .lib.gz ("": IHP sg13g2, which is part of Trine)
    macros   folder with Liberty files of memories
    netlist  folder for the measured netlist

    Returns `cells`, `area_um2`, `gate_equivalents`, `sram_bits`, `modules`, ...
    """
    files = os.fspath(liberty), os.fspath(macros), os.fspath(netlist)
    data, text = _core.synthesize(_config(config), target, *files, timing, wire_load, jobs)
    return Report(json.loads(data), text)


def verify(model: Model, config: Config | str | os.PathLike[str], vectors: Any, *, backend: str = "arch",
           rounding: str = "auto", lstm: str = "auto", allow_host: bool | Iterable[str] = False, tolerance: int = 0,
           shape: Shapes | None = None, name: str = "", **more: Any) -> Report:
    """Runs recorded vectors on the machine.

    vectors    a folder (docs/vectors.md), or (inputs, outputs): arrays as Program.run() accepts and returns them
    backend    and `more`, as in Program.run()
    tolerance  codes by which an output may differ
    shape      as in compile()

    Returns `vectors`, `vectors_exact`, `cycles`, `layers`, `codes`, `codes_differ`, ...
    Raises Mismatch if an output differs by more, with this dict as its `report`.
    """
    if isinstance(vectors, tuple):
        program = compile(model, config, rounding=rounding, lstm=lstm, allow_host=allow_host, shape=shape, name=name)
        inputs, outputs = vectors
        return program.verify(inputs, outputs, backend=backend, tolerance=tolerance, **more)
    folder = os.fspath(vectors)
    return _verified(_core.verify(*_source(model, name), _config(config), folder, _backend(backend, **more), rounding,
                                  lstm, *_host(allow_host), tolerance, _shapes(shape)), folder)
