// SPDX-License-Identifier: Apache-2.0
//
// Fills a results folder for `trine report`: runs the other commands for each model on each design,
// those whose result is not there yet.

#pragma once

#include <string>
#include <vector>

#include "tools/cli/common.h"

namespace trine::cli {

struct Measurements {
  std::vector<std::string> configs, settings, models, shapes;
  std::vector<std::string> vectors, data, floats;  ///< of each model, in order; "-": none
  std::vector<std::string> mean, scale;
  std::vector<int> batches{1, 2, 4, 8};
  std::string out, backend = "arch", liberty;
  bool synth = false, cpu = false;

  void declare(Command command);
  /// The files that they name, for Output::check.
  std::vector<NamedFile> read() const;
  /// Whether something is to be measured. @throws Error  options that need others
  bool asked() const;
  /// A line for each command that is run, and for each that cannot.
  /// @return whether all results are right
  /// @throws Error  a model cannot be run, or as the command at fault
  bool measure(const Output& output) const;
};

}  // namespace trine::cli
