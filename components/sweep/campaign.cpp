// SPDX-License-Identifier: Apache-2.0

#include <fmt/format.h>

#include <algorithm>
#include <sstream>

#include "components/sweep/jobs.h"
#include "sw/base/error.h"
#include "sw/base/file.h"
#include "tools/cli/common.h"

namespace trine::cli {
namespace {

struct CampaignArguments {
  Output output;
  EngineFlags engine;
  std::string lines;
};

/// Returns the lines of a file that are neither empty nor comments.
std::vector<std::string> commands_of(const std::string& file) {
  std::istringstream in(read_text(file));
  std::vector<std::string> commands;
  for (std::string line; std::getline(in, line);)
    if (line.find_first_not_of(" \t\r") != std::string::npos && line[0] != '#')
      commands.push_back(line);
  if (commands.empty()) throw_error("{}: has no command, expected one a line", file);
  return commands;
}

int run(const CampaignArguments& options) {
  options.output.check({}, {{"LINES", options.lines}});
  const std::vector<std::string> commands = commands_of(options.lines);
  std::vector<sweep::Task> tasks;
  for (const std::string& command : commands)
    tasks.push_back({task_name("sh " + command), {"/bin/sh", "-c", command}, false});
  const auto outcomes = run_tasks(tasks, options.engine, "campaign", options.output.quiet);
  Json json;
  std::string text;
  std::size_t failed = 0;
  for (std::size_t i = 0; i < commands.size(); ++i) {
    const sweep::Outcome& outcome = outcomes[i];
    json["commands"].push_back(
        {{"command", commands[i]}, {"exit_code", outcome.code}, {"text", outcome.text}});
    if (outcome.code == 0) continue;
    ++failed;
    text += fmt::format("failed ({}): {}\n  {}\n", outcome.code, commands[i], outcome.reason());
  }
  options.output.print(text + fmt::format("{} commands, {} failed\n", commands.size(), failed));
  options.output.write_json(json, nullptr);
  return failed > 0 ? kWrongResult : kSuccess;
}

}  // namespace

void add_campaign(Command app, Action& action) {
  const auto [command, options] = add_command<CampaignArguments>(
      app, action, "campaign", "the commands of a file, each once, some at a time", run);
  add_value(command, "LINES FILE", options->lines, "file with one shell command per line")
      ->required();
  options->engine.declare(command);
  options->output.declare(command);
  command.footer(
      "Each line is run by a shell in the current folder. Its exit code and text are kept in "
      "--out\n"
      "under the line's text and this program: a second campaign runs only lines without a "
      "result.\n"
      "A comment in the line can name what else it depends on: `bench --abort  # 3f9a...`.\n"
      "Exit code 1: commands failed.\n\n"
      "Examples:\n"
      "  trine campaign lines --out results\n"
      "  for m in models/*.tflite; do echo trine run --config edge64 $m; done >lines\n"
      "  trine campaign lines --engine slurm --out results");
}

}  // namespace trine::cli
