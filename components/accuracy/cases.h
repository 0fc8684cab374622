// SPDX-License-Identifier: Apache-2.0
//
// The cases that a runtime records for `record` and `compare`: random inputs, a user's inputs, or
// examples of a data set (--data, --mean, --scale).

#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "components/accuracy/data.h"
#include "tools/cli/common.h"

namespace trine::cli {

/// The options of the cases.
struct CaseOptions {
  std::string data;
  std::vector<std::string> inputs;
  std::vector<std::string> shapes;  ///< --shape
  int count = -1, seed = 1;
  int most;  ///< maximum number of --data examples if --count is not given
  Preparation preparation;

  explicit CaseOptions(int most_) : most(most_) {}

  void declare(Command command);
  /// Checks combinations of options. @throws Error
  void check();
  /// Returns the files to read, each with the option that names it.
  std::vector<NamedFile> files() const;
  /// Returns arguments for components/zoo/record.py. Examples of --data are written to `folder` in
  /// the type and shape of MODEL's input, with their labels.
  /// @throws Error
  std::vector<std::string> arguments(const std::string& model,
                                     const std::filesystem::path& folder) const;

 private:
  std::vector<std::string> examples(const std::string& model,
                                    const std::filesystem::path& folder) const;
};

}  // namespace trine::cli
