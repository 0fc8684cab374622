#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Measures how long a model takes on one core of this computer, for `trine cpu`: LiteRT with XNNPACK, or ONNX Runtime.

    cpu.py MODEL --report FILE [--seconds S] [--shape NAME=N ..]

FILE receives JSON: `runtime`, `cpu`, `runs`, `milliseconds` (the median), `best`. Inputs are random, drawn like those
of record.py; runs for S seconds, at least ten times, after three runs that do not count. Models with QONNX's
operators have no such runtime.
"""
import argparse
import importlib.metadata
import json
import os
import pathlib
import platform
import statistics
import time

import record

WARM, LEAST = 3, 10


def name_of_cpu():
    for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.split(":", 1)[1].strip()
    return platform.machine()


def loaded(path, shapes):
    """Returns the runtime with a user's default settings, on one thread, and its name."""
    model = record.load(path, path.read_bytes(), shapes)
    fast = model.others()
    if not fast:
        record.fail(f"{path}: QONNX's operators run node by node in Python, no time to compare with")
    name = f"{model.package} {importlib.metadata.version(model.package)}"
    return (fast["xnnpack"], f"{name}, XNNPACK") if "xnnpack" in fast else (fast["optimized"], name)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=pathlib.Path)
    parser.add_argument("--report", type=pathlib.Path, required=True)
    parser.add_argument("--seconds", type=float, default=2)
    parser.add_argument("--shape", action="append", default=[])
    options = parser.parse_args()
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    model, runtime = loaded(options.model, options.shape)
    _, arrays = next(record.random_cases(model.inputs, 1, 1, None))
    times = []
    while len(times) < WARM + LEAST or sum(times) < options.seconds:
        begin = time.perf_counter()
        model(arrays)
        times.append(time.perf_counter() - begin)
    times = [1000 * t for t in times[WARM:]]
    options.report.write_text(json.dumps({"runtime": runtime, "cpu": name_of_cpu(), "runs": len(times),
                                          "milliseconds": statistics.median(times), "best": min(times)}))


if __name__ == "__main__":
    main()
