#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Records vectors with `trine record` like a user, and verifies them with the tool.

usage: recorder_test.py [--onnx] [--build DIR]
$TRINE_PROGRAM is the tool. LiteRT comes from PyPI into a virtual environment in the build folder; --onnx also tests
ONNX Runtime and qonnx. Exit code 1 if a check fails, 77 without PyPI.
"""
import argparse
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parents[3] / "tests"))
from harness import ROOT, with_packages  # noqa: E402

MODELS = ROOT / "models"
LITERT = r"ai-edge-litert \d+\.\d+\.\d+"


def expect(what, holds, text=""):
    if not holds:
        sys.exit(f"recorder: {what}: {text}")


def trine(command, *arguments):
    done = subprocess.run([os.environ["TRINE_PROGRAM"], command, "--python", sys.executable, *map(str, arguments)],
                          capture_output=True, text=True)
    return done.returncode, done.stdout + done.stderr


def record(*arguments):
    return trine("record", *arguments)


def recorded(*arguments):
    code, text = record(*arguments)
    expect("record", code == 0, text)
    return text


class Verify:
    """Runs `trine verify` on the architecture simulator."""

    def __init__(self, scratch):
        self.program, self.json = os.environ["TRINE_PROGRAM"], scratch / "verify.json"

    def __call__(self, model, folder, *more):
        done = subprocess.run(
            [self.program, "verify", "--config", "edge256", "--backend", "arch", model, "--vectors",
             folder, "--json", self.json, *map(str, more)], capture_output=True, text=True)
        return done.returncode, done.stdout, done.stderr

    def exact(self, model, folder):
        code, _, errors = self(model, folder)
        expect(f"verify {model.name}", code == 0, errors)
        return json.loads(self.json.read_text())


def user_data(scratch, verify):
    """Records LeNet's images and labels in a user's form: the outputs must be the shipped ones."""
    import numpy as np
    shipped = MODELS / "lenet_mnist" / "vectors"
    cases = json.loads((shipped / "manifest.json").read_text())["cases"]
    labels, images = scratch / "labels.txt", scratch / "images.npy"
    labels.write_text("".join(f"{case['label']}\n" for case in cases))
    np.save(images, np.load(shipped / "in0.npy")[:, 0])  # without the batch of one
    folder, model = scratch / "lenet", MODELS / "lenet_mnist.tflite"
    folder.mkdir()
    (folder / "mine.npy").write_text("the user's own")
    recorded(model, "--out", folder, "--count", 1)
    text = recorded(model, "--out", folder, "--inputs", images, "--labels", labels, "--no-layers")
    expect("old vectors are gone, nothing else", sorted(p.name for p in folder.iterdir()) ==
           ["in0.npy", "manifest.json", "mine.npy", "out0.npy"], sorted(folder.iterdir()))
    text = recorded(model, "--out", folder, "--inputs", images, "--labels", labels)
    expect("its kernels are named", re.search(f"{LITERT} BUILTIN_REF", text), text)
    # LiteRT 2 rounds negative halves differently; verify handles that by the version.
    same = (folder / "out0.npy").read_bytes() == (shipped / "out0.npy").read_bytes()
    expect("outputs", same == ("ai-edge-litert 1.2.0" in text))
    report = verify.exact(model, folder)
    expect("top-1", report["top1"] == {"labels": 100, "right": 100, "recorded_right": 100},
           report["top1"])
    expect("codes", report["codes"] == 1000 and report["codes_differ"] == 0, report)
    return model, folder, ("--inputs", images, "--labels", labels)


def differences(model, folder, given, verify):
    """Checks codes that differ, by how much, and the first layer that differs."""
    import numpy as np

    def change():
        outputs = np.load(folder / "out0.npy")
        outputs[7, 0, 3] += 2
        outputs[7, 0, 4] -= 1
        np.save(folder / "out0.npy", outputs)
        return verify(model, folder)

    of = [layers["case"] for layers in json.loads((folder / "manifest.json").read_text())["layers"]]
    expect("layers of all cases", of == [f"case{n}" for n in range(100)], of)
    recorded(model, "--out", folder, *given, "--layers-of", 0)
    _, text, _ = change()
    report = json.loads(verify.json.read_text())
    expect("layers of another case", report["layers_compared"] == 0 and "only the layers of case0 are recorded, and its "
           "outputs are equal;\nto see the layers of case7, record again with --layers-of 7" in text, text)
    expect("the tolerance", "2 of 1,000 codes differ, by up to 2 (--tolerance 2 accepts this)" in text, text)
    recorded(model, "--out", folder, *given, "--layers-of", 7)
    code, text, errors = change()
    report = json.loads(verify.json.read_text())
    expect("exit code", code == 1, code)
    expect("count", (report["codes_differ"], report["codes_largest_difference"]) == (2, 2), report)
    expect("message", "case7: 2 of 10 codes differ, by up to 2; first output 0 'logits' at 0,3: "
           in errors, errors)
    expect("layers", report["first_layer_that_differs"] is None and report["layers_compared"] == 8
           and "the golden layers compute all 8 layers as recorded" in text, text)
    for tolerance, wanted in ((1, 1), (2, 0)):
        code, text, _ = verify(model, folder, "--tolerance", tolerance)
        expect(f"--tolerance {tolerance}", code == wanted, text)
    manifest = json.loads((folder / "manifest.json").read_text())
    third = manifest["layers"]["tensors"][2]
    layers = np.load(folder / "layers.npy")
    layers[third["offset"] + 5] ^= 3
    np.save(folder / "layers.npy", layers)
    _, _, errors = verify(model, folder)
    report = json.loads(verify.json.read_text())["first_layer_that_differs"]
    expect("first layer", (report["op"], report["name"], report["codes_differ"])
           == (third["op"], third["name"], 1), report)
    expect("its message", f"op 2 {third['op']} '{third['name']}', 1 of" in errors, errors)


def layers(scratch):
    """Runs trine compare with the installed runtime, with random cases and the user's data."""
    report = scratch / "compare.json"
    for wanted, more in ((2, ["--count", 2, "--seed", 4]),
                         (3, ["--data", MODELS / "mnist_held_back", "--scale", "1/255", "--count", 3])):
        done = subprocess.run([os.environ["TRINE_PROGRAM"], "compare", MODELS / "lenet_mnist.tflite", "--python", sys.executable,
                               "--json", report, *map(str, more)], capture_output=True, text=True)
        expect(f"compare {more}", done.returncode == 0, done.stdout + done.stderr)
        found = json.loads(report.read_text())
        expect("its layers", found["cases"] == wanted and found["layers_compared"] == 8
               and found["first"] is None and re.fullmatch(LITERT, found["against"]), found)
    images = ["--data", MODELS / "mnist_held_back", "--scale", "1/255", "--count", 12]
    recorded(MODELS / "lenet_mnist.tflite", "--out", scratch / "data", *images)
    cases = json.loads((scratch / "data" / "manifest.json").read_text())["cases"]
    expect("labels of --data", [case["label"] for case in cases] == [n % 10 for n in range(12)], cases)


