#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Trains models/writer: a transformer that reads a line and writes another, character by character.

    OMP_NUM_THREADS=1 venv/bin/python components/zoo/train_writer.py          # 5 min of one core
    venv/bin/python components/zoo/train_writer.py --measure ./trine          # what all of them have right

Dates in many forms become their ISO form ("fifth of March 2024": "2024-03-05"), numbers below 1,000 become words
("417": "four hundred seventeen"). Two layers of encoder and decoder, 64 channels, four heads, normalized after each
sum (Vaswani et al. 2017), with fixed seeds.

The encoder runs once per line and returns the keys and values for the decoder's attention to the line, so these are
computed once. The decoder runs once per character. Its inputs are the previous character, and keys and values of all
earlier ones:

    onnx     they grow from nothing (the open dimension `past`), by torch.onnx.export and ONNX Runtime's quantizer
    tflite   the last 32; a mask hides unused ones; by litert-torch and ai-edge-quantizer

Each folder contains encoder, decoder and symbols.txt (a character per line; the first pads a line, the second begins
and ends a text). held_out.tsv: lines that were not used in training, the correct text, and the float network's
output.
"""

import argparse
import calendar
import datetime
import hashlib
import math
import pathlib
import subprocess
import tempfile
import warnings

import numpy as np
import torch
from torch import nn
from torch.nn import functional

import quantize
import record

SEED, CHANNELS, HEADS, HIDDEN, LAYERS = 1, 64, 4, 128, 2
LINE, TEXT = 32, 32  # length of the input, and of the output with its end
STEPS, BATCH, RATE = 1500, 96, 2e-3
HELD_OUT, CALIBRATION = 200, 60
FILL, END = 0, 1
HIDDEN_SCORE = -12.0  # e^-12 is negligible compared with 1
CHARACTERS = ["<fill>", "<end>", *" ,-./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"]
MODELS = pathlib.Path(__file__).resolve().parents[2] / "models"

UNITS = ("zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen"
         " seventeen eighteen nineteen").split()
TENS = "- - twenty thirty forty fifty sixty seventy eighty ninety".split()
ORDINALS = ("- first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth thirteenth fourteenth"
            " fifteenth sixteenth seventeenth eighteenth nineteenth twentieth").split()


def in_words(number):
    if number < 20:
        return UNITS[number]
    if number < 100:
        return TENS[number // 10] + (f"-{UNITS[number % 10]}" if number % 10 else "")
    return f"{UNITS[number // 100]} hundred" + (f" {in_words(number % 100)}" if number % 100 else "")


def ordinal(day):
    if day <= 20:
        return ORDINALS[day]
    return "thirtieth" if day == 30 else f"{TENS[day // 10]}-{ORDINALS[day % 10]}"


def ending(day):
    return "th" if 10 < day < 14 else {1: "st", 2: "nd", 3: "rd"}.get(day % 10, "th")


FORMS = (
    lambda d, m, s: f"{m} {d.day} {d.year}",
    lambda d, m, s: f"{m} {d.day}, {d.year}",
    lambda d, m, s: f"{d.day} {m} {d.year}",
    lambda d, m, s: f"{d.day}. {m} {d.year}",
    lambda d, m, s: f"{s} {d.day} {d.year}",
    lambda d, m, s: f"{d.day}{ending(d.day)} {s} {d.year}",
    lambda d, m, s: f"{d.month}/{d.day}/{d.year}",
    lambda d, m, s: f"{d.day:02}.{d.month:02}.{d.year}",
    lambda d, m, s: f"{d.year} {s} {d.day}",
    lambda d, m, s: f"{calendar.day_abbr[d.weekday()]} {s} {d.day} {d.year}",
    lambda d, m, s: f"{ordinal(d.day)} of {m} {d.year}",
    lambda d, m, s: f"{m} {ordinal(d.day)}, {d.year}",
)


def pairs(rng, count):
    """Returns (line, text) pairs: three dates for each number."""
    result = []
    while len(result) < count:
        if rng.integers(4) == 0:
            number = int(rng.integers(0, 1000))
            result.append((str(number), in_words(number)))
            continue
        day = datetime.date(1950, 1, 1) + datetime.timedelta(days=int(rng.integers(0, 365 * 100)))
        month = calendar.month_name[day.month]
        line = FORMS[rng.integers(len(FORMS))](day, month, month[:3])
        if len(line) <= LINE:
            result.append((line, day.isoformat()))
    return result


def held_back(line):
    """Returns true if training must not use the line: one of eight, selected by the line itself."""
    return hashlib.sha256(line.encode()).digest()[0] < 32


def drawn(rng, count, held):
    result = []
    while len(result) < count:
        result += [p for p in pairs(rng, count) if held_back(p[0]) == held]
    return result[:count]


def codes(text, places):
    numbers = [CHARACTERS.index(c) for c in text]
    return numbers + [FILL] * (places - len(numbers))


def as_text(numbers):
    numbers = list(numbers)
    return "".join(CHARACTERS[n] for n in numbers[:numbers.index(END) if END in numbers else None])


class Attention(nn.Module):
    def __init__(self):
        super().__init__()
        self.query, self.key, self.value, self.output = (nn.Linear(CHANNELS, CHANNELS) for _ in range(4))

    def forward(self, x, keys, values, hidden=None):
        def apart(y):
            return y.reshape(1 if y.shape[0] == 1 else -1, y.shape[1], HEADS, CHANNELS // HEADS).transpose(1, 2)
        scores = apart(self.query(x)) @ apart(keys).transpose(2, 3)
        if hidden is not None:
            scores = scores + hidden
        mixed = torch.softmax(scores, -1) @ apart(values)
        return self.output(mixed.transpose(1, 2).reshape(x.shape))


class FeedForward(nn.Module):
    def __init__(self):
        super().__init__()
        self.wide, self.narrow = nn.Linear(CHANNELS, HIDDEN), nn.Linear(HIDDEN, CHANNELS)

    def forward(self, x):
        return self.narrow(torch.relu(self.wide(x)))


class EncoderLayer(nn.Module):
    def __init__(self):
        super().__init__()
        self.own, self.forward_part = Attention(), FeedForward()
        self.norms = nn.ModuleList(nn.LayerNorm(CHANNELS) for _ in range(2))

    def forward(self, x):
        x = self.norms[0](x + self.own(x, self.own.key(x), self.own.value(x)))
        return self.norms[1](x + self.forward_part(x))


class DecoderLayer(nn.Module):
    def __init__(self):
        super().__init__()
        self.own, self.other, self.forward_part = Attention(), Attention(), FeedForward()
        self.norms = nn.ModuleList(nn.LayerNorm(CHANNELS) for _ in range(3))

    def forward(self, x, keys, values, line_keys, line_values, hidden=None):
        """@param keys, values  of its own characters up to this one"""
        x = self.norms[0](x + self.own(x, keys, values, hidden))
        x = self.norms[1](x + self.other(x, line_keys, line_values))
        return self.norms[2](x + self.forward_part(x))


class Encoder(nn.Module):
    """Maps numbers [n, LINE] to keys and values [n, LINE, CHANNELS] for each of the decoder's layers."""

    def __init__(self, decoder):
        super().__init__()
        self.symbols, self.places = nn.Embedding(len(CHARACTERS), CHANNELS), nn.Embedding(LINE, CHANNELS)
        self.layers = nn.ModuleList(EncoderLayer() for _ in range(LAYERS))
        self.norm = nn.LayerNorm(CHANNELS)
        self.projections = nn.ModuleList(p for d in decoder.layers for p in (d.other.key, d.other.value))

    def forward(self, line):
        x = self.norm(self.symbols(line) + self.places.weight)
        for layer in self.layers:
            x = layer(x)
        return tuple(project(x) for project in self.projections)


