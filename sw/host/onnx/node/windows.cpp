// SPDX-License-Identifier: Apache-2.0

#include "sw/host/onnx/node/windows.h"

#include <algorithm>

#include "sw/base/division.h"
#include "sw/base/error.h"

namespace trine::host::onnx {
namespace {

/// Returns an attribute with an entry for each axis.
std::vector<int> list_of(const Node& node, const char* key, std::size_t count, int otherwise,
                         int least) {
  std::vector<int> result;
  for (const std::int64_t x : node.integers(key)) result.push_back(bounded(x, least, key));
  if (result.empty()) result.assign(count, otherwise);
  if (result.size() != count)
    throw_error("{} has {} entries, allowed {}", key, result.size(), count);
  return result;
}

/// Returns the first part of a border. The odd pixel is in the second part, or in the first with
/// SAME_LOWER.
std::int64_t first_part(std::int64_t border, const std::string& automatic) {
  return automatic == "SAME_UPPER" ? border / 2 : border - border / 2;
}

bool is_same(const std::string& automatic) {
  return automatic == "SAME_UPPER" || automatic == "SAME_LOWER";
}

}  // namespace

int bounded(std::int64_t value, std::int64_t least, const char* what) {
  if (value < least || value > kMaxWindow)
    throw_error("{} {}, allowed {}..{}", what, value, least, kMaxWindow);
  return static_cast<int>(value);
}

int reach_of(int taps, int dilation) {
  if (std::int64_t{taps} * dilation > kMaxReach)
    throw_error("a window of {} taps, {} apart, is too large", taps, dilation);
  return (taps - 1) * dilation + 1;
}

int windows_of(std::int64_t extent, int before, int after, int reach, int stride, bool ceils) {
  const std::int64_t room = extent + before + after - reach;
  if (room < 0) throw_error("the window is larger than the input");
  std::int64_t count = (ceils ? divide_up(room, stride) : room / stride) + 1;
  // A window that begins after the image does not count.
  if (ceils && (count - 1) * stride >= extent + before) --count;
  return static_cast<int>(count);
}

bool Windows::has_borders() const {
  const auto is_border = [](int pixels) { return pixels != 0; };
  return std::ranges::any_of(before, is_border) || std::ranges::any_of(after, is_border);
}

int Windows::count(std::size_t axis, int extent) const {
  return windows_of(extent, before[axis], after[axis], reach(axis), strides[axis], ceils);
}

int Windows::beyond(std::size_t axis, int extent) const {
  const int end = (count(axis, extent) - 1) * strides[axis] + reach(axis);
  return std::max(end - (extent + before[axis] + after[axis]), 0);
}

Windows windows_over(const Node& node, const std::vector<int>& image,
                     const std::vector<int>& filter) {
  const std::size_t axes = image.size();
  Windows w;
  w.taps = filter;
  if (filter.empty() || !node.integers("kernel_shape").empty())
    w.taps = list_of(node, "kernel_shape", axes, 1, 1);
  if (!filter.empty() && w.taps != filter) throw_error("kernel_shape differs from the weights");
  if (w.taps.size() != axes)
    throw_error("a window of {} axes, which the image does not have", w.taps.size());
  w.strides = list_of(node, "strides", axes, 1, 1);
  w.dilations = list_of(node, "dilations", axes, 1, 1);
  w.before.assign(axes, 0);
  w.after.assign(axes, 0);
  w.ceils = node.integer("ceil_mode", 0) != 0;
  const std::string automatic = node.text("auto_pad", "NOTSET");
  if (!is_same(automatic) && automatic != "NOTSET" && automatic != "VALID")
    throw_error("auto_pad '{}', allowed NOTSET SAME_UPPER SAME_LOWER VALID", automatic);
  if (automatic == "NOTSET") {
    const std::vector<int> pads = list_of(node, "pads", 2 * axes, 0, 0);
    std::copy_n(pads.begin(), axes, w.before.begin());
    std::copy_n(pads.begin() + static_cast<std::ptrdiff_t>(axes), axes, w.after.begin());
  }
  for (std::size_t i = 0; i < axes; ++i) {
    bounded(w.taps[i], 1, "filter");
    const int reach = w.reach(i);
    if (!is_same(automatic)) continue;
    const int border =
        std::max((divide_up(image[i], w.strides[i]) - 1) * w.strides[i] + reach - image[i], 0);
    w.before[i] = static_cast<int>(first_part(border, automatic));
    w.after[i] = border - w.before[i];
  }
  return w;
}

std::vector<Span> transposed_over(const Node& node, const std::vector<int>& image,
                                  const Windows& windows) {
  const std::string automatic = node.text("auto_pad", "NOTSET");
  const std::vector<int> added = list_of(node, "output_padding", image.size(), 0, 0);
  std::vector<std::int64_t> wanted = node.integers("output_shape");
  if (wanted.size() == image.size() + 2) wanted.erase(wanted.begin(), wanted.begin() + 2);
  if (wanted.empty() && is_same(automatic))
    for (std::size_t i = 0; i < image.size(); ++i)
      wanted.push_back(std::int64_t{image[i]} * windows.strides[i]);
  if (!wanted.empty() && wanted.size() != image.size())
    throw_error("output_shape of {} axes, which the image does not have", wanted.size());
  std::vector<Span> spans;
  for (std::size_t i = 0; i < image.size(); ++i) {
    const int stride = windows.strides[i], reach = windows.reach(i);
    const std::int64_t met = std::int64_t{image[i] - 1} * stride + reach;
    std::int64_t first = windows.before[i], size = met + added[i] - first - windows.after[i];
    if (!wanted.empty()) {
      size = wanted[i];
      first = first_part(std::max<std::int64_t>(met + added[i] - size, 0), automatic);
    }
    if (met > kMaxReach || size < 1 || size > kMaxReach)
      throw_error("{} outputs along an axis, from {} on, are too many or none", size, first);
    const int beyond = static_cast<int>(std::max<std::int64_t>(first + size - met, 0));
    spans.push_back({static_cast<int>(met) + beyond, static_cast<int>(first),
                     static_cast<int>(size), reach + std::max(beyond - (stride - 1), 0)});
  }
  return spans;
}

}  // namespace trine::host::onnx
