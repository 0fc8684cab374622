#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Trains, quantizes and measures the recurrent networks in sequences/, and writes their vectors.

    train_sequences.py [digits_gru] [digits_lstm] [reverse] [adder] [--out DIR] [--measure]

digits_gru, digits_lstm: the 28 rows of a handwritten digit (data of digits.py), one per step; the last state gives
the class.

reverse: one to eight digits, read one by one by a GRU; from its last state a second GRU writes them in reverse order,
one symbol per run.

adder: two numbers of one to four digits, read one by one by an LSTM; a second one writes their sum, the last digit
first. For each symbol it attends to all eight states of the first (softmax of dot products), and so finds the two
digits to add.

Both pairs are an encoder, run once, and a decoder, run once per symbol: its inputs are the previous symbol (one-hot;
all zeros at the beginning) and its state, and its outputs ten digits' logits, an eleventh for "end of the sequence",
and its next state. Places before a number also contain the eleventh symbol.

Between two runs states are eight-bit codes: training adds twice that noise. Quantized like `trine quantize`; ONNX
Runtime gives the expected outputs.
"""

import argparse
import hashlib
import pathlib
import tempfile
import warnings

import numpy as np
import onnxruntime
import torch
from torch import nn

import digits
import quantize
import record

SEED, OTHERS, CALIBRATION = 1, 1000, 200  # number of test sequences; of calibration sequences
VECTORS, SEQUENCES = 10, 5  # recorded digits; recorded sequences, each with its decoding
BATCH, EPOCHS = 50, 30  # of digits
SYMBOLS, END = 11, 10
LARGEST_CELL = 4.0  # of an LSTM's state between two runs
MODELS = pathlib.Path(__file__).resolve().parents[2] / "models"


class Digits(nn.Module):
    def __init__(self, kind, cells=64):
        super().__init__()
        self.cell = kind(28, cells, batch_first=True)
        self.logits = nn.Linear(cells, 10)

    def forward(self, image):
        return self.logits(self.cell(image)[0][:, -1])


class Encoder(nn.Module):
    """@return the last state; for an LSTM h, c and the h of all steps"""

    def __init__(self, kind, cells):
        super().__init__()
        self.cell = kind(SYMBOLS, cells, batch_first=True)

    def forward(self, symbols):
        states, last = self.cell(symbols)
        return (*last, states) if isinstance(last, tuple) else (last,)


class Decoder(nn.Module):
    def __init__(self, cells):
        super().__init__()
        self.cell = nn.GRU(SYMBOLS, cells, batch_first=True)
        self.logits = nn.Linear(cells, SYMBOLS)

    def forward(self, symbol, h):
        y, h = self.cell(symbol, h)
        return self.logits(y), h


class AttentionDecoder(nn.Module):
    """Uses Bahdanau's order: the previous state is the query, the encoder's states are keys and values, and their
    mixture is an input of the cell together with the symbol. Scores are dot products."""

    def __init__(self, cells):
        super().__init__()
        self.question = nn.Linear(cells, cells, bias=False)
        self.cell = nn.LSTM(SYMBOLS + cells, cells, batch_first=True)
        self.hidden = nn.Linear(2 * cells, cells)
        self.logits = nn.Linear(cells, SYMBOLS)

    def forward(self, symbol, h, c, states):
        weights = torch.softmax(self.question(h.transpose(0, 1)) @ states.transpose(1, 2), -1)
        seen = weights @ states
        y, (h, c) = self.cell(torch.cat((symbol, seen), -1), (h, c))
        return self.logits(torch.relu(self.hidden(torch.cat((y, seen), -1)))), h, c


def placed(numbers, places):
    """Returns digits, preceded by the eleventh symbol."""
    digits = numbers[:, None] // 10 ** np.arange(places)[::-1] % 10
    before = numbers[:, None] < 10 ** np.arange(places)[::-1]
    before[:, -1] = False
    return np.where(before, END, digits)


def reversals(rng, count, places=8):
    """Returns (symbols [count, places], answers [count, places + 1])."""
    symbols = rng.integers(0, 10, (count, places))
    symbols[np.arange(places) < places - rng.integers(1, places + 1, (count, 1))] = END
    return symbols, np.concatenate([symbols[:, ::-1], np.full((count, 1), END)], 1)


def sums(rng, count, places=4):
    """Returns (symbols [count, 2 places], answers [count, places + 2])."""
    limits = 10 ** rng.integers(1, places + 1, (2, count))
    a, b = rng.integers(0, limits)
    answers = placed(a + b, places + 1)[:, ::-1]
    return (np.concatenate([placed(a, places), placed(b, places)], 1),
            np.concatenate([answers, np.full((count, 1), END)], 1))


TASKS = {"reverse": (reversals, lambda: (Encoder(nn.GRU, 80), Decoder(80)), 4000),
         "adder": (sums, lambda: (Encoder(nn.LSTM, 64), AttentionDecoder(64)), 9000)}


def one_hot(symbols):
    return np.eye(SYMBOLS, dtype=np.float32)[symbols]


def shifted(answers):
    """Returns a decoder's inputs: nothing, then the previous symbols."""
    return np.concatenate([np.zeros_like(one_hot(answers[:, :1])), one_hot(answers[:, :-1])], 1)


