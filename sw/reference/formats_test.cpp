// SPDX-License-Identifier: Apache-2.0
//
// Tests formats of few bits against other libraries (tests/formats): code by code, the values that
// the ONNX reader gives, and which of them the streams of packed weights can hold.

#include <fmt/format.h>
#include <onnx/onnx_pb.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <set>

#include "spec/minifloat.h"
#include "spec/packed.h"
#include "sw/base/catch.h"
#include "sw/base/file.h"
#include "sw/base/json.h"
#include "sw/model/check/check.h"
#include "sw/model/import/import.h"
#include "sw/reference/onnx_testing.h"

using namespace trine;
using namespace trine::reference::testing;

namespace {

const Json& recorded() {
  static const std::string file = fmt::format("{}/tests/formats/tables.json", TRINE_SOURCE_DIR);
  static const Json tables = parse_json(read_text(file), file);
  return tables;
}

/// Returns the product of each unit vector with a column of such weights: 256 bytes of two codes
/// each.
Floats read_by_us(int type) {
  constexpr int K = 512;
  Builder b({K, K});
  const std::string weights = b.constant({K, 1}, {});
  auto* tensor =
      b.model()->mutable_graph()->mutable_initializer(b.model()->graph().initializer_size() - 1);
  tensor->set_data_type(type);
  std::string bytes;
  for (int byte = 0; byte < 256; ++byte) bytes += static_cast<char>(byte);
  tensor->set_raw_data(bytes);
  const std::string w = b.op("DequantizeLinear", {weights, b.scalar(1)});
  const std::string x = b.quant("in", 1, 8, true, false);
  const model::Graph graph =
      model::parse_onnx(b.bytes(b.quant(b.op("MatMul", {x, w}), 0.5f, 8, true, false)), "m.onnx");
  Floats units(K * K);
  for (std::size_t k = 0; k < K; ++k) units[k * K + k] = 1;
  return outputs(graph, units, {K, K});
}

/// Returns int8 codes that are `scale` times the values, or nothing if one is not an int8 integer.
std::optional<std::vector<std::uint8_t>> codes_of(const Floats& values, float scale) {
  std::vector<std::uint8_t> codes;
  for (const float value : values) {
    const float code = value * scale;
    if (code != std::round(code) || std::abs(code) > 127) return std::nullopt;
    codes.push_back(static_cast<std::uint8_t>(static_cast<int>(code)));
  }
  return codes;
}

Floats floats_of(const char* key) { return recorded().at(key).get<Floats>(); }

}  // namespace

TEST_CASE("each byte of two codes is read as onnx reads it", "[reference][onnx][formats]") {
  CHECK(read_by_us(22) == floats_of("onnx/INT4"));
  CHECK(read_by_us(21) == floats_of("onnx/UINT4"));
  CHECK(read_by_us(23) == floats_of("onnx/FLOAT4E2M1"));
}

TEST_CASE("E2M1 is a palette of doubled values, in all three libraries", "[reference][formats]") {
  const Floats values = floats_of("ml_dtypes/float4_e2m1fn");
  const auto bytes = codes_of(values, 2);
  REQUIRE(bytes);
  REQUIRE(bytes->size() == spec::kBlockBytes);
  const auto stream = spec::packed(isa::dma::Target::kPalette, *bytes);
  REQUIRE(stream);
  CHECK(spec::unpacked(isa::dma::Target::kPalette, *stream, 1) == bytes);
  const Floats of_onnx = floats_of("onnx/FLOAT4E2M1");
  for (std::size_t byte = 0; byte < 256; ++byte) {
    CHECK(of_onnx[2 * byte] == values[byte % 16]);
    CHECK(of_onnx[2 * byte + 1] == values[byte / 16]);
  }
  // gguf's blocks store the low halves of all bytes first; a scale is a power of two.
  const Json& block = recorded().at("gguf/MXFP4");
  for (std::size_t i = 0; i < 16; ++i) {
    const auto byte = block.at("bytes").at(i).get<std::size_t>();
    CHECK(block.at("values").at(i).get<float>() == values[byte % 16]);
    CHECK(block.at("values").at(i + 16).get<float>() == values[byte / 16]);
  }
}

TEST_CASE("codes of Q4_0 are the codes of MatMulNBits minus eight", "[reference][formats]") {
  const Json& block = recorded().at("gguf/Q4_0");
  for (std::size_t i = 0; i < 16; ++i) {
    const int byte = block.at("bytes").at(i).get<int>();
    CHECK(block.at("values").at(i).get<int>() == (byte & 15) - 8);
    CHECK(block.at("values").at(i + 16).get<int>() == (byte >> 4) - 8);
  }
}

