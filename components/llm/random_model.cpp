// SPDX-License-Identifier: Apache-2.0

#include "components/llm/random_model.h"

#include <algorithm>
#include <cmath>

#include "sw/base/error.h"
#include "sw/base/index.h"

namespace trine::llm {
namespace {

using estimate::Gate;
using estimate::Transformer;

/// Steele, Lea and Flood, "Fast splittable pseudorandom number generators" (2014).
class Random {
 public:
  explicit Random(std::uint64_t seed) : state_(seed) {}

  std::uint64_t draw() {
    std::uint64_t z = state_ += 0x9e3779b97f4a7c15;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return z ^ (z >> 31);
  }
  float between(float low, float high) {
    return low + (high - low) * static_cast<float>(draw() >> 40) * 0x1p-24f;
  }
  /// Returns uniformly distributed codes low..high, eight per draw.
  std::vector<std::int8_t> codes(std::int64_t count, int low, int high) {
    std::vector<std::int8_t> all(at(count));
    const auto span = static_cast<std::uint32_t>(high - low + 1);
    std::uint64_t bits = 0;
    for (std::size_t i = 0; i < all.size(); ++i, bits >>= 8) {
      if (i % 8 == 0) bits = draw();
      all[i] = static_cast<std::int8_t>(low + static_cast<int>((bits & 0xff) * span >> 8));
    }
    return all;
  }

