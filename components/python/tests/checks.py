# SPDX-License-Identifier: Apache-2.0
"""Checks the package. Run by python_test.py in the folder with models, vectors and the command line's messages, without the
source tree."""
import concurrent.futures
import filecmp
import json
import os
import pathlib
import signal
import subprocess
import sys
import time
import unittest

sys.path.insert(0, os.getcwd())  # python -I omits it
import numpy as np  # noqa: E402
import onnx  # noqa: E402
import onnxruntime  # noqa: E402
if "--full" in sys.argv:
    import torch  # noqa: E402
import trine  # noqa: E402

FULL = "--full" in sys.argv
SAID = json.loads(pathlib.Path("said.json").read_text())
INT8 = {"array.precisions": ["int8"]}


def recorded(folder):
    """Returns inputs and outputs of the folder's cases, all along axis 0; and labels."""
    manifest = json.loads(pathlib.Path(folder, "manifest.json").read_text())
    x, y = (np.load(pathlib.Path(folder, f"{n}0.npy")) for n in ("in", "out"))
    return (x.reshape(-1, *x.shape[2:]), y.reshape(-1, *y.shape[2:]), [c.get("label") for c in manifest["cases"]])


class Minute(unittest.TestCase):
    def test_from_import_to_a_verified_network_takes_seconds(self):
        start = time.monotonic()
        script = "import trine; print(trine.verify('lenet.tflite', trine.Config('edge64'), 'vectors')['vectors_exact'])"
        done = subprocess.run([sys.executable, "-B", "-c", script], text=True, stdout=subprocess.PIPE, check=True)
        self.assertEqual(done.stdout, "100\n")
        self.assertLess(time.monotonic() - start, 60)


class Configs(unittest.TestCase):
    def test_presets_files_and_changes(self):
        self.assertIn("edge256", trine.presets())
        config = trine.Config("edge64", {"array.rows": 4}, array={"precisions": ["int8"]}, name="mine")
        self.assertEqual((config["array.rows"], config["array.precisions"], config["name"]), (4, ["int8"], "mine"))
        pathlib.Path("mine.toml").write_text('name = "mine"\n[array]\nrows = 4\nprecisions = ["int8"]\n')
        self.assertEqual(dict(trine.Config("mine.toml"))["array.rows"], 4)
        self.assertEqual(trine.Config("edge64", name="x").hash, trine.Config("edge64").hash)
        self.assertNotEqual(config.hash, trine.Config("edge64").hash)
        twice = trine.Config("edge64", {"post.columns_per_cycle": 2})
        self.assertEqual(twice.hash, trine.Config("edge64").hash)
        self.assertNotEqual(twice.identity, trine.Config("edge64").identity)
        self.assertTrue(str(trine.root).startswith(sys.prefix))


