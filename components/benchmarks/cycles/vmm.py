#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Compares the cycles of one vector times a matrix with trine_vmm with the time in which the bus transfers the
weights, and the time in which the array multiplies them.

usage: vmm.py [--backend arch|rtl]     builds build/release/tests/vmm_test if necessary; $TRINE_VMM_TEST is another one
"""
import argparse
import os
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[3]


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--backend", choices=("arch", "rtl"), default="arch", help="simulator (arch)")
    rtl = parser.parse_args().backend == "rtl"
    program = os.environ.get("TRINE_VMM_TEST")
    if not program:
        program = ROOT / "build" / "release" / "tests" / "vmm_test"
        if subprocess.run([ROOT / "trine", "build", "vmm_test"], stdout=sys.stderr).returncode:
            sys.exit(2)
    done = subprocess.run([program, "[bench]"], stdout=subprocess.PIPE, text=True,
                          env=os.environ | ({"TRINE_VMM_RTL": "1"} if rtl else {}))
    for line in done.stdout.splitlines():
        if line.startswith("|"):
            print(re.sub(r"\b\d{4,}\b", lambda n: f"{int(n[0]):,}", line))
    sys.exit(done.returncode)


if __name__ == "__main__":
    main()
