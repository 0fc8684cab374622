#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Tests the verification kit (trine generate --kit) of a 3x4 design, a cluster and one with int16: checks the emitted
files, and runs them under Icarus.

usage: kit_test.py --build DIR --cmake BUILD [--full] [--jobs N] [--table NAME] [--keep]
The short form checks the kit's files against the design's own headers and runs one test of each design. --full runs
all tests of the 3x4 design and plants 40 bugs, of which 80 % must be found; an interrupted run continues in DIR.
--table prints the results of a full run as Markdown, --keep writes its tables into components/benchmarks/results. cocotb,
cocotbext-axi and pyuvm come from PyPI into a virtual environment of DIR. Exit code 77 without PyPI.
"""
import argparse
import collections
import functools
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parents[2] / "tests"))
from harness import ROOT, fail, trine, with_packages  # noqa: E402

KIT = ROOT / "components" / "kit"
DESIGN = ["name=kit3x4", "array.rows=3", "array.cols=4", "memory.dmem_kib=8", "memory.pmem_kib=2", "memory.param_channels=64"]
SMALL = ["array.cols=4", *DESIGN[3:]]
# Designs in which unknown values (X) once spread: their folder, keys, arguments of the kit's run.py.
OTHERS = [("cluster", ["name=cluster", "array.rows=2", "cluster.cores=2", *SMALL], ["--test", "Registers"]),
          ("int16", ["name=int16", "array.rows=4", "array.activations16=true", "array.formats=true", *SMALL],
           ["--test", "Programs", "--seed", "7", "--programs", "1", "--length", "8"])]
# Hashes of commits before a draw, so that nobody chose the places. Survivors of the first two improved the kit;
# --full runs the last one.
SEEDS = {"bugs": "f787f189", "bugs_again": "a4e9f83f", "bugs_fresh": "e390761c"}
TRIED = "bugs_fresh"


def generate(build, design):
    keys = [word for key in design for word in ("--set", key)]
    trine("generate", "--config", "edge64", *keys, "--out", build / "design", "--kit", build / "kit", "--quiet")
    return json.loads((build / "kit" / "description.json").read_text())


def check_files(build):
    """Requires that all of components/kit is emitted, and that every file compiles."""
    for file in filter(pathlib.Path.is_file, KIT.iterdir()):
        copy = build / "kit" / file.name
        if copy.read_bytes() != file.read_bytes():
            fail(f"{copy} is not {file}")
        if file.suffix == ".py":
            compile(copy.read_text(), str(copy), "exec")


def check_registers(build, description):
    """Compares the register model's words with those of the C header, which is printed separately."""
    header = (build / "design" / "trine_csr.h").read_text()
    defined = {name: int(value, 16) for name, value in re.findall(r"#define TRINE_CSR_(\w+) (0x[0-9A-Fa-f]+)u?$", header, re.MULTILINE)}
    sys.path.insert(0, str(build / "kit"))
    import kit_description
    for register in description["registers"]:
        if defined[register["name"].upper()] != register["offset"]:
            fail(f"{register['name']} is at {register['offset']}, in the header at {defined[register['name'].upper()]}")
    known = {r["name"].upper() for r in description["registers"]}
    lacking = set(re.findall(r"^\| 0x\S+ \| (\w+)", (build / "design" / "registers.md").read_text(), re.MULTILINE)) - known
    if lacking != {"ECC_CORRECTED", "IMEM_CORRECTED"}:  # this design lacks ECC
        fail(f"the register model lacks {lacking}")
    offsets = list(kit_description.OFFSETS.values())
    if len(set(offsets)) != len(offsets):
        fail("two registers of the model have one place")


def check_programs(build):
    """Requires that the package and the kit disassemble what the assembler writes."""
    import kit_description
    words = kit_description.Assembler().run("load", dram=64, words=6, rows_last=1, dram_stride=128, signal=8)
    runs = list(kit_description.runs_of(words.run("store", dram=512, words=6, wait=1).bytes()))
    if [r.engine for r in runs] != [0, 3] or runs[0].on_bus() != [range(64, 88), range(192, 216)] or runs[1].wait != 1:
        fail("a program is not what was put together")


def check_bugs(build):
    """Requires that a seed gives the same bugs, each of which changes one line of a module."""
    import bugs
    import run
    files = run.sources(build / "design")
    plain = build / "kit_work"
    first = bugs.candidates(SEEDS["bugs"], files, plain)
    if first != bugs.candidates(SEEDS["bugs"], files, plain) or len(first) < 1000:
        fail(f"{len(first)} places for bugs, or others the second time")
    for bug in first[:50]:
        if bug[0].read_text().splitlines()[bug[1]] == bug[3]:
            fail(f"{bug} changes nothing")


