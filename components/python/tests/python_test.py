#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Tests the Python package as a user gets it: builds its wheel from the existing build folder, installs it into an
environment, and runs it with the source tree hidden.

usage: python_test.py --build DIR --cmake BUILD [--full]
$TRINE_PROGRAM is the tool. scikit-build-core, NumPy, onnx and ONNX Runtime come from PyPI into a virtual environment
of DIR; --full adds torch, runs the whole notebook, and installs the wheel into an empty environment with pip's own
settings. Exit code 77 without PyPI.
"""
import argparse
import json
import os
import pathlib
import re
import shlex
import shutil
import subprocess
import sys
import zipfile

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parents[2] / "tests"))
from harness import ROOT, fail, new_environment, pip, with_packages  # noqa: E402


def run(*command, **more):
    """Returns stdout; stops if the command fails."""
    done = subprocess.run(list(map(str, command)), text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, **more)
    if done.returncode:
        fail(f"{' '.join(map(str, command))}: exit code {done.returncode}\n{done.stdout}")
    return done.stdout


def wheel(build, cmake):
    """Builds the wheel with pip; the build folder already contains its target, so nothing is compiled."""
    before = {f: f.stat().st_mtime_ns for f in cmake.rglob("*.o")}
    folder = build / "wheel"
    shutil.rmtree(folder, ignore_errors=True)
    run(*pip(sys.executable), "wheel", "-q", "--no-deps", "--no-build-isolation",
        f"--config-settings=cmake.define.TRINE_BUILD={cmake}", "-w", folder, ROOT)
    compiled = [f for f in cmake.rglob("*.o") if before.get(f) != f.stat().st_mtime_ns and "CMakeFiles" in f.parts]
    if compiled:
        fail(f"the wheel's build compiled again: {compiled}")
    return next(folder.glob("*.whl"))


def check_contents(file):
    names = set(zipfile.ZipFile(file).namelist())
    missing = [n for n in ("__init__.py", "_core.pyi", "py.typed", "share/trine/spec/presets/edge256.toml",
                           "share/trine/rtl/trine_machine.sv", "share/trine/sim/rtl/shim.cpp", "share/trine/cmake/revision",
                           "libtrine_delegate.so", "libtrine_ort.so", "bin/trine", "tool.py")
               if f"trine/{n}" not in names]
    if missing or not any(n.startswith("trine/_core.cpython-") for n in names):
        fail(f"{file.name}: lacks {missing or 'the extension'}")


def alone(build, file):
    """Installs the wheel with the packages that pip adds, in an otherwise empty environment."""
    folder = build / "alone"
    if new_environment(folder, file) != 0:
        fail("pip cannot install the wheel")
    python = folder / "bin/python3"
    text = run(python, "-I", "-c", 'import trine; m = trine.root / "models/lenet_mnist"; '
               'print(trine.verify(f"{m}.tflite", trine.Config("edge64"), m / "vectors"))', cwd=build)
    if "100 of 100 vectors bit-exact" not in text:
        fail(f"the wheel in an empty environment: {text}")


def hidden(*command):
    """Returns the command in a mount namespace in which all folders of the tree except for build/ are empty."""
    folders = [str(f) for f in ROOT.iterdir() if f.is_dir() and f.name != "build"]
    script = f'for f in {shlex.join(folders)}; do mount -t tmpfs none "$f" || exit; done; exec "$@"'
    # Root in a chroot has no user namespaces; other users need one for mounts.
    own = "-m" if os.geteuid() == 0 else "-rm"
    return ["unshare", own, "sh", "-c", script, "sh", *map(str, command)]


def commands(scratch):
    """Writes the command line's messages for bad input, and its output files, for checks.py, which cannot run it."""
    tool, model = os.environ["TRINE_PROGRAM"], str(ROOT / "models/lenet_mnist.tflite")
    said = {}
    for name, arguments in {
            "no preset": ["estimate", "--config", "edge7", model],
            "bad key": ["estimate", "--config", "edge64", "--set", "array.rows=999", model],
            "unknown key": ["estimate", "--config", "edge64", "--set", "array.depth=2", model],
            "no file": ["compile", "--config", "edge64", "nowhere.tflite", "--out", "x"],
            "no model": ["compile", "--config", "edge64", "text.txt", "--out", "x"],
            "no vectors": ["verify", "--config", "edge64", "--backend", "arch", "lenet.tflite", "--vectors", "nowhere"],
            "other model": ["verify", "--config", "edge64", "--backend", "arch", "adder.tflite", "--vectors", "vectors"],
            "refused": ["compile", "--config", "edge64", "--set", "vector.enable=false", "adder.tflite", "--out", "x"],
            "no target": ["synth", "--config", "edge32", "--wire-load", "zero", "--liberty", "nowhere.lib"],
            "no table": ["estimate", "--config", "edge64", "--table", "bert-tiny"],
            "lockstep": ["run", "--config", "edge64", "--backend", "arch", "--lockstep", "lenet.tflite"]}.items():
        done = subprocess.run([tool, *arguments], cwd=scratch, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        said[name] = {"code": done.returncode, "text": done.stderr}
    (scratch / "said.json").write_text(json.dumps(said))
    run(tool, "generate", "--config", "edge32", "--out", "generated", "--quiet", cwd=scratch)
    run(tool, "estimate", "--config", "edge256", "lenet.tflite", "--json", "estimate.json", cwd=scratch)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--build", type=pathlib.Path, required=True)
    parser.add_argument("--cmake", type=pathlib.Path, required=True)
    parser.add_argument("--full", action="store_true", help="also test torch, the whole notebook and synthesis")
    options = parser.parse_args()
    build = options.build.resolve()
    names = ["scikit_build_core", "numpy", "onnx", "onnxruntime"] + (["torch", "onnxscript", "ai_edge_litert"] if options.full else [])
    with_packages(build, HERE / ("requirements_full.txt" if options.full else "requirements.txt"), *names)
    file = wheel(build, options.cmake.resolve())
    check_contents(file)
    if options.full:
        alone(build, file)
    run(*pip(sys.executable), "install", "-q", "--no-deps", "--force-reinstall", file)

    scratch = build / "scratch"
    shutil.rmtree(scratch, ignore_errors=True)
    scratch.mkdir()
    models = ROOT / "models"
    shutil.copy(models / "lenet_mnist.tflite", scratch / "lenet.tflite")
    shutil.copytree(models / "lenet_mnist/vectors", scratch / "vectors")
    shutil.copy(models / "digit_adder.tflite", scratch / "adder.tflite")
    shutil.copy(ROOT / "tests/layers/depthwise.tflite", scratch)
    (scratch / "text.txt").write_text("no model\n" * 10)
    for name in ("mnist_binary", "mnist_mixed"):
        shutil.copy(models / f"{name}.onnx", scratch)
        shutil.copytree(models / name / "vectors", scratch / name)
    shutil.copytree(ROOT / "tests/onnx", scratch / "onnx")
    shutil.copy(ROOT / "tests/torch/classes/bert.onnx", scratch)
    shutil.copytree(ROOT / "tests/torch/classes/bert", scratch / "bert")
    for page in (HERE / "checks.py", HERE / "notebook.py", ROOT / "docs/python.md", ROOT / "docs/frameworks.md"):
        shutil.copy(page, scratch)
    shutil.copytree(ROOT / "components/python/examples", scratch / "examples")
    commands(scratch)
    tool = pathlib.Path(sys.prefix) / "bin/trine"
    if "cycles" not in run(*hidden(tool, "estimate", "--config", "edge256", "lenet.tflite"), cwd=scratch):
        fail("the wheel's command line does not estimate")
    more = ["--full"] if options.full else []
    python = sys.executable
    environment = dict(os.environ, TRINE_RTL_OPT="1")
    environment.pop("TRINE_PROGRAM", None)
    for script in (["-I", "checks.py"], ["-I", "notebook.py", "python.md"],
                   ["-I", "notebook.py", "examples/quantize_and_run.ipynb"],
                   *([["-I", "notebook.py", "frameworks.md"]] if options.full else [])):
        print(run(*hidden(python, "-B", *script, *more), cwd=scratch, env=environment), end="")
    backend = run(*hidden(python, "-B", "-I", "onnx/runner.py"), cwd=scratch, env=environment)
    right = re.search(r"codes: (\d+) right.*\nfloats: (\d+) right", backend)
    if not right or int(right[1]) < 44 or int(right[2]) < 747:  # for onnx 1.19.1
        sys.exit(f"ONNX's runner:\n{backend[-2000:]}")
    print("\n".join(line for line in backend.splitlines() if not line.startswith("  ")))
    print("python: all as it should be")


if __name__ == "__main__":
    main()
