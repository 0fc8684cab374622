# SPDX-License-Identifier: Apache-2.0
"""A report as text: the page's tables."""
from document import Section, Table

LEAST = 8  # columns of a name


def printed(document, columns):
    lines = [document.title, ""]
    add(document, columns, lines, 0)
    return "\n".join(lines).rstrip() + "\n"


def add(section, columns, lines, depth):
    for part in section.parts:
        if isinstance(part, Section):
            if not any(isinstance(inner, (Table, str)) and not is_of_page(inner) for inner in part.walk()):
                continue  # only pictures, or parts that only the page has
            lines += [part.title, ("=" if depth == 0 else "-") * min(columns, len(part.title))]
            add(part, columns, lines, depth + 1)
        elif is_of_page(part):
            continue
        elif isinstance(part, Table):
            lines += table(part, columns) + [""]
        elif isinstance(part, str):
            lines += wrapped(part, columns) + [""]


def is_of_page(part):
    return isinstance(part, Table) and part.page_only


def table(t, columns):
    """Its rows with names cut to the terminal's width; where not even that fits, a line for each cell."""
    left = [title.startswith("<") for title in t.columns]
    titles = [title.lstrip("<") for title in t.columns]
    cells = [titles] + [[cell.text for cell in row] for row in t.rows]
    widths = [max(len(row[i]) for row in cells) for i in range(len(titles))]
    while sum(widths) + 2 * (len(widths) - 1) > columns:
        widest = max((w, i) for i, w in enumerate(widths) if left[i])[1] if any(left) else 0
        if not left[widest] or widths[widest] <= LEAST:
            break
        widths[widest] -= 1
    lines = wrapped(t.caption + ":", columns)
    if sum(widths) + 2 * (len(widths) - 1) <= columns:
        for row in cells:
            lines.append("  ".join(f"{cut(c, w):<{w}}" if text else f"{c:>{w}}"
                                   for c, w, text in zip(row, widths, left)).rstrip())
    else:
        for row in t.rows:
            lines.append(cut(row[0].text, columns))
            lines += [
                cut(f"  {title}: {cell.text}", columns) for title, cell in zip(titles[1:], row[1:]) if cell.text != "-"
            ]
    commands = dict.fromkeys(cell.command for row in t.rows for cell in row if cell.command)
    return lines + [line for command in commands for line in wrapped(f"not known without: {command}", columns)]


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
