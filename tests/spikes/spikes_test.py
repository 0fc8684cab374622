#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Tests spiking networks in NIR's format: conversion equals the recorded files, refusals name the cause, damaged
files give one line.

usage: spikes_test.py --build DIR [--full [--inputs N] [--designs D...]]
h5py comes from PyPI into a virtual environment of DIR. --full: also snntorch; three networks with N inputs each
(1,000) on the RTL of two designs, or D, against snntorch's spikes, 5,000 hostile graphs, 20,000 damaged files. Exit
code 1 if something differs, 77 without PyPI.
"""
import argparse
import io
import os
import pathlib
import random
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))
from harness import ROOT, fail, trine, with_packages  # noqa: E402

NETWORKS = {"subtract": ["--reset", "subtract"], "zero": ["--reset", "zero", "--fires", "at", "--bits", "10"],
            "delay": ["--reset", "subtract", "--delay", "--bits", "11"], "conv": ["--reset", "subtract"],
            "cuba": ["--reset", "zero"]}
STEPS = "10"


def convert(model, out, *settings):
    """Runs components/zoo/spikes.py in this process, which saves time for each file. Returns (exit code, message)."""
    import spikes
    spikes.SECONDS = 3
    said, code, before = io.StringIO(), 0, (sys.argv, sys.stderr)
    sys.argv, sys.stderr = ["spikes.py", str(model), "--out", str(out), "--steps", STEPS, *settings], said
    try:
        spikes.main()
    except SystemExit as end:
        code = end.code
    finally:
        sys.argv, sys.stderr = before
    return code, said.getvalue()


def check_conversions(scratch):
    for name, settings in NETWORKS.items():
        out = scratch / f"{name}.onnx"
        code, said = convert(HERE / f"{name}.nir", out, *settings)
        if code or out.read_bytes() != (HERE / f"{name}.onnx").read_bytes():
            fail(f"{name}.nir is not {name}.onnx: {said}")
    out.unlink()
    trine("nir", HERE / f"{name}.nir", "--steps", STEPS, *settings, "--out", out, "--python", sys.executable)
    if out.read_bytes() != (HERE / f"{name}.onnx").read_bytes():
        fail(f"trine nir: {name}.nir is not {name}.onnx")


def edited(scratch, name, edit, source="subtract"):
    """Returns a changed copy of a network of this folder."""
    import h5py
    file = scratch / f"{name}.nir"
    file.write_bytes((HERE / f"{source}.nir").read_bytes())
    with h5py.File(file, "r+") as tree:
        edit(tree)
    return file


def replaced(path, value):
    def edit(tree):
        if path in tree:
            del tree[path]
        tree[path] = value
    return edit


def ends_at(last):
    """Keeps only the nodes of a chain up to `last`, and the output."""
    def edit(tree):
        nodes = tree["node/nodes"]
        kept, follows = ["input"], dict(tree["node/edges"].asstr()[()].tolist())
        while kept[-1] != last:
            kept.append(follows[kept[-1]])
        for name in set(nodes) - {*kept, "output"}:
            del nodes[name]
        replaced("node/edges", np_pairs([*kept, "output"]))(tree)
    return edit


def np_pairs(names):
    import numpy as np
    return np.array(list(zip(names, names[1:])), dtype="S16")


def outputs(scratch, edit, events, source="subtract"):
    """Returns the machine's outputs for these events with a changed network."""
    import numpy as np
    model, x, y = (scratch / f"outputs.{kind}" for kind in ("onnx", "x.npy", "y.npy"))
    code, said = convert(edited(scratch, "outputs", edit, source), model, "--reset", "subtract")
    if code:
        fail(said)
    np.save(x, events.astype(np.float32))
    trine("run", "--config", "edge64", "--set", "array.activations16=true", model, "--input", x, "--output", y)
    return np.load(y)


