#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs sweeps and campaigns through a Slurm of one node: the same bytes as by local processes.

usage: slurm_test.py DIR
$TRINE_PROGRAM is the tool. Exit code 1 if a check fails, 77 if Slurm is not installed.
"""
import json
import os
import pathlib
import shutil
import subprocess
import sys
import time

import node

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[3] / "tests"))
from harness import ROOT, SKIPPED, fail  # noqa: E402

PROGRAM = os.environ.get("TRINE_PROGRAM", str(ROOT / "trine"))
SWEEP = ["sweep", "--config", "edge32", "--set", "array.rows=1,2,4,300", "--set", "memory.dmem_kib=64,128", "--by",
         "arch", "--models", "models/lenet_mnist.tflite", "models/plus_filter.tflite", "--minimize",
         "cycles,array.rows", "--quiet"]
FUZZ = ["fuzz", "--pairs", "40", "--configs", "8", "--quiet"]


def expect(what, good):
    print(f"{'ok' if good else 'WRONG'}: {what}", flush=True)
    if not good:
        sys.exit(1)


def run(arguments, environment, code):
    done = subprocess.run([PROGRAM, *map(str, arguments)], env=environment, cwd=ROOT, stderr=subprocess.PIPE, text=True)
    if done.returncode != code:
        fail(f"trine {' '.join(map(str, arguments))}: exit code {done.returncode}, expected {code}\n{done.stderr}")


def contents(folder):
    return {p.name: p.read_bytes() for p in folder.iterdir() if p.suffix in (".json", ".failed")}


def times(folder):
    return {p.name: p.stat().st_mtime_ns for p in folder.glob("*.json")}


def sweep_is_the_same(folder, environment):
    for engine in ("local", "slurm"):
        run([*SWEEP, "--engine", engine, "--out", folder / engine, "--csv", folder / f"{engine}.csv", "--json",
             folder / f"{engine}.json", "--plot", folder / f"{engine}.svg", "--jobs", 4], environment, 1)
    points = contents(folder / "local")
    expect(f"{len(points)} points by local processes", len(points) == 12)
    expect("the same points by Slurm, byte by byte", contents(folder / "slurm") == points)
    for kind in ("csv", "json", "svg"):
        expect(f"the same {kind}",
               (folder / f"local.{kind}").read_bytes() == (folder / f"slurm.{kind}").read_bytes())
    old = times(folder / "slurm")
    run([*SWEEP, "--engine", "slurm", "--out", folder / "slurm"], environment, 1)
    expect("no point runs again", times(folder / "slurm") == old)


def killed_and_resumed(folder, environment):
    """Kills the waiting process with kill -9: the array continues, and its results are not computed again."""
    out = folder / "killed"
    command = [PROGRAM, *SWEEP, "--engine", "slurm", "--out", out, "--jobs", "2"]
    waiting = subprocess.Popen(list(map(str, command)), env=environment, cwd=ROOT)
    node.wait_until("a point", lambda: out.exists() and any(out.glob("*.json")))
    waiting.kill()
    waiting.wait()
    old = times(out)
    run([*SWEEP, "--engine", "slurm", "--out", out, "--jobs", 2], environment, 1)
    expect("resumed after kill -9: the same points", contents(out) == contents(folder / "local"))
    expect(f"{len(old)} points of before stay", old.items() <= times(out).items())


def fuzz_is_the_same(folder, environment):
    run([*FUZZ, "--json", folder / "fuzz.json"], environment, 0)
    run([*FUZZ, "--jobs", 4, "--engine", "slurm", "--out", folder / "fuzz", "--json", folder / "fuzz_slurm.json"],
        environment, 0)
    expect("trine fuzz as an array counts the same",
           (folder / "fuzz.json").read_bytes() == (folder / "fuzz_slurm.json").read_bytes())


def campaign_is_the_same(folder, environment):
    lines = folder / "lines"
    lines.write_text("".join(f"echo line {i}; exit {i % 3}\n" for i in range(9)))
    for engine in ("local", "slurm"):
        run(["campaign", lines, "--engine", engine, "--jobs", 3, "--out", folder / f"campaign_{engine}", "--json",
             folder / f"campaign_{engine}.json", "--quiet"], environment, 1)
    told = (folder / "campaign_local.json").read_bytes()
    expect("trine campaign tells the same", told == (folder / "campaign_slurm.json").read_bytes())
    expect("exit codes in the order of the lines",
           [command["exit_code"] for command in json.loads(told)["commands"]] == [0, 1, 2] * 3)


def mutants_are_the_same(folder, environment):
    """Runs a bench that misses mutant 2 of 4."""
    bench, mutants = folder / "a_mutants_tb", folder / "mutants.v"
    bench.write_text('#!/bin/sh\n[ "$TRINE_MUTANT" = 0 ] || [ "$TRINE_MUTANT" = 2 ]\n')
    bench.chmod(0o755)
    change = "mutate -mode inv -module m -cell $add$a -port \\Y -portbit {} -ctrlbit 0\n"
    mutants.with_suffix(".list").write_text("".join(change.format(i) for i in range(4)))
    said = []
    for words in ([], ["--engine", "slurm", "--out", folder / "mutants"]):
        done = subprocess.run([sys.executable, "-B", ROOT / "tb" / "mutation" / "kill.py", "--jobs", "2", *map(str, words),
                               f"{bench}={mutants}"], env={**environment, "TRINE_PROGRAM": PROGRAM}, text=True,
                              stdout=subprocess.PIPE)
        said.append((done.returncode, done.stdout))
    expect("tb/mutation/kill.py counts the same", said[0] == said[1] and "75.0 % killed" in said[0][1])


def main():
    reason = node.missing()
    if reason:
        print(f"SKIPPED: {reason}")
        return SKIPPED
    folder = pathlib.Path(sys.argv[1]).resolve()
    shutil.rmtree(folder, ignore_errors=True)
    start = time.monotonic()
    with node.one_node(folder / "slurm_node") as environment:
        print(f"Slurm is there after {time.monotonic() - start:.0f} s", flush=True)
        for test in (sweep_is_the_same, killed_and_resumed, fuzz_is_the_same, campaign_is_the_same,
                     mutants_are_the_same):
            test(folder, environment)
    without = {**os.environ, "SLURM_CONF": str(folder / "slurm_node" / "slurm.conf")}
    done = subprocess.run([PROGRAM, *SWEEP, "--engine", "slurm", "--out", folder / "none"], env=without, cwd=ROOT,
                          stderr=subprocess.PIPE, text=True)
    expect(f"a Slurm that has gone: {done.stderr.strip()}", done.returncode == 2 and done.stderr.count("\n") == 1)
    return 0


if __name__ == "__main__":
    sys.exit(main())
