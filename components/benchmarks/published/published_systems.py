#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Compares published systems with our machine at their size, on the same networks.

usage: published_systems.py [eyeriss] [tpu] [nvdla] [systolic] [braintta] [ita]    (all)
Cycles are from the architecture simulator on the networks of components/zoo/tables.py; cycles of the TPU's shapes are
from `trine estimate` on networks of them; clocks and gate equivalents from its area model. docs/published_systems.md
lists the sources of the published figures, and the conditions of the comparison.
"""
import argparse
import contextlib
import csv
import pathlib
import sys
import tempfile
import textwrap

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
import common  # noqa: E402
import conv_model  # noqa: E402
import lowbit_model  # noqa: E402

sys.path.insert(0, str(common.ROOT / "components" / "zoo"))
import tables  # noqa: E402
import tflite_writer  # noqa: E402

SHAPES = common.ROOT / "models" / "shapes"


@contextlib.contextmanager
def model_of(name, classifier=True):
    with tempfile.TemporaryDirectory() as folder:
        model = pathlib.Path(folder) / f"{name}.tflite"
        tables.write(name, model, classifier)
        yield model


def run(config, name, classifier=True, batch=1, objective="cycles"):
    with model_of(name, classifier) as model:
        return common.trine("run", *common.design(config), model, "--backend", "arch", "--batch", batch,
                            "--objective", objective)


def estimated(config, name):
    return common.trine("estimate", *common.design(config), SHAPES / f"{name}.csv")


def megabytes(result):
    """Returns the MB per image."""
    return f"{(result['dram_bytes_read'] + result['dram_bytes_written']) / result['images'] / 1e6:.1f}"


def accesses(result):
    """Returns the DRAM accesses to int8 operands per MAC."""
    return f"{(result['dram_bytes_read'] + result['dram_bytes_written']) / result['macs']:.4f}"


def picojoules(result):
    """Returns the chip's energy of an operation, half a MAC."""
    return f"{result['energy_pj'] / result['macs'] / 2:.2f}"


def millijoules(result):
    """Returns the energy of an image if the run reports it."""
    return f"{result['energy_pj'] / result['images'] / 1e9:.2f} mJ" if result.get("energy_pj") else "not known"


# Chen et al., JSSC 2017, table V: AlexNet, batch of 4: ms, mW, MB of DRAM; 200 MHz, 168 MACs of 16 bits, 65 nm.
EYERISS = {"conv1": (20.9, 332, 5.0), "conv2": (41.9, 288, 4.0), "conv3": (23.6, 266, 3.0), "conv4": (18.4, 235, 2.1),
           "conv5": (10.5, 236, 1.3)}

# VGG-16's convolutions, table VI, a batch of 3: ms and MB of an image. Accesses to 16-bit operands a MAC: the abstract.
EYERISS_VGG = {"ms": 1437, "MB": 107.0}
EYERISS_ACCESSES = {"alexnet": 0.0029, "vgg16": 0.0035}


def eyeriss():
    ours = run("eyeriss-size", "alexnet", classifier=False, batch=4)
    rows = []
    for name, (ms, _, megabyte) in EYERISS.items():
        layers = [r for r in ours["layers"] if r["name"] in (name, name.replace("conv", "pool"))]
        macs, cycles = (sum(r[key] for r in layers) / ours["images"] for key in ("macs", "cycles"))
        rows.append([name, round(macs), f"{ms / 4:.2f}", common.percent(macs, ms / 4 * 200e3 * 168), f"{megabyte / 4:.2f}",
                     f"{cycles / 200e3:.2f}", common.percent(macs, cycles * 168)])
    ms = sum(figures[0] for figures in EYERISS.values())
    rows.append(["all", ours["macs"] // ours["images"], f"{ms / 4:.2f}",
                 common.percent(ours["macs"] / 4, ms / 4 * 200e3 * 168), f"{sum(f[2] for f in EYERISS.values()) / 4:.2f}",
                 f"{ours['cycles'] / ours['images'] / 200e3:.2f}", common.percent(ours["macs"], ours["cycles"] * 168)])
    common.table(["AlexNet", "MACs", "Eyeriss, ms an image", "of peak", "DRAM, MB (16 bits, compressed)",
                  "ours at 200 MHz, ms", "of peak"], rows)
    area = estimated("eyeriss-size", "alexnet")
    text = (f"Ours, a batch of four as well: energy without DRAM {millijoules(ours)} (Eyeriss: {278 * ms / 4 / 1e3:.1f} mJ, 278 "
            f"mW); {area['gate_equivalents']:,.0f} GE of logic by the model of area (Eyeriss: 1,176,000).")
    print(textwrap.fill(text, 118) + "\n")
    eyeriss_dram(sum(f[2] for f in EYERISS.values()) / 4)


