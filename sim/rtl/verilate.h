// SPDX-License-Identifier: Apache-2.0
//
// Verilator and the compiler of its C++, for RTL models and for simulations of whole systems.

#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace trine::sim {

struct Verilation {
  std::vector<std::string> arguments;  ///< of Verilator, --exe among them: flags and sources
  std::string top;                     ///< module
  std::filesystem::path folder;        ///< that sources are relative to
  std::filesystem::path objects;       ///< folder of the result, made by Verilator
  std::filesystem::path log;           ///< of the step that ran last
  std::filesystem::path kept_log;      ///< copy of it after a failure
  int optimization = 2;                ///< 0 to 3, see compiler_flags
};

/// Flags of g++ for code that runs each cycle. Level 1 is -Og: it runs as fast as -O1 and compiles
/// in half of the time, or in a tenth for wide crossbars.
std::string compiler_flags(int optimization);

/// Verilates and compiles. @throws Error  the reason of the step that failed, and where its log is
void verilate(const Verilation& verilation);

}  // namespace trine::sim