PART = """
module trine_part(input clk, input rst_n, input [3:0] in, output [3:0] out);
  reg valid, odd;  // odd is 0 once something is valid
  reg [3:0] data;
  always @(posedge clk or negedge rst_n) if (!rst_n) valid <= 1'b0; else valid <= 1'b1;
  always @(posedge clk) begin data <= in; odd <= 1'b0; end
  assign out = valid ? data : {4{odd}};
endmodule
module trine_sram(input clk_i, input [3:0] addr_i, output [3:0] rdata_o);
endmodule
module trine_axi_top(input aclk, input aresetn, input [3:0] in, output [3:0] out);
  wire [3:0] read;
  trine_sram u_sram (.clk_i(aclk), .addr_i(in), .rdata_o(read));
  trine_part u_part (.clk(aclk), .rst_n(aresetn), .in(read), .out(out));
endmodule
"""
# The changed line, and whether the change shows at the pins.
CHANGES = (("valid ? data :", "valid ? (data | {4{odd}}) :", False), ("valid ? data :", "valid ? data + 4'd0 :", False),
           ("valid ? data :", "valid ? {4{odd}} :", True), ("{4{odd}};", "{4{!odd}};", True),
           ("always @(posedge clk or negedge rst_n) if (!rst_n) valid <= 1'b0; else", "always @(posedge clk)", True), ("odd <= 1'b0", "odd <= in[0]", True))


def check_equivalence(build):
    """Requires a proof for changes that no input shows, and none for others; a register without a reset starts with
    any value."""
    import equivalence
    plain, changed = build / "equivalence" / "plain", build / "equivalence" / "changed"
    shutil.rmtree(plain.parent, ignore_errors=True)
    plain.mkdir(parents=True)
    (plain / "design.v").write_text(PART)
    for old, new, differs in CHANGES:
        shutil.rmtree(changed, ignore_errors=True)
        changed.mkdir()
        (changed / "design.v").write_text(PART.replace(old, new))
        how = equivalence.proof(plain, changed)
        if bool(how) == differs:
            fail(f"{old} is {new}: {how or 'not proven'}")


def package(build, cmake):
    """Makes the Python package from the tree, for an environment: $PYTHONPATH."""
    folder = build / "package" / "trine"
    shutil.rmtree(folder, ignore_errors=True)
    (folder / "share").mkdir(parents=True)
    for file in (ROOT / "components" / "python" / "trine").glob("*.py"):
        shutil.copy(file, folder)
    extension = next((cmake / "components/python").glob("_core.*.so"), None)
    if extension is None:
        fail(f"{cmake}: trine_python is not built")
    (folder / extension.name).symlink_to(extension)
    (folder / "share" / "trine").symlink_to(ROOT)
    return {**os.environ, "PYTHONPATH": str(folder.parent)}


CLOSING = """
import kit_closing, kit_coverage, trine
config = trine.Config("config.toml")
images = [trine.random_program(config, seed, 16) for seed in range(40)]
made = list(kit_closing.programs(config, 1, 8, 16))
hits = {hit for image in images for hit in kit_coverage.hits_of(image.words)}
closed = hits | {hit for image in made for hit in kit_coverage.hits_of(image.words)}
kit_coverage.table([[*hit, 1] for hit in closed])
assert all(image.run().cause == 0 and not image.run().refused for image in made), "a made program is none"
assert len(closed) > len(hits) + 40, f"{len(closed)} bins, {len(hits)} without programs that are made for them"
"""


def check_closing(build, environment):
    """Requires that programs made for open bins hit some, and that no program hits an excluded bin."""
    if subprocess.run([sys.executable, "-B", "-c", CLOSING], cwd=build / "kit", env=environment).returncode != 0:
        fail("programs for open bins: see above")


def kit(build, environment, program, *arguments):
    """@return true if it passes"""
    command = [sys.executable, "-B", build / "kit" / program, "--design", build / "design", *arguments]
    return subprocess.run([str(c) for c in command], cwd=build, env=environment).returncode == 0


