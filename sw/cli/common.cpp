// SPDX-License-Identifier: Apache-2.0

#include "sw/cli/common.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>

#include "sw/base/error.h"
#include "sw/base/file.h"

namespace trine::cli {

void Output::declare(CLI::App& command) {
  command.add_option("--json", json_file, "write the results to FILE as JSON")->type_name("FILE");
  command.add_flag("--quiet,-q", quiet, "print nothing but errors");
}

void Output::check(std::vector<NamedFile> written, const std::vector<NamedFile>& read) const {
  written.push_back({"--json", json_file});
  for (std::size_t i = 0; i < written.size(); ++i) {
    const auto& [option, path] = written[i];
    if (path.empty()) continue;
    for (const NamedFile& other : read)
      if (!other.path.empty() && same_file(path, other.path))
        throw_error("{}: {} is the file that {} reads", option, path, other.option);
    for (std::size_t k = 0; k < i; ++k)
      if (!written[k].path.empty() && same_file(path, written[k].path))
        throw_error("{}: {} is written by {} already, allowed once", option, path,
                    written[k].option);
    check_writable(path);
  }
}

void Output::print(const std::string& text) const {
  if (quiet) return;
  if (std::fwrite(text.data(), 1, text.size(), stdout) != text.size()) flush_stdout();
}

void flush_stdout() {
  errno = EIO;  // of a failure that was seen earlier
  if (std::fflush(stdout) != 0 || std::ferror(stdout) != 0)
    throw_error("trine: standard output: cannot write: {}", std::strerror(errno));
}

void Output::write_json(const Json& json) const {
  if (!json_file.empty()) write_file(json_file, json.dump(2) + "\n");
}

CLI::Option* Design::declare(CLI::App& command) {
  command.add_option("--set", settings, "change one key of the configuration; may be repeated")
      ->type_name("key=value")
      ->allow_extra_args(false);
  return command.add_option("--config,-c", config, "TOML file, or name of a preset")
      ->type_name("C")
      ->required();
}

bool has_terminal() { return ::isatty(STDERR_FILENO) != 0; }

Progress::Progress(std::string what, bool quiet)
    : what_(std::move(what)), active_(!quiet && has_terminal()) {
  update("");
}

Progress::~Progress() {
  if (active_) fmt::print(stderr, "\r\033[K");
}

void Progress::update(const std::string& state) {
  const auto now = std::chrono::steady_clock::now();
  if (!active_ || now - last_ < std::chrono::milliseconds(100)) return;
  last_ = now;
  fmt::print(stderr, "\r\033[K{} {}", what_, state);
  std::fflush(stderr);
}

std::string grouped(std::uint64_t number) {
  std::string digits = std::to_string(number);
  for (std::size_t at = digits.size(); at > 3;) digits.insert(at -= 3, ",");
  return digits;
}

}  // namespace trine::cli
