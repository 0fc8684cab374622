# SPDX-License-Identifier: Apache-2.0
"""Functional coverage of the features of this design. Bins come from description.json."""
import collections
import json
import re

from pyuvm import uvm_subscriber

from kit_description import CAUSES, CONFIGURATION, DATA, ENGINES, FIELDS_OF, ISA, operations_of, runs_of, words_of_registers


def classes(field):
    """Returns the bins of a field's values."""
    if field.width == 1:
        return ["0", "1"]
    if field.signed:
        return ["lowest", "negative", "0", "positive", "highest"]
    return ["0", "1", *(["other"] if field.width > 2 else []), "high half"]


def class_of(field, value):
    if field.width == 1:
        return str(value)
    if field.signed:
        low, high = -(1 << field.width - 1), (1 << field.width - 1) - 1
        return ("0" if value == 0 else "lowest" if value == low else "highest" if value == high else
                "negative" if value < 0 else "positive")
    return str(value) if value < 2 else "high half" if value >> (field.width - 1) else "other"


def flags_of(engine, code):
    return [f for f in ISA["flags"] if f["engines"] >> engine & 1 and f["available"] and f["codes"] >> code & 1]


def length_class(beats):
    return next(f"up to {most}" for most in (1, 2, 4, 8, 16, 32, 64) if beats <= most)


class Hits:
    """Counts hits of bins."""

    def __init__(self):
        self.hits = collections.Counter()

    def hit(self, group, *names):
        self.hits[group, " x ".join(names)] += 1

    def ending(self, memory, cause):
        self.hit("memory x ending", memory, cause)
        self.hit("ending", cause)

    def program(self, words):
        before = {}
        for run in runs_of(words):
            engine = ENGINES[run.engine]
            op = next((c for c in operations_of(run.engine) if c["code"] == run.op), None)
            if op is None:
                continue
            self.run(run, engine, op["name"], run.op)
            self.hit(f"{engine}: one after another", before.get(engine, op["name"]), op["name"])
            before[engine] = op["name"]

    def run(self, run, engine, op, code):
        self.hit(f"{engine}: operations", op)
        for flag in flags_of(run.engine, code):
            self.hit(f"{engine}: operations x flags", op, flag["name"], str(run.flags >> flag["bit"] & 1))
        for other, name in enumerate(ENGINES):
            for what in ("wait", "signal"):
                if other != run.engine and getattr(run, what) >> other & 1:
                    self.hit(f"tokens: {what}", engine, name)
        for name, field in FIELDS_OF[run.engine].items():
            self.hit(f"{engine}: values of fields", name, class_of(field, run.get(name)))
        if engine in ("compute", "vector"):
            output, encoding = self.name_of("post_output", run.get("output")), self.name_of("post_encoding", run.get("encoding"))
            self.hit(f"{engine}: operations x outputs", op, output)
            self.hit(f"{engine}: operations x encodings", op, encoding)
            self.hit(f"{engine}: outputs x encodings", output, encoding)

    @staticmethod
    def name_of(group, code):
        return next((c["name"] for c in ISA["codes"][group] if c["code"] == code), "?")

    def burst(self, burst):
        self.hit("bursts", "write" if burst.write else "read", length_class(burst.beats))
        self.hit("responses", "write" if burst.write else "read", {0: "OKAY", 2: "SLVERR", 3: "DECERR"}.get(burst.response, "?"))

    def access(self, name, write, okay):
        self.hit("registers", name, "write" if write else "read", "OKAY" if okay else "SLVERR")


class Coverage(uvm_subscriber):
    """Receives programs (ProgramItem), bursts and register accesses."""

    BEHAVIOURS = ("plain", "pauses", "latency", "slow", "shy")

    def build_phase(self):
        self.counted = Hits()

    def write(self, item):
        item.cover(self.counted)

    def burst(self, burst):
        self.counted.burst(burst)

    def access(self, *access):
        self.counted.access(*access)

    def save(self, path):
        path.write_text(json.dumps([[*key, count] for key, count in sorted(self.counted.hits.items())]))


# True if memories and bus are so small that upper halves of wide fields never occur.
SMALL = CONFIGURATION["memory.dmem_kib"] * 256 <= 1 << 11 and CONFIGURATION["bus.axi_addr_bits"] < 39


def hits_of(program):
    """Returns the bins (group, name) of a program's words."""
    counted = Hits()
    counted.program(program)
    return set(counted.hits)


# True if all features of these keys exist: codes of later features are illegal where they are missing, and FEATURE is
# reported only for these keys.
WHOLE = (len(CONFIGURATION["array.precisions"]) == 3 and CONFIGURATION["array.cols"] >= 4 and
         all(CONFIGURATION[key] for key in ("vector.enable", "vector.table", "vector.softmax", "matmul.enable", "depthwise.enable")))
