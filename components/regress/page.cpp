// SPDX-License-Identifier: Apache-2.0

#include "components/regress/page.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <map>

#include "sw/base/text.h"

namespace trine::regress {
namespace {

constexpr std::string_view name_of(State state) {
  switch (state) {
    case State::kPassed:
      return "passed";
    case State::kFailed:
      return "FAILED";
    case State::kExcused:
      return "n/a";
    default:
      return "not run";
  }
}

std::string escaped(std::string_view text) {
  std::string out;
  for (const char c : text) switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '"':
        out += "&quot;";
        break;
      default:
        if (static_cast<unsigned char>(c) >= 0x20 || c == '\n') out += c;
    }
  return out;
}

/// Returns the rows of a table of layer types, or "".
std::string layers_of(const Row& row) {
  if (!row.check->name.starts_with("layers.") || !row.details.is_array()) return "";
  std::string text =
      "<table><tr><th>layer type</th><th>exact</th><th>cycles</th><th>remark</th></tr>\n";
  for (const Json& type : row.details) {
    std::string remark = type.value("reason", "");
    if (type.contains("failed"))
      remark = type["failed"][0].value("corner", "") + ": " + type["failed"][0].value("text", "");
    text += fmt::format("<tr><td>{}</td><td>{}</td><td>{}</td><td>{}</td></tr>\n",
                        escaped(type.value("type", "")), type.value("exact", 0),
                        grouped(type.value("cycles", std::uint64_t{0})), escaped(remark));
  }
  return "<details><summary>layer types</summary>" + text + "</table></details>";
}

/// Returns the lines that never ran, by file, or "".
std::string holes_of(const Row& row) {
  if (row.check->name != "coverage" || !row.details.contains("missed")) return "";
  std::string text = "<details><summary>lines that never ran</summary><table>", file;
  for (const Json& hole : row.details.at("missed")) {
    const std::string of = hole.value("file", "");
    text += fmt::format("<tr><td>{}</td><td>{}</td><td><code>{}</code></td></tr>\n",
                        of == file ? "" : escaped(of), hole.value("line", 0),
                        escaped(hole.value("text", "")));
    file = of;
  }
  return text + "</table></details>";
}

constexpr std::string_view kStyle =
    "body{font:15px/1.45 sans-serif;margin:2em auto;max-width:70em;color:#222}"
    "table{border-collapse:collapse;width:100%}td,th{text-align:left;vertical-align:top;"
    "border-bottom:1px solid #ddd;padding:.3em .6em}"
    ".passed{color:#1a7f37}.failed{color:#b3261e;font-weight:bold}.other{color:#777}"
    "code{font-size:13px;background:#f4f4f4;padding:.1em .3em}"
    ".verdict{font-size:1.4em}";

std::string_view class_of(State state) {
  return state == State::kPassed ? "passed" : state == State::kFailed ? "failed" : "other";
}

}  // namespace

int Page::count(State state) const {
  return static_cast<int>(std::ranges::count(rows, state, &Row::state));
}

std::string Page::verdict() const {
  const int failed = count(State::kFailed), passed = count(State::kPassed);
  const std::string begin = interrupted ? "INTERRUPTED, " : "";
  if (failed == 0)
    return begin + fmt::format("{}: {} checks of {}", passed > 0 ? "PASSED" : "NOTHING CHECKED",
                               passed, design);
  std::vector<std::string> names;
  for (const Row& row : rows)
    if (row.state == State::kFailed) names.push_back(row.check->name);
  return begin + fmt::format("FAILED: {} of {} checks of {}: {}", failed, failed + passed, design,
                             fmt::join(names, ", "));
}

std::vector<std::string> Page::not_checked() const {
  std::vector<std::string> all;
  for (const Row& row : rows) {
    if (row.state == State::kExcused || row.state == State::kLeftOut)
      all.push_back(fmt::format("{} ({})", row.check->name, row.text));
    for (const std::string& gap : row.gaps) all.push_back(gap);
    if (!row.check->name.starts_with("layers.") || !row.details.is_array()) continue;
    std::map<std::string, std::vector<std::string>> types;  // by reason
    for (const Json& type : row.details)
      if (type.value("exact", 0) == 0 && !type.contains("failed"))
        types[type.value("reason", "")].push_back(type.value("type", ""));
    for (const auto& [reason, names] : types)
      all.push_back(fmt::format("{} {}: {}", row.check->name, fmt::join(names, "; "), reason));
  }
  return all;
}

