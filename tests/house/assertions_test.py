#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Each module of rtl/ asserts its contract, or is listed in tests/house/assertions.tsv with the reason why it does not.

usage: assertions_test.py [--rtl DIR]

Packages contain nothing to assert. A module that has assertions but is still in the table is an error, too.
"""
import argparse
import pathlib
import re
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
TABLE = HERE / "assertions.tsv"
BLOCK = re.compile(r"^`ifdef TRINE_ASSERT$(.*?)^`endif$", re.M | re.S)
CHECK = re.compile(r"\b([am])_\w+:\s*(assert|assume)\b")
KINDS = {"a": "assert", "m": "assume"}
LEAST_WORDS = 4  # of a reason


def exempt():
    """Returns {module: reason} and the errors of the table."""
    rows = [line.split("\t") for line in TABLE.read_text().splitlines()[1:]]
    short = [f"{TABLE.name}: {'; '.join(row)}: a module and a reason of at least {LEAST_WORDS} words"
             for row in rows if len(row) != 2 or len(row[1].split()) < LEAST_WORDS]
    return {row[0]: row[1] for row in rows if len(row) == 2}, short


def faults(rtl, reasons):
    found, seen = [], set()
    for file in sorted(rtl.rglob("*.sv")):
        name = file.stem
        if name.endswith("_pkg"):
            continue
        seen.add(name)
        checks = [check for block in BLOCK.findall(file.read_text()) for check in CHECK.findall(block)]
        found += [f"{file.name}: a label {letter}_ stands before {word}" for letter, word in checks if KINDS[letter] != word]
        if not checks and name not in reasons:
            found.append(f"{file.name}: no assertion: write its contract as one, or a reason into {TABLE.name}")
        if checks and name in reasons:
            found.append(f"{file.name}: has {len(checks)} assertions: take it out of {TABLE.name}")
    return found + [f"{TABLE.name}: {name}: no such module" for name in sorted(reasons.keys() - seen)]


def fails_without():
    """The test finds a module without assertions, a wrong label, and an outdated row."""
    with tempfile.TemporaryDirectory() as folder:
        rtl = pathlib.Path(folder)
        (rtl / "trine_bare.sv").write_text("module trine_bare;\nendmodule\n")
        (rtl / "trine_wrong.sv").write_text("`ifdef TRINE_ASSERT\n  a_x: assume (1);\n`endif\n")
        (rtl / "trine_old.sv").write_text("`ifdef TRINE_ASSERT\n  a_x: assert (1);\n`endif\n")
        (rtl / "trine_some_pkg.sv").write_text("package trine_some_pkg;\nendpackage\n")
        found = faults(rtl, {"trine_old": "it has none as yet"})
        assert [line.split(":")[0] for line in found] == ["trine_bare.sv", "trine_old.sv", "trine_wrong.sv"], found


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rtl", type=pathlib.Path, default=HERE.parent.parent / "rtl")
    rtl = parser.parse_args().rtl
    fails_without()
    reasons, found = exempt()
    found += faults(rtl, reasons)
    if found:
        sys.exit("\n".join(found))
    print(f"{len(reasons)} modules assert nothing and have a reason, all others do")


if __name__ == "__main__":
    main()