def faults(model, folder, scratch, verify):
    """Requires one line and exit code 2 for each error."""
    import numpy as np
    floats, few, labels = scratch / "floats.npy", scratch / "few.npy", scratch / "few.txt"
    np.save(floats, np.zeros((2, 1, 28, 28, 1), np.float32))
    np.save(few, np.zeros((2, 28, 27, 1), np.int8))
    labels.write_text("1\n2\n3\n")
    images = scratch / "images.npy"
    for arguments, message in (
            (["--inputs", floats], "is float32, input 'image' is int8; codes are round(value / "),
            (["--inputs", few], "has the shape [2, 28, 27, 1], allowed [cases, 1, 28, 28, 1]"),
            (["--inputs", images, images], "2 files, allowed 1, one for each input: image"),
            (["--inputs", scratch / "none.npy"], "No such file"),
            (["--inputs", images, "--labels", labels], "3 labels of int64, allowed 100"),
            (["--labels", labels], "--labels: needs --inputs"),
            (["--count", 0], "0 cases, allowed 1 or more without --inputs")):
        code, text = record(model, "--out", scratch / "refused", *arguments)
        expect(f"record {message}", code == 2 and message in text and text.count("\n") == 1, text)
    code, text = record(HERE / "recorder_test.py", "--out", scratch / "refused")
    expect("no model", code == 2 and text.count("\n") == 1, text)
    shutil.copy(model, scratch / "other.tflite")
    with open(scratch / "other.tflite", "ab") as file:
        file.write(b"x")
    code, _, errors = verify(scratch / "other.tflite", folder)
    expect("sha256", code == 2 and "manifest.json: sha256: is 474bc69f" in errors, errors)