def coverage_lines(build):
    found = json.loads((build / "kit_full" / "coverage.json").read_text())
    rows, reasons = found["groups"], collections.Counter(why for _, _, why in found["excluded"])
    rows.append({"group": "all", "bins": sum(r["bins"] for r in rows), "hit": sum(r["hit"] for r in rows)})
    return ["| group | bins | hit | % |", "|---|---:|---:|---:|",
            *(f"| {r['group']} | {r['bins']} | {r['hit']} | {100 * r['hit'] / r['bins']:.1f} |" for r in rows),
            "", "| group | missed |", "|---|---|", *(f"| {r['group']} | {', '.join(r['missed'])} |" for r in rows[:-1] if r["missed"]),
            "", f"{len(found['excluded'])} bins are left out:", "", "| because | bins |", "|---|---:|",
            *(f"| {why} | {count} |" for why, count in reasons.most_common())]


def bug_lines(build, name):
    """Returns a row for each bug: which test found it and how, or why none did (survivors.txt)."""
    sys.path.insert(0, str(build / "kit"))
    import bugs
    reasons = dict(line.rsplit(" | ", 1) for line in (HERE / "survivors.txt").read_text().splitlines() if " | " in line)
    rows = sorted(bugs.rows_of(build / f"kit_{name}" / "bugs.tsv"), key=lambda row: int(row[0]))
    lines = ["| place | bug | found by | how, or why not |", "|---|---|---|---|"]
    for row in rows:
        why = row[5] if row[4] != "nothing" else reasons.get(f"{row[1]} {row[2]}", "not looked into")
        lines.append("| " + " | ".join(text.replace("|", "or") for text in (row[1], row[2], row[4], why[:130])) + " |")
    ours = bugs.counted(rows)
    found = sum(row[4] != "nothing" for row in ours)
    refused, same = (sum(row[4] == kind for row in rows) for kind in ("refused", "equivalent"))
    proven = sum(row[4] == "equivalent" and "at the pins" in row[5] for row in rows)
    return [f"{found} of {len(ours)} bugs found; {len(rows) - len(ours)} more were drawn that are none.", "",
            f"Same netlist: {same - proven}; proven to change nothing at the pins: {proven}; refused: {refused}.", "", *lines]


LINES = {"coverage": coverage_lines, **{name: functools.partial(bug_lines, name=name) for name in SEEDS}}


def keep(build):
    """Writes the tables that the pages show to components/benchmarks/results."""
    sys.path.insert(0, str(ROOT / "components" / "benchmarks"))
    import store
    for name in ("coverage", TRIED):
        lines = LINES[name]
        store.save(f"kit_{name}", {"command": f"components/kit/tests/kit_test.py --table {name}", "revision": store.git("rev-parse", "--short", "HEAD").strip(),
                                   "tools": "Icarus Verilog 11.0; Yosys 0.23; cocotb 1.9.2; cocotbext-axi 0.1.28; pyuvm 5.0.0",
                                   "measures": ["components/kit"], "output": lines(build)})


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--build", type=pathlib.Path, default=ROOT / "build" / "kit")
    parser.add_argument("--cmake", type=pathlib.Path, default=ROOT / "build" / "release")
    parser.add_argument("--full", action="store_true")
    parser.add_argument("--jobs", default="1")
    parser.add_argument("--table", choices=LINES)
    parser.add_argument("--keep", action="store_true")
    options = parser.parse_args()
    build = options.build.resolve()
    build.mkdir(parents=True, exist_ok=True)
    if options.table:
        print("\n".join(LINES[options.table](build)))
        return
    if options.keep:
        keep(build)
        return
    with_packages(build, KIT / "requirements.txt", "cocotb", "cocotbext", "pyuvm", "numpy")
    description = generate(build, DESIGN)
    check_files(build)
    check_registers(build, description)
    check_programs(build)
    environment = package(build, options.cmake.resolve())
    check_closing(build, environment)
    passes = kit(build, environment, "run.py", "--test", "Registers", "--work", build / "kit_work")
    floats = ROOT / "tests" / "onnx" / "int4_weights.onnx"  # its input is a float tensor
    passes = kit(build, environment, "run.py", "--test", "Network", "--model", floats, "--work", build / "kit_work") and passes
    for name, design, arguments in OTHERS:
        generate(build / name, design)
        passes = kit(build / name, environment, "run.py", *arguments, "--work", build / name / "work") and passes
    check_bugs(build)
    check_equivalence(build)
    if options.full:
        passes = passes and kit(build, environment, "run.py", "--full", "--work", build / "kit_full")
        passes = passes and kit(build, environment, "bugs.py", "--work", build / f"kit_{TRIED}", "--seed", SEEDS[TRIED], "--jobs", options.jobs)
    print("the kit's tests passed" if passes else "the kit failed")
    sys.exit(not passes)


if __name__ == "__main__":
    main()
