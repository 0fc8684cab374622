#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Area of presets in gate equivalents, int8 alone and with the three precisions.

usage: area.py [--liberty FILE] [--modules] [CONFIG]...    (edge64 edge256 edge1024)
The library is $TRINE_SHARED's sg13g2 if it is there, else the one of `trine synth`. Memories are apart.
--modules adds a table for each design: area of every module and its longest path.
"""
import argparse
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
import common  # noqa: E402

SG13G2 = common.SHARED / "liberty" / "sg13g2_stdcell_typ_1p20V_25C.lib.gz"


def synth(config, liberty, int8_only):
    arguments = ["synth", "--config", config]
    if int8_only:
        arguments += ["--set", 'array.precisions=["int8"]']
    if liberty:
        arguments += ["--liberty", liberty]
    return common.trine(*arguments)


def per_mac(report):
    return round(report["gate_equivalents_per_mac"])


def row(config, int8, full):
    return [config, round(int8["gate_equivalents"]), per_mac(int8), round(full["gate_equivalents"]),
            per_mac(full), f"{full['gate_equivalents'] / int8['gate_equivalents'] - 1:+.1%}",
            int(full["sram_bits"]), f"{int8['seconds'] + full['seconds']:.0f}"]


def print_modules(config, report):
    print(f"**{config}, three precisions**\n")
    modules = sorted(report["modules"], key=lambda m: -m["gate_equivalents_total"])
    rows = [[m["name"], m["instances"], round(m["gate_equivalents"]),
             round(m["gate_equivalents_total"]), f"{100 * m['share']:.1f} %",
             f"{m['worst_path']['ns']:.2f}" if m["worst_path"] else "-"] for m in modules]
    common.table(["module", "instances", "GE", "GE total", "share", "ns"], rows)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("configs", nargs="*", default=["edge64", "edge256", "edge1024"])
    parser.add_argument("--liberty", default=SG13G2 if SG13G2.exists() else None)
    parser.add_argument("--modules", action="store_true")
    options = parser.parse_args()
    reports = [(c, synth(c, options.liberty, True), synth(c, options.liberty, False))
               for c in options.configs]
    common.table(["configuration", "GE, int8", "per MAC", "GE, three", "per MAC", "more",
                  "memory bits", "s"], [row(*report) for report in reports])
    if options.modules:
        for config, _, full in reports:
            print_modules(config, full)
    print(f"{reports[0][1]['library']}; {common.versions()}")


if __name__ == "__main__":
    main()
