// SPDX-License-Identifier: Apache-2.0
//
// Operators of ONNX on the host: sw/model/onnx/evaluate.h does the work.

#include <fmt/ranges.h>

#include <cmath>
#include <cstring>
#include <limits>
#include <type_traits>

#include "base/error.h"
#include "sw/model/elements.h"
#include "sw/model/onnx/host.h"
#include "sw/reference/ops.h"

namespace trine::reference {
namespace {

using model::onnx_file::Constant;

template <typename T>
std::vector<std::uint8_t> narrowed(const std::vector<double>& values) {
  std::vector<std::uint8_t> bytes(values.size() * sizeof(T));
  for (std::size_t i = 0; i < values.size(); ++i) {
    T value = 0;
    if constexpr (std::is_floating_point_v<T>)
      value = static_cast<T>(values[i]);
    else if (const auto [low, high] =
                 std::pair(std::numeric_limits<T>::min(), std::numeric_limits<T>::max());
             !std::isnan(values[i]))
      value = values[i] >= static_cast<double>(high)  ? high
              : values[i] <= static_cast<double>(low) ? low
                                                      : static_cast<T>(values[i]);
    std::memcpy(&bytes[i * sizeof(T)], &value, sizeof(T));
  }
  return bytes;
}

}  // namespace

std::vector<std::uint8_t> onnx(const Call& call) {
  std::vector<model::onnx_file::ConstantPointer> inputs;
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
      throw_error("gives {} [{}], its tensor '{}' is {} [{}]", name_of(result.type),
                  fmt::join(result.shape, ", "), call.out().name, name_of(call.out().type),
                  fmt::join(call.out().shape, ", "));
    return model::with_type(result.type, [&]<typename T>(T) { return narrowed<T>(result.values); });
  } catch (const Error& error) {
    throw_error("{}: {}", label(call.graph, call.op), error.what());
  }
}

}  // namespace trine::reference
