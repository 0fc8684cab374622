// SPDX-License-Identifier: Apache-2.0
//
// Commands of trine run as tasks (tools/sweep/engine.h): what `sweep` and campaigns share.

#pragma once

#include <string>
#include <vector>

#include "tools/cli/common.h"
#include "tools/sweep/engine.h"

namespace trine::cli {

/// --engine, --out, --jobs; --retry.
struct EngineFlags {
  std::string engine = "local", out;
  int jobs = 0;
  bool retry = false;

  void declare(CLI::App& command);
  /// Whether one of the first three was named.
  bool asked() const { return engine != "local" || !out.empty() || jobs > 0; }
};

/// The name of a task that `depends` tells apart, of this program and revision.
std::string task_name(const std::string& depends);

/// `trine WORDS`.
sweep::Task trine_task(const std::string& name, const std::vector<std::string>& words);

/// Runs them with a line of progress. @param what  for that line
std::vector<sweep::Outcome> run_tasks(const std::vector<sweep::Task>& tasks,
                                      const EngineFlags& flags, const std::string& what,
                                      bool quiet);

}  // namespace trine::cli
