// SPDX-License-Identifier: Apache-2.0
//
// A user's data as the inputs of a recorded run: --data, --mean, --scale of record and compare.

#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "tools/cli/common.h"
#include "tools/cli/data.h"

namespace trine::cli {

struct ExampleOptions {
  std::string data;
  Preparation preparation;

  void declare(CLI::App& command);
  /// Writes examples in the type and shape of MODEL's input into `folder`, with their labels.
  /// @param count  at most
  /// @return what models/record.py is told of them; nothing without --data
  /// @throws Error
  std::vector<std::string> arguments(const std::string& model, std::size_t count,
                                     const std::filesystem::path& folder) const;
};

}  // namespace trine::cli
