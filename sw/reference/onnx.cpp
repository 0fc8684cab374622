// SPDX-License-Identifier: Apache-2.0
//
// Runs ONNX and TOSA operators on the host, with sw/host/onnx/evaluate.h and
// sw/host/tosa/evaluate.h.

#include <fmt/ranges.h>

#include "sw/base/error.h"
#include "sw/host/onnx/host_op.h"
#include "sw/host/tosa/evaluate.h"
#include "sw/model/graph/elements.h"
#include "sw/reference/ops/ops.h"

namespace trine::reference {
using host::onnx::Constant;

namespace {

std::vector<std::uint8_t> tosa(const Call& call) {
  host::tosa::Node node = host::tosa::node_of(call.graph, call.op);
  for (std::size_t i = 0; i < node.inputs.size(); ++i)
    if (node.inputs[i].values.empty())
      node.inputs[i].values =
          model::elements_as<std::int64_t>(node.inputs[i].type, call.bytes(static_cast<int>(i)));
  try {
    const std::vector<std::int64_t> values = host::tosa::run(node);
    return model::bytes_as(call.out().type, {values.begin(), values.end()});
  } catch (const Error& error) {
    throw_error("{}: {}", label(call.graph, call.op), error.what());
  }
}

}  // namespace

std::vector<std::uint8_t> onnx(const Call& call) {
  if (call.op.name.starts_with(host::tosa::kPrefix)) return tosa(call);
  std::vector<host::onnx::ConstantPointer> inputs;
  for (int i = 0; i < static_cast<int>(call.op.inputs.size()); ++i) {
    inputs.push_back(nullptr);
    if (call.op.input(i) < 0) continue;
    auto input = std::make_shared<Constant>();
    input->type = call.in(i).type;
    input->shape = call.in(i).shape;
    input->values = model::elements_as<double>(input->type, call.bytes(i));
    inputs.back() = std::move(input);
  }
  try {
    const Constant result = run_host_op(call.op, inputs);
    if (result.shape != call.out().shape || result.type != call.out().type)
      throw_error("gives {} [{}], but its tensor '{}' is {} [{}]", name_of(result.type),
                  fmt::join(result.shape, ", "), call.out().name, name_of(call.out().type),
                  fmt::join(call.out().shape, ", "));
    return model::bytes_as(result.type, result.values);
  } catch (const Error& error) {
    throw_error("{}: {}", label(call.graph, call.op), error.what());
  }
}

}  // namespace trine::reference
