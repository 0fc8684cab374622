// SPDX-License-Identifier: Apache-2.0

#include "sw/compiler/network.h"

#include <algorithm>
#include <cstdint>
#include <map>
#include <numeric>
#include <optional>
#include <set>

#include "sw/base/error.h"
#include "sw/model/shapes.h"

namespace trine::compiler {
namespace {

using model::Graph;
using model::Op;
using model::OpKind;
using model::Tensor;
using reference::ChannelScale;

constexpr ChannelScale kOne{1 << 30, 1};

std::size_t at(int i) { return static_cast<std::size_t>(i); }

std::string with_tensor(const Graph& graph, const Op& op, int tensor) {
  return fmt::format("{}: tensor {} '{}'", model::label(graph, op), tensor,
                     graph.tensor(tensor).name);
}

/// Ranges of positions along one axis whose windows have the same number of taps inside.
struct TapRange {
  int begin, end, taps;
};

std::vector<TapRange> tap_ranges(int positions, int taps, int stride, int pad, int extent) {
  std::vector<TapRange> ranges;
  for (int p = 0; p < positions; ++p) {
    const int first = p * stride - pad;
    const int inside = std::min(first + taps, extent) - std::max(first, 0);
    if (ranges.empty() || ranges.back().taps != inside) ranges.push_back({p, p, inside});
    ranges.back().end = p + 1;
  }
  return ranges;
}

constexpr int kMostThresholds = 32;  ///< 16 passes of a pair

/// 1/n, just above it, so that one rounding of sum/n sends halves away from zero.
ChannelScale reciprocal(std::int64_t n) {
  int s = 30;
  while ((std::int64_t{1} << s) / n + 1 < std::int64_t{1} << 30) ++s;
  return {static_cast<std::int32_t>((std::int64_t{1} << s) / n + 1), 31 - s};
}

class Lowering {
 public:
  Lowering(const Graph& graph, const gen::Config& config, const reference::RoundingPolicy& rounding)
      : graph_(graph), config_(config), rounding_(rounding) {}

  Network run() {
    machine_ = partition(graph_, net_);
    for (const int i : machine_)
      for (const int t : op(i).inputs)
        if (t >= 0) ++readers_[t];
    for (const int t : net_.output_tensors) ++readers_[t];
    for (const int i : machine_)
      for (const int t : op(i).outputs) producer_[t] = i;
    find_fused_additions();
    find_fused_thresholds();
    packing_ = choose_packing(graph_, machine_);
    for_each_op([&](int i) { check_precisions(op(i)); });
    for (const int t : net_.input_tensors) add_input(t);
    for_each_op([&](int i) {
      if (fused_into_.count(i) == 0) lower(i);
    });
    for (const int t : net_.output_tensors) {
      net_.outputs.push_back(map_of(t));
      net_.maps[at(map_of(t))].output = true;
    }
    set_lifetimes(net_);
    return std::move(net_);
  }

 private:
  /// Calls step(index) for the machine's operators in order. @throws Error  with all errors of
  /// operators whose inputs had none
  template <typename Step>
  void for_each_op(Step step) {
    std::string errors;
    std::set<int> missing;  // tensors
    for (const int i : machine_) {
      const auto& inputs = op(i).inputs;
      const bool hopeless =
          std::any_of(inputs.begin(), inputs.end(), [&](int t) { return missing.count(t) > 0; });
      try {
        if (!hopeless) step(i);
      } catch (const Error& e) {
        errors += std::string(errors.empty() ? "" : "\n") + e.what();
        missing.insert(op(i).outputs.begin(), op(i).outputs.end());
      }
      if (hopeless) missing.insert(op(i).outputs.begin(), op(i).outputs.end());
    }
    if (!errors.empty()) throw Error(errors);
  }

  const Op& op(int i) const { return graph_.ops[at(i)]; }

  [[noreturn]] void fail(const Op& o, const std::string& what) const {
    throw Error(model::label(graph_, o) + ": " + what);
  }

  // ---- maps -------------------------------------------------------------------------------------

  int add_map(int tensor, const Shape& shape) {
    Map map;
    map.name = graph_.tensor(tensor).name;
    map.tensor = tensor;
    map.shape = shape;
    map.shape.per_word =
        graph_.tensor(tensor).type == model::DataType::kInt32 ? 1 : packing_of(tensor);
    net_.maps.push_back(map);
    return static_cast<int>(net_.maps.size()) - 1;
  }

