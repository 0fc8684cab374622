// SPDX-License-Identifier: Apache-2.0

#include "sw/cli/check.h"

#include <fmt/format.h>

#include "sw/compiler/host.h"

namespace trine::cli {
Execution run_cases(const compiler::Program& program, const reference::VectorSet& vectors,
                    const Runner& runner, bool quiet, std::vector<std::string>& differences) {
  Execution execution;
  Progress progress(fmt::format("{}: running", vectors.model), quiet);
  const Stopwatch watch;
  for (const reference::VectorCase& one : vectors.cases) {
    progress.update(fmt::format("vector {} of {}", execution.vectors + 1, vectors.cases.size()));
    sim::RunResult result = runner(one.inputs);
    const std::string difference = compiler::first_difference(program, result.outputs, one.outputs);
    if (!difference.empty()) differences.push_back(fmt::format("{}: {}", one.id, difference));
    execution.add(std::move(result), difference.empty());
  }
  execution.seconds = watch.seconds();
  return execution;
}

}  // namespace trine::cli