def roughened(states):
    """Adds the noise of eight-bit codes between two runs."""
    result = []
    for i, state in enumerate(states):
        most = LARGEST_CELL if i == 1 else 1.0
        noise = (torch.rand_like(state) - 0.5) * (most / 64)
        result.append(state.clamp(-most, most) + noise)
    return result


def decoded(decoder, given, answers, rough):
    """Returns logits [n, steps, SYMBOLS], given the correct symbol before each."""
    steps, symbols = [], torch.from_numpy(shifted(answers))
    given = rough(given)
    crossing, rest = given[:2], given[2:]
    for i in range(answers.shape[1]):
        logits, *crossing = decoder(symbols[:, i:i + 1], *crossing, *rest)
        crossing = rough(crossing)
        steps.append(logits)
    return torch.cat(steps, 1)


def wanted(answers):
    """Returns a mask of places up to the first END."""
    return np.cumsum(answers == END, 1) - (answers == END) == 0


def train_pair(name, steps):
    task, nets, usual = TASKS[name]
    torch.manual_seed(SEED)
    rng, encoder_decoder, steps = np.random.default_rng(SEED), nets(), steps or usual
    encoder, decoder = encoder_decoder
    parameters = [p for net in encoder_decoder for p in net.parameters()]
    adam = torch.optim.Adam(parameters, 4e-3)
    rate = torch.optim.lr_scheduler.OneCycleLR(adam, 4e-3, total_steps=steps, pct_start=0.05)
    for step in range(steps):
        symbols, answers = task(rng, 128)
        logits = decoded(decoder, encoder(torch.from_numpy(one_hot(symbols))), answers, roughened)
        keep = torch.from_numpy(wanted(answers))
        loss = nn.functional.cross_entropy(logits[keep], torch.from_numpy(answers)[keep])
        adam.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(parameters, 1.0)
        adam.step()
        rate.step()
        if step % 500 == 499:
            print(f"{name}: step {step + 1}: loss {loss.item():.4f}", flush=True)
    return encoder.eval(), decoder.eval()


def written(run, symbols, states, steps):
    """Returns the symbols that a decoder writes, each the largest logit. @param run  arrays to arrays"""
    symbol, result = np.zeros((len(symbols), 1, SYMBOLS), np.float32), []
    crossing, rest = states[:2], states[2:]
    for _ in range(steps):
        logits, *crossing = run(symbol, *crossing, *rest)
        result.append(logits.argmax(-1))
        symbol = one_hot(result[-1])
    return np.concatenate(result, 1)


def right(result, answers):
    return int(((result == answers) | ~wanted(answers)).all(1).sum())


