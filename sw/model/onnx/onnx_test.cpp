// SPDX-License-Identifier: Apache-2.0

#include <google/protobuf/stubs/logging.h>

#include <algorithm>
#include <limits>
#include <memory>
#include <random>

#include "sw/base/catch.h"
#include "sw/base/error.h"
#include "sw/base/file.h"
#include "sw/model/check/check.h"
#include "sw/model/graph/graph.h"
#include "sw/model/import/import.h"
#include "sw/model/import/testing.h"
#include "sw/model/onnx/read/constant.h"
#include "sw/model/rewrite/lowbit.h"

using namespace trine;
using namespace trine::model;
using Catch::Matchers::ContainsSubstring;

namespace {

/// @return true if the bytes load and are legal, false if they are refused with a message
bool loads(const std::vector<std::uint8_t>& bytes) try {
  check(parse_onnx(bytes, "m.onnx"));
  return true;
} catch (const Error& error) {
  CHECK(std::string(error.what()).find("m.onnx: ") == 0);
  return false;
}

int count(const Graph& graph, OpKind kind) {
  return static_cast<int>(std::count_if(graph.ops.begin(), graph.ops.end(),
                                        [&](const Op& op) { return op.kind == kind; }));
}

}  // namespace

TEST_CASE("thresholds give the level of every accumulator", "[model][onnx][threshold]") {
  std::mt19937 random{3};
  for (int i = 0; i < 100; ++i) {
    const float slope = std::uniform_real_distribution<float>(0.001f, 0.2f)(random);
    const float offset = std::uniform_real_distribution<float>(-8.0f, 8.0f)(random);
    const std::vector<FloatStep> steps = {{FloatStep::Kind::kMul, {slope}},
                                          {FloatStep::Kind::kAdd, {offset}}};
    QuantRule rule;
    rule.kind = QuantRule::Kind::kQuant;
    rule.low = -8;
    rule.high = 7;
    const auto level = [&](std::int32_t acc) {
      return rule.code(apply(steps, static_cast<float>(acc), 0)) - rule.low;
    };
    const auto table = thresholds(level, 15, -300, 300);
    REQUIRE(table.size() == 15);
    CAPTURE(i, slope, offset);
    int wrong = 0;
    for (std::int32_t acc = -300; acc <= 300; ++acc)
      wrong += std::count_if(table.begin(), table.end(),
                             [&](std::int32_t t) { return acc >= t; }) != level(acc);
    CHECK(wrong == 0);
  }
}

TEST_CASE("thresholds that no accumulator crosses are at the edge of the range",
          "[model][onnx][threshold]") {
  CHECK(thresholds([](std::int32_t) { return 0; }, 2, -5, 9) == std::vector<std::int32_t>{10, 10});
  CHECK(thresholds([](std::int32_t) { return 2; }, 2, -5, 9) == std::vector<std::int32_t>{-5, -5});
  CHECK(thresholds([](std::int32_t x) { return x >= 0 ? 1 : 0; }, 1, -5, 9) ==
        std::vector<std::int32_t>{0});
}

TEST_CASE("even steps give each accumulator the level of its thresholds",
          "[model][onnx][threshold]") {
  std::mt19937 random{5};
  const auto real = [&](double low, double high) {
    return std::uniform_real_distribution<double>(low, high)(random);
  };
  int found = 0, of_ties = 0;
  for (int i = 0; i < 400; ++i) {
    const int count = i % 2 == 0 ? 15 : 7, first = i % 3 == 0 ? 0 : -(count + 1) / 2;
    const double width = i % 8 == 0 ? std::exp2(i % 5) : real(0.7, 90);
    const double offset = i % 8 == 0 ? i % 7 : real(-150, 150);
    const Reached reached{-static_cast<int>(real(0, 700)), static_cast<int>(real(0, 700)), 8};
    const auto level = [&](std::int32_t acc) {
      const double code = std::nearbyint((acc + offset) / width) - first;
      return static_cast<int>(std::clamp(code, 0.0, double(count)));
    };
    const auto table = thresholds(level, count, reached.low, reached.high);
    const auto steps = even_steps(table, first, reached);
    if (!steps) continue;
    ++found;
    of_ties += steps->ties ? 1 : 0;
    CAPTURE(i, count, first, width, offset, steps->width, steps->bias);
    const float scale = static_cast<float>(1 / steps->width);
    int wrong = 0;
    for (std::int32_t acc = reached.low; acc <= reached.high; ++acc) {
      const double code = std::nearbyint((double{8} * acc + steps->bias) * scale) - first;
      wrong += static_cast<int>(std::clamp(code, 0.0, double(count))) != level(acc);
    }
    CHECK(wrong == 0);
  }
  CHECK(found >= 390);
  CHECK(of_ties > 10);
  // One half is rounded up, one down, and there is no power of two in between.
  CHECK_FALSE(even_steps({10, 31, 50, 71}, 1, {0, 100, 1}));
}

