// SPDX-License-Identifier: Apache-2.0

#include "components/regress/layer_types.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "sw/base/division.h"
#include "sw/model/graph/operators.h"
#include "tools/random/int16.h"
#include "tools/random/low_bit.h"
#include "tools/random/networks.h"
#include "tools/random/transformer.h"

namespace trine::regress {
namespace {

using fuzz::Builder;
using fuzz::LowBitNet;
using model::Encoding;
using model::OpKind;
using model::Padding;
using Build = std::function<void(Builder&, const Corner&)>;

constexpr const char* kFraction = "fraction";  ///< name of tensors in Q0.15 (tools/random/int16.h)

int map_of(Builder& b, const Corner& c) { return b.input({1, c.H, c.W, c.C}); }
int tokens_of(Builder& b, const Corner& c) { return b.input({c.H * c.W, c.C}); }

// ---- products -----------------------------------------------------------------------------------

struct Filter {
  int R = 1, S = 1, stride = 1, dilation = 1;
  Padding padding = Padding::kSame;
  bool per_channel = true;
};

/// Returns the smallest input in which the filter fits.
Corner fitting(const Corner& c, const Filter& f) {
  return c.at_least((f.R - 1) * f.dilation + 1, (f.S - 1) * f.dilation + 1);
}

Build convolution(Filter f, int groups = 1) {
  return [=](Builder& b, const Corner& corner) {
    Corner c = fitting(corner, f);
    c.C = round_up(c.C, groups);
    b.convolution(map_of(b, c), static_cast<int>(round_up(c.M, groups)), f.R, f.S, f.stride,
                  f.stride, f.dilation, f.dilation, f.padding, f.per_channel, groups);
  };
}

Build depthwise(Filter f, int multiplier = 1) {
  return [=](Builder& b, const Corner& corner) {
    const Corner c = fitting(corner, f);
    b.depthwise(map_of(b, c), multiplier, f.R, f.S, f.stride, f.stride, f.dilation, f.dilation,
                f.padding, f.per_channel);
  };
}

Build transposed(int size, int stride, Padding padding) {
  return [=](Builder& b, const Corner& c) {
    const auto extent = [&](int in) {
      return padding == Padding::kSame ? in * stride : (in - 1) * stride + size;
    };
    b.transpose_convolution(map_of(b, c), c.M, size, size, stride, stride, extent(c.H), extent(c.W),
                            padding, true);
  };
}

void fully_connected(Builder& b, const Corner& c) { b.fully_connected(tokens_of(b, c), c.C, c.M); }

/// Changes the weights of another network.
Build with_weights(Build build, void (*change)(Builder&, model::Tensor&)) {
  return [=](Builder& b, const Corner& c) {
    build(b, c);
    for (model::Tensor& t : b.graph.tensors)
      if (t.name == "weights") change(b, t);
  };
}

void narrow_to_4_bits(Builder&, model::Tensor& weights) {
  for (std::uint8_t& code : weights.data.edit())
    code = static_cast<std::uint8_t>(((code & 15) ^ 8) - 8);
  weights.encoding = Encoding::kInt4;
}

Build groups_of(int block) {
  return [=](Builder& b, const Corner& c) {
    const int K = static_cast<int>(round_up(c.C, block));
    b.fully_connected(b.input({c.H * c.W, K}), K, c.M);
    fuzz::set_groups(b, block);
  };
}

// ---- low bits -----------------------------------------------------------------------------------

/// Continues the builder's network with codes of few bits.
Build low_bit(std::function<void(LowBitNet&, const Corner&)> build) {
  return [=](Builder& b, const Corner& c) {
    LowBitNet net(std::move(b));
    build(net, c);
    b = std::move(net);
  };
}

/// Adds a product and thresholds; the results are codes of `out`.
Build thresholds(Encoding in, Encoding weights, Encoding out, int size) {
  return low_bit([=](LowBitNet& net, const Corner& corner) {
    const Corner c = corner.at_least(size, size);
    const int x = net.input({1, c.H, c.W, c.C}, in);
    const Padding padding = in == Encoding::kBinary ? Padding::kValid : Padding::kSame;
    net.threshold(net.convolution(x, c.M, size, 1, padding, weights), out);
  });
}

Build raw_sums(Encoding codes) {
  return low_bit([=](LowBitNet& net, const Corner& c) {
    const int x = net.input({1, c.H, c.W, c.C}, codes);
    net.fully_connected(net.flat(x), c.M, codes);
  });
}

Build pooled_codes(Encoding codes) {
  return low_bit([=](LowBitNet& net, const Corner& corner) {
    const Corner c = corner.at_least(3, 3);
    const int x = net.input({1, c.H, c.W, c.C}, codes);
    const int y = net.threshold(net.convolution(x, c.M, 1, 1, Padding::kValid, codes), codes);
    net.max_pool(y, 2, 2, Padding::kValid);
  });
}

// ---- pools, pairs, functions --------------------------------------------------------------------

Build pool(bool max, int R, int S, int stride, Padding padding) {
  return [=](Builder& b, const Corner& corner) {
    const Corner c = corner.at_least(R, S);
    b.pool(map_of(b, c), max, R, S, stride, stride, padding);
  };
}

Build reduction(OpKind kind, std::vector<int> axes) {
  return [=](Builder& b, const Corner& c) { b.reduction(map_of(b, c), axes, kind); };
}

/// The second operand of a pair.
enum class Operand { kMap, kChannels, kPixels, kOne };

Build pair(OpKind kind, Operand operand) {
  return [=](Builder& b, const Corner& c) {
    const int x = map_of(b, c);
    const int y = operand == Operand::kMap        ? b.input({1, c.H, c.W, c.C})
                  : operand == Operand::kChannels ? b.constant({c.C})
                  : operand == Operand::kPixels   ? b.input({1, c.H, c.W, 1})
                                                  : b.constant({});
    const bool extreme = kind == OpKind::kMaximum || kind == OpKind::kMinimum;
    if (extreme) b.same_quantization(x, y);
    const int out = b.binary(x, y, kind);
    const float sx = b.tensor(x).scale(), sy = b.tensor(y).scale();
    if (extreme) b.same_quantization(x, out);
    if (kind == OpKind::kMul) b.tensor(out).quantization.scale = {sx * sy * 60};
    if (kind == OpKind::kSquaredDifference)
      b.tensor(out).quantization.scale = {std::max(sx, sy) * std::max(sx, sy) * 60};
  };
}

Build function(OpKind kind) {
  return [=](Builder& b, const Corner& c) {
    b.unary(map_of(b, c), kind);
    b.graph.ops.back().alpha = 0.1F;
  };
}

/// Adds a convolution's result to its input, as in residual networks.
void residual(Builder& b, const Corner& c) {
  const int x = map_of(b, c);
  b.addition(x, b.convolution(x, c.C, 1, 1, 1, 1, 1, 1, Padding::kSame, true));
}

/// Multiplies a map by a code of each channel (squeeze and excitation).
void gate(Builder& b, const Corner& c) {
  const int x = map_of(b, c);
  const int g = b.unary(b.mean(x, {1, 2}), OpKind::kLogistic);
  b.set_quantization(g, 1.0F / 256, -128);
  const int out = b.binary(x, g, OpKind::kMul);
  b.tensor(out).quantization.scale = {b.tensor(x).scale()};
}

/// Follows a function that only tables compute by int16's quantizer.
Build fraction(OpKind kind) {
  return [=](Builder& b, const Corner& c) {
    const int y = b.unary(map_of(b, c), kind);
    b.tensor(y).name = kFraction;
    b.unary(y, OpKind::kQuantize);
  };
}

// ---- movement -----------------------------------------------------------------------------------

Build concatenation(int axis) {
  return [=](Builder& b, const Corner& c) {
    const int x = map_of(b, c), y = b.unary(x, OpKind::kRelu);
    b.same_quantization(x, y);
    b.same_quantization(x, b.concatenation({x, y, x}, axis));
  };
}

Build transpose(std::vector<int> order) {
  return [=](Builder& b, const Corner& c) { b.transpose(map_of(b, c), order); };
}

Build pad(std::vector<int> sides, bool code) {
  return [=](Builder& b, const Corner& c) {
    const int x = map_of(b, c);
    b.pad(x, sides, code ? b.constant({1}) : -1);
  };
}

void mirror_pad(Builder& b, const Corner& corner) {
  const Corner c = corner.at_least(2, 3);
  b.mirror_pad(map_of(b, c), {0, 0, 1, 1, 2, 1, 0, 0}, false);
}

void slice(Builder& b, const Corner& corner) {
  const Corner c = corner.at_least(3, 3);
  b.strided_slice(map_of(b, c), {0, 1, 0, c.C / 2}, {1, c.H, c.W, c.C}, {1, 1, 2, 1});
}

Build resize(bool bilinear, int factor) {
  return [=](Builder& b, const Corner& c) {
    b.resize(map_of(b, c), bilinear, c.H * factor, c.W * factor, false, bilinear);
  };
}

void space_to_depth(Builder& b, const Corner& c) {
  b.space_to_depth(b.input({1, 2 * c.H, 2 * c.W, c.C}), 2);
}

void depth_to_space(Builder& b, const Corner& c) {
  b.depth_to_space(b.input({1, c.H, c.W, 4 * c.C}), 2);
}

void gather(Builder& b, const Corner& c) {
  const int x = map_of(b, c);
  b.expandable("GATHER", {x, b.integers({c.W - 1, 0, c.W / 2})}, x, {{1, c.H, 3, c.C}}, 2);
}

void tile(Builder& b, const Corner& c) {
  const int x = map_of(b, c);
  b.expandable("TILE", {x, b.integers({1, 2, 1, 2})}, x, {{1, 2 * c.H, c.W, 2 * c.C}});
}

void reverse(Builder& b, const Corner& c) {
  const int x = map_of(b, c);
  b.expandable("REVERSE_V2", {x, b.integers({2})}, x, {b.shape(x)});
}

void prelu(Builder& b, const Corner& c) {
  const int x = map_of(b, c), slopes = b.constant({1, 1, c.C});
  b.expandable("PRELU", {x, slopes}, b.activation("out", b.shape(x)), {b.shape(x)});
}

void reshape(Builder& b, const Corner& c) {
  b.unary(b.reshape(map_of(b, c), {1, 1, c.H * c.W, c.C}), OpKind::kRelu);
}

// ---- sequences ----------------------------------------------------------------------------------

Build norm(bool center) {
  return [=](Builder& b, const Corner& c) { b.normalization(tokens_of(b, c), center); };
}

Build matmul(bool adjoint_a, bool adjoint_b) {
  return [=](Builder& b, const Corner& c) {
    const int rows = c.H * c.W;
    const int x = b.input(adjoint_a ? std::vector<int>{c.C, rows} : std::vector<int>{rows, c.C});
    const int y = b.input(adjoint_b ? std::vector<int>{c.M, c.C} : std::vector<int>{c.C, c.M});
    const int out = b.batch_matmul(x, y, adjoint_a, adjoint_b);
    b.tensor(out).quantization.scale = {b.tensor(x).scale() * b.tensor(y).scale() * 108 *
                                        std::sqrt(static_cast<float>(c.C))};
  };
}

Build block(fuzz::Mask mask, fuzz::Gate gate, bool gated, bool rotary, bool center) {
  return [=](Builder& b, const Corner& c) {
    fuzz::BlockShape shape;
    shape.tokens = std::min(c.H * c.W, 40);
    shape.heads = 2;
    shape.size = std::min(16, static_cast<int>(round_up(c.C, 4)));
    shape.hidden = std::min(c.M, 64);
    shape.mask = mask;
    shape.gate = gate;
    shape.gated = gated;
    shape.rotary = rotary;
    shape.before = gated;
    shape.center = center;
    fuzz::transformer_block(b, shape);
  };
}

/// Draws from a family of tools/random, whose sizes do not depend on the array.
Build drawn(void (*make)(Builder&)) {
  return [=](Builder& b, const Corner&) { make(b); };
}

// ---- variants -----------------------------------------------------------------------------------

Build as_uint8(Build build) {
  return [=](Builder& b, const Corner& c) {
    build(b, c);
    fuzz::use_one_scale(b.graph);
    fuzz::shift_weights(b);
    fuzz::make_unsigned(b.graph);
  };
}

Build half_even(Build build) {
  return [=](Builder& b, const Corner& c) {
    build(b, c);
    for (model::Op& op : b.graph.ops) op.half_even = true;
  };
}

Build batch(Build build, int n) {
  return [=](Builder& b, const Corner& c) {
    build(b, c);
    fuzz::make_batch(b, n);
  };
}

class Table {
 public:
  std::vector<LayerType> types;

