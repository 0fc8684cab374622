# SPDX-License-Identifier: Apache-2.0
"""Published systems, and this machine on the same networks."""
from document import Section, Table, number, percent, shortened, text
from metrics import at


def section(points, published):
    """Published systems, and this machine on the same networks."""
    parts = []
    for network in published["networks"]:
        own = [p for p in points if p.main and p.model in network["models"]]
        theirs = [s for s in published["systems"] if s["network"] == network["name"]]
        if own and theirs:
            parts.append(
                table(f"{network['name']}: published, then this machine",
                     [row_of(s) for s in theirs] + [own_row(p) for p in own], {"<network"}))
    everything = table("All published figures", [row_of(s) for s in published["systems"]], set())
    everything.long = everything.page_only = True
    return Section("Published systems beside it", [*([published["note"]] if parts else []), *parts, everything])


PUBLISHED = [
    "<system", "<network", "MACs per cycle", "<clock", "cycles", "<time", "utilization", "<power, energy", "<source"
]


def table(caption, rows, without):
    """A table without the columns in which nothing stands."""
    kept = [i for i, title in enumerate(PUBLISHED) if title not in without and any(row[i].text != "-" for row in rows)]
    return Table(caption, [PUBLISHED[i] for i in kept], [[row[i] for i in kept] for row in rows])


def row_of(s):
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
