#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs clang-tidy 14 on changed C++ with the rules of .clang-tidy; exit code 1 if it finds something.

    tests/house/tidy.py [REVISION]    files that differ from it (default HEAD: what is not committed)
    tests/house/tidy.py --all         all of them: 20 to 30 s of processor time a file, an hour and a half

Needs a configured build/release (./trine build) and Debian's clang-tidy-14. Headers are checked where a source
includes them, so a changed header selects its own source.
"""
import concurrent.futures
import json
import os
import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
BUILD = ROOT / "build" / "release"


def changed(revision):
    names = subprocess.check_output(["git", "-C", ROOT, "diff", "--name-only", revision, "--", "*.cpp", "*.h"], text=True)
    return {(ROOT / name).with_suffix(".cpp") for name in names.split()}


def tidy(source):
    """Returns clang-tidy's output for a source, without the summary of suppressed warnings."""
    command = ["clang-tidy-14", "-p", BUILD, "--quiet", "--extra-arg=-Wno-unknown-warning-option", source]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    return done.stdout.replace(f"{ROOT}/", "") if done.returncode else ""


def main():
    sources = {pathlib.Path(c["file"]) for c in json.loads((BUILD / "compile_commands.json").read_text())}
    sources = sorted(s for s in sources if s.suffix == ".cpp" and s.is_relative_to(ROOT) and BUILD not in s.parents)
    if sys.argv[1:] != ["--all"]:
        wanted = changed(*(sys.argv[1:] or ["HEAD"]))
        sources = [s for s in sources if s in wanted]
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        found = [text for text in pool.map(tidy, sources) if text]
    print("\n".join(found))
    print(f"{len(sources)} sources, {len(found)} with findings")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
