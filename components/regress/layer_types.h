// SPDX-License-Identifier: Apache-2.0
//
// Lists all layer types of the golden reference, each with a function that builds a network of one
// such layer. The sizes of the layers are derived from a design, so that they are below, at and
// above the multiples of its rows, columns and words.

#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "spec/config.h"
#include "sw/reference/golden.h"
#include "tools/random/builder.h"

namespace trine::regress {

/// The codes of weights and inputs.
enum class Codes {
  kRandom,
  kEnds,  ///< only the lowest and the highest code
};

/// The sizes of a layer.
struct Corner {
  std::string_view name;  ///< "above rows and columns"
  int H = 1, W = 1;       ///< rows and columns of the input's pixels
  int C = 1, M = 1;       ///< input and output channels
  Codes codes = Codes::kRandom;

  /// Returns the corner with at least these pixels, for layers with a window.
  Corner at_least(int height, int width) const;
};

/// Returns the corners of a design, small ones first.
std::vector<Corner> corners_of(const spec::Config& config);

/// The memory that a layer exceeds in its largest corner.
enum class Beyond { kNothing, kPmem, kDmem };

/// A type of layer.
struct LayerType {
  std::string_view group;  ///< "convolution", "pool", ...
  std::string name;        ///< "3x3, stride 2"
  std::function<void(fuzz::Builder&, const Corner&)> build;
  std::string_view needs{};  ///< a key of the configuration that must be on, or empty
  Beyond beyond = Beyond::kNothing;
  reference::RoundingPolicy rounding = reference::kDoublePolicy;

  /// Returns the name within all types: "convolution: 3x3, stride 2".
  std::string full_name() const { return std::string(group) + ": " + name; }
};

/// Returns all types, group by group.
const std::vector<LayerType>& layer_types();
/// Returns the names of the groups.
std::vector<std::string> layer_groups();

/// Returns the corner in which a layer of `type` exceeds the memory of type.beyond.
/// @pre type.beyond is a memory
Corner large_corner(const LayerType& type, const spec::Config& config);

}  // namespace trine::regress
