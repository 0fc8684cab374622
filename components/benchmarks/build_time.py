#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Measures processor time of a first build, of the tests and of small changes, in a fresh clone with an empty cache.

usage: build_time.py [--before REVISION] [--tests] [--changes N] [--seed S]
       build_time.py --chroot RELEASE [--folder DIR] [--commands COMMAND...] [--keep]
Each step runs in a separate clone without ../shared, with its own compiler cache and cache of RTL models; the
packages are installed. --before: measures an earlier revision in the same hour, too, with ratios. --tests: also
`./trine test` after the demo (half an hour). --changes: changes N .cpp files of the tool, drawn by the seed, by one
line each, and sw/model/graph/graph.h; builds the tool again each time (10).
--chroot: instead, measures the last commit in a new Debian system that contains only the packages (root, mmdebstrap):
minutes of the launcher's COMMANDs, one after the other (demo, test, "test --all"), and the costliest targets and
tests. --keep: stores the tables in components/benchmarks/results/build_time.json. tests/house/pages_test.py fails when they are older
than 200 commits.
"""
import argparse
import collections
import importlib.util
import os
import pathlib
import random
import re
import resource
import shlex
import shutil
import subprocess
import sys
import tempfile
import time

import common
import store

MINUTE = 60
TASKS = "build|clock|page|venv|soc|test"  # of packages.txt, without the packages of --full
COMMANDS = ["demo", "test", "test --all"]
MOST = 12  # targets and tests in the table


def spent():
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


class Clone:
    """A revision in a new folder, without anything from other builds."""

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
        # Prints at once, because a step takes up to half an hour, and a later one may fail.
        print(f"{' '.join(command)}: {minutes(times)} processor minutes, {times[1] / MINUTE:.1f} wall minutes",
              file=sys.stderr, flush=True)
        return times

    def sources(self):
        """Returns the sources of the tool itself, sorted."""
        parts = ("components", "gen", "sim", "spec", "sw/base", "sw/compiler", "sw/host", "sw/model", "sw/program", "sw/reference", "synth", "tools")
        return sorted(p for part in parts for p in (self.tree / part).rglob("*.cpp")
                      if not p.stem.endswith("_test") and p.name != "shim.cpp")

    def changed(self, file):
        """Builds the tool again after adding a line to a file."""
        with file.open("a") as text:  # a comment would not change the compiler cache's key
            text.write(f'static_assert(true, "another line of {file.name}");\n')
        return self.run("./trine", "build", "trine_cli")


class Chroot:
    """A fresh Debian system with a clone and the packages, made as in tests/distro/distro_test.py."""

    def __init__(self, folder, release):
        spec = importlib.util.spec_from_file_location("distro", common.ROOT / "tests/distro/distro_test.py")
        self.distro = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(self.distro)
        self.system = folder.resolve() / release
        shutil.rmtree(self.system, ignore_errors=True)
        self.distro.make(self.system, release)
        self.distro.clone(self.system)
        self.tree = self.system / "root/trine"
        names = set(re.findall(rf"^(?:{TASKS}) +\S+ +(\S+)", (self.tree / "cmake/packages.txt").read_text(), re.M))
        install = "DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends"
        one_of = [" || ".join(f"{install} {choice}" for choice in name.split("/")) for name in sorted(names) if "/" in name]
        each = [f"{install} {' '.join(sorted(name for name in names if '/' not in name))}"]
        self.inside("\n".join(["set -e", "apt-get update -q", *each, *one_of]), "the packages")

    def inside(self, script, what):
        log = self.system.parent / f"{self.system.name}.log"
        with log.open("w") as out:
            if self.distro.inside(self.system, script, stdout=out, stderr=subprocess.STDOUT).returncode:
                sys.exit(f"{what}: fails\n{log.read_text(errors='replace')[-3000:]}")

    def run(self, *command):
        """Returns processor and wall seconds."""
        before, start = spent(), time.monotonic()
        self.inside(f"cd /root/trine && {' '.join(command)}", " ".join(command))
        times = spent() - before, time.monotonic() - start
        print(f"{' '.join(command)}: {minutes(times)} processor minutes, {times[1] / MINUTE:.1f} wall minutes",
              file=sys.stderr, flush=True)
        return times

    def forget_costs(self):
        """Deletes the costs of earlier commands."""
        (self.tree / "build/release/processor.log").unlink(missing_ok=True)

    def costs(self):
        """Returns [(name, processor seconds)] of the build's targets and of the tests, the costliest first."""
        seconds, build = collections.Counter(), self.tree / "build/release"
        for line in (build / ".ninja_log").read_text().splitlines()[1:]:
            start, end, _, output, _ = line.split("\t")
            if target := re.search(r"CMakeFiles/(\w+)\.dir/|verilated/(\w+)/\w+__ALL\.a$", output):
                seconds[f"build of {target[1] or target[2]}"] += (int(end) - int(start)) / 1000
        for line in (build / "processor.log").read_text().splitlines():
            name, user, system = line.split()
            if not name.startswith("build/"):
                seconds[name.rpartition("/")[2]] += float(user) + float(system)
        return seconds.most_common(MOST)