def check_meanings(scratch):
    """Checks outputs that no recorded network has, computed with NumPy from the spikes before them."""
    import numpy as np
    drawn = np.random.default_rng(5)
    events = drawn.integers(0, 2, (int(STEPS), 2, 9, 9))
    spikes = outputs(scratch, ends_at("fire"), events, "conv")
    sums = outputs(scratch, ends_at("sums"), events, "conv")
    wanted = spikes[:, :, :8, :8].reshape(len(spikes), -1, 4, 2, 4, 2).sum((3, 5))
    if wanted.max() < 2 or not np.array_equal(sums, wanted):
        fail("SumPool2d before the output: no sums of spikes")
    outputs(scratch, replaced("node/nodes/flat/start_dim", np.array([0])), events, "conv")  # an array of one

    events, dt, membrane, synapse = drawn.integers(0, 2, (int(STEPS), 12)), 1e-4, 2e-4, 2e-3
    read = {}

    def reads(tree):
        for key, value in {"type": "CubaLI", "tau_mem": membrane, "tau_syn": synapse, "w_in": 1.0, "v_leak": 0.0}.items():
            replaced("node/nodes/lif2/" + key, value)(tree)
        tree["node/nodes/lif2/r"][...] = 1
        tree["node/nodes/fc2/weight"][...] = np.abs(tree["node/nodes/fc2/weight"])
        read.update((key, tree["node/nodes/fc2/" + key][()]) for key in ("weight", "bias"))

    made, wanted, v, j = outputs(scratch, reads, events), [], 0, 0
    for spikes in outputs(scratch, ends_at("lif1"), events):
        j = j + dt / synapse * (read["weight"] @ spikes + read["bias"] - j)
        v = v + dt / membrane * (j - v)
        wanted.append(v)
    if np.abs(made - wanted).max() > 0.02 * np.abs(wanted).max():
        fail(f"CubaLI: membranes up to {np.abs(made).max()}, Euler's are up to {np.abs(wanted).max()}")

    before = outputs(scratch, lambda tree: None, events)
    for name in ("events", "events:codes", "input", "fc2:weights", "fc2:bias:scales"):
        def renamed(tree):
            chain = ["x", "fc1", name, "fc2", "lif2", "output"]
            for old, new in (("input", "x"), ("lif1", name)):
                tree["node/nodes"].move(old, new)
            replaced("node/edges", np_pairs(chain))(tree)
        if not np.array_equal(outputs(scratch, renamed, events), before):
            fail(f"a neuron by the name '{name}' changes what the network computes")
    print("sums, membranes and names: as NumPy has them")