EXCLUDED = [(re.compile(pattern), why) for holds, pattern, why in (
    (CONFIGURATION["cluster.cores"] == 1, r"values of fields: (cores|from_core|core_y) x (1|other|high half)", "of a cluster"),
    (WHOLE, r"ending: (.* x )?feature$", "lacks nothing whose lack is another error than an illegal code"),
    (True, r"values of fields: (dram|dram_stride) x 1", "bytes of whole words"),
    (True, r"store: values of fields: local_stride x 1", "whole beats"),
    (True, r"values of fields: (words|stride_x|stride_y) x 0", "at least 1"),
    (True, r"compute: values of fields: channels x 0", "at least 1"),
    (SMALL, r"values of fields: (dram|dram_stride) x high half", "half of 2^40 bytes: beyond the bus"),
    (SMALL, r"values of fields: (local|words|rows_last|local_stride|row|param|channels|out|out_plane) x high half",
     "larger than the memory that it counts in"),
    (SMALL, r"values of fields: (height|width|tile_x|tile_y|stride_x|out_skip|s_last|r_last|words_last|groups_last|tiles_last)"
     " x high half", "larger than any map that DMEM holds"),
    (True, r"vector: values of fields: (halo|idle) x (1|other|high half)", "of the window former, which computes"),
    (True, r"values of fields: (x_end|y_end) x lowest", "above x_start, y_start"),
    (True, r"values of fields: (x_start|y_start) x highest", "below x_end, y_end"),
    (True, r"vector: values of fields: output x 1", "thresholds are compute's"),
    (True, r"flags: (ternary|binary|binary_inside|int8_ternary|int8_binary) x window x 1", "the window former supports only int8"),
    (True, r"flags: matmul x fuse_add x 1", "zero points of both are in the same registers"),
    (True, r"flags: (?!sum)\w+ x reduce x 1", "only sum adds lanes"),
    (True, r"flags: softmax x (invert|single|half_even|center) x 1", "a softmax has one flag, rescale"),
    (True, r"flags: normalize x (invert x 1|half_even x 1|single x 0)", "a normalization has one rounding"),
    (True, r"vector: operations x outputs: (max|min|max_ternary|max_binary|softmax|normalize) x table", "the table follows a requantization"),
    (True, r"compute: outputs x encodings: (requantized|raw) x (ternary|binary)", "these codes come of thresholds and of the table"),
) if holds]


def why_excluded(group, name):
    """Returns why no program can hit this bin, or "": the golden model refuses it, or a field never has the value in
    this design."""
    return next((why for pattern, why in EXCLUDED if pattern.search(f"{group}: {name}")), "")


def bins():
    """Returns all bins by group, except for excluded ones."""
    return {group: left for group, names in all_bins().items() if (left := [n for n in names if not why_excluded(group, n)])}


def excluded():
    """Returns [group, bin, reason]."""
    return [[group, name, why] for group, names in all_bins().items() for name in names if (why := why_excluded(group, name))]


def all_bins():
    """Returns all bins by group: operations, fields, outputs and endings that this design supports."""
    found = collections.defaultdict(list)
    outputs, encodings = ([c for c in ISA["codes"][g] if c["available"]] for g in ("post_output", "post_encoding"))
    for number, engine in enumerate(ENGINES):
        ops = operations_of(number)
        found[f"{engine}: operations"] += [op["name"] for op in ops]
        found[f"{engine}: one after another"] += [f"{a['name']} x {b['name']}" for a in ops for b in ops]
        for op in ops:
            found[f"{engine}: operations x flags"] += [f"{op['name']} x {f['name']} x {v}"
                                                       for f in flags_of(number, op["code"]) for v in (0, 1)]
        found[f"{engine}: values of fields"] += [f"{n} x {c}" for n, f in FIELDS_OF[number].items() for c in classes(f)]
        for what in ("wait", "signal"):
            found[f"tokens: {what}"] += [f"{engine} x {other}" for other in ENGINES if other != engine]
        if engine in ("compute", "vector"):
            some = [o for o in outputs if o["engines"] >> number & 1 and (engine == "compute" or o["name"] in ("requantized", "table"))]
            found[f"{engine}: operations x outputs"] += [f"{op['name']} x {o['name']}" for op in ops for o in some]
            found[f"{engine}: operations x encodings"] += [f"{op['name']} x {e['name']}" for op in ops for e in encodings]
            found[f"{engine}: outputs x encodings"] += [f"{o['name']} x {e['name']}" for o in some for e in encodings]
    causes = ["done"] + [e["name"] for e in DATA["errors"] if e["possible"] and e["code"]]
    found["ending"] = causes
    found["memory x ending"] = [f"{b} x {c}" for b in Coverage.BEHAVIOURS for c in causes if "timeout" not in c]
    for side in ("read", "write"):
        found["bursts"] += [f"{side} x up to {n}" for n in (1, 2, 4, 8, 16, 32, 64)]
        found["responses"] += [f"{side} x {r}" for r in ("OKAY", "SLVERR", "DECERR")]
    for name, _, register, _ in words_of_registers():
        found["registers"].append(f"{name} x read x OKAY")
        found["registers"].append(f"{name} x write x " + ("SLVERR" if register["access"] == "R" else "OKAY"))
    return {group: names for group, names in found.items() if names}


def table(hits):
    """Returns [group, bins, hit, missed names] for counts [group, name, count]."""
    counted = {(group, name) for group, name, count in hits if count}
    wrong = [f"{group}: {name}" for group, name in counted if why_excluded(group, name)]
    assert not wrong, f"bins that are excluded were hit: {wrong}"
    return [[group, len(names), sum((group, n) in counted for n in names), [n for n in names if (group, n) not in counted]]
            for group, names in bins().items()]


assert CAUSES["none"] == 0
