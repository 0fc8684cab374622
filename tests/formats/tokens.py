#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Records tokenizers trained by sentencepiece and tokenizers, and their tokens for texts.

usage: tokens.py --record          pieces.model, pieces_spaces.model, bpe_*.json and tokens.json here, for llm_test
       tokens.py --wide N DUMP     N lines of ten scripts, N texts of random characters and N of random bytes through
                                   DUMP (ninja llm_dump), with vocabularies of 4,000 tokens of each kind and those that
                                   mistral-common ships; both directions; exit code 1 if one differs
Needs sentencepiece 0.2.3, tokenizers 0.23.3, gguf 0.19.0, mistral_common and numpy of PyPI, and Debian's iso-codes.
"""
import gettext
import io
import json
import pathlib
import random
import struct
import subprocess
import sys
import tempfile
import unicodedata

import gguf
import sentencepiece
import tokenizers
from tokenizers import Regex, decoders, models, normalizers, pre_tokenizers, processors, trainers

HERE = pathlib.Path(__file__).resolve().parent
LANGUAGES = ["ru", "el", "ar", "he", "hi", "th", "ja", "zh_CN", "ko", "ka", "de", "vi"]  # ten scripts and Latin
LLAMA3 = (r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|"
          r"\s+(?!\S)|\s+")
PATTERNS = {"gpt2": None, "llama3": LLAMA3, "qwen2": LLAMA3.replace(r"\p{N}{1,3}", r"\p{N}")}
CHAT = ["<|im_start|>", "<|im_end|>", "<s>", "</s>", "[INST]"]


def translations(language):
    for domain in ("iso_3166-1", "iso_639-3", "iso_4217", "iso_3166-2", "iso_15924", "iso_639-2"):
        path = f"/usr/share/locale/{language}/LC_MESSAGES/{domain}.mo"
        if pathlib.Path(path).exists():
            with open(path, "rb") as file:
                catalog = gettext.GNUTranslations(file)._catalog
            yield from (t for k, t in catalog.items() if k and isinstance(t, str) and t.strip())


def lines(count, seed=1):
    """Returns lines of all languages in equal numbers; some mix languages, digits, spaces and chat tokens."""
    of = {language: list(translations(language)) for language in LANGUAGES}
    rng = random.Random(seed)
    made = []
    while len(made) < count:
        text = rng.choice(of[LANGUAGES[len(made) % len(LANGUAGES)]])
        kind = rng.randrange(8)
        if kind == 0:
            text += " " * rng.randrange(1, 4) + str(rng.randrange(10 ** rng.randrange(1, 9)))
        if kind == 1:
            text = "\n" * rng.randrange(1, 3) + text + rng.choice(["!!", "\r\n", "  ", "\t.", "'s", "'LL go", "…"])
        if kind == 2:
            text += rng.choice(CHAT) + rng.choice(of[rng.choice(LANGUAGES)])
        made.append(text)
    return made


def random_characters(count, seed=2):
    rng = random.Random(seed)
    made = []
    for _ in range(count):
        text = ""
        for _ in range(rng.randrange(1, 24)):
            c = rng.randrange(0x110000) if rng.randrange(3) else rng.randrange(0x3000)
            text += chr(c) if not 0xD800 <= c < 0xE000 else " "
        made.append(text)
    return made


def random_bytes(count, seed=3):
    rng = random.Random(seed)
    made = []
    for _ in range(count):
        text = bytearray(rng.choice(["aé漢🙂 x", "  don't", "Ж"]).encode() * rng.randrange(1, 4))
        for _ in range(rng.randrange(1, 5)):
            text[rng.randrange(len(text))] = rng.randrange(256)
        made.append(bytes(text))
    return made


def train_pieces(texts, size, **options):
    model = io.BytesIO()
    given = {"normalization_rule_name": "identity", "byte_fallback": True, "remove_extra_whitespaces": False,
             "user_defined_symbols": ["<turn>"], "control_symbols": ["[INST]"], "character_coverage": 0.98, **options}
    sentencepiece.SentencePieceTrainer.train(sentence_iterator=iter(texts), model_writer=model, model_type="bpe",
                                             vocab_size=size, minloglevel=2, hard_vocab_limit=False, **given)
    return model.getvalue()


def train_bytes(texts, size, name):
    t = tokenizers.Tokenizer(models.BPE(ignore_merges=name == "llama3"))
    if name == "qwen2":
        t.normalizer = normalizers.NFC()
    if PATTERNS[name]:
        t.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.Split(Regex(PATTERNS[name]), "isolated"),
                                                   pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)])
    else:
        t.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=True)
    t.decoder = decoders.ByteLevel()
    t.train_from_iterator(texts, trainers.BpeTrainer(vocab_size=size, initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
                                                     special_tokens=["<|begin|>", "<|im_start|>", "<|im_end|>"],
                                                     show_progress=False))
    if name == "qwen2":
        t.add_tokens([tokenizers.AddedToken("<tool_call>", normalized=False), tokenizers.AddedToken("ｔｏｏｌ", normalized=True)])
    if name == "llama3":
        t.post_processor = processors.Sequence([processors.ByteLevel(trim_offsets=False), processors.TemplateProcessing(
            single="<|begin|> $A", pair="<|begin|> $A <|begin|> $B", special_tokens=[("<|begin|>", 0)])])
    t.encode_special_tokens = True  # chat tokens in a text are treated as text
    return t


class Pieces:
    def __init__(self, model):
        self.oracle = sentencepiece.SentencePieceProcessor(model_proto=model)

    def encode(self, text):
        begin = self.oracle.bos_id()
        return ([begin] if begin >= 0 else []) + self.oracle.encode(text)

    def decode(self, ids):
        return self.oracle.decode(ids)

    def size(self):
        return self.oracle.vocab_size()

    def shown(self, data, ids):
        """Replaces bytes that are not a character by U+FFFD each; the replacement of a run of byte pieces is
        separate."""
        out, rest = "", data
        while rest:
            try:
                return out + rest.decode()
            except UnicodeDecodeError as error:
                out += rest[:error.start].decode() + "\ufffd"
                rest = rest[error.start + 1:]
        return out


class Bytes:
    def __init__(self, tokenizer):
        self.oracle = tokenizer

    def encode(self, text):
        return self.oracle.encode(text if isinstance(text, str) else text.decode(errors="replace")).ids

    def decode(self, ids):
        return self.oracle.decode(ids)

    def size(self):
        return self.oracle.get_vocab_size()

    def shown(self, data, ids):
        return data.decode(errors="replace")


def through(dump, how, path, items):
    with tempfile.NamedTemporaryFile() as file:
        file.write(b"".join(struct.pack("<I", len(i)) + i for i in items))
        file.flush()
        out = subprocess.run([dump, how, path, file.name], stdout=subprocess.PIPE, check=True).stdout
    made, place = [], 0
    while place < len(out):
        size, = struct.unpack_from("<I", out, place)
        made.append(out[place + 4:place + 4 + size])
        place += 4 + size
    return made


def same_nfc(texts):
    """Returns texts without those that the tokenizers package normalizes by an older Unicode version than Python's."""
    nfc = normalizers.NFC()
    return [t for t in texts if isinstance(t, bytes) or nfc.normalize_str(t) == unicodedata.normalize("NFC", t)]


