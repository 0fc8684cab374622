#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Measures how long a model takes on this computer, for `trine cpu`, in LiteRT or ONNX Runtime.

    cpu.py MODEL --report FILE [--seconds S] [--shape NAME=N ..] [--threads N ..]

FILE receives JSON: `runtime`, `cpu`, `runs`, `milliseconds` (the median) and `best` of the fastest kernels on one core,
and a list `engines`. With --threads, the list contains all kernels, each with one thread and with the given numbers of
threads, on as many cores. `largest_difference` compares an engine's outputs with those of the last engine.
`not_measured` lists the other engines with the reason. Inputs are random, drawn like those of record.py. An engine runs
for S seconds, at least ten times, after three runs that do not count. Models with QONNX's operators have no such
runtime.
"""
import argparse
import functools
import importlib.metadata
import itertools
import json
import os
import pathlib
import platform
import statistics
import time

import record

WARM, LEAST = 3, 10
# The kernels of a runtime, the fastest first.
XNNPACK = "XNNPACK"
LITERT = {XNNPACK: record.XNNPACK, "optimized kernels": record.OPTIMIZED, "reference kernels": record.REFERENCE}
ORT = {"all graph optimizations": True, "no graph optimizations": False}


def name_of_cpu():
    for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.split(":", 1)[1].strip()
    return platform.machine()


def loaders(path, shapes):
    """Returns the model, and for each set of kernels a function that loads the model with a number of threads."""
    model = record.load(path, path.read_bytes(), shapes)
    if isinstance(model, record.Qonnx):
        record.fail(f"{path}: QONNX's operators run node by node in Python, no time to compare with")
    if isinstance(model, record.LiteRt):
        return model, {name: functools.partial(record.LiteRt, model.content, kind) for name, kind in LITERT.items()}
    content = model.model.SerializeToString()
    return model, {name: functools.partial(record.OnnxRuntime, content, kind) for name, kind in ORT.items()}


def started(load, kernels, threads, cores, arrays):
    """Loads an engine and runs it until it is warm, on as many of the cores as it has threads.

    Returns (engine, ""), or (None, reason) if it does not run or is not what its name says."""
    if threads > len(cores):
        return None, f"this computer has {len(cores)} core{'s' * (len(cores) > 1)}"
    os.sched_setaffinity(0, cores[:threads])  # the engine's threads inherit the cores
    before = len(os.listdir("/proc/self/task"))
    try:
        engine = load(threads=threads)
        for _ in range(WARM):
            engine(arrays)
    except Exception as error:  # each runtime has its own exception types
        return None, str(error).strip().splitlines()[0]
    if kernels == XNNPACK and all(op["op_name"] != "DELEGATE" for op in engine.interpreter._get_ops_details()):
        return None, "supports no operator of this model"
    used = 1 + len(os.listdir("/proc/self/task")) - before
    return (engine, "") if used >= threads else (None, f"runs this model in {used} thread{'s' * (used > 1)}")


def times_of(engine, arrays, seconds):
    """Returns the times of the runs in milliseconds, and the outputs."""
    times = []
    while len(times) < LEAST or sum(times) < seconds:
        begin = time.perf_counter()
        outputs = engine(arrays)
        times.append(time.perf_counter() - begin)
    return [1000 * t for t in times], outputs


def measured(path, options):
    """Returns the entries of `engines` and of `not_measured`."""
    cores = sorted(os.sched_getaffinity(0))
    model, kernels = loaders(path, options.shape)
    _, arrays = next(record.random_cases(model.inputs, 1, 1, None))
    runtime = f"{model.package} {importlib.metadata.version(model.package)}"
    engines, others, outputs = [], [], []
    for name, threads in itertools.product(kernels, sorted({1, *options.threads})):
        entry = {"runtime": runtime, "kernels": name, "threads": threads}
        engine, reason = started(kernels[name], name, threads, cores, arrays)
        if not engine:
            others.append({**entry, "reason": reason})
            continue
        times, results = times_of(engine, arrays, options.seconds)
        engines.append({**entry, "milliseconds": statistics.median(times), "best": min(times), "runs": len(times)})
        outputs.append(results)
        if not options.threads:
            break
    for entry, results in zip(engines, outputs):
        entry["largest_difference"] = max(record.difference(*pair)["max"] for pair in zip(results, outputs[-1]))
    return engines, others


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=pathlib.Path)
    parser.add_argument("--report", type=pathlib.Path, required=True)
    parser.add_argument("--seconds", type=float, default=2)
    parser.add_argument("--shape", action="append", default=[])
    parser.add_argument("--threads", type=int, nargs="+", default=[])
    options = parser.parse_args()
    engines, others = measured(options.model, options)
    if not engines:
        record.fail(f"{options.model}: {others[0]['runtime']}, {others[0]['kernels']}: {others[0]['reason']}")
    first = engines[0]
    options.report.write_text(json.dumps({
        "runtime": f"{first['runtime']}, {first['kernels']}", "cpu": name_of_cpu(),
        **{key: first[key] for key in ("runs", "milliseconds", "best")}, "engines": engines, "not_measured": others}))


if __name__ == "__main__":
    main()
