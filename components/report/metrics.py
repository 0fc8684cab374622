# SPDX-License-Identifier: Apache-2.0
"""The metrics of one model on one design, each from the best result that contains it."""
from document import Cell, number, percent, text, unknown

TRUST = {"rtl": 0, "netlist": 1, "arch": 2, "golden": 3}  # first what is nearest to the machine


class Point:
    """A model on a design."""

    def __init__(self, results, design, model):
        self.results, self.design, self.model = results, design, model
        self.name = results.designs[design]
        self.configuration = results.configuration(design)
        runs = results.of(("verify", "run"), design, model)
        self.runs = sorted(runs, key=lambda r: (TRUST.get(r["backend"], 9), r.get("images", 1)))
        self.estimates = results.of(("estimate", ), design, model)
        self.estimate = first([e for e in self.estimates if e.get("images", 1) == 1]) or first(self.estimates)
        self.single = [r for r in self.runs if r.get("images", 1) == 1]
        self.main = first(self.single) or self.estimate or first(self.runs)
        self.synth = first(r for r in results.of(("synth", ), design) if r.get("target", "asic") == "asic")
        self.accuracy = first(results.of(("accuracy", ), design, model))
        self.processor = first(results.of(("cpu", ), model=model))
        traces = [t for t in results.traces if (t.design, t.model) == (design, model)]
        self.trace = first(t for t in traces if any(t.cycles == r["cycles"] for r in self.single))

    def first_with(self, key, results=None):
        """The first result that has a number there."""
        for r in results if results is not None else [*self.single, self.estimate]:
            if r and isinstance(r.get(key), (int, float)):
                return r
        return None

    def command(self, what):
        return f"trine {what} --config {self.configuration.get('name', 'C')}"

    # Each of the following is a Cell.

    def exact(self):
        verified = first(r for r in self.runs if isinstance(r.get("vectors_exact"), int))
        if not verified:
            return unknown(self.command("verify") + " MODEL --vectors DIR")
        return Cell(f"{verified['vectors_exact']:,} of {verified['vectors']:,} bit-exact ({verified['backend']})",
                    value=verified["vectors_exact"],
                    source=at(verified, "vectors_exact"))

    def top1(self):
        if not self.accuracy:
            return unknown(self.command("accuracy") + " MODEL --data DIR")
        cell = percent(self.accuracy["top1"], source=at(self.accuracy, "top1"))
        cell.text += f" of {self.accuracy['images']:,}"
        return cell

    def float_top1(self):
        if not self.accuracy or not isinstance(self.accuracy.get("top1_float"), (int, float)):
            return unknown(self.command("accuracy") + " MODEL --data DIR --float F")
        return percent(self.accuracy["top1_float"], source=at(self.accuracy, "top1_float"))

    def cycles(self):
        if not self.main:
            return unknown(self.command("run") + " MODEL")
        cell = number(self.main["cycles"], source=at(self.main, "cycles"))
        cell.text += f" ({self.backend()})"
        return cell

    def backend(self):
        return "estimated" if self.main is self.estimate else self.main["backend"]

    def clock_ns(self):
        """(ns, how it is known, the Cell's source), or None."""
        sources = [(self.synth, "clock_placed_ns", "placed"), (self.estimate, "clock_placed_ns", "placed, model"),
                   (self.main, "clock_placed_ns", "placed, model"), (self.synth, "clock_ns", "synthesized, no wires"),
                   (self.estimate, "clock_ns", "model, no wires"), (self.main, "clock_ns", "model, no wires")]
        for result, key, how in sources:
            if result and isinstance(result.get(key), (int, float)) and result[key] > 0:
                return result[key], how, at(result, key)
        return None

    def clock(self):
        known = self.clock_ns()
        if not known:
            return unknown(self.command("synth"))
        ns, how, source = known
        return Cell(f"{ns:.2f} ns, {1000 / ns:.0f} MHz ({how})", value=ns, source=source)

    def utilization(self):
        if not self.main:
            return unknown(self.command("run") + " MODEL")
        cell = percent(self.main["utilization"], source=at(self.main, "utilization"))
        cell.text += f" of {' and '.join(f'{peak:,}' for peak in self.peaks())} MACs per cycle"
        return cell

    def peaks(self):
        """The array's MACs per cycle in each precision of the model's layers, in increasing order."""
        whole = self.main["peak_macs_per_cycle"]
        return sorted({layer.get("peak_macs_per_cycle", whole) for layer in self.main["layers"] if layer["macs"]} or {whole})

    def latency(self):
        known = self.clock_ns()
        if not known or not self.main:
            return unknown(self.command("synth") if self.main else self.command("run") + " MODEL")
        cell = number(self.main["cycles"] * known[0] / 1e6, unit="ms")
        cell.text += host_note(self.host())
        return cell

    def cpu(self):
        of = self.processor
        if not of:
            return unknown("trine cpu MODEL")
        cell = number(of["milliseconds"], unit="ms", source=at(of, "milliseconds"))
        cell.text += f" ({of['runtime']}, {of['cpu']})"
        return cell

    def host(self):
        """Returns the operators that the host runs for one inference, whose time no command measures; None: not known."""
        of = first(r for r in self.runs if isinstance(r.get("host"), list))
        return of["host"] if of else None

    def best_batch(self):
        """The run with the fewest cycles an image."""
        runs = batches(self)
        return min(runs, key=lambda r: r["cycles"] / r.get("images", 1)) if runs else self.main

    def throughput(self):
        known, run = self.clock_ns(), self.best_batch()
        if not known or not run:
            return unknown(self.command("synth") if run else self.command("run") + " MODEL")
        images = run.get("images", 1)
        cell = number(images * 1e9 / (run["cycles"] * known[0]))
        cell.text += f" inferences/s (batch {images}){host_note(run.get('host'))}"
        return cell

    def gops(self):
        known, run = self.clock_ns(), self.best_batch()
        if not known or not run:
            return unknown(self.command("synth") if run else self.command("run") + " MODEL")
        return number(2 * run["macs"] / (run["cycles"] * known[0]), unit="GOPS")

    def energy(self):
        of = self.first_with("energy_pj")
        if not of:
            return unknown(self.command("estimate") + " MODEL")
        return Cell(number(of["energy_pj"] / 1e6, unit="µJ").text, value=of["energy_pj"], source=at(of, "energy_pj"))

    def energy_split(self):
        """The result with `energy`, or None."""
        results = [*self.single, self.estimate]
        return first(r for r in results if r and isinstance(r.get("energy"), dict))

    def dram_energy(self):
        of = self.energy_split()
        pj = of["energy"].get("dram_pj") if of else None
        if not isinstance(pj, (int, float)):
            return unknown(self.command("estimate") + " MODEL")
        cell = Cell(number(pj / 1e6, unit="µJ").text, value=pj, source=at(of, "energy", "dram_pj"))
        per_bit = of["energy"].get("dram_pj_per_bit")
        cell.text += f" at {per_bit:g} pJ/bit" if isinstance(per_bit, (int, float)) else ""
        return cell

    def tops_per_watt(self):
        of = self.first_with("energy_pj")
        if not of or not of["energy_pj"]:
            return unknown(self.command("estimate") + " MODEL")
        return number(2 * of["macs"] / of["energy_pj"], unit="TOPS/W")

    def traffic(self, key):
        of = self.first_with(key)
        if not of:
            return unknown(self.command("run") + " MODEL --backend arch")
        return number(of[key], unit="bytes", source=at(of, key))

    def area(self):
        for of, key, how in ((self.synth, "total_um2", "with memories"),
                             (self.synth, "area_um2", "logic, without memories"),
                             (self.estimate, "total_um2", "with memories, model")):
            if of and isinstance(of.get(key), (int, float)):
                cell = number(of[key] / 1e6, unit="mm²")
                return Cell(f"{cell.text} ({how})", value=of[key], source=at(of, key))
        return unknown(self.command("synth"))

    def gates(self):
        for of, how in ((self.synth, "logic"), (self.estimate, "model")):
            if of and isinstance(of.get("gate_equivalents"), (int, float)):
                cell = number(int(round(of["gate_equivalents"])), unit="GE")
                library = f", {of['library']}" if of.get("library") else ""
                return Cell(f"{cell.text} ({how}{library})",
                            value=of["gate_equivalents"],
                            source=at(of, "gate_equivalents"))
        return unknown(self.command("synth"))

    def flexibility(self):
        precisions = self.configuration.get("array.precisions", [])
        return text(", ".join(precisions) if isinstance(precisions, list) else str(precisions))

    def on_machine(self):
        host = self.host()
        if host is None:
            return unknown(self.command("run") + " MODEL --backend arch")
        share = sum(op.get("share", 0) for op in host)
        return Cell(f"{100 * (1 - share):.1f} % of the MACs, {len(host)} operators on the host", value=1 - share)


