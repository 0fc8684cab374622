// SPDX-License-Identifier: Apache-2.0

#include <fmt/format.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <regex>

#include "components/fuzz/pair.h"
#include "sw/base/error.h"

namespace trine::fuzz {
namespace {

std::string to_line(const Verdict& v) {
  return fmt::format("{} {} {} {} {} {} {} {}", static_cast<int>(v.outcome), v.telling ? 1 : 0,
                     v.removed ? 1 : 0, v.striped ? 1 : 0, v.streams, v.arch_cycles, v.rtl_cycles,
                     v.text);
}

Verdict parse_line(const std::string& line) {
  Verdict v;
  int outcome = 0, telling = 0, removed = 0, striped = 0, text = 0;
  unsigned long long arch = 0, rtl = 0;
  if (std::sscanf(line.c_str(), "%d %d %d %d %u %llu %llu %n", &outcome, &telling, &removed,
                  &striped, &v.streams, &arch, &rtl, &text) < 7)
    return {Outcome::kFailed, "the process ended without a result"};
  v.outcome = static_cast<Outcome>(outcome);
  v.telling = telling != 0;
  v.removed = removed != 0;
  v.striped = striped != 0;
  v.arch_cycles = arch;
  v.rtl_cycles = rtl;
  v.text = line.substr(static_cast<std::size_t>(text));
  return v;
}

void write_all(int to, const std::string& text) {
  for (std::size_t at = 0; at < text.size();) {
    const ssize_t n = write(to, text.data() + at, text.size() - at);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return;
    at += static_cast<std::size_t>(n);
  }
}

std::string read_all(int from) {
  std::string text;
  char buffer[4096];
  for (;;) {
    const ssize_t n = read(from, buffer, sizeof buffer);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return text;
    text.append(buffer, static_cast<std::size_t>(n));
  }
}

/// Returns "RTL: assertion trine_post.sv:389: TOP.trine_top....a_drained" from a stopped model's
/// output; empty if no assertion failed.
std::string failed_assertion(const std::string& printed) {
  static const std::regex kLine("([^/ ]+[.]sv:[0-9]+): Assertion failed in ([^\\n]*)");
  std::smatch found;
  if (!std::regex_search(printed, found, kLine)) return "";
  return fmt::format("RTL: assertion {}: {}", found[1].str(), found[2].str());
}

/// Limits processor time, which is independent of other processes, and also ends a process that
/// sleeps.
void limit_time(int seconds) {
  const auto most = static_cast<rlim_t>(seconds);
  const rlimit limit{most, most + 5};
  setrlimit(RLIMIT_CPU, &limit);
  constexpr unsigned kLoaded = 20;
  alarm(kLoaded * static_cast<unsigned>(seconds));
}

}  // namespace

Verdict run_isolated(const std::function<Verdict()>& work, int seconds) {
  int ends[2];
  if (pipe(ends) != 0) throw_error("pipe: {}", std::strerror(errno));
  const int printed = memfd_create("printed", 0);
  if (printed < 0) throw_error("memfd_create: {}", std::strerror(errno));
  std::fflush(nullptr);
  const pid_t child = fork();
  if (child < 0) throw_error("fork: {}", std::strerror(errno));
  if (child == 0) {
    close(ends[0]);
    limit_time(seconds);
    dup2(printed, STDOUT_FILENO);
    dup2(printed, STDERR_FILENO);
    write_all(ends[1], to_line(work()));
    _exit(0);
  }
  close(ends[1]);
  const std::string line = read_all(ends[0]);
  close(ends[0]);
  int status = 0;
  while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  lseek(printed, 0, SEEK_SET);
  const std::string text = read_all(printed);
  close(printed);
  if (WIFSIGNALED(status)) {
    const int signal = WTERMSIG(status);
    if (const std::string assertion = failed_assertion(text); !assertion.empty())
      return {Outcome::kFailed, assertion};
    return {Outcome::kFailed, signal == SIGALRM || signal == SIGXCPU
                                  ? fmt::format("no result after {} s", seconds)
                                  : fmt::format("crash: {}", strsignal(signal))};
  }
  return parse_line(line);
}

Verdict run_isolated(const Pair& pair, Backend backend, int seconds) {
  return run_isolated([&] { return run_pair(pair, backend); }, seconds);
}

}  // namespace trine::fuzz
