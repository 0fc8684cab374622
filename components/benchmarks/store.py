# SPDX-License-Identifier: Apache-2.0
"""Stores measured figures and draws them on pages. Each figure is stored once, in components/benchmarks/results/NAME.json:

    command   that measured it; tools  versions; revision  of RTL and tools, or source  of published figures
    measures  folders whose commits make it older
    output    the lines that the command printed: Markdown, a cell of a table is a figure
    figures   {key: {"value": number, "unit": text}} that are not in a table
    by_hand   if the output is not printed by the command: how it was made

A page draws figures between markers that are invisible to readers:

    <!--=NAME/KEY-->13,844<!--/-->                 a figure, or the cell of the first table with such a row and column:
    <!--=networks/kws_ref_model;edge256/cycles-->  NAME/first cells of the row/head of the column
    <!-- $ COMMAND | VIEW -->  ...  <!-- end -->   the output of a command; VIEW, if given, selects parts of it:
                                                   tables=1,3 rows=REGEX columns=A;B, or lines=REGEX
"""
import functools
import json
import re
import subprocess

import common

FOLDER = common.ROOT / "components" / "benchmarks" / "results"
PAGES = ["README.md", *(f"docs/{name}.md" for name in (
    "status", "compare", "cluster", "formats", "language-models", "performance", "area", "energy", "published_networks", "published_systems",
    "speech", "book", "verification-kit"))]
BLOCK = re.compile(r"(?<!`)(<!-- \$ (.*?)(?: \| (.*?))? -->\n).*?(<!-- end -->)", re.DOTALL)
INLINE = re.compile(r"(?<!`)(<!--=(.+?)-->)(.*?)(<!--/-->)")
UNITS = ("cycles", "%", "GE", "ns", "ms", "us", "kHz", "MHz", "pJ", "MB", "um2")
UNIT = r" ?(?:%|(?:cycles|GE|ns|ms|us|kHz|MHz|pJ|MB|um2)\b)"
# A number with a unit, or of five digits and more.
FIGURE = re.compile(r"(?<![\w.,-])(?:\d{2,3}(?:,\d{3})+|\d(?:,\d{3}){2,})(?![\d,]*-bit)"
                    rf"|(?<![\w.,])\d[\d,]*(?:\.\d+)?(?={UNIT})")


@functools.lru_cache(maxsize=None)
def records():
    """Returns {name: contents of components/benchmarks/results/NAME.json}."""
    return {path.stem: json.loads(path.read_text(encoding="utf-8")) for path in sorted(FOLDER.glob("*.json"))}


def lines_of(value):
    """Returns JSON with one entry per line, two levels deep."""
    def text(part):
        return json.dumps(part, ensure_ascii=False)
    if isinstance(value, dict):
        return "{\n" + ",\n".join(f"  {text(key)}: {text(part)}" for key, part in value.items()) + "\n }"
    if isinstance(value, list) and sum(map(len, value)) > 100:
        return "[\n" + ",\n".join(f"  {text(part)}" for part in value) + "\n ]"
    return text(value)


def save(name, record):
    parts = [f" {json.dumps(key)}: {lines_of(value)}" for key, value in record.items()]
    common.save(FOLDER / f"{name}.json", "{\n" + ",\n".join(parts) + "\n}\n")
    records.cache_clear()


def of_command(command):
    """Returns (name, record) of a command, or None."""
    return next(((n, r) for n, r in records().items() if r.get("command") == command), None)


# ---- tables -------------------------------------------------------------------------------------

def cells(line):
    return [cell.strip() for cell in line.strip().strip("|").split("|")]


def tables(record):
    """Returns [(head, rows)] of a command's output."""
    found, lines = [], record.get("output", [])
    for at, line in enumerate(lines):
        if line.startswith("|") and (at == 0 or not lines[at - 1].startswith("|")):
            rows = []
            for row in lines[at:]:
                if not row.startswith("|"):
                    break
                rows.append(cells(row))
            found.append((rows[0], rows[2:]))
    return found


def cell(record, row, column):
    """Returns the text of a cell, or None."""
    wanted = row.split(";")
    return next((line[head.index(column)] for head, rows in tables(record) if column in head
                 for line in rows if line[:len(wanted)] == wanted), None)


def written(value):
    return value if isinstance(value, str) else f"{value:,}"


def figure(key):
    """Returns (text, unit or None); KeyError if the store does not contain it."""
    name, _, rest = key.partition("/")
    record = records()[name]
    if rest in record.get("figures", {}):
        found = record["figures"][rest]
        return written(found["value"]), found["unit"]
    row, _, column = rest.rpartition("/")
    text = cell(record, row, column) if row else None
    if text is None:
        raise KeyError(key)
    # A cell may have its unit after the number; the page writes the unit itself.
    found = re.fullmatch(r"\**([-+]?[\d,.]+)\** ?([a-zA-Z%]\w*)?", text)
    return (found[1], found[2]) if found else (text, None)


def number(text):
    return float(text.replace(",", ""))


# ---- pages --------------------------------------------------------------------------------------

