#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Feeds file readers with inputs that libFuzzer derives from valid files, under address and undefined-behaviour sanitizers.

usage: hostile_test.py [--seconds N | --replay PROGRAM] [--build DIR] [--anew] [--pack] [READER]...
Builds with clang 14 or 19 (Debian 12, 13: clang-N, libclang-rt-N-dev) in build/hostile. Seeds: the models, vectors,
presets and configurations of this repository, `found/` in this folder (inputs that once failed), and inputs that
earlier runs stored in the build folder or, with --pack, in corpus.tar.xz. Every input must be read or refused within
10 s and 2 GB. Exit code 1 if one is not: it is in the build folder then, and should be added to found/; 2 if the
build fails, 77 without clang. --replay needs no clang: it runs only the seeds, unchanged and damaged, through that
program (hostile_replay).
"""
import argparse
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tarfile

SKIPPED = 77
HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
CORPUS = HERE / "corpus.tar.xz"
LARGEST = 100_000  # bytes of a seed
DAMAGED = 10  # versions of a seed
SEEDS = {
    "tflite": ["models/*.tflite", "tests/operators/*.tflite", "tests/litert/*.tflite",
               "tests/maps16/*.tflite", "tests/lstm/*.tflite"],
    "onnx": ["models/*.onnx", "models/sequences/*.onnx", "tests/onnx/*.onnx", "tests/onnx/*/*.onnx",
             "tests/torch/*.onnx", "tests/cli/*/*.onnx"],
    "program": [],
    "checkpoint": [],
    "toml": ["spec/presets/*.toml"],
    "mapping": [],
    "npy": ["models/*/*.npy", "tests/operators/*/*.npy"],
    "vectors": ["tests/operators/*/manifest.json", "models/*/*/manifest.json"],
    "tokenizer": [],
    "tosa": ["tests/tosa/*/*.tosa", "tests/tosa/*/*.json"],
    "gguf": ["tests/formats/*.gguf"],
    "safetensors": ["tests/formats/*.safetensors"],
    "config": [],
    "pieces": ["tests/formats/*.model"],
    "byte_pairs": ["tests/formats/bpe_*.json"],
}


CLANGS = (14, 19)  # the versions of Debian 12 and 13


def call(command, **options):
    return subprocess.run([str(c) for c in command], stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, errors="replace", **options)


def build(folder):
    version = next((v for v in CLANGS if shutil.which(f"clang++-{v}")), None)
    if version is None:
        print("SKIPPED: clang is missing (Debian 12: clang-14 libclang-rt-14-dev; 13: clang-19 libclang-rt-19-dev)")
        sys.exit(SKIPPED)
    compilers = [f"-DCMAKE_C_COMPILER=clang-{version}", f"-DCMAKE_CXX_COMPILER=clang++-{version}"]
    for command in (["cmake", "--preset", "hostile", *compilers, "-B", folder],
                    ["cmake", "--build", folder, "--target", "hostile_fuzz"]):
        done = call(command, cwd=ROOT)
        if done.returncode:
            print(f"hostile_test.py: {' '.join(map(str, command))}:\n{done.stdout[-3000:]}", file=sys.stderr)
            sys.exit(2)


def seed(reader, corpus):
    """Copies the small files of that kind from the repository; an empty file is a seed, too."""
    corpus.mkdir(parents=True, exist_ok=True)
    files = [f for pattern in SEEDS[reader] for f in ROOT.glob(pattern)]
    files += (HERE / "found").glob(f"{reader}-*")
    for file in files:
        if file.stat().st_size <= LARGEST:
            shutil.copy(file, corpus / "_".join(file.relative_to(ROOT).parts))


def unpack(folder):
    """Unpacks the inputs that earlier runs stored, READER/HASH each."""
    if not CORPUS.exists():
        return
    with tarfile.open(CORPUS) as archive:
        for entry in archive:
            reader, name = pathlib.PurePosixPath(entry.name).parts
            (folder / reader).mkdir(parents=True, exist_ok=True)
            (folder / reader / name).write_bytes(archive.extractfile(entry).read())


def forget(folder, readers):
    """Deletes the inputs that earlier runs stored for these readers."""
    for file in (f for reader in readers for f in (folder / reader).glob("*")):
        file.unlink()


def pack(folder):
    """Packs the inputs that libFuzzer found, without those that the repository contains anyway."""
    found = sorted(f for f in folder.glob("*/*") if re.fullmatch("[0-9a-f]{40}", f.name))
    fresh = CORPUS.with_suffix(".new")
    with tarfile.open(fresh, "w:xz", preset=9) as archive:
        for file in found:
            entry = tarfile.TarInfo(str(file.relative_to(folder)))
            entry.size = file.stat().st_size
            with file.open("rb") as data:
                archive.addfile(entry, data)
    fresh.rename(CORPUS)
    print(f"{len(found):,} inputs in {CORPUS.name}, {CORPUS.stat().st_size:,} bytes")


def seed_programs(folder, corpus):
    """Compiles a program as a seed, if the tool exists."""
    tool = os.environ.get("TRINE_PROGRAM", str(ROOT / "trine"))
    for model in ("models/plus_filter.tflite", "models/mnist_binary.onnx"):
        call([tool, "compile", "--config", "braintta-size", ROOT / model, "--out",
              corpus / f"{pathlib.Path(model).stem}.trine"], cwd=folder)


def seed_mapping(folder, corpus):
    """Writes the mapping that the reader's network has without edits."""
    tool = os.environ.get("TRINE_PROGRAM", str(ROOT / "trine"))
    (corpus / "lenet.toml").unlink(missing_ok=True)  # an existing mapping would be read
    call([tool, "compile", "--config", "edge256", ROOT / "models/lenet_mnist.tflite", "--mapping",
          corpus / "lenet.toml"], cwd=folder)


