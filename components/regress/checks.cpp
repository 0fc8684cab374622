// SPDX-License-Identifier: Apache-2.0

#include "components/regress/checks.h"

#include <algorithm>

namespace trine::regress {

std::vector<std::string> Context::design_options() const {
  std::vector<std::string> options{"--config", design.config};
  for (const std::string& setting : design.settings)
    options.insert(options.end(), {"--set", setting});
  return options;
}

std::filesystem::path coverage_folder(const Context& context) {
  return std::filesystem::path(context.out) / "coverage";
}

std::vector<Check> checks_of(const Context& context) {
  std::vector<Check> all;
  for (const auto part : {design_checks, module_checks, layer_checks, machine_checks})
    for (Check& check : part(context)) all.push_back(std::move(check));
  std::ranges::stable_sort(all, {}, &Check::order);
  return all;
}

}  // namespace trine::regress