def onnx_models(scratch, verify):
    for name, package, *more in (("onnx/mobilenet_v2", "onnxruntime"), ("lowbit/mlp_ternary", "qonnx"),
                                 ("lowbit/cnv_ternary", "qonnx", "--integer", "--span", "-128", "127")):
        model, folder = ROOT / "tests" / f"{name}.onnx", scratch / package
        expect(name, package in recorded(model, "--out", folder, "--count", 2, *more))
        verify.exact(model, folder)


def exact_values(scratch):
    """Compares the exact values of vectors with those that the repository has, and exact.py's operators with ONNX's."""
    import numpy as np
    import onnx
    from onnx import helper
    from onnx.reference import ReferenceEvaluator
    sys.path.append(str(ROOT / "components" / "zoo"))
    import exact
    model = ROOT / "tests" / "onnx" / "approximate" / "ties.onnx"
    recorded(model, "--out", scratch / "ties", "--count", 2)
    known, new = (json.loads((folder / "manifest.json").read_text())["layers"][0]["tensors"]
                  for folder in (model.with_suffix(""), scratch / "ties"))
    expect("exact values", [t["of"] for t in new] == ["Resize", "Conv", "AveragePool"] and
           [(t["ties"], t["exact"]) for t in new] == [(t["ties"], t["exact"]) for t in known], new)
    rng = np.random.default_rng(5)
    image, filters = rng.normal(size=(2, 4, 5, 6)), rng.normal(size=(6, 2, 3, 2))
    operators = [
        ("Conv", [image, filters, rng.normal(size=6)], {"group": 2, "pads": [1, 0, 2, 1], "strides": [2, 1], "dilations": [1, 2]}),
        ("Conv", [image[..., 0], rng.normal(size=(3, 4, 2))], {"strides": [2]}),
        ("ConvTranspose", [image, rng.normal(size=(4, 3, 3, 2)), rng.normal(size=3)],
         {"strides": [2, 3], "pads": [1, 0, 0, 1], "output_padding": [1, 0]}),
        ("AveragePool", [image], {"kernel_shape": [3, 2], "pads": [1, 0, 1, 1], "strides": [2, 1]}),
        ("AveragePool", [image], {"kernel_shape": [3, 2], "pads": [1, 0, 1, 1], "count_include_pad": 1}),
        ("Gelu", [image], {}), ("Gelu", [image], {"approximate": "tanh"}), ("Erf", [image], {}), ("Sigmoid", [image], {}),
        ("GroupNormalization", [image, rng.normal(size=4), rng.normal(size=4)], {"num_groups": 2}),
        *(("Resize", [image[:1, :2], None, None, np.int64([1, 2, 8, 3])], {"mode": mode, "coordinate_transformation_mode": how})
          for mode in ("linear", "nearest") for how in ("half_pixel", "align_corners", "asymmetric", "pytorch_half_pixel"))]
    expect("all own operators", {kind for kind, *_ in operators} == set(exact.OWN), "")
    for kind, inputs, attributes in operators:
        names = ["" if x is None else f"x{i}" for i, x in enumerate(inputs)]
        given = {name: x for name, x in zip(names, inputs) if name}
        node = helper.make_node(kind, names, ["y"], **attributes)
        ends = [[helper.make_tensor_value_info(name, onnx.TensorProto.DOUBLE, None) for name in of] for of in (given, ["y"])]
        one = helper.make_model(helper.make_graph([node], kind, *ends), opset_imports=[helper.make_opsetid("", 21)])
        wanted = ReferenceEvaluator(one).run(None, given)[0]
        ours = exact.OWN[kind](node, *inputs)
        expect(f"{kind} {attributes}", ours.shape == wanted.shape and np.abs(ours - wanted).max() < 1e-6, ours - wanted)
    whole, half = (helper.make_node("ConvTranspose", ["x", "w"], ["y"], group=n, strides=[2, 2]) for n in (2, 1))
    filters = rng.normal(size=(4, 3, 3, 2))  # onnx.reference does not support groups here
    parts = [exact.conv_transpose(half, image[:, n:n + 2], filters[n:n + 2]) for n in (0, 2)]
    expect("ConvTranspose of groups", np.allclose(exact.conv_transpose(whole, image, filters), np.concatenate(parts, 1)))


