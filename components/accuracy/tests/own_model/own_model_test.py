#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Tests `trine accuracy`, `compare`, `record` and `quantize` from the view of a user.

usage: own_model_test.py [--full] [--build DIR]
$TRINE_PROGRAM is the tool. Without --full nothing is installed: a program that records its inputs replaces the Python
of other packages. --full installs these from PyPI. Exit code 1 if a check fails, 77 without PyPI.
"""
import argparse
import array
import json
import os
import pathlib
import shutil
import struct
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parents[3] / "tests"))
from harness import ROOT, SKIPPED  # noqa: E402

MODELS = ROOT / "models"
OWN, DIGITS = MODELS / "own_model", MODELS / "mnist_held_back"
LENET, INT8 = MODELS / "lenet_mnist.tflite", OWN / "lenet_int8.onnx"
SCALED = ["--scale", "1/255"]
# A stand-in for a helper: stores the examples, returns the files in $STAND_IN, or fails on request.
PYTHON = """#!/bin/sh
for last; do
  case $previous in
    --calibration) cp "$last" "$STAND_IN/seen.npy" ;;
    --labels) cp "$last" "$STAND_IN/labels.npy" ;;
    --report) cp "$STAND_IN/report.json" "$last" ;;
    --compared) if [ -e "$STAND_IN/losses.json" ]; then cp "$STAND_IN/losses.json" "$last"; fi ;;
    --out) out=$last ;;
  esac
  previous=$last
done
echo "$@" >"$STAND_IN/arguments"
if [ -e "$STAND_IN/crashes" ]; then kill -SEGV $$; fi
if [ -e "$STAND_IN/fails" ]; then cat "$STAND_IN/fails"; exit 2; fi
cp -r "$STAND_IN/result" "$out"
echo "quantize: by stand-in 1.0"
"""


def expect(what, holds, text=""):
    if not holds:
        sys.exit(f"own_model: {what}: {text}")


def write_npy(file, code, shape, values):
    """Writes NumPy's format by hand: `code` is array's, from which NumPy's name follows."""
    name = {"B": "|u1", "b": "|i1", "f": "<f4", "q": "<i8"}[code]
    head = f"{{'descr': '{name}', 'fortran_order': False, 'shape': ({''.join(f'{n}, ' for n in shape)}), }}"
    head += " " * (-(len(head) + 11) % 64) + "\n"
    file.write_bytes(b"\x93NUMPY\x01\x00" + struct.pack("<H", len(head)) + head.encode() + array.array(code, values).tobytes())


def npy_data(file):
    data = file.read_bytes()
    return data[10 + struct.unpack("<H", data[8:10])[0]:]


class Tool:
    def __init__(self, scratch):
        self.program, self.json = os.environ.get("TRINE_PROGRAM", str(ROOT / "trine")), scratch / "report.json"

    def __call__(self, *arguments, code=0, **environment):
        """Returns the report, or the errors if another exit code is expected."""
        self.json.unlink(missing_ok=True)
        done = subprocess.run([self.program, *map(str, arguments), "--json", self.json], capture_output=True, text=True,
                              env={**os.environ, **environment})
        self.out, self.err = done.stdout, done.stderr
        expect(f"{' '.join(map(str, arguments))}: exit code {code}", done.returncode == code, f"{done.returncode}: {done.stderr}")
        return done.stderr if code == 2 else json.loads(self.json.read_text())

    def refuses(self, message, *arguments, **environment):
        errors = self(*arguments, code=2, **environment)
        expect(f"{arguments[0]} says '{message}'", message in errors and errors.count("\n") == 1, errors)


def shipped(trine):
    """Checks the figures in models/README.md."""
    for name, right, more in (("lenet_mnist.tflite", 989, SCALED), ("mnist_mixed.onnx", 977, ["--mean", 128])):
        report = trine("accuracy", "--config", "edge256", MODELS / name, "--data", DIGITS, *more)
        expect(name, (report["images"], report["top1_right"], report["top1"], report["classes"])
               == (1000, right, right / 1000, 10) and report["top5"] > 0.99, report)
        expect(f"{name}: figures", report["cycles"] > 1000 and report["images_per_second"] > 0 and report["threads"] >= 1, report)
    expect("text", f"top-1 97.70 % ({right} right)" in trine.out, trine.out)


