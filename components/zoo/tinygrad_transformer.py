#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Trains a transformer with tinygrad, saves its weights with safe_save, and builds its ONNX, which tinygrad does not write.

    tinygrad_transformer.py train OUT.safetensors [--steps N]    tinygrad 0.14, NumPy, clang, with DEV=CPU TRAINING=1; 5 min of one core
    tinygrad_transformer.py build IN.safetensors OUT.onnx        float32; Python's library is enough
    tinygrad_transformer.py data DIR                             x.npy, y.npy of the sums that were held back; calibration/

The shapes are those of the transformer in tinygrad's examples at half its width: two blocks of 64 channels, 4 heads,
32 hidden channels, normalized after each sum; positions and digits, one-hot, are multiplied by one matrix. It adds
two numbers of two digits: six tokens, four of them digits and two blanks; the last three answers are the sum's
digits. A fourth of the 10,000 sums is held back. tinygrad/adder.onnx is the result of `trine quantize OUT.onnx
--calibration DIR/calibration`.
"""
import argparse
import json
import math
import pathlib
import random
import struct

BLOCKS, WIDTH, HEADS, HIDDEN, TOKENS, SYMBOLS = 2, 64, 4, 32, 6, 11  # ten digits and a blank
INPUT = TOKENS + SYMBOLS
BLANK = 10


def sums():
    """Returns (for training, held back) of [(a, b)]."""
    pairs = [(a, b) for a in range(100) for b in range(100)]
    random.Random(1).shuffle(pairs)
    return pairs[2500:], pairs[:2500]


def tokens(a, b):
    return [a // 10, a % 10, b // 10, b % 10, BLANK, BLANK]


def answer(a, b):
    return [(a + b) // 100, (a + b) // 10 % 10, (a + b) % 10]


def one_hot(a, b):
    """Returns [TOKENS * INPUT]: the position and the symbol of each token."""
    values = [0.0] * (TOKENS * INPUT)
    for place, symbol in enumerate(tokens(a, b)):
        values[place * INPUT + place] = values[place * INPUT + TOKENS + symbol] = 1.0
    return values


def shapes():
    found = {"embed": (INPUT, WIDTH), "final": (WIDTH, 10)}
    for i in range(BLOCKS):
        for name in ("query", "key", "value", "out"):
            found[f"{i}.{name}.weight"], found[f"{i}.{name}.bias"] = (WIDTH, WIDTH), (WIDTH,)
        found.update({f"{i}.ff1.weight": (WIDTH, HIDDEN), f"{i}.ff1.bias": (HIDDEN,), f"{i}.ff2.weight": (HIDDEN, WIDTH),
                      f"{i}.ff2.bias": (WIDTH,)})
        found.update({f"{i}.norm{n}.{what}": (WIDTH,) for n in (1, 2) for what in ("weight", "bias")})
    return found


def train(out, steps):
    import numpy as np
    from tinygrad import Tensor, TinyJit, nn

    Tensor.manual_seed(1)
    weights = {}
    for name, shape in shapes().items():
        if len(shape) == 2:
            weights[name] = Tensor.glorot_uniform(*shape)
        else:
            weights[name] = Tensor.ones(*shape) if "norm" in name and name.endswith("weight") else Tensor.zeros(*shape)
    for tensor in weights.values():
        tensor.requires_grad_() if hasattr(tensor, "requires_grad_") else setattr(tensor, "requires_grad", True)

    def forward(x):
        def dense(x, name):
            return x @ weights[f"{name}.weight"] + weights[f"{name}.bias"]

        def norm(x, name):
            return x.layernorm() * weights[f"{name}.weight"] + weights[f"{name}.bias"]

        x = x @ weights["embed"]
        for i in range(BLOCKS):
            q, k, v = (dense(x, f"{i}.{name}").reshape(-1, TOKENS, HEADS, WIDTH // HEADS).transpose(1, 2)
                       for name in ("query", "key", "value"))
            mixed = q.scaled_dot_product_attention(k, v).transpose(1, 2).reshape(-1, TOKENS, WIDTH)
            x = norm(x + dense(mixed, f"{i}.out"), f"{i}.norm1")
            x = norm(x + dense(dense(x, f"{i}.ff1").relu(), f"{i}.ff2"), f"{i}.norm2")
        return x @ weights["final"]

    learned, held = sums()
    x, y = (np.array([f(*pair) for pair in learned], t) for f, t in ((one_hot, np.float32), (answer, np.int32)))
    x = x.reshape(-1, TOKENS, INPUT)
    trainer = nn.optim.Adam(list(weights.values()), lr=0.002)
    rng = np.random.default_rng(1)

    @TinyJit
    def step(a, b):
        trainer.zero_grad()
        loss = forward(a)[:, 3:].reshape(-1, 10).sparse_categorical_crossentropy(b.reshape(-1))
        loss.backward()
        trainer.step()
        return loss.realize()

    for i in range(steps):
        if i == steps * 2 // 3:
            trainer.lr.assign(Tensor([0.0005])).realize()
        some = rng.integers(0, len(x), 128)
        loss = step(Tensor(x[some]), Tensor(y[some]))
        if i % 200 == 0:
            print(i, f"{loss.item():.4f}", flush=True)
    test = Tensor(np.array([one_hot(*pair) for pair in held], np.float32).reshape(-1, TOKENS, INPUT))
    found = forward(test)[:, 3:].argmax(-1).numpy()
    right = sum(list(f) == answer(*pair) for f, pair in zip(found, held))
    print(f"float32: {right:,} of {len(held):,} held-back sums right")
    nn.state.safe_save(weights, str(out))


def read(path):
    """Returns {name: bytes of float32} of a safetensors file."""
    data = pathlib.Path(path).read_bytes()
    try:
        size = struct.unpack_from("<Q", data)[0]
        head = json.loads(data[8:8 + size])
        found = {name: data[8 + size + begin:8 + size + end] for name, about in head.items() if name != "__metadata__"
                 for begin, end in [about["data_offsets"]] if about["dtype"] == "F32"}
    except (struct.error, ValueError, KeyError, TypeError):
        raise SystemExit(f"{path}: no safetensors file") from None
    for name, shape in shapes().items():
        if len(found.get(name, b"")) != 4 * math.prod(shape):
            raise SystemExit(f"{path}: {name}: allowed {math.prod(shape)} values of F32")
    return found


class Builder:
    """A float32 graph of ONNX; values by their names."""

    def __init__(self, weights):
        self.weights, self.nodes, self.constants = weights, [], []

    def constant(self, kind, shape, values):
        import onnx_writer
        name = f"c{len(self.constants)}"
        self.constants.append(onnx_writer.tensor(name, kind, shape, values))
        return name

    def weight(self, name):
        import onnx_writer
        return self.constant(onnx_writer.FLOAT, shapes()[name], self.weights[name])

    def op(self, kind, *inputs, output=None, **attributes):
        import onnx_writer
        name = output or f"{kind.lower()}{len(self.nodes)}"
        self.nodes.append(onnx_writer.node(kind, inputs, name, **attributes))
        return name

    def reshape(self, x, *shape):
        import onnx_writer
        return self.op("Reshape", x, self.constant(onnx_writer.INT64, [len(shape)], shape))

    def dense(self, x, name):
        return self.op("Add", self.op("MatMul", x, self.weight(f"{name}.weight")), self.weight(f"{name}.bias"))

    def norm(self, x, name):
        return self.op("LayerNormalization", x, self.weight(f"{name}.weight"), self.weight(f"{name}.bias"), axis=-1,
                       epsilon=1e-5)

    def heads(self, x, name, order):
        x = self.reshape(self.dense(x, name), 1, TOKENS, HEADS, WIDTH // HEADS)
        return self.op("Transpose", x, perm=order)

    def block(self, x, i):
        import onnx_writer
        q, k, v = (self.heads(x, f"{i}.{name}", order) for name, order in
                   (("query", [0, 2, 1, 3]), ("key", [0, 2, 3, 1]), ("value", [0, 2, 1, 3])))
        scores = self.op("Mul", self.op("MatMul", q, k), self.constant(onnx_writer.FLOAT, [], [(WIDTH // HEADS) ** -0.5]))
        mixed = self.op("Transpose", self.op("MatMul", self.op("Softmax", scores, axis=-1), v), perm=[0, 2, 1, 3])
        y = self.dense(self.reshape(mixed, 1, TOKENS, WIDTH), f"{i}.out")
        x = self.norm(self.op("Add", x, y), f"{i}.norm1")
        y = self.dense(self.op("Relu", self.dense(x, f"{i}.ff1")), f"{i}.ff2")
        return self.norm(self.op("Add", x, y), f"{i}.norm2")


def build(source, out):
    import onnx_writer
    b = Builder(read(source))
    x = b.op("MatMul", "tokens", b.weight("embed"))
    for i in range(BLOCKS):
        x = b.block(x, i)
    bounds = [b.constant(onnx_writer.INT64, [1], [value]) for value in (3, TOKENS, 1)]
    b.op("MatMul", b.op("Slice", x, *bounds), b.weight("final"), output="digits")
    out.write_bytes(onnx_writer.model("adder", 17, b.nodes, b.constants, [onnx_writer.float_end("tokens", [1, TOKENS, INPUT])],
                                      [onnx_writer.float_end("digits", [1, 3, 10])]))


def data(folder):
    import npy
    learned, held = sums()
    for where, pairs in ((folder, held), (folder / "calibration", learned[:200])):
        where.mkdir(parents=True, exist_ok=True)
        npy.write(where / "x.npy", (len(pairs), TOKENS, INPUT), "<f4", [v for pair in pairs for v in one_hot(*pair)])
        npy.write(where / "y.npy", (len(pairs), 3), "<i4", [v for pair in pairs for v in answer(*pair)])


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["train", "build", "data"])
    parser.add_argument("source", type=pathlib.Path)
    parser.add_argument("out", type=pathlib.Path, nargs="?")
    parser.add_argument("--steps", type=int, default=3000)
    options = parser.parse_args()
    if (options.what == "build") != (options.out is not None):
        parser.error("build takes IN.safetensors and OUT.onnx, train and data one path")
    if options.what == "train":
        train(options.source, options.steps)
    elif options.what == "build":
        build(options.source, options.out)
    else:
        data(options.source)


if __name__ == "__main__":
    main()
