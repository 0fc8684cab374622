// SPDX-License-Identifier: Apache-2.0

#include "sw/base/progress.h"

#include <unistd.h>

#include <chrono>
#include <cstdio>

namespace trine {

bool has_terminal() { return ::isatty(STDERR_FILENO) != 0; }

Progress::Progress(std::string what, bool quiet) : what_(std::move(what)) {
  if (!quiet && has_terminal()) thread_ = std::thread([this] { show(); });
}

Progress::~Progress() {
  if (!thread_.joinable()) return;
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    done_ = true;
  }
  ended_.notify_one();
  thread_.join();
}

void Progress::update(const std::string& state) {
  if (!thread_.joinable()) return;
  const std::lock_guard<std::mutex> lock(mutex_);
  state_ = state;
}

void Progress::show() {
  constexpr std::chrono::milliseconds kPeriod{500};
  const auto start = std::chrono::steady_clock::now();
  bool shown = false;
  std::unique_lock<std::mutex> lock(mutex_);
  while (!ended_.wait_for(lock, kPeriod, [this] { return done_; })) {
    const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
    std::fprintf(stderr, "\r\033[K%s %s(%.0f s)", what_.c_str(),
                 state_.empty() ? "" : (state_ + " ").c_str(), seconds.count());
    std::fflush(stderr);
    shown = true;
  }
  if (shown) std::fprintf(stderr, "\r\033[K");
}

}  // namespace trine
