// SPDX-License-Identifier: Apache-2.0
//
// Computes windows from a node's attributes, along each axis after [N, C], for the importer and the
// host.

#pragma once

#include <cstdint>
#include <vector>

#include "sw/host/onnx/node/node.h"

namespace trine::host::onnx {

constexpr int kMaxWindow = 65535;            ///< strides, dilations, filters, borders
constexpr std::int64_t kMaxReach = 1 << 24;  ///< extent of a dilated filter

/// Checks a size or border.
/// @throws Error  if it is outside of least..kMaxWindow
int bounded(std::int64_t value, std::int64_t least, const char* what);

/// Returns the pixels from a window's first tap to its last.
/// @throws Error  beyond kMaxReach
int reach_of(int taps, int dilation);
/// Returns the number of windows along an axis of `extent` pixels with a border. If `ceils`, the
/// last window may extend beyond the border, as long as it begins in the image or in the border
/// before it.
/// @throws Error  if there is no window
int windows_of(std::int64_t extent, int before, int after, int reach, int stride, bool ceils);

/// The windows of a node along each axis.
struct Windows {
  std::vector<int> taps, strides, dilations, before, after;  ///< an entry for each axis
  /// The last window may extend beyond the border.
  bool ceils = false;

  int reach(std::size_t axis) const { return reach_of(taps[axis], dilations[axis]); }
  bool has_borders() const;
  /// Returns the number of windows along an axis of an image.
  int count(std::size_t axis, int extent) const;
  /// Returns how far the last window extends beyond the border.
  int beyond(std::size_t axis, int extent) const;
};

/// Returns the windows of a node.
/// @param image  extents after [N, C]
/// @param filter  taps of the weights; if empty, kernel_shape gives them
/// @throws Error  if sizes do not fit
Windows windows_over(const Node& node, const std::vector<int>& image,
                     const std::vector<int>& filter = {});

/// An axis of a transposed convolution: all outputs, and the ones that remain.
struct Span {
  int whole, first, size;
  /// Number of the filter's taps, of the zeros between them, and of the zeros after them that serve
  /// outputs that no pixel reaches.
  int taps;
};
std::vector<Span> transposed_over(const Node& node, const std::vector<int>& image,
                                  const Windows& windows);

}  // namespace trine::host::onnx
