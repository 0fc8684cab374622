#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Tests the site's navigation, its search without a server, and the message for a folder that cannot be written."""
import contextlib
import importlib.util
import io
import json
import pathlib
import re
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
spec = importlib.util.spec_from_file_location("site_of_documents", ROOT / "docs" / "site.py")
site = importlib.util.module_from_spec(spec)
spec.loader.exec_module(site)


class Site(unittest.TestCase):

    def test_navigation_is_by_task(self):
        with tempfile.TemporaryDirectory() as name:
            folder = pathlib.Path(name)
            site.put_together(folder)
            pages = re.findall(r"': (\S+\.md)$", site.navigation(folder), re.MULTILINE)
            index = re.findall(r"^\| \[[^]]+\]\((\w[\w-]*\.md)\)", (ROOT / "docs" / "README.md").read_text(), re.MULTILINE)
            self.assertEqual(pages[0], "README.md")
            self.assertEqual(pages[1:len(index) + 1], ["docs/" + page for page in index])
            self.assertEqual(sorted(pages), sorted(str(p.relative_to(folder)) for p in folder.rglob("*.md")))

    def test_search_needs_no_server(self):
        with tempfile.TemporaryDirectory() as name:
            html = pathlib.Path(name)
            (html / "search").mkdir()
            places = [{"location": "a.html", "title": "A", "text": "x"}]
            (html / "search" / "search_index.json").write_text(json.dumps({"docs": places}))
            site.searchable(html)
            index = (html / "search" / "index.js").read_text()
            self.assertEqual(json.loads(index.removeprefix("window.trineIndex = ").rstrip(";\n")), places)
            self.assertNotIn("Worker", (html / "search" / "main.js").read_text())

    def test_a_folder_that_cannot_be_written_is_one_line(self):
        site.SITE, said = pathlib.Path("/proc/site"), io.StringIO()
        with contextlib.redirect_stderr(said):
            self.assertEqual(site.main(), 2)
        self.assertRegex(said.getvalue(), r"\Adocs: /proc/site: .*\n\Z")

    def test_tables_wrap(self):
        self.assertIn("white-space: normal", (ROOT / "docs" / "site.css").read_text())


if __name__ == "__main__":
    unittest.main()
