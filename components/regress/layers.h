// SPDX-License-Identifier: Apache-2.0
//
// Runs the layer types of layer_types.h on a design: golden layer, architecture simulator and RTL
// must agree.

#pragma once

#include <string>
#include <vector>

#include "components/fuzz/pair.h"
#include "components/regress/layer_types.h"
#include "spec/config.h"

namespace trine::regress {

/// A layer that failed.
struct FailedLayer {
  std::string corner, text;
  fuzz::Pair pair;
};

/// The result of a layer type on a design.
struct TypeResult {
  const LayerType* type = nullptr;
  int exact = 0, refused = 0;
  std::string reason;  ///< of the first refusal
  std::uint64_t cycles = 0;
  std::vector<FailedLayer> failed;

  /// Returns true if the design does not support the type.
  bool unsupported() const { return exact == 0 && failed.empty(); }
};

/// Returns the key that a type needs and that is off in the design, or "".
std::string missing_key(const LayerType& type, const spec::Config& config);

/// Makes the layer of a type in a corner. @param seed  of weights, inputs and scales
fuzz::Pair layer_pair(const LayerType& type, const Corner& corner, const spec::Config& config,
                      std::uint64_t seed);

/// Runs a type in all corners.
/// @param seeds  networks for each corner
TypeResult run_type(const LayerType& type, const spec::Config& config, fuzz::Backend backend,
                    int seeds);

/// Writes the program of a failed layer, its memory before the run, its graph as text and, if the
/// RTL differs, the first differing write with its cycle and a waveform into `folder`.
void keep_failure(const FailedLayer& layer, const std::string& name, const std::string& folder);

}  // namespace trine::regress
