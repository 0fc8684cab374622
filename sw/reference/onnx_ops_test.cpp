// SPDX-License-Identifier: Apache-2.0
//
// Small ONNX networks made here, against a plain float32 evaluation that shares no line with the
// import: sums, batch normalization and quantizers as QONNX and FINN define them.

#include <fmt/format.h>
#include <onnx/onnx_pb.h>
#include <unistd.h>

#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <functional>
#include <numeric>
#include <random>
#include <tuple>

#include "base/error.h"
#include "sw/model/import.h"
#include "sw/reference/run.h"

using namespace trine;
using namespace trine::reference;
using Catch::Matchers::Contains;
using Catch::Matchers::EndsWith;
using Catch::Matchers::Equals;
using Catch::Matchers::StartsWith;
namespace fs = std::filesystem;

namespace {

using Floats = std::vector<float>;

/// Builds an ONNX model node by node.
class Builder {
 public:
  explicit Builder(std::vector<int> input) {
    model_.set_ir_version(8);
    model_.add_opset_import()->set_version(13);
    auto* info = model_.mutable_graph()->add_input();
    info->set_name("in");
    info->mutable_type()->mutable_tensor_type()->set_elem_type(onnx::TensorProto::FLOAT);
    auto* shape = info->mutable_type()->mutable_tensor_type()->mutable_shape();
    for (const int extent : input) shape->add_dim()->set_dim_value(extent);
  }

  std::string constant(const std::vector<int>& shape, const Floats& values,
                       int type = onnx::TensorProto::FLOAT) {
    auto* tensor = model_.mutable_graph()->add_initializer();
    tensor->set_name("c" + std::to_string(++count_));
    tensor->set_data_type(type);
    for (const int extent : shape) tensor->add_dims(extent);
    for (const float value : values) tensor->add_float_data(value);
    return tensor->name();
  }
  /// Floats in a file beside the model.
  std::string external(const std::vector<int>& shape, const std::string& location,
                       const std::string& offset) {
    const std::string name = constant(shape, {});
    auto* tensor =
        model_.mutable_graph()->mutable_initializer(model_.mutable_graph()->initializer_size() - 1);
    tensor->set_data_location(onnx::TensorProto::EXTERNAL);
    for (const auto& [key, value] : {std::pair{"location", location}, {"offset", offset}}) {
      auto* entry = tensor->add_external_data();
      entry->set_key(key);
      entry->set_value(value);
    }
    return name;
  }
  std::string scalar(float value) { return constant({}, {value}); }

  onnx::NodeProto* node(const std::string& type, const std::vector<std::string>& inputs) {
    auto* result = model_.mutable_graph()->add_node();
    result->set_op_type(type);
    for (const std::string& input : inputs) result->add_input(input);
    result->add_output("t" + std::to_string(++count_));
    return result;
  }
  std::string op(const std::string& type, const std::vector<std::string>& inputs) {
    return node(type, inputs)->output(0);
  }

  std::string quant(const std::string& x, float scale, float bits, bool is_signed, bool narrow) {
    auto* n = node("Quant", {x, scalar(scale), scalar(0), scalar(bits)});
    for (const auto& [key, value] : {std::pair{"signed", is_signed}, {"narrow", narrow}}) {
      auto* attribute = n->add_attribute();
      attribute->set_name(key);
      attribute->set_i(value ? 1 : 0);
    }
    return n->output(0);
  }

  std::string norm(const std::string& type, const std::string& x, const Floats& gamma,
                   const Floats& beta, float epsilon) {
    std::vector<std::string> inputs{x, constant({static_cast<int>(gamma.size())}, gamma)};
    if (!beta.empty()) inputs.push_back(constant({static_cast<int>(beta.size())}, beta));
    auto* n = node(type, inputs);
    auto* attribute = n->add_attribute();
    attribute->set_name("epsilon");
    attribute->set_f(epsilon);
    return n->output(0);
  }

  /// @param declared  the output's shape, 0: open; none: the file does not say
  std::vector<std::uint8_t> bytes(const std::string& output,
                                  const std::vector<int>& declared = {}) {
    model_.mutable_graph()->clear_output();
    auto* info = model_.mutable_graph()->add_output();
    info->set_name(output);
    for (const int extent : declared) {
      auto* dim = info->mutable_type()->mutable_tensor_type()->mutable_shape()->add_dim();
      if (extent > 0) dim->set_dim_value(extent);
    }
    const std::string text = model_.SerializeAsString();
    return {text.begin(), text.end()};
  }

