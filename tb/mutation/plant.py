#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Makes one module that contains all mutants: Yosys changes a bit of a cell's port if the environment selects it.

usage: plant.py --top TOP --modules A,B --count N --out FILE.v [--seed N] [--param K=V]... [-D X]... [-I DIR]... SOURCE...
The mutants are in the cells that come from the modules A, B, for all bits that are read; changes that leave the
netlist unchanged (0 for a 0) do not count. Writes FILE.v, in which `trine_mutant()` (C, see mutant.cpp) selects a
mutant, 0 none, and FILE.list, a line of Yosys' `mutate` for each.
"""
import argparse
import json
import pathlib
import re
import subprocess
import sys


def yosys(script):
    done = subprocess.run(["yosys", "-qq", "-p", script], stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True)
    if done.returncode:
        sys.exit(f"plant.py: yosys: {done.stdout.strip()[-2000:]}")


def changes_something(line, cells):
    """Returns False for a constant that equals the present one, or an inversion that a constant makes ineffective."""
    field = dict(re.findall(r"-(mode|cell|port|portbit|ctrlbit) (\S+)", line))
    bits = cells[field["cell"].removeprefix("\\")]["connections"][field["port"].removeprefix("\\")]
    bit = bits[int(field["portbit"])]
    if bit == "x":
        return False
    if field["mode"] in ("const0", "const1"):
        return bit != field["mode"][-1]
    if field["mode"] in ("cnot0", "cnot1"):
        control = bits[int(field["ctrlbit"])]
        return control not in ("0", "1") or control == field["mode"][-1]
    return True


def choose(listed, netlist, top, count):
    """Keeps the first `count` mutants that change something, with new numbers."""
    cells = json.loads(netlist.read_text())["modules"][top]["cells"]
    lines = [line for line in listed.read_text().splitlines() if changes_something(line, cells)]
    if len(lines) < count:
        sys.exit(f"plant.py: {top}: {len(lines)} mutants are left of {count}")
    lines = [re.sub(r"-ctrl mutant 16 \d+", f"-ctrl mutant 16 {n}", line)
             for n, line in enumerate(lines[:count], 1)]
    listed.write_text("\n".join(lines) + "\n")


def choose_by_environment(text, top):
    """Replaces the control port of the module that Yosys writes by a signal that is read once from the environment."""
    text, ports = re.subn(r"(module " + re.escape(top) + r"\([^;]*?), mutant\b", r"\1", text, count=1)
    text, inputs = re.subn(r"  input \[15:0\] mutant;\n  wire \[15:0\] mutant;\n",
                           '  import "DPI-C" function int trine_mutant();\n'
                           "  reg [15:0] mutant;\n"
                           "  initial mutant = 16'(trine_mutant());\n", text, count=1)
    if ports != 1 or inputs != 1:
        sys.exit(f"plant.py: no port of mutants in {top}")
    return text


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--top", required=True)
    parser.add_argument("--modules", required=True, help="modules, separated by commas")
    parser.add_argument("--count", type=int, required=True)
    parser.add_argument("--out", type=pathlib.Path, required=True)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--param", action="append", default=[])
    parser.add_argument("-D", action="append", default=[], dest="defines")
    parser.add_argument("-I", action="append", default=[], dest="folders")
    parser.add_argument("sources", nargs="+")
    options = parser.parse_args()
    listed = options.out.with_suffix(".list")
    listed.unlink(missing_ok=True)
    read = " ".join([f"-D{d}" for d in options.defines] + [f"-I{d}" for d in options.folders] +
                    options.sources)
    chparam = "".join(f" -set {p.replace('=', ' ', 1)}" for p in options.param)
    selection = " ".join(f"a:src=*/{m}.sv:*" for m in options.modules.split(","))
    base, netlist = options.out.with_suffix(".il"), options.out.with_suffix(".json")
    yosys(f"read_verilog -sv {read}; chparam{chparam} {options.top}; "
          f"hierarchy -check -top {options.top}; proc; opt; "
          # Flattened cells also have the attribute of their instances, so they are marked before.
          f"setattr -set trine_mutable 1 {selection}; flatten; "
          # Bits that are not read, or are constant, would make mutants without effect.
          "opt; wreduce; opt; opt_clean -purge; "
          f"rename -top {options.top}; write_rtlil {base}; write_json {netlist}; "
          f"mutate -list {2 * options.count} -seed {options.seed} -ctrl mutant 16 1 -o {listed} "
          "c:* a:trine_mutable=1 %i")
    choose(listed, netlist, options.top, options.count)
    yosys(f"read_rtlil {base}; script {listed}; splitnets -driver; opt_clean; "
          f"write_verilog -noattr {options.out}")
    options.out.write_text(choose_by_environment(options.out.read_text(), options.top))


if __name__ == "__main__":
    main()
