#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Trains a language model of 30 thousand parameters on sentences of a small grammar and writes it in llama2.c's form:
checkpoint, tokenizer, and NumPy's results.

    train_story.py [--steps N]      writes story.bin, story_tokens.bin, story/ in this folder

    pip install jax==0.10.2 numpy==2.4.6       (jax for training only)

The vectors in story/ are those of `Reference`, one token at a time: greedy tokens, their logits (float32), and pieces
of text with the tokens that `encode` returns.
"""

import argparse
import json
import pathlib
import random
import struct

import numpy as np

MODELS = pathlib.Path(__file__).resolve().parents[2] / "models"
DIM, HIDDEN, LAYERS, HEADS, KV_HEADS, POSITIONS, MERGES = 32, 72, 2, 4, 2, 128, 96
SIZE = DIM // HEADS
BYTES = 3  # token of byte 0; before it: unknown, begin, end
BEGIN = 1
RECORDED, LENGTH, BATCH, SEED = 96, 96, 16, 1
TEXTS = ("Once upon a time there was a small bird.", "caf\u00e9 \u20ac 7", "a",
         "the red fox found it", " two  spaces\nand a line", "")


def story(rng):
    animal = rng.choice("bird fox bear mouse frog".split())
    name = rng.choice("Tim Lily Sam Mia".split())
    thing = rng.choice("ball nut leaf shell".split())
    size, color = rng.choice("small big old".split()), rng.choice("red blue green".split())
    first = rng.choice((f"Once upon a time there was a {size} {animal}.",
                        f"One day {name} saw a {size} {animal}."))
    second = rng.choice((f" The {animal} had a {color} {thing}.",
                         f" The {animal} found a {color} {thing}."))
    third = rng.choice((f" {name} liked the {thing}.", f" {name} wanted the {color} {thing}."))
    last = rng.choice((f" So the {animal} gave the {thing} to {name}.",
                       f" They played with the {thing} all day.")) + " The end."
    return first + second + third + last


class Tokenizer:
    """llama2.c's tokenizer: splits into characters, then repeatedly joins the pair with the highest score."""

    def __init__(self, rng):
        texts = [story(rng) for _ in range(200)]
        characters = sorted({c for text in texts for c in text} | set("()\n"))
        self.pieces = ["<unk>", "\n<s>\n", "\n</s>\n", *(f"<0x{b:02X}>" for b in range(256)),
                       *characters]
        self.scores = [0.0] * len(self.pieces)
        self._merge([list(" " + text) for text in texts])
        self.ids = {}
        for i, piece in enumerate(self.pieces):
            self.ids.setdefault(piece, i)

    def _merge(self, lines):
        for _ in range(MERGES):
            count = {}
            for line in lines:
                for pair in zip(line, line[1:]):
                    if " " not in pair[1]:  # a blank begins a piece
                        count[pair] = count.get(pair, 0) + 1
            best = max(sorted(count), key=count.get)
            self.pieces.append("".join(best))
            self.scores.append(-float(len(self.pieces)))
            lines = [self._joined(line, best) for line in lines]

    @staticmethod
    def _joined(line, pair):
        result, i = [], 0
        while i < len(line):
            both = tuple(line[i : i + 2]) == pair
            result.append("".join(pair) if both else line[i])
            i += 2 if both else 1
        return result

    def encode(self, text):
        if not text:
            return [BEGIN]
        tokens = [self.ids[" "]]
        for c in text:
            tokens += ([self.ids[c]] if c in self.ids else [BYTES + b for b in c.encode()])
        while True:
            pairs = [(self.scores[k], -i, k) for i in range(len(tokens) - 1)
                     if (k := self.ids.get(self.pieces[tokens[i]] + self.pieces[tokens[i + 1]]))
                     is not None]
            if not pairs:
                return [BEGIN, *tokens]
            _, i, k = max(pairs)
            tokens[-i : 2 - i] = [k]

    def to_bytes(self):
        raw = [piece.encode() for piece in self.pieces]
        parts = [struct.pack("<i", max(map(len, raw)))]
        for piece, score in zip(raw, self.scores):
            parts.append(struct.pack("<fi", score, len(piece)) + piece)
        return b"".join(parts)


