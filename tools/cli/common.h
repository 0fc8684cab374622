// SPDX-License-Identifier: Apache-2.0
//
// Shared parts of the commands: options, JSON report, exit codes, progress.
//
// A command is a function that declares its options on the application. Its callback returns the
// exit code: 0 success, 1 a wrong result, 2 bad input (thrown as trine::Error).

#pragma once

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "spec/config.h"
#include "sw/base/json.h"
#include "sw/base/progress.h"
#include "sw/base/text.h"
#include "tools/cli/options.h"

namespace trine::cli {

/// The exit codes of all commands.
enum ExitCode {
  kSuccess = 0,
  kWrongResult = 1,
  kBadInput = 2,
  kInternalError = 3,
  kInterrupted = 130
};

/// The command that the arguments selected; the callback of its subcommand sets it.
using Action = std::function<int()>;

/// Returns the commit of the tree or installation in use, with "-dirty" if it was changed; without
/// a commit, the version.
std::string revision();

/// Returns the keys whose values differ from the preset with the configuration's name; empty if
/// there is no such preset.
Json variant_of(const spec::Config& config);
/// Returns "edge64", or "edge64 array.rows=4" for a variant.
std::string design_name(const spec::Config& config);

/// Returns the header of every report followed by `json`: the whole configuration and its hash, its
/// differences from the preset, and the project's revision.
/// @param config  null if a command has none, or several
Json with_configuration(const Json& json, const spec::Config* config);

/// Declares a command with options of its own, which `run` receives when the arguments select it.
template <typename Options>
std::pair<Command, Options*> add_command(Command app, Action& action, const std::string& name,
                                         const std::string& what, int (*run)(const Options&)) {
  const auto options = std::make_shared<Options>();
  Command command = app.subcommand(name, what);
  command.callback([=, &action] { action = [=] { return run(*options); }; });
  return {command, options.get()};
}

/// A file with the option that names it.
struct NamedFile {
  std::string option, path;
};

/// The options --json FILE and --quiet. If FILE is "-", JSON goes to stdout, and nothing else is
/// printed.
struct Output {
  std::string command;  ///< name of the command
  std::string json_file;
  bool quiet = false;

  void declare(Command app);
  /// Checks before the work starts that each output file, also the file of --json, can be written,
  /// is named only once, and is not an input file. Empty paths are ignored.
  /// @throws Error
  void check(std::vector<NamedFile> written, const std::vector<NamedFile>& read) const;
  /// Prints to stdout, unless --quiet or --json - is given. @throws Error  stdout cannot be written
  void print(const std::string& text) const;
  /// Writes the JSON to the destination of --json, if there is one, with `command` and
  /// with_configuration().
  void write_json(const Json& json, const spec::Config* config) const;
};

/// The options --config C and --set key=value.
struct Design {
  std::string config;
  std::vector<std::string> settings;

  Option declare(Command command);  ///< declares and returns --config, required
  /// Returns the configuration that the options describe.
  spec::Config load() const { return spec::load_config(config, settings); }
};

/// Flushes stdout. @throws Error
void flush_stdout();

/// Returns the columns of the terminal on stdout, limited to 60..100; 100 for a file or pipe.
int columns();

/// Returns words in lines of at most `width` columns, each beginning with `indent`.
std::string wrapped(const std::string& words, const std::string& indent, std::size_t width);

// The commands; each one is in a file of its own.
void add_campaign(Command app, Action& action);
void add_compile(Command app, Action& action);
void add_demo(Command app, Action& action);
void add_energy(Command app, Action& action);
void add_estimate(Command app, Action& action);
void add_explore(Command app, Action& action);
void add_formats(Command app, Action& action);
void add_fuzz(Command app, Action& action);
void add_generate(Command app, Action& action);
void add_generate_text(Command app, Action& action);
void add_inject(Command app, Action& action);
void add_models(Command app, Action& action);
void add_regress(Command app, Action& action);
void add_report(Command app, Action& action);
void add_run(Command app, Action& action);
void add_soc(Command app, Action& action);
void add_sweep(Command app, Action& action);
void add_synth(Command app, Action& action);
void add_verify(Command app, Action& action);

}  // namespace trine::cli
