#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Checks that each relative link of each Markdown file leads to a file of the repository or a folder with a README,
each anchor to a heading, and that each file named in the text exists.

    tests/house/links_test.py

Anchors must match the names that both GitHub and mkdocs give a heading.
"""
import functools
import pathlib
import re
import subprocess
import sys
import urllib.parse

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
import markdown  # noqa: E402
from harness import ROOT  # noqa: E402

LINK = re.compile(r"\]\(\s*<?([^)\s>]+)>?[^)]*\)|^\s{0,3}\[[^\]]+\]:\s*(\S+)", re.MULTILINE)
# A file of the repository, named from its root.
NAMED = re.compile(r"(?<![\w./-])((?:components|docs|gen|models|rtl|sim|spec|sw|synth|tb|tests|tools)/"
                   r"[\w./-]+\.(?:h|cpp|py|sv|v|md|toml|svg|tsv|fbs|csv))\b")
OUTSIDE = re.compile(r"^([a-z][a-z0-9+.-]*:|//)")


def pages():
    names = subprocess.check_output(["git", "-C", ROOT, "ls-files", "*.md"], text=True).split("\n")
    return [ROOT / name for name in names if name and (ROOT / name).is_file()]


def links(text):
    """Yields (line, target) of each link into the repository."""
    plain = markdown.without_code(text)
    for found in LINK.finditer(plain):
        target = found.group(1) or found.group(2)
        if not OUTSIDE.match(target):
            yield plain.count("\n", 0, found.start()) + 1, target


@functools.lru_cache(maxsize=None)
def anchors(page):
    """Returns the anchors of the page's headings: (GitHub's names, mkdocs' names)."""
    github, mkdocs = set(), set()
    for _, lines, prefix in markdown.blocks(page.read_text()):
        heading = re.match(r"#{1,6}\s+(.*?)\s*#*$", lines[0])
        if prefix is not None or not heading:
            continue
        title = re.sub(r"\[([^\]]*)\]\([^)]*\)|[`*]", r"\1", heading.group(1)).lower()
        plain = re.sub(r"[^\w\s-]", "", title).strip()
        for names, name, mark in ((github, re.sub(r"\s", "-", plain), "-"), (mkdocs, re.sub(r"[-\s]+", "-", plain), "_")):
            same = sum(re.fullmatch(re.escape(name) + rf"({mark}\d+)?", n) is not None for n in names)
            names.add(f"{name}{mark}{same}" if same else name)
    return github, mkdocs


def destination(page, target):
    """Returns (file or folder, anchor)."""
    path, _, anchor = urllib.parse.unquote(target).partition("#")
    return ((page.parent / path).resolve() if path else page), anchor


def fault(page, target):
    """Returns the error of a link, or None."""
    there, anchor = destination(page, target)
    if not there.is_relative_to(ROOT):
        return "leads out of the repository"
    if not there.exists():
        return "no such file"
    if there.is_dir() and not (there / "README.md").exists():
        return "a folder without README"
    if anchor and there.suffix == ".md":
        for names, whose in zip(anchors(there), ("GitHub", "mkdocs")):
            if anchor not in names:
                return f"no such heading for {whose}"
    return None


def main():
    found, count = [], 0
    for page in pages():
        for line, target in links(page.read_text()):
            count += 1
            wrong = fault(page, target)
            if wrong:
                found.append(f"{page.relative_to(ROOT)}:{line}: {target}: {wrong}")
        found += [f"{page.relative_to(ROOT)}: {name}: no such file" for name in set(NAMED.findall(page.read_text()))
                  if not (ROOT / name).exists() and not (page.parent / name).exists()]
    print("\n".join(found))
    print(f"{count} links of {len(pages())} pages, {len(found)} lead nowhere")
    return 1 if found or count < 100 else 0


if __name__ == "__main__":
    sys.exit(main())
