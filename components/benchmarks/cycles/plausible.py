#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs random plausible networks on random plausible designs: compares cycles with a bound, and shows where they exceed it.

usage: plausible.py [--networks N] [--first SEED] [--known] [--backend arch|rtl] [--json FILE]   (30 from seed 0 on)
A seed determines a network of components/zoo/zoo.py and a design. Seeds 0 to 299 are --known: they were used to improve the
compiler; only seeds from 1000 on count as an assessment. Each run must equal the golden reference, otherwise the
benchmark ends; networks that the compiler refuses are counted. --json writes all pairs with their layers.

The bound is the optimistic one of the design notes' vector-of-pixels machine (`tools/limit.py` of the shared folder),
which ignores that maps may not fit: whole tiles, draining, lanes lost at row ends of depthwise layers, element-wise
work of one element per lane and cycle, an ADD after a convolution as fused, weights on the bus. Two operators differ:
AVERAGE_POOL_2D counts its window, not the whole map, TRANSPOSE_CONV its products. Operations that the machine can do
for free count nothing: joins, paddings, transposes, functions of one map; the row "limit.py" counts these like the
design notes, a cycle for each element and lane, which is up to half of a network's bound. Filters that are zero count
as if they were computed, so a run can be faster than the bound. The row "with memories" uses a second bound, which
includes the limits of the memories and further bus traffic: the network's input and output, and compulsory spills. If
a layer needs a whole map first (the mean of squeeze and excitation), maps that are read again after it (the gated
map, a residual) must be kept until then: the part that exceeds DMEM is written and read again. And weights cannot be
loaded before earlier layers leave them room in DMEM and PMEM, even if no map needed any.
"""
import argparse
import collections
import json
import math
import pathlib
import random
import re
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
import common  # noqa: E402

sys.path.insert(0, str(common.ROOT / "components" / "zoo"))
import tables  # noqa: E402
import zoo  # noqa: E402

KNOWN = range(300)
NEW = 1000  # seeds from here on are not used for improvements
MEMORIES = [32, 48, 64, 96, 128, 192, 256, 384, 512]
DMEM_CLASSES = [(32, 64), (96, 192), (256, 512)]
QUANTILES = {"worst": 0, "10 %": 0.1, "25 %": 0.25, "median": 0.5, "75 %": 0.75, "best": 1}
WORST = 10
CLIFF = 3
PARTS = 16  # of a layer's weights, in the second bound
MOVES = {"CONCATENATION", "PAD", "RESHAPE", "TRANSPOSE"}
FUNCTIONS = {"HARD_SWISH", "LEAKY_RELU", "LOGISTIC"}
SHORT = {"CONV_2D": "conv", "DEPTHWISE_CONV_2D": "depthwise", "TRANSPOSE_CONV": "transposed",
         "FULLY_CONNECTED": "fully connected"}


def design(seed):
    """Returns a preset, and keys to set."""
    draw = random.Random(f"plausible design {seed}")
    preset = draw.choice(["edge32", "edge64", "edge256", "edge1024"])
    dmem, pmem = draw.choice(MEMORIES), draw.choice(MEMORIES)
    return (f"{preset} memory.dmem_kib={dmem} memory.pmem_kib={pmem} "
            f"bus.axi_data_bits={draw.choice([32, 64, 128, 256])}")


# The bound.

class Machine:
    """The properties of a design that the bound uses."""

    def __init__(self, keys):
        self.rows, self.cols = keys["array.rows"], keys["array.cols"]
        self.post, self.beat = keys["post.columns_per_cycle"], keys["bus.axi_data_bits"] // 8
        self.dmem = 1024 * keys["memory.dmem_kib"]
        self.on_chip = self.dmem + 1024 * keys["memory.pmem_kib"]


def ceil(a, b):
    return -(-a // b)


def convolution(layer, machine):
    filters, height, width, channels = layer.parameters[0]
    pixels = math.prod(layer.output.shape[1:3])
    steps = height * ceil(width * channels, 4) if channels < 3 else height * width * ceil(channels, 4)
    if layer.kind == "TRANSPOSE_CONV":  # each pixel uses its phase's share of the taps
        steps /= layer.options[1][1] * layer.options[2][1]
    return ceil(pixels, machine.rows) * ceil(filters, machine.cols) * max(steps, machine.cols / machine.post)


def depthwise(layer, machine):
    _, height, width, channels = layer.parameters[0]
    (rows, columns), lanes, busy = layer.output.shape[1:3], machine.rows, min(4, machine.cols)
    if layer.inputs[0].shape[2] <= 1.5 * columns and busy == 4:
        tiles = ceil(rows * columns, lanes)
    elif columns >= lanes:
        tiles = rows * ceil(columns, lanes)
    else:
        tiles = ceil(rows, max(1, lanes // columns))
    return tiles * ceil(channels, busy) * max(height * ceil(width, 4), busy / machine.post)


def dense(layer, machine):
    outputs, inputs = layer.parameters[0]
    tokens = math.prod(layer.output.shape) // outputs
    return ceil(tokens, machine.rows) * ceil(outputs, machine.cols) * max(ceil(inputs, 4), machine.cols / machine.post)


def average(layer, machine):
    height, width = layer.inputs[0].shape[1:3]
    if layer.kind == "AVERAGE_POOL_2D":
        height, width = layer.options[4][1], layer.options[3][1]
    channels = layer.output.shape[-1]
    positions = math.prod(layer.output.shape) // channels
    return ceil(channels, 4) * max(height * ceil(width, 4), 4) * ceil(positions, machine.rows)


RULES = {"CONV_2D": convolution, "TRANSPOSE_CONV": convolution, "DEPTHWISE_CONV_2D": depthwise,
         "FULLY_CONNECTED": dense, "AVERAGE_POOL_2D": average, "MEAN": average}


def traffic(layer):
    """Returns the bytes of weights and parameters."""
    return layer.weights + (4 if layer.kind == "FULLY_CONNECTED" else 9) * layer.biases


def for_nothing(net, layer):
    """Returns true for a layer that only moves data, or is a function of one map, or its product with the map
    (swish)."""
    inputs = [x.index for x in layer.inputs]
    return layer.kind in MOVES | FUNCTIONS or layer.kind == "MUL" and any(
        other.kind == "LOGISTIC" and other.output.index in inputs and other.inputs[0].index in inputs
        for other in net.layers)


def layer_cycles(net, layer, machine, literal=False):
    """Returns the cycles on the array or the vector unit. literal: counts free operations as element-wise work."""
    if layer.kind == "RESHAPE" or not literal and for_nothing(net, layer):
        return 0
    if layer.kind == "ADD" and any(other.kind == "CONV_2D" and other.output in layer.inputs for other in net.layers):
        return 0
    if layer.kind in RULES:
        return RULES[layer.kind](layer, machine)
    return ceil(math.prod(layer.output.shape), machine.rows)


def bus_cycles(layers, machine):
    return sum(map(traffic, layers)) / machine.beat


def bound(net, machine, literal=False):
    """Returns the cycles of the network. Fully connected layers, which use each weight once, wait for their weights
    one by one."""
    cycles = 0
    for layer in net.layers:
        waits = bus_cycles([layer], machine) if layer.kind == "FULLY_CONNECTED" else 0
        cycles += max(layer_cycles(net, layer, machine, literal), waits)
    return int(max(cycles, bus_cycles(net.layers, machine)))


def pixels(shape):
    return math.prod(shape[1:3]) if len(shape) == 4 else 1


def kept(net, barrier):
    """Returns the maps made before that layer and read by layers that depend on it."""
    made = {net.input.index, *(layer.output.index for layer in net.layers[:barrier])}
    follow, read = {net.layers[barrier].output.index}, {}
    for layer in net.layers[barrier + 1:]:
        if any(x.index in follow for x in layer.inputs):
            follow.add(layer.output.index)
            read.update({x.index: x for x in layer.inputs if x.index in made})
    return read


def compulsory(net, machine):
    """Returns the bytes of maps that must go to DRAM and back, in any order. A map counts where it is first kept."""
    spilled, counted = 0, set()
    for index, layer in enumerate(net.layers):
        if pixels(layer.output.shape) > 1 or layer.kind in MOVES or all(pixels(x.shape) == 1 for x in layer.inputs):
            continue
        maps = {name: x for name, x in kept(net, index).items() if name not in counted}
        counted.update(maps)
        spilled += max(0, sum(math.prod(x.shape) for x in maps.values()) - machine.dmem)
    return spilled


def waits_for_weights(net, machine):
    """Returns the cycles of the layers in order. Weights are loaded ahead as far as both memories have room without
    maps. A layer is cut into parts: each is computed after its weights have arrived, and then frees their memory."""
    array = bus = taken = 0
    left = collections.deque()  # of computed parts: bytes up to their end, and the time
    free, room = 0, machine.on_chip
    for layer in net.layers:
        for _ in range(PARTS):
            taken += traffic(layer) / PARTS
            while left and taken > room:
                room, free = left[0][0] + machine.on_chip, left.popleft()[1]
            bus = max(bus, free) + traffic(layer) / PARTS / machine.beat
            array = max(array + layer_cycles(net, layer, machine) / PARTS, bus)
            left.append((taken, array))
    return array


def bound_with_memories(net, machine):
    """Returns the second bound: reads and writes of the bus are separate."""
    outputs = net.outputs or [net.layers[-1].output]
    spilled = compulsory(net, machine)
    reads = sum(map(traffic, net.layers)) + math.prod(net.input.shape) + spilled
    writes = sum(math.prod(x.shape) for x in outputs) + spilled
    return int(max(bound(net, machine), reads / machine.beat, writes / machine.beat, waits_for_weights(net, machine)))


# Layers of a run, with their bounds.

def label(members):
    """Returns the name of a layer, with the operators fused into it."""
    first = next((layer for layer in members if layer.parameters), members[-1])
    text = SHORT.get(first.kind, first.kind)
    if first.parameters and first.kind != "FULLY_CONNECTED":
        height, width = first.parameters[0][1:3]
        down, right = first.options[2][1], first.options[1][1]
        stride = "" if down == right == 1 else f"/{max(down, right)}"
        text += f" {height}x{width}{stride}" + (" of an image" if first.inputs[0].shape[3] <= 3 else "")
    return text + "".join(f" + {layer.kind}" for layer in members if layer is not first and layer.kind in
                          ("ADD", "MAX_POOL_2D"))


def gathered(net, shown):
    """Groups the network's layers by the run's layer that computes them: their own, or a later one."""
    readers = {x.index: layer for layer in reversed(net.layers) for x in layer.inputs}
    members = collections.defaultdict(list)
    for layer in net.layers:
        last = layer
        while last and last.name not in shown:
            last = None if last.kind in MOVES else readers.get(last.output.index)
        if last:
            members[last.name].append(layer)
    return members


def layers_of(net, run, machine):
    """@return a dictionary for each layer of the run, in order"""
    total = {}
    for part in run["layers"]:
        entry = total.setdefault(part["name"], {"cycles": 0, "causes": collections.Counter()})
        entry["cycles"] += part["cycles"]
        entry["causes"].update(part["causes"])
    members = gathered(net, total)
    for name, entry in total.items():
        array = max(layer_cycles(net, layer, machine) for layer in members[name])
        bus = bus_cycles(members[name], machine)
        product = any(layer.parameters for layer in members[name])
        yield {"name": name, "label": label(members[name]), "shape": members[name][-1].output.shape[1:],
               "cycles": entry["cycles"], "bound": int(max(array, bus)), "causes": dict(entry["causes"]),
               "lost": losses(entry["causes"], array, bus, product)}


def losses(causes, array, bus, product):
    """Returns the causes beyond the bound; they add up to cycles less bound. Steps and draining are combined."""
    lost = {"steps": causes["compute"] + causes["drain"],
            **{cause: n for cause, n in causes.items() if cause not in ("compute", "drain")}}
    lost["steps" if product else "vector"] -= array
    lost["memory"] -= max(0, bus - array)
    return lost


def pair(seed, backend, folder):
    """Returns a network on a design, as a dictionary for --json."""
    net, family = zoo.network(seed)
    result = {"seed": seed, "family": family, "network": net.name, "input": net.input.shape[1:],
              "macs": net.macs(), "design": design(seed), "pruned": any(layer.pruned for layer in net.layers)}
    model = pathlib.Path(folder) / f"{net.name}.tflite"
    zoo.write(net, model)
    run, message = common.attempt("run", *common.design(result["design"]), model, "--backend", backend)
    model.unlink()
    if run is None:
        return {**result, "refused": message.replace(f"{model}: ", "").splitlines()[1:]}
    machine = Machine(run["configuration"])
    return {**result, "cycles": run["cycles"], "bound": bound(net, machine),
            "limit": bound(net, machine, literal=True), "with_memories": bound_with_memories(net, machine), "causes": run["causes"],
            "layers": list(layers_of(net, run, machine))}


# Tables.

def quantile(values, share):
    """Interpolates between the two neighbouring values."""
    values = sorted(values)
    position = share * (len(values) - 1)
    low = int(position)
    high = min(low + 1, len(values) - 1)
    return values[low] + (position - low) * (values[high] - values[low])


def reached(result, limit="bound"):
    return result[limit] / result["cycles"]


def worst_tenth(shares):
    """Returns their mean."""
    count = max(1, len(shares) // 10)
    return sum(sorted(shares)[:count]) / count


def spread(name, results, limit="bound"):
    """Returns a row of quantiles."""
    shares = [reached(result, limit) for result in results if "cycles" in result]
    row = [name, len(results), len(results) - len(shares)]
    if not shares:
        return row + ["-"] * (1 + len(QUANTILES))
    figures = [worst_tenth(shares), *(quantile(shares, q) for q in QUANTILES.values())]
    return row + [f"{100 * figure:.1f} %" for figure in figures]


def numbers(config):
    """Returns the KiB of DMEM and of PMEM, and the bits of the bus."""
    return [int(number) for number in re.findall(r"=(\d+)", config)]


def traits(result):
    """Yields the traits by which the second table groups networks."""
    dmem, _, bus = numbers(result["design"])
    yield from (result["design"].split()[0], f"bus of {bus:3} bits", "pruned" if result["pruned"] else "whole")
    yield next(f"DMEM {low:3} to {high} KiB" for low, high in DMEM_CLASSES if dmem <= high)


def grouped(results, names):
    """Groups results by their names, in the names' order."""
    groups = collections.defaultdict(list)
    for result in results:
        for name in names(result):
            groups[name].append(result)
    return [(name, groups[name]) for name in sorted(groups)]


