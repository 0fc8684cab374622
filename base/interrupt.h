// SPDX-License-Identifier: Apache-2.0
//
// What does not outlive the program when a signal ends it: unfinished files and folders, tools that
// it runs. A signal runs no destructor.

#pragma once

#include <signal.h>
#include <sys/types.h>

#include <array>
#include <csignal>
#include <cstddef>
#include <filesystem>

namespace trine {

/// From now on Ctrl-C, SIGTERM and SIGHUP end the running tools and remove what is registered; then
/// the signal ends the program, as it would have (a shell tells 130 after Ctrl-C). A signal that is
/// ignored or has a handler stays as it is. For programs, not for libraries in those of others.
void clean_up_on_signals();

/// A file or folder that such a signal removes, as long as this lives.
class Unfinished {
 public:
  explicit Unfinished(const std::filesystem::path& path);
  Unfinished(const Unfinished&) = delete;
  Unfinished& operator=(const Unfinished&) = delete;
  ~Unfinished();

 private:
  std::size_t slot_;
};

/// A process that such a signal ends (SIGTERM), as long as this lives.
class RunningTool {
 public:
  explicit RunningTool(pid_t id);
  RunningTool(const RunningTool&) = delete;
  RunningTool& operator=(const RunningTool&) = delete;
  ~RunningTool();

 private:
  std::size_t slot_;
};

/// Remembers SIGINT and SIGTERM as long as it lives, then takes what was there before.
class Interruption {
 public:
  Interruption();
  Interruption(const Interruption&) = delete;
  Interruption& operator=(const Interruption&) = delete;
  ~Interruption();

  /// The one that came, 0: none.
  static int signal();

 private:
  static constexpr std::array<int, 2> kSignals{SIGINT, SIGTERM};
  std::array<struct sigaction, 2> before_{};
};

}  // namespace trine
