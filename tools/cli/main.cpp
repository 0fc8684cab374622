// SPDX-License-Identifier: Apache-2.0
//
// trine: the command line. One file for each command; this one dispatches and turns exceptions into
// exit codes.

#include <fcntl.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cstdio>
#include <exception>
#include <sstream>

#include "base/error.h"
#include "tools/cli/common.h"
#include "tools/cli/models/own_model.h"

namespace trine::cli {
namespace {

int fail(const std::string& what) {
  std::fprintf(stderr, "%s\n", what.c_str());  // whatever becomes of it: fmt::print would throw
  return kBadInput;
}

/// What is opened later must not get the number of a stream that the caller closed.
void open_standard_streams() {
  for (int stream = 0; stream <= 2; ++stream)
    if (::fcntl(stream, F_GETFD) < 0) static_cast<void>(::open("/dev/null", O_RDWR));
}

/// The names of the commands, when the first argument is none of them.
std::string unknown_command(const CLI::App& app, int argc, char** argv) {
  if (argc < 2 || argv[1][0] == '-') return "";
  std::vector<std::string> names;
  for (const CLI::App* command : app.get_subcommands({})) names.push_back(command->get_name());
  if (std::find(names.begin(), names.end(), argv[1]) != names.end()) return "";
  return fmt::format("trine: {}: unknown command, allowed {}", argv[1], fmt::join(names, ", "));
}

int parse(CLI::App& app, int argc, char** argv) {
  const std::string unknown = unknown_command(app, argc, argv);
  if (!unknown.empty()) return fail(unknown);
  if (argc < 2) return fail(app.help());
  try {
    app.parse(argc, argv);
  } catch (const CLI::Success& help_or_version) {
    std::ostringstream text;
    const int code = app.exit(help_or_version, text, text);
    Output{}.print(text.str());
    return code;
  } catch (const CLI::ParseError& error) {
    return fail(fmt::format("trine: {} (trine --help)", error.what()));
  }
  return -1;
}

int main(int argc, char** argv) {
  CLI::App app{
      "Trine writes neural-network accelerators, compiles quantized models for them, runs them in\n"
      "simulation, checks the results bit by bit and reports area.",
      "trine"};
  Action action;
  add_generate(app, action);
  add_compile(app, action);
  add_run(app, action);
  add_verify(app, action);
  add_record(app, action);
  add_accuracy(app, action);
  add_compare(app, action);
  add_quantize(app, action);
  add_estimate(app, action);
  add_sweep(app, action);
  add_campaign(app, action);
  add_report(app, action);
  add_energy(app, action);
  add_soc(app, action);
  add_synth(app, action);
  add_generate_text(app, action);
  add_fuzz(app, action);
  add_inject(app, action);
  add_models(app, action);
  add_demo(app, action);
  app.set_version_flag("--version", TRINE_VERSION);
  app.require_subcommand(1);
  app.get_formatter()->column_width(28);
  app.footer(
      "`trine COMMAND --help` explains a command with examples.\n"
      "Exit codes: 0 success, 1 a result is wrong, 2 bad input.");
  int code = parse(app, argc, argv);
  if (code < 0) code = action();
  flush_stdout();
  return code;
}

}  // namespace
}  // namespace trine::cli

int main(int argc, char** argv) {
  trine::cli::open_standard_streams();
  try {
    return trine::cli::main(argc, argv);
  } catch (const trine::Error& error) {
    return trine::cli::fail(error.what());
  } catch (const std::exception& error) {
    return trine::cli::fail(fmt::format("trine: {}", error.what()));
  }
}
