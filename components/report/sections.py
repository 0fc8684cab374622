# SPDX-License-Identifier: Apache-2.0
"""A report's document, out of results."""
import area
import figures
import point
import published
from document import Section, Table, number, percent, present, shortened, text, unknown
from figures import CAUSES
from metrics import SUMMARY, Point, at, batches
from results import number_at


def points_of(results):
    """Each model on each design of which something is known; the smallest design first."""
    points = [Point(results, d, m) for m in models_of(results) for d in designs_of(results)]
    return [p for p in points if p.main or p.accuracy]


def report(results, systems):
    points = points_of(results)
    models = list(dict.fromkeys(p.model for p in points))
    compared = list(dict.fromkeys(r.model for r in results.of(("compare", ))))
    designs = [results.designs[d] for d in designs_of(results)]
    title = " on ".join(", ".join(names) for names in (models or compared, designs) if names)
    groups = [[p for p in points if p.model == model] for model in models]
    measured = [group for group in ([p for p in group if p.main] for group in groups) if group]
    parts = [verdicts(measured)]
    parts += [summary(group) for group in groups]
    parts += filter(None, [comparison(measured)])
    parts += [batch_curves(group) for group in measured]
    parts += [
        point.section(p, folded=sum(map(len, measured)) > 2, shown=FIRST if len(group) == 1 else ())
        for group in measured for p in group
    ]
    parts += filter(None, [area.by_module(results, d) for d in designs_of(results)])
    parts += filter(None, [noise(results, m) for m in compared])
    parts += filter(None, [published.section(points, systems)])
    document = Section(title, [part for part in parts if part] + [sources(results)])
    document.set_ids()
    return document


def models_of(results):
    return sorted({r.model for r in results.of(("verify", "run", "estimate", "accuracy"))})


def designs_of(results):
    """The smallest first."""

    def size(design):
        c = results.configuration(design)
        sides = [c.get("array.rows"), c.get("array.cols")]
        return sides[0] * sides[1] if all(isinstance(s, int) for s in sides) else 0

    return sorted(results.designs, key=lambda d: (size(d), results.designs[d]))


FIRST = (point.cycles, point.roofline)  # pictures of a model on one design, in the summary


def verdicts(groups):
    """Returns the summary: what each model takes on each design in three figures, and what a larger design brings."""
    rows = [[text(p.model),
             text(p.name),
             shortened(p.latency()),
             shortened(p.energy()),
             shortened(p.area())] for group in groups for p in group]
    if not rows:
        return None
    pictures = []
    for group in groups:
        pictures += [cycles_by_design(group)] if len(group) > 1 else [picture(group[0]) for picture in FIRST]
    table = Table("An inference", ["<model", "<design", "time", "energy", "area"], rows)
    return Section("Summary", [*map(verdict, groups), *present([*pictures, area.by_design(groups)]), table])


def cycles_by_design(group):
    """Draws a bar for each design on which the model ran, in parts for the causes of its cycles."""

    def cycles(p, cause):
        return sum(number_at(layer, "causes", cause) * layer.get("times", 1) for layer in p.main["layers"])

    series = [(cause, n, [cycles(p, cause) for p in group]) for cause, n in CAUSES.items()]
    return figures.bars(f"Cycles of {group[0].model} by design and cause", "A bar for each design.", [p.name for p in group],
                        series, "cycles")


def verdict(group):
    """Returns two or three sentences on a model: the first design, the next one and the fastest one."""
    base = group[0]
    sentence = f"{base.model} takes {base.main['cycles']:,} cycles on {base.name}"
    exact = base.exact()
    sentence += f", {exact.text.partition(' bit-exact')[0]} vectors bit-exact." if not exact.command else "."
    fastest = min(group, key=lambda p: p.main["cycles"])
    for p in dict.fromkeys([*group[1:2], fastest]):
        if p is base:
            continue
        macs = p.main["peak_macs_per_cycle"] / base.main["peak_macs_per_cycle"]
        speed = base.main["cycles"] / p.main["cycles"]
        cost = p.area().value / base.area().value if p.area().value and base.area().value else None
        more = f"{macs:.3g}x the MACs" if macs != 1 else "As many MACs"
        sentence += f" {p.name}: {more} bring {speed:.2f}x the speed"
        sentence += f", for {cost:.2f}x the area." if cost else "."
    return sentence


def summary(group):
    rows = [[text(title)] + [value_of(p) for p in group] for _, title, value_of in SUMMARY]
    model = group[0].model
    return Section(
        f"{model}: every metric",
        [Table(f"{model}, an inference", ["<metric"] + ["<" + p.name for p in group], rows, long=len(group) > 2)])


