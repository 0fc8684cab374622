// SPDX-License-Identifier: Apache-2.0
//
// What an order of loops would move for each product of a network (tools/estimate/dataflows.h), for
// `estimate --dataflow`.

#pragma once

#include <string>

#include "tools/cli/common.h"
#include "tools/cli/run/network.h"

namespace trine::cli {

struct DataflowOptions {
  std::string flow;  ///< "": none
  bool explain = false;
  std::string timeloop;  ///< folder for its files

  void declare(Command command);
  bool given() const { return !flow.empty(); }
  /// @throws Error  options that need another one. @param table  of --table, which has no layers
  void check(const std::string& table, int batch) const;
};

/// @return an exit code
int run_dataflow(const DataflowOptions& options, const NetworkOptions& network,
                 const machine::Config& config, const Output& output);

}  // namespace trine::cli
