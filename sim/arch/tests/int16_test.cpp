// SPDX-License-Identifier: Apache-2.0
//
// int16 activations with int8 weights (array.activations16): recorded vectors, and random chains of
// products on memories that hold parts of them.

#include <algorithm>
#include <cstring>
#include <filesystem>

#include "sim/arch/tests/testing.h"
#include "sw/model/testing.h"
#include "sw/reference/vectors/vectors.h"

namespace trine::sim {
namespace {

using model::Padding;
using testing::Builder;
using testing::run_stages;
using testing::widen;

/// A product of int16 codes whose weights are all 127, on 64 channels.
struct Product {
  explicit Product(bool fully_connected) : builder(1) {
    const int x = builder.input({1, 2, 2, 64});
    const int y = fully_connected
                      ? builder.fully_connected(x, 256, 4)
                      : builder.convolution(x, 4, 1, 1, 1, 1, 1, 1, Padding::kValid, false);
    builder.graph.outputs = {y};
    testing::widen(builder);
    auto& codes = constant(1).data;
    std::fill(codes.begin(), codes.end(), std::uint8_t{127});
    set_bias(0);
    builder.graph.tensors[at(y)].quantization.scale = {0.1F};
    constant(1).quantization.scale = {0.001F};
    builder.graph.tensors[at(x)].quantization.scale = {0.001F};
  }

  static std::size_t at(int i) { return static_cast<std::size_t>(i); }
  model::Tensor& constant(int position) {
    return builder.graph.tensors[at(builder.graph.ops[0].input(position))];
  }
  void set_bias(std::int64_t value, model::DataType type = model::DataType::kInt64) {
    int& bias = builder.graph.ops[0].inputs[2];
    if (bias < 0) bias = builder.constant({4});
    model::Tensor& t = builder.graph.tensors[at(bias)];
    const std::size_t bytes = type == model::DataType::kInt64 ? 8 : 4;
    t.type = type;
    t.data.resize(4 * bytes);
    for (std::size_t m = 0; m < 4; ++m) std::memcpy(&t.data[m * bytes], &value, bytes);
  }

  /// Why it is not compiled; nothing if it is.
  std::string refusal(const reference::RoundingPolicy& rounding = reference::kDoublePolicy,
                      int acc_bits = 32) const {
    machine::Config config = testing::small_config(4, 4, 32, 16, 64);
    config.activations16 = true;
    config.acc_bits = acc_bits;
    try {
      compiler::compile(builder.graph, config, {rounding});
    } catch (const Error& e) {
      return e.what();
    }
    return "";
  }

