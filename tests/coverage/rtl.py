#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Measures which lines of rtl/ run, and which bits toggle, for programs and networks on whole designs.

usage: rtl.py [--build DIR] [--out DIR] [--least PERCENT] [--lines] [--bits] [--merge]
Runs random programs, random networks, whole networks and programs that stop with an error on designs with Verilator's
counters (--coverage-line, --coverage-toggle), merges the counts in OUT and prints a table in Markdown. A line counts
if one of its statements ran in one instance of one design; a bit, if it rose or fell in one. rtl/unreached.txt lists
lines that no run can reach, with reasons. Exit code 1 below --least percent of the lines, 2 if a run fails.
"""
import argparse
import collections
import functools
import os
import pathlib
import re
import shutil
import subprocess
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
EXCEPTIONS = ROOT / "rtl/unreached.txt"
CLI = "tools/cli/trine"
SMALL = ["--config", "edge256", "--set", "array.rows=3", "--set", "array.cols=5"]
# Designs with counters take long to build: only few and small ones, which together have every feature.
RUNS = [
    # Four designs: all precisions, ECC, one or two columns per cycle.
    ["tests/random_program_test"],
    # Errors of the bus, windows, registers.
    ["sim/rtl/rtl_run_test"],
    # Flips that ECC corrects or detects, and soft resets.
    [CLI, "inject", "--config", "edge64", "--set", "array.rows=3", "--set", "array.cols=5", "--set", "memory.dmem_kib=8",
     "--set", "memory.pmem_kib=1", "--set", 'array.precisions=["int8"]', ROOT / "models/plus_filter.tflite",
     "--flips", "100"],
    # Attention, softmax, norms and tables.
    [CLI, "verify", *SMALL, ROOT / "tests/operators/decoder_2x16_8.tflite", "--vectors",
     ROOT / "tests/operators/decoder_2x16_8"],
    # Convolutions, residual additions and pooling, with ECC and a slow bus.
    [CLI, "verify", *SMALL, "--set", "memory.ecc=true", "--axi-latency", "300", ROOT / "models/plus_filter.tflite",
     "--vectors", ROOT / "models/plus_filter/vectors"],
    [CLI, "verify", *SMALL, "--set", "memory.ecc=true", ROOT / "models/lenet_mnist.tflite", "--vectors",
     ROOT / "models/lenet_mnist/vectors"],
]
SOURCES = {path.name: path for path in (ROOT / "rtl").rglob("trine_*.sv")}
REPOSITORY = re.compile(r"\b(docs|rtl|tb|tests)/")
POINT = re.compile(rb"C '([^']*)' (\d+)$")


def run_all(build, out):
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir(parents=True)
    environment = {"TRINE_RTL_OPT": "1", **os.environ, "TRINE_RTL_COVERAGE": str(out)}
    for command in RUNS:
        start = time.monotonic()
        done = subprocess.run([build / command[0], *command[1:]], env=environment, text=True,
                              errors="replace", stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        print(f"{' '.join(map(str, command))}: exit code {done.returncode}, {time.monotonic() - start:.0f} s",
              file=sys.stderr)
        if done.returncode:
            print(done.stdout[-3000:], file=sys.stderr)
            sys.exit(2)


def fields(key):
    return dict(part.split(b"\x02", 1) for part in key.split(b"\x01")[1:])


@functools.cache
def added_lines(file):
    """Returns how many lines an emitted file has more than its source: the design's name, and the target of its paths
    if it contains any."""
    return 2 if REPOSITORY.search(SOURCES[file].read_text()) else 1


def lines_of(ranges, file):
    for part in ranges.decode().split(","):
        first, _, last = part.partition("-")
        yield from range(int(first) - added_lines(file), int(last or first) - added_lines(file) + 1)


def merge(folder):
    """Returns counts {key: runs}, with Verilator's keys."""
    counts = collections.Counter()
    for file in sorted(folder.glob("*.dat")):
        for line in file.read_bytes().splitlines():
            point = POINT.match(line)
            if point:
                counts[point.group(1)] += int(point.group(2))
    if not counts:
        print(f"rtl.py: {folder}: no run left counters", file=sys.stderr)
        sys.exit(2)
    return counts