def shapes(vocabulary):
    """Returns the shapes of the weights in the file's order; the first axis of layer weights is the layer."""
    kv = KV_HEADS * SIZE
    return {"embedding": (vocabulary, DIM), "norm1": (LAYERS, DIM), "q": (LAYERS, DIM, DIM),
            "k": (LAYERS, kv, DIM), "v": (LAYERS, kv, DIM), "o": (LAYERS, DIM, DIM),
            "norm2": (LAYERS, DIM), "w1": (LAYERS, HIDDEN, DIM), "w2": (LAYERS, DIM, HIDDEN),
            "w3": (LAYERS, HIDDEN, DIM), "norm": (DIM,)}


def initial(vocabulary):
    rng = np.random.default_rng(SEED)
    return {name: np.ones(shape, np.float32) if "norm" in name else
            rng.normal(0, 0.5 / shape[-1] ** 0.5, shape).astype(np.float32)
            for name, shape in shapes(vocabulary).items()}


def train(steps, tokenizer):
    """Trains with all positions of a batch at once, in jax, with Adam."""
    import jax
    import jax.numpy as jnp

    def normalized(x, gain):
        return gain * x / jnp.sqrt(jnp.mean(x * x, -1, keepdims=True) + 1e-5)

    angles = jnp.arange(LENGTH)[:, None] / 10000.0 ** (jnp.arange(0, SIZE, 2) / SIZE)

    def turned(x):  # [batch, position, head, SIZE]
        a, b = x[..., 0::2], x[..., 1::2]
        c, s = jnp.cos(angles)[:, None], jnp.sin(angles)[:, None]
        return jnp.stack([a * c - b * s, a * s + b * c], -1).reshape(x.shape)

    hidden = jnp.where(jnp.tril(jnp.ones((LENGTH, LENGTH))) > 0, 0, -1e9)

    def loss(w, tokens):
        x = w["embedding"][tokens[:, :-1]]
        for i in range(LAYERS):
            y = normalized(x, w["norm1"][i])
            q, k, v = ((y @ w[n][i].T).reshape(len(x), LENGTH, -1, SIZE) for n in "qkv")
            k, v = (jnp.repeat(z, HEADS // KV_HEADS, 2) for z in (turned(k), v))
            scores = jnp.einsum("bqhd,bkhd->bhqk", turned(q), k) / SIZE**0.5 + hidden
            y = jnp.einsum("bhqk,bkhd->bqhd", jax.nn.softmax(scores), v).reshape(x.shape)
            x = x + y @ w["o"][i].T
            y = normalized(x, w["norm2"][i])
            x = x + (jax.nn.silu(y @ w["w1"][i].T) * (y @ w["w3"][i].T)) @ w["w2"][i].T
        logits = jax.nn.log_softmax(normalized(x, w["norm"]) @ w["embedding"].T)
        return -jnp.mean(jnp.take_along_axis(logits, tokens[:, 1:, None], -1))

    @jax.jit
    def step(w, m, v, t, tokens):
        value, g = jax.value_and_grad(loss)(w, tokens)
        rate = 6e-3 * jnp.minimum(t / 50, 1) * (1.02 - t / steps)
        m = jax.tree.map(lambda a, b: 0.9 * a + 0.1 * b, m, g)
        v = jax.tree.map(lambda a, b: 0.98 * a + 0.02 * b * b, v, g)
        w = jax.tree.map(lambda a, b, c: a - rate * (b / (1 - 0.9**t)) / (
            jnp.sqrt(c / (1 - 0.98**t)) + 1e-8), w, m, v)
        return w, m, v, value

    rng, w = random.Random(SEED), initial(len(tokenizer.pieces))
    stories = [tokenizer.encode(story(rng)) for _ in range(600)]
    m = v = jax.tree.map(np.zeros_like, w)
    for t in range(1, steps + 1):
        batch = []
        for _ in range(BATCH):
            tokens = []
            while len(tokens) <= LENGTH:
                tokens += rng.choice(stories)
            batch.append(tokens[: LENGTH + 1])
        w, m, v, value = step(w, m, v, float(t), np.array(batch))
        if t % 200 == 0:
            print(f"step {t}: {float(value):.3f} nats a token", flush=True)
    return {name: np.asarray(x, np.float32) for name, x in w.items()}


class Reference:
    """Runs one token after the other, in float32."""

    def __init__(self, weights):
        self.w, self.caches, self.position = weights, [([], []) for _ in range(LAYERS)], 0

    @staticmethod
    def normalized(x, gain):
        return gain * x / np.sqrt(np.mean(x * x) + np.float32(1e-5))

    def turned(self, x):
        angle = self.position / 10000.0 ** (np.arange(0, SIZE, 2) / SIZE)
        c, s = np.cos(angle).astype(np.float32), np.sin(angle).astype(np.float32)
        a, b = x[:, 0::2], x[:, 1::2]
        return np.stack([a * c - b * s, a * s + b * c], -1).reshape(x.shape)

    def step(self, token):
        w, x = self.w, self.w["embedding"][token]
        for i, (keys, values) in enumerate(self.caches):
            y = self.normalized(x, w["norm1"][i])
            q, k, v = ((w[n][i] @ y).reshape(-1, SIZE) for n in "qkv")
            keys.append(self.turned(k))
            values.append(v)
            k, v = (np.repeat(np.stack(z, 1), HEADS // KV_HEADS, 0) for z in (keys, values))
            scores = np.einsum("hd,htd->ht", self.turned(q), k) / np.float32(SIZE**0.5)
            e = np.exp(scores - scores.max(1, keepdims=True))
            y = np.einsum("ht,htd->hd", e / e.sum(1, keepdims=True), v).reshape(DIM)
            x = x + w["o"][i] @ y
            y = self.normalized(x, w["norm2"][i])
            gate = w["w1"][i] @ y
            x = x + w["w2"][i] @ (gate / (1 + np.exp(-gate)) * (w["w3"][i] @ y))
        self.position += 1
        return w["embedding"] @ self.normalized(x, w["norm"])


def to_bytes(weights):
    vocabulary = len(weights["embedding"])
    head = struct.pack("<7i", DIM, HIDDEN, LAYERS, HEADS, KV_HEADS, vocabulary, POSITIONS)
    rotary = bytes(4 * POSITIONS * SIZE)  # not read
    return head + b"".join(weights[n].tobytes() for n in shapes(vocabulary)) + rotary


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=1500)
    args = parser.parse_args()
    tokenizer = Tokenizer(random.Random(SEED + 1))
    weights = train(args.steps, tokenizer)
    (MODELS / "story.bin").write_bytes(to_bytes(weights))
    (MODELS / "story_tokens.bin").write_bytes(tokenizer.to_bytes())
    folder, reference = MODELS / "story", Reference(weights)
    folder.mkdir(exist_ok=True)
    tokens, logits = [BEGIN], []
    for _ in range(RECORDED):
        logits.append(reference.step(tokens[-1]))
        tokens.append(int(logits[-1].argmax()))
    np.save(folder / "tokens.npy", np.array(tokens, np.int32))
    np.save(folder / "logits.npy", np.stack(logits).astype(np.float32))
    texts = [{"text": text, "tokens": tokenizer.encode(text)} for text in TEXTS]
    (folder / "texts.json").write_text(json.dumps(texts, indent=1) + "\n")
    pieces = [tokenizer.pieces[t] for t in tokens[1:]]
    print(f"{sum(w.size for w in weights.values())} parameters,"
          f" {len(tokenizer.pieces)} tokens\n{''.join(pieces)}")


if __name__ == "__main__":
    main()
