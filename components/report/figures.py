# SPDX-License-Identifier: Apache-2.0
"""Pictures as SVG. page.css contains their style: an element has at most a class, and a series is one path.

A stacked bar is a thick line, because a line needs a third of the characters of a rectangle.
"""
import collections
import html
import itertools
import math
import zlib

from document import Figure

WIDTH, RIGHT, TOP = 820, 795, 8  # pixels
ROW = 20  # pixels from one bar to the next
DIGIT, LINE = 7, 16  # pixels: the width of a digit and the height of a line, at most
LAYERS = 40  # in a picture, at most
PALE = (10, 11)  # colours of page.css under a label
CIRCLE, TRIANGLE = "m-4 0a4 4 0 1 0 8 0a4 4 0 1 0-8 0z", "m0-5l5 9h-10z"
BOUNDS = {"compute": 0, "memory": 1, "drain": 2, "vector": 3, "control": 4}  # and their colours
CAUSES = {"compute": 0, "bank": 5, "drain": 2, "memory": 1, "load": 6, "store": 7, "vector": 3, "control": 4}
MARKS = (CIRCLE, "m-4-4h8v8h-8z", TRIANGLE, "m0-5l5 5l-5 5l-5-5z", "m0 5l5-9h-10z", "m-5-2h10v4h-10z")


def printable(name, most=40):
    """Returns a label for a name of a model, which may contain any characters."""
    return fitted("".join(c if c.isprintable() else "." for c in name), most)


def fitted(name, most):
    """Cuts the name in the middle: names differ at their ends."""
    head = (most - 1) // 3
    return name if len(name) <= most else name[:head] + "…" + name[-(most - 1 - head):]


def distinct_names(names):
    """Without the parts of paths with which all of them begin, and those with which most end: they say nothing."""
    parts = [name.split("/") for name in names]
    while len(parts) > 1 and all(len(p) > 1 for p in parts) and len({p[0] for p in parts}) == 1:
        parts = [p[1:] for p in parts]
    ends = collections.Counter(p[-1] for p in parts if len(p) > 1)
    return ["/".join(p[:-1] if len(p) > 1 and len(parts) > 2 and 2 * ends[p[-1]] > len(parts) else p) for p in parts]


def numbered(layers):
    """Returns the labels of layers: number and name."""
    names = distinct_names([layer["name"] for layer in layers])
    return [f"{i} {fitted(name, 28)}" for i, name in enumerate(names, 1)]


def pixels(x):
    """Returns a coordinate with at most one decimal."""
    return f"{x:.1f}".removesuffix(".0")


def coordinate(name, x):
    return f' {name}="{pixels(x)}"' if x else ""


class Scale:
    """Maps the numbers of an axis to pixels."""

    def __init__(self, low, high, start, end, log=False):
        self.low, self.high, self.start, self.end, self.log = low, high, start, end, log

    def __call__(self, x):
        low, high, x = (math.log(v) if self.log else v for v in (self.low, self.high, x))
        return self.start + (x - low) / (high - low) * (self.end - self.start)

    def ticks(self):
        """Returns round numbers of the axis, at most about eight."""
        low, high = self.low, self.high
        if self.log and high / low > 20:
            decades = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
            steps = (1, 2, 5) if len(decades) < 5 else (1, )
            return [step * 10**d for d in decades for step in steps if low <= step * 10**d <= high]
        step = 10**math.floor(math.log10((high - low) / 6))
        step = next(step * k for k in (1, 2, 5, 10) if (high - low) / (step * k) <= 8)
        return [k * step for k in range(math.ceil(low / step), math.floor(high / step) + 1)]


