// SPDX-License-Identifier: Apache-2.0
//
// A user's examples, with or without labels, and their preparation for a model. docs/accuracy.md
// defines the formats.
//
//   value = (x - mean) * scale,   code = round(value / input's scale) + input's zero point

#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "sw/base/npy.h"
#include "sw/model/graph/graph.h"
#include "sw/reference/golden.h"
#include "tools/cli/common.h"

namespace trine::cli {

/// Examples in memory or in files.
class DataSet {
 public:
  /// Reads a folder (x.npy, labels.csv, folders of classes, vectors) or a CSV file of numbers.
  /// @throws Error  names the file at fault
  explicit DataSet(const std::string& path);

  /// Returns the number of examples.
  std::size_t size() const { return examples_.size(); }
  /// Returns one example as it is stored. @throws Error  its file cannot be read
  Array example(std::size_t index) const;
  /// Returns the example's labels: none, one, or one for each row of the model's output.
  const std::vector<std::int64_t>& labels(std::size_t index) const {
    return examples_.at(index).labels;
  }
  /// Returns "images.npy" or "x.npy[17]", for messages.
  const std::string& name(std::size_t index) const { return examples_.at(index).name; }
  /// Returns the rounding of the runtime that recorded the vectors, or LiteRT 1.2.0's.
  reference::RoundingPolicy policy() const { return policy_; }

 private:
  struct Example {
    std::string name, file;
    std::size_t row = 0;  ///< index in stack_, if `file` is empty
    std::vector<std::int64_t> labels;
  };

  void read_stack(const std::string& images, const std::string& labels);
  void read_vectors(const std::string& folder);
  void read_list(const std::string& file, const std::string& folder);
  void read_rows(const std::string& file);
  void read_files(const std::string& folder);

  std::vector<Example> examples_;
  Array stack_;  ///< examples along the first axis
  reference::RoundingPolicy policy_;
};

/// The options --mean and --scale: one value for all channels, or one for each.
struct Preparation {
  std::vector<std::string> mean_text, scale_text;

  void declare(Command command);
  /// Parses the numbers. @throws Error
  void parse();
  /// Returns true if an option was given.
  bool given() const { return !mean_.empty() || !scale_.empty(); }

  /// Returns the real values of an example.
  /// @param channels_first  true if the channel axis comes first
  /// @throws Error  begins with `name`: the number of channels differs
  std::vector<double> values(const Array& example, bool channels_first,
                             const std::string& name) const;
  /// Returns the example in the shape and type of a model's input. The example must have the same
  /// shape (except for extents of 1), or be a flat list of as many values.
  /// @throws Error  begins with `name`: another shape, or a type without values
  Array prepared(const Array& example, const model::Tensor& input, bool channels_first,
                 const std::string& name) const;

 private:
  std::vector<double> mean_, scale_;
};

}  // namespace trine::cli
