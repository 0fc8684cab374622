// SPDX-License-Identifier: Apache-2.0

#include "components/sweep/table.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <numeric>
#include <set>
#include <tuple>
#include <utility>

#include "components/sweep/names.h"
#include "sw/base/error.h"
#include "sw/base/text.h"

namespace trine::sweep {
namespace {

/// The figures that a table shows if a point has them.
constexpr const char* kUsual[] = {"cycles",           "utilization",  "dram_bytes",
                                  "gate_equivalents", "area_um2",     "area",
                                  "clock_ns",         "microseconds", "energy_pj"};
constexpr const char *kRate = "inferences_per_second", *kSlowest = "slowest_rate";

std::optional<double> number(const Json& json, const std::string& key) {
  const auto found = json.find(key);
  if (found == json.end() || !found->is_number()) return std::nullopt;
  return found->get<double>();
}

/// Groups points by model: cycles of different networks are not compared.
std::map<std::string, std::vector<Point*>> by_model(std::vector<Point>& points) {
  std::map<std::string, std::vector<Point*>> groups;
  for (Point& point : points) groups[point.model].push_back(&point);
  return groups;
}

/// Groups the points of each design, one for each model, in the order of their first point.
std::vector<std::vector<Point*>> by_design(std::vector<Point>& points) {
  std::vector<std::vector<Point*>> groups;
  std::map<std::string, std::size_t> places;
  for (Point& p : points) {
    std::string name = p.config;
    for (const std::string& setting : p.settings)
      if (!is_model(setting)) name += "\n" + setting;
    const auto [place, fresh] = places.emplace(name, groups.size());
    if (fresh) groups.emplace_back();
    groups[place->second].push_back(&p);
  }
  return groups;
}

bool whole(double value) { return std::abs(value) < 1e15 && value == std::floor(value); }

std::string for_people(std::optional<double> value) {
  if (!value) return "-";
  const bool digits = whole(*value) || std::abs(*value) >= 1000;
  return digits ? grouped(*value) : fmt::format("{:.4g}", *value);
}

std::string for_programs(std::optional<double> value) {
  return value ? fmt::format("{}", *value) : "";
}

Json to_json(std::optional<double> value) {
  if (!value) return nullptr;
  return whole(*value) ? Json(std::llround(*value)) : Json(*value);
}

std::string name_of(const Point& p) {
  const std::string config = base_of(p.config);
  return p.settings.empty() ? config : fmt::format("{} {}", config, fmt::join(p.settings, " "));
}

/// Returns a CSV cell (RFC 4180): "a,b".
std::string cell(const std::string& text) {
  if (text.find_first_of(",\"\r\n") == std::string::npos) return text;
  std::string all = "\"";
  for (const char c : text) all += c == '"' ? "\"\"" : std::string(1, c);
  return all + "\"";
}

using Rows = std::vector<std::vector<std::string>>;

constexpr std::size_t kGap = 2;  ///< blanks between columns

std::vector<std::size_t> widths_of(const Rows& rows) {
  std::vector<std::size_t> widths(rows.front().size());
  for (const auto& row : rows)
    for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], row[i].size());
  return widths;
}

/// Aligns as many columns as fit into the width, at least `least`. @param texts  number of leading
/// text columns
std::string aligned(const Rows& rows, std::size_t texts, std::size_t least, std::size_t width) {
  std::vector<std::size_t> widths = widths_of(rows);
  const auto total = [&] {
    std::size_t sum = 0;
    for (const std::size_t w : widths) sum += w + kGap;
    return sum - kGap;
  };
  while (widths.size() > least && total() > width) widths.pop_back();
  std::string text;
  for (const auto& row : rows) {
    std::string line;
    for (std::size_t i = 0; i < widths.size(); ++i)
      line += i < texts ? fmt::format("{:<{}}  ", row[i], widths[i])
                        : fmt::format("{:>{}}  ", row[i], widths[i]);
    text += line.substr(0, line.find_last_not_of(' ') + 1) + "\n";
  }
  return text;
}

/// Returns "all points: edge64, lenet", in lines.
std::string common_text(const std::vector<std::string>& parts, std::size_t width) {
  std::string text, line = "all points:";
  for (const std::string& part : parts) {
    const std::string word = " " + part + (&part == &parts.back() ? "" : ",");
    if (line.size() + word.size() > width) {
      text += line + "\n";
      line = " ";
    }
    line += word;
  }
  return parts.empty() ? "" : text + line + "\n";
}

