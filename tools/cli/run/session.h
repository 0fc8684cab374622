// SPDX-License-Identifier: Apache-2.0
//
// A compiled model that stays loaded, for the Python package and the plug-ins of other frameworks.

#pragma once

#include <cstdint>
#include <mutex>
#include <optional>
#include <utility>
#include <vector>

#include "sim/result.h"
#include "tools/cli/run/network.h"

namespace trine::cli {

/// A compiled model and the backend of its last run.
class Session {
 public:
  /// Compiles a model or reads a program.
  /// @param bytes  of the file that `options.model` names
  /// @param rounding  used if the options do not set it
  /// @throws Error  as load_network()
  Session(const std::vector<std::uint8_t>& bytes, const NetworkOptions& options,
          const spec::Config& config,
          reference::RoundingPolicy rounding = reference::kDoublePolicy);

  /// Prints progress on stderr while the RTL is built. By default a session prints nothing.
  void show_progress() { quiet_ = false; }

  const NetworkOptions& options() const { return options_; }
  const reference::RoundingPolicy& policy() const { return policy_; }
  const Network& network() const { return network_; }
  const compiler::Program& program() const { return network_.program; }

  /// Checks inputs. @throws Error  their number, a type or a shape is wrong
  void check_inputs(const std::vector<Array>& inputs) const;
  /// Runs one inference. Threads wait for each other.
  /// @pre check_inputs() accepts the inputs
  sim::RunResult run(const std::vector<Array>& inputs, const BackendOptions& backend);

 private:
  /// Returns the runner of the last run if its options are the same, else a new one.
  const Runner& runner_of(const BackendOptions& backend, const std::vector<Array>& first);

  NetworkOptions options_;
  reference::RoundingPolicy policy_;
  Network network_;
  std::vector<Array> shapes_;
  bool quiet_ = true;
  std::mutex mutex_;  ///< guards runner_
  std::optional<std::pair<BackendOptions, Runner>> runner_;
};

}  // namespace trine::cli
