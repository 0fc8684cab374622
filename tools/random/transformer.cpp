// SPDX-License-Identifier: Apache-2.0
//
// Scales are chosen so that codes deviate by some 40 everywhere: saturated or constant maps would
// hide errors.

#include "tools/random/transformer.h"

#include <algorithm>
#include <cmath>

namespace trine::fuzz {
namespace {

constexpr float kUnit = 1.0f / 40;          ///< scale of a map whose values deviate by 1
constexpr float kScores = 0.1f;             ///< the lowest code: e^-12.8 of the share of 0
constexpr float kMask = 0.25f;              ///< -128 of it moves any score to the lowest code
constexpr float kShare = 1.0f / 256;        ///< of LOGISTIC
constexpr double kUniformDeviation = 73.9;  ///< of codes -128..127

class Block {
 public:
  Block(Builder& b, const BlockShape& shape) : b_(b), s_(shape) {}

  int run() {
    const int x = b_.input(rows(s_.tokens));
    scale(x, kUnit);
    const int memory = s_.source > 0 ? b_.input(rows(s_.source)) : -1;
    if (memory >= 0) scale(memory, kUnit);
    const int y =
        residual(x, [&](int from) { return attention(from, memory >= 0 ? memory : from); });
    return residual(y, [&](int from) { return feed_forward(from); });
  }

 private:
  static std::vector<int> matrix(int rows, int columns) { return {rows, columns}; }
  std::vector<int> rows(int tokens) const { return matrix(tokens, s_.channels()); }

  /// Draws a zero point near the middle, sometimes at the ends or anywhere.
  void scale(int t, float scale) {
    static const std::vector<int> kMiddle{0, -3, 5}, kEnds{-128, 127};
    const int kind = b_.number(0, 9);
    const int zero_point = kind < 8    ? any(b_, kMiddle)
                           : kind == 8 ? b_.number(-128, 127)
                                       : any(b_, kEnds);
    b_.set_quantization(t, scale, zero_point);
  }

  template <typename Part>
  int residual(int x, Part part) {
    const int sum = b_.addition(x, part(s_.before ? norm(x) : x));
    scale(sum, 1.5f * kUnit);
    return s_.before ? sum : norm(sum);
  }

  int norm(int x) {
    const int y = b_.normalization(x, s_.center);
    scale(y, kUnit);
    return y;
  }

  /// Adds FULLY_CONNECTED of each row. Values deviate by `deviation`.
  int dense(int x, int outputs, float deviation = 1) {
    const int inputs = b_.shape(x).back();
    const int y = b_.fully_connected(x, inputs, outputs);
    model::Tensor& w = b_.tensor(b_.graph.ops.back().inputs[1]);
    const double typical = deviation / (static_cast<double>(b_.graph.tensor(x).scale()) * 40 *
                                        kUniformDeviation * std::sqrt(static_cast<double>(inputs)));
    for (float& s : w.quantization.scale)
      s = static_cast<float>(typical * b_.content(80, 125) / 100);
    scale(y, kUnit * deviation);
    return y;
  }

  // ---- attention ----

  int attention(int x, int memory) {
    const int kv = s_.heads / s_.shared;
    // The scores deviate by 1.
    const auto part = static_cast<float>(std::pow(s_.size, -0.25));
    int q = dense(x, s_.heads * s_.size, part), k = dense(memory, kv * s_.size, part);
    const int v = dense(memory, kv * s_.size);
    if (s_.rotary) {
      q = rotated(q, s_.tokens, s_.heads, part);
      k = rotated(k, s_.sources(), kv, part);
    }
    const int scores =
        b_.batch_matmul(by_head(q, s_.tokens, s_.shared), by_head(k, s_.sources(), 1), false, true);
    scale(scores, kScores);
    const int shares = b_.softmax(masked(scores));
    const int mixed = b_.batch_matmul(shares, by_head(v, s_.sources(), 1), false, false);
    scale(mixed,
          s_.sources() < 4 ? kUnit : kUnit * 2 / std::sqrt(static_cast<float>(s_.sources())));
    return dense(joined(mixed), s_.channels());
  }

