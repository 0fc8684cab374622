#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Measures the area of presets in gate equivalents, with int8 only and with the three precisions.

usage: area.py [--liberty FILE] [--modules] [CONFIG]...    (edge64 edge256 edge1024)
       area.py [--liberty FILE] --keys CONFIG...
The library is $TRINE_SHARED's sg13g2 if it exists, otherwise the library of `trine synth`. Memories are separate.
--modules  adds a table for each design: area of every module and its longest path.
--keys     the cost of each key of the configuration that is off by default: the int8 design with the key minus the
           design without it, all mapped for area"""
import argparse
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
import common  # noqa: E402



INT8 = 'array.precisions=["int8"]'
# A key and the value that costs, the value that does not, and further keys that the design has in both cases.
KEYS = [
    ('array.precisions=["int8","ternary"]', INT8, []),
    ('array.precisions=["int8","binary"]', INT8, []),
    ('array.precisions=["int8","ternary","binary"]', INT8, []),
    ("array.activations16=true", "array.activations16=false", []),
    ("array.acc_bits=32", "array.acc_bits=29", []),
    ("pipeline.pe=2", "pipeline.pe=1", []),
    ("post.columns_per_cycle=2", "post.columns_per_cycle=1", []),
    ("vector.enable=true", "vector.enable=false", ["vector.softmax=false"]),
    ("vector.table=true", "vector.table=false", []),
    ("vector.softmax=true", "vector.softmax=false", []),
    ("depthwise.enable=true", "depthwise.enable=false", []),
    ("matmul.enable=true", "matmul.enable=false", []),
    ("memory.ecc=true", "memory.ecc=false", []),
    ("memory.imem_kib=16", "memory.imem_kib=0", []),
    ("bus.axi_addr_bits=40", "bus.axi_addr_bits=32", []),
    ("clock.gates=true", "clock.gates=false", []),
]


def synth(config, liberty, keys, timing=True):
    arguments = ["synth", *common.design(" ".join([config, *keys]))]
    if liberty:
        arguments += ["--liberty", liberty]
    return common.trine(*arguments, *([] if timing else ["--no-timing"]))


def print_keys(config, liberty):
    """Prints two designs for each row, whose modules are mapped once. @return the library's name"""
    def measured(keys):
        report = synth(config, liberty, [INT8, *keys], timing=False)
        return report["gate_equivalents"], report["sram_bits"], report["library"]
    gates, bits, library = measured([])
    rows = [["(the design)", "", round(gates), "", int(bits)]]
    for on, off, both in KEYS:
        more, less = measured([*both, on]), measured([*both, off])
        rows.append([f"`{on}`", f"`{off.split('=')[1]}`", round(more[0] - less[0]),
                     f"{more[0] / less[0] - 1:+.1%}", int(more[1] - less[1])])
    print(f"**{config}, int8, mapped for area**\n")
    common.table(["key", "without it", "GE more", "", "bits of memories more"], rows)
    return library


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
    parser.add_argument("--liberty", default=None)
    parser.add_argument("--modules", action="store_true")
    parser.add_argument("--keys", action="store_true")
    options = parser.parse_args()
    if options.keys:
        libraries = [print_keys(config, options.liberty) for config in options.configs]
        print(f"{libraries[0]}; {common.versions()}")
        return
    reports = [(c, synth(c, options.liberty, [INT8]), synth(c, options.liberty, []))
               for c in options.configs]
    common.table(["configuration", "GE, int8", "per MAC", "GE, three", "per MAC", "more",
                  "memory bits", "s"], [row(*report) for report in reports])
    if options.modules:
        for config, _, full in reports:
            print_modules(config, full)
    print(f"{reports[0][1]['library']}; {common.versions()}")


if __name__ == "__main__":
    main()