 private:
  onnx::ModelProto model_;
  int count_ = 0;
};

/// A quantizer of the activations and what it does with a float.
struct Case {
  const char* name;
  float scale;
  int low, high;  ///< codes; 0, 0: binary
  model::Encoding encoding;
};

float quantized(const Case& c, float x) {
  if (c.low == c.high) return x >= 0 ? c.scale : -c.scale;
  const float steps = std::rint(
      std::min(std::max(x / c.scale, static_cast<float>(c.low)), static_cast<float>(c.high)));
  return steps * c.scale;
}

Floats outputs(const model::Graph& graph, const Floats& x, const std::vector<std::int64_t>& shape) {
  Array input{"f4", shape, std::vector<std::uint8_t>(x.size() * 4)};
  std::memcpy(input.bytes.data(), x.data(), input.bytes.size());
  const Array output = outputs_of(graph, run_graph(graph, {input})).at(0);
  Floats result(output.bytes.size() / 4);
  std::memcpy(result.data(), output.bytes.data(), output.bytes.size());
  return result;
}

std::string refusal(Builder* b, const std::string& output) try {
  model::check(model::parse_onnx(b->bytes(output), "m.onnx"));
  return "accepted";
} catch (const Error& error) {
  return error.what();
}

TEST_CASE("normalizations of ONNX are those of floats, to a code", "[onnx][norm]") {
  constexpr int kRows = 5, kChannels = 40;
  constexpr float kIn = 0.05f, kOut = 0.03f, kEpsilon = 1e-3f;
  std::mt19937 random{3};
  std::normal_distribution<float> normal;
  for (const char* type :
       {"LayerNormalization", "RMSNormalization", "SimplifiedLayerNormalization"}) {
    const bool center = type[0] == 'L';
    CAPTURE(type);
    Floats x(kRows * kChannels), gamma(kChannels), beta(kChannels);
    for (float& value : x) value = std::rint(20 * normal(random) + 4) * kIn;
    for (float& value : gamma) value = 1 + normal(random) / 4;
    for (float& value : beta) value = center ? normal(random) / 4 : 0;
    Builder b({kRows, kChannels});
    const std::string y =
        b.norm(type, b.quant("in", kIn, 8, true, false), gamma, center ? beta : Floats{}, kEpsilon);
    const model::Graph graph = model::parse_onnx(b.bytes(b.quant(y, kOut, 8, true, false)), "m");
    const Floats actual = outputs(graph, x, {kRows, kChannels});
    for (int row = 0; row < kRows; ++row) {
      const auto at = [&](int c) { return static_cast<std::size_t>(row * kChannels + c); };
      double mean = 0, square = 0;
      for (int c = 0; c < kChannels; ++c) mean += center ? double{x[at(c)]} / kChannels : 0;
      for (int c = 0; c < kChannels; ++c)
        square += (x[at(c)] - mean) * (x[at(c)] - mean) / kChannels;
      for (int c = 0; c < kChannels; ++c) {
        const double y_c = (x[at(c)] - mean) / std::sqrt(square + double{kEpsilon}) *
                               double{gamma[static_cast<std::size_t>(c)]} +
                           double{beta[static_cast<std::size_t>(c)]};
        CHECK(std::abs(double{actual[at(c)]} - y_c) < 0.51 * double{kOut});
      }
    }
  }
  const auto refused = [](const Floats& factors, bool codes, bool quantized) {
    Builder b({2, 4});
    const std::string x = codes ? b.quant("in", 1, 8, true, false) : "in";
    const std::string y = b.norm("LayerNormalization", x, factors, {}, 0);
    return refusal(&b, quantized ? b.quant(y, 1, 8, true, false) : y);
  };
  CHECK(refused({1, 1, 1, 1}, true, true) == "accepted");
  CHECK_THAT(refused({1, 1, 1}, true, true), Contains("has 3 elements, allowed 4"));
  CHECK_THAT(refused({1, 1, 1, 1}, true, false), Contains("normalization of codes meets no"));
  CHECK_THAT(refused({1, 1, 1, 1}, false, true), Contains("of a tensor that no quantizer made"));
}

void give(onnx::NodeProto* node, const std::string& key, const std::vector<int>& values,
          bool list = true) {
  auto* attribute = node->add_attribute();
  attribute->set_name(key);
  if (!list) attribute->set_i(values.at(0));
  for (const int value : values)
    if (list) attribute->add_ints(value);
}

TEST_CASE("what is divided by its length is normalized, to a code", "[onnx][norm]") {
  constexpr float kOut = 1.0f / 127;
  Builder b({2, 3});
  const std::string x = b.quant("in", 0.5f, 8, true, false);
  auto* length = b.node("ReduceL2", {x});
  give(length, "axes", {1});
  const std::string bounded = b.op("Clip", {length->output(0), b.scalar(1e-12f)});
  const std::string by = b.op("Expand", {bounded, b.constant({2}, {2, 3})});
  const std::string y = b.quant(b.op("Div", {x, by}), kOut, 8, true, false);
  const model::Graph graph = model::parse_onnx(b.bytes(y), "m");
  const Floats actual = outputs(graph, {3, 4, -12, 0, 0, 0}, {2, 3});
  const Floats expected{3.0f / 13, 4.0f / 13, -12.0f / 13, 0, 0, 0};
  for (std::size_t i = 0; i < actual.size(); ++i)
    CHECK(std::abs(actual[i] - expected[i]) < 0.51f * kOut);
}

TEST_CASE("a bound above the shortest line of codes is no normalization", "[onnx][norm][error]") {
  for (const auto& [scale, fits] : {std::pair{1e-5f, true}, {1e-8f, false}}) {
    Builder b({2, 3});
    const std::string x = b.quant("in", scale, 8, true, false);
    auto* length = b.node("ReduceL2", {x});
    give(length, "axes", {1});
    const std::string bounded = b.op("Clip", {length->output(0), b.scalar(1e-7f)});
    const std::string by = b.op("Expand", {bounded, b.constant({2}, {2, 3})});
    const auto bytes = b.bytes(b.quant(b.op("Div", {x, by}), 1.0f / 127, 8, true, false));
    CAPTURE(scale);
    if (fits)
      CHECK_NOTHROW(model::parse_onnx(bytes, "m"));
    else
      CHECK_THROWS_AS(model::parse_onnx(bytes, "m"), Error);
  }
}

TEST_CASE("other spellings of what the machine has", "[onnx]") {
  Builder b({1, 1, 2, 3});
  const std::string x = b.quant("in", 1, 8, true, false);
  const Floats input{1, 2, 3, 4, 5, 6};
  const auto made = [&](const std::string& y) {
    const auto bytes = b.bytes(b.quant(y, 1, 8, true, false));
    return outputs(model::parse_onnx(bytes, "m"), input, {1, 1, 2, 3});
  };
  const auto quantized = [&](const std::vector<int>& shape, const Floats& values) {
    return b.quant(b.constant(shape, values), 1, 8, true, false);
  };
  const std::string rows = b.op("Reshape", {x, b.constant({2}, {2, 3})});
  SECTION("a constant matrix from the left") {
    CHECK(made(b.op("MatMul", {quantized({2, 2}, {1, 2, 0, -1}), rows})) ==
          Floats{9, 12, 15, -4, -5, -6});
  }
  SECTION("elements of a grid, and any others") {
    CHECK(made(b.op("GatherND", {rows, b.constant({2, 2, 2}, {1, 2, 1, 0, 0, 2, 0, 0})})) ==
          Floats{6, 4, 3, 1});
    CHECK(made(b.op("GatherND", {rows, b.constant({3, 2}, {1, -1, 0, 1, 0, 0})})) ==
          Floats{6, 2, 1});
  }
  SECTION("a range of constants") {
    const std::string odd = b.op("Range", {b.scalar(0), b.scalar(3), b.scalar(2)});
    auto* gather = b.node("Gather", {rows, odd});
    give(gather, "axis", {1}, false);
    CHECK(made(gather->output(0)) == Floats{1, 3, 4, 6});
  }
  SECTION("a constant with more axes, or for each element of another axis than the channels'") {
    CHECK(made(b.op("Add", {rows, quantized({1, 1, 3}, {1, 0, 2})})) == Floats{2, 2, 5, 5, 5, 8});
    CHECK(made(b.op("Mul", {x, quantized({3}, {1, 0, 2})})) == Floats{1, 0, 6, 4, 0, 12});
  }
  SECTION("a scalar plus a constant") {
    auto* least = b.node("ReduceMin", {rows});
    give(least, "keepdims", {0}, false);
    CHECK(made(b.op("Add", {least->output(0), quantized({}, {7})})) == Floats{8});
  }
  SECTION("one pixel, resized between itself and itself") {
    const std::string pixel = b.op(
        "Slice", {x, b.constant({2}, {1, 2}), b.constant({2}, {2, 3}), b.constant({2}, {2, 3})});
    auto* resize = b.node("Resize", {pixel, "", b.constant({4}, {1, 1, 2, 3})});
    auto* mode = resize->add_attribute();
    mode->set_name("mode");
    mode->set_s("linear");
    CHECK(made(resize->output(0)) == Floats(6, 6));
  }
}

TEST_CASE("functions of one tensor see it as one image", "[onnx]") {
  Builder b({1, 8});
  const std::string x = b.quant("in", 0.05f, 8, true, false);
  const std::string image = b.op("Reshape", {x, b.constant({4}, {1, 2, 2, 2})});
  const std::string y = b.op("Mul", {image, b.op("Sigmoid", {image})});
  const model::Graph graph = model::parse_onnx(b.bytes(b.quant(y, 0.05f, 8, true, false)), "m");
  const auto turns = [](const model::Op& op) { return op.kind == model::OpKind::kTranspose; };
  CHECK(std::ranges::count_if(graph.ops, turns) == 2);  // to the image and, at the end, back
}

TEST_CASE("a map is taken off a constant map, not the other way round", "[onnx]") {
  Builder b({1, 2, 2});
  const std::string x = b.quant("in", 1, 8, true, false);
  const std::string map = b.quant(b.constant({1, 2, 2}, {1, 2, 3, 4}), 1, 8, true, false);
  for (const bool first : {true, false}) {
    const std::string y = first ? b.op("Sub", {map, x}) : b.op("Sub", {x, map});
    const model::Graph graph = model::parse_onnx(b.bytes(b.quant(y, 1, 8, true, false)), "m");
    const Floats difference = outputs(graph, {10, 20, -30, 5}, {1, 2, 2});
    CHECK(difference == (first ? Floats{-9, -18, 33, -1} : Floats{9, 18, -33, 1}));
  }
}

TEST_CASE("a window's border is looked at on each side", "[onnx]") {
  const auto sums = [](const std::vector<int>& pads) {
    Builder b({1, 1, 3, 3});
    const std::string x = b.quant("in", 1, 8, true, false);
    const std::string ones = b.quant(b.constant({1, 1, 3, 3}, Floats(9, 1)), 1, 8, true, false);
    auto* conv = b.node("Conv", {x, ones});
    auto* attribute = conv->add_attribute();
    attribute->set_name("pads");
    for (const int side : pads) attribute->add_ints(side);
    const std::string y = b.quant(conv->output(0), 1, 8, true, false);
    return outputs(model::parse_onnx(b.bytes(y), "m"), Floats(9, 1), {1, 1, 3, 3});
  };
  CHECK(sums({1, 1, 1, 1}) == Floats{4, 6, 4, 6, 9, 6, 4, 6, 4});
  CHECK(sums({1, 1, 1, 0}) == Floats{4, 6, 6, 9, 4, 6});
  CHECK(sums({1, 0, 1, 1}) == Floats{6, 4, 9, 6, 6, 4});
  CHECK(sums({1, 1, 0, 1}) == Floats{4, 6, 4, 6, 9, 6});
  CHECK(sums({0, 1, 1, 1}) == Floats{6, 9, 6, 4, 6, 4});
}

/// The largest of each 3x3 window, two apart, of 0, 1, 2, ... in rows and columns; the last window
/// may lie partly outside.
Floats largest_of_windows(int H, int W) {
  Floats result;
  for (int y = 0; y == 0 || 2 * (y - 1) + 3 < H; ++y)
    for (int x = 0; x == 0 || 2 * (x - 1) + 3 < W; ++x)
      result.push_back(
          static_cast<float>(std::min(2 * y + 2, H - 1) * W + std::min(2 * x + 2, W - 1)));
  return result;
}

TEST_CASE("ceil_mode counts rows by the height and columns by the width", "[onnx]") {
  const auto [H, W, rows, columns] =
      GENERATE(std::tuple{7, 6, 3, 3}, std::tuple{6, 7, 3, 3}, std::tuple{7, 7, 3, 3},
               std::tuple{8, 5, 4, 2}, std::tuple{5, 8, 2, 4});
  CAPTURE(H, W);
  Builder b({1, 1, H, W});
  auto* pool = b.node("MaxPool", {b.quant("in", 1, 8, true, false)});
  const auto add = [&](const char* name, const std::vector<int>& values) {
    auto* attribute = pool->add_attribute();
    attribute->set_name(name);
    if (values.size() == 1) attribute->set_i(values[0]);
    for (const int value : values) attribute->add_ints(value);
  };
  add("kernel_shape", {3, 3});
  add("strides", {2, 2});
  add("ceil_mode", {1});
  const std::string y = b.quant(pool->output(0), 1, 8, true, false);
  Floats x(static_cast<std::size_t>(H * W));
  std::iota(x.begin(), x.end(), 0.0f);
  const Floats expected = largest_of_windows(H, W);
  REQUIRE(static_cast<int>(expected.size()) == rows * columns);
  const model::Graph graph = model::parse_onnx(b.bytes(y, {1, 1, rows, columns}), "m");
  CHECK(graph.tensor(graph.outputs[0]).shape == std::vector{1, 1, rows, columns});
  CHECK(outputs(graph, x, {1, 1, H, W}) == expected);
  // A reading that differs from the file's own is not run.
  CHECK_THROWS_WITH(
      model::parse_onnx(b.bytes(y, {1, 1, rows, columns - 1}), "m.onnx"),
      Contains(fmt::format("m.onnx: output '{}': computed as [1, 1, {}, {}], the file declares [1, "
                           "1, {}, {}]",
                           y, rows, columns, rows, columns - 1)));
  CHECK_NOTHROW(model::parse_onnx(b.bytes(y, {1, 1, 0, columns}), "m"));  // 0: open
}

/// tests/onnx/mobilenet_v2.onnx, whose input's axes have these names: "" is as it was, "?" none.
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

TEST_CASE("extents that a file leaves open are the user's, but the batch's", "[onnx][error]") {
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
                    Equals("m.onnx: input 'in' is [N, 3, H, W]: extents behind the first axis must "
                           "be known, give them by --shape H=N --shape W=N"));
  CHECK_THROWS_WITH(macs({"", "", "H", "W"}, {"H=16"}),
                    Contains("input 'in' is [1, 3, H, W]") && EndsWith("by --shape W=N"));
  CHECK_THROWS_WITH(macs({"", "", "?", ""}, {}),
                    Contains("is [1, 3, ?, 16]") && EndsWith("by --shape in=N,..."));
  CHECK_THROWS_WITH(macs({"", "", "H", ""}, {"h=16"}),
                    Contains("m.onnx: input 'in' is [1, 3, H, 16]"));
  CHECK_THROWS_WITH(macs({}, {"h=16"}), Equals("m.onnx: --shape: 'h' is no dimension that is open, "
                                               "and no input: 'in' [1, 3, 16, 16]"));
  CHECK_THROWS_WITH(macs({"", "", "H", ""}, {"H=16,16"}),
                    Contains("--shape: 'H' is a dimension, allowed one extent"));
  CHECK_THROWS_WITH(macs({"", "", "H", ""}, {"in=1,3,16"}), Contains("--shape gives 3 extents"));
  CHECK_THROWS_WITH(macs({"", "", "H", ""}, {"in=1,4,16,16"}),
                    Contains("--shape gives 4 for axis 1"));
  for (const char* text :
       {"H", "=16", "H=", "H=0", "H=-1", "H=x", "H=16,", "H=1.5", "H=99999999999"})
    CHECK_THROWS_WITH(macs({}, {text}), StartsWith("--shape: "));
  CHECK_THROWS_WITH(macs({}, {"H=1", "H=2"}), Equals("--shape: H is given twice"));
}

