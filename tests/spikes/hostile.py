# SPDX-License-Identifier: Apache-2.0
"""Makes NIR graphs that are valid files but not networks: keys missing, duplicated, nested in themselves, of any
type, shape and size."""
import pathlib
import random

import h5py
import numpy as np

HERE = pathlib.Path(__file__).resolve().parent
DEEPEST = 6  # a group may be in itself

WHOLE = {"any": lambda _: True, "groups": lambda item: isinstance(item, h5py.Group),
         "floats": lambda item: isinstance(item, h5py.Dataset) and item.dtype.kind == "f" and item.size > 0}
NUMBERS = [np.nan, np.inf, -np.inf, 0, -1, -5, 0.5, 1e300, -1e308, 1e-320]


def paths(group, of, start="", depth=0):
    for key in group if depth < DEEPEST else []:
        item = group[key]
        if WHOLE[of](item):
            yield start + key
        if isinstance(item, h5py.Group):
            yield from paths(item, of, f"{start}{key}/", depth + 1)


def other_value(draw, shape):
    """Returns a value of another type, shape or size."""
    small = [np.nan, np.inf, 0, -1, 0.5, True, "text", "", "Affine", "LIF", b"\xff\xfe", np.int64(2**62), np.uint64(2**64 - 1)]
    large = [np.zeros(0), np.zeros((0, 3)), np.zeros((1,) * 6), np.array([1 + 2j]), np.full((2, 3), 2**31), np.zeros(3, "i4,f8"),
             np.array([b"a", b"bb"]), np.full(shape, 1e308), np.full(shape, np.nan), np.ones((*shape, 2)), np.ones(shape[1:])]
    return draw.choice(small + large)


def replace(tree, path, value):
    del tree[path]
    tree[path] = value


def edit_edges(draw, tree):
    names = [name.encode() for name in tree["node/nodes"]] + [b"", b"\xff", b"nobody"]
    edges = tree["node/edges"][()].tolist()
    pair, at = [draw.choice(names), draw.choice(names)], draw.randrange(len(edges))
    replace(tree, "node/edges", np.array(draw.choice([
        [*edges, pair], edges[:at] + edges[at + 1:], [*edges[:at], pair, *edges[at + 1:]], [edge[::-1] for edge in edges]])).astype("S20"))


def edit(draw, tree):
    how = draw.choice(["drop", "other", "other", "twice", "edges", "number", "number"])
    path = draw.choice(list(paths(tree, "floats" if how == "number" else "any")))
    if how == "drop":
        del tree[path]
    elif how == "other":
        replace(tree, path, other_value(draw, np.shape(tree[path]) if isinstance(tree[path], h5py.Dataset) else ()))
    elif how == "twice":
        tree[draw.choice(list(paths(tree, "groups"))) + "/more"] = tree[path]
    elif how == "edges":
        edit_edges(draw, tree)
    else:
        values = np.array(tree[path][()], dtype=np.float64)
        values.reshape(-1)[draw.randrange(values.size)] = draw.choice(NUMBERS)
        replace(tree, path, values)


def graphs(folder, names, count, seed):
    """Yields (seed, settings' name, file) of `count` such graphs, one at a time."""
    file = folder / "hostile.nir"
    for i in range(count):
        draw = random.Random(f"{seed} {i}")
        name = draw.choice(names)
        file.write_bytes((HERE / f"{name}.nir").read_bytes())
        with h5py.File(file, "r+") as tree:
            for _ in range(draw.randint(1, 3)):
                try:
                    edit(draw, tree)
                except (KeyError, IndexError, AttributeError, TypeError, ValueError, OSError):  # an earlier edit removed it
                    break
        yield i, name, file
