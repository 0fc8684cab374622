// SPDX-License-Identifier: Apache-2.0

#include "tools/random/networks.h"

#include <algorithm>
#include <cstring>
#include <set>

#include "spec/minifloat.h"
#include "sw/model/check/check.h"
#include "sw/model/graph/refusal.h"
#include "sw/model/rewrite/expand.h"
#include "tools/random/transformer.h"

namespace trine::fuzz {

using model::DataType;

namespace {

/// The families to draw from, likely ones several times, followed by those that are only drawn on
/// request.
const std::vector<Family> kFamilies{
    Family::kImages,       Family::kImages, Family::kImages,   Family::kMatrices, Family::kMatrices,
    Family::kTransformers, Family::kLowBit, Family::kExported, Family::kChains,   Family::kChains,
    Family::kChains,       Family::kInt16,  Family::kCells,    Family::kDecoders, Family::kFormats,
    Family::kSpikes,       Family::kParts,  Family::kGates,    Family::kExchange, Family::kTosa};
constexpr int kDrawn = 11;

bool is_legal(const model::Graph& graph) try {
  model::check(graph);
  return true;
} catch (const model::Refusal&) {
  return false;
}

}  // namespace

const std::vector<std::string>& family_names() {
  static const std::vector<std::string> kNames{
      "images",   "matrices", "transformers", "low-bit", "exported", "chains",   "int16", "cells",
      "decoders", "formats",  "spikes",       "parts",   "gates",    "exchange", "tosa"};
  return kNames;
}

Record choice_of(const std::vector<Family>& families, std::uint64_t random) {
  if (families.empty()) return {};
  Record places;
  for (std::size_t i = 0; i < kFamilies.size(); ++i)
    if (std::ranges::find(families, kFamilies[i]) != families.end())
      places.push_back(static_cast<std::int32_t>(i));
  return {places[random % places.size()]};
}

Family make_network(Builder& b) {
  const int last = static_cast<int>(kFamilies.size()) - 1;
  const Family family = kFamilies[static_cast<std::size_t>(b.number(0, kDrawn - 1, last))];
  switch (family) {
    case Family::kImages:
      make_images(b);
      break;
    case Family::kMatrices:
      make_matrices(b);
      break;
    case Family::kTransformers:
      transformer_block(b, random_block_shape(b, once_in(b, 8) ? 128 : 24, 128));
      break;
    case Family::kLowBit:
      make_low_bit(b);
      break;
    case Family::kExported:
      make_exported(b);
      break;
    case Family::kChains:
      make_chains(b);
      break;
    case Family::kInt16:
      make_int16(b);
      break;
    case Family::kCells:
      make_cells(b);
      break;
    case Family::kFormats:
      make_formats(b);
      break;
    case Family::kSpikes:
      make_spikes(b);
      break;
    case Family::kParts:
      make_parts(b);
      break;
    case Family::kGates:
      make_gates(b);
      break;
    case Family::kExchange:
      make_exchange(b);
      break;
    case Family::kTosa:
      make_tosa(b);
      return family;
    case Family::kDecoders:
      return family;
  }
  set_outputs(b);
  if (family == Family::kCells && once_in(b, 2)) keep_states(b);
  const bool of_images =
      family == Family::kImages || family == Family::kChains || family == Family::kInt16;
  if (of_images && once_in(b, 4)) make_planar(b);
  if (of_images && once_in(b, 4)) narrow(b);
  const model::Graph drawn = b.graph;
  try {
    b.graph = model::expanded(std::move(b.graph));
  } catch (const model::Refusal&) {
    if (is_legal(drawn)) throw;
    b.graph = drawn;  // model::check() reports why it is illegal
  }
  return family;
}

namespace {

/// Makes all tensors that no operator reads outputs. @return the tensors that operators read
std::set<int> set_unread_outputs(model::Graph& graph) {
  std::set<int> read;
  for (const model::Op& op : graph.ops) read.insert(op.inputs.begin(), op.inputs.end());
  graph.outputs.clear();
  for (const model::Op& op : graph.ops)
    for (const int t : op.outputs)
      if (read.count(t) == 0) graph.outputs.push_back(t);
  return read;
}

/// Returns true if the tensor is between SPACE_TO_BATCH_ND and BATCH_TO_SPACE_ND, which are
/// supported only together and if no other operator reads it.
bool is_between_batches(const model::Graph& graph, int t) {
  return std::any_of(graph.ops.begin(), graph.ops.end(), [&](const model::Op& op) {
    return (op.name == "SPACE_TO_BATCH_ND" && op.outputs[0] == t) ||
           (op.name == "BATCH_TO_SPACE_ND" && op.inputs[0] == t);
  });
}

}  // namespace

void keep_operators(model::Graph& graph, int first, int count) {
  const auto all = static_cast<int>(graph.ops.size());
  first = std::min(first, all);
  const auto begin = graph.ops.begin() + first;
  graph.ops = std::vector<model::Op>(begin, begin + std::min(count, all - first));
  std::set<int> known;
  graph.inputs.clear();
  for (const model::Op& op : graph.ops) {
    for (const int t : op.inputs)
      if (t >= 0 && !graph.tensor(t).is_constant && known.insert(t).second)
        graph.inputs.push_back(t);
    known.insert(op.outputs.begin(), op.outputs.end());
  }
  set_unread_outputs(graph);
}

void set_outputs(Builder& b) {
  const std::set<int> read = set_unread_outputs(b.graph);
  const auto last = static_cast<int>(b.graph.ops.size()) - 1;
  if (last < 1 || !once_in(b, 6)) return;
  const int extra = b.graph.ops[static_cast<std::size_t>(b.number(0, last))].outputs[0];
  const model::Tensor& t = b.graph.tensor(extra);
  if (is_between_batches(b.graph, extra)) return;
  const bool codes =
      t.type == DataType::kInt8 || t.type == DataType::kUInt8 || t.type == DataType::kInt16;
  if (read.count(extra) == 0 || !codes) return;
  b.graph.outputs.push_back(extra);
}

namespace {

/// Extends codes to 16 bits with these high bytes. @param ends  -128 and 127 become -32768 and
/// 32767
/// @param around_zero  -4..3 instead
void lengthen(Builder& b, bool ends, bool around_zero, Array& codes) {
  std::vector<std::uint8_t> bytes;
  for (const std::uint8_t high : codes.bytes) {
    const bool end = ends && (high == 0x7f || high == 0x80);
    int code = high * 256 + (end ? (high == 0x7f ? 0xff : 0) : b.content(0, 255));
    if (around_zero) code = high % 8 - 4;
    bytes.insert(bytes.end(),
                 {static_cast<std::uint8_t>(code), static_cast<std::uint8_t>(code >> 8)});
  }
  codes.dtype = "i2";
  codes.bytes = std::move(bytes);
}

/// Rounds int16 codes to the nearest values of a format, because a tensor of the format contains no
/// other codes.
void be_values(spec::Format format, Array& codes) {
  for (std::size_t i = 0; i + 1 < codes.bytes.size(); i += 2) {
    std::int16_t code = 0;
    std::memcpy(&code, &codes.bytes[i], sizeof code);
    code = static_cast<std::int16_t>(spec::nearest(format, code, 0));
    std::memcpy(&codes.bytes[i], &code, sizeof code);
  }
}

}  // namespace

Array random_codes(Builder& b, int tensor) {
  Array codes = b.random_array(tensor);
  const model::Tensor& t = b.graph.tensor(tensor);
  if (t.type == DataType::kUInt8) codes.dtype = "u1";
  const int kind = b.number(0, 5);
  const auto [low, high] = model::range_of(t.encoding);
  for (std::uint8_t& code : codes.bytes) {
    if (t.encoding == model::Encoding::kBinary)
      code = (code & 1) != 0 ? 1 : 0xff;
    else if (t.encoding != model::Encoding::kInt8)
      code = static_cast<std::uint8_t>(code % (high - low + 1) + low);
    else if (kind == 4)  // ends
      code = (code & 1) != 0 ? 0x7f : 0x80;
    else if (kind == 5 && code < 0xf0)  // mostly one code
      code = 0x80;
  }
  if (t.type == DataType::kInt16) lengthen(b, kind >= 4, kind == 3, codes);
  if (t.type == DataType::kInt16 && t.format != spec::Format::kNone) be_values(t.format, codes);
  if (t.type == DataType::kInt32) {
    codes.dtype = "i4";
    std::vector<std::uint8_t> bytes;  // the highest byte of each element
    for (const std::uint8_t high : codes.bytes)
      for (int byte = 0; byte < 4; ++byte)
        bytes.push_back(byte == 3 ? high : static_cast<std::uint8_t>(b.content(0, 255)));
    codes.bytes = std::move(bytes);
  }
  return codes;
}

void use_one_scale(model::Graph& graph) {
  for (model::Tensor& t : graph.tensors)
    if (t.name == "weights") {
      t.quantization.scale.resize(1);
      t.quantization.zero_point.resize(1);
    }
}

void shift_weights(Builder& b) {
  for (model::Tensor& t : b.graph.tensors) {
    if (t.name != "weights") continue;
    const int zero_point = b.number(-128, 127), most = b.number(0, 2) * 60 + 10;
    for (std::uint8_t& code : t.data.edit()) {
      const bool far = b.content(0, 30) == 0;
      const int w =
          far ? b.content(-128, 127) : std::clamp(zero_point + b.content(-most, most), -128, 127);
      code = static_cast<std::uint8_t>(w);
    }
    t.quantization.zero_point = {zero_point};
  }
}

void prune(Builder& b) {
  const bool readers = b.number(0, 1) == 1;
  for (model::Tensor& t : b.graph.tensors) {
    if (t.name != "weights") continue;
    const bool depthwise = t.rank() == 4 && t.shape[0] == 1;
    const std::size_t channels = static_cast<std::size_t>(t.extent(-1));
    const std::size_t row = depthwise ? 1 : t.data.size() / static_cast<std::size_t>(t.shape[0]);
    const int share = b.content(0, 4), unread = readers ? b.content(0, 3) : 0;
    const auto drawn = [&](std::size_t count, int of_four) {
      std::vector<bool> some(count);
      for (std::size_t i = 0; i < count; ++i) some[i] = b.content(0, 3) < of_four;
      return some;
    };
    const auto filters = drawn(depthwise ? channels : t.data.size() / row, share);
    const auto inputs = drawn(channels, unread);
    for (std::size_t i = 0; i < t.data.size(); ++i)
      if (filters[depthwise ? i % channels : i / row] || (!depthwise && inputs[i % channels]))
        t.data.edit()[i] = static_cast<std::uint8_t>(t.zero_point());
  }
}

void narrow(Builder& b) {
  for (model::Tensor& t : b.graph.tensors) {
    if (t.name != "weights" || t.type != DataType::kInt8 || t.zero_point() != 0 || once_in(b, 3))
      continue;
    for (std::uint8_t& code : t.data.edit())
      code = static_cast<std::uint8_t>(((code & 15) ^ 8) - 8);
    t.encoding = model::Encoding::kInt4;
  }
}

void make_unsigned(model::Graph& graph) {
  for (model::Tensor& t : graph.tensors) {
    if (t.type != DataType::kInt8) continue;
    t.type = DataType::kUInt8;
    for (std::int64_t& zero_point : t.quantization.zero_point) zero_point += 128;
    for (std::uint8_t& code : t.data.edit()) code ^= 0x80;
  }
}

void make_planar(Builder& b) {
  const std::vector<std::vector<int>> orders{
      {0, 2, 3, 1}, {0, 2, 3, 1}, {0, 3, 2, 1}, {0, 1, 3, 2}, {0, 2, 1, 3}};
  const auto turned = [&](int tensor, const std::vector<int>& order) {
    model::Tensor other = b.graph.tensor(tensor);
    for (std::size_t i = 0; i < order.size(); ++i)
      other.shape[static_cast<std::size_t>(order[i])] = b.graph.tensor(tensor).shape[i];
    return b.graph.add(std::move(other));
  };
  for (int& t : b.graph.inputs) {
    if (b.graph.tensor(t).rank() != 4) continue;
    const std::vector<int> order = any(b, orders);
    const int planes = turned(t, order);
    b.graph.ops.insert(b.graph.ops.begin(),
                       model::op_of(OpKind::kTranspose, 0, {planes, b.integers(order)}, {t}));
    t = planes;
  }
  for (int& t : b.graph.outputs) {
    if (b.graph.tensor(t).rank() != 4 || once_in(b, 3)) continue;
    std::vector<int> order = any(b, orders), back(4);
    for (std::size_t i = 0; i < 4; ++i)
      back[static_cast<std::size_t>(order[i])] = static_cast<int>(i);
    const int planes = turned(t, order);
    b.graph.ops.push_back(model::op_of(OpKind::kTranspose, 0, {t, b.integers(back)}, {planes}));
    t = planes;
  }
}

void make_batch(Builder& b, int n) {
  for (model::Tensor& t : b.graph.tensors)
    if (!t.is_constant && t.rank() > 0) t.shape[0] *= n;
  for (model::Op& op : b.graph.ops) {
    if (op.kind == OpKind::kTransposeConv) op.inputs[0] = b.integers(b.graph.out(op).shape);
    if (op.kind != OpKind::kStridedSlice) continue;
    std::vector<int> end;
    for (const std::int64_t i : b.graph.in(op, 2).integers()) end.push_back(static_cast<int>(i));
    end[0] = n;
    op.inputs[2] = b.integers(end);
  }
}

}  // namespace trine::fuzz
