// SPDX-License-Identifier: Apache-2.0
//
// What the commands share: options, JSON report, exit codes, progress.
//
// A command is a function that declares itself on the application and returns its exit code from
// the callback: 0 success, 1 a result is wrong, 2 bad input (thrown as trine::Error).

#pragma once

#include <CLI/CLI.hpp>
#include <chrono>
#include <functional>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "gen/config.h"

namespace trine::cli {

using Json = nlohmann::ordered_json;

enum ExitCode { kSuccess = 0, kWrongResult = 1, kBadInput = 2 };

/// The command that the arguments chose; set by the callback of its subcommand.
using Action = std::function<int()>;

/// A file by the option that names it.
struct NamedFile {
  std::string option, path;
};

/// --json FILE and --quiet.
struct Output {
  std::string json_file;
  bool quiet = false;

  void declare(CLI::App& command);
  /// Before the work: each file that it will write, --json among them, can be written, is named
  /// once, and is none that it reads. Empty paths are none.
  /// @throws Error
  void check(std::vector<NamedFile> written, const std::vector<NamedFile>& read) const;
  /// Prints to stdout, unless --quiet. @throws Error  it cannot be written
  void print(const std::string& text) const;
  /// Writes the file that --json names, if any.
  void write_json(const Json& json) const;
};

/// --config C and --set key=value.
struct Design {
  std::string config;
  std::vector<std::string> settings;

  CLI::Option* declare(CLI::App& command);  ///< returns --config, required
  gen::Config load() const { return gen::load_config(config, settings); }
};

/// Writes out what stdout still holds. @throws Error
void flush_stdout();

/// Whether stderr is a terminal: only there progress is shown.
bool has_terminal();

/// A line on stderr that tells how far long work is; silent unless stderr is a terminal.
class Progress {
 public:
  Progress(std::string what, bool quiet);
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;
  ~Progress();  ///< wipes the line

  void update(const std::string& state);

 private:
  std::string what_;
  bool active_;
  std::chrono::steady_clock::time_point last_{};
};

/// 1234567 -> "1,234,567".
std::string grouped(std::uint64_t number);

// One file each.
void add_compile(CLI::App& app, Action& action);
void add_demo(CLI::App& app, Action& action);
void add_estimate(CLI::App& app, Action& action);
void add_fuzz(CLI::App& app, Action& action);
void add_generate(CLI::App& app, Action& action);
void add_generate_text(CLI::App& app, Action& action);
void add_inject(CLI::App& app, Action& action);
void add_run(CLI::App& app, Action& action);
void add_synth(CLI::App& app, Action& action);
void add_verify(CLI::App& app, Action& action);

}  // namespace trine::cli
