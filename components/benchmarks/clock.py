#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Compares clock and silicon of presets with their goals, and with another revision's RTL, using the current tool.

usage: clock.py [--rtl REVISION] [--zero] [--ecc] [--imem] [--int8] [--placed] [--ecp5] [--cycles] [--all]
                [--keep FOLDER] [--liberty FILE] [CONFIG]...    (edge32 edge64 edge256 edge1024)
--zero    without wires, three precisions: the clock; macros and all silicon at 4.7 ns (the default)
--ecc     the same clock with memory.ecc; --imem: with an instruction memory of 16 KiB
--int8    gate equivalents per MAC of int8 designs, before and after buffers and strengths
--placed  placed from three seeds, with estimated wires; --ecp5: placed and routed on an ECP5
--cycles  of ResNet-8, kws, vww and ad01; with --int8 also logic and small macros x clock x cycles
--all     all of these
With --rtl that revision is checked out and its generator built in a separate folder; its designs are measured by the
current `trine synth --design`. With --keep reports are stored in FOLDER, and reports of the same design, options and
committed synth/ are reused. The library is $TRINE_SHARED's sg13g2 if it exists, otherwise the library of `trine synth`.
"""
import argparse
import collections
import contextlib
import hashlib
import json
import math
import pathlib
import subprocess
import sys
import tempfile

import common
import networks

PRESETS = ["edge32", "edge64", "edge256", "edge1024"]
NETWORKS = ["pretrainedResnet_quant", "kws_ref_model", "vww_96_int8", "ad01_int8"]
INT8 = 'array.precisions=["int8"]'
ECC = "memory.ecc=true"
IMEM = "memory.imem_kib=16"
PLACE = ["--place", "--seeds", "3"]
AT_GOAL = ["--clock-ns", "4.7"]  # silicon of a design that only needs to reach its goal
PARTS = ["zero", "ecc", "imem", "int8", "placed", "ecp5", "cycles"]


def key(name):
    return lambda report: report[name]


def per_mac(name):
    return lambda report: report[name] / report["macs"]


def same(goal, configs):
    return dict.fromkeys(configs, goal)


# goals: by configuration; the configurations with a goal are measured.
Figure = collections.namedtuple("Figure", "part what keys options value form goals")
FIGURES = [
    Figure("zero", "zero wire, ns", [], [], key("clock_ns"), "{:.2f}", same("4.7", PRESETS)),
    Figure("ecc", "zero wire, `memory.ecc`, ns", [ECC], [], key("clock_ns"), "{:.2f}", same("as without", PRESETS)),
    Figure("imem", "zero wire, `memory.imem_kib=16`, ns", [IMEM], [], key("clock_ns"), "{:.2f}",
           same("1.02 of it", PRESETS)),
    Figure("placed", "placed, estimated wires, ns: the median of three seeds", [], PLACE, key("clock_placed_ns"),
           "{:.2f}", {"edge32": "6.0", "edge64": "6.0", "edge256": "6.5"}),
    Figure("placed", "the worst of them", [], PLACE, lambda report: max(report["placement"]["seeds_ns"]), "{:.2f}",
           {"edge32": "6.3", "edge64": "6.3", "edge256": "6.8"}),
    Figure("ecp5", "ECP5, int8, routed, MHz", [INT8], ["--target", "ecp5", "--place"], key("mhz"), "{:.1f}",
           {"edge32": "55"}),
    Figure("int8", "logic a MAC, int8, before buffers, GE", [INT8], [], per_mac("gate_equivalents"), "{:,.0f}",
           {"edge256": "1,950", "edge1024": "1,445"}),
    Figure("int8", "logic a MAC, int8, with them and strengths, GE", [INT8], [], per_mac("logic_gate_equivalents"),
           "{:,.0f}", same("stated", ["edge256", "edge1024"])),
    Figure("zero", "macros without DMEM and PMEM, GE", [], AT_GOAL, key("macro_gate_equivalents_other"), "{:,.0f}",
           {"edge1024": "350,000"}),
    Figure("zero", "all silicon, um2", [], AT_GOAL, key("total_um2"), "{:,.0f}",
           same("0.85 of it", ["edge256", "edge1024"])),
]
PRODUCT_GOALS = {"edge256": "0.45 of it", "edge1024": "0.33 of it"}


def must(*command):
    done = subprocess.run([str(c) for c in command], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if done.returncode:
        sys.exit(f"clock.py: {' '.join(map(str, command))}:\n{done.stdout[-3000:]}")
    return done.stdout


class Revision:
    """The designs of one generator, measured by the current tool; cycles by the generator's own simulator."""

    def __init__(self, name, program, folder, options):
        self.name, self.program, self.folder, self.options = name, program, folder, options
        self.reports = {}

    def emit(self, config, keys):
        folder = self.folder / "-".join([self.name, config, *(k.split("=")[0] for k in keys)])
        if not folder.exists():
            must(self.program, "generate", *common.design(" ".join([config, *keys])), "-o", folder)
        return folder

    def report(self, config, keys, options):
        """Returns the report of `trine synth`. The report of a placed design contains the clock without wires, too."""
        if not options and self.options.placed and (config, *keys, *PLACE) in self.reports:
            options = PLACE
        at = (config, *keys, *options)
        if at not in self.reports:
            self.reports[at] = self.synth(self.emit(config, keys), options)
        return self.reports[at]

    def synth(self, design, options):
        command = ["synth", "--design", design, *options]
        if self.options.liberty and "ecp5" not in options:
            command += ["--liberty", self.options.liberty]
        kept = self.kept(design, options)
        if kept and kept.exists():
            return json.loads(kept.read_text())
        report = common.trine(*command)
        array = json.loads((design / "manifest.json").read_text())["configuration"]
        report["macs"] = 4 * array["array.rows"] * array["array.cols"]
        if kept:
            common.save(kept, json.dumps(report))
        return report

    def kept(self, design, options):
        if not self.options.keep:
            return None
        tool = must("git", "-C", common.ROOT, "rev-parse", "HEAD:synth")
        text = "".join(file.read_text() for file in sorted(design.glob("*.sv")))
        digest = hashlib.sha256(f"{tool}{options}{self.options.liberty}{text}".encode()).hexdigest()
        return self.options.keep / f"{design.name}-{digest[:16]}.json"

    def cycles(self, config, keys):
        counted = []
        for name in NETWORKS:
            model, vectors = networks.paths(name)
            with tempfile.TemporaryDirectory() as folder:
                path = pathlib.Path(folder) / "run.json"
                must(self.program, "verify", *common.design(" ".join([config, *keys])), model, "--vectors", vectors,
                     "--backend", "arch", "--quiet", "--json", path)
                counted.append(json.loads(path.read_text())["cycles"])
        return counted


