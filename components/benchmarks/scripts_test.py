#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Tests that each script of components/benchmarks/ prints usage and name from any folder, and that a model of one convolution is written.

usage: scripts_test.py
"""
import concurrent.futures
import pathlib
import subprocess
import sys
import tempfile
import unittest

import common
import conv_model

NO_PROGRAMS = {"common.py", "store.py"}


def scripts():
    return [path for path in sorted((common.ROOT / "components" / "benchmarks").rglob("*.py"))
            if path.name not in NO_PROGRAMS and not path.stem.endswith("_test")]


def helped(script):
    return subprocess.run([sys.executable, "-B", script, "--help"], cwd="/", stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True)


class Scripts(unittest.TestCase):
    def test_each_states_its_usage(self):
        found = scripts()
        self.assertGreater(len(found), 25)
        with concurrent.futures.ThreadPoolExecutor(2) as pool:
            for script, done in zip(found, pool.map(helped, found)):
                with self.subTest(script.name):
                    self.assertEqual(done.returncode, 0, done.stdout)
                    self.assertIn(f"usage: {script.name}", done.stdout)

    def test_a_convolution_is_written(self):
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder) / "conv.tflite"
            conv_model.write(path, size=4, channels=4, filters=4)
            self.assertEqual(path.read_bytes()[4:8], b"TFL3")


if __name__ == "__main__":
    unittest.main()
