# SPDX-License-Identifier: Apache-2.0
"""A report's document, out of results."""
import collections

import figures
from document import Cell, Section, Table, number, percent, text, unknown
from metrics import SUMMARY, Point, at, batches

BOUNDS = {"compute": 0, "memory": 1, "drain": 2, "vector": 3, "control": 4}
CAUSES = {"compute": 0, "bank": 5, "drain": 2, "memory": 1, "load": 6, "store": 7, "vector": 3, "control": 4}
TRAFFIC = (("constants", 0), ("maps read", 1), ("maps written", 2))
ENGINES = ("layers", "load", "compute", "vector", "store")


def points_of(results):
    """Each model on each design of which something is known; the smallest design first."""
    points = [Point(results, d, m) for m in models_of(results) for d in designs_of(results)]
    return [p for p in points if p.main or p.accuracy]


def report(results, published):
    points = points_of(results)
    models = list(dict.fromkeys(p.model for p in points))
    compared = list(dict.fromkeys(r.model for r in results.of(("compare", ))))
    designs = [results.designs[d] for d in designs_of(results)]
    title = " on ".join(", ".join(names) for names in (models or compared, designs) if names)
    parts = [verdicts([[p for p in points if p.model == model] for model in models])]
    parts += [summary(model, [p for p in points if p.model == model]) for model in models]
    parts += filter(None, [comparison(points, models)])
    parts += [one_point(p) for p in points if p.main]
    parts += filter(None, [area(results, d) for d in designs_of(results)])
    parts += filter(None, [noise(results, m) for m in compared])
    parts += filter(None, [beside(points, published)])
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


def verdicts(groups):
    """First of all: what each model takes on each design in three figures, and what a larger design brings."""
    groups = [[p for p in group if p.main] for group in groups]
    rows = [[text(p.model),
             text(p.name),
             shortened(p.latency()),
             shortened(p.energy()),
             shortened(p.area())] for group in groups for p in group]
    if not rows:
        return None
    sentences = [verdict(group) for group in groups if group]
    pictures = present([*(cycles_by_design(group) for group in groups if group), area_by_design(groups)])
    table = Table("An inference", ["<model", "<design", "time", "energy", "area"], rows)
    return Section("Summary", [*sentences, *pictures, table])


def cycles_by_design(group):
    """A bar for each design on which the model ran, in parts for the causes of its cycles."""
    def cycles(p, cause):
        return sum(part(layer, "causes", cause) * layer.get("times", 1) for layer in p.main["layers"])
    series = [(cause, n, [cycles(p, cause) for p in group]) for cause, n in CAUSES.items()]
    return figures.bars(f"Cycles of {group[0].model} by design and cause", "A bar for each design.", [p.name for p in group],
                        series, "cycles")


def area_by_design(groups):
    """A bar for each design, in parts: memories, then the cells of the largest parts."""
    areas = {}
    for p in (p for group in groups for p in group):
        parts = p.estimate.get("area_parts") if p.estimate else None
        if isinstance(parts, list):
            areas[p.name] = collections.Counter()
            for a in (a for a in parts if isinstance(a, dict)):
                areas[p.name][kind_of_area(str(a.get("name")))] += part(a, "area_um2") / 1e6
    kinds = [kind for kind, _ in sum(areas.values(), collections.Counter()).most_common(8)]
    series = [(kind, n, [area[kind] for area in areas.values()]) for n, kind in enumerate(kinds)]
    series.append(("others", len(kinds), [area.total() - sum(area[kind] for kind in kinds) for area in areas.values()]))
    return figures.bars("Area by design and part, predicted", "A bar for each design.", list(areas), series, "mm²")


def kind_of_area(name):
    """Returns the part, or for a small memory "other memories"."""
    large = ("memory: feature maps", "memory: weights")
    return name if not name.startswith("memory:") or name.startswith(large) else "other memories"


def verdict(group):
    """One sentence or two on a model: the first design, and the others against it."""
    base = group[0]
    sentence = f"{base.model} takes {base.main['cycles']:,} cycles on {base.name}"
    exact = base.exact()
    sentence += f", {exact.text.partition(' bit-exact')[0]} vectors bit-exact." if not exact.command else "."
    for p in group[1:]:
        macs = p.main["peak_macs_per_cycle"] / base.main["peak_macs_per_cycle"]
        speed = base.main["cycles"] / p.main["cycles"]
        cost = p.area().value / base.area().value if p.area().value and base.area().value else None
        more = f"{macs:.3g}x the MACs" if macs != 1 else "As many MACs"
        sentence += f" {p.name}: {more} bring {speed:.2f}x the speed"
        sentence += f", for {cost:.2f}x the area." if cost else "."
    return sentence


