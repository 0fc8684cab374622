#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Tests `trine compile --tflite` and the kernel for TensorFlow Lite Micro on a simulated device, bit for bit.

usage: tflm_test.py --device PROGRAM --build DIR [--tflm LIBRARY INCLUDE...]
$TRINE_PROGRAM is the tool. PROGRAM is simulated_device of tests/integrate. Without --tflm the interpreter is stub.h, which
runs models that the machine runs whole; with it, all models are compared with and without the machine: LIBRARY is libtflm.a of a
checkout of tflite-micro (docs/tflite-micro.md), followed by its include folders. 
"""
import argparse
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parents[2] / "tests"))
from harness import ROOT, fail  # noqa: E402

PROGRAM = os.environ.get("TRINE_PROGRAM", str(ROOT / "trine"))
KERNEL, EXAMPLE = HERE.parent / "trine_kernel.cc", HERE.parent / "examples" / "linux.cc"
HEADERS = ["c/common.h", "kernels/kernel_util.h", "micro/kernels/kernel_util.h", "micro/micro_common.h",
           "micro/micro_context.h", "micro/micro_interpreter.h", "micro/micro_log.h",
           "micro/micro_mutable_op_resolver.h", "schema/schema_generated.h"]
OF_STUB = {"edge64": ["models/lenet_mnist.tflite", "tests/networks/ds_cnn.tflite", "tests/operators/split.tflite",
                      "tests/operators/uint8_functions.tflite"],
           "edge32": ["models/plus_filter.tflite", "tests/networks/residual.tflite"]}
OPERATORS = """Abs ArgMin AveragePool2D BatchMatMul BatchToSpaceNd BroadcastTo Cast Ceil Conv2D Cos DepthToSpace DepthwiseConv2D
Div Elu Equal Exp ExpandDims Fill Floor FloorDiv FloorMod Gather GatherNd Greater GreaterEqual HardSwish L2Normalization
LeakyRelu Less LessEqual Log LogSoftmax Maximum MaxPool2D Mean Minimum MirrorPad Neg NotEqual Pack PadV2 Prelu ReduceMax
ReduceMin Relu Relu6 ResizeNearestNeighbor ReverseV2 Round Rsqrt SelectV2 Shape Sin Slice SpaceToBatchNd SpaceToDepth Split
SplitV Sqrt Square SquaredDifference Squeeze Sum Tanh TransposeConv Unpack""".split()  # of models that run without the machine, for comparison
BYTES = 16 << 20  # of device memory
ADDRESS = 0x40000000


def trine(*arguments, code=0):
    done = subprocess.run([PROGRAM, *map(str, arguments)], capture_output=True, text=True)
    if done.returncode != code:
        fail(f"trine {' '.join(map(str, arguments))}: exit code {done.returncode}: {done.stderr}")
    return done


def built(work, config, tflm):
    """Compiles the example, the kernel and the driver of a design. Returns the program."""
    design, program = work / config, work / f"linux_{config}"
    trine("generate", "--config", config, "--out", design)
    includes = [f"-I{design}", f"-I{HERE.parent}"]
    if tflm:
        libraries, includes = [tflm[0]], [*includes, *(f"-I{folder}" for folder in tflm[1:])]
        more = " ".join(f"resolver.Add{name}();" for name in OPERATORS)
        standard = ["-std=c++17", "-DTF_LITE_STATIC_MEMORY", "-w", f"-DMORE_OPERATORS={more}"]
    else:
        stub = work / "stub"
        make_stub(stub)
        libraries, includes = [], [*includes, f"-I{stub}"]
        standard = ["-std=c++17", "-Wall", "-Wextra", "-Werror"]
    objects = [work / f"{config}_{part}.o" for part in ("runtime", "tensor")]
    for part, target in zip(("runtime", "tensor"), objects):
        subprocess.run(["cc", "-std=c99", "-O1", f"-I{design}", "-c", design / f"trine_{part}.c", "-o", target], check=True)
    subprocess.run(["c++", *standard, "-O1", *includes, EXAMPLE, KERNEL, *objects, *libraries, "-o", program], check=True)
    return program


def make_stub(folder):
    """Puts stub.h in the place of TensorFlow's headers."""
    if folder.exists():
        return
    operators = "".join(f"TRINE_STUB_OPERATOR({name}) " for name in sorted(set(re.findall(r"resolver\.Add(\w+)\(\);",
                                                                                         EXAMPLE.read_text()))))
    for header in HEADERS:
        path = folder / "tensorflow" / "lite" / header
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text('#include "stub.h"\n')
    (folder / "stub.h").write_text(f"#define TRINE_STUB_OPERATORS {operators}\n#include \"{HERE / 'stub.h'}\"\n")
    subprocess.run(["flatc", "--cpp", "-o", folder, ROOT / "sw" / "model" / "tflite" / "tflite.fbs"], check=True)


class Device:
    """A simulated device with files of registers and memory."""

    def __init__(self, program, work, config):
        self.files = [work / f"{config}.registers", work / f"{config}.memory"]
        preset = ROOT / "spec" / "presets" / f"{config}.toml"
        self.process = subprocess.Popen([program, preset, *self.files, hex(ADDRESS), str(BYTES)], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, text=True)
        self.terminal = self.process.stdout.readline().strip()  # which reports interrupts

    def arguments(self):
        return [*map(str, self.files), hex(ADDRESS), str(BYTES)]

    def end(self):
        self.process.stdin.close()
        self.process.wait()