def by_module(counts):
    """Returns {file: {line: ran}} and {file: {(line, bit): toggled}}, with the line numbers of rtl/."""
    lines = collections.defaultdict(dict)
    bits = collections.defaultdict(dict)
    for key, count in counts.items():
        f = fields(key)
        file = pathlib.PurePosixPath(f[b"f"].decode()).name
        if file not in SOURCES:
            continue
        if f[b"page"].startswith(b"v_toggle"):
            bit = (int(f[b"l"]), f[b"o"].decode())
            bits[file][bit] = bits[file].get(bit, False) or count > 0
        elif b"S" in f:
            for line in lines_of(f[b"S"], file):
                lines[file][line] = lines[file].get(line, False) or count > 0
    return lines, bits


def exceptions():
    """Returns {file: [text of a line]} from lines `file: text: reason`, where the text equals the source's."""
    known = collections.defaultdict(list)
    for number, entry in enumerate(EXCEPTIONS.read_text().splitlines(), 1):
        if not entry.strip() or entry.startswith("#"):
            continue
        parts = entry.split(" | ")
        if len(parts) != 3 or not all(p.strip() for p in parts):
            print(f"rtl.py: {EXCEPTIONS.name}:{number}: expected FILE | TEXT | REASON", file=sys.stderr)
            sys.exit(2)
        known[parts[0].strip()].append(parts[1].strip())
    return known


def excuse(lines):
    """Removes the exceptions from `lines`; an exception that was reached, or does not exist, is an error."""
    taken = 0
    for file, texts in exceptions().items():
        source = SOURCES[file].read_text().splitlines()
        for text in texts:
            found = [n for n, ran in lines[file].items() if source[n - 1].strip() == text]
            missed = [n for n in found if not lines[file][n]]
            if not missed:
                print(f"rtl.py: rtl/unreached.txt: {file}: '{text}' was reached or is not there",
                      file=sys.stderr)
                sys.exit(2)
            for n in missed:
                del lines[file][n]
            taken += len(missed)
    return taken


def share(points):
    return 100 * sum(points.values()) / len(points) if points else 100.0


def table(lines, bits):
    rows = ["| module | lines | reached | bits | toggled |", "|---|---:|---:|---:|---:|"]
    for file in sorted(set(lines) | set(bits)):
        rows.append(f"| {file[:-3]} | {len(lines[file])} | {share(lines[file]):.1f} % | {len(bits[file]):,} | "
                    f"{share(bits[file]):.1f} % |")
    all_lines = {(f, n): ran for f in lines for n, ran in lines[f].items()}
    all_bits = {(f, b): moved for f in bits for b, moved in bits[f].items()}
    rows.append(f"| **all** | **{len(all_lines):,}** | **{share(all_lines):.1f} %** | **{len(all_bits):,}** | "
                f"**{share(all_bits):.1f} %** |")
    return "\n".join(rows), share(all_lines)


def show_missed(lines):
    for file in sorted(lines):
        source = SOURCES[file].read_text().splitlines()
        for n in sorted(n for n, ran in lines[file].items() if not ran):
            print(f"{file}:{n}: {source[n - 1].strip()}")


def show_still(bits):
    """Prints signals with bits that never toggled."""
    for file in sorted(bits):
        still = collections.Counter(re.sub(r"\[\d+\]$", "", b) for (_, b), moved in bits[file].items() if not moved)
        print(f"{file}: " + ", ".join(f"{name} ({n})" for name, n in still.most_common()))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--build", type=pathlib.Path, default=ROOT / "build" / "release")
    parser.add_argument("--out", type=pathlib.Path, default=ROOT / "build" / "coverage" / "rtl")
    parser.add_argument("--least", type=float, default=95.0, help="least coverage in percent of the lines")
    parser.add_argument("--lines", action="store_true", help="print the lines that did not run")
    parser.add_argument("--bits", action="store_true", help="print the signals with bits that did not toggle")
    parser.add_argument("--merge", action="store_true", help="run nothing; merge the counts that are in OUT")
    options = parser.parse_args()
    if not options.merge:
        run_all(options.build.resolve(), options.out.resolve())
    lines, bits = by_module(merge(options.out))
    excused = excuse(lines)
    text, reached = table(lines, bits)
    text += f"\n{excused} lines are excused in rtl/unreached.txt"
    print(text)
    if options.lines:
        show_missed(lines)
    if options.bits:
        show_still(bits)
    sys.exit(reached < options.least)


if __name__ == "__main__":
    main()
