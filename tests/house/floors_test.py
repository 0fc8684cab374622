#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Holds the floors of the house: a folder includes headers of its own floor and of those below alone.

    tests/house/floors_test.py

FLOORS is the order; folders of one row stand beside each other and do not include one another. Tests
(*_test.cpp, testing.h) may look up: they are built last.
"""
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
FLOORS = [
    ["base"],
    ["machine"],
    ["gen", "sw/model"],
    ["sw/reference", "sw/runtime"],
    ["sw/program"],
    ["sw/compiler"],
    ["synth"],
    ["sim"],
    ["soc"],
    ["tools/energy", "tools/estimate", "tools/fuzz", "tools/llm", "tools/sweep"],
    ["tools/cli"],
    ["python"],
    ["tb", "tests"],
]
FLOOR = {folder: floor for floor, folders in enumerate(FLOORS) for folder in folders}
INCLUDE = re.compile(r'^\s*#\s*include "([^"]+)"', re.MULTILINE)


def folder_of(path):
    """The folder of FLOORS that holds the path, or None: generated headers, Verilated classes."""
    folders = [str(parent) for parent in pathlib.PurePath(path).parents]
    return next((folder for folder in folders if folder in FLOOR), None)


def is_test(path):
    return path.name.endswith("_test.cpp") or path.name == "testing.h"


def climbs(folder, included):
    above = FLOOR[included] > FLOOR[folder]
    return above or (FLOOR[included] == FLOOR[folder] and included != folder)


def faults(root):
    """"file: includes header: sim stands above sw/compiler" of each include that climbs."""
    found, edges = [], 0
    for path in sorted(p for folder in FLOOR for s in ("*.h", "*.cpp", "*.c") for p in (root / folder).rglob(s)):
        here = path.relative_to(root)
        for header in [] if is_test(path) else INCLUDE.findall(path.read_text()):
            included = folder_of(header)
            if included is None:
                continue
            edges += 1
            if climbs(folder_of(here), included):
                found.append(f"{here}: includes {header}: {included} does not stand below {folder_of(here)}")
    return found, edges


def main():
    found, edges = faults(ROOT)
    print("\n".join(found))
    sources = subprocess.check_output(["git", "-C", ROOT, "ls-files", "*.h", "*.cpp"], text=True).split()
    homeless = [s for s in sources if folder_of(s) is None and not s.startswith("mutation/")]
    for source in homeless:
        print(f"{source}: its folder stands on no floor (FLOORS)")
    print(f"{edges} includes between {len(FLOOR)} folders, {len(found)} upwards")
    return 1 if found or homeless or edges < 500 else 0


if __name__ == "__main__":
    sys.exit(main())
