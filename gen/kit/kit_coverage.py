# SPDX-License-Identifier: Apache-2.0
"""Functional coverage: what the machine was asked, of what this design has. Bins come from description.json."""
import collections
import json

from pyuvm import uvm_subscriber

from kit_description import CAUSES, DATA, ENGINES, FIELDS_OF, ISA, operations_of, runs_of, words_of_registers


def classes(field):
    """Bins of a field's values."""
    if field.width == 1:
        return ["0", "1"]
    return ["lowest", "negative", "0", "positive", "highest"] if field.signed else ["0", "1", "other", "high half"]


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


class Coverage(uvm_subscriber):
    """Listens to programs (ProgramItem), bursts and register accesses; counts hits of bins."""

    BEHAVIOURS = ("plain", "pauses", "latency", "slow")

    def build_phase(self):
        self.hits = collections.Counter()

    def hit(self, group, *names):
        self.hits[group, " x ".join(names)] += 1

    def write(self, item):
        item.cover(self)

    def program(self, image, ending):
        before = {}
        self.hit("memory x ending", *ending)
        self.hit("ending", ending[1])
        for run in runs_of(image):
            engine = ENGINES[run.engine]
            op = next((c for c in operations_of(run.engine) if c["code"] == run.op), None)
            if op is None:
                continue
            self.run(run, engine, op["name"], run.op)
            self.hit(f"{engine}: one behind another", before.get(engine, op["name"]), op["name"])
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

    def save(self, path):
        path.write_text(json.dumps([[*key, count] for key, count in sorted(self.hits.items())]))


def bins():
    """All bins by group: what can be reached on this design."""
    found = collections.defaultdict(list)
    outputs, encodings = ([c for c in ISA["codes"][g] if c["available"]] for g in ("post_output", "post_encoding"))
    for number, engine in enumerate(ENGINES):
        ops = operations_of(number)
        found[f"{engine}: operations"] += [op["name"] for op in ops]
        found[f"{engine}: one behind another"] += [f"{a['name']} x {b['name']}" for a in ops for b in ops]
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
    """[group, bins, hit, missed names] of counts [group, name, count]."""
    counted = {(group, name) for group, name, count in hits if count}
    return [[group, len(names), sum((group, n) in counted for n in names), [n for n in names if (group, n) not in counted]]
            for group, names in bins().items()]


assert CAUSES["none"] == 0
