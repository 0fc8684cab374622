#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Compares tokens per second of language models, computed from their shapes, with published figures.

usage: tokens.py [--context M] [--tokens N]
For each table of `trine estimate --table` of a model that generates text, and each design: a token after M others
(1024) and a prompt of N (128), in bytes of the bus, cycles compared with those of the bus, tokens per second at the
predicted clock, and energy of the chip without DRAM (sg13g2, 130 nm). Weights are random: only shapes matter.
"""
import argparse
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
import common  # noqa: E402

FEW = "array.weights4=true"
DESIGNS = {"edge256, 64 bits": f"edge256 {FEW}", "edge1024, 128 bits": f"edge1024 {FEW}",
           "edge1024, 256 bits": f"edge1024 {FEW} bus.axi_data_bits=256"}
TABLES = [("bitnet-2b", "ternary"), ("llama-2-7b", "int4"), ("llama-3.2-1b", "int4"), ("qwen2-0.5b", "int8"), ("gpt-2", "int8")]
# System, model, tokens per second of an answer, energy or power, share of the bandwidth, source.
PUBLISHED = [
    ("bitnet-kv260 (FPGA board)", "BitNet b1.58-2B-4T", "16.8", "0.381 J a token, whole board", "44 %",
     "github.com/MerlijnW70/bitnet-kv260"),
    ("VitaLLM (16 nm)", "3 B, ternary", "72.5", "-", "-", "arXiv 2605.00320"),
    ("TeLLMe v2 (FPGA)", "ternary", "25", "5 W", "-", "arXiv 2510.15926"),
    ("Hummingbird (FPGA)", "LLaMA3-8B, 4 bits", "4.8 / 8.6", "-", "93 to 94 %", "arXiv 2507.03308"),
]


def estimate(design, table, weights, tokens, context):
    return common.trine("estimate", *common.design(design), "--table", table, "--weights", weights, "--tokens", tokens,
                        "--context", context)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--context", type=int, default=1024)
    parser.add_argument("--tokens", type=int, default=128)
    options = parser.parse_args()
    rows = []
    for name, design in DESIGNS.items():
        width = int(name.split()[1]) // 8
        for table, weights in TABLES:
            answer = estimate(design, table, weights, 1, options.context)
            prompt = estimate(design, table, weights, options.tokens, options.tokens)
            rows.append([name, table, weights, answer["token_bus_bytes"], answer["cycles"],
                         common.percent(answer["token_bus_bytes"] / width, answer["cycles"]),
                         f"{answer['tokens_per_second']:.3g}", f"{answer['token_energy_pj'] / 1e9:.3g}",
                         f"{prompt['tokens_per_second']:.3g}", common.percent(prompt["utilization"], 1)])
    common.table(["design, bus", "model", "weights", "bytes of a token", "cycles", "of the bus", "tokens/s", "mJ a token",
                  "prompt, tokens/s", "of the array"], rows)
    common.table(["published", "model", "tokens/s", "energy", "of the bandwidth", "source"], PUBLISHED)


if __name__ == "__main__":
    main()