/// What quantizers of scale `out` make of a function of codes of scale 1/20, in 256 columns.
Floats of_all_codes(Builder* b, const std::string& result, float out) {
  Floats x;
  for (int code = -128; code <= 127; ++code) x.push_back(static_cast<float>(code) / 20);
  const model::Graph graph =
      model::parse_onnx(b->bytes(b->quant(result, out, 8, true, false)), "m");
  return outputs(graph, x, {1, 256});
}

TEST_CASE("GELUs of ONNX are those of floats, whole or decomposed", "[onnx][transformer]") {
  const std::string form = GENERATE("none", "tanh", "decomposed");
  CAPTURE(form);
  Builder b({1, 256});
  const std::string x = b.quant("in", 0.05f, 8, true, false);
  std::string y;
  if (form == "decomposed") {
    y = b.op("Erf", {b.op("Div", {x, b.scalar(1.41421356f)})});
    y = b.op("Mul", {b.op("Mul", {x, b.op("Add", {y, b.scalar(1)})}), b.scalar(0.5f)});
  } else {
    auto* n = b.node("Gelu", {x});
    n->add_attribute()->set_name("approximate");
    n->mutable_attribute(0)->set_s(form);
    y = n->output(0);
  }
  constexpr float kOut = 0.06f;
  const Floats actual = of_all_codes(&b, y, kOut);
  for (int code = -128; code <= 127; ++code) {
    const double v = code / 20.0;
    const double t = form == "tanh"
                         ? std::tanh(std::sqrt(2 / 3.14159265) * (v + 0.044715 * v * v * v))
                         : std::erf(v / std::sqrt(2.0));
    const double real = double{actual[static_cast<std::size_t>(code + 128)]};
    CHECK(std::abs(real - 0.5 * v * (1 + t)) < 0.501 * double{kOut});
  }
}