def forms(trine, scratch):
    """Tests twenty digits in each form of data; with their labels 14 are correct and 3 more are among the first five."""
    pixels = npy_data(DIGITS / "x.npy")[:20 * 784]
    logits = array.array("b", npy_data(MODELS / "lenet_mnist" / "vectors" / "out0.npy"))[:200]
    order = [sorted(range(10), key=lambda c: -logits[10 * i + c]) for i in range(20)]
    labels = [order[i][{3: 1, 4: 4, 5: 3, 6: 5, 7: 9, 8: 8}.get(i, 0)] for i in range(20)]
    images = [pixels[784 * i:784 * (i + 1)] for i in range(20)]
    stack, listed, classes, table = (scratch / name for name in ("stack", "listed", "classes", "table.csv"))
    for folder in (stack, listed, classes):
        folder.mkdir()
    write_npy(stack / "x.npy", "B", (20, 28, 28), pixels)
    write_npy(stack / "y.npy", "q", (20,), labels)
    lines = ["file,label\n"]
    for i, (image, label) in enumerate(zip(images, labels)):
        for folder in (listed, classes / str(label)):
            folder.mkdir(exist_ok=True)
            write_npy(folder / f"{i}.npy", "B", (1, 28, 28), image)
        lines.append(f"{i}.npy,{label}\n")
    (listed / "labels.csv").write_text("".join(lines))
    table.write_text("".join(f"{label},{','.join(map(str, image))}\n" for image, label in zip(images, labels)))
    for data in (stack, listed, classes, table):
        for backend in ("arch", "golden"):
            report = trine("accuracy", "--config", "edge64", LENET, "--data", data, "--backend", backend, *SCALED)
            expect(f"{data.name} on {backend}", (report["images"], report["top1_right"], report["top5_right"]) == (20, 14, 17), report)
    report = trine("accuracy", "--config", "edge64", LENET, "--data", MODELS / "lenet_mnist" / "vectors", "--count", 7, "--threads", 3)
    expect("vectors", (report["images"], report["top1_right"], report["threads"]) == (7, 7, 3), report)
    return stack


def faults_of_data(trine, stack, scratch):
    accuracy = ["accuracy", "--config", "edge64", LENET]
    many, gap, bad = (scratch / name for name in ("many", "gap", "bad.csv"))
    for folder in (many, gap):
        shutil.copytree(stack, folder)
    write_npy(many / "y.npy", "q", (20,), [0] * 19 + [10])
    (gap / "y.npy").unlink()
    bad.write_text("1,2,3\n1,2,x\n")
    trine.refuses("x.npy[0]: is uint8 [28, 28], the model's input 'image' is int8 [1, 28, 28, 1]: --mean and --scale", *accuracy,
                  "--data", stack)
    trine.refuses("x.npy[19]: label 10, allowed 0..9", *accuracy, "--data", many, *SCALED, "--threads", 1)
    trine.refuses("x.npy[0]: has no label", *accuracy, "--data", gap, *SCALED, "--threads", 1)
    trine.refuses("bad.csv:2: is not of the form label,value", *accuracy, "--data", bad, *SCALED)
    trine.refuses("none: does not exist", *accuracy, "--data", scratch / "none")
    trine.refuses("presets: contains no examples, allowed x.npy", *accuracy, "--data", ROOT / "spec" / "presets")
    trine.refuses("--scale: 1/0 is not a number", *accuracy, "--data", stack, "--scale", "1/0")
    trine.refuses("--mean: 3 numbers, allowed 1, or 28", *accuracy, "--data", stack, "--mean", "1,2,3")
    trine.refuses("the model's input", "accuracy", "--config", "edge64", MODELS / "plus_filter.tflite",
                  "--data", stack, *SCALED)
    write_npy(many / "y.npy", "q", (19,), [0] * 19)
    trine.refuses("y.npy: is int64 [19], allowed whole numbers [20]", *accuracy, "--data", many, *SCALED)


