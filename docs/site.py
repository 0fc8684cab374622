#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""All Markdown of the repository as a site with search, by mkdocs; a warning is an error.

    docs/site.py        writes build/site/html: open index.html, no server is needed

mkdocs takes pages from only one folder, so they are collected in build/site/pages, together with the files that they
link to. The navigation is that of docs/README.md, by task.
"""
import json
import pathlib
import re
import shutil
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / "tests"), str(ROOT / "tests" / "house")]
import links_test  # noqa: E402
from harness import with_packages  # noqa: E402

SITE = ROOT / "build" / "site"
SETTINGS = """site_name: Trine
docs_dir: pages
site_dir: html
use_directory_urls: false
theme: readthedocs
plugins: [search]
extra_css: [site.css]
markdown_extensions: [tables, fenced_code, sane_lists]
validation:
  nav: {omitted_files: warn}
  links: {not_found: warn, anchors: warn, unrecognized_links: warn}
"""


def put_together(folder):
    """Pages and what they link to. A link to a folder becomes one to its README, or to the list of all pages."""
    for page in links_test.pages():
        copy = folder / page.relative_to(ROOT)
        copy.parent.mkdir(parents=True, exist_ok=True)
        text = page.read_text()
        for _, target in links_test.links(text):
            there, _ = links_test.destination(page, target)
            if there.is_dir():
                text = text.replace(f"]({target})", f"]({target.rstrip('/')}/README.md)")
            elif there.is_file() and there.suffix != ".md":
                beside = folder / there.relative_to(ROOT)
                beside.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(there, beside)
        copy.write_text(text)


def title(page):
    return next(line.lstrip("# ") for line in page.read_text().splitlines() if line.startswith("#"))


def by_task(index):
    """[(what for, pages)] of the tables of docs/README.md, in their order."""
    groups = []
    for line in index.read_text().splitlines():
        head = re.fullmatch(r"\| ([^|\[]+) \| *\|", line)
        page = re.match(r"\| \[[^]]+\]\(([^)#]+)\) \|", line)
        if head:
            groups.append((head[1].capitalize(), []))
        elif page and page[1].endswith(".md") and "/" not in page[1]:
            groups[-1][1].append("docs/" + page[1])
    return groups


def entries(folder, names, depth):
    return "".join(" " * depth + "- '" + title(folder / p).replace("'", "''") + f"': {p}\n" for p in names)


def navigation(folder):
    """YAML: README, the documents by task, decisions, each folder's READMEs."""
    pages = sorted(str(p.relative_to(folder)) for p in folder.rglob("*.md"))
    groups = by_task(folder / "docs" / "README.md")
    groups[0][1].insert(0, "README.md")
    told = {p for _, names in groups for p in names}
    rest = [p for p in pages if p not in told]
    groups += [("All pages", [p for p in rest if p.startswith("docs/") and "decisions/" not in p]),
               ("Decisions", [p for p in rest if "decisions/" in p])]
    yaml = "nav:\n" + "".join(f"  - '{part}':\n{entries(folder, names, 6)}" for part, names in groups)
    folders = {}
    for page in rest:
        if not page.startswith("docs/"):
            folders.setdefault(page.partition("/")[0] if "/" in page else "the root", []).append(page)
    return yaml + "  - 'Folders':\n" + "".join(
        f"      - '{name}':\n{entries(folder, names, 10)}" for name, names in folders.items())


def searchable(html):
    """Search that needs no server: the index as a script, read by docs/search.js."""
    index = json.loads((html / "search" / "search_index.json").read_text())["docs"]
    (html / "search" / "index.js").write_text("window.trineIndex = " + json.dumps(index) + ";\n")
    shutil.copy(ROOT / "docs" / "search.js", html / "search" / "main.js")


def build():
    with_packages(ROOT / "build", ROOT / "docs" / "requirements.txt", "mkdocs")
    shutil.rmtree(SITE, ignore_errors=True)
    put_together(SITE / "pages")
    shutil.copy(ROOT / "docs" / "site.css", SITE / "pages")
    (SITE / "mkdocs.yml").write_text(SETTINGS + navigation(SITE / "pages"))
    # Not --quiet: mkdocs then sees no warning that it could stop at.
    built = subprocess.run([sys.executable, "-m", "mkdocs", "build", "--strict", "-f", SITE / "mkdocs.yml"],
                           stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if built.returncode:
        print(built.stdout)
    else:
        searchable(SITE / "html")
        print(f"{len(links_test.pages())} pages: {SITE / 'html' / 'index.html'}")
    return built.returncode


def main():
    try:
        SITE.mkdir(parents=True, exist_ok=True)
        (SITE / "html").mkdir(exist_ok=True)
        return build()
    except OSError as error:
        print(f"docs: {error.filename}: {error.strerror}: the site is written there, use a copy of the repository",
              file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main())
