// SPDX-License-Identifier: Apache-2.0
//
// trine report: merges results folders into one report, as text and as a page (components/report).

#include <filesystem>

#include "components/sweep/measure.h"
#include "sw/base/error.h"
#include "sw/base/file.h"
#include "sw/base/process.h"
#include "sw/base/root.h"
#include "tools/cli/common.h"

namespace trine::cli {
namespace {
namespace fs = std::filesystem;

struct ReportPageArguments {
  Output output;
  Measurements measurements;
  std::vector<std::string> folders;
  std::string html, python;
  bool sheet = false;
};

/// Returns Debian's own Python, which has its packages, even if another one is first on PATH.
std::string python_of(const ReportPageArguments& options) {
  if (!options.python.empty()) return options.python;
  return fs::exists("/usr/bin/python3") ? "/usr/bin/python3" : "python3";
}

/// @throws Error  with the script's message
void report(const ReportPageArguments& options, const std::vector<std::string>& folders) {
  const TemporaryFolder scratch(fs::temp_directory_path());
  const fs::path text = scratch.path() / "text", html = scratch.path() / "html",
                 json = scratch.path() / "json", log = scratch.path() / "log";
  std::vector<std::string> command{
      python_of(options),
      "-B",
      (project_root() / "components" / "report" / "report.py").string(),
      "--columns",
      std::to_string(columns()),
      "--text",
      text.string(),
      "--json",
      json.string()};
  if (!options.html.empty()) command.insert(command.end(), {"--html", html.string()});
  if (options.sheet) command.push_back("--sheet");
  command.push_back("--");
  command.insert(command.end(), folders.begin(), folders.end());
  const int code = [&] {
    const Progress progress("report", options.output.quiet);
    return run_process(command, fs::current_path(), log);
  }();
  if (code != 0) throw Error(last_line_of(log));
  if (!options.html.empty()) write_file(options.html, read_text(html));
  options.output.print(read_text(text));
  options.output.write_json(parse_json(read_text(json), json.string()), nullptr);
}

int run(const ReportPageArguments& options) {
  std::vector<std::string> folders = options.folders;
  options.output.check({{"--html", options.html}}, options.measurements.read());
  const bool measures = options.measurements.asked();
  if (folders.empty() && !measures) throw_error("trine report: DIR or --config is required");
  const bool right = !measures || options.measurements.measure(options.output);
  if (measures) folders.push_back(options.measurements.out);
  report(options, folders);
  return right ? kSuccess : kWrongResult;
}

}  // namespace

void add_report(Command app, Action& action) {
  const auto [command, options] = add_command<ReportPageArguments>(
      app, action, "report", "every metric of results, in one report", run);
  add_value(command, "DIR", options->folders,
            "folders with what --json (and run's --perfetto) wrote, of one revision");
  options->measurements.declare(command);
  add_value(command, "--html FILE", options->html,
            "the report as one page, which needs no network");
  command.add_flag("--sheet", options->sheet,
                   "specification sheets of the chips and of the networks instead, next to\n"
                   "those of published systems (Eyeriss, BrainTTA, TPU)");
  add_value(command, "--python P", options->python,
            "a Python with jinja2 (Debian's /usr/bin/python3, else python3)");
  options->output.declare(command);
  command.footer(
      "The folders may hold results of run, verify, estimate, synth, accuracy and compare under "
      "any\n"
      "name; missing figures are listed with the command that gives them. With --config each "
      "model\n"
      "is first measured on each design; measurements that are in --out are not repeated.\n\n"
      "Examples:\n"
      "  trine run --config edge64 models/lenet_mnist.tflite --backend arch \\\n"
      "    --json results/run.json --perfetto results/trace.json\n"
      "  trine synth --config edge64 --json results/synth.json\n"
      "  trine report results --html report.html\n"
      "  trine report --config edge64 --config edge256 --model models/lenet_mnist.tflite \\\n"
      "    --vectors models/lenet_mnist/vectors --data models/mnist_held_back --scale 1/255 \\\n"
      "    --synth --out results --html report.html\n"
      "  trine report --sheet --config eyeriss-size --model models/shapes/alexnet.csv --out "
      "sheets");
}

}  // namespace trine::cli