  /// An input that is only reshaped has the new shape from the start: the host lays it out.
  void add_input(int tensor) {
    const Tensor& t = graph_.tensor(tensor);
    if (t.type != model::DataType::kInt8)
      throw_error("{}: input '{}' is {}, the machine takes int8", graph_.file, t.name,
                  model::name_of(t.type));
    int shaped = tensor;
    for (bool again = true; again && readers_[shaped] == 1;) {
      again = false;
      for (const int i : machine_)
        if (is_reshape(op(i).kind) && op(i).input(0) == shaped) {
          shaped = op(i).outputs[0];
          again = true;
          break;
        }
    }
    const int map =
        add_map(tensor, shape_of(graph_.tensor(shaped).shape, "tensor '" + t.name + "'"));
    net_.maps[at(map)].input = true;
    map_of_[tensor] = map;
    net_.inputs.push_back(map);
  }

  /// Codes of a word.
  int packing_of(int tensor) const {
    const auto found = packing_.find(tensor);
    return found == packing_.end() ? 4 : found->second;
  }

  /// The configuration needs every precision in which an operator's codes are packed.
  void check_precisions(const Op& o) const {
    const auto require = [&](int tensor, int bits) {
      if (bits == 8 ? config_.int8 : bits == 2 ? config_.ternary : config_.binary) return;
      const char* name = bits == 8 ? "int8" : bits == 2 ? "ternary" : "binary";
      throw_error("{} is {}, array.precisions lacks \"{}\"", with_tensor(graph_, o, tensor), name,
                  name);
    };
    const auto is_map = [&](int t) {
      return t >= 0 && graph_.tensor(t).type == model::DataType::kInt8;
    };
    if (is_product(o.kind) && is_map(o.input(0)) && is_map(o.input(1)))
      require(o.input(1), weight_bits(o, packing_of(o.input(0))));
    for (const auto* tensors : {&o.inputs, &o.outputs})
      for (const int t : *tensors)
        if (is_map(t) && !graph_.tensor(t).is_constant) require(t, 32 / packing_of(t));
  }

  /// Whether an int8 map's bytes beyond the last channel are zero: the vector unit's are not.
  bool zero_beyond(int tensor) const {
    const int from = producer_of(tensor);
    if (from < 0) return true;
    const OpKind kind = op(from).kind;
    if (is_reshape(kind) || kind == OpKind::kMaxPool2D || kind == OpKind::kPad)
      return zero_beyond(op(from).input(0));
    return is_product(kind) || kind == OpKind::kThreshold;
  }

  /// Of a product whose activations lie `per_word` in a word: theirs, but int8 activations take
  /// narrower weights.
  int weight_bits(const Op& o, int per_word) const {
    if (per_word != 4) return 32 / per_word;
    const Tensor& x = graph_.in(o, 0);
    const int bits = bits_of(graph_.in(o, 1).encoding);
    // Binary weights beyond the last channel are -1, ternary ones 0.
    const int from = producer_of(o.input(0));
    const bool reshaped = from >= 0 && is_reshape(op(from).kind);  // then channels are others
    if (bits != 1 || (x.extent(-1) % 4 == 0 && !reshaped) ||
        (x.zero_point() == 0 && zero_beyond(o.input(0))))
      return bits;
    return config_.ternary ? 2 : 8;
  }

  /// The map that holds a tensor; constants become maps when they are read.
  int map_of(int tensor) {
    const auto found = map_of_.find(tensor);
    if (found != map_of_.end()) return found->second;
    const Tensor& t = graph_.tensor(tensor);
    if (!t.is_constant) throw_error("{}: tensor '{}' was not computed", graph_.file, t.name);
    const int map = add_map(tensor, shape_of(t.shape, "tensor '" + t.name + "'"));
    net_.maps[at(map)].codes = t.values<std::int8_t>();
    return map_of_[tensor] = map;
  }

  int new_output(const Op& o, const Shape& shape) {
    const int map = add_map(o.outputs[0], shape);
    map_of_[o.outputs[0]] = map;
    return map;
  }

  const Shape& shape(int map) const { return net_.maps[at(map)].shape; }

  /// The map of an image operator's input, whose shape must be the tensor's own.
  int image(const Op& o, int position) {
    const int tensor = o.input(position);
    const int map = map_of(tensor);
    if (!(shape_of(graph_.tensor(tensor).shape, with_tensor(graph_, o, tensor)) == shape(map)))
      fail(o, fmt::format("tensor {} '{}' is a reshaped map; only FULLY_CONNECTED and elementwise "
                          "operators read those",
                          tensor, graph_.tensor(tensor).name));
    return map;
  }

