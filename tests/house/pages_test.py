#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Tests that pages are not logs: none is longer than 280 lines, each figure with a unit and each picture comes from
components/benchmarks/results/, each figure names the command that measured it, and errors of all kinds are found. Prints the age of
each result.

usage: pages_test.py
A result's age is the number of commits to what it measures since its revision. Age is an error only in
components/benchmarks/refresh.py --check, except for the times of build and tests.
"""
import pathlib
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "components/benchmarks"))
import pictures  # noqa: E402
import refresh  # noqa: E402
import store  # noqa: E402
from common import ROOT  # noqa: E402

LINES = 280
MOST_COMMITS = 200


class Pages(unittest.TestCase):
    def test_pages_are_short(self):
        pages = {page.name: page.read_text(encoding="utf-8") for page in sorted((ROOT / "docs").glob("*.md"))}
        self.assertGreater(len(pages), 20)
        # A reference table that is printed from a description is as long as what it describes.
        written = {name: text for name, text in pages.items() if "<!-- Printed from " not in text}
        self.assertGreater(len(written), 20)
        long = {name: count for name, text in written.items() if (count := text.count("\n")) > LINES}
        self.assertEqual(long, {})

    def test_figures_are_drawn_from_results(self):
        self.assertEqual([fault for name in store.PAGES for fault in store.faults(name)], [])

    def test_other_pages_are_as_drawn(self):
        for name in refresh.documents():
            text = (ROOT / name).read_text(encoding="utf-8")
            with self.subTest(name):
                self.assertEqual(store.drawn(text), (text, []))

    def test_results_are_of_this_history(self):
        """A branch that was merged as one commit leaves revisions that cannot be found."""
        revisions = {name: record["revision"] for name, record in store.records().items() if "revision" in record}
        self.assertGreater(len(revisions), 40)
        strange = {name: revision for name, revision in revisions.items()
                   if store.git("merge-base", "--is-ancestor", revision, "HEAD") is None}
        if len(strange) < len(revisions):  # otherwise it is an archive, or a clone without history
            self.assertEqual(strange, {})

    def test_build_times_are_recent(self):
        commits = store.git("rev-list", "--count", f"{store.records()['build_time']['revision']}..HEAD")
        self.assertLessEqual(int(commits or 0), MOST_COMMITS, "measure again: components/benchmarks/build_time.py --chroot bookworm --keep")

    def test_pictures_are_drawn_from_results(self):
        self.assertEqual(pictures.stale(), [])

    def test_each_result_is_measured_or_has_a_source(self):
        for name, record in store.records().items():
            with self.subTest(name):
                self.assertNotEqual("command" in record, "source" in record)
                if "command" in record:
                    self.assertRegex(record["revision"], "^[0-9a-f]{7,40}$")
                    for folder in record["measures"]:
                        self.assertTrue((ROOT / folder).exists(), folder)
                for key, figure in record.get("figures", {}).items():
                    self.assertIn("value", figure, key)
                    self.assertIn("unit", figure, key)

    def test_each_result_is_on_a_page(self):
        """A result is drawn on a page, or a page names its file as the source of more figures."""
        pages = [(ROOT / name).read_text(encoding="utf-8") for name in store.git("ls-files", "*.md").split("\n") if (ROOT / name).is_file()]
        drawn = set().union(*map(store.keys, pages))
        unused = [name for name in store.records() if name not in drawn and not any(f"results/{name}.json" in page for page in pages)]
        self.assertEqual(unused, [])

    def test_faults_are_found(self):
        typed = "takes 12,345 cycles, 5.80 ns and 3257 GE, 16 lanes, 1,024 PEs, a 1,024-bit bus, `9 ns`"
        self.assertEqual(store.undrawn(typed), ["12,345", "5.80", "3257"])
        marked = "<!--=demo/cycles-->13,613<!--/--> cycles"
        self.assertEqual(store.undrawn(marked), [])
        self.assertEqual(store.drawn(marked), (marked, []))
        self.assertEqual(store.drawn(marked.replace("844", "845"))[0], marked)
        self.assertEqual(store.wrong_units(marked), [])
        self.assertEqual(len(store.wrong_units(marked.replace("cycles", "ns").replace("/ns", "/cycles"))), 1)
        self.assertEqual(store.drawn("<!--=demo/nothing-->1<!--/-->")[1], ["no figure 'demo/nothing'"])
        block = "<!-- $ components/benchmarks/none.py -->\n| a |\n<!-- end -->"
        self.assertEqual(store.drawn(block), (block, ["no results of 'components/benchmarks/none.py'"]))

    def test_a_view_is_what_it_says(self):
        record = {"output": ["| a | b |", "|---|---:|", "| x | 1 |", "| y | 2 |", "", "tools; revision abc"]}
        self.assertEqual(store.viewed(record, "tables=1 rows=y columns=b"), ["| b |", "|---:|", "| 2 |", "", "tools; revision abc"])
        self.assertEqual(store.cell(record, "y", "b"), "2")
        self.assertEqual(store.cell(record, "y;3", "b"), None)


if __name__ == "__main__":
    print("\n".join(line for _, _, line in refresh.ages()))
    unittest.main()
