// SPDX-License-Identifier: Apache-2.0
//
// Formats of few bits as others' libraries read them (tests/formats): code by code what the reader
// of ONNX has, and which of them the streams of packed weights hold.

#include <fmt/format.h>
#include <onnx/onnx_pb.h>

#include <array>
#include <catch2/catch.hpp>
#include <cmath>
#include <set>

#include "base/file.h"
#include "base/json.h"
#include "machine/packed.h"
#include "sw/model/import.h"
#include "sw/reference/onnx_testing.h"

using namespace trine;
using namespace trine::reference::testing;

namespace {

const Json& recorded() {
  static const std::string file = fmt::format("{}/tests/formats/tables.json", TRINE_SOURCE_DIR);
  static const Json tables = parse_json(read_text(file), file);
  return tables;
}

/// What a column of such weights, 256 bytes of two codes each, gives with each unit vector.
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

/// Codes of int8 that are `scale` times the values. @return nothing if one is no integer of int8
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
  REQUIRE(bytes->size() == machine::kBlockBytes);
  const auto stream = machine::packed(isa::dma::Target::kPalette, *bytes);
  REQUIRE(stream);
  CHECK(machine::unpacked(isa::dma::Target::kPalette, *stream, 1) == bytes);
  const Floats of_onnx = floats_of("onnx/FLOAT4E2M1");
  for (std::size_t byte = 0; byte < 256; ++byte) {
    CHECK(of_onnx[2 * byte] == values[byte % 16]);
    CHECK(of_onnx[2 * byte + 1] == values[byte / 16]);
  }
  // gguf's blocks have the low halves of all bytes first; a scale is a power of two.
  const Json& block = recorded().at("gguf/MXFP4");
  for (std::size_t i = 0; i < 16; ++i) {
    const auto byte = block.at("bytes").at(i).get<std::size_t>();
    CHECK(block.at("values").at(i).get<float>() == values[byte % 16]);
    CHECK(block.at("values").at(i + 16).get<float>() == values[byte / 16]);
  }
}

TEST_CASE("Q4_0 is int4: MatMulNBits' codes less eight", "[reference][formats]") {
  const Json& block = recorded().at("gguf/Q4_0");
  for (std::size_t i = 0; i < 16; ++i) {
    const int byte = block.at("bytes").at(i).get<int>();
    CHECK(block.at("values").at(i).get<int>() == (byte & 15) - 8);
    CHECK(block.at("values").at(i + 16).get<int>() == (byte >> 4) - 8);
  }
}

TEST_CASE("six bits: E2M3 fits int8 and short codes, E3M2 does not", "[reference][formats]") {
  const auto bytes = codes_of(floats_of("ml_dtypes/float6_e2m3fn"), 8);
  REQUIRE(bytes);
  REQUIRE(bytes->size() == 4 * machine::kBlockBytes);
  const auto stream = machine::packed(isa::dma::Target::kShort, *bytes);
  REQUIRE(stream);
  CHECK(machine::unpacked(isa::dma::Target::kShort, *stream, 4) == bytes);
  CHECK(std::set<std::uint8_t>(bytes->begin(), bytes->end()).size() == 63);  // 0 has two signs
  CHECK_FALSE(codes_of(floats_of("ml_dtypes/float6_e3m2fn"), 16));
}