def summary(model, points):
    rows = [[text(title)] + [value_of(p) for p in points] for _, title, value_of in SUMMARY]
    return Section(f"{model}: every metric",
                   [Table(f"{model}, an inference", ["<metric"] + ["<" + p.name for p in points], rows, long=len(points) > 2)])


def comparison(points, models):
    """Compares designs that run one model: what more PEs give, and what they cost."""
    rows, by_size, by_area = [], [], []
    for k, model in enumerate(models):
        alike = [p for p in points if p.model == model and p.main]
        if len(alike) < 2:
            continue  # nothing to compare with
        base = alike[0].main
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


def present(parts):
    return [part for part in parts if part]


def shortened(cell):
    return text("-") if cell.command else Cell(cell.text.partition(" (")[0], cell.value, cell.source)


def one_point(p):
    parts = [
        layer_bars(p), *roofline(p), *traffic(p), *energy(p), *timeline(p), *batch_curve(p),
        layer_table(p), *hosts(p)
    ]
    return Section(f"{p.model} on {p.name}", present(parts))


def layer_names(p):
    return numbered(p.main["layers"])


def numbered(layers):
    names = figures.distinct_names([layer["name"] for layer in layers])
    return [f"{i} {figures.fitted(name, 28)}" for i, name in enumerate(names, 1)]


def layer_bars(p):
    layers, names = p.main["layers"], layer_names(p)
    series = [(bound, n, [100 * layer["utilization"] if layer["bound"] == bound else 0
                          for layer in layers])
              for bound, n in BOUNDS.items()]
    causes = [(cause, n, [part(layer, "causes", cause) for layer in layers]) for cause, n in CAUSES.items()]
    if not any(any(values) for *_, values in causes):
        causes = [(bound, n, [layer["cycles"] if layer["bound"] == bound else 0
                              for layer in layers])
                  for bound, n in BOUNDS.items()]
    where = "A bar for each layer; the figures stand in the table of layers below."
    return Section(
        "Utilization and cycles of each layer",
        present([
            figures.bars("Utilization by layer, coloured by what bounds it", where, names, series,
                         "% of the array's MACs", most=100),
            figures.bars("Cycles by layer and cause", where, names, causes, "cycles")
        ]))


def part(layer, *keys):
    for key in keys:
        layer = layer.get(key) if isinstance(layer, dict) else None
    return layer if isinstance(layer, (int, float)) and not isinstance(layer, bool) else 0


def traffic_known(p):
    return all(isinstance(layer.get("dram_bytes_read"), (int, float)) for layer in p.main["layers"])


def bytes_of(layer):
    return part(layer, "dram_bytes_read") + part(layer, "dram_bytes_written")


def roofline(p):
    width = p.configuration.get("bus.axi_data_bits")
    layers = [(i, layer["macs"] / bytes_of(layer) if bytes_of(layer) else None, layer["macs"] / layer["cycles"],
               layer["bound"]) for i, layer in enumerate(p.main["layers"], 1) if layer["macs"] and layer["cycles"]]
    if not layers or not traffic_known(p) or not isinstance(width, int):
        return []
    return [
        Section("Roofline", [
            figures.roofline(
                f"{p.peaks()[-1]:,} MACs and {width // 8} bytes a cycle. Triangles: layers of which no "
                "byte crosses the edge. Left of the bus's line: layers whose constants came while others computed",
                "A point for each layer with MACs, by its number; the two lines are the bus and the array.", layers,
                p.peaks()[-1], width / 8, BOUNDS)
        ])
    ]


def traffic(p):
    layers = p.main["layers"]
    if not traffic_known(p) or not layers or "dram_bytes_written" not in p.main.data:
        return []

    def constants(layer):
        return part(layer, "dram_bytes_constants")

    kinds = [[constants(layer) for layer in layers],
             [part(layer, "dram_bytes_read") - constants(layer) for layer in layers],
             [part(layer, "dram_bytes_written") for layer in layers]]
    rows = [[text(name), number(sum(values))] for (name, _), values in zip(TRAFFIC, kinds)]
    if isinstance(p.main.get("fetched_bytes"), int):
        rows.append([text("program"), number(p.main["fetched_bytes"], source=at(p.main, "fetched_bytes"))])
    rows.append([text("all"), number(p.main["dram_bytes_read"] + p.main["dram_bytes_written"])])
    uses = p.main.get("traffic") or {}
    by_use = [[text(use.replace("_", " ")), number(uses[use], source=at(p.main, "traffic", use))] for use in uses]
    return [
        Section(
            "Off-chip traffic",
            present([
                figures.bars("Bytes between DRAM and the machine by layer and kind",
                             "A bar for each layer; the figures stand in the "
                             "table of layers below.", layer_names(p), [(n, k, v) for (n, k), v in zip(TRAFFIC, kinds)],
                             "bytes"),
                Table("Bytes between DRAM and the machine", ["<kind", "bytes"], rows), by_use
                and Table("The same by what they are for", ["<use", "bytes"], by_use)
            ]))
    ]


