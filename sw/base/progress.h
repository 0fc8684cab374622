// SPDX-License-Identifier: Apache-2.0
//
// Shows on stderr how long a command has been working.

#pragma once

#include <condition_variable>
#include <mutex>
#include <string>
#include <thread>

namespace trine {

/// Returns true if stderr is a terminal. Progress is shown only there.
bool has_terminal();

/// A line "what state (12 s)" on stderr, shown after half a second and updated twice a second.
/// Prints nothing if stderr is not a terminal.
class Progress {
 public:
  Progress(std::string what, bool quiet);
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;
  ~Progress();  ///< erases the line

  /// Sets the text after `what`.
  void update(const std::string& state);

 private:
  void show();

  const std::string what_;
  std::string state_;
  bool done_ = false;
  std::mutex mutex_;
  std::condition_variable ended_;
  std::thread thread_;  ///< not started without a terminal
};

}  // namespace trine
