// SPDX-License-Identifier: Apache-2.0
//
// trine quantize --mixed and --choice (components/zoo/mixed.py): uses fewer bits for the weights of
// layers that tolerate it.

#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "components/accuracy/data.h"
#include "tools/cli/common.h"

namespace trine::cli {

/// The options and the result of the search.
class Mixed {
 public:
  void declare(Command command);

  /// Returns true if an option was given.
  bool asked() const { return searches_ || !choice_.empty(); }
  const std::string& plot() const { return plot_; }
  const std::string& choice() const { return choice_; }
  /// Returns the file to which a search for the model `out` writes its choice; empty without a
  /// search.
  std::string choice_of(const std::string& out) const;
  /// Checks the options. @throws Error  --accuracy or --plot is invalid, the design supports only
  /// int8 weights, or `model` is not an .onnx file
  void check(const std::string& model, const spec::Config& config) const;
  /// Returns the maximum number of examples for the accuracy.
  std::size_t answers() const { return answers_; }

  /// Returns additional arguments of components/zoo/quantize.py.
  /// @param data  examples with labels, of which `count` are used; nullptr: none
  /// @param scratch  folder for files that both programs use
  std::vector<std::string> arguments(const Design& design, const spec::Config& config,
                                     const DataSet* data, std::size_t count,
                                     const std::filesystem::path& scratch);
  /// Reads the report in `scratch`, writes the choice next to `out`, and draws the plot.
  void take(const std::filesystem::path& scratch, const std::string& out);

  /// Returns the result as text.
  std::string text() const;
  /// Returns the result as JSON with the keys "float_accuracy", "labels", "answers", "reached",
  /// "steps" and "choice".
  const Json& json() const { return report_; }
  /// Returns true if the wanted accuracy was reached.
  bool reached() const { return !report_.contains("reached") || report_["reached"].get<bool>(); }

 private:
  std::string script(const std::string& terminal, const std::string& picture) const;

  bool searches_ = false;
  std::string accuracy_ = "-1%", choice_, plot_;
  std::size_t answers_ = 1000;
  std::string chosen_;  ///< the file with the choice of --mixed
  Json report_ = Json::object();
};

}  // namespace trine::cli
