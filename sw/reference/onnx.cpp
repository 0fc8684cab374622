// SPDX-License-Identifier: Apache-2.0
//
// Operators of ONNX on the host: sw/model/onnx_evaluate.h does the work.

#include <fmt/ranges.h>

#include <cmath>
#include <cstring>
#include <limits>
#include <type_traits>

#include "base/error.h"
#include "sw/model/onnx_host.h"
#include "sw/reference/ops.h"

namespace trine::reference {
namespace {

using model::DataType;
using model::onnx_file::Constant;

template <typename T>
std::vector<double> widened(const std::vector<std::uint8_t>& bytes) {
  std::vector<double> values(bytes.size() / sizeof(T));
  for (std::size_t i = 0; i < values.size(); ++i) {
    T value;
    std::memcpy(&value, &bytes[i * sizeof(T)], sizeof(T));
    values[i] = static_cast<double>(value);
  }
  return values;
}

std::vector<double> values_of(DataType type, const std::vector<std::uint8_t>& bytes) {
  switch (type) {
    case DataType::kFloat32:
      return widened<float>(bytes);
    case DataType::kInt32:
      return widened<std::int32_t>(bytes);
    case DataType::kInt64:
      return widened<std::int64_t>(bytes);
    case DataType::kInt8:
      return widened<std::int8_t>(bytes);
    default:
      return widened<std::uint8_t>(bytes);
  }
}

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

std::vector<std::uint8_t> bytes_of(DataType type, const std::vector<double>& values) {
  switch (type) {
    case DataType::kFloat32:
      return narrowed<float>(values);
    case DataType::kInt32:
      return narrowed<std::int32_t>(values);
    case DataType::kInt64:
      return narrowed<std::int64_t>(values);
    case DataType::kInt8:
      return narrowed<std::int8_t>(values);
    default:
      return narrowed<std::uint8_t>(values);
  }
}

}  // namespace

std::vector<std::uint8_t> onnx(const Call& call) {
  std::vector<model::onnx_file::ConstantPointer> inputs;
  for (int i = 0; i < static_cast<int>(call.op.inputs.size()); ++i) {
    inputs.push_back(nullptr);
    if (call.op.input(i) < 0) continue;
    auto input = std::make_shared<Constant>();
    input->type = *model::onnx_file::element_type_of(call.in(i).type);
    input->shape = call.in(i).shape;
    input->values = values_of(call.in(i).type, call.bytes(i));
    inputs.back() = std::move(input);
  }
  try {
    const Constant result = run_host_op(call.op, inputs);
    if (result.shape != call.out().shape || data_type_of(result.type) != call.out().type)
      throw_error("gives {} [{}], its tensor '{}' is {} [{}]", name_of(data_type_of(result.type)),
                  fmt::join(result.shape, ", "), call.out().name, name_of(call.out().type),
                  fmt::join(call.out().shape, ", "));
    return bytes_of(call.out().type, result.values);
  } catch (const Error& error) {
    throw_error("{}: {}", label(call.graph, call.op), error.what());
  }
}

}  // namespace trine::reference