  // ---- layers -----------------------------------------------------------------------------------

  static bool is_reshape(OpKind kind) {
    return kind == OpKind::kReshape || kind == OpKind::kSqueeze || kind == OpKind::kExpandDims;
  }

  static bool is_product(OpKind kind) {
    return is_convolution(kind) || kind == OpKind::kFullyConnected;
  }

  static bool is_convolution(OpKind kind) {
    return kind == OpKind::kConv2D || kind == OpKind::kDepthwiseConv2D;
  }

  Layer start(const Op& o, LayerKind kind) const {
    Layer layer;
    layer.kind = kind;
    layer.label = model::label(graph_, o);
    layer.op = o.name;
    layer.name = graph_.out(o).name;
    layer.macs = model::macs(graph_, o);
    layer.single = rounding_.of(o) != reference::Rounding::kDouble;
    return layer;
  }

  /// Sums of convolutions may stay int32.
  void check_types(const Op& o) const {
    if (is_product(o.kind) && graph_.out(o).type == model::DataType::kInt32) return;
    for (const int t : o.outputs)
      if (graph_.tensor(t).type != model::DataType::kInt8)
        throw_error("{} is {}, the machine computes int8", with_tensor(graph_, o, t),
                    model::name_of(graph_.tensor(t).type));
  }

  /// Whether the machine has to round halves to even for the operator's codes. @pre constant
  /// weights
  bool needs_half_even(const Op& o) const {
    if (!o.half_even) return false;
    const HalfEven way = half_even(graph_, o);
    if (way == HalfEven::kNoWay)
      fail(o, fmt::format("tensor {} '{}' rounds halves to even, and sums of the machine's rounded "
                          "terms can be off by one code",
                          o.outputs[0], graph_.out(o).name));
    return way == HalfEven::kNeeded;
  }

  void lower(int index) {
    const Op& o = op(index);
    check_types(o);
    switch (o.kind) {
      case OpKind::kConv2D:
      case OpKind::kDepthwiseConv2D:
      case OpKind::kFullyConnected:
        return product(index);
      case OpKind::kThreshold:
        if (threshold_of_.count(producer_of(o.input(0))) > 0) return;  // done with its product
        fail(o, fmt::format("tensor {} '{}': thresholds are taken from the sums of CONV_2D and "
                            "FULLY_CONNECTED without another reader",
                            o.input(0), graph_.in(o, 0).name));
      case OpKind::kAdd:
        return addition(index);
      case OpKind::kMaxPool2D:
        return max_pool(o);
      case OpKind::kAveragePool2D:
        return average_pool(o);
      case OpKind::kMean:
        return mean(o);
      case OpKind::kPad:
      case OpKind::kPadV2:
        return pad(o);
      case OpKind::kRelu:
      case OpKind::kRelu6:
      case OpKind::kReluN1To1:
      case OpKind::kQuantize:
        return requantize(o);
      case OpKind::kReshape:
      case OpKind::kSqueeze:
      case OpKind::kExpandDims:
        map_of_[o.outputs[0]] = map_of(o.input(0));
        return;
      default:
        fail(o, fmt::format("tensor {} '{}': the machine has no such operator", o.outputs[0],
                            graph_.out(o).name));
    }
  }

  void add_layer(const Op& o, Layer layer) {
    const Shape out{layer.kind == LayerKind::kConv ? layer.channels : shape(layer.input).C,
                    layer.window.P, layer.window.Q};
    layer.output = new_output(o, out);
    net_.layers.push_back(std::move(layer));
  }

  void set_window(const Op& o, Layer& layer, int R, int S) const {
    const model::Window w = model::window(graph_, o);
    Geometry& g = layer.window;
    g.H = shape(layer.input).H;
    g.W = shape(layer.input).W;
    g.P = w.P;
    g.Q = w.Q;
    g.R = R;
    g.S = S;
    g.stride_y = o.stride_h;
    g.stride_x = o.stride_w;
    g.dil_y = o.dilation_h;
    g.dil_x = o.dilation_w;
    g.pad_top = w.pad_top;
    g.pad_left = w.pad_left;
    layer.words = shape(layer.input).channel_words();
  }

