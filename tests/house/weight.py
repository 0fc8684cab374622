#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Prints the lines of the repository by folder: code, tests, texts.

    tests/house/weight.py

Counts tracked files of source code and text; models, vectors, stored results and cell libraries are data and do not
count. Tests are tests/, tb/, folders `tests`, `*_test.*`, `*_tb.*`, `*_testing.h` and `testing.h`.
"""
import collections
import pathlib
import re
import subprocess

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
CODE = {".c", ".cpp", ".h", ".sv", ".svh", ".v", ".vlt", ".def", ".fbs", ".py", ".cmake", ".sh", ".S", ".ld", ".toml", ".css", ".html",
        ".js", ".ipynb"}
NAMED = {"CMakeLists.txt", "trine", "run", "commit-msg", "bitwuzla", "rules", "Containerfile"}
TEST = re.compile(r"^(tests|tb)/|/tests/|_(test|tb|testing)\.\w+$|/testing\.h$|^components/benchmarks/")


def kind(name):
    """Returns code, tests, texts, or None for data."""
    path = pathlib.PurePosixPath(name)
    if path.suffix == ".md":
        return "texts"
    if path.suffix not in CODE and path.name not in NAMED:
        return None
    return "tests" if TEST.search(name) else "code"


def main():
    lines = collections.defaultdict(collections.Counter)
    for name in subprocess.check_output(["git", "-C", ROOT, "ls-files"], text=True).splitlines():
        part = name.split("/")[0] if "/" in name else "(root)"
        if kind(name):
            lines[part][kind(name)] += (ROOT / name).read_bytes().count(b"\n")
    kinds = ("code", "tests", "texts")
    core = sum((counts for part, counts in lines.items() if part != "components"), collections.Counter())
    rows = [*sorted(lines.items()), ("core", core), ("all", core + lines["components"])]
    print(f"{'folder':<12}" + "".join(f"{name:>9}" for name in kinds))
    for part, counts in rows:
        print(f"{part:<12}" + "".join(f"{counts[name]:>9,}" for name in kinds))


if __name__ == "__main__":
    main()
