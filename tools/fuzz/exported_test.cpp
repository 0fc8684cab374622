// SPDX-License-Identifier: Apache-2.0
//
// ONNX networks that the family of exporters' forms once found wrong or refused, as small files.

#include <catch2/catch.hpp>

#include "sw/model/onnx/file.h"
#include "tools/fuzz/onnx_writer.h"
#include "tools/fuzz/pair.h"

namespace trine::fuzz {
namespace {

/// A file made in code: what a test adds lies between quantizers.
struct Network : OnnxWriter {
  Network(Builder& b, std::vector<int> shape) : OnnxWriter(b) {
    shape_ = std::move(shape);
    file_.inputs.push_back({"in", DataType::kFloat32, shape_, ""});
    last_ = "in";
    quantize();
  }
  using OnnxWriter::add, OnnxWriter::codes, OnnxWriter::floats, OnnxWriter::ints, OnnxWriter::last_,
      OnnxWriter::list, OnnxWriter::numbers, OnnxWriter::quantize, OnnxWriter::shape_,
      OnnxWriter::then;

  Pair pair() {
    file_.outputs = {last_};
    Pair p;
    p.family = Family::kExported;
    p.graph = model::onnx_file::graph_of(std::move(file_), false);
    b_.graph = from_codes(std::move(p.graph));
    for (const int t : b_.graph.inputs) p.inputs.push_back(random_codes(b_, t));
    p.graph = b_.graph;
    return p;
  }
};

/// Compiled and run, equal to the golden layers.
void require_exact(Network& network) {
  const Pair pair = network.pair();
  CAPTURE(text_of(pair.graph));
  const Verdict v = run_pair(pair, Backend::kArch);
  CAPTURE(v.text);
  CHECK(v.outcome == Outcome::kExact);
}

TEST_CASE("rows of a product with four axes lie in ONNX's order beside images", "[fuzz][onnx]") {
  Choices choices{{}, 1};
  Builder b(choices);
  Network net(b, {1, 4, 4, 4});  // no extent tells the axes apart
  net.then("Conv", {net.codes({4, 4, 1, 1})});
  net.quantize();
  net.then("MatMul", {net.codes({4, 4})});
  net.quantize();
  net.then("Conv", {net.codes({3, 4, 1, 1})});
  net.shape_ = {1, 3, 4, 4};
  net.quantize();
  const Pair pair = net.pair();
  // The image is turned for the product, whose rows it has elsewhere, and back.
  CHECK(std::ranges::count(pair.graph.ops, OpKind::kTranspose, &model::Op::kind) >= 2);
  CHECK(run_pair(pair, Backend::kArch).outcome == Outcome::kExact);
}

TEST_CASE("a constant for each channel of a sequence, and of an image", "[fuzz][onnx]") {
  const char* type = GENERATE("Mul", "Add", "PRelu");
  const auto shape = GENERATE(std::vector<int>{2, 4, 6}, std::vector<int>{1, 4, 3, 6});
  CAPTURE(type, shape);
  Choices choices{{}, 2};
  Builder b(choices);
  Network net(b, shape);
  std::vector<int> channels(shape.size() - 1, 1);
  channels[0] = 4;
  net.then(type, {net.floats(channels, 10, 60)});
  net.quantize();
  require_exact(net);
}

TEST_CASE("functions of ONNX alone keep images of a batch apart", "[fuzz][onnx]") {
  const char* type = GENERATE("Mish", "Softsign", "Celu");
  CAPTURE(type);
  Choices choices{{}, 3};
  Builder b(choices);
  Network net(b, {2, 3, 4, 5});
  net.then("MaxPool", {}, {{"kernel_shape", net.ints({2, 2})}});
  net.shape_ = {2, 3, 3, 4};
  net.quantize();
  net.then(type);
  net.quantize();
  require_exact(net);
}

TEST_CASE("channels that a factor of zero leaves without weights", "[fuzz][onnx]") {
  Choices choices{{}, 4};
  Builder b(choices);
  Network net(b, {1, 4, 3, 3});
  net.then("Conv", {net.codes({3, 4, 1, 1})});
  net.shape_ = {1, 3, 3, 3};
  net.then("BatchNormalization",
           {net.numbers(model::DataType::kFloat32, {1, 0, 0.5}), net.floats({3}, -64, 64),
            net.floats({3}, -64, 64), net.floats({3}, 32, 128)});
  net.quantize();
  require_exact(net);
}

TEST_CASE("a mask of two axes on an image of scores", "[fuzz][onnx]") {
  Choices choices{{}, 5};
  Builder b(choices);
  Network net(b, {1, 3, 4, 4});
  net.then("MaxPool", {}, {{"kernel_shape", net.ints({1, 1})}});
  net.quantize();
  net.then("Add", {net.codes({4, 4})});
  net.quantize();
  require_exact(net);
}

TEST_CASE("what was flattened once is multiplied as an image", "[fuzz][onnx]") {
  Choices choices{{}, 6};
  Builder b(choices);
  Network net(b, {1, 3, 4, 4});
  net.then("MaxPool", {}, {{"kernel_shape", net.ints({1, 1})}});
  net.quantize();
  net.then("Flatten");
  net.quantize();
  net.then("Reshape", {net.list({1, 3, 4, 4})});
  net.quantize();
  const std::string x = net.last_;
  net.then("GlobalAveragePool");
  net.shape_ = {1, 3, 1, 1};
  net.quantize();
  net.last_ = net.add("Mul", {x, net.last_});
  net.shape_ = {1, 3, 4, 4};
  net.quantize();
  require_exact(net);
}

}  // namespace
}  // namespace trine::fuzz
