// SPDX-License-Identifier: Apache-2.0

#include "components/llm/files/tensors.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>

#include "sw/base/error.h"
#include "sw/base/index.h"
#include "sw/base/text.h"

namespace trine::llm {

std::int64_t StoredTensor::elements() const { return elements_of(shape); }

void StoredTensors::add(const std::string& name, StoredTensor tensor) {
  const auto [place, is_new] = tensors_.try_emplace(name, std::move(tensor));
  if (!is_new) throw_error("{}: tensor '{}' occurs twice", place->second.file, printable(name));
}

const StoredTensor* StoredTensors::find(const std::string& name) const {
  const auto found = tensors_.find(name);
  return found == tensors_.end() ? nullptr : &found->second;
}

void require_readable(const std::string& name, const StoredTensor& tensor) {
  if (tensor.encoding->decode != nullptr) return;
  const bool gguf = safetensors_encoding(tensor.encoding->name) != tensor.encoding;
  throw_error("{}: tensor '{}' at byte {}: type {}, allowed {}", tensor.file, printable(name),
              tensor.place, tensor.encoding->name,
              gguf ? gguf_encodings() : safetensors_encodings());
}

std::vector<float> values_of(const std::string& name, const StoredTensor& tensor) {
  require_readable(name, tensor);
  std::vector<float> values(at(tensor.elements()));
  decode(*tensor.encoding, tensor.bytes, values);
  const auto bad = std::ranges::find_if_not(values, [](float v) { return std::isfinite(v); });
  if (bad == values.end()) return values;
  const auto block = static_cast<std::uint64_t>(bad - values.begin()) /
                     static_cast<std::uint64_t>(tensor.encoding->elements);
  throw_error("{}: tensor '{}': the value at byte {} is not finite", tensor.file, printable(name),
              tensor.place + block * static_cast<std::uint64_t>(tensor.encoding->bytes));
}

std::string shape_text(const std::vector<std::int64_t>& shape) {
  return fmt::format("[{}]", fmt::join(shape, ", "));
}

std::int64_t elements_of(const std::vector<std::int64_t>& shape) {
  constexpr std::int64_t kMost = std::int64_t{1} << 62;
  std::int64_t count = 1;
  for (const std::int64_t extent : shape) {
    if (extent < 0 || (extent > 0 && count > kMost / extent)) return -1;
    count *= extent;
  }
  return count;
}

}  // namespace trine::llm
