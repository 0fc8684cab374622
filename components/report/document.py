# SPDX-License-Identifier: Apache-2.0
"""The elements of a report; the page and the terminal's text are two printers of them."""
import dataclasses
import os


@dataclasses.dataclass
class Cell:
    text: str
    value: object = None  # the number that is shown, unrounded
    source: str = ""  # "edge64.json#/layers/3/cycles" where a result has that very value
    command: str = ""  # of an unknown figure: the command that measures it


@dataclasses.dataclass
class Table:
    caption: str
    columns: list  # of titles; those that begin with "<" are texts, at the left
    rows: list  # of lists of Cell
    long: bool = False  # folded on the page, where a picture stands for it
    page_only: bool = False  # not in the text

    def classes(self):
        """Returns the classes of page.css that align the columns of texts at the left."""
        texts = [i for i, title in enumerate(self.columns, 1) if title.startswith("<")]
        return "texts" if len(texts) == len(self.columns) else " ".join(f"t{i}" for i in texts)

    def sources(self):
        """Returns the sources of the figures in parts: of the table, of each row, of each column, of each cell. A source
        starts with the parts of its table and row, and ends with the part of its cell, or else of its column."""
        table = shared([cell for row in self.rows for cell in row])
        rows = [shared(row)[len(table):] for row in self.rows]
        cells = [[cell.source[len(table + own):] for cell in row] for own, row in zip(rows, self.rows)]
        ends = [set(filter(None, column)) for column in zip(*cells)]
        columns = [end.pop() if len(end) == 1 else "" for end in ends]
        return table, rows, columns, [["" if c == end else c for c, end in zip(row, columns)] for row in cells]


@dataclasses.dataclass
class Figure:
    caption: str
    description: str  # what one sees, for those who do not
    legend: list  # of (colour, text)
    svg: str
    shared: dict = dataclasses.field(default_factory=dict)  # {id: element of the page to which the picture refers}


@dataclasses.dataclass
class Section:
    title: str
    parts: list = dataclasses.field(default_factory=list)  # of str, Table, Figure, Section
    id: str = ""
    folded: bool = False  # on the page

    def walk(self):
        """All parts of all depths."""
        for part in self.parts:
            yield part
            if isinstance(part, Section):
                yield from part.walk()

    def set_ids(self):
        """Numbers all sections below this one, for links."""
        for n, part in enumerate((part for part in self.walk() if isinstance(part, Section)), 1):
            part.id = f"s{n}"


def shared(cells):
    """Returns the beginning that the sources of several cells have in common, up to a "/"; or nothing."""
    sources = [cell.source for cell in cells if cell.source]
    common = os.path.commonprefix(sources) if len(sources) > 1 else ""
    return common[:common.rfind("/") + 1]


def text(value, **more):
    return Cell(str(value), **more)


def unknown(command):
    return Cell("not known", command=command)


def number(value, digits=None, unit="", **more):
    """Returns a number with grouped digits: whole ones exactly, others with `digits` decimals or four significant digits."""
    if value is None:
        return Cell("-", **more)
    if isinstance(value, int) or (digits is None and float(value).is_integer() and abs(value) < 1e15):
        shown = f"{int(value):,}"
    elif digits is None:
        whole = len(str(int(abs(value)))) if abs(value) >= 1 else 0
        shown = f"{value:,.{max(0, 4 - whole)}f}" if abs(value) >= 0.001 or value == 0 else f"{value:.3g}"
    else:
        shown = f"{value:,.{digits}f}"
    return Cell(shown + (f"\u00a0{unit}" if unit else ""), value=value, **more)


def percent(share, **more):
    return Cell(f"{100 * share:.1f}\u00a0%", value=share, **more)


def shortened(cell):
    """Returns the cell without its note in parentheses."""
    return text("-") if cell.command else Cell(cell.text.partition(" (")[0], cell.value, cell.source)


def present(parts):
    return [part for part in parts if part]
