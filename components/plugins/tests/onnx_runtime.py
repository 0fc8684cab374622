#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Tests the provider in ONNX Runtime's sessions: equal to the processor's provider except for near ties.

usage: onnx_runtime.py LIBRARY SCRATCH [--sessions N] [--refused] [--rtl] [MODEL...]
--refused: the provider does not support this version of ONNX Runtime.
"""
import ctypes
import pathlib
import re
import sys

import numpy as np
import onnxruntime

from shared import ROOT, at_once, close, data, expect, leaks, lock_is_free, partition, shared_options, told

LEVELS = {"default": onnxruntime.GraphOptimizationLevel.ORT_ENABLE_ALL,
          "none": onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL}
TYPES = {"float": np.float32, "double": np.float64, "int8": np.int8, "uint8": np.uint8, "int16": np.int16,
         "uint16": np.uint16, "int32": np.int32, "int64": np.int64, "bool": np.bool_}
KEPT = (OSError, RuntimeError, onnxruntime.capi.onnxruntime_pybind11_state.Fail)


def check_slots():
    """Requires that each slot of components/plugins/ort.h contains a function of the runtime itself, in both tables."""
    folder = pathlib.Path(onnxruntime.__file__).parent / "capi"
    library = ctypes.CDLL(str(next(folder.glob("libonnxruntime.so.*"))))
    library.OrtGetApiBase.restype = ctypes.POINTER(ctypes.c_void_p)
    text = (ROOT / "components/plugins/ort.h").read_text()
    version = int(re.search(r"kVersion = (\d+);", text)[1])
    runtime, providers = text.split("using CreateDevice")
    table = ctypes.CFUNCTYPE(ctypes.c_void_p, ctypes.c_uint32)(library.OrtGetApiBase()[0])(version)
    slots = ctypes.cast(table, ctypes.POINTER(ctypes.c_void_p))
    of_providers = ctypes.CFUNCTYPE(ctypes.c_void_p)(slots[int(re.search(r"EpTable = Slot<(\d+)", text)[1])])()
    code = [line.split()[0] for line in open("/proc/self/maps") if "r-xp" in line and "libonnxruntime.so" in line]
    ranges = [tuple(int(x, 16) for x in line.split("-")) for line in code]
    count = 0
    for start, part in ((slots, runtime), (ctypes.cast(of_providers, ctypes.POINTER(ctypes.c_void_p)), providers)):
        for place in re.findall(r"(?:Slot|Getter|Lister)<(\d+),", part):
            count += 1
            address = start[int(place)] or 0
            expect(f"slot {place}", any(low <= address < high for low, high in ranges), hex(address))
    expect("slots", count > 45, count)


class Checks:
    def __init__(self, library, scratch):
        self.library, self.report = str(library), scratch / "onnx_runtime.json"

    def register(self):
        onnxruntime.register_execution_provider_library("Trine", self.library)
        self.devices = [d for d in onnxruntime.get_ep_devices() if d.ep_name == "Trine"]
        expect("devices", len(self.devices) == 1, self.devices)

    def made(self, model, level, **given):
        options = onnxruntime.SessionOptions()
        options.graph_optimization_level, options.log_severity_level = LEVELS[level], 4
        if given.pop("alone", False):
            return onnxruntime.InferenceSession(str(model), options, providers=["CPUExecutionProvider"])
        options.add_provider_for_devices(self.devices, {"report": str(self.report), **given})
        return onnxruntime.InferenceSession(str(model), options)

    @staticmethod
    def inputs(session, seed):
        random = np.random.default_rng(seed)
        return {i.name: data([d if isinstance(d, int) else 1 for d in i.shape], TYPES[i.type[7:-1]], random)
                for i in session.get_inputs()}

    def equal(self, model, level, **options):
        """@return the report, or None if ONNX Runtime itself cannot load the file"""
        try:
            alone = [self.made(model, like, alone=True) for like in {"none", level}]
        except KEPT:
            return None
        ours = self.made(model, level, **options)
        for seed in range(2):
            inputs = self.inputs(ours, seed)
            results = ours.run(None, inputs)
            same = any(all(map(close, results, session.run(None, inputs))) for session in alone)
            expect(f"{model.name} with the provider, optimizations: {level}", same, "other results")
        report = partition(self.report)
        del ours
        expect("runs", all(part["runs"] == 2 and part["cycles"] > 0 for part in partition(self.report)["parts"]))
        return report

    def refused(self, text, model=ROOT / "tests/torch/resnet.onnx", **options):
        try:
            self.made(model, "default", **options)
        except Exception as error:  # each kind of status has its own class
            return expect("refusal", text in str(error), error)
        expect("refusal", False, f"{options} is taken, wanted: {text}")

    def refused_version(self):
        try:
            self.register()
        except Exception as error:
            return expect("refusal", f"ONNX Runtime {onnxruntime.__version__}, allowed 1.31.1 1.32.0" in str(error), error)
        expect("refusal", False, f"{onnxruntime.__version__} is taken")

    def short(self):
        for level in LEVELS:
            whole = self.equal(ROOT / "tests/torch/resnet.onnx", level, config="edge64")
            expect("resnet", whole["nodes"] == whole["nodes_on_machine"] and whole["macs_on_machine"] == 432208, whole)
            part = self.equal(ROOT / "tests/torch/classes/bert.onnx", level)
            expect("bert", {n["op"] for n in part["left"]} == {"DequantizeLinear", "Gather", "QuantizeLinear"} and
                   part["macs_on_machine"] == part["macs"], part)
            several = self.equal(ROOT / "tests/torch/classes/unet_corners.onnx", level)
            expect("unet", len(several["parts"]) == 2 and several["macs_on_machine"] == several["macs"], several)
        self.refused("strict: 3 of 167 nodes are left to ONNX Runtime", ROOT / "tests/torch/classes/bert.onnx", strict="1")
        self.refused("backend: fpga, allowed arch rtl netlist", backend="fpga")
        self.refused("colour: unknown option", colour="red")

    def session(self, model=ROOT / "tests/torch/resnet.onnx"):
        ours = self.made(model, "default", config="edge64")
        inputs = self.inputs(ours, 1)
        return lambda: ours.run(None, inputs)[0]


def main():
    options = shared_options(__doc__)
    checks = Checks(options.library, options.scratch)
    if options.refused:
        return checks.refused_version()
    check_slots()
    checks.register()
    checks.short()
    at_once(checks.session)
    if options.rtl:
        print("rtl:", told(checks.equal(ROOT / "tests/onnx/qoperator.onnx", "default", config="edge64", backend="rtl")))
    one = checks.session()
    at_once(lambda: one)
    run = checks.session(ROOT / "tests/torch/unet.onnx")
    lock_is_free(lambda: [run() for _ in range(10)])
    for model in options.models:
        for level in LEVELS:
            report = checks.equal(model, level)
            print(f"{model.name}, {level}: {'not loaded by ONNX Runtime' if report is None else told(report)}")
    print(f"onnx runtime: equal, {leaks(checks.session, options.sessions, 2 if options.sessions > 100 else 50):.2f} KiB a session")


if __name__ == "__main__":
    sys.exit(main())