  LayerType& add(std::string_view group, std::string name, Build build) {
    return types.emplace_back(LayerType{group, std::move(name), std::move(build)});
  }

  void add_products() {
    constexpr std::string_view kGroup = "convolution";
    add(kGroup, "1x1", convolution({})).beyond = Beyond::kDmem;
    add(kGroup, "3x3", convolution({3, 3})).beyond = Beyond::kPmem;
    add(kGroup, "3x3, one scale", convolution({3, 3, 1, 1, Padding::kSame, false}));
    add(kGroup, "3x3, stride 2", convolution({3, 3, 2}));
    add(kGroup, "3x3, dilation 2", convolution({3, 3, 1, 2}));
    add(kGroup, "3x3, no padding", convolution({3, 3, 1, 1, Padding::kValid}));
    add(kGroup, "5x5, stride 3", convolution({5, 5, 3}));
    add(kGroup, "1x7", convolution({1, 7}));
    add(kGroup, "7x1", convolution({7, 1}));
    add(kGroup, "3x3, 2 groups", convolution({3, 3}, 2));
    add(kGroup, "1x1, 3 groups", convolution({}, 3));
    add(kGroup, "3x3, batch of 3", batch(convolution({3, 3}), 3));
    add(kGroup, "transposed 3x3, stride 2", transposed(3, 2, Padding::kSame));
    add(kGroup, "transposed 2x2, stride 2, no padding", transposed(2, 2, Padding::kValid));
    add(kGroup, "3x3, 4-bit weights", with_weights(convolution({3, 3}), narrow_to_4_bits));
    add(kGroup, "3x3, 2:4 sparse weights",
        with_weights(convolution({3, 3}), fuzz::keep_two_of_four));
    constexpr std::string_view kDepthwise = "depthwise";
    add(kDepthwise, "3x3", depthwise({3, 3}));
    add(kDepthwise, "3x3, stride 2", depthwise({3, 3, 2}));
    add(kDepthwise, "3x3, dilation 2", depthwise({3, 3, 1, 2}));
    add(kDepthwise, "5x5", depthwise({5, 5}));
    add(kDepthwise, "1x3, no padding", depthwise({1, 3, 1, 1, Padding::kValid}));
    add(kDepthwise, "3x3, multiplier 2", depthwise({3, 3}, 2));
    constexpr std::string_view kDense = "fully connected";
    add(kDense, "int8", fully_connected).beyond = Beyond::kPmem;
    add(kDense, "4-bit weights", with_weights(fully_connected, narrow_to_4_bits));
    for (const int block : {32, 64, 128})
      add(kDense, fmt::format("4-bit weights, groups of {}", block), groups_of(block)).needs =
          "array.groups";
    add(kDense, "2:4 sparse weights", with_weights(fully_connected, fuzz::keep_two_of_four));
    add(kDense, "16 different weights", with_weights(fully_connected, fuzz::use_table));
  }

