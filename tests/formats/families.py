#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Records small models of each family that is imported, with weights from a formula, and the logits of transformers'
own float run: families.json and llama.gguf, with which llm_test compares the import.

usage: families.py --record          families.json and llama.gguf here
       families.py --machine TRINE [DESIGN]    texts of all families, as folders, on the architecture simulator and the RTL of
                                     a design (edge32): the same tokens, each run exact; exit code 1 if one is not
       families.py --check DUMP      all families as folders and, as llama.cpp's converter writes them, as GGUF through
                                     DUMP (ninja llm_dump) --logits; exit code 1 if one is off
Needs torch 2.15.0, transformers 5.24.0, safetensors 0.8.0, gguf 0.19.0 and numpy of PyPI.
"""
import json
import pathlib
import shutil
import subprocess
import sys
import tempfile

import gguf
import numpy as np
import safetensors.torch
import torch
import transformers
from transformers.integrations.bitnet import pack_weights

HERE = pathlib.Path(__file__).resolve().parent
SIZES = {"hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 2, "num_attention_heads": 4,
         "num_key_value_heads": 2, "vocab_size": 64, "max_position_embeddings": 64}
TOKENS = [1, 17, 42, 5, 63, 0, 17, 9, 30, 31, 8, 8]
SHOWN = [0, 5, 11]  # positions with recorded logits
WRITTEN = 4  # tokens after them
LLAMA3 = {"rope_type": "llama3", "rope_theta": 500000.0, "factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0,
          "original_max_position_embeddings": 16}
BITNET = {"quant_method": "bitnet", "modules_to_not_convert": ["lm_head"]}
AUTO = {**BITNET, "linear_class": "autobitlinear"}
MODELS = {  # name: (family, keys, storage of ternary weights)
    "llama": ("Llama", {"rope_parameters": LLAMA3, "head_dim": 12}, None),
    "llama with biases": ("Llama", {"attention_bias": True, "tie_word_embeddings": True, "rope_parameters":
                                    {"rope_type": "linear", "factor": 2.5, "rope_theta": 10000.0}}, None),
    "qwen2": ("Qwen2", {"tie_word_embeddings": True, "rope_parameters": {"rope_type": "default", "rope_theta": 1e6}}, None),
    "mistral": ("Mistral", {"sliding_window": 16}, None),
    "gemma": ("Gemma", {"head_dim": 16}, None),
    "bitnet": ("BitNet", {"quantization_config": {**AUTO, "quantization_mode": "offline"}}, "times"),
    "bitnet of before": ("BitNet", {"quantization_config": BITNET}, "divided"),
    "bitnet to round": ("BitNet", {"quantization_config": {**AUTO, "quantization_mode": "online"}}, "latent"),
}
# llama.cpp's form of BitNet, only for --check: SILU, rows of whole blocks.
CHECKED = {"bitnet of llama.cpp": ("BitNet", {"hidden_act": "silu", "hidden_size": 256, "intermediate_size": 512,
                                              "num_attention_heads": 8, "tie_word_embeddings": True}, "plain")}
SCALE = 0.140625  # of ternary weights, a bfloat16


def fnv1a(text):
    h = 0x811C9DC5
    for byte in text.encode():
        h = (h ^ byte) * 0x01000193 & 0xFFFFFFFF
    return h


def content(name, shape):
    """Returns -127..127, like llm_test."""
    i = np.arange(1, int(np.prod(shape)) + 1, dtype=np.uint32)
    x = np.uint32(fnv1a(name)) + i * np.uint32(0x9E3779B1)
    x ^= x >> np.uint32(15)
    x *= np.uint32(0x85EBCA6B)
    x ^= x >> np.uint32(13)
    return ((x >> np.uint32(16)).astype(np.int64) % 255 - 127).reshape(shape)


def values(name, shape):
    """Returns values that are exact in bfloat16. Norms are around 1, except for Gemma's, to which Gemma adds 1
    itself."""
    c = content(name, shape).astype(np.float32)
    if len(shape) == 1 and "norm" in name:
        return 1 + np.trunc(c / 4) / 128
    return c / (128 if "embed" in name else 512)


def is_product(name):
    return "_proj" in name and name.endswith(".weight")


def network(name):
    """Returns the model in float32; {name: tensor} as stored, and the config as stored."""
    family, keys, ternary = (MODELS | CHECKED)[name]
    quantized = keys.get("quantization_config")
    plain = {k: v for k, v in keys.items() if k != "quantization_config"}
    config = getattr(transformers, family + "Config")(**SIZES | plain)
    model = getattr(transformers, family + "ForCausalLM")(config).float().eval()
    stored, floats = {}, {}
    for key, tensor in model.state_dict().items():
        if key == "lm_head.weight" and config.tie_word_embeddings:
            continue
        v = torch.from_numpy(values(key, tuple(tensor.shape)).astype(np.float32))
        if family == "Gemma" and key.endswith("norm.weight"):
            v = v - 1
        stored[key] = floats[key] = v
        if ternary and is_product(key):
            codes = torch.from_numpy(np.sign(content(key, tuple(tensor.shape))) * (np.abs(content(key, tensor.shape)) > 40)).float()
            floats[key] = codes * SCALE
            if ternary == "plain":
                stored[key] = floats[key]
            elif ternary == "latent":
                scale = 1.0 / v.abs().mean().clamp(min=1e-5)
                floats[key] = (v * scale).round().clamp(-1, 1) / scale
            else:
                stored[key] = pack_weights(codes)
                stored[key + "_scale"] = torch.tensor([SCALE if ternary == "times" else 1 / np.float32(SCALE)])
    if config.tie_word_embeddings:
        floats["lm_head.weight"] = floats["model.embed_tokens.weight"]
    model.load_state_dict(floats)
    with tempfile.TemporaryDirectory() as folder:
        config.save_pretrained(folder)
        text = json.loads((pathlib.Path(folder) / "config.json").read_text())
    text.pop("transformers_version")
    if quantized:
        text["quantization_config"] = quantized
    return model, stored, floats, text


def logits_of(model):
    with torch.no_grad():
        return model(torch.tensor([TOKENS])).logits[0].float().numpy()


def greedy(model):
    """Returns the tokens that the model generates after TOKENS: always the most likely one."""
    tokens = list(TOKENS)
    with torch.no_grad():
        while len(tokens) < len(TOKENS) + WRITTEN:
            tokens.append(int(model(torch.tensor([tokens])).logits[0, -1].argmax()))
    return tokens[len(TOKENS):]


GGUF_NAMES = {"model.embed_tokens": "token_embd", "model.norm": "output_norm", "lm_head": "output", "input_layernorm": "attn_norm",
              "post_attention_layernorm": "ffn_norm", "self_attn.q_proj": "attn_q", "self_attn.k_proj": "attn_k",
              "self_attn.v_proj": "attn_v", "self_attn.o_proj": "attn_output", "mlp.gate_proj": "ffn_gate",
              "mlp.down_proj": "ffn_down", "mlp.up_proj": "ffn_up", "self_attn.attn_sub_norm": "attn_sub_norm",
              "mlp.ffn_sub_norm": "ffn_sub_norm"}


def gguf_name(name):
    stem, _, end = name.rpartition(".")
    if stem.startswith("model.layers."):
        layer, _, part = stem[len("model.layers."):].partition(".")
        return f"blk.{layer}.{GGUF_NAMES[part]}.{end}"
    return f"{GGUF_NAMES[stem]}.{end}"


def write_gguf(path, floats, text, half, vocabulary=None, ternary=None):
    """Writes GGUF like llama.cpp's converter: for llama, pairs of rotated channels are neighbours."""
    arch = {"mistral": "llama"}.get(text["model_type"], text["model_type"])
    w = gguf.GGUFWriter(path, arch)
    head = text.get("head_dim") or text["hidden_size"] // text["num_attention_heads"]
    rope = text["rope_parameters"]
    w.add_block_count(text["num_hidden_layers"])
    w.add_context_length(text["max_position_embeddings"])
    w.add_embedding_length(text["hidden_size"])
    w.add_feed_forward_length(text["intermediate_size"])
    w.add_head_count(text["num_attention_heads"])
    w.add_head_count_kv(text["num_key_value_heads"])
    w.add_layer_norm_rms_eps(text["rms_norm_eps"])
    w.add_rope_freq_base(rope["rope_theta"])
    w.add_rope_dimension_count(head)
    w.add_vocab_size(text["vocab_size"])
    if head * text["num_attention_heads"] != text["hidden_size"]:
        w.add_key_length(head)
        w.add_value_length(head)
    if rope["rope_type"] == "linear":
        w.add_rope_scaling_type(gguf.RopeScalingType.LINEAR)
        w.add_rope_scaling_factor(rope["factor"])
    if text.get("sliding_window"):
        w.add_sliding_window(text["sliding_window"])
    if vocabulary:
        vocabulary(w)
    if rope["rope_type"] == "llama3":
        base = 1 / rope["rope_theta"] ** (np.arange(0, head, 2, dtype=np.float32) / head)
        waves, low, high = 2 * np.pi / base, rope["low_freq_factor"], rope["high_freq_factor"]
        old = rope["original_max_position_embeddings"]
        smooth = (old / waves - low) / (high - low)
        factors = np.where(waves < old / high, 1, np.where(waves > old / low, rope["factor"],
                                                           1 / ((1 - smooth) / rope["factor"] + smooth)))
        w.add_tensor("rope_freqs.weight", factors.astype(np.float32))
    for key, tensor in floats.items():
        data = tensor.numpy()
        if key == "lm_head.weight" and text.get("tie_word_embeddings", arch == "gemma"):
            continue
        if arch == "llama" and ("q_proj" in key or "k_proj" in key):
            heads = text["num_attention_heads" if "q_proj" in key else "num_key_value_heads"]
            data = data.reshape(heads, 2, head // 2, *data.shape[1:]).swapaxes(1, 2).reshape(data.shape)
        if arch == "gemma" and key.endswith("norm.weight"):
            data = data + 1
        if ternary is not None and is_product(key):
            w.add_tensor(gguf_name(key), gguf.quants.quantize(data, ternary), raw_dtype=ternary)
            continue
        w.add_tensor(gguf_name(key), data.astype(np.float16 if half and data.ndim == 2 else np.float32))
    w.write_header_to_file()
    w.write_kv_data_to_file()
    w.write_tensors_to_file()
    w.close()


def vocabulary(w):
    """Adds letters, two words and their parts."""
    texts = ["<unk>", "<s>", "</s>"] + [chr(c) for c in range(ord("a"), ord("z") + 1)]
    texts += ["▁", ".", ",", "▁t", "he", "▁the", "in", "er", "an", "▁a", "on", "re", "at", "en", "nd", "▁and"]
    texts += [f"<extra{i}>" for i in range(64 - len(texts))]
    types = [2, 3, 3] + [5 if t.startswith("<extra") else 1 for t in texts[3:]]
    w.add_tokenizer_model("llama")
    w.add_token_list(texts)
    w.add_token_scores([0.0] * 3 + [float(-i) if t == 1 else 0.0 for i, t in enumerate(types[3:])])
    w.add_token_types(types)
    w.add_bos_token_id(1)
    w.add_eos_token_id(2)
    w.add_unk_token_id(0)


def record():
    entries = {}
    for name in MODELS:
        model, stored, floats, text = network(name)
        logits = logits_of(model)
        tensors = {k: list(v.shape) for k, v in stored.items()}
        entries[name] = {"config": text, "tensors": tensors, "tokens": TOKENS, "shown": SHOWN, "stored": MODELS[name][2],
                         "greedy": greedy(model), "logits": [[round(float(v), 5) for v in logits[i]] for i in SHOWN]}
        if name == "llama":
            write_gguf(HERE / "llama.gguf", floats, text, True, vocabulary)
    lines = (f"{json.dumps(k)}: {json.dumps(v)}" for k, v in entries.items())
    (HERE / "families.json").write_text("{\n" + ",\n".join(lines) + "\n}\n")


def check(dump):
    worst = 0.0
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        for name in MODELS | CHECKED:
            model, stored, floats, text = network(name)
            wanted = logits_of(model)
            home = folder / "model"
            shutil.rmtree(home, ignore_errors=True)
            home.mkdir()
            (home / "config.json").write_text(json.dumps(text))
            kinds = [torch.float32, torch.bfloat16] if (MODELS | CHECKED)[name][2] != "divided" else [torch.float32]
            for kind in kinds:
                tensors = {k: v if v.dtype == torch.uint8 else v.to(kind).contiguous() for k, v in stored.items()}
                safetensors.torch.save_file(tensors, home / "model.safetensors")
                worst = max(worst, difference(dump, home, wanted, f"{name}, folder, {kind}"))
            if text["model_type"] != "bitnet":  # llama.cpp's BitNet has another gate
                write_gguf(folder / "m.gguf", floats, text, False)
                worst = max(worst, difference(dump, folder / "m.gguf", wanted, f"{name}, GGUF"))
            elif name in CHECKED:
                for kind in (gguf.GGMLQuantizationType.TQ1_0, gguf.GGMLQuantizationType.TQ2_0):
                    write_gguf(folder / "m.gguf", floats, text, False, ternary=kind)
                    worst = max(worst, difference(dump, folder / "m.gguf", wanted, f"{name}, GGUF, {kind.name}"))
    return worst > 1e-4


def difference(dump, path, wanted, what):
    done = subprocess.run([dump, "--logits", path] + [str(t) for t in TOKENS], stdout=subprocess.PIPE, check=True)
    got = np.frombuffer(done.stdout, np.float32).reshape(wanted.shape)
    off = float(np.abs(got - wanted).max())
    print(f"{what}: logits to {np.abs(wanted).max():.2f}, off by {off:.1e}")
    return off


def machine(trine, design):
    """Returns true if the machine generates the same text on simulator and RTL, exactly."""
    good = True
    with tempfile.TemporaryDirectory() as folder:
        home = pathlib.Path(folder) / "model"
        home.mkdir()
        for name in MODELS:
            _, stored, _, text = network(name)
            (home / "config.json").write_text(json.dumps(text))
            safetensors.torch.save_file({k: v.contiguous() for k, v in stored.items()}, home / "model.safetensors")
            reports = []
            for backend in ("golden", "arch", "rtl"):
                done = subprocess.run([trine, "generate-text", home, "--tokenizer", HERE / "llama.gguf", "--prompt", "the band",
                                       "--tokens", "8", "--chunk", "1", "--backend", backend, "--quiet", "--json", "-",
                                       *(["--config", design] if backend != "golden" else [])],
                                      stdout=subprocess.PIPE, check=True)
                reports.append(json.loads(done.stdout))
            same = all(r["tokens"] == reports[0]["tokens"] and r.get("exact", True) for r in reports)
            good &= same
            print(f"{name}: {reports[0]['tokens']} {'on all' if same else 'DIFFER'}, {reports[2]['cycles']:,} cycles", flush=True)
    return not good


def main():
    if sys.argv[1:] == ["--record"]:
        return record()
    if len(sys.argv) in (3, 4) and sys.argv[1] == "--machine":
        return machine(sys.argv[2], (*sys.argv[3:], "edge32")[0])
    if len(sys.argv) == 3 and sys.argv[1] == "--check":
        return check(sys.argv[2])
    print(__doc__)
    return 2


if __name__ == "__main__":
    sys.exit(main())