std::string to_text(const Page& page, std::size_t width) {
  std::string text = page.verdict() + "\n";
  const std::vector<std::string> gaps = page.not_checked();
  if (gaps.empty())
    text += "Not checked: nothing of the list below\n";
  else
    text += fmt::format("Not checked ({}):\n", gaps.size());
  constexpr std::size_t kShown = 12;
  for (std::size_t i = 0; i < std::min(kShown, gaps.size()); ++i)
    text += "  " + gaps[i].substr(0, width - 2) + "\n";
  if (gaps.size() > kShown)
    text += fmt::format("  and {} more: see the page\n", gaps.size() - kShown);
  std::string stage;
  for (const Row& row : page.rows) {
    if (row.check->stage != stage) text += "\n" + (stage = row.check->stage) + "\n";
    const std::string head =
        fmt::format("  {:22} {:7} {:6.1f} s  ", row.check->name, name_of(row.state), row.seconds);
    const std::size_t room = width - std::min(width - 20, head.size());
    text += head + row.text.substr(0, row.text.find('\n')).substr(0, room) + "\n";
    if (row.state == State::kFailed) text += "    repeat: " + row.command + "\n";
  }
  return text;
}

std::string to_html(const Page& page) {
  std::string text = fmt::format(
      "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><title>Regression of "
      "{0}</title><style>{1}</style></head><body>\n<h1>Regression of {0}</h1>\n"
      "<p class=\"verdict {2}\">{3}</p>\n",
      escaped(page.design), kStyle,
      page.count(State::kFailed) > 0 ? "failed"
      : page.interrupted             ? "other"
                                     : "passed",
      escaped(page.verdict()));
  const std::vector<std::string> gaps = page.not_checked();
  text += fmt::format("<details open><summary>Not checked: {}</summary><ul>\n", gaps.size());
  for (const std::string& gap : gaps) text += "<li>" + escaped(gap) + "</li>\n";
  text += "</ul></details>\n";
  std::string stage;
  for (const Row& row : page.rows) {
    if (row.check->stage != stage) {
      text += (stage.empty() ? "" : "</table>\n") +
              fmt::format(
                  "<h2>{}</h2>\n<table><tr><th>check</th><th>result</th><th>seconds</th>"
                  "<th>what</th></tr>\n",
                  escaped(row.check->stage));
      stage = row.check->stage;
    }
    text += fmt::format(
        "<tr><td>{}</td><td class=\"{}\">{}</td><td>{:.1f}</td><td>{}<br>{}{}<br><code>{}</code>"
        "</td></tr>\n",
        escaped(row.check->name), class_of(row.state), name_of(row.state), row.seconds,
        escaped(row.check->purpose), escaped(row.text), layers_of(row) + holes_of(row),
        escaped(row.command));
  }
  return text + "</table>\n</body></html>\n";
}

std::string to_junit(const Page& page) {
  std::string text = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n", stage;
  for (const Row& row : page.rows) {
    if (row.check->stage != stage) {
      text += (stage.empty() ? "" : "  </testsuite>\n");
      stage = row.check->stage;
      text += fmt::format("  <testsuite name=\"{}\">\n", escaped(stage));
    }
    text += fmt::format("    <testcase classname=\"{}\" name=\"{}\" time=\"{:.3f}\">",
                        escaped(page.design), escaped(row.check->name), row.seconds);
    if (row.state == State::kFailed)
      text += fmt::format("<failure message=\"{}\">{}</failure>",
                          escaped(row.text.substr(0, row.text.find('\n'))), escaped(row.command));
    else if (row.state != State::kPassed)
      text += fmt::format("<skipped message=\"{}\"/>", escaped(row.text));
    text += "</testcase>\n";
  }
  return text + (stage.empty() ? "" : "  </testsuite>\n") + "</testsuites>\n";
}

Json to_json(const Page& page) {
  Json json;
  json["verdict"] = page.count(State::kFailed) > 0    ? "failed"
                    : page.interrupted                ? "interrupted"
                    : page.count(State::kPassed) == 0 ? "nothing checked"
                                                      : "passed";
  json["not_checked"] = page.not_checked();
  for (const Row& row : page.rows)
    json["checks"].push_back({{"name", row.check->name},
                              {"stage", row.check->stage},
                              {"state", name_of(row.state)},
                              {"text", row.text},
                              {"gaps", row.gaps},
                              {"processor_seconds", row.seconds},
                              {"command", row.command},
                              {"details", row.details}});
  return json;
}

}  // namespace trine::regress
