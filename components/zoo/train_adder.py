#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Trains, quantizes and measures digit_adder.tflite, and writes its vectors.

The task: two numbers of eight digits, as a sequence of 16; the answer is their sum, nine digits in the last places,
all at once. A transformer encoder of two layers (width 48, 3 heads, GELU, layer norm after each sum, learned
positions) reads each digit as a vector of ten, and returns ten logits for each of the 16 places of the answer.

NumPy is enough. encoder() is written once for both a Trainer, which computes, differentiates and rounds like int8,
and a Writer, which makes the TFLite file.
"""

import argparse
import hashlib
import math
import pathlib

import numpy as np

import golden
import transformers

DIGITS, PLACES, WIDTH, HEADS, HIDDEN, LAYERS = 10, 16, 48, 3, 96, 2
BATCH, SEED = 64, 1
HELD_BACK, VECTORS = 4000, 100


def encoder(net, x):
    """@return logits [n][PLACES][DIGITS] of one-hot digits `x`"""
    h = net.add(net.dense(x, WIDTH), net.parameter("position", (PLACES, WIDTH), 0.3))
    for _ in range(LAYERS):
        h = layer_norm(net, net.add(h, net.dense(attention(net, h), WIDTH)))
        h = layer_norm(net, net.add(h, net.dense(net.gelu(net.dense(h, HIDDEN)), WIDTH)))
    return net.dense(h, DIGITS)


def attention(net, x):
    size = WIDTH // HEADS

    def head(order):
        return net.transpose(net.reshape(net.dense(x, WIDTH), (PLACES, HEADS, size)), order)

    weights = net.softmax(net.product(head((0, 2, 1, 3)), head((0, 2, 3, 1))))
    mixed = net.product(weights, head((0, 2, 1, 3)))
    return net.reshape(net.transpose(mixed, (0, 2, 1, 3)), (PLACES, WIDTH))


def layer_norm(net, x):
    """Adds layer normalization as the converter decomposes it."""
    mean = net.mean(x)
    variance = net.mean(net.squared_difference(x, mean))
    factor = net.rsqrt(net.add(variance, net.constant(1e-3)))
    y = net.mul(net.sub(x, mean), factor)
    y = net.mul(y, net.parameter("gamma", (WIDTH,), 0, 1))
    return net.add(y, net.parameter("beta", (WIDTH,), 0))


class Value:
    """An array, the function that produced it, and the loss's gradient with respect to it."""

    def __init__(self, data, parents=(), backward=None):
        self.data, self.parents, self.backward, self.gradient = data, parents, backward, None

    def take(self, gradient):
        for axis, extent in enumerate(self.data.shape[::-1]):  # undo broadcasts
            if gradient.ndim > axis and gradient.shape[-1 - axis] != extent:
                gradient = gradient.sum(-1 - axis, keepdims=True)
        if gradient.ndim > self.data.ndim:
            gradient = gradient.sum(tuple(range(gradient.ndim - self.data.ndim)))
        self.gradient = gradient if self.gradient is None else self.gradient + gradient


def codes_of(low, high):
    """Returns scale and zero point of int8 codes over a range, zero exact."""
    low, high = min(low, 0.0), max(high, 1e-6)
    scale = float(np.float32((high - low) / 255))
    return scale, int(np.clip(round(-128 - low / scale), -128, 127))


def weight_scales(w):
    return np.maximum(np.abs(w).max(0), 1e-6) / 127


