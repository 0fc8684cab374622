#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Trains embeddings of words by skip-gram with negative sampling (Mikolov et al. 2013), and writes a model that looks them up.

    train_embeddings.py [--out DIR]              trains: DIR/words.tflite, DIR/words.txt (models/embeddings); NumPy, 1 min
    train_embeddings.py --near WORD [--trine T]  the words nearest to WORD, by a run on the architecture simulator

The text is part of Python: the topics of its help (pydoc_data), 3.11's. words.tflite: int32[1, 1], a word's number ->
GATHER of a table int8[1000, 32] -> a product with all words' vectors of length 1 -> int8[1, 1, 1000], 127 times the
cosine. The last tenth of the text is held back: the script prints how often a word's true neighbour has a larger
product with it than a word drawn by frequency.
"""
import argparse
import pathlib
import re
import subprocess
import sys
import tempfile

MODELS = pathlib.Path(__file__).resolve().parents[2] / "models"
FOLDER = MODELS / "embeddings"
WORDS, SIZE, WINDOW, NEGATIVE, EPOCHS, RATE, BATCH = 1000, 32, 4, 6, 60, 0.1, 64
GATHER, FULLY_CONNECTED, INT32 = (36, 23), (9, 8), 2


def text():
    from pydoc_data import topics
    return re.findall(r"[a-z]+", " ".join(topics.topics[name] for name in sorted(topics.topics)).lower())


def pairs_of(tokens, np, rng):
    """Returns (centres, neighbours) within a window that is drawn for each place; -1 are words without a number."""
    reach = rng.integers(1, WINDOW + 1, len(tokens))
    found = []
    for d in range(1, WINDOW + 1):
        for a, b, r in ((tokens[d:], tokens[:-d], reach[d:]), (tokens[:-d], tokens[d:], reach[:-d])):
            some = (r >= d) & (a >= 0) & (b >= 0)
            found.append(np.stack([a[some], b[some]]))
    return np.concatenate(found, 1)


def trained(tokens, np):
    rng = np.random.default_rng(1)
    counts = np.maximum(np.bincount(tokens[tokens >= 0], minlength=WORDS), 1.0)
    # Frequent words carry little information: some are left out, as in the paper.
    keep = np.minimum(1, np.sqrt(1e-3 / (counts / counts.sum())))
    law = np.cumsum(counts**0.75 / (counts**0.75).sum())
    centres, others = rng.normal(0, 0.3 / SIZE, (2, WORDS, SIZE))
    for epoch in range(EPOCHS):
        chosen = np.where((tokens >= 0) & (rng.random(len(tokens)) < keep[tokens]), tokens, -1)
        pairs = pairs_of(chosen, np, rng)
        pairs = pairs[:, rng.permutation(pairs.shape[1])]
        rate = RATE * (1 - epoch / EPOCHS)
        for begin in range(0, pairs.shape[1], BATCH):
            a, b = pairs[:, begin:begin + BATCH]
            targets = np.concatenate([b[:, None], np.searchsorted(law, rng.random((len(a), NEGATIVE)))], 1)
            wanted = np.zeros(targets.shape)
            wanted[:, 0] = 1
            x, y = centres[a], others[targets]
            error = wanted - 1 / (1 + np.exp(-np.einsum("nd,nkd->nk", x, y)))
            np.add.at(centres, a, rate * np.einsum("nk,nkd->nd", error, y))
            np.add.at(others, targets, rate * error[:, :, None] * x[:, None])
    return centres, others


def judged(centres, others, tokens, np):
    """Returns the share of neighbours in the text that have the larger product than a word drawn by frequency."""
    rng = np.random.default_rng(2)
    a, b = pairs_of(tokens, np, rng)
    differ = a != b
    a, b = a[differ], b[differ]
    c = rng.permutation(b)
    near, far = (np.einsum("nd,nd->n", centres[a], others[x]) for x in (b, c))
    return (near > far).mean() + 0.5 * (near == far).mean()


def model(codes):
    """@param codes  bytes of int8 [WORDS][SIZE], 127 the largest"""
    import transformers
    net = transformers.Net("words")
    net.inputs = [net.tensor((1, 1), kind=INT32)]
    table = net.tensor((WORDS, SIZE), 1 / 127, 0, data=codes)
    word = net.op(GATHER, [table, net.inputs[0]], net.tensor((1, 1, SIZE), 1 / 127, 0), {0: ("i", 0)})
    net.outputs = [net.dense(word, codes, [1 / 127], [0] * WORDS, 1 / 127, 0)]
    return net.to_bytes()


def train(out):
    import numpy as np
    tokens = text()
    counted = {}
    for word in tokens:
        counted[word] = counted.get(word, 0) + 1
    words = sorted(counted, key=lambda word: (-counted[word], word))[:WORDS]
    number = {word: i for i, word in enumerate(words)}
    numbers = np.array([number.get(word, -1) for word in tokens])
    cut = len(numbers) * 9 // 10
    centres, others = trained(numbers[:cut], np)
    table = centres / np.linalg.norm(centres, axis=1, keepdims=True)
    codes = np.rint(127 * table).astype(np.int8)
    held = numbers[cut:]
    print(f"{cut:,} words, {len(held):,} held back; a true neighbour beats a word drawn by frequency in "
          f"{100 * judged(centres, others, held, np):.1f} %")
    out.mkdir(parents=True, exist_ok=True)
    (out / "words.tflite").write_bytes(model(codes.tobytes()))
    (out / "words.txt").write_text("\n".join(words) + "\n")


def near(word, trine, count=8):
    """Returns [(word, 127 times the cosine)]."""
    import npy
    words = (FOLDER / "words.txt").read_text().split()
    if word not in words:
        sys.exit(f"{word}: is not among the {len(words)} words of {FOLDER / 'words.txt'}")
    with tempfile.TemporaryDirectory() as folder:
        npy.write(f"{folder}/x.npy", (1, 1), "<i4", [words.index(word)])
        done = subprocess.run([trine, "run", "--config", "edge64", "--backend", "arch", "--allow-host", FOLDER / "words.tflite", "--quiet",
                               "--input", f"{folder}/x.npy", "--output", f"{folder}/y.npy"])
        if done.returncode:
            sys.exit(done.returncode)
        codes = npy.read(f"{folder}/y.npy")[2]
    order = sorted(range(len(words)), key=lambda i: -codes[i])
    return [(words[i], codes[i]) for i in order if words[i] != word][:count]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=pathlib.Path, default=FOLDER)
    parser.add_argument("--near", metavar="WORD")
    parser.add_argument("--trine", default=MODELS.parent / "trine")
    options = parser.parse_args()
    if not options.near:
        return train(options.out)
    print(" ".join(f"{word} {code / 127:.2f}" for word, code in near(options.near, options.trine)))
    return None


if __name__ == "__main__":
    main()
