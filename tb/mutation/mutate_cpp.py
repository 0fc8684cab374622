#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Draws bugs in the C++ of the tool: a changed operator or constant, or one more or less, at places that a seed selects.

usage: mutate_cpp.py --seed TEXT [--count N] [--places N] [--out FILE.json]
--seed: any text; for a list of bugs the hash of the commit before it, so that nobody chose the places. The list has
the form of tests/planted/*.json (tests/planted/planted.py runs it). --places N prints N more places, files and lines
of C++ and of rtl/, for bugs that are planted by hand.
"""
import argparse
import json
import pathlib
import random
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
FOLDERS = ("components", "gen", "sim", "spec", "sw", "synth", "tools")
# The test program that covers a folder best; the longest prefix counts.
KNOWS = {
    "sw/base/": "base_test", "spec/": "isa_test", "gen/": "gen_test", "sw/host/": "host_test", "sw/model/": "model_test",
    "sw/": "arch_test", "components/plugins/": "abi_test", "sw/reference/": "reference_test", "sw/program/": "compiler_test", "sw/compiler/": "arch_test",
    "sw/runtime/": "runtime_test", "synth/": "synth_test", "sim/": "arch_test", "sim/rtl/": "rtl_run_test",
    "components/soc/": "cli_test", "tools/": "cli_test", "components/llm/": "llm_test",
    "tools/energy/": "energy_test", "tools/estimate/": "estimate_test", "components/sweep/": "sweep_test",
    "rtl/": "random_program_test",
}
# clang-format puts blanks around binary operators, but not around the brackets of a template.
OPERATORS = {" < ": " <= ", " <= ": " < ", " > ": " >= ", " >= ": " > ", " == ": " != ", " != ": " == ",
             " && ": " || ", " || ": " && ", " + ": " - ", " - ": " + ", " * ": " + ", " / ": " * ", " % ": " / "}
NUMBER = re.compile(r"(?<![\w.'])(\d+)(?![\w.'])")


def sources():
    """Returns the C++ files that are part of the tool, without tests, the fuzzer and files that these share."""
    listed = subprocess.run(["git", "ls-files", *(f"{f}/*.{e}" for f in FOLDERS for e in ("cpp", "h", "c"))], cwd=ROOT,
                            stdout=subprocess.PIPE, text=True, check=True).stdout.split()
    return [f for f in listed if not re.search(r"(^tools/random/|^components/fuzz/|_test\.cpp|/testing\.h|/examples/)", f)]


def code_of(line):
    """Returns the line with strings and comments blanked, of the same length; empty for a line without code."""
    if line.lstrip().startswith(("#", "//", "*", "static_assert")):
        return ""
    line = re.sub(r'"(\\.|[^"\\])*"|\'(\\.|[^\'\\])\'', lambda m: "~" * len(m[0]), line)
    return re.sub(r"//.*", lambda m: "~" * len(m[0]), line)


def mutants_of(line):
    """Yields (description, the changed line) for each place of a line."""
    code = code_of(line)
    for old, new in OPERATORS.items():
        for found in re.finditer(re.escape(old), code):
            yield f"'{old.strip()}' is '{new.strip()}'", line[:found.start()] + new + line[found.end():]
    for found in NUMBER.finditer(code):
        changed = str(int(found[1]) + 1)
        yield f"{found[1]} is {changed}", line[:found.start()] + changed + line[found.end():]


def context(lines, number):
    """Returns the text that ends at line `number` (from 0) and is unique in the file, and the index of its first
    line."""
    text = "".join(lines)
    for first in range(number, max(number - 6, -1), -1):
        if text.count("".join(lines[first:number + 1])) == 1:
            return first
    return None


def knows(file):
    return KNOWS[max((prefix for prefix in KNOWS if file.startswith(prefix)), key=len)]


def draw(generator, files, count):
    bugs, taken = [], set()
    while len(bugs) < count:
        file = generator.choice(files)
        lines = (ROOT / file).read_text().splitlines(keepends=True)
        places = [(n, what, new) for n, line in enumerate(lines) for what, new in mutants_of(line)]
        if not places or file in taken:
            continue
        n, what, new = generator.choice(places)
        first = context(lines, n)
        if first is None:
            continue
        taken.add(file)
        before = "".join(lines[first:n])
        bugs.append({"what": f"{what}: {new.strip()}", "area": file.split("/")[0], "file": file,
                     "old": before + lines[n], "new": before + new, "first": knows(file)})
    return bugs


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seed", required=True)
    parser.add_argument("--count", type=int, default=0)
    parser.add_argument("--places", type=int, default=0)
    parser.add_argument("--out", type=pathlib.Path)
    options = parser.parse_args()
    generator = random.Random(options.seed)
    # Weighted by size, so that all lines are equally likely.
    files = [f for f in sources() for _ in range(len((ROOT / f).read_text().splitlines()) // 20 + 1)]
    text = json.dumps(draw(generator, files, options.count), indent=1) + "\n"
    if options.out:
        options.out.write_text(text)
    elif options.count:
        sys.stdout.write(text)
    rtl = [str(p.relative_to(ROOT)) for p in sorted((ROOT / "rtl").rglob("trine_*.sv"))
           for _ in range(len(p.read_text().splitlines()) // 20 + 1)]
    for i in range(options.places):
        file = generator.choice(rtl if i % 2 else files)
        print(f"{file}:{generator.randrange(len((ROOT / file).read_text().splitlines())) + 1}")


if __name__ == "__main__":
    main()
