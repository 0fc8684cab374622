#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Records the value of each code of the low-bit formats, from other libraries: tables.json, with which
reference_golden_test compares the readers and packers.

usage: record.py [OUT]     needs ml_dtypes 0.6.0, gguf 0.19.0, onnx 1.19.1 and numpy of PyPI
`onnx/TYPE`: both codes of each byte, the first one low. `ml_dtypes/TYPE`: all codes. `gguf/TYPE`: a block of scale 1
with all codes, in the order of its channels, and its bytes after the scale.
"""
import json
import pathlib
import sys

import gguf
import ml_dtypes
import numpy as np
import onnx

HERE = pathlib.Path(__file__).resolve().parent
FLOATS = {"float4_e2m1fn": 16, "float6_e2m3fn": 64, "float6_e3m2fn": 64}
BLOCKS = {"Q4_0": np.frombuffer(np.float16(1).tobytes(), np.uint8), "MXFP4": np.array([127], np.uint8)}


def values(array):
    """Converts -0 to 0, because JSON readers may not distinguish them."""
    return [float(v) + 0.0 for v in np.asarray(array).astype(np.float64).reshape(-1)]


def of_onnx(name):
    tensor = onnx.TensorProto(data_type=getattr(onnx.TensorProto, name), dims=[512], raw_data=bytes(range(256)))
    return values(onnx.numpy_helper.to_array(tensor))


def of_gguf(name):
    codes = np.arange(16, dtype=np.uint8)
    block = np.concatenate([BLOCKS[name], codes | (15 - codes) << 4])
    return {"bytes": block[len(BLOCKS[name]):].tolist(),
            "values": values(gguf.quants.dequantize(block, getattr(gguf.GGMLQuantizationType, name)))}


def main():
    tables = {f"onnx/{name}": of_onnx(name) for name in ("INT4", "UINT4", "FLOAT4E2M1")}
    tables |= {f"ml_dtypes/{name}": values(np.arange(count, dtype=np.uint8).view(getattr(ml_dtypes, name)))
               for name, count in FLOATS.items()}
    tables |= {f"gguf/{name}": of_gguf(name) for name in BLOCKS}
    out = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else HERE / "tables.json"
    out.write_text("{\n" + ",\n".join(f"{json.dumps(k)}: {json.dumps(v)}" for k, v in tables.items()) + "\n}\n")


if __name__ == "__main__":
    main()
