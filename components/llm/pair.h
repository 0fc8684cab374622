// SPDX-License-Identifier: Apache-2.0
//
// Generates text with an encoder and a decoder: a folder with two networks
// (docs/encoder-decoder.md). The encoder reads a whole line. The decoder runs once per symbol, and
// its output enters its next run, as a cache that grows in the machine's memory or as a window of
// fixed size.

#pragma once

#include <string>

#include "tools/cli/common.h"
#include "tools/cli/run/network.h"

namespace trine::cli {

/// Returns true if MODEL is a folder with an encoder.
bool is_pair(const std::string& model);

/// The options of such a run.
struct PairOptions {
  std::string folder;
  std::string line;  ///< text to read
  int tokens = 64;   ///< maximum number of symbols to write
  int context = 256;
  double clock_mhz = 200;
  bool layers = false;
};

/// Runs a pair. @return an exit code
int run_pair(const PairOptions& options, const Design& design, const BackendOptions& backend,
             const Output& output);

}  // namespace trine::cli