class Trainer:
    """Runs encoder() on arrays. Operators and parameters are identified by their order."""

    def __init__(self):
        self.rng = np.random.default_rng(SEED)
        self.parameters, self.moments = [], []
        self.ranges = []      # of each operator's output: the lowest and highest value, smoothed
        self.learning, self.rounding = True, False

    def run(self, one_hot):
        self.values, self.next_range, self.next_parameter = [], 0, 0
        self.logits = encoder(self, Value(one_hot))
        return self.logits.data

    def step(self, one_hot, answers, rate):
        """Runs one step of Adam. @return the loss"""
        logits = self.run(one_hot)
        p = np.exp(logits - logits.max(-1, keepdims=True))
        p /= p.sum(-1, keepdims=True)
        target = np.eye(DIGITS, dtype=np.float32)[answers]
        loss = -np.log((p * target).sum(-1) + 1e-9).mean()
        for parameter in self.parameters:
            parameter.gradient = None
        self.logits.take((p - target) / answers.size)
        for value in reversed(self.values):
            value.backward(value.gradient)
        for parameter, moment in zip(self.parameters, self.moments):
            g = parameter.gradient
            moment[0] += 1
            moment[1] += 0.1 * (g - moment[1])
            moment[2] += 0.01 * (g * g - moment[2])
            first = moment[1] / (1 - 0.9 ** moment[0])
            second = moment[2] / (1 - 0.99 ** moment[0])
            parameter.data -= rate * first / (np.sqrt(second) + 1e-8)
        return loss

    def keep(self, data, parents, backward):
        self.values.append(Value(data, parents, backward))
        return self.values[-1]

    def out(self, data, parents, backward, fixed=None):
        """Returns an operator's result: updates its range, then rounds its values to codes."""
        at = self.next_range
        self.next_range += 1
        if at == len(self.ranges):
            self.ranges.append(fixed or [float(data.min()), float(data.max())])
        if self.learning and not fixed:
            low, high = self.ranges[at]
            self.ranges[at] = [low + 0.02 * (float(data.min()) - low),
                               high + 0.02 * (float(data.max()) - high)]
        if self.rounding:
            scale, zero_point = codes_of(*self.ranges[at])
            codes = np.clip(np.rint(data * np.float32(1 / scale)) + zero_point, -128, 127)
            data = ((codes - zero_point) * np.float32(scale)).astype(np.float32)
        return self.keep(data, parents, backward)

    def parameter(self, _, shape, deviation, mean=0):
        """Returns a learned constant; its codes share one scale."""
        p = self._learned(shape, deviation, mean)
        return self._rounded(p, np.maximum(np.abs(p.data).max(), 1e-6) / 127)

    def _learned(self, shape, deviation, mean=0):
        at = self.next_parameter
        self.next_parameter += 1
        if at == len(self.parameters):
            start = mean + deviation * self.rng.standard_normal(shape)
            self.parameters.append(Value(start.astype(np.float32)))
            self.moments.append([0, np.zeros(shape, np.float32), np.zeros(shape, np.float32)])
        return self.parameters[at]

    def _rounded(self, p, scale):
        if not self.rounding:
            return p
        return self.keep(np.float32(np.rint(p.data / scale) * scale), (p,), p.take)

    def constant(self, value):
        return Value(np.float32([value]))

    def dense(self, x, outputs):
        inputs = x.data.shape[-1]
        w = self._learned((inputs, outputs), inputs ** -0.5)
        w = self._rounded(w, weight_scales(w.data))
        b = self._learned((outputs,), 0)

        def backward(g):
            rows = g.reshape(-1, outputs)
            w.take(x.data.reshape(-1, inputs).T @ rows)
            b.take(rows.sum(0))
            if x.parents:
                x.take(g @ w.data.T)
        return self.out(x.data @ w.data + b.data, (x, w, b), backward)

    def product(self, a, b):
        def backward(g):
            a.take(g @ b.data.swapaxes(-1, -2))
            b.take(a.data.swapaxes(-1, -2) @ g)
        return self.out(a.data @ b.data, (a, b), backward)

    def reshape(self, x, shape):
        old = x.data.shape
        return self.keep(x.data.reshape(old[0], *shape), (x,), lambda g: x.take(g.reshape(old)))

    def transpose(self, x, order):
        back = tuple(np.argsort(order))
        return self.keep(x.data.transpose(order), (x,), lambda g: x.take(g.transpose(back)))

    def softmax(self, x):
        y = np.exp(x.data - x.data.max(-1, keepdims=True))
        y /= y.sum(-1, keepdims=True)
        return self.out(y, (x,),
                        lambda g: x.take(y * (g - (g * y).sum(-1, keepdims=True))), [0, 255 / 256])

    def gelu(self, x):
        """Approximates erf by tanh, which eight-bit codes do not distinguish."""
        c = math.sqrt(2 / math.pi)
        t = np.tanh(c * (x.data + 0.044715 * x.data ** 3))
        slope = 0.5 * (1 + t) + 0.5 * x.data * (1 - t * t) * c * (1 + 0.134145 * x.data ** 2)
        return self.out(0.5 * x.data * (1 + t), (x,), lambda g: x.take(g * slope))

    def rsqrt(self, x):
        y = np.maximum(x.data, 1e-4) ** -0.5
        return self.out(y, (x,), lambda g: x.take(-0.5 * g * y ** 3))

    def mean(self, x):
        n = x.data.shape[-1]
        return self.out(x.data.mean(-1, keepdims=True), (x,),
                        lambda g: x.take(np.broadcast_to(g / n, x.data.shape)))

    def _pair(self, data, a, b, of_a, of_b):
        def backward(g):
            a.take(of_a(g))
            b.take(of_b(g))
        return self.out(data, (a, b), backward)

    def add(self, a, b):
        return self._pair(a.data + b.data, a, b, lambda g: g, lambda g: g)

    def sub(self, a, b):
        return self._pair(a.data - b.data, a, b, lambda g: g, lambda g: -g)

    def mul(self, a, b):
        return self._pair(a.data * b.data, a, b, lambda g: g * b.data, lambda g: g * a.data)

    def squared_difference(self, a, b):
        d = a.data - b.data
        return self._pair(d * d, a, b, lambda g: 2 * g * d, lambda g: -2 * g * d)


