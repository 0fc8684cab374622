// SPDX-License-Identifier: Apache-2.0
//
// Runs one or several tokens of a model with a known shape and random weights
// (components/llm/whole_token.h).

#pragma once

#include <cstdint>
#include <string>

#include "spec/config.h"
#include "tools/cli/common.h"
#include "tools/cli/run/network.h"

namespace trine::cli {

/// The options of such a run.
struct RandomTokenOptions {
  std::string shape;
  std::string weights;  ///< "": the shape's
  int context = 256, position = 0;
  int count = 1;  ///< number of tokens in one run
  bool layers = false;
  std::uint32_t seed = 1;
  double clock_mhz = 200;
};

/// Returns the names of all shapes: "bitnet-2b, llama-2-7b".
std::string random_shapes();
/// Runs the tokens. @return an exit code
int run_random_token(const RandomTokenOptions& options, const spec::Config& config,
                     const BackendOptions& backend, const Output& output);

}  // namespace trine::cli
