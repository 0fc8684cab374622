#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs ONNX's own backend runner on trine.backend: node, simple, pytorch; `real` is left out because it downloads.

usage: runner.py [--only REGEX]     with the packages trine and onnx 1.19.1 in this Python's environment

Counts, by name of the operator, tests that pass, tests that Trine does not support (skipped with the reason), and
failures. Exit code 1 if anything fails. Two groups: operators on codes, and float nodes, which only the host
supports.
"""
import argparse
import collections
import re
import sys
import unittest

import numpy as np
import onnx
import onnx.backend.test

from trine import backend

# Their expected codes of onnx 1.19.1 wrap (-236 becomes 20) where QLinearMatMul saturates (-128).
WRAPPED = r"test_qlinearmatmul_[23]D_int8_float32_cpu"
# Expects 0 / 0 where ONNX Runtime and Trine return 0.
NO_LENGTH = "test_l2normalization_axis_0_cpu"
CODES = re.compile(r"qlinear|quantizelinear|integer|_int8|_uint8", re.I)


class Counting(backend.TrineBackend):
    """Records refusals, which the runner treats as success."""
    refused: list[str] = []

    @classmethod
    def is_compatible(cls, model, device="CPU", **kwargs):
        return True

    @classmethod
    def prepare(cls, model, device="CPU", **kwargs):
        try:
            rep = super().prepare(model, device, **kwargs)
        except backend.Unsupported as error:
            raise unittest.SkipTest(str(error).splitlines()[0]) from error
        run = rep.run

        def counted(inputs, **more):
            try:
                return run(inputs, **more)
            except backend.Unsupported as error:
                raise unittest.SkipTest(str(error).splitlines()[0]) from error
        rep.run = counted
        return rep


class Quiet(unittest.TestResult):
    def __init__(self):
        super().__init__()
        self.right = []

    def addSuccess(self, test):
        self.right.append(test.id())


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", default=".*")
    options = parser.parse_args()
    runner = onnx.backend.test.BackendTest(Counting, __name__)
    runner.exclude("_cuda$")
    runner.exclude(WRAPPED)
    runner.exclude(NO_LENGTH)
    total = collections.Counter()
    wrong, reasons = [], collections.Counter()
    for category, cases in sorted(runner.test_cases.items()):
        if "Real" in category:
            continue
        suite = unittest.TestSuite(t for t in unittest.defaultTestLoader.loadTestsFromTestCase(cases)
                                   if re.search(options.only, t.id()))
        result = Quiet()
        np.seterr(all="ignore")
        suite.run(result)
        for group, tests in (("right", result.right), ("skipped", [t.id() for t, _ in result.skipped]),
                             ("wrong", [t.id() for t, _ in result.failures + result.errors])):
            for test in tests:
                total[("codes" if CODES.search(test) else "floats", group)] += not test.endswith("_cuda")
        wrong += [(t.id().split(".")[-1], text.strip().splitlines()[-1]) for t, text in result.failures + result.errors]
        for test in result.right:
            print(f"  right: {category} {test.split('.')[-1]}")
        reasons.update(re.sub(r"\d+|'[^']*'|^[^:]*: ", "", why)[:110] for _, why in result.skipped)
    for why, count in reasons.most_common(12):
        print(f"  not run: {count} {why}")
    for group in ("codes", "floats"):
        counts = {what: total[(group, what)] for what in ("right", "skipped", "wrong")}
        print(f"{group}: {counts['right']} right, {counts['skipped']} not run, {counts['wrong']} wrong")
    for test, text in wrong:
        print(f"  wrong: {test}: {text[:160]}")
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