/// Returns each name once, in order of first occurrence.
std::vector<std::string> once(const std::vector<std::string>& names) {
  std::vector<std::string> all;
  for (const std::string& name : names)
    if (std::ranges::find(all, name) == all.end()) all.push_back(name);
  return all;
}

/// Returns the number of letters to change, insert or remove until `a` equals `b`.
std::size_t distance(const std::string& a, const std::string& b) {
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 0; i < a.size(); ++i) {
    std::size_t before = std::exchange(row[0], i + 1);
    for (std::size_t k = 0; k < b.size(); ++k) {
      const std::size_t change = before + (a[i] == b[k] ? 0 : 1);
      before = row[k + 1];
      row[k + 1] = std::min({change, row[k] + 1, row[k + 1] + 1});
    }
  }
  return row.back();
}

/// Returns all figures of any point, except for keys of configurations.
std::vector<std::string> figures_of(const std::vector<Point>& points) {
  std::set<std::string> names;
  const auto known = [&](const char* name) {
    return std::ranges::any_of(points, [&](const Point& p) { return p.figure(name).has_value(); });
  };
  for (const char* name : kDerived)
    if (known(name)) names.insert(name);
  for (const Point& p : points) {
    for (const Json& result : p.results)
      for (const auto& [key, value] : result.items())
        if (value.is_number()) names.insert(key);
    for (const auto& [key, value] : p.joint.items()) names.insert(key);
  }
  return {names.begin(), names.end()};
}

void require_known(const std::vector<Point>& points, const std::string& option,
                   const std::string& figure) {
  const auto has = [&](const Point& point) { return point.figure(figure).has_value(); };
  const auto runs = [](const Point& point) { return point.failed.empty(); };
  if (std::ranges::none_of(points, runs) || std::ranges::any_of(points, has)) return;
  const std::vector<std::string> there = figures_of(points);
  std::vector<std::string> all = there;
  for (const Point& p : points)
    for (const auto& [key, value] : p.keys.items()) all.push_back(key);
  const auto nearest = std::ranges::min_element(
      all, {}, [&](const std::string& name) { return distance(figure, name); });
  throw_error("--{} {}: no point has this figure{} (there are {}, and keys of the configuration)",
              option, figure,
              nearest == all.end() ? "" : fmt::format(", did you mean {}?", *nearest),
              fmt::join(there, ", "));
}

/// Returns a line for each failure; a single line for a configuration on which all models fail in
/// the same way.
std::string failures_of(const std::vector<Point>& points) {
  std::vector<std::pair<std::string, std::vector<std::string>>> lines;  // models by failure
  for (const Point& p : points) {
    if (p.failed.empty()) continue;
    const std::string line = fmt::format("failed: {}: {}", name_of(p), p.failed);
    const auto same = std::ranges::find(lines, line, [](const auto& known) { return known.first; });
    if (same == lines.end())
      lines.push_back({line, {p.model}});
    else
      same->second.push_back(p.model);
  }
  std::string text;
  for (const auto& [line, models] : lines) {
    const bool one = models.size() == 1;
    if (one && !models[0].empty() && line.find(models[0]) == std::string::npos)
      text += fmt::format("{} ({})\n", line, base_of(models[0]));
    else
      text += one ? line + "\n" : fmt::format("{} ({} models)\n", line, models.size());
  }
  return text;
}

}  // namespace

std::optional<double> Point::figure(const std::string& name) const {
  if (!failed.empty()) return std::nullopt;
  const auto product = [&](const char* a, const char* b) -> std::optional<double> {
    const auto x = figure(a), y = figure(b);
    return x && y ? std::optional(*x * *y / 1000) : std::nullopt;
  };
  if (const auto found = number(joint, name)) return found;
  if (name == "microseconds")
    return product("cycles", figure("clock_placed_ns") ? "clock_placed_ns" : "clock_ns");
  if (name == "area") return figure("total_um2");
  if (name == kRate) {
    const auto us = figure("microseconds");
    return us ? std::optional(1e6 * figure("images").value_or(1) / *us) : std::nullopt;
  }
  if (name == "clock_ns" || name == "clock_placed_ns")  // measured before predicted
    for (const Json& result : results)
      if (result.value("command", "") == "synth")
        if (const auto found = number(result, name)) return found;
  for (auto result = results.rbegin(); result != results.rend(); ++result) {
    const auto read = number(*result, "dram_bytes_read");
    const auto written = number(*result, "dram_bytes_written");
    if (name == "dram_bytes" && read && written) return *read + *written;
    if (const auto found = number(*result, name)) return found;
  }
  return number(keys, name);
}