def generator_of(revision, folder):
    """Returns the program of another revision, built without its tests."""
    must("git", "-C", common.ROOT, "worktree", "add", "--detach", folder / "tree", revision)
    must("cmake", "-S", folder / "tree", "-B", folder / "build", "-G", "Ninja", "-DCMAKE_BUILD_TYPE=Release")
    must("ninja", "-C", folder / "build", "trine_cli")
    return next((folder / "build").glob("*/cli/trine"))  # tools/cli, earlier sw/cli


@contextlib.contextmanager
def revisions(options):
    """Yields the current revision, and the other one if requested."""
    with tempfile.TemporaryDirectory(prefix="trine-clock-") as name:
        folder = pathlib.Path(name)
        try:
            today = Revision("today", common.program(), folder, options)
            other = options.rtl and Revision(options.rtl, generator_of(options.rtl, folder), folder, options)
            yield [today, *([other] if other else [])]
        finally:
            if options.rtl:
                must("git", "-C", common.ROOT, "worktree", "remove", "--force", folder / "tree")


def line(what, config, goal, form, values):
    """Returns a row: the current value, its goal, the other revision's value, and their ratio."""
    cells = [form.format(value) if value else "-" for value in values]
    if len(values) == 1:
        return [what, config, cells[0], goal]
    return [what, config, cells[0], goal, cells[1], f"{values[0] / values[1]:.3f}" if all(values) else "-"]


def mean(values):
    return math.exp(sum(math.log(value) for value in values) / len(values))


