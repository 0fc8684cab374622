#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Makes small networks of classes from torch, torchvision, timm and transformers, like make.py.

Install:  the packages of make.py, and torchvision timm transformers
Use:      classes.py OUT_DIR [NAME...]      DYNAMO=0 or 1: this exporter for all; SETTING=0..5: this setting
"""
import os
import pathlib
import sys
import tempfile
import warnings

import numpy as np
import onnx
import torch
import torch.nn.functional as F
from onnxruntime.quantization import CalibrationDataReader, quantize_static
from onnxruntime.quantization.shape_inference import quant_pre_process
from torch import nn
from transformers import (BertConfig, BertForSequenceClassification, GPT2Config, GPT2LMHeadModel, ViTConfig,
                          ViTForImageClassification)

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import make  # noqa: E402: next to this file
from make import Do, Sum, conv, head, record  # noqa: E402


class Attend(nn.Module):
    """nn.MultiheadAttention of a sequence with itself."""

    def __init__(self, first):
        super().__init__()
        self.a, self.last = nn.MultiheadAttention(16, 2, batch_first=first), nn.Linear(16, 4)

    def forward(self, x):
        return self.last(x + self.a(x, x, x)[0])


def layer(first, norm_first=False, activation="gelu"):
    return nn.TransformerEncoderLayer(16, 2, 32, 0.0, activation, batch_first=first, norm_first=norm_first)


class Encoder(nn.Module):
    def __init__(self, first, **kind):
        super().__init__()
        self.e, self.last = nn.TransformerEncoder(layer(first, **kind), 2), nn.Linear(16, 4)

    def forward(self, x):
        return self.last(self.e(x))


class Out(nn.Module):
    """Selects one output of those of transformers' classes."""

    def __init__(self, model, key):
        super().__init__()
        self.model, self.key = model, key

    def forward(self, x):
        return getattr(self.model(x), self.key)


def bert():
    return Out(BertForSequenceClassification(BertConfig(
        vocab_size=40, hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=32,
        max_position_embeddings=16, num_labels=3)), "logits")


def gpt2():
    return Out(GPT2LMHeadModel(GPT2Config(vocab_size=24, n_positions=8, n_embd=16, n_layer=1, n_head=2, use_cache=False)),
               "logits")


def hf_vit():
    return Out(ViTForImageClassification(ViTConfig(
        hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=32, image_size=16, patch_size=8,
        num_labels=5)), "logits")


def timm_vit():
    import timm
    return timm.models.VisionTransformer(img_size=16, patch_size=8, embed_dim=16, depth=1, num_heads=2, num_classes=5)


def timm_convnext():
    import timm
    return timm.models.ConvNeXt(depths=(1, 1, 1, 1), dims=(8, 8, 8, 8), num_classes=5, patch_size=4)


def tv_vit():
    from torchvision.models import VisionTransformer
    return VisionTransformer(16, 8, 1, 2, 16, 32, num_classes=5)


def tv_swin():
    from torchvision.models import SwinTransformer
    return SwinTransformer([4, 4], 16, [2], [2], [2, 2], num_classes=5)


