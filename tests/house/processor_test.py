#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Tests processor.py on logs as GNU time writes them, and on invalid logs."""
import pathlib
import subprocess
import sys
import tempfile
import unittest

PROCESSOR = pathlib.Path(__file__).resolve().parent / "processor.py"
LOG = """\
build/all 300.0 60.0
tb/trine_pe_tb 1.5 0.3
tb/trine_pe_tb 4.0 0.2
sim/arch/arch_test 12.0 0.0
"""
EXPECTED = """\
processor time by folder                     minutes
  build                                         6.00
  sim/arch                                      0.20
  tb                                            0.10
the 2 costliest                              minutes
  build/all                                     6.00
  sim/arch/arch_test                            0.20
all                                             6.30
"""


class Processor(unittest.TestCase):
    def run_on(self, text):
        with tempfile.TemporaryDirectory() as folder:
            log = pathlib.Path(folder) / "processor.log"
            if text is not None:
                log.write_text(text)
            return subprocess.run([sys.executable, "-B", PROCESSOR, log, "--most", "2"],
                                  capture_output=True, text=True)

    def test_sums_by_folder_and_program(self):
        outcome = self.run_on(LOG)
        self.assertEqual((outcome.returncode, outcome.stdout), (0, EXPECTED))

    def test_refuses_a_file_that_is_not_a_log(self):
        for text, reason in ((None, "No such file"), ("", "holds no line"), ("tb/x 1\n", "processor.log:1: 'tb/x 1'")):
            outcome = self.run_on(text)
            self.assertEqual(outcome.returncode, 2)
            self.assertIn(reason, outcome.stderr)


if __name__ == "__main__":
    unittest.main()
