// SPDX-License-Identifier: Apache-2.0
//
// Cases that a runtime records, of record and compare: random ones, a user's inputs, or examples of
// a data set (--data, --mean, --scale).

#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "tools/cli/common.h"
#include "tools/cli/models/data.h"

namespace trine::cli {

struct CaseOptions {
  std::string data;
  std::vector<std::string> inputs;
  std::vector<std::string> shapes;  ///< --shape
  int count = -1, seed = 1;
  int most;  ///< examples of --data without --count
  Preparation preparation;

  explicit CaseOptions(int most_) : most(most_) {}

  void declare(CLI::App& command);
  /// What does not go together. @throws Error
  void check();
  /// Files that are read, by their options.
  std::vector<NamedFile> files() const;
  /// What models/record.py is told of them. Examples of --data are written into `folder` in the
  /// type and shape of MODEL's input, with their labels.
  /// @throws Error
  std::vector<std::string> arguments(const std::string& model,
                                     const std::filesystem::path& folder) const;

 private:
  std::vector<std::string> examples(const std::string& model,
                                    const std::filesystem::path& folder) const;
};

}  // namespace trine::cli
