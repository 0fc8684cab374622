#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Works out the textbook's formulas, and compares them with this machine's figures for the same layer.

usage: formulas.py [--config C]    (edge256)
A row is a formula, its numbers worked out by hand, and the figure of `trine estimate` for a layer of that shape; if
both count the same thing and differ, the exit code is 1. The layer: 3x3 filters on 56x56 pixels of 64 channels.
"""
import argparse
import math
import pathlib
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
import common  # noqa: E402

LAYER = "name,type,C,H,W,M,R,S,U,pad,groups\n"
C, H, M, R, U, PAD = 64, 56, 128, 3, 2, 1  # of the worked example
wrong = []


def estimate(config, *rows, more=()):
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "t.csv"
        path.write_text(LAYER + "\n".join(rows) + "\n")
        return common.trine("estimate", *common.design(config), path, *more)


def equal(what, ours, found):
    """Returns both figures, or an error if they differ."""
    if ours != found:
        wrong.append(f"{what}: {ours:,} by the formula, {found:,} by the machine")
    return f"{found:,}"


def sizes(config):
    P = (H - R + 2 * PAD + U) // U
    macs = M * C * R * R * P * P
    found = estimate(config, f"a,conv,{C},{H},{H},{M},{R},{R},{U},{PAD},1")
    weights = M * C * R * R + M
    yield ["output size P = (H - R + 2 pad + U) / U", f"({H} - {R} + 2 + {U}) / {U} = {P}",
           f"P = {math.isqrt(found['macs'] // (M * C * R * R))}"]
    equal("output size", P, math.isqrt(found["macs"] // (M * C * R * R)))
    yield ["MACs = M C R S P Q", f"{M} x {C} x {R} x {R} x {P} x {P} = {macs:,}", equal("MACs", macs, found["macs"])]
    yield ["weights = M C R S, and M biases", f"{weights:,}", equal("weights", weights, found["parameters"])]
    grouped = estimate(config, f"a,conv,{C},{H},{H},{M},{R},{R},{U},{PAD},4")
    yield ["in G groups: MACs / G", f"{macs:,} / 4 = {macs // 4:,}", equal("groups", macs // 4, grouped["macs"])]
    yield from speed(config, found, macs)


def speed(config, found, macs):
    cycles, peak, period = found["cycles"], found["peak_macs_per_cycle"], found["clock_ns"]
    yield ["utilization = MACs / (cycles x peak)", f"{macs:,} / ({cycles:,} x {peak})",
           f"{100 * found['utilization']:.1f} %"]
    if abs(macs / cycles / peak - found["utilization"]) > 1e-9:
        wrong.append("utilization")
    yield ["latency = cycles x period", f"{cycles:,} x {period:.2f} ns", f"{cycles * period / 1e3:.0f} us"]
    yield ["peak = 2 MACs a cycle / period", f"2 x {peak} / {period:.2f} ns", f"{2 * peak / period:.0f} GOPS"]
    yield ["throughput = utilization x peak", f"{found['utilization']:.3f} x {2 * peak / period:.0f}",
           f"{2 * macs / cycles / period:.1f} GOPS"]
    picojoules = found["energy_pj"]
    yield ["energy a MAC = sum of actions x energy of each / MACs", f"{picojoules / 1e6:.2f} uJ / {macs:,}",
           f"{picojoules / macs:.2f} pJ"]
    yield ["power = energy / latency", f"{picojoules / 1e6:.2f} uJ / {cycles * period / 1e3:.0f} us",
           f"{picojoules / cycles / period:.0f} mW"]
    yield ["TOPS/W = 2 / energy a MAC", f"2 / {picojoules / macs:.2f} pJ", f"{2 * macs / picojoules:.3f}"]
    if abs(2 * macs / picojoules / found["energy"]["tops_per_watt"] - 1) > 1e-6:
        wrong.append("TOPS/W")


def roofline(config):
    """Prints a layer on each side of the ridge."""
    bus = 8
    for what, row, macs, moved in [
            ("fully connected", f"a,fc,{4096},1,1,1000,,,,,", 4096 * 1000, 4096 * 1000 + 4096 + 1000),
            ("convolution", f"a,conv,{C},{H},{H},{M},{R},{R},{U},{PAD},1", M * C * 9 * 28 * 28,
             C * H * H + M * C * 9 + M * 28 * 28)]:
        found = estimate(config, row)
        peak, intensity = found["peak_macs_per_cycle"], macs / moved
        bound = min(peak, bus * intensity)
        reached = found["macs"] / found["cycles"]
        if reached > bound:
            wrong.append(f"roofline: {what} has {reached} MACs a cycle, above {bound}")
        yield [f"roofline = min(peak, bytes a cycle x MACs a byte): {what}",
               f"min({peak}, {bus} x {intensity:.2f}) = {bound:.1f} MACs a cycle", f"{reached:.1f} MACs a cycle"]


def saved(config, name, text, before, after, share):
    """Prints a layer in another form: MACs must equal the formula, cycles and energy are this machine's."""
    a, b = estimate(config, *before), estimate(config, *after)
    if abs(b["macs"] / a["macs"] - share) > 1e-3:
        wrong.append(f"{name}: {share:.4f} by the formula, {b['macs'] / a['macs']:.4f} by the machine")
    return [name, text, f"MACs {b['macs'] / a['macs']:.3f}, cycles {b['cycles'] / a['cycles']:.2f}, "
                        f"energy {b['energy_pj'] / a['energy_pj']:.2f}"]


