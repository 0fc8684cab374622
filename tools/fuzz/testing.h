// SPDX-License-Identifier: Apache-2.0
//
// What tests of the compiler and of the machine draw: configurations, shapes, parts of networks.

#pragma once

#include <cstring>
#include <vector>

#include "machine/config.h"
#include "tools/fuzz/builder.h"

namespace trine::fuzz {

/// A configuration that machine::check() accepts.
inline machine::Config small_config(int rows, int cols, int dmem_kib, int pmem_kib, int bus) {
  machine::Config config;
  config.name = "test";
  config.rows = rows;
  config.cols = cols;
  config.dmem_kib = dmem_kib;
  config.pmem_kib = pmem_kib;
  config.axi_data_bits = bus;
  return config;
}

/// A configuration from a seed; `small` memories force parts and pieces.
inline machine::Config random_config(Builder& b) {
  static constexpr int kArrays[][2] = {{1, 1},  {3, 5},   {4, 4},  {8, 8}, {4, 16},
                                       {16, 4}, {16, 16}, {2, 12}, {7, 3}};
  static constexpr int kBuses[] = {32, 64, 128, 256, 512};
  static constexpr int kKib[] = {8, 8, 16, 128};
  const auto& array = kArrays[b.number(0, 8)];
  machine::Config config = small_config(array[0], array[1], kKib[b.number(0, 3)],
                                        kKib[b.number(0, 3)], kBuses[b.number(0, 4)]);
  config.param_channels = b.number(0, 1) == 0 ? 64 : 512;
  return config;
}

/// Sums of 40 bits: the bias in int64, as large beside int16 codes as it was beside int8.
inline void lengthen(model::Tensor& bias) {
  std::vector<std::int64_t> values;
  for (const std::int64_t v : bias.integers()) values.push_back(256 * v);
  bias.type = model::DataType::kInt64;
  bias.data.resize(8 * values.size());
  std::memcpy(bias.data.data(), values.data(), bias.data.size());
}

/// The network of int16 activations: its codes with eight bits more, but those named "narrow".
inline void widen(Builder& b) {
  for (model::Tensor& t : b.graph.tensors) {
    if (t.is_constant || t.type != model::DataType::kInt8 || t.name == "narrow") continue;
    t.type = model::DataType::kInt16;
    t.quantization.zero_point = {0};
    for (float& scale : t.quantization.scale) scale /= 256;
  }
  for (const model::Op& op : b.graph.ops) {
    for (const int operand : model::is_binary(op.kind) ? op.inputs : std::vector<int>{}) {
      model::Tensor& t = b.graph.tensors[static_cast<std::size_t>(operand)];
      if (!t.is_constant || t.type == model::DataType::kInt16) continue;
      t.type = model::DataType::kInt16;
      t.quantization.zero_point = {0};
      for (float& scale : t.quantization.scale) scale /= 256;
      for (std::size_t n = t.data.size(); n > 0; --n)
        t.data.push_back(static_cast<std::uint8_t>(b.number(0, 255)));
    }
    const bool transposed = op.kind == OpKind::kTransposeConv;
    const int last = op.input(transposed ? 3 : 2);
    if (last < 0) continue;
    model::Tensor& t = b.graph.tensors[static_cast<std::size_t>(last)];
    if (op.kind == OpKind::kPadV2) {
      t.type = model::DataType::kInt16;
      t.quantization = b.graph.in(op, 0).quantization;
      t.data.push_back(static_cast<std::uint8_t>(b.number(0, 255)));
    } else if ((transposed || model::is_product(op.kind)) &&
               (op.kind == OpKind::kDepthwiseConv2D || b.number(0, 2) > 0)) {
      lengthen(t);
    }
  }
}

inline Padding random_padding(Builder& b) {
  return b.number(0, 1) == 0 ? Padding::kSame : Padding::kValid;
}

/// A map made from the graph's inputs: one of them, or what the compute or the vector unit writes.
inline int random_map(Builder& b, const std::vector<int>& shape) {
  switch (b.number(0, 3)) {
    case 0:
      return b.unary(b.input(shape), OpKind::kRelu);
    case 1:
    case 2: {
      const int K = b.number(1, 3);
      std::vector<int> from = shape;
      from[3] = b.number(1, 12);
      return b.convolution(b.input(from), shape[3], K, K, 1, 1, 1, 1, Padding::kSame, true);
    }
    default:
      return b.input(shape);
  }
}

inline std::vector<int> random_shape(Builder& b) {
  const bool deep = b.number(0, 4) == 0;
  return {1, b.number(1, 12), b.number(1, 14), deep ? b.number(16, 90) : b.number(1, 18)};
}

/// An operand that broadcasts to the shape, or has it.
inline int random_operand(Builder& b, const std::vector<int>& shape) {
  std::vector<int> part = shape;
  for (std::size_t axis = 1; axis < 4; ++axis)
    if (b.number(0, 2) == 0) part[axis] = 1;
  if (b.number(0, 2) != 0) return random_map(b, part);
  if (part[1] == 1 && b.number(0, 1) == 0) part.erase(part.begin(), part.begin() + 2);
  return b.constant(part);
}

}  // namespace trine::fuzz
