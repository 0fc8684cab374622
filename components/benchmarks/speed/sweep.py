#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Measures the processor time of a sweep of 200 points by estimate, of the same sweep again, and of its points one by one.

usage: sweep.py [--model FILE] [--jobs N]
Prints a table with ratios. The goal is less than four minutes of processor time; exit code 1 if it is missed, or if a
point failed or ran twice.
"""
import argparse
import json
import pathlib
import resource
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from common import ROOT, SHARED, program, table  # noqa: E402

GOAL = 240  # seconds
KEYS = {"array.rows": [1, 2, 4, 8, 16], "array.cols": [2, 4, 8, 16], "memory.dmem_kib": [64, 128],
        "bus.axi_data_bits": [32, 64, 128, 256, 512]}


def seconds_of(*arguments):
    """Returns the processor time of the tool and everything that it starts."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run([program(), *map(str, arguments), "--quiet"], stderr=subprocess.PIPE, text=True)
    if done.returncode:
        sys.exit(f"sweep.py: trine {arguments[0]}: exit code {done.returncode}\n{done.stderr}")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    resnet8 = SHARED / "models" / "pretrainedResnet_quant.tflite"
    parser.add_argument("--model", type=pathlib.Path,
                        default=resnet8 if resnet8.exists() else ROOT / "models" / "lenet_mnist.tflite")
    parser.add_argument("--jobs", default=2)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        keys = [word for key, values in KEYS.items() for word in ("--set", f"{key}={','.join(map(str, values))}")]
        sweep = ["sweep", "--config", "edge64", *keys, "--models", options.model, "--jobs", options.jobs, "--out",
                 folder / "points", "--minimize", "cycles,array.rows", "--json", folder / "sweep.json"]
        first = seconds_of(*sweep)
        written = {p: p.stat().st_mtime_ns for p in (folder / "points").iterdir()}
        points = len(json.loads((folder / "sweep.json").read_text())["points"])
        again = seconds_of(*sweep)
        alone = seconds_of("estimate", "--config", "edge64", "--json", folder / "estimate.json", options.model)
        repeated = sum(p.stat().st_mtime_ns != time for p, time in written.items())
    print(f"{points} points of {options.model.name} by estimate; goal under {GOAL} s\n")
    table(["run", "processor seconds", "of one estimate"],
          [[what, f"{seconds:.2f}", f"{seconds / alone:.1f}"] for what, seconds in
           [(f"sweep of {points}", first), ("the same again", again), ("one estimate", alone)]])
    print(f"{repeated} points ran twice; a point costs {first / points / alone:.2f} of a plain estimate")
    sys.exit(first > GOAL or repeated > 0 or len(written) != points)


if __name__ == "__main__":
    main()
