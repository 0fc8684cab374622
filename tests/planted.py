#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Plants bugs, one at a time, in a clone of this repository, and looks whether the short suite notices.

usage: planted.py [--folder DIR] [--least N] [--jobs N] [NAME]...
For each bug the tests that know the place best run first; if they notice nothing, the whole short suite does. Without a
bug those tests must pass. Exit code 1 if fewer than --least bugs are caught; 2 if a bug has no place to go or nothing builds.
"""
import argparse
import os
import pathlib
import re
import shutil
import subprocess
import sys
import typing

ROOT = pathlib.Path(__file__).resolve().parent.parent


class Bug(typing.NamedTuple):
    name: str
    file: str
    old: str
    new: str
    first: str  # the test program that knows the place best


BUGS = [
    Bug("the next row of a copy begins a beat too late", "rtl/trine_dma_bursts.sv",
        "next_row = row_q + stride_i;", "next_row = row_q + stride_i + BeatAddrBits'(1);",
        "trine_dma_bursts_tb"),
    Bug("negative ties of a residual addition are rounded up", "rtl/trine_post_lane.sv",
        "carry_in = t_operand[0] && !(two_roundings && scaled_q[29] && !below);",
        "carry_in = t_operand[0];", "trine_post_lane_tb"),
    Bug("the last beat of a write burst is lost", "rtl/trine_axi_write.sv",
        "assign closes      = w_taken && left_q == 8'd0;",
        "assign closes      = w_taken && left_q <= 8'd1;", "trine_control_8x64_tb"),
    Bug("a token given and taken in one cycle counts", "rtl/trine_tokens.sv",
        "end else if (give != take) begin", "end else if (give || take) begin", "trine_tokens_tb"),
    Bug("neighbouring lanes of one bank are served together", "rtl/trine_dmem.sv",
        "for (int unsigned k = 0; k < l; k++) begin", "for (int unsigned k = 0; k + 1 < l; k++) begin",
        "trine_dmem_3x8x4_0_tb"),
    Bug("a burst may end a beat behind the window", "rtl/trine_window.sv",
        "end_addr <= last_i", "end_addr - AddrBits'(BeatBytes) <= last_i", "trine_control_8x64_tb"),
    Bug("maps alive at the same time overlap in DMEM", "sw/compiler/plan/plan.cpp",
        "start = std::max(start, p.end);", "start = p.end;", "arch_test"),
    Bug("the border of a folded input is zero, not its zero point", "sw/program/layout.cpp",
        ": static_cast<std::uint8_t>(layout.zero_point);", ": std::uint8_t{0};", "arch_test"),
    Bug("both operands of an addition have the first one's zero point", "sw/compiler/emit/emit_runs.cpp",
        "r.set(post::kAddZeroB, l.add.zero_point[1]);", "r.set(post::kAddZeroB, l.add.zero_point[0]);",
        "arch_test"),
    Bug("the simulator adds the first channel's residual to all four", "sim/arch/machine.cpp",
        "code = unit.add(code, byte_of(residual, place));", "code = unit.add(code, byte_of(residual, 0));",
        "arch_test"),
]


def call(command, folder):
    return subprocess.run([str(c) for c in command], cwd=folder, text=True, errors="replace",
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT)


def must(command, folder):
    done = call(command, folder)
    if done.returncode:
        print(f"planted.py: {' '.join(map(str, command))}:\n{done.stdout[-3000:]}", file=sys.stderr)
        sys.exit(2)


def prepare(folder):
    """A clone with the working tree's files, configured as the launcher does it."""
    shutil.rmtree(folder / "tree", ignore_errors=True)
    folder.mkdir(parents=True, exist_ok=True)
    must(["git", "clone", "-q", ROOT, "tree"], folder)
    tree = folder / "tree"
    for file in {bug.file for bug in BUGS}:
        shutil.copy(ROOT / file, tree / file)
    ccache = ["-DCMAKE_C_COMPILER_LAUNCHER=ccache", "-DCMAKE_CXX_COMPILER_LAUNCHER=ccache"]
    must(["cmake", "--preset", "release", *(ccache if shutil.which("ccache") else [])], tree)
    return tree


def failed_tests(tree, target, tests, jobs):
    """Names of short tests that fail; what does not compile (an assertion of the linter) counts as well."""
    build = tree / "build" / "release"
    built = call(["cmake", "--build", build, "-j", jobs, "--target", target], tree)
    if built.returncode:
        return ["the build"]
    done = call(["ctest", "-j", jobs, "-LE", "slow", "-R", tests, "--stop-on-failure"], build)
    if "No tests were found" in done.stdout:
        print(f"planted.py: no test is named {tests}", file=sys.stderr)
        sys.exit(2)
    # Several tests may run at once when the first fails.
    return re.findall(r"\d+ - (.*?) \((?:Failed|Timeout|Subprocess aborted|SEGFAULT|Not Run).*\)", done.stdout)


def plant(tree, bug):
    file = tree / bug.file
    text = file.read_text()
    if text.count(bug.old) < 1:
        print(f"planted.py: {bug.file}: '{bug.old}' is not there", file=sys.stderr)
        sys.exit(2)
    file.write_text(text.replace(bug.old, bug.new, 1))
    return text


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--folder", type=pathlib.Path, default=ROOT / "build" / "planted")
    parser.add_argument("--least", type=int, help="bugs that must be caught (nine of ten)")
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    parser.add_argument("name", nargs="*", help="bugs whose names contain one of these")
    options = parser.parse_args()
    bugs = [b for b in BUGS if not options.name or any(n in b.name for n in options.name)]
    tree = prepare(options.folder.resolve())
    for first in sorted({bug.first for bug in bugs}):
        wrong = failed_tests(tree, first, f"^{first}:", options.jobs)
        if wrong:
            print(f"planted.py: without a bug {wrong[0]} fails", file=sys.stderr)
            sys.exit(2)
    caught = 0
    print("| bug | file | caught by |\n|---|---|---|", flush=True)
    for bug in bugs:
        text = plant(tree, bug)
        wrong = failed_tests(tree, bug.first, f"^{bug.first}:", options.jobs)
        wrong = wrong or failed_tests(tree, "all", ".", options.jobs)
        (tree / bug.file).write_text(text)
        caught += bool(wrong)
        by = f'"{wrong[0]}"' if wrong else "nothing"
        print(f"| {bug.name} | `{bug.file}` | {by} |", flush=True)
    least = options.least if options.least is not None else (9 * len(bugs) + 9) // 10
    print(f"{caught} of {len(bugs)} bugs are caught")
    sys.exit(caught < least)


if __name__ == "__main__":
    main()
