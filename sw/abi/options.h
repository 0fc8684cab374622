// SPDX-License-Identifier: Apache-2.0
//
// What a user of ONNX Runtime or LiteRT says with the plug-in: keys and values, both text.

#pragma once

#include <string>
#include <utility>
#include <vector>

#include "machine/config.h"
#include "tools/cli/run/network.h"

namespace trine::abi {

struct Options {
  machine::Config config;       ///< `config`, changed by `set`
  cli::BackendOptions backend;  ///< `backend`: arch, rtl, netlist
  bool strict = false;          ///< all of the graph, or an error that lists the rest
  std::string report;           ///< a file that gets the partition as JSON
  bool verbose = false;         ///< prints the partition on stderr
  reference::RoundingPolicy rounding = reference::kDoublePolicy;  ///< the framework's
};

/// Keys: config (a preset or a TOML file, edge256), set ("array.rows=4 array.cols=16"), backend
/// (arch), strict (0), report, verbose (0).
/// @throws Error  a key that there is not, or a value that it does not take
Options options_of(const std::vector<std::pair<std::string, std::string>>& given);

/// Lets the library find presets and RTL in the folder share/trine beside itself, as the wheel has
/// them, if there is one.
void find_files();

}  // namespace trine::abi
