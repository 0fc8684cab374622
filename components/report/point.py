# SPDX-License-Identifier: Apache-2.0
"""The sections of a model on a design."""
import figures
from document import Section, Table, number, percent, present, text, unknown
from figures import BOUNDS, CAUSES
from metrics import at
from results import number_at

TRAFFIC = (("constants", 0), ("maps read", 1), ("maps written", 2))
ENGINES = ("layers", "load", "compute", "vector", "store")


def section(p, folded, shown):
    """@param shown  pictures that the summary already contains"""
    pictures = [picture(p) for picture in (cycles, utilization, roofline) if picture not in shown]
    parts = [Section("Layers", present([*pictures, layer_table(p)])), traffic(p), energy(p), timeline(p), hosts(p)]
    return Section(f"{p.model} on {p.name}", present(parts), folded=folded)


def utilization(p):
    layers = p.main["layers"]
    series = [(bound, n, [100 * layer["utilization"] if layer["bound"] == bound else 0 for layer in layers])
              for bound, n in BOUNDS.items()]
    return figures.layer_bars("Utilization by layer, coloured by what bounds it", layers, series, "% of the array's MACs",
                              most=100)


def cycles(p):
    layers = p.main["layers"]
    causes = [(cause, n, [number_at(layer, "causes", cause) for layer in layers]) for cause, n in CAUSES.items()]
    if not any(any(values) for *_, values in causes):
        causes = [(bound, n, [layer["cycles"] if layer["bound"] == bound else 0 for layer in layers])
                  for bound, n in BOUNDS.items()]
    return figures.layer_bars("Cycles by layer and cause", layers, causes, "cycles")


def roofline(p):
    width = p.configuration.get("bus.axi_data_bits")
    layers = [(i, layer["macs"] / bytes_of(layer) if bytes_of(layer) else None, layer["macs"] / layer["cycles"],
               layer["bound"]) for i, layer in enumerate(p.main["layers"], 1) if layer["macs"] and layer["cycles"]]
    if not layers or not traffic_known(p) or not isinstance(width, int):
        return None
    return figures.roofline(
        f"Roofline of {p.peaks()[-1]:,} MACs and {width // 8} bytes per cycle. Triangles: layers without DRAM traffic. Left "
        "of the bus's line: layers whose constants were loaded while other layers computed",
        "A point for each layer with MACs, by its number; the two lines are the bus and the array.", layers, p.peaks()[-1],
        width / 8)


def bytes_of(layer):
    return number_at(layer, "dram_bytes_read") + number_at(layer, "dram_bytes_written")


def traffic_known(p):
    return all(isinstance(layer.get("dram_bytes_read"), (int, float)) for layer in p.main["layers"])


def traffic(p):
    layers = p.main["layers"]
    if not traffic_known(p) or not layers or "dram_bytes_written" not in p.main.data:
        return None

    def constants(layer):
        return number_at(layer, "dram_bytes_constants")

    kinds = [[constants(layer) for layer in layers],
             [number_at(layer, "dram_bytes_read") - constants(layer) for layer in layers],
             [number_at(layer, "dram_bytes_written") for layer in layers]]
    rows = [[text(name), number(sum(values))] for (name, _), values in zip(TRAFFIC, kinds)]
    if isinstance(p.main.get("fetched_bytes"), int):
        rows.append([text("program"), number(p.main["fetched_bytes"], source=at(p.main, "fetched_bytes"))])
    rows.append([text("all"), number(p.main["dram_bytes_read"] + p.main["dram_bytes_written"])])
    uses = p.main.get("traffic") or {}
    by_use = [[text(use.replace("_", " ")), number(uses[use], source=at(p.main, "traffic", use))] for use in uses]
    return Section(
        "Off-chip traffic",
        present([
            figures.layer_bars("Bytes between DRAM and the machine by layer and kind", layers,
                               [(name, n, values) for (name, n), values in zip(TRAFFIC, kinds)], "bytes"),
            Table("Bytes between DRAM and the machine", ["<kind", "bytes"], rows), by_use
            and Table("The same by what they are for", ["<use", "bytes"], by_use)
        ]))


def energy(p):
    of = p.energy_split()
    split = of["energy"].get("by_component") if of else None
    if not isinstance(split, dict) or not split:
        return Section("Energy", [
                Table("Energy of an inference", ["<component", "energy"],
                      [[text("all"), unknown(p.command("estimate") + " MODEL")]])
            ])
    whole = sum(split.values()) or 1
    rows = [[text(name), number(pj / 1e6, unit="µJ"), percent(pj / whole)] for name, pj in split.items()]
    for row, (name, pj) in zip(rows, split.items()):
        row[1].value, row[1].source = pj, at(of, "energy", "by_component", name)
    series = [(name, k % 10, [number_at(layer, "energy_by_component", name) / 1000 for layer in of["layers"]])
              for k, name in enumerate(split)]
    return Section(
        "Energy",
        present([
            figures.layer_bars("Energy by layer and component", of["layers"], series, "nJ"),
            Table(
                f"Energy of an inference by component, "
                f"{of['energy'].get('technology', 'technology not known')}, DRAM apart",
                ["<component", "energy", "share"], rows),
            energy_by_data(of)
        ]))


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
        return Section("Timeline of the engines",
                    [Table("Busy engines", ["<engine", "share"], [[text("all"), unknown(command)]])])
    numbers = {}
    for i, layer in enumerate(p.main["layers"], 1):
        numbers.setdefault(layer["name"], i)
    tracks = [(name, p.trace.tracks.get(name, [])) for name in ENGINES]
    rows = [[text(name), number(covered(spans)),
             percent(covered(spans) / p.trace.cycles)] for name, spans in tracks[1:]]
    return Section("Timeline of the engines", [
        figures.timeline(f"What worked when, in {p.trace.cycles:,} cycles; layers by their numbers",
                         "A row for the layers and one for each engine, filled where it works.", tracks,
                         p.trace.cycles, numbers),
        Table("Cycles in which an engine works", ["<engine", "cycles", "share"], rows)
    ])


def covered(spans):
    """Cycles in at least one of them."""
    cycles, last = 0, 0
    for begin, end, _ in sorted(spans):
        cycles += max(0, end - max(begin, last))
        last = max(last, end)
    return cycles


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
            text(figures.fitted(layer["name"], 60)),
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
    return Table(f"Layers of {p.model} on {p.name} ({p.backend()})", columns, rows, long=True)


def hosts(p):
    if not p.host():
        return None
    rows = [[
        text(op.get("name", "-")),
        text(op.get("op", "-")),
        text(op.get("when", "-")),
        number(op.get("macs")),
        number(op.get("bytes"))
    ] for op in p.host()]
    return Section("On the host",
            [Table("Operators that the host runs", ["<tensor", "<operator", "<when", "MACs", "bytes"], rows)])
