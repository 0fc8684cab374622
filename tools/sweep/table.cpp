// SPDX-License-Identifier: Apache-2.0

#include "tools/sweep/table.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <map>

#include "base/error.h"
#include "base/text.h"

namespace trine::sweep {
namespace {

/// What a table shows where a point has it.
constexpr const char* kUsual[] = {"cycles",   "utilization", "dram_bytes",   "gate_equivalents",
                                  "area_um2", "clock_ns",    "microseconds", "energy_pj"};

std::optional<double> number(const Json& json, const std::string& key) {
  const auto found = json.find(key);
  if (found == json.end() || !found->is_number()) return std::nullopt;
  return found->get<double>();
}

/// A point without the points of other models: no network's cycles are better than another's.
std::map<std::string, std::vector<Point*>> by_model(std::vector<Point>& points) {
  std::map<std::string, std::vector<Point*>> groups;
  for (Point& point : points) groups[point.model].push_back(&point);
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
  return p.settings.empty() ? p.config : fmt::format("{} {}", p.config, fmt::join(p.settings, " "));
}

/// "a,b" of RFC 4180.
std::string cell(const std::string& text) {
  if (text.find_first_of(",\"\r\n") == std::string::npos) return text;
  std::string all = "\"";
  for (const char c : text) all += c == '"' ? "\"\"" : std::string(1, c);
  return all + "\"";
}

using Rows = std::vector<std::vector<std::string>>;

constexpr std::size_t kGap = 2, kTexts = 2;  ///< blanks between columns; the first columns are text

std::vector<std::size_t> widths_of(const Rows& rows) {
  std::vector<std::size_t> widths(rows.front().size());
  for (const auto& row : rows)
    for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], row[i].size());
  return widths;
}

/// As many columns as the width has room for, `least` in any case; texts give way first.
std::string aligned(const Rows& rows, std::size_t least, std::size_t width) {
  constexpr std::size_t kLeastText = 16;
  std::vector<std::size_t> widths = widths_of(rows);
  const auto total = [&] {
    std::size_t sum = 0;
    for (const std::size_t w : widths) sum += w + kGap;
    return sum - kGap;
  };
  while (total() > width && widths.size() > std::max(least, kTexts + 1)) widths.pop_back();
  for (const std::size_t i : {1U, 0U})
    if (total() > width)
      widths[i] -= std::min(total() - width, widths[i] - std::min(widths[i], kLeastText));
  std::string text;
  for (const auto& row : rows) {
    std::string line;
    for (std::size_t i = 0; i < widths.size(); ++i)
      line += i < kTexts ? fmt::format("{:<{}}  ", fitted(row[i], widths[i]), widths[i])
                         : fmt::format("{:>{}}  ", row[i], widths[i]);
    text += line.substr(0, line.find_last_not_of(' ') + 1) + "\n";
  }
  return text;
}

/// Each once, in the order of their first.
std::vector<std::string> once(const std::vector<std::string>& names) {
  std::vector<std::string> all;
  for (const std::string& name : names)
    if (std::ranges::find(all, name) == all.end()) all.push_back(name);
  return all;
}

void require_known(const std::vector<Point>& points, const std::string& option,
                   const std::string& figure) {
  const auto has = [&](const Point& point) { return point.figure(figure).has_value(); };
  const auto runs = [](const Point& point) { return point.failed.empty(); };
  if (std::ranges::none_of(points, runs) || std::ranges::any_of(points, has)) return;
  throw_error("--{} {}: no point has this figure", option, figure);
}

/// A line each; one of a configuration that fails all its models in the same way.
std::string failures_of(const std::vector<Point>& points) {
  std::vector<std::pair<std::string, std::vector<std::string>>> lines;  // its models by the rest
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
      text += fmt::format("{} ({})\n", line, models[0]);
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
  if (name == "microseconds") return product("cycles", "clock_ns");
  for (auto result = results.rbegin(); result != results.rend(); ++result) {
    const auto read = number(*result, "dram_bytes_read");
    const auto written = number(*result, "dram_bytes_written");
    if (name == "dram_bytes" && read && written) return *read + *written;
    if (const auto found = number(*result, name)) return found;
  }
  return number(keys, name);
}

std::vector<std::string> Goal::objectives() const {
  std::vector<std::string> all = minimize;
  all.insert(all.end(), maximize.begin(), maximize.end());
  return all;
}

std::vector<std::string> Goal::asked() const {
  std::vector<std::string> all = objectives();
  for (const Condition& c : where) all.push_back(c.figure);
  return once(all);
}

void Goal::judge(std::vector<Point>& points) const {
  for (const Condition& c : where) require_known(points, "where", c.figure);
  for (const std::string& figure : minimize) require_known(points, "minimize", figure);
  for (const std::string& figure : maximize) require_known(points, "maximize", figure);
  const auto objectives = this->objectives();
  for (Point& p : points)
    p.allowed = p.chosen && p.failed.empty() &&
                std::ranges::all_of(where,
                                    [&](const Condition& c) {
                                      const auto value = p.figure(c.figure);
                                      return value && c.holds(*value);
                                    }) &&
                std::ranges::all_of(objectives, [&](const std::string& figure) {
                  return p.figure(figure).has_value();
                });
  for (Point& p : points) p.front = false;
  if (objectives.empty()) return;
  for (auto& [model, group] : by_model(points)) {
    std::erase_if(group, [](const Point* p) { return !p->allowed; });
    std::vector<std::vector<double>> costs;
    for (const Point* p : group) {
      costs.emplace_back();
      for (const std::string& figure : minimize) costs.back().push_back(*p->figure(figure));
      for (const std::string& figure : maximize) costs.back().push_back(-*p->figure(figure));
    }
    const std::vector<bool> front = pareto_front(costs);
    for (std::size_t i = 0; i < group.size(); ++i) group[i]->front = front[i];
  }
}