  Builder builder;
};

TEST_CASE("what int16 products cannot have on the machine is refused, and nothing short of it",
          "[arch][int16][error]") {
  using Catch::Matchers::Contains;
  Product conv(false), rows(true);
  CHECK(conv.refusal() == "");
  CHECK(rows.refusal() == "");

  // One rounding: 40-bit sums have it in LiteRT's CONV_2D, not in its FULLY_CONNECTED.
  CHECK(conv.refusal(reference::kSinglePolicy) == "");
  CHECK_THAT(rows.refusal(reference::kSinglePolicy), Contains("int16 codes with one rounding"));
  conv.set_bias(7, model::DataType::kInt32);
  CHECK(conv.refusal() == "");
  CHECK_THAT(conv.refusal(reference::kSinglePolicy), Contains("int16 codes with one rounding"));

  // Sums: 32,768 x 127 x 64 and the bias, in 40 bits; 26 bits for each byte's in the array.
  const std::int64_t most = (std::int64_t{1} << 39) - std::int64_t{32768} * 127 * 64;
  conv.set_bias(most - 1);
  CHECK(conv.refusal() == "");
  conv.set_bias(most);
  CHECK_THAT(conv.refusal(), Contains("the sums of channel 0 may need more than 40 bits"));
  conv.set_bias(-most);
  CHECK_THAT(conv.refusal(), Contains("may need more than 40 bits"));
  conv.set_bias(0);
  CHECK(conv.refusal(reference::kDoublePolicy, 21) == "");
  CHECK_THAT(conv.refusal(reference::kDoublePolicy, 20),
             Contains("its sums need 21 bits, array.acc_bits is 20"));

  // Scales: 0.001 s / 0.1 below 2^14 with 40 bits, as large as int8's with 32.
  conv.constant(1).quantization.scale = {1638000.0F};
  CHECK(conv.refusal() == "");
  conv.constant(1).quantization.scale = {1639000.0F};
  CHECK_THAT(conv.refusal(), Contains("has a scale of 2^15, allowed up to 2^14"));
  conv.set_bias(0, model::DataType::kInt32);
  CHECK(conv.refusal() == "");

  // Rows that do not follow each other in a map of 2 x 2 pixels.
  Builder b(2);
  const int x = b.input({1, 3, 5, 8});
  b.graph.outputs = {b.fully_connected(x, 24, 4)};
  testing::widen(b);
  machine::Config config = testing::small_config(4, 4, 32, 16, 64);
  config.activations16 = true;
  CHECK_THROWS_WITH(compiler::compile(b.graph, config, {reference::kDoublePolicy}),
                    Contains("int16 codes are in no other order"));
}

/// Random codes, two bytes each.
Array random_codes(Builder& b, int tensor) {
  Array a = b.random_array(tensor), upper = b.random_array(tensor);
  std::vector<std::uint8_t> bytes;
  for (std::size_t i = 0; i < a.bytes.size(); ++i)
    bytes.insert(bytes.end(), {a.bytes[i], upper.bytes[i]});
  return {"i2", a.shape, bytes};
}

/// One to four products, each on the one before.
void make_chain(Builder& b) {
  int x = b.input({1, b.number(1, 12), b.number(1, 12), b.number(1, 24)});
  for (int left = b.number(1, 4); left > 0; --left) {
    const std::vector<int> shape = b.shape(x);
    const int R = b.number(1, std::min(3, shape[1])), S = b.number(1, std::min(3, shape[2]));
    const auto padding = b.number(0, 1) == 0 ? model::Padding::kSame : model::Padding::kValid;
    const int stride_h = b.number(1, 2), stride_w = b.number(1, 2), kind = b.number(0, 4);
    if (kind == 0) {
      const int all = shape[1] * shape[2] * shape[3];
      x = b.fully_connected(x, b.number(0, 1) == 0 ? all : shape[3], b.number(1, 20));
      break;
    }
    const bool per_channel = b.number(0, 1) == 0;
    if (kind == 1)
      x = b.depthwise(x, b.number(1, 2), R, S, stride_h, stride_w, 1, 1, padding, per_channel);
    else
      x = b.convolution(x, b.number(1, 24), R, S, stride_h, stride_w, 1, 1, padding, per_channel);
  }
  b.graph.outputs = {x};
}

TEST_CASE("products of int16 activations are exact in recorded vectors", "[arch][int16]") {
  machine::Config config = testing::small_config(4, 4, 32, 16, 64);
  config.activations16 = true;
  for (const std::string name : {"products", "products32", "unbiased"}) {
    CAPTURE(name);
    const auto folder = std::filesystem::path(TRINE_SOURCE_DIR) / "tests" / "maps16";
    const model::Graph graph = model::import_tflite(folder / (name + ".tflite"));
    const reference::VectorSet vectors = reference::read_vectors(folder / name);
    compiler::CompileOptions options;
    options.rounding = vectors.policy;
    CHECK_THROWS_WITH(compiler::compile(graph, config, options),
                      Catch::Matchers::Contains("TRANSPOSE_CONV") &&
                          Catch::Matchers::Contains(
                              ": int16 activations, the machine computes int8, of int16 CONV_2D, "
                              "DEPTHWISE_CONV_2D, FULLY_CONNECTED"));
    options.host = compiler::HostPart::kAnywhere;
    for (const int rows : {2, 4, 8}) {
      config.rows = rows;
      const compiler::Program program = compiler::compile(graph, config, options);
      CHECK(program.layers.size() + 2 >= graph.ops.size());  // all but TRANSPOSE_CONV
      for (const reference::VectorCase& c : vectors.cases)
        CHECK(compiler::first_difference(program, run_stages(program, c.inputs), c.outputs) == "");
    }
  }
}

TEST_CASE("random chains of int16 products are exact, whatever the memories hold",
          "[arch][int16]") {
  for (unsigned seed = 1; seed <= testing::kSeeds; ++seed) {
    CAPTURE(seed);
    Builder b(seed);
    machine::Config config = testing::random_config(b);
    config.rows += config.rows % 2;
    config.int8 = config.activations16 = true;
    CAPTURE(config.to_toml());
    make_chain(b);
    widen(b);
    CAPTURE(testing::text_of(b.graph));
    testing::require_exact_with_room(b.graph, config, {random_codes(b, b.graph.inputs[0])},
                                     reference::kDoublePolicy);
  }
}

}  // namespace
}  // namespace trine::sim
