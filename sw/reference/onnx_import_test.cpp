// SPDX-License-Identifier: Apache-2.0
//
// Tests how the ONNX importer handles quantizers, and what it refuses, by node.

#include <fmt/format.h>
#include <onnx/onnx_pb.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <map>
#include <random>

#include "sw/base/catch.h"
#include "sw/model/check/check.h"
#include "sw/model/import/import.h"
#include "sw/reference/golden.h"
#include "sw/reference/onnx_testing.h"

using namespace trine;
using namespace trine::reference;
using namespace trine::reference::testing;
using Catch::Matchers::ContainsSubstring;
using Catch::Matchers::EndsWith;
using Catch::Matchers::Equals;
using Catch::Matchers::StartsWith;
namespace fs = std::filesystem;
using Tail = std::function<std::string(Builder*, std::string)>;

namespace {

/// Returns tests/onnx/mobilenet_v2.onnx with these names of the input's axes: "" keeps an axis, "?"
/// leaves it open without a name.
std::vector<std::uint8_t> opened(const std::vector<std::string>& names) {
  onnx::ModelProto model;
  std::ifstream file(fs::path(TRINE_SOURCE_DIR) / "tests" / "onnx" / "mobilenet_v2.onnx",
                     std::ios::binary);
  REQUIRE(model.ParseFromIstream(&file));
  auto* shape = model.mutable_graph()
                    ->mutable_input(0)
                    ->mutable_type()
                    ->mutable_tensor_type()
                    ->mutable_shape();
  for (int axis = 0; axis < static_cast<int>(names.size()); ++axis) {
    const std::string& name = names[static_cast<std::size_t>(axis)];
    if (name.empty()) continue;
    shape->mutable_dim(axis)->clear_dim_value();
    if (name != "?") shape->mutable_dim(axis)->set_dim_param(name);
  }
  const std::string text = model.SerializeAsString();
  return {text.begin(), text.end()};
}

}  // namespace