class Floats(unittest.TestCase):
    """Float networks, which are quantized first."""

    def normalized(self, opset):
        """Returns a LayerNormalization of 12 channels in the operators that exporters use before opset 17."""
        constants = {"two": np.float32(2), "epsilon": np.float32(1e-5),
                     "gamma": np.linspace(0.5, 2, 12, dtype=np.float32), "beta": np.linspace(-1, 1, 12, dtype=np.float32)}
        node = onnx.helper.make_node
        graph = onnx.helper.make_graph(
            [node("ReduceMean", ["x"], ["mean"], axes=[-1]), node("Sub", ["x", "mean"], ["centered"]),
             node("Pow", ["centered", "two"], ["square"]), node("ReduceMean", ["square"], ["variance"], axes=[-1]),
             node("Add", ["variance", "epsilon"], ["above"]), node("Sqrt", ["above"], ["deviation"]),
             node("Div", ["centered", "deviation"], ["unit"]), node("Mul", ["unit", "gamma"], ["scaled"]),
             node("Add", ["scaled", "beta"], ["out"])], "g",
            *([onnx.helper.make_tensor_value_info(n, onnx.TensorProto.FLOAT, [1, 12])] for n in ("x", "out")),
            [onnx.numpy_helper.from_array(np.asarray(c), n) for n, c in constants.items()])
        return onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", opset)], ir_version=8)

    def expected(self, model, x):
        """Returns what ONNX Runtime computes from each row of x, without optimizations."""
        plain = onnxruntime.SessionOptions()
        plain.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
        session = onnxruntime.InferenceSession(model, plain, providers=["CPUExecutionProvider"])
        return np.concatenate([session.run(None, {"x": row[None]})[0] for row in x])

    def network(self):
        rng = np.random.default_rng(3)
        w, b = (onnx.numpy_helper.from_array(rng.standard_normal(s).astype(np.float32), n) for n, s in (("w", (12, 8)), ("b", (8,))))
        node = onnx.helper.make_node
        graph = onnx.helper.make_graph(
            [node("MatMul", ["x", "w"], ["y"]), node("Add", ["y", "b"], ["z"]), node("Relu", ["z"], ["out"])], "g",
            [onnx.helper.make_tensor_value_info("x", onnx.TensorProto.FLOAT, [1, 12])],
            [onnx.helper.make_tensor_value_info("out", onnx.TensorProto.FLOAT, [1, 8])], [w, b])
        return onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 17)], ir_version=8)

    def test_a_float_network_is_quantized_and_equals_onnx_runtime(self):
        x = np.random.default_rng(4).standard_normal((30, 12)).astype(np.float32)
        for options in ({}, {"type": "uint8", "per_tensor": True}):
            model = trine.quantize(self.network(), x, **options)
            np.testing.assert_array_equal(trine.compile(model, "edge64").run(x), self.expected(model, x))

    def test_a_normalization_of_several_operators_is_quantized_as_one(self):
        x = np.random.default_rng(5).standard_normal((30, 12)).astype(np.float32)
        for opset in (13, 17):
            model = trine.quantize(self.normalized(opset), x)
            types = [node.op_type for node in onnx.load_from_string(model).graph.node]
            self.assertEqual(set(types), {"QuantizeLinear", "DequantizeLinear", "LayerNormalization"})
            np.testing.assert_array_equal(trine.compile(model, "edge64").run(x), self.expected(model, x))

    def test_files_of_options_are_those_of_the_working_folder(self):
        pathlib.Path("broken.txt").write_text("no choice")
        with self.assertRaisesRegex(trine.Error, "^(?!.*No such file).*broken.txt"):
            trine.quantize(self.network(), np.ones((3, 12), np.float32), mixed=True, choice="broken.txt")

    def test_calibration_of_another_shape_is_refused_as_by_the_command(self):
        with self.assertRaisesRegex(trine.Error, r"--inputs: 0.npy: has the shape \[3, 5\], allowed \[cases, 1, 12\]"):
            trine.quantize(self.network(), np.zeros((3, 5), np.float32))
        with self.assertRaisesRegex(trine.Error, "--type"):
            trine.quantize(self.network(), np.zeros((3, 12), np.float32), type="int5")

    @unittest.skipUnless(FULL, "torch")
    def test_a_module_of_torch_runs_after_one_call(self):
        torch.manual_seed(1)
        module = torch.nn.Sequential(torch.nn.Linear(12, 16), torch.nn.LayerNorm(16), torch.nn.GELU(), torch.nn.Linear(16, 4)).train()
        x = torch.randn(40, 12)
        program = trine.from_torch(module, x[:1], "edge64", calibration=x.numpy())
        self.assertTrue(module.training)
        self.assertLess(abs(program.run(x.numpy()) - module(x).detach().numpy()).max(), 0.1)


