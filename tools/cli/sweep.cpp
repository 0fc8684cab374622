// SPDX-License-Identifier: Apache-2.0

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <map>
#include <sstream>

#include "base/cache.h"
#include "base/error.h"
#include "base/file.h"
#include "base/hash.h"
#include "base/process.h"
#include "machine/schema.h"
#include "tools/cli/common.h"
#include "tools/cli/engine.h"
#include "tools/sweep/grid.h"
#include "tools/sweep/table.h"

namespace trine::cli {
namespace {
namespace fs = std::filesystem;
using sweep::Outcome;
using sweep::Point;
using sweep::Task;

struct Options {
  Output output;
  EngineFlags engine;
  std::vector<std::string> configs, config_files, models, settings, by, where, minimize, maximize;
  std::string csv, plot, worker, part;
};

/// A point and its tasks, as positions in the list of all.
struct Planned {
  Point point;
  std::vector<std::size_t> tasks;
};

class Sweep {
 public:
  explicit Sweep(const Options& options) : o_(options) {
    o_.output.check({{"--csv", o_.csv}, {"--plot", o_.plot}}, {});
    for (const std::string& text : o_.where) goal_.where.push_back(sweep::parse_condition(text));
    goal_.minimize = o_.minimize;
    goal_.maximize = o_.maximize;
    check_methods();
    check_plot();
  }

  int run() {
    plan();
    const std::vector<Outcome> outcomes = run_tasks(tasks_, o_.engine, "sweep", o_.output.quiet);
    std::vector<Point> points;
    for (Planned& planned : planned_) {
      for (const std::size_t task : planned.tasks) take(planned.point, outcomes[task]);
      points.push_back(std::move(planned.point));
    }
    goal_.judge(points);
    tell(points);
    const auto failed = [](const Point& p) { return !p.failed.empty(); };
    return std::ranges::any_of(points, failed) ? kWrongResult : kSuccess;
  }

 private:
  bool needs_models() const { return o_.by != std::vector<std::string>{"synth"}; }

  void check_methods() const {
    if (std::ranges::count_if(o_.by, [](const std::string& m) { return m != "synth"; }) > 1)
      throw_error("--by {}: allowed is one of estimate, arch and rtl, and synth besides",
                  fmt::join(o_.by, ","));
    if (o_.configs.empty() && o_.config_files.empty())
      throw_error("trine sweep: --config or --configs is required");
    if (needs_models() && o_.models.empty()) throw_error("trine sweep: --models is required");
    if (!needs_models() && !o_.models.empty())
      throw_error("trine sweep: --by synth alone takes no --models");
  }

  void check_plot() const {
    if (o_.plot.empty()) return;
    if (!o_.plot.ends_with(".svg") && !o_.plot.ends_with(".png"))
      throw_error("--plot {}: expected a name that ends in .svg or .png", o_.plot);
    if (goal_.objectives().size() < 2)
      throw_error("--plot {}: needs two figures of --minimize and --maximize", o_.plot);
    if (!on_path("gnuplot"))
      throw_error("--plot {}: there is no gnuplot; install the Debian package gnuplot-nox",
                  o_.plot);
  }

  std::vector<std::string> all_configs() const {
    std::vector<std::string> all = o_.configs;
    for (const std::string& file : sweep::files_of(o_.config_files, "--configs"))
      all.push_back(file);
    for (const std::string& config : all) machine::load_config(config);  // without --set: legal
    return all;
  }

  void plan() {
    const auto grid = sweep::grid(o_.settings);
    const auto models = sweep::files_of(o_.models, "--models");
    for (const std::string& model : models) bytes_[model] = sha256(read_file(model));
    for (const std::string& config : all_configs())
      for (const auto& settings : grid) {
        if (models.empty()) add(config, settings, "");
        for (const std::string& model : models) add(config, settings, model);
      }
    if (tasks_.empty()) throw Error(planned_.front().point.failed);
  }

  void add(const std::string& config, const std::vector<std::string>& settings,
           const std::string& model) {
    Planned planned;
    planned.point.config = config;
    planned.point.settings = settings;
    planned.point.model = model;
    try {
      planned.point.keys = machine::all_keys(machine::load_config(config, settings));
    } catch (const Error& illegal) {
      planned.point.failed = one_line(illegal.what());
    }
    for (const std::string& method : o_.by)
      if (planned.point.failed.empty()) planned.tasks.push_back(task_of(planned.point, method));
    planned_.push_back(std::move(planned));
  }

  /// Where the task is in the list; a design is synthesized once for all models.
  std::size_t task_of(const Point& p, const std::string& method) {
    std::vector<std::string> words{method == "synth" || method == "estimate" ? method : "run"};
    if (words[0] == "run") words.insert(words.end(), {"--backend", method});
    const std::string file = method == "synth" ? "" : p.model;
    const std::string name = task_name(fmt::format("{} {} {}", fmt::join(words, " "), p.keys.dump(),
                                                   file.empty() ? "" : bytes_.at(file)));
    const auto [place, fresh] = places_.emplace(name, tasks_.size());
    if (!fresh) return place->second;
    words.insert(words.end(), {"--config", p.config});
    for (const std::string& setting : p.settings) words.insert(words.end(), {"--set", setting});
    if (!file.empty()) words.push_back(file);
    tasks_.push_back(trine_task(name, words));
    return place->second;
  }