class Decoder(nn.Module):
    def __init__(self):
        super().__init__()
        self.symbols, self.places = nn.Embedding(len(CHARACTERS), CHANNELS), nn.Embedding(TEXT, CHANNELS)
        self.layers = nn.ModuleList(DecoderLayer() for _ in range(LAYERS))
        self.norm, self.logits = nn.LayerNorm(CHANNELS), nn.Linear(CHANNELS, len(CHARACTERS))

    def forward(self, text, line):
        """Returns logits of all places at once. @param line  the output of Encoder"""
        count = text.shape[1]
        x = self.norm(self.symbols(text) + self.places.weight[:count])
        hidden = torch.full((count, count), -math.inf).triu(1)
        for i, layer in enumerate(self.layers):
            x = layer(x, layer.own.key(x), layer.own.value(x), line[2 * i], line[2 * i + 1], hidden)
        return self.logits(x)


class Step(nn.Module):
    """Processes one character: inputs are the previous one [1, 1], keys and values of all earlier ones [1, past,
    CHANNELS] and the line's keys and values of each layer; outputs are logits and the keys and values with the new
    ones appended."""

    def __init__(self, decoder):
        super().__init__()
        self.decoder = decoder

    def forward(self, symbol, *states):
        d, known, line = self.decoder, states[:2 * LAYERS], states[2 * LAYERS:]
        past = known[0].shape[1]
        x = d.norm(d.symbols(symbol) + d.places.weight[past])
        given = []
        for i, layer in enumerate(d.layers):
            keys = torch.cat((known[2 * i], layer.own.key(x)), 1)
            values = torch.cat((known[2 * i + 1], layer.own.value(x)), 1)
            given += [keys, values]
            x = layer(x, keys, values, line[2 * i], line[2 * i + 1])
        return d.logits(x), *given