  void add_low_bits() {
    constexpr std::string_view kGroup = "low bits";
    constexpr Encoding kCodes[] = {Encoding::kBinary, Encoding::kTernary};
    for (const Encoding codes : kCodes) {
      const std::string name(model::name_of(codes));
      for (const int size : {1, 3})
        add(kGroup, fmt::format("{0} {1}x{1}", name, size), thresholds(codes, codes, codes, size));
      add(kGroup, name + " fully connected, int32 sums", raw_sums(codes));
      add(kGroup, name + " 1x1, max-pool", pooled_codes(codes));
      add(kGroup, "int8 by " + name + " 3x3", thresholds(Encoding::kInt8, codes, codes, 3));
    }
    add(kGroup, "binary by ternary 3x3",
        thresholds(Encoding::kBinary, Encoding::kTernary, Encoding::kTernary, 3));
    add(kGroup, "ternary by binary 3x3",
        thresholds(Encoding::kTernary, Encoding::kBinary, Encoding::kBinary, 3));
    add(kGroup, "ternary 1x1 to 4 bits",
        thresholds(Encoding::kTernary, Encoding::kTernary, Encoding::kInt4, 1));
  }

  void add_rounding() {
    constexpr std::string_view kGroup = "requantization";
    const std::pair<const char*, Build> kLayers[] = {
        {"1x1", convolution({})},
        {"depthwise 3x3", depthwise({3, 3})},
        {"ADD", pair(OpKind::kAdd, Operand::kMap)},
        {"MUL", pair(OpKind::kMul, Operand::kMap)},
    };
    for (const auto& [name, build] : kLayers) {
      const std::string of(name);
      add(kGroup, of + ", two roundings", build);
      add(kGroup, of + ", one rounding", build).rounding = reference::kSinglePolicy;
      add(kGroup, of + ", half to even", half_even(build));
    }
    add(kGroup, "3x3, uint8 with zero points of weights", as_uint8(convolution({3, 3})));
    for (const OpKind kind : {OpKind::kQuantize, OpKind::kRelu, OpKind::kRelu6, OpKind::kReluN1To1})
      add(kGroup, std::string(model::name_of(kind)), function(kind));
  }

