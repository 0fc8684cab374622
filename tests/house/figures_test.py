#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Tests figures.py on the log of a ctest run: campaigns that passed, that failed, with many cases, and that did not run.

usage: figures_test.py CTEST
"""
import pathlib
import re
import subprocess
import sys
import tempfile
import unittest

FIGURES = pathlib.Path(__file__).resolve().parent / "figures.py"
# The names and commands of tests; ctest itself writes the log, so that its format is current.
TESTS = {
    "formal_slow_test": "echo trine_fifo holds; echo 34 of 34 proofs hold",
    "coverage_cpp_slow_test": "echo '| gen | 97.8 % |'; echo building; exit 1",
    "random_program_slow_test:on 4x4": "echo 'All tests passed'",
    "random_program_slow_test:on 3x5": "echo 1 assertion failed; exit 1",
    "hostile_slow_test": "echo 8 readers, 1,234 inputs; echo no more",
    "fuzz_rtl_slow_test": "echo building RTL model for 4x16 ... 19 s; echo '2 pairs on 1 configurations (rtl): 2 exact, 0 failed'",
    "fuzz_new_seeds_slow_test": "echo 'seed 7; again: trine fuzz --seed 7'; echo '9 pairs on 3 configurations (arch)'",
    "inject_slow_test": "echo memory.ecc bits runs silent; echo 'false 1 2500 184'; echo 'true 1 2500 0'; echo 500 s",
    "a_test_of_none_of_them": "echo proofs hold",
}
# Without the seconds, which depend on the load of the machine.
EXPECTED = """\
proofs: formal_slow_test, s
  34 of 34 proofs hold
mutants: mutation_test did not run
lines of rtl/ reached by whole designs: coverage_rtl_slow_test did not run
lines of C++ reached by its tests: coverage_cpp_slow_test, s, 1 of 1 FAILED
  | gen | 97.8 % |
C++ tests under sanitizers: sanitize_cpp_slow_test did not run
hostile files: hostile_slow_test, s
  8 readers, 1,234 inputs
random networks on random designs, on the RTL: fuzz_rtl_slow_test, s
  2 pairs on 1 configurations (rtl): 2 exact, 0 failed
random networks with new seeds, for an hour: fuzz_new_seeds_slow_test, s
  seed 7; again: trine fuzz --seed 7
  9 pairs on 3 configurations (arch)
random programs: random_program_slow_test, s, 1 of 2 FAILED
  1 of 2 cases pass
a whole design as a netlist: netlist_slow_test did not run
another bus: axi_slow_test did not run
flips in memories: inject_slow_test, s
  memory.ecc bits runs silent
  false 1 2500 184
  true 1 2500 0
flips in memories, lenet_mnist: inject_lenet_slow_test did not run
planted bugs: planted_slow_test did not run
"""


def figures(folder):
    return subprocess.run([sys.executable, "-B", FIGURES, "--build", folder], stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, text=True)


class Figures(unittest.TestCase):
    def test_each_campaign_is_named_with_its_outcome(self):
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder) / "CTestTestfile.cmake"
            path.write_text("".join(f"add_test([=[{name}]=] sh -c [=[{does}]=])\n" for name, does in TESTS.items()))
            subprocess.run([CTEST, "-j2"], cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            done = figures(folder)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(re.sub(r", \d+ s\b", ", s", done.stdout), EXPECTED)

    def test_without_a_log_there_are_none(self):
        with tempfile.TemporaryDirectory() as folder:
            done = figures(folder)
        self.assertEqual(done.returncode, 2)
        self.assertIn("no test has run", done.stderr)


if __name__ == "__main__":
    CTEST = sys.argv.pop(1)
    unittest.main()
