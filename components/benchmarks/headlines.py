#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Measures headline figures again on the architecture simulator.

usage: headlines.py [--pages] [TEXT]
Prints a line each, with exit code 1, if a figure differs by more than 0.5 % from the stored one, if the figure on a
page differs by more than 3.5 % from it (the RTL's cycles compared with the simulator's), or if a page shows a figure
that components/benchmarks/results/ does not contain (store.py). --pages: only checks that need no measurement; TEXT: figures whose
entry contains it.
components/benchmarks/results/simulator.json contains them: value, unit, command, key of its --json (/12: divided by twelve), and the
figure of the pages that it corresponds to (`shown`). `estimate`, `token` and `text` run here, in a second or less.
Models of $TRINE_SHARED (../shared) are measured if it exists.
"""
import argparse
import collections
import pathlib
import subprocess
import sys
import tempfile

import common
import decode
import store

WORSE = 0.005
PREDICTION = 0.035  # the simulator compared with the RTL, whose cycles the pages show
Row = collections.namedtuple("Row", "name value unit command key shown")


def rows():
    return [Row(name, **entry) for name, entry in store.records()["simulator"]["figures"].items()]


def is_shared(row):
    return "$SHARED" in row.command or row.command.split()[0] in ("token", "text")


# ---- measurements -------------------------------------------------------------------------------

def estimate(config, model):
    """@param model  a file, or one that components/zoo/tables.py or transformers.py writes: `tables:resnet50`"""
    script, _, name = model.rpartition(":")
    if not script:
        path = common.ROOT / model.replace("$SHARED", str(common.SHARED))
        return common.trine("estimate", *common.design(config), path)
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / (name + (".onnx" if name == "layer_128" else ".tflite"))
        subprocess.run([sys.executable, "-B", common.ROOT / "components" / "zoo" / f"{script}.py", name, path], check=True)
        return common.trine("estimate", *common.design(config), path)


def token(config, context):
    return decode.token(config, "arch", int(context), "int8")


def text(config):
    """Measures the text of docs/language-models.md."""
    model = common.SHARED / "models" / "stories260K.bin"
    return common.trine("generate-text", *common.design(config), model, "--tokenizer", model.parent / "tok512.bin",
                        "--prompt", "Once upon a time", "--tokens", 60, "--backend", "arch")


COMMANDS = {"estimate": estimate, "token": token, "text": text}


def measured(command, done):
    """Returns the JSON of a command that runs here; each command runs once."""
    if command not in done:
        name, *arguments = command.split()
        done[command] = COMMANDS[name](*arguments)
    return done[command]


def value_of(row, done):
    key, _, parts = row.key.partition("/")
    return measured(row.command, done)[key] / float(parts or 1)


# ---- errors -------------------------------------------------------------------------------------

def faults_of_store(row, pages):
    """@param pages  {name: text}"""
    try:
        shown = store.figure(row.shown)[0]
    except KeyError:
        return [f"simulator.json: {row.name}: no figure '{row.shown}'"]
    found = []
    if not any(store.shows(text, row.shown) for text in pages.values()):
        found.append(f"simulator.json: {row.name}: no page shows '{row.shown}'")
    if abs(row.value / store.number(shown) - 1) > PREDICTION:
        found.append(f"simulator.json: {row.name} is {row.value:,}, pages show {shown} ({row.shown})")
    return found


def faults_of_value(row, done):
    now = value_of(row, done)
    if abs(now / row.value - 1) <= WORSE:
        return []
    return [f"{row.shown}: {row.name}: {row.key} was {row.value:,}, is {now:,.6g} ({100 * (now / row.value - 1):+.2f} %): "
            f"{row.command}"]


def faults(wanted="", measure=True):
    """@return the errors, and how many figures were measured"""
    pages = {name: (common.ROOT / name).read_text(encoding="utf-8") for name in store.PAGES}
    found, done, count = [], {}, 0
    for row in rows():
        if wanted not in "\t".join(map(str, row)):
            continue
        found += faults_of_store(row, pages)
        if measure and not (is_shared(row) and not (common.SHARED / "models").exists()):
            found += faults_of_value(row, done)
            count += 1
    for name in pages:
        found += store.faults(name) if not wanted else []
    return found, count


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("text", nargs="?", default="")
    parser.add_argument("--pages", action="store_true")
    options = parser.parse_args()
    found, count = faults(options.text, not options.pages)
    print("\n".join(found + [f"{len(rows())} headline figures, {count} measured, {len(found)} faults"]))
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
