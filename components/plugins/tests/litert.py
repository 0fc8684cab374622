#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Tests the delegate in LiteRT's interpreter: bit-exact to the interpreter without it (BUILTIN_REF).

usage: litert.py LIBRARY SCRATCH [--sessions N] [--refused] [--rtl] [MODEL...]
--refused: the delegate does not support this version of LiteRT.
"""
import sys

import numpy as np
from ai_edge_litert import interpreter as litert

from shared import ROOT, at_once, data, expect, leaks, lock_is_free, partition, shared_options, told

REFERENCE = litert.OpResolverType.BUILTIN_REF


def interpreter(model, delegates=()):
    made = litert.Interpreter(str(model), experimental_delegates=list(delegates), experimental_op_resolver_type=REFERENCE)
    made.allocate_tensors()
    return made


def outputs(made, inputs):
    for detail, array in zip(made.get_input_details(), inputs):
        made.set_tensor(detail["index"], array)
    made.invoke()
    return [made.get_tensor(detail["index"]) for detail in made.get_output_details()]


def random_inputs(made, seed):
    random = np.random.default_rng(seed)
    return [data(detail["shape"], detail["dtype"], random) for detail in made.get_input_details()]


class Checks:
    def __init__(self, library, scratch):
        self.library, self.report = str(library), scratch / "litert.json"

    def delegate(self, **options):
        return litert.load_delegate(self.library, {"report": str(self.report), **options})

    def exact(self, model, **options):
        """@return the report, or None if LiteRT itself cannot load the file"""
        try:
            alone = interpreter(model)
        except (RuntimeError, ValueError):
            return None
        try:
            ours = interpreter(model, [self.delegate(**options)])
        except RuntimeError as error:
            expect(model.name, not str(error), error)  # LiteRT silently refuses delegates for tensors of open size
            return None
        for seed in range(2):
            inputs = random_inputs(alone, seed)
            same = all(map(np.array_equal, outputs(ours, inputs), outputs(alone, inputs)))
            expect(f"{model.name} with the delegate", same, "other codes")
        report = partition(self.report)
        del ours
        expect("runs", all(part["runs"] == 2 and part["cycles"] > 0 for part in partition(self.report)["parts"]))
        return report

    def refused(self, text, model=None, **options):
        try:
            made = self.delegate(**options)
            interpreter(model or ROOT / "models/lenet_mnist.tflite", [made])
        except (RuntimeError, ValueError) as error:
            return expect("refusal", text in str(error), error)
        expect("refusal", False, f"{options} is taken, wanted: {text}")

    def short(self):
        whole = self.exact(ROOT / "models/lenet_mnist.tflite", config="edge64", set="array.rows=4 array.cols=4")
        expect("LeNet", whole["nodes"] == whole["nodes_on_machine"] == 8 and whole["macs_on_machine"] == 416520, whole)
        expect("LeNet's border", whole["border_bytes"] == 28 * 28 + 10, whole)
        left = self.exact(ROOT / "tests/operators/host_detection.tflite")
        expect("detector", [n["op"] for n in left["left"]] == ["TFLite_Detection_PostProcess"], left)
        self.refused("strict: 1 of 14 nodes are left to LiteRT", ROOT / "tests/operators/host_detection.tflite", strict="1")
        self.refused("backend: fpga, allowed arch rtl netlist", backend="fpga")
        self.refused("colour: unknown option", colour="red")
        self.refused("array.rows: 999", set="array.rows=999")
        self.refused("LiteRT 1.0.0: tested with 1.2.0 and 2.3.0", litert="1.0.0")

    def session(self, model=ROOT / "tests/litert/resnet.tflite"):
        ours = interpreter(model, [self.delegate(config="edge64")])
        inputs = random_inputs(ours, 1)
        return lambda: outputs(ours, inputs)[0]


def main():
    options = shared_options(__doc__)
    checks = Checks(options.library, options.scratch)
    if options.refused:
        return checks.refused("tested with 1.2.0 and 2.3.0")
    checks.short()
    at_once(checks.session)
    if options.rtl:
        print("rtl:", told(checks.exact(ROOT / "models/plus_filter.tflite", config="edge64", backend="rtl")))
    run = checks.session(ROOT / "tests/networks/mobilenet.tflite")
    lock_is_free(lambda: [run() for _ in range(5)])
    reports = [(model, checks.exact(model)) for model in options.models]
    for model, report in reports:
        print(f"{model.name}: {'not loaded by LiteRT, or with no delegate' if report is None else told(report)}")
    # LiteRT without the delegate leaves 0.8 KiB.
    print(f"litert: exact, {leaks(checks.session, options.sessions, 2 if options.sessions > 100 else 50):.2f} KiB a session")


if __name__ == "__main__":
    sys.exit(main())