def energy(p):
    of = p.energy_split()
    split = of["energy"].get("by_component") if of else None
    if not isinstance(split, dict) or not split:
        return [
            Section("Energy", [
                Table("Energy of an inference", ["<component", "energy"],
                      [[text("all"), unknown(p.command("estimate") + " MODEL")]])
            ])
        ]
    whole = sum(split.values()) or 1
    rows = [[text(name), number(pj / 1e6, unit="µJ"), percent(pj / whole)] for name, pj in split.items()]
    for row, (name, pj) in zip(rows, split.items()):
        row[1].value, row[1].source = pj, at(of, "energy", "by_component", name)
    colours = {name: k % 10 for k, name in enumerate(split)}
    layers = [(name, k, [part(layer, "energy_by_component", name) / 1000
                         for layer in of["layers"]])
              for name, k in colours.items()]
    names = numbered(of["layers"])
    return [
        Section(
            "Energy",
            present([
                figures.bars("Energy by layer and component", "A bar for each layer.", names, layers, "nJ"),
                figures.bars("Energy by component", "A bar for each component; the figures stand in the table below.",
                             list(split), [("", 0, [pj / 1e6 for pj in split.values()])], "µJ"),
                Table(
                    f"Energy of an inference by component, "
                    f"{of['energy'].get('technology', 'technology not known')}, DRAM apart",
                    ["<component", "energy", "share"], rows),
                energy_by_data(of)
            ]))
    ]


def energy_by_data(of):
    """Returns a table: a row for each use, a column for each level. Results of older versions lack it."""
    uses = of["energy"].get("by_data")
    if not isinstance(uses, dict) or not uses:
        return None
    levels = [level for level in ("dram", "dmem", "pmem", "pe", "lanes", "other") if any(level in u for u in uses.values())]
    rows = []
    for use, parts in uses.items():
        cells = [number(parts[level] / 1e6, unit="µJ") if level in parts else text("") for level in levels]
        for cell, level in zip(cells, levels):
            if level in parts:
                cell.value, cell.source = parts[level], at(of, "energy", "by_data", use, level)
        rows.append([text(use), *cells, number(sum(parts.values()) / 1e6, unit="µJ")])
    return Table("The same with DRAM, by data and by place", ["<data", *levels, "all"], rows)


def timeline(p):
    command = p.command("run") + " MODEL --backend arch --perfetto DIR/FILE.json"
    if not p.trace:
        return [
            Section("Timeline of the engines",
                    [Table("Busy engines", ["<engine", "share"], [[text("all"), unknown(command)]])])
        ]
    numbers = {}
    for i, layer in enumerate(p.main["layers"], 1):
        numbers.setdefault(layer["name"], i)
    tracks = [(name, p.trace.tracks.get(name, [])) for name in ENGINES]
    rows = [[text(name), number(covered(spans)),
             percent(covered(spans) / p.trace.cycles)] for name, spans in tracks[1:]]
    return [
        Section("Timeline of the engines", [
            figures.timeline(f"What worked when, in {p.trace.cycles:,} cycles; layers by their numbers",
                             "A row for the layers and one for each engine, filled where it works.", tracks,
                             p.trace.cycles, numbers),
            Table("Cycles in which an engine works", ["<engine", "cycles", "share"], rows)
        ])
    ]


def covered(spans):
    """Cycles in at least one of them."""
    cycles, last = 0, 0
    for begin, end, _ in sorted(spans):
        cycles += max(0, end - max(begin, last))
        last = max(last, end)
    return cycles


