# SPDX-License-Identifier: Apache-2.0
"""Pictures by gnuplot, as SVG that takes the page's colours."""
import collections
import math
import pathlib
import re
import subprocess
import tempfile
import xml.etree.ElementTree as xml

from document import Figure
from results import BadInput

SVG = "{http://www.w3.org/2000/svg}"
LINK = "{http://www.w3.org/1999/xlink}href"
WIDTH = 820
PALE = (10, 11)  # of the colours --c0 to --c11 of page.css; gnuplot draws number n as rgb(1, 1, n + 1)


def colour(n):
    return f"rgb '#0101{n + 1:02x}'"


def quoted(name, most=40):
    """A name of a model, of any characters, as gnuplot's text."""
    name = "".join(c if c.isprintable() and c != "`" else "." for c in name).replace("'", "’")
    return f"'{fitted(name, most)}'"


def fitted(name, most):
    """Cut in the middle: names differ at their ends."""
    head = (most - 1) // 3
    return name if len(name) <= most else name[:head] + "…" + name[-(most - 1 - head):]


def distinct_names(names):
    """Without the parts of paths with which all of them begin, and those with which most end: they say nothing."""
    parts = [name.split("/") for name in names]
    while len(parts) > 1 and all(len(p) > 1 for p in parts) and len({p[0] for p in parts}) == 1:
        parts = [p[1:] for p in parts]
    ends = collections.Counter(p[-1] for p in parts if len(p) > 1)
    return ["/".join(p[:-1] if len(p) > 1 and len(parts) > 2 and 2 * ends[p[-1]] > len(parts) else p) for p in parts]


def data(name, rows):
    return f"${name} << EOD\n" + "\n".join(" ".join(f"{x:.10g}" for x in row) for row in rows) + "\nEOD\n"


def tics(low, high, log=False):
    """Returns round numbers of an axis, at most about eight, with their thousands separated."""
    if log and high / low > 20:
        decades = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
        steps = (1, 2, 5) if len(decades) < 5 else (1, )
        ticks = [step * 10**d for d in decades for step in steps if low <= step * 10**d <= high]
    else:
        step = 10**math.floor(math.log10((high - low) / 6))
        step = next(step * k for k in (1, 2, 5, 10) if (high - low) / (step * k) <= 8)
        ticks = [k * step for k in range(math.ceil(low / step), math.floor(high / step) + 1)]
    return "(" + ", ".join(f"'{x:,.10g}' {x:.10g}" for x in ticks) + ")"


def bars(caption, description, names, series, unit, most=None):
    """Draws a row for each name, with one part after the other. @param series  [(label, colour, values)]
    @param most  end of the scale; None: the end of the longest row"""
    boxes, plots, legend = "", [], []
    left = [0.0] * len(names)
    for k, (label, n, values) in enumerate(series):
        rows = []
        for y, value in enumerate(values):
            if value:
                rows.append((left[y] + value / 2, y, left[y], left[y] + value, y - 0.38, y + 0.38))
                left[y] += value
        if rows:
            boxes += data(f"d{k}", rows)
            plots.append(f"$d{k} with boxxyerror fs solid 1 noborder lc {colour(n)} notitle")
            legend.append((n, label))
    if not plots:
        return None
    margin = min(0.3, 0.03 + 0.0095 * max(len(quoted(name)) for name in names))
    places = ", ".join(f"{quoted(name)} {y}" for y, name in enumerate(names))
    height = 20 * len(names) + 60
    script = (boxes + f"set lmargin at screen {margin:.3f}\nset rmargin at screen 0.97\nset tmargin 0.5\n"
              f"set ytics ({places}) scale 0\nset yrange [{len(names) - 0.5}:-0.5]\n"
              f"set xrange [0:{most or max(left) * 1.02:.10g}]\nset grid xtics noytics\nset xlabel {quoted(unit, 80)}\n"
              f"set xtics {tics(0, most or max(left))}\nplot {', '.join(plots)}\n")
    return Figure(caption, description, script, legend, height)