class Writer:
    """Runs encoder() on a TFLite file's tensors, with the values that a Trainer learned."""

    def __init__(self, trainer):
        self.net = transformers.Net("digit_adder")
        self.parameters, self.ranges = iter(trainer.parameters), iter(trainer.ranges)
        x = self.net.input((1, PLACES, DIGITS), 1 / 255, -128)
        self.net.outputs = [encoder(self, x)]

    def _next(self):
        return codes_of(*next(self.ranges))

    def _constant(self, values):
        scale = float(max(np.abs(values).max(), 1e-6) / 127)
        codes = np.rint(values / scale).astype(np.int8)
        return self.net.tensor(values.shape, scale, 0, data=codes.tobytes())

    def parameter(self, *_):
        return self._constant(next(self.parameters).data)

    def constant(self, value):
        return self._constant(np.float32([value]))

    def dense(self, x, _):
        w, b = next(self.parameters).data, next(self.parameters).data
        scales = weight_scales(w)
        codes = np.rint(w / scales).astype(np.int8)
        bias = np.rint(b / (scales * self.net.scales[x][0])).astype(int)
        return self.net.dense(x, codes.T.tobytes(), scales.tolist(), bias.tolist(), *self._next())

    def product(self, a, b):
        return self.net.product(a, b, False, *self._next())

    def reshape(self, x, shape):
        return self.net.reshape(x, (1, *shape))

    def transpose(self, x, order):
        return self.net.transpose(x, order)

    def softmax(self, x):
        next(self.ranges)
        return self.net.softmax(x)

    def gelu(self, x):
        return self.net.function(transformers.GELU, x, *self._next())

    def rsqrt(self, x):
        return self.net.function(transformers.RSQRT, x, *self._next())

    def mean(self, x):
        return self.net.mean(x, *self._next())

    def add(self, a, b):
        return self.net.elementwise(transformers.ADD, a, b, *self._next())

    def sub(self, a, b):
        return self.net.elementwise(transformers.SUB, a, b, *self._next())

    def mul(self, a, b):
        return self.net.elementwise(transformers.MUL, a, b, *self._next())

    def squared_difference(self, a, b):
        return self.net.elementwise(transformers.SQUARED_DIFFERENCE, a, b, *self._next())


def one_hot(digits):
    return np.eye(DIGITS, dtype=np.float32)[digits]


