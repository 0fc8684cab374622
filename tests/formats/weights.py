#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Records files of weights that gguf and safetensors write, and the float32 values that they read from them.

usage: weights.py --record            weights.gguf, weights.safetensors and weights.npy here, for llm_test
       weights.py --wide N DUMP       N random files of each format through DUMP (ninja llm_dump), values bit for bit
                                      with keys, types and shapes; exit code 1 if one differs
Needs gguf 0.19.0, safetensors 0.8.0, ml_dtypes 0.6.0 and numpy of PyPI.
"""
import json
import pathlib
import subprocess
import sys
import tempfile

import gguf
import ml_dtypes
import numpy as np
import safetensors
import safetensors.numpy

HERE = pathlib.Path(__file__).resolve().parent
Q = gguf.GGMLQuantizationType
PLAIN = {Q.F32: np.float32, Q.F16: np.float16}
TYPES = [Q.F32, Q.F16, Q.BF16, Q.Q8_0, Q.Q4_0, Q.Q4_1, Q.Q5_0, Q.Q5_1, Q.Q4_K, Q.Q5_K, Q.Q6_K, Q.TQ1_0, Q.TQ2_0, Q.MXFP4]
QUANTIZED_BY_ORACLE = {Q.BF16, Q.Q8_0, Q.Q4_0, Q.Q4_1, Q.Q5_0, Q.Q5_1, Q.TQ1_0, Q.TQ2_0, Q.MXFP4}
DTYPES = {"F32": np.float32, "F16": np.float16, "BF16": ml_dtypes.bfloat16, "I8": np.int8, "U8": np.uint8}
HALVES = {Q.F16: [0], Q.Q8_0: [0], Q.Q4_0: [0], Q.Q4_1: [0, 2], Q.Q5_0: [0], Q.Q5_1: [0, 2], Q.Q4_K: [0, 2],
          Q.Q5_K: [0, 2], Q.Q6_K: [208], Q.TQ1_0: [52], Q.TQ2_0: [64]}  # offsets of scales


def block_bytes(random, kind, rows, columns, finite):
    """Returns random bytes [rows, bytes]; `finite`: no scale is infinite or NaN."""
    elements, size = gguf.GGML_QUANT_SIZES[kind]
    blocks = random.integers(0, 256, (rows * columns // elements, size), dtype=np.uint8)
    if finite:
        for place in HALVES.get(kind, []):
            blocks[:, place + 1] &= 0xBF  # exponents below 16
        if kind in (Q.F32, Q.BF16):
            blocks[:, -1] &= 0xBF
    return blocks.reshape(rows, -1)


def dequantized(data, kind):
    with np.errstate(all="ignore"):
        if kind in PLAIN:
            return data.view(PLAIN[kind]).astype(np.float32)
        return gguf.quants.dequantize(data, kind).astype(np.float32)


def write_gguf(path, random, tensors, keys, finite):
    """@return {name: values}"""
    writer = gguf.GGUFWriter(path, "llama")
    for key, (value, kind) in keys.items():
        if isinstance(value, list):
            writer.add_array(key, value)
        else:
            writer.add_key_value(key, value, kind)
    values = {}
    for name, kind, shape in tensors:
        rows, columns = int(np.prod(shape[:-1])), shape[-1]
        if kind in QUANTIZED_BY_ORACLE and random.integers(2):
            data = gguf.quants.quantize(random.normal(size=(rows, columns)).astype(np.float32), kind)
            data = data.view(np.uint8).reshape(rows, -1)
        else:
            data = block_bytes(random, kind, rows, columns, finite)
        values[name] = dequantized(data, kind)
        stored = data.view(PLAIN[kind]).reshape(shape) if kind in PLAIN else data.reshape(*shape[:-1], -1)
        writer.add_tensor(name, stored, raw_dtype=None if kind in PLAIN else kind)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    reader = gguf.GGUFReader(path)  # the reference reads its own file
    for t in reader.tensors:
        read = dequantized(np.ascontiguousarray(t.data).view(np.uint8).reshape(-1, t.data.shape[-1] * t.data.itemsize),
                           t.tensor_type)
        assert same_bits(read.reshape(-1), values[t.name].reshape(-1)), t.name
    return values


def write_safetensors(path, random, tensors, finite):
    arrays, values = {}, {}
    for name, kind, shape in tensors:
        size = np.dtype(DTYPES[kind]).itemsize
        data = random.integers(0, 256, (int(np.prod(shape)), size), dtype=np.uint8)
        if finite and kind in ("F32", "F16", "BF16"):
            data[:, -1] &= 0xBF
        arrays[name] = data.view(DTYPES[kind]).reshape(shape)
    safetensors.numpy.save_file(arrays, path, metadata={"format": "pt"})
    for name, array in safetensors.numpy.load_file(path).items():
        values[name] = array.astype(np.float32)
    return values


def same_bits(a, b):
    """Compares bits; NaN may have any payload."""
    a, b = (np.asarray(v, np.float32).reshape(-1) for v in (a, b))
    return a.size == b.size and bool(np.all((a.view(np.uint32) == b.view(np.uint32)) | (np.isnan(a) & np.isnan(b))))


def record():
    random = np.random.default_rng(47)
    keys = {"general.name": ("ünder", gguf.GGUFValueType.STRING), "a.u8": (200, gguf.GGUFValueType.UINT8),
            "a.i8": (-7, gguf.GGUFValueType.INT8), "a.u16": (65535, gguf.GGUFValueType.UINT16),
            "a.i16": (-32768, gguf.GGUFValueType.INT16), "a.u32": (4000000000, gguf.GGUFValueType.UINT32),
            "a.i32": (-5, gguf.GGUFValueType.INT32), "a.f32": (0.5, gguf.GGUFValueType.FLOAT32),
            "a.bool": (True, gguf.GGUFValueType.BOOL), "a.u64": (1 << 40, gguf.GGUFValueType.UINT64),
            "a.i64": (-(1 << 40), gguf.GGUFValueType.INT64), "a.f64": (0.1, gguf.GGUFValueType.FLOAT64),
            "a.texts": (["<s>", "", "é"], None), "a.numbers": ([1.5, -2.0], None), "a.integers": ([3, -4], None)}
    tensors = [(f"t.{kind.name}", kind, (256,) if i % 2 else (1, 256)) for i, kind in enumerate(TYPES)]
    ggufs = write_gguf(HERE / "weights.gguf", random, tensors, keys, True)
    others = write_safetensors(HERE / "weights.safetensors", random, [(f"t.{d}", d, (3, 5)) for d in DTYPES], True)
    values = [source[name].reshape(-1) for source in (ggufs, others) for name in sorted(source)]
    np.save(HERE / "weights.npy", np.concatenate(values))


def random_shape(random, elements):
    shape = [int(random.integers(1, 4)) for _ in range(int(random.integers(0, 4)))]
    return (*shape, elements * int(random.integers(1, 3)))


def parsed(path):
    """Returns [(name, type, shape, values)] from DUMP's output."""
    data, place, found = path.read_bytes(), 0, []
    while place < len(data):
        end = data.index(b"\n", place)
        entry = json.loads(data[place:end])
        count = int(np.prod(entry["shape"], dtype=np.int64))
        values = np.frombuffer(data, np.float32, count, end + 1)
        found.append((entry["name"], entry["type"], entry["shape"], values))
        place = end + 1 + 4 * count
    return found


