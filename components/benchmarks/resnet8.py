#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Measures ResNet-8 with fewer bits per weight: accuracy on 10,000 pictures, with bytes, cycles and energy.

usage: resnet8.py CIFAR [NAME ..] [--design D] [--check]
CIFAR: the output of `components/zoo/train_resnet8.py PICTURES images --out CIFAR` (test/, calibration/). Each network of
models/resnet8 (or only NAME) is quantized by `trine quantize` (PyPI), with the choice of its .toml file if there is
one (the one with ternary inputs is already quantized), counted by `trine accuracy` on the architecture simulator, and
estimated. --check: exit code 1 if a goal is missed.
"""
import argparse
import pathlib
import sys
import tempfile

import common

NETWORKS = common.ROOT / "models" / "resnet8"
DESIGN = "edge256 array.weights4=true"
PIXELS = ["--scale", "1/255"]
SPARSE = "memory.packed_weights=true"  # 2:4: ten bytes for sixteen
LOST = {"mixed": 0.01, "sparse": 0.005, "ternary": 0.02}  # accuracy that may be lost compared with int8
GOALS = {"mixed": {"bytes": 0.45, "energy": 0.9}, "sparse": {"constants": 0.65}, "ternary": {"cycles": 0.6}}


def measured(name, choice, folder, cifar, design):
    """Returns accuracy, bytes of constants (weights and parameters) and of DRAM traffic, cycles, energy with DRAM."""
    model = NETWORKS / f"{name}.onnx"
    if not (choice and "[inputs]" in choice.read_text()):
        more = ["--choice", choice] if choice else []
        common.trine("quantize", model, "--calibration", cifar / "calibration", *PIXELS, "--out", folder / model.name,
                     *more, *design)
        model = folder / model.name
    right = common.trine("accuracy", model, "--data", cifar / "test", *PIXELS, *design)
    cost = common.trine("estimate", model, *design)
    moved = common.trine("compile", model, "-o", folder / "p.trine", *design)["dram"]["moved"]
    return {"accuracy": right["top1"], "constants": moved["constants"],
            "bytes": cost["dram_bytes_read"] + cost["dram_bytes_written"], "cycles": cost["cycles"],
            "energy": cost["energy_pj"] + cost["energy"]["dram_pj"]}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("cifar", type=pathlib.Path)
    parser.add_argument("names", nargs="*")
    parser.add_argument("--design", default=DESIGN)
    parser.add_argument("--check", action="store_true")
    options = parser.parse_args()
    names = sorted(f.stem for f in NETWORKS.glob("*.onnx") if f.stem != "float")
    rows, missed = [], False
    with tempfile.TemporaryDirectory() as folder:
        folder, design = pathlib.Path(folder), common.design(options.design)
        plain = measured("float", None, folder, options.cifar, design)
        for name in ["float", *(options.names or names)]:
            choice = NETWORKS / f"{name}.toml"
            trained = "int8" if name == "float" else name
            sparse = name != "float" and "2:4" in choice.read_text()
            own = [*design, "--set", SPARSE] if sparse else design
            it = plain if name == "float" else measured(name, None if sparse else choice, folder, options.cifar, own)
            shares = {key: it[key] / plain[key] for key in ("constants", "bytes", "cycles", "energy")}
            goals = GOALS.get(name, {})
            met = not goals or (it["accuracy"] >= plain["accuracy"] - LOST[name] and
                                all(shares[k] <= goals[k] for k in goals))
            missed |= not met
            rows.append([trained, f"{it['accuracy']:.2%}", it["constants"], f"{shares['constants']:.3f}",
                         it["bytes"], f"{shares['bytes']:.2f}", it["cycles"], f"{shares['cycles']:.2f}",
                         f"{shares['energy']:.2f}",
                         ", ".join(f"{k} {v}" for k, v in goals.items()) or "-",
                         "-" if not goals else "yes" if met else "no"])
    common.table(["weights", "right of 10,000", "constants", "of int8", "bytes", "of int8", "cycles", "of int8",
                  "energy of int8", "goal", "met"], rows)
    return options.check and missed


if __name__ == "__main__":
    sys.exit(main())