class Picture:
    """An SVG element with a horizontal scale and a vertical scale."""

    def __init__(self, x, y):
        self.x, self.y, self.parts, self.shared = x, y, [], {}
        self.left, self.bottom = x.start, max(y.start, y.end)

    def path(self, kind, steps):
        if steps:
            self.parts.append(f'<path class="{kind}" d="{"".join(steps)}"/>')

    def texts(self, kind, labels, x=0, y=0, shared=False):
        """@param labels  [(x, y, text)] in pixels, from the given place
        @param shared  True: pictures with the same texts refer to one element of the page"""
        written = "".join(f"<text{coordinate('x', a)}{coordinate('y', b)}>{html.escape(text)}</text>" for a, b, text in labels)
        place = f' transform="translate({pixels(x)} {pixels(y)})"' if x or y else ""
        if not shared:
            self.parts.append(f'<g class="{kind}"{place}>{written}</g>')
            return
        name = f"t{zlib.crc32((place + written).encode()):x}"
        self.shared[name] = f'<g class="{kind}" id="{name}"{place}>{written}</g>'
        self.parts.append(f'<use href="#{name}"/>')

    def axis(self, unit, ticks=None):
        """Draws the horizontal axis and its grid, without a label that would touch the previous label."""
        labels, end = [], -math.inf
        for x in ticks or self.x.ticks():
            text = f"{x:,.10g}"
            half = DIGIT * len(text) / 2
            if self.x(x) - half > end:
                end = self.x(x) + half + DIGIT
                labels.append((self.x(x), 0, text))
        self.path("grid", [f"M{pixels(x)} {TOP}V{pixels(self.bottom)}" for x, *_ in labels])
        self.texts("middle", [*labels, ((self.left + RIGHT) / 2, 19, unit)], y=self.bottom + 17)

    def vertical_axis(self, unit):
        """Draws the vertical axis and its grid, without a label that would touch the one below it."""
        labels = []
        for y in self.y.ticks():
            if not labels or labels[-1][1] - self.y(y) >= LINE:
                labels.append((0, self.y(y), f"{y:,.10g}"))
        self.path("grid", [f"M{pixels(self.left)} {pixels(y)}H{RIGHT}" for _, y, _ in labels])
        self.texts("end", labels, self.left - 8, 4)
        middle = pixels((TOP + self.bottom) / 2)
        self.parts.append(f'<text class="middle" transform="translate(14 {middle})rotate(-90)">{html.escape(unit)}</text>')

    def rows(self, names, shared=False):
        """Draws the vertical axis of bars."""
        self.texts("end", [(0, self.y(row), name) for row, name in enumerate(names)], self.left - 8, 4, shared)

    def stacks(self, series):
        """Draws bars of parts, one on the other, from the last part to the first: a part then needs only its end.
        @param series  [(colour, the ends of the part of each row)]"""
        self.parts.append(f'<g class="bars" transform="translate({pixels(self.left)} {pixels(self.y(0))})">')
        drawn = [""] * len(series[0][1])
        parts = []
        for n, ends in series:
            edges = [pixels(self.x(end) - self.left) for end in ends]
            parts.append((n, [f"M0 {row * ROW}H{edge}" for row, edge in enumerate(edges) if edge not in ("0", drawn[row])]))
            drawn = edges
        for n, steps in reversed(parts):
            self.path(f"c{n}", steps)
        self.parts.append("</g>")

    def spans(self, n, row, spans):
        """Draws spans of a colour in a row. @param spans  [(begin, end)]"""
        edges = [(pixels(self.x(begin)), pixels(self.x(end))) for begin, end in spans]
        self.path(f"span c{n}", [f"M{begin} {pixels(self.y(row))}H{end}" for begin, end in edges if begin != end])

    def points(self, n, mark, points):
        self.path(f"c{n}", [f"M{pixels(self.x(x))} {pixels(self.y(y))}{mark}" for x, y in points])

    def line(self, kind, points):
        self.path(kind, ["M" + "L".join(f"{pixels(self.x(x))} {pixels(self.y(y))}" for x, y in points)])

    def figure(self, caption, description, legend):
        self.path("axis", [f"M{pixels(self.left)} {TOP}V{pixels(self.bottom)}H{RIGHT}"])
        height = math.ceil(self.bottom + 44)
        svg = f'<svg viewBox="0 0 {WIDTH} {height}">{"".join(self.parts)}</svg>'
        return Figure(caption, description, legend, svg, self.shared)


def bars(caption, description, names, series, unit, most=None, shared=False):
    """Draws a row for each name, with one part after the other. @param series  [(label, colour, values)]
    @param most  end of the scale; None: the end of the longest row
    @param shared  True: other pictures have the same names"""
    most_of_all = max(map(sum, zip(*(values for *_, values in series))), default=0)
    if not most_of_all:
        return None
    names = [printable(name) for name in names]
    margin = min(0.3 * WIDTH, 25 + 7.5 * max(map(len, names)))
    picture = Picture(Scale(0, most or most_of_all * 1.02, margin, RIGHT),
                      Scale(-0.5, len(names) - 0.5, TOP, TOP + ROW * len(names)))
    picture.axis(unit)
    picture.rows(names, shared)
    series = [(label, n, values) for label, n, values in series if any(values)]
    ends = itertools.accumulate((values for *_, values in series), lambda a, b: [x + y for x, y in zip(a, b)])
    picture.stacks([(n, end) for (_, n, _), end in zip(series, ends)])
    return picture.figure(caption, description, [(n, label) for label, n, _ in series])


def layer_bars(caption, layers, series, unit, most=None):
    """Draws a bar for each layer; of a large network, for each of the layers that take the most cycles."""
    names = numbered(layers)
    shown = sorted(sorted(range(len(layers)), key=lambda i: -layers[i]["cycles"])[:LAYERS])
    if len(shown) < len(layers):
        share = sum(layers[i]["cycles"] for i in shown) / max(1, sum(layer["cycles"] for layer in layers))
        caption += f"; {LAYERS} of {len(layers)} layers, which take {100 * share:.1f}\u00a0% of the cycles"
    return bars(caption, "A bar for each layer; the figures are in the table of layers.",
                [names[i] for i in shown], [(label, n, [values[i] for i in shown]) for label, n, values in series], unit, most, shared=True)