def comparison(groups):
    """Compares designs that run one model: what more PEs give, and what they cost."""
    rows, by_size, by_area = [], [], []
    for k, alike in enumerate(groups):
        if len(alike) < 2:
            continue  # nothing to compare with
        model, base = alike[0].model, alike[0].main
        for p in alike:
            speed = base["cycles"] / p.main["cycles"] if p.main["cycles"] else 0
            size = p.main["peak_macs_per_cycle"] / base["peak_macs_per_cycle"]
            rows.append([
                text(model),
                text(p.name),
                number(p.main["peak_macs_per_cycle"], source=at(p.main, "peak_macs_per_cycle")),
                number(p.main["cycles"], source=at(p.main, "cycles")),
                percent(p.main["utilization"]),
                number(speed, 2),
                percent(speed / size),
                shortened(p.gates()),
                shortened(p.energy())
            ])
        by_size.append((model, k % 10, [(p.main["peak_macs_per_cycle"], p.main["cycles"]) for p in alike]))
        placed = [(round(p.gates().value), p.throughput().value) for p in alike if p.clock_ns() and p.gates().value]
        if len(placed) > 1:
            by_area.append((model, k % 10, placed))
    if not rows:
        return None
    parts = [
        Table("Designs: speed against the first of each model; scalability is speed by size",
              ["<model", "<design", "MACs per cycle", "cycles", "utilization", "speed", "scalability", "GE", "energy"],
              rows)
    ]
    where = "A line for each model; the figures stand in the table below."
    if by_area:
        parts.insert(0, figures.lines("Throughput by area",
                                      where,
                                      by_area,
                                      "gate equivalents",
                                      "inferences/s",
                                      log=True))
    if by_size:
        parts.insert(
            0,
            figures.lines("Cycles of an inference by the size of the array",
                          where,
                          by_size,
                          "MACs per cycle",
                          "cycles",
                          log=True))
    return Section("Designs compared", parts)


def batch_curves(group):
    """Returns the cycles of an image by the size of the batch, with a line and rows for each design."""
    curves, rows = [], []
    for k, p in enumerate(group):
        runs, clock = batches(p), p.clock_ns()
        if runs:
            curves.append((p.name, k % 10, [(r.get("images", 1), r["cycles"] / r.get("images", 1)) for r in runs]))
        for r in runs:
            images = r.get("images", 1)
            rows.append([
                text(p.name),
                number(images, source=at(r, "images")),
                number(r["cycles"], source=at(r, "cycles")),
                number(r["cycles"] / images),
                percent(r["utilization"], source=at(r, "utilization")),
                number((r["dram_bytes_read"] + r["dram_bytes_written"]) / images),
                number(r["cycles"] * clock[0] / 1e6, unit="ms") if clock else unknown(p.command("synth")),
                number(images * 1e9 / r["cycles"] / clock[0]) if clock else unknown(p.command("synth"))
            ])
    title = f"{group[0].model}: batches"
    if not rows:
        command = group[0].command("run") + " MODEL --backend arch --batch 2"
        return Section(title, [Table("Latency by batch", ["<images", "cycles"], [[text("2 and more"), unknown(command)]])])
    return Section(title, [
        figures.lines("Cycles of an image by the size of the batch",
                      "A line for each design; the figures stand in the table below.",
                      curves,
                      "images in a run",
                      "cycles of an image",
                      log=True),
        Table("Latency and throughput by batch", [
            "<design", "images", "cycles", "of an image", "utilization", "bytes of an image", "latency", "inferences/s"
        ], rows, long=len(group) > 2)
    ])


def noise(results, model):
    of = results.of(("compare", ), None, model)[0]
    rows = [[
        text(i + 1),
        text(figures.fitted(layer["name"], 60)),
        text(layer["op"]),
        percent(number_at(layer, "share_equal")),
        number(layer.get("largest_difference"), source=at(of, "layers", i, "largest_difference")),
        number(layer["snr_db"], 1, source=at(of, "layers", i, "snr_db")) if isinstance(
            layer.get("snr_db"), (int, float)) else text("equal" if not layer.get("codes_differ", 1) else "-")
    ] for i, layer in enumerate(of["layers"])]
    names = figures.numbered(of["layers"])
    against = of.get("float_model") or of["against"]
    return Section(
        f"{model}: signal to noise of each layer",
        present([
            figures.bars(f"Signal to noise against {against}",
                         "A bar for each layer; where there is none all codes are equal.", names,
                         [("", 0, [max(0, number_at(layer, "snr_db")) for layer in of["layers"]])], "dB"),
            Table(f"Layers of {model} against {against}",
                  ["number", "<layer", "<operator", "codes equal", "worst, codes", "SNR, dB"],
                  rows,
                  long=True)
        ]))


def sources(results):
    rows = [[
        text(r.name),
        text(r.command),
        text(results.designs.get(r.design, "-")),
        text(r.model or "-"),
        text(r.get("backend", "-"))
    ] for r in results.all]
    rows += [[
        text(t.name),
        text("run --perfetto"),
        text(results.designs.get(t.design, "-")),
        text(t.model),
        text(t.backend)
    ] for t in results.traces]
    rows += [[text(name), text("not read"), text("-"), text("-"), text("-")] for name in results.others]
    return Section(
        "Sources",
        [
            Table(f"{len(rows)} files, of revision {results.revision}",
                  ["<file", "<command", "<design", "<model", "<backend"],
                  rows,
                  long=len(rows) > 20)
        ])