/// The layer normalization of rows of 6 as exporters decompose it.
struct Decomposed {
  bool multiplied = false;  ///< the square is a Mul
  bool beta = true;
  bool read = false;  ///< something else reads the difference

  std::vector<std::uint8_t> bytes() const {
    Builder b({4, 6});
    const auto mean = [&](const std::string& x) {
      auto* n = b.node("ReduceMean", {x});
      n->add_attribute()->set_name("axes");
      n->mutable_attribute(0)->add_ints(-1);
      return n->output(0);
    };
    const std::string x = b.quant("in", 0.05f, 8, true, false);
    const std::string d = b.op("Sub", {x, mean(x)});
    const std::string square = multiplied ? b.op("Mul", {d, d}) : b.op("Pow", {d, b.scalar(2)});
    const std::string variance = b.op("Add", {mean(square), b.scalar(1e-3f)});
    std::string y = b.op("Div", {d, b.op("Sqrt", {variance})});
    y = b.op("Mul", {b.constant({6}, {1, 2, 0.5f, 1, 1, -1}), y});
    if (beta) y = b.op("Add", {y, b.constant({6}, {0, 0, 0.5f, 0, -0.25f, 0})});
    if (read) y = b.op("Add", {y, d});
    return b.bytes(b.quant(y, 0.03f, 8, true, false));
  }
};

