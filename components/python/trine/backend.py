# SPDX-License-Identifier: Apache-2.0
"""Provides Trine as a backend of ONNX: onnx.backend.base.Backend, for tools that require one (needs the package onnx).

    from trine import backend
    y, = backend.run_model(onnx.load("model.onnx"), [x])

Networks run like with trine.compile(allow_host=True) on the architecture simulator. Inputs that contain only scales,
zero points, weights or shapes are constants of the network, as exporters write them: run() compiles again for each
set of their values. A network that is refused because it has no quantizers runs on the host, node by node in float32
(TrineRep.on_host). A network that Trine does not support raises BackendIsNotSupposedToImplementIt with its reason;
is_compatible() reports it before, if the values of inputs do not matter.
"""
from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import onnx
from onnx.backend.base import Backend, BackendRep

import trine
from trine import _core

__all__ = ["TrineBackend", "TrineRep", "Unsupported", "is_compatible", "prepare", "run_model", "run_node", "supports_device"]

_SECOND = {"QLinearMatMul": 3}


class Unsupported(NotImplementedError):
    """A network that Trine does not support, with the reason; a test runner's BackendIsNotSupposedToImplementIt if it
    is installed."""


try:
    from onnx.backend.test.runner import BackendIsNotSupposedToImplementIt

    class _Unsupported(Unsupported, BackendIsNotSupposedToImplementIt):
        pass
except ImportError:  # onnx without its tests
    _Unsupported = Unsupported  # type: ignore[misc]


def _activations(model: onnx.ModelProto) -> set[str]:
    """Returns the names of the inputs that contain activations: the first of each node that reads any."""
    names = [value.name for value in model.graph.input]
    found = {node.input[0] for node in model.graph.node if node.input}
    found |= {node.input[_SECOND[node.op_type]] for node in model.graph.node
              if node.op_type in _SECOND and len(node.input) > _SECOND[node.op_type]}
    return {name for name in names if name in found} or set(names[:1])


class TrineRep(BackendRep):
    """A network that is compiled when the values of its constants are known."""

    def __init__(self, model: onnx.ModelProto, config: str = "edge256", backend: str = "arch"):
        self.model, self.config, self.backend = model, config, backend
        for value in model.graph.input:
            if value.type.WhichOneof("value") != "tensor_type":
                raise _Unsupported(f"input '{value.name}' is not a tensor")
        known = {tensor.name for tensor in model.graph.initializer}
        self.names = [value.name for value in model.graph.input if value.name not in known]
        self.activations = _activations(model) & set(self.names)
        self.on_host = False  # true if the whole last run was on the host
        self._program: Any = None
        if self.activations == set(self.names):
            try:
                self._program = self._compiled(model)
            except Unsupported:
                if not all(_core.evaluates(node.op_type) for node in model.graph.node):
                    raise

    def _compiled(self, model: onnx.ModelProto) -> Any:
        try:
            return trine.compile(model, self.config, allow_host=True)
        except trine.Error as error:
            raise _Unsupported(str(error)) from error

    def run(self, inputs: Any, **kwargs: Any) -> tuple[np.ndarray, ...]:
        if isinstance(inputs, Mapping):
            given = {name: np.asarray(x) for name, x in inputs.items()}
        else:
            given = dict(zip(self.names, map(np.asarray, inputs if isinstance(inputs, Sequence) else [inputs])))
        self.on_host = False
        try:
            program = self._program or self._compiled(self._with_constants(given, self.activations))
        except Unsupported as refused:
            return self._from_host(given, refused)
        try:
            named = program.run({name: given[name] for name in self.names if name in self.activations},
                                backend=self.backend)
        except trine.Error as error:
            raise _Unsupported(str(error)) from error
        return tuple(named[value.name] for value in self.model.graph.output)

    def _from_host(self, given: Mapping[str, np.ndarray], refused: Unsupported) -> tuple[np.ndarray, ...]:
        try:
            parts = _core.evaluate(self._with_constants(given, set()).SerializeToString(), "model.onnx")
        except trine.Error as error:
            raise _Unsupported(f"{refused}; {error}") from error
        self.on_host = True
        return tuple(np.frombuffer(data, np.dtype("?" if code == "b1" else code)).reshape(shape) for code, shape, data in parts)

    def _with_constants(self, given: Mapping[str, np.ndarray], activations: set[str]) -> onnx.ModelProto:
        """@param activations  inputs that stay inputs"""
        model = onnx.ModelProto()
        model.CopyFrom(self.model)
        for value in list(model.graph.input):
            if value.name in given and value.name not in activations:
                model.graph.initializer.append(onnx.numpy_helper.from_array(given[value.name], value.name))
                model.graph.input.remove(value)
        return model


class TrineBackend(Backend):
    @classmethod
    def is_compatible(cls, model: onnx.ModelProto, device: str = "CPU", **kwargs: Any) -> bool:
        """Returns False if Trine refuses the model whatever its inputs are."""
        try:
            cls.prepare(model, device, **kwargs)
        except Unsupported:
            return False
        return True

    @classmethod
    def prepare(cls, model: onnx.ModelProto, device: str = "CPU", **kwargs: Any) -> TrineRep:
        super().prepare(model, device, **kwargs)
        return TrineRep(model, **{key: kwargs[key] for key in ("config", "backend") if key in kwargs})

    @classmethod
    def run_node(cls, node: onnx.NodeProto, inputs: Any, device: str = "CPU", outputs_info: Any = None,
                 **kwargs: Any) -> tuple[np.ndarray, ...]:
        arrays = [np.asarray(x) for x in inputs]
        given = [onnx.helper.make_tensor_value_info(name, onnx.helper.np_dtype_to_tensor_dtype(x.dtype), x.shape)
                 for name, x in zip(node.input, arrays)]
        results = [onnx.helper.make_tensor_value_info(name, onnx.helper.np_dtype_to_tensor_dtype(np.dtype(dtype)), shape)
                   for name, (dtype, shape) in zip(node.output, outputs_info or [])]
        graph = onnx.helper.make_graph([node], "node", given, results or [onnx.ValueInfoProto(name=n) for n in node.output])
        return cls.prepare(onnx.helper.make_model(graph), device, **kwargs).run(arrays)

    @classmethod
    def supports_device(cls, device: str) -> bool:
        return device == "CPU"


is_compatible = TrineBackend.is_compatible
prepare = TrineBackend.prepare
run_model = TrineBackend.run_model
run_node = TrineBackend.run_node
supports_device = TrineBackend.supports_device
