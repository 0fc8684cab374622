#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Compares published figures of networks with those of our tables of shapes (components/zoo/shapes.py).

usage: published_networks.py [--check]
Prints MACs, parameters, the shares that pruning leaves, and language models' MACs and bytes. --check: exit code 1 if
our figure, with the unit and the decimals of the published one, differs and no reason is given, if a reason is given
without need, or if docs/published_networks.md contains other tables.
"""
import argparse
import contextlib
import io
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
import common  # noqa: E402

sys.path.insert(0, str(common.ROOT / "components" / "zoo"))
import shapes  # noqa: E402

# Network, MACs as published, parameters as published, source, reason of a difference.
CUT = "cut, not rounded"
NETWORKS = [
    ("alexnet", "724 M", "61 M", "Sze et al. 2017, table 2 (MACs, weights)", ""),
    ("vgg16", "15.5 G", "138 M", "the same", ""),
    ("googlenet", "1.43 G", "7.0 M", "the same", "pools that leave out incomplete windows: maps of 27x27, not 28x28; "
     "`tables.py` has both"),
    ("resnet50", "3.9 G", "25.5 M", "the same", "our parameters have normalization's as well, 53,120"),
    ("resnet18", "1.8 G", "", "He et al. 2015, table 1 (FLOPs are MACs)", ""),
    ("resnet34", "3.6 G", "", "the same", "no products in the paper's shortcuts (its option A): 3.64 G"),
    ("resnet101", "7.6 G", "", "the same", ""),
    ("resnet152", "11.3 G", "", "the same", ""),
    ("vgg19", "19.6 G", "144 M", "the same; Simonyan and Zisserman 2014, table 2", ""),
    ("mobilenet", "569 M", "4.2 M", "Howard et al. 2017, table 4 (mult-adds)", ""),
    ("mobilenet_v2", "300 M", "3.4 M", "Sandler et al. 2018, table 4 (MAdds)", "301 M; parameters: " + CUT +
     ", 3.47 M are weights"),
    ("mobilenet_v3_large", "219 M", "5.4 M", "Howard et al. 2019, table 3 (MAdds)", "the layers of its table 1 have "
     "217 M products; parameters with normalization's 5.48 M, " + CUT),
    ("mobilenet_v3_small", "56 M", "2.5 M", "the same", "56.5 M, " + CUT),
    ("squeezenet", "", "1,248,424", "Iandola et al. 2016, table 1", ""),
    ("xception", "", "22,855,952", "Chollet 2016, table 3", ""),
    ("efficientnet_b0", "0.39 G", "5.3 M", "Tan and Le 2019, table 2 (FLOPs are MACs)", ""),
    ("efficientnet_b7", "37 G", "66 M", "the same", "37.7 G, " + CUT),
    ("nfnet_f0", "12.38 G", "71.5 M", "Brock et al. 2021, table 6 (FLOPs are MACs)", ""),
    ("vit_b16", "", "86 M", "Dosovitskiy et al. 2020, table 1", "86.6 M, " + CUT),
]
# Share of a layer's weights that remain after pruning: Han et al. 2015 (arXiv 1506.02626), tables 4 and 5.
PRUNED = {
    "alexnet": ("6.7 M", [84, 38, 35, 37, 37, 9, 9, 25]),
    "vgg16": ("10.3 M", [58, 22, 34, 36, 53, 24, 42, 32, 27, 34, 35, 29, 36, 4, 4, 23]),
}
# Language models: layers, width, inner width, matrices of D x F in a block, words, context; parameters as published.
LANGUAGE = {
    "bert-base": (12, 768, 3072, 2, 0, 512, "110 M", "Devlin et al. 2018"),
    "bert-large": (24, 1024, 4096, 2, 0, 512, "340 M", "the same"),
    "llama-7b": (32, 4096, 11008, 3, 32000, 2048, "6.7 B", "Touvron et al. 2023, table 2"),
    "gpt-3": (96, 12288, 49152, 2, 50257, 2048, "174.6 B", "Brown et al. 2020, table D.1"),
}
UNITS = {"": 1, "k": 1e3, "M": 1e6, "G": 1e9, "B": 1e9}


def like(count, text):
    """Formats `count` with the unit and the decimals of `text`."""
    number, _, unit = text.partition(" ")
    decimals = len(number.partition(".")[2])
    return f"{count / UNITS[unit]:,.{decimals}f} {unit}".strip()


def value(text):
    number, _, unit = text.partition(" ")
    return float(number.replace(",", "")) * UNITS[unit]


def counted(name):
    """Returns MACs, parameters and weights by product of a table, from its rows only."""
    made = shapes.NETWORKS[name]()
    rows = shapes.rows_of(made) if isinstance(made, shapes.Network) else made
    macs = made.macs() if isinstance(made, shapes.Network) else sum(shapes.macs_of(row) for row in rows)
    weights = [(shapes.weights_of(row), shapes.parameters_of(row)) for row in rows]
    return macs, sum(p for _, p in weights), [w for w, _ in weights if w]


def compared(count, published):
    """Returns our figure, the difference, and whether they are equal in the published decimals."""
    if not published:
        return [f"{count:,}", "", True]
    return [f"{count:,}", f"{100 * (count / value(published) - 1):+.1f} %", like(count, published) == published]


def network_rows():
    wrong = []
    rows = []
    for name, macs, parameters, source, reason in NETWORKS:
        ours_macs, ours_parameters, _ = counted(name)
        a, b = compared(ours_macs, macs), compared(ours_parameters, parameters)
        if (a[2] and b[2]) == bool(reason):
            wrong.append(f"{name}: {ours_macs:,} MACs for {macs}, {ours_parameters:,} parameters for {parameters}: "
                         f"{'a reason without need' if reason else 'no reason is given'}")
        rows.append([name, macs or "-", a[0], a[1] or "-", parameters or "-", b[0], b[1] or "-", source, reason or "equal"])
    return rows, wrong


def pruned_rows():
    """Counts nonzero weights: the published share of each layer of ours; shares are whole per cents."""
    rows, wrong = [], []
    for name, (published, shares) in PRUNED.items():
        weights = counted(name)[2]
        left = sum(w * share / 100 for w, share in zip(weights, shares, strict=True))
        if abs(left - value(published)) > 0.005 * sum(weights):
            wrong.append(f"{name}: {left:,.0f} non-zero weights for {published}")
        rows.append([name, published, round(left), f"{100 * left / sum(weights):.1f} %"])
    return rows, wrong


def language_macs(name, tokens, context):
    """Returns t L (4 D^2 + n D F) + V D + 2 L D t T: logits of the last token, or a pooler of the first one."""
    layers, width, inner, matrices, words, *_ = LANGUAGE[name]
    last = (words or width) * width
    return tokens * layers * (4 * width**2 + matrices * width * inner) + last + 2 * layers * width * tokens * context


def language_rows():
    """Returns rows for a prompt of half the context, and for the next token after it (not for an encoder)."""
    rows, wrong = [], []
    for name, (layers, width, _, _, words, context, published, source) in LANGUAGE.items():
        half = context // 2
        for what, tokens, seen in [("prefill", half, half), ("decode", 1, half + 1)][:2 if words else 1]:
            found = common.trine("estimate", "--config", "edge1024", "--table", name, "--tokens", tokens,
                                 "--context", seen)
            if found["macs"] != language_macs(name, tokens, seen):
                wrong.append(f"{name}, {what}: {found['macs']:,} MACs, by the formula "
                             f"{language_macs(name, tokens, seen):,}")
            rows.append([name, what, tokens, seen, found["macs"], found["weight_bytes"],
                         2 * layers * width * seen if words else 0])
        ours = found["parameters"]
        if like(ours, published) != published and round(ours / 1e7) * 10 != value(published) / 1e6:  # 110 M: two figures
            wrong.append(f"{name}: {ours:,} parameters for {published}")
        rows[-1] += [f"{ours:,} ({published}, {source})"]
    return [row + [""] * (8 - len(row)) for row in rows], wrong


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true")
    options = parser.parse_args()
    rows, wrong = network_rows()
    pruned, of_pruned = pruned_rows()
    language, of_language = language_rows()
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        print_tables(rows, pruned, language)
    if not options.check:
        print(printed.getvalue().strip())
        return 0
    wrong += of_pruned + of_language
    page = common.ROOT / "docs" / "published_networks.md"
    if printed.getvalue().strip() not in page.read_text():
        wrong.append(f"{page} has other tables: components/benchmarks/refresh.py {page}")
    print("\n".join(wrong))
    return 1 if wrong else 0


def print_tables(rows, pruned, language):
    common.table(["network", "MACs, published", "ours", "", "parameters, published", "ours", "", "source", "difference"],
                 rows)
    common.table(["pruned", "non-zero weights, published", "ours", "share of all"], pruned)
    common.table(["language model", "", "tokens", "context", "MACs", "static: weights, bytes",
                  "dynamic: keys and values, bytes", "parameters (published)"], language)


if __name__ == "__main__":
    sys.exit(main())