double parse_reach(const std::string& text) {
  char* end = nullptr;
  const double rate = std::strtod(text.c_str(), &end);
  const std::string unit = end;
  if (end == text.c_str() || (!unit.empty() && unit != "/s") || !std::isfinite(rate) || rate <= 0)
    throw_error("--reach {}: expected inferences per second, as in 30/s", text);
  return rate;
}

std::string Goal::name_of(const std::string& figure) const {
  return std::ranges::find(sum, figure) == sum.end() ? figure : "sum_" + figure;
}

std::vector<std::string> Goal::objectives() const {
  std::vector<std::string> all;
  for (const auto* figures : {&minimize, &maximize})
    for (const std::string& figure : *figures) all.push_back(name_of(figure));
  return all;
}

std::vector<std::string> Goal::asked() const {
  std::vector<std::string> all = objectives();
  for (const Condition& c : where) all.push_back(name_of(c.figure));
  for (const std::string& figure : sum) all.push_back(name_of(figure));
  if (reach > 0) all.emplace_back(kSlowest);
  return once(all);
}

namespace {

/// Computes sums and the slowest rate of each design for which all models have the figure.
void join(const Goal& goal, std::vector<Point>& points) {
  for (const auto& group : by_design(points)) {
    Json joint = Json::object();
    const auto all = [&](const std::string& figure) {
      return std::ranges::all_of(group,
                                 [&](const Point* p) { return p->figure(figure).has_value(); });
    };
    for (const std::string& figure : goal.sum)
      if (all(figure)) {
        double sum = 0;
        for (const Point* p : group) sum += *p->figure(figure);
        joint["sum_" + figure] = sum;
      }
    if (goal.reach > 0 && all(kRate)) {
      double least = HUGE_VAL;
      for (const Point* p : group) least = std::min(least, *p->figure(kRate));
      joint[kSlowest] = least;
    }
    for (Point* p : group) p->joint = joint;
  }
}

/// Requires joint figures for points that represent all models of their designs.
void require_joint(const Goal& goal, std::vector<Point>& points) {
  for (const auto& group : by_design(points))
    for (const std::string& figure : goal.objectives())
      for (const Point* p : group)
        if (p->allowed && p->figure(figure) != group.front()->figure(figure))
          throw_error("{}: differs between the models of a design; use --sum {}", figure, figure);
}

/// Marks the front of points that are compared with each other.
void mark_front(const Goal& goal, const std::vector<Point*>& group) {
  std::vector<std::vector<double>> costs;
  for (const Point* p : group) {
    costs.emplace_back();
    for (const std::string& figure : goal.minimize)
      costs.back().push_back(*p->figure(goal.name_of(figure)));
    for (const std::string& figure : goal.maximize)
      costs.back().push_back(-*p->figure(goal.name_of(figure)));
  }
  const std::vector<bool> front = pareto_front(costs);
  for (std::size_t i = 0; i < group.size(); ++i) group[i]->front = front[i];
}

/// Returns the conditions of a goal by the names of its points' figures.
std::vector<Condition> conditions_of(const Goal& goal) {
  std::vector<Condition> all = goal.where;
  for (Condition& c : all) c.figure = goal.name_of(c.figure);
  if (goal.reach > 0) all.push_back({kSlowest, ">=", goal.reach});
  return all;
}

}  // namespace

void Goal::judge(std::vector<Point>& points) const {
  for (const std::string& figure : sum) require_known(points, "sum", figure);
  if (reach > 0) require_known(points, "reach", kRate);
  join(*this, points);
  for (const Condition& c : where) require_known(points, "where", name_of(c.figure));
  for (const std::string& figure : minimize) require_known(points, "minimize", name_of(figure));
  for (const std::string& figure : maximize) require_known(points, "maximize", name_of(figure));
  const auto objectives = this->objectives();
  const auto conditions = conditions_of(*this);
  for (Point& p : points)
    p.allowed = p.chosen && p.failed.empty() &&
                std::ranges::all_of(conditions,
                                    [&](const Condition& c) {
                                      const auto value = p.figure(c.figure);
                                      return value && c.holds(*value);
                                    }) &&
                std::ranges::all_of(objectives, [&](const std::string& figure) {
                  return p.figure(figure).has_value();
                });
  for (Point& p : points) {
    p.front = false;
    p.stands = sum.empty();
  }
  if (!sum.empty()) {
    for (const auto& group : by_design(points)) {
      group.front()->stands = true;
      if (!std::ranges::all_of(group, &Point::allowed))
        for (Point* p : group) p->allowed = false;
    }
    require_joint(*this, points);
  }
  if (objectives.empty()) return;
  if (sum.empty()) {
    for (auto& [model, group] : by_model(points)) {
      std::erase_if(group, [](const Point* p) { return !p->allowed; });
      mark_front(*this, group);
    }
    return;
  }
  const auto designs = by_design(points);
  std::vector<Point*> firsts;
  for (const auto& group : designs)
    if (group.front()->allowed) firsts.push_back(group.front());
  mark_front(*this, firsts);
  for (const auto& group : designs)
    for (Point* p : group) p->front = group.front()->front;
}