def differs(path, tensors, values):
    found = {name: (kind, shape, v) for name, kind, shape, v in parsed(path)}
    if set(found) != set(values):
        return f"tensors {sorted(found)}"
    for name, kind, shape in tensors:
        text = kind if isinstance(kind, str) else kind.name
        if found[name][0] != text or found[name][1] != list(shape):
            return f"{name}: {found[name][:2]}, written {text} {shape}"
        if not same_bits(found[name][2], values[name]):
            return f"{name}: {text}: other values"
    return None


def wide(count, dump):
    worst, seen = 0, 0
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        for seed in range(count):
            random = np.random.default_rng(seed)
            kinds = random.choice(len(TYPES), random.integers(1, 6))
            tensors = [(f"blk.{i}.t", TYPES[k], random_shape(random, gguf.GGML_QUANT_SIZES[TYPES[k]][0]))
                       for i, k in enumerate(kinds)]
            others = [(f"model.{i}", str(random.choice(list(DTYPES))), random_shape(random, int(random.integers(1, 40))))
                      for i in range(int(random.integers(1, 6)))]
            cases = [(folder / "a.gguf", tensors, write_gguf(folder / "a.gguf", random, tensors, {}, False)),
                     (folder / "a.safetensors", others, write_safetensors(folder / "a.safetensors", random, others, False))]
            subprocess.run([dump] + [c[0] for c in cases], check=True)
            for path, wanted, values in cases:
                problem = differs(path.with_name(path.name + ".values"), wanted, values)
                seen += sum(v.size for v in values.values())
                if problem:
                    print(f"seed {seed}: {path.name}: {problem}")
                    worst = 1
    print(f"{count:,} files of each format, {seen:,} values: {'DIFFER' if worst else 'all equal'}")
    return worst


def main():
    if sys.argv[1:] == ["--record"]:
        return record()
    if len(sys.argv) == 4 and sys.argv[1] == "--wide":
        return wide(int(sys.argv[2]), sys.argv[3])
    print(__doc__)
    return 2


if __name__ == "__main__":
    sys.exit(main())