def savings(config):
    for filters, channels in [(10, 10), (128, 128)]:
        yield saved(config, f"depthwise and 1x1 instead of 3x3: 1/M + 1/(R S), M = {filters}",
                    f"1/{filters} + 1/9 = {1 / filters + 1 / 9:.3f}",
                    [f"a,conv,{channels},{H},{H},{filters},3,3,1,1,1"],
                    [f"d,depthwise,{channels},{H},{H},,3,3,1,1,", f"p,conv,{channels},{H},{H},{filters},1,1,1,0,1"],
                    1 / filters + 1 / 9)
    yield saved(config, "two 3x3 instead of 5x5: 18 / 25", "0.720", [f"a,conv,{C},{H},{H},{C},5,5,1,2,1"],
                [f"{n},conv,{C},{H},{H},{C},3,3,1,1,1" for n in "ab"], 18 / 25)
    yield saved(config, "1x7 and 7x1 instead of 7x7: 2 / 7", "0.286", [f"a,conv,{C},{H},{H},{C},7,7,1,same,1"],
                [f"a,conv,{C},{H},{H},{C},1,7,1,same,1", f"b,conv,{C},{H},{H},{C},7,1,1,same,1"], 2 / 7)
    before = 256 * 48 * 25
    after = 256 * 16 + 16 * 48 * 25
    yield saved(config, "1x1 of 16 filters before 5x5: (C B + B M R S) / (C M R S)", f"{after:,} / {before:,}",
                [f"a,conv,256,28,28,48,5,5,1,2,1"],
                ["a,conv,256,28,28,16,1,1,1,0,1", "b,conv,16,28,28,48,5,5,1,2,1"], after / before)
    plain, bottleneck = 2 * 256 * 256 * 9, 2 * 256 * 64 + 64 * 64 * 9
    yield saved(config, "ResNet's bottleneck instead of two 3x3", f"{bottleneck:,} / {plain:,}",
                [f"{n},conv,256,28,28,256,3,3,1,1,1" for n in "ab"],
                ["a,conv,256,28,28,64,1,1,1,0,1", "b,conv,64,28,28,64,3,3,1,1,1", "c,conv,64,28,28,256,1,1,1,0,1"],
                bottleneck / plain)


def attention(config):
    D, T, heads = 256, 64, 4
    rows = [f"q,conv,{D},1,{T},{D},1,1,1,0,1", f"s,matmul,{D // heads},1,{T},{T},,,,,", f"m,matmul,{T},1,{T},{D // heads},,,,,"]
    found = estimate(config, *rows)
    one = T * D * D + 2 * T * T * (D // heads)
    yield [f"attention: T D^2 a projection, 2 T^2 D / heads a head (T = {T}, D = {D}, 4 heads)",
           f"{T * D * D:,} + {2 * T * T * (D // heads):,}", equal("attention", one, found["macs"])]
    yield ["softmax(Q K^T / sqrt(d)) V", f"1 / sqrt({D // heads}) = {1 / math.sqrt(D // heads):.3f}",
           "part of the scores' scale: no operation"]
    deepest = (2**31 - 1) // (127 * 255)
    yield ["bits of a sum = 8 + 8 + log2(C R S)", f"16 + log2({C * R * R}) = {16 + math.log2(C * R * R):.1f}",
           f"{found['configuration']['array.acc_bits']} bits: {deepest:,} products of any codes"]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--config", default="edge256")
    options = parser.parse_args()
    rows = [row for part in (sizes, roofline, savings, attention) for row in part(options.config)]
    common.table(["formula", "worked out", "this machine"], rows)
    if wrong:
        sys.exit("formulas.py: " + "; ".join(wrong))


if __name__ == "__main__":
    main()