std::vector<std::string> Goal::columns(const std::vector<Point>& points) const {
  std::vector<std::string> all = asked();
  for (const char* figure : kUsual)
    if (std::ranges::any_of(points, [&](const Point& p) { return p.figure(figure).has_value(); }))
      all.push_back(figure);
  return once(all);
}

namespace {

/// Returns true if models of one design have different values of the figure.
bool is_of_models(const std::vector<Point>& points, const std::string& figure) {
  std::map<std::string, std::optional<double>> values;
  return std::ranges::any_of(points, [&](const Point& p) {
    return p.figure(figure) != values.emplace(p.design, p.figure(figure)).first->second;
  });
}

/// Returns the requested figures, then the usual figures that differ between the shown
/// points. The area is the one with memories, if known.
std::vector<std::string> shown_figures(const std::vector<Point>& points, const Goal& goal,
                                       const std::vector<const Point*>& shown) {
  std::vector<std::string> all = goal.asked();
  for (const std::string& figure : goal.columns(points)) {
    const bool is_asked = std::ranges::find(all, figure) != all.end();
    const auto value = [&](const Point* p) { return p->figure(figure); };
    if (is_asked ||
        std::ranges::none_of(shown, [&](const Point* p) { return value(p).has_value(); }))
      continue;
    const bool of_models = !goal.sum.empty() && is_of_models(points, figure);
    const bool differs = shown.size() < 2 || std::ranges::any_of(shown, [&](const Point* p) {
                           return value(p) != value(shown.front());
                         });
    const bool has_area =
        std::ranges::any_of(shown, [](const Point* p) { return p->figure("area").has_value(); });
    if (differs && !of_models && !(figure == "area_um2" && has_area)) all.push_back(figure);
  }
  return all;
}

/// A point that misses conditions.
struct Miss {
  double most = 0;  ///< largest distance from a bound, relative to the bound
  std::string what;
};

/// Returns what a point misses, or nothing if a figure is not known.
std::optional<Miss> miss_of(const Point& point, const std::vector<Condition>& conditions) {
  Miss miss;
  for (const Condition& c : conditions) {
    const auto value = point.figure(c.figure);
    if (!value) return std::nullopt;
    if (c.holds(*value)) continue;
    const double base = c.bound == 0 ? 1 : std::abs(c.bound);
    miss.most = std::max(miss.most, std::abs(*value - c.bound) / base);
    miss.what += fmt::format("{}{} {}, not {} {}", miss.what.empty() ? "" : "; ", c.figure,
                             for_people(value), c.relation, for_people(c.bound));
  }
  return miss;
}

/// Returns the points that miss the conditions by the least, with what they miss.
std::string nearest_text(const std::vector<Point>& points, const Goal& goal) {
  constexpr std::size_t kShown = 3;
  const std::vector<Condition> conditions = conditions_of(goal);
  std::vector<std::pair<const Point*, Miss>> all;
  for (const Point& point : points)
    if (point.stands && point.failed.empty())
      if (auto miss = miss_of(point, conditions); miss && miss->most > 0)
        all.emplace_back(&point, *miss);
  std::ranges::stable_sort(all, {}, [](const auto& one) { return one.second.most; });
  if (all.size() > kShown) all.resize(kShown);
  std::string text = all.empty() ? "" : "the nearest points:\n";
  for (const auto& [point, miss] : all)
    text += fmt::format("  {}{}{}: {}\n", name_of(*point), point->model.empty() ? "" : ", ",
                        point->model.empty() ? "" : base_of(point->model), miss.what);
  return text;
}

}  // namespace

