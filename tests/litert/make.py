#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Makes networks of tests/torch with litert-torch: int8 TFLite, with LiteRT's outputs.

Install:  pip install torch==2.15.0 onnx==1.19.1 onnxruntime==1.31.1   (what tests/torch/make.py needs)
          pip install --no-deps litert-torch==0.10.0 ai-edge-quantizer==0.10.0 ai-edge-litert==2.3.0
                      litert-converter==0.5.0 litert-lm-builder torchao   (litert-torch asks for an older torch)
          pip install absl-py immutabledict scipy multipledispatch tabulate jax jaxtyping fire transformers sentencepiece
                      kagglehub
Use:      make.py OUT_DIR [NAME...]
For each network OUT_DIR/NAME.tflite and, in OUT_DIR/NAME/, two random inputs with LiteRT's outputs in the form of
components/zoo/record.py. Networks with even numbers except vit are quantized by PyTorch's PT2E before the conversion, the
others by ai-edge-quantizer after it, like trine quantize. Also, in OUT_DIR/float/, one network in the forms that are
refused.
"""
import argparse
import importlib.util
import pathlib
import sys
import tempfile

import ai_edge_quantizer as aeq
import litert_torch
import numpy as np
import torch
from litert_torch.quantize import pt2e_quantizer, quant_config
from torchao.quantization.pt2e import quantize_pt2e

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "components" / "zoo"))
import quantize  # noqa: E402: of this repository
import record  # noqa: E402

spec = importlib.util.spec_from_file_location("networks", ROOT / "tests" / "torch" / "make.py")
networks = importlib.util.module_from_spec(spec)
spec.loader.exec_module(networks)


def by_pt2e(module, inputs, target):
    quantizer = pt2e_quantizer.PT2EQuantizer().set_global(
        pt2e_quantizer.get_symmetric_quantization_config(is_per_channel=True))
    prepared = quantize_pt2e.prepare_pt2e(torch.export.export(module, (inputs[0],)).module(), quantizer)
    for x in inputs:
        prepared(x)
    codes = quantize_pt2e.convert_pt2e(prepared, fold_quantize=False)
    config = quant_config.QuantConfig(pt2e_quantizer=quantizer)
    litert_torch.convert(codes, (inputs[0],), quant_config=config).export(str(target))


def by_ai_edge(module, inputs, target):
    with tempfile.TemporaryDirectory() as folder:
        plain, examples = pathlib.Path(folder) / "plain.tflite", pathlib.Path(folder) / "x.npy"
        litert_torch.convert(module, (inputs[0],)).export(str(plain))
        np.save(examples, np.concatenate([x.numpy() for x in inputs]))
        quantize.quantize_tflite(argparse.Namespace(model=plain, calibration=examples, out=target, type="int8",
                                                    method="minmax", per_tensor=False))


def make(name, number, out):
    module, inputs = networks.trained(name, number)
    target = out / f"{name}.tflite"
    by = by_pt2e if number % 2 == 0 and name != "vit" else by_ai_edge  # a transformer by each: causal, vit
    by(module, [torch.from_numpy(x) for x in inputs], target)
    runtime = record.load(target, target.read_bytes())
    record.record(target, out / name, record.random_cases(runtime.inputs, 2, number, (-2, 2)), layers_of=(),
                  runtime=runtime)


def make_floats(folder):
    """Makes networks without codes of activations, as users may have them."""
    folder.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(1)
    module = torch.nn.Sequential(torch.nn.Conv2d(3, 8, 3), torch.nn.ReLU(), torch.nn.Flatten(), torch.nn.Linear(288, 5))
    plain = folder / "float32.tflite"
    litert_torch.convert(module.eval(), (torch.zeros(1, 3, 8, 8),)).export(str(plain))
    halves = aeq.recipe_manager.RecipeManager()
    kind = aeq.qtyping
    halves.add_quantization_config(
        regex=".*", operation_name=kind.TFLOperationName.ALL_SUPPORTED,
        algorithm_key=aeq.recipe_manager.AlgorithmName.FLOAT_CASTING,
        op_config=kind.OpQuantizationConfig(
            weight_tensor_config=kind.TensorQuantizationConfig(num_bits=16, dtype=kind.TensorDataType.FLOAT),
            compute_precision=kind.ComputePrecision.FLOAT, explicit_dequantize=True))
    for name, recipe in (("float16", halves.get_quantization_recipe()), ("dynamic", aeq.recipe.dynamic_wi8_afp32()),
                         ("weights", aeq.recipe.weight_only_wi8_afp32()), ("weights_int4", aeq.recipe.weight_only_wi4_afp32())):
        result = aeq.quantizer.Quantizer(str(plain), recipe).quantize()
        (folder / f"{name}.tflite").write_bytes(bytes(result.quantized_model))


if __name__ == "__main__":
    networks.make_all(make)
    if len(sys.argv) == 2 or "float" in sys.argv[2:]:
        make_floats(pathlib.Path(sys.argv[1]) / "float")