TEST_CASE("float thresholds are the least float of their level", "[model][onnx][threshold]") {
  for (const float edge : {0.5f, -0.5f, 0.0f, 1e-40f, -3e38f, 255.0f}) {
    const auto table = float_thresholds([&](float x) { return x >= edge ? 1 : 0; }, 1);
    CHECK(table[0] == edge);
  }
  CHECK(std::isinf(float_thresholds([](float) { return 0; }, 1)[0]));
}

TEST_CASE("quantizers round as QONNX says", "[model][onnx][quant]") {
  using Round = QuantRule::Round;
  const auto code = [](Round round, float x) {
    QuantRule rule;
    rule.kind = QuantRule::Kind::kQuant;
    rule.round = round;
    return rule.code(x);
  };
  CHECK(code(Round::kHalfEven, 2.5f) == 2);
  CHECK(code(Round::kHalfEven, -1.5f) == -2);
  CHECK(code(Round::kCeil, 1.25f) == 2);
  CHECK(code(Round::kFloor, -1.25f) == -2);
  CHECK(code(Round::kUp, -1.25f) == -2);
  CHECK(code(Round::kDown, -1.75f) == -1);
  CHECK(code(Round::kHalfUp, -2.5f) == -3);
  CHECK(code(Round::kHalfDown, 2.5f) == 2);
  CHECK(code(Round::kHalfEven, 1000.0f) == 127);
  CHECK(code(Round::kHalfEven, std::nanf("")) == -128);
}

TEST_CASE("the smallest encoding holds all codes", "[model][onnx][encoding]") {
  CHECK(smallest_encoding({-1, 1}) == Encoding::kBinary);
  CHECK(smallest_encoding({-1, 0, 1}) == Encoding::kTernary);
  CHECK(smallest_encoding({-2, 1}) == Encoding::kInt2);
  CHECK(smallest_encoding({-8, 2}) == Encoding::kInt4);
  CHECK(smallest_encoding({8}) == Encoding::kInt8);
}

namespace {

/// Checks cnv_binary or cnv_w1a1: `convolutions` convolutions, the first with `filters` filters of
/// 3 channels.
void check_binary_network(const Graph& graph, int convolutions, int filters,
                          std::int64_t count_macs) {
  CHECK_NOTHROW(check(graph));
  CHECK(count(graph, OpKind::kConv2D) == convolutions);
  CHECK(count(graph, OpKind::kThreshold) == convolutions);
  CHECK(count(graph, OpKind::kMaxPool2D) == 1);
  CHECK(count(graph, OpKind::kFullyConnected) == 1);
  CHECK(macs(graph) == count_macs);
  const Op& conv = *std::find_if(graph.ops.begin(), graph.ops.end(),
                                 [](const Op& op) { return op.kind == OpKind::kConv2D; });
  CHECK(graph.out(conv).type == DataType::kInt32);
  CHECK(graph.in(conv, 1).encoding == Encoding::kBinary);
  CHECK(graph.in(conv, 1).shape == std::vector<int>{filters, 3, 3, 3});
  for (const Op& op : graph.ops) {
    if (op.kind != OpKind::kThreshold) continue;
    CHECK(op.low == -1);
    CHECK(op.step == 2);
    CHECK(graph.out(op).encoding == Encoding::kBinary);
    CHECK(graph.in(op, 1).extent(1) == 1);
  }
}

}  // namespace

