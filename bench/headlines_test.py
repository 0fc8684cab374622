#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Headline figures are true (headlines.py), figures that take minutes are in `refresh.py --list`, and a figure that is
off by 1 % is found.

usage: headlines_test.py        ($TRINE_PROGRAM: the program; without $TRINE_SHARED its models are not measured)
"""
import unittest

import common
import headlines
import refresh

ROWS = headlines.rows()


def shifted(text, factor):
    return f"{headlines.number(text) * factor:,.0f}"


class Headlines(unittest.TestCase):
    def test_pages_tell_what_is_measured(self):
        found, count = headlines.faults()
        self.assertEqual(found, [])
        self.assertGreaterEqual(count, 5 if not (common.SHARED / "models").exists() else 30)

    def test_each_row_is_measured_somehow(self):
        listed = "\n".join(refresh.listed())
        for row in ROWS:
            with self.subTest(row.words):
                self.assertIn(row.page, headlines.PAGES)
                self.assertEqual(row.words.count("{"), 1)
                if row.command == headlines.GIVEN or headlines.is_fast(row):
                    continue
                self.assertIn(f"{row.command}: {row.page}: {row.words}", listed)
                script = row.command.split()[0]
                self.assertTrue((common.ROOT / script).exists(), script)

    def test_figures_of_minutes_are_measured_by_a_command(self):
        """Nothing with such a unit is somebody's word."""
        for row in ROWS:
            if row.key in ("GE", "um2", "ns", "pJ") and "NAND2" not in row.words:
                self.assertNotEqual(row.command, headlines.GIVEN, row.words)

    def test_a_value_that_is_one_percent_off_is_found(self):
        row = next(r for r in ROWS if r.command == "estimate edge64 models/lenet_mnist.tflite" and r.key == "cycles")
        done = {}
        self.assertEqual(headlines.faults_of_value(row, done), [])
        for factor in (0.99, 1.01):
            wrong = row._replace(value=shifted(row.value, factor))
            self.assertEqual(len(headlines.faults_of_value(wrong, done)), 1)

    def test_a_page_that_is_one_percent_off_is_found(self):
        for row in ROWS:
            figure = headlines.told(row)
            page = headlines.joined((common.ROOT / row.page).read_text(encoding="utf-8"))
            other = headlines.joined(row.words.replace("{" + figure + "}", shifted(figure, 1.01) + "0"))
            right = headlines.joined(row.words.replace("{", "").replace("}", ""))
            with self.subTest(row.words):
                self.assertEqual(headlines.faults_of_page(row, page), [])
                self.assertEqual(len(headlines.faults_of_page(row, page.replace(right, other))), 1)

    def test_a_figure_that_no_row_has_is_found(self):
        page = "takes 12,345 cycles, 5.80 ns and 3257 GE, 16 lanes, a 1,024-bit bus"
        self.assertEqual(headlines.unlisted("README.md", page, []),
                         [f"README.md: {f} is not in headlines.tsv" for f in ("12,345", "5.80", "3257")])


if __name__ == "__main__":
    unittest.main()
