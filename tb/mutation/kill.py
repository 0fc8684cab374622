#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs each bench on the mutants of its module and counts those that it kills.

usage: kill.py [--least PERCENT] [--seconds N] [--jobs N] [--only TEXT] [--engine slurm [--out DIR]] BENCH=MUTANTS.v ...
A bench must pass without a mutant. A mutant is killed if a case of the bench fails or the bench does not end within
--seconds. Survivors are printed: the text of the RTL, the change, `@` and its lines; survivors listed in
survivors.txt in this folder (the part before the `@`), with a reason, count as explained. Exit code 1 if fewer than
--least percent were killed or explained.
--engine slurm: as a job array, by `trine campaign` ($TRINE_PROGRAM, or the launcher), resumed from --out.
"""
import argparse
import collections
import concurrent.futures
import functools
import hashlib
import itertools
import json
import os
import pathlib
import re
import shlex
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
EXPLAINED = pathlib.Path(__file__).resolve().parent / "survivors.txt"


def runs(bench, number, seconds):
    """Returns true if the bench passes with that mutant."""
    try:
        done = subprocess.run([bench, "--abort"], stdout=subprocess.DEVNULL,
                              stderr=subprocess.DEVNULL, timeout=seconds,
                              env={**os.environ, "TRINE_MUTANT": str(number)})
    except subprocess.TimeoutExpired:
        return False
    return done.returncode == 0


@functools.lru_cache(maxsize=None)
def source(path):
    return pathlib.Path(path).read_text().splitlines()


def place(path, first, start, last, end):
    """Returns the text at a place: the part of its first line that belongs to it."""
    lines = source(path)
    if int(first) < 1:  # belongs to Yosys
        return pathlib.Path(path).name
    text = lines[int(first) - 1][int(start) - 1:int(end) - 1 if first == last else None]
    return f"{pathlib.Path(path).name} `{text.strip()}`"


def describe(line):
    """Returns the change and its places in rtl/, from a line of Yosys' mutate; and the line numbers.

    The change names text, not lines, so it stays the same if lines are inserted before.
    """
    field = dict(re.findall(r"-(mode|port|portbit|ctrlbit|wire|wirebit) (\S+)", line))
    cell = re.search(r"-cell (\S+)", line).group(1)
    kind = re.match(r"(?:.*\.)?\$(?:[a-z]+\$)?([a-z_]+)\$", cell)
    found = re.findall(r"(/\S*/rtl/(?:[a-z]+/)?[a-z0-9_]+\.sv):(\d+)\.(\d+)-(\d+)\.(\d+)", line)
    own = [p for p in found if f"{p[0]}:{p[1]}$" in cell] or found
    places = "; ".join(dict.fromkeys(place(*p) for p in own))
    numbers = " ".join(dict.fromkeys(f"{pathlib.Path(p[0]).name}:{p[1]}" for p in found))
    control = f" by [{field['ctrlbit']}]" if "ctrlbit" in field else ""
    return (f"{places}: {field['mode']} {kind.group(1) if kind else cell}."
            f"{field['port']}[{field['portbit']}]{control}", numbers)


def explained():
    """Returns descriptions of survivors that need no test: lines `description | reason`."""
    lines = EXPLAINED.read_text().splitlines() if EXPLAINED.exists() else []
    return dict(line.rsplit(" | ", 1) for line in lines if " | " in line)  # RTL contains bars, too


def lives_by_trine(pairs, options):
    """Returns the same for (bench, number) pairs, all in one campaign of `trine campaign`; a changed bench is another
    command."""
    program = os.environ.get("TRINE_PROGRAM", str(ROOT / "trine"))
    hashes = {bench: hashlib.sha256(pathlib.Path(bench).read_bytes()).hexdigest() for bench, _ in pairs}
    with tempfile.TemporaryDirectory() as folder:
        lines, told = pathlib.Path(folder) / "lines", pathlib.Path(folder) / "told.json"
        lines.write_text("".join(f"TRINE_MUTANT={number} timeout {options.seconds:g} {shlex.quote(bench)} --abort >/dev/null"
                                 f" 2>&1 # {hashes[bench]}\n" for bench, number in pairs))
        out = ["--out", options.out] if options.out else []
        done = subprocess.run([program, "campaign", lines, "--engine", options.engine, "--jobs", str(options.jobs), *out,
                               "--json", told, "--quiet"])
        if done.returncode > 1:
            sys.exit("kill.py: trine campaign did not run")
        return [command["exit_code"] == 0 for command in json.loads(told.read_text())["commands"]]


def lives_of(pairs, options):
    """Yields true for each (bench, number) that passes, in order."""
    if options.engine:
        yield from lives_by_trine(pairs, options)
        return
    with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
        yield from pool.map(lambda pair: runs(*pair, options.seconds), pairs)


def campaign(bench, mutants, lives, reasons):
    """Returns the numbers of killed, explained and surviving mutants. `lives`: of the bench without a mutant, then
    with each."""
    if not next(lives):
        sys.exit(f"kill.py: {bench}: fails without a mutant")
    count = collections.Counter()
    for number, (line, alive) in enumerate(zip(mutants, lives), 1):
        what, numbers = describe(line)
        outcome = "killed" if not alive else "explained" if what in reasons else "survived"
        count[outcome] += 1
        if outcome == "survived":
            print(f"  survives: {number} {what} @ {numbers}")
    return count


def row(name, count):
    """Returns a row of a Markdown table."""
    numbers = [sum(count.values()), count["killed"], count["explained"], count["survived"]]
    return f"| {name} | " + " | ".join(f"{n:,}" for n in numbers) + " |"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--least", type=float, default=95)
    parser.add_argument("--seconds", type=float, default=30, help="time limit of a bench with a mutant")
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    parser.add_argument("--engine", choices=["local", "slurm"],
                        help="run the benches with `trine campaign` on this engine")
    parser.add_argument("--out", help="folder of the campaign")
    parser.add_argument("--only", default="", help="run only benches with this text in their name")
    parser.add_argument("bench", nargs="+", metavar="BENCH=MUTANTS.v")
    options = parser.parse_args()
    reasons = explained()
    total = collections.Counter()
    rows = ["| bench | mutants | killed | explained | survive |", "|---|---:|---:|---:|---:|"]
    benches = []
    for pair in options.bench:
        bench, netlist = pair.split("=", 1)
        name = pathlib.Path(bench).name.removesuffix("_mutants_tb")
        if options.only in name:
            benches.append((name, bench, pathlib.Path(netlist).with_suffix(".list").read_text().splitlines()))
    lives = lives_of([(bench, n) for _, bench, mutants in benches for n in range(len(mutants) + 1)], options)
    for name, bench, mutants in benches:
        count = campaign(bench, mutants, itertools.islice(lives, len(mutants) + 1), reasons)
        total += count
        rows.append(row(name, count))
        print(f"{name:<24} {sum(count.values()):5} mutants {count['killed']:5} killed "
              f"{count['explained']:4} explained {count['survived']:4} survive", flush=True)
    print("\n".join([*rows, row("**all**", total)]))
    mutants = sum(total.values())
    good = 100 * (total["killed"] + total["explained"]) / max(mutants, 1)
    print(f"{mutants} mutants: {100 * total['killed'] / max(mutants, 1):.1f} % killed, {good:.1f} % "
          "killed or explained")
    sys.exit(good < options.least)


if __name__ == "__main__":
    main()
