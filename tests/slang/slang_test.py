#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Elaborates emitted designs in slang (PyPI pyslang), a front end that follows IEEE 1800 strictly: no message is permitted.

usage: slang_test.py [--all] [--only DESIGN]... [--build DIR]
--all: each preset and the arrays 1x1, 3x5 and 31x5, unchanged and with each feature switched the other way, also with
`verilator --lint-only -Wall`; the largest preset only unchanged. $TRINE_PROGRAM is the tool (by default the launcher
`trine`). pyslang is installed into a virtual environment in the build folder. Exit code 1 if there is any message, 2
if a tool is missing, 77 without PyPI.
"""
import argparse
import json
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
    "31x5": ["edge64", "array.rows=31", "array.cols=5", "bus.axi_data_bits=1024", "bus.axi_addr_bits=64", THREE],
    "ecc": ["edge64", "memory.ecc=true"],
    "binary": ["edge64", 'array.precisions=["binary"]'],
    "no vector": ["edge64", "vector.enable=false"],
    "no table": ["edge64", "vector.table=false"],
    "no softmax": ["edge64", "vector.softmax=false"],
    "no depthwise": ["edge64", "depthwise.enable=false"],
    "no matmul": ["edge64", "matmul.enable=false"],
    "clock gates": ["edge64", "clock.gates=true"],
    "packed weights": ["edge64", "memory.packed_weights=true"],
}
ARRAYS = ["1x1", "3x5", "31x5"]
SWITCHES = ["array.precisions", "memory.ecc", "post.columns_per_cycle", "vector.enable", "vector.table", "vector.softmax",
            "depthwise.enable", "matmul.enable", "pipeline.pe", "clock.gates"]
LARGEST = "tpuv1-size"


def elaborate(folder, parameters):
    """Elaborates in the child process: slang's messages go to standard error."""
    from pyslang.driver import Driver
    driver = Driver()
    driver.addStandardArgs()
    sources = [line for line in (folder / "trine.f").read_text().split("\n") if line.endswith(".sv")]
    os.chdir(folder)
    good = (driver.parseCommandLine(f"slang --top trine_top --error-limit=0 {' '.join(parameters + sources)}") and
            driver.processOptions() and driver.parseAllSources() and driver.runFullCompilation(True))
    sys.exit(not good)


def messages(folder, *parameters):
    """Returns slang's messages about the design in `folder` with these parameters of the top: empty if there are
    none."""
    done = subprocess.run([sys.executable, "-B", __file__, "--elaborate", folder, *parameters], stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True)
    return done.stdout or (f"slang: exit code {done.returncode}\n" if done.returncode else "")


def verilator(folder):
    """Returns Verilator's messages."""
    done = subprocess.run(["verilator", "--lint-only", "-Wall", "--top-module", "trine_top", "-F", folder / "trine.f"],
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    return done.stdout or (f"verilator: exit code {done.returncode}\n" if done.returncode else "")


def emit(build, name, config, *settings):
    folder = build / name.replace(" ", "-")
    trine("generate", "--config", config, *[word for s in settings for word in ("--set", s)], "--out", folder)
    return folder


def other_way(configuration, key):
    """Returns the setting that switches a feature the other way."""
    value = configuration[key]
    if isinstance(value, bool):
        return f"{key}={str(not value).lower()}"
    if isinstance(value, int):  # 1 or 2
        return f"{key}={3 - value}"
    return THREE if len(value) == 1 else 'array.precisions=["int8"]'


def everything(build):
    """Yields name and settings of all designs of --all."""
    plain = {path.stem: [path.stem] for path in sorted((ROOT / "spec" / "presets").glob("*.toml"))}
    plain.update({name: DESIGNS[name] for name in ARRAYS})
    for name, design in plain.items():
        yield name, design
        if name == LARGEST:
            continue
        configuration = json.loads((emit(build, name, *design) / "manifest.json").read_text())["configuration"]
        for key in SWITCHES:
            setting = other_way(configuration, key)
            yield f"{name} {setting}".replace('"', ""), [*design, setting]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--all", action="store_true",
                        help="test presets and arrays with each feature switched, also with Verilator")
    parser.add_argument("--only", action="append", metavar="DESIGN",
                        help="test only designs whose name begins with DESIGN")
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
    failed = 0
    for name, design in everything(options.build) if options.all else DESIGNS.items():
        if options.only and not any(name.startswith(only) for only in options.only):
            continue
        folder = emit(options.build, name, *design)
        said = messages(folder) + (verilator(folder) if options.all else "")
        if name == "1x1":
            said += messages(folder, "-GMultiplier=1")
        print(f"{name}: {said.count(': error:')} errors, {said.count(': warning:')} warnings" if said else f"{name}: clean",
              flush=True)
        print(said, end="")
        failed += bool(said)
    print(f"{failed} designs with messages" if failed else "all designs elaborate without a message")
    sys.exit(bool(failed))


if __name__ == "__main__":
    main()
