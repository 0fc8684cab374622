// SPDX-License-Identifier: Apache-2.0
//
// Runs recorded vectors and measures time.

#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "sw/reference/vectors/compare.h"
#include "sw/reference/vectors/vectors.h"
#include "tools/cli/run/network.h"
#include "tools/cli/run/report.h"

namespace trine::cli {

/// Measures the time since its construction.
class Stopwatch {
 public:
  double seconds() const {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count();
  }

 private:
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

/// The comparison of all cases' outputs with the recorded ones.
struct Comparison {
  std::vector<std::string> differences;     ///< one line for each case that is not exact
  std::vector<std::size_t> differing;       ///< the numbers of these cases
  std::vector<std::vector<Array>> outputs;  ///< what these cases gave
  reference::Deviation codes;               ///< deviation of all outputs of all cases
  int labelled = 0, right = 0;  ///< cases with labels; cases among them whose top-1 is the label
  int recorded_right = 0;       ///< cases among them whose recorded top-1 is the label
};

/// Returns "codes differ, by up to 2", or "values differ" for floats without codes.
std::string differ_text(const reference::Deviation& d);

/// Runs all cases of a vector set.
/// @throws Error  type or size of an output differ from the recorded output
Execution run_cases(const compiler::Program& program, const reference::VectorSet& vectors,
                    const Runner& runner, bool quiet, Comparison& comparison);

/// The differences that `verify` accepts.
struct Accepted {
  int tolerance = 0;      ///< most codes by which an output may differ
  bool rounding = false;  ///< those that come from the runtime's rounding only
};

/// The result of `verify`.
struct Verification {
  Json json;  ///< without the configuration
  Execution execution;
  std::string text;                 ///< text of the comparison
  std::vector<std::string> faults;  ///< a line each; empty: all codes are within the tolerance
};

/// Compiles a model with its vectors' rounding.
/// @param bytes  of the file that `options.model` names
/// @throws Error  the vectors do not belong to this model, or as load_network()
Network load_network(const reference::VectorSet& vectors, const std::vector<std::uint8_t>& bytes,
                     const NetworkOptions& options, const spec::Config& config);

/// Checks that vectors fit a model or a program. @throws Error  the tensors differ from the
/// network's
void check_vectors(const reference::VectorSet& vectors, const Network& network);

/// Runs and compares all vectors. @pre the vectors' tensors fit the network
Verification verify(const Network& network, const reference::VectorSet& vectors,
                    const reference::RoundingPolicy& policy, const BackendOptions& backend,
                    const Accepted& accepted, bool quiet);

}  // namespace trine::cli