class Windows(nn.Module):
    """MobileViT: pixels of each window attend to the pixels at the same place of other windows."""

    def __init__(self):
        super().__init__()
        self.stem, self.e, self.out = conv(3, 16, 3, 2), layer(True, True, "relu"), conv(32, 8, 1)
        self.head = head(8)

    def forward(self, image):
        y = self.stem(image)
        n, c, h, w = y.shape
        x = y.reshape(n * c * h // 2, 2, w // 2, 2).transpose(1, 2)
        x = x.reshape(n, c, h * w // 4, 4).transpose(1, 3).reshape(n * 4, h * w // 4, c)
        x = self.e(x).reshape(n, 4, h * w // 4, c).transpose(1, 3)
        x = x.reshape(n * c * h // 2, w // 2, 2, 2).transpose(1, 2).reshape(n, c, h, w)
        return self.head(self.out(torch.cat((y, x), 1)))


def unet_corners():
    return make.UNet(nn.Sequential(nn.Upsample(scale_factor=2, mode="bilinear", align_corners=True), conv(16, 8, 1)))


def autoencoder_u8():
    return nn.Sequential(conv(1, 8, 3, 2), conv(8, 4, 3, 2), nn.ConvTranspose2d(4, 8, 2, 2), nn.ReLU(),
                         nn.ConvTranspose2d(8, 1, 2, 2), nn.Sigmoid())


class Detector(nn.Module):
    """Boxes and classes of two maps, decoded."""

    def __init__(self, classes=3):
        super().__init__()
        self.a, self.b = conv(3, 8, 3, 2), conv(8, 8, 3, 2)
        self.heads = nn.ModuleList(nn.Conv2d(8, 4 + classes, 3, padding=1) for _ in range(2))
        self.register_buffer("anchors", torch.rand(80, 4))

    def forward(self, x):
        a = self.a(x)
        maps = [h(y).permute(0, 2, 3, 1).flatten(1, 2) for h, y in zip(self.heads, (a, self.b(a)))]
        y = torch.cat(maps, 1)
        place, size = y[..., :2], y[..., 2:4]
        center = place * self.anchors[:, 2:] + self.anchors[:, :2]
        extent = size.exp() * self.anchors[:, 2:]
        return torch.cat((center - extent / 2, center + extent / 2), -1), y[..., 4:].softmax(-1)


class Speech(nn.Module):
    def __init__(self, cell, both=False):
        super().__init__()
        self.a = nn.Sequential(nn.Conv1d(4, 8, 3, 2, 1), nn.BatchNorm1d(8), nn.ReLU())
        self.cell = cell(8, 8, batch_first=True, bidirectional=both)
        self.last = nn.Linear(16 if both else 8, 5)

    def forward(self, x):
        return self.last(self.cell(self.a(x).transpose(1, 2))[0]).log_softmax(-1)


class RootMean(nn.Module):
    """RMSNorm as LLaMA writes it."""

    def __init__(self, c):
        super().__init__()
        self.weight = nn.Parameter(1 + 0.1 * torch.randn(c))

    def forward(self, x):
        return self.weight * (x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + 1e-6))


class SwiGlu(nn.Module):
    def __init__(self, c=16):
        super().__init__()
        self.norm, self.a, self.b, self.c = RootMean(c), nn.Linear(c, 32), nn.Linear(c, 32), nn.Linear(32, c)

    def forward(self, x):
        y = self.norm(x)
        return x + self.c(F.silu(self.a(y)) * self.b(y))


class Written(nn.Module):
    """Layer normalization as formulas, of a tensor that is not a product."""

    def __init__(self):
        super().__init__()
        self.a, self.last = nn.Linear(16, 16), nn.Linear(16, 4)

    def forward(self, x):
        y = x + self.a(x).relu()
        m = y.mean(-1, keepdim=True)
        y = (y - m) / (((y - m) ** 2).mean(-1, keepdim=True) + 1e-5).sqrt()
        return self.last(y)


class Categories(nn.Module):
    """A recommender: embeddings of categories combined with numbers."""

    def __init__(self):
        super().__init__()
        self.tables = nn.ModuleList(nn.Embedding(10, 4) for _ in range(3))
        self.a, self.b = nn.Linear(6, 4), nn.Sequential(nn.Linear(16, 8), nn.ReLU(), nn.Linear(8, 1), nn.Sigmoid())

    def forward(self, ids, x):
        parts = [table(ids[:, i]) for i, table in enumerate(self.tables)] + [self.a(x).relu()]
        return self.b(torch.cat(parts, 1))


class Places(nn.Module):
    """A constant for each element, added and multiplied."""

    def __init__(self):
        super().__init__()
        self.a, self.b = conv(3, 8, 3, 2), conv(8, 8, 3)
        self.place, self.gain = nn.Parameter(torch.randn(1, 8, 8, 8)), nn.Parameter(torch.rand(8, 8, 8))
        self.head = head(8)

    def forward(self, x):
        return self.head(self.b(self.a(x) * self.gain + self.place))


def reflect():
    return nn.Sequential(conv(3, 8), nn.MaxPool2d(3, 2, ceil_mode=True), nn.ReflectionPad2d((2, 1, 1, 2)),
                         nn.Conv2d(8, 8, 3), nn.ReLU(), nn.MaxPool2d(2, 2, ceil_mode=True), nn.ReplicationPad2d(1),
                         nn.Conv2d(8, 4, 3))


class Metric(nn.Module):
    """Embeddings of length 1, and their distance to known ones."""

    def __init__(self):
        super().__init__()
        self.a = nn.Sequential(conv(3, 8, 3, 2), head(8, 8))
        self.known = nn.Parameter(F.normalize(torch.randn(5, 8)))

    def forward(self, x):
        return F.normalize(self.a(x)) @ self.known.T


class Ends(nn.Module):
    def __init__(self):
        super().__init__()
        self.a, self.b = conv(3, 8, 3, 2), nn.Conv2d(8, 4, 1)

    def forward(self, x):
        x = self.b(self.a(x))
        y = x.mean((2, 3))
        return y.log_softmax(-1), x.softmax(1), x.tanh(), x.argmax(1), x.mean(1), y.argmax(-1), y / y.norm()


def resizes():
    def up(**how):
        return Do(lambda x: F.interpolate(x, **how))
    return nn.Sequential(conv(3, 8, 3, 2), up(size=(11, 13)), conv(8, 8), up(scale_factor=1.5, mode="bilinear"),
                         conv(8, 4), up(scale_factor=2, mode="bicubic"), nn.Conv2d(4, 2, 1))


class Joined(nn.Module):
    """Sums, products and joins without a quantizer after them."""

    def __init__(self):
        super().__init__()
        self.a, self.b = conv(3, 8, 3, 2), conv(3, 8, 3, 2)

    def forward(self, x):
        a, b = self.a(x), self.b(x)
        return a + b, a * b, torch.cat((a, b), 1), (a - b).amax((2, 3)), (a * b).sum(1)


IMAGE = (1, 3, 16, 16)
IDS = "ids"
NETWORKS = {
    "attend": (lambda: Attend(True), (1, 6, 16)), "attend_tokens": (lambda: Attend(False), (6, 1, 16)),
    "encoder": (lambda: Encoder(True), (1, 6, 16)), "encoder_tokens": (lambda: Encoder(False, norm_first=True), (6, 1, 16)),
    "bert": (bert, (IDS, (1, 8), 40)), "hf_vit": (hf_vit, IMAGE), "timm_vit": (timm_vit, IMAGE),
    "gpt2": (gpt2, (IDS, (1, 8), 24)), "timm_convnext": (timm_convnext, (1, 3, 32, 32)), "tv_vit": (tv_vit, IMAGE),
    "tv_swin": (tv_swin, IMAGE), "windows": (Windows, IMAGE), "unet_corners": (unet_corners, IMAGE),
    "autoencoder_u8": (autoencoder_u8, (1, 1, 16, 16)), "detector": (Detector, IMAGE),
    "speech_gru": (lambda: Speech(nn.GRU), (1, 4, 16)), "speech_lstm": (lambda: Speech(nn.LSTM, True), (1, 4, 16)),
    "swiglu": (SwiGlu, (1, 6, 16)), "written_norm": (Written, (1, 6, 16)),
    "categories": (Categories, (IDS, (1, 3), 10), (1, 6)), "places": (Places, IMAGE), "reflect": (reflect, (1, 3, 14, 19)),
    "metric": (Metric, IMAGE), "ends": (Ends, IMAGE), "resizes": (resizes, IMAGE), "joined": (Joined, IMAGE),
}


class Reader(CalibrationDataReader):
    def __init__(self, names, cases):
        self.feeds = iter([dict(zip(names, case)) for case in cases])

    def get_next(self):
        return next(self.feeds, None)


def drawn(spec, rng, count):
    if spec[0] == IDS:
        return rng.integers(0, spec[2], (count,) + spec[1][1:]).astype(np.int64)
    return rng.standard_normal(spec if count == 1 else (spec[0] * count,) + spec[1:]).astype(np.float32)


def spread(module):
    """Sets parameters that are initialized to zero or nearly so: in untrained networks they would hide the rest."""
    with torch.no_grad():
        for p in module.parameters():
            if p.numel() > 1 and p.std() < 1e-4 and p.abs().max() < 0.5:
                p.normal_(0, 0.3)
            elif p.ndim > 1 and p.std() < 0.05:
                p.mul_(10)
    return module


def cases_of(specs, rng, count):
    return [[drawn(spec, rng, 1) for spec in specs] for _ in range(count)]


def exported(module, case, names, path, dynamo):
    options = dict(dynamo=True) if dynamo else dict(dynamo=False, opset_version=17)
    torch.onnx.export(module, tuple(map(torch.from_numpy, case)), str(path), input_names=names, **options)
    make.describe_nothing(path)


def make_one(name, number, out):
    build, *specs = NETWORKS[name]
    dynamo = bool(int(os.environ.get("DYNAMO", number % 2)))
    setting = make.SETTINGS[int(os.environ.get("SETTING", number % len(make.SETTINGS)))]
    torch.manual_seed(number)
    module, rng = spread(build()), np.random.default_rng(number)
    with torch.no_grad():  # statistics like those of training
        for case in cases_of(specs, rng, 8):
            module.train()(*map(torch.from_numpy, case)) if module_has_statistics(module) else None
    cases = cases_of(specs, rng, 12)
    names = ["x", "y"][:len(specs)]
    with tempfile.TemporaryDirectory() as folder:
        plain, ready = pathlib.Path(folder) / "plain.onnx", pathlib.Path(folder) / "ready.onnx"
        exported(module.eval(), cases[0], names, plain, dynamo)
        if number % 3:
            quant_pre_process(str(plain), str(ready), skip_symbolic_shape=True)
        else:
            ready = plain
        target = out / f"{name}.onnx"
        quantize_static(str(ready), str(target), Reader(names, cases), **setting)
    model = onnx.load(target)
    del model.graph.value_info[:]
    onnx.save(model, target)
    runtime = record.OnnxRuntime(target.read_bytes())
    entries = [({"id": f"gauss{i}", "how": f"as classes.py draws it, number {number}"}, case)
               for i, case in enumerate(cases_of(specs, rng, 2))]
    record.record(target, out / name, entries, layers_of=(), runtime=runtime)


def module_has_statistics(module):
    return any(isinstance(m, nn.modules.batchnorm._BatchNorm) for m in module.modules())


if __name__ == "__main__":
    warnings.filterwarnings("ignore")
    make.make_all(make_one, NETWORKS)