TEST_CASE("the user gives the extents that a file leaves open except for the batch",
          "[onnx][error]") {
  const auto macs = [](const std::vector<std::string>& names,
                       const std::vector<std::string>& shapes) {
    return model::macs(
        model::parse_model(opened(names), "m.onnx", false, model::parse_shapes(shapes)));
  };
  const std::int64_t all = macs({}, {});
  REQUIRE(all == 53'408);
  CHECK(macs({"N"}, {}) == all);
  CHECK(macs({"?"}, {}) == all);
  CHECK(macs({"", "", "H", "W"}, {"H=16", "W=16"}) == all);
  CHECK(macs({"", "", "side", "side"}, {"side=16"}) == all);
  CHECK(macs({"N", "", "?", "?"}, {"in=1,3,16,16"}) == all);
  CHECK(macs({"N", "", "H", "W"}, {"in=1,3,32,16"}) > all);
  CHECK_THROWS_WITH(macs({"N", "", "H", "W"}, {}),
                    Equals("m.onnx: input 'in' is [N, 3, H, W]: extents after the first axis must "
                           "be known: give them with --shape H=N --shape W=N"));
  CHECK_THROWS_WITH(
      macs({"", "", "H", "W"}, {"H=16"}),
      ContainsSubstring("input 'in' is [1, 3, H, W]") && EndsWith("with --shape W=N"));
  CHECK_THROWS_WITH(macs({"", "", "?", ""}, {}),
                    ContainsSubstring("is [1, 3, ?, 16]") && EndsWith("with --shape in=N,..."));
  CHECK_THROWS_WITH(macs({"", "", "H", ""}, {"h=16"}),
                    ContainsSubstring("m.onnx: input 'in' is [1, 3, H, 16]"));
  CHECK_THROWS_WITH(
      macs({}, {"h=16"}),
      Equals(
          "m.onnx: --shape: 'h' is neither an open dimension nor an input: 'in' [1, 3, 16, 16]"));
  CHECK_THROWS_WITH(macs({"", "", "H", ""}, {"H=16,16"}),
                    ContainsSubstring("--shape: 'H' is a dimension, allowed one extent"));
  CHECK_THROWS_WITH(macs({"", "", "H", ""}, {"in=1,3,16"}),
                    ContainsSubstring("--shape gives 3 extents"));
  CHECK_THROWS_WITH(macs({"", "", "H", ""}, {"in=1,4,16,16"}),
                    ContainsSubstring("--shape gives 4 for axis 1"));
  for (const char* text : {"H", "=16", "H=", "H=-1", "H=x", "H=16,", "H=1.5", "H=99999999999"})
    CHECK_THROWS_WITH(macs({}, {text}), StartsWith("--shape: "));
  CHECK_THROWS_WITH(macs({"", "", "H", ""}, {"H=0"}),
                    Equals("m.onnx: input 'in' has no elements, and there is no other input"));
  CHECK_THROWS_WITH(macs({}, {"H=1", "H=2"}), Equals("--shape: H is given twice"));
}

namespace {

std::string with_ints(Builder* b, const char* type, const std::string& x, const char* key,
                      const std::vector<int>& values) {
  auto* n = b->node(type, {x});
  auto* attribute = n->add_attribute();
  attribute->set_name(key);
  for (const int value : values) attribute->add_ints(value);
  return n->output(0);
}

}  // namespace

TEST_CASE("constants may be stored in a file next to the model", "[reference][onnx][error]") {
  namespace fs = std::filesystem;
  const fs::path folder = fs::temp_directory_path() / fmt::format("trine-external-{}", getpid());
  fs::create_directory(folder);
  const Floats weights{9, 9, 1, -1, 2, 3};  // the first two belong to other tensors
  std::string data(24, '\0');
  std::memcpy(data.data(), weights.data(), 24);
  std::ofstream(folder / "m.onnx.data", std::ios::binary) << data;
  const auto product = [&](const std::string& location, const std::string& offset) {
    Builder b({1, 4});
    const std::string w = b.external({4, 1}, location, offset);
    const std::string y = b.op("MatMul", {b.quant("in", 1, 8, true, false), w});
    return model::parse_onnx(b.bytes(b.quant(y, 1, 8, true, false)), (folder / "m.onnx").string());
  };
  CHECK(outputs(product("m.onnx.data", "8"), {1, 2, 3, 4}, {1, 4}) == Floats{17});
  CHECK_THROWS_WITH(product("m.onnx.data", "12"),
                    ContainsSubstring("initializer 'c1': 16 bytes at 12 of") &&
                        ContainsSubstring("which has only 24 bytes"));
  CHECK_THROWS_WITH(product("nothing", "0"), ContainsSubstring("which cannot be read"));
  for (const std::string outside : {"../m.onnx.data", "/dev/zero", "a/../../b", ""})
    CHECK_THROWS_WITH(product(outside, "0"),
                      ContainsSubstring("allowed a file in the model's folder"));
  fs::remove_all(folder);
}

/// Codes of a type at the input, with a scale and a zero point.
struct Begun {
  onnx::TensorProto::DataType type;
  const char* numpy;
  int zero_point;
};

Builder begun(const Begun& codes) {
  Builder b({1, 4});
  b.model()
      ->mutable_graph()
      ->mutable_input(0)
      ->mutable_type()
      ->mutable_tensor_type()
      ->set_elem_type(codes.type);
  return b;
}

TEST_CASE("a network may begin with codes of one byte", "[reference][onnx]") {
  const Begun codes = GENERATE(Begun{onnx::TensorProto::INT8, "i1", -3},
                               Begun{onnx::TensorProto::UINT8, "u1", 125});
  const bool moved = GENERATE(false, true);
  CAPTURE(codes.numpy, moved);
  Builder b = begun(codes);
  const std::string scale = b.scalar(0.5f), zero = b.constant({}, {}, codes.type);
  auto& constants = *b.model()->mutable_graph()->mutable_initializer();
  constants[constants.size() - 1].add_int32_data(codes.zero_point);
  std::string x = "in";
  if (moved) {
    x = b.op("Reshape", {x, b.constant({2}, {2, 2})});
    x = b.op("Reshape", {x, b.constant({2}, {1, 4})});
  }
  const std::string positive = b.op("Relu", {b.op("DequantizeLinear", {x, scale, zero})});
  const std::string y = b.op("QuantizeLinear", {positive, scale, zero});
  const model::Graph graph =
      model::parse_onnx(b.bytes(b.op("DequantizeLinear", {y, scale, zero})), "m");
  model::check(graph);
  const auto zero_code = static_cast<std::uint8_t>(codes.zero_point);
  Array input{codes.numpy, {1, 4}, {}};
  for (const int step : {-2, 0, 1, 5})
    input.bytes.push_back(static_cast<std::uint8_t>(zero_code + step));
  const Array output = outputs_of(graph, run_graph(graph, {input})).at(0);
  Floats result(4);
  REQUIRE(output.bytes.size() == 16);
  std::memcpy(result.data(), output.bytes.data(), 16);
  CHECK(result == Floats{0, 0, 0.5f, 2.5f});
}

TEST_CASE("codes at the beginning need a scale", "[reference][onnx][error]") {
  Builder b = begun({onnx::TensorProto::INT8, "i1", 0});
  CHECK_THAT(refusal(&b, b.op("Identity", {"in"})),
             ContainsSubstring(
                 "input 'in' is int8, allowed with a DequantizeLinear that gives its scale"));
}

TEST_CASE("operators that move elements before a quantizer move codes", "[reference][onnx]") {
  // Means of 2x3 pixels with 5 channels; sums with a batch axis, then transposed.
  const auto [name, tail] = GENERATE(table<const char*, Tail>({
      {"as it is", [](Builder* b, const std::string& x) { return mean(b, x, 1); }},
      {"without the axes", [](Builder* b, const std::string& x) { return mean(b, x, 0); }},
      {"Reshape",
       [](Builder* b, const std::string& x) {
         return b->op("Reshape", {mean(b, x, 1), b->constant({2}, {1, 5})});
       }},
      {"Flatten",
       [](Builder* b, const std::string& x) { return b->op("Flatten", {mean(b, x, 1)}); }},
      {"Squeeze",
       [](Builder* b, const std::string& x) {
         return with_ints(b, "Squeeze", mean(b, x, 1), "axes", {2, 3});
       }},
      {"Relu behind it",
       [](Builder* b, const std::string& x) {
         return b->op("Relu", {b->op("Flatten", {mean(b, x, 1)})});
       }},
      {"twice, and turned",
       [](Builder* b, const std::string& x) {
         const std::string y = b->op("Reshape", {mean(b, x, 0), b->constant({3}, {1, 1, 5})});
         return with_ints(b, "Transpose", y, "perm", {0, 2, 1});
       }},
  }));
  CAPTURE(name);
  const bool positive = std::string(name) == "Relu behind it";
  Builder b({1, 5, 2, 3});
  const std::string y = tail(&b, b.quant("in", 1, 8, true, false));
  const model::Graph graph = model::parse_onnx(b.bytes(b.quant(y, 0.5f, 8, true, false)), "m");
  std::mt19937 random{4};
  Floats x(30), expected;
  for (float& value : x) value = static_cast<float>(static_cast<int>(random() % 21) - 12);
  for (std::size_t c = 0; c < 5; ++c) {
    double sum = 0;
    for (std::size_t i = 0; i < 6; ++i) sum += double{x[6 * c + i]};
    const double code = std::nearbyint(sum / 6 / 0.5);
    expected.push_back(static_cast<float>(0.5 * (positive ? std::max(code, 0.0) : code)));
  }
  CHECK(outputs(graph, x, {1, 5, 2, 3}) == expected);
}

TEST_CASE("transposed sums and products before a quantizer move codes", "[reference][onnx]") {
  // [2, 3] x [3, 4] plus itself, transposed twice; all values are whole.
  Builder b({2, 3});
  const Floats w{1, -1, 0, 2, 0, 1, 1, -1, 2, 0, -1, 1}, input{1, 2, -3, 0, 4, 5};
  const std::string product =
      b.op("MatMul", {b.quant("in", 1, 8, true, false), b.constant({3, 4}, w)});
  const std::string turned =
      b.quant(with_ints(&b, "Transpose", product, "perm", {1, 0}), 1, 8, true, false);
  const std::string sum = with_ints(&b, "Transpose", b.op("Add", {turned, turned}), "perm", {1, 0});
  const Floats actual =
      outputs(model::parse_onnx(b.bytes(b.quant(sum, 1, 8, true, false)), "m"), input, {2, 3});
  for (std::size_t i = 0; i < 2; ++i)
    for (std::size_t j = 0; j < 4; ++j) {
      float expected = 0;
      for (std::size_t k = 0; k < 3; ++k) expected += 2 * input[3 * i + k] * w[4 * k + j];
      CHECK(actual[4 * i + j] == expected);
    }
  CHECK_THAT(
      refusal(&b, b.quant(b.op("Add", {b.op("Reshape", {product, b.constant({2}, {4, 2})}),
                                       b.constant({2}, {1, 2})}),
                          1, 8, true, false)),
      ContainsSubstring("a constant for each channel, allowed only before elements are moved"));
}

namespace {

/// Adds a constant of bytes.
std::string raw(onnx::ModelProto* model, const std::string& name, int type,
                const std::vector<int>& shape, const std::vector<std::uint8_t>& bytes) {
  auto* tensor = model->mutable_graph()->add_initializer();
  tensor->set_name(name);
  tensor->set_data_type(type);
  for (const int extent : shape) tensor->add_dims(extent);
  tensor->set_raw_data(std::string(bytes.begin(), bytes.end()));
  return name;
}

void set(onnx::NodeProto* node, const std::map<std::string, int>& attributes) {
  for (const auto& [key, value] : attributes) {
    auto* attribute = node->add_attribute();
    attribute->set_name(key);
    attribute->set_i(value);
  }
}

}  // namespace

TEST_CASE("MatMulNBits has a factor for each group, also 0 and below, at any zero points",
          "[reference][onnx]") {
  constexpr int kRows = 2, N = 3, kBlock = 32;
  const int K = GENERATE(80, 96, 32);  // the last group is partial; whole; the only one
  const int kGroups = (K + kBlock - 1) / kBlock;
  const bool zeros = GENERATE(false, true);
  CAPTURE(K, zeros);
  std::mt19937 random{zeros ? 1U : 2U};
  const auto byte = [&] { return static_cast<std::uint8_t>(random() & 255); };
  const auto count = static_cast<std::size_t>(N * kGroups);
  const int row = (kGroups + 1) / 2 * 2;  // of zero points, in whole bytes
  std::vector<std::uint8_t> packed(count * kBlock / 2),
      points(static_cast<std::size_t>(N * row / 2));
  for (auto* bytes : {&packed, &points})
    for (std::uint8_t& b : *bytes) b = byte();
  for (std::uint8_t& b : points) b |= 0x11;  // not 0: see below
  Floats scales(count);
  for (float& s : scales) s = static_cast<float>(static_cast<int>(random() % 200) - 100) / 2000;
  // A channel without weights, and one that has only its first group.
  std::fill(scales.begin(), scales.begin() + kGroups, 0.0f);
  std::fill(scales.begin() + kGroups + 1, scales.begin() + 2 * kGroups, 0.0f);
  Builder b({kRows, K});
  const std::string codes =
      raw(b.model(), "codes", onnx::TensorProto::UINT8, {N, kGroups, kBlock / 2}, packed);
  std::vector<std::string> inputs{b.quant("in", 0.05f, 8, true, false), codes,
                                  b.constant({N * kGroups}, scales)};
  if (zeros)
    inputs.push_back(raw(b.model(), "zeros", onnx::TensorProto::UINT8, {N * row / 2}, points));
  auto* node = b.node("MatMulNBits", inputs);
  set(node, {{"K", K}, {"N", N}, {"bits", 4}, {"block_size", kBlock}});
  const model::Graph graph =
      model::parse_onnx(b.bytes(b.quant(node->output(0), 0.02f, 8, true, false)), "m.onnx");
  model::check(graph);
  // Weights that a zero point moves beyond four bits need a second weight of the same channel.
  CHECK((graph.ops.size() > 3) == (zeros && K == 96));
  Floats x(static_cast<std::size_t>(kRows * K));
  for (float& value : x) value = 0.05f * static_cast<float>(static_cast<int>(random() % 200) - 100);
  const Floats made = outputs(graph, x, {kRows, K});
  const auto half = [](const std::vector<std::uint8_t>& of, int i) {
    return of[static_cast<std::size_t>(i / 2)] >> (i % 2 * 4) & 15;
  };
  for (int y = 0; y < kRows; ++y)
    for (int n = 0; n < N; ++n) {
      double sum = 0;
      for (int k = 0; k < K; ++k) {
        const int group = k / kBlock;
        const int zero = zeros ? half(points, n * row + group) : 8;
        sum += double{x[static_cast<std::size_t>(y * K + k)]} *
               (half(packed, n * kGroups * kBlock + k) - zero) *
               double{scales[static_cast<std::size_t>(n * kGroups + group)]};
      }
      const double expected = std::clamp(sum / double{0.02f}, -128.0, 127.0);
      CHECK(std::abs(double{made[static_cast<std::size_t>(y * N + n)]} / double{0.02f} - expected) <
            0.6);
    }
  const auto with = [&](const std::map<std::string, int>& attributes) {
    Builder other({kRows, K});
    raw(other.model(), "codes", onnx::TensorProto::UINT8, {N, kGroups, kBlock / 2}, packed);
    auto* wrong = other.node("MatMulNBits", {other.quant("in", 0.05f, 8, true, false), "codes",
                                             other.constant({N * kGroups}, scales)});
    set(wrong, attributes);
    return refusal(&other, other.quant(wrong->output(0), 0.02f, 8, true, false));
  };
  if (K != 80) return;
  CHECK_THAT(with({{"K", K}, {"N", N}, {"bits", 8}, {"block_size", kBlock}}),
             ContainsSubstring("8 bits, allowed 4"));
  CHECK_THAT(with({{"K", K}, {"N", N}, {"bits", 4}, {"block_size", 48}}),
             ContainsSubstring("block_size 48, allowed 16, 32, 64, 128 and 256"));
  CHECK_THAT(with({{"K", K}, {"N", N + 1}, {"bits", 4}, {"block_size", kBlock}}),
             ContainsSubstring("144 bytes and 9 scales do not fit K 80, N 4"));
  CHECK_THAT(with({{"K", -K}, {"N", N}, {"bits", 4}, {"block_size", kBlock}}),
             ContainsSubstring("K -80 and N 3, allowed 1 and above"));
}

TEST_CASE("weights of FLOAT4E2M1 are twice their value with half the scale",
          "[reference][onnx][import]") {
  constexpr int kFloat4 = 23, kNibbles = 16, K = 8, M = 2;
  const Floats twice{0, 1, 2, 3, 4, 6, 8, 12, 0, -1, -2, -3, -4, -6, -8, -12};
  const auto network = [&](bool float4, const std::string& kind = "DequantizeLinear") {
    Builder b({1, K});
    const std::string weights = b.constant({K, M}, {});
    auto* tensor =
        b.model()->mutable_graph()->mutable_initializer(b.model()->graph().initializer_size() - 1);
    tensor->set_data_type(float4 ? kFloat4 : onnx::TensorProto::INT8);
    std::string raw;
    for (int n = 0; n < kNibbles; n += float4 ? 2 : 1)
      raw += static_cast<char>(float4 ? n | (n + 1) << 4
                                      : static_cast<int>(twice[static_cast<std::size_t>(n)]));
    tensor->set_raw_data(raw);
    const std::string w = b.op(kind, {weights, b.scalar(float4 ? 0.5f : 0.25f)});
    const std::string x = b.quant("in", 1, 8, true, false);
    return b.bytes(b.quant(b.op("MatMul", {x, w}), 0.5f, 8, true, false));
  };
  const model::Graph graph = model::parse_onnx(network(true), "m.onnx");
  const model::Graph other = model::parse_onnx(network(false), "m.onnx");
  for (const Floats& x : {Floats{1, 0, 0, 0, 0, 0, 0, 0}, Floats{3, -2, 1, 5, -9, 0, 7, 2}})
    CHECK(outputs(graph, x, {1, K}) == outputs(other, x, {1, K}));
  // Row 0 is 0 and 1/2: with a scale of 1/2, a sum of 8/4.
  CHECK(outputs(graph, {8, 0, 0, 0, 0, 0, 0, 0}, {1, K}) == Floats{0, 2});
  CHECK_THROWS_WITH(model::parse_onnx(network(true, "Mul"), "m.onnx"),
                    ContainsSubstring("is FLOAT4E2M1 or FLOAT8, allowed only as first input"));
}

TEST_CASE("a product, batch normalization of either sign and a quantizer are exact",
          "[reference][onnx][threshold]") {
  using model::Encoding;
  const Case c = GENERATE(
      Case{"binary", 1.0f, 0, 0, Encoding::kBinary},
      Case{"ternary", 1.0f, -1, 1, Encoding::kTernary},
      Case{"ternary, scaled", 0.5f, -1, 1, Encoding::kTernary},
      Case{"int2", 1.0f, -2, 1, Encoding::kInt2}, Case{"uint2", 0.25f, 0, 3, Encoding::kInt2},
      Case{"int4", 0.5f, -8, 7, Encoding::kInt4}, Case{"uint4", 0.5f, 0, 15, Encoding::kInt4});
  const float most = GENERATE(1.4f, 7.4f);  // with four bits they are not packed
  const int seed = GENERATE(range(0, 10));
  CAPTURE(c.name, most, seed);
  std::mt19937 random{static_cast<unsigned>(seed)};
  const auto real = [&](float low, float high) {
    return std::uniform_real_distribution<float>(low, high)(random);
  };
  constexpr int K = 24, M = 6;
  Builder b({1, K});
  Floats w(K * M), scale(M), bias(M), mean(M), variance(M);
  for (float& x : w) x = std::rint(real(-most, most));
  for (std::size_t m = 0; m < M; ++m) {
    scale[m] = m == 0 ? 0.0f : real(-2, 2);  // a channel that does not depend on its sum
    bias[m] = real(-2, 2);
    mean[m] = real(-9, 9);
    variance[m] = real(20, 900);
  }
  const std::string product =
      b.op("MatMul", {b.quant("in", 1, 8, true, false),
                      b.quant(b.constant({K, M}, w), 1, most < 2 ? 2 : 4, true, true)});
  const std::string norm =
      b.op("BatchNormalization", {product, b.constant({M}, scale), b.constant({M}, bias),
                                  b.constant({M}, mean), b.constant({M}, variance)});
  const bool bipolar = c.low == c.high;
  const float bits = bipolar ? 1 : std::ceil(std::log2(static_cast<float>(c.high - c.low + 1)));
  const std::string out = bipolar ? b.op("BipolarQuant", {norm, b.scalar(c.scale)})
                                  : b.quant(norm, c.scale, bits, c.low < 0, c.low == -c.high);
  const model::Graph graph = model::parse_onnx(b.bytes(out), "m.onnx");
  const bool compares = std::ranges::any_of(graph.ops, [](const auto& op) {
    return op.kind == model::OpKind::kThreshold && op.index > 1;  // 0 is the input's threshold
  });
  CHECK(std::ranges::any_of(graph.ops,
                            [&](const auto& op) { return graph.out(op).encoding == c.encoding; }));
  if (c.high - c.low < 3) CHECK(compares);
  if (most > 2 && c.high - c.low >= 3) CHECK_FALSE(compares);

  for (int i = 0; i < 20; ++i) {
    Floats x(K), expected(M);
    for (float& value : x) value = std::rint(real(-128, 127));
    for (std::size_t m = 0; m < M; ++m) {
      float sum = 0;
      for (std::size_t k = 0; k < K; ++k) sum += x[k] * w[k * M + m];
      const float s = 1.0f / std::sqrt(variance[m] + 1e-5f) * scale[m];
      expected[m] = quantized(c, sum * s + (bias[m] - mean[m] * s));
    }
    CHECK(outputs(graph, x, {1, K}) == expected);
  }
}

TEST_CASE("an input quantizer becomes float thresholds even if it is decreasing",
          "[reference][onnx][threshold]") {
  Builder b({1, 5});
  const std::string x = b.op("Sub", {b.op("Mul", {"in", b.scalar(-2)}), b.scalar(1)});
  const model::Graph graph =
      model::parse_onnx(b.bytes(b.op("BipolarQuant", {x, b.scalar(1)})), "m.onnx");
  CHECK(outputs(graph, {-0.5f, -0.49999997f, -0.50000006f, 3, -3}, {1, 5}) ==
        Floats{1, -1, 1, -1, 1});
}

TEST_CASE("unsupported parts of an ONNX network are refused by node", "[reference][onnx][error]") {
  Builder b({1, 4});
  const std::string codes = b.quant("in", 1, 8, true, false);
  const std::string ternary = b.constant({4, 2}, {1, 0, -1, 1, 0, 0, 1, 1});
  SECTION("unknown operators") {
    CHECK(refusal(&b, b.op("Det", {codes})) ==
          "m.onnx: node 1 Det: operator is not supported (replace it, or cut the network there)");
  }
  SECTION("all unknown operators at once, with advice") {
    const std::string norm = b.op("LogSoftmax", {b.op("LogSoftmax", {codes})});
    const std::string x =
        b.op("Add", {b.op("NonZero", {b.op("Det", {norm})}), b.op("Det", {norm})});
    CHECK(refusal(&b, b.op("Mish", {b.op("Loop", {x})})) ==
          "m.onnx: node 1 LogSoftmax: operator is not supported (the host supports it); also nodes "
          "2\n"
          "m.onnx: node 3 Det: operator is not supported (replace it, or cut the network there); "
          "also nodes 5\n"
          "m.onnx: node 4 NonZero: operator is not supported (export for fixed shapes)\n"
          "m.onnx: node 7 Loop: operator is not supported (export without control flow, for fixed "
          "shapes)");
  }
  SECTION("float weights") {
    CHECK_THAT(refusal(&b, b.op("MatMul", {codes, b.constant({4, 1}, {0.5f, 1, 1, 1})})),
               ContainsSubstring("node 1 MatMul: weight 0.5 is not a quantized value of 8 bits"));
  }
  SECTION("networks that are not quantized") {
    Builder floats({1, 4});
    const std::string w = floats.constant({4, 1}, {0.5f, 1, 1, 1});
    const std::string y = floats.op("Det", {floats.op("Relu", {floats.op("MatMul", {"in", w})})});
    CHECK_THAT(
        refusal(&floats, y),
        ContainsSubstring("m.onnx: the model is float32, the machine computes int8: quantize it") &&
            ContainsSubstring("trine quantize m.onnx --calibration DIR --out INT8.onnx"));
    Builder simple({1, 4});
    CHECK_THAT(refusal(&simple, simple.op("Relu", {"in"})),
               ContainsSubstring("the model is float32"));
  }
  SECTION("networks that are quantized in an unsupported way") {
    CHECK_THAT(refusal(&b, b.op("QLinearConv", {codes})),
               ContainsSubstring("m.onnx: node 1 QLinearConv: 1 inputs"));
    Builder last({1, 4});
    auto* pool = last.node("QLinearGlobalAveragePool", {"in", "in", "in", "in", "in"});
    auto* channels_last = pool->add_attribute();
    channels_last->set_name("channels_last");
    channels_last->set_i(1);
    CHECK_THAT(refusal(&last, pool->output(0)),
               ContainsSubstring("node 0 QLinearGlobalAveragePool: channels_last 1, allowed 0"));
    Builder two({1, 4});
    const std::string some = two.op("QuantizeLinear", {"in", two.scalar(0.5f)});
    const std::string others = two.op("QuantizeLinear", {"in", two.scalar(0.25f)});
    CHECK_THAT(refusal(&two, two.op("Concat", {some, others})),
               ContainsSubstring("m.onnx: node 2 Concat: its codes have different scales"));
    Builder unknown({1, 4});
    CHECK_THAT(
        refusal(&unknown, unknown.op("QAttention", {unknown.quant("in", 1, 8, true, false)})),
        ContainsSubstring(
            "node 1 QAttention: operator is not supported (quantize it in QDQ form)"));
    Builder integers({1, 4});
    CHECK_THAT(refusal(&integers, integers.op("MatMulInteger", {"in"})),
               ContainsSubstring("m.onnx: the model is quantized dynamically"));
    Builder dynamic({1, 4});
    CHECK_THAT(refusal(&dynamic, dynamic.op("DynamicQuantizeLinear", {"in"})),
               ContainsSubstring("trine quantize FLOAT.onnx --calibration DIR --out INT8.onnx"));
    Builder weights({1, 4});
    const std::string w = weights.op("DequantizeLinear", {weights.scalar(0.5f), weights.scalar(1)});
    CHECK_THAT(refusal(&weights, weights.op("Mul", {"in", w})),
               ContainsSubstring("m.onnx: the model is quantized only in its weights"));
    Builder halves({1, 4});
    const std::string half = halves.constant({}, {0.5f}, onnx::TensorProto::FLOAT16);
    CHECK_THAT(refusal(&halves, halves.op("Mul", {"in", half})),
               ContainsSubstring("m.onnx: the model is float16"));
  }
  SECTION("products of unequal extents") {
    CHECK_THAT(refusal(&b, b.op("MatMul", {codes, b.constant({3, 1}, {1, 1, 1})})),
               ContainsSubstring("4 columns times 3 rows, allowed equal numbers"));
  }
  SECTION("a product without a quantizer before the next product") {
    const std::string sum = b.op("MatMul", {codes, ternary});
    CHECK_THAT(refusal(&b, b.op("MatMul", {sum, b.constant({2, 1}, {1, 1})})),
               ContainsSubstring("node 2 MatMul: a matrix product reads a float operator"));
  }
  SECTION("tensors that do not exist") {
    CHECK_THAT(refusal(&b, b.op("Relu", {"nowhere"})),
               ContainsSubstring("tensor 'nowhere' does not exist"));
  }
  SECTION("two values of one name") {
    const std::string maps = b.op("Relu", {codes});
    auto* other = b.node("Neg", {codes});
    other->set_output(0, maps);
    CHECK(refusal(&b, maps) ==
          "m.onnx: node 2 Neg: output '" + maps + "' is also the name of another value");
  }
  SECTION("an attribute of another type") {
    const std::string zero = b.constant({}, {}, onnx::TensorProto::INT16);
    const int last = b.model()->graph().initializer_size() - 1;
    b.model()->mutable_graph()->mutable_initializer(last)->set_raw_data(std::string(2, '\0'));
    const std::string scale = b.scalar(0x1p-12F);
    const std::string wide = b.op("QuantizeLinear", {"in", scale, zero});
    auto* spiking = b.node("Spiking", {b.op("DequantizeLinear", {wide, scale, zero})});
    spiking->set_domain("trine");
    auto* leak = spiking->add_attribute();
    leak->set_name("leak");
    leak->set_type(onnx::AttributeProto::INT);
    leak->set_i(1);
    CHECK_THAT(
        refusal(&b, spiking->output(0)),
        ContainsSubstring("Spiking: attribute 'leak' does not have the type that ONNX defines"));
  }
  SECTION("outputs that do not exist") {
    CHECK_THAT(refusal(&b, "nowhere"),
               ContainsSubstring("m.onnx: output 'nowhere': tensor 'nowhere'"));
  }
  SECTION("scales that are not positive") {
    CHECK_THAT(refusal(&b, b.quant("in", -1, 4, true, false)),
               ContainsSubstring("scale -1, allowed above 0"));
  }
  SECTION("too many bits") {
    CHECK_THAT(refusal(&b, b.quant("in", 1, 9, true, false)),
               ContainsSubstring("9 bits, allowed 1..8"));
  }
  SECTION("weights without elements but with a kernel_shape") {
    Builder images({1, 1, 4, 4});
    const std::string x = images.quant("in", 1, 8, true, false);
    auto* conv = images.node("Conv", {x, images.constant({1, 1, 0, 3}, {})});
    auto* kernel = conv->add_attribute();
    kernel->set_name("kernel_shape");
    for (const int extent : {3, 3}) kernel->add_ints(extent);
    CHECK_THAT(refusal(&images, conv->output(0)),
               ContainsSubstring("node 1 Conv: 1 input channels"));
  }
  SECTION("windows on tensors that are not images") {
    CHECK_THAT(refusal(&b, b.op("MaxPool", {codes})), ContainsSubstring("rank 2, allowed 4"));
  }
}

TEST_CASE("a constant output has the type of the file", "[onnx]") {
  Builder b({1, 2});
  const std::string y = b.quant("in", 1, 8, true, false);
  auto* codes = b.model()->mutable_graph()->add_initializer();
  codes->set_name("codes");
  codes->set_data_type(onnx::TensorProto::UINT8);
  codes->add_dims(2);
  for (const int code : {3, 200}) codes->add_int32_data(code);
  b.node("Identity", {"codes"})->set_output(0, "k");
  b.bytes(y);
  b.model()->mutable_graph()->add_output()->set_name("k");
  const std::string text = b.model()->SerializeAsString();
  const model::Graph graph = model::parse_onnx({text.begin(), text.end()}, "m.onnx");
  const Array input{"f4", {1, 2}, std::vector<std::uint8_t>(8)};
  const Array constant = outputs_of(graph, run_graph(graph, {input})).at(1);
  CHECK(constant.dtype == "u1");
  CHECK(constant.bytes == std::vector<std::uint8_t>{3, 200});
}