def viewed(record, view):
    """Returns the lines of a block. A view contains the selected tables, and the last paragraph."""
    lines = record["output"]
    if not view:
        return lines
    if view.startswith("lines="):
        return [line for line in lines if line.startswith("```") or re.search(view[6:], line)]
    options = dict(option.split("=", 1) for option in re.findall(r"(\w+=(?:(?! \w+=).)*)", view))
    out, all_tables = [], tables(record)
    for at in map(int, options.get("tables", ",".join(str(i + 1) for i in range(len(all_tables)))).split(",")):
        head, rows = all_tables[at - 1]
        kept = [head.index(column) for column in options["columns"].split(";")] if "columns" in options else range(len(head))
        rows = [row for row in rows if re.search(options.get("rows", ""), " | ".join(row))]
        right = [all(re.match(r"[-+*]*\d|-?$", row[i]) for row in rows) for i in kept]
        out += ["| " + " | ".join(head[i] for i in kept) + " |", "|" + "|".join("---:" if r else "---" for r in right) + "|"]
        out += ["| " + " | ".join(row[i] for i in kept) + " |" for row in rows] + [""]
    last = max((i for i, line in enumerate(lines) if line.startswith("|")), default=-1)
    tail = "\n".join(lines[last + 1:]).strip().split("\n\n")[-1]
    return out + ([tail] if tail and not tail.startswith(("-", "**")) else [])


def drawn(text):
    """Returns (the page with everything that it draws, figures that the store does not contain)."""
    missing = []

    def block(found):
        record = of_command(found[2])
        if record is None:
            missing.append(f"no results of '{found[2]}'")
            return found[0]
        body = "\n".join(viewed(record[1], found[3])).strip()
        return f"{found[1]}\n{body}\n\n{found[4]}"

    def inline(found):
        try:
            return f"{found[1]}{figure(found[2])[0]}{found[4]}"
        except KeyError:
            missing.append(f"no figure '{found[2]}'")
            return found[0]

    return INLINE.sub(inline, BLOCK.sub(block, text)), missing


def undrawn(text):
    """Returns figures that are typed by hand."""
    plain = INLINE.sub(" ", BLOCK.sub(" ", text))
    return FIGURE.findall(re.sub(r"`[^`\n]*`|\]\([^)]*\)|<!--.*?-->", " ", plain, flags=re.DOTALL))


def wrong_units(text):
    """Returns figures after which the page writes another unit than the store's."""
    found = []
    for marker in INLINE.finditer(text):
        try:
            unit = figure(marker[2])[1]
        except KeyError:
            continue
        behind = re.match(r"\s*(%|\w+)", text[marker.end():])
        if unit in UNITS and behind and behind[1] in UNITS and behind[1] != unit:
            found.append(f"{marker[2]} is in {unit}, not {behind[1]}")
    return found


def faults(name):
    """Returns the errors of a page, a line each."""
    text = (common.ROOT / name).read_text(encoding="utf-8")
    now, missing = drawn(text)
    found = [f"{name}: {line}" for line in missing + wrong_units(text)]
    found += [f"{name}: a line begins with a marker, which ends its paragraph" for _ in re.findall("^<!--=", text, re.MULTILINE)]
    found += [f"{name}: '{a.strip()[:80]}', the store has '{b.strip()[:80]}': components/benchmarks/refresh.py draws it"
              for a, b in zip(text.split("\n"), now.split("\n")) if a != b][:3]
    if now.count("\n") != text.count("\n"):
        found.append(f"{name}: not as components/benchmarks/refresh.py draws it")
    return found + [f"{name}: {figure} is in no file of components/benchmarks/results/" for figure in dict.fromkeys(undrawn(text))]


def shows(text, key):
    """Returns true if a page shows this figure, between its own markers or in a block that contains its cell."""
    if any(marker[2] == key for marker in INLINE.finditer(text)):
        return True
    name, _, rest = key.partition("/")
    row, _, column = rest.rpartition("/")
    for found in BLOCK.finditer(text):
        record = of_command(found[2])
        if record and record[0] == name:
            lines = viewed(record[1], found[3])
            if cell({"output": lines}, row, column) is not None or (rest in record[1].get("figures", {}) and figure(key)[0] in "\n".join(lines)):
                return True
    return False


def keys(text):
    """Returns the names of the results that a page draws from."""
    found = {marker[2].partition("/")[0] for marker in INLINE.finditer(text)}
    for block in BLOCK.finditer(text):
        record = of_command(block[2])
        found |= {record[0]} if record else set()
    return found


# ---- age ----------------------------------------------------------------------------------------

def git(*arguments):
    done = subprocess.run(["git", "-C", str(common.ROOT), *arguments], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    return done.stdout.strip() if done.returncode == 0 else None


def age(record):
    """Returns the commits to what it measures since its revision; None if unknown, or if others measured it."""
    if "revision" not in record:
        return None
    count = git("rev-list", "--count", f"{record['revision']}..HEAD", "--", *record.get("measures", []))
    return int(count) if count else None
