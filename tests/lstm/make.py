#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes the models of this folder, UNIDIRECTIONAL_SEQUENCE_LSTM in int8 and 16x8, and their vectors by
tflite-micro's kernels; of `int8` also by LiteRT's, in a folder of its version.

    make.py ORACLE [NAME...]        ORACLE is oracle.cc, built with tflite-micro (README.md)
"""
import pathlib
import subprocess
import sys
import tempfile

import numpy as np

HERE = pathlib.Path(__file__).resolve().parent
sys.path.append(str(HERE.parents[1] / "components" / "zoo"))
import record  # noqa: E402
from tflite_net import Int8Net  # noqa: E402

MICRO = "90b983c2b3f1480642e040bbd2ddb37b998f3424"  # of github.com/tensorflow/tflite-micro
TANH = 4
FINE = {"x": (0.02 / 256, 0), "h": (1 / 32768, 0)}  # of int16

# name, batches, steps, inputs, cells, log2 of the cell's scale, and arguments of lstm() that differ from the
# defaults.
BOTH = (("one", 1, 1, 1, 1, -11, {}),
        ("batches", 2, 7, 5, 6, -12, {"h": (0.0073, -4)}),
        ("time_major", 3, 4, 4, 5, -15, {"major": True, "x": (0.004, -128)}),
        ("long", 1, 40, 3, 7, -11, {"x": (0.03, 17), "h": (0.0078, 0)}),
        ("clipped", 2, 12, 4, 3, -10, {"clip": 0.7, "forget": 4}),
        ("clip_is_state", 1, 12, 2, 3, -14, {"clip": 1.9, "forget": 6}),
        ("saturated", 2, 9, 6, 5, -12, {"spread": 12, "h": (0.006, 90)}),
        ("outputs_clamped", 1, 9, 4, 4, -13, {"h": (0.003, 20)}),
        ("quiet", 2, 20, 6, 7, -15, {"spread": 0.2, "h": (0.0012, 5)}))  # products of scales below 1/2: two roundings
ALONE = (("clip_below_a_code", 1, 3, 2, 3, -11, {"clip": 1e-5}),
         ("no_intermediates", 1, 5, 3, 3, -12, {"intermediates": 0}),
         ("hidden_of_input_18", 1, 9, 3, 4, -12, {"hidden": (1 / 100, 9)}),
         *((f"cell_{-log2}", 1, 9, 3, 4, log2, {"forget": 5}) for log2 in (-20, -17, -16, -9, -8, -4, 0)))


def lstm(m, name, x, cells, log2, major=False, clip=0.0, spread=2.0, h=(1 / 128, 3), forget=1.0, intermediates=5,
         hidden=None):
    """@param spread  deviation of the gates' sums
    @param forget  mean of the forget gate's bias
    @param hidden  quantization of the last intermediate tensor, if it is not `h`
    """
    batch, steps, n = m.shapes[x] if not major else [m.shapes[x][i] for i in (1, 0, 2)]
    finer, biases = (256, "i8") if m.type == "i2" else (1, "i4")

    def matrix(shape, typical):
        scale = m.rng.uniform(0.6, 1.4) * spread / (typical * 45 * np.sqrt(shape[1]))
        codes = np.clip(np.rint(m.rng.normal(0, 45, shape)), -127, 127)
        return m.tensor(shape, scale, 0, "i1", data=codes), np.float32(scale)

    of_x = [matrix((cells, n), 70 * finer * m.q[x][0]) for _ in range(4)]
    of_h = [matrix((cells, cells), 0.4) for _ in range(4)]
    bias = []
    for i, (_, scale) in enumerate(of_x):
        unit = scale * np.float32(m.q[x][0])
        codes = np.rint(m.rng.normal(forget if i == 1 else 0, min(1, spread), cells) / unit)
        bias.append(m.tensor((cells,), unit, 0, biases, codes))
    states = [m.tensor((batch, cells), *h, variable=True),
              m.tensor((batch, cells), 2.0 ** log2, 0, "i2", variable=True)]
    inputs = [x, *(t for t, _ in of_x + of_h), -1, -1, -1, *bias, -1, -1, *states, -1, -1, -1, -1]
    y = m.op("UNIDIRECTIONAL_SEQUENCE_LSTM", inputs, (*m.shapes[x][:2], cells),
             {0: ("b", TANH), 1: ("f", clip), 3: ("?", major)}, fixed=h)
    if intermediates:
        m.ops[-1][8] = ["i", *(m.tensor((0,), 2.0 ** -12, 0, "i2") for _ in range(4)), m.tensor((0,), *(hidden or h))]
    return m.named(y, name) if name else y


def each(m, rows, usual):
    for name, batch, steps, n, cells, log2, more in rows:
        more = {**more, **usual} if usual else more
        q = more.pop("x") if "x" in more else (0.02, int(m.rng.integers(-60, 60)))
        x = m.activation((steps, batch, n) if more.get("major") else (batch, steps, n), fixed=q)
        m.inputs.append(x)
        lstm(m, name, x, cells, log2, **more)


def int8(m):
    each(m, BOTH, {})


def int8_micro(m):
    """Writes cells that LiteRT's kernel does not support."""
    each(m, ALONE, {})


