#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Makes the networks of cells/: LSTM, GRU and RNN with int8 weights between quantizers, and ONNX Runtime's outputs.

Install:  pip install onnx==1.19.1 onnxruntime==1.31.1 numpy
Use:      make_cells.py OUT_DIR [NAME...]

Seeded weights; six random inputs each. `components/benchmarks/cycles/speech.py` makes larger ones with network().
"""
import pathlib
import sys

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

sys.path.append(str(pathlib.Path(__file__).resolve().parents[2] / "components" / "zoo"))
import record  # noqa: E402

GATES = {"LSTM": 4, "GRU": 3, "RNN": 1}
OUTPUTS = {"LSTM": 3, "GRU": 2, "RNN": 2}
STATE = 4.0  # the largest cell state that the quantizer of Y_c supports


class Net:
    def __init__(self):
        self.nodes, self.constants, self.inputs, self.outputs = [], [], [], []

    def constant(self, name, array):
        self.constants.append(numpy_helper.from_array(np.asarray(array), name))
        return name

    def input(self, name, shape, scale, zero_point=0):
        self.inputs.append(helper.make_tensor_value_info(name, TensorProto.FLOAT, shape))
        return self.quantized(name, scale, zero_point)

    def quantized(self, name, scale, zero_point=0):
        ends = [self.constant(f"{name}_scale", np.float32(scale)), self.constant(f"{name}_zero", np.int8(zero_point))]
        self.nodes.append(helper.make_node("QuantizeLinear", [name, *ends], [f"{name}_codes"]))
        self.nodes.append(helper.make_node("DequantizeLinear", [f"{name}_codes", *ends], [f"{name}_value"]))
        return f"{name}_value"

    def weights(self, name, w):
        """Adds int8 weights with a scale for each row; for two directions one for all."""
        axis = (0, 2) if w.shape[0] == 1 else (0, 1, 2)
        scale = (np.abs(w).max(axis, keepdims=True) / 127).astype(np.float32)
        codes = self.constant(f"{name}_codes", np.rint(w / scale).astype(np.int8))
        scale = scale.ravel() if w.shape[0] == 1 else scale.reshape(())
        ends = [self.constant(f"{name}_scale", scale), self.constant(f"{name}_zero", np.zeros(scale.shape, np.int8))]
        self.nodes.append(helper.make_node("DequantizeLinear", [codes, *ends], [name],
                                           **({"axis": 1} if scale.ndim else {})))
        return name


def network(kind, steps=12, batch=1, inputs=10, cells=16, direction="forward", before=False, bias=True, relu=False,
            states=False, wanted=("Y",), spread=1.5, seed=0):
    """Builds a network. @param before  GRU: resets h before its product  @param states  h and c are inputs @param
    wanted  the outputs: Y, Y_h, Y_c"""
    rng, net = np.random.default_rng(seed), Net()
    D, rows = 2 if direction == "bidirectional" else 1, GATES[kind] * cells
    x = net.input("x", (steps, batch, inputs), 0.03, 3)
    w = rng.normal(0, spread / np.sqrt(inputs), (D, rows, inputs)).astype(np.float32)
    r = rng.normal(0, (0.3 if relu else 1) * spread / np.sqrt(cells), (D, rows, cells)).astype(np.float32)
    operands = [x, net.weights("W", w), net.weights("R", r), "", "", "", ""]
    if bias:
        operands[3] = net.constant("B", rng.normal(0, 0.5, (D, 2 * rows)).astype(np.float32))
    if states:
        operands[5] = net.input("h", (D, batch, cells), 1 / 128)
        if kind == "LSTM":
            operands[6] = net.input("c", (D, batch, cells), 1 / 64)
    while not operands[-1]:
        operands.pop()
    names = ["Y", "Y_h", "Y_c"][:OUTPUTS[kind]]
    attributes = {"hidden_size": cells, "direction": direction}
    if kind == "GRU":
        attributes["linear_before_reset"] = int(not before)
    if relu:
        attributes["activations"] = ["Relu"] * D
    net.nodes.append(helper.make_node(kind, operands, [n if n in wanted or n == "Y_c" else "" for n in names],
                                      **attributes))
    for name in wanted:
        scale, zero = (0.1, -128) if relu else (STATE / 127, 0) if name == "Y_c" else (1 / 128, 0)
        shape = (steps, D, batch, cells) if name == "Y" else (D, batch, cells)
        net.outputs.append(helper.make_tensor_value_info(net.quantized(name, scale, zero), TensorProto.FLOAT, shape))
    if kind == "LSTM" and "Y_c" not in wanted:
        net.quantized("Y_c", STATE / 127)
        net.nodes.pop()  # its codes are not used
    graph = helper.make_graph(net.nodes, "cells", net.inputs, net.outputs, net.constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(model)
    return model


NETWORKS = {
    "lstm": lambda: network("LSTM"),
    "lstm_both": lambda: network("LSTM", 7, 2, direction="bidirectional", wanted=("Y", "Y_h", "Y_c"), seed=1),
    "lstm_step": lambda: network("LSTM", 1, inputs=6, cells=20, states=True, wanted=("Y_h", "Y_c"), seed=2),
    "gru": lambda: network("GRU", seed=3),
    "gru_before": lambda: network("GRU", 9, 2, before=True, direction="reverse", states=True, wanted=("Y", "Y_h"), seed=4),
    "gru_both": lambda: network("GRU", 6, cells=13, direction="bidirectional", bias=False, wanted=("Y_h",), seed=5),
    "rnn": lambda: network("RNN", 15, seed=6),
    "rnn_relu": lambda: network("RNN", relu=True, direction="bidirectional", wanted=("Y", "Y_h"), seed=7),
}


def main(out, *names):
    for name in names or NETWORKS:
        path = pathlib.Path(out) / f"{name}.onnx"
        onnx.save(NETWORKS[name](), path)
        runtime = record.OnnxRuntime(path.read_bytes())
        cases = record.random_cases(runtime.inputs, 6, 1, (-1, 1) if len(runtime.inputs) > 1 else (-3, 3))
        record.record(path, path.with_suffix(""), cases, layers_of=(), runtime=runtime)


if __name__ == "__main__":
    main(*sys.argv[1:])
