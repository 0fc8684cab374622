// SPDX-License-Identifier: Apache-2.0
//
// Finds the smallest features with which a design runs given models (`trine generate --for`).

#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "spec/config.h"
#include "tools/cli/common.h"

namespace trine::cli {

/// A feature of the design, and whether a model needs it.
struct Feature {
  std::string key;    ///< setting that removes it: "vector.softmax=false"
  bool kept = false;  ///< true if a model needs it
  std::string why;    ///< without it: refused, more operators on the host, or over 1 % more cycles
  double gate_equivalents = 0;  ///< predicted area of its logic; 0: not known
};

/// The result of the search.
struct Features {
  spec::Config config;  ///< without the features that no model needs
  std::vector<Feature> all;
  std::vector<std::uint64_t> cycles, cycles_before;  ///< predicted for each model
};

/// Removes one feature after the other; the largest features, on which others depend, come last.
/// @throws Error  the original design refuses a model
Features smallest_for(const std::vector<std::string>& models, const spec::Config& config);

/// Returns a line for each feature, the sums, and the settings that give the design.
std::string to_text(const Features& found, const std::vector<std::string>& models,
                    const spec::Config& before);
Json to_json(const Features& found, const std::vector<std::string>& models);

}  // namespace trine::cli
