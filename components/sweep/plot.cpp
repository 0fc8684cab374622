// SPDX-License-Identifier: Apache-2.0

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <tuple>

#include "components/sweep/names.h"
#include "components/sweep/table.h"

namespace trine::sweep {
namespace {

/// Returns a string of gnuplot's, in which quotes are doubled.
std::string quoted(const std::string& text) {
  std::string all = "'";
  for (const char c : text) all += c == '\'' ? "''" : std::string(1, c);
  return all + "'";
}

/// Returns a block of data: "x y label" of the points, sorted by x.
std::string block(const std::string& name, const std::vector<const Point*>& points,
                  const Names& names, const std::string& x, const std::string& y) {
  std::vector<std::tuple<double, double, std::string>> places;
  places.reserve(points.size());
  for (const Point* p : points) places.emplace_back(*p->figure(x), *p->figure(y), names.label(*p));
  std::ranges::sort(places);
  std::string text = fmt::format("${} << EOD\n", name);
  for (auto& [a, b, label] : places) {
    std::ranges::replace(label, '"', '\'');
    text += fmt::format("{} {} \"{}\"\n", a, b, label);
  }
  return text + "EOD\n";
}

/// Returns the axis of a figure: with a unit prefix if values are large, logarithmic if they are
/// far apart.
std::string axis(const char* name, const std::string& figure, const std::vector<Point>& points) {
  constexpr double kFar = 20;
  double least = HUGE_VAL, most = 0;
  for (const Point& p : points)
    if (p.allowed) {
      least = std::min(least, *p.figure(figure));
      most = std::max(most, *p.figure(figure));
    }
  const bool far = least > 0 && most > kFar * least;
  return fmt::format("set {0}label {1}\nset format {0} '{2}'\n{3}", name,
                     quoted(figure + (far ? " (logarithmic)" : "")), most >= 1e4 ? "%.1s%c" : "%g",
                     far ? fmt::format("set logscale {}\n", name) : "");
}

}  // namespace

std::string to_plot(const std::vector<Point>& points, const Goal& goal, const std::string& terminal,
                    const std::string& file) {
  const auto objectives = goal.objectives();
  const std::string &x = objectives.at(0), &y = objectives.at(1);
  const Names names(points, !goal.sum.empty());
  std::map<std::string, std::vector<const Point*>> all, front;
  for (const Point& p : points) {
    if (!p.allowed || !p.stands) continue;
    const std::string curve = goal.sum.empty() ? names.model(p) : "all models";
    all[curve].push_back(&p);
    if (p.front) front[curve].push_back(&p);
  }
  // Between two points of the front, the better y is reached only at the next x.
  const char* steps = goal.minimize.empty() ? "fsteps" : "steps";
  std::string data, curves;
  int number = 0;
  for (const auto& [curve, group] : all) {
    ++number;
    data += block(fmt::format("all{}", number), group, names, x, y);
    data += block(fmt::format("front{}", number), front.at(curve), names, x, y);
    curves += fmt::format(
        "{0}$all{1} using 1:2 with points pointtype 6 linecolor {1} notitle, "
        "$front{1} using 1:2 with {3} linecolor {1} notitle, "
        "$front{1} using 1:2 with points pointtype 7 linecolor {1} title {2}, "
        "$front{1} using 1:2:3 with labels left offset 0.7,0.5 font ',9' notitle",
        number > 1 ? ", " : "plot ", number, quoted(curve.empty() ? "front" : curve), steps);
  }
  return fmt::format(
      "set terminal {} size 1000,600 noenhanced\nset output {}\nset grid\n"
      "set key outside right top\nset title {}\nset offsets graph 0.05, graph 0.1, graph 0.05, "
      "graph 0.05\n"
      "{}{}{}{}\n",
      terminal, quoted(file), quoted(names.label_key()), axis("x", x, points), axis("y", y, points),
      data, curves);
}

}  // namespace trine::sweep