  void add_vector() {
    constexpr std::string_view kPool = "pool";
    add(kPool, "max 2x2, stride 2", pool(true, 2, 2, 2, Padding::kValid)).beyond = Beyond::kDmem;
    add(kPool, "max 3x3, stride 2, padded", pool(true, 3, 3, 2, Padding::kSame));
    add(kPool, "max 3x3, stride 1", pool(true, 3, 3, 1, Padding::kSame));
    add(kPool, "average 2x2, stride 2", pool(false, 2, 2, 2, Padding::kValid));
    add(kPool, "average 3x3, stride 1, padded", pool(false, 3, 3, 1, Padding::kSame));
    for (const OpKind kind :
         {OpKind::kMean, OpKind::kSum, OpKind::kReduceMax, OpKind::kReduceMin}) {
      const std::string name(model::name_of(kind));
      add(kPool, name + " of the image", reduction(kind, {1, 2}));
      add(kPool, name + " of the channels", reduction(kind, {3}));
    }
    constexpr std::string_view kPair = "pair";
    for (std::size_t i = 0; i < model::kKinds; ++i) {
      const auto kind = static_cast<OpKind>(i);
      if (!model::is_binary(kind) || !model::computes_codes(kind)) continue;
      const std::string name(model::name_of(kind));
      add(kPair, name, pair(kind, Operand::kMap));
      add(kPair, name + " of constants by channel", pair(kind, Operand::kChannels));
      add(kPair, name + " of one constant", pair(kind, Operand::kOne));
    }
    add(kPair, "ADD by pixel", pair(OpKind::kAdd, Operand::kPixels));
    add(kPair, "residual addition", residual);
    add(kPair, "gate", gate);
    constexpr std::string_view kFunction = "function";
    for (std::size_t i = 0; i < model::kKinds; ++i) {
      const auto kind = static_cast<OpKind>(i);
      if (model::class_of(kind) != model::OpClass::kFunction || !model::is_unary(kind) ||
          !model::computes_codes(kind) || kind == OpKind::kTable)
        continue;
      add(kFunction, std::string(model::name_of(kind)), function(kind));
    }
    add(kFunction, "PRELU", prelu);
  }

