#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs each command of docs/lectures.md and requires the text that its row says it prints.

usage: lectures_test.py
$TRINE_PROGRAM is the tool. Rows that need packages are left out without PyPI. Exit code 1 if a row is wrong.
"""
import os
import pathlib
import re
import shlex
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[3]
PROGRAM = os.environ.get("TRINE_PROGRAM", str(ROOT / "trine"))
ROW = re.compile(r"^\|[^|]*\|[^|]*\| `\./trine ([^`]*)` \| (.*) \|$", re.M)


def fault(arguments, prints, folder):
    """Returns the fault of a row, or "". Paths of the repository are found from another folder, too."""
    words = [str(ROOT / word) if (ROOT / word).exists() and "/" in word else word for word in shlex.split(arguments)]
    done = subprocess.run([PROGRAM, *words], cwd=folder, capture_output=True, text=True)
    text = done.stdout + done.stderr
    if "is PyPI reachable?" in text:
        print(f"trine {arguments}: left out without PyPI")
        return ""
    if done.returncode != 0:
        return f"exit code {done.returncode}: {text.strip().splitlines()[-1]}"
    return "" if prints in text else f"does not print '{prints}'"


def main():
    rows = ROW.findall((ROOT / "docs/lectures.md").read_text(encoding="utf-8"))
    faults = 0
    with tempfile.TemporaryDirectory() as folder:
        for arguments, prints in rows:
            if found := fault(arguments, prints, folder):
                faults += 1
                print(f"trine {arguments}: {found}")
    print(f"{len(rows)} rows, {faults} faults")
    return 0 if rows and faults == 0 else 1


if __name__ == "__main__":
    sys.exit(main())
