// SPDX-License-Identifier: Apache-2.0

#include "tools/cli/measure/nonzero.h"

#include <fmt/format.h>

#include <algorithm>

namespace trine::cli {
namespace {

using model::DataType;
using model::Graph;
using model::Op;
using model::OpKind;
using model::Tensor;

/// A product as a convolution: [N, H, W, C] and filters [M, R, S, C / groups]. The nonzero weights
/// are counted for each tap and input channel.
struct Filters {
  int R = 1, S = 1, C = 1;
  std::vector<std::int64_t> reading;  ///< [R, S, C]: number of filters with a nonzero weight there
};

bool is_counted(const Graph& graph, const Op& op) {
  if (op.kind != OpKind::kConv2D && op.kind != OpKind::kDepthwiseConv2D &&
      op.kind != OpKind::kFullyConnected)
    return false;
  const Tensor& weights = graph.in(op, 1);
  return weights.is_constant && weights.type == DataType::kInt8 &&
         graph.in(op, 0).type == DataType::kInt8 && !graph.in(op, 0).is_constant;
}

Filters filters_of(const Graph& graph, const Op& op, NonzeroRow& row) {
  const Tensor& weights = graph.in(op, 1);
  const auto codes = weights.values<std::int8_t>();
  const bool depthwise = op.kind == OpKind::kDepthwiseConv2D;
  const bool fully = op.kind == OpKind::kFullyConnected;
  Filters f;
  if (!fully) {
    f.R = weights.extent(1);
    f.S = weights.extent(2);
  }
  const int last = weights.extent(-1);
  f.C = fully ? last : graph.in(op, 0).extent(-1);
  f.reading.resize(static_cast<std::size_t>(f.R * f.S * f.C));
  const int filters = depthwise ? last : weights.extent(0);
  const int taps = f.R * f.S;
  const int groups = depthwise ? f.C : f.C / last;  // depthwise: each channel has its own
  for (std::size_t i = 0; i < codes.size(); ++i) {
    const int at = static_cast<int>(i), channel = at % last;
    const int filter = depthwise ? channel : at / (taps * last);
    if (codes[i] == weights.zero_point(filter)) continue;
    ++row.weights;
    const int group = filter / (filters / groups);
    const int input = depthwise ? group : group * last + channel;
    ++f.reading[static_cast<std::size_t>(at / last % taps * f.C + input)];
  }
  row.weights_all = static_cast<std::int64_t>(codes.size());
  return f;
}

/// Returns true if tap `tap` of an output position reads input position `at`.
bool is_read(int at, int tap, int stride, int dilation, int before, int positions) {
  const int from = at + before - tap * dilation;
  return from >= 0 && from % stride == 0 && from / stride < positions;
}

NonzeroRow row_of(const Graph& graph, const Op& op, const Array& input) {
  NonzeroRow row{op.name, graph.out(op).name};
  const Filters f = filters_of(graph, op, row);
  const Tensor& in = graph.in(op, 0);
  const bool fully = op.kind == OpKind::kFullyConnected;
  const model::Window window = fully ? model::Window{1, 1, 0, 0, 0, 0} : model::window(graph, op);
  const int H = fully ? 1 : in.extent(1), W = fully ? 1 : in.extent(2);
  for (std::size_t i = 0; i < input.bytes.size(); ++i) {
    if (static_cast<std::int8_t>(input.bytes[i]) == in.zero_point()) continue;
    ++row.activations;
    const int at = static_cast<int>(i % static_cast<std::size_t>(f.C * H * W));
    const int c = at % f.C, x = at / f.C % W, y = at / f.C / W;
    for (int r = 0; r < f.R; ++r)
      for (int s = 0; s < f.S; ++s)
        if (is_read(y, r, op.stride_h, op.dilation_h, window.pad_top, window.P) &&
            is_read(x, s, op.stride_w, op.dilation_w, window.pad_left, window.Q))
          row.macs += f.reading[static_cast<std::size_t>((r * f.S + s) * f.C + c)];
  }
  row.activations_all = static_cast<std::int64_t>(input.bytes.size());
  row.macs_all = model::macs(graph, op);
  return row;
}

NonzeroRow sum_of(const std::vector<NonzeroRow>& rows) {
  NonzeroRow sum{"", "all"};
  for (const NonzeroRow& r : rows) {
    sum.weights += r.weights;
    sum.weights_all += r.weights_all;
    sum.activations += r.activations;
    sum.activations_all += r.activations_all;
    sum.macs += r.macs;
    sum.macs_all += r.macs_all;
  }
  return sum;
}

std::string line(const NonzeroRow& r) {
  const auto part = [](std::int64_t some, std::int64_t all) {
    return fmt::format(
        "{:>14} {:5.1f}", grouped(static_cast<std::uint64_t>(some)),
        100.0 * static_cast<double>(some) / static_cast<double>(std::max<std::int64_t>(all, 1)));
  };
  return fmt::format("{:<36.36} {} {} {}\n", r.name, part(r.weights, r.weights_all),
                     part(r.activations, r.activations_all), part(r.macs, r.macs_all));
}

Json json_of(const NonzeroRow& r) {
  return {{"op", r.op},
          {"name", r.name},
          {"weights", r.weights},
          {"weights_all", r.weights_all},
          {"activations", r.activations},
          {"activations_all", r.activations_all},
          {"macs", r.macs},
          {"macs_all", r.macs_all}};
}

}  // namespace

std::vector<NonzeroRow> nonzero_rows(const Graph& graph, const reference::Values& values) {
  std::vector<NonzeroRow> rows;
  for (const Op& op : graph.ops)
    if (is_counted(graph, op)) rows.push_back(row_of(graph, op, values.at(op.input(0))));
  return rows;
}

std::string to_text(const std::vector<NonzeroRow>& rows) {
  if (rows.empty()) return "";
  std::string text = fmt::format("{:<36} {:>20} {:>20} {:>20}\n", "other than zero", "weights, %",
                                 "activations, %", "MACs, %");
  for (const NonzeroRow& r : rows) text += line(r);
  return text + line(sum_of(rows));
}

Json to_json(const std::vector<NonzeroRow>& rows) {
  Json json = Json::array();
  for (const NonzeroRow& r : rows) json.push_back(json_of(r));
  return json;
}

}  // namespace trine::cli