  void add_movement() {
    constexpr std::string_view kGroup = "movement";
    add(kGroup, "CONCATENATION of channels", concatenation(3));
    add(kGroup, "CONCATENATION of rows", concatenation(1));
    add(kGroup, "PAD of pixels", pad({0, 0, 1, 2, 2, 1, 0, 0}, false));
    add(kGroup, "PAD of channels", pad({0, 0, 0, 0, 0, 0, 1, 2}, false));
    add(kGroup, "PADV2", pad({0, 0, 1, 1, 1, 1, 0, 0}, true));
    add(kGroup, "MIRROR_PAD", mirror_pad);
    add(kGroup, "STRIDED_SLICE", slice);
    add(kGroup, "TRANSPOSE of rows and columns", transpose({0, 2, 1, 3}));
    add(kGroup, "TRANSPOSE of columns and channels", transpose({0, 1, 3, 2}));
    add(kGroup, "TRANSPOSE of all axes", transpose({0, 3, 1, 2}));
    add(kGroup, "RESIZE_NEAREST_NEIGHBOR x2", resize(false, 2));
    add(kGroup, "RESIZE_BILINEAR x2", resize(true, 2));
    add(kGroup, "SPACE_TO_DEPTH", space_to_depth);
    add(kGroup, "DEPTH_TO_SPACE", depth_to_space);
    add(kGroup, "GATHER", gather);
    add(kGroup, "TILE", tile);
    add(kGroup, "REVERSE_V2", reverse);
    add(kGroup, "RESHAPE", reshape);
  }

  void add_sequences() {
    using fuzz::Gate, fuzz::Mask;
    constexpr std::string_view kGroup = "sequence";
    add(kGroup, "SOFTMAX", [](Builder& b, const Corner& c) { b.softmax(tokens_of(b, c)); });
    add(kGroup, "LayerNorm", norm(true));
    add(kGroup, "RMSNorm", norm(false));
    add(kGroup, "BATCH_MATMUL of two maps", matmul(false, false));
    add(kGroup, "BATCH_MATMUL with a transposed map", matmul(false, true));
    add(kGroup, "BATCH_MATMUL of a transposed map", matmul(true, false));
    add(kGroup, "encoder block, GELU", block(Mask::kNone, Gate::kGelu, false, false, true));
    add(kGroup, "decoder block, RoPE, SwiGLU, RMSNorm",
        block(Mask::kCausal, Gate::kSilu, true, true, false));
    add(kGroup, "block with a padding mask, ReLU",
        block(Mask::kPadding, Gate::kRelu, false, false, true));
    add(kGroup, "LSTM, GRU, RNN, SVDF", drawn(fuzz::make_cells));
  }

