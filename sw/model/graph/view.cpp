// SPDX-License-Identifier: Apache-2.0

#include "sw/model/graph/view.h"

#include <algorithm>
#include <functional>

#include "sw/base/index.h"

namespace trine::model {

View dense_view(const std::vector<int>& extents) {
  std::vector<std::int64_t> strides(extents.size(), 1);
  for (std::size_t i = extents.size(); i-- > 1;) strides[i - 1] = strides[i] * extents[i];
  return {extents, std::move(strides)};
}

View permuted(const View& view, const std::vector<int>& order) {
  View result;
  for (const int axis : order) {
    result.extents.push_back(view.extents[at(axis)]);
    result.strides.push_back(view.strides[at(axis)]);
  }
  return result;
}

View without_ones(View view) {
  for (std::size_t i = view.extents.size(); i-- > 0;)
    if (view.extents[i] == 1) {
      view.extents.erase(view.extents.begin() + static_cast<std::ptrdiff_t>(i));
      view.strides.erase(view.strides.begin() + static_cast<std::ptrdiff_t>(i));
    }
  return view;
}

std::optional<View> reshaped(const View& view, const std::vector<int>& extents) {
  const View old = without_ones(view);
  View result{extents, std::vector<std::int64_t>(extents.size(), 0)};
  std::size_t o = 0;
  for (std::size_t n = 0; n < extents.size();) {
    if (extents[n] == 1) {
      ++n;
      continue;
    }
    if (o == old.extents.size()) return std::nullopt;
    std::size_t o_end = o, n_end = n;
    std::int64_t have = old.extents[o_end++], want = extents[n_end++];
    while (have != want) {
      if (have < want) {
        if (o_end == old.extents.size()) return std::nullopt;
        have *= old.extents[o_end++];
      } else {
        if (n_end == extents.size()) return std::nullopt;
        want *= extents[n_end++];
      }
    }
    for (std::size_t k = o; k + 1 < o_end; ++k)
      if (old.strides[k] != old.strides[k + 1] * old.extents[k + 1]) return std::nullopt;
    std::int64_t stride = old.strides[o_end - 1];
    for (std::size_t k = n_end; k-- > n; stride *= extents[k]) result.strides[k] = stride;
    o = o_end;
    n = n_end;
  }
  return result;
}

std::optional<View> inverse(const View& view) {
  const View here = dense_view(view.extents);
  std::vector<std::size_t> axes;
  for (std::size_t i = 0; i < view.extents.size(); ++i)
    if (view.extents[i] != 1) axes.push_back(i);
  std::ranges::sort(axes, std::greater{}, [&](std::size_t i) { return view.strides[i]; });
  View result;
  std::int64_t inner = 1;
  for (const std::size_t i : axes) {
    result.extents.push_back(view.extents[i]);
    result.strides.push_back(here.strides[i]);
  }
  for (auto i = axes.rbegin(); i != axes.rend(); inner *= view.extents[*i++])
    if (view.strides[*i] != inner) return std::nullopt;
  return result;
}

}  // namespace trine::model
