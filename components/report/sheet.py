# SPDX-License-Identifier: Apache-2.0
"""Specification sheets: a sheet of the chip and a sheet of each network on it, next to published sheets.

The rows are those that Sze, Chen, Yang and Emer ask of an accelerator (Efficient Processing of Deep Neural Networks,
2020, chapter 3, and their lectures' two sheets of Eyeriss). `chips` of published.json has the published values.
"""
from document import Cell, Section, Table, number, percent, text
from metrics import at

PROCESSES = {"sg13g2": "130 nm", "sky130": "130 nm", "gf180": "180 nm", "osu018": "180 nm"}
PRECISIONS = {4: ("int8", 8), 16: ("ternary", 2), 32: ("binary", 1)}  # by MACs of a PE in a cycle: name, bits
SIMULATORS = {"rtl": "simulated (RTL)", "arch": "simulated", "golden": "not simulated"}
NONE = Cell("-")
SAME = 0.01  # networks whose MACs differ by less have the same layers
KIB = 1024


def document(points, chips):
    """Returns the sheet of all designs, then the sheet of each model."""
    points = [p for p in points if p.main]
    designs = list({p.design: p for p in points}.values())
    shown = [chip for chip in chips if any(is_size_of(chip, p) for p in designs)]
    sheets = [Section("The chip", [NOTE, sheet("The chip", CHIP, designs, shown)])]
    for model in dict.fromkeys(p.model for p in points):
        runs = [Run(p, result) for p in points if p.model == model for result in by_batch(p)]
        theirs = [{**chip, **run} for chip in chips for run in chip["runs"] if any(is_alike(chip, run, r) for r in runs)]
        shown += [chip for chip in chips if chip not in shown and any(t["chip"] == chip["chip"] for t in theirs)]
        sheets.append(Section(f"Network {model}", [sheet(model, NETWORK, runs, theirs), *unlike(model, runs, theirs)]))
    if shown:
        sheets.append(Section("Sources", [f"{chip['chip']}: {chip['source']}." for chip in shown]))
    sheets = Section("Specification sheets", sheets)
    sheets.set_ids()
    return sheets


NOTE = ("KB are 1,024 bytes, MB are 1,000,000 bytes. A MAC is two operations. Power and energy are those of the chip without "
        "DRAM, areas those of logic and memories. An access to DRAM is one operand. Values of different processes and voltages "
        "do not compare.")


def as_json(document):
    """Returns each sheet as its rows: {"row": title, column: number, text or null, ...}."""
    def value(cell):
        return cell.value if cell.value is not None else None if cell.text in ("-", "not known") else cell.text
    return [{"sheet": part.caption, "rows": [dict(zip(["row", *(c.lstrip("<") for c in part.columns[1:])], map(value, row)))
                                             for row in part.rows]} for part in document.walk() if isinstance(part, Table)]


def unlike(model, runs, theirs):
    """Says which published runs are of other layers."""
    macs = runs[0].result["macs"] // runs[0].images
    return [f"{model} has {macs:,} MACs, {t['network']} of {t['chip']} {t['macs']:,}: they are not the same layers, so times, "
            "traffic and accesses do not compare. The MACs of fully connected layers load a weight each."
            for t in theirs if abs(macs / t.get("macs", macs) - 1) > SAME]


def sheet(title, rows, ours, theirs):
    """A table with a column for each of ours and of theirs, without the rows of which nothing is known."""
    names = distinct([one.name for one in ours]) + distinct([t["chip"] for t in theirs])
    columns = ["<", *(f"<{name}" for name in names)]
    cells = [[text(row), *(own(one) for one in ours), *(published(t, key, unit) for t in theirs)] for row, own, key, unit in rows]
    return Table(title, columns, [row for row in cells if any(cell.text != "-" for cell in row[1:])])


def distinct(names):
    return [name if names.count(name) == 1 else f"{name} #{names[:i].count(name) + 1}" for i, name in enumerate(names)]


def published(entry, key, unit):
    value = entry.get(key)
    if value is None:
        return NONE
    if isinstance(value, str):
        return text(value)
    if unit == "%":
        return percent(value)
    return Cell(f"{value:,}" + (f"\u00a0{unit}" if unit else ""), value=value)  # with the digits that were published


def is_size_of(chip, point):
    return point.configuration.get("name") == chip["preset"]


def is_alike(chip, run, ours):
    """True for the same network, and for a rate of a precision that our design of that chip's size has run."""
    return ours.point.model in run.get("models", []) or (is_size_of(chip, ours.point)
                                                         and run.get("precision") == ours.precision()[0])


def by_batch(point):
    """Returns a point's most trusted result of each batch, by batch."""
    results = {}
    for result in [*point.runs, *point.estimates]:
        results.setdefault(result.get("images", 1), result)
    return [results[images] for images in sorted(results)]


