#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Tests trine report --sheet: each figure of ours computed in another way, and the published figures against each other.

    components/report/tests/sheet_test.py --build DIR
"""
import argparse
import json
import os
import pathlib
import shutil
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[3]
PROGRAM = os.environ.get("TRINE_PROGRAM", str(ROOT / "trine"))
PUBLISHED = ROOT / "components" / "report" / "published.json"


def check(right, what):
    if not right:
        sys.exit(f"sheet_test: {what}")


def is_near(found, expected, what, error=0.01):
    check(isinstance(found, (int, float)) and abs(found / expected - 1) <= error, f"{what}: {found}, expected {expected}")


def trine(*arguments):
    done = subprocess.run([PROGRAM, *map(str, arguments)], capture_output=True, text=True, stdin=subprocess.DEVNULL)
    check(done.returncode == 0, f"trine {' '.join(map(str, arguments))}: exit code {done.returncode}: {done.stderr}")
    return done.stdout


def sheets_of(work, *arguments):
    """Returns the printed text, and {sheet: {row: {column: value}}}."""
    work.mkdir(exist_ok=True)
    text = trine("report", "--sheet", *arguments, "--out", work / "out", "--json", work / "sheets.json", "--html",
                 work / "page.html")
    sheets = json.loads((work / "sheets.json").read_text())["sheets"]
    return text, {s["sheet"]: {row["row"]: row for row in s["rows"]} for s in sheets}


def check_chip(sheet, work):
    trine("generate", "--config", "eyeriss-size", "--out", work / "rtl")
    estimate = json.loads((work / "out" / "eyeriss-size.alexnet.estimate.json").read_text())
    memories = json.loads((work / "rtl" / "manifest.json").read_text())["memories"]
    kilobytes = sum(m["instances"] * m["width"] * m["depth"] for m in memories) / 8 / 1024
    ours = {row: cells["eyeriss-size"] for row, cells in sheet.items()}
    is_near(ours["memory on the chip"], kilobytes, "memory", 1e-6)
    is_near(ours["memory a multiplier"], kilobytes / (7 * 6 * 4), "memory a multiplier", 1e-6)
    is_near(ours["area a multiplier"], estimate["total_um2"] / 1e6 / 168, "area a multiplier", 1e-6)
    is_near(ours["peak"], 2 * 168 / estimate["clock_placed_ns"], "peak", 1e-6)
    check(ours["process"] == "130 nm, sg13g2", f"process: {ours['process']}")
    check(sheet["area"]["Eyeriss"] == 12.25, f"Eyeriss: {sheet['area']}")


def check_network(sheet, work):
    """The table has the fully connected layers, too; its one image is estimated."""
    estimate = json.loads((work / "out" / "eyeriss-size.alexnet.estimate.json").read_text())
    ours = {row: cells["eyeriss-size"] for row, cells in sheet.items()}
    seconds = estimate["latency_placed_ms"] / 1e3
    is_near(ours["time of the batch"], 1e3 * seconds, "time", 1e-6)
    is_near(ours["power"] * seconds, estimate["energy_pj"] / 1e9, "power x time", 1e-6)
    is_near(ours["energy an operation"] * 2 * estimate["macs"], estimate["energy_pj"], "energy an operation", 1e-6)
    moved = estimate["dram_bytes_read"] + estimate["dram_bytes_written"]
    is_near(ours["DRAM accesses a MAC"], moved / estimate["macs"], "accesses", 1e-6)
    check(ours["MACs an image"] == 724406816 and ours["measured or simulated"] == "estimated", f"network: {ours}")
    text = (work / "page.html").read_text()
    check("724,406,816 MACs, AlexNet, convolutions of Eyeriss 665,784,864: they are not the same layers" in text, "layers")
    check(sheet["DRAM accesses a MAC"]["Eyeriss"] == 0.0029, f"Eyeriss: {sheet['DRAM accesses a MAC']}")


def check_batch(sheet, work):
    """A table's batch is a column: its weights are loaded for four images, its traffic and its time are those of the batch."""
    four = json.loads((work / "out" / "eyeriss-size.alexnet.batch4.json").read_text())
    one, ours = ({row: cells[f"eyeriss-size #{n}"] for row, cells in sheet.items()} for n in (1, 2))
    check(ours["batch"] == four["images"] == 4 and ours["MACs an image"] == one["MACs an image"], f"batch: {ours}")
    check(ours["DRAM of the batch"] < 2 * one["DRAM of the batch"], f"DRAM: {one}, {ours}")
    is_near(ours["images a second"], four["inferences_per_second_placed"], "images a second", 1e-6)


