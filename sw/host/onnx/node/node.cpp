// SPDX-License-Identifier: Apache-2.0

#include "sw/host/onnx/node/node.h"

#include <utility>

namespace trine::host::onnx {

std::optional<DataType> type_of(std::int64_t code) {
  static constexpr std::pair<std::int64_t, DataType> kTypes[] = {
      {1, DataType::kFloat32}, {2, DataType::kUInt8}, {3, DataType::kInt8}, {5, DataType::kInt16},
      {6, DataType::kInt32},   {7, DataType::kInt64}, {9, DataType::kBool}};
  for (const auto& [number, type] : kTypes)
    if (number == code) return type;
  return std::nullopt;
}

}  // namespace trine::host::onnx