def distribution(results):
    head = ["networks", "refused", "worst tenth", *QUANTILES]
    families = grouped(results, lambda result: [result["family"]])
    common.table(["family", *head], [spread("all", results), spread("all, limit.py", results, "limit"),
                                     spread("all, with memories", results, "with_memories"),
                                     *(spread(*family) for family in families)])
    common.table(["of which", *head], [spread(*group) for group in grouped(results, traits)])


def short(config):
    """Returns a short name of a design: "edge256, 128 + 64 KiB, 64 bits"."""
    dmem, pmem, bus = numbers(config)
    return f"{config.split()[0]}, {dmem} + {pmem} KiB, {bus} bits"


def most(causes, whole, count=2):
    return ", ".join(f"{cause} {100 * n / whole:.0f} %" for cause, n in
                     sorted(causes.items(), key=lambda item: -item[1])[:count])


def worst(ran):
    rows = []
    for result in sorted(ran, key=reached)[:WORST]:
        layer = max(result["layers"], key=lambda layer: layer["cycles"] - layer["bound"])
        rows.append([f"{result['network']} {'x'.join(map(str, result['input']))}", short(result["design"]),
                     result["cycles"], result["bound"], common.percent(result["bound"], result["cycles"]),
                     f"{layer['name']}: {layer['label']} to {'x'.join(map(str, layer['shape']))}",
                     layer["cycles"], layer["bound"], most(layer["causes"], layer["cycles"])])
    common.table(["network", "design", "cycles", "bound", "reached", "its worst layer", "cycles", "bound",
                  "causes"], rows)


