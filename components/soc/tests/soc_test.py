#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Tests `trine soc`: simulates a RISC-V system with the machine, and checks the output of its firmware, also with faults.

usage: soc_test.py [--full] [--build DIR]
$TRINE_PROGRAM is the tool. LiteX comes from PyPI into an environment in DIR. Exit code 1 if a check fails, 77 without
PyPI.
"""
import argparse
import json
import os
import pathlib
import re
import struct
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parents[2] / "tests"))
sys.path.insert(0, str(HERE.parents[2] / "components" / "zoo"))
import onnx_net  # noqa: E402
from harness import ROOT, with_packages  # noqa: E402

LENET, PLUS = ROOT / "models" / "lenet_mnist.tflite", ROOT / "models" / "plus_filter.tflite"
DIGITS = [LENET, "--vectors", ROOT / "models" / "lenet_mnist" / "vectors"]
LSTM = [ROOT / "tests" / "lstm" / "network16.tflite", "--vectors", ROOT / "tests" / "lstm" / "network16"]
WAKEWORD = [ROOT / "models" / "wakeword.onnx", "--vectors", ROOT / "models" / "wakeword" / "vectors", "--carry", "1=1"]
STORY = [ROOT / "models" / "story.bin", "--tokenizer", ROOT / "models" / "story_tokens.bin"]
STOPPED = "run: the accelerator stopped with an error: "
# The firmware's output for each fault; every message of the driver must occur here.
FAULTS = {
    "other-program": "load: the program was compiled for another configuration",
    "other-version": "image: another version of the instruction set",
    "truncated-model": "image: not a machine image, or a damaged one",
    "read-error": STOPPED + r"an? .* read .*answered with an error, at address 0x4",
    "write-error": STOPPED + "a write of the store engine answered with an error, at address 0x4",
    "dead-bus": STOPPED + "an instruction read was not answered in time, at address 0x4",
    "no-interrupt": "run: the accelerator did not finish in time",
}


def expect(what, holds, text=""):
    if not holds:
        sys.exit(f"soc: {what}: {text}")


def trine(code, *arguments, given=b""):
    """Runs the tool and returns its output. @param given  its standard input"""
    program = os.environ.get("TRINE_PROGRAM", str(ROOT / "trine"))
    done = subprocess.run([program, *map(str, arguments)], input=given, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          env=os.environ | {"TRINE_RTL_OPT": "1"})
    words, text = " ".join(map(str, arguments)), done.stdout.decode().replace("\r\n", "\n")
    expect(f"{words}: exit code {done.returncode}, not {code}", done.returncode == code, text)
    print(f"as it should be: trine {words}", flush=True)
    return text


def soc(code, *arguments, **more):
    return trine(code, "soc", "--python", sys.executable, *arguments, **more)


def trine_soc(code, *arguments):
    """Uses a separate environment, because a processor needs further packages."""
    return trine(code, "soc", *arguments)


def digits(build, *more, run=soc):
    report = build / "digits.json"
    text = run(0, *more, *DIGITS, "--cases", 2, "--json", report)
    expect("digits", "lenet_mnist: class 0\n" in text and "bit for bit" in text, text)
    figures = json.loads(report.read_text())
    expect("two runs", len(figures["runs"]) == 2 and figures["exact"], figures)
    return figures


def vmm(by, *more):
    """Runs a product without a model, by the driver: checks its first output, and that all sums are correct."""
    text = soc(0, *more, "--app", ROOT / "components" / "soc" / "firmware" / "vmm.c")
    expect("vmm.c", re.search(rf"^{by}3 calls of trine_vmm, 24 x 40, \d+ cycles, 0 of 72 sums wrong$", text, re.MULTILINE), text)


def ended(report):
    return json.loads(report.read_text())["firmware_exit_code"]


def faults(build, *config):
    report = build / "fault.json"
    for fault, line in FAULTS.items():
        text = soc(1, *config, PLUS, "--fault", fault, "--json", report)
        expect(fault, re.search(f"error: machine 0: {line}", text) and ended(report) == 1, text)


def driver_cases(build, *config):
    """Runs the driver's own cases as code of the system's processor."""
    folder = ROOT / "sw" / "runtime" / "cases"
    count = (folder / "cases_list.h").read_text().count("\nDRIVER_CASE(")
    cases = sorted(folder.glob("*.c"))
    apps = [word for case in [ROOT / "components" / "soc" / "firmware" / "driver_cases.c", *cases] for word in ("--app", case)]
    report = build / "cases.json"
    text = soc(0, *config, "--fault", "none", *apps, "--json", report)
    expect("driver cases", count > 30 and f"{count} of {count} driver cases pass" in text and ended(report) == 0, text)


def one_case(build, *config):
    """Without --cases the model runs once."""
    report = build / "one.json"
    soc(0, *config, PLUS, "--fault", "none", "--json", report)
    expect("one run", len(json.loads(report.read_text())["runs"]) == 1, report.read_text())


def without_hooks(*arguments):
    """The driver's cache hooks are necessary: if they are empty, the second result is wrong."""
    text = soc(1, *arguments, "--no-cache-hooks")
    expect("the caches' stale bytes", "differs from the golden reference" in text, text)


