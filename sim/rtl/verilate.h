// SPDX-License-Identifier: Apache-2.0
//
// Runs Verilator and compiles its C++, for RTL models and for simulations of whole systems.

#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace trine::sim {

/// A call of Verilator and make.
struct Verilation {
  std::vector<std::string> arguments;  ///< Verilator's flags and sources, --exe included
  std::string top;                     ///< top module
  std::filesystem::path folder;        ///< folder to which sources are relative
  std::filesystem::path objects;       ///< folder of the result, created by Verilator
  std::filesystem::path log;           ///< log of the last step
  std::filesystem::path kept_log;      ///< copy of the log after a failure
  std::vector<std::string> settings;   ///< settings of make, from make_settings()
};

/// Returns make's settings for the compiler. Level 1 of 0 to 3 is -Og, which compiles much faster
/// than -O1 and whose code runs about as fast.
std::vector<std::string> make_settings(int optimization);

/// Joins the files that Verilator splits its code into, because each of them reads large headers.
/// @param objects  Verilator's folder, with V<top>_classes.mk, which lists the files
/// @return settings for its makefile: two units of code that runs each cycle, one unit of the rest
std::vector<std::string> join_classes(const std::filesystem::path& objects, const std::string& top);

/// Verilates and compiles. @throws Error  the reason of the step that failed, and the path of its
/// log
void verilate(const Verilation& verilation);

}  // namespace trine::sim
