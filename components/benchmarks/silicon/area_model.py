#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Fits the model of area and clock in `trine estimate` to designs that `trine synth` measured.

usage: area_model.py [--added | --keys [KEY...] | --keep FOLDER [--measure] | --placed FOLDER] [--out FILE] [--liberty FILE]
Without --keep it prints the errors of the present model.
--added    prints what keys add in the present model
--keys     measures what the keys of KEYS, or the given ones, add to designs, and fits only these terms (ten minutes)
--keep     fits it again, to the reports of FOLDER
--measure  synthesizes the designs without a report in FOLDER, one after the other (hours; 1 to 10 minutes each, less
           if modules are known); reports are written completely or not at all, so it can be interrupted and continued
--placed   fits the factor of wires to the reports of `trine synth --place --json` in FOLDER and to the placed designs of
           results/; a report FOLDER/NAME.json is of the design that the report's configuration names
--out      writes the model (tools/estimate/area/sg13g2.json); without it, only its errors are printed
The library is $TRINE_SHARED's sg13g2 if it exists, otherwise the library of `trine synth`.
"""
import argparse
import json
import math
import pathlib
import re
import statistics
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
import common  # noqa: E402

MACRO_BITS = 2048  # synth/partition.h: a smaller memory consists of flip-flops
PATHS = 30  # of a report, the longest first
MODEL = common.ROOT / "tools" / "estimate" / "area" / "sg13g2.json"
INT8, TERNARY = 'array.precisions=["int8"]', 'array.precisions=["int8","ternary"]'
FITTED = [
    "edge32",
    "edge256",
    "edge1024",
    "edge32 memory.imem_kib=16",
    "edge64",
    f"edge32 {INT8}",
    "edge1024 memory.ecc=true",
    "edge256 memory.ecc=true",
    "edge32 vector.enable=false vector.softmax=false vector.table=false",
    "edge64 post.columns_per_cycle=2",
    "edge32 bus.axi_data_bits=128 memory.param_channels=1024 depthwise.enable=false matmul.enable=false",
    f"edge32 {TERNARY} memory.dmem_kib=32 memory.pmem_kib=16 memory.ecc=true pipeline.pe=1",
    "edge32 array.rows=3 array.cols=8 vector.softmax=false memory.pmem_kib=128",
    'edge64 array.rows=5 array.cols=6 array.precisions=["int8","binary"] '
    'memory.dmem_kib=64 memory.pmem_kib=96 memory.ecc=true vector.softmax=false bus.axi_data_bits=128',
]
HELD_OUT = [
    "eyeriss-size",
    f"edge64 array.rows=4 array.cols=4 bus.axi_data_bits=32 {INT8}",
    "edge256 memory.imem_kib=16",
    # Drawn at random, and synthesized after the model's form was fixed.
    'edge64 array.rows=6 array.cols=8 array.precisions=["int8","ternary","binary"] '
    'memory.dmem_kib=128 memory.pmem_kib=96',
    f"edge64 array.rows=8 array.cols=5 {INT8} "
    "memory.dmem_kib=192 memory.pmem_kib=64 memory.ecc=true bus.axi_data_bits=128",
    f"edge64 array.rows=9 array.cols=10 {TERNARY} "
    "memory.dmem_kib=96 memory.pmem_kib=64",
    f"edge64 array.rows=7 array.cols=8 {INT8} vector.softmax=false "
    "memory.dmem_kib=96 memory.pmem_kib=32",
    f"edge32 array.rows=8 array.cols=6 {TERNARY} vector.softmax=false memory.ecc=true "
    "memory.dmem_kib=64 memory.pmem_kib=48 bus.axi_data_bits=128",
]

WITHOUT = "post.partial_sums=false"  # in designs of the fit, because the key has separate terms

# The terms that a key adds to a design with the settings `with_it`: a quantity that is 1 with the key, and its terms.
KEYS = [
    ("weights4", ["array.weights4=true"], [], ["weights4", "cols weights4", "rows cols weights4"]),
    ("groups", ["array.groups=true"], ["array.weights4=true"], ["groups", "cols groups", "rows cols groups"]),
    ("packed", ["memory.packed_weights=true"], [], ["packed", "cols packed"]),
    ("trits", ["memory.packed_weights=true"], [TERNARY, "bus.axi_data_bits=128", "memory.param_channels=1024"],
     ["trits", "cols trits"]),
    ("wide", ["array.activations16=true"], [], ["wide", "rows wide", "rows cols wide"]),
    ("formats", ["array.formats=true"], ["array.activations16=true"], ["formats", "rows formats"]),
    ("wide_bus", ["bus.axi_data_bits=256"], [], ["wide_bus", "rows wide_bus"]),
    ("less_acc", ["array.acc_bits=24"], [], ["less_acc", "rows cols less_acc"]),
    ("sums", ["post.partial_sums=true"], ["post.partial_sums=false"], ["rows sums"]),
]
KEYED, KEYED_HELD_OUT = ["edge32", "edge64", "edge256"], "edge64 array.rows=6 array.cols=12"


def measure(folder, liberty):
    for design in FITTED + HELD_OUT:
        path = report_of(folder, design)
        if not path.exists():
            report = common.trine("synth", *common.design(f"{design} {WITHOUT}"), "--jobs", 1, "--paths", PATHS,
                                  *(["--liberty", liberty] if liberty else []))
            common.save(path, json.dumps(report))
            print(f"{design}: {report['seconds']:.0f} s", flush=True)


def report_of(folder, design):
    name = "".join(c if c.isalnum() or c in "_-." else "_" for c in design)
    return folder / f"{name}.json"


def quantities(report):
    """Returns the quantities that the area of modules may be proportional to; tools/estimate/area_model.cpp uses the
    same."""
    keys = report["configuration"]
    rows, cols = keys["array.rows"], keys["array.cols"]
    precisions = keys["array.precisions"]
    int8 = "int8" in precisions
    vector = keys["vector.enable"]
    banks = next(m["instances"] for m in report["memories"] if m["dmem_pmem"] == m["instances"] and m["width"] in (32, 39))
    return {
        "rows": rows, "cols": cols, "banks": banks, "drained": keys["post.columns_per_cycle"],
        "bus_words": max(keys["bus.axi_data_bits"], 64) / 32, "low_bit": len(precisions) > int8, "int8": int8,
        "weights4": keys.get("array.weights4", False), "groups": keys.get("array.groups", False),
        "packed": keys.get("memory.packed_weights", False) and keys["bus.axi_data_bits"] <= 64,
        "trits": keys.get("memory.packed_weights", False) and keys["bus.axi_data_bits"] > 64, "wide": keys.get("array.activations16", False),
        "formats": keys.get("array.formats", False), "sums": keys.get("post.partial_sums", False), "wide_bus": max(keys["bus.axi_data_bits"], 64) / 32 - 2,
        "less_acc": 32 - keys.get("array.acc_bits", 32),
        "one_stage": keys["pipeline.pe"] == 1, "vector": vector, "softmax": vector and keys["vector.softmax"],
        "window": keys["depthwise.enable"] and int8 and cols >= 4, "zero_points": keys["matmul.enable"] and int8,
        "flop_bits": flop_bits(keys["memory.param_channels"], keys["post.columns_per_cycle"]),
        "flops": flop_bits(keys["memory.param_channels"], keys["post.columns_per_cycle"]) > 0,
        "ecc": keys["memory.ecc"], "imem": keys.get("memory.imem_kib", 0) > 0,
        "row_levels": math.log2(rows), "narrow": cols <= 4}


def flop_bits(channels, banks):
    """Returns the bits of the parameter memories (bias, multiplier, shift) that are too small for macros."""
    return sum(bits * channels for bits in (32, 31, 6) if bits * channels // banks < MACRO_BITS)


# Modules by part of the machine, and the terms of their area. Modules without a group belong to control.
GROUPS = {
    "PEs": (["pe", "pe_block", "array", "matrix", "expand", "booth_digits"],
            ["rows cols int8", "rows cols low_bit", "rows", "cols"]),
    "zero points": (["zero_points"], ["zero_points", "rows zero_points", "cols zero_points"]),
    "post lanes": (["mul", "post_lane", "post_operand", "post_shift", "lanes", "drain", "drain_residual",
                    "param_memories", "params"], ["", "rows low_bit", "rows drained", "flop_bits"]),
    "vector lanes": (["vector_lane", "vector", "vector_regs", "lane_arb"], ["vector", "rows vector"]),
    "softmax lanes": (["softmax_lane", "softmax"], ["softmax", "rows softmax"]),
    "address generators": (["agu", "operands", "jobs"], ["", "rows", "vector", "rows vector"]),
    "feature memory": (["dmem", "gather", "scatter", "gather_arb", "dmem_dma", "ecc_encode", "ecc_decode", "ecc", "pmem"],
                       ["banks", "rows banks", "ecc banks", "ecc cols"]),
    "bus": (["dma_reads", "dma_requests", "load", "load_rows", "pack", "axi_read", "axi_write", "bus_write", "fetch",
             "imem"], ["", "bus_words", "rows", "imem"]),
    "control": (None, ["", "rows"]),
}
BUFFERS = ["", "rows"]  # and strengths, of the whole design
# The clock is the longest of these paths: name, register groups at its ends (clock_paths of a report), terms of its
# length; a design without the first term has no such path.
CLOCK = [
    ("words of a softmax to a distance", r"trine_sram.*u_words$", r"trine_softmax_lane ", ["softmax"]),
    ("activation through a column's digits to the zero points", r"trine_pe_block ", r"trine_zero_points ",
     ["zero_points low_bit", "zero_points low_bit narrow"]),
    ("a PE of one stage", r"trine_pe", r"trine_pe ", ["one_stage"]),
    ("drain to the next tile's addresses, or to parameters in flip-flops", r"trine_(drain|lane_arb) ", r"",
     ["", "row_levels", "flops"])]


def product(term, of):
    return math.prod(of[name] for name in term.split())


def least_squares(rows, wanted):
    """Returns nonnegative coefficients that minimize the sum of the squared relative errors."""
    scaled = [[x / y for x in row] for row, y in zip(rows, wanted) if y]
    size = len(scaled[0])
    gram = [[sum(row[i] * row[j] for row in scaled) for j in range(size)] for i in range(size)]
    toward = [sum(row[i] for row in scaled) for i in range(size)]
    found = [0.0] * size
    for _ in range(20_000):
        for i in range(size):
            if gram[i][i]:
                rest = toward[i] - sum(gram[i][j] * found[j] for j in range(size) if j != i)
                found[i] = max(0.0, rest / gram[i][i])
    return found


def fitted(terms, reports, wanted):
    """Returns the terms with coefficients of one sign: below zero if what is wanted is below zero."""
    rows = [[product(term, quantities(report)) for term in terms] for report in reports]
    sign = -1 if sum(wanted) < 0 else 1
    return [{"of": term.split(), "each": sign * float(f"{each:.6g}")} for term, each in
            zip(terms, least_squares(rows, [sign * value for value in wanted])) if each > 1e-6]


def summed(terms, of):
    return sum(term["each"] * product(" ".join(term["of"]), of) for term in terms)


def group_of(module):
    name = module["name"].removeprefix("trine_").partition("__")[0]
    return next((group for group, (names, _) in GROUPS.items() if names and name in names), "control")


def of_group(report, group):
    return sum(m["gate_equivalents_total"] for m in report["modules"] if group_of(m) == group)


def longest(paths, of):
    return max(summed(path["terms"], of) for path in paths)


def paths_fitted(reports, what):
    """Returns CLOCK with coefficients, fitted to the lengths in reports. Only late cells are strengthened, and not
    equally well (synth/timing/repair.h): of designs whose path should be equal, the shortest path counts, or the
    shortest clock. If that is longer than all fitted paths, it belongs to the last path, which varies most."""
    done = []
    for name, start, end, terms in CLOCK:
        shortest = {}
        for report in reports:
            of = quantities(report)
            row = tuple(product(term, of) for term in terms)
            ns = max((p["ns"] for p in report["clock_paths"] if re.match(start, p["from"]) and re.search(end, p["to"])),
                     default=0)
            if terms[0] == "" and report[what] > SURPLUS * max(ns, longest(done, of)):
                ns = report[what]
            if row[0] and ns:
                shortest[row] = min(ns, report[what], shortest.get(row, ns))
        each = least_squares(list(shortest), list(shortest.values())) if shortest else []
        done.append({"name": name, "terms": [{"of": term.split(), "each": float(f"{x:.4g}")}
                                             for term, x in zip(terms, each) if x > 1e-6]})
    return done


def memories(keys):
    """Returns name, instances, width, depth; spec/memories.cpp has the same."""
    bits, drain, rows = keys["bus.axi_data_bits"], keys["post.columns_per_cycle"], keys["array.rows"]
    bits = max(bits, 64)
    channels, scales = keys["memory.param_channels"], max(bits // 64 // drain, 1)
    return [("biases", drain, bits // drain, channels * 32 // bits),
            ("multipliers", drain, 31 * scales, channels // scales // drain),
            ("shifts", drain, 6 * scales, channels // scales // drain),
            ("instruction queues", 4, 61, 64), ("fetch buffer", 1, bits, 4096 // bits),
            ("lookup tables", rows, 8, 256), ("exponentials", drain * rows, 32, 256), ("words of a softmax", rows, 32, 256)]


def named(report):
    """Yields the memories of a report with their names; of two equal ones, the words of a softmax have the least
    time."""
    known = memories(report["configuration"])
    for m in sorted(report["memories"], key=lambda m: -m["most_ns"]):
        shape = (m["instances"], m["width"], m["depth"])
        if m["dmem_pmem"]:
            name = "feature maps, banks" if m["width"] in (32, 39) else "weights, even and odd rows"
        else:
            entry = next((entry for entry in known if entry[1:] == shape), ("instructions",))
            name = entry[0]
            if entry in known:
                known.remove(entry)
        yield name, m


def line(points):
    """Fits a line by least squares: returns its value at 0 and its slope; 0 for points at a single place."""
    x, y = (sum(values) / len(points) for values in zip(*points))
    square = sum((p[0] - x) ** 2 for p in points)
    slope = sum((p[0] - x) * (p[1] - y) for p in points) / square if square else 0
    return y - slope * x, slope


def behind(reports):
    """Returns by memory: the time of the clock that remains after reading it."""
    found = {}
    for report in reports:
        for name, m in named(report):
            found.setdefault(name, []).append((math.log2(m["depth"]), report["clock_wanted_ns"] - m["most_ns"]))
    return {name: dict(zip(["ns", "ns_of_a_level"], (round(x, 4) for x in line(points))))
            for name, points in sorted(found.items())}


SURPLUS = 1.01  # of a clock: more is worth checking
MULTIPLEXER_NS = 0.2  # synth/read/liberty.cpp: for each multiplexer level of stacked macros


def tile(macros, width, depth, most_ns):
    """Returns the area of a memory's macros: the smallest that is fast enough, otherwise the fastest;
    synth/read/liberty.cpp has the same."""
    choices = []
    for macro in macros:
        down = -(-depth // macro["depth"])
        um2 = -(-width // macro["width"]) * down * macro["area_um2"]
        ns = macro["access_ns"] + MULTIPLEXER_NS * (down - 1).bit_length()
        choices.append((ns > most_ns, *((um2, ns) if ns <= most_ns else (ns, um2)), um2))
    return min(choices)[-1]


def sram_um2(model, report):
    wanted = longest(model["clock_wanted_ns"], quantities(report))
    total = 0
    for name, m in named(report):
        after = model["behind"].get(name, {"ns": 0, "ns_of_a_level": 0})
        most = wanted - after["ns"] - after["ns_of_a_level"] * math.log2(m["depth"])
        total += m["instances"] * tile(model["macros"], m["width"], m["depth"], most)
    return total


def fit(reports):
    return {
        "groups": [{"name": group, "terms": fitted(terms, reports, [of_group(r, group) for r in reports])}
                   for group, (_, terms) in GROUPS.items()],
        "buffers": fitted(BUFFERS, reports, [r["logic_gate_equivalents"] - r["gate_equivalents"] for r in reports]),
        "macros": reports[0]["macros"], "behind": behind(reports),
        "clock_wanted_ns": paths_fitted(reports, "clock_wanted_ns"), "clock_ns": paths_fitted(reports, "clock_ns")}


def keyed(liberty, wanted):
    """Yields what each key adds to some designs and to a held-out one, in gate equivalents; mapped for area."""
    known = {}

    def logic(design, keys):
        name = " ".join([design, *keys])
        if name not in known:
            known[name] = common.trine("synth", *common.design(name), "--no-timing", *(["--liberty", liberty] if liberty else []))
        return known[name]

    for key, added, with_it, terms in KEYS:
        if wanted and key not in wanted:
            continue
        reports, more = [], []
        for design in [*KEYED, KEYED_HELD_OUT]:
            reports.append(logic(design, with_it + added))
            more.append(reports[-1]["gate_equivalents"] - logic(design, with_it)["gate_equivalents"])
            print(f"{design}: {key} {more[-1]:.0f} GE", file=sys.stderr, flush=True)
        found = fitted(terms, reports[:-1], more[:-1])
        error = summed(found, quantities(reports[-1])) - more[-1]
        yield {"key": key, "with": with_it, "added": added, "terms": found, "measured": dict(zip([*KEYED, KEYED_HELD_OUT], map(round, more))),
               "error_held_out": round(error / logic(KEYED_HELD_OUT, with_it)["gate_equivalents"], 4)}


def predicted(model, report):
    of = quantities(report)
    logic = sum(summed(group["terms"], of) for group in model["groups"] + model["keys"])
    nand2 = report["nand2_um2"]
    memory = sram_um2(model, report)
    return {"area_um2": logic * nand2, "sram_um2": memory,
            "total_um2": (logic + summed(model["buffers"], of)) * nand2 + memory,
            "clock_ns": longest(model["clock_ns"], of)}


def placed(folder, model):
    """Returns the factor by which wires lengthen the clock, with its designs. The error of a design is that of the predicted
    clock times the factor of the others."""
    designs = []
    for file in sorted(folder.glob("*.json")):
        report = json.loads(file.read_text())
        designs.append({"design": file.stem, "revision": report["revision"], "placed_ns": report["clock_placed_ns"],
                        "ns": report["clock_ns"], "predicted_ns": longest(model["clock_ns"], quantities(report))})
    for design in model["placed"]["designs"]:
        if design["design"] not in [d["design"] for d in designs]:
            designs.append(design)
    ratios = [d["placed_ns"] / d["ns"] for d in designs]
    for i, d in enumerate(designs):
        others = statistics.geometric_mean(ratios[:i] + ratios[i + 1:])
        d["error"] = round(d["predicted_ns"] * others / d["placed_ns"] - 1, 4)
    return {"factor": round(statistics.geometric_mean(ratios), 4), "error": max(abs(d["error"]) for d in designs),
            "designs": designs}


def print_placed(model):
    common.table(["placed design", "ns", "without wires", "ratio", "predicted, ns", ""],
                 [[d["design"], f"{d['placed_ns']:.2f}", f"{d['ns']:.2f}", f"{d['placed_ns'] / d['ns']:.3f}",
                   f"{d['predicted_ns'] * model['placed']['factor']:.2f}", f"{100 * d['error']:+.1f} %"]
                  for d in model["placed"]["designs"]])
    print(f"Wires: a factor of {model['placed']['factor']}; each error is of a factor without that design.")


def point(design, report, model):
    found = predicted(model, report)
    keys = report["configuration"]
    return {"design": design, "revision": report["revision"], "rows": keys["array.rows"], "cols": keys["array.cols"],
            **{what: {"measured": round(report[what], 4), "error": round(found[what] / report[what] - 1, 4)}
               for what in found}}


def worst(points, what):
    return max(abs(p[what]["error"]) for p in points)


def built(folder):
    """Returns the model, with the designs that it was fitted to and the held-out ones, and its errors."""
    def there(designs):
        return {d: json.loads(report_of(folder, d).read_text()) for d in designs if report_of(folder, d).exists()}

    known, others = there(FITTED), there(HELD_OUT)
    reports = list(known.values())
    model = {"library": reports[0]["library"], "nand2_um2": reports[0]["nand2_um2"], **fit(reports), "keys": []}
    model["fitted"] = [point(d, r, model) for d, r in known.items()]
    model["held_out"] = [point(d, r, model) for d, r in others.items()]
    model["error"] = {what: worst(model["held_out"], what) for what in WHAT}
    return model


WHAT = ["area_um2", "sram_um2", "total_um2", "clock_ns"]
MOST = 0.12  # error of a held-out design; the same in tools/estimate/estimate_test.cpp


def print_model(model):
    common.table(["design", "cells, um2", "", "macros, um2", "", "all, um2", "", "clock, ns", ""],
                 [[("held out: " if p in model["held_out"] else "") + p["design"],
                   *(x for what in WHAT for x in (round(p[what]["measured"]) if what != "clock_ns" else
                                                  f"{p[what]['measured']:.2f}", f"{100 * p[what]['error']:+.1f} %"))]
                  for p in model["fitted"] + model["held_out"]])
    print(f"{len(model['held_out'])} designs held out, at most "
          + ", ".join(f"{100 * model['error'][what]:.1f} % ({what})" for what in WHAT)
          + f"; {len(model['fitted'])} fitted.\nReports of "
          + ", ".join(sorted({f"`{p['revision'][:7]}{p['revision'][40:]}`" for p in model["fitted"] + model["held_out"]}))
          + ".")


def print_keys(model):
    common.table(["key", *(f"{design}, GE" for design in KEYED), f"held out: {KEYED_HELD_OUT}", "error, of the design"],
                 [[f"`{added[0]}`" + "".join(f", `{w}`" for w in key["with"][1:2]), *key["measured"].values(), f"{100 * key['error_held_out']:+.1f} %"]
                  for (_, added, _, _), key in zip(KEYS, model["keys"])])


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--keep", type=pathlib.Path)
    parser.add_argument("--measure", action="store_true")
    parser.add_argument("--added", action="store_true")
    parser.add_argument("--keys", nargs="*", choices=[key for key, *_ in KEYS])
    parser.add_argument("--placed", type=pathlib.Path)
    parser.add_argument("--out", type=pathlib.Path)
    parser.add_argument("--liberty", default=None)
    options = parser.parse_args()
    if options.measure and not options.keep or options.out and not (options.keep or options.placed or options.keys is not None):
        parser.error("--measure needs --keep, --out --keep, --keys or --placed")
    if options.added:
        print_keys(json.loads(MODEL.read_text()))
        return 0
    if options.measure:
        options.keep.mkdir(parents=True, exist_ok=True)
        measure(options.keep, options.liberty)
    model = json.loads(MODEL.read_text())
    if options.keep:
        model = built(options.keep) | {"keys": model["keys"], "placed": model["placed"]}
    if options.keys is not None:
        measured = {key["key"]: key for key in [*model["keys"], *keyed(options.liberty, options.keys)]}
        model["keys"] = [measured[key] for key, *_ in KEYS if key in measured]
    if options.placed:
        model["placed"] = placed(options.placed, model)
    print_model(model)
    print()
    print_placed(model)
    if options.keys is not None:
        print()
        print_keys(model)
    if options.out:
        common.save(options.out, json.dumps(model, indent=1) + "\n")
    # A faster clock requires other macros at once: a tenth or more of a design that is mostly memory.
    return 0 if all(model["error"][what] <= MOST for what in WHAT if what != "sram_um2") else 1


if __name__ == "__main__":
    sys.exit(main())
