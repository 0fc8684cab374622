#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs the tests of all C++ in a separate build: measures line coverage, or runs under sanitizers.

usage: cpp.py {coverage,sanitize} [--build DIR] [--least PERCENT] [--jobs N] [--lines]
coverage   gcc's counters and gcovr (Debian: gcovr): a table of lines by folder in Markdown; exit code 1 below --least
sanitize   address and undefined-behaviour sanitizers: exit code 1 if a test fails or a sanitizer reports an error
Tests that spend their time in RTL, netlists, mutants or proofs are left out, because they run the same C++; so are
hostile files, which have their own sanitizers, and tests of the launcher, of the number of tests and of the emitted
drivers, which need a whole build. Exit code 2 if the build fails, 77 without gcovr.
"""
import argparse
import collections
import json
import os
import pathlib
import shutil
import subprocess
import sys

SKIPPED = 77
ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
OTHERS = ("_tb|NOT_BUILT|formal|axi_test|tables_|transformers_arch|cli_lint_test|netlist|mutation|hostile"
          "|launcher_test|count_test|integrate_test")
FOLDERS = ("components", "gen", "sim", "spec", "sw", "synth", "tools")
# Excludes tests and files that only tests include, and a program of the build, which ran before the counters are
# cleared.
NOT_OURS = (r".*_test\.cpp", r".*testing\.h", r".*test_main\.cpp", r".*print_headers\.cpp")


def call(command, **options):
    print("$ " + " ".join(map(str, command)), file=sys.stderr)
    return subprocess.run([str(c) for c in command], cwd=ROOT, text=True, errors="replace",
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, **options)


def build(preset, folder, jobs):
    launcher = []
    if shutil.which("ccache"):
        launcher = ["-DCMAKE_C_COMPILER_LAUNCHER=ccache", "-DCMAKE_CXX_COMPILER_LAUNCHER=ccache"]
    for command in (["cmake", "--preset", preset, "-B", folder, *launcher],
                    ["cmake", "--build", folder, "-j", jobs, "--target", "cpp_tests"]):
        done = call(command)
        if done.returncode:
            print(done.stdout[-3000:], file=sys.stderr)
            sys.exit(2)


def run_tests(folder, jobs):
    """Returns true if all tests passed; prints the tail of the output of those that failed."""
    environment = {**os.environ, "ASAN_OPTIONS": "detect_leaks=1",
                   "UBSAN_OPTIONS": "print_stacktrace=1"}
    done = call(["ctest", "--test-dir", folder, "-j", jobs, "-L", "quick", "-E", OTHERS,
                 "--output-on-failure", "--timeout", "3000"], env=environment)
    print("\n".join(done.stdout.splitlines()[-8:] if done.returncode == 0
                    else done.stdout.splitlines()[-200:]))
    return done.returncode == 0


def line_table(folder, jobs, show):
    """Returns the table, and the percentage of all lines."""
    exclude = [option for pattern in NOT_OURS for option in ("--exclude", pattern)]
    filters = [option for f in FOLDERS for option in ("--filter", f"{ROOT}/{f}/")]
    report = folder / "lines.json"
    # Processes that write a counter at the same time leave some counters below zero (GCC 68080); gcovr would then
    # wait for a thread forever.
    done = call(["gcovr", "--root", ROOT, *filters, *exclude, "--exclude-throw-branches",
                 "--gcov-ignore-parse-errors", "-j", jobs, "--json", report, folder])
    if done.returncode:
        print(done.stdout[-2000:], file=sys.stderr)
        sys.exit(2)
    lines = collections.defaultdict(lambda: [0, 0])
    for file in json.loads(report.read_text())["files"]:
        counted = [line for line in file["lines"] if not line.get("gcovr/noncode")]
        where = str(pathlib.PurePosixPath(file["file"]).parent)
        for line in counted:
            lines[where][1] += 1
            lines[where][0] += line["count"] > 0
            if show and not line["count"]:
                print(f"{file['file']}:{line['line_number']}")
    rows = ["| folder | lines | reached |", "|---|---:|---:|"]
    for where, (reached, count) in sorted(lines.items()):
        rows.append(f"| `{where}` | {count:,} | {100 * reached / count:.1f} % |")
    reached, count = (sum(n[i] for n in lines.values()) for i in (0, 1))
    if not count:
        print(f"cpp.py: {folder}: no test left counters", file=sys.stderr)
        sys.exit(2)
    rows.append(f"| **all** | **{count:,}** | **{100 * reached / count:.1f} %** |")
    return "\n".join(rows), 100 * reached / count


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("what", choices=("coverage", "sanitize"))
    parser.add_argument("--build", type=pathlib.Path, help="build folder (build/coverage, build/sanitize)")
    parser.add_argument("--least", type=float, default=90.0, help="least coverage in percent of the lines")
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    parser.add_argument("--lines", action="store_true", help="print the lines that did not run")
    options = parser.parse_args()
    if options.what == "coverage" and not shutil.which("gcovr"):
        print("SKIPPED: gcovr is missing (Debian: gcovr)")
        sys.exit(SKIPPED)
    folder = (options.build or ROOT / "build" / options.what).resolve()
    build(options.what, folder, options.jobs)
    for old in folder.rglob("*.gcda"):
        old.unlink()
    if not run_tests(folder, options.jobs):
        sys.exit(1)
    if options.what == "coverage":
        text, reached = line_table(folder, options.jobs, options.lines)
        print(text)
        sys.exit(reached < options.least)


if __name__ == "__main__":
    main()