def compare(what, codec, path, texts, dump, size):
    """Counts differences of tokens and of texts."""
    wanted = [codec.encode(t) for t in texts]
    got = through(dump, "--encode", path, [t.encode() if isinstance(t, str) else t for t in texts])
    bad = [i for i, (w, g) in enumerate(zip(wanted, got)) if list(struct.unpack(f"<{len(g) // 4}i", g)) != w]
    rng = random.Random(4)
    ids = wanted + [[rng.randrange(size) for _ in range(rng.randrange(1, 20))] for _ in texts]
    decoded = through(dump, "--decode", path, [struct.pack(f"<{len(i)}i", *i) for i in ids])
    worse = [i for i, (w, g) in enumerate(zip(ids, decoded)) if codec.decode(w) != codec.shown(g, w)]
    print(f"{what}: {len(texts):,} texts, {sum(map(len, wanted)):,} tokens, {len(bad)} differ; "
          f"{len(ids):,} lists decoded, {len(worse)} differ", flush=True)
    for i in bad[:3]:
        print("   ", repr(texts[i]), wanted[i], list(struct.unpack(f"<{len(got[i]) // 4}i", got[i])))
    for i in worse[:3]:
        print("   ", ids[i], repr(codec.decode(ids[i])), repr(codec.shown(decoded[i], ids[i])))
    return len(bad) + len(worse)


def as_gguf(path, model):
    p = sentencepiece.SentencePieceProcessor(model_proto=model)
    w = gguf.GGUFWriter(path, "llama")
    count = p.vocab_size()
    types = [2 if p.is_unknown(i) else 3 if p.is_control(i) else 5 if p.is_unused(i) else 6 if p.is_byte(i) else
             4 if p.id_to_piece(i) == "<turn>" else 1 for i in range(count)]
    w.add_tokenizer_model("llama")
    w.add_token_list([p.id_to_piece(i) for i in range(count)])
    w.add_token_scores([p.get_score(i) for i in range(count)])
    w.add_token_types(types)
    w.add_bos_token_id(p.bos_id())
    finish(w)