  static std::string one_line(const std::string& text) { return text.substr(0, text.find('\n')); }

  static void take(Point& p, const Outcome& outcome) {
    if (outcome.code == 0)
      p.results.push_back(outcome.result);
    else if (p.failed.empty())
      p.failed = outcome.reason();
  }

  void tell(const std::vector<Point>& points) const {
    o_.output.print(sweep::to_text(points, goal_));
    if (!o_.csv.empty()) write_file(o_.csv, sweep::to_csv(points, goal_));
    if (!o_.plot.empty()) plot(points);
    Json json{{"by", o_.by}};
    json.update(sweep::to_json(points, goal_));
    o_.output.write_json(json, nullptr);
  }

  void plot(const std::vector<Point>& points) const {
    if (std::ranges::none_of(points, &Point::front))
      throw_error("--plot {}: there is no point within the conditions", o_.plot);
    const TemporaryFolder scratch(fs::temp_directory_path());
    const fs::path script = scratch.path() / "plot", picture = scratch.path() / "picture";
    const bool svg = o_.plot.ends_with(".svg");
    write_file(script, sweep::to_plot(points, goal_, svg ? "svg" : "png", picture.string()));
    if (run_process({"gnuplot", script.string()}, scratch.path(), scratch.path() / "log") != 0)
      throw_error("--plot {}: gnuplot: {}", o_.plot, tail_of(scratch.path() / "log", 1));
    write_file(o_.plot, read_text(picture));
  }

  const Options& o_;
  sweep::Goal goal_;
  std::map<std::string, std::string> bytes_;  ///< a model's hash by its name
  std::map<std::string, std::size_t> places_;
  std::vector<Task> tasks_;
  std::vector<Planned> planned_;
};

int run(const Options& options) {
  if (options.worker.empty()) return Sweep(options).run();
  int part = 0, parts = 0;
  if (std::sscanf(options.part.c_str(), "%d/%d", &part, &parts) != 2 || part < 0 || part >= parts)
    throw_error("--part {}: expected K/N", options.part);
  return sweep::work(options.worker, part, parts);
}

}  // namespace

void add_sweep(CLI::App& app, Action& action) {
  const auto [command, options] = add_command<Options>(
      app, action, "sweep", "cycles, traffic, area of many configurations and models", run);
  add_value(*command, "--config,-c C", options->configs, "presets or TOML files");
  add_value(*command, "--configs GLOB", options->config_files, "TOML files by patterns");
  add_value(*command, "--models GLOB", options->models, "quantized models by patterns");
  add_value(*command, "--set KEY=V,V", options->settings,
            "values of a key; several times: every combination")
      ->allow_extra_args(false);
  add_value(*command, "--by METHODS", options->by,
            "estimate, arch (architecture simulator) or rtl; with synth besides,\n"
            "or alone (estimate)")
      ->delimiter(',')
      ->default_val(std::vector<std::string>{"estimate"})
      ->check(CLI::IsMember({"estimate", "arch", "rtl", "synth"}));
  add_value(*command, "--where CONDITION", options->where,
            "'area_um2<2e6': a figure or key, < <= > >= = !=, a number")
      ->allow_extra_args(false);
  add_value(*command, "--minimize FIGURES", options->minimize,
            "by commas: the front is of points that no other beats in all")
      ->delimiter(',');
  add_value(*command, "--maximize FIGURES", options->maximize, "the same the other way round")
      ->delimiter(',');
  options->engine.declare(*command);
  add_value(*command, "--csv FILE", options->csv, "all points, for a spreadsheet");
  add_value(*command, "--plot FILE", options->plot,
            "points and front by the first two of these figures, .svg or .png");
  options->output.declare(*command);
  add_value(*command, "--worker LIST", options->worker, "")->group("");
  add_value(*command, "--part K/N", options->part, "")->group("");
  command->footer(
      "Figures are numbers of `trine estimate|run|synth --json` by name (cycles, utilization,\n"
      "gate_equivalents, area_um2, clock_ns, energy_pj ...), dram_bytes (read and written),\n"
      "microseconds (cycles times clock_ns), and keys of the configuration (array.rows). A point\n"
      "that lacks one is never within conditions. Fronts are of each model.\n"
      "A point runs once: --out holds what it came to, whatever ends the sweep. Exit code 1: "
      "points\n"
      "failed; the others are told all the same.\n\n"
      "Examples:\n"
      "  trine sweep --config edge64 --set array.rows=2,4,8 --set array.cols=4,8,16 \\\n"
      "      --models models/lenet_mnist.tflite --minimize cycles,array.rows\n"
      "  trine sweep --configs 'presets/edge*.toml' --models 'models/*.tflite' --by arch \\\n"
      "      --where 'cycles<100000' --csv points.csv\n"
      "  trine sweep --configs '*.toml' --models '*.tflite' --by rtl --engine slurm --out points");
}

}  // namespace trine::cli
