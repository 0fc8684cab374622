// SPDX-License-Identifier: Apache-2.0
//
// Selects the mutant that a bench runs (see plant.py): $TRINE_MUTANT, or none.

#include <cstdlib>

extern "C" int trine_mutant() {
  const char* number = std::getenv("TRINE_MUTANT");
  return number == nullptr ? 0 : std::atoi(number);
}
