// SPDX-License-Identifier: Apache-2.0

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <map>
#include <sstream>

#include "components/sweep/bars.h"
#include "components/sweep/grid.h"
#include "components/sweep/jobs.h"
#include "components/sweep/smallest.h"
#include "components/sweep/table.h"
#include "components/sweep/tools.h"
#include "spec/schema.h"
#include "sw/base/cache.h"
#include "sw/base/error.h"
#include "sw/base/file.h"
#include "sw/base/hash.h"
#include "sw/base/process.h"
#include "sw/model/import/import.h"
#include "tools/cli/common.h"
#include "tools/cli/run/network.h"

namespace trine::cli {
namespace {
namespace fs = std::filesystem;
using sweep::Outcome;
using sweep::Point;
using sweep::Task;

struct SweepArguments {
  Output output;
  EngineFlags engine;
  std::vector<std::string> configs, config_files, models, shapes, settings, options, by, then;
  std::vector<std::string> where, minimize, maximize, sum;
  std::string reach, csv, plot, worker, part;
  bool smallest = false;
};

constexpr std::string_view kOfSynth = "--synth.", kTable = "--table=";

/// Returns true for an option such as "--batch=4", which is not a key of the configuration.
bool is_option(const std::string& setting) { return setting.starts_with("--"); }

class Sweep {
 public:
  explicit Sweep(const SweepArguments& options) : o_(options) {
    o_.output.check({{"--csv", o_.csv}, {"--plot", o_.plot}}, {});
    for (const std::string& text : o_.where) goal_.where.push_back(sweep::parse_condition(text));
    goal_.minimize = o_.minimize;
    goal_.maximize = o_.maximize;
    goal_.sum = o_.sum;
    if (!o_.reach.empty()) goal_.reach = sweep::parse_reach(o_.reach);
    if (o_.smallest) set_smallest();
    check_methods();
    check_plot();
  }

  int run() {
    plan();
    const auto failed = [](const Point& p) { return !p.failed.empty(); };
    if (std::ranges::all_of(points_, failed)) throw Error(points_.front().failed);
    if (o_.smallest) {
      searched_ = sweep::search_smallest(points_, goal_, [this] { run_by(o_.by); });
    } else {
      run_by(o_.by);
      goal_.judge(points_);
    }
    if (!o_.then.empty()) {
      const bool compared = !goal_.objectives().empty();
      for (Point& p : points_) p.chosen = compared ? p.front : p.allowed;
      run_by(o_.then);
      goal_.judge(points_);
    }
    print_progress();
    return std::ranges::any_of(points_, failed) ? kWrongResult : kSuccess;
  }

 private:
  static bool only_synth(const std::vector<std::string>& methods) {
    return methods == std::vector<std::string>{"synth"};
  }

  void check_methods() const {
    for (const auto& [option, methods] : {std::pair{"--by", o_.by}, std::pair{"--then", o_.then}})
      if (std::ranges::count_if(methods, [](const std::string& m) { return m != "synth"; }) > 1)
        throw_error("{} {}: allowed one of estimate, arch and rtl, with or without synth", option,
                    fmt::join(methods, ","));
    if (o_.configs.empty() && o_.config_files.empty())
      throw_error("trine sweep: --config or --configs is required");
    const bool table = std::ranges::any_of(
        o_.options, [](const std::string& option) { return option.starts_with("table="); });
    const bool synth = only_synth(o_.by) && (o_.then.empty() || only_synth(o_.then));
    if (!synth && !table && o_.models.empty()) throw_error("trine sweep: --models is required");
    if (synth && !o_.models.empty()) throw_error("trine sweep: --by synth does not use --models");
  }

  /// Makes the smallest design the only one on the front.
  void set_smallest() {
    if (goal_.reach == 0 && goal_.where.empty())
      throw_error("--smallest: needs --reach or --where, which say when a design is good enough");
    if (!goal_.objectives().empty())
      throw_error("--smallest: minimizes area, without --minimize and --maximize");
    if (only_synth(o_.by))
      throw_error("--smallest: --by synth gives no cycles, allowed with estimate, arch or rtl");
    goal_.minimize = {"area"};
    // A point of the front stands for all models of its design.
    if (goal_.sum.empty()) goal_.sum = {"microseconds"};
  }

  void check_plot() const {
    if (o_.plot.empty()) return;
    cli::check_plot(o_.plot);
    if (goal_.objectives().size() < 2)
      throw_error("--plot {}: needs two figures of --minimize and --maximize", o_.plot);
  }

  std::vector<std::string> all_configs() const {
    std::vector<std::string> all = o_.configs;
    for (const std::string& file : sweep::files_of(o_.config_files, "--configs"))
      all.push_back(file);
    // Checks legality without --set.
    for (const std::string& config : all) spec::load_config(config);
    return all;
  }

