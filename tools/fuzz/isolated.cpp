// SPDX-License-Identifier: Apache-2.0

#include <fmt/format.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "base/error.h"
#include "tools/fuzz/pair.h"

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

}  // namespace

Verdict run_isolated(const Pair& pair, Backend backend, int seconds) {
  int ends[2];
  if (pipe(ends) != 0) throw_error("pipe: {}", std::strerror(errno));
  const pid_t child = fork();
  if (child < 0) throw_error("fork: {}", std::strerror(errno));
  if (child == 0) {
    close(ends[0]);
    alarm(static_cast<unsigned>(seconds));
    write_all(ends[1], to_line(run_pair(pair, backend)));
    _exit(0);
  }
  close(ends[1]);
  const std::string line = read_all(ends[0]);
  close(ends[0]);
  int status = 0;
  while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  if (WIFSIGNALED(status)) {
    const int signal = WTERMSIG(status);
    return {Outcome::kFailed, signal == SIGALRM ? fmt::format("no result after {} s", seconds)
                                                : fmt::format("crash: {}", strsignal(signal))};
  }
  return parse_line(line);
}

}  // namespace trine::fuzz