def raw(file):
    """Returns the bytes of each case of a NumPy file of recorded vectors: [cases, ...]."""
    data = file.read_bytes()
    begin = 10 + int.from_bytes(data[8:10], "little")
    cases = int(re.search(rb"'shape': \((\d+)", data[:begin]).group(1))
    size = (len(data) - begin) // cases
    return [data[begin + n * size:begin + (n + 1) * size] for n in range(cases)]


def recorded(vectors):
    """Returns the bytes of all inputs, and of all outputs, case by case."""
    manifest = json.loads((vectors / "manifest.json").read_text())
    return [b"".join(b"".join(case) for case in zip(*(raw(vectors / tensor["file"]) for tensor in manifest[side])))
            for side in ("inputs", "outputs")]


def run(program, device, model, work, inputs):
    """Runs a TFLite model in the interpreter. Returns the bytes of its outputs, or None and the message."""
    (work / "inputs").write_bytes(inputs)
    done = subprocess.run([program, *device.arguments(), model, work / "inputs", work / "outputs", device.terminal],
                          capture_output=True, text=True)
    return ((work / "outputs").read_bytes(), "") if done.returncode == 0 else (None, done.stderr)


def check(right, what):
    if not right:
        fail(what)


def vectors_of(model):
    folder = model.with_suffix("")
    return next((f for f in (folder, folder / "vectors") if (f / "manifest.json").exists()), None)


def check_model(config, model, program, device, work):
    """Runs a model as operators of the machine, and compares with its recorded outputs. Returns the operators."""
    divided = work / "divided.tflite"
    trine("compile", "--config", config, model, "--tflite", divided, "--json", work / "divided.json")
    inputs, outputs = recorded(vectors_of(model))
    found, message = run(program, device, divided, work, inputs)
    check(found is not None, f"{model.name} on {config}: {message}")
    check(found == outputs, f"{model.name} on {config}: outputs differ")
    return len(json.loads((work / "divided.json").read_text())["parts"])


def check_all(config, program, device, work):
    """Compares all models of the repository, with and without the machine in the same interpreter."""
    equal, without, alone, divided = 0, [], [], work / "divided.tflite"
    for folder in ("models", "tests/networks", "tests/layers", "tests/operators", "tests/lstm"):
        for model in sorted((ROOT / folder).glob("*.tflite")):
            if not vectors_of(model) or model.stem == "sparse_weights":  # the interpreter reads them as dense ones
                continue
            inputs = recorded(vectors_of(model))[0]
            expected = run(program, device, model, work, inputs)[0]
            done = subprocess.run([PROGRAM, "compile", "--config", config, model, "--tflite", divided], capture_output=True,
                                  text=True)
            if expected is None or "executes no operator" in done.stderr:
                (without if expected is None else alone).append(model.stem)
                continue
            check(done.returncode == 0, f"{model.name}: {done.stderr}")
            found, message = run(program, device, divided, work, inputs)
            check(found == expected, f"{model.name} on {config}: {message or 'outputs differ'}")
            equal += 1
    print(f"{equal} models equal; {len(without)} that the interpreter does not run: {' '.join(without)}; "
          f"{len(alone)} without an operator of the machine: {' '.join(alone)}")


def check_refused(program, device, work):
    """A model for another design, a damaged image and too little memory end with a message."""
    model, divided = ROOT / "models" / "lenet_mnist.tflite", work / "refused.tflite"
    inputs = recorded(ROOT / "models" / "lenet_mnist" / "vectors")[0]
    trine("compile", "--config", "edge32", model, "--tflite", divided)
    message = run(program, device, divided, work, inputs)[1]
    check("another configuration" in message, f"a model for edge32: {message}")
    trine("compile", "--config", "edge64", model, "--tflite", divided)
    data = bytearray(divided.read_bytes())
    data[data.index(b"TRINEIMG") + 5000] ^= 1
    (work / "damaged.tflite").write_bytes(data)
    message = run(program, device, work / "damaged.tflite", work, inputs)[1]
    check("damaged" in message, f"a damaged image: {message}")
    small = Device.__new__(Device)
    small.terminal = device.terminal
    small.arguments = lambda: [*device.arguments()[:3], "4096"]
    message = run(program, small, divided, work, inputs)[1]
    check("more bytes of device memory" in message, f"4 KiB of memory: {message}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--device", type=pathlib.Path, required=True)
    parser.add_argument("--build", type=pathlib.Path, required=True)
    parser.add_argument("--tflm", nargs="+")
    options = parser.parse_args()
    work = options.build.resolve()
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir(parents=True)
    parts = 0
    for config, models in OF_STUB.items():
        program, device = built(work, config, options.tflm), Device(options.device, work, config)
        parts += sum(check_model(config, ROOT / model, program, device, work) for model in models)
        if config == "edge64":
            check_refused(program, device, work)
            if options.tflm:
                check_all(config, program, device, work)
        device.end()
    print(f"{parts} custom operators, all outputs as recorded")


if __name__ == "__main__":
    main()