  void plan() {
    std::vector<std::string> settings =
        o_.smallest && o_.settings.empty() ? sweep::searched_keys() : o_.settings;
    for (const std::string& option : o_.options) settings.push_back("--" + option);
    const auto grid = sweep::grid(settings);
    std::vector<std::string> models = sweep::files_of(o_.models, "--models");
    for (const std::string& model : models)
      hashes_[model] = model::digest_of_model(read_file(model), model);
    if (models.empty()) models.emplace_back();
    for (const std::string& config : all_configs())
      for (const auto& point : grid)
        for (const std::string& model : models) points_.push_back(point_of(config, point, model));
  }

  static Point point_of(const std::string& config, const std::vector<std::string>& settings,
                        const std::string& model) {
    Point p;
    p.config = config;
    p.settings = settings;
    p.model = model;
    std::vector<std::string> keys;
    for (const std::string& setting : settings) {
      if (!is_option(setting)) keys.push_back(setting);
      if (setting.starts_with(kTable)) p.model = setting.substr(kTable.size());
    }
    try {
      const spec::Config design = spec::load_config(config, keys);
      p.keys = spec::all_keys(design);
      p.design = fmt::format("0x{:016x}", design.identity());
    } catch (const Error& illegal) {
      p.failed = illegal.what();
      p.failed = p.failed.substr(0, p.failed.find('\n'));
    }
    return p;
  }

  /// Runs the chosen points with these methods; a design is synthesized once for all models.
  void run_by(const std::vector<std::string>& methods) {
    std::vector<Task> tasks;
    std::map<std::string, std::size_t> places;  // by task name
    std::vector<std::pair<Point*, std::size_t>> uses;
    for (Point& p : points_)
      for (const std::string& method : methods) {
        if (!p.chosen || !p.failed.empty()) continue;
        const Task task = task_of(p, method);
        const auto [place, fresh] = places.emplace(task.name, tasks.size());
        if (fresh) tasks.push_back(task);
        uses.emplace_back(&p, place->second);
        p.by.push_back(method);
      }
    const auto outcomes = run_tasks(tasks, o_.engine, "sweep", o_.output.quiet);
    for (const auto& [point, task] : uses) take(*point, outcomes[task]);
  }

  Task task_of(const Point& p, const std::string& method) const {
    const bool synth = method == "synth", simulated = !synth && method != "estimate";
    std::vector<std::string> words{simulated ? "run" : method}, options;
    if (simulated) words.insert(words.end(), {"--backend", method});
    std::string files;
    for (const std::string& setting : p.settings)
      if (is_option(setting) && setting.starts_with(kOfSynth) == synth) {
        options.push_back(synth ? "--" + setting.substr(kOfSynth.size()) : setting);
        const std::string value = setting.substr(setting.find('=') + 1);
        if (fs::is_regular_file(value)) files += sha256_of_file(value);
      }
    files += tools_of(words.front(), "");
    const auto model = synth ? hashes_.end() : hashes_.find(p.model);
    if (model != hashes_.end())
      for (const std::string& shape : o_.shapes) options.push_back("--shape=" + shape);
    const std::string name =
        task_name(fmt::format("{} {} {} {} {}", fmt::join(words, " "), fmt::join(options, " "),
                              p.design, files, model == hashes_.end() ? "" : model->second));
    words.insert(words.end(), options.begin(), options.end());
    words.insert(words.end(), {"--config", p.config});
    for (const std::string& setting : p.settings)
      if (!is_option(setting)) words.insert(words.end(), {"--set", setting});
    if (model != hashes_.end()) words.push_back(p.model);
    return trine_task(name, words);
  }

  static void take(Point& p, const Outcome& outcome) {
    if (outcome.code == 0)
      p.results.push_back(outcome.result);
    else if (p.failed.empty())
      p.failed = outcome.reason();
  }

  void print_progress() const {
    o_.output.print(sweep::to_text(points_, goal_, static_cast<std::size_t>(columns())));
    if (o_.smallest)
      o_.output.print(
          fmt::format("{} of {} designs were estimated, from the smallest on; {} more are too slow "
                      "at their peak\n",
                      searched_.run, searched_.designs, searched_.too_slow));
    if (!o_.csv.empty()) write_file(o_.csv, sweep::to_csv(points_, goal_));
    if (!o_.plot.empty()) plot();
    o_.output.write_json(sweep::to_json(points_, goal_), nullptr);
  }

  void plot() const {
    if (std::ranges::none_of(points_, &Point::front))
      throw_error("--plot {}: there is no point within the conditions", o_.plot);
    draw_plot(o_.plot, [this](const std::string& terminal, const std::string& picture) {
      return sweep::to_plot(points_, goal_, terminal, picture);
    });
  }

