// SPDX-License-Identifier: Apache-2.0
//
// The explorer's page: one HTML file that loads nothing.

#pragma once

#include <string>
#include <vector>

#include "components/explore/designs.h"

namespace trine::explore {

/// The designs from which a reader starts, and the models.
struct Scope {
  std::vector<std::string> configs;  ///< presets or files
  std::vector<Model> models;
};

/// Returns the page.
/// @param points  designs that are already estimated, each {"config", "model", ...figures_of()}
/// @param served  true: the page asks its server for other designs
/// @param charts  Chart.js, see chart_library()
std::string page_of(const Scope& scope, const Json& points, bool served, const std::string& charts);

/// Returns the text of Chart.js. @param file  "": the file of Debian's package libjs-chart.js
/// @throws Error  it is not installed
std::string chart_library(const std::string& file);

}  // namespace trine::explore
