// SPDX-License-Identifier: Apache-2.0
//
// A text by an encoder and a decoder: a folder with two networks (docs/encoder-decoder.md). The
// encoder reads a line at once; the decoder runs once a symbol, and what it gives goes into its
// next run, as a cache that grows in the machine's memory or a window of fixed size.

#pragma once

#include <string>

#include "tools/cli/common.h"
#include "tools/cli/run/network.h"

namespace trine::cli {

/// Whether MODEL is a folder that has an encoder.
bool is_pair(const std::string& model);

struct PairOptions {
  std::string folder;
  std::string line;  ///< what is read
  int tokens = 64;   ///< symbols to write at most
  int context = 256;
  double clock_mhz = 200;
  bool layers = false;
};

/// @return an exit code
int run_pair(const PairOptions& options, const Design& design, const BackendOptions& backend,
             const Output& output);

}  // namespace trine::cli
