#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""All Markdown of the repository as a site with search, by mkdocs; a warning is an error.

    docs/site.py        writes build/site/html: open index.html, or serve it: python3 -m http.server -d build/site/html

mkdocs takes pages from one folder alone, so they are put together in build/site/pages, with the files that they link to
beside them.
"""
import pathlib
import shutil
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests"))
import links_test  # noqa: E402
from harness import with_packages  # noqa: E402

SITE = ROOT / "build" / "site"
# The order of the navigation; folders below it are all their pages.
START = ["README.md", "docs/five_steps.md", "docs/model.md", "docs/integrate.md", "docs/compare.md", "docs/commands.md", "docs/status.md"]
SETTINGS = """site_name: Trine
docs_dir: pages
site_dir: html
use_directory_urls: false
theme: readthedocs
plugins: [search]
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


def navigation(folder):
    """YAML of three parts: where to begin, the documents, the folders' READMEs."""
    pages = sorted(str(p.relative_to(folder)) for p in folder.rglob("*.md"))
    rest = [p for p in pages if p not in START]
    parts = {"Start": START,
             "Documents": [p for p in rest if p.startswith("docs/") and "decisions" not in p],
             "Decisions": [p for p in rest if "decisions/" in p],
             "Folders": [p for p in rest if not p.startswith("docs/")]}
    return "nav:\n" + "".join(
        f"  - {part}:\n" + "".join(f"      - '{title(folder / p).replace(chr(39), chr(39) * 2)}': {p}\n" for p in names)
        for part, names in parts.items())


def main():
    with_packages(ROOT / "build", ROOT / "docs" / "requirements.txt", "mkdocs")
    shutil.rmtree(SITE, ignore_errors=True)
    put_together(SITE / "pages")
    (SITE / "mkdocs.yml").write_text(SETTINGS + navigation(SITE / "pages"))
    # Not --quiet: mkdocs then sees no warning that it could stop at.
    built = subprocess.run([sys.executable, "-m", "mkdocs", "build", "--strict", "-f", SITE / "mkdocs.yml"],
                           stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if built.returncode:
        print(built.stdout)
    else:
        print(f"{len(links_test.pages())} pages: {SITE / 'html' / 'index.html'}")
    return built.returncode


if __name__ == "__main__":
    sys.exit(main())