std::vector<std::string> Goal::columns(const std::vector<Point>& points) const {
  std::vector<std::string> all = asked();
  for (const char* figure : kUsual)
    if (std::ranges::any_of(points, [&](const Point& p) { return p.figure(figure).has_value(); }))
      all.push_back(figure);
  return once(all);
}

std::string to_text(const std::vector<Point>& points, const Goal& goal, std::size_t width) {
  const auto columns = goal.columns(points);
  const bool compared = !goal.objectives().empty();
  Rows rows{{"configuration", "model"}};
  rows[0].insert(rows[0].end(), columns.begin(), columns.end());
  std::size_t allowed = 0;
  for (const Point& p : points) {
    allowed += p.allowed ? 1 : 0;
    if (compared ? !p.front : !p.allowed) continue;
    rows.push_back({name_of(p), p.model});
    for (const std::string& figure : columns) rows.back().push_back(for_people(p.figure(figure)));
  }
  std::string text = aligned(rows, kTexts + goal.asked().size(), width) + "\n";
  text += failures_of(points);
  const auto failed =
      std::ranges::count_if(points, [](const Point& p) { return !p.failed.empty(); });
  text += fmt::format("{} points, {} failed", points.size(), failed);
  if (!goal.where.empty() || compared) text += fmt::format(", {} within the conditions", allowed);
  if (compared) text += fmt::format(", {} on the front", rows.size() - 1);
  return text + "\n";
}

std::string to_csv(const std::vector<Point>& points, const Goal& goal) {
  const auto columns = goal.columns(points);
  std::string text =
      fmt::format("config,settings,model,by,{},allowed,front,failed\n", fmt::join(columns, ","));
  for (const Point& p : points) {
    text += fmt::format("{},{},{},{},", cell(p.config),
                        cell(fmt::format("{}", fmt::join(p.settings, " "))), cell(p.model),
                        fmt::join(p.by, " "));
    for (const std::string& figure : columns) text += for_programs(p.figure(figure)) + ",";
    text += fmt::format("{:d},{:d},{}\n", p.allowed, p.front, cell(p.failed));
  }
  return text;
}

Json to_json(const std::vector<Point>& points, const Goal& goal) {
  Json json;
  json["minimize"] = goal.minimize;
  json["maximize"] = goal.maximize;
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

namespace {

/// A string of gnuplot's, in which a quote is written twice.
std::string quoted(const std::string& text) {
  std::string all = "'";
  for (const char c : text) all += c == '\'' ? "''" : std::string(1, c);
  return all + "'";
}

/// A block of data: "x y" of the points of a model, by x.
std::string block(const std::string& name, const std::vector<const Point*>& points,
                  const std::string& x, const std::string& y) {
  std::vector<std::pair<double, double>> places;
  places.reserve(points.size());
  for (const Point* p : points) places.emplace_back(*p->figure(x), *p->figure(y));
  std::ranges::sort(places);
  std::string text = fmt::format("${} << EOD\n", name);
  for (const auto& [a, b] : places) text += fmt::format("{} {}\n", a, b);
  return text + "EOD\n";
}

/// A logarithmic axis for figures far apart.
std::string axis(const char* name, const std::string& figure, const std::vector<Point>& points) {
  constexpr double kFar = 20;
  double least = HUGE_VAL, most = 0;
  for (const Point& p : points)
    if (p.allowed) {
      least = std::min(least, *p.figure(figure));
      most = std::max(most, *p.figure(figure));
    }
  const bool far = least > 0 && most > kFar * least;
  return fmt::format("set {0}label {1}\n{2}", name, quoted(figure),
                     far ? fmt::format("set logscale {}\n", name) : "");
}

}  // namespace

std::string to_plot(const std::vector<Point>& points, const Goal& goal, const std::string& terminal,
                    const std::string& file) {
  const auto objectives = goal.objectives();
  const std::string &x = objectives.at(0), &y = objectives.at(1);
  std::map<std::string, std::vector<const Point*>> all, front;
  for (const Point& p : points) {
    if (!p.allowed) continue;
    all[p.model].push_back(&p);
    if (p.front) front[p.model].push_back(&p);
  }
  std::string data, curves;
  int number = 0;
  for (const auto& [model, group] : all) {
    ++number;
    data += block(fmt::format("all{}", number), group, x, y);
    data += block(fmt::format("front{}", number), front.at(model), x, y);
    curves += fmt::format(
        "{0}$all{1} using 1:2 with points pointtype 6 linecolor {1} notitle, "
        "$front{1} using 1:2 with linespoints pointtype 7 linecolor {1} title {2}",
        number > 1 ? ", " : "plot ", number, quoted(model.empty() ? "front" : model));
  }
  return fmt::format(
      "set terminal {} size 900,600 noenhanced\nset output {}\nset grid\nset key top right\n"
      "{}{}{}{}\n",
      terminal, quoted(file), axis("x", x, points), axis("y", y, points), data, curves);
}

}  // namespace trine::sweep