def batch_curve(p):
    runs = batches(p)
    if not runs:
        return [
            Section("Batch", [
                Table("Latency by batch", ["<images", "cycles"],
                      [[text("2 and more"),
                        unknown(p.command("run") + " MODEL --backend arch --batch 2")]])
            ])
        ]
    clock = p.clock_ns()
    rows = []
    for r in runs:
        images = r.get("images", 1)
        rows.append([
            number(images, source=at(r, "images")),
            number(r["cycles"], source=at(r, "cycles")),
            number(r["cycles"] / images),
            percent(r["utilization"], source=at(r, "utilization")),
            number((r["dram_bytes_read"] + r["dram_bytes_written"]) / images),
            number(r["cycles"] * clock[0] / 1e6, unit="ms") if clock else unknown(p.command("synth")),
            number(images * 1e9 / r["cycles"] / clock[0]) if clock else unknown(p.command("synth"))
        ])
    curve = [("cycles of an image", 0, [(r.get("images", 1), r["cycles"] / r.get("images", 1)) for r in runs])]
    return [
        Section("Batch", [
            figures.lines(f"Cycles of an image by the size of the batch ({runs[0]['backend']})",
                          "One line; the figures stand in the table below.",
                          curve,
                          "images in a run",
                          "cycles of an image",
                          log=False),
            Table("Latency and throughput by batch",
                  ["images", "cycles", "of an image", "utilization", "bytes of an image", "latency", "inferences/s"],
                  rows)
        ])
    ]


def layer_table(p):
    columns = [
        "number", "<layer", "<operator", "MACs", "cycles", "utilization", "<bound", "bytes read", "written", "MACs/byte"
    ]
    rows = []
    for i, layer in enumerate(p.main["layers"]):

        def known(key, i=i, layer=layer):
            return number(layer[key], source=at(p.main, "layers", i, key)) if key in layer else text("-")

        ratio = number(layer["macs"] / bytes_of(layer), 1) if bytes_of(layer) else text("-")
        rows.append([
            text(i + 1),
            text(layer["name"]),
            text(layer["op"]),
            known("macs"),
            known("cycles"),
            percent(layer["utilization"], source=at(p.main, "layers", i, "utilization")),
            text(layer["bound"]),
            known("dram_bytes_read"),
            known("dram_bytes_written"), ratio
        ])
        if any("energy_pj" in one for one in p.main["layers"]):
            rows[-1].append(known("energy_pj"))
    if any("energy_pj" in one for one in p.main["layers"]):
        columns.append("pJ")
    return Section("Layers", [Table(f"Layers of {p.model} on {p.name} ({p.backend()})", columns, rows, long=True)])


def hosts(p):
    if not p.host():
        return []
    rows = [[
        text(op.get("name", "-")),
        text(op.get("op", "-")),
        text(op.get("when", "-")),
        number(op.get("macs")),
        number(op.get("bytes"))
    ] for op in p.host()]
    return [
        Section("On the host",
                [Table("Operators that the host runs", ["<tensor", "<operator", "<when", "MACs", "bytes"], rows)])
    ]


def area(results, design):
    synth = next((r for r in results.of(("synth", ), design)), None)
    if not synth or synth.get("target", "asic") != "asic":
        return None
    name, whole = results.designs[design], synth["gate_equivalents"] or 1
    modules = [(i, m) for i, m in enumerate(synth["modules"]) if part(m, "gate_equivalents")]
    rows = [[
        text(m.get("name", "-")),
        number(m.get("instances"), source=at(synth, "modules", i, "instances")),
        number(m["gate_equivalents"], 0, source=at(synth, "modules", i, "gate_equivalents")),
        number(total(m), 0),
        percent(total(m) / whole)
    ] for i, m in modules]
    shown = [m for _, m in modules[:20]]
    library = synth.get("library", "library not known")
    return Section(
        f"Area of {name}",
        present([
            figures.bars("Gate equivalents by module, all instances, the twenty largest",
                         "A bar for each module; the figures stand in "
                         "the table below.", [m.get("name", "-") for m in shown], [("", 0, [total(m) for m in shown])],
                         "GE"),
            area_tree(name, synth, library),
            Table(f"Modules of {name} ({library}), without memories",
                  ["<module", "instances", "GE", "GE of all", "share"],
                  rows,
                  long=True)
        ]))


def total(module):
    return part(module, "gate_equivalents") * part(module, "instances")


SMALL = 0.01  # of the whole: smaller modules are not in the tree