def layers(trine, scratch):
    """Compares recorded layers of ONNX Runtime; then with one code changed."""
    report = trine("compare", INT8, "--vectors", OWN / "vectors")
    expect("equal layers", report["first"] is None and report["layers_compared"] == 6 and report["against"].startswith("onnxruntime")
           and all(l["share_equal"] == 1 and l["snr_db"] is None for l in report["layers"]), report)
    expect("its text", "all equal" in trine.out, trine.out)
    folder = scratch / "changed"
    shutil.copytree(OWN / "vectors", folder)
    manifest = json.loads((folder / "manifest.json").read_text())
    third = manifest["layers"]["tensors"][1]
    data = bytearray((folder / "layers.npy").read_bytes())
    at = len(data) - len(npy_data(folder / "layers.npy")) + third["offset"] + 28 * 28 + 28 + 3  # channel 1, row 1, column 3
    old = struct.unpack("b", data[at:at + 1])[0]
    data[at:at + 1] = struct.pack("b", old - 3 if old > 0 else old + 3)
    (folder / "layers.npy").write_bytes(data)
    report = trine("compare", INT8, "--vectors", folder, code=1)
    layer = next(l for l in report["layers"] if l["name"] == third["tensor"])
    expect("the changed one", (report["first"], report["worst"]) == (third["tensor"],) * 2 and
           (layer["codes_differ"], layer["largest_difference"], layer["first_position"]) == (1, 3, [0, 1, 1, 3]) and
           layer["share_equal"] == 1 - 1 / layer["codes"] and 20 < layer["snr_db"] < 80, layer)
    trine("compare", INT8, "--vectors", folder, "--tolerance", 3)
    known = {t["tensor"]: t for t in manifest["layers"]["tensors"]}
    others = [known[l["name"]] for l in report["layers"][2:4]]
    for tensor, codes in zip(others, (60, 2)):  # the first of the three is neither the worst nor the last
        begin = len(data) - len(npy_data(folder / "layers.npy")) + tensor["offset"]
        data[begin:begin + codes] = bytes(b ^ 0x80 for b in data[begin:begin + codes])
    (folder / "layers.npy").write_bytes(data)
    report = trine("compare", INT8, "--vectors", folder, code=1)
    expect("the worst of three", (report["first"], report["worst"]) == (third["tensor"], others[0]["tensor"]) and
           sum(l["codes_differ"] for l in report["layers"]) == 63, report)
    trine.refuses("--vectors: inputs are recorded", "compare", INT8, "--vectors", folder, "--count", 1)
    trine.refuses("--against: litert does not run", "compare", INT8, "--against", "litert")
    trine.refuses("No such file", "compare", INT8, "--against", scratch / "none.onnx")
    trine.refuses("none.onnx: cannot open", "accuracy", "--config", "edge64", INT8, "--data", DIGITS, *SCALED, "--float",
                  scratch / "none.onnx")
    trine.refuses("has no layers", "compare", LENET, "--vectors", MODELS / "lenet_mnist" / "vectors")
    # Layers of another network, of which only the input has a name of this one.
    foreign = scratch / "foreign"
    shutil.copytree(OWN / "vectors", foreign)
    manifest = json.loads((foreign / "manifest.json").read_text())
    manifest["layers"]["tensors"] = manifest["layers"]["tensors"][:1]  # the input's codes
    (foreign / "manifest.json").write_text(json.dumps(manifest))
    trine.refuses("no layer has a tensor of the same name", "compare", INT8, "--vectors", foreign)


