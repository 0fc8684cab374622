// SPDX-License-Identifier: Apache-2.0

#include "components/sweep/engine.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstring>
#include <future>
#include <optional>
#include <set>
#include <thread>

#include "components/sweep/slurm.h"
#include "sw/base/error.h"
#include "sw/base/file.h"
#include "sw/base/hash.h"
#include "sw/base/interrupt.h"
#include "sw/base/process.h"

namespace trine::sweep {
namespace fs = std::filesystem;
namespace {

constexpr std::chrono::milliseconds kLook{200}, kLookAtOne{1};
constexpr int kKilled = 128;  ///< exit codes from here on are not the command's own
constexpr std::size_t kMostText = 1 << 16;

std::string file_text(const Json& json) { return json_text(json, 2) + "\n"; }

/// The files of a task.
struct Files {
  fs::path result, failed, log, part;

  Files(const fs::path& folder, const std::string& name)
      : result(folder / (name + ".json")),
        failed(folder / (name + ".failed")),
        log(folder / (name + ".log")),
        part(folder / (name + ".part")) {}

  bool known() const { return fs::exists(result) || fs::exists(failed); }
};

Json parsed(const fs::path& path) {
  try {
    return parse_json(read_text(path), path.string());
  } catch (const Error& error) {
    throw_error("{}; delete it to run it again", error.what());
  }
}

Outcome outcome_of(const Files& files, const Task& task) {
  if (fs::exists(files.failed)) {
    const Json failed = parsed(files.failed);
    return {failed.at("exit_code"), failed.at("text"), failed.at("result")};
  }
  if (!fs::exists(files.result)) return {};
  const Json result = parsed(files.result);
  if (task.json) return {0, "", result};
  return {0, result.at("text"), {}};
}

/// A lock on the log of a task: the process that holds it, or a command that it started, works on
/// the task.
class Claim {
 public:
  /// @param wait  waits until another process finishes
  Claim(const fs::path& log, bool wait)
      : log_(::open(log.c_str(), O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0666)) {
    if (log_ < 0) throw_error("{}: cannot write: {}", log.string(), std::strerror(errno));
    while (::flock(log_, wait ? LOCK_EX : LOCK_EX | LOCK_NB) != 0) {
      if (errno == EINTR) continue;
      if (errno != EWOULDBLOCK)
        throw_error("{}: cannot be locked: {}", log.string(), std::strerror(errno));
      mine_ = false;
      break;
    }
  }
  Claim(const Claim&) = delete;
  Claim& operator=(const Claim&) = delete;
  ~Claim() { ::close(log_); }

  bool mine() const { return mine_; }
  int descriptor() const { return log_; }

 private:
  int log_;
  bool mine_ = true;
};

void record(const Task& task, const Files& files, int code) {
  const std::string all = read_text(files.log);
  const std::string text = all.size() > kMostText ? all.substr(all.size() - kMostText) : all;
  Json result;
  if (fs::exists(files.part)) {
    result = parsed(files.part);
    for (const char* time : {"sim_seconds", "seconds"}) result.erase(time);  // differ in each run
  }
  if (code != 0)
    write_file(files.failed, file_text({{"exit_code", code}, {"text", text}, {"result", result}}));
  else
    write_file(files.result, file_text(task.json ? result : Json{{"text", text}}));
  fs::remove(files.part);
}

/// Runs the task unless it has an outcome. @return false if another process runs it
bool attempt(const Task& task, const fs::path& folder, bool wait) {
  const Files files(folder, task.name);
  if (files.known()) return true;
  const Claim claim(files.log, wait);
  if (!claim.mine()) return false;
  if (!files.known()) {
    if (::ftruncate(claim.descriptor(), 0) != 0)
      throw_error("{}: cannot write: {}", files.log.string(), std::strerror(errno));
    std::vector<std::string> argv = task.argv;
    if (task.json) own_program();  // results of another program would get the names of this one
    if (task.json) argv.insert(argv.end(), {"--quiet", "--json", files.part.string()});
    record(task, files, run_process(argv, claim.descriptor()));
  }
  fs::remove(files.log);  // a process that opens it now makes a new one, and sees the outcome
  return true;
}

Json to_json(const std::vector<Task>& tasks) {
  Json list = Json::array();
  for (const Task& task : tasks)
    list.push_back({{"name", task.name}, {"argv", task.argv}, {"json", task.json}});
  return list;
}

/// Removes failures. A failure of the command itself is an outcome; a failure of the computer (a
/// kill) is not.
void forget_failures(const std::vector<Task>& tasks, const fs::path& folder, bool all) {
  for (const Task& task : tasks) {
    const Files files(folder, task.name);
    if (fs::exists(files.failed) && (all || outcome_of(files, task).code >= kKilled))
      fs::remove(files.failed);
  }
}

/// Returns each task without an outcome once.
std::vector<Task> without_outcome(const std::vector<Task>& tasks, const fs::path& folder) {
  std::vector<Task> open;
  std::set<std::string> seen;
  for (const Task& task : tasks)
    if (seen.insert(task.name).second && !Files(folder, task.name).known()) open.push_back(task);
  return open;
}

/// Regularly reports to the observer which results have arrived.
class Watch {
 public:
  Watch(const std::vector<Task>& all, const std::vector<Task>& open, const fs::path& folder,
        const Observer& observer)
      : observer_(observer) {
    std::set<std::string> names;
    for (const Task& task : all) names.insert(task.name);
    before_ = static_cast<int>(names.size() - open.size());
    for (const std::string& name : names) failed_ += fs::exists(Files(folder, name).failed) ? 1 : 0;
    known_ = before_;
    for (const Task& task : open) waiting_.emplace_back(folder, task.name);
  }

