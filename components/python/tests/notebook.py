#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs the Python of a page or notebook in order, in the file's folder; cells tagged `torch` only with --full, and so blocks
of a page that begin with ```python torch.

usage: notebook.py FILE.ipynb|FILE.md [--full] [--write]     --write stores the output of a notebook's cells in it
"""
import ast
import contextlib
import io
import json
import os
import pathlib
import re
import sys


def run_cell(source, names):
    """Returns the cell's output, and its last expression."""
    tree = ast.parse(source)
    last = ast.Expression(tree.body.pop().value) if tree.body and isinstance(tree.body[-1], ast.Expr) else None
    text = io.StringIO()
    with contextlib.redirect_stdout(text):
        exec(compile(tree, "cell", "exec"), names)
        value = None if last is None else eval(compile(last, "cell", "eval"), names)
        if value is not None:
            print(repr(value))
    return text.getvalue()


def cells_of(document, full):
    return [c for c in document["cells"]
            if c["cell_type"] == "code" and (full or "torch" not in c["metadata"].get("tags", []))]


def main():
    file = pathlib.Path(sys.argv[1]).resolve()
    text = file.read_text()
    blocks = re.findall(r"^```python *(\w*)\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    document = {"cells": [{"cell_type": "code", "metadata": {"tags": [tag]}, "source": [block]} for tag, block in blocks]}
    if file.suffix == ".ipynb":
        document = json.loads(text)
    os.chdir(file.parent)
    cells, names = cells_of(document, "--full" in sys.argv), {"__name__": "__main__"}
    for cell in cells:
        printed = run_cell("".join(cell["source"]), names)
        cell["outputs"] = [{"output_type": "stream", "name": "stdout", "text": printed.splitlines(True)}] if printed else []
    if len(cells) < 7:
        sys.exit(f"{file.name}: {len(cells)} cells, at least 7 were expected")
    if "--write" in sys.argv:
        file.write_text(json.dumps(document, indent=1, ensure_ascii=False) + "\n")
    print(f"{file.name}: {len(cells)} cells")


if __name__ == "__main__":
    main()