def stand_in(trine, scratch):
    """Checks the input of quantize's quantizer, and the use of its result."""
    folder = scratch / "python"
    folder.mkdir()
    python = folder / "python"
    python.write_text(PYTHON)
    python.chmod(0o755)
    shutil.copy(INT8, folder / "result")
    colours, out = scratch / "colours", scratch / "out.onnx"
    colours.mkdir()
    write_npy(colours / "x.npy", "B", (2, 3, 2, 2), range(24))
    quantize = ["quantize", OWN / "lenet_float.onnx", "--out", out, "--python", python, "--calibration", colours]
    more = {"STAND_IN": str(folder)}
    report = trine(*quantize, "--mean", "1,2,3", "--scale", "0.5,1,2", **more)
    wanted = [(v - (1, 2, 3)[v % 12 // 4]) * (0.5, 1, 2)[v % 12 // 4] for v in range(24)]
    expect("examples", list(array.array("f", npy_data(folder / "seen.npy"))) == wanted, wanted)
    expect("placed", (report["runs"], report["macs"], report["refused"], report["by"], report["examples"])
           == ("machine", 416520, None, "stand-in 1.0", 2), report)
    expect("arguments", "--type int8 --method minmax" in (folder / "arguments").read_text())
    expect("the result", out.read_bytes() == INT8.read_bytes())
    ids, mask = scratch / "ids.npy", scratch / "mask.npy"
    for file in (ids, mask):
        write_npy(file, "q", (3, 1, 4), range(12))
    whole = ["quantize", OWN / "lenet_float.onnx", "--out", out, "--python", python]
    for count in (100, 2):
        report = trine(*whole, "--inputs", ids, mask, "--count", count, **more)
        expect("files for each input", f"--count {count} --inputs {ids} {mask}" in (folder / "arguments").read_text()
               and report["examples"] == min(count, 3), report)
    trine(*whole, "--inputs", ids, mask, "--carry", "1=0", **more)
    expect("a state", "--carry 1=0" in (folder / "arguments").read_text())
    losses(trine, folder, quantize, more)
    mixed(trine, folder, colours, out, quantize, more)
    write_npy(scratch / "number.npy", "q", (), [1])
    trine.refuses("number.npy: is one number, allowed examples along", *whole, "--inputs", scratch / "number.npy", **more)
    trine.refuses("one of --calibration and --inputs is needed", *whole, **more)
    trine.refuses("one of --calibration and --inputs is needed", *quantize, "--inputs", ids, **more)
    trine.refuses("--mean, --scale: need --calibration", *whole, "--inputs", ids, "--scale", 1, **more)
    write_npy(colours / "x.npy", "B", (2, 2, 2, 3), range(24))
    lite = scratch / "float.tflite"
    lite.write_bytes(b"")
    shutil.copy(LENET, folder / "result")
    trine("quantize", lite, "--out", scratch / "out.tflite", "--python", python, "--calibration", colours, "--mean", "1,2,3", **more)
    expect("channels last", list(array.array("f", npy_data(folder / "seen.npy"))) == [v - v % 3 - 1 for v in range(24)])
    (folder / "result").write_bytes((OWN / "lenet_float.onnx").read_bytes())
    report = trine(*quantize, "--scale", 1, **more)
    expect("refused", report["runs"] == "refused" and "quantize" in report["refused"] and "does not run on edge256" in trine.out, report)
    trine.refuses("x.npy[0]: is uint8 [2, 2, 3]: --mean and --scale say", *quantize, **more)
    (folder / "fails").write_text("Traceback\nquantize: no such operator\n")
    trine.refuses("no such operator", *quantize, "--scale", 1, **more)
    (folder / "fails").write_text("Traceback\nValueError: broken\n")
    trine.refuses("components/zoo/quantize.py: exit code 2: ValueError: broken", *quantize, "--scale", 1, **more)
    trine.refuses("components/zoo/record.py: exit code 2: ValueError: broken", "record", LENET, "--out", scratch / "v", "--python", python, **more)
    (folder / "crashes").touch()
    trine.refuses("crashed (signal 11) with all tensors kept: --no-layers keeps none", "record", LENET, "--out", scratch / "v", "--python", python, **more)
    trine.refuses("crashed (signal 11)\n", "record", LENET, "--no-layers", "--out", scratch / "v", "--python", python, **more)
    (folder / "crashes").unlink()
    trine.refuses("--python: /none/python is not a program", "record", LENET, "--out", scratch / "v", "--python", "/none/python")
    trine.refuses("is of a different kind than", "quantize", OWN / "lenet_float.onnx", "--out", lite, "--calibration", colours)
    trine.refuses("No such file", "record", scratch / "none.onnx", "--out", scratch / "v")
    # Without PyPI, and with a separate, empty cache.
    trine.refuses("requirements_litert.txt (is PyPI reachable?)", "record", LENET, "--out", scratch / "v", TRINE_CACHE=str(scratch / "cache"),
                  PIP_INDEX_URL="http://127.0.0.1:9/", PIP_RETRIES="0", PIP_NO_CACHE_DIR="1")
    expect("nothing is left", not list((scratch / "cache" / "python").iterdir()))


def losses(trine, folder, quantize, more):
    """Requires a message and an exit code for a part that its scale destroys."""
    parts = [{"output": "y", "part": "boxes", "rms": 300.0, "error": 0.01, "constant": False, "fine": True},
             {"output": "y", "part": "scores", "rms": 0.5, "error": 1.0, "constant": True, "fine": False}]
    file = folder / "losses.json"
    for outputs, code in ((parts[:1], 0), (parts, 1)):
        file.write_text(json.dumps({"bound": 0.5, "notes": ["a note"], "outputs": outputs}))
        report = trine(*quantize, "--scale", 1, code=code, **more)
        expect("losses", report["losses"] == outputs and "a note" in trine.out, trine.out)
    expect("the part", "output 'y', part 'scores': one constant instead of the float model's values: the error is 100 % of"
           " them (root mean squares), allowed 50 %" in trine.err, trine.err)
    file.unlink()


def kernels(trine, scratch):
    """Requires that verify names the kernels of LiteRT that made the vectors."""
    folder = scratch / "optimized"
    shutil.copytree(LENET.parent / LENET.stem / "vectors", folder)
    manifest = json.loads((folder / "manifest.json").read_text())
    manifest["reference"]["resolver"] = "BUILTIN_WITHOUT_DEFAULT_DELEGATES"
    (folder / "manifest.json").write_text(json.dumps(manifest))
    codes = bytearray((folder / "out0.npy").read_bytes())
    codes[-1] ^= 1
    (folder / "out0.npy").write_bytes(codes)
    trine("verify", "--config", "edge64", LENET, "--vectors", folder, "--backend", "arch", code=1)
    expect("the kernels", "recorded by kernels of LiteRT that may round differently from its reference: "
           "BUILTIN_WITHOUT_DEFAULT_DELEGATES, because BUILTIN_REF lacks" in trine.err, trine.err)


def program_of_a_batch(trine, scratch):
    """Checks that a program states its number of images."""
    program = scratch / "batch.trine"
    trine("compile", "--config", "edge64", LENET, "--batch", 3, "--out", program)
    report = trine("run", "--config", "edge64", program, "--backend", "arch")
    expect("images", report["images"] == 3, report["images"])


def mixed(trine, folder, colours, out, quantize, more):
    """Checks the inputs of --mixed, and its use of the report."""
    steps = [{"layer": "", "precision": "int8", "accuracy": 0.98, "bytes": 2000, "cycles": 1000, "energy_pj": 5.0},
             {"layer": "fc", "precision": "int4", "accuracy": 0.975, "bytes": 1200, "cycles": 600, "energy_pj": 4.0}]
    result = {"float_accuracy": 0.99, "labels": True, "answers": 1000, "reached": True, "steps": steps, "choice": "[layers]\nfc = \"int4\"\n"}
    (folder / "report.json").write_text(json.dumps(result))
    write_npy(colours / "y.npy", "q", (2,), [4, 7])
    asked = [*quantize, "--scale", 1, "--mixed", "--set", "array.weights4=true", "--accuracy=-2%"]
    report = trine(*asked, **more)
    told = (folder / "arguments").read_text()
    expect("--mixed", "--precisions int4 ternary --mixed --accuracy=-2%" in told and "--set\narray.weights4=true" in told, told)
    expect("labels", list(array.array("q", npy_data(folder / "labels.npy"))) == [4, 7])
    expect("steps", report["steps"] == steps and "97.50%      1,200   0.60        600   0.60   0.80" in trine.out, trine.out)
    expect("examples of ranges and of answers", (report["examples"], report["answers"]) == (2, 1000), report)
    expect("the choice", out.with_suffix(".toml").read_text() == result["choice"])
    trine(*quantize, "--scale", 1, "--choice", out.with_suffix(".toml"), **more)
    expect("a choice", f"--precisions ternary --choice {out.with_suffix('.toml')}" in (folder / "arguments").read_text())
    (folder / "report.json").write_text(json.dumps(result | {"reached": False}))
    expect("out of reach", trine(*asked, code=1, **more)["reached"] is False)
    trine.refuses("--accuracy 3: expected 97% or -1%", *asked[:-1], "--accuracy=3", **more)
    trine.refuses("not allowed with --mixed", *asked, "--choice", "f.toml", **more)
    trine.refuses("supports only int8 weights", *quantize, "--scale", 1, "--mixed", "--set", "array.precisions=[\"int8\"]", **more)
    trine.refuses("--plot p.svg: needs --mixed", *quantize, "--scale", 1, "--plot", "p.svg", **more)
    design = out.with_suffix(".toml")
    design.write_text((ROOT / "spec" / "presets" / "edge256.toml").read_text())
    trine.refuses("out.toml", *asked, "--config", design, **more)
    expect("a design that has the choice's name", design.read_text() == (ROOT / "spec" / "presets" / "edge256.toml").read_text())
    (colours / "y.npy").unlink()


def installed(trine, scratch, build):
    """Tests packages in environments that the tool makes."""
    os.environ["TRINE_CACHE"] = str(build / "cache")
    lite, out = scratch / "lenet_float.tflite", scratch / "lenet_int8.tflite"
    trine("record", LENET, "--out", scratch / "lite", "--count", 2, "--seed", 5)
    trine("verify", "--config", "edge64", LENET, "--vectors", scratch / "lite", "--backend", "arch")
    again = scratch / "again.onnx"
    report = trine("quantize", OWN / "lenet_float.onnx", "--calibration", OWN / "calibration", "--out", again, *SCALED)
    expect("ONNX Runtime", report["runs"] == "machine" and report["by"].startswith("onnxruntime"), report)
    expect("as it lies there", again.read_bytes() == INT8.read_bytes())
    for options in (["--type", "uint8"], ["--method", "percentile"], ["--method", "entropy", "--per-tensor"]):
        trine("quantize", OWN / "lenet_float.onnx", "--calibration", OWN / "calibration", "--out", again, *SCALED, *options)
        report = trine("accuracy", "--config", "edge64", again, "--data", DIGITS, *SCALED)
        expect(f"accuracy {options}", report["top1"] > 0.97, report)
    fewer = ["quantize", OWN / "lenet_float.onnx", "--calibration", DIGITS, "--out", again, *SCALED, "--set", "array.weights4=true"]
    report = trine(*fewer, "--mixed", "--accuracy", "98%")
    last = report["steps"][-1]
    expect("mixed", last["accuracy"] >= 0.98 and last["bytes"] < 0.45 * report["steps"][0]["bytes"], report)
    right = trine("accuracy", "--config", "edge256", "--set", "array.weights4=true", again, "--data", DIGITS, *SCALED)
    expect("on the machine", right["top1"] == last["accuracy"], right)
    choice = again.with_suffix(".toml")
    choice.write_text(choice.read_text().replace('"ternary"', '"int4"'))
    edited = trine(*fewer, "--choice", choice)
    expect("edited", edited["steps"][-1]["bytes"] > last["bytes"], edited)
    choice.write_text('[layers]\nnone = "int4"\n')
    trine.refuses("layers.none: no such layer, allowed node_conv1", *fewer, "--choice", choice)
    trine(*fewer, "--mixed", "--accuracy", "100%", code=1)
    shared, inputs = scratch / "shared_bias.onnx", scratch / "shared_bias.npy"
    onnx = next(p for p in (build / "cache" / "python").glob("*/venv/bin/python") if list(p.parent.parent.glob("lib/*/site-packages/onnx")))
    subprocess.run([onnx, "-B", HERE / "make_shared_bias.py", shared, inputs], check=True)
    report = trine("quantize", shared, "--inputs", inputs, "--out", again, "--mixed", "--accuracy", "60%", "--set", "array.weights4=true")
    # The machine supports only int8 for depthwise weights: fewer bits would save nothing.
    expect("a shared bias", {step["layer"] for step in report["steps"]} == {"", "full", "last"} and report["runs"] == "machine", report)
    pythons = sorted((build / "cache" / "python").glob("*/venv/bin/python"))
    quantizer = next((p for p in pythons if list(p.parent.parent.glob("lib/*/site-packages/ai_edge_litert"))), None)
    subprocess.run([quantizer, "-B", ROOT / "components/zoo/float_lenet.py", lite], check=True)
    report = trine("quantize", lite, "--calibration", OWN / "calibration", "--out", out, *SCALED)
    expect("ai-edge-quantizer", report["runs"] == "machine" and report["by"].startswith("ai-edge-quantizer"), report)
    report = trine("accuracy", "--config", "edge64", out, "--data", DIGITS, *SCALED)
    expect("accuracy of int8 TFLite", report["top1_right"] >= 985, report)
    for model, real in ((out, lite), (INT8, OWN / "lenet_float.onnx")):
        report = trine("compare", model, "--count", 3)
        expect(f"{model.name} against its runtime", report["first"] is None and report["cases"] == 3, report)
        report = trine("compare", model, "--against", real, "--data", OWN / "calibration", *SCALED)
        expect(f"{model.name} against the float model", report["layers_compared"] >= 5 and report["float_model"] == str(real)
               and all(l["snr_db"] > 25 and l["largest_difference"] <= 2 for l in report["layers"])
               and report["layers"][-1]["snr_db"] < 70, report)
        report = trine("accuracy", "--config", "edge64", model, "--data", DIGITS, *SCALED, "--float", real)
        expect(f"{model.name} beside the float model", report["top1_float"] == report["top1_float_right"] / 1000
               and abs(report["top1_float_right"] - report["top1_right"]) <= 5 and report["float_model"] == str(real), report)
    token_ids(trine, scratch, next(p for p in pythons if list(p.parent.parent.glob("lib/*/site-packages/onnxruntime"))))
    trine.refuses("is quantized already", "quantize", INT8, "--calibration", OWN / "calibration", "--out", again, *SCALED)


# Scores of 6 token ids; those with 0 in the mask are hidden like in exported networks; -20000 is not a mask.
MASKED = """
import sys
import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
random = np.random.default_rng(3)
names = {"table": (20, 8), "w": (8, 8), "v": (8, 8), "least": ()}
constants = [numpy_helper.from_array(random.normal(0, 1, shape).astype(np.float32), name) for name, shape in names.items()]
constants[-1] = numpy_helper.from_array(np.float32(-3.4028235e38), "least")
constants += [numpy_helper.from_array(np.float32(0), "zero"), numpy_helper.from_array(np.float32(-20000), "deep")]
node = helper.make_node
nodes = [node("Gather", ["table", "ids"], ["x"]), node("MatMul", ["x", "w"], ["q"]), node("Transpose", ["x"], ["k"], perm=[0, 2, 1]),
         node("MatMul", ["q", "k"], ["scores"]), node("Cast", ["mask"], ["seen"], to=TensorProto.BOOL),
         node("Where", ["seen", "zero", "least"], ["hidden"]), node("Add", ["scores", "hidden"], ["sum"]),
         node("Softmax", ["sum"], ["shares"], axis=-1), node("MatMul", ["x", "v"], ["values"]), node("MatMul", ["shares", "values"], ["y"]),
         node("Add", ["y", "deep"], ["z"])]
inputs = [helper.make_tensor_value_info("ids", TensorProto.INT64, [1, 6]), helper.make_tensor_value_info("mask", TensorProto.INT64, [1, 1, 6])]
outputs = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, 6, 8]) for name in "yz"]
model = helper.make_model(helper.make_graph(nodes, "masked", inputs, outputs, constants), opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
onnx.save(model, sys.argv[1])
"""


def token_ids(trine, scratch, python):
    """Quantizes, records, runs and compares a model of ids and a mask; the ids are in its table."""
    real, codes = scratch / "masked.onnx", scratch / "masked_int8.onnx"
    subprocess.run([python, "-B", "-c", MASKED, real], check=True)
    ids, mask = scratch / "ids.npy", scratch / "mask.npy"
    write_npy(ids, "q", (5, 1, 6), [7 * i % 20 for i in range(30)])
    write_npy(mask, "q", (5, 1, 1, 6), [int(i % 6 < 4) for i in range(30)])
    report = trine("quantize", real, "--inputs", ids, mask, "--out", codes)
    expect("masks", report["runs"] == "machine" and "1 masks below -9999 are -24 now" in report["by"], report)
    trine("record", codes, "--out", scratch / "masked", "--count", 6, "--span", -3, 3)
    ids_of = array.array("q", npy_data(scratch / "masked" / "in0.npy"))
    expect("ids that the table has", min(ids_of) >= 0 and 10 < max(ids_of) < 20, ids_of)
    trine("verify", "--config", "edge64", codes, "--vectors", scratch / "masked", "--backend", "arch", "--tolerance", 1)
    report = trine("compare", codes, "--against", real, "--count", 3)
    expect("as the float model", all(l["snr_db"] > 20 for l in report["layers"][-2:]), report)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--full", action="store_true")
    parser.add_argument("--build", type=pathlib.Path, default=ROOT / "build" / "own_model")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        scratch = pathlib.Path(folder)
        trine = Tool(scratch)
        if options.full:
            if subprocess.run([sys.executable, "-m", "pip", "download", "-q", "--no-deps", "-d", scratch, "flatbuffers"],
                              capture_output=True).returncode:
                print("SKIPPED: PyPI is not in reach")
                sys.exit(SKIPPED)
            installed(trine, scratch, options.build.resolve())
        else:
            shipped(trine)
            faults_of_data(trine, forms(trine, scratch), scratch)
            layers(trine, scratch)
            stand_in(trine, scratch)
            kernels(trine, scratch)
            program_of_a_batch(trine, scratch)
    print("own_model: all as it should be")


if __name__ == "__main__":
    main()
