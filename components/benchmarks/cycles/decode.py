#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Compares the cycles of a language model's token, by context, with the bus time for weights and caches.

usage: decode.py [--backend rtl|arch] [--context N]... [CONFIG]...    (1 32 128 256; edge256 edge1024)
The model is stories260K of $TRINE_SHARED (../shared), in int8 with a scale for each output channel, at 256 tokens
also with a scale for each matrix (int8m). The golden layers compute the earlier tokens; every sum and cache of the
token itself must be exact, otherwise the benchmark ends.
"""
import argparse
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
import common  # noqa: E402

GOALS = {"int8": 80, "int8m": 86}  # percent of the bus bound, at 256 tokens on edge256
# A token has about 3.5 letters, so the beginning leaves tokens to generate.
TEXT = "Once upon a time there was a little girl. " * 48


def token(config, backend, context, weights):
    """@return the figures of the last of so many tokens"""
    model = common.SHARED / "models" / "stories260K.bin"
    return common.trine("generate-text", *common.design(config), model, "--tokenizer", model.parent / "tok512.bin",
                        "--prompt", TEXT[:2 * (context - 1)], "--context", context, "--from", context - 1,
                        "--tokens", context, "--backend", backend, "--weights", weights)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("configs", nargs="*", default=["edge256", "edge1024"])
    parser.add_argument("--backend", choices=["rtl", "arch"], default="rtl")
    parser.add_argument("--context", action="append", type=int)
    options = parser.parse_args()
    rows = []
    for config in options.configs:
        contexts = options.context or [1, 32, 128, 256]
        for weights, context in [("int8", n) for n in contexts] + [("int8m", 256)] * (256 in contexts):
            run, predicted = (token(config, b, context, weights) for b in (options.backend, "arch"))
            cycles, bound = run["last_cycles"], run["last_bus_bound_cycles"]
            goal = f"{GOALS[weights]} %" if context == 256 and config == "edge256" else "-"
            name = config if weights == "int8" else f"{config}, {weights}"
            rows.append([name, context, cycles, round(bound), f"{100 * bound / cycles:.1f} %", goal,
                         round(200e6 / cycles), f"{100 * (predicted['last_cycles'] - cycles) / cycles:+.2f} %"])
    common.table(["configuration", "context", "cycles", "bus bound", "of the bound", "goal", "tokens/s at 200 MHz",
                  "arch error"], rows)
    print(f"backend {options.backend}; {common.versions()}")


if __name__ == "__main__":
    main()
