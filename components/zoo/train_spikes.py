#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Trains the spiking networks of models/spikes on digits.py's images and writes them in NIR's format.

    python3 -m venv venv && venv/bin/pip install -r components/zoo/requirements_spikes.txt
    venv/bin/python components/zoo/train_spikes.py

In each of 8 steps the input is the image, in which each pixel above 127 is an event; the neuron with the most spikes
is the answer. `conv.nir`: LIF, reset by subtraction; `mlp.nir`: LIF, reset to zero."""
import argparse
import pathlib

import nir
import numpy as np
import snntorch
import torch
from snntorch import surrogate

from digits import SEED, distort, split

MODELS = pathlib.Path(__file__).resolve().parents[2] / "models"
STEPS, BATCH, LEAK, DT = 8, 50, 0.875, 1e-3
FOLDER = MODELS / "spikes"


def events(images):
    return torch.from_numpy((np.asarray(images) > 127).astype(np.float32))[:, None]


class Net(torch.nn.Module):
    def __init__(self, layers, reset):
        super().__init__()
        self.layers = torch.nn.ModuleList(layers)
        lif = {"beta": LEAK, "reset_mechanism": reset, "reset_delay": False,
               "spike_grad": surrogate.fast_sigmoid(slope=25)}
        self.neurons = torch.nn.ModuleList([snntorch.Leaky(**lif) for _ in layers])

    def forward(self, x):
        states, count = [None] * len(self.layers), 0
        for _ in range(STEPS):
            value = x
            for i, (layer, neuron) in enumerate(zip(self.layers, self.neurons)):
                current = layer(value)
                state = torch.zeros_like(current) if states[i] is None else states[i]
                value, states[i] = neuron(current, state)
            count = count + value
        return count


class SumPool(torch.nn.Module):
    def forward(self, x):
        return torch.nn.functional.avg_pool2d(x, 2) * 4


def networks():
    torch.manual_seed(SEED)
    conv = [torch.nn.Conv2d(1, 8, 5, stride=2),
            torch.nn.Sequential(SumPool(), torch.nn.Flatten(), torch.nn.Linear(8 * 6 * 6, 10))]
    mlp = [torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(784, 48)), torch.nn.Linear(48, 10)]
    return {"conv": (conv, "subtract"), "mlp": (mlp, "zero")}


def accuracy(net, images, labels):
    with torch.no_grad():
        return float((net(events(images)).argmax(1).numpy() == labels).mean())


def train(net, images, labels, epochs):
    rng = np.random.default_rng(SEED)
    optimizer = torch.optim.Adam(net.parameters(), 2e-3)
    rate = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, epochs)
    for _ in range(epochs):
        order = rng.permutation(len(images))
        fresh = distort(images[order] / 255.0, rng) * 255
        for i in range(0, len(order), BATCH):
            optimizer.zero_grad()
            counts = net(events(fresh[i:i + BATCH]))
            torch.nn.functional.cross_entropy(counts, torch.from_numpy(labels[order[i:i + BATCH]])).backward()
            optimizer.step()
        rate.step()


def lif(*shape):
    """Returns a neuron with v = LEAK v + current: R dt / tau is 1."""
    ones = np.ones(shape, np.float32)
    tau = DT / (1 - LEAK)
    return nir.LIF(tau=ones * tau, r=ones * (tau / DT), v_leak=0 * ones, v_threshold=ones, v_reset=0 * ones)


def weights_of(layer):
    found = [m for m in layer.modules() if hasattr(m, "weight")][0]
    return found.weight.detach().numpy(), found.bias.detach().numpy()


def graph_of(name, net):
    (w0, b0), (w1, b1) = (weights_of(layer) for layer in net.layers)
    nodes = {"input": nir.Input({"input": np.array([1, 28, 28] if name == "conv" else [784])})}
    if name == "conv":
        nodes["conv"] = nir.Conv2d((28, 28), w0, 2, 0, 1, 1, b0)
        nodes["hidden"] = lif(8, 12, 12)
        nodes["pool"] = nir.SumPool2d(np.array([2, 2]), np.array([2, 2]), np.array([0, 0]))
        nodes["flat"] = nir.Flatten({"input": np.array([8, 6, 6])}, 0, -1)
    else:
        nodes["fc1"] = nir.Affine(w0, b0)
        nodes["hidden"] = lif(48)
    nodes["fc"] = nir.Affine(w1, b1)
    nodes["digit"] = lif(10)
    nodes["output"] = nir.Output({"output": np.array([10])})
    names = list(nodes)
    return nir.NIRGraph(nodes, list(zip(names, names[1:])))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--epochs", type=int, default=8)
    epochs = parser.parse_args().epochs
    (images, labels), (held_back, answers) = split()
    FOLDER.mkdir(exist_ok=True)
    torch.set_num_threads(1)
    for name, (layers, reset) in networks().items():
        net = Net(layers, reset)
        train(net, images, labels, epochs)
        nir.write(FOLDER / f"{name}.nir", graph_of(name, net))
        print(f"{name}: {100 * accuracy(net, held_back, answers):.1f} % of {len(answers)} held back, float", flush=True)


if __name__ == "__main__":
    main()