 private:
  std::uint64_t state_;
};

/// Returns the seed for a tensor of that name.
std::uint64_t seed_of(std::uint32_t seed, int layer, std::string_view name) {
  std::uint64_t hash = 0xcbf29ce484222325 ^ seed;
  const auto add = [&](std::uint64_t v) { hash = (hash ^ v) * 0x100000001b3; };
  add(static_cast<std::uint64_t>(layer + 1));
  for (const char c : name) add(static_cast<std::uint8_t>(c));
  return Random(hash).draw();
}

Dimensions dimensions_of(const Transformer& t) {
  if (t.gate == Gate::kNone || t.positions > 0)
    throw_error("--random {}: has no gate or adds positions, allowed decoders like LLaMA", t.name);
  return {t.width, t.inner, 1, t.heads, t.key_heads > 0 ? t.key_heads : t.heads, t.vocabulary, 0};
}

/// Returns ranges of four deviations of a variable with unit variance.
Ranges ranges_of(const Dimensions& d) {
  constexpr float kFour = 4;
  const float query = kFour / std::sqrt(static_cast<float>(d.head()));
  const auto around = [](float most) { return Range{-most, most}; };
  Ranges r;
  for (const char* name :
       {"norm", "layer 0 key", "layer 0 rotated key", "layer 0 value", "layer 0 attention", "gate",
        "layer 0 up", "layer 0 feed-forward output", "layer 0 attention output"})
    r[name] = around(kFour);
  for (const char* name : {"layer 0 query", "layer 0 rotated query"}) r[name] = around(query);
  for (const char* name : {"embedding", "layer 0 attention sum", "layer 0 feed-forward sum",
                           "scores", "layer 0 gated"})
    r[name] = around(2 * kFour);
  r["silu"] = {-0.3f, kFour};
  r["squared"] = around(kFour * kFour);
  return r;
}

/// Returns the number of parts with equal numbers of channels.
int parts_of(const Dimensions& d) {
  constexpr std::int64_t kMostCodes = std::int64_t{1} << 26;
  int parts = 1;
  while (d.vocabulary % parts != 0 || std::int64_t{d.vocabulary} / parts * d.dim > kMostCodes)
    ++parts;
  return parts;
}

struct Codes {
  int low, high;
  float deviation;
};
Codes codes_of(WeightCodes codes) {
  switch (encoding_of(codes)) {
    case model::Encoding::kTernary:
      return {-1, 1, 0.816f};
    case model::Encoding::kInt4:
      return {-8, 7, 4.61f};
    default:
      return {-127, 127, 73.6f};
  }
}

}  // namespace

RandomModel::RandomModel(const Transformer& shape, WeightCodes codes, int context,
                         std::uint32_t seed)
    : dims_(dimensions_of(shape)),
      layers_(shape.layers),
      parts_(parts_of(dims_)),
      codes_(codes),
      classifier_codes_(shape.tied || codes == WeightCodes::kTernary ? WeightCodes::kInt8 : codes),
      biases_(shape.input_biases),
      seed_(seed),
      model_(dims_, ranges_of(dims_), context,
             {shape.gate == Gate::kSquaredRelu, shape.inner_norms}) {}

Array RandomModel::embedding(int count) const {
  Random random(seed_of(seed_, -1, "embedding"));
  Array codes{"i1", {count, dims_.dim}, {}};
  // A deviation of 1 at a scale of 8 / 127.
  for (const std::int8_t code : random.codes(std::int64_t{count} * dims_.dim, -27, 27))
    codes.bytes.push_back(static_cast<std::uint8_t>(code));
  return codes;
}

Array RandomModel::cache(int layer, bool values, int position) const {
  Random random(seed_of(seed_, layer, values ? "values before" : "keys before"));
  const auto codes = random.codes(std::int64_t{position} * dims_.kv_dim(), -55, 55);
  Array array{"i1", {position, dims_.kv_dim()}, std::vector<std::uint8_t>(codes.size())};
  std::ranges::transform(codes, array.bytes.begin(),
                         [](std::int8_t code) { return static_cast<std::uint8_t>(code); });
  return array;
}

/// @param gain  deviation of the sums if inputs deviate by 1
Weights RandomModel::product(int layer, const char* name, int rows, int columns, float gain,
                             WeightCodes codes, bool biases) const {
  Random random(seed_of(seed_, layer, name));
  const auto [low, high, deviation] = codes_of(codes);
  const int group = group_of(codes) > 0 && columns % group_of(codes) == 0 ? group_of(codes) : 0;
  Weights w;
  w.rows = rows;
  w.columns = columns;
  w.encoding = encoding_of(codes);
  w.codes = random.codes(std::int64_t{rows} * columns, low, high);
  const float scale = gain / (deviation * std::sqrt(static_cast<float>(columns)));
  std::vector<float> scales(at(group > 0 ? std::int64_t{rows} * columns / group : rows));
  for (float& s : scales) s = has_one_scale(codes) ? scale : scale * random.between(0.75f, 1.25f);
  if (group > 0)
    w.set_groups(group, scales);
  else
    w.scales = std::move(scales);
  if (!biases) return w;
  for (const std::int8_t code : random.codes(rows, -100, 100))
    w.biases.push_back(code * static_cast<int>(1 / (100 * scale)));
  return w;
}

LayerWeights RandomModel::weights(int layer) const {
  const Dimensions& d = dims_;
  const float root = 1 / std::sqrt(static_cast<float>(d.head()));
  // The sums of all layers stay in the range of the first.
  const float share = 1 / std::sqrt(2 * static_cast<float>(layers_));
  const auto make = [&](const char* name, int rows, int columns, float gain, bool biases = false) {
    return product(layer, name, rows, columns, gain, codes_, biases);
  };
  return {make("wq", d.dim, d.dim, root, biases_),
          make("wk", d.kv_dim(), d.dim, 1, biases_),
          make("wv", d.kv_dim(), d.dim, 1, biases_),
          make("wo", d.dim, d.dim, share),
          make("w1", d.hidden, d.dim, 1),
          make("w2", d.dim, d.hidden, share),
          make("w3", d.hidden, d.dim, 1)};
}

Weights RandomModel::classifier(int part) const {
  return product(layers_ + part, "classifier", dims_.vocabulary / parts_, dims_.dim, 1,
                 classifier_codes_);
}

std::int64_t RandomModel::weight_bytes(const spec::Config& config) const {
  const auto bytes = [&](WeightCodes codes, std::int64_t rows, std::int64_t columns) {
    const int group = group_of(codes);
    const std::int64_t factors = group > 0 && columns % group == 0 ? 2 * rows * columns / group : 0;
    if (config.packed && encoding_of(codes) == model::Encoding::kTernary)
      return rows * columns / 5;  // five trits per byte
    const int bits = encoding_of(codes) == model::Encoding::kTernary ? 2
                     : encoding_of(codes) == model::Encoding::kInt4  ? 4
                                                                     : 8;
    return rows * columns * bits / 8 + factors;
  };
  const std::int64_t D = dims_.dim, H = dims_.hidden, K = dims_.kv_dim();
  const std::int64_t layer = 2 * bytes(codes_, D, D) + 2 * bytes(codes_, K, D) +
                             2 * bytes(codes_, H, D) + bytes(codes_, D, H);
  return layers_ * layer + bytes(classifier_codes_, dims_.vocabulary, D);
}

}  // namespace trine::llm