def bytes_as_gguf(path, tokenizer, pre):
    w = gguf.GGUFWriter(path, "qwen2")
    state = json.loads(tokenizer.to_str())
    by_id = {v: k for k, v in tokenizer.get_vocab(True).items()}
    special = {t["id"] for t in state["added_tokens"]}
    w.add_tokenizer_model("gpt2")
    w.add_tokenizer_pre(pre)
    w.add_token_list([by_id[i] for i in range(len(by_id))])
    w.add_token_types([3 if i in special else 1 for i in range(len(by_id))])
    w.add_token_merges([m if isinstance(m, str) else " ".join(m) for m in state["model"]["merges"]])
    w.add_bos_token_id(0)
    finish(w)


def finish(w):
    w.write_header_to_file()
    w.write_kv_data_to_file()
    w.write_tensors_to_file()
    w.close()


def wide(count, dump):
    texts, worst = lines(count), 0
    kinds = [("lines", texts), ("random characters", random_characters(count)), ("random bytes", random_bytes(count))]
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        cases = []
        for name, options in (("pieces", {}), ("pieces without bytes", {"byte_fallback": False, "add_dummy_prefix": False,
                                                                      "remove_extra_whitespaces": True})):
            model = train_pieces(texts, 8000, **options)
            (folder / f"{name}.model").write_bytes(model)
            cases.append((name, Pieces(model), folder / f"{name}.model"))
            if not options:
                as_gguf(folder / "pieces.gguf", model)
                cases.append(("pieces of GGUF", Pieces(model), folder / "pieces.gguf"))
        for name in PATTERNS:
            t = train_bytes(texts, 4000, name)
            t.save(str(folder / f"{name}.json"))
            cases.append((name, Bytes(t), folder / f"{name}.json"))
        t = train_bytes(texts, 4000, "llama3")
        bytes_as_gguf(folder / "llama3.gguf", t, "llama-bpe")
        cases.append(("llama3 of GGUF", Bytes(t), folder / "llama3.gguf"))
        import mistral_common
        for file in sorted((pathlib.Path(mistral_common.__file__).parent / "data").glob("*.model.v*")):
            (folder / f"{file.stem}{file.suffix}.model").write_bytes(file.read_bytes())
            cases.append((file.name, Pieces(file.read_bytes()), folder / f"{file.stem}{file.suffix}.model"))
        for name, codec, path in cases:
            for kind, of in kinds:
                of = same_nfc(of) if name == "qwen2" else of
                worst += compare(f"{name}, {kind}", codec, path, of, dump, codec.size())
    print("DIFFERENCES" if worst else "all equal")
    return worst > 0


def record():
    texts, table = lines(2000), {}
    few = [t for t in texts if max(map(ord, t)) < 0x500 and not any(0x180 < ord(c) < 0x370 for c in t)]  # Latin, Greek, Cyrillic
    models_made = {"pieces.model": train_pieces(few, 420),
                   "pieces_spaces.model": train_pieces(few, 300, byte_fallback=False, add_dummy_prefix=False,
                                                       remove_extra_whitespaces=True)}
    codecs = {}
    for name, model in models_made.items():
        (HERE / name).write_bytes(model)
        codecs[name] = Pieces(model)
    for name in PATTERNS:
        t = train_bytes(texts, 300, name)
        (HERE / f"bpe_{name}.json").write_text(t.to_str(pretty=False) + "\n")
        codecs[f"bpe_{name}.json"] = Bytes(t)
    samples = ["", " ", "a", "  two  spaces ", "don't DON'T I'LL", "12345 678", "\n\n x\r\n", "<s>[INST] hi<turn>x</s>",
               "<|im_start|>user<tool_call>x", "e\u0301 \u1100\u1161 ｔｏｏｌ", "\u180e\u2003x", "▁a"]
    samples += lines(24, 9) + random_characters(6, 9)
    samples = [s.encode() for s in samples] + random_bytes(8, 9)
    for name, codec in codecs.items():
        rows = []
        for text in samples:
            ids = codec.encode(text if not name.endswith("json") else text.decode(errors="replace"))
            rows.append([text.hex(), ids, codec.decode(ids)])
        table[name] = rows
    body = ",\n".join(f"{json.dumps(k)}: [\n" + ",\n".join(json.dumps(r) for r in rows) + "]" for k, rows in table.items())
    (HERE / "tokens.json").write_text("{\n" + body + "\n}\n")


def main():
    if sys.argv[1:] == ["--record"]:
        return record()
    if len(sys.argv) == 4 and sys.argv[1] == "--wide":
        return wide(int(sys.argv[2]), sys.argv[3])
    print(__doc__)
    return 2


if __name__ == "__main__":
    sys.exit(main())