def int16(m):
    m.type = "i2"
    each(m, [(name, b, t, n, cells, log2, {k: v for k, v in more.items() if k not in ("x", "h", "hidden")})
             for name, b, t, n, cells, log2, more in BOTH + ALONE[:2] + ALONE[3:]], FINE)


def two_roundings(m):
    """Uses a seed with products that distinguish two roundings from one, as one in 2^15 does."""
    m.type = "i2"
    each(m, [("rounded", 1, 40, 2, 24, -14, {"forget": 3})], FINE)


def network(m):
    """Builds two layers in int8, and classes from the second's last steps, which the machine computes."""
    x = m.input((1, 6, 9))
    y = lstm(m, "", x, 8, -12, h=(0.0077, 0))
    y = lstm(m, "", y, 5, -11, h=(0.0074, -4), forget=2)
    return m.named(m.dense(m.op("RESHAPE", [y, m.constant([1, 30])], (1, 30), {}, like=y), 4), "classes")


def network16(m):
    """Builds a layer in 16x8, then int8."""
    m.type = "i2"
    x = m.activation((1, 6, 9), fixed=FINE["x"])
    m.inputs.append(x)
    y = lstm(m, "", x, 8, -12, h=FINE["h"])
    m.type, m.bias_type = "i1", "i4"
    y = m.op("QUANTIZE", [y], m.shapes[y], fixed=(1 / 128, 0))
    return m.named(m.dense(m.op("RESHAPE", [y, m.constant([1, 48])], (1, 48), {}, like=y), 4), "classes")


KINDS = {f.__name__: f for f in (int8, int8_micro, int16, two_roundings, network, network16)}


class Micro:
    """Runs a model on tflite-micro: lists of arrays as inputs and outputs, in the model's order."""

    def __init__(self, oracle, path, m):
        self.oracle, self.path = oracle, path
        self.inputs, self.outputs = ([self._end(m, t) for t in ends] for ends in (m.inputs, m.outputs))

    @staticmethod
    def _end(m, t):
        dtype = {7: "int16", 9: "int8"}[m.tensors[t][1][1]]
        return {"tensor": t, "name": m.tensors[t][3], "dtype": dtype, "shape": list(m.shapes[t]),
                "scale": [float(np.float32(m.q[t][0]))], "zero_point": [m.q[t][1]]}

    def __call__(self, arrays):
        with tempfile.TemporaryDirectory() as folder:
            files = [str(pathlib.Path(folder) / name) for name in ("in", "out")]
            pathlib.Path(files[0]).write_bytes(b"".join(a.tobytes() for a in arrays))
            subprocess.run([self.oracle, str(self.path), *files], check=True)
            data, results = pathlib.Path(files[1]).read_bytes(), []
        for end in self.outputs:
            a = np.frombuffer(data, end["dtype"], int(np.prod(end["shape"])))
            data = data[a.nbytes:]
            results.append(a.reshape(end["shape"]))
        assert not data
        return results

    def reference(self):
        return {"package": "tflite-micro", "version": MICRO[:10]}

    def others(self):
        return {}


def cases(inputs):
    """Yields random codes; and the smallest and the largest in long runs, which open and close gates for long."""
    rng = np.random.default_rng(1)
    for name in ("uniform", "uniform2", "turns"):
        arrays = []
        for end in inputs:
            low, high = (int(v) for v in (np.iinfo(end["dtype"]).min, np.iinfo(end["dtype"]).max))
            a = rng.integers(low, high, end["shape"], endpoint=True)
            if name == "turns":
                a = np.where(rng.random(end["shape"]) < 0.1, a, np.where(rng.random(end["shape"][-1]) < 0.5, low, high))
            arrays.append(a.astype(end["dtype"]))
        yield {"id": name, "how": f"{name}, numpy default_rng(1)"}, arrays


def main():
    oracle, *names = sys.argv[1:]
    for name in names or KINDS:
        m = Int8Net(f"lstm {name}")
        KINDS[name](m)
        path = HERE / f"{name}.tflite"
        path.write_bytes(m.to_bytes())
        run = Micro(oracle, path, m)
        entries = record.record(path, HERE / name, cases(run.inputs), False, run)
        if name == "int8":
            litert = record.LiteRt(path.read_bytes())
            version = litert.reference()["version"]
            record.record(path, HERE / name / f"litert-{version}", cases(run.inputs), False, litert)
        print(f"{name}: {path.stat().st_size} bytes, {len(m.outputs)} outputs, {len(entries)} cases")


if __name__ == "__main__":
    main()
