#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Networks of the literature as tables of shapes for `trine estimate`: models/shapes/*.csv.

    shapes.py --write       writes them all again
    shapes.py --check       exit code 1 if a file is not what --write would write
    shapes.py NETWORK       prints one
    shapes.py NETWORK --tflite FILE [--pixels N]    writes its int8 model with random weights, as tables.py does

--pixels: images of N x N instead of the paper's size. Networks with gates (EfficientNet, MobileNetV3, NFNet) cannot
be written as models, because their tables contain no activations.

Networks with a layer table in tables.py use that table; the others are defined here, from their papers. A batch
normalization counts as two parameters per channel (`bias` 2) and no product, squeeze and excitation as two products,
activations as nothing.
"""
import argparse
import math
import pathlib
import sys
import textwrap

import inception
import tables
import tflite_writer
from tables import NONE, VALID, Network

FOLDER = pathlib.Path(__file__).resolve().parents[2] / "models" / "shapes"
COLUMNS = ["name", "type", "from", "N", "C", "H", "W", "M", "R", "S", "U", "D", "pad", "groups", "bias", "times"]
TYPES = {"CONV_2D": "conv", "DEPTHWISE_CONV_2D": "depthwise", "FULLY_CONNECTED": "fc", "MAX_POOL_2D": "max",
         "AVERAGE_POOL_2D": "avg", "MEAN": "avg", "ADD": "add", "MUL": "mul", "CONCATENATION": "concat"}
POOLS = ("MAX_POOL_2D", "AVERAGE_POOL_2D")


class Shapes(Network):
    """A network of tables.py whose convolutions may lack a bias or have a batch normalization."""

    def __init__(self, name, *shape, bias=2):
        super().__init__(name, *shape)
        self.bias, self.biases = bias, {}

    def conv(self, name, *arguments, bias=None, **options):
        self.biases[name] = self.bias if bias is None else bias
        return super().conv(name, *arguments, **options)

    def depthwise(self, name, *arguments, bias=None, **options):
        self.biases[name] = self.bias if bias is None else bias
        return super().depthwise(name, *arguments, **options)


# ---- networks of convolutions ------------------------------------------------------------------------------------

def resnet(depth, pixels=224):
    """He et al. 2015, table 1; the stride in a block's first convolution."""
    blocks = {18: [2, 2, 2, 2], 34: [3, 4, 6, 3], 50: [3, 4, 6, 3], 101: [3, 4, 23, 3], 152: [3, 8, 36, 3]}[depth]
    net = Shapes(f"resnet{depth}", pixels, pixels, 3)
    x = net.max_pool("pool1", net.conv("conv1", net.input, 64, 7, 2), 3, 2)
    for stage, count in enumerate(blocks, 2):
        width = 64 << stage - 2
        for i in range(1, count + 1):
            name, stride = f"conv{stage}_{i}", 2 if stage > 2 and i == 1 else 1
            out = width if depth < 50 else 4 * width
            shortcut = x
            if x.shape[3] != out or stride > 1:
                shortcut = net.conv(f"{name}/0", x, out, 1, stride, activation=NONE)
            if depth < 50:
                y = net.conv(f"{name}/1", x, width, 3, stride)
                y = net.conv(f"{name}/2", y, width, 3, activation=NONE)
            else:
                y = net.conv(f"{name}/1", x, width, 1, stride)
                y = net.conv(f"{name}/3", net.conv(f"{name}/2", y, width, 3), out, 1, activation=NONE)
            x = net.add(f"{name}/add", y, shortcut)
    net.dense("fc", net.mean("pool5", x), 1000)
    return net


def vgg19(pixels=224):
    """Simonyan and Zisserman 2014, table 1, configuration E."""
    net = Shapes("vgg19", pixels, pixels, 3, bias=1)
    x = net.input
    for block, (filters, count) in enumerate([(64, 2), (128, 2), (256, 4), (512, 4), (512, 4)], 1):
        for i in range(1, count + 1):
            x = net.conv(f"conv{block}_{i}", x, filters, 3)
        x = net.max_pool(f"pool{block}", x, 2, 2)
    net.dense("fc8", net.dense("fc7", net.dense("fc6", x, 4096), 4096), 1000)
    return net


