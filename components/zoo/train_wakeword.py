#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Trains the wake word: "hey Trine" in a stream of log-mel frames, with a convolution over the mels and a GRU.

Install:  pip install torch==2.15.0 onnx==1.19.1 onnxruntime==1.31.1 numpy espeakng-loader==0.2.4
Use:      train_wakeword.py            (10 min of one core)

No available speech set is small and free enough to be downloaded here, so eSpeak NG (PyPI espeakng-loader, the
library with its data) speaks all phrases, in 75 voices; twelve others are held back for the test. --flite PROGRAM
(Debian: flite) also tests with voices of another synthesizer, made from recordings of people.

Writes wakeword.onnx, its vectors (wakeword/vectors: the frames of word.pcm with the states between them, by ONNX
Runtime), word.pcm and other.pcm (a second each, with a held-back voice). Seeds are fixed.
"""
import argparse
import ctypes
import importlib
import pathlib
import subprocess
import sys
import tempfile
import wave

import numpy as np

MODELS = pathlib.Path(__file__).resolve().parents[2] / "models"
RATE, FRAME, HOP, MELS = 16000, 400, 160, 40
FLOOR = 1e-6
CELLS, CHANNELS = 48, (8, 12)
MEAN, SPREAD = -4.0, 4.0  # approximate mean and deviation of features
CLIP = 2 * RATE  # samples of a training clip
AFTER = 25  # frames after the word in which the answer is wanted
STATE = 1 / 128  # value of a code of the state
SUMS = 7.0  # limit of the size of a gate's products with the frame, and with the state: the machine's int16 ends at 8

WORD = "hey trine"
NEAR = ("hey train", "hey tree", "hey brian", "hey line", "hey try", "hey there", "hey trim", "hey drone", "hey twin", "the train",
        "they tried", "a trial", "hey time", "hey nine", "say nine", "may rain", "pay fine", "okay mine", "hey ryan", "hey tron",
        "hey sunshine", "hay", "hey", "try again", "crane", "design", "they dine", "betray", "hey friend", "hey twine")
OTHER = ("yes", "no", "up", "down", "left", "right", "on", "off", "stop", "go", "zero", "one", "two", "three", "four", "five",
         "six", "seven", "eight", "nine", "hello world", "good morning", "thank you", "what time is it", "open the door",
         "turn the light on", "play some music", "I do not know", "see you tomorrow", "the weather is fine", "a cup of tea",
         "where are you", "come here", "never mind", "read the mail", "call my mother", "it is raining", "happy birthday",
         "volume up", "set an alarm", "bicycle", "keyboard", "river", "mountain", "paper", "window", "yellow", "orange",
         "machine", "accelerator", "network", "silicon", "eighty nine trains", "behind the line", "mine", "shine", "they try it")
LANGUAGES = ("en-us", "en", "en-gb-scotland", "en-gb-x-rp", "en-gb-x-gbclan", "en-029")
HELD_BACK = ("f3", "m4", "linda", "adam", "Mike", "steph", "klatt3", "Andrea", "Lee", "max", "grandma", "Gene")
STRANGE = ("Demonic", "UniRobot", "anikaRobot", "whisper", "whisperf", "croak", "fast", "Storm", "robosoft", "Tweaky")


class Espeak:
    """eSpeak NG as a library; speech(): float32 samples at RATE."""

    SPEED, PITCH, RANGE = 1, 3, 4  # espeak_PARAMETER

    def __init__(self):
        loader = importlib.import_module("espeakng_loader")
        self.library, self.pieces = ctypes.CDLL(loader.get_library_path()), []
        self.rate = self.library.espeak_Initialize(2, 0, loader.get_data_path().encode(), 0)  # returns samples to a callback
        kind = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.c_void_p)
        self.callback = kind(self._take)
        self.library.espeak_SetSynthCallback(self.callback)
        voices = pathlib.Path(loader.get_data_path()) / "voices" / "!v"
        self.voices = sorted(p.name for p in voices.iterdir() if not p.name.startswith(STRANGE) and self.has(f"en-us+{p.name}"))

    def _take(self, samples, count, _):
        if count > 0:
            self.pieces.append(np.ctypeslib.as_array(samples, (count,)).copy())
        return 0

    def has(self, voice):
        return self.library.espeak_SetVoiceByName(voice.encode()) == 0

    def speech(self, text, voice, speed, pitch, spread):
        if not self.has(voice):
            raise SystemExit(f"espeak: no voice {voice}")
        for parameter, value in ((self.SPEED, speed), (self.PITCH, pitch), (self.RANGE, spread)):
            self.library.espeak_SetParameter(parameter, value, 0)
        self.pieces.clear()
        content = text.encode() + b"\0"
        self.library.espeak_Synth(content, len(content), 0, 1, 0, 1, None, None)
        self.library.espeak_Synchronize()
        return resampled(np.concatenate(self.pieces).astype(np.float32) / 32768, self.rate)


def resampled(x, rate):
    """Resamples to RATE by the spectrum, and removes silence at the ends."""
    count = int(len(x) * RATE / rate)
    spectrum = np.fft.rfft(x)
    spectrum = spectrum[:count // 2 + 1] if count < len(x) else np.pad(spectrum, (0, count // 2 + 1 - len(spectrum)))
    x = (np.fft.irfft(spectrum, count) * (count / len(x))).astype(np.float32)
    loud = np.flatnonzero(np.abs(x) > 0.01)
    return x[loud[0]:loud[-1] + 1]


def filters():
    """Returns [bins, MELS] float32: triangles whose corners are evenly spaced in mels."""
    points = 1 << (FRAME - 1).bit_length()
    bins = np.arange(points // 2 + 1) * RATE / points
    corners = 700 * (10 ** (np.arange(MELS + 2) * (2595 * np.log10(1 + RATE / 2 / 700) / (MELS + 1)) / 2595) - 1)
    low, top, high = corners[:-2], corners[1:-1], corners[2:]
    rising, falling = (bins[:, None] - low) / (top - low), (high - bins[:, None]) / (high - top)
    return np.maximum(np.minimum(rising, falling), 0).astype(np.float32)


FILTERS = filters()
WINDOW = (0.5 - 0.5 * np.cos(2 * np.pi * np.arange(FRAME) / FRAME)).astype(np.float32)


def features(samples):
    """Returns [frames, MELS] float32 from int16, like `trine run --pcm --features mel:40`."""
    x = samples.astype(np.float32) / np.float32(32768)
    frames = np.lib.stride_tricks.sliding_window_view(x, FRAME)[::HOP] * WINDOW
    spectrum = np.fft.rfft(frames, 1 << (FRAME - 1).bit_length(), axis=1)
    power = (spectrum.real ** 2 + spectrum.imag ** 2).astype(np.float32)
    return np.log(power @ FILTERS + np.float32(FLOOR))


def noise(rng, count):
    """Returns white to brown noise with an rms of 1."""
    spectrum = np.fft.rfft(rng.standard_normal(count))
    spectrum *= np.maximum(np.arange(len(spectrum)), 20.0) ** -rng.uniform(0, 1)
    x = np.fft.irfft(spectrum, count)
    return (x / np.sqrt(np.mean(x ** 2))).astype(np.float32)


def as_pcm(x):
    return np.clip(np.rint(x * 32768), -32768, 32767).astype(np.int16)


def mixed(rng, pieces, count, snr=(5, 35)):
    """Returns (int16[count], sample after the last piece): pieces one after the other, at a random level, with noise."""
    x, at = np.zeros(count, np.float32), 0
    total = sum(len(p) for p in pieces)
    gaps = rng.dirichlet(np.ones(len(pieces) + 1)) * max(count - AFTER * HOP - FRAME - total, 0)
    for gap, piece in zip(gaps, pieces):
        at += int(gap)
        piece = piece[:max(count - at, 0)]
        x[at:at + len(piece)] += piece
        at += len(piece)
    level = 10 ** rng.uniform(-1.3, -0.1) / max(np.abs(x).max(), 0.01)
    loud = np.sqrt(np.mean(x[x != 0] ** 2)) if x.any() else 0.1
    return as_pcm(level * (x + loud * 10 ** (-rng.uniform(*snr) / 20) * noise(rng, count))), at


def clips(say, rng, count, share=0.5):
    """Returns features [count, frames, MELS], wanted answer [count, frames] (-1: either), whether the word occurs."""
    all_features, wanted, there = [], [], []
    for _ in range(count):
        has_word = rng.random() < share
        pieces = []
        if rng.random() < 0.4 or not has_word:
            pieces.append(say(rng, rng.choice(NEAR if rng.random() < 0.5 else OTHER)))
        if has_word:
            pieces.append(say(rng, WORD))
        elif rng.random() < 0.1:
            pieces = []
        if sum(map(len, pieces)) > CLIP - AFTER * HOP - FRAME:
            pieces = pieces[-1:]
        samples, end = mixed(rng, pieces, CLIP)
        answer = np.zeros((CLIP - FRAME) // HOP + 1, np.int8)
        if has_word:
            last = (end - FRAME) // HOP + 1  # the first frame that ends after the word
            begin = max((end - len(pieces[-1])) // HOP, 0)
            answer[begin + 20:last + 5] = -1
            answer[last + 5:last + AFTER] = 1
            answer[last + AFTER:] = -1
        all_features.append(features(samples))
        wanted.append(answer)
        there.append(has_word)
    return np.stack(all_features), np.stack(wanted), np.array(there)


def espeak_sayer(espeak, voices, throats=(1.0, 1.0)):
    """@param throats  factor by which all formants, and the pitch, are shifted"""
    def say(rng, text):
        throat = rng.uniform(*throats)
        x = espeak.speech(text, f"{rng.choice(LANGUAGES)}+{rng.choice(voices)}", int(rng.integers(120, 210) / throat),
                          int(rng.integers(25, 76)), int(rng.integers(30, 71)))
        return x if throat == 1 else resampled(x, RATE * throat)
    return say


def flite_sayer(program):
    cache = {}

    def say(rng, text):
        key = (text, str(rng.choice(("slt", "awb", "rms", "kal16"))))
        if key not in cache:
            with tempfile.TemporaryDirectory() as folder:
                file = f"{folder}/x.wav"
                subprocess.run([program, "-voice", key[1], "-t", text, "-o", file], check=True)
                with wave.open(file) as sound:
                    samples = np.frombuffer(sound.readframes(sound.getnframes()), np.int16)
                    cache[key] = resampled(samples.astype(np.float32) / 32768, sound.getframerate())
        return cache[key]
    return say


def network(torch):
    class Net(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.first, self.second = torch.nn.Conv1d(1, CHANNELS[0], 5, 2), torch.nn.Conv1d(*CHANNELS, 4, 2)
            self.gru, self.answer = torch.nn.GRU(8 * CHANNELS[1], CELLS, batch_first=True), torch.nn.Linear(CELLS, 2)

        def front(self, x):
            y = ((x - MEAN) / SPREAD).reshape(-1, 1, MELS)
            y = torch.relu(self.second(torch.relu(self.first(y))))
            return y.reshape(*x.shape[:-1], -1)

        def forward(self, x, step=0.0, most=None):
            """Returns logits of each frame. @param step  of the state's codes, 0: floats @param most  receives by how
            much sums of the gates exceed SUMS, which the machine does not support"""
            y, g = self.front(x), self.gru
            parts = y @ g.weight_ih_l0.T + g.bias_ih_l0
            states = g(y)[0] if step == 0 else self.stepped(parts, step)
            if most is not None:
                both = torch.cat([parts, states @ g.weight_hh_l0.T + g.bias_hh_l0], 2)
                most.append((both.abs() - SUMS).relu().square().sum(2).mean())
            return self.answer(states)

        def stepped(self, parts, step):
            g, h, states = self.gru, parts.new_zeros(len(parts), CELLS), []
            for t in range(parts.shape[1]):
                r, z, n = parts[:, t].chunk(3, 1)
                hr, hz, hn = (h @ g.weight_hh_l0.T + g.bias_hh_l0).chunk(3, 1)
                z = torch.sigmoid(z + hz)
                h = (1 - z) * torch.tanh(n + torch.sigmoid(r + hr) * hn) + z * h
                h = h + (torch.clamp(torch.round(h / step), -128, 127) * step - h).detach()
                states.append(h)
            return torch.stack(states, 1)

    return Net()


def train(torch, net, data, epochs, rate, step=0.0):
    x, wanted, _ = (torch.from_numpy(a) for a in data)
    optimizer = torch.optim.Adam(net.parameters(), rate)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, epochs)
    for epoch in range(epochs):
        order, total = torch.randperm(len(x)), 0.0
        for batch in order.split(64):
            count, tilt = len(batch), torch.linspace(-1, 1, MELS)
            frames = x[batch] + 0.7 * torch.randn(count, 1, 1) + torch.randn(count, 1, 1) * tilt  # simulates another microphone
            masked = (torch.arange(MELS) - torch.randint(0, MELS, (count, 1))) % MELS < torch.randint(0, 6, (count, 1))
            frames = torch.where(masked[:, None], MEAN, frames)
            most = []
            logits = net(frames, step, most).transpose(1, 2)
            loss = torch.nn.functional.cross_entropy(logits, wanted[batch].long(), ignore_index=-1) + 0.1 * most[0]
            optimizer.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(net.parameters(), 1.0)
            optimizer.step()
            total += float(loss.detach()) * len(batch)
        schedule.step()
        print(f"epoch {epoch}: {total / len(x):.4f}", flush=True)


def heard(logits, frames=3):
    """Returns true if `frames` consecutive frames say yes."""
    yes = logits[..., 1] > logits[..., 0]
    runs = np.stack([yes[:, i:yes.shape[1] - frames + 1 + i] for i in range(frames)]).all(0)
    return runs.any(1)


def rates(logits, there):
    """Returns "of words, heard; of clips without, answered"."""
    h = heard(logits)
    return f"{int(h[there].sum())} of {int(there.sum())} words, {int(h[~there].sum())} of {int((~there).sum())} others"


def float_model(net):
    """Returns ONNX with a frame and a state as inputs, logits and the state as outputs."""
    from onnx import TensorProto, helper, numpy_helper
    weights = {k: v.detach().numpy() for k, v in net.state_dict().items()}
    constants = []

    def constant(name, array):
        constants.append(numpy_helper.from_array(np.ascontiguousarray(array), name))
        return name

    def gates(name):  # PyTorch's order is r, z, n, ONNX's z, r, n
        r, z, n = np.split(weights[name], 3)
        return np.concatenate([z, r, n])

    first = weights["first.weight"] / np.float32(SPREAD)
    bias = weights["first.bias"] - first.sum((1, 2)) * np.float32(MEAN)
    wide = lambda w: w[..., None]  # a column
    nodes = [
        helper.make_node("Reshape", ["frame", constant("as_image", np.array([1, 1, MELS, 1]))], ["image"]),
        helper.make_node("Conv", ["image", constant("first", wide(first)), constant("first_bias", bias)], ["a"], strides=[2, 1],
                         kernel_shape=[5, 1]),
        helper.make_node("Relu", ["a"], ["b"]),
        helper.make_node("Conv", ["b", constant("second", wide(weights["second.weight"])),
                                  constant("second_bias", weights["second.bias"])], ["c"], strides=[2, 1], kernel_shape=[4, 1]),
        helper.make_node("Relu", ["c"], ["d"]),
        helper.make_node("Reshape", ["d", constant("as_step", np.array([1, 1, 8 * CHANNELS[1]]))], ["e"]),
        helper.make_node("GRU", ["e", constant("W", gates("gru.weight_ih_l0")[None]), constant("R", gates("gru.weight_hh_l0")[None]),
                                 constant("B", np.concatenate([gates("gru.bias_ih_l0"), gates("gru.bias_hh_l0")])[None]), "", "h"],
                         ["", "next_h"], hidden_size=CELLS, linear_before_reset=1),
        helper.make_node("Reshape", ["next_h", constant("as_row", np.array([1, CELLS]))], ["f"]),
        helper.make_node("Gemm", ["f", constant("answer", weights["answer.weight"]), constant("answer_bias", weights["answer.bias"])],
                         ["logits"], transB=1),
    ]
    end = lambda name, shape: helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)
    graph = helper.make_graph(nodes, "wakeword", [end("frame", [1, 1, MELS]), end("h", [1, 1, CELLS])],
                              [end("logits", [1, 2]), end("next_h", [1, 1, CELLS])], constants)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def stream(session, frames):
    """Returns [(inputs, outputs)] of each frame, with the state passed from run to run."""
    h, steps = np.zeros((1, 1, CELLS), np.float32), []
    for frame in frames:
        arrays = [frame.reshape(1, 1, MELS), h]
        outputs = session.run(None, dict(zip(("frame", "h"), arrays)))
        steps.append((arrays, outputs))
        h = outputs[1]
    return steps


def session_of(model):
    import onnxruntime
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.intra_op_num_threads = 1
    return onnxruntime.InferenceSession(model if isinstance(model, bytes) else model.SerializeToString(), options,
                                        providers=["CPUExecutionProvider"])


def streamed(model, x):
    session = session_of(model)
    return np.stack([[outputs[0][0] for _, outputs in stream(session, clip)] for clip in x])


def quantized(model, calibration, out):
    """Quantizes with components/zoo/quantize.py, like `trine quantize --inputs FRAMES.npy STATES.npy --carry 1=1`."""
    import onnx
    import quantize
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        onnx.save(model, folder / "float.onnx")
        session, cases = session_of(model), []
        for clip in calibration:
            cases += [arrays for arrays, _ in stream(session, clip)][::4]
        files = []
        for i in range(2):
            files.append(folder / f"{i}.npy")
            np.save(files[-1], np.stack([case[i] for case in cases]))
        quantize.quantize_onnx(argparse.Namespace(model=folder / "float.onnx", inputs=files, count=None, calibration=None, out=out,
                                                  type="int8", method="minmax", per_tensor=False, carry=["1=1"]))
    return out.read_bytes()


def examples(out):
    """Writes a second with the word and one without, in a held-back voice; the stream of the first as vectors."""
    import record
    espeak, rng, session = Espeak(), np.random.default_rng(4), session_of((out / "wakeword.onnx").read_bytes())
    (out / "wakeword").mkdir(exist_ok=True)
    for name, text in (("word", WORD), ("other", "hello world")):
        sound = espeak.speech(text, "en-us+linda", 170, 50, 50)
        samples, _ = mixed(rng, [sound, np.zeros(RATE // 10, np.float32)], RATE, snr=(25, 25))
        samples.astype("<i2").tofile(out / "wakeword" / f"{name}.pcm")
        steps = stream(session, features(samples))
        print(f"{name}.pcm: {sum(bool(o[0][0, 1] > o[0][0, 0]) for _, o in steps)} of {len(steps)} frames say yes")
        if name == "word":
            cases = [({"id": f"frame {i}", "how": "pcm"}, arrays) for i, (arrays, _) in enumerate(steps)]
            record.record(out / "wakeword.onnx", out / "wakeword" / "vectors", cases, layers_of=())


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=pathlib.Path, default=MODELS)
    parser.add_argument("--flite", metavar="PROGRAM", help="second speech synthesizer for the test")
    parser.add_argument("--clips", type=int, default=5000)
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--examples", action="store_true",
                        help="write only the sounds and the vectors, for the existing model")
    options = parser.parse_args()
    if options.examples:
        return examples(options.out)
    import torch
    torch.manual_seed(1)
    torch.set_num_threads(1)
    espeak = Espeak()
    missing = [v for v in HELD_BACK if v not in espeak.voices]
    if missing:
        raise SystemExit(f"espeak: no voices {missing}")
    training = espeak_sayer(espeak, [v for v in espeak.voices if v not in HELD_BACK], (0.85, 1.18))
    test = espeak_sayer(espeak, list(HELD_BACK))
    data = clips(training, np.random.default_rng(1), options.clips)
    tests = {"held back": clips(test, np.random.default_rng(2), 1000)}
    if options.flite:
        tests["flite"] = clips(flite_sayer(options.flite), np.random.default_rng(3), 400)
    print(f"{len(espeak.voices) - len(HELD_BACK)} voices, features of mean {data[0].mean():.2f}, deviation {data[0].std():.2f}")

    net = network(torch)
    train(torch, net, data, options.epochs, 4e-3)

    def report(what, step=0.0):
        net.eval()
        with torch.no_grad():
            for name, (x, _, there) in tests.items():
                print(f"{name}, {what}: {rates(net(torch.from_numpy(x), step).numpy(), there)}")

    report("float32")
    report("float32 with states of int8", STATE)
    train(torch, net, data, 2, 1e-3, STATE)  # continues with the state's codes
    report("trained with states of int8: float32")
    report("trained with states of int8: with them", STATE)

    model = float_model(net)
    content = quantized(model, data[0][:32], options.out / "wakeword.onnx")
    for name, (x, _, there) in tests.items():
        print(f"{name}, float ONNX: {rates(streamed(model, x[:200]), there[:200])}")
        print(f"{name}, int8: {rates(streamed(content, x), there)}")

    print(f"wakeword.onnx: {len(content)} bytes")
    # eSpeak's sounds depend on what it spoke before.
    subprocess.run([sys.executable, "-B", __file__, "--examples", "--out", options.out], check=True)


if __name__ == "__main__":
    main()
