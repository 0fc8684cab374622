// SPDX-License-Identifier: Apache-2.0
//
// trine explore: designs and models in a browser.

#include <fmt/format.h>

#include <algorithm>

#include "components/explore/server.h"
#include "components/sweep/grid.h"
#include "sw/base/error.h"
#include "sw/base/file.h"
#include "sw/base/root.h"
#include "tools/cli/common.h"

namespace trine::cli {
namespace {

struct ExploreArguments {
  Output output;
  std::vector<std::string> configs, models, settings;
  std::string out, charts;
  bool serve = false;
  int port = 0;
};

/// Returns every design of --config with each combination of --set, and those around each, with
/// every model.
Json points_of(const ExploreArguments& options, const explore::Scope& scope) {
  struct Place {
    std::string config;
    std::vector<std::string> settings;
  };
  std::vector<Place> places;
  for (const std::string& config : scope.configs)
    for (const auto& settings : sweep::grid(options.settings)) {
      places.push_back({config, settings});
      for (auto& other : explore::around(config, settings)) places.push_back({config, other});
    }
  Progress progress("designs", options.output.quiet);
  Json points = Json::array();
  std::size_t done = 0;
  for (const Place& place : places)
    for (std::size_t m = 0; m < scope.models.size(); ++m) {
      progress.update(fmt::format("{} of {}", done++, places.size() * scope.models.size()));
      Json point = explore::figures_of(scope.models[m], place.config, place.settings);
      point["config"] = place.config;
      point["model"] = m;
      if (point.contains("keys")) points.push_back(std::move(point));
    }
  return points;
}

int serve(const ExploreArguments& options, const explore::Scope& scope, const std::string& charts) {
  explore::Server server(scope, explore::page_of(scope, Json::array(), true, charts));
  const int port = server.bind(options.port);
  options.output.print(fmt::format("http://127.0.0.1:{}/   (Ctrl-C ends it)\n", port));
  flush_stdout();
  server.listen();
  return kSuccess;
}

/// Returns the first message if every point is refused, or "".
std::string refusal_of_all(const Json& points) {
  if (points.empty()) return "no design is allowed";
  const auto refused = [](const Json& point) { return point.contains("error"); };
  return std::ranges::all_of(points, refused) ? points[0]["error"].get<std::string>() : "";
}

/// Returns the files of --models, or the shipped network.
std::vector<std::string> models_of(const ExploreArguments& options) {
  if (!options.models.empty()) return sweep::files_of(options.models, "--models");
  return {(project_root() / "models" / "lenet_mnist.tflite").string()};
}

int run(const ExploreArguments& options) {
  if (options.serve == !options.out.empty())
    throw_error("trine explore: --serve or --out FILE is required, and not both");
  if (options.serve && !options.settings.empty()) throw_error("--set: not allowed with --serve");
  if (options.serve && !options.output.json_file.empty())
    throw_error("--json: not allowed with --serve");
  if (!options.serve && options.port != 0) throw_error("--port: needs --serve");
  options.output.check({{"--out", options.out}}, {});
  const explore::Scope scope{options.configs, explore::read_models(models_of(options))};
  for (const std::string& config : scope.configs) spec::load_config(config);
  const std::string charts = explore::chart_library(options.charts);
  if (options.serve) return serve(options, scope, charts);
  const Json points = points_of(options, scope);
  if (const std::string refused = refusal_of_all(points); !refused.empty()) throw Error(refused);
  write_file(options.out, explore::page_of(scope, points, false, charts));
  options.output.print(fmt::format("{}: {} points\n", options.out, points.size()));
  options.output.write_json(Json{{"points", points}}, nullptr);
  return kSuccess;
}

}  // namespace

void add_explore(Command app, Action& action) {
  const auto [command, options] = add_command<ExploreArguments>(
      app, action, "explore", "designs and models in a browser, by sliders", run);
  add_value(command, "--config C", options->configs, "presets or TOML files to start from (edge64)")
      ->default_val({"edge64"});
  add_value(command, "--models GLOB", options->models,
            "quantized models or tables of shapes (models/lenet_mnist.tflite)");
  add_value(command, "--set KEY=V,V", options->settings,
            "with --out: values of a key; may be repeated, for every combination")
      ->allow_extra_args(false);
  add_value(command, "--out FILE", options->out,
            "a page of these designs and of those around them, which needs no server");
  command.add_flag("--serve", options->serve,
                   "serve the page on 127.0.0.1, with estimates of any design");
  add_value(command, "--port N", options->port, "port of --serve (any free one)")
      ->check(range(0, 65535));
  add_value(command, "--charts FILE", options->charts,
            "chart.min.js of Chart.js 3 (Debian's libjs-chart.js)");
  options->output.declare(command);
  command.footer(
      "The numbers are those of trine estimate. A click on a point of the first chart opens its\n"
      "design; 'hold' keeps a design next to which others are shown; the address keeps the "
      "state.\n\n"
      "Examples:\n"
      "  trine explore --serve\n"
      "  trine explore --config edge64 --config edge256 --models 'models/*.tflite' --serve --port "
      "8080\n"
      "  trine explore --config edge64 --set array.rows=2,4,8 --out explore.html");
}

}  // namespace trine::cli