  const SweepArguments& o_;
  sweep::Goal goal_;
  sweep::Searched searched_;
  std::map<std::string, std::string> hashes_;  ///< of a model's bytes
  std::vector<Point> points_;
};

int run(const SweepArguments& options) {
  if (options.worker.empty()) return Sweep(options).run();
  int part = 0, parts = 0;
  if (std::sscanf(options.part.c_str(), "%d/%d", &part, &parts) != 2 || part < 0 || part >= parts)
    throw_error("--part {}: expected K/N", options.part);
  return sweep::work(options.worker, part, parts);
}

}  // namespace

void add_sweep(Command app, Action& action) {
  const auto [command, options] = add_command<SweepArguments>(
      app, action, "sweep", "cycles, traffic, area of many configurations and models", run);
  add_value(command, "--config C", options->configs, "presets or TOML files");
  add_value(command, "--configs GLOB", options->config_files, "TOML files by patterns");
  add_value(command, "--models GLOB", options->models, "quantized models by patterns");
  declare_shape(command, options->shapes);
  add_value(command, "--set KEY=V,V", options->settings,
            "values of a key; may be repeated, for every combination")
      ->allow_extra_args(false);
  add_value(command, "--by METHODS", options->by,
            "estimate, arch (architecture simulator) or rtl; synth in addition\n"
            "or on its own (estimate)")
      ->delimiter(',')
      ->default_val(std::vector<std::string>{"estimate"})
      ->check(one_of({"estimate", "arch", "rtl", "synth"}));
  add_value(command, "--then METHODS", options->then,
            "run the points of the front (without a front: all points within the\n"
            "conditions) again by these methods; the front then has only these points")
      ->delimiter(',')
      ->check(one_of({"estimate", "arch", "rtl", "synth"}));
  add_value(command, "--option NAME=V,V", options->options,
            "values of an option of estimate or run (batch=1,8), or of synth\n"
            "(synth.liberty=FILE), combined as in --set")
      ->allow_extra_args(false);
  add_value(command, "--where CONDITION", options->where,
            "keep points as in 'area<2e6': a figure or key, < <= > >= = !=, a number")
      ->allow_extra_args(false);
  add_value(command, "--minimize FIGURES", options->minimize,
            "separated by commas; the front has the points that no other point beats\n"
            "in all of these figures")
      ->delimiter(',');
  add_value(command, "--maximize FIGURES", options->maximize,
            "as --minimize, for figures where more is better")
      ->delimiter(',');
  add_value(command, "--sum FIGURES", options->sum,
            "separated by commas; summed over the models of a design, which then are\n"
            "one point of a joint front (--sum microseconds --minimize microseconds)")
      ->delimiter(',');
  add_value(command, "--reach RATE", options->reach,
            "only designs on which every model reaches this rate (30/s)");
  command.add_flag("--smallest", options->smallest,
                   "search the smallest design that meets --reach and --where for all\n"
                   "models; without --set it varies rows, columns, DMEM and PMEM");
  options->engine.declare(command);
  add_value(command, "--csv FILE", options->csv, "all points, for a spreadsheet");
  add_value(command, "--plot FILE", options->plot,
            "points and front by the first two of these figures, .svg or .png");
  options->output.declare(command);
  add_value(command, "--worker LIST", options->worker, "")->group("");
  add_value(command, "--part K/N", options->part, "")->group("");
  command.footer(
      "Figures are numbers of `trine estimate|run|synth --json` by name (cycles, utilization,\n"
      "gate_equivalents, clock_ns, energy_pj ...), area (um2 with memories: total_um2; area_um2 "
      "is\n"
      "of the cells only), dram_bytes (read and written), microseconds (cycles times\n"
      "clock_placed_ns), inferences_per_second, and keys of the configuration (array.rows).\n"
      "A point without the figure of a condition does not meet it. Each model has its own front,\n"
      "except with --sum.\n"
      "A point runs once: its result stays in --out, even if the sweep is killed. Exit code 1: "
      "points\n"
      "failed; the others are reported.\n\n"
      "Examples:\n"
      "  trine sweep --config edge64 --set array.rows=2,4,8 --set array.cols=4,8,16 \\\n"
      "      --models models/lenet_mnist.tflite --minimize cycles,array.rows\n"
      "  trine sweep --configs 'spec/presets/edge*.toml' --models 'models/*.tflite' --by arch \\\n"
      "      --where 'cycles<100000' --csv points.csv\n"
      "  trine sweep --configs 'spec/presets/edge*.toml' --models 'models/*.tflite' \\\n"
      "      --minimize cycles,gate_equivalents --then rtl,synth\n"
      "  trine sweep --config edge64 --set memory.pmem_kib=32,64 --models 'models/*.tflite' \\\n"
      "      --reach 1000/s --sum microseconds --minimize microseconds,area\n"
      "  trine sweep --config edge64 --models 'models/*.tflite' --smallest --reach 1000/s\n"
      "  trine sweep --configs '*.toml' --models '*.tflite' --by rtl --engine slurm --out points");
}

}  // namespace trine::cli
