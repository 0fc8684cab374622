#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Headline figures (headlines.tsv): what the pages tell, measured again on the architecture simulator.

usage: headlines.py [--pages] [TEXT]...
Exit code 1, a line each, if a figure is off by more than 0.5 % from what it was, if its page does not tell it, or if a
page tells a figure that is not in the table. --pages: only what needs no measurement; TEXT: rows that contain it.
A row: page; the words around the figure, which is in braces; what is measured (of --json; /12: of twelve); its value
when it was written down; the command. `estimate`, `token` and `text` run here, in a second or less; what begins with
bench/ or ./trine takes minutes, `refresh.py --list` prints it; `given` is nobody's measurement. Models of $TRINE_SHARED
(../shared) are measured where that is.
"""
import argparse
import collections
import pathlib
import re
import subprocess
import sys
import tempfile

import common
import decode

PAGES = ["README.md", "docs/status.md", "docs/compare.md", "docs/language-models.md"]
TABLE = common.ROOT / "bench" / "headlines.tsv"
WORSE = 0.005
PREDICTION = 0.035  # the simulator beside the RTL, whose cycles the pages tell
FAST = ("estimate", "token", "text")
GIVEN = "given"
FIGURE = re.compile(r"(?<![\w.,])\d{1,3}(?:,\d{3})+(?![\d,]*-bit)|(?<![\w.,])\d+(?:\.\d+)?(?= (?:ns|GE|um2|pJ|MHz)\b)")
Row = collections.namedtuple("Row", "page words key value command")


def rows():
    lines = TABLE.read_text(encoding="utf-8").splitlines()[1:]
    return [Row(*line.split("\t")) for line in lines]


def number(text):
    return float(text.replace(",", ""))


def told(row):
    """The figure in braces."""
    return re.search(r"\{(.*?)\}", row.words)[1]


def joined(text):
    """Words with one space between, whatever the line breaks."""
    return " ".join(text.split())


def is_fast(row):
    return row.command.split()[0] in FAST


def is_shared(row):
    return "$SHARED" in row.command or row.command.split()[0] in ("token", "text")


# ---- measurements -------------------------------------------------------------------------------

def estimate(config, model):
    """@param model  a file, or one that models/tables.py or transformers.py writes: `tables:resnet50`"""
    script, _, name = model.rpartition(":")
    if not script:
        path = common.ROOT / model.replace("$SHARED", str(common.SHARED))
        return common.trine("estimate", *common.design(config), path)
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / (name + (".onnx" if name == "layer_128" else ".tflite"))
        subprocess.run([sys.executable, "-B", common.ROOT / "models" / f"{script}.py", name, path], check=True)
        return common.trine("estimate", *common.design(config), path)


def token(config, context):
    return decode.token(config, "arch", int(context))


def text(config):
    """The text of docs/language-models.md."""
    model = common.SHARED / "models" / "stories260K.bin"
    return common.trine("generate-text", *common.design(config), model, "--tokenizer", model.parent / "tok512.bin",
                        "--prompt", "Once upon a time", "--tokens", 60, "--backend", "arch")


def measured(command, done):
    """The JSON of a command that runs here; each runs once."""
    if command not in done:
        name, *arguments = command.split()
        done[command] = {"estimate": estimate, "token": token, "text": text}[name](*arguments)
    return done[command]


def value_of(row, done):
    key, _, parts = row.key.partition("/")
    return measured(row.command, done)[key] / float(parts or 1)


# ---- what is wrong ------------------------------------------------------------------------------

def faults_of_page(row, page):
    if joined(row.words.replace("{", "").replace("}", "")) not in page:
        return [f"{row.page}: does not tell '{row.words}'"]
    if row.command == GIVEN:
        return []
    margin = PREDICTION if is_fast(row) else 0
    if abs(number(row.value) / number(told(row)) - 1) > margin:
        return [f"{row.page}: tells {told(row)}, headlines.tsv has {row.value} for '{row.words}'"]
    return []


def faults_of_value(row, done):
    now, then = value_of(row, done), number(row.value)
    if abs(now / then - 1) <= WORSE:
        return []
    return [f"{row.page}: '{row.words}': {row.key} was {row.value}, is {now:,.6g} ({100 * (now / then - 1):+.2f} %): "
            f"{row.command}"]


def unlisted(name, page, table):
    """Figures of a page that no row of it has."""
    known = {figure for row in table if row.page == name for figure in FIGURE.findall(re.sub(r"[{}]", "", row.words))}
    known |= {told(row) for row in table if row.page == name}
    return [f"{name}: {figure} is not in headlines.tsv" for figure in dict.fromkeys(FIGURE.findall(page))
            if figure not in known]


def faults(wanted="", measure=True):
    """@return what is wrong, and how many figures were measured"""
    table = rows()
    pages = {name: joined((common.ROOT / name).read_text(encoding="utf-8")) for name in PAGES}
    found, done, count = [], {}, 0
    for row in table:
        if wanted not in "\t".join(row):
            continue
        found += faults_of_page(row, pages[row.page])
        if measure and is_fast(row) and not (is_shared(row) and not (common.SHARED / "models").exists()):
            found += faults_of_value(row, done)
            count += 1
    for name, page in pages.items():
        found += unlisted(name, page, table) if not wanted else []
    return found, count


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("text", nargs="?", default="")
    parser.add_argument("--pages", action="store_true")
    options = parser.parse_args()
    found, count = faults(options.text, not options.pages)
    print("\n".join(found + [f"{len(rows())} figures, {count} measured, {len(found)} wrong"]))
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
