#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Measures the cycles of a prompt of 64 tokens, read together and token by token.

usage: prompts.py [--backend rtl|arch] [--check] [CONFIG]...    (edge256 edge1024)
The model is stories260K of $TRINE_SHARED (../shared). Both ways must give the same sums after the prompt, and all
sums and caches of the golden layers, otherwise the benchmark ends. --check: exit code 1 if reading together saves
less than a factor of 12 on edge256.
"""
import argparse
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
import common  # noqa: E402

GOAL = 12  # times fewer cycles, on edge256
TOKENS = 64
TEXT = ("Once upon a time, there was a little girl named Lily. She loved to play with her toys and her friends. One day, "
        "Lily's mommy told her that they were going to go to the park. Lily was very happy and to")


def prompt(config, backend, chunk):
    model = common.SHARED / "models" / "stories260K.bin"
    run = common.trine("generate-text", *common.design(config), model, "--tokenizer", model.parent / "tok512.bin",
                       "--prompt", TEXT, "--tokens", 1, "--chunk", chunk, "--backend", backend)
    if len(run["tokens"]) != TOKENS or not run["exact"]:
        sys.exit(f"{config}: {len(run['tokens'])} tokens, exact: {run['exact']}")
    return run


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("configs", nargs="*", default=["edge256", "edge1024"])
    parser.add_argument("--backend", choices=["rtl", "arch"], default="rtl")
    parser.add_argument("--check", action="store_true")
    options = parser.parse_args()
    rows, missed = [], False
    for config in options.configs:
        together, single = (prompt(config, options.backend, chunk) for chunk in (TOKENS, 1))
        if together["sums"][-1] != single["sums"][-1]:
            sys.exit(f"{config}: other sums")
        ratio = single["cycles"] / together["prompt_cycles"]
        missed |= config == "edge256" and ratio < GOAL
        rows.append([config, TOKENS, single["cycles"], together["prompt_cycles"],
                     round(together["prompt_cycles"] / TOKENS), f"{ratio:.1f}", GOAL if config == "edge256" else "-"])
    common.table(["configuration", "tokens", "cycles one by one", "at once", "a token", "times fewer", "goal"], rows)
    print(f"backend {options.backend}; {common.versions()}")
    return options.check and missed


if __name__ == "__main__":
    sys.exit(main())