def eyeriss_dram(alexnet_megabytes):
    """Prints both machines' traffic: bytes of 16 and of 8 bits, and accesses to operands."""
    theirs = {"alexnet": (4, alexnet_megabytes), "vgg16": (3, EYERISS_VGG["MB"])}
    rows = []
    for name, (batch, megabyte) in theirs.items():
        rows.append([name, "Eyeriss", batch, 16, f"{megabyte:.1f}", EYERISS_ACCESSES[name],
                     f"{EYERISS_VGG['ms']:,}" if name == "vgg16" else f"{sum(f[0] for f in EYERISS.values()) / 4:.1f}"])
        for objective in ("cycles", "bytes"):
            ours = run("eyeriss-size", name, classifier=False, batch=batch if name == "alexnet" else 1, objective=objective)
            rows.append([name, f"ours, `--objective {objective}`", ours["images"], 8, megabytes(ours), accesses(ours),
                         f"{ours['cycles'] / ours['images'] / 200e3:,.1f}"])
    common.table(["convolutions", "machine", "batch", "bits an operand", "DRAM, MB an image", "accesses a MAC",
                  "ms an image at 200 MHz"], rows)


# Jouppi et al., ISCA 2017, tables 1 and 3: million weights, batch, TeraOps/s; 700 MHz, 92 TOPS.
TPU = {"tpu_mlp0": ("MLP0", 20, 200, 12.3), "tpu_mlp1": ("MLP1", 5, 168, 9.7), "tpu_lstm0": ("LSTM0", 52, 64, 3.7),
       "tpu_lstm1": ("LSTM1", 34, 96, 2.8), "tpu_cnn0": ("CNN0", 8, 8, 86.0)}

TPU_WATT = 40  # when busy: table 2

# As many MACs, maps and weights as tpuv1-size in eight cores; and two cores of its size, with TPU v4's 131,072 MACs.
EIGHT = "tpuv1-size array.cols=16 memory.dmem_kib=3072 memory.pmem_kib=512 cluster.cores=8"
TWO = "tpuv1-size cluster.cores=2"


def network_of(table):
    """Returns a network of a table's products in sequence, for one image; the network's batch is the run's."""
    lines = [line for line in (SHAPES / f"{table}.csv").read_text().splitlines() if not line.startswith("#")]
    rows = list(csv.DictReader(lines))
    windows, channels = rows[0]["type"] == "conv", int(rows[0]["C"])
    net = tables.Network(table, *([int(rows[0]["H"])] * 2 if windows else []), channels)
    x = net.input
    for row in rows:
        x = net.conv(row["name"], x, int(row["M"]), int(row["R"])) if windows \
            else net.dense(row["name"], x, int(row["M"]), tables.RELU)
    return net