def train(steps):
    torch.manual_seed(SEED)
    rng, decoder = np.random.default_rng(SEED), Decoder()
    encoder = Encoder(decoder)
    for attention in (m for net in (encoder, decoder) for m in net.modules() if isinstance(m, Attention)):
        with torch.no_grad():  # scores are divided by the root of a head's channels already here
            attention.query.weight *= (CHANNELS // HEADS) ** -0.5
    parameters = list(dict.fromkeys(p for net in (encoder, decoder) for p in net.parameters()))
    adam = torch.optim.AdamW(parameters, RATE, weight_decay=1e-2)
    rate = torch.optim.lr_scheduler.OneCycleLR(adam, RATE, total_steps=steps, pct_start=0.1)
    for step in range(steps):
        drawn_pairs = drawn(rng, BATCH, False)
        line = torch.tensor([codes(a, LINE) for a, _ in drawn_pairs])
        longest = max(len(b) for _, b in drawn_pairs) + 1
        text = torch.tensor([codes(b, longest - 1) + [FILL] for _, b in drawn_pairs])
        text[torch.arange(BATCH), torch.tensor([len(b) for _, b in drawn_pairs])] = END
        before = torch.cat((torch.full((BATCH, 1), END), text[:, :-1]), 1)
        logits = decoder(before, encoder(line))
        keep = text != FILL
        loss = functional.cross_entropy(logits[keep], text[keep])
        adam.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(parameters, 1.0)
        adam.step()
        rate.step()
        if step % 250 == 249:
            print(f"step {step + 1}: loss {loss.item():.4f}", flush=True)
    return encoder.eval(), decoder.eval()


class Window(nn.Module):
    """Like Step, with the last TEXT keys and values, the newest last, and the character's place [1, 1], which defines
    how many of them are valid."""

    def __init__(self, decoder):
        super().__init__()
        self.decoder = decoder
        hidden = torch.full((TEXT, TEXT), HIDDEN_SCORE)
        for place in range(TEXT):
            hidden[place, TEXT - 1 - place:] = 0
        self.hidden = nn.Embedding.from_pretrained(hidden)

    def forward(self, symbol, place, *states):
        d, known, line = self.decoder, states[:2 * LAYERS], states[2 * LAYERS:]
        x = d.norm(d.symbols(symbol) + d.places(place))
        hidden = self.hidden(place).reshape(1, 1, 1, TEXT)
        given = []
        for i, layer in enumerate(d.layers):
            keys = torch.cat((known[2 * i][:, 1:], layer.own.key(x)), 1)
            values = torch.cat((known[2 * i + 1][:, 1:], layer.own.value(x)), 1)
            given += [keys, values]
            x = layer(x, keys, values, line[2 * i], line[2 * i + 1], hidden)
        return d.logits(x), *given


STATES = [f"{kind}_{i}" for i in range(LAYERS) for kind in ("keys", "values")]
OF_LINE = [f"line_{name}" for name in STATES]


def numbers_of(line, kind=np.int64):
    return np.array([codes(line, LINE)], kind)


def written(read, write, line, begin):
    """Returns the characters' numbers up to the end. @param read, write  arrays to arrays. @param begin  states of the
    first step"""
    given, states, symbol, result = read(numbers_of(line)), begin, END, []
    while len(result) < TEXT and result[-1:] != [END]:
        logits, *states = write(np.array([[symbol]]), len(result), states, given)
        symbol = int(logits.argmax())
        result.append(symbol)
    return result


def in_torch(encoder, step):
    def run(net, *arrays):
        with torch.no_grad():
            return [y.numpy() for y in net(*map(torch.from_numpy, arrays))]
    return lambda line: run(encoder, line), lambda symbol, _, states, given: run(step, symbol, *states, *given)


def in_onnx_runtime(folder):
    import onnxruntime
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.intra_op_num_threads = 1
    encoder, decoder = (onnxruntime.InferenceSession(folder / f"{name}.onnx", options) for name in ("encoder", "decoder"))
    return (lambda line: encoder.run(None, {"line": line}),
            lambda symbol, _, states, given: decoder.run(None, dict(zip(
                ["symbol", *STATES, *OF_LINE], [symbol, *states, *given], strict=True))))


def in_litert(folder):
    def of(name):
        runtime = record.LiteRt((folder / f"{name}.tflite").read_bytes())

        def run(*arrays):
            """Maps numbers to numbers, through int8 codes at both ends."""
            codes_in = [np.clip(np.rint(a / np.float32(end["scale"][0])) + end["zero_point"][0], -128, 127).astype(np.int8)
                        if end["scale"] else a.astype(end["dtype"]) for a, end in zip(arrays, runtime.inputs, strict=True)]
            return [(a.astype(np.float32) - end["zero_point"][0]) * np.float32(end["scale"][0]) if end["scale"] else a
                    for a, end in zip(runtime(codes_in), runtime.outputs, strict=True)]
        return run

    encoder, decoder = of("encoder"), of("decoder")
    return encoder, lambda symbol, place, states, given: decoder(symbol, np.array([[place]]), *states, *given)


NOTHING = [np.zeros((1, 0, CHANNELS), np.float32)] * (2 * LAYERS)
EMPTY_WINDOW = [np.zeros((1, TEXT, CHANNELS), np.float32)] * (2 * LAYERS)


def all_steps(read, write, lines, begin):
    """Returns inputs of the encoder, and of all runs of the decoder over correct texts: lists of arrays."""
    reads, writes = [], []
    for line, text in lines:
        reads.append([numbers_of(line)])
        given, states, symbol = read(numbers_of(line)), begin, END
        for place, following in enumerate([*codes(text, len(text)), END]):
            writes.append([np.array([[symbol]]), place, *states, *given])
            _, *states = write(np.array([[symbol]]), place, states, given)
            symbol = following
    return reads, writes


def export_onnx(encoder, step, lines, out):
    import onnxruntime.quantization as q
    from onnxruntime.quantization.shape_inference import quant_pre_process
    reads, writes = all_steps(*in_torch(encoder, step), lines, NOTHING)
    open_axes = {name: {1: "past"} for name in STATES} | {f"next_{name}": {1: "past_and_one"} for name in STATES}
    nets = {"encoder": (encoder, ["line"], OF_LINE, {}, reads),
            "decoder": (step, ["symbol", *STATES, *OF_LINE], ["logits", *(f"next_{name}" for name in STATES)], open_axes,
                        [[row[0], *row[2:]] for row in writes])}
    with tempfile.TemporaryDirectory() as scratch, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about the exporter's age
        for name, (net, inputs, outputs, axes, rows) in nets.items():
            floats, ready = (pathlib.Path(scratch) / f"{name}{kind}.onnx" for kind in ("", "_ready"))
            torch.onnx.export(net, tuple(map(torch.from_numpy, rows[3])), floats, dynamo=False, opset_version=17,
                              input_names=inputs, output_names=outputs, dynamic_axes=axes)
            quant_pre_process(str(floats), str(ready), skip_symbolic_shape=True)
            named = [dict(zip(inputs, row, strict=True)) for row in rows]
            q.quantize_static(str(ready), str(out / f"{name}.onnx"), quantize.Reader(named), per_channel=True,
                              quant_format=q.QuantFormat.QDQ, activation_type=q.QuantType.QInt8,
                              weight_type=q.QuantType.QInt8, extra_options=of_states(named))


def of_states(rows):
    """Returns one symmetric range for a state as output and as input, like `trine quantize --carry`."""
    ranges = {}
    for name in STATES:
        if name in rows[0]:
            most = np.float32(max(np.abs(row[name]).max() for row in rows if row[name].size))
            ranges |= {end: [{"symmetric": True, "rmin": -most, "rmax": most}] for end in (name, f"next_{name}")}
    return {"TensorQuantOverrides": ranges} if ranges else {}


def export_tflite(encoder, window, lines, out):
    import litert_torch
    read, _ = in_torch(encoder, window)
    run = lambda symbol, place, states, given: in_torch(encoder, window)[1](
        symbol, place, [np.array([[place]]), *states], given)
    reads, writes = all_steps(read, run, lines, EMPTY_WINDOW)
    for rows in (reads, writes):
        for row in rows:
            row[:] = [np.reshape(a, (1, 1)).astype(np.int32) if np.ndim(a) == 0 or a.size == 1 else
                      a.astype(np.int32) if a.dtype == np.int64 else a for a in row]
    with tempfile.TemporaryDirectory() as scratch:
        for name, net, rows in (("encoder", encoder, reads), ("decoder", window, writes)):
            floats = pathlib.Path(scratch) / f"{name}.tflite"
            litert_torch.convert(net, tuple(map(torch.from_numpy, rows[0]))).export(str(floats))
            files = [pathlib.Path(scratch) / f"{name}{i}.npy" for i in range(len(rows[0]))]
            for file, column in zip(files, zip(*rows)):
                np.save(file, np.stack(column))
            quantize.quantize_tflite(argparse.Namespace(
                model=floats, inputs=files, calibration=None, count=None, out=out / f"{name}.tflite", type="int8",
                method="minmax", per_tensor=False, carry=[], mixed=False, choice=None))


def held_out(out):
    return [row.split("\t") for row in (out / "held_out.tsv").read_text().splitlines()]


def report(how, texts, rows):
    right, same = (sum(text == row[i] for text, row in zip(texts, rows, strict=True)) for i in (1, 2))
    print(f"{how}: {right} of {len(rows)} right, {same} as the float network writes them", flush=True)


def measure(trine, out):
    rows = held_out(out)
    for folder, how, run, begin in ((out / "onnx", "ONNX Runtime", in_onnx_runtime, NOTHING),
                                    (out / "tflite", "LiteRT", in_litert, EMPTY_WINDOW)):
        report(f"{how}, int8", [as_text(written(*run(folder), row[0], begin)) for row in rows], rows)
        report(f"Trine, {folder.name}", [subprocess.run(
            [trine, "generate-text", folder, "--backend", "golden", "--quiet", "--json", "-", "--prompt", row[0]],
            check=True, capture_output=True, text=True).stdout.split('"text": "')[1].split('"')[0] for row in rows], rows)


def make(args):
    if args.float and args.float.exists():
        decoder = Decoder()
        encoder = Encoder(decoder)
        for net, state in zip((encoder, decoder), torch.load(args.float)):
            net.load_state_dict(state)
            net.eval()
    else:
        encoder, decoder = train(args.steps)
        if args.float:
            torch.save((encoder.state_dict(), decoder.state_dict()), args.float)
    step, rng = Step(decoder).eval(), np.random.default_rng(SEED + 1)
    lines = list(dict(drawn(rng, 2 * HELD_OUT, True)).items())[:HELD_OUT]
    texts = [as_text(written(*in_torch(encoder, step), line, NOTHING)) for line, _ in lines]
    rows = [(*pair, text) for pair, text in zip(lines, texts)]
    args.out.mkdir(parents=True, exist_ok=True)
    (args.out / "held_out.tsv").write_text("".join("\t".join(row) + "\n" for row in rows))
    report("float32, PyTorch", texts, rows)
    calibration = drawn(np.random.default_rng(SEED + 2), CALIBRATION, False)
    for name, export in (("onnx", lambda out: export_onnx(encoder, step, calibration, out)),
                         ("tflite", lambda out: export_tflite(encoder, Window(decoder).eval(), calibration, out))):
        if args.only in (None, name):
            (args.out / name).mkdir(exist_ok=True)
            (args.out / name / "symbols.txt").write_text("".join(f"{c}\n" for c in CHARACTERS))
            export(args.out / name)
            for path in sorted((args.out / name).iterdir()):
                print(f"{path.name}: {path.stat().st_size} bytes, sha256 {hashlib.sha256(path.read_bytes()).hexdigest()}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=STEPS, help="number of batches (as shipped)")
    parser.add_argument("--float", type=pathlib.Path, metavar="F.pt",
                        help="file of the float network, which is read if it exists")
    parser.add_argument("--only", choices=("onnx", "tflite"), help="write only this file format (both)")
    parser.add_argument("--out", type=pathlib.Path, default=MODELS / "writer", help="folder of the models (writer)")
    parser.add_argument("--measure", metavar="TRINE",
                        help="train nothing; count the correct int8 answers with this command")
    args = parser.parse_args()
    torch.set_num_threads(1)
    if args.measure:
        measure(args.measure, args.out)
    else:
        make(args)


if __name__ == "__main__":
    main()
