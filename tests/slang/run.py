#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Elaborates emitted designs in slang (PyPI pyslang), a front end that keeps to IEEE 1800: no message is allowed.

usage: run.py [--presets] [--build DIR]
$TRINE_PROGRAM is the tool (the launcher `trine` if absent). pyslang comes into a virtual environment in the build folder.
Exit code 1 if slang says anything, 2 if a tool is missing, 77 without PyPI.
"""
import argparse
import os
import pathlib
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))
from harness import ROOT, trine, with_packages  # noqa: E402

THREE = 'array.precisions=["int8", "ternary", "binary"]'
# Configuration and settings: corners of the shape, and each feature switched the other way.
DESIGNS = {
    "edge64": ["edge64"],
    "1x1": ["edge64", "array.rows=1", "array.cols=1"],
    "3x5": ["edge64", "array.rows=3", "array.cols=5", "post.columns_per_cycle=2"],
    "31x5": ["edge64", "array.rows=31", "array.cols=5", "bus.axi_data_bits=512", "bus.axi_addr_bits=64", THREE],
    "ecc": ["edge64", "memory.ecc=true"],
    "binary": ["edge64", 'array.precisions=["binary"]'],
    "no vector": ["edge64", "vector.enable=false"],
    "no table": ["edge64", "vector.table=false"],
    "no softmax": ["edge64", "vector.softmax=false"],
    "no depthwise": ["edge64", "depthwise.enable=false"],
    "no matmul": ["edge64", "matmul.enable=false"],
}


def elaborate(folder, parameters):
    """What the child does: slang's messages go to standard error."""
    from pyslang.driver import Driver
    driver = Driver()
    driver.addStandardArgs()
    sources = [line for line in (folder / "trine.f").read_text().split("\n") if line.endswith(".sv")]
    os.chdir(folder)
    good = (driver.parseCommandLine(f"slang --top trine_top --error-limit=0 {' '.join(parameters + sources)}") and
            driver.processOptions() and driver.parseAllSources() and driver.runFullCompilation(True))
    sys.exit(not good)


def messages(folder, *parameters):
    """Of slang about the design in `folder` with these parameters of the top: empty if it is content."""
    done = subprocess.run([sys.executable, "-B", __file__, "--elaborate", folder, *parameters], stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True)
    return done.stdout or (f"slang: exit code {done.returncode}\n" if done.returncode else "")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--presets", action="store_true", help="all presets instead of the corners")
    parser.add_argument("--build", type=pathlib.Path, default=ROOT / "build" / "slang")
    parser.add_argument("--elaborate", type=pathlib.Path, help=argparse.SUPPRESS)
    options, parameters = parser.parse_known_args()
    if options.elaborate:
        elaborate(options.elaborate, parameters)
    if parameters:
        parser.error(f"unknown: {parameters}")
    options.build = options.build.resolve()
    options.build.mkdir(parents=True, exist_ok=True)
    with_packages(options.build, HERE / "requirements.txt", "pyslang")
    presets = {path.stem: [path.stem] for path in sorted((ROOT / "presets").glob("*.toml"))}
    failed = 0
    for name, (config, *settings) in (presets if options.presets else DESIGNS).items():
        folder = options.build / name.replace(" ", "-")
        trine("generate", "--config", config, *[word for s in settings for word in ("--set", s)], "--out", folder)
        said = messages(folder)
        if name == "1x1":
            said += messages(folder, "-GMultiplier=1")
        print(f"{name}: {said.count(': error:')} errors, {said.count(': warning:')} warnings" if said else f"{name}: clean",
              flush=True)
        print(said, end="")
        failed += bool(said)
    print(f"slang: {failed} designs with messages" if failed else "slang: all designs elaborate without a message")
    sys.exit(bool(failed))


if __name__ == "__main__":
    main()
