#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Trains a small language model with BitNet b1.58's block on the stories of train_story.py: ternary weights,
activations of eight bits, squared ReLU, a norm before the last product of attention and of feed-forward
(arXiv:2402.17764, 2504.12285).

    train_bitnet.py [--steps N] [--only-measure]     writes bitnet/: model, config, tokens, text
    pip install torch==2.15.0 numpy==2.4.6

The files have the form of Hugging Face's BitNet: four weights per byte, a scale for each matrix. text.txt contains
stories that were not used in training. The script prints perplexities: of a network of this form trained and run in
float; of the ternary one as trained, each token's activations scaled by their largest (BitNet's contract); and with
one scale for all tokens, after norms, like `trine generate-text`. Three minutes of one core.
"""
import argparse
import json
import pathlib
import random
import struct

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from train_story import BEGIN, SEED, Tokenizer, story

MODELS = pathlib.Path(__file__).resolve().parents[2] / "models" / "bitnet"
DIM, HIDDEN, LAYERS, HEADS, KV_HEADS, POSITIONS = 64, 192, 3, 4, 2, 128
SIZE = DIM // HEADS
BATCH, EPSILON = 12, 1e-5
MATRICES = {"q": ("self_attn.q_proj", DIM, DIM), "k": ("self_attn.k_proj", KV_HEADS * SIZE, DIM),
            "v": ("self_attn.v_proj", KV_HEADS * SIZE, DIM), "o": ("self_attn.o_proj", DIM, DIM),
            "gate": ("mlp.gate_proj", HIDDEN, DIM), "up": ("mlp.up_proj", HIDDEN, DIM), "down": ("mlp.down_proj", DIM, HIDDEN)}
NORMS = {"norm1": ("input_layernorm", DIM), "inner1": ("self_attn.attn_sub_norm", DIM),
         "norm2": ("post_attention_layernorm", DIM), "inner2": ("mlp.ffn_sub_norm", HIDDEN)}


def straight(x, rounded):
    """Returns `rounded` in the forward pass, with the gradient of x in the backward pass."""
    return x + (rounded - x).detach()


def ternary(w):
    """Returns -1, 0, 1 and their scale, the mean size."""
    scale = w.abs().mean().clamp(min=1e-5)
    return (w / scale).round().clamp(-1, 1), scale


class Network(nn.Module):
    def __init__(self, vocabulary):
        super().__init__()
        self.embedding = nn.Parameter(torch.randn(vocabulary, DIM) * 0.5 / DIM**0.5)
        self.norm = nn.Parameter(torch.ones(DIM))
        for i in range(LAYERS):
            for name, (_, rows, columns) in MATRICES.items():
                self.register_parameter(f"{name}{i}", nn.Parameter(torch.randn(rows, columns) / columns**0.5))
            for name, (_, size) in NORMS.items():
                self.register_parameter(f"{name}_{i}", nn.Parameter(torch.ones(size)))
        angle = torch.arange(POSITIONS)[:, None] / 10000.0 ** (torch.arange(0, SIZE, 2) / SIZE)
        self.turns = angle.cos(), angle.sin()
        self.codes = "token"  # scale of activations: per "token", "one" for all tokens, "float" (weights, too)
        self.largest = {}     # over all tokens, by product

    def activation(self, x, name):
        largest = x.abs().amax(-1, keepdim=True).clamp(min=1e-5)
        if self.codes == "float":
            return x
        if self.codes == "watch":
            self.largest[name] = max(self.largest.get(name, 0), float(largest.max()))
        if self.codes == "one":
            largest = self.largest[name]
        scale = 127 / largest
        return straight(x, (x * scale).round().clamp(-128, 127) / scale)

    def product(self, x, name, i, of):
        """@param of  the products that share its input"""
        w = getattr(self, f"{name}{i}")
        if self.codes != "float":
            codes, scale = ternary(w)
            w = straight(w, codes * scale)
        return F.linear(self.activation(x, f"{of}{i}"), w)

    def normed(self, x, gain):
        return gain * x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + EPSILON)

    def turned(self, x):
        """Rotates in Hugging Face's order: channel c with c + SIZE / 2."""
        cos, sin = (t[: x.shape[1], None] for t in self.turns)
        a, b = x.chunk(2, -1)
        return torch.cat([a * cos - b * sin, b * cos + a * sin], -1)

    def forward(self, tokens):
        x = self.embedding[tokens]
        for i in range(LAYERS):
            y = self.normed(x, getattr(self, f"norm1_{i}"))
            q, k, v = (self.product(y, n, i, "q").unflatten(-1, (-1, SIZE)) for n in "qkv")
            k, v = (z.repeat_interleave(HEADS // KV_HEADS, 2) for z in (self.turned(k), v))
            y = F.scaled_dot_product_attention(*(z.transpose(1, 2) for z in (self.turned(q), k, v)), is_causal=True)
            y = y.transpose(1, 2).flatten(2)
            x = x + self.product(self.normed(y, getattr(self, f"inner1_{i}")), "o", i, "o")
            y = self.normed(x, getattr(self, f"norm2_{i}"))
            y = F.relu(self.product(y, "gate", i, "gate")).square() * self.product(y, "up", i, "gate")
            x = x + self.product(self.normed(y, getattr(self, f"inner2_{i}")), "down", i, "down")
        return F.linear(self.normed(x, self.norm), self.embedding)


def train(network, tokenizer, steps):
    rng = random.Random(SEED)
    # Pieces are never joined over a blank: a text's tokens are those of its stories.
    texts = [[BEGIN] + [t for _ in range(60) for t in tokenizer.encode(story(rng))[1:]] for _ in range(100)]
    optimizer = torch.optim.Adam(network.parameters(), lr=4e-3, betas=(0.9, 0.98))
    for t in range(1, steps + 1):
        batch = []
        for _ in range(BATCH):  # windows begin anywhere, like those of the measured text
            text = rng.choice(texts)
            first = rng.randrange(len(text) - POSITIONS)
            batch.append(text[first : first + POSITIONS + 1])
        batch = torch.tensor(batch)
        for group in optimizer.param_groups:
            group["lr"] = 4e-3 * min(t / 50, 1) * (1.02 - t / steps)
        loss = F.cross_entropy(network(batch[:, :-1]).flatten(0, 1), batch[:, 1:].flatten())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if t % 200 == 0:
            print(f"step {t}: {loss.item():.3f} nats a token", flush=True)


def trained(kind, tokenizer, args):
    torch.manual_seed(SEED)
    network, kept = Network(len(tokenizer.pieces)), MODELS / f"{kind}.pt"
    network.codes = kind
    if not args.only_measure:
        train(network, tokenizer, args.steps)
        torch.save(network.state_dict(), kept)
    network.load_state_dict(torch.load(kept))
    return network


def perplexity(network, tokens):
    """Returns the perplexity in windows of POSITIONS tokens, like generate-text --perplexity."""
    losses = []
    with torch.no_grad():
        for first in range(0, len(tokens) - 1, POSITIONS):
            part = torch.tensor(tokens[first : first + POSITIONS + 1])[None]
            losses.append(F.cross_entropy(network(part[:, :-1])[0], part[0, 1:], reduction="none"))
    return float(torch.cat(losses).mean().exp())


def packed(codes):
    """Packs codes: row r of a quarter of the rows contains the codes of row r of all four quarters, two bits each, the
    first one lowest."""
    quarters = (codes.detach().numpy().astype(np.int8) + 1).astype(np.uint8).reshape(4, -1, codes.shape[1])
    return np.bitwise_or.reduce([q << 2 * i for i, q in enumerate(quarters)], axis=0)


def safetensors(tensors):
    """Returns the file's bytes: name, (type, shape, bytes)."""
    header, at = {}, 0
    for name, (kind, shape, data) in tensors.items():
        header[name] = {"dtype": kind, "shape": list(shape), "data_offsets": [at, at + len(data)]}
        at += len(data)
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    return struct.pack("<Q", len(text)) + text + b"".join(data for _, _, data in tensors.values())


def tensors_of(network):
    def half(x):
        return ("BF16", x.shape, x.detach().to(torch.bfloat16).view(torch.int16).numpy().tobytes())

    found = {"model.embed_tokens.weight": half(network.embedding)}
    for i in range(LAYERS):
        for name, (path, _, _) in MATRICES.items():
            codes, scale = ternary(getattr(network, f"{name}{i}"))
            bits = packed(codes)
            found[f"model.layers.{i}.{path}.weight"] = ("U8", bits.shape, bits.tobytes())
            found[f"model.layers.{i}.{path}.weight_scale"] = half(scale.reshape(1))
        for name, (path, _) in NORMS.items():
            found[f"model.layers.{i}.{path}.weight"] = half(getattr(network, f"{name}_{i}"))
    return found | {"model.norm.weight": half(network.norm)}


def config(vocabulary):
    return {"architectures": ["BitNetForCausalLM"], "model_type": "bitnet", "hidden_size": DIM, "intermediate_size": HIDDEN,
            "num_hidden_layers": LAYERS, "num_attention_heads": HEADS, "num_key_value_heads": KV_HEADS,
            "vocab_size": vocabulary, "max_position_embeddings": POSITIONS, "rms_norm_eps": EPSILON, "rope_theta": 10000.0,
            "hidden_act": "relu2", "tie_word_embeddings": True, "torch_dtype": "bfloat16", "bos_token_id": BEGIN,
            "quantization_config": {"quant_method": "bitnet", "linear_class": "autobitlinear", "quantization_mode": "offline"}}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=1500)
    parser.add_argument("--only-measure", action="store_true",
                        help="train nothing; measure the networks of bitnet/*.pt")
    args = parser.parse_args()
    torch.set_num_threads(1)
    MODELS.mkdir(exist_ok=True)
    tokenizer = Tokenizer(random.Random(SEED + 1))
    in_float, network = (trained(kind, tokenizer, args) for kind in ("float", "token"))
    rng = random.Random(SEED + 2)
    stories = [story(rng) for _ in range(60)]
    text, tokens = " ".join(stories), [BEGIN] + [t for s in stories for t in tokenizer.encode(s)[1:]]
    with torch.no_grad():
        network.codes = "watch"
        own = []
        for _ in range(4):
            own.append([BEGIN])
            for _ in range(POSITIONS - 1):  # ranges of texts that it generates itself
                share = network(torch.tensor(own[-1])[None])[0, -1].softmax(-1)
                own[-1].append(int(torch.multinomial(share, 1)))
    print(f"{sum(p.numel() for p in network.parameters()):,} parameters; perplexity of {len(tokens):,} tokens:")
    print(f"  float  {perplexity(in_float, tokens):.4f}")
    for codes in ("token", "one"):
        network.codes = codes
        print(f"  {codes:6} {perplexity(network, tokens):.4f}")
    (MODELS / "model.safetensors").write_bytes(safetensors(tensors_of(network)))
    (MODELS / "config.json").write_text(json.dumps(config(len(tokenizer.pieces)), indent=1) + "\n")
    (MODELS / "tokens.bin").write_bytes(tokenizer.to_bytes())
    (MODELS / "text.txt").write_text(text)


if __name__ == "__main__":
    main()