def check_precision(work):
    """A run of binary layers stands next to the published rate of binary operations only; a batch is a column."""
    models = [ROOT / "tests" / "lowbit" / "mlp_binary.onnx", ROOT / "models" / "lenet_mnist.tflite"]
    text, sheets = sheets_of(work / "precisions", "--config", "braintta-size", "--model", models[0], "--model", models[1],
                             "--batch", "1,2")
    binary, lenet = sheets["mlp_binary"], sheets["lenet_mnist"]
    check(binary["bits an operand"]["braintta-size #1"] == "1 (binary)", f"precision: {binary['bits an operand']}")
    check(lenet["bits an operand"]["braintta-size #2"] == "8 (int8)", f"precision: {lenet['bits an operand']}")
    check((lenet["operations"]["BrainTTA"], lenet["energy an operation"]["BrainTTA"]) == (77, 0.405), f"BrainTTA: {lenet}")
    check([lenet["batch"][f"braintta-size #{n}"] for n in (1, 2)] == [1, 2], f"batches: {lenet['batch']}")
    results = work / "precisions" / "out"
    one = json.loads((results / "braintta-size.mlp_binary.run.json").read_text())
    is_near(binary["DRAM accesses a MAC"]["braintta-size #1"],
            8 * (one["dram_bytes_read"] + one["dram_bytes_written"]) / one["macs"], "accesses of a bit", 1e-6)
    two = json.loads((results / "braintta-size.lenet_mnist.batch2.json").read_text())
    is_near(lenet["energy an image"]["braintta-size #2"], two["energy_pj"] / 2e9, "energy an image", 1e-6)
    is_near(lenet["images a second"]["braintta-size #2"], 2e9 / two["cycles"] / two["clock_placed_ns"], "images", 1e-6)
    check("Molendijk et al., 2022." in text and "Eyeriss" not in text, f"sources: {text}")


def check_published():
    """Requires that figures of one chip or run that depend on each other agree."""
    for chip in json.loads(PUBLISHED.read_text())["chips"]:
        name, bits = chip["chip"], chip["bits"]
        for of, part, whole in (("area_of_multiplier", "area_mm2", "multipliers"),
                                ("memory_of_multiplier", "memory_kb", "multipliers")):
            if of in chip:
                is_near(chip[of], chip[part] / chip[whole], f"{name}: {of}")
        is_near(chip["peak_gops"], 2 * chip["multipliers"] * chip["clock_mhz"] / 1e3, f"{name}: peak")
        for run in chip["runs"]:
            where = f"{name}: {run['network']}"
            if "milliseconds" in run:
                operations, seconds = 2 * run["macs"] * run["batch"], run["milliseconds"] / 1e3
                is_near(run["cycles"], seconds * chip["clock_mhz"] * 1e6, f"{where}: cycles")
                is_near(run["gops"], operations / seconds / 1e9, f"{where}: gops")
                is_near(run["images_per_second"], run["batch"] / seconds, f"{where}: images")
                is_near(run["millijoules"], run["milliwatts"] * seconds / run["batch"], f"{where}: energy")
                is_near(run["pj"], run["milliwatts"] * seconds * 1e9 / operations, f"{where}: energy of an operation")
                is_near(run["dram_accesses"], 8e6 * run["dram_mb"] / bits / (operations / 2), f"{where}: accesses", 0.02)
            if "utilization" in run:
                is_near(run["utilization"], run["gops"] / chip["peak_gops"], f"{where}: utilization", 0.025)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--build", type=pathlib.Path, required=True)
    work = parser.parse_args().build.resolve()
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir(parents=True)
    check_published()
    table = ROOT / "models" / "shapes" / "alexnet.csv"
    text, sheets = sheets_of(work, "--config", "eyeriss-size", "--model", table)
    check_chip(sheets["The chip"], work)
    check_network(sheets["alexnet"], work)
    check_batch(sheets_of(work, "--config", "eyeriss-size", "--model", table, "--batch", "4")[1]["alexnet"], work)
    check(all(len(line) <= 100 for line in text.splitlines()), "text: wider than 100 columns")
    page = (work / "page.html").read_text()
    check("Specification sheets" in page and "DRAM accesses a MAC" in page, "page: no sheet")
    check_precision(work)


if __name__ == "__main__":
    main()
