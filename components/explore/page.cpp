// SPDX-License-Identifier: Apache-2.0

#include "components/explore/page.h"

#include <fmt/format.h>

#include <filesystem>
#include <variant>

#include "spec/csr.h"
#include "spec/schema.h"
#include "sw/base/error.h"
#include "sw/base/file.h"
#include "sw/base/root.h"
#include "tools/cli/common.h"

namespace trine::explore {
namespace {
namespace fs = std::filesystem;

constexpr const char* kDebianCharts = "/usr/share/javascript/chart.js/chart.min.js";

/// Returns a key for a control of the page.
Json control_of(const spec::Key& key) {
  Json control{{"name", key.name}, {"doc", key.doc}, {"allowed", spec::allowed_text(key)}};
  if (const auto* number = std::get_if<spec::IntKey>(&key.type)) {
    control["type"] = number->choices ? "choice" : "number";
    control["values"] = number->allowed;
  } else if (std::holds_alternative<spec::BoolKey>(key.type)) {
    control["type"] = "switch";
  } else {
    control["type"] = "precisions";
  }
  return control;
}

/// Returns what the page knows without any estimate.
Json known(const Scope& scope, const Json& points, bool served) {
  Json data{{"served", served}, {"revision", cli::revision()}, {"points", points}};
  for (const spec::Key& key : spec::schema())
    if (key.name != "name") data["controls"].push_back(control_of(key));
  for (const std::string& config : scope.configs)
    data["configs"].push_back(
        {{"name", config}, {"keys", spec::all_keys(spec::load_config(config))}});
  for (const Model& model : scope.models) data["models"].push_back(model.name);
  for (const auto& cause : csr::kCauses) data["causes"].push_back(cause.name);
  return data;
}

/// Replaces the comment `<!--name-->` of the template.
void put(std::string& page, const std::string& name, const std::string& text) {
  const std::string place = fmt::format("<!--{}-->", name);
  page.replace(page.find(place), place.size(), text);
}

}  // namespace

std::string page_of(const Scope& scope, const Json& points, bool served,
                    const std::string& charts) {
  const fs::path folder = project_root() / "components" / "explore" / "page";
  std::string page = read_text(folder / "page.html");
  const auto script = [](const std::string& text) { return "<script>\n" + text + "</script>"; };
  std::string data = json_text(known(scope, points, served));
  for (std::size_t at = 0; (at = data.find('<', at)) != std::string::npos;)
    data.replace(at, 1, "\\u003c");
  put(page, "style", "<style>\n" + read_text(folder / "page.css") + "</style>");
  put(page, "charts", script(charts));
  put(page, "data", "<script type=\"application/json\" id=\"data\">" + data + "</script>");
  put(page, "design", script(read_text(folder / "design.js")));
  put(page, "figures", script(read_text(folder / "figures.js")));
  put(page, "explore", script(read_text(folder / "explore.js")));
  return page;
}

std::string chart_library(const std::string& file) {
  if (!file.empty()) return read_text(file);
  if (!fs::exists(kDebianCharts))
    throw_error(
        "Chart.js is not installed: install Debian's package libjs-chart.js, or name the file "
        "chart.min.js of version 3 by --charts FILE");
  return read_text(kDebianCharts);
}

}  // namespace trine::explore
