#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Tests clock.py's tables of existing reports.

usage: clock_test.py
"""
import contextlib
import io
import types
import unittest
import unittest.mock

import clock
import common

PATH = [{"module": "trine_pe", "ns": 3.25}, {"module": "trine_dmem", "ns": 1.0}]
REPORT = {"clock_ns": 4.5, "clock_placed_ns": 7.8, "clock_path": PATH, "clock_placed_path": PATH[:1],
          "gate_equivalents": 200_000, "logic_gate_equivalents": 220_000, "macro_gate_equivalents_other": 30_000,
          "total_um2": 9e6, "macs": 1000, "mhz": 55.5, "buffers": 7, "hold_buffers": 8, "seconds": 90.0,
          "placement": {"seeds_ns": [7.8, 7.5, 8.0]}}
PLACED = "placed, estimated wires, ns: the median of three seeds"
NETWORKS = {"now": [100, 200, 300, 400], "then": [100, 200, 240, 400]}


class Kept(clock.Revision):
    """A revision in which every design costs `factor` times REPORT."""

    def __init__(self, name, factor, options):
        super().__init__(name, None, None, options)
        self.factor = factor

    def report(self, config, keys, options):
        report = {name: value * self.factor if isinstance(value, float | int) else value
                  for name, value in REPORT.items()}
        return self.reports.setdefault((config, *keys, *options), report)

    def cycles(self, config, keys):
        return NETWORKS[self.name]


def options_of(*parts):
    return types.SimpleNamespace(configs=["edge32", "edge1024"], **{part: part in parts for part in clock.PARTS})


class Lines(unittest.TestCase):
    def rows(self, *parts):
        options = options_of(*parts)
        self.measured = [Kept("now", 1, options), Kept("then", 2, options)]
        return {(row[0], row[1]): row[2:] for row in clock.lines(self.measured, options)}

    def test_a_figure_is_next_to_its_goal_and_other_revisions(self):
        rows = self.rows("zero", "placed")
        self.assertEqual(rows["zero wire, ns", "edge32"], ["4.50", "4.7", "9.00", "0.500"])
        self.assertEqual(rows[PLACED, "edge32"], ["7.80", "6.0", "15.60", "0.500"])
        self.assertEqual(rows["the worst of them", "edge32"][:2], ["8.00", "6.3"])
        self.assertNotIn((PLACED, "edge1024"), rows)  # no goal

    def test_a_design_without_goals_is_refused(self):
        with (unittest.mock.patch("sys.argv", ["clock.py", "edge256 array.activations16=true"]),
              contextlib.redirect_stderr(io.StringIO()) as said, self.assertRaises(SystemExit) as left):
            clock.main()
        self.assertEqual(left.exception.code, 2)
        self.assertIn("'edge256 array.activations16=true' has no goals, allowed edge32, ", said.getvalue())

    def test_cycles_are_a_mean_and_the_worst(self):
        rows = self.rows("cycles")
        self.assertEqual(rows["cycles of four networks, geometric mean", "edge32"][3], "1.057")
        self.assertEqual(rows["cycles of four networks, the worst", "edge32"], ["300", "1.04 of it", "240", "1.250"])

    def test_silicon_times_clock_times_cycles(self):
        rows = self.rows("int8", "cycles")
        silicon_times_clock = 0.25 * 4.5
        self.assertEqual(rows["Mega-GE x ns x kilocycles, int8", "edge1024"][0],
                         f"{silicon_times_clock * (100 * 200 * 300 * 400) ** 0.25 / 1e3:,.1f}")

    def test_tables_are_printed(self):
        self.rows("zero", "ecc", "placed")
        shown = io.StringIO()
        with contextlib.redirect_stdout(shown):
            common.table(["design", *"abcdefgh", "path"],
                         [clock.detail(r, at, report) for r in self.measured for at, report in r.reports.items()])
        self.assertIn("| edge32 memory.ecc=true at then | 9.00 |", shown.getvalue())
        self.assertIn("pe 3.2, dmem 1.0", shown.getvalue())


if __name__ == "__main__":
    unittest.main()
