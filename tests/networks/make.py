#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes the small networks of this folder, an architecture each, with seeded random weights, and their vectors by LiteRT.

    make.py [NAME...]            LiteRT 1.2.0
    make.py --version-of NAME    with another LiteRT: NAME/litert-VERSION, outputs and layers only
"""
import importlib.metadata
import pathlib
import sys

import numpy as np

HERE = pathlib.Path(__file__).resolve().parent
sys.path.append(str(HERE.parents[1] / "components" / "zoo"))
import golden  # noqa: E402
import record  # noqa: E402
import vectors  # noqa: E402
from tflite_net import SAME, VALID, Int8Net  # noqa: E402

RELU, RELU6 = 1, 3
GATE, STATE = (1 / 256, -128), (1 / 128, 0)


def classes(m, x, count):
    return m.softmax(m.fc(m.reshape(x, (1, m.shapes[x][-1])), count, fixed=(0.06, 5)))


def resnet8(m):
    """Builds the shapes of MLPerf Tiny's ResNet-8: 12.5 M MACs."""
    x = m.conv(m.input((1, 32, 32, 3)), 16, 3, activation=RELU)
    for channels, stride in ((16, 1), (32, 2), (64, 2)):
        y = m.conv(m.conv(x, channels, 3, stride, activation=RELU), channels, 3)
        if stride > 1:
            x = m.conv(x, channels, 1, stride)
        x = m.binary("ADD", x, y, RELU)
    return classes(m, m.area("AVERAGE_POOL_2D", x, 8, 8), 10)


def residual(m):
    """Builds one block, with the sum after its convolution."""
    x = m.conv(m.input((1, 16, 16, 1)), 12, 3, 2, activation=RELU)
    y = m.conv(m.conv(x, 12, 3, activation=RELU), 12, 3)
    x = m.conv(m.binary("ADD", x, y, RELU), 16, 3, 2, activation=RELU)
    return m.softmax(m.fc(m.reshape(x, (1, 256)), 10, fixed=(0.06, 5)))


def unpadded(m):
    """Builds convolutions without padding and a global mean."""
    x = m.input((1, 20, 18, 1))
    for channels, stride in ((8, 2), (12, 1), (16, 2)):
        x = m.conv(x, channels, 3, stride, VALID, RELU)
    return m.softmax(m.fc(m.mean(x, [1, 2], False), 10, fixed=(0.06, 5)))


def ds_cnn(m):
    """Builds depthwise separable blocks on a spectrogram, with a pooling window of the whole map."""
    x = m.conv(m.input((1, 33, 10, 1)), 24, (10, 4), 2, activation=RELU)
    for _ in range(3):
        x = m.conv(m.dw(x, 3, activation=RELU), 24, 1, activation=RELU)
    return classes(m, m.area("AVERAGE_POOL_2D", x, m.shapes[x][1:3], m.shapes[x][1]), 12)


def mobilenet(m):
    """Builds MobileNetV1's first nine layers at a quarter of its width, 48x48."""
    x = m.conv(m.input((1, 48, 48, 3)), 8, 3, 2, activation=RELU6)
    for channels, stride in ((16, 1), (32, 2), (32, 1), (64, 2), (64, 1), (96, 2)):
        x = m.conv(m.dw(x, 3, stride, activation=RELU6), channels, 1, activation=RELU6)
    return classes(m, m.area("AVERAGE_POOL_2D", x, 3, 3), 2)


def mobilenet_uint8(m):
    """Builds the old quantization scheme: uint8, a scale for each tensor, zero points of weights."""
    x = m.conv(m.input((1, 24, 24, 3)), 8, 3, 2, activation=RELU6)
    for channels, stride in ((16, 1), (24, 2), (32, 1)):
        x = m.conv(m.dw(x, 3, stride, activation=RELU6), channels, 1, activation=RELU6)
    x = m.area("AVERAGE_POOL_2D", x, 6, 6)
    return m.softmax(m.reshape(m.conv(x, 11, 1, fixed=(0.06, 120)), (1, 11)))


def streaming(m):
    """Builds 1-D separable convolutions on a moving window of time."""
    x = m.dw(m.input((1, 30, 1, 20)), (3, 1), padding=VALID, activation=RELU)
    for channels, window in ((32, 5), (24, 10), (32, 12)):
        x = m.conv(x, channels, 1, activation=RELU)
        x = m.dw(x, (window, 1), padding=VALID, activation=RELU)
    return m.softmax(m.fc(m.reshape(x, (1, int(np.prod(m.shapes[x])))), 3, fixed=(0.06, 5)))


def speech(m):
    """Builds a network with a flat input; eight filters of one channel; weights of rank 2 on a map of rank 4."""
    x = m.reshape(m.input((1, 490)), (1, 49, 10, 1))
    x = m.dw(x, (10, 8), 2, multiplier=8, activation=RELU, per_tensor=True)
    x = m.reshape(x, (1, int(np.prod(m.shapes[x]))))
    return m.softmax(m.fc(x, 4, per_tensor=True, fixed=(0.06, 5)))


