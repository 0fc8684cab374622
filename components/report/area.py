# SPDX-License-Identifier: Apache-2.0
"""The area of designs by part and by module."""
import collections

import figures
from document import Section, Table, number, percent, present, text
from metrics import at
from results import number_at

SMALL = 0.01  # of the whole: smaller modules are not in the tree


def by_design(groups):
    """A bar for each design, in parts: memories, then the cells of the largest parts."""
    areas = {}
    for p in (p for group in groups for p in group):
        parts = p.estimate.get("area_parts") if p.estimate else None
        if isinstance(parts, list):
            areas[p.name] = collections.Counter()
            for a in (a for a in parts if isinstance(a, dict)):
                areas[p.name][kind_of(str(a.get("name")))] += number_at(a, "area_um2") / 1e6
    kinds = [kind for kind, _ in sum(areas.values(), collections.Counter()).most_common(8)]
    series = [(kind, n, [area[kind] for area in areas.values()]) for n, kind in enumerate(kinds)]
    series.append(("others", len(kinds), [area.total() - sum(area[kind] for kind in kinds) for area in areas.values()]))
    return figures.bars("Area by design and part, predicted", "A bar for each design.", list(areas), series, "mm²")


def kind_of(name):
    """Returns the part, or for a small memory "other memories"."""
    large = ("memory: feature maps", "memory: weights")
    return name if not name.startswith("memory:") or name.startswith(large) else "other memories"


def by_module(results, design):
    synth = next((r for r in results.of(("synth", ), design)), None)
    if not synth or synth.get("target", "asic") != "asic":
        return None
    name, whole = results.designs[design], synth["gate_equivalents"] or 1
    modules = [(i, m) for i, m in enumerate(synth["modules"]) if number_at(m, "gate_equivalents")]
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
            tree(name, synth, library),
            Table(f"Modules of {name} ({library}), without memories",
                  ["<module", "instances", "GE", "GE of all", "share"],
                  rows,
                  long=True)
        ]))


def total(module):
    return number_at(module, "gate_equivalents") * number_at(module, "instances")


def tree(name, synth, library):
    """Returns the nested modules; None if the result does not contain them."""
    cells = {m.get("name"): (number_at(m, "gate_equivalents"), m.get("children")) for m in synth["modules"]}
    nand2 = number_at(synth, "nand2_um2")
    for memory in synth.get("memories") or []:
        if nand2 and number_at(memory, "instances"):
            cells[memory.get("name")] = (number_at(memory, "area_um2") / number_at(memory, "instances") / nand2, {})
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
