#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Sweeps and campaigns through a Slurm of one node: the same bytes as by local processes.

usage: run.py DIR
$TRINE_PROGRAM is the tool. Exit code 1 if something is otherwise than it should be, 77 where Slurm is not installed.
"""
import os
import pathlib
import shutil
import subprocess
import sys
import time

import node

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
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
    return {p.name: p.read_bytes() for p in folder.iterdir()}


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
    old = {p: p.stat().st_mtime_ns for p in (folder / "slurm").iterdir()}
    run([*SWEEP, "--engine", "slurm", "--out", folder / "slurm"], environment, 1)
    expect("no point runs again", {p: p.stat().st_mtime_ns for p in (folder / "slurm").iterdir()} == old)


def killed_and_resumed(folder, environment):
    """kill -9 of the one who waits: the array goes on, and what it does is not done again."""
    out = folder / "killed"
    command = [PROGRAM, *SWEEP, "--engine", "slurm", "--out", out, "--jobs", "2"]
    waiting = subprocess.Popen(list(map(str, command)), env=environment, cwd=ROOT)
    node.wait_until("a point", lambda: out.exists() and any(out.glob("*.json")))
    waiting.kill()
    waiting.wait()
    old = {p: p.stat().st_mtime_ns for p in out.glob("*.json")}
    run([*SWEEP, "--engine", "slurm", "--out", out, "--jobs", 2], environment, 1)
    expect("resumed after kill -9: the same points", contents(out) == contents(folder / "local"))
    expect(f"{len(old)} points of before stay", {p: p.stat().st_mtime_ns for p in old} == old)


def fuzz_is_the_same(folder, environment):
    run([*FUZZ, "--json", folder / "fuzz.json"], environment, 0)
    run([*FUZZ, "--jobs", 4, "--engine", "slurm", "--out", folder / "fuzz", "--json", folder / "fuzz_slurm.json"],
        environment, 0)
    expect("trine fuzz as an array counts the same",
           (folder / "fuzz.json").read_bytes() == (folder / "fuzz_slurm.json").read_bytes())


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
        for test in (sweep_is_the_same, killed_and_resumed, fuzz_is_the_same):
            test(folder, environment)
    without = {**os.environ, "SLURM_CONF": str(folder / "slurm_node" / "slurm.conf")}
    done = subprocess.run([PROGRAM, *SWEEP, "--engine", "slurm", "--out", folder / "none"], env=without, cwd=ROOT,
                          stderr=subprocess.PIPE, text=True)
    expect(f"a Slurm that has gone: {done.stderr.strip()}", done.returncode == 2 and done.stderr.count("\n") == 1)
    return 0


if __name__ == "__main__":
    sys.exit(main())