def autoencoder(m):
    """Builds fully connected layers down to 8 and up again, in which the roundings of FULLY_CONNECTED show."""
    x = m.input((1, 160))
    for width in (64, 64, 8, 64, 64):
        x = m.fc(x, width, RELU, per_tensor=True)
    return m.fc(x, 160, per_tensor=True)


def curve(m):
    """Builds a function from one number to one number."""
    return m.fc(m.fc(m.fc(m.input((1, 1)), 16, RELU), 16, RELU), 1)


def gru(m):
    """Builds four steps of a gated recurrent unit, unrolled."""
    units, x = 12, m.input((1, 4, 6))
    h, steps = None, []
    for t in range(4):
        ends = ([0, t, 0], [1, t + 1, 6], [1, 1, 1])
        x_t = m.op("STRIDED_SLICE", [x, *map(m.constant, ends)], (1, 6), {4: ("i", 2)}, like=x)
        parts = [m.fc(x_t, units, fixed=(0.04, 2)) for _ in range(3)]
        if h is not None:
            of_h = [m.fc(h, units, fixed=(0.03, -4)) for _ in range(3)]
            r, z = (m.unary("LOGISTIC", m.binary("ADD", a, b, fixed=(0.05, 0)), GATE)
                    for a, b in zip(parts, of_h[:2]))
            parts[2] = m.binary("ADD", parts[2], m.binary("MUL", r, of_h[2], fixed=(0.03, 0)),
                                fixed=(0.05, 1))
        else:
            z = m.unary("LOGISTIC", parts[1], GATE)
        n = m.unary("TANH", parts[2], STATE)
        kept = m.binary("SUB", n, m.binary("MUL", z, n, fixed=STATE), fixed=STATE)
        h = kept if h is None else m.binary("ADD", kept, m.binary("MUL", z, h, fixed=STATE),
                                            fixed=STATE)
        steps.append(h)
    return m.op("PACK", steps, (1, 4, units), {0: ("i", 4), 1: ("i", 1)}, like=h)


NETWORKS = {f.__name__: f for f in (resnet8, residual, unpadded, ds_cnn, mobilenet,
                                    mobilenet_uint8, streaming, speech, autoencoder, curve, gru)}


def build(name, gains=(), bias_axis=0):
    m = Int8Net(name, "u1" if name.endswith("uint8") else "i1", gains)
    m.bias_axis = bias_axis
    m.named(NETWORKS[name](m), "result")
    return m


def calibrated(name):
    """Returns the network with gains such that the codes of each product deviate by about 40."""
    m = build(name)
    gains = [1.0] * len(m.products)
    for _ in range(20):
        run = golden.Runner(bytes(m.to_bytes()))
        ((_, arrays),) = record.random_cases(run.inputs, 1, 7, (-1, 1))
        deviations = {e["tensor"]: a.std() for e, a in run.layers(arrays)}
        gains = [float(g * np.clip(40 / max(deviations[y], 1), 0.5, 2))
                 for g, y in zip(gains, m.products)]
        m = build(name, gains)
    return m


def write(name):
    m = calibrated(name) if name != "curve" else build(name, (1.0, 1.0, 12.0))
    path = HERE / f"{name}.tflite"
    path.write_bytes(m.to_bytes())
    run = golden.Runner(path.read_bytes())
    count = 6 if name == "curve" else 2
    cases = list(record.random_cases(run.inputs, count, 1, (-1, 1)))
    for id, code in (("lo", 0), ("hi", -1)):
        limits = np.iinfo(run.inputs[0]["dtype"])
        code = (limits.min, limits.max)[code]
        cases.append(({"id": id, "how": f"constant {code}"},
                      [np.full(end["shape"], code, end["dtype"]) for end in run.inputs]))
    record.record(path, HERE / name, cases, name != "curve", run)
    if name == "unpadded":  # in the form of a published network: LiteRT refuses the file
        twin = build(name, m.gains, bias_axis=3)
        (HERE / "bias_axis.tflite").write_bytes(twin.to_bytes())
    layers = [f"{a.std():.0f}" for e, a in run.layers(cases[0][1])]
    print(f"{name}: {path.stat().st_size} bytes, {m.macs} MACs; layers deviate by"
          f" {' '.join(layers)}")
    print("  ", *(run(c[1])[0].ravel()[:12] for c in cases))
    return m.macs


def other_version(name):
    version = importlib.metadata.version(record.LITERT)
    path, recorded = HERE / f"{name}.tflite", vectors.Vectors(HERE / name)
    cases = [(entry, recorded.inputs(i)) for i, entry in enumerate(recorded.cases)]
    folder = HERE / name / f"litert-{version}"
    record.record(path, folder, cases, True)
    for file in folder.glob("in*.npy"):  # they are in the folder above
        file.unlink()


def main():
    if sys.argv[1:2] == ["--version-of"]:
        return other_version(sys.argv[2])
    for name in sys.argv[1:] or NETWORKS:
        write(name)


if __name__ == "__main__":
    main()