  /// A window of one tap over the whole map.
  void set_pointwise(Layer& layer) const {
    const Shape& s = shape(layer.input);
    layer.window = {};
    layer.window.H = layer.window.P = s.H;
    layer.window.W = layer.window.Q = s.W;
    layer.words = s.channel_words();
  }

  void set_arithmetic(const Op& o, Layer& layer) const {
    for (const int position : {1, 2})
      if (o.input(position) >= 0 && !graph_.in(o, position).is_constant)
        throw_error("{} is computed, the machine takes constant weights",
                    with_tensor(graph_, o, o.input(position)));
    set_scales(o, layer);
    layer.zero_point = graph_.in(o, 0).zero_point();
    layer.outside = layer.zero_point;
    if (const int zero_point = graph_.in(o, 1).zero_point(); zero_point != 0)
      throw_error("{} has zero point {}, the machine multiplies by codes, allowed 0",
                  with_tensor(graph_, o, o.input(1)), zero_point);
    set_precision(o, layer);
    layer.weights.assign(at(layer.channels) * at(layer.steps()) * at(layer.step_codes), 0);
    layer.bias.assign(at(layer.channels), 0);
    if (o.input(2) >= 0) {
      const auto bias = graph_.in(o, 2).integers();
      for (std::size_t m = 0; m < layer.bias.size(); ++m) layer.bias[m] = reference::wrap(bias[m]);
    }
  }

  /// Sums that stay int32 have no scale.
  void set_scales(const Op& o, Layer& layer) const {
    if (graph_.out(o).type == model::DataType::kInt32) {
      layer.result = Output::kRaw;
      layer.channels = graph_.in(o, 1).extent(0);
      layer.scales.assign(at(layer.channels), kOne);
      layer.per_tensor = true;
      return;
    }
    layer.half_even = needs_half_even(o);
    const reference::ConvParams p = reference::conv_params(graph_, o);
    layer.scales = p.scales;
    layer.channels = static_cast<int>(p.scales.size());
    layer.per_tensor = std::all_of(p.scales.begin(), p.scales.end(),
                                   [&](const ChannelScale& s) { return s == p.scales[0]; });
    layer.range = p.output;
  }

  /// Activations are packed as their map is; weights no wider, where an operation has them.
  void set_precision(const Op& o, Layer& layer) const {
    using Operation = isa::compute::Op;
    const Shape& in = shape(layer.input);
    const int bits = weight_bits(o, in.per_word);
    layer.precision = in.per_word == 32   ? Operation::kBinary
                      : in.per_word == 16 ? Operation::kTernary
                      : bits == 8         ? Operation::kInt8
                      : bits == 2         ? Operation::kInt8Ternary
                                          : Operation::kInt8Binary;
    layer.step_codes = in.per_word;
    layer.steps_per_row = 32 / in.per_word / bits;
    if (layer.former.steps > 0) layer.steps_per_row = config_.window_steps_per_row();
  }

  /// A code in all places of a byte.
  static int packed_byte(int code, int per_word) {
    const std::uint32_t place = pack_code(code, per_word, 0);
    const std::uint32_t byte = per_word == 32   ? place * 0xff
                               : per_word == 16 ? place * 0x55
                                                : place;
    return static_cast<std::int8_t>(byte & 0xff);
  }

  /// Sum of the weights of channel m.
  static std::int64_t weight_sum(const Layer& layer, int m) {
    const std::size_t taps = at(layer.steps()) * at(layer.step_codes);
    const auto first = layer.weights.begin() + static_cast<std::ptrdiff_t>(at(m) * taps);
    return std::accumulate(first, first + static_cast<std::ptrdiff_t>(taps), std::int64_t{0});
  }

  /// sum (x - z) * w = sum x * w - z * sum w
  void fold_zero_point(Layer& layer) const {
    for (int m = 0; m < layer.channels && layer.zero_point != 0; ++m)
      layer.bias[at(m)] =
          reference::wrap(layer.bias[at(m)] - layer.zero_point * weight_sum(layer, m));
    layer.pad_code = packed_byte(layer.outside, shape(layer.input).per_word);
    set_sweeps(layer, shape(layer.input));
  }

  static std::int8_t& weight(Layer& layer, int m, int ky, int kx, int c) {
    const int step = (c / layer.step_codes * layer.window.R + ky) * layer.window.S + kx;
    return layer.weights[(at(m) * at(layer.steps()) + at(step)) * at(layer.step_codes) +
                         at(c % layer.step_codes)];
  }

