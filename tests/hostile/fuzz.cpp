// SPDX-License-Identifier: Apache-2.0
//
// Runs the reader that TRINE_READER names under libFuzzer.

#include <algorithm>
#include <cstdlib>

#include "tests/hostile/readers.h"

extern "C" std::size_t LLVMFuzzerMutate(std::uint8_t* data, std::size_t size, std::size_t most);

namespace {

using trine::hostile::Bytes;

const trine::hostile::Reader& reader() {
  static const auto* found = [] {
    const char* name = std::getenv("TRINE_READER");
    return trine::hostile::find_reader(name == nullptr ? "" : name);
  }();
  if (found == nullptr) std::abort();
  return *found;
}

/// Lets libFuzzer change a part of the input.
void change(Bytes* bytes, std::size_t most) {
  const std::size_t size = bytes->size();
  bytes->resize(std::max(size, most));
  bytes->resize(LLVMFuzzerMutate(bytes->data(), size, bytes->size()));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  trine::hostile::read_or_refuse(reader(), {data, data + size});
  return 0;
}

extern "C" std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data, std::size_t size,
                                               std::size_t most, unsigned seed) {
  Bytes bytes(data, data + size);
  reader().mutate(
      &bytes, [&](Bytes* part) { change(part, part->size() + (most - size)); }, seed);
  bytes.resize(std::min(bytes.size(), most));
  std::copy(bytes.begin(), bytes.end(), data);
  return bytes.size();
}
