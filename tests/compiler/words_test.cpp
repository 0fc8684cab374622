// SPDX-License-Identifier: Apache-2.0
//
// Checks int32 words at the limits of their sums and scales: products of two int16 maps, int32
// codes, SVDF.

#include <algorithm>
#include <cmath>
#include <cstring>

#include "tests/compiler/testing.h"
#include "tools/random/networks.h"

namespace trine::sim {
namespace {

using model::OpKind;
using testing::Builder;

spec::Config design() {
  spec::Config config = testing::small_config(4, 4, 64, 16, 64);
  config.activations16 = true;
  return config;
}

Array all_of(const model::Graph& graph, int tensor, int code) {
  const model::Tensor& t = graph.tensor(tensor);
  Array array{"i2", {t.shape.begin(), t.shape.end()}, {}};
  for (std::int64_t i = 0; i < t.elements(); ++i)
    array.bytes.insert(array.bytes.end(), {static_cast<std::uint8_t>(code & 0xff),
                                           static_cast<std::uint8_t>(code >> 8 & 0xff)});
  return array;
}

/// Builds BATCH_MATMUL of [1, 3, terms] by [1, terms, 5], whose largest sums are near the limits of
/// a code.
Builder product(int terms) {
  Builder b(1);
  const int x = b.input({1, 3, terms}), y = b.input({1, terms, 5});
  const int z = b.batch_matmul(x, y, false, false);
  b.graph.outputs = {z};
  testing::widen(b);
  for (const int t : {x, y}) b.tensor(t).quantization.scale = {0x1p-15F};
  b.tensor(z).quantization.scale = {static_cast<float>(terms) / 32000};
  return b;
}

/// Builds QUANTIZE of `channels` channels between int16 and int32.
Builder quantizer(unsigned seed, int channels, bool to_words, float in, float out) {
  Builder b(seed);
  const int x = b.input({1, b.number(1, 3), b.number(1, 5), channels});
  const int y = b.unary(x, OpKind::kQuantize);
  b.graph.outputs = {y};
  testing::widen(b);
  b.tensor(to_words ? y : x).type = model::DataType::kInt32;
  b.tensor(x).quantization.scale = {in};
  b.tensor(y).quantization.scale = {out};
  return b;
}

std::string refusal(const model::Graph& graph, const spec::Config& config,
                    const reference::RoundingPolicy& rounding = reference::kDoublePolicy) {
  try {
    compiler::compile(graph, config, {rounding});
  } catch (const Error& e) {
    return e.what();
  }
  return "";
}

}  // namespace

TEST_CASE("products of int16 maps are exact at the ends of their sums", "[arch][words]") {
  for (const int terms : {255, 256}) {
    const Builder b = product(terms);
    for (const int x : {-32768, -129, 127, 32767})
      for (const int y : {-32768, -256, 255, 32767}) {
        CAPTURE(terms, x, y);
        testing::require_exact(
            b.graph, design(),
            {all_of(b.graph, b.graph.inputs[0], x), all_of(b.graph, b.graph.inputs[1], y)},
            reference::kDoublePolicy);
      }
  }
}

TEST_CASE("conversions between int16 and int32 are exact at all supported scales",
          "[arch][words]") {
  for (unsigned seed = 1; seed <= testing::kSeeds / 2; ++seed) {
    CAPTURE(seed);
    Builder draws(seed);
    const bool to_words = seed % 2 == 0;
    const int channels = draws.number(1, draws.number(1, 3) == 1 ? 40 : 6);
    const float ratio =
        std::exp2(static_cast<float>(draws.number(-900, to_words ? 1490 : 0)) / 100);
    CAPTURE(to_words, channels, ratio);
    Builder b = quantizer(seed, channels, to_words, 0.01F * ratio, 0.01F);
    testing::require_exact_with_room(b.graph, design(), {fuzz::random_codes(b, b.graph.inputs[0])},
                                     reference::kDoublePolicy);
  }
}

TEST_CASE("SVDF is exact with a memory that begins with zeros or any codes", "[arch][words]") {
  unsigned memories = 0;
  for (unsigned seed = 1; memories < testing::kSeeds / 4; ++seed) {
    CAPTURE(seed);
    Builder b(seed);
    spec::Config config = testing::random_config(b);
    config.rows += config.rows % 2;
    config.int8 = config.vector = config.matmul = config.activations16 = true;
    config.acc_bits = 32;
    fuzz::make_cells(b);
    if (b.graph.ops[0].kind != OpKind::kSvdf) continue;
    ++memories;
    CAPTURE(config.to_toml(), testing::text_of(b.graph));
    b.graph.outputs = {b.graph.ops.back().outputs[0]};
    if (b.number(0, 1) == 0) fuzz::keep_states(b);
    std::vector<Array> inputs;
    for (const int t : b.graph.inputs) inputs.push_back(fuzz::random_codes(b, t));
    testing::require_exact_with_room(b.graph, config, inputs, reference::kDoublePolicy);
  }
}

TEST_CASE("only unsupported forms of int32 words are refused", "[arch][words][error]") {
  using Catch::Matchers::ContainsSubstring;
  const auto without = [](bool spec::Config::*key) {
    spec::Config config = design();
    config.*key = false;
    return config;
  };
  CHECK(refusal(product(256).graph, design()).empty());
  CHECK_THAT(refusal(product(257).graph, design()),
             ContainsSubstring("sums of 257 int16 products, allowed 1..256"));
  CHECK_THAT(refusal(product(8).graph, design(), reference::kSinglePolicy),
             ContainsSubstring("products of int16 maps with one rounding"));
  CHECK_THAT(refusal(product(8).graph, without(&spec::Config::matmul)),
             ContainsSubstring("needs products of two maps (matmul.enable)"));
  CHECK_THAT(refusal(product(8).graph, without(&spec::Config::vector)),
             ContainsSubstring("adds two int32 sums, which requires vector.enable"));
  spec::Config narrow = design();
  narrow.acc_bits = 24;
  CHECK_THAT(refusal(product(256).graph, narrow), ContainsSubstring("array.acc_bits is 24"));
  CHECK(refusal(quantizer(1, 5, false, 0.0099F, 0.01F).graph, design()).empty());
  CHECK_THAT(refusal(quantizer(1, 5, false, 0.01F, 0.01F).graph, design()),
             ContainsSubstring("a scale of 2^1, allowed up to 2^0"));
  CHECK_THAT(
      refusal(quantizer(1, 5, false, 0.0099F, 0.01F).graph, design(), reference::kSinglePolicy),
      ContainsSubstring("int32 values with one rounding"));
  CHECK(refusal(quantizer(1, 256, true, 0.01F, 0.01F).graph, design()).empty());
  CHECK_THAT(refusal(quantizer(1, 257, true, 0.01F, 0.01F).graph, design()),
             ContainsSubstring("has 257 channels, allowed in int32: 1..256"));
  CHECK(refusal(quantizer(1, 5, true, 327.0F, 0.01F).graph, design()).empty());
  CHECK_THAT(refusal(quantizer(1, 5, true, 328.0F, 0.01F).graph, design()),
             ContainsSubstring("a scale of 2^16, allowed up to 2^15"));
}

}  // namespace trine::sim
