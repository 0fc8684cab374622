#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Wall time of building everything and of the quick tests, from an empty build folder.

usage: build.py [--jobs N] [--dir FOLDER]    (a new temporary folder, all cores)
Without ccache and with an empty model cache, so that nothing of an earlier build helps.
"""
import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time

import common


def timed(command, environment):
    start = time.monotonic()
    done = subprocess.run(command, env=environment, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True)
    if done.returncode != 0:
        sys.exit(f"{' '.join(command)}: exit code {done.returncode}\n{done.stdout[-3000:]}")
    return time.monotonic() - start, done.stdout


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    parser.add_argument("--dir")
    options = parser.parse_args()
    folder = options.dir or tempfile.mkdtemp(prefix="trine_build_")
    environment = dict(os.environ, CCACHE_DISABLE="1", TRINE_CACHE=os.path.join(folder, "models"))
    jobs = str(options.jobs)
    steps = [
        ("configure", ["cmake", "-S", str(common.ROOT), "-B", folder, "-G", "Ninja",
                       "-DCMAKE_BUILD_TYPE=Release"]),
        ("build the program", ["ninja", "-C", folder, "-j", jobs, "trine_cli"]),
        ("build the rest", ["ninja", "-C", folder, "-j", jobs]),
        ("quick tests", ["ctest", "--test-dir", folder, "-j", jobs, "-L", "quick"]),
        ("all but slow tests", ["ctest", "--test-dir", folder, "-j", jobs, "-LE", "slow"]),
    ]
    rows = []
    for name, command in steps:
        seconds, text = timed(command, environment)
        rows.append([name, f"{seconds:.0f}", text.strip().splitlines()[-1] if "test" in name else ""])
    common.table(["step", "s", ""], rows)
    print(f"{jobs} jobs, load {os.getloadavg()[0]:.1f}; {common.versions()}")
    if not options.dir:
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()
