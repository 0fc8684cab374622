// SPDX-License-Identifier: Apache-2.0
//
// The options of the plug-ins for ONNX Runtime and LiteRT: keys and values, both text.

#pragma once

#include <string>
#include <utility>
#include <vector>

#include "spec/config.h"
#include "tools/cli/run/network.h"

namespace trine::abi {

/// The options of a plug-in.
struct Options {
  spec::Config config;          ///< `config` with the changes of `set`
  cli::BackendOptions backend;  ///< `backend`: arch, rtl, netlist
  /// An operator that the machine does not execute is an error, which lists all of them.
  bool strict = false;
  std::string report;    ///< file for the partition as JSON; empty: none
  bool verbose = false;  ///< prints the partition on stderr
  reference::RoundingPolicy rounding = reference::kDoublePolicy;  ///< rounding of the framework
};

/// Parses options. Keys: config (a preset or a TOML file, edge256), set ("array.rows=4
/// array.cols=16"), backend (arch), strict (0), report, verbose (0).
/// @throws Error  an unknown key, or a value that is not valid for its key
Options options_of(const std::vector<std::pair<std::string, std::string>>& given);

/// Lets the library find presets and RTL in the folder share/trine next to it, if that exists, as
/// in the wheel.
void find_files();

}  // namespace trine::abi
