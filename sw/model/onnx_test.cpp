// SPDX-License-Identifier: Apache-2.0

#include <algorithm>
#include <catch2/catch.hpp>
#include <limits>
#include <memory>
#include <random>

#include "base/error.h"
#include "base/file.h"
#include "sw/model/graph.h"
#include "sw/model/lowbit.h"
#include "sw/model/onnx_evaluate.h"
#include "sw/model/testing.h"

using namespace trine;
using namespace trine::model;
using Catch::Matchers::Contains;

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

TEST_CASE("thresholds that no accumulator reaches lie just outside", "[model][onnx][threshold]") {
  CHECK(thresholds([](std::int32_t) { return 0; }, 2, -5, 9) == std::vector<std::int32_t>{10, 10});
  CHECK(thresholds([](std::int32_t) { return 2; }, 2, -5, 9) == std::vector<std::int32_t>{-5, -5});
  CHECK(thresholds([](std::int32_t x) { return x >= 0 ? 1 : 0; }, 1, -5, 9) ==
        std::vector<std::int32_t>{0});
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

/// Checks cnv_binary or cnv_w1a1: `convolutions`, the first with so many filters of 3 channels.
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
    CHECK(count(graph, OpKind::kThreshold) == expected);  // one of them on the host: the input's
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
  CHECK_THROWS_WITH(import_onnx("no/such/file.onnx"), Contains("no/such/file.onnx"));
}

TEST_CASE("a float ONNX network is refused as one", "[model][onnx][error]") {
  for (const Sample& sample : samples({"lowbit/float_conv.onnx"}, {"mnist_conv_fp32.onnx"}))
    CHECK_THROWS_WITH(import_onnx(sample.file),
                      Contains(sample.name() + ".onnx: the model is float32"));
}

TEST_CASE("bytes that are no ONNX model are refused", "[model][onnx][error]") {
  CHECK_THROWS_WITH(parse_onnx({}, "m.onnx"), Contains("m.onnx: is no ONNX model"));
  CHECK_THROWS_WITH(parse_onnx(std::vector<std::uint8_t>(64, 0xff), "m.onnx"),
                    Contains("m.onnx: is no ONNX model"));
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
  CHECK_THROWS_WITH(parse_onnx(bytes, "m.onnx"),
                    Contains("m.onnx: node ") && Contains("HardSigmoid: alpha inf"));
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
    // Weights are most of the bytes and any of them is legal: damage what lies between them.
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

/// ONNX 1.19, LRN: from c - floor((size - 1) / 2) to c + ceil((size - 1) / 2). ONNX Runtime takes
/// odd sizes alone.
TEST_CASE("LRN of an even size leans to the channels behind", "[model][onnx]") {
  onnx_file::Node node;
  node.type = "LRN";
  node.outputs = {"y"};
  node.attributes["size"].i = 2;
  node.attributes["alpha"].f = 2;
  node.attributes["beta"].f = 1;
  onnx_file::Constant x;
  x.shape = {1, 3, 1};
  x.values = {1, 2, 3};
  const auto y = onnx_file::evaluate(node, 13, {std::make_shared<onnx_file::Constant>(x)}, 0, 100);
  CHECK(y.values == std::vector<double>{1.0f / 6, 2.0f / 14, 3.0f / 10});
}

/// ONNX: a window of ceil_mode that begins behind the image and its border is none.
TEST_CASE("a pool's last window begins within the image or its border", "[model][onnx]") {
  onnx_file::Node node;
  node.type = "MaxPool";
  node.outputs = {"y"};
  node.attributes["kernel_shape"].ints = {1};
  node.attributes["strides"].ints = {3};
  node.attributes["ceil_mode"].i = 1;
  for (const int extent : {3, 4, 5, 6, 7}) {
    onnx_file::Constant x;
    x.shape = {1, 1, extent};
    x.values.assign(extent, 1);
    const auto y =
        onnx_file::evaluate(node, 13, {std::make_shared<onnx_file::Constant>(x)}, 0, 100);
    CHECK(y.shape == std::vector<int>{1, 1, (extent - 1) / 3 + 1});
  }
}

/// ONNX 1.19, AveragePool: the border counts, what a rounded-up extent adds behind it does not.
TEST_CASE("averages count their border on each side where they are told to", "[model][onnx]") {
  onnx_file::Node node;
  node.type = "AveragePool";
  node.outputs = {"y"};
  node.attributes["kernel_shape"].ints = {2};
  node.attributes["strides"].ints = {2};
  node.attributes["pads"].ints = {1, 1};
  node.attributes["count_include_pad"].i = 1;
  onnx_file::Constant x;
  x.shape = {1, 1, 4};
  x.values = {2, 4, 6, 8};
  const auto averages = [&] {
    return onnx_file::evaluate(node, 19, {std::make_shared<onnx_file::Constant>(x)}, 0, 100).values;
  };
  CHECK(averages() == std::vector<double>{1, 5, 4});
  node.attributes["count_include_pad"].i = 0;
  CHECK(averages() == std::vector<double>{2, 5, 8});
  node.attributes["count_include_pad"].i = 1;
  node.attributes["pads"].ints = {0, 0};
  node.attributes["ceil_mode"].i = 1;
  x.shape = {1, 1, 3};
  x.values = {2, 4, 6};
  CHECK(averages() == std::vector<double>{3, 6});
}