def export(net, inputs, outputs, examples, path):
    """@param inputs, outputs  names"""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about the exporter's age, and about batches, which are 1
        torch.onnx.export(net, tuple(torch.from_numpy(x[:1]) for x in examples), path, dynamo=False,
                          input_names=inputs, output_names=outputs, opset_version=17)


def quantized(net, inputs, outputs, examples, path):
    """Writes the int8 network. @param examples  of each input, [count, ...], for calibration"""
    with tempfile.TemporaryDirectory() as scratch:
        folder = pathlib.Path(scratch)
        export(net, inputs, outputs, examples, folder / "float.onnx")
        files = [folder / f"{name}.npy" for name in inputs]
        for file, array in zip(files, examples, strict=True):
            np.save(file, array[:, None])
        quantize.quantize_onnx(argparse.Namespace(
            model=folder / "float.onnx", inputs=files, calibration=None, count=None, out=path, type="int8",
            method="minmax", per_tensor=False))
    print(f"{path.name}: {path.stat().st_size} bytes, sha256 {hashlib.sha256(path.read_bytes()).hexdigest()}")


def row_by_row(run):
    """@param run  a function of arrays of one row. @return the same function for arrays of any number of rows"""
    def run_all(*arrays):
        rows = [run(*(a[i:i + 1] for a in arrays)) for i in range(len(arrays[0]))]
        return [np.concatenate(column) for column in zip(*rows)]
    return run_all


def in_torch(net):
    def run(*arrays):
        with torch.no_grad():
            result = net(*map(torch.from_numpy, arrays))
        return [r.numpy() for r in (result if isinstance(result, tuple) else (result,))]
    return row_by_row(run)


def in_onnx_runtime(path):
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    names = [end.name for end in session.get_inputs()]
    return row_by_row(lambda *arrays: session.run(None, dict(zip(names, arrays, strict=True))))


def in_trine(path):
    import trine
    program = trine.compile(path, trine.Config("edge256", array={"activations16": True}))

    def run(*arrays):
        result = program.run(*arrays)
        return result if isinstance(result, tuple) else (result,)
    return row_by_row(run)


def report(name, how, count, of):
    print(f"{name}: {how}: {count} of {of} right", flush=True)


def record_rows(path, arrays, labels=None):
    """Records the rows. @param arrays  of each input, [cases, ...]; @param labels  of each case"""
    named = [{"id": f"case{i}", "how": "not trained with", **({"label": int(labels[i])} if labels is not None else {})}
             for i in range(len(arrays[0]))]
    record.record(path, path.with_suffix(""), [
        (entry, [a[i:i + 1] for a in arrays]) for i, entry in enumerate(named)])


def all_steps(run, symbols, states, steps):
    """Returns inputs of a decoder over whole sequences that it writes: [count x steps, ...] each."""
    symbol, result = np.zeros((len(symbols), 1, SYMBOLS), np.float32), []
    crossing, rest = states[:2], states[2:]
    for _ in range(steps):
        result.append([symbol, *crossing, *rest])
        logits, *crossing = run(symbol, *crossing, *rest)
        symbol = one_hot(logits.argmax(-1))
    return [np.stack(column, 1).reshape(-1, *column[0].shape[1:]) for column in zip(*result)]


def count_pair(name, how, read, write):
    """Counts correct sequences. @param read, write  the encoder and the decoder, arrays to arrays. @return the
    encoder's states"""
    symbols, answers = TASKS[name][0](np.random.default_rng(SEED + 1), OTHERS)
    states = read(one_hot(symbols))
    report(name, how, right(written(write, symbols, states, answers.shape[1]), answers), OTHERS)
    return states


def pair_files(name, out):
    return out / f"{name}_encoder.onnx", out / f"{name}_decoder.onnx"