TEST_CASE("a decomposed layer normalization of ONNX is one operator", "[onnx][transformer]") {
  std::mt19937 random{5};
  Floats x(24);
  for (float& value : x) value = static_cast<float>(static_cast<int>(random() % 200) - 100) / 20;
  for (const bool multiplied : {false, true})
    for (const bool beta : {false, true}) {
      CAPTURE(multiplied, beta);
      const model::Graph graph = model::parse_onnx(Decomposed{multiplied, beta}.bytes(), "m");
      REQUIRE(graph.ops.size() == 3);  // QUANTIZE, LAYER_NORM, DEQUANTIZE
      CHECK(graph.ops[1].kind == model::OpKind::kNormalization);
      CHECK(graph.ops[1].epsilon == 1e-3f);
      CHECK(graph.ops[1].inputs.size() == (beta ? 3 : 2));
      const Floats y = outputs(graph, x, {4, 6});
      double mean = 0, square = 0;
      for (std::size_t c = 0; c < 6; ++c) mean += double{x[c]} / 6;
      for (std::size_t c = 0; c < 6; ++c)
        square += (double{x[c]} - mean) * (double{x[c]} - mean) / 6;
      const double second = (double{x[1]} - mean) / std::sqrt(square + 1e-3) * 2;
      CHECK(std::abs(double{y[1]} - second) < 0.51 * 0.03);
    }
  CHECK_THROWS_WITH(model::parse_onnx(Decomposed{false, true, true}.bytes(), "m"),
                    Contains("of tensors that no quantizer made"));
}

std::string last_mean(Builder* b, const std::string& x) {
  auto* n = b->node("ReduceMean", {x});
  n->add_attribute()->set_name("axes");
  n->mutable_attribute(0)->add_ints(-1);
  return n->output(0);
}

TEST_CASE("a decomposed RMS normalization of ONNX is one operator", "[onnx][transformer]") {
  Floats x(24);
  for (std::size_t i = 0; i < 24; ++i)
    x[i] = static_cast<float>(static_cast<int>(i * 37 % 97) - 48) / 20;
  const Floats gamma{1, 2, 0.5f, 1, 1, -1};
  const auto made = [&](bool reciprocal, bool scaled, bool read) {
    Builder b({4, 6});
    const std::string in = b.quant("in", 0.05f, 8, true, false);
    const std::string square = reciprocal ? b.op("Mul", {in, in}) : b.op("Pow", {in, b.scalar(2)});
    const std::string root = b.op("Sqrt", {b.op("Add", {last_mean(&b, square), b.scalar(1e-3f)})});
    std::string y =
        reciprocal ? b.op("Mul", {in, b.op("Reciprocal", {root})}) : b.op("Div", {in, root});
    if (scaled) y = b.op("Mul", {y, b.constant({6}, gamma)});
    if (read) y = b.op("Add", {y, root});
    return b.bytes(b.quant(y, 0.03f, 8, true, false));
  };
  for (const bool reciprocal : {false, true})
    for (const bool scaled : {false, true}) {
      CAPTURE(reciprocal, scaled);
      const model::Graph graph = model::parse_onnx(made(reciprocal, scaled, false), "m");
      REQUIRE(graph.ops.size() == 3);  // QUANTIZE, RMS_NORM, DEQUANTIZE
      CHECK(graph.ops[1].name == "RMS_NORM");
      CHECK(graph.ops[1].epsilon == 1e-3f);
      CHECK(graph.ops[1].inputs.size() == 2);
      const Floats y = outputs(graph, x, {4, 6});
      double square = 0;
      for (std::size_t c = 0; c < 6; ++c) square += double{x[c]} * double{x[c]} / 6;
      const double second = double{x[1]} / std::sqrt(square + 1e-3) * (scaled ? 2 : 1);
      CHECK(std::abs(double{y[1]} - second) < 0.51 * 0.03);
    }
  CHECK_THROWS_WITH(model::parse_onnx(made(false, true, true), "m"), Contains("no quantizer"));
}