def memory_of(cells):
    """Writes ONNX of a network with one state: the next state and the answer are a product of [frame, state]."""
    net = onnx_net.OnnxNet("memory")
    frame, state = (net.input((1, cells), 1 / 16, 0) for _ in range(2))
    both = net._quantized(net._node("Concat", frame, state, axis=1), (1, 2 * cells), 1 / 16, 0)
    weights = bytes(net.random.randrange(-60, 60) & 255 for _ in range(2 * cells * cells))
    net.outputs = [net.dense(both, weights, [1 / 128] * cells, [0] * cells, 1 / 16, 0)]
    return net.to_bytes()


def streams(build, *system):
    """The firmware passes a state from run to run: the first answer is that of a state of zeros, the others are not."""
    cells, frames, model = 8, 4, build / "memory.onnx"
    model.write_bytes(memory_of(cells))
    given = struct.pack(f"<{cells * frames}f", *((7 * i % 23 - 11) / 4 for i in range(cells * frames)))
    stream = [*system, model, "--stream", "-", "--carry", "1=0"]
    kept, alone = ([line for line in soc(0, *stream, *more, given=given).splitlines() if line.startswith("output")]
                   for more in ((), ("--reset-states",)))
    expect("a stream", len(kept) == frames and kept[0] == alone[0] and kept[2] != alone[2], (kept, alone))
    text = soc(2, *stream, "--cases", frames + 1, given=given)
    expect("fewer frames", f"--cases: {frames + 1}, but --stream - contains {frames} frames" in text, text)


def story(build, *system, model=STORY, tokens=2, prompt=""):
    """The firmware generates the same text as the host, and every step's sums equal the golden layers'."""
    deck, report = build / "story.deck", build / "story.json"
    text = ["generate-text", *model, "--tokens", tokens, "--prompt", prompt]
    trine(0, *text, "--config", "edge64", "--deck", deck)
    trine(0, *text, "--backend", "golden", "--chunk", 1, "--json", report)
    wanted = json.loads(report.read_text())
    lines = soc(0, *system, "--app", ROOT / "components" / "soc" / "firmware" / "story.c", "--data", deck).splitlines()
    expect("tokens", " ".join(["tokens", *map(str, wanted["tokens"])]) in lines, lines)
    sums = [re.match(r"step \d+: sums (\w+)", line) for line in lines]
    expect("sums", [s[1] for s in sums if s] == wanted["sums"], lines)


def stories260k(build, *config):
    """Runs llama2.c's model, if the shared files exist."""
    models = pathlib.Path(os.environ.get("TRINE_SHARED", ROOT.parent / "shared")) / "models"
    if models.is_dir():
        story(build, *config, "--main-kib", 512, model=[models / "stories260K.bin", "--tokenizer", models / "tok512.bin"],
              tokens=20, prompt="Once upon a time")


def mlperf(build, cases):
    """Runs MLPerf Tiny's runner: all three modes, results as recorded; and checks the device's answers to bad
    commands."""
    for mode, line in (("accuracy", f"top-1 100.0 % ({cases} of {cases})"), ("latency", "ms each at 50 MHz"),
                       ("energy", "uJ a run")):
        done = subprocess.run([sys.executable, "-B", ROOT / "components" / "soc" / "mlperf.py", *DIGITS, "--cases", str(cases), "--mode", mode,
                               "--iterations", "2", "--trine", os.environ.get("TRINE_PROGRAM", ROOT / "trine"), "--python",
                               sys.executable], stdout=subprocess.PIPE, text=True, env=os.environ | {"TRINE_RTL_OPT": "1"})
        expect(f"mlperf.py --mode {mode}", done.returncode == 0 and line in done.stdout, done.stdout)
    image, commands = build / "lenet.image", build / "commands.txt"
    trine(0, "compile", "--config", "edge64", LENET, "--image", image, "--out", build / "lenet.trine")
    commands.write_text("dance%results%mode fast%db %infer 1%db load 7%db load 784%db 0g%infer -1%quit%")
    text = soc(0, "--config", "edge64", "--main-kib", 256, "--fault", "none", "--app", ROOT / "components" / "soc" / "firmware" / "mlperf.c",
               "--data", image, "--uart", commands)
    for line in ("e-[Unknown command: dance]", "e-[infer: the input is not loaded]", "e-[db load: 7 bytes, the model takes 784]",
                 "m-[Expecting 784 bytes]", "e-[db: no hexadecimal digits, or more than were expected]", "e-[results: no run]",
                 "e-[mode: latency or energy]", "e-[infer: no runs]"):
        expect(line, line in text and text.count("m-ready") == 10 and "m-load-done" not in text, text)
    for option in (["--cases", "0"], ["--iterations", "-1"], ["--vectors", build / "nowhere"]):
        done = subprocess.run([sys.executable, "-B", ROOT / "components" / "soc" / "mlperf.py", *DIGITS, *option], stderr=subprocess.PIPE, text=True)
        expect(f"mlperf.py {option[0]}", done.returncode == 2 and "error: " + str(option[0]) in done.stderr, done.stderr)


