# SPDX-License-Identifier: Apache-2.0
"""One report of results folders, as text and as a page that needs nothing else: what `trine report` calls."""
import argparse
import json
import pathlib
import sys

import figures
import sections
import terminal
from document import Figure
from results import BadInput, Results

HERE = pathlib.Path(__file__).resolve().parent


def page(document, results):
    try:
        import jinja2
    except ImportError:
        raise BadInput("jinja2 is not there: install the Debian package python3-jinja2") from None
    figures.draw([part for part in document.walk() if isinstance(part, Figure)])
    environment = jinja2.Environment(loader=jinja2.FileSystemLoader(HERE),
                                     autoescape=True,
                                     trim_blocks=True,
                                     lstrip_blocks=True)
    environment.filters["json"] = json.dumps
    data = json.dumps({
        r.name: r.data
        for r in results.all
    }, separators=(",", ":"), ensure_ascii=True).replace("<", "\\u003c")
    return environment.get_template("page.html").render(document=document,
                                                        results=results,
                                                        data=data,
                                                        style=(HERE / "page.css").read_text())


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folders", nargs="+")
    parser.add_argument("--html", metavar="FILE")
    parser.add_argument("--text", metavar="FILE", required=True)
    parser.add_argument("--columns", type=int, default=100)
    options = parser.parse_args()
    try:
        results = Results(options.folders)
        document = sections.report(results, json.loads((HERE / "published.json").read_text()))
        if options.html:
            pathlib.Path(options.html).write_text(page(document, results), encoding="utf-8", errors="replace")
        pathlib.Path(options.text).write_text(terminal.printed(document, options.columns),
                                              encoding="utf-8",
                                              errors="replace")
    except BadInput as error:
        print(error, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
