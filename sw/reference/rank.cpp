// SPDX-License-Identifier: Apache-2.0

#include "sw/reference/rank.h"

#include <algorithm>
#include <limits>

namespace trine::reference {

std::size_t rank_of(const Array& output, const std::vector<std::int64_t>& labels) {
  constexpr auto kLast = std::numeric_limits<std::size_t>::max();
  const auto elements = static_cast<std::size_t>(output.elements());
  if (labels.empty() || elements == 0 || elements % labels.size() != 0) return kLast;
  const std::size_t classes = elements / labels.size();
  std::size_t worst = 0;
  for (std::size_t row = 0; row < labels.size(); ++row) {
    const auto label = static_cast<std::size_t>(labels[row]);  // a negative label is out of range
    if (classes == 1) {                                        // the network ends in ARG_MAX
      if (static_cast<std::int64_t>(output.value(row)) != labels[row]) return kLast;
      continue;
    }
    if (label >= classes) return kLast;
    const double own = output.value(row * classes + label);
    std::size_t before = 0;
    for (std::size_t c = 0; c < classes; ++c) {
      const double other = output.value(row * classes + c);
      if (other > own || (other == own && c < label)) ++before;
    }
    worst = std::max(worst, before);
  }
  return worst;
}

}  // namespace trine::reference
