// SPDX-License-Identifier: Apache-2.0
//
// The reader TRINE_READER (a string) under libFuzzer.

#include "tests/hostile/readers.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const trine::hostile::Reader reader = trine::hostile::find_reader(TRINE_READER);
  trine::hostile::read_or_refuse(reader, {data, data + size});
  return 0;
}
