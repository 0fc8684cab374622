# SPDX-License-Identifier: Apache-2.0
"""Builds Inception v2, v3 and v4 for shapes.py, by their papers' tables. Batch normalization follows each convolution."""

from tables import SAME, VALID


def _chain(net, name, x, *steps):
    """Appends convolutions in sequence, each (filters, window, stride, padding); the last two may be omitted."""
    for i, (filters, window, *sliding) in enumerate(steps, 1):
        x = net.conv(f"{name}_{i}", x, filters, window, *sliding)
    return x


def _averaged(net, name, x, filters):
    return net.conv(f"{name}/pool_1", net.average_pool(f"{name}/pool", x, 3, padding=SAME), filters, 1)


def _forked(net, name, x, filters):
    """Appends 1 x 3 and 3 x 1 convolutions of the same input."""
    return [net.conv(f"{name}_13", x, filters, (1, 3)), net.conv(f"{name}_31", x, filters, (3, 1))]


def v2(net):
    """Ioffe and Szegedy 2015, figure 5 (BN-Inception); pools of 4c and 4d have 96 filters, which gives its 576 channels."""
    x = net.max_pool("pool1", net.conv("conv1", net.input, 64, 7, 2), 3, 2)
    x = net.max_pool("pool2", _chain(net, "conv2", x, (64, 1), (192, 3)), 3, 2)
    rows = {"3a": (64, 64, 64, 64, 96, 32), "3b": (64, 64, 96, 64, 96, 64), "3c": (0, 128, 160, 64, 96, 0),
            "4a": (224, 64, 96, 96, 128, 128), "4b": (192, 96, 128, 96, 128, 128), "4c": (160, 128, 160, 128, 160, 96),
            "4d": (96, 128, 192, 160, 192, 96), "4e": (0, 128, 192, 192, 256, 0),
            "5a": (352, 192, 320, 160, 224, 128), "5b": (352, 192, 320, 192, 224, 128)}
    for name, (ones, reduced, threes, reduced2, doubled, pooled) in rows.items():
        stride = 1 if ones else 2
        branches = [_chain(net, f"{name}/3x3", x, (reduced, 1), (threes, 3, stride)),
                    _chain(net, f"{name}/double", x, (reduced2, 1), (doubled, 3), (doubled, 3, stride))]
        if not ones:
            branches.append(net.max_pool(f"{name}/pool", x, 3, 2))
        else:
            branches.insert(0, net.conv(f"{name}/1x1", x, ones, 1))
            branches.append(net.conv(f"{name}/pool_1", net.max_pool(f"{name}/pool", x, 3, 1), pooled, 1)
                            if name == "5b" else _averaged(net, name, x, pooled))
        x = net.concatenate(f"{name}/output", branches)
    return x


def v3(net):
    """Szegedy et al. 2015, Rethinking the Inception Architecture, table 1, with its authors' numbers of filters."""
    x = _chain(net, "stem", net.input, (32, 3, 2, VALID), (32, 3, 1, VALID), (64, 3))
    x = _chain(net, "stem2", net.max_pool("pool1", x, 3, 2, VALID), (80, 1), (192, 3, 1, VALID))
    x = net.max_pool("pool2", x, 3, 2, VALID)
    for i, pooled in enumerate((32, 64, 64)):
        name = f"a{i}"
        x = net.concatenate(f"{name}/output", [
            net.conv(f"{name}/1x1", x, 64, 1), _chain(net, f"{name}/5x5", x, (48, 1), (64, 5)),
            _chain(net, f"{name}/double", x, (64, 1), (96, 3), (96, 3)), _averaged(net, name, x, pooled)])
    x = net.concatenate("b/output", [net.conv("b/3x3", x, 384, 3, 2, VALID),
                                     _chain(net, "b/double", x, (64, 1), (96, 3), (96, 3, 2, VALID)),
                                     net.max_pool("b/pool", x, 3, 2, VALID)])
    for i, n in enumerate((128, 160, 160, 192)):
        name = f"c{i}"
        x = net.concatenate(f"{name}/output", [
            net.conv(f"{name}/1x1", x, 192, 1), _chain(net, f"{name}/7x7", x, (n, 1), (n, (1, 7)), (192, (7, 1))),
            _chain(net, f"{name}/double", x, (n, 1), (n, (7, 1)), (n, (1, 7)), (n, (7, 1)), (192, (1, 7))),
            _averaged(net, name, x, 192)])
    x = net.concatenate("d/output", [_chain(net, "d/3x3", x, (192, 1), (320, 3, 2, VALID)),
                                     _chain(net, "d/7x7", x, (192, 1), (192, (1, 7)), (192, (7, 1)), (192, 3, 2, VALID)),
                                     net.max_pool("d/pool", x, 3, 2, VALID)])
    for i in range(2):
        name = f"e{i}"
        x = net.concatenate(f"{name}/output", [
            net.conv(f"{name}/1x1", x, 320, 1), *_forked(net, f"{name}/3x3", net.conv(f"{name}/3x3", x, 384, 1), 384),
            *_forked(net, f"{name}/double", _chain(net, f"{name}/double", x, (448, 1), (384, 3)), 384),
            _averaged(net, name, x, 192)])
    return x


