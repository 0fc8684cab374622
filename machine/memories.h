// SPDX-License-Identifier: Apache-2.0
//
// The instances of trine_sram in a design: what a memory compiler is to be asked for.

#pragma once

#include <string_view>
#include <vector>

#include "machine/config.h"

namespace trine::machine {

struct Memory {
  std::string_view name;
  int instances;
  int width;  ///< bits, each with a write enable
  int depth;
};

std::vector<Memory> memories(const Config& config);

}  // namespace trine::machine