def at(result, *pointer):
    """Returns the place of a number: file and JSON pointer."""
    return f"{result.name}#/" + "/".join(str(p).replace("~", "~0").replace("/", "~1") for p in pointer)


def host_note(operators):
    """Returns a note on the host operators that a time of the machine leaves out."""
    count = len(operators or [])
    return f" without {count} operator{'s' if count > 1 else ''} on the host" if count else ""


def first(items):
    return next(iter(items), None)


def batches(point):
    """Its runs on the most trusted backend that has several sizes of batch, or its estimates, by size."""
    for backend in sorted({r["backend"] for r in point.runs}, key=lambda b: TRUST.get(b, 9)):
        sizes = {r.get("images", 1): r for r in reversed(point.runs) if r["backend"] == backend}
        if len(sizes) > 1:
            return [sizes[n] for n in sorted(sizes)]
    sizes = {e.get("images", 1): e for e in point.estimates}
    return [sizes[n] for n in sorted(sizes)] if len(sizes) > 1 else []


SUMMARY = [  # key of --json, title, Cell
    ("vectors_exact", "Exactness", Point.exact),
    ("top1", "Accuracy, top-1", Point.top1),
    ("top1_float", "Top-1 of the float model", Point.float_top1),
    ("cycles", "Cycles, batch 1", Point.cycles),
    ("clock_ns", "Clock", Point.clock),
    ("latency_ms", "Latency, batch 1", Point.latency),
    ("cpu_ms", "One core of a CPU", Point.cpu),
    ("inferences_per_second", "Throughput", Point.throughput),
    ("gops", "Operations", Point.gops),
    ("utilization", "Utilization", Point.utilization),
    ("energy_pj", "Energy an inference, chip", Point.energy),
    ("dram_pj", "DRAM, apart", Point.dram_energy),
    ("tops_per_watt", "Efficiency", Point.tops_per_watt),
    ("dram_bytes_read", "Off-chip, read", lambda p: p.traffic("dram_bytes_read")),
    ("dram_bytes_written", "Off-chip, written", lambda p: p.traffic("dram_bytes_written")),
    ("area_um2", "Area", Point.area),
    ("gate_equivalents", "Gate equivalents", Point.gates),
    ("precisions", "Precisions", Point.flexibility),
    ("share_on_machine", "On the machine", Point.on_machine),
]


def summary_json(point):
    """Null: not known."""
    cells = {key: value_of(point) for key, _, value_of in SUMMARY}
    values = {key: c.text if c.value is None and not c.command else c.value for key, c in cells.items()}
    host = point.host()
    return {
        "model": point.model,
        "design": point.name,
        "design_hash": point.design,
        **values, "host_operators": None if host is None else len(host)
    }
