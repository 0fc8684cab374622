# SPDX-License-Identifier: Apache-2.0
"""A report as text: the page's tables, and below each section what is not known."""
from document import Section, Table


def printed(document, columns):
    lines = [document.title, ""]
    add(document, columns, lines, 0)
    return "\n".join(lines).rstrip() + "\n"


def add(section, columns, lines, depth):
    for part in section.parts:
        if isinstance(part, Section):
            lines += [part.title, ("=" if depth == 0 else "-") * min(columns, len(part.title))]
            add(part, columns, lines, depth + 1)
        elif isinstance(part, Table):
            lines += table(part, columns) + [""]
        elif isinstance(part, str):
            lines += wrapped(part, columns) + [""]


def table(t, columns):
    """Its rows, or, where they are wider than the terminal, a line for each cell."""
    left = [title.startswith("<") for title in t.columns]
    titles = [title.lstrip("<") for title in t.columns]
    cells = [titles] + [[cut(cell.text, 30 if i else 34) for i, cell in enumerate(row)] for row in t.rows]
    widths = [max(len(row[i]) for row in cells) for i in range(len(titles))]
    lines = wrapped(t.caption + ":", columns)
    if sum(widths) + 2 * (len(widths) - 1) <= columns:
        for row in cells:
            lines.append("  ".join(f"{c:<{w}}" if text else f"{c:>{w}}" for c, w, text in zip(row, widths, left)).rstrip())
    else:
        for row in t.rows:
            lines.append(cut(row[0].text, columns))
            lines += [cut(f"  {title}: {cell.text}", columns) for title, cell in zip(titles[1:], row[1:]) if cell.text != "-"]
    commands = dict.fromkeys(cell.command for row in t.rows for cell in row if cell.command)
    return lines + [cut(f"not known without: {command}", columns) for command in commands]


def cut(text, width):
    return text if len(text) <= width else text[:width - 1] + "…"


def wrapped(text, columns):
    lines = [""]
    for word in text.split():
        if lines[-1] and len(lines[-1]) + 1 + len(word) > columns:
            lines.append(word)
        else:
            lines[-1] += (" " if lines[-1] else "") + word
    return lines
