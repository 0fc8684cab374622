#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Measures the speed of the Verilated RTL on a layer that keeps the array busy.

usage: simulation.py [CONFIG[:precisions]]...   (edge256:int8 edge256 edge1024:int8 edge1024)
`:int8` excludes ternary and binary hardware. The layer is a 5x5 convolution of 64 to 32 channels on 32x32 pixels
(52.4 M MACs), compared with the golden reference like every run.

Seconds are processor time, the least of three runs, because other work on the computer increases wall time. They are
the run's time on the RTL less its time on the architecture simulator, which imports, compiles, predicts and compares
in the same way.
"""
import argparse
import os
import pathlib
import resource
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
import common  # noqa: E402
import conv_model  # noqa: E402

RUNS = 3


def processor_seconds():
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def least(*arguments):
    """Returns the result of a run and the least processor time of RUNS of them."""
    seconds = []
    for _ in range(RUNS):
        start = processor_seconds()
        result = common.trine("run", *arguments)
        seconds.append(processor_seconds() - start)
    return result, min(seconds)


def measure(name, model):
    config, _, precisions = name.partition(":")
    arguments = ["--config", config, model]
    if precisions:
        arguments += ["--set", f'array.precisions=["{precisions}"]']
    common.trine("run", *arguments)  # builds the RTL model if necessary
    run, seconds = least(*arguments)
    return run, seconds - least(*arguments, "--backend", "arch")[1]


def row(name, run, seconds):
    cycles = run["cycles"]
    return [name, run["peak_macs_per_cycle"], cycles, f"{100 * run['utilization']:.1f} %",
            f"{seconds:.2f}", f"{cycles / seconds / 1e3:.0f}", f"{run['macs'] / seconds / 1e9:.3f}"]


def main(names):
    with tempfile.TemporaryDirectory() as folder:
        model = os.path.join(folder, "conv.tflite")
        conv_model.write(model, size=32, channels=64, filters=32, window=5)
        rows = [row(name, *measure(name, model)) for name in names]
    common.table(["configuration", "MACs/cycle", "cycles", "utilization", "s", "kHz", "G MAC/s"], rows)
    print(f"ratio, first to last: {float(rows[0][5]) / float(rows[-1][5]):.2f} in kHz")
    print(common.versions())


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("configurations", nargs="*", default=["edge256:int8", "edge256", "edge1024:int8", "edge1024"],
                        metavar="CONFIG[:PRECISION]", help="designs (edge256:int8 edge256 edge1024:int8 edge1024)")
    main(parser.parse_args().configurations)
