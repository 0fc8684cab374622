# SPDX-License-Identifier: Apache-2.0
"""Quantizes float networks: ONNX models, and modules of PyTorch."""
from __future__ import annotations

import os
import pathlib
import subprocess
import sys
import tempfile
import warnings
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from . import _core
from .tool import PROGRAM

if TYPE_CHECKING:
    from . import Config, Program


def _options(options: Mapping[str, Any]) -> list[str]:
    """Returns arguments of the command line: per_tensor=True is --per-tensor, type="uint8" is --type uint8."""
    given: list[str] = []
    for key, value in options.items():
        if value is not False:
            given += [f"--{key.replace('_', '-')}", *([] if value is True else [str(value)])]
    return given


def quantize(model: Any, inputs: np.ndarray | Sequence[np.ndarray], **options: Any) -> bytes:
    """Quantizes a float ONNX model to int8 with ONNX Runtime, as `trine quantize` does.

    model    a file, its bytes, or an onnx.ModelProto
    inputs   examples that give the ranges: float32 [examples, ...], or an array for each input in order
    options  options of the command: type="uint8", method="percentile", per_tensor=True, count=20, ...

    Returns the quantized model's bytes. Requires the packages onnx and onnxruntime.
    """
    from . import _source
    arrays = [inputs] if isinstance(inputs, np.ndarray) else list(inputs)
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        source, result = folder / "float.onnx", folder / "int8.onnx"
        files = [folder / f"{number}.npy" for number in range(len(arrays))]
        source.write_bytes(_source(model, "")[0])
        for file, array in zip(files, arrays):
            np.save(file, array)
        done = subprocess.run([PROGRAM, "quantize", source, "--out", result, "--python", sys.executable,
                               *_options(options), "--inputs", *files],
                              text=True, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        if done.returncode != 0:
            raise _core.Error(done.stderr.strip().replace(f"{folder}{os.sep}", ""))
        return result.read_bytes()


def from_torch(module: Any, example: Any, config: Config | str = "edge256", *,
               calibration: np.ndarray | Sequence[np.ndarray] | None = None, allow_host: bool | Sequence[str] = False,
               **options: Any) -> Program:
    """Exports a module of PyTorch, quantizes it and compiles it.

    module       a torch.nn.Module; it is exported in evaluation mode
    example      its input, a tensor, or a tuple of its inputs; fixes the program's shapes
    config       a Config, a preset, or a TOML file
    calibration  examples that give the ranges, as the inputs of quantize(); if None, the example itself
    allow_host   as in compile()
    options      as in quantize()

    Returns a Program, whose run() takes and returns NumPy arrays. Requires the packages torch, onnxscript, onnx and
    onnxruntime.
    """
    import torch

    from . import compile
    example = example if isinstance(example, tuple) else (example,)
    if calibration is None:
        calibration = [x.detach().cpu().numpy() for x in example]
    training = module.training
    with tempfile.TemporaryDirectory() as name, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        file = pathlib.Path(name) / "float.onnx"
        try:
            torch.onnx.export(module.eval(), example, str(file), dynamo=True, external_data=False, verbose=False)
        finally:
            module.train(training)
        model = quantize(file, calibration, **options)
    return compile(model, config, allow_host=allow_host, name=type(module).__name__)