def area_tree(name, synth, library):
    """Returns the nested modules; None if the result does not contain them."""
    cells = {m.get("name"): (part(m, "gate_equivalents"), m.get("children")) for m in synth["modules"]}
    nand2 = part(synth, "nand2_um2")
    for memory in synth.get("memories") or []:
        if nand2 and part(memory, "instances"):
            cells[memory.get("name")] = (part(memory, "area_um2") / part(memory, "instances") / nand2, {})
    if any(not isinstance(children, dict) for _, children in cells.values()):
        return None
    inner = {child for _, children in cells.values() for child in children}
    below = {}

    def whole(module):
        if module not in below:
            own, children = cells.get(module, (0, {}))
            below[module] = own + sum(n * whole(child) for child, n in children.items())
        return below[module]

    tops = [module for module in cells if module not in inner]
    everything = sum(map(whole, tops)) or 1
    rows = []

    def add(module, times, depth):
        if times * whole(module) >= SMALL * everything:
            rows.append([
                text("\u2003" * depth + module),
                number(times),
                number(cells[module][0] * times, 0),
                number(whole(module) * times, 0),
                percent(whole(module) * times / everything)
            ])
            for child, n in sorted(cells[module][1].items(), key=lambda c: -c[1] * whole(c[0])):
                add(child, times * n, depth + 1)

    for module in tops:
        add(module, 1, 0)
    return Table(
        f"{name} as a tree ({library}): gate equivalents of a module's own, and with those in it; from "
        f"{100 * SMALL:g} % on, "
        "memories where the library has macros", ["<module", "instances", "own GE", "GE with all in it", "share"], rows)


def noise(results, model):
    of = results.of(("compare", ), None, model)[0]
    rows = [[
        text(i + 1),
        text(layer["name"]),
        text(layer["op"]),
        percent(part(layer, "share_equal")),
        number(layer.get("largest_difference"), source=at(of, "layers", i, "largest_difference")),
        number(layer["snr_db"], 1, source=at(of, "layers", i, "snr_db")) if isinstance(
            layer.get("snr_db"), (int, float)) else text("equal" if not layer.get("codes_differ", 1) else "-")
    ] for i, layer in enumerate(of["layers"])]
    names = numbered(of["layers"])
    against = of.get("float_model") or of["against"]
    return Section(
        f"{model}: signal to noise of each layer",
        present([
            figures.bars(f"Signal to noise against {against}",
                         "A bar for each layer; where there is none all codes are equal.", names,
                         [("", 0, [max(0, part(layer, "snr_db")) for layer in of["layers"]])], "dB"),
            Table(f"Layers of {model} against {against}",
                  ["number", "<layer", "<operator", "codes equal", "worst, codes", "SNR, dB"],
                  rows,
                  long=True)
        ]))


def beside(points, published):
    """Published systems, and this machine on the same networks."""
    parts = []
    for network in published["networks"]:
        own = [p for p in points if p.main and p.model in network["models"]]
        theirs = [s for s in published["systems"] if s["network"] == network["name"]]
        if own and theirs:
            parts.append(
                published_table(f"{network['name']}: published, then this machine",
                     [published_row(s) for s in theirs] + [own_row(p) for p in own], {"<network"}))
    everything = published_table("All published figures", [published_row(s) for s in published["systems"]], set())
    everything.long = everything.page_only = True
    return Section("Published systems beside it", [*([published["note"]] if parts else []), *parts, everything])


PUBLISHED = [
    "<system", "<network", "MACs per cycle", "<clock", "cycles", "<time", "utilization", "<power, energy", "<source"
]


def published_table(caption, rows, without):
    """A table without the columns in which nothing stands."""
    kept = [i for i, title in enumerate(PUBLISHED) if title not in without and any(row[i].text != "-" for row in rows)]
    return Table(caption, [PUBLISHED[i] for i in kept], [[row[i] for i in kept] for row in rows])


def published_row(s):
    return [
        text(s["system"]),
        text(s["network"]),
        number(s.get("macs_per_cycle")),
        text(s.get("clock", "-")),
        number(s.get("cycles")),
        text(s.get("time", "-")),
        percent(s["utilization"]) if "utilization" in s else text("-"),
        text(s.get("energy", "-")),
        text(s["source"])
    ]


def own_row(p):
    known = p.clock_ns()
    return [
        text(f"Trine {p.name}: {p.model}"),
        text(p.model),
        number(p.main["peak_macs_per_cycle"], source=at(p.main, "peak_macs_per_cycle")),
        text(f"{1000 / known[0]:.0f} MHz" if known else "-"),
        number(p.main["cycles"], source=at(p.main, "cycles")),
        shortened(p.latency()),
        percent(p.main["utilization"], source=at(p.main, "utilization")),
        shortened(p.energy()),
        text(f"{p.main.name} ({p.backend()})")
    ]


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
        [Table(f"Files, of revision {results.revision}", ["<file", "<command", "<design", "<model", "<backend"], rows)])
