// SPDX-License-Identifier: Apache-2.0

#include "tools/cli/hardware/features.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <filesystem>
#include <functional>
#include <optional>

#include "sw/base/error.h"
#include "sw/base/file.h"
#include "sw/base/text.h"
#include "tools/cli/run/network.h"
#include "tools/estimate/area_model.h"
#include "tools/estimate/estimate.h"
#include "tools/estimate/shapes.h"

namespace trine::cli {
namespace {

/// A feature is needed if the models take more additional cycles than this share without it.
constexpr double kSlower = 0.01;

/// Removes a feature. @return the key and its value; "": the design does not have the feature
using Without = std::function<std::string(spec::Config*)>;

Without without(const char* key, bool spec::Config::*feature) {
  return [=](spec::Config* c) -> std::string {
    if (!(c->*feature)) return {};
    c->*feature = false;
    return fmt::format("{}=false", key);
  };
}

std::string precisions_text(const spec::Config& c) {
  std::vector<std::string> names;
  if (c.int8) names.emplace_back("\"int8\"");
  if (c.ternary) names.emplace_back("\"ternary\"");
  if (c.binary) names.emplace_back("\"binary\"");
  return fmt::format("array.precisions=[{}]", fmt::join(names, ", "));
}

Without without_precision(bool spec::Config::*precision) {
  return [=](spec::Config* c) -> std::string {
    if (!(c->*precision) || c->int8 + c->ternary + c->binary == 1) return {};
    c->*precision = false;
    return precisions_text(*c);
  };
}

std::string one_column(spec::Config* c) {
  if (c->columns_per_cycle == 1) return {};
  c->columns_per_cycle = 1;
  return "post.columns_per_cycle=1";
}

/// Returns the ways to remove features; a feature that builds on another comes before it.
std::vector<Without> ways() {
  using spec::Config;
  return {without("vector.softmax", &Config::softmax),
          without("vector.table", &Config::table),
          without("matmul.enable", &Config::matmul),
          without("vector.enable", &Config::vector),
          without("depthwise.enable", &Config::depthwise),
          without("post.partial_sums", &Config::partial_sums),
          without_precision(&Config::binary),
          without_precision(&Config::ternary),
          without_precision(&Config::int8),
          one_column};
}

bool is_table(const std::string& model) {
  return std::filesystem::path(model).extension() == ".csv";
}

/// The cost of a model on a design.
struct Cost {
  std::uint64_t cycles = 0;  ///< predicted
  std::size_t on_host = 0;   ///< number of operators
};

class Search {
 public:
  explicit Search(const std::vector<std::string>& models) : models_(models) {
    for (const std::string& model : models) {
      bytes_.push_back(read_file(model));
      tables_.push_back(is_table(model) ? estimate::parse_shapes(read_text(model), model)
                                        : estimate::ShapeTable{});
    }
  }

  /// Returns the cost of each model. @throws Error  a model is refused
  std::vector<Cost> on(const spec::Config& config) const {
    std::vector<Cost> costs;
    for (std::size_t m = 0; m < models_.size(); ++m) {
      if (is_table(models_[m])) {
        const double cycles = estimate::of_shapes(tables_[m], config).cycles();
        costs.push_back({static_cast<std::uint64_t>(cycles), 0});
        continue;
      }
      NetworkOptions options;
      options.model = models_[m];
      const Network network =
          load_network(bytes_[m], options, config, options.policy(reference::kDoublePolicy));
      Cost cost{estimate::of_program(network.program, BackendOptions{}.bus()).cycles, 0};
      for (const compiler::Program* segment : compiler::segments(network.program))
        cost.on_host += segment->before.ops.size() + segment->after.ops.size();
      costs.push_back(cost);
    }
    return costs;
  }

  /// Returns why the models need the features that a design lacks; "" if they do not.
  /// @param before  the costs with these features
  /// @param costs  receives the costs without them if no model is refused
  std::string need(const spec::Config& without, const std::vector<Cost>& before,
                   std::vector<Cost>* costs) const {
    for (std::size_t m = 0; m < models_.size() && !without.table; ++m)
      if (is_table(models_[m]))
        return fmt::format("{}: a table of shapes does not state its activation functions",
                           name_of(m));
    try {
      spec::check(without);
      *costs = on(without);
    } catch (const Error& e) {
      std::string text = e.what();
      for (std::size_t m = 0; m < models_.size(); ++m)
        if (text.starts_with(models_[m])) text.replace(0, models_[m].size(), name_of(m));
      return text.substr(0, text.find('\n'));
    }
    for (std::size_t m = 0; m < models_.size(); ++m) {
      const Cost &now = costs->at(m), &then = before[m];
      if (now.on_host > then.on_host)
        return fmt::format("{}: {} more of its operators would run on the host", name_of(m),
                           now.on_host - then.on_host);
      const double more = static_cast<double>(now.cycles) / static_cast<double>(then.cycles) - 1;
      if (more > kSlower) return fmt::format("{}: {:.0f} % more cycles", name_of(m), 100 * more);
    }
    return {};
  }

