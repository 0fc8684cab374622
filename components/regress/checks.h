// SPDX-License-Identifier: Apache-2.0
//
// Lists the checks that `trine regress` makes of a design. Each check is independent of the others
// and can be repeated separately.

#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "spec/config.h"
#include "sw/base/json.h"
#include "tools/cli/common.h"

namespace trine::regress {

/// How much is checked.
enum class Level { kQuick, kDefault, kFull };

/// The design, and what the checks share.
struct Context {
  cli::Design design;
  spec::Config config;
  Level level = Level::kDefault;
  std::string out;  ///< folder for the design, failures and builds
  std::uint64_t seed = 1;
  int jobs = 1;

  /// Returns `quick`, `normal` or `full`, by the level.
  int count(int quick, int normal, int full) const {
    return level == Level::kQuick ? quick : level == Level::kDefault ? normal : full;
  }
  /// Returns true if a check that runs many cases should end: it has used its share of the level's
  /// processor time. Cases of large arrays take long.
  bool over() const;
  /// Returns the options that name the design: --config C --set key=value ...
  std::vector<std::string> design_options() const;
};

/// Returns the processor time of this process and of all that it started.
double processor_seconds();

/// Returns the folder with the line counters of the checks that ran.
std::filesystem::path coverage_folder(const Context& context);

/// The result of a check.
struct Finding {
  std::string covered{};            ///< "31 layer types, 186 layers exact on the RTL"
  std::string failure{};            ///< empty: passed
  std::vector<std::string> gaps{};  ///< what this check could not cover, with the reason
  Json details{};
};

/// A check.
struct Check {
  std::string name{};   ///< for --only: "layers.convolution"
  std::string stage;    ///< "layer types"
  std::string purpose;  ///< what it compares, for the page
  std::function<Finding(const Context&)> run;
  /// Reason for which the check does not apply to the design or this computer; empty: it does.
  std::string excuse{};
  Level least = Level::kQuick;  ///< smaller levels leave it out
  int order = 1;                ///< checks of a lower order run before
};

/// Returns all checks of a design, in the order of the page.
std::vector<Check> checks_of(const Context& context);

// The checks by file.
std::vector<Check> design_checks(const Context& context);   ///< emission, lint, netlist, area
std::vector<Check> layer_checks(const Context& context);    ///< layer types
std::vector<Check> machine_checks(const Context& context);  ///< programs, bus, resets, networks
std::vector<Check> module_checks(const Context& context);   ///< benches, proofs

}  // namespace trine::regress