  /// Of input channel c of the whole map, where groups read words of their own.
  static std::int8_t& tap_weight(Layer& layer, int m, int ky, int kx, int c) {
    if (layer.former.steps == 0)
      return weight(layer, m, ky, kx, c - layer.first_word(m) * layer.step_codes);
    const TapPlace place = *place_of(layer.former, layer.window, kx);
    const int step = ky * layer.former.steps + place.step;
    return layer.weights[(at(m) * at(layer.steps()) + at(step)) * 4 + at(place.lane)];
  }

  static std::int32_t saturated(std::int64_t x) {
    return static_cast<std::int32_t>(std::clamp<std::int64_t>(x, INT32_MIN, INT32_MAX));
  }

  // ---- thresholds -------------------------------------------------------------------------------

  int producer_of(int tensor) const {
    const auto found = producer_.find(tensor);
    return found == producer_.end() ? -1 : found->second;
  }

  void find_fused_thresholds() {
    for (const int i : machine_) {
      if (op(i).kind != OpKind::kThreshold) continue;
      const int from = producer_of(op(i).input(0));
      if (from >= 0 && is_product(op(from).kind) && readers_[op(i).input(0)] == 1 &&
          graph_.in(op(i), 0).type == model::DataType::kInt32)
        threshold_of_[from] = i;
    }
  }

  Layer product_layer(const Op& o) {
    return o.kind == OpKind::kFullyConnected ? fully_connected(o) : convolution(o);
  }

  void product(int index) {
    const Op& o = op(index);
    Layer layer = product_layer(o);
    const auto threshold = threshold_of_.find(index);
    if (threshold == threshold_of_.end()) return add_layer(o, std::move(layer));
    const Op& t = op(threshold->second);
    set_thresholds(t, layer);
    layer.op += "+" + t.name;
    layer.name = graph_.out(t).name;
    add_layer(t, std::move(layer));
  }

  /// acc + bias >= T as acc >= T - bias. A code `step` above the one before takes as many
  /// thresholds, but a bit is one, whatever it stands for.
  void set_thresholds(const Op& t, Layer& layer) const {
    const Tensor& table = graph_.in(t, 1);
    const auto values = table.integers();
    const int K = table.extent(1);
    const bool bit = packing_of(t.outputs[0]) == 32;
    const int copies = bit ? 1 : t.step;
    if (t.step < 1 || K * copies > kMostThresholds || (bit && K != 1))
      fail(t,
           fmt::format("tensor {} '{}' has {} thresholds of step {}, allowed 1..{} with a positive "
                       "step",
                       t.input(1), table.name, K, t.step, kMostThresholds));
    layer.result = Output::kThresholds;
    layer.per_tensor = false;
    layer.low = bit ? 0 : t.low;
    layer.passes = (K * copies + 1) / 2;
    for (int m = 0; m < layer.channels; ++m) {
      const std::size_t row = table.extent(0) == 1 ? 0 : at(m) * at(K);
      for (int k = 0; k < K; ++k)
        for (int copy = 0; copy < copies; ++copy)
          layer.thresholds.push_back(saturated(values[row + at(k)] - layer.bias[at(m)]));
      if (K * copies % 2 != 0) layer.thresholds.push_back(INT32_MAX);
    }
  }

  Layer convolution(const Op& o) {
    Layer layer = start(o, LayerKind::kConv);
    std::optional<int> outside;
    const auto folded = folded_pads_.find(o.input(0));
    if (folded != folded_pads_.end())
      layer.input = folded->second.map;
    else
      layer.input = image(o, 0);
    const Tensor& filter = graph_.in(o, 1);
    set_window(o, layer, filter.extent(1), filter.extent(2));
    if (folded != folded_pads_.end()) {
      layer.window.pad_top += folded->second.top;
      layer.window.pad_left += folded->second.left;
      outside = folded->second.code;
      layer.op = "PAD+" + layer.op;
    }
    const bool depthwise = o.kind == OpKind::kDepthwiseConv2D;
    const int groups = depthwise ? graph_.in(o, 0).extent(3) : model::groups(graph_, o);
    const int depth = depthwise ? 1 : filter.extent(3);
    const int per_group = (depthwise ? filter.extent(3) : filter.extent(0)) / groups;
    set_groups(layer, groups, depth, per_group);
    set_arithmetic(o, layer);
    if (outside) layer.outside = *outside;
    const auto codes = filter.values<std::int8_t>();
    const auto code = [&](int m, int ky, int kx, int c) {
      const int tap = ky * layer.window.S + kx;
      return depthwise ? codes[at(tap) * at(layer.channels) + at(m)]
                       : codes[(at(m) * at(layer.window.R * layer.window.S) + at(tap)) * at(depth) +
                               at(c)];
    };
    for (int m = 0; m < layer.channels; ++m)
      for (int ky = 0; ky < layer.window.R; ++ky)
        for (int kx = 0; kx < layer.window.S; ++kx)
          for (int c = 0; c < depth; ++c)
            tap_weight(layer, m, ky, kx, m / per_group * depth + c) = code(m, ky, kx, c);
    fold_zero_point(layer);
    return layer;
  }