def roofline(caption, description, layers, peak, slope, bounds):
    """@param layers  [(number, MACs a byte or None, MACs a cycle, bound)]; None: no byte crosses the edge
    @param bounds  {bound: colour}"""
    ridge = peak / slope
    finite = [x for _, x, *_ in layers if x] + [ridge]
    left, right = min(finite) / 4, max(finite) * 8
    low, high = min(y for _, _, y, _ in layers) / 2, max([y for _, _, y, _ in layers] + [peak]) * 2
    script = (f"set logscale xy\nset xrange [{left:.6g}:{right:.6g}]\nset yrange [{low:.6g}:{high:.6g}]\n"
              f"set grid\nset xtics {tics(left, right, True)}\nset ytics {tics(low, high, True)}\n"
              "set xlabel 'MACs per byte between DRAM and the machine'\n"
              "set ylabel 'MACs per cycle'\nset lmargin at screen 0.1\nset rmargin at screen 0.97\nset tmargin 0.5\n")
    plots = [f"(x < {ridge:.10g} ? {slope:.10g} * x : {peak:.10g}) with lines lw 2 lc rgb 'black' notitle"]
    together = []  # (x, y, numbers of the layers that stand there, too near for labels of their own)
    for i, x, y, bound in layers:
        point = 7 if x else 9
        x = x or right / 1.6
        near = [
            numbers for a, b, numbers in together if abs(math.log(a / x)) < 0.04 *
            math.log(right / left) and abs(math.log(b / y)) < 0.045 * math.log(high / low)
        ]
        if near:
            near[0].append(str(i))
        else:
            together.append((x, y, [str(i)]))
        plots.append(f"'+' using ({x:.10g}):({y:.10g}) every ::::0 with points pt {point} ps 0.9 "
                     f"lc {colour(bounds[bound])} notitle")
    for x, y, numbers in together:
        label = ", ".join(numbers[:4]) + (" …" if len(numbers) > 4 else "")
        script += f"set label '{label}' at {x:.10g},{y:.10g} offset 0.9,0.6 font ',10'\n"
    used = {bound for *_, bound in layers}
    return Figure(caption, description, script + "plot " + ", ".join(plots) + "\n",
                  [(n, bound) for bound, n in bounds.items() if bound in used], 380)


def lines(caption, description, series, xlabel, ylabel, log):
    """x is logarithmic, with a tick for each; y from zero where it is not. @param series  [(label, colour, points)]"""
    xs = sorted({x for *_, points in series for x, _ in points})
    ys = [y for *_, points in series for _, y in points]
    low, high = min(ys) / 1.3 if log else 0, max(ys) * 1.3
    ticks = ", ".join(f"'{x:,}' {x}" for x in xs)
    script = (f"set logscale {'xy' if log else 'x'}\nset grid\n"
              f"set xlabel {quoted(xlabel, 80)}\nset ylabel {quoted(ylabel, 80)}\n"
              f"set xrange [{xs[0] / 1.1:.10g}:{xs[-1] * 1.1:.10g}]\nset yrange [{low:.10g}:{high:.10g}]\n"
              f"set xtics ({ticks})\nset ytics {tics(low, high, log)}\n"
              "set lmargin at screen 0.13\nset rmargin at screen 0.97\nset tmargin 0.5\n")
    plots = []
    for k, (label, n, points) in enumerate(series):
        script += data(f"d{k}", points)
        plots.append(f"$d{k} using 1:2 with linespoints pt {5 + k % 6} ps 0.9 lw 1.5 lc {colour(n)} notitle")
    return Figure(caption, description, script + "plot " + ", ".join(plots) + "\n",
                  [(n, label) for label, n, _ in series], 320)


def timeline(caption, description, tracks, cycles, numbers):
    """@param tracks  [(name, [(begin, end, layer)])]; @param numbers  {layer: its number}, for the first track"""
    script, plots, labels = "", [], ""
    for y, (name, spans) in enumerate(tracks):
        for k, rows in enumerate(parts_of(spans, cycles, y == 0)):
            if rows:
                script += data(f"d{y}{k}", [((a + b) / 2, y, a, b, y - 0.4, y + 0.4) for a, b in rows])
                plots.append(f"$d{y}{k} with boxxyerror fs solid 1 noborder lc {colour(y if y else PALE[k])} notitle")
    for begin, end, layer in tracks[0][1]:
        if end - begin > 0.02 * cycles and layer in numbers:
            labels += f"set label '{numbers[layer]}' at {(begin + end) / 2:.10g},0 center front\n"
    places = ", ".join(f"'{name}' {y}" for y, (name, _) in enumerate(tracks))
    script += (
        f"set ytics ({places}) scale 0\nset yrange [{len(tracks) - 0.5}:-0.5]\nset xrange [0:{cycles:.10g}]\n"
        f"set xlabel 'cycles'\nset xtics {tics(0, cycles)}\nset lmargin at screen 0.1\nset rmargin at screen 0.96\n"
        f"set tmargin 0.5\n{labels}plot {', '.join(plots)}\n")
    return Figure(caption, description, script, [], 36 * len(tracks) + 60)


def parts_of(spans, cycles, separate):
    """Spans to draw: as one what is nearer than a thousandth of the picture, or, if `separate`, every other one by itself."""
    if separate:
        return [[(a, b) for a, b, _ in spans[k::2]] for k in (0, 1)]
    merged = []
    for a, b, _ in sorted(spans):
        if merged and a - merged[-1][1] < cycles / 1000:
            merged[-1][1] = max(merged[-1][1], b)
        else:
            merged.append([a, b])
    return [merged]


