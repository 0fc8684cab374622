// SPDX-License-Identifier: Apache-2.0
//
// Runs commands of trine as tasks (components/sweep/engine.h), for `sweep` and campaigns.

#pragma once

#include <string>
#include <vector>

#include "components/sweep/engine.h"
#include "tools/cli/common.h"

namespace trine::cli {

/// The options --engine, --out, --jobs and --retry.
struct EngineFlags {
  std::string engine = "local", out;
  int jobs = 0;
  bool retry = false;

  void declare(Command command);
  /// Returns true if --engine, --out or --jobs was given.
  bool asked() const { return engine != "local" || !out.empty() || jobs > 0; }
};

/// Returns the name of a task with this key, for this program and revision.
std::string task_name(const std::string& depends);

/// Returns the task `trine WORDS`.
sweep::Task trine_task(const std::string& name, const std::vector<std::string>& words);

/// Runs the tasks with a progress line. @param what  text of that line
std::vector<sweep::Outcome> run_tasks(const std::vector<sweep::Task>& tasks,
                                      const EngineFlags& flags, const std::string& what,
                                      bool quiet);

}  // namespace trine::cli
