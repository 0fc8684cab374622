// SPDX-License-Identifier: Apache-2.0

#include "components/sweep/jobs.h"

#include <fmt/format.h>

#include <chrono>

#include "sw/base/cache.h"
#include "sw/base/file.h"
#include "sw/base/hash.h"
#include "sw/base/process.h"
#include "sw/base/root.h"

namespace trine::cli {
namespace {

/// Formats a duration: "3 h 20 min", "40 s".
std::string duration(double seconds) {
  const auto s = static_cast<long>(seconds + 0.5);
  if (s < 120) return fmt::format("{} s", s);
  return s < 7200 ? fmt::format("{} min", s / 60)
                  : fmt::format("{} h {} min", s / 3600, s / 60 % 60);
}

/// Returns a hash of the changes since the commit of a revision that ends in "-dirty", else "".
std::string changes_of(const std::string& revision) {
  if (!revision.ends_with("-dirty")) return "";
  return first_line_of({"sh", "-c", "git -C \"$1\" diff HEAD | git hash-object --stdin", "sh",
                        project_root().string()});
}

}  // namespace

void EngineFlags::declare(Command command) {
  add_value(command, "--engine E", engine, "local: processes; slurm: a job array (local)")
      ->check(one_of({"local", "slurm"}));
  add_value(command, "--jobs,-j N", jobs,
            "processes at a time (one per processor); with slurm: elements of the\n"
            "job array (one per task, at most 1000)")
      ->check(range(1, 1 << 16));
  add_value(command, "--out DIR", out,
            "folder for the results, which a later sweep reuses\n"
            "($TRINE_CACHE/sweep); with slurm: a folder that all nodes can reach");
  command.add_flag("--retry", retry, "run failed points again");
}

std::string task_name(const std::string& depends) {
  static const std::string own = revision();
  static const std::string program =
      fmt::format("{}{} {:016x}", own, changes_of(own), hash64(read_text(sweep::own_program())));
  return fmt::format("{:016x}", hash64(program + " " + depends));
}

sweep::Task trine_task(const std::string& name, const std::vector<std::string>& words) {
  sweep::Task task{name, {sweep::own_program()}, true};
  task.argv.insert(task.argv.end(), words.begin(), words.end());
  return task;
}

std::vector<sweep::Outcome> run_tasks(const std::vector<sweep::Task>& tasks,
                                      const EngineFlags& flags, const std::string& what,
                                      bool quiet) {
  sweep::EngineOptions options;
  options.engine = flags.engine == "slurm" ? sweep::Engine::kSlurm : sweep::Engine::kLocal;
  options.jobs = flags.jobs;
  options.retry = flags.retry;
  Progress progress(what, quiet);
  const auto start = std::chrono::steady_clock::now();
  const auto observer = [&](int known, int failed, int before) {
    const std::chrono::duration<double> so_far = std::chrono::steady_clock::now() - start;
    const int count = static_cast<int>(tasks.size()), here = known - before;
    const double left = here > 0 ? so_far.count() * (count - known) / here : 0;
    progress.update(fmt::format("{} of {}, {} failed{}", known, count, failed,
                                here > 0 ? ", about " + duration(left) + " left" : ""));
  };
  const std::filesystem::path folder =
      flags.out.empty() ? cache_folder() / "sweep" : std::filesystem::path(flags.out);
  return sweep::run(tasks, folder, options, observer);
}

}  // namespace trine::cli
