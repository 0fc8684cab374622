// SPDX-License-Identifier: Apache-2.0

#include "sim/rtl/process.h"

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <sstream>

#include "sw/base/error.h"
#include "sw/base/file.h"

extern char** environ;

namespace trine::sim {
namespace fs = std::filesystem;
namespace {

std::string package_of(const std::string& tool) {
  return tool == "sta" ? "opensta" : tool == "make" ? "make" : tool;
}

}  // namespace

int run_process(const std::vector<std::string>& argv, const fs::path& folder, const fs::path& log) {
  std::vector<char*> arguments;
  for (const std::string& argument : argv) arguments.push_back(const_cast<char*>(argument.c_str()));
  arguments.push_back(nullptr);

  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, fs::absolute(log).c_str(),
                                   O_WRONLY | O_CREAT | O_TRUNC, 0644);
  posix_spawn_file_actions_adddup2(&actions, STDOUT_FILENO, STDERR_FILENO);
  posix_spawn_file_actions_addchdir_np(&actions, folder.c_str());
  pid_t child = 0;
  const int error =
      posix_spawnp(&child, argv[0].c_str(), &actions, nullptr, arguments.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  if (error != 0)
    throw_error("{}: cannot be started ({}); install the Debian package {}", argv[0],
                std::strerror(error), package_of(argv[0]));

  int status = 0;
  while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

std::string first_line_of(const std::vector<std::string>& argv) {
  const TemporaryFolder scratch(fs::temp_directory_path());
  const fs::path log = scratch.path() / "out";
  if (run_process(argv, scratch.path(), log) != 0) return {};
  std::ifstream in(log);
  std::string line;
  std::getline(in, line);
  return line;
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
    throw_error("{}: cannot make a folder there: {}", parent.string(), std::strerror(errno));
  path_ = name;
}

TemporaryFolder::~TemporaryFolder() {
  std::error_code ignored;
  if (!keep_) fs::remove_all(path_, ignored);
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

}  // namespace trine::sim
