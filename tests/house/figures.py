#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Prints the figures of the last run of all tests: the output of the campaigns in ctest's log.

usage: figures.py [--build DIR]
`./trine test --full` ends with it. A campaign that did not run, or failed, is listed as such. Exit code 2 without a
log.
"""
import argparse
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
INJECTIONS = r"^(memory\.ecc|true|false)\b"
# Each row: the test, a description, and a pattern of the lines that are figures.
CAMPAIGNS = [
    ("formal_slow_test", "proofs", r"proofs hold"),
    ("mutation_test", "mutants", r"^\||killed or explained"),
    ("coverage_rtl_slow_test", "lines of rtl/ reached by whole designs", r"^\| \*\*all|^\| module|excused"),
    ("coverage_cpp_slow_test", "lines of C++ reached by its tests", r"^\|"),
    ("sanitize_cpp_slow_test", "C++ tests under sanitizers", r"tests passed|tests failed"),
    ("hostile_slow_test", "hostile files", r"inputs"),
    ("fuzz_rtl_slow_test", "random networks on random designs, on the RTL", r"pairs on"),
    ("fuzz_new_seeds_slow_test", "random networks with new seeds, for an hour", r"^seed|^FAILED|pairs on"),
    ("random_program_slow_test", "random programs", r"tests passed|assertions"),
    ("netlist_slow_test", "a whole design as a netlist", r"tests passed|assertions"),
    ("axi_slow_test", "another bus", r"tests pass"),
    ("inject_slow_test", "flips in memories", INJECTIONS),
    ("inject_lenet_slow_test", "flips in memories, lenet_mnist", INJECTIONS),
    ("planted_slow_test", "planted bugs", r"bugs are caught"),
]
ENTRY = re.compile(r"^\d+/\d+ Testing: (.*?)\n.*?^Output:\n-+\n(.*?)<end of output>\nTest time = +([0-9.]+) sec\n"
                   r"-+\nTest (\w+)", re.DOTALL | re.MULTILINE)


def results(log):
    """Returns {test: [(outcome, seconds, output)]}; the cases of a Catch2 program are separate entries, `test:case`."""
    found = {}
    for name, output, seconds, outcome in ENTRY.findall(log):
        found.setdefault(name.split(":", 1)[0], []).append((outcome, float(seconds), output))
    return found


def show(test, title, wanted, found):
    if test not in found:
        print(f"{title}: {test} did not run")
        return
    entries = found[test]
    seconds = sum(entry[1] for entry in entries)
    failed = sum(entry[0] != "Passed" for entry in entries)
    print(f"{title}: {test}, {seconds:,.0f} s" + (f", {failed} of {len(entries)} FAILED" if failed else ""))
    if len(entries) > 1:
        print(f"  {len(entries) - failed} of {len(entries)} cases pass")
        return
    for line in entries[0][2].splitlines():
        if re.search(wanted, line):
            print("  " + line)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--build", type=pathlib.Path, default=ROOT / "build" / "release")
    log = parser.parse_args().build / "Testing" / "Temporary" / "LastTest.log"
    if not log.exists():
        print(f"figures.py: {log}: no test has run", file=sys.stderr)
        sys.exit(2)
    found = results(log.read_text(errors="replace"))
    for campaign in CAMPAIGNS:
        show(*campaign, found)


if __name__ == "__main__":
    main()