def roofline(caption, description, layers, peak, slope):
    """@param layers  [(number, MACs a byte or None, MACs a cycle, bound)]; None: no byte crosses the edge"""
    ridge = peak / slope
    finite = [x for _, x, *_ in layers if x] + [ridge]
    left, right = min(finite) / 4, max(finite) * 8
    low, high = min(y for _, _, y, _ in layers) / 2, max([y for _, _, y, _ in layers] + [peak]) * 2
    picture = Picture(Scale(left, right, 80, RIGHT, log=True), Scale(low, high, 330, TOP, log=True))
    picture.axis("MACs per byte between DRAM and the machine")
    picture.vertical_axis("MACs per cycle")
    start = max(left, low / slope)
    picture.line("line", [(start, start * slope), (ridge, peak), (right, peak)])
    picture.texts("", point_labels([(picture.x(x or right / 1.6), picture.y(y), i) for i, x, y, _ in layers]))
    used = {bound for *_, bound in layers}
    for bound, n in BOUNDS.items():
        picture.points(n, CIRCLE, [(x, y) for _, x, y, of in layers if of == bound and x])
        picture.points(n, TRIANGLE, [(right / 1.6, y) for _, x, y, of in layers if of == bound and not x])
    return picture.figure(caption, description, [(n, bound) for bound, n in BOUNDS.items() if bound in used])


def point_labels(points):
    """Returns labels of points, each at the first of four places that covers no point and no other label. Points that
    touch share a label. @param points  [(x, y, number)]"""
    groups = []  # (x, y, numbers)
    for x, y, number in points:
        near = next((g for g in groups if abs(g[0] - x) < 12 and abs(g[1] - y) < 8), None)
        if near:
            near[2].append(str(number))
        else:
            groups.append((x, y, [str(number)]))
    boxes = [(x - 4, y - 4, x + 4, y + 4) for x, y, _ in points]
    labels = []
    for x, y, numbers in groups:
        label = ", ".join(numbers[:3]) + (" …" if len(numbers) > 3 else "")
        width = DIGIT * len(label)
        places = [(a, b - 10, a + width, b) for a in (x + 7, x - 7 - width) for b in (y + 13, y - 6)]
        free = (p for p in places if all(p[0] >= b[2] or p[2] <= b[0] or p[1] >= b[3] or p[3] <= b[1] for b in boxes))
        boxes.append(next(free, places[0]))
        labels.append((boxes[-1][0], boxes[-1][3], label))
    return labels


def lines(caption, description, series, xlabel, ylabel, log):
    """x is logarithmic, with a tick for each; y from zero where it is not. @param series  [(label, colour, points)]"""
    xs = sorted({x for *_, points in series for x, _ in points})
    ys = [y for *_, points in series for _, y in points]
    low, high = min(ys) / 1.3 if log else 0, max(ys) * 1.3
    picture = Picture(Scale(xs[0] / 1.1, xs[-1] * 1.1, 105, RIGHT, log=True), Scale(low, high, 270, TOP, log))
    picture.axis(xlabel, xs)
    picture.vertical_axis(ylabel)
    for k, (_, n, points) in enumerate(series):
        picture.line(f"line c{n}", points)
        picture.points(n, MARKS[k % len(MARKS)], points)
    return picture.figure(caption, description, [(n, label) for label, n, _ in series])


def timeline(caption, description, tracks, cycles, numbers):
    """@param tracks  [(name, [(begin, end, layer)])]; @param numbers  {layer: its number}, for the first track"""
    picture = Picture(Scale(0, cycles, 80, RIGHT), Scale(-0.5, len(tracks) - 0.5, TOP, TOP + 32 * len(tracks)))
    picture.axis("cycles")
    picture.rows([name for name, _ in tracks])
    layers = tracks[0][1]
    for k, n in enumerate(PALE):
        picture.spans(n, 0, [(begin, end) for begin, end, _ in layers[k::2]])
    for y, (_, spans) in enumerate(tracks[1:], 1):
        picture.spans(y, y, merged(spans, cycles / 1000))
    picture.texts("middle", [(picture.x((begin + end) / 2), 0, str(numbers[layer]))
                             for begin, end, layer in layers if end - begin > 0.02 * cycles and layer in numbers], y=picture.y(0) + 4)
    return picture.figure(caption, description, [])


def merged(spans, least):
    """Returns the spans in order; spans that are less than `least` apart become one."""
    joined = []
    for begin, end, _ in sorted(spans):
        if joined and begin - joined[-1][1] < least:
            joined[-1][1] = max(joined[-1][1], end)
        else:
            joined.append([begin, end])
    return joined