def lines_of(head, rows):
    """Returns a Markdown table."""
    return ["| " + " | ".join(row) + " |" for row in [head, ["---"] + ["---:"] * (len(head) - 1), *rows]]


def in_chroot(options):
    place = Chroot(options.folder, options.chroot)
    rows = []
    for command in options.commands:
        place.forget_costs()
        times = place.run("./trine", "--yes", *command.split())
        rows.append([f"./trine {command}", minutes(times), f"{times[1] / MINUTE:.1f}"])
    costs = [[name, f"{seconds:.0f}"] for name, seconds in place.costs()]
    lines = [*lines_of(["command", "processor minutes", "wall minutes"], rows), "",
             *lines_of(["target or test", "seconds"], costs)]
    print("\n".join(lines))
    if options.keep:
        chosen = "" if options.commands == COMMANDS else " --commands " + shlex.join(options.commands)
        store.save("build_time", {"command": f"components/benchmarks/build_time.py --chroot {options.chroot}{chosen}",
                                  "revision": store.git("rev-parse", "--short", "HEAD"),
                                  "tools": f"Debian {options.chroot}, {os.cpu_count()} cores, no caches",
                                  "measures": ["."], "output": lines})


def minutes(times):
    return f"{times[0] / MINUTE:.1f}"


def measure(revision, options):
    """Returns {step: (processor seconds, wall seconds)}."""
    with tempfile.TemporaryDirectory(prefix="trine_build_") as folder:
        clone = Clone(pathlib.Path(folder), revision)
        steps = {"`./trine demo`, the build included": clone.run("./trine", "demo"),
                 "`./trine build trine_cli` after it: all components": clone.run("./trine", "build", "trine_cli")}
        if options.changes:
            chosen = random.Random(options.seed).sample(clone.sources(), options.changes)
            again = sorted(clone.changed(file) for file in chosen)
            steps["one .cpp changed, the tool again (median)"] = again[len(again) // 2]
            steps["one .cpp changed, the tool again (slowest)"] = again[-1]
            steps["`graph.h` changed, the tool again"] = clone.changed(clone.tree / "sw/model/graph/graph.h")
        if options.tests:
            steps["`./trine test` behind the demo"] = clone.run("./trine", "test")
    return steps


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--before", metavar="REVISION")
    parser.add_argument("--tests", action="store_true")
    parser.add_argument("--changes", type=int, default=10)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--chroot", metavar="RELEASE")
    parser.add_argument("--folder", type=pathlib.Path, default=common.ROOT / "build" / "distro")
    parser.add_argument("--commands", nargs="+", default=COMMANDS, metavar="COMMAND")
    parser.add_argument("--keep", action="store_true")
    options = parser.parse_args()
    if options.chroot:
        in_chroot(options)
        return
    now = measure("HEAD", options)
    before = measure(options.before, options) if options.before else {}
    rows = [[step, minutes(times), f"{times[1] / MINUTE:.1f}"] +
            ([minutes(before[step]), f"{times[0] / before[step][0]:.2f}"] if before else [])
            for step, times in now.items()]
    common.table(["step", "processor minutes", "wall minutes"] + ([f"at {options.before}", "ratio"] if before else []), rows)
    print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}; {common.versions()}")


if __name__ == "__main__":
    main()