  void add_wide() {
    constexpr std::string_view kGroup = "int16", kKey = "array.activations16";
    const auto wide = [&](std::string name, Build build) {
      const Build widened = [build = std::move(build)](Builder& b, const Corner& c) {
        build(b, c);
        fuzz::widen(b);
      };
      add(kGroup, std::move(name), widened).needs = kKey;
    };
    wide("1x1", convolution({}));
    wide("3x3, stride 2", convolution({3, 3, 2}));
    wide("depthwise 3x3", depthwise({3, 3}));
    wide("fully connected", fully_connected);
    wide("transposed 3x3, stride 2", transposed(3, 2, Padding::kSame));
    for (const OpKind kind : {OpKind::kAdd, OpKind::kSub, OpKind::kMul})
      wide(std::string(model::name_of(kind)), pair(kind, Operand::kMap));
    for (const OpKind kind : {OpKind::kRelu, OpKind::kRelu6, OpKind::kLeakyRelu, OpKind::kQuantize})
      wide(std::string(model::name_of(kind)), function(kind));
    for (const OpKind kind : {OpKind::kLogistic, OpKind::kTanh, OpKind::kSoftmax})
      wide(std::string(model::name_of(kind)), fraction(kind));
    wide("average 2x2, stride 2", pool(false, 2, 2, 2, Padding::kValid));
    wide("MEAN of the image", reduction(OpKind::kMean, {1, 2}));
    wide("CONCATENATION of channels", concatenation(3));
    wide("TRANSPOSE of columns and channels", transpose({0, 1, 3, 2}));
    wide("STRIDED_SLICE", slice);
    wide("BATCH_MATMUL of two maps", matmul(false, true));
    add(kGroup, "spiking neurons", drawn(fuzz::make_spikes)).needs = kKey;
    add(kGroup, "codes of eight-bit formats", drawn(fuzz::make_formats)).needs = "array.formats";
  }
};

}  // namespace

Corner Corner::at_least(int height, int width) const {
  Corner c = *this;
  c.H = std::max(H, height);
  c.W = std::max(W, width);
  return c;
}

std::vector<Corner> corners_of(const spec::Config& config) {
  const int rows = config.rows, cols = config.cols;
  return {
      {"one of each", 1, 1, 1, 1},
      {"below rows and columns", 1, std::max(1, rows - 1), 3, std::max(1, cols - 1)},
      {"rows and columns", 1, rows, 4, cols},
      {"above rows and columns", 3, rows + 1, 5, cols + 1},
      {"several words and tiles", 5, 2 * rows + 1, 17, 2 * cols + 3},
      {"ends of the codes", 3, rows + 1, 9, cols + 1, Codes::kEnds},
  };
}

Corner large_corner(const LayerType& type, const spec::Config& config) {
  Corner c{"beyond PMEM", 1, config.rows + 1, 4, config.cols + 1};
  if (type.beyond == Beyond::kPmem) {
    const std::int64_t bytes = std::int64_t{config.pmem_kib} * 1024 * 5 / 4;
    c.C = static_cast<int>(bytes / config.cols / (type.group == "convolution" ? 9 : 1)) + 1;
    return c;
  }
  c.name = "beyond DMEM";
  c.C = 16;
  c.M = config.cols;
  const double pixels = config.dmem_kib * 1024 * 1.25 / c.C;
  c.H = c.W = static_cast<int>(std::sqrt(pixels)) + 1;
  return c;
}

const std::vector<LayerType>& layer_types() {
  static const std::vector<LayerType> all = [] {
    Table table;
    table.add_products();
    table.add_low_bits();
    table.add_rounding();
    table.add_vector();
    table.add_movement();
    table.add_sequences();
    table.add_wide();
    return table.types;
  }();
  return all;
}

std::vector<std::string> layer_groups() {
  std::vector<std::string> groups;
  for (const LayerType& type : layer_types())
    if (groups.empty() || groups.back() != type.group) groups.emplace_back(type.group);
  return groups;
}

}  // namespace trine::regress