def squeezenet(pixels=227):
    """Iandola et al. 2016, table 1 (version 1.0); 227 x 227 gives the table's 111 x 111."""
    net = Shapes("squeezenet", pixels, pixels, 3, bias=1)
    x = net.max_pool("maxpool1", net.conv("conv1", net.input, 96, 7, 2, VALID), 3, 2, VALID)
    rows = {2: (16, 64), 3: (16, 64), 4: (32, 128), 5: (32, 128), 6: (48, 192), 7: (48, 192), 8: (64, 256),
            9: (64, 256)}
    for i, (squeeze, expand) in rows.items():
        y = net.conv(f"fire{i}/squeeze", x, squeeze, 1)
        x = net.concatenate(f"fire{i}/concat", [net.conv(f"fire{i}/expand1", y, expand, 1),
                                                net.conv(f"fire{i}/expand3", y, expand, 3)])
        if i in (4, 8):
            x = net.max_pool(f"maxpool{i}", x, 3, 2, VALID)
    net.mean("avgpool10", net.conv("conv10", x, 1000, 1))
    return net


def xception(pixels=299):
    """Chollet 2016, figure 5."""
    net = Shapes("xception", pixels, pixels, 3)

    def separable(name, x, filters):
        return net.conv(f"{name}/pw", net.depthwise(f"{name}/dw", x, 3, bias=0), filters, 1)

    x = net.conv("conv2", net.conv("conv1", net.input, 32, 3, 2, VALID), 64, 3, padding=VALID)
    for i, (first, filters) in enumerate([(128, 128), (256, 256), (728, 728)], 2):
        y = separable(f"block{i}/2", separable(f"block{i}/1", x, first), filters)
        x = net.add(f"block{i}/add", net.max_pool(f"block{i}/pool", y, 3, 2),
                    net.conv(f"block{i}/0", x, filters, 1, 2))
    for i in range(5, 13):
        y = x
        for k in (1, 2, 3):
            y = separable(f"block{i}/{k}", y, 728)
        x = net.add(f"block{i}/add", y, x)
    y = separable("block13/2", separable("block13/1", x, 728), 1024)
    x = net.add("block13/add", net.max_pool("block13/pool", y, 3, 2), net.conv("block13/0", x, 1024, 1, 2))
    x = separable("block14/2", separable("block14/1", x, 1536), 2048)
    net.dense("fc", net.mean("pool", x), 1000)
    return net


def inception_net(version, pixels=0):
    size = pixels or {"v2": 224, "v3": 299, "v4": 299}[version]
    net = Shapes(f"inception_{version}", size, size, 3)
    x = getattr(inception, version)(net)
    net.dense("logits", net.mean("pool", x), 1000)
    return net


