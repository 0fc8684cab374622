// SPDX-License-Identifier: Apache-2.0
//
// Elements of tensors in the C++ type that each type of data has.

#pragma once

#include <cstdint>
#include <cstring>
#include <span>
#include <vector>

#include "sw/model/graph.h"

namespace trine::model {

/// f(T()) with the C++ type T of an element.
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

/// The elements that lie in `bytes`, as numbers of one type. @pre To holds them
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

}  // namespace trine::model
