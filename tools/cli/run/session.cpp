// SPDX-License-Identifier: Apache-2.0

#include "tools/cli/run/session.h"

#include <tuple>

#include "sw/base/error.h"

namespace trine::cli {

Session::Session(const std::vector<std::uint8_t>& bytes, const NetworkOptions& options,
                 const spec::Config& config, reference::RoundingPolicy rounding)
    : options_(options),
      policy_(options.policy(rounding)),
      network_(load_network(bytes, options, config, policy_)),
      shapes_(input_shapes(network_)) {}

void Session::check_inputs(const std::vector<Array>& inputs) const {
  if (inputs.size() != shapes_.size())
    throw_error("run: {} inputs, but {} has {} input{}", inputs.size(), options_.model,
                shapes_.size(), shapes_.size() == 1 ? "" : "s");
  for (std::size_t i = 0; i < inputs.size(); ++i)
    check_input(inputs[i], "run", i, shapes_[i], options_.model);
}

sim::RunResult Session::run(const std::vector<Array>& inputs, const BackendOptions& backend) {
  const std::lock_guard one_at_a_time(mutex_);
  return runner_of(backend, inputs)(inputs);
}

const Runner& Session::runner_of(const BackendOptions& backend, const std::vector<Array>& first) {
  const auto key = [](const BackendOptions& o) {
    return std::tie(o.backend, o.axi_latency, o.axi_bytes_per_cycle, o.trace_file, o.lockstep);
  };
  if (!runner_ || key(runner_->first) != key(backend)) {
    backend.check();
    runner_.reset();
    runner_.emplace(backend, make_runner(network_.program, backend, first, quiet_));
  }
  return runner_->second;
}

}  // namespace trine::cli
