#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Measures how close `trine estimate` is to the RTL's cycles, and how long it takes.

usage: estimates.py [--plausible N] [--first SEED] [--drawn] [--layers N] [--write FILE] [CONFIG]...
                                                                     (edge32 edge64 edge256 edge1024)
Runs the models of $TRINE_SHARED (../shared) and of models/ and tests/networks/ on the RTL of each CONFIG, a preset or
file and keys to set; every run must be bit-exact, otherwise the benchmark ends; models that a design refuses are left
out. With --plausible it runs instead N networks of components/zoo/zoo.py from SEED on, each on the preset that plausible.py
draws for it, with --drawn also with drawn memories and bus (each requires Verilating a design, minutes). --layers:
lists so many layers, those whose estimation error is the largest share of their network's cycles. --write: writes the
cycles in the form of tests/cycles/presets.tsv.
"""
import argparse
import collections
import pathlib
import resource
import statistics
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
import common  # noqa: E402
import plausible  # noqa: E402

sys.path.insert(0, str(common.ROOT / "components" / "zoo"))
import zoo  # noqa: E402

PRESETS = ["edge32", "edge64", "edge256", "edge1024"]
FOLDERS = [common.SHARED / "models", common.ROOT / "models", common.ROOT / "tests" / "networks"]
Pair = collections.namedtuple("Pair", "model config estimate rtl seconds layers")


def models():
    return [path for folder in FOLDERS for kind in ("*.tflite", "*.onnx") for path in sorted(folder.glob(kind))]


def seconds_of(command, *arguments):
    """Returns the result of a command and its processor seconds."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    result, _ = common.attempt(command, *arguments)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return result, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def measured(model, name, config):
    """Returns a Pair, or None if the design refuses the model."""
    design = common.design(config)
    estimate, seconds = seconds_of("estimate", *design, model)
    if estimate is None:
        return None
    run = common.trine("run", *design, model)
    layers = [(after["cycles"] - before["cycles"], before["name"], before["op"], before["cycles"])
              for before, after in zip(run["layers"], estimate["layers"])]
    return Pair(name, config, estimate["cycles"], run["cycles"], seconds, layers)


def stored(configs):
    for model in models():
        for config in configs:
            yield measured(model, model.name, config)


def drawn(seeds, whole):
    with tempfile.TemporaryDirectory() as folder:
        for seed in seeds:
            net, _ = zoo.network(seed)
            model = pathlib.Path(folder) / f"{net.name}.tflite"
            zoo.write(net, model)
            design = plausible.design(seed)
            yield measured(model, net.name, design if whole else design.split()[0])
            model.unlink()


def error(pair):
    return 100 * (pair.estimate - pair.rtl) / pair.rtl


def summary(name, pairs):
    errors = [error(pair) for pair in pairs]
    return [name, len(pairs), f"{statistics.median(map(abs, errors)):.2f} %", f"{min(errors):+.2f} %",
            f"{max(errors):+.2f} %", f"{max(pair.seconds for pair in pairs):.2f}"]


def report(pairs, layers):
    common.table(["network", "configuration", "estimate", "RTL", "error", "processor s"],
                 [[p.model, p.config, p.estimate, p.rtl, f"{error(p):+.2f} %", f"{p.seconds:.2f}"] for p in pairs])
    groups = {"all": pairs}
    for pair in pairs:
        groups.setdefault(pair.config, []).append(pair)
    common.table(["configuration", "networks", "median of errors' sizes", "lowest", "highest", "slowest, s"],
                 [summary(*group) for group in groups.items()])
    worst = sorted(((abs(off) / p.rtl, p, off, *rest) for p in pairs for off, *rest in p.layers),
                   key=lambda row: row[0], reverse=True)[:layers]
    if worst:
        common.table(["network", "configuration", "layer", "operator", "RTL", "estimate", "of the network"],
                     [[p.model, p.config, name, op, cycles, cycles + off, f"{100 * off / p.rtl:+.2f} %"]
                      for _, p, off, name, op, cycles in worst])


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("configs", nargs="*", metavar="CONFIG", default=PRESETS)
    parser.add_argument("--plausible", type=int, default=0, metavar="N",
                        help="run N random networks instead of the models")
    parser.add_argument("--first", type=int, default=plausible.NEW, metavar="SEED",
                        help="seed of the first random network")
    parser.add_argument("--drawn", action="store_true",
                        help="run each random network on random memories and a random bus")
    parser.add_argument("--layers", type=int, default=0, metavar="N",
                        help="also list the N layers with the largest estimation error")
    parser.add_argument("--write", metavar="FILE", help="write the RTL's cycles as a table to FILE")
    options = parser.parse_args()
    seeds = range(options.first, options.first + options.plausible)
    found = drawn(seeds, options.drawn) if seeds else stored(options.configs)
    pairs = [pair for pair in found if pair]
    if options.write:
        rows = [f"{p.config}\t{p.model}\t{p.rtl}\n" for p in pairs]
        common.save(options.write, "configuration\tmodel\tcycles\n" + "".join(rows))
    report(pairs, options.layers)
    print(common.versions())


if __name__ == "__main__":
    main()