  std::string name_of(std::size_t m) const {
    return std::filesystem::path(models_[m]).filename().string();
  }

 private:
  const std::vector<std::string>& models_;
  std::vector<std::vector<std::uint8_t>> bytes_;
  std::vector<estimate::ShapeTable> tables_;  ///< of each model; empty unless it is a table
};

std::vector<std::uint64_t> cycles_of(const std::vector<Cost>& costs) {
  std::vector<std::uint64_t> cycles;
  for (const Cost& cost : costs) cycles.push_back(cost.cycles);
  return cycles;
}

double gates(const spec::Config& config) { return estimate::area_of(config).gate_equivalents; }

/// Returns "-" if the area model does not distinguish it, or it is in memories.
std::string saved(double area) { return area > 0.5 ? grouped(area) : "-"; }

std::string settings_of(const Features& found) {
  std::string text;
  for (const Feature& f : found.all)
    if (!f.kept && !f.key.starts_with("array.")) text += " --set " + f.key;
  // The last one includes all of them.
  for (auto f = found.all.rbegin(); f != found.all.rend(); ++f)
    if (!f->kept && f->key.starts_with("array.")) return text + " --set '" + f->key + "'";
  return text;
}

}  // namespace

Features smallest_for(const std::vector<std::string>& models, const spec::Config& config) {
  const Search search(models);
  std::vector<Cost> costs = search.on(config), fewer_costs;
  Features found{config, {}, {}, cycles_of(costs)};
  for (const Without& way : ways()) {
    spec::Config fewer = found.config;
    Feature feature;
    feature.key = way(&fewer);
    if (feature.key.empty()) continue;
    feature.why = search.need(fewer, costs, &fewer_costs);
    feature.kept = !feature.why.empty();
    feature.gate_equivalents = gates(found.config) - gates(fewer);
    if (!feature.kept) {
      found.config = fewer;
      costs = fewer_costs;
    }
    found.all.push_back(std::move(feature));
  }
  found.cycles = cycles_of(costs);
  return found;
}

std::string to_text(const Features& found, const std::vector<std::string>& models,
                    const spec::Config& before) {
  const auto width = static_cast<std::size_t>(columns());
  std::string text = fmt::format("{:<38} {:>10}\n", "without", "GE saved");
  for (const Feature& f : found.all) {
    text += fmt::format("{:<38} {:>10}  {}\n", f.key, saved(f.gate_equivalents),
                        f.kept ? "needed" : "left out");
    if (f.kept) text += wrapped(f.why, "    ", width);
  }
  for (std::size_t m = 0; m < models.size(); ++m)
    text += fmt::format("{}: {} cycles, {} before (predicted)\n",
                        std::filesystem::path(models[m]).filename().string(),
                        grouped(found.cycles[m]), grouped(found.cycles_before[m]));
  text += fmt::format("{}: {} gate equivalents, {} before (predicted, without memories)\n",
                      before.name, grouped(gates(found.config)), grouped(gates(before)));
  const std::string settings = settings_of(found);
  return text + (settings.empty() ? "no feature can be left out\n"
                                  : fmt::format("the same design as by{}\n", settings));
}

Json to_json(const Features& found, const std::vector<std::string>& models) {
  Json json;
  json["features"] = Json::array();
  for (const Feature& f : found.all)
    json["features"].push_back({{"without", f.key},
                                {"kept", f.kept},
                                {"why", f.why},
                                {"gate_equivalents", f.gate_equivalents}});
  json["models"] = Json::array();
  for (std::size_t m = 0; m < models.size(); ++m)
    json["models"].push_back({{"model", models[m]},
                              {"cycles", found.cycles[m]},
                              {"cycles_before", found.cycles_before[m]}});
  return json;
}

}  // namespace trine::cli