def kinds(ran):
    """Prints the cycles beyond the layers' bounds in percent of a network's, over all networks."""
    lost, affected = collections.defaultdict(collections.Counter), collections.defaultdict(set)
    count = collections.Counter()
    for result in ran:
        for layer in result["layers"]:
            for name in ("all", layer["label"]):
                count[name] += 1
                affected[name].add(result["seed"])
                lost[name].update({cause: n / result["cycles"] / len(ran) for cause, n in layer["lost"].items()})
    causes = ["steps", *(cause for cause in ran[0]["causes"] if cause not in ("compute", "drain"))]
    rows = [[text, count[text], len(affected[text]), f"{100 * sum(lost[text].values()):.2f} %",
             *(f"{100 * lost[text][cause]:.2f}" for cause in causes)]
            for text in sorted(lost, key=lambda text: -sum(lost[text].values()))[:2 * WORST]]
    common.table(["kind of layer", "layers", "networks", "lost", *causes], rows)


def cliffs(ran):
    """Prints layers far above their bounds."""
    layers = [(result, layer) for result in ran for layer in result["layers"]]
    steep = [(result, layer) for result, layer in layers if layer["cycles"] > CLIFF * layer["bound"]]
    share = sum(layer["cycles"] / result["cycles"] for result, layer in steep) / len(ran)
    print(f"- {len(steep):,} of {len(layers):,} layers take more than {CLIFF} times their bound: {100 * share:.1f} % "
          "of a network's cycles in the mean")


