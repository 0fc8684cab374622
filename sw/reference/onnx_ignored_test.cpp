// SPDX-License-Identifier: Apache-2.0
//
// Tests that nothing in a file is ignored silently: domains, attributes, opsets, and functions of
// the file.

#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "sw/base/hash.h"
#include "sw/model/import/import.h"
#include "sw/reference/onnx_testing.h"

namespace trine::reference {
namespace {

using Catch::Matchers::ContainsSubstring;
using namespace testing;

onnx::NodeProto* of_domain(onnx::NodeProto* node, const std::string& domain) {
  node->set_domain(domain);
  return node;
}

void set(onnx::NodeProto* node, const std::string& name, std::int64_t value) {
  auto* attribute = node->add_attribute();
  attribute->set_name(name);
  attribute->set_type(onnx::AttributeProto::INT);
  attribute->set_i(value);
}

TEST_CASE("an operator of another domain is another operator", "[reference][onnx][error]") {
  Builder b({1, 4});
  const std::string codes = b.quant("in", 1, 8, true, false);
  SECTION("the same name elsewhere") {
    auto* relu = of_domain(b.node("Relu", {codes}), "acme.ops");
    CHECK(refusal(&b, b.quant(relu->output(0), 1, 8, true, false)) ==
          "m.onnx: node 1 acme.ops.Relu: operator is not supported (replace it, or cut the network "
          "there)");
  }
  SECTION("channels last") {
    auto* norm = of_domain(b.node("BatchNormalization", {codes}), "qonnx.custom_op.channels_last");
    CHECK_THAT(refusal(&b, norm->output(0)),
               ContainsSubstring(
                   "node 1 qonnx.custom_op.channels_last.BatchNormalization: operator is not "
                   "supported (use the network before its conversion"));
  }
  SECTION("on constants") {
    auto* sum = of_domain(b.node("Add", {b.scalar(1), b.scalar(2)}), "acme.ops");
    CHECK_THAT(refusal(&b, b.op("Mul", {codes, sum->output(0)})),
               ContainsSubstring("acme.ops.Add"));
  }
  SECTION("ONNX's own, by its long name") {
    auto* relu = of_domain(b.node("Relu", {codes}), "ai.onnx");
    CHECK(refusal(&b, b.quant(relu->output(0), 1, 8, true, false)) == "accepted");
  }
  SECTION("domains that define quantizers") {
    for (auto& node : *b.model()->mutable_graph()->mutable_node()) node.set_domain("onnx.brevitas");
    CHECK(refusal(&b, codes) == "accepted");
    for (auto& node : *b.model()->mutable_graph()->mutable_node()) node.set_domain("acme");
    CHECK(refusal(&b, codes) != "accepted");
  }
}

TEST_CASE("an attribute that is not read is refused in each place of an operator",
          "[reference][onnx][error]") {
  struct Place {
    const char* type;
    std::vector<int> input;
    std::vector<std::string> (*operands)(Builder& b, const std::string& x);
    bool codes = true;
  };
  const auto alone = [](Builder&, const std::string& x) { return std::vector{x}; };
  const auto twice = [](Builder&, const std::string& x) { return std::vector{x, x}; };
  const auto number = [](Builder& b, const std::string& x) { return std::vector{x, b.scalar(2)}; };
  const std::vector<Place> places{
      {"Relu", {1, 4}, alone},
      {"Sigmoid", {1, 4}, alone},
      {"HardSwish", {1, 4}, alone},
      {"Mish", {1, 4}, alone},  // a table
      {"Flatten", {1, 4}, alone},
      {"Transpose", {1, 4}, alone},
      {"Softmax", {1, 4}, alone},
      {"Concat", {1, 4}, twice},
      {"Add", {1, 4}, twice},
      {"Mul", {1, 4}, number},
      {"MaxPool", {1, 2, 4, 4}, alone},
      {"GlobalAveragePool", {1, 2, 4, 4}, alone},
      {"Conv",
       {1, 2, 4, 4},
       [](Builder& b, const std::string& x) {
         return std::vector{x, b.constant({1, 2, 1, 1}, {1, -1})};
       }},
      {"MatMul",
       {1, 4},
       [](Builder& b, const std::string& x) {
         return std::vector{x, b.constant({4, 1}, {1, 0, 1, 1})};
       }},
      {"Add",
       {1, 4},
       [](Builder& b, const std::string&) {  // folded
         return std::vector{b.scalar(1), b.scalar(2)};
       },
       false},
  };
  for (const Place& place : places) {
    CAPTURE(place.type, place.codes);
    for (const bool unknown : {false, true}) {
      Builder b(place.input);
      const std::string x = b.quant("in", 1, 8, true, false);
      auto* node = b.node(place.type, place.operands(b, x));
      if (std::string(place.type) == "MaxPool") {
        auto* kernel = node->add_attribute();
        kernel->set_name("kernel_shape");
        for (const int extent : {2, 2}) kernel->add_ints(extent);
      }
      if (std::string(place.type) == "Concat") set(node, "axis", 1);
      std::string y = node->output(0);
      if (unknown) set(node, "frobnicate", 7);
      if (!place.codes) y = b.op("Mul", {x, y});
      const std::string message = refusal(&b, b.quant(y, 1, 8, true, false));
      if (unknown)
        CHECK_THAT(message, ContainsSubstring("attribute 'frobnicate' is not supported"));
      else
        CHECK(message == "accepted");
    }
  }
}

TEST_CASE("attributes that change nothing are accepted", "[reference][onnx]") {
  Builder b({1, 2, 4, 4});
  const std::string x = b.quant("in", 1, 8, true, false);
  const auto each = [&](float value) { return b.constant({2}, {value, value}); };
  auto* norm = b.node("BatchNormalization", {x, each(1), each(0), each(0), each(1)});
  auto* momentum = norm->add_attribute();
  momentum->set_name("momentum");
  momentum->set_f(0.5f);
  set(norm, "training_mode", 0);
  set(norm, "spatial", 1);
  CHECK(refusal(&b, b.quant(norm->output(0), 1, 8, true, false)) == "accepted");
  set(norm, "spatial", 0);
  CHECK_THAT(refusal(&b, b.quant(norm->output(0), 1, 8, true, false)),
             ContainsSubstring("attribute 'spatial' is not supported"));
}

TEST_CASE("a product with a vector runs on the host", "[reference][onnx]") {
  Builder b({2, 3});
  const std::string y =
      b.op("MatMul", {b.quant("in", 1, 8, true, false), b.constant({3}, {1, -1, 2})});
  CHECK_THAT(
      refusal(&b, y),
      ContainsSubstring("operands of rank below 2, allowed 2 and above (the host supports it)"));
  const model::Graph graph = model::parse_onnx(b.bytes(y), "m.onnx", true);
  CHECK(outputs(graph, {1, 2, 3, 4, 5, 6}, {2, 3}) == Floats{5, 11});
}

TEST_CASE("Dropout that trains is refused", "[reference][onnx][error]") {
  for (const float trains : {0.0f, 1.0f}) {
    Builder b({1, 4});
    const std::string x = b.quant("in", 1, 8, true, false);
    const std::string training = b.constant({}, {}, onnx::TensorProto::BOOL);
    const int last = b.model()->graph().initializer_size() - 1;
    b.model()->mutable_graph()->mutable_initializer(last)->add_int32_data(static_cast<int>(trains));
    const std::string y = b.op("Dropout", {x, b.scalar(0.5f), training});
    CHECK_THAT(refusal(&b, b.quant(y, 1, 8, true, false)),
               ContainsSubstring(trains != 0 ? "training_mode true, allowed false" : "accepted"));
  }
}

TEST_CASE("an opset that is not known yet is refused", "[reference][onnx][error]") {
  Builder b({1, 4});
  const std::string x = b.quant("in", 1, 8, true, false);
  CHECK(refusal(&b, x) == "accepted");
  b.model()->mutable_opset_import(0)->set_version(27);
  CHECK(refusal(&b, x) == "m.onnx: opset 27, allowed up to 26: export for an earlier one");
}

/// A function y = Quant(x) * 2 that the file defines and calls twice.
struct Called {
  Builder b{{1, 4}};
  onnx::FunctionProto* f;