  /// So many groups of channels are joined as fill whole words on both sides; zeros stand for what
  /// they don't share. Depthwise convolutions use the window former where there is one.
  void set_groups(Layer& layer, int groups, int depth, int per_group) const {
    const Shape& in = shape(layer.input);
    int joined = 1;
    const auto whole = [&](int n) {
      return n * depth % in.per_word == 0 && n * per_group % 4 == 0 &&
             (groups % n == 0 || n * depth == in.per_word);
    };
    while (joined < groups && !whole(joined)) ++joined;
    if (in.per_word != 4) return;
    if (depth == 1 && per_group == 1 && config_.window()) {
      layer.group_channels = 4;
      layer.words = 1;
      layer.former = best_former(layer.window, config_.rows);
    } else if (joined < groups) {
      layer.group_channels = joined * per_group;
      layer.words = joined * depth / in.per_word;
    }
  }

  /// Over [N, K]: a 1x1 filter on N pixels, or, where K is a whole image, a filter of that size.
  Layer fully_connected(const Op& o) {
    Layer layer = start(o, LayerKind::kConv);
    layer.input = map_of(o.input(0));
    const Shape s = shape(layer.input);
    const int K = graph_.in(o, 1).extent(1);
    set_pointwise(layer);
    const bool whole = K != s.C;
    if (whole) {
      if (s.pixels() * s.C != K)
        fail(o, fmt::format("tensor {} '{}': {} values a row over a map of {} x {} x {}",
                            o.input(0), graph_.in(o, 0).name, K, s.H, s.W, s.C));
      layer.window.R = s.H;
      layer.window.S = s.W;
      layer.window.P = layer.window.Q = 1;
    }
    set_arithmetic(o, layer);
    const auto codes = graph_.in(o, 1).values<std::int8_t>();
    std::size_t from = 0;
    for (int m = 0; m < layer.channels; ++m)
      for (int ky = 0; ky < layer.window.R; ++ky)
        for (int kx = 0; kx < layer.window.S; ++kx)
          for (int c = 0; c < s.C; ++c) weight(layer, m, ky, kx, c) = codes[from++];
    fold_zero_point(layer);
    return layer;
  }

  // ---- additions --------------------------------------------------------------------------------

  /// The convolution that can take an ADD into its post unit: its code has no other reader.
  std::optional<int> fusable(const Op& add, int position) {
    const int tensor = add.input(position);
    const auto producer = producer_.find(tensor);
    if (producer == producer_.end() || readers_[tensor] != 1) return std::nullopt;
    const Op& o = op(producer->second);
    if (!is_product(o.kind)) return std::nullopt;
    if (rounding_.of(o) != rounding_.of(add)) return std::nullopt;
    return producer->second;
  }

  /// The longer reduction hides more of the second pass.
  void find_fused_additions() {
    for (const int i : machine_) {
      const Op& add = op(i);
      if (add.kind != OpKind::kAdd || graph_.in(add, 0).shape != graph_.in(add, 1).shape ||
          add.input(0) == add.input(1))
        continue;
      std::optional<int> best;
      for (const int position : {0, 1}) {
        const auto candidate = fusable(add, position);
        if (candidate &&
            (!best || model::macs(graph_, op(*candidate)) > model::macs(graph_, op(*best)))) {
          best = candidate;
          fused_position_[i] = position;
        }
      }
      if (!best) continue;
      fused_into_[*best] = i;
      fused_[i] = *best;
    }
  }