TEST_CASE("E2M3 fits int8 and short codes but E3M2 does not", "[reference][formats]") {
  const auto bytes = codes_of(floats_of("ml_dtypes/float6_e2m3fn"), 8);
  REQUIRE(bytes);
  REQUIRE(bytes->size() == 4 * spec::kBlockBytes);
  const auto stream = spec::packed(isa::dma::Target::kShort, *bytes);
  REQUIRE(stream);
  CHECK(spec::unpacked(isa::dma::Target::kShort, *stream, 4) == bytes);
  CHECK(std::set<std::uint8_t>(bytes->begin(), bytes->end()).size() == 63);  // 0 has two signs
  CHECK_FALSE(codes_of(floats_of("ml_dtypes/float6_e3m2fn"), 16));
}

namespace {

constexpr int kInt16Type = 5, kE4M3Type = 17;  ///< element types of ONNX

std::string whole(Builder& b, const std::vector<int>& shape, const std::vector<int>& values,
                  int type = kInt16Type) {
  const std::string name = b.constant(shape, {}, type);
  onnx::GraphProto* graph = b.model()->mutable_graph();
  for (const int value : values)
    graph->mutable_initializer(graph->initializer_size() - 1)->add_int32_data(value);
  return name;
}

void say_format(Builder& b, const std::string& name) {
  b.model()->mutable_opset_import(0)->set_version(21);
  auto* entry = b.model()->add_metadata_props();
  entry->set_key("trine.format");
  entry->set_value(name);
}

std::string requantized(Builder& b, const std::string& x, float scale) {
  const std::string s = b.scalar(scale), zero = whole(b, {}, {0});
  return b.op("DequantizeLinear", {b.op("QuantizeLinear", {x, s, zero}), s, zero});
}

/// A product of values of a format, [1, K] by [K, M], in a file that declares the format.
struct FormatProduct {
  static constexpr int K = 37, M = 5;
  Builder b{{1, K}};
  std::vector<int> weights;

  FormatProduct(const std::string& name, std::vector<int> w) : weights(std::move(w)) {
    say_format(b, name);
  }
  std::vector<std::uint8_t> bytes() {
    const std::string x = requantized(b, "in", 0x1p-7F);
    const std::string w =
        b.op("DequantizeLinear", {whole(b, {K, M}, weights), b.scalar(0x1p-8F), whole(b, {}, {0})});
    return b.bytes(requantized(b, b.op("MatMul", {x, w}), 0x1p-5F));
  }
};

}  // namespace

TEST_CASE("int16 codes of a file with a format key are format values that are rounded once",
          "[reference][onnx][formats][minifloat]") {
  using spec::Format;
  const Format format = GENERATE(Format::kE3M4, Format::kPosit8);
  const spec::FormatRow& row = spec::row_of(format);
  CAPTURE(row.name);
  constexpr int K = FormatProduct::K, M = FormatProduct::M;
  std::vector<int> weights;
  for (int i = 0; weights.size() < K * M; ++i)
    if (const auto value = spec::fixed_of(format, static_cast<std::uint8_t>(i * 89)))
      weights.push_back(static_cast<int>(*value));
  FormatProduct product(std::string(row.name), weights);
  const model::Graph graph = model::parse_onnx(product.bytes(), "m.onnx");
  model::check(graph);
  Floats x;
  for (int k = 0; k < K; ++k) x.push_back(static_cast<float>(k * k % 61 - 30) * 0.37F);
  const Floats y = outputs(graph, x, {1, K});
  for (int m = 0; m < M; ++m) {
    CAPTURE(m);
    std::int64_t sum = 0;  // in units of 2^-15
    for (std::size_t k = 0; k < K; ++k)
      sum += spec::nearest_real(format, double{x[k]} * 0x1p7) *
             weights[k * M + static_cast<std::size_t>(m)];
    const std::int64_t code = spec::nearest(format, sum, 10);
    CHECK(y[static_cast<std::size_t>(m)] == static_cast<float>(code) * 0x1p-5F);
  }
}