TEST_CASE("a binary network imports as products and thresholds", "[model][onnx]") {
  const Graph own = import_model(own_sample("lowbit/cnv_binary.onnx").file);
  CHECK(own.name == "cnv_binary");
  check_binary_network(own, 3, 16, 205'440);
  if (has_shared())
    check_binary_network(import_model(shared_sample("cnv_w1a1.onnx").file), 4, 32, 1'941'376);
}

TEST_CASE("a ternary network has two thresholds for each channel", "[model][onnx]") {
  for (const auto& [sample, expected] : {std::pair{own_sample("lowbit/mlp_ternary.onnx"), 3},
                                         std::pair{shared_sample("TFC_2W2A.onnx"), 4}}) {
    if (!std::filesystem::exists(sample.file)) continue;
    const Graph graph = import_onnx(sample.file);
    CHECK(count(graph, OpKind::kThreshold) == expected);  // the input's is on the host
    for (const Op& op : graph.ops)
      if (op.kind == OpKind::kThreshold) {
        CHECK(graph.out(op).encoding == Encoding::kTernary);
        CHECK(graph.in(op, 1).extent(1) == 2);
      }
    CHECK(graph.ops.back().kind == OpKind::kFloat);
  }
}

TEST_CASE("import_model tells TFLite from ONNX", "[model][onnx]") {
  CHECK(import_model(own_sample("networks/curve.tflite").file).ops.size() == 3);
  CHECK_NOTHROW(import_model(own_sample("lowbit/thresholds.onnx").file));
  CHECK_THROWS_WITH(import_onnx("no/such/file.onnx"), ContainsSubstring("no/such/file.onnx"));
}

TEST_CASE("a float ONNX network is refused as one", "[model][onnx][error]") {
  for (const Sample& sample : samples({"lowbit/float_conv.onnx"}, {"mnist_conv_fp32.onnx"}))
    CHECK_THROWS_WITH(import_onnx(sample.file),
                      ContainsSubstring(sample.name() + ".onnx: the model is float32"));
}

TEST_CASE("uint16 codes of ONNX are refused by name", "[model][onnx][error]") {
  auto bytes = read_file(std::filesystem::path(TRINE_SOURCE_DIR) / "tests/onnx/mobilenet_v2.onnx");
  const std::vector<std::uint8_t> int8{0x10, 3}, uint16{0x10, 4};  // TensorProto's data_type
  const auto found = std::search(bytes.begin(), bytes.end(), int8.begin(), int8.end());
  REQUIRE(found != bytes.end());
  std::copy(uint16.begin(), uint16.end(), found);
  CHECK_THROWS_WITH(
      parse_onnx(bytes, "m.onnx"),
      ContainsSubstring("m.onnx: initializer '") &&
          ContainsSubstring("': uint16, allowed int8 uint8 int16: quantize activations to "
                            "QInt16, symmetric"));
}

TEST_CASE("bytes that are not an ONNX model are refused", "[model][onnx][error]") {
  CHECK_THROWS_WITH(parse_onnx({}, "m.onnx"), ContainsSubstring("m.onnx: is not an ONNX model"));
  CHECK_THROWS_WITH(parse_onnx(std::vector<std::uint8_t>(64, 0xff), "m.onnx"),
                    ContainsSubstring("m.onnx: is not an ONNX model"));
}

TEST_CASE("protobuf stays silent, whichever thread imports", "[model][onnx][error]") {
  // If an import restored the handler, it could be another thread's, or printing could happen
  // during that thread's import.
  const auto import = [] {
    for (int i = 0; i < 100; ++i) CHECK_THROWS_AS(parse_onnx({1, 2, 3}, "m.onnx"), Error);
  };
  import();
  google::protobuf::LogHandler* before = google::protobuf::SetLogHandler(nullptr);
  CHECK(before == nullptr);
  google::protobuf::SetLogHandler(before);
}

TEST_CASE("an attribute that is not finite is refused by name", "[model][onnx][error]") {
  auto bytes = read_file(std::filesystem::path(TRINE_SOURCE_DIR) / "tests/onnx/mobilenet_v3.onnx");
  REQUIRE(loads(bytes));
  const std::string key =
      "\x05"
      "alpha\x15";  // attribute's name, its float
  const auto found = std::search(bytes.begin(), bytes.end(), key.begin(), key.end());
  REQUIRE(found != bytes.end());
  const float infinite = std::numeric_limits<float>::infinity();
  std::memcpy(&*found + key.size(), &infinite, sizeof infinite);
  CHECK_THROWS_WITH(parse_onnx(bytes, "m.onnx"), ContainsSubstring("m.onnx: node ") &&
                                                     ContainsSubstring("HardSigmoid: alpha inf"));
}

TEST_CASE("a truncated ONNX model is refused, whatever its length", "[model][onnx][error]") {
  for (const Sample& sample : samples({"onnx/mobilenet_v2.onnx"}, {"mnist_conv_qdq.onnx"})) {
    const auto whole = read_file(sample.file);
    REQUIRE(loads(whole));
    int refused = 0, tried = 0;
    for (std::size_t size = 0; size + 64 < whole.size(); size += 37, ++tried)
      refused += loads({whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size)}) ? 0 : 1;
    CHECK(refused == tried);
  }
}