  void addition(int index) {
    const Op& o = op(index);
    const auto fused = fused_.find(index);
    const int first = fused == fused_.end() ? 0 : fused_position_[index];
    Layer layer =
        fused == fused_.end() ? start(o, LayerKind::kAdd) : product_layer(op(fused->second));
    layer.half_even = needs_half_even(o) || layer.half_even;
    layer.add = reference::add_params(graph_, o);
    if (first == 1) {
      std::swap(layer.add.input[0], layer.add.input[1]);
      std::swap(layer.add.zero_point[0], layer.add.zero_point[1]);
    }
    layer.second = map_of(o.input(1 - first));
    if (fused == fused_.end()) {
      layer.input = map_of(o.input(0));
      set_pointwise(layer);
    } else {
      layer.fuse_add = true;
      layer.op += "+ADD";
      layer.name = graph_.out(o).name;
    }
    const Shape out{fused == fused_.end() ? shape(layer.input).C : layer.channels, layer.window.P,
                    layer.window.Q};
    if (!(shape(layer.second) == out))
      fail(o, fmt::format("tensor {} '{}' is {} x {} x {}, the other operand {} x {} x {}; "
                          "broadcasts are not supported",
                          o.input(1 - first), graph_.in(o, 1 - first).name, shape(layer.second).H,
                          shape(layer.second).W, shape(layer.second).C, out.H, out.W, out.C));
    add_layer(o, std::move(layer));
  }

  // ---- vector operators -------------------------------------------------------------------------

  void max_pool(const Op& o) {
    Layer layer = start(o, LayerKind::kMax);
    layer.input = image(o, 0);
    set_window(o, layer, o.filter_h, o.filter_w);
    // The lowest code.
    const int per_word = shape(layer.input).per_word;
    layer.pad_code = packed_byte(per_word == 4 ? -128 : -1, per_word);
    const reference::OutputRange range = reference::pool_params(graph_, o).output;
    add_layer(o, std::move(layer));
    if (range.act_min > -128 || range.act_max < 127) clamp(o, range);
  }

  /// A further layer that only clamps the codes of the map that `o` has just made.
  void clamp(const Op& o, const reference::OutputRange& range) {
    Layer layer = start(o, LayerKind::kSum);
    layer.input = map_of(o.outputs[0]);
    set_pointwise(layer);
    layer.single = true;
    layer.range = range;
    layer.regions = {{{0, layer.window.P, 0, layer.window.Q}, kOne, 0}};
    add_layer(o, std::move(layer));
  }

  void average_pool(const Op& o) {
    needs_half_even(o);
    Layer layer = start(o, LayerKind::kSum);
    layer.input = image(o, 0);
    set_window(o, layer, o.filter_h, o.filter_w);
    layer.single = true;
    layer.range = reference::pool_params(graph_, o).output;
    const Geometry& g = layer.window;
    for (const TapRange& y : tap_ranges(g.P, g.R, g.stride_y, g.pad_top, g.H))
      for (const TapRange& x : tap_ranges(g.Q, g.S, g.stride_x, g.pad_left, g.W))
        layer.regions.push_back(
            {{y.begin, y.end, x.begin, x.end}, reciprocal(std::int64_t{y.taps} * x.taps), 0});
    add_layer(o, std::move(layer));
  }

  void mean(const Op& o) {
    Layer layer = start(o, LayerKind::kSum);
    const std::vector<bool> axes = model::reduced_axes(graph_, o).value();
    if (axes.size() != 4 || axes[0] || axes[3])
      fail(o, fmt::format("tensor {} '{}': only means over height and width of a rank 4 tensor",
                          o.input(0), graph_.in(o, 0).name));
    layer.input = image(o, 0);
    set_pointwise(layer);
    Geometry& g = layer.window;
    if (axes[1]) {
      g.R = g.H;
      g.P = 1;
    }
    if (axes[2]) {
      g.S = g.W;
      g.Q = 1;
    }
    layer.half_even = needs_half_even(o);
    const reference::MeanParams p = reference::mean_params(graph_, o);
    layer.range = p.output;
    layer.regions = {{{0, g.P, 0, g.Q}, p.scale, p.bias}};
    add_layer(o, std::move(layer));
  }

