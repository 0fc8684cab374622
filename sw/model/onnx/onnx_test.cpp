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
#include "sw/model/graph/indices.h"
#include "sw/model/import/import.h"
#include "sw/model/import/testing.h"
#include "sw/model/onnx/evaluate/evaluate.h"
#include "sw/model/onnx/import/windows.h"
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
TEST_CASE("LRN of an even size covers one more channel after than before", "[model][onnx]") {
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

/// ONNX: with ceil_mode, a window that begins after the image and its border does not exist.
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

TEST_CASE("each update of an element that is named twice counts", "[model][onnx]") {
  const auto constant = [](DataType type, std::vector<int> shape, std::vector<double> values) {
    onnx_file::Constant c;
    c.type = type;
    c.shape = std::move(shape);
    for (const double value : values) c.values.push_back(value);
    return std::make_shared<onnx_file::Constant>(std::move(c));
  };
  const auto x = constant(DataType::kFloat32, {3}, {2, 10, -1});
  const auto updates = constant(DataType::kFloat32, {4}, {3, -5, 4, 7});
  for (const auto& [how, expected] : {std::pair<const char*, std::vector<double>>{"add", {9, 5, 6}},
                                      {"mul", {24, -50, -7}},
                                      {"max", {4, 10, 7}},
                                      {"min", {2, -5, -1}}}) {
    CAPTURE(how);
    onnx_file::Node node;
    node.outputs = {"y"};
    node.attributes["reduction"].s = how;
    node.type = "ScatterND";
    const auto rows = constant(DataType::kInt64, {4, 1}, {0, 1, 0, 2});
    CHECK(onnx_file::evaluate(node, 18, {x, rows, updates}, 0, 100).values == expected);
    node.type = "ScatterElements";
    const auto places = constant(DataType::kInt64, {4}, {0, 1, 0, 2});
    CHECK(onnx_file::evaluate(node, 18, {x, places, updates}, 0, 100).values == expected);
  }
}

TEST_CASE("windows along an axis are counted in one place", "[model][onnx]") {
  using onnx_file::reach_of;
  using onnx_file::windows_of;
  CHECK(reach_of(3, 2) == 5);
  CHECK_THROWS_AS(reach_of(65535, 65535), Error);  // int does not overflow
  CHECK(windows_of(7, 0, 0, 3, 2, false) == 3);
  CHECK(windows_of(8, 0, 0, 3, 2, false) == 3);
  CHECK(windows_of(8, 0, 0, 3, 2, true) == 4);
  CHECK(windows_of(3, 0, 0, 1, 3, true) == 1);  // a second one would begin after the image
  CHECK(windows_of(3, 1, 0, 1, 3, true) == 2);
  CHECK_THROWS_AS(windows_of(2, 0, 0, 3, 1, false), Error);
}

/// ONNX 1.19, AveragePool: the border counts; pixels that a rounded-up extent adds after it do not.
TEST_CASE("averages count the border on each side if count_include_pad is set", "[model][onnx]") {
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

/// Boxes 0 and 1 overlap by 9 of 11 parts. Box 2 is separate; box 3 has too low a score.
TEST_CASE("boxes that are not chosen are rows of -1", "[model][onnx]") {
  const auto constant = [](std::vector<int> shape, std::vector<double> values) {
    onnx_file::Constant c;
    c.shape = std::move(shape);
    c.values = std::move(values);
    return std::make_shared<const onnx_file::Constant>(std::move(c));
  };
  onnx_file::Node node;
  node.type = "NonMaxSuppression";
  node.outputs = {"chosen"};
  const auto chosen = [&](std::vector<double> boxes, double most, double overlap) {
    return onnx_file::evaluate(
               node, 13,
               {constant({1, 4, 4}, std::move(boxes)),
                constant({1, 1, 4}, {0.5, 0.75, 0.25, 0.125}), constant({1}, {most}),
                constant({1}, {overlap}), constant({1}, {0.2})},
               0, 100)
        .values;
  };
  // Corners in any order.
  const std::vector<double> corners{0, 0, 1, 10, 1, 11, 0, 1, 5, 5, 6, 6, 8, 8, 9, 9};
  CHECK(chosen(corners, 3, 0.8) == std::vector<double>{0, 0, 1, 0, 0, 2, -1, -1, -1});
  CHECK(chosen(corners, 3, 0.9) == std::vector<double>{0, 0, 1, 0, 0, 0, 0, 0, 2});
  CHECK(chosen(corners, 1, 0.8) == std::vector<double>{0, 0, 1});
  CHECK_THROWS_WITH(chosen(corners, 0, 0.8), ContainsSubstring("chooses nothing"));
  node.attributes["center_point_box"].i = 1;  // x, y, width, height
  CHECK(chosen({5, 0.5, 10, 1, 6, 0.5, 10, 1, 5.5, 5.5, 1, 1, 8.5, 8.5, 1, 1}, 3, 0.8) ==
        std::vector<double>{0, 0, 1, 0, 0, 2, -1, -1, -1});
}

/// ONNX Runtime does not support layout 1.
TEST_CASE("recurrent operators of either layout agree", "[model][onnx]") {
  constexpr int T = 3, B = 2, I = 2, H = 2;
  std::mt19937 random{5};
  const auto constant = [&](std::vector<int> shape) {
    onnx_file::Constant c;
    c.shape = std::move(shape);
    c.values.resize(count_of(c.shape));
    for (double& x : c.values) x = std::uniform_real_distribution<>(-1, 1)(random);
    return c;
  };
  const auto turned = [](onnx_file::Constant c) {  // first two axes
    const onnx_file::Constant from = c;
    std::swap(c.shape[0], c.shape[1]);
    const int inner = static_cast<int>(c.elements()) / c.shape[0] / c.shape[1];
    for (int i = 0; i < c.shape[0]; ++i)
      for (int j = 0; j < c.shape[1]; ++j)
        for (int k = 0; k < inner; ++k)
          c.values[(i * c.shape[1] + j) * inner + k] =
              from.values[(j * c.shape[0] + i) * inner + k];
    return c;
  };
  for (const auto& [type, gates] : {std::pair{"RNN", 1}, {"GRU", 3}, {"LSTM", 4}}) {
    CAPTURE(type);
    onnx_file::Node node;
    node.type = type;
    node.outputs = {"y", "h", "c"};
    node.attributes["direction"].s = "bidirectional";
    const auto x = constant({T, B, I}), h = constant({2, B, H}), c = constant({2, B, H});
    const auto w = constant({2, gates * H, I}), r = constant({2, gates * H, H});
    const auto run = [&, gates = gates](const onnx_file::Constant& in,
                                        const onnx_file::Constant& first,
                                        const onnx_file::Constant& cell, std::size_t output) {
      std::vector<onnx_file::ConstantPointer> inputs{nullptr, nullptr, nullptr, nullptr,
                                                     nullptr, nullptr, nullptr};
      inputs[0] = std::make_shared<const onnx_file::Constant>(in);
      inputs[1] = std::make_shared<const onnx_file::Constant>(w);
      inputs[2] = std::make_shared<const onnx_file::Constant>(r);
      inputs[5] = std::make_shared<const onnx_file::Constant>(first);
      if (gates == 4) inputs[6] = std::make_shared<const onnx_file::Constant>(cell);
      return onnx_file::evaluate(node, 14, inputs, output, 1000);
    };
    const auto all = run(x, h, c, 0), last = run(x, h, c, 1);
    node.attributes["layout"].i = 1;
    CHECK(run(turned(x), turned(h), turned(c), 1).values == turned(last).values);
    const auto batches = run(turned(x), turned(h), turned(c), 0);  // [B, T, 2, H] of [T, 2, B, H]
    CHECK(batches.shape == std::vector<int>{B, T, 2, H});
    int differ = 0;
    for (int t = 0; t < T; ++t)
      for (int d = 0; d < 2; ++d)
        for (int b = 0; b < B; ++b)
          for (int i = 0; i < H; ++i)
            differ += batches.values[((b * T + t) * 2 + d) * H + i] !=
                      all.values[((t * 2 + d) * B + b) * H + i];
    CHECK(differ == 0);
  }
}