  /// @return true if all tasks have an outcome
  bool look() {
    std::erase_if(waiting_, [&](const Files& files) {
      if (!files.known()) return false;
      ++known_;
      failed_ += fs::exists(files.failed) ? 1 : 0;
      return true;
    });
    if (observer_) observer_(known_, failed_, before_);
    return waiting_.empty();
  }

  /// Returns the pause until the next look, which accesses the file system for each task.
  std::chrono::milliseconds pause() const {
    return kLook + kLookAtOne * static_cast<int>(waiting_.size());
  }

 private:
  const Observer& observer_;
  std::vector<Files> waiting_;
  int known_ = 0, failed_ = 0, before_ = 0;
};

/// Starts workers on this computer.
void work_here(const std::string& program, const fs::path& list, int jobs, Watch& watch) {
  std::vector<std::future<int>> workers;
  workers.reserve(static_cast<std::size_t>(jobs));
  for (int part = 0; part < jobs; ++part)
    workers.push_back(std::async(std::launch::async, [&, part] {
      return run_process(
          {program, "sweep", "--worker", list.string(), "--part", fmt::format("{}/{}", part, jobs)},
          ".", list.parent_path() / std::to_string(part));
    }));
  for (std::future<int>& worker : workers)
    while (worker.wait_for(watch.pause()) != std::future_status::ready) watch.look();
  for (std::future<int>& worker : workers) worker.get();
}

/// Starts an array of Slurm's. Slurm does not know who waits for it, so an interrupted process ends
/// the array.
void work_there(const std::string& program, const fs::path& list, int jobs, Watch& watch) {
  {
    const Interruption interruption;
    SlurmArray array(program, list, jobs);
    while (Interruption::signal() == 0 && !watch.look() && !array.ended())
      std::this_thread::sleep_for(watch.pause());
    if (Interruption::signal() == 0) return;
    array.cancel();
  }
  std::raise(Interruption::signal());  // ends the process as the signal would have
  throw_error("--engine slurm: interrupted");
}

int workers_of(const EngineOptions& options, std::size_t tasks) {
  const std::size_t processors = std::max(1U, std::thread::hardware_concurrency());
  const bool slurm = options.engine == Engine::kSlurm;
  const std::size_t asked = options.jobs > 0 ? static_cast<std::size_t>(options.jobs)
                            : slurm          ? tasks
                                             : processors;
  return static_cast<int>(std::min({asked, tasks, slurm ? kMostSlurm : tasks}));
}

/// Runs the open tasks. @return messages of the workers that ended before their tasks
std::string run_open(const std::vector<Task>& open, const fs::path& folder,
                     const EngineOptions& options, Watch& watch) {
  sweep_folders(folder);  // of killed processes
  const TemporaryFolder lists(folder, "list");
  const fs::path list = lists.path() / "tasks";
  write_file(list, file_text(to_json(open)));
  const std::string program = options.program.empty() ? own_program() : options.program;
  const int jobs = workers_of(options, open.size());
  (options.engine == Engine::kSlurm ? work_there : work_here)(program, list, jobs, watch);
  for (int part = 0; part < jobs; ++part) {
    std::string line = tail_of(lists.path() / std::to_string(part), 1);
    if (!line.empty()) return line;
  }
  return "the worker process ended before it finished this task\n";
}

}  // namespace

std::string Outcome::reason() const { return text.substr(0, text.find('\n')); }

std::string own_program() {
  std::string program = fs::read_symlink("/proc/self/exe").string();
  if (program.ends_with(" (deleted)"))
    throw_error("trine: the program was replaced while it ran; start it again");
  return program;
}

std::vector<Outcome> run(const std::vector<Task>& tasks, const fs::path& folder,
                         const EngineOptions& options, const Observer& observer) {
  if (options.engine == Engine::kSlurm) check_slurm();
  check_writable_folder(folder);
  fs::create_directories(folder);
  const fs::path here = fs::absolute(folder);
  forget_failures(tasks, here, options.retry);
  const std::vector<Task> open = without_outcome(tasks, here);
  Watch watch(tasks, open, here, observer);
  const std::string message = open.empty() ? "" : run_open(open, here, options, watch);
  watch.look();
  std::vector<Outcome> outcomes = outcomes_of(tasks, here);
  for (Outcome& outcome : outcomes)
    if (!outcome.known()) outcome.text = message;
  return outcomes;
}

std::vector<Outcome> outcomes_of(const std::vector<Task>& tasks, const fs::path& folder) {
  std::vector<Outcome> outcomes;
  for (const Task& task : tasks) outcomes.push_back(outcome_of(Files(folder, task.name), task));
  return outcomes;
}

int work(const fs::path& list, int part, int parts) {
  const pid_t waiting = ::getppid();
  if (!fs::exists(list)) return 0;  // all is done
  std::vector<Task> tasks;
  for (const Json& task : parsed(list))
    tasks.push_back({task.at("name"), task.at("argv"), task.at("json")});
  // Each worker begins at a different task, so that they rarely meet; afterwards it takes tasks
  // that others began and did not finish.
  std::rotate(tasks.begin(),
              tasks.begin() + static_cast<std::ptrdiff_t>(tasks.size()) * part / parts,
              tasks.end());
  for (const bool wait : {false, true})
    for (const Task& task : tasks) {
      if (::getppid() != waiting) return 0;
      attempt(task, list.parent_path().parent_path(), wait);
    }
  return 0;
}

}  // namespace trine::sweep
