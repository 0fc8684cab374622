// SPDX-License-Identifier: Apache-2.0
//
// A compiled model that stays loaded: what the Python package and the plug-ins of other frameworks
// run.

#pragma once

#include <cstdint>
#include <mutex>
#include <optional>
#include <utility>
#include <vector>

#include "sim/result.h"
#include "tools/cli/run/network.h"

namespace trine::cli {

class Session {
 public:
  /// @param bytes  of a model or program, which `options.model` names
  /// @param rounding  where the options leave it open
  /// @throws Error  as load_network()
  Session(const std::vector<std::uint8_t>& bytes, const NetworkOptions& options,
          const machine::Config& config,
          reference::RoundingPolicy rounding = reference::kDoublePolicy);

  /// On stderr, while the RTL is built; without it a session prints nothing.
  void show_progress() { quiet_ = false; }

  const NetworkOptions& options() const { return options_; }
  const reference::RoundingPolicy& policy() const { return policy_; }
  const Network& network() const { return network_; }
  const compiler::Program& program() const { return network_.program; }

  /// @throws Error  an input too many, too few, of another type or shape
  void check_inputs(const std::vector<Array>& inputs) const;
  /// One inference. Threads take turns.
  /// @pre check_inputs() takes them
  sim::RunResult run(const std::vector<Array>& inputs, const BackendOptions& backend);

 private:
  /// The one of the last run, where its options are the same.
  const Runner& runner_of(const BackendOptions& backend, const std::vector<Array>& first);

  NetworkOptions options_;
  reference::RoundingPolicy policy_;
  Network network_;
  std::vector<Array> shapes_;
  bool quiet_ = true;
  std::mutex mutex_;  ///< of runner_
  std::optional<std::pair<BackendOptions, Runner>> runner_;
};

}  // namespace trine::cli