TEST_CASE("each channel of values in a format has its own kernel",
          "[reference][onnx][formats][minifloat]") {
  using spec::Format;
  const Format format = GENERATE(Format::kE3M4, Format::kPosit8);
  CAPTURE(spec::row_of(format).name);
  constexpr int C = 3, W = 5;
  Builder b({1, C, 1, W});
  say_format(b, std::string(spec::row_of(format).name));
  const std::vector<int> kernel{3, -2, 8, 4, 1, -6};  // [C, 1, 1, 2]; both formats hold them
  const std::string weights = b.op(
      "DequantizeLinear", {whole(b, {C, 1, 1, 2}, kernel), b.scalar(0x1p-8F), whole(b, {}, {0})});
  auto* conv = b.node("Conv", {requantized(b, "in", 0x1p-7F), weights});
  auto* group = conv->add_attribute();
  group->set_name("group");
  group->set_i(C);
  const model::Graph graph =
      model::parse_onnx(b.bytes(requantized(b, conv->output(0), 0x1p-5F)), "m.onnx");
  CHECK(std::ranges::any_of(
      graph.ops, [](const model::Op& op) { return op.kind == model::OpKind::kDepthwiseConv2D; }));
  Floats x;
  for (int i = 0; i < C * W; ++i) x.push_back(static_cast<float>(i * i % 61 - 30) * 0.37F);
  const Floats y = outputs(graph, x, {1, C, 1, W});
  REQUIRE(y.size() == C * (W - 1));
  for (std::size_t c = 0; c < C; ++c)
    for (std::size_t q = 0; q + 1 < W; ++q) {
      CAPTURE(c, q);
      std::int64_t sum = 0;  // in units of 2^-15
      for (std::size_t s = 0; s < 2; ++s)
        sum += spec::nearest_real(format, double{x[c * W + q + s]} * 0x1p7) * kernel[2 * c + s];
      CHECK(y[c * (W - 1) + q] == static_cast<float>(spec::nearest(format, sum, 10)) * 0x1p-5F);
    }
}

TEST_CASE("formats that int16 codes do not hold are refused by name",
          "[reference][onnx][formats][minifloat]") {
  const auto refused = [](const std::string& name) -> std::string {
    FormatProduct product(name, std::vector<int>(FormatProduct::K * FormatProduct::M, 1));
    try {
      model::parse_onnx(product.bytes(), "m.onnx");
    } catch (const Error& error) {
      return error.what();
    }
    return "accepted";
  };
  CHECK(refused("e4m3") ==
        "m.onnx: metadata 'trine.format': e4m3 has 19 bits of fixed point, allowed e3m4 posit8_0");
  CHECK(refused("fp8") == "m.onnx: metadata 'trine.format': fp8, allowed e3m4 posit8_0");
  CHECK(refused("none") == "m.onnx: metadata 'trine.format': none, allowed e3m4 posit8_0");
}

TEST_CASE("weights of FLOAT8E4M3FN become whole numbers where they fit",
          "[reference][onnx][formats][minifloat]") {
  const auto graph_of = [](const std::vector<int>& codes, float scale, int type = kE4M3Type,
                           bool says_zero = false) {
    Builder b({1, 2});
    b.model()->mutable_opset_import(0)->set_version(21);
    const std::string x = b.quant("in", 1, 8, true, false);
    std::vector<std::string> inputs{whole(b, {2, 1}, codes, type), b.scalar(scale)};
    if (says_zero) inputs.push_back(whole(b, {}, {0}, type));
    const std::string w = b.op("DequantizeLinear", inputs);
    const std::string y = b.quant(b.op("MatMul", {x, w}), 0.5F, 8, true, false);
    return model::parse_onnx(b.bytes(y), "m.onnx");
  };
  // 0x38 is 1, 0xc4 is -3.
  CHECK(outputs(graph_of({0x38, 0xc4}, 0.25F), {8, 2}, {1, 2}) == Floats{0.5F});
  CHECK_THROWS_WITH(graph_of({0x38, 0x7f}, 1),
                    Catch::Matchers::ContainsSubstring("code 0x7f of e4m3 is not a number"));
  // 2^-9 and 128: 19 bits, the lowest of which breaks a tie.
  CHECK(outputs(graph_of({0x01, 0x70}, 0x1p-10F), {8, 2}, {1, 2}) == Floats{0.5F});
  CHECK(outputs(graph_of({0x00, 0x70}, 0x1p-10F), {8, 2}, {1, 2}) == Floats{0});
  Builder b({1, 1, 2, 2});
  const std::string x = b.quant("in", 1, 8, true, false);
  const std::string w = b.op("DequantizeLinear",
                             {whole(b, {1, 1, 1, 2}, {0x01, 0x70}, kE4M3Type), b.scalar(0x1p-10F)});
  const std::string y = b.quant(b.op("ConvTranspose", {x, w}), 0.5F, 8, true, false);
  CHECK_THROWS_WITH(model::parse_onnx(b.bytes(y), "m.onnx"),
                    Catch::Matchers::ContainsSubstring(
                        "weights of more than 8 bits, allowed in Conv of one group"));
  // The same values in FLOAT8E5M2, with its zero point, and types that are refused.
  constexpr int kE4M3Fnuz = 18, kE5M2 = 19, kE5M2Fnuz = 20;
  CHECK(outputs(graph_of({0x3c, 0xc2}, 0.25F, kE5M2, true), {8, 2}, {1, 2}) == Floats{0.5F});
  CHECK_THROWS_WITH(
      graph_of({0, 0}, 1, kE4M3Fnuz),
      Catch::Matchers::ContainsSubstring("FLOAT8E4M3FNUZ, allowed FLOAT8E4M3FN and FLOAT8E5M2"));
  CHECK_THROWS_WITH(graph_of({0, 0}, 1, kE5M2Fnuz),
                    Catch::Matchers::ContainsSubstring(": type FLOAT8E5M2FNUZ, allowed"));
  for (const float scale : {NAN, INFINITY})
    CHECK_THROWS_WITH(graph_of({0x38, 0xc4}, scale),
                      Catch::Matchers::ContainsSubstring("DequantizeLinear: scale ") &&
                          Catch::Matchers::ContainsSubstring(", allowed finite numbers"));
}