def rounded(channels):
    """Rounds to a multiple of 8, at least 90 % of the number."""
    whole = max(8, int(channels + 4) // 8 * 8)
    return whole + 8 if whole < 0.9 * channels else whole


def gated(net, name, x, squeezed):
    """Appends squeeze and excitation."""
    y = net.conv(f"{name}/squeeze", net.mean(f"{name}/mean", x), squeezed, 1, bias=1)
    return net.multiply(f"{name}/gate", x, net.conv(f"{name}/excite", y, x.shape[3], 1, bias=1))


def inverted(net, name, x, window, expanded, filters, stride, squeezed):
    y = x
    if expanded != x.shape[3]:
        y = net.conv(f"{name}/expand", y, expanded, 1)
    y = net.depthwise(f"{name}/dw", y, window, stride)
    if squeezed:
        y = gated(net, name, y, squeezed)
    y = net.conv(f"{name}/project", y, filters, 1)
    return net.add(f"{name}/add", y, x) if y.shape == x.shape else y


def efficientnet(variant):
    """Tan and Le 2019, table 1 for B0; scaled as their code scales it."""
    width, depth, size = {"b0": (1.0, 1.0, 224), "b7": (2.0, 3.1, 600)}[variant]
    net = Shapes(f"efficientnet_{variant}", size, size, 3)
    x = net.conv("stem", net.input, rounded(32 * width), 3, 2)
    rows = [(1, 16, 1, 1, 3), (6, 24, 2, 2, 3), (6, 40, 2, 2, 5), (6, 80, 3, 2, 3), (6, 112, 3, 1, 5),
            (6, 192, 4, 2, 5), (6, 320, 1, 1, 3)]
    for stage, (factor, filters, blocks, stride, window) in enumerate(rows, 1):
        for i in range(1, math.ceil(depth * blocks) + 1):
            x = inverted(net, f"{stage}_{i}", x, window, factor * x.shape[3], rounded(filters * width),
                         stride if i == 1 else 1, max(1, x.shape[3] // 4))
    x = net.mean("pool", net.conv("head", x, rounded(1280 * width), 1))
    net.dense("fc", x, 1000)
    return net


def mobilenet_v3(variant):
    """Howard et al. 2019, tables 1 and 2."""
    large = [(3, 16, 16, 0, 1), (3, 64, 24, 0, 2), (3, 72, 24, 0, 1), (5, 72, 40, 1, 2), (5, 120, 40, 1, 1),
             (5, 120, 40, 1, 1), (3, 240, 80, 0, 2), (3, 200, 80, 0, 1), (3, 184, 80, 0, 1), (3, 184, 80, 0, 1),
             (3, 480, 112, 1, 1), (3, 672, 112, 1, 1), (5, 672, 160, 1, 2), (5, 960, 160, 1, 1), (5, 960, 160, 1, 1)]
    small = [(3, 16, 16, 1, 2), (3, 72, 24, 0, 2), (3, 88, 24, 0, 1), (5, 96, 40, 1, 2), (5, 240, 40, 1, 1),
             (5, 240, 40, 1, 1), (5, 120, 48, 1, 1), (5, 144, 48, 1, 1), (5, 288, 96, 1, 2), (5, 576, 96, 1, 1),
             (5, 576, 96, 1, 1)]
    rows, last, head = (large, 960, 1280) if variant == "large" else (small, 576, 1024)
    net = Shapes(f"mobilenet_v3_{variant}", 224, 224, 3)
    x = net.conv("conv", net.input, 16, 3, 2)
    for i, (window, expanded, filters, squeeze, stride) in enumerate(rows, 1):
        x = inverted(net, f"bneck{i}", x, window, expanded, filters, stride, rounded(expanded / 4) if squeeze else 0)
    x = net.conv("head1", net.mean("pool", net.conv("last", x, last, 1)), head, 1, bias=1)
    net.conv("head2", x, 1000, 1, bias=1)
    return net


def nfnet_f0():
    """Brock et al. 2021, figure 5, tables 1 and 2; 256 x 256, the size of its tests. A gain and a bias of
    each channel."""
    net = Shapes("nfnet_f0", 256, 256, 3)
    x = net.input
    for i, (filters, stride) in enumerate([(16, 2), (32, 1), (64, 1), (128, 2)], 1):
        x = net.conv(f"stem{i}", x, filters, 3, stride)
    for stage, (filters, blocks) in enumerate([(256, 1), (512, 2), (1536, 6), (1536, 3)], 1):
        for i in range(1, blocks + 1):
            name, stride, middle = f"{stage}_{i}", 2 if stage > 1 and i == 1 else 1, filters // 2
            shortcut = x
            if i == 1:
                pooled = net.average_pool(f"{name}/pool", x, 2, 2) if stride > 1 else x
                shortcut = net.conv(f"{name}/0", pooled, filters, 1)
            y = net.conv(f"{name}/1", x, middle, 1)
            y = net.conv(f"{name}/2", y, middle, 3, stride, groups=middle // 128)
            y = net.conv(f"{name}/3", y, middle, 3, groups=middle // 128)
            y = gated(net, name, net.conv(f"{name}/4", y, filters, 1), filters // 2)
            x = net.add(f"{name}/add", y, shortcut)
    x = net.mean("pool", net.conv("final", x, 3072, 1))
    net.dense("fc", x, 1000)
    return net


# ---- others ------------------------------------------------------------------------------------------------------

def transformer(blocks, tokens, width, heads, inner):
    """Returns the rows of an encoder's blocks: norms before the products."""
    def row(name, kind, C, M="", times=blocks, **more):
        return {"name": name, "type": kind, "C": C, "H": 1, "W": tokens, "M": M, "times": times, **more}

    head = width // heads
    return [row("norm1", "norm", width, bias=2), row("query", "conv", width, width),
            row("key", "conv", width, width, **{"from": "norm1"}),
            row("value", "conv", width, width, **{"from": "norm1"}),
            row("scores", "matmul", head, tokens, blocks * heads), row("softmax", "softmax", tokens, times=blocks * heads),
            row("mixture", "matmul", tokens, head, blocks * heads), row("output", "conv", width, width),
            row("norm2", "norm", width, bias=2), row("feed1", "conv", width, inner), row("feed2", "conv", inner, width)]


def vit_b16():
    """Dosovitskiy et al. 2020, table 1: ViT-Base, patches of 16 x 16, 224 x 224; a class token and positions."""
    return [{"name": "patches", "type": "conv", "C": 3, "H": 224, "W": 224, "M": 768, "R": 16, "S": 16, "U": 16},
            {"name": "positions", "type": "embed", "C": 198, "M": 768}, *transformer(12, 197, 768, 12, 3072),
            {"name": "norm", "type": "norm", "C": 768, "H": 1, "W": 197, "bias": 2},
            {"name": "head", "type": "fc", "C": 768, "H": 1, "W": 1, "M": 1000}]


def ast():
    """Gong et al. 2021: audio spectrogram transformer, 128 mels x 1024 frames, two tokens before 12 x 101 patches."""
    return [{"name": "patches", "type": "conv", "C": 1, "H": 128, "W": 1024, "M": 768, "R": 16, "S": 16, "U": 10},
            {"name": "positions", "type": "embed", "C": 1216, "M": 768}, *transformer(12, 1214, 768, 12, 3072),
            {"name": "norm", "type": "norm", "C": 768, "H": 1, "W": 1214, "bias": 2},
            {"name": "head_norm", "type": "norm", "C": 768, "H": 1, "W": 1, "bias": 2},
            {"name": "head", "type": "fc", "C": 768, "H": 1, "W": 1, "M": 527}]


def tpu(layers, width, batch):
    """As many equal square matrices as Jouppi et al. 2017, table 1, has layers, with as many weights: the shapes
    themselves are not published."""
    return [{"name": f"fc{i}", "type": "fc", "from": "input", "N": batch, "C": width, "H": 1, "W": 1, "M": width}
            for i in range(1, layers + 1)]


def tpu_cnn0():
    """Jouppi et al. 2017, table 1: 16 convolutions, 8 M weights, 361 products each at an image: 19 x 19, 3 x 3 filters
    of equal width; eight images side by side."""
    return [{"name": f"conv{i}", "type": "conv", "C": 236, "H": 19, "W": 8 * 19, "M": 236, "R": 3, "pad": "same"}
            for i in range(1, 17)]


def rows_of(net):
    """Returns the rows of a network of tables.py; layers that only change the shape or are fused pass on their input."""
    produced, rows = {net.input.index: "input"}, []
    for layer in net.layers:
        sources = [produced[x.index] for x in layer.inputs]
        if layer.kind not in TYPES:
            produced[layer.output.index] = sources[0]
            continue
        produced[layer.output.index] = layer.name
        rows.append(row_of(net, layer, sources, rows))
    return rows


def row_of(net, layer, sources, before):
    kind, shape = TYPES[layer.kind], layer.inputs[0].shape
    row = {"name": layer.name, "type": kind}
    if kind in ("add", "mul", "concat") or sources[0] != (before[-1]["name"] if before else "input"):
        row["from"] = " ".join(sources)
    if kind != "concat":
        row.update(C=shape[-1], H=shape[1] if len(shape) > 2 else 1, W=shape[2] if len(shape) > 2 else 1)
    if kind in ("conv", "depthwise"):
        filters, axis = layer.parameters[:2]
        row.update(R=filters[1], S=filters[2], U=layer.options[1][1], bias=getattr(net, "biases", {}).get(layer.name, 1))
        if kind == "conv":
            row.update(M=filters[0], groups=shape[3] // filters[3])
    elif layer.kind in POOLS:
        row.update(R=layer.options[4][1], S=layer.options[3][1], U=layer.options[1][1])
    elif kind == "fc":
        row.update(M=layer.parameters[0][0])
    if (kind in ("conv", "depthwise") or layer.kind in POOLS) and layer.options[0][1] == tables.SAME and max(row["R"], row["S"]) > 1:
        row["pad"] = "same"
    return row


def _of(row, column, default=1):
    return int(row.get(column, "") or default)


def weights_of(row):
    """Returns the weights of a row for one of its `times`."""
    if row["type"] not in ("conv", "depthwise", "fc"):
        return 0
    fully = row["type"] == "fc"
    taps = row["H"] * row["W"] if fully else _of(row, "R") * _of(row, "S", _of(row, "R"))
    groups = row["C"] if row["type"] == "depthwise" else _of(row, "groups")
    return _of(row, "M", row["C"]) * (row["C"] // groups) * taps


def parameters_of(row):
    """Returns the parameters of a row for all its `times`: weights, and `bias` per channel."""
    kind = row["type"]
    own = row["C"] * row["M"] if kind == "embed" else weights_of(row)
    own += _of(row, "M", row.get("C", 0)) * (int(row.get("bias", 1)) if weights_of(row) or kind == "norm" else 0)
    return own * _of(row, "times")


def macs_of(row):
    """Returns the MACs of a row that keeps its pixels, or uses all of them."""
    kind, stride = row["type"], _of(row, "U")
    if kind == "matmul":
        return row["C"] * row["M"] * row["H"] * row["W"] * _of(row, "times")
    pixels = 1 if kind == "fc" else row.get("H", 1) // stride * (row.get("W", 1) // stride)
    return weights_of(row) * pixels * _of(row, "times")


NETWORKS = {
    "alexnet": tables.alexnet, "googlenet": tables.googlenet, "mobilenet": tables.mobilenet,
    "mobilenet_v2": tables.mobilenet_v2, "vgg16": tables.vgg16, "vgg19": vgg19,
    **{f"resnet{depth}": lambda depth=depth, **size: resnet(depth, **size) for depth in (18, 34, 50, 101, 152)},
    "squeezenet": squeezenet, "xception": xception,
    **{f"inception_{v}": lambda v=v, **size: inception_net(v, **size) for v in ("v2", "v3", "v4")},
    **{f"efficientnet_{v}": lambda v=v: efficientnet(v) for v in ("b0", "b7")},
    **{f"mobilenet_v3_{v}": lambda v=v: mobilenet_v3(v) for v in ("large", "small")},
    "nfnet_f0": nfnet_f0, "vit_b16": vit_b16, "ast": ast, "tpu_cnn0": tpu_cnn0,
    **{f"tpu_{name}": lambda of=of: tpu(*of) for name, of in
       {"mlp0": (5, 2000, 200), "mlp1": (4, 1118, 168), "lstm0": (24, 1472, 64), "lstm1": (37, 959, 96)}.items()}}
MODELS = [name for name in NETWORKS if name.startswith(("resnet", "vgg19", "squeezenet", "xception", "inception"))]


def write_model(name, path, pixels):
    net = NETWORKS[name](**({"pixels": pixels} if pixels else {}))
    pathlib.Path(path).write_bytes(tflite_writer.to_bytes(tables.model(net)))


def text_of(name):
    build = NETWORKS[name]
    made = build()
    rows = rows_of(made) if isinstance(made, Network) else made
    columns = [c for c in COLUMNS if any(str(row.get(c, "")) not in ("", "1") or c in "CHW" and c in row
                                         for row in rows)]
    said = " ".join((build.__doc__ or (name.startswith("inception_") and getattr(inception, name[-2:]).__doc__) or (name.startswith("tpu_") and tpu.__doc__) or tables.__doc__.partition(f"\n{name} ")[2].partition("\n")[0] or name).split())
    lines = [*(f"# {line}" for line in textwrap.wrap(said, 110)), ",".join(columns)]
    lines += [",".join(str(row.get(c, "")) for c in columns) for row in rows]
    return "\n".join(lines) + "\n"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("network", nargs="?", choices=list(NETWORKS))
    parser.add_argument("--write", action="store_true")
    parser.add_argument("--check", action="store_true")
    parser.add_argument("--tflite", metavar="FILE")
    parser.add_argument("--pixels", type=int, metavar="N")
    options = parser.parse_args()
    if options.tflite:
        if options.network not in MODELS:
            parser.error(f"--tflite: no model of {options.network}, allowed {', '.join(MODELS)}")
        return write_model(options.network, options.tflite, options.pixels)
    wrong = 0
    for name in [options.network] if options.network else NETWORKS:
        text, path = text_of(name), FOLDER / f"{name}.csv"
        if options.write:
            path.parent.mkdir(exist_ok=True)
            path.write_text(text)
        elif options.check:
            if not path.exists() or path.read_text() != text:
                print(f"{path} is not what shapes.py --write writes")
                wrong += 1
        else:
            print(text, end="")
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
