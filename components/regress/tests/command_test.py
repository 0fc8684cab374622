#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs `trine regress` on a small design: its page, a second run that continues, a failed check, bad options.

usage: command_test.py
$TRINE_PROGRAM is the tool. Exit code 1 if a check fails.
"""
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest
import xml.etree.ElementTree

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[3] / "tests"))
from harness import ROOT  # noqa: E402

PROGRAM = os.environ.get("TRINE_PROGRAM", str(ROOT / "trine"))
DESIGN = ["--config", "edge64", "--set", "array.rows=1", "--set", "array.cols=2", "--set", 'array.precisions=["int8"]']
CHECKS = ["emission", "lint.verilator", "layers.pool", "bus.registers", "coverage"]


class Command(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.scratch = tempfile.TemporaryDirectory()
        cls.out = pathlib.Path(cls.scratch.name) / "out"

    @classmethod
    def tearDownClass(cls):
        cls.scratch.cleanup()

    def regress(self, *arguments, **environment):
        return subprocess.run([PROGRAM, "regress", *DESIGN, "--quick", "--out", self.out, *map(str, arguments)],
                              capture_output=True, text=True, env={**os.environ, **environment})

    def test_1_page(self):
        only = [word for check in CHECKS for word in ("--only", check)]
        report = self.out.parent / "report.json"
        done = self.regress(*only, "--json", report)
        self.assertEqual((done.returncode, done.stderr), (0, ""), done.stdout)
        first, second = done.stdout.splitlines()[:2]
        self.assertTrue(first.startswith(f"PASSED: {len(CHECKS)} checks of edge64 array.rows=1"), first)
        self.assertTrue(second.startswith("Not checked"), second)
        checks = {check["name"]: check for check in json.loads(report.read_text())["checks"]}
        self.assertEqual(set(checks), set(CHECKS))
        self.assertGreater(sum(row["exact"] for row in checks["layers.pool"]["details"]), 60)
        self.assertGreater(checks["coverage"]["details"]["percent"], 50)
        self.assertIn("max 2x2, stride 2", (self.out / "regress.html").read_text())
        suites = xml.etree.ElementTree.parse(self.out / "junit.xml").getroot()
        self.assertEqual(len(suites.findall(".//testcase")), len(CHECKS))
        # Checks that passed are not repeated.
        before = {path: path.stat().st_mtime_ns for path in (self.out / "results").iterdir()}
        self.assertEqual(self.regress(*only).returncode, 0)
        self.assertEqual({path: path.stat().st_mtime_ns for path in (self.out / "results").iterdir()}, before)

    def test_2_a_failed_check(self):
        # Verilator's place is taken by a program that prints a warning.
        tools = self.out.parent / "bin"
        tools.mkdir()
        (tools / "verilator").write_text("#!/bin/sh\necho '%Warning-WIDTH: trine_x.sv:1'\n")
        (tools / "verilator").chmod(0o755)
        done = self.regress("--only", "lint.verilator", "--only", "emission", "--seed", 2,
                            PATH=f"{tools}:{os.environ['PATH']}")
        self.assertEqual(done.returncode, 1, done.stderr)
        self.assertTrue(done.stdout.startswith("FAILED: 1 of 2 checks"), done.stdout)
        self.assertIn("%Warning-WIDTH: trine_x.sv:1", done.stdout)
        self.assertIn("repeat: trine regress --only lint.verilator", done.stdout)
        self.assertIn("<failure", (self.out / "junit.xml").read_text())

    def test_3_bad_options(self):
        for arguments, text in [(["--only", "no.such"], "--only no.such: unknown check"),
                                (["--full"], "--quick and --full: allowed one of them"),
                                (["--set", "array.rows=2"], "has results of another design")]:
            done = self.regress(*arguments)
            self.assertEqual((done.returncode, done.stdout), (2, ""))
            self.assertIn(text, done.stderr)
            self.assertEqual(done.stderr.count("\n"), 1)

    def test_4_list(self):
        done = self.regress("--list")
        self.assertEqual(done.returncode, 0)
        for check in CHECKS:
            self.assertIn(check, done.stdout)
        self.assertIn("n/a: array.activations16 is off", done.stdout)

    def test_5_no_time(self):
        shutil.rmtree(self.out / "results", ignore_errors=True)
        layers = ("convolution", "depthwise", "fully_connected", "requantization", "pool", "pair", "function", "movement")
        chosen = [word for layer in layers for word in ("--only", f"layers.{layer}")]  # more than a second on any computer
        done = self.regress(*chosen, "--seconds", 1, "--jobs", 1)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("--seconds 1 were over", done.stdout)


if __name__ == "__main__":
    unittest.main()
