// SPDX-License-Identifier: Apache-2.0
//
// Checks small ONNX networks in exporters' forms that were once wrong or refused.

#include "components/fuzz/onnx_network.h"
#include "sw/base/catch.h"

namespace trine::fuzz {
namespace {

/// Compiles and runs, and requires the golden layers' results.
void require_exact(OnnxNetwork& network) {
  const Pair pair = network.pair();
  CAPTURE(text_of(pair.graph));
  const Verdict v = run_pair(pair, Backend::kArch);
  CAPTURE(v.text);
  CHECK(v.outcome == Outcome::kExact);
}

TEST_CASE("rows of a product with four axes keep ONNX's order next to images", "[fuzz][onnx]") {
  Choices choices{{}, 1};
  Builder b(choices);
  OnnxNetwork net(b, {1, 4, 4, 4});  // the extents do not distinguish the axes
  net.then("Conv", {net.codes({4, 4, 1, 1})});
  net.quantize();
  net.then("MatMul", {net.codes({4, 4})});
  net.quantize();
  net.then("Conv", {net.codes({3, 4, 1, 1})});
  net.shape_ = {1, 3, 4, 4};
  net.quantize();
  const Pair pair = net.pair();
  // The image is transposed for the product, whose rows are elsewhere, and back.
  CHECK(std::ranges::count(pair.graph.ops, OpKind::kTranspose, &model::Op::kind) >= 2);
  CHECK(run_pair(pair, Backend::kArch).outcome == Outcome::kExact);
}

TEST_CASE("a constant for each channel of a sequence or an image is exact", "[fuzz][onnx]") {
  const char* type = GENERATE("Mul", "Add", "PRelu");
  const auto shape = GENERATE(std::vector<int>{2, 4, 6}, std::vector<int>{1, 4, 3, 6});
  CAPTURE(type, shape);
  Choices choices{{}, 2};
  Builder b(choices);
  OnnxNetwork net(b, shape);
  std::vector<int> channels(shape.size() - 1, 1);
  channels[0] = 4;
  net.then(type, {net.floats(channels, 10, 60)});
  net.quantize();
  require_exact(net);
}

TEST_CASE("functions that only ONNX has keep images of a batch apart", "[fuzz][onnx]") {
  const char* type = GENERATE("Mish", "Softsign", "Celu");
  CAPTURE(type);
  Choices choices{{}, 3};
  Builder b(choices);
  OnnxNetwork net(b, {2, 3, 4, 5});
  net.then("MaxPool", {}, {{"kernel_shape", net.ints({2, 2})}});
  net.shape_ = {2, 3, 3, 4};
  net.quantize();
  net.then(type);
  net.quantize();
  require_exact(net);
}

TEST_CASE("channels that a factor of zero leaves without weights are exact", "[fuzz][onnx]") {
  Choices choices{{}, 4};
  Builder b(choices);
  OnnxNetwork net(b, {1, 4, 3, 3});
  net.then("Conv", {net.codes({3, 4, 1, 1})});
  net.shape_ = {1, 3, 3, 3};
  net.then("BatchNormalization",
           {net.numbers(model::DataType::kFloat32, {1, 0, 0.5}), net.floats({3}, -64, 64),
            net.floats({3}, -64, 64), net.floats({3}, 32, 128)});
  net.quantize();
  require_exact(net);
}

TEST_CASE("a mask of two axes is added to an image of scores", "[fuzz][onnx]") {
  Choices choices{{}, 5};
  Builder b(choices);
  OnnxNetwork net(b, {1, 3, 4, 4});
  net.then("MaxPool", {}, {{"kernel_shape", net.ints({1, 1})}});
  net.quantize();
  net.then("Add", {net.codes({4, 4})});
  net.quantize();
  require_exact(net);
}

TEST_CASE("a tensor that was flattened before is multiplied as an image", "[fuzz][onnx]") {
  Choices choices{{}, 6};
  Builder b(choices);
  OnnxNetwork net(b, {1, 3, 4, 4});
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

/// The host divides the array's sums.
TEST_CASE("a mean that no quantizer follows is right in every channel", "[fuzz][onnx]") {
  const std::string kind =
      GENERATE("ReduceMean", "keepdims", "GlobalAveragePool", "AveragePool", "windows");
  const bool flat = GENERATE(false, true);
  const bool former = GENERATE(false, true);
  const auto shape =
      GENERATE(std::vector<int>{1, 2, 2, 2}, std::vector<int>{1, 7, 3, 4}, std::vector{2, 8, 2, 3});
  CAPTURE(kind, flat, former, shape);
  Choices choices{{}, 7};
  Builder b(choices);
  OnnxNetwork net(b, shape);
  add_last_mean(net, kind, flat);
  Pair pair = net.pair();
  CHECK(ending_of(pair) == "sums");
  pair.config.depthwise = former;
  CAPTURE(describe(pair));
  const Verdict v = run_pair(pair, Backend::kArch);
  CAPTURE(v.text);
  CHECK(v.outcome == Outcome::kExact);
}

TEST_CASE("floats of a batch become images at the graph's end", "[fuzz][onnx]") {
  const char* type = GENERATE("Mul", "Abs");
  CAPTURE(type);
  Choices choices{{}, 8};
  Builder b(choices);
  OnnxNetwork net(b, {2, 3, 5});
  net.then("MatMul", {net.codes({5, 5}, 1)});
  net.quantize();
  net.then(type, type == std::string("Mul") ? std::vector{net.floats({3, 1}, 10, 60)}
                                            : std::vector<std::string>{});
  net.along("Unsqueeze", {3}, 13);
  require_exact(net);
}

TEST_CASE("sums of a transposed convolution end a network", "[fuzz][onnx]") {
  Choices choices{{}, 9};
  Builder b(choices);
  OnnxNetwork net(b, {1, 3, 4, 5});
  net.then("ConvTranspose", {net.codes({3, 6, 3, 2}, 1), net.floats({6}, -64, 64)},
           {{"strides", net.ints({2, 3})}});
  require_exact(net);
}

/// Drawn cases: a machine without a vector unit; images and a product of their rows with a softmax
/// on the host. A batch of four axes between stages is refused.
/// An LSTM, GRU or RNN of three steps, four inputs, two cells.
struct Cell : OnnxNetwork {
  explicit Cell(Builder& b, const std::string& type, int steps = 3)
      : OnnxNetwork(b, {steps, 1, 4}),
        rows(type == "LSTM"  ? 8
             : type == "GRU" ? 6
                             : 2) {
    operands = {codes({1, rows, 4}, 1),
                codes({1, rows, 2}, 1),
                floats({1, 2 * rows}, -64, 64),
                "",
                "",
                "",
                ""};
    attributes = {{"hidden_size", ints({2})}};
    name = type;
  }

  /// @return the reason of the refusal
  std::string problem() {
    then(name, operands, attributes);
    quantize();
    try {
      model::onnx_file::File file = file_;
      file.outputs = {last_};
      model::onnx_file::graph_of(std::move(file), false);
    } catch (const Error& e) {
      return e.what();
    }
    return "";
  }
  using OnnxWriter::file_, OnnxWriter::text;

  int rows;
  std::string name;
  std::vector<std::string> operands;
  std::map<std::string, Attribute> attributes;
};

TEST_CASE("unsupported forms of recurrent nodes are named", "[fuzz][onnx][error]") {
  Choices choices{{}, 5};
  Builder b(choices);
  const auto refused = [&](const std::string& type, auto change, const std::string& text,
                           int steps = 3) {
    CAPTURE(type, text);
    Cell cell(b, type, steps);
    change(cell);
    const std::string problem = cell.problem();
    CHECK_THAT(problem, Catch::Matchers::ContainsSubstring(type + ": " + text) &&
                            Catch::Matchers::ContainsSubstring("the host supports it"));
  };
  for (const char* type : {"LSTM", "GRU", "RNN"}) {
    Cell cell(b, type);
    CHECK(cell.problem() == "");
    refused(
        type, [](Cell& c) { c.attributes["clip"].f = 1; }, "clip");
    refused(
        type,
        [](Cell& c) {
          c.operands[0] = c.floats({1, c.rows, 4}, -64, 64);
        },
        "weights are float: trine quantize makes int8 ones");
    refused(
        type, [](Cell& c) { c.operands[3] = c.numbers(model::DataType::kInt32, {2}); },
        "sequence_lens other than 3");
    refused(
        type,
        [](Cell& c) {
          c.operands[4] = c.floats({1, 1, 2}, 1, 64);
        },
        "initial states are constants other than 0");
    refused(
        type, [](Cell&) {}, "257 steps, allowed at most 256", 257);
  }
  refused(
      "GRU", [](Cell& c) { c.attributes["activations"] = Cell::text("Sigmoid,Relu"); },
      "activations Sigmoid,Relu, allowed Sigmoid,Tanh");
  refused(
      "LSTM",
      [](Cell& c) {
        c.operands[6] = c.floats({1, 6}, -64, 64);
      },
      "peepholes");
  refused(
      "LSTM", [](Cell& c) { c.attributes["input_forget"] = Cell::ints({1}); }, "input_forget");
  refused(
      "LSTM", [](Cell&) {},
      "Y_c needs a QuantizeLinear, which gives the cell state's scale, as trine quantize does", 9);
}

TEST_CASE("a batch between stages of the machine is a limit", "[fuzz][onnx][error]") {
  const Verdict v =
      run_pair(make_pair(parse_case("0,0,0,0,0,0,0,0,0,0,0,9,0,0,0,0,0,0,0,0,0,0,0,0/3165851968/"
                                    "7,0,0,0,0,4,0,0,0,0,0,0,0,0,0,2,1,33,0,0,0,0,0,1,16,0,0,0,0,0,"
                                    "0,0,0,0,0,0,0,0,0,0,5,3,0,0,0,"
                                    "0")),
               Backend::kArch);
  CAPTURE(v.text);
  CHECK(v.outcome != Outcome::kFailed);
}

}  // namespace
}  // namespace trine::fuzz
