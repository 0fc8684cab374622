// SPDX-License-Identifier: Apache-2.0
//
// Converts elements of tensors from and to C++ types.

#pragma once

#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>
#include <optional>
#include <span>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "sw/model/graph/graph.h"

namespace trine::model {

/// Returns the type with this name.
/// @return nothing if no type has the name
inline std::optional<DataType> type_named(std::string_view name) {
  for (int i = 0; i <= static_cast<int>(DataType::kBool); ++i)
    if (name_of(static_cast<DataType>(i)) == name) return static_cast<DataType>(i);
  return std::nullopt;
}

/// Calls f(T()), where T is the C++ type of an element.
template <typename F>
auto with_type(DataType type, const F& f) {
  switch (type) {
    case DataType::kInt8:
      return f(std::int8_t());
    case DataType::kInt16:
      return f(std::int16_t());
    case DataType::kInt32:
      return f(std::int32_t());
    case DataType::kInt64:
      return f(std::int64_t());
    case DataType::kFloat32:
      return f(float());
    default:  // kUInt8, kBool
      return f(std::uint8_t());
  }
}

/// Returns the elements stored in `bytes` as numbers of one type.
/// @pre To can hold them
template <typename To>
std::vector<To> elements_as(DataType type, std::span<const std::uint8_t> bytes) {
  return with_type(type, [&]<typename T>(T value) {
    std::vector<To> result;
    result.reserve(bytes.size() / sizeof(T));
    for (std::size_t at = 0; at + sizeof(T) <= bytes.size(); at += sizeof(T)) {
      std::memcpy(&value, &bytes[at], sizeof(T));
      result.push_back(static_cast<To>(value));
    }
    return result;
  });
}

/// Returns numbers as elements of a type. Each becomes the nearest value of the type; NaN becomes 0
/// in integer types.
template <typename Values = std::vector<double>>
std::vector<std::uint8_t> bytes_as(DataType type, const Values& values) {
  return with_type(type, [&]<typename T>(T value) {
    std::vector<std::uint8_t> bytes(values.size() * sizeof(T));
    for (std::size_t i = 0; i < values.size(); ++i) {
      value = 0;
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
  });
}

}  // namespace trine::model