  void requantize(const Op& o) {
    if (graph_.in(o, 0).type != model::DataType::kInt8)
      throw_error("{} is {}, the machine reads int8", with_tensor(graph_, o, o.input(0)),
                  model::name_of(graph_.in(o, 0).type));
    Layer layer = start(o, LayerKind::kSum);
    layer.input = map_of(o.input(0));
    set_pointwise(layer);
    layer.half_even = needs_half_even(o);
    const reference::RequantizeParams p = reference::requantize_params(graph_, o);
    layer.range = p.output;
    layer.regions = {{{0, layer.window.P, 0, layer.window.Q}, p.scale, -p.zero_point}};
    add_layer(o, std::move(layer));
  }

  // ---- padding ----------------------------------------------------------------------------------

  struct FoldedPad {
    int map, top, left, code;
  };

  void pad(const Op& o) {
    const auto sides = model::paddings(graph_, o);
    const int rank = graph_.in(o, 0).rank();
    for (int i = 0; i < rank; ++i)
      if (rank != 4 || i == 0 || i == 3)
        if (sides[at(i)].first != 0 || sides[at(i)].second != 0)
          fail(o, fmt::format("tensor {} '{}': only height and width of rank 4 can be padded",
                              o.input(0), graph_.in(o, 0).name));
    const int map = image(o, 0);
    const int top = rank == 4 ? static_cast<int>(sides[1].first) : 0;
    const int left = rank == 4 ? static_cast<int>(sides[2].first) : 0;
    const int zero_point = graph_.out(o).zero_point();
    const int code =
        o.kind == OpKind::kPadV2 ? static_cast<int>(graph_.in(o, 2).integers().at(0)) : zero_point;
    if (only_convolutions_read(o.outputs[0]) &&
        (code == zero_point || !padded_again(o.outputs[0]))) {
      folded_pads_[o.outputs[0]] = {map, top, left, code};
      return;
    }
    if (graph_.in(o, 0).shape == graph_.out(o).shape) {
      map_of_[o.outputs[0]] = map;
      return;
    }
    const int bits = 32 / shape(map).per_word;
    if (bits == 1 ? code != -1 && code != 1 : bits == 2 && (code < -1 || code > 1))
      fail(o, fmt::format("tensor {} '{}' is padded with {}, which {} bits do not hold", o.input(0),
                          graph_.in(o, 0).name, code, bits));
    Layer layer = start(o, LayerKind::kMax);
    layer.input = map;
    set_pointwise(layer);
    layer.window.P = graph_.out(o).extent(1);
    layer.window.Q = graph_.out(o).extent(2);
    layer.window.pad_top = top;
    layer.window.pad_left = left;
    layer.pad_code = packed_byte(code, shape(map).per_word);
    add_layer(o, std::move(layer));
  }

  /// Whether a convolution over the tensor has a border of its own, which is the zero point.
  bool padded_again(int tensor) const {
    return std::any_of(machine_.begin(), machine_.end(), [&](int i) {
      if (!is_convolution(op(i).kind) || op(i).input(0) != tensor) return false;
      const model::Window w = model::window(graph_, op(i));
      return w.pad_top + w.pad_bottom + w.pad_left + w.pad_right > 0;
    });
  }

  bool only_convolutions_read(int tensor) {
    int count = 0;
    for (const int i : machine_)
      if (is_convolution(op(i).kind) && op(i).input(0) == tensor) ++count;
    return count > 0 && count == readers_[tensor];
  }

  const Graph& graph_;
  const gen::Config& config_;
  reference::RoundingPolicy rounding_;
  Network net_;
  std::vector<int> machine_;
  std::map<int, int> readers_, producer_, map_of_;
  std::map<int, int> fused_into_, fused_, fused_position_;  ///< conv -> add, add -> conv
  std::map<int, int> threshold_of_;                         ///< conv -> threshold
  std::map<int, int> packing_;                              ///< tensor -> codes of a word
  std::map<int, FoldedPad> folded_pads_;
};

}  // namespace

void set_lifetimes(Network& network) {
  for (Map& map : network.maps) map.producer = map.first_use = map.last_use = -1;
  for (int i = 0; i < static_cast<int>(network.layers.size()); ++i) {
    const Layer& layer = network.layers[at(i)];
    for (const int m : {layer.input, layer.second}) {
      if (m < 0) continue;
      Map& map = network.maps[at(m)];
      if (map.first_use < 0) map.first_use = i;
      map.last_use = i;
    }
    network.maps[at(layer.output)].producer = i;
  }
}

Network lower(const Graph& graph, const gen::Config& config,
              const reference::RoundingPolicy& rounding) {
  model::check(graph);
  return Lowering(graph, config, rounding).run();
}

}  // namespace trine::compiler