  /// Reshapes to [kv][shared * tokens][size]: heads that share keys are rows of one product.
  int by_head(int x, int tokens, int shared) {
    const int heads = s_.heads / s_.shared;
    if (shared == 1) return b_.transpose(b_.reshape(x, {tokens, heads, s_.size}), {1, 0, 2});
    if (tokens == 1) return b_.reshape(x, {heads, shared, s_.size});
    // Uses five axes, because four would be images.
    const int split = b_.reshape(x, {1, tokens, heads, shared, s_.size});
    return b_.reshape(b_.transpose(split, {0, 2, 3, 1, 4}), {heads, shared * tokens, s_.size});
  }

  int joined(int mixed) {
    const int heads = s_.heads / s_.shared;
    const std::vector<int> to = rows(s_.tokens);
    if (s_.shared == 1) return b_.reshape(b_.transpose(mixed, {1, 0, 2}), to);
    if (s_.tokens == 1) return b_.reshape(mixed, to);
    const int split = b_.reshape(mixed, {1, heads, s_.shared, s_.tokens, s_.size});
    return b_.reshape(b_.transpose(split, {0, 3, 1, 2, 4}), to);
  }

  int masked(int scores) {
    if (s_.mask == Mask::kNone) return scores;
    const int sum = b_.addition(scores, s_.mask == Mask::kCausal ? causal() : padding());
    b_.set_quantization(sum, b_.graph.tensor(scores).scale(), b_.graph.tensor(scores).zero_point());
    return sum;
  }

  /// Adds a causal mask: token t of the shared heads sees no later token.
  int causal() {
    const int tokens = s_.tokens, sources = s_.sources();
    const int mask = b_.constant({1, s_.shared * tokens, sources});
    b_.set_quantization(mask, kMask, 0);
    std::vector<std::uint8_t>& codes = b_.tensor(mask).data.edit();
    for (std::size_t i = 0; i < codes.size(); ++i) {
      const int t = static_cast<int>(i) / sources % tokens, s = static_cast<int>(i) % sources;
      codes[i] = s <= t ? 0 : 0x80;
    }
    return mask;
  }

  /// Adds an input with any code for each token of the source.
  int padding() {
    const int mask = b_.input({1, 1, s_.sources()});
    b_.set_quantization(mask, kMask, 0);
    return mask;
  }

  /// Adds a rotation: x * cosine + (x with pairs of channels exchanged, one of them negated) *
  /// sine.
  int rotated(int x, int tokens, int heads, float deviation) {
    const int size = s_.size, all = heads * size;
    const int split = b_.reshape(x, {tokens * heads, size});
    const int turned = b_.fully_connected(split, size, size);
    model::Op& op = b_.graph.ops.back();
    op.inputs[2] = -1;
    model::Tensor& w = b_.tensor(op.inputs[1]);
    std::ranges::fill(w.data.edit(), std::uint8_t{0});
    for (int c = 0; c < size; ++c) {
      const int from = c % 2 == 0 ? c + 1 : c - 1;
      w.data.edit()[static_cast<std::size_t>(c * size + from)] = c % 2 == 0 ? 0xff : 1;
    }
    w.quantization = {{1.0f}, {0}, 0};
    b_.same_quantization(x, turned);
    const auto times = [&](int t, bool sine) {
      const int table = angles(tokens, sine);
      return b_.binary(b_.reshape(t, {tokens, heads, size}), table, OpKind::kMul);
    };
    const int a = times(split, false), b = times(turned, true);
    for (const int t : {a, b}) scale(t, kUnit * deviation);
    const int sum = b_.addition(a, b);
    scale(sum, kUnit * deviation);
    return b_.reshape(sum, {tokens, all});
  }

