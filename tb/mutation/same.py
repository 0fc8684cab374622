#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Proves with Yosys' sat that a mutant equals the module itself, for all inputs and states.

usage: same.py MUTANTS.v NUMBER ...
For modules without memories: registers count as inputs (their value) and outputs (their next value). Prints a line
for each mutant; exit code 1 if one is not proven to be equal, which does not mean that the difference can be
observed.
"""
import argparse
import pathlib
import re
import subprocess
import sys


def same(listed, number):
    line = listed.read_text().splitlines()[number - 1]
    top = re.search(r"-module \\?(\S+)", line).group(1)
    change = re.sub(r"-ctrl mutant 16 \d+ ?", "", re.sub(r"-module \S+", "-module gate", line))
    done = subprocess.run(
        ["yosys", "-q", "-p", f"read_rtlil {listed.with_suffix('.il')}; copy {top} gold; rename {top} gate; {change}; "
         "chformal -remove; async2sync; dffunmap; expose -evert-dff gold gate; clean; "
         "miter -equiv -make_assert -flatten gold gate miter; hierarchy -top miter; flatten; opt -full; opt_clean; "
         "sat -verify -prove-asserts miter"],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    return done.returncode == 0


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("mutants", type=pathlib.Path, metavar="MUTANTS.v")
    parser.add_argument("number", type=int, nargs="+")
    options = parser.parse_args()
    shown = []
    for number in options.number:
        shown.append(same(options.mutants.with_suffix(".list"), number))
        print(f"{number}: {'the same' if shown[-1] else 'not shown to be the same'}", flush=True)
    sys.exit(not all(shown))


if __name__ == "__main__":
    main()
