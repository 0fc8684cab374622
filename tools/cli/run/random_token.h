// SPDX-License-Identifier: Apache-2.0
//
// A token of a model of a known shape whose weights are random, or several at once
// (tools/llm/whole_token.h).

#pragma once

#include <cstdint>
#include <string>

#include "machine/config.h"
#include "tools/cli/common.h"
#include "tools/cli/run/network.h"

namespace trine::cli {

struct RandomTokenOptions {
  std::string shape;
  std::string weights;  ///< "": the shape's
  int context = 256, position = 0;
  int count = 1;  ///< tokens at once
  bool layers = false;
  std::uint32_t seed = 1;
  double clock_mhz = 200;
};

/// "bitnet-2b, llama-2-7b"
std::string random_shapes();
/// @return an exit code
int run_random_token(const RandomTokenOptions& options, const machine::Config& config,
                     const BackendOptions& backend, const Output& output);

}  // namespace trine::cli
