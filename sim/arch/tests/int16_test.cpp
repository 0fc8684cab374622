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

using testing::Builder;
using testing::run_stages;

/// Sums of 40 bits: the bias in int64, as large beside int16 codes as it was beside int8.
void lengthen(model::Tensor& bias) {
  std::vector<std::int64_t> values;
  for (const std::int64_t v : bias.integers()) values.push_back(256 * v);
  bias.type = model::DataType::kInt64;
  bias.data.resize(8 * values.size());
  std::memcpy(bias.data.data(), values.data(), bias.data.size());
}

/// The network's codes with eight bits more.
void widen(Builder& b) {
  for (model::Tensor& t : b.graph.tensors) {
    if (t.is_constant || t.type != model::DataType::kInt8) continue;
    t.type = model::DataType::kInt16;
    t.quantization.zero_point = {0};
    for (float& scale : t.quantization.scale) scale /= 256;
  }
  for (const model::Op& op : b.graph.ops)
    if (op.input(2) >= 0 && (op.kind == model::OpKind::kDepthwiseConv2D || b.number(0, 2) > 0))
      lengthen(b.graph.tensors[static_cast<std::size_t>(op.input(2))]);
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