def tpu():
    rows = []
    for table, (name, weights, batch, tera) in TPU.items():
        net, figures = network_of(table), []
        with tempfile.TemporaryDirectory() as folder:
            model = pathlib.Path(folder) / f"{table}.tflite"
            model.write_bytes(tflite_writer.to_bytes(tables.model(net)))
            for config in ("tpuv1-size", EIGHT, TWO):
                ours = common.trine("estimate", *common.design(config), model, "--batch", batch)
                found = 2 * ours["macs"] / ours["cycles"] * 700e6 / 1e12
                peak = 2 * ours["peak_macs_per_cycle"] * 700e6 / 1e12
                figures += [f"{found:.1f}", common.percent(found, peak)]
                if config == "tpuv1-size":
                    energy = picojoules(ours)
        rows.append([name, f"{weights} M", f"{net.parameters() / 1e6:.1f} M", batch, f"{tera:.1f}",
                     common.percent(tera, 92), *figures, f"{TPU_WATT / tera:.2f}", energy])
    common.table(["network", "weights", "of our shapes", "batch", "TPU v1, TOPS", "of peak", "ours at 700 MHz, TOPS",
                  "of peak", "8 cores", "of peak", "2 cores of its size", "of peak", "TPU v1, pJ an operation",
                  "ours, 130 nm"], rows)
    channels = net.layers[-1].output.shape[-1]
    filled = channels / 256 * 9 * channels / (256 * -(-9 * channels // 256))
    print(f"CNN0's {channels} channels, 3 x 3, fill {common.percent(filled, 1)} of a weight-stationary square of 256 x 256.\n")


# NVIDIA's performance model of NVDLA, ResNet-50, batch 1: MACs, KB, bytes per cycle, cycles.
NVDLA = [(1024, 15, 6.54e6, "edge1024"), (512, 10, 10.75e6, "edge512"), (256, 5, 21.7e6, "edge256 bus.axi_data_bits=32")]


def nvdla():
    rows = []
    for macs, width, cycles, config in NVDLA:
        ours = run(config, "resnet50")
        bytes_a_cycle = ours["configuration"]["bus.axi_data_bits"] // 8
        rows.append([macs, width, round(cycles), common.percent(3.86e9, cycles * macs), f"`{config}`", bytes_a_cycle,
                     ours["cycles"], f"{ours['cycles'] / cycles:.2f}"])
    common.table(["MACs a cycle", "NVDLA: bytes a cycle", "cycles", "of peak", "ours", "bytes a cycle", "cycles",
                  "ratio"], rows)


# SCALE-Sim's closed form of arrays like Gemmini's, without stalls: million cycles, weight and output stationary.
SYSTOLIC = {("alexnet", "edge256"): (3.82, 3.33), ("mobilenet", "edge256"): (3.80, 3.68),
            ("resnet50", "edge256"): (18.2, 15.7), ("alexnet", "edge1024"): (1.14, 0.85),
            ("mobilenet", "edge1024"): (1.43, 1.34), ("resnet50", "edge1024"): (5.75, 4.43)}


def systolic():
    rows = []
    for (name, config), (weight, output) in SYSTOLIC.items():
        ours = run(config, name, classifier=name != "alexnet")
        rows.append([name, config, f"{weight:.2f} M", f"{output:.2f} M", f"{ours['cycles'] / 1e6:.2f} M",
                     f"{ours['cycles'] / 1e6 / weight:.2f}"])
    common.table(["network", "ours", "systolic, weight stationary", "output stationary", "ours, all stalls",
                  "to weight stationary"], rows)


# BrainTTA (Molendijk et al. 2022, abstract): GOPS at 300 MHz, fJ per operation.
BRAINTTA = {"int8": (77, 405), "ternary": (307, 67), "binary": (614, 35)}
BRAINTTA_SIZE, BRAINTTA_CHANNELS = 64, 128  # pixels of a row, channels of a 3 x 3 convolution


def precision_of(name):
    """Returns the run of a convolution of one precision, on random weights and inputs."""
    with tempfile.TemporaryDirectory() as folder:
        model = pathlib.Path(folder) / ("model.tflite" if name == "int8" else "model.onnx")
        if name == "int8":
            conv_model.write(model, BRAINTTA_SIZE, BRAINTTA_CHANNELS, BRAINTTA_CHANNELS, 3)
        else:
            lowbit_model.write(model, "--inputs", name, "--weights", name, "--size", BRAINTTA_SIZE, "--channels",
                               BRAINTTA_CHANNELS, "--filters", BRAINTTA_CHANNELS, "--window", 3,
                               "--border", -1 if name == "binary" else 0)
        return common.trine("run", "--config", "braintta-size", "--backend", "arch", model)


def braintta():
    rows, base = [], None
    for name, (gops, energy) in BRAINTTA.items():
        ours = precision_of(name)
        found = 1000 * ours["energy_pj"] / ours["macs"] / 2
        base = base or found
        rows.append([name, gops, f"{2 * ours['macs'] / ours['cycles'] * 0.3:.0f}", energy, f"{BRAINTTA['int8'][1] / energy:.1f}",
                     f"{found:,.0f}", f"{base / found:.1f}"])
    common.table(["precision", "BrainTTA, GOPS at 300 MHz", "ours at 300 MHz", "BrainTTA, fJ an operation (22 nm)",
                  "int8 is so many times", "ours, fJ an operation (130 nm)", "int8 is so many times"], rows)


# Islamoglu et al., ISLPED 2023: 22 nm, 0.8 V.
ITA_TOPS_MM2, ITA_NM, OUR_NM = 5.93, 22, 130


def ita():
    ours = estimated("edge1024", "vit_b16")
    found = 2 * ours["peak_macs_per_cycle"] / ours["clock_ns"] / 1e3 / (ours["area_um2"] / 1e6)
    common.table(["", "node, nm", "peak TOPS a mm2 of logic", "by ideal scaling of only the area, at 22 nm"],
                 [["ITA", ITA_NM, f"{ITA_TOPS_MM2:.2f}", f"{ITA_TOPS_MM2:.2f}"],
                  ["`edge1024`, cells, without wires", OUR_NM, f"{found:.3f}",
                   f"{found * (OUR_NM / ITA_NM) ** 2:.2f}"]])


PARTS = {part.__name__: part for part in (eyeriss, tpu, nvdla, systolic, braintta, ita)}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("parts", nargs="*", metavar="PART")
    options = parser.parse_args()
    unknown = set(options.parts) - set(PARTS)
    if unknown:
        parser.error(f"no part {min(unknown)}, allowed {', '.join(PARTS)}")
    for part in options.parts or PARTS:
        PARTS[part]()


if __name__ == "__main__":
    main()