class Errors(unittest.TestCase):
    """Compares errors with the command line's messages."""

    def check(self, name, call):
        with self.assertRaises(trine.Error) as raised:
            call()
        self.assertEqual((SAID[name]["code"], SAID[name]["text"]), (2, f"{raised.exception}\n"))

    def test_of_configurations(self):
        self.check("no preset", lambda: trine.Config("edge7"))
        self.check("bad key", lambda: trine.Config("edge64", array={"rows": 999}))
        self.check("unknown key", lambda: trine.Config("edge64", {"array.depth": 2}))

    def test_of_models(self):
        self.check("no file", lambda: trine.compile("nowhere.tflite", "edge64"))
        self.check("no model", lambda: trine.compile("text.txt", "edge64"))
        self.check("refused", lambda: trine.compile("adder.tflite", trine.Config("edge64", vector={"enable": False})))
        self.check("no vectors", lambda: trine.verify("lenet.tflite", "edge64", "nowhere"))
        self.check("other model", lambda: trine.verify("adder.tflite", "edge64", "vectors"))

    def test_of_other_commands(self):
        self.check("no target", lambda: trine.synth("edge32", liberty="nowhere.lib"))
        self.check("no table", lambda: trine.estimate(config="edge64", table="bert-tiny"))
        self.check("lockstep", lambda: trine.compile("lenet.tflite", "edge64").run(recorded("vectors")[0], lockstep=True))

    def test_of_arguments(self):
        program = trine.compile("lenet.tflite", "edge64")
        x = recorded("vectors")[0]
        for call, text in (
                (lambda: program.run(x.astype(np.float32)),
                 "run: is float32 [1, 28, 28, 1], but input 0 of lenet.tflite is int8 [1, 28, 28, 1]"),
                (lambda: program.run(x[0]), "run: is int8 [28, 28, 1], but input 0 of lenet.tflite is int8 [1, 28, 28, 1]"),
                (lambda: program.run(x, x), "run: 2 inputs, but lenet.tflite has 1 input"),
                (lambda: program.run({"picture": x}), "run: inputs picture, lenet has image"),
                (lambda: program.run(x, backend="verilog"), "trine: --backend: verilog not in {rtl,netlist,arch}"),
                (lambda: program.run(x, axi_latency=0), "trine: --axi-latency: Value 0 not in range"),
                (lambda: trine.compile("lenet.tflite", "edge64", rounding="up"), "trine: --rounding: up not in"),
                (lambda: trine.compile("lenet.tflite", "edge64", lstm="up"), "trine: --lstm: up not in"),
                (lambda: trine.compile(b"no model", "edge64", name="mine"), "mine: is not an ONNX model"),
                (lambda: trine.compile("lenet.tflite", "edge64", shape={"H": 28}), "--shape: lenet.tflite is TFLite"),
                (lambda: trine.estimate("lenet.tflite", "edge64", shape={"x": (1, 2)}), "--shape: lenet.tflite is TFLite"),
                (lambda: trine.compile("lenet.tflite", "edge64", shape={"x": ()}), "--shape: x=: extents must be whole"),
                (lambda: trine.synth("edge32", jobs=0), "trine: jobs: 0, allowed 1..256"),
                (lambda: trine.synth("edge32", target="fpga"), "fpga"),
                (lambda: trine.estimate(config="edge64"), "MODEL or --table is required")):
            with self.subTest(text):
                with self.assertRaises(trine.Error) as raised:
                    call()
                self.assertIn(text, str(raised.exception))
                self.assertNotIn("\n", str(raised.exception))


