#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Clock and silicon of presets, of today's RTL beside that of another revision, by today's tool.

usage: clock.py [--rtl REVISION] [--liberty FILE] [CONFIG]...    (edge32 edge64 edge256 edge1024)
With --rtl that revision is checked out and its generator built in a folder of its own; what it emits goes through
`trine synth --design` of today. The library is $TRINE_SHARED's sg13g2 if it is there, else the one of `trine synth`.
"""
import argparse
import pathlib
import subprocess
import sys
import tempfile

import common

SG13G2 = common.SHARED / "liberty" / "sg13g2_stdcell_typ_1p20V_25C.lib.gz"


def must(*command):
    done = subprocess.run([str(c) for c in command], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if done.returncode:
        sys.exit(f"clock.py: {' '.join(map(str, command))}:\n{done.stdout[-3000:]}")


def generator_of(revision, folder):
    """The program of another revision, built without its tests."""
    must("git", "-C", common.ROOT, "worktree", "add", "--detach", folder / "tree", revision)
    must("cmake", "-S", folder / "tree", "-B", folder / "build", "-G", "Ninja", "-DCMAKE_BUILD_TYPE=Release")
    must("ninja", "-C", folder / "build", "trine_cli")
    return next((folder / "build").glob("*/cli/trine"))  # tools/cli, once sw/cli


def synth(where, liberty):
    return common.trine("synth", *where, *(["--liberty", liberty] if liberty else []))


def row(name, report):
    kilo = lambda key: "-" if report[key] is None else f"{report[key] / 1000:.0f} k"
    parts = sorted(report["clock_path"], key=lambda part: -part["ns"])[:3]
    return [name, f"{report['clock_ns']:.2f}", f"{1000 / report['clock_ns']:.0f}", kilo("gate_equivalents"),
            kilo("logic_gate_equivalents"), kilo("macro_gate_equivalents_other"), kilo("total_um2"),
            report["buffers"], report["hold_buffers"], f"{report['seconds']:.0f}",
            ", ".join(f"{p['module'].removeprefix('trine_')} {p['ns']:.1f}" for p in parts)]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("configs", nargs="*", default=["edge32", "edge64", "edge256", "edge1024"])
    parser.add_argument("--rtl", metavar="REVISION")
    parser.add_argument("--liberty", default=SG13G2 if SG13G2.exists() else None)
    options = parser.parse_args()
    rows, ratios = [], []
    with tempfile.TemporaryDirectory(prefix="trine-clock-") as name:
        folder = pathlib.Path(name)
        other = generator_of(options.rtl, folder) if options.rtl else None
        try:
            for config in options.configs:
                now = synth(["--config", config], options.liberty)
                if other:
                    must(other, "generate", "--config", config, "-o", folder / config)
                    then = synth(["--design", folder / config], options.liberty)
                    rows.append(row(f"{config} at {options.rtl}", then))
                    ratios.append([config, f"{now['clock_ns'] / then['clock_ns']:.3f}",
                                   f"{now['logic_gate_equivalents'] / then['logic_gate_equivalents']:.3f}"])
                rows.append(row(config, now))
        finally:
            if other:
                must("git", "-C", common.ROOT, "worktree", "remove", "--force", folder / "tree")
    common.table(["design", "ns", "MHz", "GE mapped", "GE buffered, sized", "small macros", "um2", "buffers", "for hold",
                  "s", "longest path, ns"], rows)
    if ratios:
        common.table(["now / then", "clock", "logic"], ratios)
    print(f"{now['library']}; {common.versions()}")


if __name__ == "__main__":
    main()
