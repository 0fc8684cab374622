#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Compares the cycles of a cluster with those of one of its cores, for a batch, one image and one sequence.

usage: clusters.py [--backend arch|rtl] [--cores N]... [--network NAME]...   (arch; 1, 2, 4, 8; all)
Networks have random weights: resnet50 and mobilenet of components/zoo/tables.py, for a batch of four images and for one;
layer_128 and layer_512 of components/zoo/transformers.py, a layer of BERT-base's size for one sequence. The cores are
edge1024's on a 256-bit bus. Each run must be bit-exact, otherwise the benchmark ends. The last table shows silicon by
the area model: gate equivalents and macros per MAC relative to edge1024.
"""
import argparse
import pathlib
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[3] / "components" / "zoo"))
import common  # noqa: E402
import tables  # noqa: E402
import transformers  # noqa: E402

CORES = [1, 2, 4, 8]
BATCHES = {"resnet50": [4, 1], "mobilenet": [4, 1], "layer_128": [1], "layer_512": [1]}
CLUSTER = "cluster4x1024"


def config_of(cores):
    """Returns the configuration; one core is the unchanged edge1024, with its 128-bit bus."""
    return "edge1024" if cores == 1 else f"{CLUSTER} cluster.cores={cores}"


def cycles_of(model, config, batch, backend):
    return common.trine("run", *common.design(config), model, "--batch", batch, "--backend", backend, "--warnings", "none")


def network_rows(name, options, folder):
    model = pathlib.Path(folder) / f"{name}.tflite"
    if name.startswith("layer"):
        model.write_bytes(transformers.network(name).to_bytes())
    else:
        tables.write(name, model, False)
    for batch in BATCHES[name]:
        one = None
        for cores in options.cores or CORES:
            run = cycles_of(model, config_of(cores), batch, options.backend)
            one = one or run["cycles"]
            yield [name, batch, cores, run["cycles"], f"{one / run['cycles']:.2f}x", f"{100 * run['utilization']:.1f} %",
                   f"{(run['dram_bytes_read'] + run['dram_bytes_written']) / 1e6:.1f}"]


def silicon_rows(cores, folder):
    model = pathlib.Path(folder) / "lenet5.tflite"
    tables.write("lenet5", model, False)
    one = None
    for count in cores:
        report = common.trine("estimate", *common.design(config_of(count)), model, "--warnings", "none")
        macs = report["peak_macs_per_cycle"]
        own = (report["gate_equivalents"] / macs, report["sram_um2"] / macs)
        one = one or own
        yield [count, macs, f"{own[0]:.0f}", f"{own[0] / one[0]:.3f}", f"{own[1]:.0f}", f"{own[1] / one[1]:.3f}"]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--backend", choices=["arch", "rtl"], default="arch")
    parser.add_argument("--cores", action="append", type=int,
                        help="run only this number of cores and one core; repeatable")
    parser.add_argument("--network", action="append", choices=BATCHES, help="run only this network; repeatable")
    options = parser.parse_args()
    if options.cores:
        options.cores = sorted({1, *options.cores})
    with tempfile.TemporaryDirectory() as folder:
        rows = [row for name in options.network or BATCHES for row in network_rows(name, options, folder)]
        silicon = list(silicon_rows(options.cores or CORES, folder))
    common.table(["network", "batch", "cores", "cycles", "of one core", "of peak", "MB on the bus"], rows)
    print()
    common.table(["cores", "MACs", "GE a MAC", "of one core", "macros a MAC, um2", "of one core's"], silicon)
    print(f"backend {options.backend}; {common.versions()}")


if __name__ == "__main__":
    main()
