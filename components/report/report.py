# SPDX-License-Identifier: Apache-2.0
"""One report of results folders, as text and as a page that needs nothing else: what `trine report` calls."""
import argparse
import json
import pathlib
import sys

import sections
import sheet
import terminal
from document import Figure
from metrics import summary_json
from results import BadInput, Results

HERE = pathlib.Path(__file__).resolve().parent


def page(document, results):
    try:
        import jinja2
    except ImportError:
        raise BadInput("jinja2 is not installed: install the Debian package python3-jinja2") from None
    loader = jinja2.FileSystemLoader(HERE)
    environment = jinja2.Environment(loader=loader, autoescape=True, trim_blocks=True, lstrip_blocks=True)
    environment.filters["json"] = json.dumps
    data = json.dumps({r.name: r.read_data() for r in results.all}, separators=(",", ":")).replace("<", "\\u003c")
    shared = {k: v for part in document.walk() if isinstance(part, Figure) for k, v in part.shared.items()}
    style = (HERE / "page.css").read_text()
    return environment.get_template("page.html").render(document=document,
                                                          results=results,
                                                          data=data,
                                                          shared="".join(shared.values()),
                                                          style=style)


def write(file, text):
    pathlib.Path(file).write_text(text, encoding="utf-8", errors="replace")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folders", nargs="+")
    for name in ("text", "html", "json"):
        parser.add_argument(f"--{name}", metavar="FILE")
    parser.add_argument("--sheet", action="store_true", help="specification sheets in place of the report")
    parser.add_argument("--columns", type=int, default=100)
    options = parser.parse_args()
    try:
        results = Results(options.folders)
        published = json.loads((HERE / "published.json").read_text())
        points = sections.points_of(results)
        document = sheet.document(points, published["chips"]) if options.sheet else sections.report(results, published)
        if options.text:
            write(options.text, terminal.printed(document, options.columns))
        if options.html:
            write(options.html, page(document, results))
        if options.json:
            sheets = {"sheets": sheet.as_json(document)} if options.sheet else {}
            write(options.json, json.dumps({"points": [summary_json(p) for p in points], **sheets}))
    except BadInput as error:
        print(error, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
