// SPDX-License-Identifier: Apache-2.0
//
// Windows as a node's attributes say them, along each axis behind [N, C]: for the importer, for
// forms, and on the host.

#pragma once

#include <cstdint>
#include <vector>

#include "sw/model/onnx/read/file.h"

namespace trine::model::onnx_file {

constexpr int kMaxWindow = 65535;            ///< strides, dilations, filters, borders
constexpr std::int64_t kMaxReach = 1 << 24;  ///< extent of a dilated filter

/// A size or border. @throws Error  outside of least..kMaxWindow
int bounded(std::int64_t value, std::int64_t least, const char* what);

/// Pixels from a window's first tap to its last. @throws Error  beyond kMaxReach
int reach_of(int taps, int dilation);
/// Windows along an axis of `extent` pixels with a border; the last may stand out if `ceils`, as
/// long as it begins within the image or its border before. @throws Error  there is none
int windows_of(std::int64_t extent, int before, int after, int reach, int stride, bool ceils);

struct Windows {
  std::vector<int> taps, strides, dilations, before, after;  ///< an entry for each axis
  bool ceils = false;                                        ///< the last may stand out

  int reach(std::size_t axis) const { return reach_of(taps[axis], dilations[axis]); }
  bool has_borders() const;
  /// Windows along an axis of an image.
  int count(std::size_t axis, int extent) const;
  /// How far the last of them stands out.
  int beyond(std::size_t axis, int extent) const;
};

/// @param image  its extents behind [N, C] @param filter  the weights' taps; without: kernel_shape
/// @throws Error  what does not fit
Windows windows_over(const Node& node, const std::vector<int>& image,
                     const std::vector<int>& filter = {});

/// Along an axis of a transposed convolution: all outputs, and those that are left.
struct Span {
  int whole, first, size;
  int taps;  ///< of the filter, with zeros between and, for outputs that no pixel meets, behind
};
std::vector<Span> transposed_over(const Node& node, const std::vector<int>& image,
                                  const Windows& windows);

}  // namespace trine::model::onnx_file
