// SPDX-License-Identifier: Apache-2.0

#include "components/regress/checks.h"

#include <sys/resource.h>

#include <algorithm>

namespace trine::regress {

std::vector<std::string> Context::design_options() const {
  std::vector<std::string> options{"--config", design.config};
  for (const std::string& setting : design.settings)
    options.insert(options.end(), {"--set", setting});
  return options;
}

double processor_seconds() {
  double all = 0;
  for (const int whose : {RUSAGE_SELF, RUSAGE_CHILDREN}) {
    rusage used{};
    ::getrusage(whose, &used);
    all += static_cast<double>(used.ru_utime.tv_sec + used.ru_stime.tv_sec) +
           1e-6 * static_cast<double>(used.ru_utime.tv_usec + used.ru_stime.tv_usec);
  }
  return all;
}

bool Context::over() const {
  return level != Level::kFull && processor_seconds() > count(30, 240, 0);
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