TEST_CASE("the mean of squares of ONNX is a product of each line by itself",
          "[onnx][transformer]") {
  const bool power = GENERATE(true, false);
  Builder b({2, 3, 4});
  const std::string x = b.quant("in", 0.5f, 8, true, false);
  const std::string square = power ? b.op("Pow", {x, b.scalar(2)}) : b.op("Mul", {x, x});
  const std::string y = b.quant(last_mean(&b, square), 0.0625f, 8, true, false);
  const model::Graph graph = model::parse_onnx(b.bytes(y), "m");
  REQUIRE(std::ranges::count(graph.ops, model::OpKind::kBatchMatMul, &model::Op::kind) == 1);
  Floats in(24), expected;
  for (std::size_t i = 0; i < 24; ++i)
    in[i] = static_cast<float>(static_cast<int>(i * 7 % 11) - 5) / 2;
  for (std::size_t line = 0; line < 6; ++line) {
    float sum = 0;
    for (std::size_t i = 0; i < 4; ++i) sum += in[4 * line + i] * in[4 * line + i];
    expected.push_back(std::min(sum / 4, 127 * 0.0625f));
  }
  CHECK(outputs(graph, in, {2, 3, 4}) == expected);
}

TEST_CASE("a number times a product of two tensors of ONNX is part of it", "[onnx][transformer]") {
  const std::string type = GENERATE("Mul", "Div");
  Builder b({1, 2, 2});
  const std::string x = b.quant("in", 1, 8, true, false);
  const std::string scaled =
      b.op(type.c_str(), {b.op("MatMul", {x, x}), b.scalar(type == "Mul" ? 0.25f : 4)});
  const model::Graph graph =
      model::parse_onnx(b.bytes(b.quant(scaled, 0.25f, 8, true, false)), "m");
  CHECK(outputs(graph, {1, 2, 3, -1}, {1, 2, 2}) == Floats{1.75f, 0, 0, 1.75f});
  CHECK_THAT(
      refusal(&b, b.quant(b.op("Mul", {b.op("MatMul", {x, x}), b.scalar(-1)}), 1, 8, true, false)),
      Contains("a float operator between Add, Sub, Mul or MatMul and quantizer"));
}

TEST_CASE("products of two tensors of ONNX, transposes, softmax and maps of constants are exact",
          "[onnx][transformer]") {
  // softmax((x + p) (x + p)^T) of 3 tokens of 4 channels; every step has few digits.
  Builder b({1, 3, 4});
  const Floats positions{1, 0, -1, 2, 0, 1, 0, -2, 2, -1, 1, 0};
  const std::string map = b.quant(b.constant({3, 4}, positions), 1, 8, true, false);
  const std::string x =
      b.quant(b.op("Add", {b.quant("in", 1, 8, true, false), map}), 1, 8, true, false);
  auto* n = b.node("Transpose", {x});
  n->add_attribute()->set_name("perm");
  for (const int axis : {0, 2, 1}) n->mutable_attribute(0)->add_ints(axis);
  const std::string scores = b.quant(b.op("MatMul", {x, n->output(0)}), 0.5f, 8, true, false);
  const Floats input{1, 2, 0, -1, 0, 0, 3, 1, -1, 0, 2, 2};
  const auto score = [&](std::size_t i, std::size_t j) {
    float sum = 0;
    for (std::size_t c = 0; c < 4; ++c)
      sum += (input[4 * i + c] + positions[4 * i + c]) * (input[4 * j + c] + positions[4 * j + c]);
    return sum;
  };
  const Floats actual = outputs(model::parse_onnx(b.bytes(scores), "m"), input, {1, 3, 4});
  for (std::size_t i = 0; i < 3; ++i)
    for (std::size_t j = 0; j < 3; ++j) CHECK(actual[3 * i + j] == score(i, j));

  const std::string weights = b.quant(b.op("Softmax", {scores}), 1.0f / 128, 8, true, false);
  const Floats shares = outputs(model::parse_onnx(b.bytes(weights), "m"), input, {1, 3, 4});
  for (std::size_t i = 0; i < 3; ++i) {
    double sum = 0;
    for (std::size_t j = 0; j < 3; ++j) sum += std::exp(double{score(i, j)});
    for (std::size_t j = 0; j < 3; ++j) {
      const double share = std::min(std::exp(double{score(i, j)}) / sum, 127.0 / 128);
      CHECK(std::abs(double{shares[3 * i + j]} - share) < 1.01 / 128);
    }
  }
  Builder product = b;
  CHECK_THAT(refusal(&product, product.quant(product.op("MatMul", {x, x}), 1, 8, true, false)),
             Contains("4 columns meet 3 rows"));
  n = b.node("Transpose", {x});
  n->add_attribute()->set_name("perm");
  for (const int axis : {0, 2, 2}) n->mutable_attribute(0)->add_ints(axis);
  CHECK_THAT(refusal(&b, b.quant(n->output(0), 1, 8, true, false)),
             Contains("perm is no order of 3 axes"));
}

/// Appends nodes to what no quantizer has made codes of yet.
using Tail = std::function<std::string(Builder*, std::string)>;

std::string with_ints(Builder* b, const char* type, const std::string& x, const char* key,
                      const std::vector<int>& values) {
  auto* n = b->node(type, {x});
  auto* attribute = n->add_attribute();
  attribute->set_name(key);
  for (const int value : values) attribute->add_ints(value);
  return n->output(0);
}

std::string mean(Builder* b, const std::string& x, int keepdims) {
  auto* n = b->node("ReduceMean", {x, b->constant({2}, {-1, -2})});
  auto* attribute = n->add_attribute();
  attribute->set_name("keepdims");
  attribute->set_i(keepdims);
  return n->output(0);
}

TEST_CASE("constants may lie in a file beside the model", "[reference][onnx][error]") {
  namespace fs = std::filesystem;
  const fs::path folder = fs::temp_directory_path() / fmt::format("trine-external-{}", getpid());
  fs::create_directory(folder);
  const Floats weights{9, 9, 1, -1, 2, 3};  // the first two are others'
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
                    Contains("initializer 'c1': 16 bytes at 12 of") && Contains("which has 24"));
  CHECK_THROWS_WITH(product("nothing", "0"), Contains("which cannot be read"));
  for (const std::string outside : {"../m.onnx.data", "/dev/zero", "a/../../b", ""})
    CHECK_THROWS_WITH(product(outside, "0"), Contains("allowed a file in the model's folder"));
  fs::remove_all(folder);
}

