// SPDX-License-Identifier: Apache-2.0
//
// Networks that the compiler writes as others first: uint8 codes, weights with a zero point. The
// golden layers run them as they are.

#include "sim/arch/testing.h"
#include "sw/base/error.h"

namespace trine::sim {
namespace {

using model::DataType;
using model::OpKind;
using model::Padding;
using testing::Builder;
using testing::random_config;
using testing::random_shape;
using testing::text_of;

#ifdef TRINE_SLOW_TESTS
constexpr unsigned kSeeds = 2000;
#else
constexpr unsigned kSeeds = 100;
#endif

/// Zero points for all weights; a few weights, or many, are then beyond int8.
void shift_weights(Builder& b) {
  for (model::Tensor& t : b.graph.tensors) {
    if (t.name != "weights") continue;
    const int zero_point = b.number(-128, 127), most = b.number(0, 2) * 60 + 10;
    for (std::uint8_t& code : t.data) {
      const bool far = b.number(0, 30) == 0;
      const int w =
          far ? b.number(-128, 127) : std::clamp(zero_point + b.number(-most, most), -128, 127);
      code = static_cast<std::uint8_t>(w);
    }
    t.quantization.zero_point = {zero_point};
  }
}

/// All codes 128 more.
void make_unsigned(model::Graph& graph) {
  for (model::Tensor& t : graph.tensors) {
    if (t.type != DataType::kInt8) continue;
    t.type = DataType::kUInt8;
    for (std::int64_t& zero_point : t.quantization.zero_point) zero_point += 128;
    for (std::uint8_t& code : t.data) code ^= 0x80;
  }
}

void require_exact(Builder& b, const gen::Config& config) {
  CAPTURE(config.to_toml(), text_of(b.graph));
  std::vector<Array> inputs;
  for (const int t : b.graph.inputs) {
    inputs.push_back(b.random_array(t));
    if (b.graph.tensor(t).type == DataType::kUInt8) inputs.back().dtype = "u1";
  }
  testing::require_exact(b.graph, config, inputs,
                         b.number(0, 1) == 0 ? reference::kDoublePolicy : reference::kSinglePolicy);
}

/// One product of any kind, its weights per tensor.
int random_product(Builder& b, int from, bool transposed = true) {
  const int C = b.shape(from)[3], R = b.number(1, 3), S = b.number(1, 3);
  switch (b.number(transposed ? 0 : 1, 4)) {
    case 1:
      return b.depthwise(from, b.number(1, 3), R, S, 1, b.number(1, 2), 1, 1, Padding::kSame,
                         false);
    case 2: {
      const int groups = C % 3 == 0 ? 3 : C % 2 == 0 ? 2 : 1;
      return b.convolution(from, groups * b.number(1, 8), R, S, 1, 1, 1, 2, Padding::kSame, false,
                           groups);
    }
    case 0:
      return b.transpose_convolution(from, b.number(1, 9), R, S, 2, 2, 2 * b.shape(from)[1],
                                     2 * b.shape(from)[2], Padding::kSame, false);
    default:
      return b.convolution(from, b.number(1, 20), R, S, b.number(1, 2), 1, 1, 1, Padding::kSame,
                           false);
  }
}

int random_network(Builder& b) {
  int x = b.input(random_shape(b));
  for (int i = b.number(1, 3); i > 0; --i) {
    x = random_product(b, x);
    if (b.number(0, 3) == 0) x = b.pool(x, b.number(0, 2) == 0, 2, 2, 1, 1, Padding::kSame);
    if (b.number(0, 3) == 0) x = b.unary(x, OpKind::kHardSwish, "HARD_SWISH");
    if (b.number(0, 3) == 0) x = b.addition(x, x);
  }
  const int K = static_cast<int>(b.graph.tensor(x).elements());
  return b.number(0, 2) == 0 && K < 2000 ? b.fully_connected(b.reshape(x, {1, K}), K, 7) : x;
}

TEST_CASE("uint8 networks equal the golden layers", "[arch][random][rewrite]") {
  for (unsigned seed = 1; seed <= 3 * kSeeds; ++seed) {
    CAPTURE(seed);
    Builder b(seed);
    const gen::Config config = random_config(b);
    b.graph.outputs = {random_network(b)};
    for (model::Tensor& t : b.graph.tensors)  // uint8 has no scales per channel
      if (t.name == "weights") t.quantization.scale.resize(1);
    shift_weights(b);
    make_unsigned(b.graph);
    require_exact(b, config);
  }
}

TEST_CASE("weights of FULLY_CONNECTED and of ONNX have zero points", "[arch][random][rewrite]") {
  for (unsigned seed = 1; seed <= kSeeds; ++seed) {
    CAPTURE(seed);
    Builder b(seed);
    const gen::Config config = random_config(b);
    const int rows = b.number(1, 9), K = b.number(1, 40);
    int x = b.input({rows, K});
    const bool onnx = b.number(0, 1) == 0;
    if (onnx) {
      x = random_product(b, b.input(random_shape(b)), false);
      b.graph.ops.back().half_even = true;
      b.graph.outputs = {x};
    } else {
      b.graph.outputs = {b.fully_connected(x, K, b.number(1, 20))};
      for (model::Tensor& t : b.graph.tensors)
        if (t.name == "weights") t.quantization.scale.resize(1);
    }
    shift_weights(b);
    require_exact(b, config);
  }
}

TEST_CASE("uint8 codes at the ends of an int8 network cost no layer", "[arch][rewrite]") {
  Builder b(1);
  const gen::Config config = testing::small_config(8, 8, 64, 64, 64);
  const int outer = b.input({1, 4, 4, 4});
  const int x = b.unary(outer, OpKind::kQuantize, "QUANTIZE");
  const int y = b.convolution(x, 8, 3, 3, 1, 1, 1, 1, Padding::kSame, true);
  const int last = b.unary(y, OpKind::kQuantize, "QUANTIZE");
  b.graph.outputs = {last};
  for (const auto& [codes, like] : {std::pair{outer, x}, {last, y}}) {
    model::Tensor& t = b.graph.tensors[static_cast<std::size_t>(codes)];
    t.type = DataType::kUInt8;
    t.quantization = b.graph.tensor(like).quantization;
    t.quantization.zero_point[0] += 128;
  }
  require_exact(b, config);
  CHECK(compiler::compile(b.graph, config).layers.size() == 1);
}

TEST_CASE("uint8 RESIZE_BILINEAR is refused: LiteRT computes floats", "[arch][rewrite][error]") {
  Builder b(1);
  b.graph.outputs = {b.resize(b.input({1, 4, 4, 8}), true, 8, 8, false, false)};
  make_unsigned(b.graph);
  REQUIRE_THROWS_WITH(compiler::compile(b.graph, testing::small_config(8, 8, 16, 16, 64)),
                      "random.tflite: op 0 RESIZE_BILINEAR: tensor 2 't2': type uint8, expected "
                      "int8");
}

}  // namespace
}  // namespace trine::sim
