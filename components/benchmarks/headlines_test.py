#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Tests that headline figures are true (headlines.py), that figures that take minutes are in `refresh.py --list`, and
that a figure with an error of 1 % is found.

usage: headlines_test.py        ($TRINE_PROGRAM: the program; without $TRINE_SHARED its models are not measured)
"""
import unittest

import common
import headlines
import refresh
import store

ROWS = headlines.rows()
PAGES = {name: (common.ROOT / name).read_text(encoding="utf-8") for name in store.PAGES}


class Headlines(unittest.TestCase):
    def test_pages_show_measured_figures(self):
        found, count = headlines.faults()
        self.assertEqual(found, [])
        self.assertGreaterEqual(count, 5 if not (common.SHARED / "models").exists() else 30)

    def test_each_row_is_measured_here(self):
        for row in ROWS:
            with self.subTest(row.name):
                self.assertIn(row.command.split()[0], headlines.COMMANDS)
                self.assertIn(row.unit, (*store.UNITS, "MACs", "bytes"))

    def test_figures_of_minutes_are_measured_by_a_command(self):
        """Each figure that this project measures has a command, which `refresh.py --list` prints."""
        listed = "\n".join(refresh.listed())
        for name, record in store.records().items():
            with self.subTest(name):
                if "source" in record:
                    self.assertNotIn("command", record)
                    continue
                self.assertIn(f"{record['command']}: ", listed)
                script = record["command"].split()[0]
                self.assertTrue(script in ("trine", "./trine") or (common.ROOT / script).exists(), script)

    def test_stored_output_fits_a_page(self):
        """A page shows the output unchanged, and style_test wraps pages."""
        for name, record in store.records().items():
            with self.subTest(name):
                text = "\n".join(record.get("output", []))
                self.assertEqual(refresh.markdown.wrap(text, refresh.markdown.COLUMNS), text)

    def test_a_value_that_is_one_percent_off_is_found(self):
        row = next(r for r in ROWS if r.command == "estimate edge64 models/lenet_mnist.tflite" and r.key == "cycles")
        done = {}
        self.assertEqual(headlines.faults_of_value(row, done), [])
        for factor in (0.99, 1.01):
            wrong = row._replace(value=round(row.value * factor))
            self.assertEqual(len(headlines.faults_of_value(wrong, done)), 1)

    def test_a_page_that_shows_another_figure_is_found(self):
        for row in ROWS:
            with self.subTest(row.name):
                self.assertEqual(headlines.faults_of_store(row, PAGES), [])
                far = row._replace(value=row.value * 1.1)
                self.assertEqual(len(headlines.faults_of_store(far, PAGES)), 1)
                figure = store.figure(row.shown)[0]
                for text in PAGES.values():
                    if store.shows(text, row.shown):
                        other = text.replace(figure, "98,765")
                        self.assertNotEqual(other, text)
                        self.assertNotEqual(store.drawn(other)[0], other)


if __name__ == "__main__":
    unittest.main()