def check_refusals(scratch):
    import h5py
    import numpy as np
    nodes = "node/nodes/"

    def be_membranes(*names):
        def edit(tree):
            for name in names:
                for key, value in {"type": "LI", "tau": 1e-3, "v_leak": 0.0}.items():
                    replaced(f"{nodes}{name}/{key}", value)(tree)
        return edit

    cases = {
        "no such node": (replaced(nodes + "lif1/type", "Delay"), "node 'lif1' Delay: not supported, allowed"),
        "branch": (lambda t: replaced("node/edges", np.array([*t["node/edges"][()], [b"fc1", b"lif2"]], dtype="S8"))(t),
                   "2 nodes follow it, allowed 1"),
        "end": (replaced("node/edges", np.array([[b"input", b"nobody"]], dtype="S8")), "'nobody', which is not a node"),
        "taus": (replaced(nodes + "lif1/tau", np.linspace(1e-3, 2e-3, 20)), "tau has 20 values, allowed one for all"),
        "fast": (replaced(nodes + "lif1/tau", np.full(20, 1e-5)), "tau 1e-05, allowed 0.0001.."),
        "nan": (replaced(nodes + "fc1/weight", np.full((20, 12), np.nan)), "weight has numbers that are not finite"),
        "text": (replaced(nodes + "fc1/weight", "none"), "weight is not an array of numbers"),
        "shape": (replaced(nodes + "fc1/weight", np.ones((20, 13))), "weights for 13 inputs, it has 12"),
        "threshold": (replaced(nodes + "lif1/v_threshold", np.zeros(20)), "v_threshold, allowed above 0"),
        "reset": (replaced(nodes + "lif1/v_reset", np.full(20, 0.1)), "v_reset other than 0"),
        "link": (replaced(nodes + "lif1", h5py.ExternalLink("/etc/passwd", "/")), "'lif1' is a link, allowed none"),
        "cycle": (lambda t: t[nodes + "lif1"].__setitem__("again", t["node"]), "groups 7 deep, allowed 6"),
        "huge": (lambda t: (t[nodes + "fc1"].pop("weight"), t.create_dataset(nodes + "fc1/weight", (1 << 20, 1 << 20), "f8")),
                 "more than 1024 MiB of data"),
        "version": (lambda t: t.pop("node"), "not a NIR graph: 'node/nodes' is missing"),
        "ring": (lambda t: replaced("node/edges", np.array([*t["node/edges"][()], [b"output", b"input"]], dtype="S8"))(t),
                 "node 'input' Input: 1 nodes lead to it, allowed 0"),
        "behind": (lambda t: replaced("node/edges", np.array([*t["node/edges"][()], [b"output", b"fc1"]], dtype="S8"))(t),
                   "node 'fc1' Affine: 2 nodes lead to it, allowed 1"),
        "digits": (replaced(nodes + "lif1/v_threshold", "1.0"), "v_threshold is not an array of numbers"),
        "complex": (replaced(nodes + "lif1/v_threshold", np.full(20, 1 + 1j)), "v_threshold is not an array of numbers"),
        "half": (replaced(nodes + "input/shape", np.array([12.5])), "shape [12.5], allowed of one axis"),
        "flat": (replaced(nodes + "flat/start_dim", 0.5), "node 'flat' Flatten: of some dimensions, allowed all", "conv"),
        "newline": (replaced(nodes + "lif1/type", "LIF\nx"), "node 'lif1' LIF x: not supported"),
        "membranes": (be_membranes("fire"), "node 'sums' SumPool2d: windows [2, 2], stride [2, 2]: sums up to 131068, allowed 1..127", "conv"),
        "membranes of membranes": (be_membranes("lif1", "lif2"), "node 'lif2' LI: reads membranes, allowed spikes or events"),
        "nothing": (replaced(nodes + "fc1/weight", np.zeros((20, 0))), "weights of shape [20, 0] for [12] to [20]"),
    }
    for name, (edit, wanted, *source) in cases.items():
        code, said = convert(edited(scratch, name, edit, *source), scratch / "out.onnx")
        if code != 2 or wanted not in said or len(said.strip().splitlines()) != 1:
            fail(f"{name}: exit code {code}, {said!r}, wanted '{wanted}'")
    (scratch / "empty.nir").write_bytes(b"")
    large = edited(scratch, "large", replaced(nodes + "input/shape", np.array([1 << 20])))
    commands = {scratch / "empty.nir": ([], "no NIR file"), large: ([], f"weights for 12 inputs, it has {1 << 20}"),
                HERE / "subtract.nir": (["--dt", "0"], "--dt: 0, allowed numbers above 0")}
    for model, (options, wanted) in commands.items():
        done = subprocess.run([os.environ.get("TRINE_PROGRAM", str(ROOT / "trine")), "nir", model, "--steps", "2",
                               *options, "--out", scratch / "o.onnx", "--python", sys.executable], capture_output=True, text=True)
        if done.returncode != 2 or len(done.stderr.strip().splitlines()) != 1 or wanted not in done.stderr:
            fail(f"trine nir {model}: {done.returncode}, {done.stderr!r}")
    print(f"{len(cases) + len(commands)} graphs refused by name")


def check_hostile(scratch, count):
    """Each graph is read, or refused with the cause."""
    from hostile import graphs
    kept = 0
    for i, name, file in graphs(scratch, list(NETWORKS), count, seed=5):
        code, said = convert(file, scratch / "hostile.onnx", *NETWORKS[name])
        if code not in (0, 2) or len(said.strip().splitlines()) != 1 or (code and ("no NIR file" in said or "damaged" in said)):
            fail(f"hostile graph {i}: exit code {code}, {said!r}")
        kept += code == 0
    print(f"{count} hostile graphs: {count - kept} refused by what is wrong in them, {kept} read")