def v4(net):
    """Szegedy et al. 2016, Inception-v4, figures 3 to 9."""
    x = _chain(net, "stem", net.input, (32, 3, 2, VALID), (32, 3, 1, VALID), (64, 3))
    x = net.concatenate("stem/1", [net.max_pool("stem/pool1", x, 3, 2, VALID), net.conv("stem/3x3", x, 96, 3, 2, VALID)])
    x = net.concatenate("stem/2", [_chain(net, "stem/short", x, (64, 1), (96, 3, 1, VALID)),
                                   _chain(net, "stem/7x7", x, (64, 1), (64, (7, 1)), (64, (1, 7)), (96, 3, 1, VALID))])
    x = net.concatenate("stem/3", [net.conv("stem/last", x, 192, 3, 2, VALID), net.max_pool("stem/pool2", x, 3, 2, VALID)])
    for i in range(4):
        name = f"a{i}"
        x = net.concatenate(f"{name}/output", [
            _averaged(net, name, x, 96), net.conv(f"{name}/1x1", x, 96, 1), _chain(net, f"{name}/3x3", x, (64, 1), (96, 3)),
            _chain(net, f"{name}/double", x, (64, 1), (96, 3), (96, 3))])
    x = net.concatenate("ra/output", [net.max_pool("ra/pool", x, 3, 2, VALID), net.conv("ra/3x3", x, 384, 3, 2, VALID),
                                      _chain(net, "ra/double", x, (192, 1), (224, 3), (256, 3, 2, VALID))])
    for i in range(7):
        name = f"b{i}"
        x = net.concatenate(f"{name}/output", [
            _averaged(net, name, x, 128), net.conv(f"{name}/1x1", x, 384, 1),
            _chain(net, f"{name}/7x7", x, (192, 1), (224, (1, 7)), (256, (7, 1))),
            _chain(net, f"{name}/double", x, (192, 1), (192, (1, 7)), (224, (7, 1)), (224, (1, 7)), (256, (7, 1)))])
    x = net.concatenate("rb/output", [net.max_pool("rb/pool", x, 3, 2, VALID),
                                      _chain(net, "rb/3x3", x, (192, 1), (192, 3, 2, VALID)),
                                      _chain(net, "rb/7x7", x, (256, 1), (256, (1, 7)), (320, (7, 1)), (320, 3, 2, VALID))])
    for i in range(3):
        name = f"c{i}"
        x = net.concatenate(f"{name}/output", [
            _averaged(net, name, x, 256), net.conv(f"{name}/1x1", x, 256, 1),
            *_forked(net, f"{name}/3x3", net.conv(f"{name}/3x3", x, 384, 1), 256),
            *_forked(net, f"{name}/double", _chain(net, f"{name}/double", x, (384, 1), (448, (1, 3)), (512, (3, 1))), 256)])
    return x
