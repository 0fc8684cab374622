#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs TOSA's own conformance cases in Trine, and compares them with the reference model.

usage: tosa_test.py --build DIR [--dims 1,12] [--only OPERATOR...] [--rtl N] [--networks FILE...]
       tosa_test.py --build DIR --sample OUT    writes tests/tosa/cases, too

tosa-tools of PyPI (numpy below 2.2, so a separate environment in DIR) generates the int8 cases of OPERATORS and runs
the reference model. `trine run` computes each on the golden layers and the architecture simulator, which must agree,
and must give the reference model's numbers; every N-th runs on the RTL, too. Cases that are errors by the
specification (ERROR_IF) must be refused. --networks: TFLite files are converted, and run by the reference model and
by Trine, as TOSA and as TFLite. Results are stored in DIR: a second run continues. Exit code 77 without PyPI.
"""
import argparse
import collections
import concurrent.futures
import hashlib
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import sysconfig

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))
import harness  # noqa: E402

OPERATORS = """argmax avg_pool2d cast clamp concat conv2d depthwise_conv2d gather matmul max_pool2d mul pad rescale reshape
    resize reverse slice table tile transpose transpose_conv2d""".split()
LEAST_EXACT = 0.95
CONFIG = "edge64"
# Small cases of each operator for the short suite: by name, as the generator names them at --dims 1,7.
SAMPLES_EACH = 3
# Small files of the repository with combinations that single operators lack: sums, products of maps, resizes,
# softmax.
NETWORKS = """tests_networks_residual tests_networks_speech tests_networks_gru tests_networks_curve tests_layers_pools
    tests_layers_elementwise tests_layers_resize_odd tests_operators_batch tests_operators_moved""".split()


def tool(name):
    return str(pathlib.Path(sys.prefix) / "bin" / name)


def trine(*arguments):
    program = os.environ.get("TRINE_PROGRAM", str(harness.ROOT / "trine"))
    return subprocess.run([program, *map(str, arguments)], capture_output=True, text=True)


def generate(folder, kind, dims, operators):
    """Makes the generator's cases, each operator's in a separate folder. @param kind  positive, negative"""
    def one(operator):
        ready = folder / operator / "ready"
        if ready.exists() and ready.read_text() == dims:
            return ""
        shutil.rmtree(folder / operator, ignore_errors=True)
        done = subprocess.run(
            [tool("tosa_verif_build_tests"), "-o", str(folder / operator), "--seed", "42", "--filter", f"^{operator}$", "--profile",
             "tosa-pro-int", "--extension", "tosa-ext-doubleround", "tosa-ext-inexactround", "--target-dtype", "int8",
             "--tosa-version", "1.0.0", "--test-type", kind, "--tensor-dim-range", dims], capture_output=True, text=True)
        if done.returncode == 0:
            ready.write_text(dims)
        return done.stderr if done.returncode else ""
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        for error in pool.map(one, operators):
            if error:
                harness.fail(f"tosa_verif_build_tests: {error[-400:]}")


def types(case):
    """Returns true for int8 inputs, int8 or int32 outputs, rank at most 4: the cases that Trine should run."""
    data = case["meta"]["data_gen"]["tensors"]
    shapes = [t["shape"] for name, t in data.items() if name in case["ifm_name"]] + case["test_details"]["output_shapes"]
    of_inputs = {t["data_type"] for name, t in data.items() if name in case["ifm_name"]}
    return (of_inputs <= {"INT8", "INT32"} and set(case["test_details"]["output_types"]) <= {"INT8", "INT32"}
            and all(len(s) <= 4 for s in shapes))


def reference(folder):
    """Runs the reference model. @return true if it reports that the case is valid"""
    import numpy as np
    case = json.loads((folder / "desc.json").read_text())
    outputs = [folder / name for name in case["ofm_file"]]
    if not all(o.exists() for o in outputs):
        done = subprocess.run([shipped("tosa_reference_model"), "--tosa_level", "EIGHTK", "--test_desc",
                               str(folder / "desc.json"), "--operator_fbs", shipped("tosa.fbs")], capture_output=True, text=True)
        if done.returncode:
            return None
    return [np.load(o) for o in outputs]


def shipped(name):
    """Returns a file of tosa-tools; its programs in bin/ are Python scripts that wrap these."""
    return str(pathlib.Path(sysconfig.get_paths()["purelib"]) / "bin" / name)


def as_text(folder):
    """Returns the case as JSON."""
    made = folder / "test.json"
    if not made.exists():
        subprocess.run([shipped("flatc"), "--json", "--strict-json", "--raw-binary", "-o", str(folder), shipped("tosa.fbs"), "--",
                        str(folder / "test.tosa")], check=True)
    return made


def allowed(case, wanted):
    """Returns the permitted error of a number: zero, except for RESCALE with INEXACT_ROUND, which the reference model
    computes in float32: the resolution of float32, at least one step."""
    import numpy as np
    tensors = case["meta"].get("compliance", {}).get("tensors", {})
    if not any(t["mode"] == "RESCALE_INEXACT" for t in tensors.values()):
        return 0
    return max(1, float(np.abs(wanted.astype(np.float64)).max(initial=0)) * 2.0 ** -23)


def run_case(folder, backend, flags=(), text=False):
    """@return exact, refused, wrong; and the reason"""
    import numpy as np
    case = json.loads((folder / "desc.json").read_text())
    wanted = reference(folder)
    if wanted is None:
        return "no reference", ""
    ends = [folder / f"{backend}.{i}.npy" for i in range(len(wanted))]
    model = as_text(folder) if text else folder / case["tosa_file"]
    command = ["run", "--backend", backend, "--config", CONFIG, model, *flags]
    for name in case["ifm_file"]:
        command += ["--input", folder / name]
    for end in ends:
        command += ["--output", end]
    done = trine(*command)
    hosted = "on the host, " in done.stdout
    if done.returncode == 2:
        return "refused", done.stderr.strip().splitlines()[0].split(": ", 1)[-1][:160]
    if done.returncode:
        return "wrong", f"exit code {done.returncode}: {(done.stderr or done.stdout).strip()[-200:]}"
    for end, y in zip(ends, wanted):
        z = np.load(end)
        end.unlink()
        if z.shape != y.shape or z.dtype != y.dtype:
            return "wrong", f"{z.dtype} {z.shape}, expected {y.dtype} {y.shape}"
        far = np.abs(z.astype(np.int64) - y.astype(np.int64)).max(initial=0)
        if far > allowed(case, y):
            return "wrong", f"{int((z != y).sum())} of {y.size} differ, by up to {far}"
    return "exact", "hosted" if hosted else ""


def positive(args, folder):
    """@return rows of operator, name, result on the machine only, result with the host"""
    cases = []
    for path in sorted(p for operator in args.only for p in folder.glob(f"{operator}/*/*/desc.json")):
        if types(json.loads(path.read_text())):
            cases.append(path.parent)
    kept = folder / f"results-{CONFIG}.json"
    results = json.loads(kept.read_text()) if kept.exists() and not args.again else {}

    def one(numbered):
        i, case = numbered
        name = case.name
        if name in results:
            return
        alone = run_case(case, "arch")
        hosted = alone if alone[0] != "refused" else run_case(case, "arch", ["--allow-host"], text=i % 7 == 0)
        rtl = run_case(case, "rtl", ["--allow-host"]) if args.rtl and i % args.rtl == 0 else ("", "")
        results[name] = [case.parent.parent.name, *alone, *hosted, *rtl]
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        for i, _ in enumerate(pool.map(one, enumerate(cases))):
            if i % 50 == 49:
                kept.write_text(json.dumps(dict(results), indent=0))
    kept.write_text(json.dumps(dict(results), indent=0))
    return {name: row for name, row in results.items() if any(c.name == name for c in cases)}


def report(results):
    """@return the share of exact cases, and the wrong ones"""
    table = collections.defaultdict(collections.Counter)
    wrong, reasons = [], collections.Counter()
    for name, (operator, alone, why, hosted, why_hosted, rtl, why_rtl) in sorted(results.items()):
        row = table[operator]
        row["cases"] += hosted != "no reference"
        row["machine"] += alone == "exact" and why != "hosted"
        row["exact"] += hosted == "exact"
        row["rtl"] += rtl == "exact"
        row["of rtl"] += rtl in ("exact", "wrong")
        for result, reason in ((alone, why), (hosted, why_hosted), (rtl, why_rtl)):
            if result == "wrong":
                wrong.append(f"{name}: {reason}")
        if hosted == "refused":
            reasons[f"{operator}: {re.sub(r'[0-9]+', 'N', why_hosted)}"] += 1
    print(f"{'operator':<20}{'cases':>7}{'exact':>7}{'machine':>9}{'RTL':>9}")
    total = collections.Counter()
    for operator, row in sorted(table.items()):
        total.update(row)
        print(f"{operator.upper():<20}{row['cases']:>7}{row['exact']:>7}{row['machine']:>9}{row['rtl']:>5} of {row['of rtl']}")
    print(f"{'all':<20}{total['cases']:>7}{total['exact']:>7}{total['machine']:>9}{total['rtl']:>5} of {total['of rtl']}")
    for reason, count in reasons.most_common():
        print(f"  refused: {count} {reason}")
    for line in wrong[:40]:
        print(f"  wrong: {line}")
    return total["exact"] / max(1, total["cases"]), wrong


def negative(folder, operators):
    """Runs cases that are errors. @return those that are accepted"""
    taken, refused, table = [], 0, collections.Counter()

    def one(case):
        file = json.loads((case / "desc.json").read_text())["tosa_file"]
        return case, trine("compile", "--config", CONFIG, case / file, "--out", os.devnull, "--allow-host", "--quiet").returncode
    cases = [path.parent for operator in operators for path in sorted(folder.glob(f"{operator}/*/*/desc.json"))]
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        for case, code in pool.map(one, cases):
            if code == 2:
                refused += 1
            else:
                taken.append(f"{case.name}: exit code {code}")
                table[case.parent.parent.name + " " + re.sub(r".*ERRORIF_([A-Za-z0-9]*).*", r"\1", case.name)] += 1
    print(f"errors by the specification: {refused} of {len(cases)} refused")
    for what, count in table.most_common():
        print(f"  taken: {count} {what}")
    return taken


def converted(file, folder):
    """Converts a TFLite file to TOSA. @return the reason if that fails"""
    folder.mkdir(parents=True, exist_ok=True)
    if (folder / "desc.json").exists():
        return ""
    done = subprocess.run([tool("tosa-converter-for-tflite"), str(file), "--text", "-o", str(folder / "net.mlir")],
                          capture_output=True, text=True)
    if done.returncode or not (folder / "net.mlir").exists():
        return "not converted: " + (done.stderr.strip().splitlines() or ["?"])[-1][-120:]
    # Open batch sizes become 1.
    text = re.sub(r"dense<\[-1,", "dense<[1,", (folder / "net.mlir").read_text().replace("tensor<?x", "tensor<1x"))
    (folder / "net.mlir").write_text(text)
    done = subprocess.run([shipped("tosa-opt"), "--tosa-serialize", f"--tosa-flatbuffer-filename={folder / 'test.tosa'}",
                           str(folder / "net.mlir")], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    if done.returncode:
        return "no flatbuffer: " + (done.stderr.strip().splitlines() or ["?"])[0][-120:]
    import numpy as np
    block = json.loads(as_text(folder).read_text())["regions"][0]["blocks"][0]
    tensors = {t["name"]: t for t in block["tensors"]}
    random = np.random.default_rng(1)
    names = [f"x{i}.npy" for i in range(len(block["inputs"]))]
    for name, tensor in zip(names, block["inputs"]):
        if tensors[tensor]["type"] not in ("INT8", "INT32"):
            return f"no int8: an input is {tensors[tensor]['type']}"
        low, high = (-128, 128) if tensors[tensor]["type"] == "INT8" else (0, 2)
        np.save(folder / name, random.integers(low, high, tensors[tensor]["shape"]).astype(
            np.int8 if tensors[tensor]["type"] == "INT8" else np.int32))
    (folder / "desc.json").write_text(json.dumps(
        {"tosa_file": "test.tosa", "ifm_name": block["inputs"], "ifm_file": names, "ofm_name": block["outputs"],
         "ofm_file": [f"y{i}.npy" for i in range(len(block["outputs"]))], "expected_failure": False, "meta": {}}))
    return ""


def as_tflite(file, folder):
    """Counts the codes that equal those of the same network as TFLite."""
    import numpy as np
    case = json.loads((folder / "desc.json").read_text())
    ends = [folder / f"tflite{i}.npy" for i in range(len(case["ofm_file"]))]
    command = ["run", "--backend", "arch", "--config", "edge256", file, "--quiet", "--allow-host"]
    for name in case["ifm_file"]:
        command += ["--input", folder / name]
    for end in ends:
        command += ["--output", end]
    if trine(*command).returncode:
        return "TFLite: not run"
    equal = of = 0
    for end, name in zip(ends, case["ofm_file"]):
        y, z = np.load(folder / name), np.load(end)
        if y.size != z.size:
            return "TFLite: another shape"
        equal, of = equal + int((y.reshape(-1) == z.reshape(-1)).sum()), of + y.size
    return f"TFLite: {equal} of {of} codes"


def networks(build, files):
    """Runs whole networks and layers that a converter made. @return wrong ones"""
    counts, wrong, reasons = collections.Counter(), [], collections.Counter()

    def one(file):
        folder = build / "networks" / "_".join(file.relative_to(file.parents[2]).with_suffix("").parts)
        why = converted(file, folder)
        if why:
            return file, ("no network", why), ""
        result = run_case(folder, "arch", ["--allow-host"])
        return file, result, as_tflite(file, folder) if result[0] == "exact" else ""
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        for file, (result, why), beside in pool.map(one, files):
            counts[result] += 1
            if result == "wrong":
                wrong.append(f"{file.name}: {why}")
            print(f"  {file.parent.name}/{file.name}: {result} {why or beside}")
    print("networks: " + ", ".join(f"{count} {what}" for what, count in counts.most_common()))
    return wrong


def record(folder, out):
    """Records a case as a model of the repository with vectors (docs/vectors.md)."""
    import numpy as np
    case = json.loads((folder / "desc.json").read_text())
    name = re.sub(r"_(i8xi8|acci32|lclbnd0|i8)", "", out.name)
    out = out.with_name(name)
    wanted = reference(folder)
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir(parents=True)
    model = out.with_suffix(".tosa")
    shutil.copy(folder / case["tosa_file"], model)
    rows = {"inputs": [(n, np.load(folder / f), f"in{i}.npy") for i, (n, f) in enumerate(zip(case["ifm_name"], case["ifm_file"]))],
            "outputs": [(n, y, f"out{i}.npy") for i, (n, y) in enumerate(zip(case["ofm_name"], wanted))]}
    for entries in rows.values():
        for _, array, file in entries:
            np.save(out / file, array[np.newaxis])
    ends = {key: [{"name": n, "dtype": str(a.dtype), "shape": list(a.shape), "file": f} for n, a, f in entries]
            for key, entries in rows.items()}
    manifest = {"format": "trine-vectors-1", "model": model.name, "sha256": hashlib.sha256(model.read_bytes()).hexdigest(),
                "reference": {"package": "tosa-tools", "version": "2026.8.0"}, **ends,
                "cases": [{"id": "given", "how": "tosa_reference_model"}]}
    (out / "manifest.json").write_text(json.dumps(manifest, indent=1) + "\n")


def write_sample(build, results, out):
    """Writes the smallest exact cases of each operator, one of each form; and networks that --networks has converted."""
    for old in [*out.glob("*.tosa"), *(m.parent for m in out.glob("*/manifest.json"))]:
        shutil.rmtree(old) if old.is_dir() else old.unlink()
    for operator in OPERATORS:
        exact = [f for f in (build / "positive").glob(f"{operator}/*/*/desc.json")
                 if results.get(f.parent.name, ["", "", "", ""])[3] == "exact" and "_rmI_" not in f.parent.name]
        size = {f: sum(p.stat().st_size for p in f.parent.iterdir() if p.name in ("test.tosa", "input-0.npy")) for f in exact}
        chosen = {}
        for f in sorted(exact, key=lambda f: (size[f], f.parent.name)):
            chosen.setdefault(f.parent.parent.name if operator != "rescale" else re.sub(r".*_out", "", f.parent.name), f)
        for f in list(chosen.values())[:SAMPLES_EACH]:
            record(f.parent, out / f.parent.name)
    for name in NETWORKS:
        folder = build / "networks" / name
        if (folder / "desc.json").exists():
            record(folder, out / name.removeprefix("tests_").removeprefix("models_"))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", type=pathlib.Path, required=True, metavar="DIR")
    parser.add_argument("--dims", default="1,12", help="extents of the tensors that are generated")
    parser.add_argument("--only", nargs="*", default=OPERATORS, help="test only these operators")
    parser.add_argument("--rtl", type=int, default=0, metavar="N")
    parser.add_argument("--again", action="store_true", help="ignore the results of the previous run")
    parser.add_argument("--sample", type=pathlib.Path, metavar="OUT")
    parser.add_argument("--positive", action="store_true", help="only cases without errors")
    parser.add_argument("--networks", type=pathlib.Path, nargs="*", default=[], metavar="FILE",
                        help="test only these TFLite files")
    args = parser.parse_args()
    args.build = args.build.resolve()
    harness.with_packages(args.build, HERE / "requirements.txt", "generator", "numpy", "tosa_converter_for_tflite")
    if args.networks:
        wrong = networks(args.build, [file.resolve() for file in args.networks])
        return harness.fail(f"{len(wrong)} results differ: {wrong}") if wrong else None
    generate(args.build / "positive", "positive", args.dims, args.only)
    results = positive(args, args.build / "positive")
    share, wrong = report(results)
    if args.sample:
        return write_sample(args.build, results, args.sample)
    taken = []
    if not args.positive:
        generate(args.build / "negative", "negative", args.dims, args.only)
        taken = negative(args.build / "negative", args.only)
    if wrong:
        harness.fail(f"{len(wrong)} results differ")
    if share < LEAST_EXACT:
        harness.fail(f"{100 * share:.1f} % of the cases are exact, wanted {100 * LEAST_EXACT:.0f} %")
    if taken:
        harness.fail(f"{len(taken)} errors are taken")


if __name__ == "__main__":
    main()
