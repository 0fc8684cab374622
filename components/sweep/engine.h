// SPDX-License-Identifier: Apache-2.0
//
// Runs each command of a list once, with processes of this computer or with an array of Slurm.
//
// Workers (`trine sweep --worker`) go through the list and run free tasks. The outcome of a command
// is a file of a folder, NAME.json or NAME.failed, which is written as a whole. A running command
// locks (flock) NAME.log, its output. If a worker is killed, its command is therefore neither lost
// nor started twice. Workers and the waiting process share only the folder.

#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "sw/base/json.h"

namespace trine::sweep {

/// A command of the list.
struct Task {
  std::string name;               ///< stem of its files: a hash of everything that it depends on
  std::vector<std::string> argv;  ///< argv[0] with a path
  /// True for a command of trine: `--quiet --json FILE` are added, and its JSON without times is
  /// the result.
  bool json = true;
};

/// The outcome of a task.
struct Outcome {
  int code = -1;     ///< exit code, 128 + n after signal n; -1: none
  std::string text;  ///< end of the output of a command without JSON or with a failure
  Json result;       ///< JSON of the command, if it wrote any

  /// Returns true if the task has an outcome.
  bool known() const { return code >= 0; }
  /// Returns the first line of `text`.
  std::string reason() const;
};

/// Selects where workers run: on this computer, or through Slurm.
enum class Engine { kLocal, kSlurm };

/// The options of a run.
struct EngineOptions {
  Engine engine = Engine::kLocal;
  int jobs = 0;         ///< number of workers; 0: one per processor, with Slurm one per task
  bool retry = false;   ///< runs failed tasks again
  std::string program;  ///< path of trine for the workers; empty: this program
};

/// Called with the numbers of tasks with an outcome, of failed ones among them, and of tasks whose
/// outcome was known at the start.
using Observer = std::function<void(int known, int failed, int known_before)>;

/// Runs all tasks that have no outcome yet, and returns the outcomes. If a task still has none, the
/// reason is in `text`. Tasks with equal names run once.
/// @param folder  created if it is missing
/// @throws Error  the folder cannot be written, or Slurm is missing
std::vector<Outcome> run(const std::vector<Task>& tasks, const std::filesystem::path& folder,
                         const EngineOptions& options, const Observer& observer);

/// Returns the outcomes that the folder of a run contains so far.
std::vector<Outcome> outcomes_of(const std::vector<Task>& tasks,
                                 const std::filesystem::path& folder);

/// Runs worker `part` of `parts` on a list of tasks that run() wrote. The worker runs tasks until
/// all have an outcome or the waiting process has ended. @return exit code
int work(const std::filesystem::path& list, int part, int parts);

/// Returns the path of this program. @throws Error  another file has replaced it
std::string own_program();

}  // namespace trine::sweep
