#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Simulates the host of MLPerf Tiny's runner, for firmware/mlperf.c in the simulated system.

    mlperf.py MODEL --vectors DIR [--config C] [--mode accuracy|latency|energy] [--cases N] [--iterations N] [--trine T]

accuracy: runs each recorded case (10) once, and compares its largest result with its label. latency: measures runs
between two time stamps (5), as runs per second at the system's 50 MHz; the median of the cases. energy: the same
without time stamps on the console; the joules are those of `trine run` (what a meter would measure on the machine,
without processor and DRAM). In each mode the results must equal the recorded ones to the third decimal, otherwise the
exit code is 1.
"""
import argparse
import json
import pathlib
import re
import statistics
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "components" / "zoo"))
import npy  # noqa: E402

PIECE = 128  # bytes of an input per command


def trine(options, *arguments):
    done = subprocess.run([options.trine, *map(str, arguments)], stdout=subprocess.PIPE, text=True)
    if done.returncode:
        sys.exit(f"trine {' '.join(map(str, arguments))}: exit code {done.returncode}\n{done.stdout}")
    return done.stdout


def recorded(folder, count):
    """Returns [(bytes of the input, codes of the output, label)]."""
    manifest = json.loads((folder / "manifest.json").read_text())
    inputs, outputs = (folder / manifest[key][0]["file"] for key in ("inputs", "outputs"))
    cases = manifest["cases"][:count]
    found = []
    (_, *_), kind, values = npy.read(inputs, count)
    _, _, codes = npy.read(outputs, count)
    if kind not in ("|i1", "|u1"):
        sys.exit(f"{inputs}: {kind}, allowed |i1 and |u1, a byte for each element")
    size, width = len(values) // len(cases), len(codes) // len(cases)
    for i, case in enumerate(cases):
        found.append((bytes(v & 255 for v in values[i * size:(i + 1) * size]), codes[i * width:(i + 1) * width],
                      case.get("label")))
    return found


def commands(cases, mode, iterations):
    lines = ["name%", "profile%", f"mode {'energy' if mode == 'energy' else 'latency'}%"]
    for data, _, _ in cases:
        lines.append(f"db load {len(data)}%")
        lines += [f"db {data[i:i + PIECE].hex()}%" for i in range(0, len(data), PIECE)]
        lines.append("infer 1%" if mode == "accuracy" else f"infer {iterations} 1%")
    return "".join([*lines, "quit%"])


def by_case(text):
    """Returns [(microseconds between stamps or None, [results])]."""
    error = re.search(r"^e-\[.*", text, re.MULTILINE)
    if error:
        sys.exit(error[0])
    found = []
    for part in text.split("m-infer-start-")[1:]:
        stamps = [int(us) for us in re.findall(r"m-lap-us-(\d+)", part)]
        results = re.search(r"m-results-\[(.*?)\]", part)[1]
        found.append((stamps[1] - stamps[0] if len(stamps) == 2 else None, [float(r) for r in results.split(",")]))
    return found


def same(results, codes):
    """Returns true if the results equal the codes times one scale, less one zero point, to a thousandth; the two
    extreme codes determine both."""
    low, high = min(codes), max(codes)
    if low == high:
        return len(set(results)) == 1
    scale = (results[codes.index(high)] - results[codes.index(low)]) / (high - low)
    return scale > 0 and all(abs(results[codes.index(low)] + scale * (c - low) - r) <= 0.0021 for c, r in zip(codes, results))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model")
    parser.add_argument("--vectors", type=pathlib.Path, required=True)
    parser.add_argument("--config", default="edge64")
    parser.add_argument("--mode", choices=["accuracy", "latency", "energy"], default="accuracy")
    parser.add_argument("--cases", type=int, default=10)
    parser.add_argument("--iterations", type=int, default=5)
    parser.add_argument("--main-kib", default="256")
    parser.add_argument("--trine", default=ROOT / "trine")
    parser.add_argument("--python", help="Python interpreter for `trine soc`")
    options = parser.parse_args()
    for name in ("cases", "iterations"):
        if getattr(options, name) < 1:
            parser.error(f"--{name} {getattr(options, name)}, allowed from 1 on")
    if not (options.vectors / "manifest.json").is_file():
        parser.error(f"--vectors {options.vectors} holds no manifest.json")
    cases = recorded(options.vectors, options.cases)
    with tempfile.TemporaryDirectory() as folder:
        image, uart, report = (f"{folder}/{name}" for name in ("model.image", "uart.txt", "run.json"))
        trine(options, "compile", "--config", options.config, options.model, "--image", image, "--out", f"{folder}/p", "--quiet")
        pathlib.Path(uart).write_text(commands(cases, options.mode, options.iterations))
        more = ["--python", options.python] if options.python else []
        text = trine(options, "soc", "--config", options.config, "--app", ROOT / "components/soc/firmware/mlperf.c", "--data", image,
                     "--uart", uart, "--main-kib", options.main_kib, "--fault", "none", *more)
        trine(options, "run", "--config", options.config, "--backend", "arch", options.model, "--quiet", "--json", report)
        joules = json.loads(pathlib.Path(report).read_text())["energy_pj"] / 1e12
    found = by_case(text.replace("\r\n", "\n"))
    wrong = [i for i, ((_, results), (_, codes, _)) in enumerate(zip(found, cases, strict=True)) if not same(results, codes)]
    if wrong:
        sys.exit(f"case {wrong[0]}: results {found[wrong[0]][1]}, recorded codes {list(cases[wrong[0]][1])}")
    print(f"{len(found)} cases, all results as recorded")
    if options.mode == "accuracy":
        right = sum(r.index(max(r)) == label for (_, r), (_, _, label) in zip(found, cases))
        print(f"top-1 {100 * right / len(found):.1f} % ({right} of {len(found)})")
    elif options.mode == "latency":
        runs = [1e6 * options.iterations / us for us, _ in found]
        print(f"{statistics.median(runs):,.1f} runs a second, {1e3 / statistics.median(runs):.3f} ms each at 50 MHz")
    else:
        if any(us is not None for us, _ in found):
            sys.exit("time stamps on the console in energy mode")
        print(f"{1e6 * joules:.2f} uJ a run, of the machine alone")


if __name__ == "__main__":
    main()
