#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs axi_test.py on designs of several bus widths: cocotb, cocotbext-axi (PyPI) and Icarus.

usage: axi_bus_test.py [--seed N] [--bits 32,64,128] [--ecc] [--model M] [--build DIR]
$TRINE_PROGRAM is the tool (by default the launcher `trine`). Needs the packages of requirements.txt; without them it
makes a virtual environment in the build folder and installs them there. Exit code 1 if a test fails, 2 if a tool is
missing, 77 without PyPI.
"""
import argparse
import pathlib
import subprocess
import sys
import xml.etree.ElementTree

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parents[3] / "tests"))
from harness import ROOT, fail, trine, with_packages  # noqa: E402


# The test is about the bus, so the design contains only what the model needs.
SMALL = ["array.rows=2", "array.cols=2", 'array.precisions=["int8"]', "vector.enable=false", "matmul.enable=false"]


def failures(name, results):
    """Returns the names of the failed tests; at least one test must have run."""
    cases = list(xml.etree.ElementTree.parse(results).iter("testcase"))
    if not cases:
        fail("no test ran")
    wrong = [case.get("name") for case in cases if case.find("failure") is not None]
    print(f"{name}: {len(cases) - len(wrong)} of {len(cases)} tests pass", flush=True)
    return wrong


def to_verilog(files, verilog):
    """Converts to Verilog with Yosys, because Icarus 11 supports less of SystemVerilog."""
    script = (f"read_verilog -sv {' '.join(map(str, files))}; hierarchy -check -top axi_wrapper; proc; "
              f"opt_clean; memory_collect; write_verilog -noattr {verilog}")
    done = subprocess.run(["yosys", "-qq", "-p", script], stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True)
    if done.returncode:
        fail(f"yosys: {done.stdout.strip()[-500:]}")


def run(bits, ecc, options):
    from cocotb.runner import get_runner
    name = f"{bits} bits{', codes' if ecc else ''}"
    folder = options.build / f"axi{bits}{'ecc' if ecc else ''}"
    keys = [*SMALL, f"bus.axi_data_bits={bits}", f"memory.ecc={str(ecc).lower()}"]
    design = ["--config", "edge64", *(word for key in keys for word in ("--set", key))]
    trine("generate", *design, "--out", folder / "design")
    trine("run", *design, "--backend", "arch", "--quiet", "--memory", folder / "memory",
          options.model)
    files = [folder / "design" / line for line in
             (folder / "design" / "trine.f").read_text().split() if line.endswith(".sv")]
    verilog = folder / "axi_wrapper.v"
    to_verilog([*files, HERE / "axi_wrapper.sv"], verilog)
    runner = get_runner("icarus")
    runner.build(sources=[verilog], hdl_toplevel="axi_wrapper", build_dir=folder / "sim",
                 timescale=("1ns", "1ps"), always=True)
    results = runner.test(hdl_toplevel="axi_wrapper", test_module="axi_test", test_dir=HERE,
                          build_dir=folder / "sim", results_xml=str(folder / "results.xml"),
                          extra_env={"TRINE_AXI_MEMORY": str(folder / "memory"),
                                     "TRINE_AXI_HEADER": str(folder / "design" / "trine_csr.h"),
                                     "TRINE_AXI_SEED": str(options.seed),
                                     # Bytes without a strobe may be unknown.
                                     "COCOTB_RESOLVE_X": "RANDOM",
                                     "COCOTB_LOG_LEVEL": "ERROR"})
    return [f"{name}: {case}" for case in failures(name, results)]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--bits", default="32,64,128", help="bus widths")
    parser.add_argument("--ecc", action="store_true", help="also test each width with memory.ecc")
    parser.add_argument("--model", type=pathlib.Path, default=ROOT / "models" / "plus_filter.tflite")
    parser.add_argument("--build", type=pathlib.Path, default=ROOT / "build" / "axi")
    options = parser.parse_args()
    options.build = options.build.resolve()
    options.build.mkdir(parents=True, exist_ok=True)
    with_packages(options.build, HERE / "requirements.txt", "cocotb", "cocotbext")
    wrong = [case for bits in options.bits.split(",") for ecc in ([False, True] if options.ecc else [False])
             for case in run(bits, ecc, options)]
    print("\n".join(f"failed: {w}" for w in wrong) or "AXI tests passed")
    sys.exit(bool(wrong))


if __name__ == "__main__":
    main()