  int angles(int tokens, bool sine) {
    const int table = b_.constant({tokens, 1, s_.size});
    b_.set_quantization(table, 1.0f / 127, 0);
    std::vector<std::uint8_t>& codes = b_.tensor(table).data.edit();
    for (int t = 0; t < tokens; ++t)
      for (int c = 0; c < s_.size; ++c) {
        const double angle = t / std::pow(10000, c / 2 * 2.0 / s_.size);
        const double value = sine ? std::sin(angle) : std::cos(angle);
        codes[static_cast<std::size_t>(t * s_.size + c)] =
            static_cast<std::uint8_t>(std::lround(127 * value));
      }
    return table;
  }

  // ---- feed-forward ----

  int feed_forward(int x) {
    int y = function(dense(x, s_.hidden));
    if (s_.gated) {
      y = b_.binary(y, dense(x, s_.hidden), OpKind::kMul);
      scale(y, kUnit);
    }
    return dense(y, s_.channels());
  }

  int function(int x) {
    int y = -1;
    if (s_.gate == Gate::kSilu) {
      const int share = b_.unary(x, OpKind::kLogistic);
      b_.set_quantization(share, kShare, -128);
      y = b_.binary(x, share, OpKind::kMul);
    } else {
      y = b_.unary(x, s_.gate == Gate::kRelu ? OpKind::kRelu : OpKind::kGelu);
      b_.graph.ops.back().approximate = s_.gate == Gate::kGeluTanh;
    }
    scale(y, kUnit);
    return y;
  }

  Builder& b_;
  const BlockShape& s_;
};

}  // namespace

std::string to_text(const BlockShape& s) {
  static constexpr const char* kMasks[] = {"no mask", "causal", "padding"};
  static constexpr const char* kGates[] = {"ReLU", "GELU", "GELU (tanh)", "SiLU"};
  std::string text = fmt::format("{} heads of {}", s.heads, s.size);
  if (s.shared > 1) text += fmt::format(", {} query heads per key head", s.shared);
  text += fmt::format(", {} tokens", s.tokens);
  if (s.source > 0) text += fmt::format(" looking at {}", s.source);
  return text + fmt::format(", {}{}, {}{}, {} {}", kMasks[static_cast<int>(s.mask)],
                            s.rotary ? ", RoPE" : "", kGates[static_cast<int>(s.gate)],
                            s.gated ? " gated" : "", s.center ? "LayerNorm" : "RMSNorm",
                            s.before ? "before" : "behind");
}

BlockShape random_block_shape(Builder& b, int most_tokens, int most_channels) {
  static const std::vector<int> kSizes{4, 16, 32, 64, 80}, kTokens{1, 7, 128, 511};
  BlockShape s;
  const auto tokens = [&] {
    const int n = once_in(b, 2) ? any(b, kTokens) : extent(b, most_tokens);
    return std::min(n, most_tokens);
  };
  s.tokens = tokens();
  s.source = once_in(b, 4) ? tokens() : 0;
  s.size = any(b, kSizes);
  if (s.size == 4) s.size *= b.number(1, 5);
  s.heads = b.number(1, 4);
  while (s.heads > 1 && s.channels() > most_channels) --s.heads;
  while (s.size > 4 && s.channels() > most_channels) s.size -= 4;
  if (once_in(b, 2)) s.shared = s.heads;
  if (s.heads == 4 && once_in(b, 2)) s.shared = 2;
  s.hidden = s.channels() * b.number(1, 3);
  if (once_in(b, 4)) s.hidden = b.number(1, 2 * s.channels());
  s.mask = static_cast<Mask>(b.number(0, 2));
  if (s.mask == Mask::kCausal && s.source > 0) s.mask = Mask::kPadding;
  s.gate = static_cast<Gate>(b.number(0, 3));
  s.gated = once_in(b, 2);
  s.rotary = once_in(b, 2);
  s.before = once_in(b, 2);
  s.center = !once_in(b, 2);
  return s;
}

int transformer_block(Builder& b, const BlockShape& shape) { return Block(b, shape).run(); }

}  // namespace trine::fuzz