def collect(reader, options):
    """Returns the folder of the reader's seeds."""
    corpus = options.build / "corpus" / reader
    seed(reader, corpus)
    if reader == "program":
        seed_programs(options.build, corpus)
    if reader == "mapping":
        seed_mapping(options.build, corpus)
    if reader == "config":
        for name, model in json.loads((ROOT / "tests/formats/families.json").read_text()).items():
            (corpus / f"{name}.json").write_text(json.dumps(model["config"]))
    return corpus


def tell(reader, inputs, good):
    print(f"{reader:<12} {inputs:>12,} inputs  {'all read or refused' if good else 'FAILS'}", flush=True)
    return good


def replay(reader, options):
    """Returns true if all seeds and damaged seeds were read or refused."""
    done = call([options.replay, reader, DAMAGED, collect(reader, options)])
    inputs = int(done.stdout) if done.returncode == 0 else 0
    good = tell(reader, inputs, inputs > 0)  # without seeds nothing was checked
    if not good:
        print("  " + done.stdout[-500:].strip())
    return good


def feed(reader, options):
    """Returns true if all inputs were read or refused."""
    corpus = collect(reader, options)
    done = call([options.build / "tests" / "hostile" / "hostile_fuzz", corpus,
                 f"-max_total_time={options.seconds}", "-timeout=10", "-rss_limit_mb=2048",
                 f"-max_len={LARGEST}", f"-artifact_prefix={options.build}/{reader}-",
                 "-print_final_stats=1"],
                env={**os.environ, "TRINE_READER": reader, "ASAN_OPTIONS": "detect_container_overflow=0"}, cwd=options.build)
    inputs = re.search(r"number_of_executed_units: (\d+)", done.stdout)
    good = tell(reader, int(inputs.group(1)) if inputs else 0, done.returncode == 0)
    if not good:
        what = [line for line in done.stdout.splitlines()
                if re.search(r"ERROR|SUMMARY|runtime error|Test unit written|terminate|what\(\)", line)]
        print("\n".join("  " + line[:200] for line in what[:6]))
    return good


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=int, default=60, help="seconds for each reader")
    parser.add_argument("--build", type=pathlib.Path, default=ROOT / "build" / "hostile")
    parser.add_argument("--replay", type=pathlib.Path, help="run only the seeds, with this program")
    parser.add_argument("--anew", action="store_true",
                        help="ignore the inputs that earlier runs stored for these readers")
    parser.add_argument("--pack", action="store_true", help="store the corpus in corpus.tar.xz at the end")
    parser.add_argument("reader", nargs="*", help=", ".join(SEEDS))
    options = parser.parse_args()
    options.build = options.build.resolve()
    for reader in options.reader:
        if reader not in SEEDS:
            parser.error(f"{reader}: allowed are {', '.join(SEEDS)}")
    if not options.replay:
        build(options.build)
    unpack(options.build / "corpus")
    if options.anew:
        forget(options.build / "corpus", options.reader or SEEDS)
    run = replay if options.replay else feed
    good = [run(reader, options) for reader in options.reader or SEEDS]
    if options.pack:
        pack(options.build / "corpus")
    sys.exit(not all(good))


if __name__ == "__main__":
    main()
