// SPDX-License-Identifier: Apache-2.0

#include "sw/base/interrupt.h"

#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <csignal>
#include <cstring>
#include <string>

namespace trine {
namespace {

// The signal handler reads these tables, so they have a fixed size: a handler must not allocate. A
// path or tool without a slot is not cleaned up.
constexpr std::size_t kSlots = 128, kNone = kSlots, kLongestPath = 1024;

struct Slot {
  std::atomic<bool> taken{false}, ready{false};
  std::array<char, kLongestPath> path{};
};
std::array<Slot, kSlots> unfinished;
std::array<std::atomic<pid_t>, kSlots> tools;
std::atomic<pid_t> owner{0};  ///< a forked process inherits the slots but must not use them

void wait_a_little() {
  const timespec tenth{0, 100'000'000};
  ::nanosleep(&tenth, nullptr);
}

/// Removes unfinished files. @return true if there were any
bool remove_unfinished() {
  bool any = false;
  for (Slot& slot : unfinished) {
    struct stat there {};
    if (!slot.ready || ::lstat(slot.path.data(), &there) != 0) continue;
    any = true;
    const pid_t child = ::_Fork();  // fork() is not safe in a handler: it waits for malloc's lock
    if (child == 0) {
      ::execl("/bin/rm", "rm", "-rf", "--", slot.path.data(), static_cast<char*>(nullptr));
      ::_exit(1);
    }
    if (child > 0) ::waitpid(child, nullptr, 0);
  }
  return any;
}

/// @return true if a tool is still running
bool tools_run() {
  bool any = false;
  for (const std::atomic<pid_t>& tool : tools)
    any = (tool > 0 && ::waitpid(tool, nullptr, WNOHANG) == 0) || any;
  return any;
}

/// Stops the tools, then removes unfinished files until no tool runs, because a tool may write
/// until it ends.
void clean_up(int signal) {
  constexpr int kTries = 20;
  if (::getpid() == owner) {
    ::signal(signal, SIG_IGN);
    if (::getpgrp() == owner) ::kill(0, signal);  // ends tools of tools, too, as Ctrl-C does
    for (const std::atomic<pid_t>& tool : tools)
      if (tool > 0) ::kill(tool, SIGTERM);
    for (int i = 0; i < kTries && (tools_run() || remove_unfinished()); ++i) wait_a_little();
    remove_unfinished();  // of a tool that is still running
  }
  ::signal(signal, SIG_DFL);
  ::raise(signal);  // when the handler returns
}

}  // namespace

void clean_up_on_signals() {
  owner = ::getpid();
  struct sigaction action {};
  action.sa_handler = clean_up;
  const int signals[] = {SIGINT, SIGTERM, SIGHUP};
  for (const int signal : signals) sigaddset(&action.sa_mask, signal);
  for (const int signal : signals) {
    struct sigaction before {};
    ::sigaction(signal, nullptr, &before);
    if (before.sa_handler == SIG_DFL) ::sigaction(signal, &action, nullptr);
  }
}

Unfinished::Unfinished(const std::filesystem::path& path) : slot_(kNone) {
  const std::string name = std::filesystem::absolute(path).string();
  if (name.size() >= kLongestPath) return;
  for (std::size_t i = 0; i < kSlots && slot_ == kNone; ++i)
    if (!unfinished[i].taken.exchange(true)) slot_ = i;
  if (slot_ == kNone) return;
  std::memcpy(unfinished[slot_].path.data(), name.c_str(), name.size() + 1);
  unfinished[slot_].ready = true;
}

Unfinished::~Unfinished() {
  if (slot_ == kNone) return;
  unfinished[slot_].ready = false;
  unfinished[slot_].taken = false;
}

RunningTool::RunningTool(pid_t id) : slot_(kNone) {
  for (std::size_t i = 0; i < kSlots && slot_ == kNone; ++i) {
    pid_t free = 0;
    if (tools[i].compare_exchange_strong(free, id)) slot_ = i;
  }
}

RunningTool::~RunningTool() {
  if (slot_ != kNone) tools[slot_] = 0;
}

// ---- work that ends early -----------------------------------------------------------------------

namespace {
volatile std::sig_atomic_t remembered = 0;
}  // namespace

Interruption::Interruption() {
  remembered = 0;
  struct sigaction action {};
  action.sa_handler = [](int signal) { remembered = signal; };
  action.sa_flags = SA_RESTART;  // system calls that wait for a process continue
  for (std::size_t i = 0; i < kSignals.size(); ++i) ::sigaction(kSignals[i], &action, &before_[i]);
}

Interruption::~Interruption() {
  for (std::size_t i = 0; i < kSignals.size(); ++i) ::sigaction(kSignals[i], &before_[i], nullptr);
}

int Interruption::signal() { return remembered; }

}  // namespace trine
