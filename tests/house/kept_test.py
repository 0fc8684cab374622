#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Tests kept.py: a pass is kept until something that the test read changes; a failure is never kept.

usage: kept_test.py
Where tracing is not possible, nothing is kept.
"""
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import kept  # noqa: E402

KEEPS = bool(kept.can_trace())
KEPT = pathlib.Path(__file__).resolve().parent / "kept.py"
# A child reads, lists a folder, searches files, and reads a file that it wrote. Without -I, Python 3.13 would list
# the folder in which it runs, which `written` changes.
SCRIPT = """\
cat input
ls folder
echo state >> written; cat written > /dev/null
python3 -I -c "import os, sys; sys.exit(os.path.exists('bad') and bool(open('bad').read()))" || exit 3
(cat absent 2> /dev/null) || true
test -e sought || true
test -e present
echo state > part; mv part whole; cat whole > /dev/null
"""


class Kept(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp())
        self.addCleanup(shutil.rmtree, self.folder)
        (self.folder / "folder").mkdir()
        (self.folder / "present").mkdir()
        (self.folder / "tmp").mkdir()  # temporary files do not count as inputs
        (self.folder / "input").write_text("first\n")
        (self.folder / "script.sh").write_text(SCRIPT)
        time.sleep(0.02)

    def run_once(self, script="script.sh", **variables):
        process = subprocess.run(
            [sys.executable, "-B", KEPT, "--folder", self.folder / "kept", "bash", script], cwd=self.folder,
            env={**os.environ, "TMPDIR": str(self.folder / "tmp"), **variables}, capture_output=True, text=True, check=False)
        return process.returncode, process.stdout, "kept: passed before" in process.stdout

    def test_a_pass_is_kept_with_what_it_printed(self):
        self.assertEqual(self.run_once(), (0, "first\n", False))
        code, printed, repeated = self.run_once()
        self.assertEqual(repeated, KEEPS)
        self.assertEqual(code, 0)
        self.assertTrue(printed.startswith("first\n"), printed)

    def test_each_kind_of_input_is_looked_at(self):
        changes = {
            "a file": lambda: (self.folder / "input").write_text("second\n"),
            "a folder's names": lambda: (self.folder / "folder" / "new").write_text(""),
            "a file that was absent": lambda: (self.folder / "absent").write_text(""),
            "a file that is looked for": lambda: (self.folder / "sought").write_text(""),
            "a folder that vanishes": lambda: (self.folder / "present").rmdir(),
            "the script": lambda: (self.folder / "script.sh").write_text(SCRIPT + "true\n"),
        }
        for name, change in changes.items():
            with self.subTest(name):
                self.run_once()
                self.assertEqual(self.run_once()[2], KEEPS)
                change()
                self.assertFalse(self.run_once()[2])

    def test_other_variables_are_another_test(self):
        self.run_once()
        self.assertFalse(self.run_once(TRINE_KEPT_TEST="1")[2])

    def test_a_failure_is_not_kept(self):
        (self.folder / "bad").write_text("yes")
        self.assertEqual(self.run_once()[0], 3)
        self.assertEqual(self.run_once()[0], 3)
        self.assertFalse((self.folder / "kept").exists())

    def test_a_file_that_changed_meanwhile_keeps_nothing(self):
        (self.folder / "slow.sh").write_text("cat input; python3 -c 'import os; os.utime(\"input\")'")
        self.assertEqual(self.run_once("slow.sh")[0], 0)
        self.assertFalse(self.run_once("slow.sh")[2])

    def test_a_program_with_sanitizers_runs(self):
        (self.folder / "leaks.sh").write_text("echo 'int main() {}' | g++ -fsanitize=address -x c++ - -o program; ./program")
        self.assertEqual(self.run_once("leaks.sh"), (0, "", False))


if __name__ == "__main__":
    unittest.main()