def damage(scratch, count):
    """Damages files. HDF5's library does not check its input: some files crash it, or it never ends."""
    drawn = random.Random(7)
    sources = [(HERE / f"{name}.nir").read_bytes() for name in NETWORKS]
    kept = ended = 0
    file = scratch / "damaged.nir"
    for i in range(count):
        data = bytearray(drawn.choice(sources))
        for _ in range(drawn.randint(1, 6)):
            at, how = drawn.randrange(len(data)), drawn.randrange(4)
            if how == 0:
                data[at] ^= 1 << drawn.randrange(8)
            elif how == 1:
                data[at:at + 8] = drawn.choice([b"\xff" * 8, b"\0" * 8, drawn.randbytes(8)])
            elif how == 2:
                data = data[:max(at, 1)]
            else:
                end = drawn.randrange(len(data))
                data[at:at + 16] = data[end:end + 16]
        file.write_bytes(data)
        code, said = convert(file, scratch / "damaged.onnx")
        if code not in (0, 2) or len(said.strip().splitlines()) != 1:
            fail(f"damaged file {i}: exit code {code}, {said!r}")
        kept, ended = kept + (code == 0), ended + ("come to its end" in said)
    print(f"{count} damaged files: {count - kept} refused in a line, {kept} read; HDF5's library was ended over {ended}")


def full(options, scratch):
    import numpy as np
    from make import record
    drawn = np.random.default_rng(11)
    digits = events(options.inputs)
    braille = (drawn.random((options.inputs, 16, 12)) < 0.25).astype(int)
    plans = {"cuba": (HERE / "cuba.nir", ["--reset", "zero"], braille),
             "mlp": (ROOT / "models/spikes/mlp.nir", ["--reset", "zero", "--dt", "1e-3"],
                     digits.reshape(len(digits), 8, 784)),
             "conv": (ROOT / "models/spikes/conv.nir", ["--reset", "subtract", "--dt", "1e-3"], digits)}
    for name, (model, settings, inputs) in plans.items():
        out = scratch / f"{name}.onnx"
        subprocess.run([sys.executable, "-B", ROOT / "components/zoo/spikes.py", model, "--out", out, "--steps",
                        str(inputs.shape[1]), *settings], check=True, stderr=subprocess.DEVNULL)
        record(out, scratch / name, list(inputs))
        for config in options.designs:
            trine("verify", "--config", config, "--set", "array.activations16=true", "--backend", "rtl", out, "--vectors",
                  scratch / name)
            print(f"{name}: {len(inputs)} inputs on the RTL of {config}, spikes as snntorch's", flush=True)


def events(count):
    import numpy as np
    images = np.load(ROOT / "models/mnist_held_back/x.npy").reshape(-1, 1, 28, 28)[:count]
    return np.repeat((images > 127).astype(int)[:, None], 8, axis=1)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", type=pathlib.Path)
    parser.add_argument("--full", action="store_true")
    parser.add_argument("--inputs", type=int, default=1000)
    parser.add_argument("--designs", nargs="+", default=["edge32", "edge64"])
    options = parser.parse_args()
    sys.path.insert(0, str(ROOT / "components" / "zoo"))
    build = options.build.resolve()
    build.mkdir(parents=True, exist_ok=True)
    if options.full:
        with_packages(build, ROOT / "components/zoo/requirements_spikes.txt", "h5py", "snntorch", "onnx", "nir")
    else:
        with_packages(build, ROOT / "components/zoo/requirements_nir.txt", "h5py", "numpy")
    with tempfile.TemporaryDirectory() as folder:
        scratch = pathlib.Path(folder)
        check_conversions(scratch)
        check_meanings(scratch)
        check_refusals(scratch)
        if options.full:
            full(options, scratch)
        check_hostile(scratch, 5_000 if options.full else 150)
        damage(scratch, 20_000 if options.full else 200)


if __name__ == "__main__":
    main()
