// SPDX-License-Identifier: Apache-2.0
//
// Asks Coloquinte (place.py, in a Python of its own) for the places of the standard cells.

#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "synth/place/placement.h"

namespace trine::synth {

struct Placer {
  std::filesystem::path python;  ///< an interpreter that has coloquinte
  std::filesystem::path folder;  ///< for files
  int seed;
  std::function<void(const std::string&)> progress;

  /// @param fresh  from nothing; else the places that are there are made legal and better
  /// @param weight  of a net's length, 1: as any other
  /// @throws Error  Python or the package is missing or fails
  void place(const Netlist& netlist, const Lef& lef, bool fresh,
             const std::function<float(int net)>& weight, Placement& placement) const;
};

}  // namespace trine::synth
