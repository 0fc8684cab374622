// SPDX-License-Identifier: Apache-2.0
//
// Runs Coloquinte (place.py, in a Python of its own) to place the standard cells.

#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "synth/place/placement.h"

namespace trine::synth {

/// The placer and its settings.
struct Placer {
  std::filesystem::path python;  ///< an interpreter that has coloquinte
  std::filesystem::path folder;  ///< folder for its files
  int seed;
  std::function<void(const std::string&)> progress;

  /// Places the standard cells.
  /// @param fresh  true: from nothing; false: legalizes and improves the existing positions
  /// @param weight  weight of a net's length; 1: normal
  /// @throws Error  Python or the package is missing or fails
  void place(const Netlist& netlist, const Lef& lef, bool fresh,
             const std::function<float(int net)>& weight, Placement& placement) const;
};

}  // namespace trine::synth
