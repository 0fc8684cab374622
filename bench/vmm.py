#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Cycles of one vector times a matrix by trine_vmm on the architecture simulator, beside those in which the weights come
over the bus and those in which the array multiplies them.

usage: vmm.py     $TRINE_VMM_TEST is the program (build/release/tests/vmm_test, which it builds if absent)
"""
import os
import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent


def main():
    program = os.environ.get("TRINE_VMM_TEST")
    if not program:
        program = ROOT / "build" / "release" / "tests" / "vmm_test"
        if subprocess.run([ROOT / "trine", "build", "vmm_test"], stdout=sys.stderr).returncode:
            sys.exit(2)
    done = subprocess.run([program, "[bench]"], stdout=subprocess.PIPE, text=True)
    print("\n".join(line for line in done.stdout.splitlines() if line.startswith("|")))
    sys.exit(done.returncode)


if __name__ == "__main__":
    main()