  Called() {
    f = b.model()->add_functions();
    f->set_name("twice");
    f->set_domain("local");
    f->add_input("x");
    f->add_output("y");
    auto* opset = f->add_opset_import();
    opset->set_version(13);
    auto* cut = f->add_node();
    cut->set_op_type("Relu");
    cut->add_input("x");
    cut->add_output("between");
    auto* sum = f->add_node();
    sum->set_op_type("Add");
    sum->add_input("between");
    sum->add_input("between");
    sum->add_output("y");
  }
  std::string call(const std::string& x) {
    return of_domain(b.node("twice", {x}), "local")->output(0);
  }
};

TEST_CASE("functions of a file compute what their nodes compute", "[reference][onnx]") {
  Called model;
  Builder& b = model.b;
  const auto codes = [&](const std::string& x) { return b.quant(x, 1, 8, true, false); };
  SECTION("called twice") {
    const std::string y = codes(model.call(codes(model.call(codes("in")))));
    const model::Graph graph = model::parse_onnx(b.bytes(y), "m.onnx");
    CHECK(outputs(graph, {1, -2, 3, 4}, {1, 4}) == Floats{4, 0, 12, 16});
  }
  SECTION("that call themselves") {
    auto* inner = model.f->add_node();
    inner->set_op_type("twice");
    inner->set_domain("local");
    inner->add_input("y");
    inner->add_output("z");
    CHECK_THAT(refusal(&b, codes(model.call(codes("in")))),
               ContainsSubstring("m.onnx: function local.twice calls itself"));
  }
  SECTION("of another opset") {
    model.f->mutable_opset_import(0)->set_version(12);
    CHECK_THAT(refusal(&b, codes(model.call(codes("in")))),
               ContainsSubstring("function local.twice has opset 12, but the model has 13"));
  }
  SECTION("with attributes that the call gives") {
    auto* norm = model.f->mutable_node(0);
    norm->set_op_type("LeakyRelu");
    auto* alpha = norm->add_attribute();
    alpha->set_name("alpha");
    alpha->set_type(onnx::AttributeProto::FLOAT);
    alpha->set_ref_attr_name("slope");
    auto* call = of_domain(b.node("twice", {codes("in")}), "local");
    auto* slope = call->add_attribute();
    slope->set_name("slope");
    slope->set_type(onnx::AttributeProto::FLOAT);
    slope->set_f(0.5f);
    const model::Graph graph = model::parse_onnx(b.bytes(codes(call->output(0))), "m.onnx");
    CHECK(outputs(graph, {2, -4, 3, 4}, {1, 4}) == Floats{4, -4, 6, 8});
  }
}

TEST_CASE("quantizers in float16 are told apart from float16 networks",
          "[reference][onnx][error]") {
  Builder b({1, 4});
  const std::string half = b.constant({}, {0.5f}, onnx::TensorProto::FLOAT16);
  CHECK(refusal(&b, b.op("DequantizeLinear", {b.op("QuantizeLinear", {"in", half}), half})) ==
        "m.onnx: initializer '" + half +
            "': its quantizers compute in float16, allowed float32: export scales and "
            "floats in float32");
}

TEST_CASE("an extent that is assumed is reported", "[reference][onnx]") {
  const auto notes = [](const std::string& name, std::int64_t extent, int axis = 0) {
    Builder b({1, 4});
    auto* dim = b.model()
                    ->mutable_graph()
                    ->mutable_input(0)
                    ->mutable_type()
                    ->mutable_tensor_type()
                    ->mutable_shape()
                    ->mutable_dim(axis);
    dim->clear_dim_value();
    if (!name.empty()) dim->set_dim_param(name);
    if (extent != 0) dim->set_dim_value(extent);
    return model::parse_onnx(b.bytes(b.quant("in", 1, 8, true, false)), "m.onnx").notes;
  };
  CHECK(notes("batch_size", 0).empty());
  CHECK(notes("N", 0).empty());
  CHECK(notes("sequence", 0) ==
        std::vector<std::string>{"input 'in' is [sequence, 4]: extent 0 is open and taken as 1; "
                                 "set it with --shape sequence=N"});
  CHECK(notes("", -1) ==
        std::vector<std::string>{
            "input 'in' is [?, 4]: extent 0 is open and taken as 1; set it with --shape in=N,..."});
  CHECK_THROWS_WITH(notes("", -1, 1),
                    ContainsSubstring("m.onnx: input 'in' is [1, ?]: extents after"));
}

TEST_CASE("the identity of a model covers the files that contain its weights",
          "[reference][onnx]") {
  namespace fs = std::filesystem;
  const fs::path folder = fs::temp_directory_path() / fmt::format("trine-identity-{}", getpid());
  fs::create_directory(folder);
  Builder b({1, 4});
  const std::string w = b.external({4, 1}, "m.onnx.data", "0");
  const auto bytes = b.bytes(b.op("MatMul", {b.quant("in", 1, 8, true, false), w}));
  const auto digest = [&](float first) {
    const Floats weights{first, -1, 2, 3};
    std::ofstream(folder / "m.onnx.data", std::ios::binary)
        .write(reinterpret_cast<const char*>(weights.data()), 16);
    return model::digest_of_model(bytes, (folder / "m.onnx").string());
  };
  const std::string first = digest(1);
  CHECK(first.size() == 64);
  CHECK(digest(1) == first);
  CHECK(digest(2) != first);
  CHECK(first != sha256(bytes));
  Builder whole({1, 4});
  const auto alone = whole.bytes(whole.quant("in", 1, 8, true, false));
  CHECK(model::digest_of_model(alone, "m.onnx") == sha256(alone));
  fs::remove_all(folder);
}

}  // namespace
}  // namespace trine::reference
