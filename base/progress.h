// SPDX-License-Identifier: Apache-2.0
//
// A line on stderr that tells how long work has taken so far, for people who wait.

#pragma once

#include <condition_variable>
#include <mutex>
#include <string>
#include <thread>

namespace trine {

/// Whether stderr is a terminal: only there progress is shown.
bool has_terminal();

/// "what state (12 s)", from half a second on, once a second or so; silent unless stderr is a
/// terminal.
class Progress {
 public:
  Progress(std::string what, bool quiet);
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;
  ~Progress();  ///< wipes the line

  void update(const std::string& state);

 private:
  void show();

  const std::string what_;
  std::string state_;
  bool done_ = false;
  std::mutex mutex_;
  std::condition_variable ended_;
  std::thread thread_;  ///< none without a terminal
};

}  // namespace trine
