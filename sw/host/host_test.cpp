// SPDX-License-Identifier: Apache-2.0
//
// Tests operators of the host on small tensors.

#include <algorithm>
#include <memory>
#include <random>
#include <vector>

#include "sw/base/catch.h"
#include "sw/base/error.h"
#include "sw/host/onnx/evaluate.h"
#include "sw/host/onnx/node/windows.h"
#include "sw/model/graph/indices.h"

using namespace trine;
using namespace trine::host::onnx;
using Catch::Matchers::ContainsSubstring;
using trine::model::count_of;

TEST_CASE("LRN of an even size covers one more channel after than before", "[host][onnx]") {
  Node node;
  node.type = "LRN";
  node.outputs = {"y"};
  node.attributes["size"].i = 2;
  node.attributes["alpha"].f = 2;
  node.attributes["beta"].f = 1;
  Constant x;
  x.shape = {1, 3, 1};
  x.values = {1, 2, 3};
  const auto y = evaluate(node, 13, {std::make_shared<Constant>(x)}, 0, 100);
  CHECK(y.values == std::vector<double>{1.0f / 6, 2.0f / 14, 3.0f / 10});
}

/// ONNX: with ceil_mode, a window that begins after the image and its border does not exist.
TEST_CASE("a pool's last window begins within the image or its border", "[host][onnx]") {
  Node node;
  node.type = "MaxPool";
  node.outputs = {"y"};
  node.attributes["kernel_shape"].ints = {1};
  node.attributes["strides"].ints = {3};
  node.attributes["ceil_mode"].i = 1;
  for (const int extent : {3, 4, 5, 6, 7}) {
    Constant x;
    x.shape = {1, 1, extent};
    x.values.assign(extent, 1);
    const auto y = evaluate(node, 13, {std::make_shared<Constant>(x)}, 0, 100);
    CHECK(y.shape == std::vector<int>{1, 1, (extent - 1) / 3 + 1});
  }
}

TEST_CASE("each update of an element that is named twice counts", "[host][onnx]") {
  const auto constant = [](DataType type, std::vector<int> shape, std::vector<double> values) {
    Constant c;
    c.type = type;
    c.shape = std::move(shape);
    for (const double value : values) c.values.push_back(value);
    return std::make_shared<Constant>(std::move(c));
  };
  const auto x = constant(DataType::kFloat32, {3}, {2, 10, -1});
  const auto updates = constant(DataType::kFloat32, {4}, {3, -5, 4, 7});
  for (const auto& [how, expected] : {std::pair<const char*, std::vector<double>>{"add", {9, 5, 6}},
                                      {"mul", {24, -50, -7}},
                                      {"max", {4, 10, 7}},
                                      {"min", {2, -5, -1}}}) {
    CAPTURE(how);
    Node node;
    node.outputs = {"y"};
    node.attributes["reduction"].s = how;
    node.type = "ScatterND";
    const auto rows = constant(DataType::kInt64, {4, 1}, {0, 1, 0, 2});
    CHECK(evaluate(node, 18, {x, rows, updates}, 0, 100).values == expected);
    node.type = "ScatterElements";
    const auto places = constant(DataType::kInt64, {4}, {0, 1, 0, 2});
    CHECK(evaluate(node, 18, {x, places, updates}, 0, 100).values == expected);
  }
}

TEST_CASE("windows along an axis are counted in one place", "[host][onnx]") {
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
TEST_CASE("averages count the border on each side if count_include_pad is set", "[host][onnx]") {
  Node node;
  node.type = "AveragePool";
  node.outputs = {"y"};
  node.attributes["kernel_shape"].ints = {2};
  node.attributes["strides"].ints = {2};
  node.attributes["pads"].ints = {1, 1};
  node.attributes["count_include_pad"].i = 1;
  Constant x;
  x.shape = {1, 1, 4};
  x.values = {2, 4, 6, 8};
  const auto averages = [&] {
    return evaluate(node, 19, {std::make_shared<Constant>(x)}, 0, 100).values;
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
TEST_CASE("boxes that are not chosen are rows of -1", "[host][onnx]") {
  const auto constant = [](std::vector<int> shape, std::vector<double> values) {
    Constant c;
    c.shape = std::move(shape);
    c.values = std::move(values);
    return std::make_shared<const Constant>(std::move(c));
  };
  Node node;
  node.type = "NonMaxSuppression";
  node.outputs = {"chosen"};
  const auto chosen = [&](std::vector<double> boxes, double most, double overlap) {
    return evaluate(node, 13,
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
TEST_CASE("recurrent operators of either layout agree", "[host][onnx]") {
  constexpr int T = 3, B = 2, I = 2, H = 2;
  std::mt19937 random{5};
  const auto constant = [&](std::vector<int> shape) {
    Constant c;
    c.shape = std::move(shape);
    c.values.resize(count_of(c.shape));
    for (double& x : c.values) x = std::uniform_real_distribution<>(-1, 1)(random);
    return c;
  };
  const auto turned = [](Constant c) {  // first two axes
    const Constant from = c;
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
    Node node;
    node.type = type;
    node.outputs = {"y", "h", "c"};
    node.attributes["direction"].s = "bidirectional";
    const auto x = constant({T, B, I}), h = constant({2, B, H}), c = constant({2, B, H});
    const auto w = constant({2, gates * H, I}), r = constant({2, gates * H, H});
    const auto run = [&, gates = gates](const Constant& in, const Constant& first,
                                        const Constant& cell, std::size_t output) {
      std::vector<ConstantPointer> inputs{nullptr, nullptr, nullptr, nullptr,
                                          nullptr, nullptr, nullptr};
      inputs[0] = std::make_shared<const Constant>(in);
      inputs[1] = std::make_shared<const Constant>(w);
      inputs[2] = std::make_shared<const Constant>(r);
      inputs[5] = std::make_shared<const Constant>(first);
      if (gates == 4) inputs[6] = std::make_shared<const Constant>(cell);
      return evaluate(node, 14, inputs, output, 1000);
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
