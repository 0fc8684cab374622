// SPDX-License-Identifier: Apache-2.0
//
// Running recorded vectors, and measuring time.

#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "sw/reference/vectors/compare.h"
#include "sw/reference/vectors/vectors.h"
#include "tools/cli/run/network.h"
#include "tools/cli/run/report.h"

namespace trine::cli {

class Stopwatch {
 public:
  double seconds() const {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count();
  }

 private:
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

/// How the outputs of all cases lie to the recorded ones.
struct Comparison {
  std::vector<std::string> differences;  ///< one line for each case that is not exact
  reference::Deviation codes;            ///< of all outputs of all cases
  int labelled = 0, right = 0;           ///< cases with labels; those whose top-1 they are
  int recorded_right = 0;                ///< of the recorded outputs
};

/// Runs all cases of a vector set.
/// @throws Error  an output of another type or size than the recorded one
Execution run_cases(const compiler::Program& program, const reference::VectorSet& vectors,
                    const Runner& runner, bool quiet, Comparison& comparison);

/// What `verify` finds out.
struct Verification {
  Json json;  ///< without the configuration
  Execution execution;
  std::string text;                 ///< of the comparison, for people
  std::vector<std::string> faults;  ///< a line each; none: all codes within the tolerance
};

/// A model compiled as its vectors' runtime rounds. @param bytes  which `options.model` names
/// @throws Error  vectors that are not of this model, and what load_network() refuses
Network load_network(const reference::VectorSet& vectors, const std::vector<std::uint8_t>& bytes,
                     const NetworkOptions& options, const machine::Config& config);

/// @throws Error  vectors whose tensors are not those of the network, be it a model or a program
void check_vectors(const reference::VectorSet& vectors, const Network& network);

/// @pre the vectors' tensors fit the network
Verification verify(const Network& network, const reference::VectorSet& vectors,
                    const reference::RoundingPolicy& policy, const BackendOptions& backend,
                    int tolerance, bool quiet);

}  // namespace trine::cli
