// SPDX-License-Identifier: Apache-2.0
//
// Checks int16 activations with int8 weights (array.activations16): recorded vectors, and random
// chains of products and movement on memories that hold only parts of them.

#include <algorithm>
#include <cmath>
#include <cstring>
#include <filesystem>

#include "sw/model/check/check.h"
#include "sw/model/import/import.h"
#include "sw/model/import/testing.h"
#include "sw/reference/vectors/vectors.h"
#include "tests/compiler/testing.h"
#include "tools/random/networks.h"

namespace trine::sim {
namespace {

using fuzz::Between;
using model::OpKind;
using model::Padding;
using testing::Builder;
using testing::run_segments;
using testing::widen;

/// A product of int16 codes with all weights 127, on 64 channels.
struct Product {
  explicit Product(bool fully_connected) : builder(1) {
    const int x = builder.input({1, 2, 2, 64});
    const int y = fully_connected
                      ? builder.fully_connected(x, 256, 4)
                      : builder.convolution(x, 4, 1, 1, 1, 1, 1, 1, Padding::kValid, false);
    builder.graph.outputs = {y};
    testing::widen(builder);
    auto& codes = constant(1).data;
    std::ranges::fill(codes.edit(), std::uint8_t{127});
    set_bias(0);
    builder.graph.tensors[at(y)].quantization.scale = {0.1F};
    constant(1).quantization.scale = {0.001F};
    builder.graph.tensors[at(x)].quantization.scale = {0.001F};
  }

  static std::size_t at(int i) { return static_cast<std::size_t>(i); }
  model::Tensor& constant(int position) {
    return builder.graph.tensors[at(builder.graph.ops.back().input(position))];
  }
  void set_bias(std::int64_t value, model::DataType type = model::DataType::kInt64) {
    int& bias = builder.graph.ops.back().inputs[2];
    if (bias < 0) bias = builder.constant({4});
    model::Tensor& t = builder.graph.tensors[at(bias)];
    const std::size_t bytes = type == model::DataType::kInt64 ? 8 : 4;
    t.type = type;
    t.data.edit().resize(4 * bytes);
    for (std::size_t m = 0; m < 4; ++m) std::memcpy(&t.data.edit()[m * bytes], &value, bytes);
  }

