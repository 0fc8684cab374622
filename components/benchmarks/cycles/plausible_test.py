#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Tests plausible.py's networks, bounds and tables, without a run.

usage: plausible_test.py
"""
import contextlib
import io
import pathlib
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
import common  # noqa: E402
import plausible  # noqa: E402
import tables  # noqa: E402
import tflite_writer  # noqa: E402
import zoo  # noqa: E402

EDGE256 = {"array.rows": 8, "array.cols": 8, "post.columns_per_cycle": 1, "bus.axi_data_bits": 64,
           "memory.dmem_kib": 128, "memory.pmem_kib": 64}
SEEDS = range(2 * len(zoo.FAMILIES))  # two of each family


def machine(**keys):
    return plausible.Machine({**EDGE256, **{name.replace("_", ".", 1): value for name, value in keys.items()}})


def content(seed):
    return bytes(tflite_writer.to_bytes(tables.model(zoo.network(seed)[0])))


class Networks(unittest.TestCase):
    def test_a_seed_stands_for_one_network_and_design(self):
        small = 13  # an autoencoder
        self.assertEqual(content(small), content(small))
        self.assertNotEqual(content(small), content(small + len(zoo.FAMILIES)))
        self.assertEqual(plausible.design(small), plausible.design(small))
        self.assertGreater(len({plausible.design(seed) for seed in SEEDS}), len(SEEDS) // 2)

    def test_all_families_are_drawn_with_names_of_their_own_and_few_macs(self):
        drawn = [zoo.network(seed) for seed in SEEDS]
        self.assertEqual({family for _, family in drawn}, set(zoo.FAMILIES))
        for net, _ in drawn:
            names = [layer.name for layer in net.layers]
            self.assertEqual(len(names), len(set(names)), net.name)
            self.assertLessEqual(net.macs(), zoo.MOST_MACS)

    def test_pruned_filters_are_zero_or_copies(self):
        net = tables.Network("pruned", 8, 8, 4)
        for layer, depthwise in ((net.conv, False), (net.depthwise, True)):
            layer("layer", net.input, *((4,) if not depthwise else ()), 3)
            product = net.layers[-1]
            product.pruned = {1: None, 2: 3}
            draw = tables.random.Random(0)
            weights, biases, scales = tables._parameters(draw, product)
            filters = [weights[i::4] if depthwise else weights[i * len(weights) // 4:(i + 1) * len(weights) // 4]
                       for i in range(4)]
            self.assertEqual(set(filters[1]), {0})
            self.assertNotEqual(filters[0], filters[3])
            self.assertEqual((filters[2], biases[8:12], scales[2]), (filters[3], biases[12:16], scales[3]))


class Bound(unittest.TestCase):
    """Tests bounds computed by hand, on 8 lanes and 8 columns, one of which is drained per cycle, and a bus of 8
    bytes."""

    def setUp(self):
        self.net = tables.Network("by_hand", 20, 20, 3)

    def of_last(self, **keys):
        return plausible.layer_cycles(self.net, self.net.layers[-1], machine(**keys))

    def test_convolution(self):
        self.net.conv("conv", self.net.input, 20, 3, 2)
        self.assertEqual(self.of_last(), 13 * 3 * 9)  # 100 pixels, 20 filters, 9 taps of a word
        self.net.conv("1x1", self.net.layers[-1].output, 8, 1)
        self.assertEqual(self.of_last(), 13 * 1 * 8)  # 5 steps drain 8 columns
        self.assertEqual(self.of_last(post_columns_per_cycle=2), 13 * 1 * 5)

    def test_depthwise(self):
        x = self.net.conv("conv", self.net.input, 18, 1)
        self.net.depthwise("dw", x, 3)
        self.assertEqual(self.of_last(), 50 * 5 * 4)  # 3 steps drain 4 columns
        self.net.depthwise("dw2", x, 5, 2)
        self.assertEqual(self.of_last(), 20 * 5 * 10)  # rows of 10 pixels fill two vectors

    def test_transposed_convolution_counts_its_products(self):
        self.net.transposed("up", self.net.input, 8, 9, 2)
        self.assertEqual(self.of_last(), 200 * 1 * 81 / 4)
        self.assertEqual(self.net.layers[-1].macs, 400 * 81 * 3 * 8)

    def test_addition_after_a_convolution_is_hidden(self):
        a = self.net.max_pool("a", self.net.input, 3, 1)
        self.net.add("alone", a, self.net.input)
        self.assertEqual(self.of_last(), 150)
        self.net.add("fused", a, self.net.conv("conv", self.net.input, 3, 1))
        self.assertEqual(self.of_last(), 0)

    def test_a_network_waits_for_its_weights(self):
        net = tables.Network("dense", 64)
        net.dense("dense", net.input, 100)
        self.assertEqual(plausible.bound(net, machine()), (64 * 100 + 4 * 100) // 8)
        self.assertEqual(plausible.bound(net, machine(bus_axi_data_bits=512)), 13 * 16)  # then limited by its steps

    def test_maps_kept_for_a_mean_leave_dmem_and_return_if_they_do_not_fit(self):
        x = self.net.conv("conv", self.net.input, 64, 1)
        y = self.net.depthwise("dw", x, 3)
        gate = self.net.conv("gate", self.net.mean("mean", y), 64, 1)
        self.net.add("add", self.net.conv("project", self.net.multiply("gated", y, gate), 64, 1), x)
        self.assertEqual(plausible.compulsory(self.net, machine()), 0)
        both = 2 * 20 * 20 * 64  # the gated map and the residual
        self.assertEqual(plausible.compulsory(self.net, machine(memory_dmem_kib=32)), both - 32 * 1024)
        small = machine(memory_dmem_kib=16, bus_axi_data_bits=8)  # which writes more than it reads
        self.assertEqual(plausible.bound_with_memories(self.net, small), 20 * 20 * 64 + both - 16 * 1024)

    def test_weights_are_loaded_no_earlier_than_both_memories_hold_them(self):
        x = self.net.conv("long", self.net.input, 64, 3)  # 50 x 8 x 9 steps
        y = self.net.average_pool("pool", x, 20)
        for index in range(4):
            y = self.net.conv(f"{index}", y, 64, 1)  # 64 x 64 + 9 * 64 bytes each
        long = plausible.layer_cycles(self.net, self.net.layers[0], machine())
        pool = plausible.layer_cycles(self.net, self.net.layers[1], machine())
        short = sum(plausible.layer_cycles(self.net, layer, machine()) for layer in self.net.layers[1:])
        self.assertAlmostEqual(plausible.waits_for_weights(self.net, machine()) - long - short, 0, delta=40)
        slow = {"bus_axi_data_bits": 8, "memory_dmem_kib": 1, "memory_pmem_kib": 1}
        weights = 4 * (64 * 64 + 9 * 64)
        self.assertAlmostEqual(plausible.waits_for_weights(self.net, machine(**slow)),
                               long + pool + weights - 2 * 1024, delta=200)

    def test_swish_costs_cycles_only_in_limit_py(self):
        x = self.net.conv("conv", self.net.input, 8, 1)
        self.net.multiply("swish", x, self.net.logistic("sigmoid", x))
        bounds = [plausible.bound(self.net, machine(), literal) for literal in (False, True)]
        self.assertEqual(bounds, [50 * 8, 50 * 8 + 2 * 400])


class Tables(unittest.TestCase):
    def test_quantiles(self):
        self.assertEqual([plausible.quantile([4, 1, 2, 3], q) for q in (0, 0.5, 1)], [1, 2.5, 4])
        self.assertAlmostEqual(plausible.quantile([10, 20, 30], 0.1), 12)
        self.assertEqual(plausible.worst_tenth([*range(2, 21), 0]), 1)
        self.assertEqual(plausible.worst_tenth([3, 2]), 2)

    def test_layers_of_a_run_have_the_bound_of_their_fused_layers(self):
        net = tables.Network("fused", 8, 8, 8)
        x = net.conv("conv", net.input, 8, 1, activation=tables.NONE)
        net.dense("dense", net.average_pool("pool", net.add("add", x, net.input), 8), 2)
        causes = {"compute": 128, "bank": 5, "drain": 3, "memory": 40, "vector": 0}
        run = {"layers": [{"name": "add", "cycles": 100, "causes": causes},
                          {"name": "add", "cycles": 76, "causes": {"compute": 0}},
                          {"name": "pool", "cycles": 300, "causes": {"vector": 300, "memory": 0}}]}
        first, second = plausible.layers_of(net, run, machine())
        self.assertEqual((first["label"], first["cycles"], first["bound"]), ("conv 1x1 + ADD", 176, 64))
        self.assertEqual(first["lost"], {"steps": 67, "bank": 5, "memory": 40, "vector": 0})
        self.assertEqual((second["bound"], second["lost"]["vector"]), (32, 268))

    def test_tables_name_the_worst_and_the_refused(self):
        layer = {"name": "b", "label": "conv 1x1", "shape": (4, 4, 8), "cycles": 300, "bound": 100,
                 "causes": {"compute": 200, "bank": 100}, "lost": {"steps": 100, "bank": 100}}
        ran = {"seed": 1, "family": "vgg", "network": "vgg_1", "input": (4, 4, 3),
               "design": plausible.design(1), "pruned": False,
               "cycles": 400, "bound": 100, "limit": 200, "with_memories": 300, "causes": layer["causes"], "layers": [layer]}
        refused = {"family": "vgg", "design": plausible.design(2), "pruned": True, 
                   "network": "vgg_2", "refused": ["op 3 CONV_2D: too large"]}
        shown = io.StringIO()
        with contextlib.redirect_stdout(shown):
            plausible.distribution([ran, refused])
            plausible.worst([ran])
            plausible.kinds([ran])
            plausible.cliffs([ran, {**ran, "layers": [{**layer, "bound": 90}]}])
            plausible.refusals([ran, refused])
        self.assertIn("| all | 2 | 1 | 25.0 % | 25.0 % |", shown.getvalue())
        self.assertIn("| all, limit.py | 2 | 1 | 50.0 % | 50.0 % |", shown.getvalue())
        self.assertIn("| all, with memories | 2 | 1 | 75.0 % | 75.0 % |", shown.getvalue())
        self.assertIn("| 25.0 % | b: conv 1x1 to 4x4x8 | 300 | 100 | compute 67 %, bank 33 % |", shown.getvalue())
        self.assertIn("| pruned | 1 | 1 |", shown.getvalue())
        for name in ("all", "conv 1x1"):
            self.assertIn(f"| {name} | 1 | 1 | 50.00 % | 25.00 | 25.00 |", shown.getvalue())
        self.assertIn("- 1 of 2 layers take more than 3 times their bound: 37.5 % of a", shown.getvalue())
        self.assertIn("- 1 refused, the first vgg_2: op 3 CONV_2D: too large", shown.getvalue())


class Saved(unittest.TestCase):
    def test_a_file_is_replaced_and_a_link_or_device_written_through(self):
        with tempfile.TemporaryDirectory() as name:
            folder = pathlib.Path(name)
            target, link, device = folder / "target.json", folder / "link.json", folder / "device"
            link.symlink_to(target)
            device.symlink_to("/dev/null")
            for text in ("[1]", "[2]"):
                common.save(link, text)
                common.save(device, text)
                self.assertEqual(target.read_text(), text)
            self.assertTrue(link.is_symlink() and device.is_symlink())
            self.assertEqual({path.name for path in folder.iterdir()}, {"target.json", "link.json", "device"})


if __name__ == "__main__":
    unittest.main()