def cpu(model, runtime, scratch):
    """Measures the model's time on one core of this computer, whose value is not checked."""
    report = scratch / "cpu.json"
    code, text = trine("cpu", model, "--seconds", 1, "--json", report)
    expect("cpu", code == 0 and " on one core of " in text, text)
    figures = json.loads(report.read_text())
    expect("cpu", figures["runtime"].startswith(runtime) and figures["runs"] >= 10 and figures["cpu"]
           and 0 < figures["best"] <= figures["milliseconds"], figures)


def engines(model, kernels, scratch):
    """Measures all engines with one and two threads. `kernels`: names of the kernels, and the most threads of each."""
    report = scratch / "engines.json"
    code, text = trine("cpu", model, "--engines", "--threads", "1,2", "--config", "edge256", "--seconds", 1, "--json", report)
    expect("engines", code == 0, text)
    figures = json.loads(report.read_text())
    cores = len(os.sched_getaffinity(0))
    measured = [(row["kernels"], row["threads"]) for row in figures["engines"]]
    wanted = [(name, n) for name, most in kernels.items() for n in (1, 2) if n <= min(most, cores)]
    expect("engines", measured == wanted, f"{measured}, not measured: {figures['not_measured']}")
    expect("engines left out", len(wanted) + len(figures["not_measured"]) == 2 * len(kernels), figures["not_measured"])
    for row in figures["engines"]:
        expect("engine", row["milliseconds"] >= row["best"] > 0 and row["runs"] >= 10 and row["largest_difference"] <= 1
               and f"{row['kernels']} " in text, row)
    expect("fastest", figures["milliseconds"] == figures["engines"][0]["milliseconds"], figures)
    subprocess.run([os.environ["TRINE_PROGRAM"], "estimate", "--config", "edge256", model, "--json", report, "--quiet"], check=True)
    wanted = json.loads(report.read_text())
    expect("machine", all(figures["machine"][key] == wanted[key] for key in ("cycles", "latency_placed_ms")), figures["machine"])
    return figures["engines"]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--onnx", action="store_true", help="also test ONNX Runtime and qonnx")
    parser.add_argument("--build", type=pathlib.Path, default=ROOT / "build" / "recorder")
    options = parser.parse_args()
    if options.onnx:
        with_packages(options.build.resolve(), ROOT / "components/zoo/requirements_record.txt", "qonnx", "ai_edge_litert")
    else:
        with_packages(options.build.resolve(), ROOT / "components/zoo/requirements_litert.txt", "ai_edge_litert", "numpy")
    with tempfile.TemporaryDirectory() as folder:
        scratch = pathlib.Path(folder)
        verify = Verify(scratch)
        model, vectors, given = user_data(scratch, verify)
        faults(model, vectors, scratch, verify)
        layers(scratch)
        differences(model, vectors, given, verify)
        unsigned = ROOT / "tests" / "networks" / "mobilenet_uint8.tflite"
        recorded(unsigned, "--out", scratch / "uint8", "--seed", 9)
        verify.exact(unsigned, scratch / "uint8")
        cpu(unsigned, "ai-edge-litert ", scratch)
        rows = engines(MODELS / "lenet_mnist.tflite", {"XNNPACK": 2, "optimized kernels": 2, "reference kernels": 1}, scratch)
        code, text = trine("cpu", ROOT / "tests" / "operators" / "host_rest.tflite", "--engines", "--threads", 1, "--seconds", 1)
        expect("engines left out", code == 0 and "XNNPACK, --threads 1: supports no operator" in text
               and "reference kernels, --threads 1: Didn't find op" in text and ", optimized kernels)" in text, text)
        expect("reference kernels", rows[-1]["best"] > 3 * rows[0]["best"], rows)
        if options.onnx:
            onnx_models(scratch, verify)
            exact_values(scratch)
            mobilenet = ROOT / "tests" / "onnx" / "mobilenet_v2.onnx"
            cpu(mobilenet, "onnxruntime ", scratch)
            engines(mobilenet, {"all graph optimizations": 2, "no graph optimizations": 2}, scratch)
            code, text = trine("cpu", ROOT / "tests" / "lowbit" / "mlp_ternary.onnx", "--seconds", 1)
            expect("cpu, qonnx", code == 2 and "QONNX's operators" in text, text)
    print("recorder: all as it should be")


if __name__ == "__main__":
    main()
