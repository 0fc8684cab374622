// SPDX-License-Identifier: Apache-2.0
//
// Running recorded vectors, and measuring time.

#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "sw/cli/network.h"
#include "sw/cli/report.h"
#include "sw/reference/vectors.h"

namespace trine::cli {

class Stopwatch {
 public:
  double seconds() const {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count();
  }

 private:
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

/// Runs all cases of a vector set. @param differences  one line for each case that is not exact
Execution run_cases(const compiler::Program& program, const reference::VectorSet& vectors,
                    const Runner& runner, bool quiet, std::vector<std::string>& differences);

}  // namespace trine::cli
