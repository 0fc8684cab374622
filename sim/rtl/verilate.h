// SPDX-License-Identifier: Apache-2.0
//
// Runs Verilator and compiles its C++, for RTL models and for simulations of whole systems.

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
  std::vector<std::string> settings;   ///< of make, by make_settings
};

/// Returns make's settings for the compiler. Level 1 of 0 to 3 is -Og, which compiles much faster
/// than -O1 and runs about as fast.
std::vector<std::string> make_settings(int optimization);

/// Verilates and compiles. @throws Error  the reason of the step that failed, and where its log is
void verilate(const Verilation& verilation);

}  // namespace trine::sim