def no_story(*system):
    text = soc(1, *system, "--app", ROOT / "components" / "soc" / "firmware" / "story.c", "--data", STORY[0])
    expect("no deck", "error: the deck is missing or incomplete" in text, text)


def foreign(build):
    """A folder with other content is not touched."""
    (build / "foreign" / "system").mkdir(parents=True, exist_ok=True)
    (build / "foreign" / "system" / "mine").write_text("mine")
    text = soc(2, "--config", "edge64", PLUS, "--out", build / "foreign")
    expect("foreign folder", "did not write" in text and (build / "foreign" / "system" / "mine").exists(), text)


def command_line():
    for arguments, line in (
            (["--config", "edge64"], "MODEL: required"),
            (["--config", "edge64", PLUS, LENET], "--config: 1, MODEL: 2"),
            (["--config", "edge64", PLUS, "--cpu", "z80"], "z80"),
            (["--config", "edge64", PLUS, "--cpu", "ibex"], "pythondata-cpu-ibex 0.0.post2937 is wanted"),
            (["--config", "edge64", PLUS, "--cpu", "ibex", "--netlist"], "--cpu ibex: allowed only in simulations"),
            (["--config", "edge64", PLUS, "--fault", "rain"], "allowed: dead-bus"),
            (["--config", "edge64", PLUS, "--bitstream", "x.bit"], "--target ulx3s"),
            (["--config", "edge64", *DIGITS, "--cases", 1000], "--cases: 1000"),
            (["--config", "edge64", "--app", PLUS, "--fault", "dead-bus"], "with --app allowed only none"),
            (["--config", "edge64", PLUS, "--uart", PLUS], "--uart: allowed only with --app"),
            (["--config", "edge64", PLUS, "--carry", "0=0"], "--carry: needs --stream"),
            (["--config", "edge64", *DIGITS, "--stream", "-"], "--stream: not allowed with --vectors"),
            (["--config", "edge64", LENET, "--stream", "-"], "--stream -: contains no frame"),
    ):
        text = soc(2, *arguments)
        expect(line, line in text and text.count("\n") == 1, text)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--build", type=pathlib.Path, default=pathlib.Path("build/soc"))
    parser.add_argument("--full", action="store_true")
    options = parser.parse_args()
    build = options.build.resolve()
    build.mkdir(parents=True, exist_ok=True)
    with_packages(build, ROOT / "components" / "soc" / "requirements.txt", "litex", "litedram", "pythondata_cpu_picorv32")
    done = subprocess.run([sys.executable, "-B", "-m", "unittest", "discover", "-s", ROOT / "components" / "soc" / "tests"],
                          env=os.environ | {"PYTHONPATH": str(ROOT / "components" / "soc")})
    expect("the package's own tests", done.returncode == 0)
    command_line()
    foreign(build)
    small = ["--config", "edge64", "--main-kib", 256]  # as much as the largest firmware needs: one system for all
    digits(build, *small, "--fault", "none")
    one_case(build, *small)
    faults(build, *small)
    driver_cases(build, *small)
    streams(build, *small, "--fault", "none")
    without_hooks(*small, build / "memory.onnx", "--cases", 4, "--fault", "none")
    story(build, *small, "--fault", "none")
    no_story(*small, "--fault", "none")
    mlperf(build, 10 if options.full else 1)
    vmm("", *small, "--fault", "none")
    if options.full:
        sdram = ["--config", "edge32", "--sdram"]
        soc(0, *sdram, PLUS, "--cases", 2)
        without_hooks(*sdram, PLUS, "--cases", 2)
        digits(build, *small, "--cpu", "picorv32")
        digits(build, *small, "--cpu-variant", "full+cfu")
        vmm("by the custom instruction: ", *small, "--cpu-variant", "full+cfu")
        digits(build, *small, "--cpu", "ibex", run=trine_soc)
        soc(0, *small, "--config", "edge32", LENET, PLUS)
        soc(0, *small, "--set", "array.activations16=true", *LSTM, "--fault", "none")
        soc(0, *small, "--set", "array.activations16=true", *WAKEWORD, "--fault", "none")
        soc(0, *small, "--set", "memory.ecc=true", "--set", "bus.axi_data_bits=128", *DIGITS)
        stories260k(build, *small)
        soc(0, "--config", "edge32", "--netlist", PLUS)
        first, second = digits(build, *small, "--set", "memory.imem_kib=4")["runs"]
        expect("IMEM: nothing is fetched again", second["dram_bytes_read"] == first["dram_bytes_read"] - 2024, (first, second))
    return 0


if __name__ == "__main__":
    sys.exit(main())
