// SPDX-License-Identifier: Apache-2.0
//
// trine quantize --mixed and --choice (models/mixed.py): fewer bits for the weights of layers that
// bear it.

#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "tools/cli/common.h"
#include "tools/cli/models/data.h"

namespace trine::cli {

class Mixed {
 public:
  void declare(Command command);

  bool asked() const { return searches_ || !choice_.empty(); }
  const std::string& plot() const { return plot_; }
  const std::string& choice() const { return choice_; }
  /// The file that a search for the model `out` writes its choice to; empty: there is no search.
  std::string choice_of(const std::string& out) const;
  /// @throws Error  of --accuracy, --plot; a design of int8 weights alone; `model` is no .onnx
  void check(const std::string& model, const machine::Config& config) const;
  /// Examples that the accuracy is of: at most this many.
  std::size_t answers() const { return answers_; }

  /// What models/quantize.py is told besides. @param data  whose labels count, `count` examples;
  /// nullptr: there are none  @param scratch  for files between here and there
  std::vector<std::string> arguments(const Design& design, const machine::Config& config,
                                     const DataSet* data, std::size_t count,
                                     const std::filesystem::path& scratch);
  /// Reads the report in `scratch`, draws, writes the choice next to `out`.
  void take(const std::filesystem::path& scratch, const std::string& out);

  std::string text() const;
  /// "float_accuracy", "labels", "answers", "reached", "steps", "choice"
  const Json& json() const { return report_; }
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
