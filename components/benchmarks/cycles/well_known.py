#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs whole well-known networks of components/zoo/tables.py: cycles, traffic and their run time on this computer.

usage: well_known.py [--config C] [--rtl NETWORK]... [--layers | --quiet] [NETWORK]...  (edge1024, all)
Each runs on the architecture simulator, the networks of --rtl also on the RTL, and must equal the golden reference,
otherwise the benchmark ends. Seconds are wall time of `trine compile`, of the simulation, and processor time of the
RTL: a run's time less the time of the same run on the architecture simulator. --layers adds a table for each network.
"""
import argparse
import os
import pathlib
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
import common  # noqa: E402
import networks  # noqa: E402
from simulation import processor_seconds  # noqa: E402

sys.path.insert(0, str(common.ROOT / "components" / "zoo"))
import tables  # noqa: E402


def run(model, config, backend):
    """Returns the result, and the processor seconds."""
    start = processor_seconds()
    result = common.trine("run", "--config", config, model, "--backend", backend)
    return {**result, "processor_seconds": processor_seconds() - start}


def compile_seconds(model, config):
    start = time.monotonic()
    common.trine("compile", "--config", config, model, "--out", os.devnull)
    return time.monotonic() - start


def rows(name, parameters, seconds, runs):
    """Yields a row for each simulator; with the architecture simulator's error if the RTL ran, too."""
    for backend, result in runs.items():
        cycles, simulated = result["cycles"], result["sim_seconds"]
        error = processor = "-"
        if backend == "rtl":
            processor = result["processor_seconds"] - runs["arch"]["processor_seconds"]
            processor = f"{processor:.1f}"
        elif "rtl" in runs:
            error = f"{100 * (cycles / runs['rtl']['cycles'] - 1):+.2f} %"
        yield [name, backend, result["macs"], parameters, cycles,
               f"{100 * result['utilization']:.1f} %", error,
               *(f"{result[f'dram_bytes_{what}'] / 1e6:.1f}" for what in ("read", "written")),
               f"{seconds:.1f}", f"{simulated:.1f}", processor, f"{cycles / simulated / 1e3:,.0f}"]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("networks", nargs="*", metavar="NETWORK", default=list(tables.NETWORKS))
    parser.add_argument("--config", default="edge1024")
    parser.add_argument("--rtl", action="append", default=[], choices=list(tables.NETWORKS),
                        help="run this network also on the RTL; repeatable")
    parser.add_argument("--layers", action="store_true")
    parser.add_argument("--quiet", action="store_true", help="print no tables, only whether all results are exact")
    options = parser.parse_args()
    unknown = set(options.networks) - set(tables.NETWORKS)
    if unknown:
        parser.error(f"no network {min(unknown)}, allowed {', '.join(tables.NETWORKS)}")

    total, causes, layers = [], [], []
    with tempfile.TemporaryDirectory() as folder:
        for name in options.networks:
            model = pathlib.Path(folder) / f"{name}.tflite"
            parameters = tables.write(name, model).parameters()
            seconds = compile_seconds(model, options.config)
            backends = ["rtl", "arch"] if name in options.rtl else ["arch"]
            runs = {backend: run(model, options.config, backend) for backend in backends}
            total += rows(name, parameters, seconds, runs)
            causes.append(networks.cause_row(name, options.config, runs[backends[0]]))
            layers.append((name, options.config, runs[backends[0]], runs["arch"]))
            model.unlink()
    if options.quiet:
        return
    common.table(["network", "simulator", "MACs", "parameters", "cycles", "utilization",
                  "arch error", "MB read", "MB written", "compile s", "simulate s", "processor s",
                  "kHz"], total)
    common.table(["network", "configuration", *layers[0][2]["causes"]], causes)
    if options.layers:
        for layer in layers:
            networks.print_layers(*layer)
    print(common.versions())


if __name__ == "__main__":
    main()