class Programs(unittest.TestCase):
    def test_batches_names_and_single_inputs_agree(self):
        program = trine.compile(pathlib.Path("lenet.tflite").read_bytes(), "edge64", name="bytes")
        x, y, _ = recorded("vectors")
        np.testing.assert_array_equal(program.run(x[7:8]), y[7:8])
        named = program.run({program.inputs[0].name: x[:5]})
        self.assertEqual(list(named), [program.outputs[0].name])
        np.testing.assert_array_equal(named[program.outputs[0].name], y[:5])
        # The machine has no batches, so five inferences take five times the traffic.
        self.assertEqual(len(program.counters), 5)
        np.testing.assert_array_equal(program.run(x[:3], backend="golden"), y[:3])

    def test_layers_and_counters_add_up(self):
        program = trine.compile("lenet.tflite", "edge64")
        self.assertEqual(program.layers.macs.sum(), program.macs)
        program.run(recorded("vectors")[0][:2])
        layers, counters = program.layers, program.counters
        self.assertEqual(layers.cycles.sum(), counters.cycles.max())
        causes = sum(layers[c] for c in program.report["causes"])
        np.testing.assert_array_equal(causes, layers.cycles)
        self.assertEqual(counters.dram_bytes_read.max(), program.report["dram_bytes_read"])
        self.assertTrue(set(layers.bound) <= {"compute", "memory", "drain", "vector", "control"})
        self.assertIn(" inferences/s\n416,520 MACs", str(program.report))

    def test_each_run_has_the_memory_that_it_asks_for(self):
        program = trine.compile("lenet.tflite", "edge64")
        x, y, _ = recorded("vectors")

        def cycles(**memory):
            np.testing.assert_array_equal(program.run(x[:1], **memory), y[:1])
            return int(program.counters.cycles[0])

        usual = cycles()
        narrow = cycles(axi_bytes_per_cycle=1)
        self.assertGreater(narrow, 1.5 * usual)
        self.assertGreater(cycles(axi_latency=500), usual)
        self.assertEqual(cycles(), usual)
        self.assertEqual(cycles(axi_bytes_per_cycle=1), narrow)

    def test_causes_of_layers_that_overlap_add_up(self):
        """Tests layers that share a segment of the timeline, whose cycles were once rounded separately to -1."""
        program = trine.compile("depthwise.tflite", "edge512")
        program.run(*[np.zeros(t.shape, t.dtype) for t in program.inputs])
        causes = np.stack([program.layers[c] for c in program.report["causes"]])
        np.testing.assert_array_equal(causes.sum(axis=0), program.layers.cycles)
        self.assertGreaterEqual(causes.min(), 0)

    def test_the_same_on_the_rtl(self):
        config = trine.Config("edge256", INT8, array={"rows": 3, "cols": 5}, bus={"axi_addr_bits": 40},
                              memory={"dmem_kib": 128, "pmem_kib": 64})
        program = trine.compile("lenet.tflite", config)
        x, y, _ = recorded("vectors")
        expected = program.run(x[:4])
        predicted = program.counters.cycles.copy()
        np.testing.assert_array_equal(program.run(x[:4], backend="rtl"), expected)
        np.testing.assert_array_equal(expected, y[:4])
        self.assertLess(abs(int(program.counters.cycles[0]) - int(predicted[0])), predicted[0] // 10)
        self.assertEqual(program.layers.cycles.sum(), program.counters.cycles.max())
        self.assertEqual(program.report["backend"], "rtl")

    def test_a_program_file_goes_both_ways(self):
        program = trine.compile("lenet.tflite", "edge64")
        program.save("lenet.trine")
        again = trine.load("lenet.trine", "edge64")
        x, y, _ = recorded("vectors")
        np.testing.assert_array_equal(again.run(x[:2]), y[:2])
        self.assertEqual(again.disassembly(), program.disassembly())
        with self.assertRaisesRegex(trine.Error, "compiled for configuration edge64 .*, not for edge128"):
            trine.load("lenet.trine", "edge128")

    def test_open_extents_are_given(self):
        model = pathlib.Path("onnx/mobilenet_v2.onnx").read_bytes()
        fixed = bytes((10, 2, 8, 1, 10, 2, 8, 3, 10, 2, 8, 16, 10, 2, 8, 16))
        self.assertEqual(model.count(fixed), 1)
        opened = model.replace(fixed, fixed[:10] + b"\x12\0" + fixed[12:14] + b"\x12\0")
        with self.assertRaises(trine.Error) as raised:
            trine.compile(opened, "edge64")
        self.assertIn("input 'in' is [1, 3, ?, ?]: extents after the first axis must be known", str(raised.exception))
        shape = {"in": (1, 3, 16, 16)}
        self.assertEqual(trine.compile(opened, "edge64", shape=shape).macs, trine.compile(model, "edge64").macs)
        self.assertEqual(trine.estimate(opened, "edge64", shape=shape)["cycles"],
                         trine.estimate(model, "edge64")["cycles"])

    def test_onnx_models_of_any_source(self):
        for name in ("mnist_binary", "mnist_mixed"):
            x, y, _ = recorded(name)
            program = trine.compile(onnx.load(f"{name}.onnx"), "edge256")
            np.testing.assert_array_equal(program.run(x[:3]), y[:3])

    def test_token_ids_are_int64(self):
        x, y, _ = recorded("bert")
        program = trine.compile("bert.onnx", "edge256")
        self.assertEqual(program.inputs[0].dtype, np.int64)
        for ids, scores in zip(x, y):
            np.testing.assert_array_equal(program.run(ids[None])[0], scores)
        with self.assertRaisesRegex(trine.Error, "int64"):
            program.run(x[:1].astype(np.float32))

    def test_agrees_with_onnx_runtime_in_one_process(self):
        file = "onnx/mobilenet_v2.onnx"
        options = onnxruntime.SessionOptions()
        options.add_session_config_entry("session.x64quantprecision", "1")  # else int16 sums saturate on AVX2 without VNNI
        session = onnxruntime.InferenceSession(file, options, providers=["CPUExecutionProvider"])
        program = trine.compile(file, "edge256")
        random = np.random.default_rng(1)
        feed = {t.name: random.standard_normal((3 * t.shape[0], *t.shape[1:])).astype(t.dtype) for t in program.inputs}
        found = program.run(feed)
        for name, array in found.items():
            theirs = np.concatenate([session.run([name], {k: v[i:i + 1] for k, v in feed.items()})[0] for i in range(3)])
            np.testing.assert_array_equal(array, theirs)

    def test_kept_tensors_have_the_codes_of_the_fast_program(self):
        for file in ("lenet.tflite", "adder.tflite", "mnist_mixed.onnx", "onnx/mobilenet_v2.onnx", "onnx/detector.onnx"):
            fast = trine.compile(file, "edge256")
            slow = trine.compile(file, "edge256", keep_tensors=True)
            random = np.random.default_rng(2)
            feed = {t.name: t.quantize(random.standard_normal(t.shape)) for t in fast.inputs}
            expected, found = fast.run(feed), slow.run(feed)
            self.assertEqual(list(found), list(expected))
            for name in expected:
                np.testing.assert_array_equal(found[name], expected[name])
            kept = slow.tensors
            slow.run(feed, backend="golden")
            self.assertGreater(len(kept), len(fast.tensors) + 3)
            for name, array in kept.items():
                np.testing.assert_array_equal(array, slow.tensors[name], name)

    def test_verify_compares_kept_tensors(self):
        x, y, _ = recorded("vectors")
        report = trine.compile("lenet.tflite", "edge64", keep_tensors=True).verify(x[:2], y[:2])
        self.assertEqual(report["vectors_exact"], 2)
        self.assertGreater(report["codes"], 2 * 28 * 28 * 6)

    def test_codes_and_values(self):
        tensor = trine.compile("lenet.tflite", "edge64").inputs[0]
        values = np.float32([0, 0.25, 1, 1e9, -1e9])
        codes = tensor.quantize(values)
        self.assertEqual(codes.dtype, np.int8)
        self.assertEqual(list(codes[3:]), [127, -128])
        np.testing.assert_allclose(tensor.dequantize(codes)[:3], values[:3], atol=tensor.scale / 2 + 1e-6)


class Commands(unittest.TestCase):
    def test_verify_names_what_differs(self):
        x, y, _ = recorded("vectors")
        self.assertEqual(trine.verify("lenet.tflite", "edge64", (x, y))["vectors_exact"], 100)
        wrong = y.copy()
        wrong[7, 3] += 2
        with self.assertRaises(trine.Mismatch) as raised:
            trine.verify("lenet.tflite", "edge64", (x, wrong))
        self.assertIn("vectors: case7: 1 of 10 codes differ, by up to 2; first output 0 'logits' at 0,3: ", str(raised.exception))
        self.assertEqual(raised.exception.report["vectors_exact"], 99)
        self.assertEqual(trine.verify("lenet.tflite", "edge64", (x, wrong), tolerance=2)["codes_differ"], 1)
        self.assertEqual(trine.verify("lenet.tflite", "edge64", ({"image": x}, {"logits": y}))["vectors_exact"], 100)
        for given, text in (((x, y[:50]), "run: arrays of 100, 50 batches, allowed the same number"),
                            ((x[:1], y[:1, :5]), "output 0 is int8 [1, 5], but the model's tensor 'logits' is int8 [1, 10]")):
            with self.assertRaises(trine.Error) as raised:
                trine.verify("lenet.tflite", "edge64", given)
            self.assertIn(text, str(raised.exception))

    def test_names_of_any_bytes(self):
        model = pathlib.Path("lenet.tflite").read_bytes().replace(b"logits", b"log\xffts")
        x, y, _ = recorded("vectors")
        program = trine.compile(model, "edge64", keep_tensors=True)
        program.run(x[:1])
        self.assertEqual(program.outputs[0].name, "log\ufffdts")
        self.assertIn("log", str(program.report) + program.disassembly())
        with self.assertRaisesRegex(trine.Mismatch, "'log\ufffdts' at 0,0"):
            trine.verify(model, "edge64", (x[:1], y[:1] ^ 1))

    def test_threads_and_interrupts(self):
        program = trine.compile("lenet.tflite", "edge64")
        x, y, _ = recorded("vectors")
        with concurrent.futures.ThreadPoolExecutor() as pool:
            np.testing.assert_array_equal(np.concatenate(list(pool.map(program.run, np.split(x, 5)))), y)
        before = signal.signal(signal.SIGALRM, signal.default_int_handler)
        signal.setitimer(signal.ITIMER_REAL, 0.1)
        with self.assertRaises(KeyboardInterrupt):
            program.run(np.tile(x, (50, 1, 1, 1)))
        signal.signal(signal.SIGALRM, before)
        np.testing.assert_array_equal(program.run(x[:2]), y[:2])

    def test_generate_writes_what_the_command_writes(self):
        made = trine.generate("edge32", "ours")
        self.assertEqual((made["top"], made["configuration_hash"]), ("trine_top", f"0x{trine.Config('edge32').hash:016x}"))
        compared = filecmp.dircmp("generated", "ours")
        self.assertEqual((compared.left_only, compared.right_only, compared.diff_files), ([], [], []))

    def test_estimate_gives_what_the_command_gives(self):
        theirs = json.loads(pathlib.Path("estimate.json").read_text())
        ours = dict(trine.estimate("lenet.tflite", "edge256"))
        for key in ("revision", "command"):
            theirs.pop(key)
            ours.pop(key, None)
        self.assertEqual(ours, theirs)
        self.assertGreater(trine.estimate(config="edge1024", table="bert-base")["cycles"], 1e6)

    @unittest.skipUnless(FULL, "a minute")
    def test_synth_gives_an_area(self):
        report = trine.synth(trine.Config("edge32", INT8), timing=False)
        self.assertGreater(report["gate_equivalents"], 10_000)
        self.assertIn("GE per MAC", str(report))


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0]], verbosity=1)
