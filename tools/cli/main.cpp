// SPDX-License-Identifier: Apache-2.0
//
// trine: the command line. Each command has a file of its own; this one dispatches to them and
// turns exceptions into exit codes.

#include <fcntl.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <exception>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#include "sw/base/cache.h"
#include "sw/base/error.h"
#include "sw/base/interrupt.h"
#include "tools/cli/common.h"
#include "tools/cli/models/own_model.h"

namespace trine::cli {
namespace {

int fail(const std::string& what) {
  std::fprintf(stderr, "%s\n", what.c_str());  // fmt::print would throw if this fails
  return kBadInput;
}

/// Opens closed standard streams, so that no later file gets their numbers.
void open_standard_streams() {
  for (int stream = 0; stream <= 2; ++stream)
    if (::fcntl(stream, F_GETFD) < 0) static_cast<void>(::open("/dev/null", O_RDWR));
}

/// Returns true if this program contains the component (cmake/components.txt).
consteval bool built(std::string_view component) {
  return std::string_view(TRINE_BUILT).find(component) != std::string_view::npos;
}

/// Returns the names of the commands if the first argument is not a command.
std::string unknown_command(const CLI::App& app, const std::vector<std::string>& arguments) {
  if (arguments.empty() || arguments[0].starts_with('-')) return "";
  std::vector<std::string> names;
  for (const CLI::App* command : app.get_subcommands({})) names.push_back(command->get_name());
  if (std::find(names.begin(), names.end(), arguments[0]) != names.end()) return "";
  if (std::string(" " TRINE_UNBUILT " ").find(" " + arguments[0] + " ") != std::string::npos)
    return fmt::format(
        "trine: {0}: not part of this build: run ./trine {0}, or configure with "
        "-DTRINE_COMPONENTS=all",
        arguments[0]);
  return fmt::format("trine: {}: unknown command, allowed {}", arguments[0],
                     fmt::join(names, ", "));
}

/// Returns the help's paragraph on commands that this build lacks; "" if it lacks none.
std::string unbuilt_text() {
  const std::string unbuilt = TRINE_UNBUILT;
  if (unbuilt.empty()) return "";
  return fmt::format("The launcher builds these commands when you first call them:\n{}\n",
                     wrapped(unbuilt, "  ", 80));
}

/// Replaces `help` and `help COMMAND` by the equivalent --help.
std::vector<std::string> arguments_of(int argc, char** argv) {
  std::vector<std::string> arguments(argv + std::min(argc, 1), argv + argc);
  if (!arguments.empty() && arguments[0] == "help") {
    arguments.erase(arguments.begin());
    arguments.resize(std::min<std::size_t>(arguments.size(), 1));
    arguments.emplace_back("--help");
  }
  return arguments;
}

int parse(CLI::App& app, std::vector<std::string> arguments) {
  const std::string unknown = unknown_command(app, arguments);
  if (!unknown.empty()) return fail(unknown);
  if (arguments.empty()) return fail(app.help());
  try {
    std::ranges::reverse(arguments);  // CLI11 expects this order
    app.parse(arguments);
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
      "begin with: trine demo\n\n"
      "Trine writes neural-network accelerators, compiles quantized models for them, runs them in\n"
      "simulation, checks the results bit by bit and reports area.",
      "trine"};
  const Command top(&app);
  Action action;
  const Command first = top.under("Begin with"), run = top.under("A model on a design"),
                model = top.under("Models and their accuracy"),
                design = top.under("Designs: hardware, cost, comparison"),
                check = top.under("Checks at length");
  add_demo(first, action);
  add_generate(run, action);
  add_compile(run, action);
  add_run(run, action);
  add_verify(run, action);
  if constexpr (built("llm")) add_generate_text(run, action);
  if constexpr (built("soc")) add_soc(run, action);
  add_models(model, action);
  add_formats(model, action);
  if constexpr (built("accuracy")) {
    add_quantize(model, action);
    add_nir(model, action);
    add_accuracy(model, action);
    add_compare(model, action);
    add_record(model, action);
  }
  add_estimate(design, action);
  if constexpr (built("sweep")) add_sweep(design, action);
  if constexpr (built("explore")) add_explore(design, action);
  if constexpr (built("synth")) add_synth(design, action);
  if constexpr (built("energy")) add_energy(design, action);
  if constexpr (built("accuracy")) add_cpu(design, action);
  if constexpr (built("sweep")) add_report(design, action);
  if constexpr (built("regress")) add_regress(check, action);
  if constexpr (built("fuzz")) {
    add_fuzz(check, action);
    add_inject(check, action);
  }
  if constexpr (built("sweep")) add_campaign(check, action);
  app.set_version_flag("--version", TRINE_VERSION);
  app.require_subcommand(1);
  app.get_formatter()->column_width(28);
  app.footer(std::string("In the repository the launcher knows three more:\n"
                         "  ./trine test [--all]      build and run the core's tests, or all\n"
                         "  ./trine build [TARGET]    build everything, or one target\n"
                         "  ./trine docs              the documents as a site with search\n\n") +
             unbuilt_text() +
             "`trine help COMMAND` explains a command with examples.\n"
             "Exit codes: 0 success, 1 a result is wrong, 2 bad input, 3 a fault of trine itself.");
  clean_up_on_signals();
  sweep_cache();
  int code = parse(app, arguments_of(argc, argv));
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
  } catch (const std::system_error& error) {  // of files and processes
    return trine::cli::fail(fmt::format("trine: {}", error.what()));
  } catch (const std::bad_alloc&) {
    return trine::cli::fail("trine: not enough memory");
  } catch (const std::exception& error) {
    trine::cli::fail(
        fmt::format("trine: internal error: {}: this is a fault of trine; please report it with "
                    "the command and "
                    "its files",
                    error.what()));
    return trine::cli::kInternalError;
  }
}