def cycle_lines(config, goals, keys, measured):
    """Returns the geometric mean of the networks, and the worst of them."""
    counted = [revision.cycles(config, keys) for revision in measured]
    what = "cycles of four networks, `memory.ecc`" if keys else "cycles of four networks"
    rows = [line(f"{what}, geometric mean", config, goals[0], "{:,.0f}", [mean(c) for c in counted])]
    if len(counted) == 2:
        worst = max(zip(*counted), key=lambda pair: pair[0] / pair[1])
        rows.append(line(f"{what}, the worst", config, goals[1], "{:,}", worst))
    return rows


def product(revision, config):
    """Returns (logic and small macros) x clock x cycles, int8, of a design at the goal's clock."""
    report = revision.report(config, [INT8], AT_GOAL)
    silicon = report["logic_gate_equivalents"] + (report["macro_gate_equivalents_other"] or 0)
    return silicon / 1e6 * report["clock_ns"] * mean(revision.cycles(config, [INT8])) / 1e3


def lines(measured, options):
    """Returns all requested rows, placed designs first: their reports contain the clock without wires, too."""
    wanted = [(figure, config) for figure in FIGURES if getattr(options, figure.part)
              for config in options.configs if config in figure.goals]
    measure = lambda figure, config: [r.report(config, figure.keys, figure.options) for r in measured]
    for figure, config in sorted(wanted, key=lambda w: w[0].part != "placed"):
        measure(figure, config)
    found = [line(figure.what, config, figure.goals[config], figure.form,
                  [figure.value(report) for report in measure(figure, config)]) for figure, config in wanted]
    if options.cycles:
        for config in options.configs:
            found += cycle_lines(config, ("1.02 of it", "1.04 of it"), [], measured)
            if options.ecc:
                found += cycle_lines(config, ("1.05 of it", "-"), [ECC], measured)
    if options.cycles and options.int8:
        found += [line("Mega-GE x ns x kilocycles, int8", config, PRODUCT_GOALS[config], "{:,.1f}",
                       [product(r, config) for r in measured])
                  for config in options.configs if config in PRODUCT_GOALS]
    return found


def detail(revision, at, report):
    """Returns details of a clock."""
    kilo = lambda name: "-" if report[name] is None else f"{report[name] / 1000:.0f} k"
    placed = "--place" in at
    path = report["clock_placed_path" if placed else "clock_path"]
    parts = sorted(path, key=lambda part: -part["ns"])[:3]
    return [f"{' '.join(at)} at {revision.name}", f"{report['clock_ns']:.2f}", kilo("gate_equivalents"),
            kilo("logic_gate_equivalents"), kilo("macro_gate_equivalents_other"), kilo("total_um2"),
            report["buffers"], report["hold_buffers"], f"{report['seconds']:.0f}",
            ", ".join(f"{p['module'].removeprefix('trine_')} {p['ns']:.1f}" for p in parts)]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("configs", nargs="*", default=PRESETS)
    parser.add_argument("--rtl", metavar="REVISION")
    for part in [*PARTS, "all"]:
        parser.add_argument(f"--{part}", action="store_true")
    parser.add_argument("--keep", type=pathlib.Path, metavar="FOLDER")
    parser.add_argument("--liberty", default=None)
    options = parser.parse_args()
    for config in options.configs:
        if not any(config in figure.goals for figure in FIGURES):
            parser.error(f"'{config}' has no goals, allowed {', '.join(PRESETS)}; trine synth measures any design")
    if not any(getattr(options, part) for part in [*PARTS, "all"]):
        options.zero = True
    for part in PARTS if options.all else []:
        setattr(options, part, True)
    if options.keep:
        options.keep.mkdir(parents=True, exist_ok=True)
    with revisions(options) as measured:
        head = ["what", "design", "now", "goal"]
        common.table(head if len(measured) == 1 else [*head, options.rtl, "now / then"], lines(measured, options))
        details = [(revision, at, report) for revision in measured for at, report in revision.reports.items()]
    rows = [detail(*d) for d in details if d[2]["clock_ns"]]
    if rows:
        common.table(["design", "ns", "GE mapped", "GE buffered, sized", "small macros", "um2", "buffers", "for hold",
                      "s", "longest path, ns"], rows)
        print(f"{next(d[2]['library'] for d in details if d[2]['clock_ns'])}; {common.versions()}")


if __name__ == "__main__":
    main()
