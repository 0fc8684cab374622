#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Makes small networks as PyTorch users write them, exported and quantized, with ONNX Runtime's outputs.

Install:  pip install torch==2.15.0 onnx==1.19.1 onnxscript onnxruntime==1.31.1   (torch: some GB)
Use:      make.py OUT_DIR [NAME...]
For each network OUT_DIR/NAME.onnx and, in OUT_DIR/NAME/, two random inputs with ONNX Runtime's outputs (no graph
optimizations) in the form of components/zoo/record.py. Random weights, fixed seeds. Exporter (torch.export's or
TorchScript's) and the settings of quantize_static rotate from network to network. Descriptions of the Python source
are removed.
"""
import pathlib
import sys
import tempfile

import numpy as np
import onnx
import torch
import torch.nn.functional as F
from onnxruntime.quantization import (CalibrationDataReader, CalibrationMethod, QuantType,
                                      quantize_static)
from onnxruntime.quantization.shape_inference import quant_pre_process
from torch import nn

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "components" / "zoo"))
import record  # noqa: E402: of this repository


def conv(i, o, k=3, s=1, g=1, d=1, act=nn.ReLU, norm=True):
    layers = [nn.Conv2d(i, o, k, s, d * (k // 2), d, g, bias=not norm)]
    layers += [nn.BatchNorm2d(o)] if norm else []
    return nn.Sequential(*layers, *([act()] if act else []))


class Sum(nn.Module):
    """x + f(x), or s(x) + f(x)."""

    def __init__(self, f, s=None, act=None):
        super().__init__()
        self.f, self.s, self.act = f, s or nn.Identity(), act or nn.Identity()

    def forward(self, x):
        return self.act(self.s(x) + self.f(x))


class Cat(nn.Module):
    def __init__(self, *branches):
        super().__init__()
        self.branches = nn.ModuleList(branches)

    def forward(self, x):
        return torch.cat([b(x) for b in self.branches], 1)


class Do(nn.Module):
    """A function as a module."""

    def __init__(self, f):
        super().__init__()
        self.f = f

    def forward(self, x):
        return self.f(x)


class Gate(nn.Module):
    """Squeeze and excitation."""

    def __init__(self, c, r=4, act=nn.ReLU, gate=nn.Sigmoid):
        super().__init__()
        self.f = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Conv2d(c, c // r, 1), act(),
                               nn.Conv2d(c // r, c, 1), gate())

    def forward(self, x):
        return x * self.f(x)


def head(c, classes=5):
    return nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(c, classes))


def alexnet():
    return nn.Sequential(nn.Conv2d(3, 12, 5, 2, 2), nn.ReLU(), nn.MaxPool2d(3, 2), nn.Conv2d(12, 16, 3, 1, 1), nn.ReLU(),
                         nn.MaxPool2d(3, 2), nn.Flatten(), nn.Dropout(), nn.Linear(144, 24), nn.ReLU(), nn.Linear(24, 5))


def vgg():
    return nn.Sequential(conv(3, 8), nn.MaxPool2d(2), conv(8, 12), conv(12, 12), nn.MaxPool2d(2), nn.Flatten(),
                         nn.Linear(432, 16), nn.ReLU(), nn.Linear(16, 5))


def basic(i, o, s=1):
    short = nn.Identity() if i == o and s == 1 else conv(i, o, 1, s, act=None)
    return Sum(nn.Sequential(conv(i, o, 3, s), conv(o, o, act=None)), short, nn.ReLU())


def resnet():
    return nn.Sequential(conv(3, 8, 7, 2), nn.MaxPool2d(3, 2, 1), basic(8, 8), basic(8, 16, 2), head(16))


def bottleneck():
    block = nn.Sequential(conv(16, 4, 1), conv(4, 4), conv(4, 16, 1, act=None))
    return nn.Sequential(conv(3, 16, 3, 2), Sum(block, None, nn.ReLU()), head(16))


def resnext():
    block = nn.Sequential(conv(16, 8, 1), conv(8, 8, g=4), conv(8, 16, 1, act=None))
    return nn.Sequential(conv(3, 16, 3, 2), Sum(block, None, nn.ReLU()), head(16))


def mobilenet_v2():
    def block(i, o, s):
        body = nn.Sequential(conv(i, 4 * i, 1, act=nn.ReLU6), conv(4 * i, 4 * i, 3, s, 4 * i, act=nn.ReLU6),
                             conv(4 * i, o, 1, act=None))
        return Sum(body) if s == 1 and i == o else body
    return nn.Sequential(conv(3, 8, 3, 2, act=nn.ReLU6), block(8, 8, 1), block(8, 12, 2), head(12))


def mobilenet_v3():
    body = nn.Sequential(conv(8, 16, 1, act=nn.Hardswish), conv(16, 16, 5, 1, 16, act=nn.Hardswish),
                         Gate(16, gate=nn.Hardsigmoid), conv(16, 8, 1, act=None))
    return nn.Sequential(conv(3, 8, 3, 2, act=nn.Hardswish), Sum(body), head(8))


def efficientnet():
    body = nn.Sequential(conv(8, 16, 1, act=nn.SiLU), conv(16, 16, 3, 1, 16, act=nn.SiLU), Gate(16, act=nn.SiLU),
                         conv(16, 8, 1, act=None))
    return nn.Sequential(conv(3, 8, 3, 2, act=nn.SiLU), Sum(body), head(8))


def squeezenet():
    def fire(i, s, e):
        return nn.Sequential(nn.Conv2d(i, s, 1), nn.ReLU(), Cat(nn.Sequential(nn.Conv2d(s, e, 1), nn.ReLU()),
                             nn.Sequential(nn.Conv2d(s, e, 3, padding=1), nn.ReLU())))
    return nn.Sequential(nn.Conv2d(3, 8, 3, 2), nn.ReLU(), nn.MaxPool2d(3, 2, ceil_mode=True), fire(8, 4, 8),
                         nn.Conv2d(16, 5, 1), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten())


def googlenet():
    inception = Cat(conv(8, 4, 1), nn.Sequential(conv(8, 4, 1), conv(4, 8)), nn.Sequential(conv(8, 2, 1), conv(2, 4, 5)),
                    nn.Sequential(nn.MaxPool2d(3, 1, 1, ceil_mode=True), conv(8, 4, 1)))
    return nn.Sequential(conv(3, 8, 3, 2), inception, head(20))


def inception_v3():
    block = Cat(conv(8, 4, 1), nn.Sequential(nn.Conv2d(8, 4, (1, 7), padding=(0, 3)), nn.ReLU(),
                                            nn.Conv2d(4, 4, (7, 1), padding=(3, 0)), nn.ReLU()),
                nn.Sequential(nn.AvgPool2d(3, 1, 1), conv(8, 4, 1)))
    return nn.Sequential(conv(3, 8, 3, 2), block, head(12))


def densenet():
    def layer(i):  # normalization before the convolution, after a concatenation
        return Cat(nn.Identity(), nn.Sequential(nn.BatchNorm2d(i), nn.ReLU(), nn.Conv2d(i, 4, 3, padding=1, bias=False)))
    return nn.Sequential(nn.Conv2d(3, 8, 3, 2, 1), layer(8), layer(12), nn.BatchNorm2d(16), nn.ReLU(),
                         nn.Conv2d(16, 8, 1), nn.AvgPool2d(2), nn.BatchNorm2d(8), nn.ReLU(), head(8))


class Shuffle(nn.Module):
    def __init__(self):
        super().__init__()
        self.stem = conv(3, 8, 3, 2)
        self.branch = nn.Sequential(conv(4, 4, 1), conv(4, 4, 3, 1, 4, act=None), conv(4, 4, 1))
        self.head = head(8)

    def forward(self, x):
        a, b = self.stem(x).chunk(2, 1)
        x = torch.cat((a, self.branch(b)), 1)
        n, c, h, w = x.shape
        x = x.view(n, 2, c // 2, h, w).transpose(1, 2).reshape(n, c, h, w)
        return self.head(x)


def ghostnet():
    ghost = nn.Sequential(conv(8, 8, 1), Cat(nn.Identity(), conv(8, 8, 3, 1, 8)))
    return nn.Sequential(conv(3, 8, 3, 2), ghost, Gate(16, gate=nn.Hardsigmoid), head(16))


class Norm2d(nn.Module):
    """Layer normalization of the channels of an image, after a permutation."""

    def __init__(self, c):
        super().__init__()
        self.norm = nn.LayerNorm(c)

    def forward(self, x):
        return self.norm(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)


def convnext():
    body = nn.Sequential(nn.Conv2d(8, 8, 7, padding=3, groups=8), Do(lambda x: x.permute(0, 2, 3, 1)), nn.LayerNorm(8),
                         nn.Linear(8, 16), nn.GELU(), nn.Linear(16, 8), Do(lambda x: x.permute(0, 3, 1, 2)))
    return nn.Sequential(nn.Conv2d(3, 8, 4, 4), Norm2d(8), Sum(body), head(8))


class UNet(nn.Module):
    def __init__(self, up):
        super().__init__()
        self.a, self.b, self.up, self.c = conv(3, 8), conv(8, 16), up, conv(16, 8)
        self.last = nn.Conv2d(8, 2, 1)

    def forward(self, x):
        a = self.a(x)
        return self.last(self.c(torch.cat((a, self.up(self.b(F.max_pool2d(a, 2)))), 1)))


def unet():
    return UNet(nn.ConvTranspose2d(16, 8, 2, 2))


def unet_bilinear():
    return UNet(nn.Sequential(nn.Upsample(scale_factor=2, mode="bilinear"), conv(16, 8, 1)))


def fcn():
    return nn.Sequential(conv(3, 8, 3, 2), conv(8, 12, 3, 2), nn.ConvTranspose2d(12, 6, 4, 2, 1), nn.ReLU(),
                         nn.ConvTranspose2d(6, 2, 3, 2, 1, 1))


class Pyramid(nn.Module):
    def __init__(self):
        super().__init__()
        self.a, self.b = conv(3, 8, 3, 2), conv(8, 12, 3, 2)
        self.la, self.lb = nn.Conv2d(8, 8, 1), nn.Conv2d(12, 8, 1)
        self.out = conv(8, 4)

    def forward(self, x):
        a = self.a(x)
        b = self.lb(self.b(a))
        return self.out(self.la(a) + F.interpolate(b, scale_factor=2.0, mode="nearest")), b


def deeplab():
    pooled = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Conv2d(8, 4, 1), nn.ReLU(), Do(lambda x: x.expand(-1, -1, 8, 8)))
    return nn.Sequential(conv(3, 8, 3, 2), Cat(conv(8, 4, 1), conv(8, 4, 3, d=2), conv(8, 4, 3, d=3), pooled),
                         conv(16, 8, 1), nn.Upsample(scale_factor=2, mode="bilinear"), nn.Conv2d(8, 3, 1))


def espcn():
    return nn.Sequential(nn.Conv2d(3, 8, 5, padding=2), nn.Tanh(), nn.Conv2d(8, 12, 3, padding=1), nn.PixelShuffle(2))


def focus():
    return nn.Sequential(nn.PixelUnshuffle(2), conv(12, 8, act=nn.SiLU), head(8))


class Yolo(nn.Module):
    def __init__(self):
        super().__init__()
        self.a, self.b, self.c = conv(3, 8, 3, 2, act=nn.SiLU), conv(8, 8, 1, act=nn.SiLU), conv(32, 8, 1, act=nn.SiLU)
        self.up = conv(16, 8, act=nn.SiLU)
        self.out = nn.Conv2d(8, 6, 1)

    def forward(self, x):
        a = self.a(x)
        y = self.b(F.max_pool2d(a, 2))
        p = [y]
        for _ in range(3):
            p.append(F.max_pool2d(p[-1], 5, 1, 2))
        y = self.c(torch.cat(p, 1))
        y = self.up(torch.cat((F.interpolate(y, scale_factor=2.0), a), 1))
        return self.out(y).sigmoid()


def style():
    def block(i, o, s=1):
        return nn.Sequential(nn.ReflectionPad2d(1), nn.Conv2d(i, o, 3, s), nn.InstanceNorm2d(o, affine=True), nn.ReLU())
    return nn.Sequential(block(3, 8, 2), Sum(block(8, 8)), nn.Upsample(scale_factor=2), nn.ReflectionPad2d(1),
                         nn.Conv2d(8, 3, 3))


def group_norm():
    return nn.Sequential(nn.Conv2d(3, 8, 3, 2, 1), nn.GroupNorm(2, 8), nn.ReLU(), nn.Conv2d(8, 8, 3, padding=1),
                         nn.GroupNorm(4, 8), nn.SiLU(), head(8))


def prelu():
    return nn.Sequential(nn.Conv2d(3, 8, 3, 2, 1), nn.PReLU(8), nn.Conv2d(8, 8, 3, padding=1), nn.PReLU(),
                         nn.Conv2d(8, 8, 1), head(8))


def activations():
    return nn.Sequential(conv(3, 8, 3, 2, act=nn.ELU), conv(8, 8, 1, act=nn.Mish), conv(8, 8, 1, act=nn.Softplus),
                         conv(8, 8, 1, act=nn.LeakyReLU), conv(8, 8, 1, act=nn.Softsign), conv(8, 8, 1, act=nn.SELU), conv(8, 8, 1),
                         head(8))


def m5():
    return nn.Sequential(nn.Conv1d(1, 8, 8, 4), nn.BatchNorm1d(8), nn.ReLU(), nn.MaxPool1d(2), nn.Conv1d(8, 16, 3),
                         nn.BatchNorm1d(16), nn.ReLU(), nn.AdaptiveAvgPool1d(1), nn.Flatten(), nn.Linear(16, 5))


class Tcn(nn.Module):
    def __init__(self):
        super().__init__()
        self.a, self.b = nn.Conv1d(4, 8, 3, dilation=1), nn.Conv1d(8, 8, 3, dilation=2)
        self.last = nn.Linear(8, 3)

    def forward(self, x):
        x = self.a(F.pad(x, (2, 0))).relu()
        x = x + self.b(F.pad(x, (4, 0))).relu()
        return self.last(x[:, :, -1])


def wav2letter():
    return nn.Sequential(nn.Conv1d(8, 12, 7, 2, 3), nn.Hardtanh(0, 20), nn.Conv1d(12, 12, 5, padding=2, groups=12),
                         nn.Conv1d(12, 16, 1), nn.Hardtanh(0, 20), nn.Conv1d(16, 6, 1))


def wave_decoder():
    return nn.Sequential(nn.Conv1d(4, 8, 3, padding=1), nn.LeakyReLU(0.1), nn.ConvTranspose1d(8, 4, 4, 2, 1), nn.LeakyReLU(0.1),
                         nn.ReflectionPad1d(1), nn.Conv1d(4, 1, 3), nn.Tanh())


class PointNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.f = nn.Sequential(nn.Conv1d(3, 8, 1), nn.ReLU(), nn.Conv1d(8, 16, 1), nn.ReLU())
        self.g = nn.Linear(16, 4)

    def forward(self, x):
        return self.g(self.f(x).max(2)[0])


class Attention(nn.Module):
    def __init__(self, c, heads=2):
        super().__init__()
        self.qkv, self.out, self.h = nn.Linear(c, 3 * c), nn.Linear(c, c), heads

    def forward(self, x, mask=None):
        n, t, c = x.shape
        q, k, v = self.qkv(x).reshape(n, t, 3, self.h, c // self.h).permute(2, 0, 3, 1, 4).unbind(0)
        a = (q * (c // self.h) ** -0.5) @ k.transpose(-2, -1)
        if mask is not None:
            a = a.masked_fill(mask, -10.0)
        return self.out((a.softmax(-1) @ v).transpose(1, 2).reshape(n, t, c))


def encoder(c):
    return nn.Sequential(Sum(nn.Sequential(nn.LayerNorm(c), Attention(c))),
                         Sum(nn.Sequential(nn.LayerNorm(c), nn.Linear(c, 2 * c), nn.GELU(), nn.Linear(2 * c, c))))


class ViT(nn.Module):
    def __init__(self):
        super().__init__()
        self.patch, self.body, self.norm, self.last = nn.Conv2d(3, 16, 8, 8), encoder(16), nn.LayerNorm(16), nn.Linear(16, 5)
        self.token = nn.Parameter(torch.randn(1, 1, 16))
        self.place = nn.Parameter(0.3 * torch.randn(1, 5, 16))

    def forward(self, x):
        x = self.patch(x).flatten(2).transpose(1, 2)
        x = torch.cat((self.token.expand(x.shape[0], -1, -1), x), 1) + self.place
        return self.last(self.norm(self.body(x))[:, 0])


class Causal(nn.Module):
    def __init__(self):
        super().__init__()
        self.norm, self.a, self.last = nn.LayerNorm(16), Attention(16), nn.Linear(16, 8)

    def forward(self, x):
        t = x.shape[1]
        mask = torch.triu(torch.ones(t, t, dtype=torch.bool), 1)
        return self.last(x + self.a(self.norm(x), mask))


class Mixer(nn.Module):
    def __init__(self):
        super().__init__()
        self.patch, self.norm = nn.Conv2d(3, 12, 8, 8), nn.LayerNorm(12)
        self.tokens = nn.Sequential(nn.Linear(4, 8), nn.GELU(), nn.Linear(8, 4))
        self.channels = nn.Sequential(nn.Linear(12, 24), nn.GELU(), nn.Linear(24, 12))
        self.last = nn.Linear(12, 5)

    def forward(self, x):
        x = self.patch(x).flatten(2).transpose(1, 2)
        x = x + self.tokens(self.norm(x).transpose(1, 2)).transpose(1, 2)
        return self.last((x + self.channels(x)).mean(1))


class Cell(nn.Module):
    """Cells of a recurrent network, unrolled."""

    def __init__(self, cell, steps=3):
        super().__init__()
        self.x, self.h, self.kind, self.steps = nn.Linear(6, 8 * cell), nn.Linear(8, 8 * cell), cell, steps
        self.last = nn.Linear(8, 3)

    def forward(self, x):
        h = self.x(x[:, 0])[:, :8].tanh()
        c = h
        for t in range(self.steps):
            if self.kind == 4:
                i, f, g, o = (self.x(x[:, t]) + self.h(h)).chunk(4, 1)
                c = f.sigmoid() * c + i.sigmoid() * g.tanh()
                h = o.sigmoid() * c.tanh()
            else:
                a, b = self.x(x[:, t]).chunk(3, 1), self.h(h).chunk(3, 1)
                r, z = (a[0] + b[0]).sigmoid(), (a[1] + b[1]).sigmoid()
                n = (a[2] + r * b[2]).tanh()
                h = n + z * (h - n)
        return self.last(h)


def autoencoder():
    return nn.Sequential(nn.Flatten(), nn.Linear(64, 16), nn.ReLU(), nn.Linear(16, 8), nn.ReLU(), nn.Linear(8, 16), nn.ReLU(),
                         nn.Linear(16, 64), nn.Unflatten(1, (1, 8, 8)))


def generator():
    return nn.Sequential(nn.Unflatten(1, (8, 1, 1)), nn.ConvTranspose2d(8, 8, 4), nn.BatchNorm2d(8), nn.ReLU(),
                         nn.ConvTranspose2d(8, 4, 4, 2, 1), nn.BatchNorm2d(4), nn.ReLU(), nn.ConvTranspose2d(4, 1, 4, 2, 1),
                         nn.Tanh())


def depthwise_up():
    return nn.Sequential(conv(3, 8, 3, 2), nn.ConvTranspose2d(8, 8, 3, 2, 1, 1, groups=8), conv(8, 4, 1), nn.AvgPool2d(3, 2, 1),
                         nn.Conv2d(4, 2, 1))


class Reduced(nn.Module):
    def __init__(self):
        super().__init__()
        self.a, self.last = conv(3, 8, 3, 2), nn.Linear(24, 4)

    def forward(self, x):
        x = self.a(x)
        return self.last(torch.cat((x.mean((2, 3)), x.amax((2, 3)), x.amin((2, 3))), 1))


class Spatial(nn.Module):
    """CBAM: a map of weights from the mean and the maximum of the channels."""

    def __init__(self):
        super().__init__()
        self.a, self.b, self.head = conv(3, 8, 3, 2), nn.Conv2d(2, 1, 7, padding=3), head(8)

    def forward(self, x):
        x = self.a(x)
        m = torch.cat((x.mean(1, keepdim=True), x.amax(1, keepdim=True)), 1)
        return self.head(x * self.b(m).sigmoid())


class Pooled(nn.Module):
    """Attention by torch's own function between linear layers, and the mean of all tokens."""

    def __init__(self):
        super().__init__()
        self.first, self.norm, self.qkv, self.out = nn.Linear(6, 16), nn.LayerNorm(16), nn.Linear(16, 48), nn.Linear(16, 16)
        self.body = Sum(nn.Sequential(nn.LayerNorm(16), nn.Linear(16, 32), nn.GELU(), nn.Linear(32, 16)))
        self.last = nn.Linear(16, 5)

    def forward(self, x):
        x = self.first(x)
        n, t, c = x.shape
        q, k, v = self.qkv(self.norm(x)).reshape(n, t, 3, 2, c // 2).permute(2, 0, 3, 1, 4)
        x = x + self.out(F.scaled_dot_product_attention(q, k, v).transpose(1, 2).reshape(n, t, c))
        return self.last(self.body(x).mean(1))


class Rotary(nn.Module):
    """A block of LLaMA: RMSNorm, rotary positions, causal attention, a gated product."""

    def __init__(self, c=16, heads=2, tokens=8):
        super().__init__()
        self.heads, linear = heads, lambda i, o: nn.Linear(i, o, bias=False)
        self.q, self.k, self.v, self.out = linear(c, c), linear(c, c), linear(c, c), linear(c, c)
        self.gate, self.up, self.down, self.last = linear(c, 32), linear(c, 32), linear(32, c), linear(c, 12)
        self.norm, self.second = nn.RMSNorm(c), nn.RMSNorm(c)
        size = c // heads
        angles = torch.outer(torch.arange(tokens).float(), 100 ** (-torch.arange(0, size, 2) / size)).repeat(1, 2)
        self.register_buffer("cos", angles.cos())
        self.register_buffer("sin", angles.sin())

    def turned(self, x):
        a, b = x.chunk(2, -1)
        return x * self.cos + torch.cat((-b, a), -1) * self.sin

    def forward(self, x):
        n, t, c = x.shape
        y = self.norm(x)
        q, k, v = (f(y).view(n, t, self.heads, -1).transpose(1, 2) for f in (self.q, self.k, self.v))
        y = F.scaled_dot_product_attention(self.turned(q), self.turned(k), v, is_causal=True)
        x = x + self.out(y.transpose(1, 2).reshape(n, t, c))
        y = self.second(x)
        return self.last(x + self.down(F.silu(self.gate(y)) * self.up(y)))


class Queries(nn.Module):
    """Attention of learned queries, which are constants in the file, to a sequence."""

    def __init__(self):
        super().__init__()
        self.queries = nn.Parameter(torch.randn(1, 4, 16))
        self.attention, self.last = nn.MultiheadAttention(16, 2, batch_first=True), nn.Linear(16, 3)

    def forward(self, x):
        queries = self.queries.expand(x.shape[0], -1, -1)
        return self.last(queries + self.attention(queries, x, x, need_weights=False)[0])


IMAGE = (1, 3, 16, 16)
NETWORKS = {
    "activations": (activations, IMAGE), "alexnet": (alexnet, (1, 3, 32, 32)), "autoencoder": (autoencoder, (1, 1, 8, 8)),
    "bottleneck": (bottleneck, IMAGE), "causal": (Causal, (1, 6, 16)), "convnext": (convnext, IMAGE),
    "deeplab": (deeplab, IMAGE), "densenet": (densenet, IMAGE), "depthwise_up": (depthwise_up, IMAGE),
    "efficientnet": (efficientnet, IMAGE), "espcn": (espcn, (1, 3, 8, 8)), "fcn": (fcn, IMAGE), "focus": (focus, IMAGE),
    "generator": (generator, (1, 8)), "ghostnet": (ghostnet, IMAGE), "googlenet": (googlenet, IMAGE),
    "group_norm": (group_norm, IMAGE), "gru_cell": (lambda: Cell(3), (1, 3, 6)), "inception_v3": (inception_v3, IMAGE),
    "lstm_cell": (lambda: Cell(4), (1, 3, 6)), "m5": (m5, (1, 1, 128)), "mixer": (Mixer, IMAGE),
    "mobilenet_v2": (mobilenet_v2, IMAGE), "mobilenet_v3": (mobilenet_v3, IMAGE), "pointnet": (PointNet, (1, 3, 32)),
    "prelu": (prelu, IMAGE), "pyramid": (Pyramid, IMAGE), "reduced": (Reduced, IMAGE), "resnet": (resnet, (1, 3, 32, 32)),
    "resnext": (resnext, IMAGE), "shufflenet": (Shuffle, IMAGE), "spatial": (Spatial, IMAGE),
    "squeezenet": (squeezenet, IMAGE), "style": (style, IMAGE), "tcn": (Tcn, (1, 4, 16)), "unet": (unet, IMAGE),
    "unet_bilinear": (unet_bilinear, IMAGE), "vgg": (vgg, (1, 3, 24, 24)), "vit": (ViT, IMAGE),
    "wav2letter": (wav2letter, (1, 8, 24)), "wave_decoder": (wave_decoder, (1, 4, 12)), "yolo": (Yolo, IMAGE),
    "pooled": (Pooled, (1, 12, 6)), "rotary": (Rotary, (1, 8, 16)),
    "queries": (Queries, (1, 8, 16)),
}
SETTINGS = [
    dict(),
    dict(activation_type=QuantType.QInt8, weight_type=QuantType.QInt8, per_channel=True),
    dict(activation_type=QuantType.QUInt8, weight_type=QuantType.QUInt8),
    dict(activation_type=QuantType.QInt8, extra_options={"ActivationSymmetric": True, "WeightSymmetric": True}),
    dict(calibrate_method=CalibrationMethod.Percentile, activation_type=QuantType.QInt8, weight_type=QuantType.QInt8),
    dict(calibrate_method=CalibrationMethod.Entropy, per_channel=True),
]


class Reader(CalibrationDataReader):
    def __init__(self, name, inputs):
        self.feeds = iter([{name: x} for x in inputs])

    def get_next(self):
        return next(self.feeds, None)


def exported(module, x, path, dynamo):
    options = dict(dynamo=True) if dynamo else dict(dynamo=False, opset_version=17)
    torch.onnx.export(module, (x,), str(path), input_names=["x"], **options)
    describe_nothing(path)


def describe_nothing(path):
    """Removes descriptions of the Python source."""
    model = onnx.load(path)
    for node in model.graph.node:
        del node.metadata_props[:]
        node.doc_string = ""
    for value in [*model.graph.value_info, *model.graph.initializer, *model.graph.input, *model.graph.output]:
        del value.metadata_props[:]
    del model.graph.value_info[:]
    onnx.save(model, path)


def trained(name, number):
    """Returns the network, and inputs for calibration."""
    build, shape = NETWORKS[name]
    torch.manual_seed(number)
    module = build()
    with torch.no_grad():  # statistics like those of training
        for _ in range(8):
            module.train()(torch.randn(4, *shape[1:]))
    rng = np.random.default_rng(number)
    return module.eval(), [rng.standard_normal(shape).astype(np.float32) for _ in range(12)]


def make(name, number, out):
    module, inputs = trained(name, number)
    with tempfile.TemporaryDirectory() as folder:
        plain, ready = pathlib.Path(folder) / "plain.onnx", pathlib.Path(folder) / "ready.onnx"
        exported(module, torch.from_numpy(inputs[0]), plain, number % 3 != 2)
        if number % 2:
            quant_pre_process(str(plain), str(ready), skip_symbolic_shape=True)
        else:
            ready = plain
        target = out / f"{name}.onnx"
        quantize_static(str(ready), str(target), Reader("x", inputs), **SETTINGS[number % len(SETTINGS)])
    model = onnx.load(target)
    del model.graph.value_info[:]
    onnx.save(model, target)
    runtime = record.OnnxRuntime(target.read_bytes())
    cases = record.random_cases(runtime.inputs, 2, number, (-2, 2))
    record.record(target, out / name, cases, layers_of=(), runtime=runtime)


def make_all(make, networks=NETWORKS):
    out = pathlib.Path(sys.argv[1])
    out.mkdir(parents=True, exist_ok=True)
    names = sys.argv[2:] or list(networks)
    for number, name in enumerate(networks):
        if name not in names:
            continue
        try:
            make(name, number, out)
            print(name, flush=True)
        except (Exception, SystemExit) as error:  # noqa: BLE001: the others still
            print(f"{name}: {type(error).__name__}: {str(error).splitlines()[0][:200]}", flush=True)


if __name__ == "__main__":
    make_all(make)
