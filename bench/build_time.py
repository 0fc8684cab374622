#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Processor time of a first build, of the tests and of small changes, in a fresh clone with an empty cache.

usage: build_time.py [--before REVISION] [--tests] [--changes N] [--seed S]
Each step runs in a clone of its own without ../shared, with a compiler cache and a cache of RTL models of its own; the
packages are there. --before: the same of an earlier revision in the same hour, with ratios. --tests: `./trine test`
behind the demo, too (half an hour). --changes: N .cpp of the tool, drawn by the seed, each with a new line, and
sw/model/graph.h; the tool again (10).
"""
import argparse
import os
import pathlib
import random
import resource
import subprocess
import sys
import tempfile
import time

import common

MINUTE = 60


def spent():
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


class Clone:
    """A revision in a folder of its own; nothing of another build helps."""

    def __init__(self, folder, revision):
        self.tree = folder / "trine"
        subprocess.run(["git", "clone", "--quiet", common.ROOT, self.tree], check=True)
        subprocess.run(["git", "-C", self.tree, "checkout", "--quiet", revision], check=True)
        self.environment = dict(os.environ, CCACHE_DIR=str(folder / "ccache"), XDG_CACHE_HOME=str(folder / "cache"),
                                CI="true")
        for name in ("TRINE_CACHE", "TRINE_PROGRAM", "TRINE_SHARED", "CCACHE_BASEDIR", "CCACHE_NOHASHDIR", "CCACHE_SLOPPINESS"):
            self.environment.pop(name, None)

    def run(self, *command):
        """@return processor and wall seconds"""
        before, start = spent(), time.monotonic()
        done = subprocess.run(command, cwd=self.tree, env=self.environment, stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        if done.returncode:
            sys.exit(f"{' '.join(command)}: exit code {done.returncode}\n{done.stdout[-3000:]}")
        times = spent() - before, time.monotonic() - start
        # A step takes up to half an hour, and a later one may fail.
        print(f"{' '.join(command)}: {minutes(times)} processor minutes, {times[1] / MINUTE:.1f} wall minutes",
              file=sys.stderr, flush=True)
        return times

    def sources(self):
        """Sources of the tool itself, sorted."""
        parts = ("base", "machine", "gen", "sw/model", "sw/reference", "sw/program", "sw/compiler", "synth", "sim", "soc", "tools")
        return sorted(p for part in parts for p in (self.tree / part).rglob("*.cpp")
                      if not p.stem.endswith("_test") and p.name != "shim.cpp")

    def changed(self, file):
        """The tool again, behind a line more."""
        with file.open("a") as text:  # a comment would leave the compiler cache what it was
            text.write(f'static_assert(true, "another line of {file.name}");\n')
        return self.run("./trine", "build", "trine_cli")


def minutes(times):
    return f"{times[0] / MINUTE:.1f}"


def measure(revision, options):
    """{step: (processor seconds, wall seconds)}"""
    with tempfile.TemporaryDirectory(prefix="trine_build_") as folder:
        clone = Clone(pathlib.Path(folder), revision)
        steps = {"`./trine demo`, the build included": clone.run("./trine", "demo"),
                 "`./trine build trine_cli` after it: all components": clone.run("./trine", "build", "trine_cli")}
        if options.changes:
            chosen = random.Random(options.seed).sample(clone.sources(), options.changes)
            again = sorted(clone.changed(file) for file in chosen)
            steps["one .cpp changed, the tool again (median)"] = again[len(again) // 2]
            steps["one .cpp changed, the tool again (slowest)"] = again[-1]
            steps["`graph.h` changed, the tool again"] = clone.changed(clone.tree / "sw/model/graph.h")
        if options.tests:
            steps["`./trine test` behind the demo"] = clone.run("./trine", "test")
    return steps


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--before", metavar="REVISION")
    parser.add_argument("--tests", action="store_true")
    parser.add_argument("--changes", type=int, default=10)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    now = measure("HEAD", options)
    before = measure(options.before, options) if options.before else {}
    rows = [[step, minutes(times), f"{times[1] / MINUTE:.1f}"] +
            ([minutes(before[step]), f"{times[0] / before[step][0]:.2f}"] if before else [])
            for step, times in now.items()]
    common.table(["step", "processor minutes", "wall minutes"] + ([f"at {options.before}", "ratio"] if before else []), rows)
    print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}; {common.versions()}")


if __name__ == "__main__":
    main()
