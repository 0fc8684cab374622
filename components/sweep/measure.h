// SPDX-License-Identifier: Apache-2.0
//
// Fills a results folder for `trine report`: runs the other commands for each model on each
// design, except commands whose results exist.

#pragma once

#include <string>
#include <vector>

#include "tools/cli/common.h"

namespace trine::cli {

/// The options that describe the measurements.
struct Measurements {
  std::vector<std::string> configs, settings, models, shapes;
  std::vector<std::string> vectors, data, floats;  ///< for each model, in order; "-": none
  std::vector<std::string> mean, scale;
  std::vector<int> batches;  ///< empty: 1, 2, 4 and 8; of tables of shapes 1
  std::string out, backend = "arch", objective = "cycles", liberty;
  bool synth = false, cpu = false;

  void declare(Command command);
  /// Returns the files that the options name, for Output::check.
  std::vector<NamedFile> read() const;
  /// Returns true if something is to be measured. @throws Error  an option requires others
  bool asked() const;
  /// Runs the commands and prints a line for each, also for those that cannot run.
  /// @return true if all results are right
  /// @throws Error  a model cannot be run, or an error of a command
  bool measure(const Output& output) const;
};

}  // namespace trine::cli