def refusals(results):
    """Prints the reasons of refusals without their numbers, each with its first network."""
    reasons = collections.defaultdict(list)
    for result in results:
        for line in result.get("refused", []):
            reasons[re.sub(r"\d+|'[^']*'", "N", line.split(": ", 2)[-1])].append((result["network"], line))
    for found in sorted(reasons.values(), key=len, reverse=True):
        print(f"- {len(found)} refused, the first {found[0][0]}: {found[0][1]}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--networks", type=int, default=30)
    parser.add_argument("--first", type=int, default=0, help=f"the first seed; new ones from {NEW} on")
    parser.add_argument("--known", action="store_true", help=f"run all {len(KNOWN)} known seeds")
    parser.add_argument("--backend", choices=["arch", "rtl"], default="arch")
    parser.add_argument("--json", help="write all pairs with their layers to this file")
    options = parser.parse_args()
    seeds = KNOWN if options.known else range(options.first, options.first + options.networks)
    with tempfile.TemporaryDirectory() as folder:
        results = [pair(seed, options.backend, folder) for seed in seeds]
    if options.json:
        common.save(options.json, json.dumps(results, indent=1))
    distribution(results)
    ran = [result for result in results if "cycles" in result]
    if ran:
        worst(ran)
        kinds(ran)
        cliffs(ran)
    refusals(results)
    print(f"\nseeds {seeds[0]} to {seeds[-1]}, {len(ran)} exact, {len(results) - len(ran)} refused; "
          f"backend {options.backend}; {common.versions()}")


if __name__ == "__main__":
    main()
