#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs the verification kit of one design under Icarus; see README.md in this folder.

usage: run.py --design DIR [--work DIR] [--full] [--seed N] [--test NAME] [--programs N] [--length N] [--model M]
Results are in the work folder: results.tsv, coverage.md. Tests that passed are not run again. Exit code 1 if a test
fails, 2 if a tool or a file is missing.
"""
import argparse
import collections
import importlib.util
import json
import os
import pathlib
import subprocess
import sys
import time

sys.dont_write_bytecode = True
HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))
from kit_description import DATA  # noqa: E402

# The test, seeds, programs per simulation, instructions per program.
QUICK = (("Registers", 1, 1, 0), ("Programs", 1, 3, 12), ("Errors", 1, 1, 0), ("Malformed", 1, 2, 0), ("Resets", 1, 1, 0))
FULL = (("Registers", 2, 1, 0), ("Programs", 2, 3, 20), ("Closing", 1, 20, 16), ("Errors", 1, 5, 0), ("Malformed", 2, 5, 0),
        ("Resets", 2, 1, 0), ("Network", 1, 1, 0))
Unit = collections.namedtuple("Unit", "test seed programs length")


def fail(text):
    print(f"run.py: {text}", file=sys.stderr)
    sys.exit(2)


def units_of(plan, first_seed):
    return [Unit(test, first_seed + n, programs, length) for test, seeds, programs, length in plan for n in range(seeds)]


def call(command, folder, environment=None, limit=None):
    """@param limit  processor seconds, independent of other programs. @return exit code, output"""
    command = [*(["prlimit", f"--cpu={limit}"] if limit else []), *map(str, command)]
    try:
        done = subprocess.run(command, cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              text=True, errors="replace")
    except FileNotFoundError:
        fail(f"{command[0]} is not installed")
    return done.returncode, done.stdout


def sources(design):
    """Returns the design's files, in the order in which tools read them."""
    listed = (design / DATA["file_list"]).read_text().split()
    return [design / line for line in listed if line.endswith(".sv")] + [design / DATA["top_file"]]


def convert(files, verilog, more=""):
    """Converts files to Verilog with Yosys, unmapped, because Icarus 11 does not support all of this SystemVerilog.
    @return an error or """""
    script = (f"read_verilog -sv {' '.join(map(str, files))}; hierarchy -check -top {DATA['top']}; proc; opt_clean; "
              f"memory_collect; write_verilog -noattr {verilog.name}; {more}")
    code, text = call(["yosys", "-qq", "-p", script], verilog.parent)
    return text.strip()[-500:] if code else ""


def build(files, folder, more=""):
    """@param more  further commands for Yosys. @return "" or why there is no simulation in `folder`"""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "time.v").write_text("`timescale 1ns/1ps\n")
    wrong = convert(files, folder / "design.v", more)
    if wrong:
        return f"yosys: {wrong}"
    code, text = call(["iverilog", "-g2012", "-s", DATA["top"], "-o", "design.vvp", "time.v", "design.v"], folder)
    return f"iverilog: {text[-500:]}" if code else ""


def simulate(folder, unit, name, model="", limit=None):
    """Runs one test in one simulation. @return whether it passes, its output, seconds, cycles"""
    import cocotb.config
    import find_libpython
    options = {**unit._asdict(), "model": str(model), "coverage": str(folder / f"{name}.coverage.json")}
    results = folder / f"{name}.xml"
    results.unlink(missing_ok=True)
    environment = {**os.environ, "MODULE": "kit_tests", "TOPLEVEL": DATA["top"], "TOPLEVEL_LANG": "verilog",
                   "TRINE_KIT": json.dumps(options), "COCOTB_RESULTS_FILE": str(results), "COCOTB_RESOLVE_X": "RANDOM",
                   "COCOTB_LOG_LEVEL": "WARNING", "RANDOM_SEED": str(unit.seed), "PYTHONDONTWRITEBYTECODE": "1",
                   "PYTHONPATH": os.pathsep.join([str(HERE), *filter(None, sys.path)]),
                   "LIBPYTHON_LOC": find_libpython.find_libpython()}
    begun = time.time()
    code, text = call(["vvp", "-M", cocotb.config.libs_dir, "-m", cocotb.config.lib_name("vpi", "icarus"), "design.vvp"],
                      folder, environment, limit)
    seconds = time.time() - begun
    (folder / f"{name}.log").write_text(text)
    ended = [line[4:].strip() for line in text.splitlines() if line.startswith("kit:") and " cycles, " in line]
    cycles = int(ended[-1].split()[0]) if ended else 0
    if code < 0:
        return False, f"the simulation was ended, {f'{limit} s of the processor' if limit else f'signal {-code}'}", seconds, cycles
    return (*verdict(results, text), seconds, cycles)


def is_installed(name):
    try:
        return importlib.util.find_spec(name) is not None
    except ModuleNotFoundError:
        return False


