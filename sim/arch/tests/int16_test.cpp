// SPDX-License-Identifier: Apache-2.0
//
// int16 activations with int8 weights (array.activations16): recorded vectors, and random chains of
// products and movement on memories that hold parts of them.

#include <algorithm>
#include <cstring>
#include <filesystem>

#include "sim/arch/tests/testing.h"
#include "sw/model/testing.h"
#include "sw/reference/vectors/vectors.h"

namespace trine::sim {
namespace {

using model::OpKind;
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
}

/// Why the network of int16 is not compiled; nothing if it is.
std::string refusal(Builder& b, bool vector = true) {
  machine::Config config = testing::small_config(4, 4, 32, 16, 64);
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

TEST_CASE("what movement of int16 cannot have on the machine is refused", "[arch][int16][error]") {
  using Catch::Matchers::Contains;
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
  const auto other_border = Contains("convolutions that put channels of int16 in order pad with 0");
  CHECK(padded(around, 5, true) == "");
  CHECK(padded(channels, 5, true) == "");
  CHECK_THAT(padded(both, 5, true), other_border);
  CHECK_THAT(padded(around, 5, false), other_border);  // no copies without the vector unit

  for (const int stride : {127, 128}) {
    Builder sliced(4);
    const int x = sliced.input({1, 1, 2 * stride, 4});
    sliced.graph.outputs = {
        sliced.strided_slice(x, {0, 0, 0, 0}, {1, 1, 2 * stride, 4}, {1, 1, stride, 1})};
    const std::string what = refusal(sliced);
    if (stride == 127) CHECK(what == "");
    if (stride == 128) CHECK_THAT(what, Contains("pixels of int16 128 apart, allowed 127"));
  }

  Builder turned(2);  // 1,025 channels that become pixels
  const auto product = [&](int from, int channels) {
    return turned.convolution(from, channels, 1, 1, 1, 1, 1, 1, Padding::kSame, false);
  };
  const int many = product(turned.input({1, 1, 3, 4}), 1025);
  turned.graph.outputs = {product(turned.transpose(many, {0, 1, 3, 2}), 1)};
  CHECK_THAT(refusal(turned), Contains("in 1025 pieces (allowed 1024)"));

  Builder joined(3);
  joined.one_scale = true;
  const int x = joined.input({1, 3, 5, 8});
  joined.graph.outputs = {joined.concatenation({x, x}, 3)};
  widen(joined);
  model::Tensor constant = joined.graph.in(joined.graph.ops[0], 0);
  constant.is_constant = true;
  constant.data.assign(240, 0);
  joined.graph.ops[0].inputs[1] = joined.graph.add(constant);
  CHECK_THAT(refusal(joined), Contains("the machine takes computed maps of int16"));
}

/// Random codes, two bytes each.
Array random_codes(Builder& b, int tensor) {
  Array a = b.random_array(tensor), upper = b.random_array(tensor);
  std::vector<std::uint8_t> bytes;
  for (std::size_t i = 0; i < a.bytes.size(); ++i)
    bytes.insert(bytes.end(), {a.bytes[i], upper.bytes[i]});
  return {"i2", a.shape, bytes};
}

int random_pad(Builder& b, int x, bool codes) {
  const bool channels = b.number(0, 1) == 0, code = codes && b.number(0, 1) == 0;
  std::vector<int> sides(8, 0);
  for (std::size_t i = 2; i < 8; ++i)
    if (i < 6 ? !code || !channels : channels) sides[i] = b.number(0, 3);
  return b.pad(x, sides, code ? b.constant({}) : -1);
}

int random_slice(Builder& b, int x) {
  const std::vector<int> s = b.shape(x);
  std::vector<int> begin{0}, end{1}, stride{1};
  for (std::size_t i = 1; i < 4; ++i) {
    begin.push_back(b.number(0, s[i] - 1));
    end.push_back(b.number(begin[i] + 1, s[i]));
    stride.push_back(b.number(1, 3));
  }
  return b.strided_slice(x, begin, end, stride);
}

/// Joined with its own product, or with itself.
int random_join(Builder& b, int x) {
  const std::vector<int> s = b.shape(x);
  const int axis = b.number(1, 3);
  int y = x;
  if (b.number(0, 2) > 0)
    y = b.convolution(x, axis == 3 ? b.number(1, 9) : s[3], 1, 1, 1, 1, 1, 1, Padding::kSame, true);
  auto& tensors = b.graph.tensors;
  const auto quantization = tensors[static_cast<std::size_t>(x)].quantization;
  std::vector<int> parts{x, y};
  if (b.number(0, 1) == 1) std::swap(parts[0], parts[1]);
  for (const int t : {y, b.concatenation(parts, axis)})
    tensors[static_cast<std::size_t>(t)].quantization = quantization;
  return b.graph.ops.back().outputs[0];
}

int random_turn(Builder& b, int x) {
  static const std::vector<std::vector<int>> kOrders{
      {0, 2, 1, 3}, {0, 1, 3, 2}, {0, 2, 3, 1}, {0, 3, 1, 2}, {0, 3, 2, 1}};
  return b.transpose(x, fuzz::any(b, kOrders));
}

int random_transposed_product(Builder& b, int x) {
  const std::vector<int> s = b.shape(x);
  const int R = b.number(1, 4), S = b.number(1, 4), U = b.number(1, 3), V = b.number(1, 3);
  return b.transpose_convolution(x, b.number(1, 10), R, S, U, V, s[1] * U, s[2] * V, Padding::kSame,
                                 b.number(0, 1) == 0);
}

/// @param codes  whether borders may be of other codes than 0
int random_movement(Builder& b, int x, bool codes) {
  const std::vector<int> s = b.shape(x);
  switch (b.number(0, 8)) {
    case 0:
      return random_pad(b, x, codes);
    case 1:
      return random_slice(b, x);
    case 2:
      return random_turn(b, x);
    case 3:
      return random_join(b, x);
    case 4:
      return b.mirror_pad(x, {0, 0, 0, std::min(1, s[1] - 1), std::min(2, s[2] - 1), 0, 0, 0},
                          false);
    case 5:
      return b.resize(x, false, b.number(1, 9), b.number(1, 9), false, b.number(0, 1) == 0);
    case 6:
      return b.reshape(x, {1, s[2], s[1], s[3]});
    case 7:
      return s[2] % 2 == 0 ? b.reshape(x, {1, s[1], s[2] / 2, 2 * s[3]})
                           : b.reshape(x, {1, 1, s[1] * s[2], s[3]});
    default:
      return random_transposed_product(b, x);
  }
}

/// What the vector unit computes.
int random_vector(Builder& b, int x) {
  const std::vector<int> s = b.shape(x);
  static const std::vector<OpKind> kOfOne{OpKind::kRelu, OpKind::kRelu6, OpKind::kLeakyRelu,
                                          OpKind::kQuantize};
  static const std::vector<OpKind> kOfTwo{OpKind::kAdd, OpKind::kSub, OpKind::kMul};
  const int kind = b.number(0, 5);
  if (kind == 0) return b.unary(x, fuzz::any(b, kOfOne));
  if (kind == 1)
    return b.pool(x, false, b.number(1, std::min(3, s[1])), b.number(1, std::min(3, s[2])),
                  b.number(1, 2), b.number(1, 2), fuzz::random_padding(b));
  if (kind == 2) return b.mean(x, b.number(0, 1) == 0 ? std::vector{1, 2} : std::vector{3});
  int y = x;
  if (b.number(0, 1) == 0)
    y = b.convolution(x, s[3], 1, 1, 1, 1, 1, 1, Padding::kSame, true);
  else if (b.number(0, 1) == 0)
    y = b.constant(b.number(0, 1) == 0 ? s : std::vector<int>{s[3]});
  return b.number(0, 1) == 0 ? b.binary(x, y, fuzz::any(b, kOfTwo))
                             : b.binary(y, x, fuzz::any(b, kOfTwo));
}

enum class Between { kNothing, kMovement, kVectors };

/// One to four products, each on the one before; other operators before some.
/// @param codes  whether borders may be of other codes than 0
void make_chain(Builder& b, Between between, bool codes) {
  int x = b.input({1, b.number(1, 12), b.number(1, 12), b.number(1, 24)});
  for (int left = b.number(1, 4); left > 0; --left) {
    for (int n = between == Between::kNothing ? 0 : b.number(0, 2); n > 0; --n)
      x = between == Between::kMovement ? random_movement(b, x, codes) : random_vector(b, x);
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

/// Names of the operators that run on the host, but for those that only give codes another shape.
std::vector<std::string> on_host(const compiler::Program& program) {
  std::vector<std::string> names;
  for (const compiler::Program* stage : compiler::stages(program))
    for (const model::Graph* graph : {&stage->before, &stage->after})
      for (const model::Op& op : graph->ops)
        if (!model::is_reshape(op.kind)) names.push_back(op.name);
  return names;
}

/// A file of tests/maps16 on arrays of 2, 4 and 8 rows. @param host  what is not the machine's
void require_recorded(const std::string& name, const std::vector<std::string>& host) {
  CAPTURE(name);
  machine::Config config = testing::small_config(4, 4, 32, 16, 64);
  config.activations16 = true;
  const model::Sample sample = model::own_sample("maps16/" + name + ".tflite");
  const model::Graph graph = model::import_tflite(sample.file);
  const reference::VectorSet vectors = reference::read_vectors(sample.vectors);
  compiler::CompileOptions options;
  options.rounding = vectors.policy;
  if (!host.empty()) {
    CHECK_THROWS_WITH(
        compiler::compile(graph, config, options),
        Catch::Matchers::Contains(host[0] + ": int16 activations, the machine "
                                            "computes int8, of int16 products with constant "
                                            "weights, sums and movement"));
    options.host = compiler::HostPart::kAnywhere;
  }
  for (const int rows : {2, 4, 8}) {
    config.rows = rows;
    const compiler::Program program = compiler::compile(graph, config, options);
    CHECK(on_host(program) == host);
    for (const reference::VectorCase& c : vectors.cases)
      CHECK(compiler::first_difference(program, run_stages(program, c.inputs), c.outputs) == "");
  }
}

TEST_CASE("operators of int16 activations are exact in recorded vectors", "[arch][int16]") {
  for (const std::string name : {"products", "products32", "unbiased", "moved", "movement"})
    require_recorded(name, {});
  require_recorded("elementwise", {"MAXIMUM", "MINIMUM"});
  require_recorded("scales", {"ABS", "BATCH_MATMUL"});
  require_recorded("pools", {"MAX_POOL_2D", "MAX_POOL_2D", "MAX_POOL_2D", "MAX_POOL_2D",
                             "REDUCE_MAX", "REDUCE_MIN"});
}

TEST_CASE("what int16 codes pass through runs once beside the host's operators",
          "[arch][int16][host]") {
  machine::Config config = testing::small_config(4, 4, 32, 16, 64);
  config.activations16 = true;
  const model::Sample sample = model::own_sample("maps16/network.tflite");
  const model::Graph graph = model::import_tflite(sample.file);
  const reference::VectorSet vectors = reference::read_vectors(sample.vectors);
  compiler::CompileOptions options;
  options.rounding = vectors.policy;
  options.host = compiler::HostPart::kAnywhere;
  const compiler::Program program = compiler::compile(graph, config, options);
  const std::vector<program::ProgramLayer> layers = compiler::layers_of(program);
  CHECK(std::ranges::count(layers, "CONV_2D", &program::ProgramLayer::op) ==
        std::ranges::count(graph.ops, model::OpKind::kConv2D, &model::Op::kind));
  for (const reference::VectorCase& c : vectors.cases)
    CHECK(compiler::first_difference(program, run_stages(program, c.inputs), c.outputs) == "");
}

TEST_CASE("random chains of int16 operators are exact, whatever the memories hold",
          "[arch][int16]") {
  const auto between = GENERATE(Between::kNothing, Between::kMovement, Between::kVectors);
  unsigned refused = 0;
  for (unsigned seed = 1; seed <= testing::kSeeds; ++seed) {
    CAPTURE(seed);
    Builder b(seed);
    machine::Config config = testing::random_config(b);
    config.rows += config.rows % 2;
    config.int8 = config.activations16 = true;
    config.vector |= between == Between::kVectors;
    CAPTURE(config.to_toml());
    make_chain(b, between, config.vector);
    widen(b);
    CAPTURE(testing::text_of(b.graph));
    try {
      testing::require_exact_with_room(b.graph, config, {random_codes(b, b.graph.inputs[0])},
                                       reference::kDoublePolicy);
    } catch (const Error& e) {  // as of int8
      if (std::string(e.what()).find("cut through channels") == std::string::npos) throw;
      ++refused;
    }
  }
  CHECK(refused <= testing::kSeeds / 50);
}

int random_alone(Builder& b, int x) {
  switch (b.number(0, 3)) {
    case 0:
      return random_slice(b, x);
    case 1:
      return random_pad(b, x, true);
    case 2:
      return random_transposed_product(b, x);
    default:
      return random_vector(b, x);
  }
}

TEST_CASE("operators of int16 that are alone are exact as their maps come and go",
          "[arch][int16]") {
  int straight = 0;
  for (unsigned seed = 1; seed <= 2 * testing::kSeeds; ++seed) {
    CAPTURE(seed);
    Builder b(seed);
    machine::Config config = testing::random_config(b);
    config.rows += config.rows % 2;
    config.int8 = config.activations16 = config.vector = true;
    CAPTURE(config.to_toml());
    const int x = b.input({1, b.number(1, 5), b.number(1, 50), b.number(1, 40)});
    b.graph.outputs = {random_alone(b, x)};
    widen(b);
    CAPTURE(testing::text_of(b.graph));
    const Array input = random_codes(b, x);
    try {
      testing::require_exact_with_room(b.graph, config, {input}, reference::kDoublePolicy);
    } catch (const Error& e) {  // borders of other codes, with channels
      if (std::string(e.what()).find("pad with 0") == std::string::npos) throw;
    }
    std::string plan;
    compiler::CompileOptions options{reference::kDoublePolicy};
    options.print_after = "plan";
    options.printed = &plan;
    config.dmem_kib = 64;
    try {
      compiler::compile(b.graph, config, options);
    } catch (const Error&) {  // as above, or other memories too small
    }
    straight += plan.find("straight to their place") != std::string::npos ? 1 : 0;
  }
  CHECK(straight > static_cast<int>(testing::kSeeds) / 20);
}

}  // namespace
}  // namespace trine::sim