TEST_CASE("an ONNX model with damaged bytes loads or is refused", "[model][onnx][error]") {
  const auto models =
      samples({"onnx/mobilenet_v3.onnx", "onnx/detector.onnx", "lowbit/mlp_ternary.onnx",
               "lowbit/cnv_binary.onnx", "lowbit/thresholds.onnx"},
              {"mnist_conv_qdq.onnx", "kws_ref_model_qdq.onnx", "resnet8_qdq.onnx", "TFC_2W2A.onnx",
               "cnv_w1a1.onnx", "finn_tfc_w1a1_build_dataflow.onnx"});
  for (const Sample& sample : models) {
    CAPTURE(sample.file.string());
    const auto whole = read_file(sample.file);
    REQUIRE(loads(whole));
    // Most bytes are weights, for which any value is legal, so only the bytes between them are
    // damaged.
    std::vector<std::size_t> structure;
    for (std::size_t i = 0; i + 8 < whole.size(); ++i)
      if (std::count_if(&whole[i], &whole[i + 8],
                        [](std::uint8_t b) { return b >= 8 && b < 0x7b; }) >= 6)
        structure.push_back(i);
    REQUIRE(structure.size() > 100);
    std::mt19937 random{1};
    int refused = 0;
    for (int i = 0; i < 400; ++i) {
      CAPTURE(i);
      auto bytes = whole;
      for (unsigned n = 1 + random() % 4; n-- > 0;) {
        constexpr std::uint8_t kNasty[] = {0x00, 0x01, 0x7f, 0x80, 0xff};
        bytes[structure[random() % structure.size()]] =
            random() % 2 != 0 ? kNasty[random() % 5] : static_cast<std::uint8_t>(random());
      }
      refused += loads(bytes) ? 0 : 1;
    }
    CHECK(refused > 10);  // most bytes are weights or names
  }
}

/// ONNX 1.19, LRN: from c - floor((size - 1) / 2) to c + ceil((size - 1) / 2). ONNX Runtime
/// supports only odd sizes.
TEST_CASE("axes of constants are counted from either end", "[model][onnx]") {
  const auto shape = [](const char* type, const std::vector<int>& from,
                        const std::vector<std::int64_t>& axes) {
    onnx_file::Node node;
    node.type = type;
    if (node.type == "Flatten")
      node.attributes["axis"].i = axes.at(0);
    else
      node.attributes["axes"].ints = axes;
    return onnx_file::shape_after(node, from, nullptr);
  };
  using Shape = std::vector<int>;
  CHECK(shape("Unsqueeze", {3, 4}, {0, -1}) == Shape{1, 3, 4, 1});
  CHECK(shape("Unsqueeze", {3, 4}, {3, 1}) == Shape{3, 1, 4, 1});
  CHECK(shape("Unsqueeze", {3, 4}, {-1, -2}) == Shape{3, 4, 1, 1});
  CHECK(shape("Unsqueeze", {3, 4}, {-3}) == Shape{1, 3, 4});
  CHECK_THROWS_WITH(shape("Unsqueeze", {3, 4}, {1, -3}), ContainsSubstring("named twice"));
  CHECK(shape("Squeeze", {1, 3, 1, 4}, {}) == Shape{3, 4});
  CHECK(shape("Squeeze", {1, 3, 1, 4}, {-2}) == Shape{1, 3, 4});
  CHECK(shape("Flatten", {2, 3, 4}, {0}) == Shape{1, 24});
  CHECK(shape("Flatten", {2, 3, 4}, {3}) == Shape{24, 1});
  CHECK(shape("Flatten", {2, 3, 4}, {-1}) == Shape{6, 4});
}