  /// Returns why the network is refused, or nothing.
  std::string refusal(const reference::RoundingPolicy& rounding = reference::kDoublePolicy,
                      int acc_bits = 32) const {
    spec::Config config = testing::small_config(4, 4, 32, 16, 64);
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

TEST_CASE("only unsupported forms of int16 products are refused", "[arch][int16][error]") {
  using Catch::Matchers::ContainsSubstring;
  Product conv(false), rows(true);
  CHECK(conv.refusal() == "");
  CHECK(rows.refusal() == "");

  // With a single rounding, LiteRT uses 40-bit sums in CONV_2D but not in FULLY_CONNECTED.
  CHECK(conv.refusal(reference::kSinglePolicy) == "");
  CHECK_THAT(rows.refusal(reference::kSinglePolicy),
             ContainsSubstring("int16 codes with one rounding"));
  conv.set_bias(7, model::DataType::kInt32);
  CHECK(conv.refusal() == "");
  CHECK_THAT(conv.refusal(reference::kSinglePolicy),
             ContainsSubstring("int16 codes with one rounding"));

  // The sum of 32,768 x 127 x 64 and the bias needs 40 bits; in the array each byte's sum needs 26.
  const std::int64_t most = (std::int64_t{1} << 39) - std::int64_t{32768} * 127 * 64;
  conv.set_bias(most - 1);
  CHECK(conv.refusal() == "");
  conv.set_bias(most);
  CHECK_THAT(conv.refusal(), ContainsSubstring("the sums of channel 0 may need more than 40 bits"));
  conv.set_bias(-most);
  CHECK_THAT(conv.refusal(), ContainsSubstring("may need more than 40 bits"));
  conv.set_bias(0);
  CHECK(conv.refusal(reference::kDoublePolicy, 21) == "");
  CHECK_THAT(conv.refusal(reference::kDoublePolicy, 20),
             ContainsSubstring("its sums need 21 bits, but array.acc_bits is 20"));

  // Scales: 0.001 s / 0.1 must be below 2^14 for 40 bits; for 32 bits the limit is that of int8.
  conv.constant(1).quantization.scale = {1638000.0F};
  CHECK(conv.refusal() == "");
  conv.constant(1).quantization.scale = {1639000.0F};
  CHECK_THAT(conv.refusal(), ContainsSubstring("has a scale of 2^15, allowed up to 2^14"));
  conv.set_bias(0, model::DataType::kInt32);
  CHECK(conv.refusal() == "");
}

/// Returns why the int16 network is refused, or nothing.
std::string refusal(Builder& b, bool vector = true) {
  spec::Config config = testing::small_config(4, 4, 32, 16, 64);
  config.activations16 = true;
  config.vector = vector;
  widen(b);
  try {
    compiler::compile(b.graph, config, {reference::kDoublePolicy});
  } catch (const Error& e) {
    return e.what();
  }
  return "";
}

TEST_CASE("the window former reads four-bit weights as bytes", "[arch][weights4]") {
  Builder b(1);
  const int x = b.input({1, 3, 4, 1});
  b.graph.outputs = {b.convolution(x, 1, 1, 1, 1, 1, 1, 1, model::Padding::kValid, false)};
  for (model::Tensor& t : b.graph.tensors)
    if (t.name == "weights") {
      t.data = {5};
      t.encoding = model::Encoding::kInt4;
    }
  spec::Config config = testing::small_config(4, 4, 32, 16, 64);
  config.weights4 = true;
  const compiler::Program program = compiler::compile(b.graph, config);
  CHECK_NOTHROW(run_arch(program, {b.random_array(x)}));
}

TEST_CASE("unsupported movement of int16 codes is refused", "[arch][int16][error]") {
  using Catch::Matchers::ContainsSubstring;
  const auto padded = [](const std::vector<int>& sides, int code, bool vector) {
    Builder b(1);
    const int x = b.input({1, 3, 5, 8});
    const int constant = b.constant({});
    b.graph.tensors[static_cast<std::size_t>(constant)].data = {static_cast<std::uint8_t>(code)};
    b.graph.outputs = {b.pad(x, sides, constant)};
    return refusal(b, vector);
  };
  const std::vector<int> around{0, 0, 1, 1, 1, 1, 0, 0}, channels{0, 0, 0, 0, 0, 0, 1, 1},
      both{0, 0, 1, 1, 0, 0, 1, 1};
  const auto other_border =
      ContainsSubstring("allowed 0, because convolutions reorder the int16 channels");
  CHECK(padded(around, 5, true) == "");
  CHECK(padded(channels, 5, true) == "");
  CHECK_THAT(padded(both, 5, true), other_border);
  // The vector unit is off, so nothing is copied.
  CHECK_THAT(padded(around, 5, false), other_border);

  for (const int stride : {127, 128}) {
    Builder sliced(4);
    const int x = sliced.input({1, 1, 2 * stride, 4});
    sliced.graph.outputs = {
        sliced.strided_slice(x, {0, 0, 0, 0}, {1, 1, 2 * stride, 4}, {1, 1, stride, 1})};
    const std::string what = refusal(sliced);
    if (stride == 127) CHECK(what == "");
    if (stride == 128)
      CHECK_THAT(what, ContainsSubstring("int16 pixels that are 128 apart, allowed 127"));
  }

  Builder turned(2);  // 1,025 channels that become pixels
  const auto product = [&](int from, int channels) {
    return turned.convolution(from, channels, 1, 1, 1, 1, 1, 1, Padding::kSame, false);
  };
  const int many = product(turned.input({1, 1, 3, 4}), 1025);
  turned.graph.outputs = {product(turned.transpose(many, {0, 1, 3, 2}), 1)};
  CHECK_THAT(refusal(turned), ContainsSubstring("in 1025 pieces (allowed: 1024)"));

  Builder joined(3);
  joined.one_scale = true;
  const int x = joined.input({1, 3, 5, 8});
  joined.graph.outputs = {joined.concatenation({x, x}, 3)};
  widen(joined);
  model::Tensor constant = joined.graph.in(joined.graph.ops[0], 0);
  constant.is_constant = true;
  constant.data.edit().assign(240, 0);
  joined.graph.ops[0].inputs[1] = joined.graph.add(constant);
  CHECK_THAT(refusal(joined), ContainsSubstring("the machine supports only computed int16 maps"));
}

/// Returns the names of the operators on the host, except for those that only reshape codes.
std::vector<std::string> on_host(const compiler::Program& program) {
  std::vector<std::string> names;
  for (const compiler::Program* segment : compiler::segments(program))
    for (const model::Graph* graph : {&segment->before, &segment->after})
      for (const model::Op& op : graph->ops)
        if (!model::is_reshape(op.kind)) names.push_back(op.name);
  return names;
}

/// Requires a file of tests/maps16 to be exact on arrays of 2, 4 and 8 rows. @param host  operators
/// that run on the host
void require_recorded(const std::string& name, const std::vector<std::string>& host) {
  CAPTURE(name);
  spec::Config config = testing::small_config(4, 4, 32, 16, 64);
  config.activations16 = true;
  const model::Sample sample = model::own_sample("maps16/" + name + ".tflite");
  const model::Graph graph = model::import_tflite(sample.file);
  const reference::VectorSet vectors = reference::read_vectors(sample.vectors);
  compiler::CompileOptions options;
  options.rounding = vectors.policy;
  if (!host.empty()) {
    CHECK_THROWS_WITH(
        compiler::compile(graph, config, options),
        Catch::Matchers::ContainsSubstring(
            host[0] +
            ": int16 activations, but the machine computes int8, and in int16 products with int8 "
            "weights or int16 maps, sums, maxima, LOGISTIC, TANH, SOFTMAX and movement"));
    options.host = compiler::HostPart::kAnywhere;
  }
  for (const int rows : {2, 4, 8}) {
    config.rows = rows;
    const compiler::Program program = compiler::compile(graph, config, options);
    CHECK(on_host(program) == host);
    for (const reference::VectorCase& c : vectors.cases)
      CHECK(compiler::first_difference(program, run_segments(program, c.inputs), c.outputs) == "");
  }
}

TEST_CASE("operators of int16 activations are exact in recorded vectors", "[arch][int16]") {
  for (const std::string name : {"products", "products32", "unbiased", "moved", "movement",
                                 "elementwise", "widened", "pools", "batch_matmul", "softmax"})
    require_recorded(name, {});
  require_recorded("scales", {"ABS", "BATCH_MATMUL"});  // with a constant
}

TEST_CASE("only unsupported forms of int16 SOFTMAX are refused", "[arch][int16][error]") {
  using Catch::Matchers::ContainsSubstring;
  const auto refusal_of = [](int channels, float scale, const std::string& key) {
    Builder b(1);
    const int x = b.input({1, 1, 2, channels});
    const int y = b.unary(x, OpKind::kSoftmax);
    b.graph.outputs = {b.unary(y, OpKind::kQuantize)};
    widen(b);
    b.tensor(x).quantization.scale = {scale};
    b.tensor(y).quantization.scale = {0x1p-15F};
    try {
      compiler::compile(b.graph, spec::load_config("edge64", {"array.activations16=true", key}));
    } catch (const Error& e) {
      return std::string(e.what());
    }
    return std::string();
  };
  const std::string plain = "array.rows=2";
  CHECK(refusal_of(2047, 0.001F, plain) == "");
  CHECK_THAT(refusal_of(2048, 0.001F, plain),
             ContainsSubstring(": sums of 2048 int16 values, allowed 2047"));
  CHECK(refusal_of(3, 4.99F, plain) == "");  // the scale times 6553.5
  CHECK_THAT(refusal_of(3, 5.01F, plain),
             ContainsSubstring(": a scale of 2^16, allowed up to 2^15"));
  CHECK_THAT(refusal_of(3, 0.001F, "vector.softmax=false"),
             ContainsSubstring("requires vector.softmax"));
  CHECK_THAT(refusal_of(3, 0.001F, "vector.table=false"), ContainsSubstring("(vector.table)"));
}

TEST_CASE("SOFTMAX of int16 is exact from one channel to many", "[arch][int16]") {
  for (const int channels : {1, 2, 3, 4, 5, 31, 100, 333})
    for (const float scale : {1e-5F, 0.0003F, 1.0F / 4096, 0.02F}) {
      CAPTURE(channels, scale);
      Builder b(static_cast<unsigned>(channels));
      const int x = b.input({1, 3, 3, channels});
      const int y = b.unary(x, OpKind::kSoftmax);
      b.graph.ops.back().beta = channels % 2 == 0 ? 1 : 0.7F;
      b.graph.outputs = {y};
      widen(b);
      b.tensor(x).quantization.scale = {scale};
      b.tensor(y).quantization.scale = {0x1p-15F};
      Array flat = fuzz::random_codes(b, x);
      std::ranges::fill(flat.bytes, std::uint8_t{0x80});
      for (const std::string config : {"edge64", "edge256"})
        testing::require_exact(b.graph, spec::load_config(config, {"array.activations16=true"}),
                               {fuzz::random_codes(b, x)});
      testing::require_exact(b.graph, spec::load_config("edge64", {"array.activations16=true"}),
                             {flat});
    }
}

TEST_CASE("a maximum of int16 codes after a product is exact", "[arch][int16]") {
  for (const bool reduces : {false, true}) {
    Builder b(3);
    int x = b.input({1, 3, 1, 1});
    x = b.convolution(x, 1, 2, 1, 1, 1, 1, 1, Padding::kValid, false);
    x = reduces ? b.reduce_max(x, {1, 2}) : b.pool(x, true, 2, 1, 1, 1, Padding::kValid);
    b.graph.outputs = {x};
    widen(b);
    testing::require_exact(b.graph, spec::load_config("edge256", {"array.activations16=true"}),
                           {fuzz::random_codes(b, b.graph.inputs[0])});
  }
}

TEST_CASE("the largest and the smallest channel of int16 codes are exact", "[arch][int16]") {
  const spec::Config config = spec::load_config("edge64", {"array.activations16=true"});
  for (const model::OpKind kind : {model::OpKind::kReduceMax, model::OpKind::kReduceMin})
    for (const int channels : {2, 7, 33}) {
      CAPTURE(model::name_of(kind), channels);
      Builder b(static_cast<unsigned>(channels));
      b.graph.outputs = {b.reduction(b.input({1, 3, 5, channels}), {3}, kind)};
      widen(b);
      testing::require_exact(b.graph, config, {fuzz::random_codes(b, b.graph.inputs[0])});
    }
}

namespace {

/// Replaces the network's input by floats with a quantizer.
void quantize_input(model::Graph& graph) {
  model::Tensor floats = graph.tensor(graph.inputs[0]);
  floats.type = model::DataType::kFloat32;
  floats.quantization = {};
  const int from = graph.add(std::move(floats));
  model::Op op = model::op_of(model::OpKind::kQuantize, 0, {from}, {graph.inputs[0]});
  op.half_even = true;
  graph.ops.insert(graph.ops.begin(), std::move(op));
  graph.inputs[0] = from;
}

}  // namespace

TEST_CASE("sums of int16 codes with halves to even are limited to 32 bits",
          "[arch][int16][error]") {
  using Catch::Matchers::ContainsSubstring;
  for (const bool quantizes : {false, true})
    for (const bool fully_connected : {false, true}) {
      Product product(fully_connected);
      model::Op& op = product.builder.graph.ops.back();
      op.half_even = true;
      op.code_min = INT16_MIN, op.code_max = INT16_MAX;
      if (quantizes) quantize_input(product.builder.graph);
      const int inputs = fully_connected ? 256 : 64;
      const std::int64_t weights = std::int64_t{127} * inputs, most = INT32_MAX - 32767 * weights,
                         least = 32768 * weights - INT32_MAX;
      for (const std::int64_t bias : {most, least}) {
        product.set_bias(bias, model::DataType::kInt32);
        CHECK(product.refusal() == "");
      }
      for (const std::int64_t bias : {most + 1, least - 1}) {
        product.set_bias(bias, model::DataType::kInt32);
        CHECK_THAT(product.refusal(),
                   ContainsSubstring("the sums of channel 0 reach 2147483648, but int16 sums that "
                                     "round halves to even have 32 bits"));
      }
    }
}

TEST_CASE("codes of an eight-bit format require array.formats", "[arch][int16][minifloat][error]") {
  Builder b(1);
  b.graph.outputs = {
      b.convolution(b.input({1, 3, 3, 4}), 4, 1, 1, 1, 1, 1, 1, Padding::kValid, false)};
  widen(b, true);
  b.graph.ops[0].half_even = true;
  b.graph.ops[0].code_min = INT16_MIN, b.graph.ops[0].code_max = INT16_MAX;
  for (model::Tensor& t : b.graph.tensors)
    if (t.type == model::DataType::kInt16) t.format = spec::Format::kE3M4;
  const std::vector<std::string> wide{"array.activations16=true"};
  CHECK_THROWS_WITH(
      compiler::compile(b.graph, spec::load_config("edge64", wide)),
      Catch::Matchers::ContainsSubstring("CONV_2D: e3m4 values require array.formats"));
  testing::require_exact(
      b.graph, spec::load_config("edge64", {"array.activations16=true", "array.formats=true"}),
      {fuzz::random_codes(b, b.graph.inputs[0])});
}

namespace {

/// Replaces a tensor's values by fixed-point values of 19 bits, E4M3's largest ones among them.
void set_fixed_values(model::Tensor& t) {
  constexpr std::int32_t kMost = 448 << 9;
  std::vector<std::int32_t> values;
  for (int i = 0; i < static_cast<int>(t.elements()); ++i)
    values.push_back(i % 5 == 0 ? -kMost : i % 3 == 0 ? kMost - i : 77 * i - 999);
  t.type = model::DataType::kInt32;
  t.data.edit().resize(4 * values.size());
  std::memcpy(t.data.edit().data(), values.data(), t.data.size());
}

}  // namespace

TEST_CASE("fixed-point weights of 19 bits are exact and their unsupported forms are refused",
          "[arch][int16][minifloat]") {
  const bool wide = GENERATE(false, true);
  const auto convolution = [&](int S, float scale) {
    Builder b(1);
    const int x = b.input({1, 3, 4, 9});
    const int y = b.convolution(x, 6, 3, S, 1, 1, 1, 1, Padding::kSame, false);
    b.graph.outputs = {y};
    if (wide) widen(b, true);
    model::Op& op = b.graph.ops[0];
    op.half_even = true;
    if (wide) op.code_min = INT16_MIN, op.code_max = INT16_MAX;
    model::Tensor& w = b.tensor(op.inputs[1]);
    set_fixed_values(w);
    b.tensor(x).quantization.scale = {wide ? 0x1p-15F : 0x1p-7F};
    w.quantization.scale = {0x1p-18F};
    b.tensor(y).quantization.scale = {scale};
    return b;
  };
  const float fits = wide ? 0x1p-11F : 0x1p-4F;
  const auto design = [](std::vector<std::string> more) {
    more.emplace_back("array.activations16=true");
    return spec::load_config("edge64", more);
  };
  Builder b = convolution(2, fits);
  const spec::Config config = design({"array.formats=true"});
  testing::require_exact(b.graph, config, {fuzz::random_codes(b, b.graph.inputs[0])});
  CHECK_THROWS_WITH(compiler::compile(b.graph, design({})),
                    Catch::Matchers::ContainsSubstring(
                        "weights of more than 8 bits, which require array.formats"));
  CHECK_THROWS_WITH(compiler::compile(convolution(2, 0.3F).graph, config),
                    Catch::Matchers::ContainsSubstring(
                        "require scales of 15 bits, below 2^15: use powers of two"));
  if (wide)
    CHECK_THROWS_WITH(compiler::compile(convolution(8, fits).graph, config),
                      Catch::Matchers::ContainsSubstring("allowed 40 bits"));
}

TEST_CASE("a bias of any size and sign is added to sums of fixed-point weights",
          "[arch][int16][minifloat]") {
  const std::vector<std::int32_t> biases{
      0,      255,    256,     65535,      65536,   -1,         -256,          -257,
      -65536, -65537, 1 << 24, -(1 << 24), 1 << 28, -(1 << 28), (1 << 27) + 1, -(1 << 27) - 1};
  const auto channels = static_cast<int>(biases.size());
  for (const bool fully_connected : {false, true})
    for (const float scale : {0x1p-20F, 0x1p-4F}) {  // shows low bits, and high ones
      CAPTURE(fully_connected, scale);
      Builder b(1);
      const int x = b.input({1, 1, 4, 8});
      const int y = fully_connected
                        ? b.fully_connected(x, 8, channels)
                        : b.convolution(x, channels, 1, 1, 1, 1, 1, 1, Padding::kValid, false);
      b.graph.outputs = {y};
      model::Op& op = b.graph.ops[0];
      op.half_even = true;
      op.activation = model::Activation::kNone;
      model::Tensor& weights = b.tensor(op.inputs[1]);
      set_fixed_values(weights);
      if (op.inputs[2] < 0) op.inputs[2] = b.constant({channels});
      model::Tensor& bias = b.tensor(op.inputs[2]);
      bias.type = model::DataType::kInt32;
      bias.data.edit().resize(4 * biases.size());
      std::memcpy(bias.data.edit().data(), biases.data(), bias.data.size());
      b.set_quantization(x, 0x1p-7F, 0);
      b.tensor(op.inputs[1]).quantization.scale = {0x1p-18F};
      b.tensor(y).quantization.scale = {scale};
      Array inputs = b.random_array(x);
      if (scale < 0x1p-10F) std::ranges::fill(inputs.bytes, 0);
      testing::require_exact(
          b.graph, spec::load_config("edge64", {"array.activations16=true", "array.formats=true"}),
          {inputs});
    }
}

namespace {

/// Builds a 3 x S convolution of E4M3 codes with 19-bit weights or, if `narrow`, with 8-bit
/// weights. With `sums` it adds the input to the result if both fit.
Builder of_values(int S, bool narrow, bool sums, float scale, std::int64_t bias = 0) {
  Builder b(1);
  const int x = b.input({1, 3, 4, 9});
  const int y = b.convolution(x, 9, 3, S, 1, 1, 1, 1, Padding::kSame, false);
  const int z = sums ? b.binary(x, y, OpKind::kSub) : y;
  b.graph.outputs = {z};
  model::Op& op = b.graph.ops[0];
  for (model::Op& each : b.graph.ops) each.half_even = true;
  const int weights = op.inputs[1];
  if (!narrow) set_fixed_values(b.tensor(weights));
  b.tensor(weights).quantization.scale = {narrow ? 0x1p-10F : 0x1p-20F};
  for (const int t : {x, y, z}) {
    b.tensor(t).format = spec::Format::kE4M3;
    b.tensor(t).quantization = {{t == x ? 0x1p-9F : scale}, {0}};
  }
  if (bias != 0) {
    int& position = op.inputs[2];
    if (position < 0) position = b.constant({9});
    model::Tensor& t = b.tensor(position);
    t.type = model::DataType::kInt64;
    t.data.edit().resize(9 * sizeof bias);
    for (std::size_t m = 0; m < 9; ++m)
      std::memcpy(&t.data.edit()[m * sizeof bias], &bias, sizeof bias);
  }
  return b;
}

}  // namespace

TEST_CASE("E4M3 codes are exact on both sides of a product and refused in unsupported forms",
          "[arch][int16][minifloat]") {
  const bool narrow = GENERATE(false, true);
  const auto design = [](std::vector<std::string> more) {
    more.emplace_back("array.activations16=true");
    return spec::load_config("edge64", more);
  };
  const spec::Config config = design({"array.formats=true"});
  constexpr std::int64_t kBias = (std::int64_t{1} << 38) + 12345;
  for (const bool sums : {false, true})
    for (const std::int64_t bias : {std::int64_t{0}, kBias, -kBias}) {
      CAPTURE(narrow, sums, bias);
      Builder b = of_values(2, narrow, sums, narrow && bias == 0 ? 0x1p-9F : 0x1p-6F, bias);
      testing::require_exact(b.graph, config, {fuzz::random_codes(b, b.graph.inputs[0])});
    }
  const auto refused = [&](const Builder& b, const spec::Config& by, const char* text) {
    CHECK_THROWS_WITH(compiler::compile(b.graph, by), Catch::Matchers::ContainsSubstring(text));
  };
  const Builder plain = of_values(2, narrow, false, 0x1p-6F);
  refused(plain, design({}), "e4m3 values require array.formats, vector.enable and vector.table");
  refused(plain, design({"array.formats=true", "vector.table=false"}), "and vector.table");
  refused(of_values(2, narrow, false, 0.3F), config, "require scales of 15 bits, below 2^15");
  refused(of_values(2, narrow, true, 0x1p-1F), config,
          "e4m3 values can only be added if one scale is the other times");
  constexpr std::int64_t kMost = (std::int64_t{1} << 47) - 1;
  refused(of_values(2, narrow, false, 0x1p-6F, kMost), config,
          narrow ? ", allowed 40 bits" : ", allowed 48 bits");
}

TEST_CASE("networks between ONNX's int16 quantizers are exact", "[arch][int16][onnx]") {
  spec::Config config = testing::small_config(4, 4, 64, 32, 64);
  config.activations16 = true;
  for (const std::string name : {"int16/mobilenet_v2_int16", "int16/detector_int16",
                                 "int16/windows_int16", "int16/codes_int16", "operators/int16"}) {
    CAPTURE(name);
    const model::Sample sample = model::own_sample("onnx/" + name + ".onnx");
    const model::Graph graph = model::import_onnx(sample.file);
    const auto inputs = reference::read_vectors(sample.vectors).cases.at(0).inputs;
    const auto golden = reference::outputs_of(graph, reference::run_graph(graph, inputs));
    for (const int rows : {2, 8}) {
      config.rows = rows;
      const compiler::Program program = compiler::compile(graph, config);
      for (const std::string& op : on_host(program))
        CHECK((op == "QUANTIZE" || op == "DEQUANTIZE" || op == "TRANSPOSE"));
      CHECK(compiler::first_difference(program, run_segments(program, inputs), golden) == "");
    }
    config.activations16 = false;
    CHECK_THROWS_WITH(compiler::compile(graph, config),
                      Catch::Matchers::ContainsSubstring("(array.activations16)"));
    config.activations16 = true;
  }
}

TEST_CASE("int16 products run once on the machine when the host runs other operators",
          "[arch][int16][host]") {
  spec::Config config = testing::small_config(4, 4, 32, 16, 64);
  config.activations16 = true;
  const model::Sample sample = model::own_sample("maps16/network.tflite");
  const model::Graph graph = model::import_tflite(sample.file);
  const reference::VectorSet vectors = reference::read_vectors(sample.vectors);
  compiler::CompileOptions options;
  options.rounding = vectors.policy;
  options.host = compiler::HostPart::kAnywhere;
  const compiler::Program program = compiler::compile(graph, config, options);
  const std::vector<program::ProgramLayer> layers = compiler::layers_of(program);
  const auto products = std::ranges::count_if(
      layers, [](const auto& layer) { return layer.op == "CONV_2D" && layer.macs > 0; });
  CHECK(products == std::ranges::count(graph.ops, model::OpKind::kConv2D, &model::Op::kind));
  for (const reference::VectorCase& c : vectors.cases)
    CHECK(compiler::first_difference(program, run_segments(program, c.inputs), c.outputs) == "");
}

TEST_CASE("random chains of int16 operators are exact, whatever the memories hold",
          "[arch][int16]") {
  const auto between = GENERATE(Between::kNothing, Between::kMovement, Between::kVectors);
  unsigned refused = 0;
  for (unsigned seed = 1; seed <= testing::kSeeds; ++seed) {
    CAPTURE(seed);
    Builder b(seed);
    spec::Config config = testing::random_config(b);
    config.rows += config.rows % 2;
    config.int8 = config.activations16 = true;
    config.vector |= between == Between::kVectors;
    CAPTURE(config.to_toml());
    fuzz::random_chain(b, between, config.vector);
    widen(b);
    CAPTURE(testing::text_of(b.graph));
    try {
      testing::require_exact_with_room(b.graph, config, {fuzz::random_codes(b, b.graph.inputs[0])},
                                       reference::kDoublePolicy);
    } catch (const Error& e) {  // also refused for int8
      if (std::string(e.what()).find("splits channels") == std::string::npos) throw;
      ++refused;
    }
  }
  CHECK(refused <= testing::kSeeds / 50);
}

/// A way to damage a tensor of int16 codes.
struct Damage {
  std::string name;
  void (*apply)(model::Tensor&);
  bool legal = false;  ///< legal with some operators
};

const std::vector<Damage> kDamages{
    {"zero point", [](model::Tensor& t) { t.quantization.zero_point = {1}; }},
    {"scale 0", [](model::Tensor& t) { t.quantization.scale = {0}; }},
    {"scale below 0", [](model::Tensor& t) { t.quantization.scale = {-1}; }},
    {"scale nan", [](model::Tensor& t) { t.quantization.scale = {std::nanf("")}; }},
    {"scale inf", [](model::Tensor& t) { t.quantization.scale = {HUGE_VALF}; }},
    {"no scale", [](model::Tensor& t) { t.quantization = {}; }},
    {"two scales",
     [](model::Tensor& t) {
       t.quantization = {{1, 2}, {0, 0}, 0};
     }},
    {"int8", [](model::Tensor& t) { t.type = model::DataType::kInt8; }, true},
    {"uint8", [](model::Tensor& t) { t.type = model::DataType::kUInt8; }, true},
    {"int32", [](model::Tensor& t) { t.type = model::DataType::kInt32; }, true},
    {"float32", [](model::Tensor& t) { t.type = model::DataType::kFloat32; }, true},
    {"another axis", [](model::Tensor& t) { t.shape.push_back(2); }},
    {"more elements", [](model::Tensor& t) { t.shape = {static_cast<int>(t.elements()) + 1}; }},
};

/// Returns why the network is refused, or nothing if it runs.
std::string refusal_of_all(const model::Graph& graph, const spec::Config& config) {
  try {
    model::check(graph);
    compiler::CompileOptions options;
    options.host = compiler::HostPart::kAnywhere;
    const compiler::Program program = compiler::compile(graph, config, options);
    std::vector<Array> zeros;
    for (const int t : graph.inputs) {
      const model::Tensor& of = graph.tensor(t);
      Array& array = zeros.emplace_back(
          Array{std::string(model::npy_code(of.type)), {of.shape.begin(), of.shape.end()}, {}});
      array.bytes.resize(static_cast<std::size_t>(of.elements() * model::bytes_of(of.type)));
    }
    run_segments(program, zeros);
  } catch (const Error& e) {
    return e.what();
  }
  return "";
}

/// Returns why an operator on int16 maps with these scales is refused, or nothing.
template <typename Make>
std::string refusal_alone(const std::vector<int>& shape, float in, float out, Make make,
                          const reference::RoundingPolicy& rounding = reference::kDoublePolicy) {
  spec::Config config = testing::small_config(4, 4, 2048, 16, 64);
  config.activations16 = true;
  Builder b(1);
  const int x = b.input(shape), y = make(b, x);
  b.graph.outputs = {y};
  widen(b);
  b.tensor(x).quantization.scale = {in};
  b.tensor(y).quantization.scale = {out};
  try {
    compiler::compile(b.graph, config, {rounding});
  } catch (const Error& e) {
    return e.what();
  }
  return "";
}

TEST_CASE("only unsupported forms of int16 sums are refused", "[arch][int16][error]") {
  using Catch::Matchers::ContainsSubstring;
  const std::vector<int> shape{1, 2, 3, 4};
  const auto of_two = [](OpKind kind) {
    return [kind](Builder& b, int x) { return b.binary(x, x, kind); };
  };
  // Twice the larger scale times 2^15 divided by the output scale must be below 1, so that sums fit
  // 32 bits.
  for (const OpKind kind : {OpKind::kAdd, OpKind::kSub}) {
    CHECK(refusal_alone(shape, 0x1p-10F, 0x1p-24F * 1.5F, of_two(kind)) == "");
    CHECK_THAT(refusal_alone(shape, 0x1p-10F, 0x1p-24F * 0.75F, of_two(kind)),
               ContainsSubstring(": a scale of 2^1, allowed up to 2^0"));
  }
  CHECK(refusal_alone(shape, 0x1p-10F, 0x1p-20F * 1.5F, of_two(OpKind::kMul)) == "");
  CHECK_THAT(refusal_alone(shape, 0x1p-10F, 0x1p-20F * 0.75F, of_two(OpKind::kMul)),
             ContainsSubstring(": a scale of 2^1, allowed up to 2^0"));

  // 16-bit codes by up to 2^16; int8 codes less their zero point by up to 2^23.
  const auto of_one = [](OpKind kind) {
    return [kind](Builder& b, int x) { return b.unary(x, kind); };
  };
  for (const OpKind kind : {OpKind::kRelu, OpKind::kQuantize, OpKind::kLeakyRelu}) {
    CHECK(refusal_alone(shape, 0.75F, 0x1p-16F, of_one(kind)) == "");
    CHECK_THAT(refusal_alone(shape, 1.5F, 0x1p-16F, of_one(kind)),
               ContainsSubstring(": a scale of 2^17, allowed up to 2^16"));
  }
  const auto widened = [](Builder& b, int x) {
    b.tensor(x).name = "narrow";
    return b.unary(x, OpKind::kQuantize);
  };
  CHECK(refusal_alone(shape, 0.75F, 0x1p-23F, widened) == "");
  CHECK_THAT(refusal_alone(shape, 1.5F, 0x1p-23F, widened),
             ContainsSubstring(": a scale of 2^24, allowed up to 2^23"));
  const auto negative = [](Builder& b, int x) {
    const int y = b.unary(x, OpKind::kLeakyRelu);
    b.graph.ops[0].alpha = -0.5F;
    return y;
  };
  CHECK_THAT(refusal_alone(shape, 1, 1, negative), ContainsSubstring("a negative slope"));

  // The largest number of codes with exact reciprocals and 32-bit sums.
  const auto averaged = [](int R, int S) {
    return [=](Builder& b, int x) { return b.pool(x, false, R, S, 1, 1, Padding::kValid); };
  };
  CHECK(refusal_alone({1, 127, 129, 1}, 1, 1, averaged(127, 129)) == "");
  CHECK_THAT(refusal_alone({1, 128, 128, 1}, 1, 1, averaged(128, 128)),
             ContainsSubstring(": sums of 16384 int16 values, allowed 16383"));
  const auto mean = [](const std::vector<int>& axes) {
    return [=](Builder& b, int x) { return b.mean(x, axes); };
  };
  CHECK(refusal_alone({1, 255, 257, 1}, 1, 1, mean({1, 2})) == "");
  CHECK_THAT(refusal_alone({1, 256, 256, 1}, 1, 1, mean({1, 2})),
             ContainsSubstring(": sums of 65536 int16 values, allowed 65535"));
  CHECK(refusal_alone(shape, 1, 1, mean({3})) == "");
  CHECK_THAT(refusal_alone(shape, 1, 1, mean({3}), reference::kSinglePolicy),
             ContainsSubstring("int16 channels with one rounding"));
}

TEST_CASE("damaged int16 tensors are refused or run", "[arch][int16][error]") {
  spec::Config config = testing::small_config(4, 4, 32, 16, 64);
  config.activations16 = true;
  for (const model::Sample& sample : model::own_samples("maps16")) {
    const model::Graph graph = model::import_tflite(sample.file, true);
    for (std::size_t t = 0; t < graph.tensors.size(); ++t) {
      if (graph.tensors[t].type != model::DataType::kInt16) continue;
      for (const Damage& damage : kDamages) {
        CAPTURE(sample.name(), graph.tensors[t].name, damage.name);
        model::Graph damaged = graph;
        damage.apply(damaged.tensors[t]);
        std::string what;
        CHECK_NOTHROW(what = refusal_of_all(damaged, config));
        if (!damage.legal) CHECK(what != "");
      }
    }
  }
}

int random_alone(Builder& b, int x) {
  return b.number(0, 3) > 0 ? fuzz::random_movement(b, x, true) : fuzz::random_vector(b, x);
}

TEST_CASE("a single int16 operator is exact while its maps are loaded and stored",
          "[arch][int16]") {
  int straight = 0;
  for (unsigned seed = 1; seed <= 2 * testing::kSeeds; ++seed) {
    CAPTURE(seed);
    Builder b(seed);
    spec::Config config = testing::random_config(b);
    config.rows += config.rows % 2;
    config.int8 = config.activations16 = config.vector = true;
    CAPTURE(config.to_toml());
    const int x = b.input({1, b.number(1, 5), b.number(1, 50), b.number(1, 40)});
    b.graph.outputs = {random_alone(b, x)};
    widen(b);
    CAPTURE(testing::text_of(b.graph));
    const Array input = fuzz::random_codes(b, x);
    try {
      testing::require_exact_with_room(b.graph, config, {input}, reference::kDoublePolicy);
    } catch (const Error& e) {  // borders with other codes
      if (std::string(e.what()).find("allowed 0, because convolutions reorder") ==
          std::string::npos)
        throw;
    }
    std::string plan;
    compiler::CompileOptions options{reference::kDoublePolicy};
    options.print_after = "plan";
    options.printed = &plan;
    config.dmem_kib = 64;
    try {
      compiler::compile(b.graph, config, options);
    } catch (const Error&) {  // as above, or memories are too small
    }
    straight += plan.find("outputs are written in place") != std::string::npos ? 1 : 0;
  }
  CHECK(straight > static_cast<int>(testing::kSeeds) / 20);
}

}  // namespace
}  // namespace trine::sim
