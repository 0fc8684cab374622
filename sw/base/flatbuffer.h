// SPDX-License-Identifier: Apache-2.0
//
// Reads parts of flatbuffer files that may be absent.

#pragma once

#include <flatbuffers/flatbuffers.h>

#include <cstring>
#include <string>
#include <vector>

namespace trine::flat {

template <typename Vector>
std::size_t size_of(const Vector* source) {
  return source == nullptr ? 0 : source->size();
}

/// Returns the elements. Copies bytes, because the verifier does not check the alignment of
/// elements.
template <typename T>
std::vector<T> copy(const flatbuffers::Vector<T>* source) {
  std::vector<T> result(size_of(source));
  if (!result.empty()) std::memcpy(result.data(), source->Data(), result.size() * sizeof(T));
  return result;
}

inline std::string text(const flatbuffers::String* source) {
  return source == nullptr ? std::string() : source->str();
}

}  // namespace trine::flat