def page_colours(value):
    """black and grey of gnuplot, and the numbered colours, as those of the page."""
    if value in ("gray", "white", "rgb(190, 190, 190)"):
        return "var(--line)"
    rgb = re.fullmatch(r"rgb\(\s*1,\s*1,\s*(\d+)\)", value)
    if rgb:
        return f"var(--c{int(rgb[1]) - 1})"
    return "none" if value == "none" else "currentColor"


def used_points(root):
    """Shapes of points that are drawn, by their references; one may be another one, turned or filled."""
    links = {"#" + e.get("id"): e.get(LINK) for e in root.iter(SVG + "use") if e.get("id")}
    used = {e.get(LINK) for e in root.iter(SVG + "use") if not e.get("id")}
    for _ in range(2):
        used |= {links[target] for target in used if target in links}
    return used


def draws(element):
    """Returns true if the element is visible: gnuplot writes empty groups and tics without length."""
    if element.tag == SVG + "g":
        return any(draws(child) for child in element)
    return element.tag != SVG + "path" or "L" in element.get("d") or "h" in element.get("d") or "l" in element.get("d")


DEFAULTS = {"stroke-linecap": "butt", "stroke-linejoin": "miter", "stroke-width": "1.00", "color": "currentColor"}
OF_TEXT = {"stroke": "none", "fill": "currentColor", "font-size": "12.00"}  # as in page.css


def collapse(element):
    """Joins each group that has only one child with this child."""
    for place, child in enumerate(list(element)):
        while child.tag == "g" and len(child) == 1 and not child.text and "id" not in child[0].attrib:
            only = child[0]
            moves = " ".join(e.get("transform") for e in (child, only) if e.get("transform"))
            only.attrib = {**child.attrib, **only.attrib, **({"transform": moves} if moves else {})}
            child = only
        element[place] = child
        if child.tag == "text":
            child.attrib = {k: v for k, v in child.attrib.items() if OF_TEXT.get(k) != v}
        collapse(child)


def cleaned(svg, figure, number):
    """An element for the page: without what is not seen, identifiers of its own, the page's colours and font."""
    root = xml.fromstring(svg)
    used = used_points(root)
    for parent in list(root.iter()):
        for child in list(parent):
            unused = parent.tag == SVG + "defs" and "#" + child.get("id", "") not in used
            if child.tag in (SVG + "title", SVG + "desc") or unused or not draws(child):
                parent.remove(child)
    for e in root.iter():
        e.tag = e.tag.removeprefix(SVG)
        e.text, e.tail = (t if t and t.strip() else None for t in (e.text, e.tail))
        named = e.attrib.pop("id", None)
        target = e.attrib.pop(LINK, None)
        attributes = {
            k: page_colours(v) if k in ("fill", "stroke", "color") else v
            for k, v in e.attrib.items()
            if k not in ("font-family", "class") and DEFAULTS.get(k) != (page_colours(v) if k == "color" else v)
        }
        if "d" in attributes:
            attributes["d"] = " ".join(attributes["d"].split())
        if named and "#" + named in used:
            attributes["id"] = f"f{number}-{named}"
        if target:
            attributes["href"] = f"#f{number}-{target[1:]}"
        e.attrib = attributes
    collapse(root)
    root.attrib = {"viewBox": root.get("viewBox"), "role": "img", "aria-labelledby": f"f{number}-title"}
    title = xml.Element("title", {"id": f"f{number}-title"})
    title.text = figure.description
    root.insert(0, title)
    return xml.tostring(root, encoding="unicode")


def draw(figures):
    """Gives each its `svg`."""
    with tempfile.TemporaryDirectory() as folder:
        script = "set encoding utf8\n"
        for i, figure in enumerate(figures):
            script += (f"reset\nset term svg size {WIDTH},{figure.height} dynamic noenhanced font 'sans-serif,12'\n"
                       f"set output '{i}.svg'\nset border 3\nset grid lc rgb 'gray'\n"
                       "set tics nomirror textcolor rgb 'black'\n"
                       f"unset key\n{figure.script}unset output\n")
        try:
            done = subprocess.run(["gnuplot", "-"], input=script, cwd=folder, capture_output=True, text=True)
        except FileNotFoundError:
            raise BadInput("gnuplot is not installed: install the Debian package gnuplot-nox") from None
        if done.returncode or done.stderr.strip():
            raise BadInput(f"gnuplot fails: {' '.join(done.stderr.split())[:300]}")
        for i, figure in enumerate(figures):
            figure.svg = cleaned((pathlib.Path(folder) / f"{i}.svg").read_text(), figure, i)
