#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Compares netlists of Yosys' synth_ecp5, with the models of synth/fpga/cells, with their RTL.

usage: ecp5_test.py [--full] [--config C [--set KEY=VALUE]...] [--model FILE] [--build DIR]
Runs small designs that use each mode of the cells, with random inputs, under Icarus. --full: then runs a network
(lenet_mnist) on a whole design (edge32) under Verilator, in the bench that is emitted with it; memory must equal the
architecture simulator's, bit for bit. $TRINE_PROGRAM is the tool (by default the launcher `trine`). Exit code 1 if
something differs.
"""
import argparse
import json
import pathlib
import re
import shutil
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))
from harness import ROOT, fail, trine  # noqa: E402

CELLS = sorted((ROOT / "synth" / "fpga" / "cells").glob("*.v"))
# Each of these must occur in the netlist of the small designs, otherwise it is not tested.
MODES = [rf"\.{key}\({value}\)" for key, values in {
    "DATA_WIDTH_A": ("32'd1", "32'd2", "32'd4", "32'd9", "32'd18", "32'd36"),
    "WRITEMODE_A": ('"NORMAL"', '"WRITETHROUGH"', '"READBEFOREWRITE"'),
    "RESETMODE": ('"SYNC"', '"ASYNC"'), "CLKAMUX": ('"CLKA"', '"INV"'),
    "SIGNEDA": ("1'h0", "1'h1"), "SIGNEDB": ("1'h0", "1'h1"),
    "SRMODE": ('"ASYNC"', '"LSR_OVER_CE"'), "REGSET": ('"SET"', '"RESET"')}.items() for value in values] + [
        rf"\b{cell} #?\(" for cell in ("LUT4", "CCU2C", "TRELLIS_FF", "TRELLIS_DPR16X4", "DP16KD")] + [
        rf"\b{cell} \S+" for cell in ("PFUMX", "L6MUX21", "MULT18X18D")]


def run(command, folder, may_fail=False):
    done = subprocess.run([str(word) for word in command], cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if done.returncode and not may_fail:
        print(done.stdout[-3000:])
        fail(f"{command[0]}: exit code {done.returncode}")
    return done.stdout


def verdict(said, what):
    print(said.strip()[-1500:])
    if "PASS" not in said:
        sys.exit(f"{what}: netlist and design differ")
    print(f"ok: {what}", flush=True)


def small_designs(build):
    """Makes the designs as Yosys reads them (Icarus 11 cannot) and as it maps them."""
    script = ["read_verilog -sv -DTRINE_BLOCK_RAM designs.sv trine_sram.sv", "hierarchy -check -top designs", "proc", "opt_clean",
              "memory_collect", "write_verilog -noattr rtl.v", "synth_ecp5 -top designs -abc9", "rename designs netlist",
              "write_verilog -noattr netlist.v"]
    for file in (HERE / "designs.sv", HERE / "bench.v", ROOT / "rtl" / "lib" / "trine_sram.sv"):
        shutil.copy(file, build)
    run(["yosys", "-q", "-p", "; ".join(script)], build)
    netlist = (build / "netlist.v").read_text()
    missing = [mode for mode in MODES if not re.search(mode, netlist)]
    if missing:
        fail(f"not in the netlist: {missing}")
    run(["iverilog", "-g2012", "-s", "bench", "-o", "bench.vvp", "bench.v", "rtl.v", "netlist.v", *CELLS], build)
    verdict(run(["vvp", "-n", "bench.vvp"], build), "small designs")


def network(build, options):
    """Runs the design's netlist in trine_tb, with a memory image of the network."""
    settings = [word for s in options.set for word in ("--set", s)]
    trine("generate", "--config", options.config, *settings, "--out", build / "design", "--quiet")
    trine("run", "--config", options.config, *settings, options.model, "--backend", "arch", "--quiet", "--memory", build / "memory")
    design = build / "design"
    sources = [line for line in (design / "trine.f").read_text().splitlines() if line.endswith(".sv")]
    script = [f"read_verilog -sv -DTRINE_BLOCK_RAM -DTRINE_NO_CLOCK_GATES {' '.join(sources)}", "read_verilog trine_axi_top.v",
              "hierarchy -check -top trine_axi_top", "synth_ecp5 -top trine_axi_top -abc9", "write_verilog -noattr ../netlist.v"]
    run(["yosys", "-q", "-p", "; ".join(script)], design)
    packages = [design / f"trine_{name}_pkg.sv" for name in ("isa", "csr", "config")]
    run(["verilator", "--binary", "-Wno-fatal", "-Wno-lint", "-Wno-style", "-Wno-UNOPTFLAT", "-Wno-MULTIDRIVEN",
         "-fno-const-bit-op-tree",  # Verilator 5.006 miscompiles some of these trees
         "--top-module", "trine_tb", "--Mdir", "obj", "--output-split", "20000", "-MAKEFLAGS", "OPT_FAST=-O1",
         *packages, "netlist.v", *CELLS, design / "trine_tb.sv"], build)
    for name in ("before", "after"):
        data = (build / "memory" / f"{name}.bin").read_bytes()
        (build / f"{name}.hex").write_text("\n".join(f"{byte:02x}" for byte in data) + "\n")
    said = json.loads((build / "memory" / "run.json").read_text())
    verdict(run(["obj/Vtrine_tb", "+before=before.hex", "+after=after.hex", f"+program_at={said['program_offset']}",
                 f"+program_words={said['program_words']}"], build, may_fail=True), f"{options.config}: {options.model.name}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--full", action="store_true")
    parser.add_argument("--config", default="edge32")
    parser.add_argument("--set", action="append", default=[])
    parser.add_argument("--model", type=pathlib.Path, default=ROOT / "models" / "lenet_mnist.tflite")
    parser.add_argument("--build", type=pathlib.Path, default=ROOT / "build" / "ecp5")
    options = parser.parse_args()
    build = options.build.resolve()
    shutil.rmtree(build, ignore_errors=True)
    build.mkdir(parents=True)
    small_designs(build)
    if options.full:
        network(build, options)


if __name__ == "__main__":
    main()
