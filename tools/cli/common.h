// SPDX-License-Identifier: Apache-2.0
//
// What the commands share: options, JSON report, exit codes, progress.
//
// A command is a function that declares itself on the application and returns its exit code from
// the callback: 0 success, 1 a result is wrong, 2 bad input (thrown as trine::Error).

#pragma once

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/json.h"
#include "base/progress.h"
#include "base/text.h"
#include "machine/config.h"
#include "tools/cli/options.h"

namespace trine::cli {

enum ExitCode {
  kSuccess = 0,
  kWrongResult = 1,
  kBadInput = 2,
  kInternalError = 3,
  kInterrupted = 130
};

/// The command that the arguments chose; set by the callback of its subcommand.
using Action = std::function<int()>;

/// The commit of the tree or installation that is run, "-dirty" when it was changed; else the
/// version.
std::string revision();

/// Keys that are not those of the preset of the configuration's name, with their values; empty
/// where there is no such preset.
Json variant_of(const machine::Config& config);
/// "edge64", or of a variant "edge64 array.rows=4".
std::string design_name(const machine::Config& config);

/// What every command reports, then `json`: the whole configuration and its hash, what of
/// it is not the preset's, and the revision of the project.
/// @param config  null where a command has none, or several
Json with_configuration(const Json& json, const machine::Config* config);

/// A command with options of its own, which `run` gets when the arguments choose it.
template <typename Options>
std::pair<Command, Options*> add_command(Command app, Action& action, const std::string& name,
                                         const std::string& what, int (*run)(const Options&)) {
  const auto options = std::make_shared<Options>();
  Command command = app.subcommand(name, what);
  command.callback([=, &action] { action = [=] { return run(*options); }; });
  return {command, options.get()};
}

/// A file by the option that names it.
struct NamedFile {
  std::string option, path;
};

/// --json FILE and --quiet. FILE may be "-": stdout, which then has nothing else.
struct Output {
  std::string command;  ///< the name of the one that it is of
  std::string json_file;
  bool quiet = false;

  void declare(Command app);
  /// Before the work: each file that it will write, --json among them, can be written, is named
  /// once, and is none that it reads. Empty paths are none.
  /// @throws Error
  void check(std::vector<NamedFile> written, const std::vector<NamedFile>& read) const;
  /// Prints to stdout, unless --quiet or --json -. @throws Error  it cannot be written
  void print(const std::string& text) const;
  /// Writes the file that --json names, or to stdout, if any: with `command` and
  /// with_configuration().
  void write_json(const Json& json, const machine::Config* config) const;
};

/// --config C and --set key=value.
struct Design {
  std::string config;
  std::vector<std::string> settings;

  Option declare(Command command);  ///< returns --config, required
  machine::Config load() const { return machine::load_config(config, settings); }
};

/// Writes out what stdout still holds. @throws Error
void flush_stdout();

/// Columns of the terminal that stdout is, at least 60 and at most 100; 100 for a file or pipe.
int columns();

/// Words in lines of at most `width` columns, each with `indent` before it.
std::string wrapped(const std::string& words, const std::string& indent, std::size_t width);

// One file each.
void add_campaign(Command app, Action& action);
void add_compile(Command app, Action& action);
void add_demo(Command app, Action& action);
void add_energy(Command app, Action& action);
void add_estimate(Command app, Action& action);
void add_fuzz(Command app, Action& action);
void add_generate(Command app, Action& action);
void add_generate_text(Command app, Action& action);
void add_inject(Command app, Action& action);
void add_models(Command app, Action& action);
void add_report(Command app, Action& action);
void add_run(Command app, Action& action);
void add_soc(Command app, Action& action);
void add_sweep(Command app, Action& action);
void add_synth(Command app, Action& action);
void add_verify(Command app, Action& action);

}  // namespace trine::cli
