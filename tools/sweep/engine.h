// SPDX-License-Identifier: Apache-2.0
//
// Runs a list of commands, each once: by processes of this machine or by an array of Slurm's.
//
// Workers (`trine sweep --worker`) go through the list and take what nobody has. What a command
// came to is a file of a folder, NAME.json or NAME.failed, written whole; while it runs it holds
// the lock (flock) of NAME.log, its output, so that it is neither lost nor started a second time
// when a worker is killed. The folder is all that workers and the one who waits have in common.

#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "base/json.h"

namespace trine::sweep {

struct Task {
  std::string name;               ///< of its files: a hash of all that it depends on
  std::vector<std::string> argv;  ///< argv[0] with a path
  /// A command of trine: `--quiet --json FILE` are added, and its JSON without times is the result.
  bool json = true;
};

struct Outcome {
  int code = -1;     ///< exit code, 128 + n after signal n; -1: it has none
  std::string text;  ///< what a command printed that has no JSON or failed, its end
  Json result;       ///< its JSON, where it wrote one

  bool known() const { return code >= 0; }
  /// The first line of `text`.
  std::string reason() const;
};

enum class Engine { kLocal, kSlurm };

struct EngineOptions {
  Engine engine = Engine::kLocal;
  int jobs = 0;         ///< workers; 0: as many as processors, of Slurm as tasks
  bool retry = false;   ///< what failed is run again
  std::string program;  ///< trine, for the workers; empty: this one
};

/// How far it is: tasks with an outcome, those that failed among them, those that had one before.
using Observer = std::function<void(int known, int failed, int known_before)>;

/// Brings each task to an outcome; one without says in `text` why. Tasks of equal names run once.
/// @param folder  made if absent
/// @throws Error  the folder cannot be written, Slurm is not there
std::vector<Outcome> run(const std::vector<Task>& tasks, const std::filesystem::path& folder,
                         const EngineOptions& options, const Observer& observer);

/// A worker, number `part` of `parts`: runs tasks of a list that run() wrote until all have an
/// outcome or the one who waits is gone. @return exit code
int work(const std::filesystem::path& list, int part, int parts);

/// This program. @throws Error  it was replaced by another
std::string own_program();

}  // namespace trine::sweep