def sequences(rng, count):
    """Draws pairs of numbers: every second one with many places whose digits sum to nine, so that carries propagate
    far, which is rare with uniform digits."""
    digits = rng.integers(0, DIGITS, (count, PLACES))
    first, second = digits[::2, :PLACES // 2], digits[::2, PLACES // 2:]
    second[...] = np.where(rng.random(first.shape) < 0.7, 9 - first, second)
    return digits


def keys(digits):
    return digits @ 10 ** np.arange(PLACES)


def sums(digits):
    """Returns the digits of the sum with leading zeros."""
    powers = 10 ** np.arange(PLACES)[::-1]
    numbers = digits.reshape(-1, 2, PLACES // 2) @ powers[PLACES // 2:]
    return numbers.sum(1, keepdims=True) // powers % 10


def report(name, answers, digits):
    """Prints the accuracy for sums whose carries propagate far, and for the others."""
    right = (answers == sums(digits))[:, PLACES // 2 - 1:]
    for kind, part in (("far carries", right[::2]), ("uniform digits", right[1::2])):
        print(f"{name}, {kind}: {part.all(1).sum()} of {len(part)} sums,"
              f" {100 * part.mean():.2f} % of their digits", flush=True)


def baseline(steps, held_back):
    """Trains a linear model of all 160 inputs with the same number of sums."""
    rng = np.random.default_rng(SEED)
    n = PLACES * DIGITS
    w = np.zeros((n + 1, n), np.float32)
    first, second = np.zeros_like(w), np.zeros_like(w)

    def inputs(digits):
        return np.append(one_hot(digits).reshape(-1, n), np.ones((len(digits), 1), np.float32), 1)
    for i in range(steps):
        digits = sequences(rng, BATCH)
        x, target = inputs(digits), one_hot(sums(digits))
        logits = (x @ w).reshape(target.shape)
        p = np.exp(logits - logits.max(-1, keepdims=True))
        p /= p.sum(-1, keepdims=True)
        g = x.T @ (p - target).reshape(-1, n) / BATCH
        first += 0.1 * (g - first)
        second += 0.01 * (g * g - second)
        w -= 0.01 * (1 - i / steps) * first / (np.sqrt(second) + 1e-6)
    answers = (inputs(held_back) @ w).reshape(-1, PLACES, DIGITS).argmax(-1)
    report("linear model, held back", answers, held_back)


def train(steps, held_back):
    trainer, rng = Trainer(), np.random.default_rng(SEED)
    forbidden, loss = set(keys(held_back).tolist()), 0
    for i in range(steps):
        trainer.rounding = i >= steps * 6 // 10
        digits = sequences(rng, BATCH)
        if not forbidden.isdisjoint(keys(digits).tolist()):
            raise SystemExit("held-back numbers are also training numbers")
        rate = 4e-3 * min((i + 1) / 100, 0.02 + 0.98 * (1 + math.cos(math.pi * i / steps)) / 2)
        loss += 0.02 * (trainer.step(one_hot(digits), sums(digits), rate) - loss)
        if i % 250 == 249:
            print(f"step {i + 1}: loss {loss:.4f}", flush=True)
    trainer.learning = False
    return trainer


def written(digits):
    text = "".join(map(str, digits))
    return f"{text[:PLACES // 2]} + {text[PLACES // 2:]}"


def codes(digits):
    return np.int8(one_hot(digits) * 255 - 128)[:, None]


def vector_cases(held_back):
    for i, digits in enumerate(held_back[:VECTORS]):
        yield {"id": f"sum{i}", "how": "held back: " + written(digits),
               "label": sums(digits[None])[0].tolist(), "arrays": [codes(digits[None])[0]]}


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=6000)
    parser.add_argument("--out", default=str(golden.MODELS), help="folder to write to")
    args = parser.parse_args()
    held_back = sequences(np.random.default_rng(SEED + 1), HELD_BACK)
    baseline(args.steps, held_back)
    trainer = train(args.steps, held_back)
    trainer.rounding = False
    report("float, held back", trainer.run(one_hot(held_back)).argmax(-1), held_back)
    model = bytes(Writer(trainer).net.to_bytes())
    path = pathlib.Path(args.out) / "digit_adder.tflite"
    path.write_bytes(model)
    run = golden.Runner(model)
    answers = np.concatenate([run([x])[0].argmax(-1) for x in codes(held_back)])
    report("int8 (BUILTIN_REF), held back", answers, held_back)
    print(f"{path.name}: {len(model)} bytes, sha256 {hashlib.sha256(model).hexdigest()}")
    golden.write_vectors(path, path.with_suffix("") / "vectors", vector_cases(held_back))


if __name__ == "__main__":
    main()
