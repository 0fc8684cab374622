#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Trains face_finder.tflite on drawn faces, quantizes and measures it, and writes its vectors.

The network is the Convolutional Face Finder (Garcia and Delakis 2004), with six layers and 951 parameters:

    C1  4 maps, 5x5                                      4 (25 + 1)              = 104
    S1  means of 2x2, a factor and a bias for each map   4 * 2                   =   8
    C2  14 maps, 3x3: 8 of one map, 6 of a pair of maps  8 (9 + 1) + 6 (18 + 1)  = 194
    S2  means of 2x2, a factor and a bias for each map   14 * 2                  =  28
    N1  14 neurons, each with one map of 6x7             14 (42 + 1)             = 602
    N2  1 neuron                                         14 + 1                  =  15

The activation function after S1, S2, N1 and N2 is tanh. The input is a picture of 32 x 36 pixels divided by 255. The
output is near 1 for a face and near -1 for anything else. No photograph is used: faces are drawn, and the others are
clutter or faces with wrong parts. Packages: requirements_litert.txt and torch (requirements_sequences.txt); 2 min of
one core.
"""
import argparse
import hashlib
import pathlib
import sys

if {"-h", "--help"} & set(sys.argv[1:]):  # before modules are imported that may not be installed
    sys.exit(print(__doc__))

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

import golden
import tflite_net
from tflite_net import VALID

HEIGHT, WIDTH, PARAMETERS = 36, 32, 951
PAIRS = [0, 1, 0, 2, 0, 3, 1, 2, 1, 3, 2, 3]
TRAINED, HELD_BACK, CALIBRATION, VECTORS = 12_000, 2000, 200, 16
SEED, BATCH, EPOCHS = 1, 64, 20
# x, y, half width, half height, brightness on a face that spans -1 .. 1: hair, brows, eyes, nose, mouth.
PARTS = [(0, -0.9, 0.8, 0.25, -90), (-0.4, -0.42, 0.22, 0.06, -60), (0.4, -0.42, 0.22, 0.06, -60),
         (-0.4, -0.2, 0.17, 0.1, -80), (0.4, -0.2, 0.17, 0.1, -80), (0, 0.15, 0.1, 0.2, -25), (0, 0.55, 0.35, 0.1, -70)]


class FaceFinder(nn.Module):
    def __init__(self):
        super().__init__()
        self.c1, self.s1 = nn.Conv2d(1, 4, 5), nn.Conv2d(4, 4, 1, groups=4)
        self.single, self.pairs = nn.Conv2d(4, 8, 3, groups=4), nn.Conv2d(12, 6, 3, groups=6)
        self.s2, self.n1 = nn.Conv2d(14, 14, 1, groups=14), nn.Conv2d(14, 14, (7, 6), groups=14)
        self.n2 = nn.Conv2d(14, 1, 1)

    def forward(self, x):
        x = torch.tanh(self.s1(F.avg_pool2d(self.c1(x), 2)))
        x = torch.cat([self.single(x), self.pairs(x[:, PAIRS])], 1)
        x = torch.tanh(self.s2(F.avg_pool2d(x, 2)))
        return torch.tanh(self.n2(torch.tanh(self.n1(x))))


def blend(picture, x, y, across, down, value):
    """Draws a soft ellipse. @param x, y  coordinates of each pixel relative to its middle"""
    share = np.clip(3 * (1 - np.hypot(x / across, y / down)) + 0.5, 0, 1)
    picture += share * (value - picture)


def clutter(rng):
    """Returns (picture, y, x) with ellipses on a slope; y and x are the pixels relative to the middle."""
    y, x = np.mgrid[:HEIGHT, :WIDTH] - np.array([HEIGHT / 2, WIDTH / 2])[:, None, None]
    picture = rng.uniform(40, 200) + rng.uniform(-2, 2) * x + rng.uniform(-2, 2) * y
    for _ in range(rng.integers(2, 9)):
        blend(picture, x - rng.uniform(-16, 16), y - rng.uniform(-18, 18), rng.uniform(2, 14), rng.uniform(2, 14),
              rng.uniform(0, 255))
    return picture, y, x


def add_face(rng, picture, y, x, wrong):
    """Draws a face. @param wrong  true: upside down, away from the middle, or with parts at wrong places"""
    fault = rng.integers(3) if wrong else None
    angle, size = rng.uniform(-0.25, 0.25) + (np.pi if fault == 0 else 0), rng.uniform(0.85, 1.1)
    dx, dy = rng.uniform(-2, 2, 2) + (rng.choice([-10, 10], 2) if fault == 1 else 0)
    u = ((x - dx) * np.cos(angle) + (y - dy) * np.sin(angle)) / (13 * size)
    v = ((y - dy) * np.cos(angle) - (x - dx) * np.sin(angle)) / (17 * size)
    skin = rng.uniform(110, 230)
    blend(picture, u, v, 1, 1, skin)
    for part_x, part_y, across, down, brighter in PARTS:
        place = rng.uniform(-0.8, 0.8, 2) if fault == 2 else np.array([part_x, part_y]) + rng.normal(0, 0.04, 2)
        blend(picture, u - place[0], v - place[1], across * rng.uniform(0.8, 1.2), down * rng.uniform(0.8, 1.3),
              skin + brighter * rng.uniform(0.7, 1.2))
    picture += rng.uniform(-1.5, 1.5) * x


def drawn(count, seed):
    """Returns pictures uint8 [count, 1, 36, 32] and whether each is a face: every second one."""
    rng, pictures = np.random.default_rng(seed), []
    for n in range(count):
        picture, y, x = clutter(rng)
        if n % 2 == 0 or rng.random() < 0.5:
            add_face(rng, picture, y, x, wrong=n % 2 != 0)
        picture += rng.normal(0, rng.uniform(2, 10), picture.shape)
        pictures.append(np.clip(np.rint(picture), 0, 255))
    return np.uint8(pictures)[:, None], np.arange(count) % 2 == 0


def pixels(pictures):
    return np.float32(pictures) / np.float32(255)


def train(epochs):
    pictures, faces = drawn(TRAINED, SEED)
    x, wanted = torch.tensor(pixels(pictures)), torch.tensor(np.float32(faces))
    net = FaceFinder()
    steps = epochs * (TRAINED // BATCH)
    trainer = torch.optim.Adam(net.parameters(), 3e-3)
    rate = torch.optim.lr_scheduler.OneCycleLR(trainer, 1e-2, steps)
    for step in range(steps):
        some = torch.randint(0, TRAINED, (BATCH,))
        output = net(x[some]).reshape(BATCH)
        loss = F.mse_loss(output, 1.8 * wanted[some] - 0.9)  # the paper's: -0.9 and 0.9 keep weights small
        trainer.zero_grad()
        loss.backward()
        trainer.step()
        rate.step()
        if step % 1000 == 0:
            print(step, f"{loss.item():.3f}", flush=True)
    return net.eval()


def ranges_of(net, pictures):
    """Returns the (scale, zero point) of each layer's sums, by the layer's name. The maps of C2 share theirs."""
    values = {}
    hooks = [layer.register_forward_hook(lambda _, __, y, name=name: values.__setitem__(name, y))
             for name, layer in net.named_children()]
    with torch.no_grad():
        net(torch.tensor(pixels(pictures)))
    for hook in hooks:
        hook.remove()
    values["single"] = values["pairs"] = torch.cat([values["single"], values["pairs"]], 1)
    result = {}
    for name, y in values.items():
        low, high = min(y.min().item(), 0), max(y.max().item(), 0)
        scale = (high - low) / 255
        result[name] = scale, round(-128 - low / scale)
    return result


class Int8Model(tflite_net.Model):
    """The int8 network. @param layers  convolutions of PyTorch by name; @param ranges  (scale, zero point) of their sums"""

    def __init__(self, layers, ranges):
        super().__init__("face_finder", "i1")
        self.layers, self.ranges = layers, ranges

    def named(self, x, name):
        self.tensors[x][3] = name
        return x

    def layer(self, x, name):
        """Adds a convolution with one scale for each channel of its weights."""
        layer = self.layers[name]
        depthwise = layer.groups == layer.in_channels > 1
        w = layer.weight.detach().numpy().transpose((1, 2, 3, 0) if depthwise else (0, 2, 3, 1))
        axis, filters = (3 if depthwise else 0), layer.out_channels
        scales = np.abs(w).max(tuple(a for a in range(4) if a != axis), keepdims=True) / 127
        zeros, of_sums = np.zeros(filters), scales.ravel() * self.q[x][0]
        weights = self.tensor(w.shape, scales.ravel(), zeros, data=np.rint(w / scales), axis=axis)
        bias = self.tensor((filters,), of_sums, zeros, "i4", np.rint(layer.bias.detach().numpy() / of_sums))
        _, height, width, channels = self.shapes[x]
        shape = (1, height - w.shape[1] + 1, width - w.shape[2] + 1, filters)
        options = {0: ("b", VALID), 1: ("i", 1), 2: ("i", 1), **({3: ("i", filters // channels)} if depthwise else {})}
        kind = "DEPTHWISE_CONV_2D" if depthwise else "CONV_2D"
        return self.named(self.op(kind, [x, weights, bias], shape, options, fixed=self.ranges[name]), f"{name}_sums")

    def tanh(self, x, name):
        """Adds a convolution and its activation function."""
        sums = self.layer(x, name)
        return self.named(self.op("TANH", [sums], self.shapes[sums], fixed=(1 / 128, 0)), name)

    def mean(self, x, name):
        return self.named(self.pool("AVERAGE_POOL_2D", x, 2, 2, VALID), name)


def quantized(net):
    """Returns the int8 network as a .tflite. Its ranges are those of drawn pictures that are not measured."""
    model = Int8Model(dict(net.named_children()), ranges_of(net, drawn(CALIBRATION, SEED + 1)[0]))
    picture = model.named(model.activation((1, HEIGHT, WIDTH, 1), fixed=(1 / 255, -128)), "picture")
    x = model.tanh(model.mean(model.layer(picture, "c1"), "s1_means"), "s1")
    size = model.shapes[x][:3]
    pairs = model.op("GATHER", [x, model.constant(PAIRS)], (*size, len(PAIRS)), {0: ("i", 3)}, like=x)
    maps = [model.layer(x, "single"), model.layer(model.named(pairs, "s1_pairs"), "pairs")]
    c2 = model.op("CONCATENATION", maps, (*model.shapes[maps[0]][:3], 14), {0: ("i", 3)}, like=maps[0])
    x = model.tanh(model.mean(model.named(c2, "c2"), "s2_means"), "s2")
    model.inputs, model.outputs = [picture], [model.tanh(model.tanh(x, "n1"), "n2")]
    return bytes(model.to_bytes())


def codes(pictures):
    """Returns the inputs of the int8 network, one by one."""
    return np.int8(np.int16(pictures) - 128).reshape(-1, 1, HEIGHT, WIDTH, 1)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--epochs", type=int, default=EPOCHS)
    parser.add_argument("--out", type=pathlib.Path, default=golden.MODELS, help="folder to write to (models)")
    options = parser.parse_args()
    torch.manual_seed(SEED)
    torch.set_num_threads(1)
    net = train(options.epochs)
    if sum(p.numel() for p in net.parameters()) != PARAMETERS:
        raise SystemExit("the network does not have 951 parameters")
    path = options.out / "face_finder.tflite"
    path.write_bytes(quantized(net))
    pictures, faces = drawn(HELD_BACK, SEED + 2)
    run = golden.Runner(path.read_bytes())
    with torch.no_grad():
        in_float = net(torch.tensor(pixels(pictures))).numpy().ravel() > 0
    in_int8 = np.array([run([x])[0].item() > 0 for x in codes(pictures)])
    print(f"held back, of {HELD_BACK}: float {(in_float == faces).sum()} right, int8 {(in_int8 == faces).sum()} right")
    print(f"{path.name}: {path.stat().st_size} bytes, sha256 {hashlib.sha256(path.read_bytes()).hexdigest()}")
    golden.write_vectors(path, path.with_suffix("") / "vectors", (
        {"id": f"{'face' if face else 'other'}{n}", "how": f"drawn, seed {SEED + 2}", "arrays": [x]}
        for n, (x, face) in enumerate(zip(codes(pictures[:VECTORS]), faces))))


if __name__ == "__main__":
    main()
