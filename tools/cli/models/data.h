// SPDX-License-Identifier: Apache-2.0
//
// Examples that a user has, with or without labels, and what is done to them before a model sees
// them. docs/accuracy.md has the formats.
//
//   value = (x - mean) * scale,   code = round(value / input's scale) + input's zero point

#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/npy.h"
#include "sw/model/graph.h"
#include "sw/reference/run.h"
#include "tools/cli/common.h"

namespace trine::cli {

/// Examples in memory, or by the files that they lie in.
class DataSet {
 public:
  /// Reads a folder (x.npy, labels.csv, folders of classes, vectors) or a CSV file of numbers.
  /// @throws Error  names the file at fault
  explicit DataSet(const std::string& path);

  std::size_t size() const { return examples_.size(); }
  /// One example as it is stored. @throws Error  its file cannot be read
  Array example(std::size_t index) const;
  /// Its labels: none, one, or one for each row of the model's output.
  const std::vector<std::int64_t>& labels(std::size_t index) const {
    return examples_.at(index).labels;
  }
  /// "images.npy" or "x.npy[17]", for messages.
  const std::string& name(std::size_t index) const { return examples_.at(index).name; }
  /// How the runtime rounds that recorded vectors are of; else as LiteRT 1.2.0.
  reference::RoundingPolicy policy() const { return policy_; }

 private:
  struct Example {
    std::string name, file;
    std::size_t row = 0;  ///< of stack_, where `file` is empty
    std::vector<std::int64_t> labels;
  };

  void read_stack(const std::string& images, const std::string& labels);
  void read_vectors(const std::string& folder);
  void read_list(const std::string& file, const std::string& folder);
  void read_rows(const std::string& file);
  void read_files(const std::string& folder);

  std::vector<Example> examples_;
  Array stack_;  ///< examples along the leading axis
  reference::RoundingPolicy policy_;
};

/// --mean and --scale: one for all, or one for each channel.
struct Preparation {
  std::vector<std::string> mean_text, scale_text;

  void declare(CLI::App& command);
  /// Checks the numbers. @throws Error
  void parse();
  bool given() const { return !mean_.empty() || !scale_.empty(); }

  /// Real values of an example. @param channels_first  where each channel's numbers apply
  /// @throws Error  begins with `name`: another count of channels
  std::vector<double> values(const Array& example, bool channels_first,
                             const std::string& name) const;
  /// The example as an input of a model: in its shape (extents of 1 aside), in its codes.
  /// @throws Error  begins with `name`: another shape, or a type that says nothing about values
  Array prepared(const Array& example, const model::Tensor& input, bool channels_first,
                 const std::string& name) const;

 private:
  std::vector<double> mean_, scale_;
};

}  // namespace trine::cli
