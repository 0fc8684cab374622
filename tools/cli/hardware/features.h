// SPDX-License-Identifier: Apache-2.0
//
// The smallest features with which a design runs given models (`trine generate --for`).

#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "machine/config.h"
#include "tools/cli/common.h"

namespace trine::cli {

/// A feature that the design has, and whether some model is in need of it.
struct Feature {
  std::string key;              ///< with the value that leaves it out: "vector.softmax=false"
  bool kept = false;            ///< a model needs it
  std::string why;              ///< refused without it, more on the host, over 1 % more cycles
  double gate_equivalents = 0;  ///< of its logic, predicted; 0: the model knows none
};

struct Features {
  machine::Config config;  ///< without what no model needs
  std::vector<Feature> all;
  std::vector<std::uint64_t> cycles, cycles_before;  ///< predicted, of each model
};

/// Leaves out one feature after the other, the largest that others build on last.
/// @throws Error  a model is refused by the design as it is
Features smallest_for(const std::vector<std::string>& models, const machine::Config& config);

/// A line a feature, the sums, and the settings that give the design.
std::string to_text(const Features& found, const std::vector<std::string>& models,
                    const machine::Config& before);
Json to_json(const Features& found, const std::vector<std::string>& models);

}  // namespace trine::cli
