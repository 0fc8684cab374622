# SPDX-License-Identifier: Apache-2.0
"""Pictures as SVG. page.css contains their style: an element has at most a class, and a series is one path.

A stacked bar is a thick line, because a line needs a third of the characters of a rectangle.
"""
import collections
import html
import math

from document import Figure

WIDTH, RIGHT, TOP = 820, 795, 8  # pixels
ROW = 19  # pixels from one bar to the next
DIGIT = 7  # pixels, at most
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
        self.x, self.y, self.parts = x, y, []
        self.left, self.bottom = x.start, max(y.start, y.end)

    def path(self, kind, steps):
        if steps:
            self.parts.append(f'<path class="{kind}" d="{"".join(steps)}"/>')

    def texts(self, kind, labels):
        """@param labels  [(x, y, text)] in pixels"""
        written = "".join(f'<text x="{pixels(x)}" y="{pixels(y)}">{html.escape(text)}</text>' for x, y, text in labels)
        self.parts.append(f'<g class="{kind}">{written}</g>')

    def axis(self, unit, ticks=None):
        """Draws the horizontal axis and its grid, without a label that would touch the previous label."""
        labels, end = [], -math.inf
        for x in ticks or self.x.ticks():
            text = f"{x:,.10g}"
            half = DIGIT * len(text) / 2
            if self.x(x) - half > end:
                end = self.x(x) + half + DIGIT
                labels.append((self.x(x), self.bottom + 17, text))
        self.path("grid", [f"M{pixels(x)} {TOP}V{pixels(self.bottom)}" for x, *_ in labels])
        self.texts("middle", labels + [((self.left + RIGHT) / 2, self.bottom + 36, unit)])

    def vertical_axis(self, unit):
        ticks = [(self.y(y), f"{y:,.10g}") for y in self.y.ticks()]
        self.path("grid", [f"M{pixels(self.left)} {pixels(y)}H{RIGHT}" for y, _ in ticks])
        self.texts("end", [(self.left - 8, y + 4, text) for y, text in ticks])
        middle = pixels((TOP + self.bottom) / 2)
        self.parts.append(f'<text class="middle" transform="translate(14 {middle})rotate(-90)">{html.escape(unit)}</text>')

    def rows(self, names):
        """Draws the vertical axis of bars."""
        self.texts("end", [(self.left - 8, self.y(row) + 4, name) for row, name in enumerate(names)])

    def bars(self, n, spans, kind="bar"):
        """Draws spans of a colour. @param spans  [(begin, end, row)]"""
        edges = [(pixels(self.x(begin)), pixels(self.x(end)), pixels(self.y(row))) for begin, end, row in spans]
        self.path(f"{kind} c{n}", [f"M{begin} {y}H{end}" for begin, end, y in edges if begin != end])

    def points(self, n, mark, points):
        self.path(f"c{n}", [f"M{pixels(self.x(x))} {pixels(self.y(y))}{mark}" for x, y in points])

    def line(self, kind, points):
        self.path(kind, ["M" + "L".join(f"{pixels(self.x(x))} {pixels(self.y(y))}" for x, y in points)])

    def figure(self, caption, description, legend):
        self.path("axis", [f"M{pixels(self.left)} {TOP}V{pixels(self.bottom)}H{RIGHT}"])
        height = math.ceil(self.bottom + 44)
        svg = (f'<svg viewBox="0 0 {WIDTH} {height}" role="img" aria-label="{html.escape(description)}">'
               f'{"".join(self.parts)}</svg>')
        return Figure(caption, description, legend, svg)


def bars(caption, description, names, series, unit, most=None):
    """Draws a row for each name, with one part after the other. @param series  [(label, colour, values)]
    @param most  end of the scale; None: the end of the longest row"""
    most_of_all = max(map(sum, zip(*(values for *_, values in series))), default=0)
    if not most_of_all:
        return None
    names = [printable(name) for name in names]
    margin = min(0.3 * WIDTH, 25 + 7.5 * max(map(len, names)))
    picture = Picture(Scale(0, most or most_of_all * 1.02, margin, RIGHT),
                      Scale(-0.5, len(names) - 0.5, TOP, TOP + ROW * len(names)))
    picture.axis(unit)
    picture.rows(names)
    legend, ends = [], [0] * len(names)
    for label, n, values in series:
        begins, ends = ends, [end + value for end, value in zip(ends, values)]
        if any(values):
            picture.bars(n, zip(begins, ends, range(len(names))))
            legend.append((n, label))
    return picture.figure(caption, description, legend)


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
    together = []  # (x, y, numbers of the layers that stand there, too near for labels of their own)
    for i, x, y, _ in layers:
        x, y = picture.x(x or right / 1.6), picture.y(y)
        near = [numbers for a, b, numbers in together if abs(a - x) < 28 and abs(b - y) < 14]
        if near:
            near[0].append(str(i))
        else:
            together.append((x, y, [str(i)]))
    picture.texts("", [(x + 7, y - 6, ", ".join(numbers[:4]) + (" …" if len(numbers) > 4 else ""))
                       for x, y, numbers in together])
    used = {bound for *_, bound in layers}
    for bound, n in BOUNDS.items():
        picture.points(n, CIRCLE, [(x, y) for _, x, y, of in layers if of == bound and x])
        picture.points(n, TRIANGLE, [(right / 1.6, y) for _, x, y, of in layers if of == bound and not x])
    return picture.figure(caption, description, [(n, bound) for bound, n in BOUNDS.items() if bound in used])


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
        picture.bars(n, [(begin, end, 0) for begin, end, _ in layers[k::2]], "track")
    for y, (_, spans) in enumerate(tracks[1:], 1):
        picture.bars(y, [(begin, end, y) for begin, end in merged(spans, cycles / 1000)], "track")
    picture.texts("middle", [(picture.x((begin + end) / 2), picture.y(0) + 4, str(numbers[layer]))
                             for begin, end, layer in layers if end - begin > 0.02 * cycles and layer in numbers])
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