def verdict(results, text):
    import xml.etree.ElementTree
    if not results.exists():
        return False, "the simulation ended without a result: " + text[-300:].replace("\n", " ")
    cases = list(xml.etree.ElementTree.parse(results).iter("testcase"))
    if len(cases) != 1:
        return False, f"{len(cases)} tests ran, expected one"
    if cases[0].find("failure") is None and cases[0].find("error") is None:
        return True, ""
    errors = [line[len("kit: wrong: "):] for line in text.splitlines() if line.startswith("kit: wrong: ")]
    return False, errors[-1][:300] if errors else "failed: see the log"


def coverage_page(folder, names):
    """Writes coverage.md: the bins of each group, of all simulations together. Bins that no program can hit are
    listed separately."""
    from kit_coverage import excluded, table
    hits = [hit for name in names if (folder / f"{name}.coverage.json").exists()
            for hit in json.loads((folder / f"{name}.coverage.json").read_text())]
    rows, left_out = table(hits), excluded()
    (folder / "coverage.json").write_text(json.dumps(
        {"groups": [{"group": g, "bins": n, "hit": h, "missed": m} for g, n, h, m in rows], "excluded": left_out}, indent=1))
    text = "# Functional coverage\n\n| group | bins | hit | % |\n|---|---:|---:|---:|\n"
    text += "".join(f"| {g} | {n} | {h} | {100 * h / n:.1f} |\n" for g, n, h, _ in rows)
    bins, hit = sum(r[1] for r in rows), sum(r[2] for r in rows)
    text += f"| all | {bins} | {hit} | {100 * hit / bins:.1f} |\n\n## Missed\n"
    text += "".join(f"- {g}: {', '.join(m)}\n" for g, _, _, m in rows if m)
    text += f"\n## Excluded\n{len(left_out)} bins that no program of this design hits; one that does fails.\n"
    text += "".join(f"- {g}: {name} ({why})\n" for g, name, why in left_out)
    (folder / "coverage.md").write_text(text)
    return bins, hit


def check_design(design):
    lacking = [name for name in ("cocotb", "cocotbext.axi", "pyuvm", "numpy", "trine") if not is_installed(name)]
    if lacking:
        fail(f"{sys.executable}: lacks {', '.join(lacking)}; README.md says how to make an environment with them")
    if not (design / "manifest.json").exists():
        fail(f"--design {design}: contains no design of trine generate")
    found = json.loads((design / "manifest.json").read_text()).get("design_hash")
    if found != DATA["design_hash"]:
        fail(f"--design {design}: is another design than this kit's, {found}, expected {DATA['design_hash']}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--design", type=pathlib.Path, required=True,
                        help="folder that `trine generate` wrote together with this kit")
    parser.add_argument("--work", type=pathlib.Path, default=pathlib.Path("kit_work"), help="folder for results")
    parser.add_argument("--full", action="store_true", help="run all seeds; continue a run that was stopped")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--test", default="", choices=sorted({test for test, *_ in FULL}), help="run only this test")
    parser.add_argument("--programs", type=int, default=3)
    parser.add_argument("--length", type=int, default=12, help="number of instructions of a random program")
    parser.add_argument("--model", type=pathlib.Path, default="", help="model of the test Network (LeNet)")
    options = parser.parse_args()
    design, work = options.design.resolve(), options.work.resolve()
    check_design(design)
    if options.model != pathlib.Path("") and not options.model.is_file():
        fail(f"--model {options.model}: no such file")
    stamp = work / "built"
    if not stamp.exists() or stamp.read_text() != DATA["design_hash"]:
        wrong = build(sources(design), work)
        if wrong:
            fail(wrong)
        stamp.write_text(DATA["design_hash"])
    units = ([Unit(options.test, options.seed, options.programs, options.length)] if options.test else
             units_of(FULL if options.full else QUICK, options.seed))
    sys.exit(run_all(work, units, options.model.resolve() if options.model != pathlib.Path("") else ""))


def run_all(work, units, model):
    """@return true if one fails; tests that passed before are not run again"""
    path = work / "results.tsv"
    before = dict(line.split("\t", 1) for line in path.read_text().splitlines()) if path.exists() else {}
    failed, names = False, []
    for unit in units:
        name = "_".join(map(str, unit))
        names.append(name)
        if before.get(name, "").startswith("pass"):
            print(f"{name}: passed before")
            continue
        passes, text, seconds, cycles = simulate(work, unit, name, model)
        failed = failed or not passes
        line = f"{'pass' if passes else 'FAIL'}\t{seconds:.1f}\t{cycles}\t{text}"
        with path.open("a") as out:
            out.write(f"{name}\t{line}\n")
        print(f"{name}: {line}".replace("\t", " "), flush=True)
    bins, hit = coverage_page(work, names)
    print(f"{'failed' if failed else 'passed'}; coverage {hit} of {bins} bins: {work / 'coverage.md'}")
    return failed


if __name__ == "__main__":
    main()
