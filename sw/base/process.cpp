// SPDX-License-Identifier: Apache-2.0

#include "sw/base/process.h"

#include <fcntl.h>
#include <spawn.h>
#include <sys/file.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <sstream>

#include "sw/base/error.h"
#include "sw/base/file.h"
#include "sw/base/interrupt.h"
#include "sw/base/packages.h"

extern char** environ;

namespace trine {
namespace fs = std::filesystem;
namespace {

/// A folder younger than this is kept: between mkdtemp and its lock it has no owner.
constexpr std::chrono::minutes kSweptAge{1};

/// Returns true if one of `settings` ("NAME=value") sets `variable`.
bool is_set(const std::string& variable, const std::vector<std::string>& settings) {
  const std::string name = variable.substr(0, variable.find('=') + 1);
  return std::ranges::any_of(settings, [&](const std::string& s) { return s.starts_with(name); });
}

/// A running tool whose stdout and stderr go where `output` says.
class Child {
 public:
  template <typename AddOutput>
  Child(const std::vector<std::string>& argv, const fs::path& folder,
        const std::vector<std::string>& settings, const AddOutput& add_output) {
    std::vector<char*> arguments;
    for (const std::string& argument : argv)
      arguments.push_back(const_cast<char*>(argument.c_str()));
    arguments.push_back(nullptr);

    std::vector<char*> variables;
    for (const std::string& setting : settings)
      variables.push_back(const_cast<char*>(setting.c_str()));
    for (char** variable = environ; *variable != nullptr; ++variable)
      if (!is_set(*variable, settings)) variables.push_back(*variable);
    variables.push_back(nullptr);

    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    add_output(&actions);
    posix_spawn_file_actions_adddup2(&actions, STDOUT_FILENO, STDERR_FILENO);
    posix_spawn_file_actions_addchdir_np(&actions, folder.c_str());
    const int error =
        posix_spawnp(&id_, argv[0].c_str(), &actions, nullptr, arguments.data(), variables.data());
    posix_spawn_file_actions_destroy(&actions);
    if (error != 0)
      throw_error("{}: cannot be started ({}); get it by: {}", argv[0], std::strerror(error),
                  how_to_install({argv[0]}));
  }

  /// @return the exit code, or 128 + n after signal n
  int wait() const {
    const RunningTool running(id_);
    int status = 0;
    while (waitpid(id_, &status, 0) < 0 && errno == EINTR) {
    }
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  }

  pid_t id() const { return id_; }

 private:
  pid_t id_ = 0;
};

}  // namespace

int run_process(const std::vector<std::string>& argv, const fs::path& folder, const fs::path& log,
                const std::vector<std::string>& settings) {
  const std::string path = fs::absolute(log).string();
  const Child child(argv, folder, settings, [&path](posix_spawn_file_actions_t* actions) {
    posix_spawn_file_actions_addopen(actions, STDOUT_FILENO, path.c_str(),
                                     O_WRONLY | O_CREAT | O_TRUNC, 0644);
  });
  return child.wait();
}

int run_process(const std::vector<std::string>& argv, int log) {
  const Child child(argv, ".", {}, [log](posix_spawn_file_actions_t* actions) {
    posix_spawn_file_actions_adddup2(actions, log, STDOUT_FILENO);
  });
  return child.wait();
}

int run_process(const std::vector<std::string>& argv, const fs::path& folder,
                const std::function<void(std::string_view)>& on_output) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) throw_error("cannot create a pipe: {}", std::strerror(errno));
  const Child child(argv, folder, {}, [&ends](posix_spawn_file_actions_t* actions) {
    posix_spawn_file_actions_adddup2(actions, ends[1], STDOUT_FILENO);
  });
  const RunningTool running(child.id());
  close(ends[1]);
  char buffer[4096];
  for (ssize_t count = 0; (count = read(ends[0], buffer, sizeof buffer)) != 0;)
    if (count > 0)
      on_output({buffer, static_cast<std::size_t>(count)});
    else if (errno != EINTR)
      break;
  close(ends[0]);
  return child.wait();
}

std::string first_line_of(const std::vector<std::string>& argv) {
  const TemporaryFolder scratch(fs::temp_directory_path());
  const fs::path log = scratch.path() / "out";
  if (run_process(argv, scratch.path(), log) != 0) return {};
  const std::string text = read_text(log);
  return text.substr(0, text.find('\n'));
}

bool on_path(const std::string& name) {
  const char* path = std::getenv("PATH");
  std::istringstream folders(path != nullptr ? path : "/usr/bin:/bin");
  for (std::string folder; std::getline(folders, folder, ':');)
    if (access((fs::path(folder) / name).c_str(), X_OK) == 0) return true;
  return false;
}

TemporaryFolder::TemporaryFolder(const fs::path& parent, const std::string& stem) {
  std::error_code failed;
  fs::create_directories(parent, failed);
  std::string name = (parent / (stem + "-XXXXXX")).string();
  if (mkdtemp(name.data()) == nullptr)
    throw_error("{}: cannot create a folder there: {}", parent.string(), std::strerror(errno));
  path_ = name;
  unfinished_ = std::make_unique<Unfinished>(path_);
  lock_ = ::open(path_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (lock_ >= 0) flock(lock_, LOCK_EX);
}

TemporaryFolder::~TemporaryFolder() {
  std::error_code ignored;
  fs::remove_all(path_, ignored);
  if (lock_ >= 0) ::close(lock_);
}

void sweep_folders(const fs::path& parent) {
  const auto is_ours = [](const std::string& name) {
    return std::ranges::any_of(std::array{"build-", "design-", "list-"}, [&](const char* stem) {
      return name.starts_with(stem) && name.size() == std::strlen(stem) + 6;
    });
  };
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(parent, ignored)) {
    if (!is_ours(entry.path().filename().string())) continue;
    const auto age = fs::file_time_type::clock::now() - entry.last_write_time(ignored);
    if (!entry.is_directory(ignored) || age < kSweptAge) continue;
    const int folder = ::open(entry.path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (folder < 0) continue;
    if (flock(folder, LOCK_EX | LOCK_NB) == 0) fs::remove_all(entry.path(), ignored);
    ::close(folder);
  }
}

std::string tail_of(const fs::path& file, int lines) {
  std::ifstream in(file);
  std::vector<std::string> all;
  for (std::string line; std::getline(in, line);) all.push_back(line);
  std::string text;
  const auto count = static_cast<std::size_t>(lines);
  for (std::size_t i = all.size() > count ? all.size() - count : 0; i < all.size(); ++i)
    text += all[i] + "\n";
  return text;
}

std::string last_line_of(const fs::path& file) {
  std::string line = tail_of(file, 1);
  std::erase(line, '\n');
  return line;
}

}  // namespace trine
