// SPDX-License-Identifier: Apache-2.0
//
// What the commands share: options, JSON report, exit codes, progress.
//
// A command is a function that declares itself on the application and returns its exit code from
// the callback: 0 success, 1 a result is wrong, 2 bad input (thrown as trine::Error).

#pragma once

#include <CLI/CLI.hpp>
#include <functional>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "base/progress.h"
#include "base/text.h"
#include "machine/config.h"

namespace trine::cli {

using Json = nlohmann::ordered_json;

enum ExitCode { kSuccess = 0, kWrongResult = 1, kBadInput = 2 };

/// The command that the arguments chose; set by the callback of its subcommand.
using Action = std::function<int()>;

/// The commit of the tree or installation that is run, "-dirty" when it was changed; else the
/// version.
std::string revision();

/// What every command reports, then `json`: the whole configuration and its hash, and the revision
/// of the project.
/// @param config  null where a command has none, or several
Json with_configuration(const Json& json, const machine::Config* config);

/// As text; names are a model's: of any bytes.
std::string dumped(const Json& json);

/// A command with options of its own, which `run` gets when the arguments choose it.
template <typename Options, typename Run>
std::pair<CLI::App*, Options*> add_command(CLI::App& app, Action& action, const std::string& name,
                                           const std::string& what, const Run& run) {
  const auto options = std::make_shared<Options>();
  CLI::App* command = app.add_subcommand(name, what);
  command->callback([=, &action] { action = [=] { return run(*options); }; });
  return {command, options.get()};
}

/// An option with a value. @param names  "--out,-o DIR": last what the help calls the value
template <typename T>
CLI::Option* add_value(CLI::App& command, const std::string& names, T& value,
                       const std::string& what) {
  const std::size_t blank = names.find(' ');
  return command.add_option(names.substr(0, blank), value, what)
      ->type_name(names.substr(blank + 1));
}

/// A file by the option that names it.
struct NamedFile {
  std::string option, path;
};

/// --json FILE and --quiet.
struct Output {
  std::string command;  ///< the name of the one that it is of
  std::string json_file;
  bool quiet = false;

  void declare(CLI::App& app);
  /// Before the work: each file that it will write, --json among them, can be written, is named
  /// once, and is none that it reads. Empty paths are none.
  /// @throws Error
  void check(std::vector<NamedFile> written, const std::vector<NamedFile>& read) const;
  /// Prints to stdout, unless --quiet. @throws Error  it cannot be written
  void print(const std::string& text) const;
  /// Writes the file that --json names, if any: with `command` and with_configuration().
  void write_json(const Json& json, const machine::Config* config) const;
};

/// --config C and --set key=value.
struct Design {
  std::string config;
  std::vector<std::string> settings;

  CLI::Option* declare(CLI::App& command);  ///< returns --config, required
  machine::Config load() const { return machine::load_config(config, settings); }
};

/// Writes out what stdout still holds. @throws Error
void flush_stdout();

/// Columns of the terminal that stdout is, at least 60 and at most 100; 100 for a file or pipe.
int columns();

// One file each.
void add_campaign(CLI::App& app, Action& action);
void add_compile(CLI::App& app, Action& action);
void add_demo(CLI::App& app, Action& action);
void add_energy(CLI::App& app, Action& action);
void add_estimate(CLI::App& app, Action& action);
void add_fuzz(CLI::App& app, Action& action);
void add_generate(CLI::App& app, Action& action);
void add_generate_text(CLI::App& app, Action& action);
void add_inject(CLI::App& app, Action& action);
void add_models(CLI::App& app, Action& action);
void add_report(CLI::App& app, Action& action);
void add_run(CLI::App& app, Action& action);
void add_soc(CLI::App& app, Action& action);
void add_sweep(CLI::App& app, Action& action);
void add_synth(CLI::App& app, Action& action);
void add_verify(CLI::App& app, Action& action);

}  // namespace trine::cli