std::string to_text(const std::vector<Point>& points, const Goal& goal, std::size_t width) {
  const bool compared = !goal.objectives().empty(), joint = !goal.sum.empty();
  const Names names(points, joint);
  std::vector<const Point*> shown;
  std::size_t allowed = 0, designs = 0;
  for (const Point& p : points) {
    designs += p.stands ? 1 : 0;
    allowed += p.stands && p.allowed ? 1 : 0;
    if (p.stands && (compared ? p.front : p.allowed)) shown.push_back(&p);
  }
  const auto is_named = [&](const std::string& figure) { return names.has_column(figure); };
  std::vector<std::string> columns = shown_figures(points, goal, shown), asked = goal.asked();
  std::erase_if(columns, is_named);
  std::erase_if(asked, is_named);
  const std::vector<std::string> heads = names.heads();
  Rows rows{heads};
  rows[0].insert(rows[0].end(), columns.begin(), columns.end());
  for (const Point* p : shown) {
    rows.push_back(names.cells(*p));
    for (const std::string& figure : columns) rows.back().push_back(for_people(p->figure(figure)));
  }
  std::string text = common_text(names.common(), width);
  if (!rows[0].empty()) text += aligned(rows, heads.size(), heads.size() + asked.size(), width);
  text += "\n" + failures_of(points);
  const auto failed =
      std::ranges::count_if(points, [](const Point& p) { return !p.failed.empty(); });
  text += fmt::format("{} points, {} failed", points.size(), failed);
  if (joint) text += fmt::format(", {} designs", designs);
  if (!goal.where.empty() || goal.reach > 0 || compared)
    text += fmt::format(", {} within the conditions", allowed);
  if (compared) text += fmt::format(", {} on the front", shown.size());
  text += "\n";
  if (allowed == 0) text += nearest_text(points, goal);
  if (std::ranges::find(columns, "area_um2") != columns.end())
    text += "area_um2 is of the cells only; area includes the memories\n";
  return text;
}

namespace {

/// Returns the keys of the configuration that some point sets, in the order of the settings,
/// without those that are `columns`.
std::vector<std::string> set_keys(const std::vector<Point>& points,
                                  const std::vector<std::string>& columns) {
  std::vector<std::string> keys;
  for (const Point& p : points)
    for (const std::string& setting : p.settings)
      if (const std::string key = setting.substr(0, setting.find('='));
          p.keys.contains(key) && std::ranges::find(columns, key) == columns.end())
        keys.push_back(key);
  return once(keys);
}

std::string key_cell(const Point& p, const std::string& key) {
  if (!p.keys.contains(key)) return "";
  const Json& value = p.keys.at(key);
  return cell(value.is_string() ? value.get<std::string>() : json_text(value));
}

}  // namespace

std::string to_csv(const std::vector<Point>& points, const Goal& goal) {
  const auto columns = goal.columns(points);
  const std::vector<std::string> keys = set_keys(points, columns);
  std::string text =
      fmt::format("config,settings,model,by,{},allowed,front,failed", fmt::join(columns, ","));
  for (const std::string& key : keys) text += "," + key;
  text += "\n";
  for (const Point& p : points) {
    text += fmt::format("{},{},{},{},", cell(p.config),
                        cell(fmt::format("{}", fmt::join(p.settings, " "))), cell(p.model),
                        fmt::join(p.by, " "));
    for (const std::string& figure : columns) text += for_programs(p.figure(figure)) + ",";
    text += fmt::format("{:d},{:d},{}", p.allowed, p.front, cell(p.failed));
    for (const std::string& key : keys) text += "," + key_cell(p, key);
    text += "\n";
  }
  return text;
}

Json to_json(const std::vector<Point>& points, const Goal& goal) {
  Json json;
  json["minimize"] = goal.minimize;
  json["maximize"] = goal.maximize;
  json["sum"] = goal.sum;
  json["reach"] = goal.reach > 0 ? Json(goal.reach) : Json(nullptr);
  json["where"] = Json::array();
  for (const Condition& c : goal.where)
    json["where"].push_back(fmt::format("{}{}{}", c.figure, c.relation, c.bound));
  const auto columns = goal.columns(points);
  json["points"] = Json::array();
  for (const Point& p : points) {
    Json row{{"config", p.config}, {"settings", p.settings}, {"model", p.model}, {"by", p.by}};
    row["design_hash"] = p.design.empty() ? Json(nullptr) : Json(p.design);
    for (const std::string& figure : columns) row[figure] = to_json(p.figure(figure));
    row["allowed"] = p.allowed;
    row["front"] = p.front;
    row["failed"] = p.failed.empty() ? Json(nullptr) : Json(p.failed);
    json["points"].push_back(row);
  }
  return json;
}

}  // namespace trine::sweep