TEST_CASE("what moves before a quantizer moves codes", "[reference][onnx]") {
  // Means of 2x3 pixels, 5 channels; sums with a batch axis, then transposed.
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

TEST_CASE("sums and products that move before a quantizer move codes", "[reference][onnx]") {
  // [2, 3] x [3, 4] + itself transposed twice; each value whole.
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
  CHECK_THAT(refusal(&b, b.quant(b.op("Add", {b.op("Reshape", {product, b.constant({2}, {4, 2})}),
                                              b.constant({2}, {1, 2})}),
                                 1, 8, true, false)),
             Contains("a constant for each channel of what was moved"));
}

}  // namespace

TEST_CASE("a product, batch normalization of either sign and a quantizer are exact",
          "[reference][onnx][threshold]") {
  using model::Encoding;
  const Case c = GENERATE(
      Case{"binary", 1.0f, 0, 0, Encoding::kBinary},
      Case{"ternary", 1.0f, -1, 1, Encoding::kTernary},
      Case{"ternary, scaled", 0.5f, -1, 1, Encoding::kTernary},
      Case{"int2", 1.0f, -2, 1, Encoding::kInt2}, Case{"uint2", 0.25f, 0, 3, Encoding::kInt2},
      Case{"int4", 0.5f, -8, 7, Encoding::kInt4}, Case{"uint4", 0.5f, 0, 15, Encoding::kInt4});
  const int seed = GENERATE(range(0, 10));
  CAPTURE(c.name, seed);
  std::mt19937 random{static_cast<unsigned>(seed)};
  const auto real = [&](float low, float high) {
    return std::uniform_real_distribution<float>(low, high)(random);
  };
  constexpr int K = 24, M = 6;
  Builder b({1, K});
  Floats w(K * M), scale(M), bias(M), mean(M), variance(M);
  for (float& x : w) x = std::rint(real(-1.4f, 1.4f));
  for (std::size_t m = 0; m < M; ++m) {
    scale[m] = m == 0 ? 0.0f : real(-2, 2);  // a channel that does not depend on its sum
    bias[m] = real(-2, 2);
    mean[m] = real(-9, 9);
    variance[m] = real(20, 900);
  }
  const std::string product = b.op("MatMul", {b.quant("in", 1, 8, true, false),
                                              b.quant(b.constant({K, M}, w), 1, 2, true, true)});
  const std::string norm =
      b.op("BatchNormalization", {product, b.constant({M}, scale), b.constant({M}, bias),
                                  b.constant({M}, mean), b.constant({M}, variance)});
  const bool bipolar = c.low == c.high;
  const float bits = bipolar ? 1 : std::ceil(std::log2(static_cast<float>(c.high - c.low + 1)));
  const std::string out = bipolar ? b.op("BipolarQuant", {norm, b.scalar(c.scale)})
                                  : b.quant(norm, c.scale, bits, c.low < 0, c.low == -c.high);
  const model::Graph graph = model::parse_onnx(b.bytes(out), "m.onnx");
  const auto& threshold = *std::find_if(graph.ops.begin(), graph.ops.end(), [](const auto& op) {
    return op.kind == model::OpKind::kThreshold && op.index > 1;  // 0 is the input's
  });
  CHECK(graph.out(threshold).encoding == c.encoding);

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

TEST_CASE("an input quantizer becomes float thresholds, also where it falls",
          "[reference][onnx][threshold]") {
  Builder b({1, 5});
  const std::string x = b.op("Sub", {b.op("Mul", {"in", b.scalar(-2)}), b.scalar(1)});
  const model::Graph graph =
      model::parse_onnx(b.bytes(b.op("BipolarQuant", {x, b.scalar(1)})), "m.onnx");
  CHECK(outputs(graph, {-0.5f, -0.49999997f, -0.50000006f, 3, -3}, {1, 5}) ==
        Floats{1, -1, 1, -1, 1});
}

TEST_CASE("a normalization that no convolution takes in is a product with ones", "[onnx]") {
  Builder b({1, 4});
  const std::string codes = b.quant("in", 1, 8, true, false);
  const std::string p = b.constant({4}, {1, 1, 1, 2});
  const std::string y = b.op("BatchNormalization", {codes, p, p, p, p});
  const model::Graph graph = model::parse_onnx(b.bytes(b.quant(y, 1, 8, true, false)), "m.onnx");
  // The last: 2 + 2 (x - 2) / sqrt 2.
  CHECK(outputs(graph, {3, -4, 100, 7}, {1, 4}) == Floats{3, -4, 100, 9});
  CHECK(outputs(graph, {0, 1, -128, -7}, {1, 4}) == Floats{0, 1, -128, -11});
}

TEST_CASE("what an ONNX network cannot have is refused by node", "[reference][onnx][error]") {
  Builder b({1, 4});
  const std::string codes = b.quant("in", 1, 8, true, false);
  const std::string ternary = b.constant({4, 2}, {1, 0, -1, 1, 0, 0, 1, 1});
  SECTION("unknown operators") {
    CHECK(refusal(&b, b.op("Det", {codes})) ==
          "m.onnx: node 1 Det: operator is not supported (replace it, or cut the network there)");
  }
  SECTION("all of them at once, with what to do") {
    const std::string norm = b.op("LogSoftmax", {b.op("LogSoftmax", {codes})});
    const std::string x =
        b.op("Add", {b.op("NonZero", {b.op("Det", {norm})}), b.op("Det", {norm})});
    CHECK(refusal(&b, b.op("Mish", {b.op("Loop", {x})})) ==
          "m.onnx: node 1 LogSoftmax: operator is not supported (the host has it); also nodes 2\n"
          "m.onnx: node 3 Det: operator is not supported (replace it, or cut the network there); "
          "also nodes 5\n"
          "m.onnx: node 4 NonZero: operator is not supported (export for fixed shapes)\n"
          "m.onnx: node 7 Loop: operator is not supported (export without control flow, for fixed "
          "shapes)");
  }
  SECTION("float weights") {
    CHECK_THAT(refusal(&b, b.op("MatMul", {codes, b.constant({4, 1}, {0.5f, 1, 1, 1})})),
               Contains("node 1 MatMul: weight 0.5 is no quantized value of 8 bits"));
  }
  SECTION("networks that nobody quantized") {
    Builder floats({1, 4});
    const std::string w = floats.constant({4, 1}, {0.5f, 1, 1, 1});
    const std::string y = floats.op("Det", {floats.op("Relu", {floats.op("MatMul", {"in", w})})});
    CHECK_THAT(refusal(&floats, y),
               Contains("m.onnx: the model is float32, the machine computes int8: quantize it") &&
                   Contains("trine quantize m.onnx --calibration DIR --out INT8.onnx"));
    Builder simple({1, 4});
    CHECK_THAT(refusal(&simple, simple.op("Relu", {"in"})), Contains("the model is float32"));
  }
  SECTION("networks that are quantized otherwise") {
    CHECK_THAT(refusal(&b, b.op("QLinearConv", {codes})),
               Contains("m.onnx: node 1 QLinearConv: 1 inputs"));
    Builder last({1, 4});
    auto* pool = last.node("QLinearGlobalAveragePool", {"in", "in", "in", "in", "in"});
    auto* channels_last = pool->add_attribute();
    channels_last->set_name("channels_last");
    channels_last->set_i(1);
    CHECK_THAT(refusal(&last, pool->output(0)),
               Contains("node 0 QLinearGlobalAveragePool: channels_last 1, allowed 0"));
    Builder two({1, 4});
    const std::string some = two.op("QuantizeLinear", {"in", two.scalar(0.5f)});
    const std::string others = two.op("QuantizeLinear", {"in", two.scalar(0.25f)});
    CHECK_THAT(refusal(&two, two.op("Concat", {some, others})),
               Contains("m.onnx: node 2 Concat: of codes of other scales"));
    Builder unknown({1, 4});
    CHECK_THAT(
        refusal(&unknown, unknown.op("QAttention", {unknown.quant("in", 1, 8, true, false)})),
        Contains("node 1 QAttention: operator is not supported (quantize it in QDQ form)"));
    Builder integers({1, 4});
    CHECK_THAT(refusal(&integers, integers.op("MatMulInteger", {"in"})),
               Contains("m.onnx: the model is quantized dynamically"));
    Builder dynamic({1, 4});
    CHECK_THAT(refusal(&dynamic, dynamic.op("DynamicQuantizeLinear", {"in"})),
               Contains("trine quantize FLOAT.onnx --calibration DIR --out INT8.onnx"));
    Builder weights({1, 4});
    const std::string w = weights.op("DequantizeLinear", {weights.scalar(0.5f), weights.scalar(1)});
    CHECK_THAT(refusal(&weights, weights.op("Mul", {"in", w})),
               Contains("m.onnx: the model is quantized in its weights alone"));
    Builder halves({1, 4});
    const std::string half = halves.constant({}, {0.5f}, onnx::TensorProto::FLOAT16);
    CHECK_THAT(refusal(&halves, halves.op("Mul", {"in", half})),
               Contains("m.onnx: the model is float16"));
  }
  SECTION("products of unequal extents") {
    CHECK_THAT(refusal(&b, b.op("MatMul", {codes, b.constant({3, 1}, {1, 1, 1})})),
               Contains("4 columns meet 3 rows"));
  }
  SECTION("a product that nothing quantizes before the next") {
    const std::string sum = b.op("MatMul", {codes, ternary});
    CHECK_THAT(refusal(&b, b.op("MatMul", {sum, b.constant({2, 1}, {1, 1})})),
               Contains("node 2 MatMul: float operators without a quantizer"));
  }
  SECTION("tensors that do not exist") {
    CHECK_THAT(refusal(&b, b.op("Relu", {"nowhere"})), Contains("tensor 'nowhere' does not exist"));
  }
  SECTION("outputs that do not exist") {
    CHECK_THAT(refusal(&b, "nowhere"), Contains("m.onnx: output 'nowhere': tensor 'nowhere'"));
  }
  SECTION("scales that are none") {
    CHECK_THAT(refusal(&b, b.quant("in", -1, 4, true, false)),
               Contains("scale -1, allowed above 0"));
  }
  SECTION("too many bits") {
    CHECK_THAT(refusal(&b, b.quant("in", 1, 9, true, false)), Contains("9 bits, allowed 1..8"));
  }
  SECTION("weights without elements, whose kernel_shape has some") {
    Builder images({1, 1, 4, 4});
    const std::string x = images.quant("in", 1, 8, true, false);
    auto* conv = images.node("Conv", {x, images.constant({1, 1, 0, 3}, {})});
    auto* kernel = conv->add_attribute();
    kernel->set_name("kernel_shape");
    for (const int extent : {3, 3}) kernel->add_ints(extent);
    CHECK_THAT(refusal(&images, conv->output(0)), Contains("node 1 Conv: 1 input channels"));
  }
  SECTION("windows on what is no image") {
    CHECK_THAT(refusal(&b, b.op("MaxPool", {codes})), Contains("rank 2, allowed 4"));
  }
}
