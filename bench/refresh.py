#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Measures the tables of documents again: runs the command of each marker and replaces what follows it.

usage: refresh.py [--only TEXT] FILE.md...    or: refresh.py --list
A block begins with a line `<!-- $ COMMAND -->`, run in the project's root, and ends with `<!-- end -->`.
Only lines that begin with bench/ are run, and with --only those that contain TEXT; a command that fails leaves its file as it was.
--list: the figures of headlines.tsv that take minutes (clock, area, peaks), a line each: command, page, words with the
figure in braces; then the commands of all pages' markers. What takes less, headlines.py measures.
"""
import re
import shlex
import subprocess
import sys

import common
import headlines

BLOCK = re.compile(r"(<!-- \$ (bench/.*?) -->\n).*?(<!-- end -->)", re.DOTALL)


def measured(block, only):
    if only not in block[2]:
        return block[0]
    command = shlex.split(block[2])
    print(f"{block[2]} ...", file=sys.stderr)
    done = subprocess.run(command, cwd=common.ROOT, stdout=subprocess.PIPE, text=True)
    if done.returncode != 0:
        sys.exit(f"{block[2]}: exit code {done.returncode}")
    return f"{block[1]}\n{done.stdout.strip()}\n\n{block[3]}"


def listed():
    """Everything that is measured again by hand, a line each."""
    lines = [f"{row.command}: {row.page}: {row.words}" for row in headlines.rows()
             if row.command != headlines.GIVEN and not headlines.is_fast(row)]
    for path in sorted((common.ROOT / "docs").glob("*.md")):
        page = path.relative_to(common.ROOT)
        lines += [f"bench/refresh.py {page}: {block[2]}" for block in BLOCK.finditer(path.read_text(encoding="utf-8"))]
    return lines


def main(paths):
    if paths == ["--list"]:
        print("\n".join(listed()))
        return
    only = ""
    if paths[:1] == ["--only"] and len(paths) > 1:
        only, paths = paths[1], paths[2:]
    if not paths:
        sys.exit(__doc__)
    for path in paths:
        with open(path, encoding="utf-8") as file:
            text = file.read()
        text = BLOCK.sub(lambda block: measured(block, only), text)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)


if __name__ == "__main__":
    main(sys.argv[1:])