namespace {

/// Returns codes of FLOAT8E4M3FN of a float, dequantized.
std::string as_values(Builder& b, const std::string& x, float scale) {
  const std::string s = b.scalar(scale), zero = whole(b, {}, {0}, kE4M3Type);
  return b.op("DequantizeLinear", {b.op("QuantizeLinear", {x, s, zero}), s, zero});
}

}  // namespace

TEST_CASE("activations of FLOAT8E4M3FN are values, rounded once",
          "[reference][onnx][formats][minifloat]") {
  using spec::Format;
  constexpr int K = 29;
  const auto graph_of = [&](const std::string& function) {
    Builder b({1, K});
    b.model()->mutable_opset_import(0)->set_version(21);
    const std::string x = as_values(b, "in", 0x1p-4F);
    std::vector<int> codes;
    for (int k = 0; k < K; ++k) codes.push_back(k * 61 % 255 == 127 ? 1 : k * 61 % 255);
    const std::string w =
        b.op("DequantizeLinear", {whole(b, {K, 1}, codes, kE4M3Type), b.scalar(0x1p-9F)});
    std::string y = as_values(b, b.op("MatMul", {x, w}), 0x1p-5F);
    if (!function.empty()) y = as_values(b, b.op(function, {y}), 0x1p-8F);
    const model::Graph graph = model::parse_onnx(b.bytes(y), "m.onnx");
    model::check(graph);
    return graph;
  };
  Floats x;
  for (int k = 0; k < K; ++k) x.push_back(static_cast<float>(k * k % 61 - 30) * 0.31F);
  std::int64_t sum = 0;  // in units of 2^-31
  for (int k = 0; k < K; ++k) {
    const int code = k * 61 % 255 == 127 ? 1 : k * 61 % 255;
    sum += spec::nearest_real(Format::kE4M3, double{x[static_cast<std::size_t>(k)]} * 0x1p13) *
           *spec::fixed_of(Format::kE4M3, static_cast<std::uint8_t>(code));
  }
  const std::int64_t value = spec::nearest(Format::kE4M3, sum, 17);
  CHECK(value != 0);
  CHECK(outputs(graph_of(""), x, {1, K}) == Floats{static_cast<float>(value) * 0x1p-14F});
  // A function of one code is the function of its value, rounded to the nearest value.
  const float real = 1 / (1 + std::exp(-static_cast<float>(value) * 0x1p-14F));
  const std::int64_t sigmoid = spec::nearest_real(Format::kE4M3, double{real} * 0x1p17);
  CHECK(outputs(graph_of("Sigmoid"), x, {1, K}) == Floats{static_cast<float>(sigmoid) * 0x1p-17F});
  CHECK_THROWS_WITH(graph_of("Softmax"),
                    Catch::Matchers::ContainsSubstring("SOFTMAX of e4m3 codes, allowed Conv"));
}