class Run:
    """A result of a model on a design: one batch."""

    def __init__(self, point, result):
        self.point, self.result = point, result
        self.images = result.get("images", 1)
        self.name = point.name
        known = point.clock_ns()
        self.seconds = result["cycles"] * known[0] / 1e9 if known else None

    def known(self, key):
        return isinstance(self.result.get(key), (int, float))

    def precision(self):
        """(name, bits) of the operands of most MACs."""
        configuration, macs = self.point.configuration, {}
        pes = configuration.get("array.rows", 1) * configuration.get("array.cols", 1) * configuration.get("cluster.cores", 1)
        for layer in self.result["layers"]:
            rate = layer.get("peak_macs_per_cycle", 4 * pes) // pes
            macs[rate] = macs.get(rate, 0) + layer["macs"] * layer.get("times", 1)
        return PRECISIONS.get(max(macs, key=macs.get, default=4), PRECISIONS[4])

    def time(self):
        return number(1000 * self.seconds, unit="ms") if self.seconds else NONE

    def rate(self):
        return number(self.images / self.seconds) if self.seconds else NONE

    def power(self):
        if not self.seconds or not self.known("energy_pj"):
            return NONE
        return number(self.result["energy_pj"] / self.seconds / 1e9, unit="mW")

    def energy(self):
        return number(self.result["energy_pj"] / self.images / 1e9, unit="mJ") if self.known("energy_pj") else NONE

    def energy_of_operation(self):
        return number(self.result["energy_pj"] / 2 / self.result["macs"], unit="pJ") if self.known("energy_pj") else NONE

    def rate_of_operations(self):
        return number(2 * self.result["macs"] / self.seconds / 1e9, unit="GOPS") if self.seconds else NONE

    def traffic(self):
        """Bytes of DRAM, or None."""
        known = all(self.known(key) for key in ("dram_bytes_read", "dram_bytes_written"))
        return self.result["dram_bytes_read"] + self.result["dram_bytes_written"] if known else None

    def megabytes(self):
        return number(self.traffic() / 1e6, unit="MB") if self.traffic() is not None else NONE

    def accesses(self):
        if self.traffic() is None or not self.result["macs"]:
            return NONE
        return number(self.traffic() * 8 / self.precision()[1] / self.result["macs"])

    def how(self):
        return text("estimated" if self.result.command == "estimate" else SIMULATORS.get(self.result["backend"], "simulated"))

    def tested(self):
        exact = self.result.get("vectors_exact")
        return number(exact, unit="bit-exact") if isinstance(exact, int) else text("none, only timed")


def process(point):
    library = str((point.synth or point.estimate or {}).get("library") or "")
    return text(next((f"{nm}, {name}" for name, nm in PROCESSES.items() if name in library), library or "-"))


def multipliers(point):
    return point.main["peak_macs_per_cycle"]


def area(point):
    cell = point.area()
    return number(cell.value / 1e6, unit="mm²", source=cell.source) if cell.value else NONE


def area_of_multiplier(point):
    return number(area(point).value / multipliers(point), unit="mm²") if area(point).value else NONE


def memory(point):
    bytes_ = point.estimate.get("on_chip_bytes") if point.estimate else None
    return number(bytes_ / KIB, unit="KB") if isinstance(bytes_, (int, float)) else NONE


def memory_of_multiplier(point):
    return number(memory(point).value / multipliers(point), unit="KB") if memory(point).value else NONE


def clock(point):
    known = point.clock_ns()
    return number(1000 / known[0], 0, unit="MHz") if known else NONE


def clock_is(point):
    known = point.clock_ns()
    return text("predicted for the placed design" if known[1] == "placed, model" else known[1]) if known else NONE


def peak(point):
    known = point.clock_ns()
    return number(2 * multipliers(point) / known[0], unit="GOPS") if known else NONE


def gates(point):
    cell = point.gates()
    return number(round(cell.value), unit="GE") if cell.value else NONE


def chip_is(point):
    return text("simulated; area synthesized" if point.synth else "simulated; area predicted")


CHIP = [  # row, ours, key of a published chip, unit
    ("process", process, "process", ""),
    ("area", area, "area_mm2", "mm²"),
    ("logic", gates, "gates", "GE"),
    ("memory on the chip", memory, "memory_kb", "KB"),
    ("MACs a cycle", lambda p: number(multipliers(p)), "multipliers", ""),
    ("area a multiplier", area_of_multiplier, "area_of_multiplier", "mm²"),
    ("memory a multiplier", memory_of_multiplier, "memory_of_multiplier", "KB"),
    ("bits an operand", lambda p: p.flexibility(), "bits", ""),
    ("clock", clock, "clock_mhz", "MHz"),
    ("clock is", clock_is, "", ""),
    ("peak", peak, "peak_gops", "GOPS"),
    ("energy an operation at the peak", lambda p: NONE, "peak_pj", "pJ"),
    ("measured or simulated", chip_is, "measured", ""),
]

NETWORK = [  # row, ours, key of a published run, unit
    ("network", lambda r: text(r.point.model), "network", ""),
    ("accuracy", lambda r: r.point.top1() if r.point.accuracy else NONE, "accuracy", ""),
    ("bits an operand", lambda r: text(f"{r.precision()[1]} ({r.precision()[0]})"), "bits", ""),
    ("batch", lambda r: number(r.images), "batch", ""),
    ("MACs an image", lambda r: number(r.result["macs"] // r.images), "macs", ""),
    ("MACs without zeros", lambda r: NONE, "nonzero_macs", ""),
    ("time of the batch", Run.time, "milliseconds", "ms"),
    ("cycles of the batch", lambda r: number(r.result["cycles"], source=at(r.result, "cycles")), "cycles", ""),
    ("clock", lambda r: clock(r.point), "clock_mhz", "MHz"),
    ("images a second", Run.rate, "images_per_second", ""),
    ("operations", Run.rate_of_operations, "gops", "GOPS"),
    ("utilization", lambda r: percent(r.result["utilization"], source=at(r.result, "utilization")), "utilization", "%"),
    ("power", Run.power, "milliwatts", "mW"),
    ("energy an image", Run.energy, "millijoules", "mJ"),
    ("energy an operation", Run.energy_of_operation, "pj", "pJ"),
    ("DRAM of the batch", Run.megabytes, "dram_mb", "MB"),
    ("DRAM accesses a MAC", Run.accesses, "dram_accesses", ""),
    ("images tested", Run.tested, "images", ""),
    ("measured or simulated", Run.how, "measured", ""),
]