def make_pair(name, steps, out):
    encoder, decoder = train_pair(name, steps)
    read, write = in_torch(encoder), in_torch(decoder)
    count_pair(name, "float", read, write)
    task, (reading, writing) = TASKS[name][0], pair_files(name, out)
    symbols, answers = task(np.random.default_rng(SEED + 2), CALIBRATION)
    length, states = answers.shape[1], read(one_hot(symbols))
    ends = ["h", "c", "states"][:len(states)]
    quantized(encoder, ["symbols"], ends, [one_hot(symbols)], reading)
    quantized(decoder, ["symbol", *ends], ["logits", *(f"next_{end}" for end in ends[:2])],
              all_steps(write, symbols, states, length), writing)
    read, write = in_onnx_runtime(reading), in_onnx_runtime(writing)
    states = count_pair(name, "int8, ONNX Runtime", read, write)
    symbols, answers = (a[:SEQUENCES] for a in task(np.random.default_rng(SEED + 1), OTHERS))
    record_rows(reading, [one_hot(symbols)])
    rows, steps = all_steps(write, symbols, [s[:SEQUENCES] for s in states], length), wanted(answers).ravel()
    record_rows(writing, [row[steps] for row in rows], answers.ravel()[steps])


def measure_pair(name, out):
    count_pair(name, "int8, Trine", *map(in_trine, pair_files(name, out)))


def train_digits(kind, images, labels, epochs):
    torch.manual_seed(SEED)
    rng, net = np.random.default_rng(SEED), Digits(kind)
    steps = epochs * len(images) // BATCH
    adam = torch.optim.AdamW(net.parameters(), 5e-3, weight_decay=1e-2)
    rate = torch.optim.lr_scheduler.OneCycleLR(adam, 5e-3, total_steps=steps, pct_start=0.1)
    for epoch in range(epochs):
        order = rng.permutation(len(images))
        fresh = np.float32(digits.distort(images[order] / 255.0, rng))
        for i in range(0, len(order), BATCH):
            logits = net(torch.from_numpy(fresh[i:i + BATCH]))
            loss = nn.functional.cross_entropy(
                logits, torch.from_numpy(labels[order[i:i + BATCH]]).long(), label_smoothing=0.05)
            adam.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(net.parameters(), 1.0)
            adam.step()
            rate.step()
        if epoch % 5 == 4:
            print(f"epoch {epoch + 1} of {epochs}: loss {loss.item():.4f}", flush=True)
    return net.eval()


def count_digits(name, how, run):
    images, answers = digits.split()[1]
    result = run(np.float32(images) / np.float32(255))[0].argmax(1)
    report(name, how, int((result == answers).sum()), len(answers))


def make_digits(name, epochs, out):
    (images, labels), (others, answers) = digits.split()
    net = train_digits(nn.GRU if name == "digits_gru" else nn.LSTM, images, labels, epochs or EPOCHS)
    count_digits(name, "float", in_torch(net))
    path = out / f"{name}.onnx"
    quantized(net, ["image"], ["logits"], [np.float32(images[::20]) / np.float32(255)], path)
    count_digits(name, "int8, ONNX Runtime", in_onnx_runtime(path))
    record_rows(path, [np.float32(others[:VECTORS]) / np.float32(255)], answers[:VECTORS])


def measure_digits(name, out):
    count_digits(name, "int8, Trine", in_trine(out / f"{name}.onnx"))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", choices=("digits_gru", "digits_lstm", *TASKS, []), metavar="NAME")
    parser.add_argument("--steps", type=int,
                        help="batches for reverse and adder, epochs for digits_gru and digits_lstm (as shipped)")
    parser.add_argument("--out", type=pathlib.Path, default=MODELS / "sequences",
                        help="folder of the networks (sequences)")
    parser.add_argument("--measure", action="store_true",
                        help="train nothing; count the correct answers of the networks in the folder on Trine (Python package)")
    args = parser.parse_args()
    torch.set_num_threads(1)
    args.out.mkdir(parents=True, exist_ok=True)
    for name in args.names or ("digits_gru", "digits_lstm", *TASKS):
        if args.measure:
            (measure_pair if name in TASKS else measure_digits)(name, args.out)
        else:
            (make_pair if name in TASKS else make_digits)(name, args.steps, args.out)


if __name__ == "__main__":
    main()
