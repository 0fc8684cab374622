// SPDX-License-Identifier: Apache-2.0
//
// Computes the data that an order of loops would move for each product of a network
// (tools/estimate/dataflows.h), for `estimate --dataflow`.

#pragma once

#include <string>

#include "tools/cli/common.h"
#include "tools/cli/run/network.h"

namespace trine::cli {

/// The options of the analysis.
struct DataflowOptions {
  std::string flow;  ///< the order of loops; "": none
  bool explain = false;
  std::string timeloop;  ///< folder for Timeloop's files
  std::string table;     ///< language model whose products are counted; "": the model's
  int tokens = 1;        ///< of `table`

  void declare(Command command);
  /// Returns true if an order was given.
  bool given() const { return !flow.empty(); }
  /// Checks the options. @throws Error  an option requires another one
  void check(const NetworkOptions& network) const;
};

/// Runs the analysis. @return an exit code
int run_dataflow(const DataflowOptions& options, const NetworkOptions& network,
                 const spec::Config& config, const Output& output);

}  // namespace trine::cli
