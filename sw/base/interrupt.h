// SPDX-License-Identifier: Apache-2.0
//
// Cleans up when a signal ends the program: removes unfinished files and folders and ends running
// tools. Destructors do not run after a signal.

#pragma once

#include <signal.h>
#include <sys/types.h>

#include <array>
#include <csignal>
#include <cstddef>
#include <filesystem>

namespace trine {

/// Installs handlers for SIGINT (Ctrl-C), SIGTERM and SIGHUP. They end the running tools, remove
/// all registered files, and then end the program with the same signal (a shell reports 130 after
/// Ctrl-C). A signal that is ignored or has a handler is left as it is. For programs only: a
/// library must not change the signals of its host program.
void clean_up_on_signals();

/// Registers a file or folder that such a signal removes during the lifetime of this object.
class Unfinished {
 public:
  explicit Unfinished(const std::filesystem::path& path);
  Unfinished(const Unfinished&) = delete;
  Unfinished& operator=(const Unfinished&) = delete;
  ~Unfinished();

 private:
  std::size_t slot_;
};

/// Registers a process that such a signal ends (SIGTERM) during the lifetime of this object.
class RunningTool {
 public:
  explicit RunningTool(pid_t id);
  RunningTool(const RunningTool&) = delete;
  RunningTool& operator=(const RunningTool&) = delete;
  ~RunningTool();

 private:
  std::size_t slot_;
};

/// Records SIGINT and SIGTERM during its lifetime; the destructor restores the old handlers.
class Interruption {
 public:
  Interruption();
  Interruption(const Interruption&) = delete;
  Interruption& operator=(const Interruption&) = delete;
  ~Interruption();

  /// Returns the signal that arrived, or 0.
  static int signal();

 private:
  static constexpr std::array<int, 2> kSignals{SIGINT, SIGTERM};
  std::array<struct sigaction, 2> before_{};
};

}  // namespace trine
