#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Checks that the short suite contains the tests that tests/house/count.tsv lists: if a program vanished, ctest would
still report "100 % passed". No test's name may contain a semicolon: CMake splits it, and neither part runs a test.

usage: count_test.py CTEST BUILD [--write]
--write writes the table again, and fails because nothing was compared.
"""
import argparse
import collections
import json
import pathlib
import re
import subprocess
import sys

TABLE = pathlib.Path(__file__).resolve().parent / "count.tsv"
ROOT = TABLE.parents[2]


def counted(ctest, build):
    """Returns {program: cases}; a test that is not a Catch2 program has one."""
    listed = subprocess.run([ctest, "--show-only=json-v1"], cwd=build, stdout=subprocess.PIPE, check=True)
    return collections.Counter(test["name"].split(":")[0] for test in json.loads(listed.stdout)["tests"])


def cut_names():
    """Returns the names of tests that CMake splits."""
    return [name for file in ROOT.glob("*/**/*_t*.cpp") if "build" not in file.relative_to(ROOT).parts
            for name in re.findall(r'TEST_CASE\("([^"]*;[^"]*)"', file.read_text())]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("ctest")
    parser.add_argument("build", type=pathlib.Path)
    parser.add_argument("--write", action="store_true")
    arguments = parser.parse_args()
    found = counted(arguments.ctest, arguments.build)
    if arguments.write:
        TABLE.write_text("program\tcases\n" + "".join(f"{p}\t{n}\n" for p, n in sorted(found.items())))
        sys.exit(f"{TABLE.name} is written anew, {sum(found.values())} tests: look at its difference")
    if cut := cut_names():
        sys.exit(f"CMake cuts the name of a test: {'; '.join(cut)}")
    rows = [line.split("\t") for line in TABLE.read_text().splitlines()[1:]]
    wanted = {program: int(cases) for program, cases in rows}
    wrong = [f"{p}: {found.get(p, 0)} tests, {TABLE.name} says {wanted.get(p, 0)}"
             for p in sorted(wanted.keys() | found.keys()) if found.get(p, 0) != wanted.get(p, 0)]
    if wrong:
        sys.exit("\n".join([*wrong, f"if that is meant: tests/house/{pathlib.Path(__file__).name} CTEST BUILD --write"]))
    print(f"{sum(found.values())} tests, as {TABLE.name} says")


if __name__ == "__main__":
    main()
